#include "model/despecialization.h"

namespace lockstep::model {

ValType despecialize(const ValType& t) {
  if (!t) return t;
  switch (t->kind) {
    case Kind::Tuple: {
      std::vector<FieldType> fields;
      for (size_t i = 0; i < t->ts.size(); ++i) fields.push_back({std::to_string(i), t->ts[i]});
      return RecordType(std::move(fields));
    }
    case Kind::Option:
      return VariantType({{"none", {}}, {"some", t->t}});
    case Kind::Result:
      return VariantType({{"ok", t->t}, {"error", t->error}});
    default:
      return t;
  }
}

}  // namespace lockstep::model
