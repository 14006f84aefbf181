// definitions.py "## Flat Lifting"
//
// Component-level values from core values.
#pragma once

#include <cstddef>
#include <vector>

#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

// Takes core values one after the other.
class CoreValueIter {
 public:
  CoreValues values;
  size_t i = 0;

  explicit CoreValueIter(CoreValues vs) : values(std::move(vs)) {}
  virtual ~CoreValueIter() = default;
  CoreValueIter(const CoreValueIter&) = default;

  virtual CoreVal next(CoreType t);
  bool done() const { return i == values.size(); }
};

Value lift_flat(const LiftLowerContext& cx, CoreValueIter& vi, const ValType& t);
uint64_t lift_flat_unsigned(CoreValueIter& vi, uint32_t core_width, uint32_t t_width);
uint64_t lift_flat_signed(CoreValueIter& vi, uint32_t core_width, uint32_t t_width);
Value lift_flat_string(const LiftLowerContext& cx, CoreValueIter& vi);
Value lift_flat_list(const LiftLowerContext& cx, CoreValueIter& vi, const ValType& elem_type);
Value lift_flat_record(const LiftLowerContext& cx, CoreValueIter& vi, const std::vector<FieldType>& fields);
Value lift_flat_variant(const LiftLowerContext& cx, CoreValueIter& vi, const std::vector<CaseType>& cases);
CoreVal wrap_i64_to_i32(CoreVal i);

}  // namespace lockstep::model
