#include "model/storing.h"

#include <algorithm>

#include "model/alignment.h"
#include "model/component_instance.h"
#include "model/despecialization.h"
#include "model/elem_size.h"
#include "model/error_context.h"
#include "model/future.h"
#include "model/loading.h"
#include "model/resource.h"
#include "model/store.h"
#include "model/stream.h"
#include "model/task.h"
#include "model/trap.h"
#include "model/type_predicates.h"

namespace lockstep::model {

void store(const LiftLowerContext& cx, const Value& v, const ValType& type, uint64_t ptr) {
  const CoreType ptr_type = cx.memory().ptr_type();
  spec_assert(ptr == align_to(ptr, alignment(type, ptr_type)), "store#1");
  spec_assert(uint128{ptr} + elem_size(type, ptr_type) <= cx.memory().length, "store#2");
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
      return store_int(cx, v.bits != 0, ptr, 1);
    case Kind::U8:
    case Kind::S8:
      return store_int(cx, v.bits, ptr, 1);
    case Kind::U16:
    case Kind::S16:
      return store_int(cx, v.bits, ptr, 2);
    case Kind::U32:
    case Kind::S32:
      return store_int(cx, v.bits, ptr, 4);
    case Kind::U64:
    case Kind::S64:
      return store_int(cx, v.bits, ptr, 8);
    case Kind::String:
      return store_string(cx, v, ptr);
    case Kind::ErrorContext:
      return store_int(cx, lower_error_context(cx, v), ptr, 4);
    case Kind::List:
      return store_list(cx, v, ptr, t->t);
    case Kind::Record:
      return store_record(cx, v, ptr, t->fields);
    case Kind::Variant:
      return store_variant(cx, v, ptr, t->cases);
    case Kind::Own:
      return store_int(cx, lower_own(cx, v, t), ptr, 4);
    case Kind::Borrow:
      return store_int(cx, lower_borrow(cx, v, t), ptr, 4);
    case Kind::Stream:
      return store_int(cx, lower_stream(cx, v, t->t), ptr, 4);
    case Kind::Future:
      return store_int(cx, lower_future(cx, v, t->t), ptr, 4);
    default:
      LOCKSTEP_ASSERT(false);
  }
}

void store_int(const LiftLowerContext& cx, uint64_t v, uint64_t ptr, uint64_t nbytes) {
  const MemInst& memory = cx.memory();
  // definitions.py would lengthen the memory: canon_error_context_debug_message does not look where it writes.
  spec_assert(uint128{ptr} + nbytes <= memory.length, "store_int#0");
  for (uint64_t i = 0; i < nbytes; ++i) memory.bytes[ptr + i] = static_cast<uint8_t>(v >> (8 * i));
}

void store_string(const LiftLowerContext& cx, const Value& v, uint64_t ptr) {
  const auto [begin, tagged_code_units] = store_string_into_range(cx, v);
  store_int(cx, begin, ptr, cx.memory().ptr_size());
  store_int(cx, tagged_code_units, ptr + cx.memory().ptr_size(), cx.memory().ptr_size());
}

PtrAndLength store_string_into_range(const LiftLowerContext& cx, const Value& v) {
  LOCKSTEP_ASSERT(cx.opts->string_encoding == StringEncoding::utf8);
  return store_string_copy(cx, v.string, v.string.size(), 1, 1);
}

PtrAndLength store_string_copy(const LiftLowerContext& cx, const std::string& src, uint64_t src_code_units,
                               uint64_t dst_code_unit_size, uint64_t dst_alignment) {
  const uint64_t dst_byte_length = dst_code_unit_size * src_code_units;
  spec_assert(dst_byte_length <= REALLOC_I32_MAX, "store_string_copy#1");
  const uint64_t ptr = cx.allocate(dst_alignment, dst_byte_length);
  trap_if(ptr != align_to(ptr, dst_alignment), TrapSite::kStoreStringCopy1);
  trap_if(uint128{ptr} + dst_byte_length > cx.memory().length, TrapSite::kStoreStringCopy2);
  const std::string& encoded = src;
  spec_assert(dst_byte_length == encoded.size(), "store_string_copy#2");
  std::copy(encoded.begin(), encoded.end(), cx.memory().bytes + ptr);
  return {ptr, src_code_units};
}

uint32_t lower_error_context(const LiftLowerContext& cx, const Value& v) {
  LOCKSTEP_ASSERT(v.error_context != nullptr);
  return cx.inst->handles.add(v.error_context);
}

