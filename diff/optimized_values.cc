#include "diff/optimized_values.h"

namespace lockstep::diff {

namespace opt = lockstep::optimized;
using traces::ValueType;
using Kind = ValueType::Kind;

opt::Type OptimizedValues::type(const ValueType& t) const {
  const auto child = [&](size_t i) { return type(t.children[i]); };
  const auto labelled = [&](const char* prefix) {
    std::vector<std::pair<std::string, opt::Type>> out;
    for (size_t i = 0; i < t.children.size(); ++i) out.emplace_back(prefix + std::to_string(i), child(i));
    return out;
  };
  switch (t.kind) {
    case Kind::kNone:
      return {};
    case Kind::kBool:
      return opt::Type::boolean();
    case Kind::kU8:
      return opt::Type::u8();
    case Kind::kU16:
      return opt::Type::u16();
    case Kind::kU32:
      return opt::Type::u32();
    case Kind::kU64:
      return opt::Type::u64();
    case Kind::kS8:
      return opt::Type::s8();
    case Kind::kS16:
      return opt::Type::s16();
    case Kind::kS32:
      return opt::Type::s32();
    case Kind::kS64:
      return opt::Type::s64();
    case Kind::kString:
      return opt::Type::string();
    case Kind::kList:
      return opt::Type::list(child(0));
    case Kind::kTuple: {
      std::vector<opt::Type> fields;
      for (size_t i = 0; i < t.children.size(); ++i) fields.push_back(child(i));
      return opt::Type::tuple(fields);
    }
    case Kind::kRecord:
      return opt::Type::record(labelled("f"));
    case Kind::kOption:
      return opt::Type::option(child(0));
    case Kind::kResult:
      return opt::Type::result(child(0), child(1));
    case Kind::kVariant:
      return opt::Type::variant(labelled("c"));
    case Kind::kOwn:
      return opt::Type::own(resource_types_[t.resource]);
    case Kind::kBorrow:
      return opt::Type::borrow(resource_types_[t.resource]);
    case Kind::kStream:
      return opt::Type::stream(child(0));
    case Kind::kFuture:
      return opt::Type::future(child(0));
  }
  return {};
}

opt::FuncType OptimizedValues::type(const traces::FuncType& t) const {
  std::vector<opt::Type> params;
  for (const ValueType& p : t.params) params.push_back(type(p));
  return {std::move(params), type(t.result), t.async_};
}

namespace {

// The payload of a case of option, result or variant.
const ValueType& payload(const ValueType& t, uint32_t index) { return t.children[t.kind == Kind::kOption ? 0 : index]; }
bool has_payload(const ValueType& t, uint32_t index) {
  if (t.kind == Kind::kOption) return index == 1;
  return t.children[index].kind != Kind::kNone;
}

}  // namespace

opt::Value OptimizedValues::to_optimized(const traces::Value& v, const ValueType& t, const GiveEnd& give_end) {
  std::vector<opt::Value> items;
  switch (t.kind) {
    case Kind::kString:
      return opt::Value::text(v.text);
    case Kind::kList:
      for (const traces::Value& c : v.children) items.push_back(to_optimized(c, t.children[0], give_end));
      return opt::Value::of(std::move(items));
    case Kind::kTuple:
    case Kind::kRecord:
      for (size_t i = 0; i < v.children.size(); ++i)
        items.push_back(to_optimized(v.children[i], t.children[i], give_end));
      return opt::Value::of(std::move(items));
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant:
      if (v.children.empty()) return opt::Value::of_case(v.index);
      return opt::Value::of_case(v.index, to_optimized(v.children[0], payload(t, v.index), give_end));
    case Kind::kStream:
    case Kind::kFuture:
      return give_end(v.end);
    default:
      return opt::Value(v.bits);
  }
}

traces::Value OptimizedValues::from_optimized(const opt::Value& v, const ValueType& t, const ReceiveEnd& receive_end) {
  std::vector<traces::Value> children;
  switch (t.kind) {
    case Kind::kS8:
    case Kind::kS16:
    case Kind::kS32:
    case Kind::kS64:
      return traces::Value::negative(static_cast<int64_t>(v.number()));
    case Kind::kString:
      return traces::Value::string(v.text());
    case Kind::kList:
      for (const opt::Value& c : v.items()) children.push_back(from_optimized(c, t.children[0], receive_end));
      return traces::Value::sequence(std::move(children));
    case Kind::kTuple:
    case Kind::kRecord:
      for (size_t i = 0; i < v.items().size(); ++i)
        children.push_back(from_optimized(v.items()[i], t.children[i], receive_end));
      return traces::Value::sequence(std::move(children));
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const auto index = static_cast<uint32_t>(v.number());
      if (!has_payload(t, index)) return traces::Value::of_case(index);
      return traces::Value::of_case(index, from_optimized(v.payload(), payload(t, index), receive_end));
    }
    case Kind::kOwn:
    case Kind::kBorrow:
      return traces::Value::rep(static_cast<uint32_t>(v.number()));
    case Kind::kStream:
    case Kind::kFuture:
      return traces::Value::of_end(receive_end(v, t));
    default:
      return traces::Value::integer(v.number());
  }
}

}  // namespace lockstep::diff
