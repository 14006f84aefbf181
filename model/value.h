// A component-level value: what definitions.py has as int, bool, str, list, dict and objects of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::model {

class ErrorContext;
class SharedBase;

// Which fields count is a matter of the type.
struct Value {
  uint64_t bits = 0;                      // integers, signed ones sign-extended; bool; own and borrow: the rep
  std::string string;                     // in UTF-8
  std::vector<Value> children;            // elements, fields in the order of the type, a case's payload (or none)
  uint32_t case_index = 0;                // variant; option: none, some; result: ok, error
  SharedBase* shared = nullptr;           // stream, future: what its readable end shares with its writable one
  ErrorContext* error_context = nullptr;  // error-context

  bool operator==(const Value&) const = default;
};

using Values = std::vector<Value>;

// A value that is a number: bool, integer, rep.
inline Value number(uint64_t bits) {
  Value v;
  v.bits = bits;
  return v;
}

}  // namespace lockstep::model
