#include "model/types.h"

#include "model/trap.h"

namespace lockstep::model {
namespace {

TypeNode node(Kind kind) {
  return {.kind = kind, .t = {}, .error = {}, .fields = {}, .ts = {}, .cases = {}, .rt = nullptr};
}

// One for each kind that has no fields: they are asked for all the time.
const ValType& plain(Kind kind) {
  static const std::vector<ValType> types = [] {
    std::vector<ValType> v;
    for (uint8_t k = 0; k <= static_cast<uint8_t>(Kind::ErrorContext); ++k) v.emplace_back(node(static_cast<Kind>(k)));
    return v;
  }();
  return types[static_cast<size_t>(kind)];
}

ValType of(Kind kind, ValType t, ValType error = {}) {
  TypeNode n = node(kind);
  n.t = std::move(t);
  n.error = std::move(error);
  return ValType(std::move(n));
}

ValType handle_of(Kind kind, ResourceType* rt) {
  TypeNode n = node(kind);
  n.rt = rt;
  return ValType(std::move(n));
}

bool type_matches_value(CoreType t, CoreVal v) {
  // An engine of ours must zero-extend: definitions.py only asks whether it is an int.
  LOCKSTEP_ASSERT(t == CoreType::i64 || v <= 0xffff'ffff);
  return true;
}

}  // namespace

ValType::ValType(TypeNode node) : node_(std::make_shared<const TypeNode>(std::move(node))) {}

bool operator==(const ValType& a, const ValType& b) {
  return a.node_ == b.node_ || (a.node_ != nullptr && b.node_ != nullptr && *a.node_ == *b.node_);
}

ValType BoolType() { return plain(Kind::Bool); }
ValType S8Type() { return plain(Kind::S8); }
ValType U8Type() { return plain(Kind::U8); }
ValType S16Type() { return plain(Kind::S16); }
ValType U16Type() { return plain(Kind::U16); }
ValType S32Type() { return plain(Kind::S32); }
ValType U32Type() { return plain(Kind::U32); }
ValType S64Type() { return plain(Kind::S64); }
ValType U64Type() { return plain(Kind::U64); }
ValType StringType() { return plain(Kind::String); }
ValType ErrorContextType() { return plain(Kind::ErrorContext); }

ValType ListType(ValType t) { return of(Kind::List, std::move(t)); }

ValType RecordType(std::vector<FieldType> fields) {
  TypeNode n = node(Kind::Record);
  n.fields = std::move(fields);
  return ValType(std::move(n));
}

ValType TupleType(std::vector<ValType> ts) {
  TypeNode n = node(Kind::Tuple);
  n.ts = std::move(ts);
  return ValType(std::move(n));
}

ValType VariantType(std::vector<CaseType> cases) {
  TypeNode n = node(Kind::Variant);
  n.cases = std::move(cases);
  return ValType(std::move(n));
}

ValType OptionType(ValType t) { return of(Kind::Option, std::move(t)); }
ValType ResultType(ValType ok, ValType error) { return of(Kind::Result, std::move(ok), std::move(error)); }
ValType OwnType(ResourceType* rt) { return handle_of(Kind::Own, rt); }
ValType BorrowType(ResourceType* rt) { return handle_of(Kind::Borrow, rt); }
ValType StreamType(ValType t) { return of(Kind::Stream, std::move(t)); }
ValType FutureType(ValType t) { return of(Kind::Future, std::move(t)); }

bool types_match_values(const std::vector<CoreType>& ts, const CoreValues& vs) {
  if (ts.size() != vs.size()) return false;
  for (size_t i = 0; i < ts.size(); ++i)
    if (!type_matches_value(ts[i], vs[i])) return false;
  return true;
}

}  // namespace lockstep::model
