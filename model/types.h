// The types of definitions.py's "### Boilerplate", as far as the model has them: of the values all but floats, char,
// flags, enum, map and fixed-length lists.
//
// A ValType is what a variable of type Optional[ValType] is there: null is None, and == compares structure. Only
// resource types are nominal: two are the same if they are one object. U8Type(), ListType(t) and so on make one, under
// the names of definitions.py's classes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lockstep::model {

class ResourceType;
struct TypeNode;

enum class Kind : uint8_t {
  Bool,
  S8,
  U8,
  S16,
  U16,
  S32,
  U32,
  S64,
  U64,
  String,
  ErrorContext,
  List,
  Record,
  Tuple,
  Variant,
  Option,
  Result,
  Own,
  Borrow,
  Stream,
  Future,
};

class ValType {
 public:
  ValType() = default;
  explicit ValType(TypeNode node);

  explicit operator bool() const { return node_ != nullptr; }
  const TypeNode* operator->() const { return node_.get(); }
  friend bool operator==(const ValType& a, const ValType& b);

 private:
  std::shared_ptr<const TypeNode> node_;
};

struct FieldType {
  std::string label;
  ValType t;
  bool operator==(const FieldType&) const = default;
};

struct CaseType {
  std::string label;
  ValType t;  // null: no payload
  bool operator==(const CaseType&) const = default;
};

// The fields that a kind does not have are empty.
struct TypeNode {
  Kind kind;
  ValType t;                      // list, option, stream, future: of what; result: ok
  ValType error;                  // result
  std::vector<FieldType> fields;  // record
  std::vector<ValType> ts;        // tuple
  std::vector<CaseType> cases;    // variant
  ResourceType* rt = nullptr;     // own, borrow
  bool operator==(const TypeNode&) const = default;
};

ValType BoolType();
ValType S8Type();
ValType U8Type();
ValType S16Type();
ValType U16Type();
ValType S32Type();
ValType U32Type();
ValType S64Type();
ValType U64Type();
ValType StringType();
ValType ErrorContextType();
ValType ListType(ValType t);
ValType RecordType(std::vector<FieldType> fields);
ValType TupleType(std::vector<ValType> ts);
ValType VariantType(std::vector<CaseType> cases);
ValType OptionType(ValType t);
ValType ResultType(ValType ok, ValType error);
ValType OwnType(ResourceType* rt);
ValType BorrowType(ResourceType* rt);
ValType StreamType(ValType t);
ValType FutureType(ValType t);

struct FuncType {
  std::vector<ValType> params;
  std::vector<ValType> result;  // none or one
  bool async_ = false;
  const std::vector<ValType>& param_types() const { return params; }
  const std::vector<ValType>& result_type() const { return result; }
};

// Of a core value, and of an address: 'i32' or 'i64' in definitions.py.
enum class CoreType : uint8_t { i32, i64 };

// A core value; one of type i32 is zero-extended.
using CoreVal = uint64_t;
using CoreValues = std::vector<CoreVal>;
using CoreFunc = std::function<CoreValues(const CoreValues&)>;

struct CoreFuncType {
  std::vector<CoreType> params;
  std::vector<CoreType> results;
  bool operator==(const CoreFuncType&) const = default;
};

// For sums and products of addresses and lengths, which have no bounds in definitions.py.
__extension__ using uint128 = unsigned __int128;

bool types_match_values(const std::vector<CoreType>& ts, const CoreValues& vs);

}  // namespace lockstep::model
