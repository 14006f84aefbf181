// definitions.py "## Loading"
//
// Component-level values from linear memory, and handles out of the instance's table.
#pragma once

#include <cstdint>
#include <vector>

#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

inline constexpr uint64_t REALLOC_I32_MAX = 0xffff'ffff;
inline constexpr uint64_t MAX_STRING_BYTE_LENGTH = (1u << 28) - 1;
inline constexpr uint64_t MAX_LIST_BYTE_LENGTH = (1u << 28) - 1;

Value load(const LiftLowerContext& cx, uint64_t ptr, const ValType& t);
uint64_t load_int(const LiftLowerContext& cx, uint64_t ptr, uint64_t nbytes, bool is_signed = false);
bool convert_int_to_bool(uint64_t i);
Value load_string(const LiftLowerContext& cx, uint64_t ptr);
Value load_string_from_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t tagged_code_units);
Value lift_error_context(const LiftLowerContext& cx, uint64_t i);
Value load_list(const LiftLowerContext& cx, uint64_t ptr, const ValType& elem_type);
Value load_list_from_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t length, const ValType& elem_type);
Values load_list_from_valid_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t length, const ValType& elem_type);
Value load_record(const LiftLowerContext& cx, uint64_t ptr, const std::vector<FieldType>& fields);
Value load_variant(const LiftLowerContext& cx, uint64_t ptr, const std::vector<CaseType>& cases);
Value lift_own(const LiftLowerContext& cx, uint64_t i, const ValType& t);
Value lift_borrow(const LiftLowerContext& cx, uint64_t i, const ValType& t);
// `t` is what the stream or future is of.
Value lift_stream(const LiftLowerContext& cx, uint64_t i, const ValType& t);
Value lift_future(const LiftLowerContext& cx, uint64_t i, const ValType& t);

}  // namespace lockstep::model
