#include "model/loading.h"

#include <string_view>

#include "model/alignment.h"
#include "model/component_instance.h"
#include "model/despecialization.h"
#include "model/elem_size.h"
#include "model/error_context.h"
#include "model/future.h"
#include "model/resource.h"
#include "model/stream.h"
#include "model/subtask.h"
#include "model/trap.h"
#include "model/type_predicates.h"

namespace lockstep::model {
namespace {

// Python's bytes.decode('utf-8'): no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    const auto byte = [&](size_t k) { return i + k < s.size() ? static_cast<uint8_t>(s[i + k]) : uint8_t{0}; };
    const uint8_t b = byte(0);
    const size_t n = b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
    if (n == 0) return false;
    for (size_t k = 1; k < n; ++k)
      if ((byte(k) & 0xc0) != 0x80) return false;
    if (b == 0xe0 && byte(1) < 0xa0) return false;
    if (b == 0xed && byte(1) >= 0xa0) return false;
    if (b == 0xf0 && byte(1) < 0x90) return false;
    if (b == 0xf4 && byte(1) >= 0x90) return false;
    i += n;
  }
  return true;
}

template <typename ReadableEndT>
Value lift_async_value(const LiftLowerContext& cx, uint64_t i, const ValType& t) {
  spec_assert(!contains_borrow(t), "lift_async_value#1");
  auto* e = dynamic_cast<ReadableEndT*>(cx.inst->handles.remove(i));
  trap_if(e == nullptr, TrapSite::kLiftAsyncValue1);
  trap_if(e->shared->t != t, TrapSite::kLiftAsyncValue2);
  trap_if(e->state != CopyState::IDLE, TrapSite::kLiftAsyncValue3);
  trap_if(e->in_waitable_set(), TrapSite::kLiftAsyncValue4);
  Value v;
  v.shared = e->shared;
  return v;
}

}  // namespace

Value load(const LiftLowerContext& cx, uint64_t ptr, const ValType& type) {
  const CoreType ptr_type = cx.memory().ptr_type();
  spec_assert(ptr == align_to(ptr, alignment(type, ptr_type)), "load#1");
  spec_assert(uint128{ptr} + elem_size(type, ptr_type) <= cx.memory().length, "load#2");
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
      return number(convert_int_to_bool(load_int(cx, ptr, 1)));
    case Kind::U8:
      return number(load_int(cx, ptr, 1));
    case Kind::U16:
      return number(load_int(cx, ptr, 2));
    case Kind::U32:
      return number(load_int(cx, ptr, 4));
    case Kind::U64:
      return number(load_int(cx, ptr, 8));
    case Kind::S8:
      return number(load_int(cx, ptr, 1, /*is_signed=*/true));
    case Kind::S16:
      return number(load_int(cx, ptr, 2, /*is_signed=*/true));
    case Kind::S32:
      return number(load_int(cx, ptr, 4, /*is_signed=*/true));
    case Kind::S64:
      return number(load_int(cx, ptr, 8, /*is_signed=*/true));
    case Kind::String:
      return load_string(cx, ptr);
    case Kind::ErrorContext:
      return lift_error_context(cx, load_int(cx, ptr, 4));
    case Kind::List:
      return load_list(cx, ptr, t->t);
    case Kind::Record:
      return load_record(cx, ptr, t->fields);
    case Kind::Variant:
      return load_variant(cx, ptr, t->cases);
    case Kind::Own:
      return lift_own(cx, load_int(cx, ptr, 4), t);
    case Kind::Borrow:
      return lift_borrow(cx, load_int(cx, ptr, 4), t);
    case Kind::Stream:
      return lift_stream(cx, load_int(cx, ptr, 4), t->t);
    case Kind::Future:
      return lift_future(cx, load_int(cx, ptr, 4), t->t);
    default:
      LOCKSTEP_ASSERT(false);
  }
}

uint64_t load_int(const LiftLowerContext& cx, uint64_t ptr, uint64_t nbytes, bool is_signed) {
  const MemInst& memory = cx.memory();
  LOCKSTEP_ASSERT(uint128{ptr} + nbytes <= memory.length);
  uint64_t v = 0;
  for (uint64_t i = 0; i < nbytes; ++i) v |= uint64_t{memory.bytes[ptr + i]} << (8 * i);
  const uint64_t sign = uint64_t{1} << (8 * nbytes - 1);
  return is_signed ? (v ^ sign) - sign : v;
}

bool convert_int_to_bool(uint64_t i) { return i != 0; }

Value load_string(const LiftLowerContext& cx, uint64_t ptr) {
  const uint64_t begin = load_int(cx, ptr, cx.memory().ptr_size());
  const uint64_t tagged_code_units = load_int(cx, ptr + cx.memory().ptr_size(), cx.memory().ptr_size());
  return load_string_from_range(cx, begin, tagged_code_units);
}

