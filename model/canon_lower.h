// definitions.py "### `canon lower`"
//
// A call out of core code, synchronous or asynchronous: makes a subtask and starts the callee.
#pragma once

#include "model/options.h"
#include "model/task.h"

namespace lockstep::model {

Values canon_lower(const FuncInst& callee, const FuncType& ft, const CanonicalOptions& opts, const Values& flat_args);

}  // namespace lockstep::model
