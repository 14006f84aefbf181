// What an embedder defines before anything runs: function types, lifted functions, host functions and lowered imports.
// All are plain values that must outlive the calls made through them; the store never copies or changes them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "optimized/valtype.h"

namespace lockstep::optimized {

struct Instance;
struct Subtask;
struct Task;
class HostCall;

// A linear memory. It is known by its address: canonical options name "the same memory" only if it is this very object.
struct Memory {
  std::span<uint8_t> bytes;
  AddressType address_type = AddressType::kI32;
};

enum class Encoding : uint8_t { kUtf8, kUtf16, kLatin1Utf16 };
enum class Lift : uint8_t { kSync, kCallback, kStackful };

// The type of a function, and what follows from it, which is worked out once. Not changed after it was made.
struct FuncType {
  std::vector<Type> params;
  Type result;  // or none
  bool async_ = false;

  FuncType() = default;
  FuncType(std::vector<Type> param_types, Type result_type, bool is_async);

  Type params_tuple;  // if there are any
  uint32_t flat_params = 0;
  uint32_t flat_result = 0;
  bool scalars = true;   // bools and integers only, and all of them flat on both sides
  bool verbatim = true;  // of these, those that lifting and lowering do not change
  bool has_result() const { return bool(result); }
};

// Core code. A body gets its flat parameters and returns its flat result, or the packed callback code, or nothing (0).
// A callback gets (event code, p1, p2) and returns the packed code; post-return gets the flat results.
//
// A core value is 64 bits wide here; those of type i32 are zero-extended.
//
// It may throw Trap (a core trap) and CoreException. It must let every exception that it did not throw itself pass.
using CoreCode = uint64_t (*)(void* data, std::span<const uint64_t> args);
struct CoreFunc {
  CoreCode code = nullptr;
  void* data = nullptr;
  uint64_t operator()(std::span<const uint64_t> args) const { return code(data, args); }
  explicit operator bool() const { return code != nullptr; }
};

// A function table of core code, for thread.new-indirect: functions of one i32 or i64 without a result. Entry 0 counts;
// entries without code are null.
struct FuncRef {
  CoreFunc code;
  AddressType parameter = AddressType::kI32;
};
struct FuncTable {
  std::span<const FuncRef> entries;
};

// canon lift. A sync-typed function is lifted synchronously; validation sees to that.
struct Function {
  Instance* instance = nullptr;
  FuncType type;
  Lift lift = Lift::kSync;
  const Memory* memory = nullptr;
  Encoding encoding = Encoding::kUtf8;
  CoreFunc body;
  CoreFunc callback;     // Lift::kCallback
  CoreFunc post_return;  // Lift::kSync, optional
  CoreFunc realloc;      // if parameters need memory: (old address, old size, alignment, new size), the new address

  // Task.needs_exclusive, for async-typed functions.
  bool needs_exclusive() const { return lift != Lift::kStackful; }
};

// A resource type, known by its address. Dropping an own handle calls the destructor, or a function that does nothing.
struct ResourceType {
  ResourceType(Instance& impl, CoreFunc dtor = {});
  ResourceType(const ResourceType&) = delete;
  ResourceType& operator=(const ResourceType&) = delete;

  const Function destructor;  // its instance is the one that defines the type
};

// A function of the host. The code must call HostCall::start(), then resolve(), or block() if its type is async.
using HostCode = void (*)(void* data, HostCall& call);
struct HostFunction {
  FuncType type;
  HostCode code = nullptr;
  void* data = nullptr;
};

// canon lower: an import of `instance`, either a lifted function or one of the host. Made by make_import().
struct Import {
  Instance* instance = nullptr;
  const Function* function = nullptr;
  const HostFunction* host = nullptr;
  bool async_ = false;
  const Memory* memory = nullptr;
  CoreFunc realloc;            // if the result needs memory besides the area that the caller gives
  Instance* common = nullptr;  // the nearest ancestor that caller and callee share, or null: entering stops below it

  const FuncType& type() const;
};

struct ImportOptions {
  bool async_ = false;
  const Memory* memory = nullptr;
  CoreFunc realloc = {};
};
Import make_import(Instance& importer, const Function& callee, ImportOptions = {});
Import make_import(Instance& importer, const HostFunction& callee, ImportOptions = {});

// The options of a task.return definition that must be those of the function.
struct ReturnOptions {
  Type result;  // or none
  const Memory* memory = nullptr;
  Encoding encoding = Encoding::kUtf8;
};

// The options of a stream.read, stream.write, future.read or future.write definition. The memory and realloc are those
// of the elements, as far as these need them; they are used as long as the copy lasts.
struct CopyOptions {
  Type element;  // or none
  bool async_ = false;
  const Memory* memory = nullptr;
  CoreFunc realloc = {};
};

// A call that the host makes. It belongs to the host and must stay where it is until it has resolved or the store was
// reset. `on_start` is told that `args` are being taken, `on_resolve` gets the result (0 if there is none or the call
// was cancelled); both are optional.
struct Invocation {
  uint32_t call_id = 0;
  std::span<const Value> args;
  void (*on_start)(Invocation&) = nullptr;
  void (*on_resolve)(Invocation&, bool cancelled, Value result) = nullptr;
  void* data = nullptr;

  Task* task = nullptr;  // the engine's: the task of this call, while it can be cancelled
  void start() {
    if (on_start != nullptr) on_start(*this);
  }
  void resolve(bool cancelled, Value result) {
    if (on_resolve != nullptr) on_resolve(*this, cancelled, std::move(result));
  }
};

}  // namespace lockstep::optimized
