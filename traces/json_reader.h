// Reads JSON objects strictly: every field is asked for by name and type, what nobody asked for is an error, and each
// error knows its place.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "traces/json.h"

namespace lockstep::traces {

// For a message: one line, not too long.
inline std::string shown(const Json& j) {
  std::string text = j.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) {
    text.resize(57);
    text += "...";
  }
  return text;
}

inline uint32_t read_number(const Json& j, const std::string& place) {
  if (!j.is_number_unsigned() || j.get<uint64_t>() > 0xffff'ffffu)
    throw InputError(place, "not a number from 0 to 4294967295: " + j.dump());
  return j.get<uint32_t>();
}

// A core value: a number below 2^32, else hexadecimal, "0x100000000".
uint64_t read_core(const Json&, const std::string& place);
Json core_to_json(uint64_t);

// A component-level value, by its kind alone.
Value read_value(const Json&, const std::string& place);
Json value_to_json(const Value&);

template <typename F>
void for_each(const Json& list, const std::string& place, F&& f) {
  if (!list.is_array()) throw InputError(place, "not a list");
  size_t i = 0;
  for (const Json& e : list) f(e, place + "/" + std::to_string(i++));
}

class ObjectReader {
 public:
  ObjectReader(const Json& j, std::string place) : j_(j), place_(std::move(place)) {
    if (!j.is_object()) throw InputError(place_, "not an object");
  }

  std::string at(const std::string& field) const { return place_ + "/" + field; }

  const Json* optional(const char* field) {
    asked_.emplace_back(field);
    const auto it = j_.find(field);
    return it == j_.end() || it->is_null() ? nullptr : &*it;
  }
  // As optional, but null is a value.
  const Json* nullable(const char* field) {
    asked_.emplace_back(field);
    const auto it = j_.find(field);
    return it == j_.end() ? nullptr : &*it;
  }
  const Json& required(const char* field) {
    const Json* value = optional(field);
    if (value == nullptr) throw InputError(place_, std::string("\"") + field + "\" is missing");
    return *value;
  }
  uint32_t number(const char* field) { return read_number(required(field), at(field)); }
  uint32_t number_or(const char* field, uint32_t otherwise) {
    const Json* value = optional(field);
    return value == nullptr ? otherwise : read_number(*value, at(field));
  }
  bool flag(const char* field) {
    const Json* value = optional(field);
    if (value == nullptr) return false;
    if (!value->is_boolean()) throw InputError(at(field), "not true or false: " + value->dump());
    return value->get<bool>();
  }
  std::string text(const char* field) { return text_of(required(field), field); }
  std::string text_or_empty(const char* field) {
    const Json* value = optional(field);
    return value == nullptr ? "" : text_of(*value, field);
  }
  template <typename Enum>
  Enum named(const char* field) {
    return named_of<Enum>(required(field), field);
  }
  template <typename Enum>
  Enum named_or(const char* field, Enum otherwise) {
    const Json* value = optional(field);
    return value == nullptr ? otherwise : named_of<Enum>(*value, field);
  }

  // Call last: refuses fields that nobody asked for.
  void done() const {
    for (const auto& [key, value] : j_.items())
      if (std::find(asked_.begin(), asked_.end(), key) == asked_.end())
        throw InputError(place_, "unknown field \"" + key + "\"");
  }

 private:
  std::string text_of(const Json& value, const char* field) const {
    if (!value.is_string()) throw InputError(at(field), "not a text: " + value.dump());
    return value.get<std::string>();
  }
  template <typename Enum>
  Enum named_of(const Json& value, const char* field) const {
    const std::string text = text_of(value, field);
    const std::optional<Enum> e = from_name<Enum>(text);
    if (!e) throw InputError(at(field), "\"" + text + "\" is not known");
    return *e;
  }

  const Json& j_;
  std::string place_;
  std::vector<std::string> asked_;
};

}  // namespace lockstep::traces
