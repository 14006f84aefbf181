// Lifting and lowering: from flat core values and memories to Values, and back. Checks and effects stand in the order
// of definitions.py; what it asserts of pointers is asserted here.
//
// Calls whose types are numbers only do not come here: their flat values are handed through, see FuncType::verbatim.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "optimized/abi.h"
#include "optimized/trap.h"
#include "optimized/types.h"
#include "optimized/valtype.h"

namespace lockstep::optimized {

struct Instance;
struct ResourceHandle;
struct VMAsyncTask;

// LiftLowerContext: whose values these are, and with which options.
struct Context {
  Instance* instance = nullptr;
  const Memory* memory = nullptr;
  CoreFunc realloc;                                 // lowering
  std::vector<ResourceHandle*>* lenders = nullptr;  // lifting borrows: Subtask.lenders of the call
  VMAsyncTask* task = nullptr;                      // lowering borrows: the task that borrows

  AddressType address_type() const { return memory != nullptr ? memory->address_type : AddressType::kI32; }
};

// ---- flat values

// CoreValueIter. An i32 that lies in an i64, because cases of a variant share it, is wrapped.
class FlatReader {
 public:
  explicit FlatReader(std::span<const uint64_t> values) : values_(values) {}
  uint32_t i32() { return static_cast<uint32_t>(i64()); }
  uint64_t i64() {
    const uint64_t value = values_.front();
    values_ = values_.subspan(1);
    return value;
  }
  uint64_t address(AddressType a) { return a == AddressType::kI32 ? i32() : i64(); }
  void skip(size_t n) { values_ = values_.subspan(n); }

 private:
  std::span<const uint64_t> values_;
};

// Collects what is lowered; there are at most kMaxFlatParams.
class FlatWriter {
 public:
  void put(uint64_t value) { values_[count_++] = value; }
  std::span<const uint64_t> values() const { return std::span(values_).first(count_); }

 private:
  std::array<uint64_t, kMaxFlatParams> values_;
  size_t count_ = 0;
};

// A flat number or bool as a Value's number, and back.
uint64_t lift_scalar(TypeKind, uint64_t flat);
uint64_t lower_scalar(TypeKind, uint64_t number);

Value lift_flat(const Context&, FlatReader&, const TypeNode&);
void lower_flat(const Context&, FlatWriter&, const Value&, const TypeNode&);

// lift_flat_values and lower_flat_values of parameters (`tuple` is their type) and of a result (which is its own
// tuple). With more than `max_flat` flat values, they lie in memory. For lowering to memory, the address is given (a
// parameter of the caller) or allocated.
void lift_params(const Context&, FlatReader&, uint32_t max_flat, const FuncType&, std::span<Value> out);
void lower_params(const Context&, FlatWriter&, std::span<const Value>, const FuncType&);
Value lift_result(const Context&, FlatReader&, uint32_t max_flat, const FuncType&);
void lower_result_to(const Context&, uint64_t address, const Value&, const FuncType&);

// ---- memories: `address` must be aligned and in bounds

Value load(const Context&, uint64_t address, const TypeNode&);
void store(const Context&, const Value&, const TypeNode&, uint64_t address);

// load_list_from_valid_range and store_list_into_valid_range.
std::vector<Value> load_elements(const Context&, uint64_t address, uint32_t count, const TypeNode& element);
void store_elements(const Context&, std::span<const Value>, uint64_t address, const TypeNode& element);

// load_string_from_range (UTF-8), and store_string_into_range.
std::string load_text(const Context&, uint64_t address, uint64_t bytes);
uint64_t store_text(const Context&, const std::string&);

// Whether `size` bytes from `address` lie in the memory.
inline bool in_bounds(const Memory& memory, uint64_t address, uint64_t size) {
  return size <= memory.bytes.size() && address <= memory.bytes.size() - size;
}

uint64_t load_number(const Memory&, uint64_t address, uint32_t bytes);
void store_number(const Memory&, uint64_t number, uint64_t address, uint32_t bytes);

// The hooks for streams and futures: lift_async_value, and what lower_stream and lower_future do. `t` is the type of
// the stream or future. In streams.cc.
SharedStream* lift_copy_end(Instance&, uint32_t index, const TypeNode& t);
uint32_t lower_copy_end(Instance&, SharedStream*, const TypeNode& t);

// Room for the arguments of one call, without the heap if they are not more than fit into flat values.
class Arguments {
 public:
  std::span<Value> reset(size_t count) {
    if (count <= few_.size()) return std::span(few_).first(count);
    many_.resize(count);
    return many_;
  }

 private:
  std::array<Value, kMaxFlatParams> few_;
  std::vector<Value> many_;
};

}  // namespace lockstep::optimized
