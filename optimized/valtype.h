// Types of the Component Model, and values of them: plain data. How they are laid out in memory and in flat core values
// is worked out once, when the type is made; values.h uses it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace lockstep::optimized {

struct ResourceType;
struct SharedStream;
class Type;

// Whether addresses of a memory (and so lengths and pointers in flat values) are i32 or i64.
enum class AddressType : uint8_t { kI32, kI64 };

enum class TypeKind : uint8_t {
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
  kList,
  kRecord,
  kTuple,
  kVariant,
  kOption,
  kResult,
  kOwn,
  kBorrow,
  kStream,
  kFuture,
};

struct Layout {
  uint32_t alignment = 1;
  uint32_t size = 0;
};

// A field of a record or a case of a variant; tuples, options and results have them too, without labels.
struct TypePart {
  std::string label;
  std::shared_ptr<const struct TypeNode> type;  // null: a case without payload
};

struct TypeNode {
  TypeKind kind = TypeKind::kBool;
  std::vector<TypePart> parts;              // fields, or cases
  std::shared_ptr<const TypeNode> element;  // of a list, stream or future; null: a stream or future without values
  const ResourceType* resource = nullptr;   // of own and borrow

  // Derived. Arrays are indexed by AddressType.
  uint32_t flat_count = 1;
  std::array<Layout, 2> layout;
  std::array<std::vector<uint32_t>, 2> offsets;  // of the fields
  std::array<uint32_t, 2> payload_offset = {};   // of the cases
  uint32_t discriminant_size = 0;

  const Layout& in(AddressType a) const { return layout[static_cast<size_t>(a)]; }
};

// A type, or none. Equal types may be made more than once; resource types are told apart by their address.
class Type {
 public:
  Type() = default;

  static Type boolean() { return primitive(TypeKind::kBool); }
  static Type u8() { return primitive(TypeKind::kU8); }
  static Type u16() { return primitive(TypeKind::kU16); }
  static Type u32() { return primitive(TypeKind::kU32); }
  static Type u64() { return primitive(TypeKind::kU64); }
  static Type s8() { return primitive(TypeKind::kS8); }
  static Type s16() { return primitive(TypeKind::kS16); }
  static Type s32() { return primitive(TypeKind::kS32); }
  static Type s64() { return primitive(TypeKind::kS64); }
  static Type string() { return primitive(TypeKind::kString); }
  static Type primitive(TypeKind);
  static Type list(const Type& element);
  // At least one field or case.
  static Type record(std::vector<std::pair<std::string, Type>> fields);
  static Type tuple(const std::vector<Type>& fields);
  static Type variant(std::vector<std::pair<std::string, Type>> cases);
  static Type option(const Type& some);
  static Type result(const Type& ok, const Type& error);
  static Type own(const ResourceType&);
  static Type borrow(const ResourceType&);
  static Type stream(const Type& element = {});
  static Type future(const Type& element = {});

  explicit operator bool() const { return node_ != nullptr; }
  const TypeNode& operator*() const { return *node_; }
  const TypeNode* operator->() const { return node_.get(); }
  // The element of a list, stream or future, or none.
  Type element() const { return Type(node_->element); }
  // bool and the integers: one flat value, no handles, no memory.
  bool is_scalar() const { return node_->kind <= TypeKind::kS64; }
  // The integers: elements that may go through a stream within one instance.
  bool is_number() const { return is_scalar() && node_->kind != TypeKind::kBool; }

  static bool equal(const TypeNode* a, const TypeNode* b);
  friend bool operator==(const Type& a, const Type& b) { return equal(a.node_.get(), b.node_.get()); }

 private:
  explicit Type(std::shared_ptr<const TypeNode> node) : node_(std::move(node)) {}
  static Type of_parts(TypeKind, std::vector<TypePart>);
  static Type of_element(TypeKind, const Type& element);

  std::shared_ptr<const TypeNode> node_;
};

// A value, known to be one of some type. Numbers, cases without payload and handles need no memory of their own.
class Value {
 public:
  Value() = default;
  // bool, integers (signed ones sign-extended), what a resource is represented by.
  Value(uint64_t number) : number_(number) {}  // NOLINT: u32 parameters look like numbers
  static Value text(std::string);
  // A list, record or tuple.
  static Value of(std::vector<Value> items);
  // A variant, option (0: none, 1: some) or result (0: ok, 1: error).
  static Value of_case(uint32_t index) { return Value(index); }
  static Value of_case(uint32_t index, Value payload);
  // What the readable end of a stream or future leads to.
  static Value shared(SharedStream* s) { return Value(reinterpret_cast<uintptr_t>(s)); }

  uint64_t number() const { return number_; }
  const std::string& text() const { return rest_->text; }
  // Of a case with payload, the only one is the payload.
  std::span<const Value> items() const { return rest_ != nullptr ? rest_->items : std::span<const Value>(); }
  const Value& payload() const { return rest_->items[0]; }
  SharedStream* shared() const { return reinterpret_cast<SharedStream*>(number_); }

  Value(Value&&) noexcept = default;
  Value& operator=(Value&&) noexcept = default;
  Value(const Value& other) : number_(other.number_), rest_(copy(other)) {}
  Value& operator=(const Value& other) {
    if (this != &other) {
      number_ = other.number_;
      rest_ = copy(other);
    }
    return *this;
  }
  ~Value() = default;
  bool operator==(const Value&) const;

 private:
  struct Rest {
    std::string text;
    std::vector<Value> items;
  };
  static std::unique_ptr<Rest> copy(const Value& v) {
    return v.rest_ != nullptr ? std::make_unique<Rest>(*v.rest_) : nullptr;
  }

  uint64_t number_ = 0;
  std::unique_ptr<Rest> rest_;
};

}  // namespace lockstep::optimized
