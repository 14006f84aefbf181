#include "diff/optimized_values.h"

namespace lockstep::diff {

namespace opt = lockstep::optimized;
using traces::ValueType;

opt::Type OptimizedValues::type(const ValueType& t) const {
  const auto child = [&](size_t i) { return type(t.children[i]); };
  const auto labelled = [&](const char* prefix) {
    std::vector<std::pair<std::string, opt::Type>> out;
    for (size_t i = 0; i < t.children.size(); ++i) out.emplace_back(prefix + std::to_string(i), child(i));
    return out;
  };
  switch (t.kind) {
    case ValueType::Kind::kNone:
      return {};
    case ValueType::Kind::kBool:
      return opt::Type::boolean();
    case ValueType::Kind::kU8:
      return opt::Type::u8();
    case ValueType::Kind::kU16:
      return opt::Type::u16();
    case ValueType::Kind::kU32:
      return opt::Type::u32();
    case ValueType::Kind::kU64:
      return opt::Type::u64();
    case ValueType::Kind::kS8:
      return opt::Type::s8();
    case ValueType::Kind::kS16:
      return opt::Type::s16();
    case ValueType::Kind::kS32:
      return opt::Type::s32();
    case ValueType::Kind::kS64:
      return opt::Type::s64();
    case ValueType::Kind::kString:
      return opt::Type::string();
    case ValueType::Kind::kList:
      return opt::Type::list(child(0));
    case ValueType::Kind::kTuple: {
      std::vector<opt::Type> fields;
      for (size_t i = 0; i < t.children.size(); ++i) fields.push_back(child(i));
      return opt::Type::tuple(fields);
    }
    case ValueType::Kind::kRecord:
      return opt::Type::record(labelled("f"));
    case ValueType::Kind::kOption:
      return opt::Type::option(child(0));
    case ValueType::Kind::kResult:
      return opt::Type::result(child(0), child(1));
    case ValueType::Kind::kVariant:
      return opt::Type::variant(labelled("c"));
    case ValueType::Kind::kOwn:
      return opt::Type::own(resource_types_[t.resource]);
    case ValueType::Kind::kBorrow:
      return opt::Type::borrow(resource_types_[t.resource]);
    case ValueType::Kind::kStream:
      return opt::Type::stream(child(0));
    case ValueType::Kind::kFuture:
      return opt::Type::future(child(0));
  }
  return {};
}

opt::FuncType OptimizedValues::type(const traces::FuncType& t) const {
  std::vector<opt::Type> params;
  for (const ValueType& p : t.params) params.push_back(type(p));
  return {std::move(params), type(t.result), t.async_};
}

opt::Value OptimizedValues::to_optimized(const traces::Value& v, const ValueType& t, const GiveEnd& give_end) {
  std::vector<opt::Value> items;
  switch (t.kind) {
    case ValueType::Kind::kString:
      return opt::Value::text(v.text);
    case ValueType::Kind::kList:
      for (const traces::Value& c : v.children) items.push_back(to_optimized(c, t.children[0], give_end));
      return opt::Value::of(std::move(items));
    case ValueType::Kind::kTuple:
    case ValueType::Kind::kRecord:
      for (size_t i = 0; i < v.children.size(); ++i)
        items.push_back(to_optimized(v.children[i], t.children[i], give_end));
      return opt::Value::of(std::move(items));
    case ValueType::Kind::kOption:
    case ValueType::Kind::kResult:
    case ValueType::Kind::kVariant:
      if (v.children.empty()) return opt::Value::of_case(v.index);
      return opt::Value::of_case(v.index, to_optimized(v.children[0], *traces::payload_of(t, v.index), give_end));
    case ValueType::Kind::kStream:
    case ValueType::Kind::kFuture:
      return give_end(v.end);
    default:
      return opt::Value(v.bits);
  }
}

traces::Value OptimizedValues::from_optimized(const opt::Value& v, const ValueType& t, const ReceiveEnd& receive_end) {
  std::vector<traces::Value> children;
  switch (t.kind) {
    case ValueType::Kind::kS8:
    case ValueType::Kind::kS16:
    case ValueType::Kind::kS32:
    case ValueType::Kind::kS64:
      return traces::Value::negative(static_cast<int64_t>(v.number()));
    case ValueType::Kind::kString:
      return traces::Value::string(v.text());
    case ValueType::Kind::kList:
      for (const opt::Value& c : v.items()) children.push_back(from_optimized(c, t.children[0], receive_end));
      return traces::Value::sequence(std::move(children));
    case ValueType::Kind::kTuple:
    case ValueType::Kind::kRecord:
      for (size_t i = 0; i < v.items().size(); ++i)
        children.push_back(from_optimized(v.items()[i], t.children[i], receive_end));
      return traces::Value::sequence(std::move(children));
    case ValueType::Kind::kOption:
    case ValueType::Kind::kResult:
    case ValueType::Kind::kVariant: {
      const auto index = static_cast<uint32_t>(v.number());
      const ValueType* const payload = traces::payload_of(t, index);
      if (payload == nullptr) return traces::Value::of_case(index);
      return traces::Value::of_case(index, from_optimized(v.payload(), *payload, receive_end));
    }
    case ValueType::Kind::kOwn:
    case ValueType::Kind::kBorrow:
      return traces::Value::rep(static_cast<uint32_t>(v.number()));
    case ValueType::Kind::kStream:
    case ValueType::Kind::kFuture:
      return traces::Value::of_end(receive_end(v, t));
    default:
      return traces::Value::integer(v.number());
  }
}

}  // namespace lockstep::diff
