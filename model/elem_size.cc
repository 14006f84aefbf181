#include "model/elem_size.h"

#include <algorithm>

#include "model/alignment.h"
#include "model/despecialization.h"
#include "model/options.h"
#include "model/trap.h"

namespace lockstep::model {

uint64_t elem_size(const ValType& type, CoreType ptr_type) {
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
    case Kind::S8:
    case Kind::U8:
      return 1;
    case Kind::S16:
    case Kind::U16:
      return 2;
    case Kind::S32:
    case Kind::U32:
      return 4;
    case Kind::S64:
    case Kind::U64:
      return 8;
    case Kind::String:
      return 2 * ptr_size(ptr_type);
    case Kind::ErrorContext:
      return 4;
    case Kind::List:
      return elem_size_list(ptr_type);
    case Kind::Record:
      return elem_size_record(t->fields, ptr_type);
    case Kind::Variant:
      return elem_size_variant(t->cases, ptr_type);
    case Kind::Own:
    case Kind::Borrow:
    case Kind::Stream:
    case Kind::Future:
      return 4;
    default:
      LOCKSTEP_ASSERT(false);
  }
}

uint64_t elem_size_list(CoreType ptr_type) { return 2 * ptr_size(ptr_type); }

uint64_t elem_size_record(const std::vector<FieldType>& fields, CoreType ptr_type) {
  uint64_t s = 0;
  for (const FieldType& f : fields) {
    s = align_to(s, alignment(f.t, ptr_type));
    s += elem_size(f.t, ptr_type);
  }
  spec_assert(s > 0, "elem_size_record#1");
  return align_to(s, alignment_record(fields, ptr_type));
}

// Wraps around to 0 at the very end of 64 bits, which no `ptr` is equal to that is not aligned.
uint64_t align_to(uint64_t ptr, uint64_t alignment) { return (ptr + alignment - 1) / alignment * alignment; }

uint64_t elem_size_variant(const std::vector<CaseType>& cases, CoreType ptr_type) {
  uint64_t s = elem_size(discriminant_type(cases), ptr_type);
  s = align_to(s, max_case_alignment(cases, ptr_type));
  uint64_t cs = 0;
  for (const CaseType& c : cases)
    if (c.t) cs = std::max(cs, elem_size(c.t, ptr_type));
  s += cs;
  return align_to(s, alignment_variant(cases, ptr_type));
}

}  // namespace lockstep::model