void store_list(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const ValType& elem_type) {
  const auto [begin, length] = store_list_into_range(cx, v.children, elem_type);
  store_int(cx, begin, ptr, cx.memory().ptr_size());
  store_int(cx, length, ptr + cx.memory().ptr_size(), cx.memory().ptr_size());
}

PtrAndLength store_list_into_range(const LiftLowerContext& cx, const Values& v, const ValType& elem_type) {
  const CoreType ptr_type = cx.memory().ptr_type();
  const uint64_t byte_length = v.size() * elem_size(elem_type, ptr_type);
  spec_assert(byte_length <= REALLOC_I32_MAX, "store_list_into_range#1");
  const uint64_t ptr = cx.allocate(alignment(elem_type, ptr_type), byte_length);
  trap_if(ptr != align_to(ptr, alignment(elem_type, ptr_type)), TrapSite::kStoreListIntoRange1);
  trap_if(uint128{ptr} + byte_length > cx.memory().length, TrapSite::kStoreListIntoRange2);
  store_list_into_valid_range(cx, v, ptr, elem_type);
  return {ptr, v.size()};
}

void store_list_into_valid_range(const LiftLowerContext& cx, const Values& v, uint64_t ptr, const ValType& elem_type) {
  for (size_t i = 0; i < v.size(); ++i)
    store(cx, v[i], elem_type, ptr + i * elem_size(elem_type, cx.memory().ptr_type()));
}

void store_record(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const std::vector<FieldType>& fields) {
  for (size_t i = 0; i < fields.size(); ++i) {
    const FieldType& f = fields[i];
    ptr = align_to(ptr, alignment(f.t, cx.memory().ptr_type()));
    store(cx, v.children.at(i), f.t, ptr);
    ptr += elem_size(f.t, cx.memory().ptr_type());
  }
}

void store_variant(const LiftLowerContext& cx, const Value& v, uint64_t ptr, const std::vector<CaseType>& cases) {
  const auto [case_index, case_value] = match_case(v, cases);
  const uint64_t disc_size = elem_size(discriminant_type(cases), cx.memory().ptr_type());
  store_int(cx, case_index, ptr, disc_size);
  ptr += disc_size;
  ptr = align_to(ptr, max_case_alignment(cases, cx.memory().ptr_type()));
  const CaseType& c = cases[case_index];
  if (c.t) store(cx, *case_value, c.t, ptr);
}

std::pair<uint32_t, const Value*> match_case(const Value& v, const std::vector<CaseType>& cases) {
  LOCKSTEP_ASSERT(v.case_index < cases.size());
  LOCKSTEP_ASSERT(v.children.size() == (cases[v.case_index].t ? 1 : 0));
  return {v.case_index, v.children.empty() ? nullptr : v.children.data()};
}

uint32_t lower_own(const LiftLowerContext& cx, const Value& rep, const ValType& t) {
  auto* h = cx.inst->store->make<ResourceHandle>(t->rt, rep.bits, /*own_=*/true);
  return cx.inst->handles.add(h);
}

uint32_t lower_borrow(const LiftLowerContext& cx, const Value& rep, const ValType& t) {
  spec_assert(std::holds_alternative<Task*>(cx.borrow_scope), "lower_borrow#1");
  if (cx.inst == t->rt->impl) return static_cast<uint32_t>(rep.bits);
  auto* h = cx.inst->store->make<ResourceHandle>(t->rt, rep.bits, /*own_=*/false, std::get<Task*>(cx.borrow_scope));
  h->borrow_scope->num_borrows += 1;
  return cx.inst->handles.add(h);
}

uint32_t lower_stream(const LiftLowerContext& cx, const Value& v, const ValType& t) {
  spec_assert(dynamic_cast<ReadableStream*>(v.shared) != nullptr, "lower_stream#1");
  spec_assert(!contains_borrow(t), "lower_stream#2");
  return cx.inst->handles.add(cx.inst->store->make<ReadableStreamEnd>(v.shared));
}

uint32_t lower_future(const LiftLowerContext& cx, const Value& v, const ValType& t) {
  spec_assert(dynamic_cast<ReadableFuture*>(v.shared) != nullptr, "lower_future#1");
  spec_assert(!contains_borrow(t), "lower_future#2");
  return cx.inst->handles.add(cx.inst->store->make<ReadableFutureEnd>(v.shared));
}

}  // namespace lockstep::model
