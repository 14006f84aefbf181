#include "model/type_predicates.h"

#include "model/despecialization.h"
#include "model/trap.h"

namespace lockstep::model {

bool contains_borrow(const ValType& t) {
  return contains(t, [](const ValType& u) { return u->kind == Kind::Borrow; });
}

bool contains_async_value(const ValType& t) {
  return contains(t, [](const ValType& u) { return u->kind == Kind::Stream || u->kind == Kind::Future; });
}

bool contains(const ValType& type, const std::function<bool(const ValType&)>& p) {
  const ValType t = despecialize(type);
  if (!t) return false;
  switch (t->kind) {
    case Kind::Bool:
    case Kind::S8:
    case Kind::U8:
    case Kind::S16:
    case Kind::U16:
    case Kind::S32:
    case Kind::U32:
    case Kind::S64:
    case Kind::U64:
    case Kind::String:
    case Kind::Own:
    case Kind::Borrow:
      return p(t);
    case Kind::List:
    case Kind::Stream:
    case Kind::Future:
      return p(t) || contains(t->t, p);
    case Kind::Record:
      if (p(t)) return true;
      for (const FieldType& f : t->fields)
        if (contains(f.t, p)) return true;
      return false;
    case Kind::Variant:
      if (p(t)) return true;
      for (const CaseType& c : t->cases)
        if (contains(c.t, p)) return true;
      return false;
    default:  // an error-context is no PrimValType
      spec_assert(false, "contains#1");
      return false;
  }
}

}  // namespace lockstep::model
