// Core values and component-level values to and from JSON.
#include <charconv>

#include "traces/json.h"
#include "traces/json_reader.h"
#include "traces/validate.h"

namespace lockstep::traces {
namespace {

// `text` as a number in this base, all of it and written the only way: no leading zero, small letters.
std::optional<uint64_t> parse_digits(std::string_view text, int base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool upper = text.find_first_of("ABCDEF") != std::string_view::npos;
  if (error != std::errc{} || end != text.data() + text.size() || upper || (text[0] == '0' && text.size() > 1))
    return std::nullopt;
  return value;
}

Value read_integer(const Json& j, const std::string& place) {
  const auto bad = [&] { return InputError(place, "not an integer from -2^63 to 2^64-1 in decimal: " + shown(j)); };
  if (!j.is_string()) throw bad();
  std::string_view text = j.get_ref<const std::string&>();
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto value = parse_digits(text, 10);
  if (!value || (negative && (*value == 0 || *value > uint64_t{1} << 63))) throw bad();
  return negative ? Value::negative(static_cast<int64_t>(0 - *value)) : Value::integer(*value);
}

void check_count(const Json& list, const std::string& place) {
  if (list.size() > kMaxElements) throw InputError(place, "more than " + std::to_string(kMaxElements) + " elements");
}

Value read_nested(const Json& j, const std::string& place, size_t depth) {
  if (depth > kMaxNesting)
    throw InputError(place, "values are nested deeper than " + std::to_string(kMaxNesting) + " levels");
  if (j.is_number_unsigned() && j.get<uint64_t>() <= 0xffff'ffff) return {j.get<uint32_t>()};
  if (j.is_number_integer() && !j.is_number_unsigned() && j.get<int64_t>() >= INT32_MIN)
    return Value::negative(j.get<int64_t>());
  if (j.is_number())
    throw InputError(place, "not a number from -2147483648 to 4294967295 (others: {\"int\":\"…\"}): " + shown(j));
  if (j.is_string()) {
    const std::string& text = j.get_ref<const std::string&>();
    if (text.size() > kMaxStringBytes)
      throw InputError(place, "a string of more than " + std::to_string(kMaxStringBytes) + " bytes");
    return Value::string(text);
  }
  if (j.is_array()) {
    check_count(j, place);
    std::vector<Value> children;
    children.reserve(j.size());
    for_each(j, place,
             [&](const Json& e, const std::string& at) { children.push_back(read_nested(e, at, depth + 1)); });
    return Value::sequence(std::move(children));
  }
  if (!j.is_object() || j.empty()) throw InputError(place, "not a value: " + shown(j));
  ObjectReader r(j, place);
  const std::string& key = j.begin().key();
  Value v;
  if (key == "int") {
    v = read_integer(r.required("int"), r.at("int"));
  } else if (key == "case") {
    v = Value::of_case(r.number("case"));
    if (const Json* payload = r.optional("value"))
      v.children.push_back(read_nested(*payload, r.at("value"), depth + 1));
  } else if (key == "rep") {
    v = Value::rep(r.number("rep"));
  } else if (key == "end") {
    v = Value::of_end(id_from_json(r.required("end"), r.at("end")));
  } else {
    throw InputError(place, "not a value: " + shown(j));
  }
  r.done();
  return v;
}

}  // namespace

uint64_t read_core(const Json& j, const std::string& place) {
  if (!j.is_string()) return read_number(j, place);
  const std::string& text = j.get_ref<const std::string&>();
  const auto value = text.starts_with("0x") ? parse_digits(std::string_view(text).substr(2), 16) : std::nullopt;
  if (!value || *value <= 0xffff'ffff)
    throw InputError(place, "not a number from 2^32 to 2^64-1 in hexadecimal (\"0x100000000\"): " + shown(j));
  return *value;
}

Json core_to_json(uint64_t v) {
  if (v <= 0xffff'ffff) return v;
  char text[16];
  const auto [end, error] = std::to_chars(std::begin(text), std::end(text), v, 16);
  return "0x" + std::string(std::begin(text), end);
}

Value read_value(const Json& j, const std::string& place) { return read_nested(j, place, 1); }

Json value_to_json(const Value& v) {
  Json j;
  switch (v.kind) {
    case Value::Kind::kInteger:
      if (v.bits <= 0xffff'ffff) return v.bits;
      j["int"] = std::to_string(v.bits);
      break;
    case Value::Kind::kNegative: {
      const auto i = static_cast<int64_t>(v.bits);
      if (i >= INT32_MIN) return i;
      j["int"] = std::to_string(i);
      break;
    }
    case Value::Kind::kString:
      return v.text;
    case Value::Kind::kSequence:
      j = Json::array();
      for (const Value& c : v.children) j.push_back(value_to_json(c));
      break;
    case Value::Kind::kCase:
      j["case"] = v.index;
      if (!v.children.empty()) j["value"] = value_to_json(v.children[0]);
      break;
    case Value::Kind::kRep:
      j["rep"] = v.bits;
      break;
    case Value::Kind::kEnd:
      j["end"] = to_string(v.end);
      break;
  }
  return j;
}

}  // namespace lockstep::traces
