// definitions.py "### `canon lower`"
//
// A call out of core code, synchronous or asynchronous: makes a subtask and starts the callee.
#pragma once

#include "model/options.h"
#include "model/task.h"

namespace lockstep::model {

CoreValues canon_lower(const FuncInst& callee, const FuncType& ft, const CanonicalOptions& opts,
                       const CoreValues& flat_args);

}  // namespace lockstep::model
