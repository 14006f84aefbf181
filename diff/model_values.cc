#include "diff/model_values.h"

namespace lockstep::diff {

using traces::ValueType;

model::ValType ModelValues::type(const ValueType& t) const {
  switch (t.kind) {
    case ValueType::Kind::kNone:
      return {};
    case ValueType::Kind::kBool:
      return model::BoolType();
    case ValueType::Kind::kU8:
      return model::U8Type();
    case ValueType::Kind::kU16:
      return model::U16Type();
    case ValueType::Kind::kU32:
      return model::U32Type();
    case ValueType::Kind::kU64:
      return model::U64Type();
    case ValueType::Kind::kS8:
      return model::S8Type();
    case ValueType::Kind::kS16:
      return model::S16Type();
    case ValueType::Kind::kS32:
      return model::S32Type();
    case ValueType::Kind::kS64:
      return model::S64Type();
    case ValueType::Kind::kString:
      return model::StringType();
    case ValueType::Kind::kList:
      return model::ListType(type(t.children[0]));
    case ValueType::Kind::kTuple:
      return model::TupleType(types(t.children));
    case ValueType::Kind::kRecord: {
      std::vector<model::FieldType> fields;
      for (const ValueType& c : t.children) fields.push_back({"f" + std::to_string(fields.size()), type(c)});
      return model::RecordType(std::move(fields));
    }
    case ValueType::Kind::kOption:
      return model::OptionType(type(t.children[0]));
    case ValueType::Kind::kResult:
      return model::ResultType(type(t.children[0]), type(t.children[1]));
    case ValueType::Kind::kVariant: {
      std::vector<model::CaseType> cases;
      for (const ValueType& c : t.children) cases.push_back({"c" + std::to_string(cases.size()), type(c)});
      return model::VariantType(std::move(cases));
    }
    case ValueType::Kind::kOwn:
      return model::OwnType(resource_types_[t.resource]);
    case ValueType::Kind::kBorrow:
      return model::BorrowType(resource_types_[t.resource]);
    case ValueType::Kind::kStream:
      return model::StreamType(type(t.children[0]));
    case ValueType::Kind::kFuture:
      return model::FutureType(type(t.children[0]));
  }
  return {};
}

std::vector<model::ValType> ModelValues::types(std::span<const ValueType> ts) const {
  std::vector<model::ValType> out;
  for (const ValueType& t : ts) out.push_back(type(t));
  return out;
}

std::vector<model::ValType> ModelValues::result(const std::optional<ValueType>& t) const {
  return t ? std::vector{type(*t)} : std::vector<model::ValType>();
}

model::FuncType ModelValues::type(const traces::FuncType& t) const {
  return {types(t.params), result(t.result), t.async_};
}

model::Value ModelValues::to_model(const traces::Value& v, const ValueType& t, const TakeEnd& take_end) {
  model::Value out;
  switch (t.kind) {
    case ValueType::Kind::kString:
      out.string = v.text;
      break;
    case ValueType::Kind::kList:
      for (const traces::Value& c : v.children) out.children.push_back(to_model(c, t.children[0], take_end));
      break;
    case ValueType::Kind::kTuple:
    case ValueType::Kind::kRecord:
      for (size_t i = 0; i < v.children.size(); ++i)
        out.children.push_back(to_model(v.children[i], t.children[i], take_end));
      break;
    case ValueType::Kind::kOption:
    case ValueType::Kind::kResult:
    case ValueType::Kind::kVariant:
      out.case_index = v.index;
      for (const traces::Value& c : v.children)
        out.children.push_back(to_model(c, *traces::payload_of(t, v.index), take_end));
      break;
    case ValueType::Kind::kStream:
    case ValueType::Kind::kFuture:
      out.shared = take_end(v.end);
      break;
    default:
      out.bits = v.bits;
      break;
  }
  return out;
}

traces::Value ModelValues::from_model(const model::Value& v, const ValueType& t, const NameEnd& name_end) {
  std::vector<traces::Value> children;
  switch (t.kind) {
    case ValueType::Kind::kS8:
    case ValueType::Kind::kS16:
    case ValueType::Kind::kS32:
    case ValueType::Kind::kS64:
      return traces::Value::negative(static_cast<int64_t>(v.bits));
    case ValueType::Kind::kString:
      return traces::Value::string(v.string);
    case ValueType::Kind::kList:
      for (const model::Value& c : v.children) children.push_back(from_model(c, t.children[0], name_end));
      return traces::Value::sequence(std::move(children));
    case ValueType::Kind::kTuple:
    case ValueType::Kind::kRecord:
      for (size_t i = 0; i < v.children.size(); ++i)
        children.push_back(from_model(v.children[i], t.children[i], name_end));
      return traces::Value::sequence(std::move(children));
    case ValueType::Kind::kOption:
    case ValueType::Kind::kResult:
    case ValueType::Kind::kVariant:
      if (v.children.empty()) return traces::Value::of_case(v.case_index);
      return traces::Value::of_case(v.case_index,
                                    from_model(v.children[0], *traces::payload_of(t, v.case_index), name_end));
    case ValueType::Kind::kOwn:
    case ValueType::Kind::kBorrow:
      return traces::Value::rep(static_cast<uint32_t>(v.bits));
    case ValueType::Kind::kStream:
    case ValueType::Kind::kFuture:
      return traces::Value::of_end(name_end(v.shared, t));
    default:
      return traces::Value::integer(v.bits);
  }
}

}  // namespace lockstep::diff