Value load_string_from_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t tagged_code_units) {
  LOCKSTEP_ASSERT(cx.opts->string_encoding == StringEncoding::utf8);
  const uint64_t alignment = 1;
  const uint64_t byte_length = tagged_code_units;
  trap_if(byte_length > MAX_STRING_BYTE_LENGTH, TrapSite::kLoadStringFromRange1);
  trap_if(ptr != align_to(ptr, alignment), TrapSite::kLoadStringFromRange2);
  trap_if(uint128{ptr} + byte_length > cx.memory().length, TrapSite::kLoadStringFromRange3);
  Value v;
  v.string.assign(cx.memory().bytes + ptr, cx.memory().bytes + ptr + byte_length);
  if (!is_utf8(v.string)) trap(TrapSite::kLoadStringFromRange4);
  return v;
}

Value lift_error_context(const LiftLowerContext& cx, uint64_t i) {
  auto* errctx = dynamic_cast<ErrorContext*>(cx.inst->handles.get(i));
  trap_if(errctx == nullptr, TrapSite::kLiftErrorContext1);
  Value v;
  v.error_context = errctx;
  return v;
}

Value load_list(const LiftLowerContext& cx, uint64_t ptr, const ValType& elem_type) {
  const uint64_t begin = load_int(cx, ptr, cx.memory().ptr_size());
  const uint64_t length = load_int(cx, ptr + cx.memory().ptr_size(), cx.memory().ptr_size());
  return load_list_from_range(cx, begin, length, elem_type);
}

Value load_list_from_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t length, const ValType& elem_type) {
  const CoreType ptr_type = cx.memory().ptr_type();
  const uint128 byte_length = uint128{length} * elem_size(elem_type, ptr_type);
  trap_if(byte_length > MAX_LIST_BYTE_LENGTH, TrapSite::kLoadListFromRange1);
  trap_if(ptr != align_to(ptr, alignment(elem_type, ptr_type)), TrapSite::kLoadListFromRange2);
  trap_if(ptr + byte_length > cx.memory().length, TrapSite::kLoadListFromRange3);
  Value v;
  v.children = load_list_from_valid_range(cx, ptr, length, elem_type);
  return v;
}

Values load_list_from_valid_range(const LiftLowerContext& cx, uint64_t ptr, uint64_t length, const ValType& elem_type) {
  Values a;
  for (uint64_t i = 0; i < length; ++i)
    a.push_back(load(cx, ptr + i * elem_size(elem_type, cx.memory().ptr_type()), elem_type));
  return a;
}

Value load_record(const LiftLowerContext& cx, uint64_t ptr, const std::vector<FieldType>& fields) {
  Value record;
  for (const FieldType& field : fields) {
    ptr = align_to(ptr, alignment(field.t, cx.memory().ptr_type()));
    record.children.push_back(load(cx, ptr, field.t));
    ptr += elem_size(field.t, cx.memory().ptr_type());
  }
  return record;
}

Value load_variant(const LiftLowerContext& cx, uint64_t ptr, const std::vector<CaseType>& cases) {
  const uint64_t disc_size = elem_size(discriminant_type(cases), cx.memory().ptr_type());
  const uint64_t case_index = load_int(cx, ptr, disc_size);
  ptr += disc_size;
  trap_if(case_index >= cases.size(), TrapSite::kLoadVariant1);
  const CaseType& c = cases[case_index];
  ptr = align_to(ptr, max_case_alignment(cases, cx.memory().ptr_type()));
  Value v;
  v.case_index = static_cast<uint32_t>(case_index);
  if (c.t) v.children.push_back(load(cx, ptr, c.t));
  return v;
}

Value lift_own(const LiftLowerContext& cx, uint64_t i, const ValType& t) {
  auto* h = dynamic_cast<ResourceHandle*>(cx.inst->handles.remove(i));
  trap_if(h == nullptr, TrapSite::kLiftOwn1);
  trap_if(h->rt != t->rt, TrapSite::kLiftOwn2);
  trap_if(h->num_lends != 0, TrapSite::kLiftOwn3);
  trap_if(!h->own, TrapSite::kLiftOwn4);
  return number(h->rep);
}

Value lift_borrow(const LiftLowerContext& cx, uint64_t i, const ValType& t) {
  spec_assert(std::holds_alternative<Subtask*>(cx.borrow_scope), "lift_borrow#1");
  auto* h = dynamic_cast<ResourceHandle*>(cx.inst->handles.get(i));
  trap_if(h == nullptr, TrapSite::kLiftBorrow1);
  trap_if(h->rt != t->rt, TrapSite::kLiftBorrow2);
  std::get<Subtask*>(cx.borrow_scope)->add_lender(h);
  return number(h->rep);
}

Value lift_stream(const LiftLowerContext& cx, uint64_t i, const ValType& t) {
  return lift_async_value<ReadableStreamEnd>(cx, i, t);
}

Value lift_future(const LiftLowerContext& cx, uint64_t i, const ValType& t) {
  return lift_async_value<ReadableFutureEnd>(cx, i, t);
}

}  // namespace lockstep::model
