// What an embedder defines before anything runs: function types, lifted functions, host functions and lowered imports.
// All are plain values that must outlive the calls made through them; the store never copies or changes them.
#pragma once

#include <cstdint>
#include <span>

namespace lockstep::optimized {

struct Instance;
struct Subtask;
struct Task;
class HostCall;

// A linear memory. It is known by its address: canonical options name "the same memory" only if it is this very object.
struct Memory {
  std::span<uint8_t> bytes;
};

enum class Encoding : uint8_t { kUtf8, kUtf16, kLatin1Utf16 };
enum class Lift : uint8_t { kSync, kCallback, kStackful };

// Parameters are u32; the result is one u32 or nothing.
struct FuncType {
  uint32_t num_params = 0;  // at most 16
  bool has_result = false;
  bool async_ = false;
};

// Core code. A body gets its flat parameters and returns its flat result, or the packed callback code, or nothing (0).
// A callback gets (event code, p1, p2) and returns the packed code; post-return gets the flat results.
//
// It may throw Trap (a core trap) and CoreException. It must let every exception that it did not throw itself pass.
using CoreCode = uint32_t (*)(void* data, std::span<const uint32_t> args);
struct CoreFunc {
  CoreCode code = nullptr;
  void* data = nullptr;
  uint32_t operator()(std::span<const uint32_t> args) const { return code(data, args); }
  explicit operator bool() const { return code != nullptr; }
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

  // Task.needs_exclusive, for async-typed functions.
  bool needs_exclusive() const { return lift != Lift::kStackful; }
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
  Instance* common = nullptr;  // the nearest ancestor that caller and callee share, or null: entering stops below it

  const FuncType& type() const;
};

struct ImportOptions {
  bool async_ = false;
  const Memory* memory = nullptr;
};
Import make_import(Instance& importer, const Function& callee, ImportOptions = {});
Import make_import(Instance& importer, const HostFunction& callee, ImportOptions = {});

// The options of a task.return definition that must be those of the function.
struct ReturnOptions {
  bool has_result = false;
  const Memory* memory = nullptr;
  Encoding encoding = Encoding::kUtf8;
};

// A call that the host makes. It belongs to the host and must stay where it is until it has resolved or the store was
// reset. `on_start` is told that `args` are being taken, `on_resolve` gets the result; both are optional.
struct Invocation {
  uint32_t call_id = 0;
  std::span<const uint32_t> args;
  void (*on_start)(Invocation&) = nullptr;
  void (*on_resolve)(Invocation&, bool cancelled, uint32_t result) = nullptr;
  void* data = nullptr;

  Task* task = nullptr;  // the engine's: the task of this call, while it can be cancelled
  void start() {
    if (on_start != nullptr) on_start(*this);
  }
  void resolve(bool cancelled, uint32_t result) {
    if (on_resolve != nullptr) on_resolve(*this, cancelled, result);
  }
};

}  // namespace lockstep::optimized
