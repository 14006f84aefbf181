// definitions.py "## Lifting and Lowering Values"
//
// The parameters or results of a call: flat, or in memory if they are too many.
#pragma once

#include <cstddef>
#include <vector>

#include "model/flat_lifting.h"
#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

Values lift_flat_values(const LiftLowerContext& cx, size_t max_flat, CoreValueIter& vi, const std::vector<ValType>& ts);
// `out_param` is where the address of a result area comes from; null: it is allocated.
CoreValues lower_flat_values(const LiftLowerContext& cx, size_t max_flat, const Values& vs,
                             const std::vector<ValType>& ts, CoreValueIter* out_param = nullptr);

}  // namespace lockstep::model
