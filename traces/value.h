// Value types, and component-level values: what the host passes and receives. Guests see core values only.
//
// Layout and flattening (definitions.py "## Alignment" to "## Flattening") are computed here for the validator and the
// generator alone: engines have their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "traces/vocabulary.h"

namespace lockstep::traces {

using Words = std::vector<uint32_t>;

// A thread (token, k), a handle (instance, index), or an end that the host holds (token, k).
struct ThreadId {
  uint32_t task = 0;
  uint32_t k = 0;
  auto operator<=>(const ThreadId&) const = default;
};

// A value type as a tree; resources are nominal (`resource` is an index into the scenario's resource types).
struct ValueType {
  enum class Kind : uint8_t {
    kNone,  // no type: the payload of a case, or of a stream or future, that has none
    kBool,
    kU8,
    kU16,
    kU32,
    kU64,
    kS8,
    kS16,
    kS32,
    kS64,
    kString,
    kList,     // children: the element
    kTuple,    // children: one or more
    kRecord,   // the same with labels f0, f1, …
    kOption,   // children: the payload
    kResult,   // children: ok and error, each may be kNone
    kVariant,  // children: a payload for each case, may be kNone
    kOwn,
    kBorrow,
    kStream,  // children: the element, may be kNone
    kFuture,
  };
  Kind kind = Kind::kU32;
  std::vector<ValueType> children;
  uint32_t resource = 0xffff'ffff;  // kNone

  ValueType() = default;
  ValueType(Kind k, std::vector<ValueType> c = {}, uint32_t r = 0xffff'ffff)
      : kind(k), children(std::move(c)), resource(r) {}
  bool operator==(const ValueType&) const = default;
};

inline constexpr uint32_t kNone = 0xffff'ffff;

// A component-level value; which type it has is known from where it stands.
struct Value {
  enum class Kind : uint8_t {
    kInteger,   // bits: two's complement of 64 bits; also bool
    kNegative,  // the same, of a signed type and below zero
    kString,
    kSequence,  // list, tuple, record: children
    kCase,      // option, result, variant: index, and one child if there is a payload
    kRep,       // own, borrow: bits
    kEnd,       // the readable end of a stream or future that the host holds: end
  };
  Kind kind = Kind::kInteger;
  uint64_t bits = 0;
  std::string text;
  uint32_t index = 0;
  std::vector<Value> children;
  ThreadId end;

  Value() = default;
  Value(uint32_t v) : bits(v) {}
  static Value integer(uint64_t bits);
  static Value negative(int64_t v);  // kInteger if it is not
  static Value string(std::string);
  static Value sequence(std::vector<Value>);
  static Value of_case(uint32_t index);
  static Value of_case(uint32_t index, Value payload);
  static Value rep(uint32_t);
  static Value of_end(ThreadId);
  bool operator==(const Value&) const = default;
};

// A value as words of the event stream: its kind, then by kind  integer, negative, rep: low, high  string: bytes, and
// the bytes four to a word  sequence: count, and the values  case: index, 0 or 1, and the payload  end: token, k.
void append(Words&, const Value&);
// Reads one value and moves `at` behind it. The words must be well formed.
Value value_at(std::span<const uint32_t> words, size_t& at);

std::string_view name(ValueType::Kind);

// ---- layout

enum class CoreType : uint8_t { kI32, kI64 };

// flatten_type; `pointers` is the index type of the memory (i32 if there is none).
std::vector<CoreType> flatten(const ValueType&, IndexType pointers);
std::vector<CoreType> flatten(std::span<const ValueType>, IndexType pointers);
uint32_t alignment(const ValueType&, IndexType pointers);
uint32_t size(const ValueType&, IndexType pointers);
// Of a tuple of these.
uint32_t alignment(std::span<const ValueType>, IndexType pointers);
uint32_t size(std::span<const ValueType>, IndexType pointers);
// The offset of each in the tuple.
std::vector<uint32_t> offsets(std::span<const ValueType>, IndexType pointers);

// Of option, result and variant: the payloads of the cases (kNone: none), one of them (null if it has none), and where
// it begins in memory.
std::vector<ValueType> cases_of(const ValueType&);
const ValueType* payload_of(const ValueType&, size_t index);
uint32_t payload_offset(const ValueType&, IndexType pointers);

bool contains(const ValueType&, ValueType::Kind);
// Lifting or lowering it in memory needs a memory: strings and lists.
bool has_pointers(const ValueType&);
// Whether `v` is a value of this type.
bool is_value_of(const Value& v, const ValueType&);
// Some value of it, all zero: what a host function without a script returns. Ends and resources have none: rep 0.
Value zero_of(const ValueType&);

}  // namespace lockstep::traces
