// definitions.py "### `canon lift`"
//
// A call of a lifted function: makes a task and its implicit thread and runs it until it blocks or ends.
#pragma once

#include <utility>

#include "model/options.h"
#include "model/task.h"

namespace lockstep::model {

OnCancel canon_lift(const CoreFunc& callee, const FuncType& ft, const CanonicalOptions& opts, ComponentInstance* inst,
                    OnStart on_start, OnResolve on_resolve);

enum class CallbackCode : uint32_t { EXIT = 0, YIELD = 1, WAIT = 2, MAX = 2 };

std::pair<CallbackCode, uint32_t> unpack_callback_result(CoreVal packed);

CoreValues call_and_trap_on_throw(const CoreFunc& callee, const CoreValues& args);

}  // namespace lockstep::model
