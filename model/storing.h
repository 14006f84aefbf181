// definitions.py "## Storing"
//
// Component-level values to linear memory, and handles into the instance's table.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

using PtrAndLength = std::pair<uint64_t, uint64_t>;

void store(const LiftLowerContext& cx, const Value& v, const ValType& t, uint64_t ptr);
void store_int(const LiftLowerContext& cx, uint64_t v, uint64_t ptr, uint64_t nbytes);
void store_string(const LiftLowerContext& cx, const Value& v, uint64_t ptr);
PtrAndLength store_string_into_range(const LiftLowerContext& cx, const Value& v);
PtrAndLength store_string_copy(const LiftLowerContext& cx, const std::string& src, uint64_t src_code_units,
                               uint64_t dst_code_unit_size, uint64_t dst_alignment);
uint32_t lower_error_context(const LiftLowerContext& cx, const Value& v);
void store_list(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const ValType& elem_type);
PtrAndLength store_list_into_range(const LiftLowerContext& cx, const Values& v, const ValType& elem_type);
void store_list_into_valid_range(const LiftLowerContext& cx, const Values& v, uint64_t ptr, const ValType& elem_type);
void store_record(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const std::vector<FieldType>& fields);
void store_variant(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const std::vector<CaseType>& cases);
// The index of the case, and its payload or null.
std::pair<uint32_t, const Value*> match_case(const Value& v, const std::vector<CaseType>& cases);
uint32_t lower_own(const LiftLowerContext& cx, const Value& rep, const ValType& t);
uint32_t lower_borrow(const LiftLowerContext& cx, const Value& rep, const ValType& t);
// `t` is what the stream or future is of.
uint32_t lower_stream(const LiftLowerContext& cx, const Value& v, const ValType& t);
uint32_t lower_future(const LiftLowerContext& cx, const Value& v, const ValType& t);

}  // namespace lockstep::model
