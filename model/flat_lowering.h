// definitions.py "## Flat Lowering"
//
// Component-level values to core values.
#pragma once

#include <vector>

#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

CoreValues lower_flat(const LiftLowerContext& cx, const Value& v, const ValType& t);
CoreValues lower_flat_signed(uint64_t i, uint32_t core_bits);
CoreValues lower_flat_string(const LiftLowerContext& cx, const Value& v);
CoreValues lower_flat_list(const LiftLowerContext& cx, const Value& v, const ValType& elem_type);
CoreValues lower_flat_record(const LiftLowerContext& cx, const Value& v, const std::vector<FieldType>& fields);
CoreValues lower_flat_variant(const LiftLowerContext& cx, const Value& v, const std::vector<CaseType>& cases);

}  // namespace lockstep::model
