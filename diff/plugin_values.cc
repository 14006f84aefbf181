#include "diff/plugin_values.h"

#include <stdexcept>

namespace lockstep::diff {

using traces::Value;
using traces::ValueType;

namespace {

constexpr int kDeepestValue = 64;

Value value_at_depth(const lockstep_value& v, int depth) {
  if (v.kind > LOCKSTEP_END || depth > kDeepestValue) throw std::invalid_argument("a value of no known kind");
  Value out;
  out.kind = static_cast<Value::Kind>(v.kind);
  out.bits = v.bits;
  out.index = v.index;
  out.end = from_c(v.end);
  if (v.text_bytes > 0) out.text.assign(v.text, v.text_bytes);
  for (size_t i = 0; i < v.num_children; ++i) out.children.push_back(value_at_depth(v.children[i], depth + 1));
  return out;
}

}  // namespace

lockstep_type Arena::type(const ValueType& t) {
  const lockstep_type* const children = types(t.children);
  return {static_cast<uint32_t>(t.kind), t.resource, t.children.size(), children};
}

const lockstep_type* Arena::types(std::span<const ValueType> ts) {
  std::vector<lockstep_type> out;
  for (const ValueType& t : ts) out.push_back(type(t));
  return types_.emplace_back(std::move(out)).data();
}

lockstep_value Arena::value(const Value& v) {
  const std::span<const lockstep_value> children = values(v.children);
  return {static_cast<uint32_t>(v.kind),
          v.index,
          v.bits,
          to_c(v.end),
          v.text.c_str(),
          v.text.size(),
          children.size(),
          children.data()};
}

std::span<const lockstep_value> Arena::values(std::span<const Value> vs) {
  std::vector<lockstep_value> out;
  for (const Value& v : vs) out.push_back(value(v));
  return values_.emplace_back(std::move(out));
}

ValueType type_from_c(const lockstep_type& t) {
  ValueType out(static_cast<ValueType::Kind>(t.kind), {}, t.resource);
  for (size_t i = 0; i < t.num_children; ++i) out.children.push_back(type_from_c(t.children[i]));
  return out;
}

Value value_from_c(const lockstep_value& v) { return value_at_depth(v, 0); }

}  // namespace lockstep::diff
