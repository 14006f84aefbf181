#include "model/alignment.h"

#include <algorithm>

#include "model/despecialization.h"
#include "model/options.h"
#include "model/trap.h"

namespace lockstep::model {

uint64_t alignment(const ValType& type, CoreType ptr_type) {
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
      return ptr_size(ptr_type);
    case Kind::ErrorContext:
      return 4;
    case Kind::List:
      return alignment_list(ptr_type);
    case Kind::Record:
      return alignment_record(t->fields, ptr_type);
    case Kind::Variant:
      return alignment_variant(t->cases, ptr_type);
    case Kind::Own:
    case Kind::Borrow:
    case Kind::Stream:
    case Kind::Future:
      return 4;
    default:
      LOCKSTEP_ASSERT(false);
  }
}

uint64_t alignment_list(CoreType ptr_type) { return ptr_size(ptr_type); }

uint64_t alignment_record(const std::vector<FieldType>& fields, CoreType ptr_type) {
  uint64_t a = 1;
  for (const FieldType& f : fields) a = std::max(a, alignment(f.t, ptr_type));
  return a;
}

uint64_t alignment_variant(const std::vector<CaseType>& cases, CoreType ptr_type) {
  return std::max(alignment(discriminant_type(cases), ptr_type), max_case_alignment(cases, ptr_type));
}

ValType discriminant_type(const std::vector<CaseType>& cases) {
  const size_t n = cases.size();
  spec_assert(0 < n && n < size_t{1} << 32, "discriminant_type#1");
  if (n <= 1 << 8) return U8Type();
  if (n <= 1 << 16) return U16Type();
  return U32Type();
}

uint64_t max_case_alignment(const std::vector<CaseType>& cases, CoreType ptr_type) {
  uint64_t a = 1;
  for (const CaseType& c : cases)
    if (c.t) a = std::max(a, alignment(c.t, ptr_type));
  return a;
}

}  // namespace lockstep::model
