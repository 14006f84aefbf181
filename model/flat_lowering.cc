#include "model/flat_lowering.h"

#include "model/despecialization.h"
#include "model/flattening.h"
#include "model/storing.h"
#include "model/trap.h"

namespace lockstep::model {

CoreValues lower_flat(const LiftLowerContext& cx, const Value& v, const ValType& type) {
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
    case Kind::U8:
    case Kind::U16:
    case Kind::U32:
    case Kind::U64:
      return {v.bits};
    case Kind::S8:
    case Kind::S16:
    case Kind::S32:
      return lower_flat_signed(v.bits, 32);
    case Kind::S64:
      return lower_flat_signed(v.bits, 64);
    case Kind::String:
      return lower_flat_string(cx, v);
    case Kind::ErrorContext:
      return {lower_error_context(cx, v)};
    case Kind::List:
      return lower_flat_list(cx, v, t->t);
    case Kind::Record:
      return lower_flat_record(cx, v, t->fields);
    case Kind::Variant:
      return lower_flat_variant(cx, v, t->cases);
    case Kind::Own:
      return {lower_own(cx, v, t)};
    case Kind::Borrow:
      return {lower_borrow(cx, v, t)};
    case Kind::Stream:
      return {lower_stream(cx, v, t->t)};
    case Kind::Future:
      return {lower_future(cx, v, t->t)};
    default:
      LOCKSTEP_ASSERT(false);
  }
}

CoreValues lower_flat_signed(uint64_t i, uint32_t core_bits) { return {i << (64 - core_bits) >> (64 - core_bits)}; }

CoreValues lower_flat_string(const LiftLowerContext& cx, const Value& v) {
  const auto [ptr, packed_length] = store_string_into_range(cx, v);
  return {ptr, packed_length};
}

CoreValues lower_flat_list(const LiftLowerContext& cx, const Value& v, const ValType& elem_type) {
  const auto [ptr, length] = store_list_into_range(cx, v.children, elem_type);
  return {ptr, length};
}

CoreValues lower_flat_record(const LiftLowerContext& cx, const Value& v, const std::vector<FieldType>& fields) {
  CoreValues flat;
  for (size_t i = 0; i < fields.size(); ++i) {
    const CoreValues of_field = lower_flat(cx, v.children.at(i), fields[i].t);
    flat.insert(flat.end(), of_field.begin(), of_field.end());
  }
  return flat;
}

CoreValues lower_flat_variant(const LiftLowerContext& cx, const Value& v, const std::vector<CaseType>& cases) {
  const auto [case_index, case_value] = match_case(v, cases);
  std::vector<CoreType> flat_types = flatten_variant(cases, *cx.opts);
  spec_assert(flat_types.at(0) == CoreType::i32, "lower_flat_variant#1");
  flat_types.erase(flat_types.begin());
  const CaseType& c = cases[case_index];
  CoreValues payload;
  if (c.t) {
    payload = lower_flat(cx, *case_value, c.t);
    for (const CoreType have : flatten_type(c.t, *cx.opts)) {
      const CoreType want = flat_types.at(0);
      flat_types.erase(flat_types.begin());
      // From i32 to i64 the number stays what it is.
      spec_assert(have == want || (have == CoreType::i32 && want == CoreType::i64), "lower_flat_variant#2");
    }
  }
  for (size_t i = 0; i < flat_types.size(); ++i) payload.push_back(0);
  payload.insert(payload.begin(), case_index);
  return payload;
}

}  // namespace lockstep::model
