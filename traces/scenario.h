// A scenario: a closed, valid component (a forest of instances with functions, canon definitions and memories), the
// scripts that say what its guest code does, and the program that the host runs. It could be written out as Wasm.
//
// Plain values, no invariants of their own: traces/validate.h says what a valid scenario is, and generator, shrinker
// and reader all go through it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "traces/vocabulary.h"

namespace lockstep::traces {

inline constexpr uint32_t kNone = 0xffff'ffff;

// A token names a call: fresh for each call operation and passed as the first u32 parameter, so that both the guest
// and the trace can say which call is meant under any schedule. Never 0. A call inside `repeat` uses token + i in
// round i.
using Token = uint32_t;

// A value type as a tree; resources are nominal (`resource` is an index into the scenario's resource types).
struct ValueType {
  enum class Kind : uint8_t { kU32 };
  Kind kind = Kind::kU32;
  std::vector<ValueType> children;
  uint32_t resource = kNone;
  bool operator==(const ValueType&) const = default;
};

struct FuncType {
  std::vector<ValueType> params;  // the first is the token
  std::optional<ValueType> result;
  bool async_ = false;
  bool operator==(const FuncType&) const = default;
};

struct Memory {
  IndexType index_type = IndexType::kI32;
  uint32_t pages = 1;  // of 65,536 bytes
  bool operator==(const Memory&) const = default;
};

// What `call` calls: exactly one of the two is set.
struct Callee {
  uint32_t function = kNone;
  uint32_t host_function = kNone;
  bool operator==(const Callee&) const = default;
};

// A canon definition of an instance: a built-in or a lowered import, with its immediates. Fields that a kind does not
// have keep their defaults.
struct Canon {
  Op kind = Op::kCall;
  Callee callee;                        // kCall
  bool async_ = false;                  // kCall, kSubtaskCancel
  bool cancellable = false;             // kWaitableSetWait, kWaitableSetPoll, kThreadYield
  uint32_t slot = 0;                    // kContextGet, kContextSet: 0 or 1
  std::optional<ValueType> result;      // kTaskReturn
  uint32_t memory = kNone;              // kCall, kTaskReturn, kWaitableSetWait, kWaitableSetPoll
  Encoding encoding = Encoding::kUtf8;  // kCall, kTaskReturn
  bool operator==(const Canon&) const = default;
};

struct Instance {
  uint32_t parent = kNone;  // an earlier instance; kNone for a root
  uint32_t registers = 8;   // guest globals that scripts use
  std::vector<Memory> memories;
  std::vector<Canon> canons;
  bool operator==(const Instance&) const = default;
};

// A function lifted by an instance.
struct Function {
  uint32_t instance = 0;
  FuncType type;
  Lift lift = Lift::kSync;
  uint32_t memory = kNone;
  Encoding encoding = Encoding::kUtf8;
  bool post_return = false;
  bool operator==(const Function&) const = default;
};

struct HostFunction {
  FuncType type;
  bool operator==(const HostFunction&) const = default;
};

// A literal, or the value of a register of the instance when the operation runs.
struct Operand {
  bool is_register = false;
  uint32_t value = 0;
  bool operator==(const Operand&) const = default;
};

// A condition on what the guest knows. An operation whose guard does not hold is left out.
struct Guard {
  GuardKind kind = GuardKind::kReturned;
  bool negated = false;
  uint32_t value = 0;  // kEvent: the code; those about a register: its index
  bool operator==(const Guard&) const = default;
};

// One line of a script. `args`, by kind:
//   call               the parameters after the token, then the address of the parameter area (async and more than
//                      four parameters), then the address of the result area (async and a result)
//   context.set        value            task.return        value (if the type has one)
//   waitable-set.wait  set, address     waitable-set.poll  set, address     waitable-set.drop  set
//   waitable.join      waitable, set    subtask.cancel     subtask          subtask.drop       subtask
//   load               address          return             value (if any)   wait               set
//   code               packed value
// `to`: call (result, or the subtask's handle), context.get, waitable-set.new, thread.index, load.
struct Operation {
  Op kind = Op::kReturn;
  uint32_t canon = kNone;
  std::optional<Guard> guard;
  Token token = 0;
  std::vector<Operand> args;
  uint32_t to = kNone;          // a register
  uint32_t memory = kNone;      // load
  uint32_t times = 0;           // repeat
  std::vector<Operation> body;  // repeat
  bool operator==(const Operation&) const = default;
};
using Segment = std::vector<Operation>;

// What the task with this token does: its function body, then a segment for each callback. It applies only when the
// token arrives at this function (a guest that overwrites its own parameter area can send it elsewhere).
struct Script {
  Token token = 0;
  uint32_t function = 0;
  std::vector<Segment> segments;
  bool operator==(const Script&) const = default;
};

// What the n-th post-return (counted from 1) entered in an instance does.
struct EntryScript {
  Context context = Context::kPostReturn;
  uint32_t instance = 0;
  uint32_t entry = 1;
  Segment ops;
  bool operator==(const EntryScript&) const = default;
};

// One line of the host's program, of its aftermath, or of a host function.
struct HostOperation {
  HostOp kind = HostOp::kRun;
  uint32_t function = kNone;  // kInvoke
  Token token = 0;            // kInvoke, kResolve, kConfirm, kCancel, kDrop
  std::vector<uint32_t>
      args;              // kInvoke: parameters after the token; kResolve, kReturn: the value (if the type has one)
  bool swallow = false;  // kInvoke inside a host function: a trap ends here
  bool operator==(const HostOperation&) const = default;
};

// What a host function does when it is called with this token.
struct HostCall {
  Token token = 0;
  std::vector<HostOperation> on_call;  // ends with kReturn or kBlock
  OnCancel on_cancel = OnCancel::kNow;
  uint32_t cancel_value = 0;  // OnCancel::kReturn: the value that it returns instead
  bool operator==(const HostCall&) const = default;
};

struct Scenario {
  bool recursion = false;                 // the topology flag: calls within an instance and between child and ancestor
  uint32_t table_limit = (1u << 28) - 1;  // Table.MAX_LENGTH
  std::vector<Instance> instances;        // parents before children; roots in order
  std::vector<Function> functions;        // in definition order
  std::vector<HostFunction> host_functions;
  std::vector<Script> scripts;  // sorted by token
  std::vector<EntryScript> entries;
  std::vector<HostCall> host_calls;      // sorted by token
  std::vector<HostOperation> program;    // followed by an implicit `run`
  std::vector<HostOperation> aftermath;  // after a trap that reached the host: kInvoke and kCallStack
  bool operator==(const Scenario&) const = default;
};

// The index of the root instance above `instance`.
uint32_t root_of(const Scenario&, uint32_t instance);

}  // namespace lockstep::traces
