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

#include "traces/value.h"
#include "traces/vocabulary.h"

namespace lockstep::traces {

// A token names a call: fresh for each call operation and passed as the first u32 parameter, so that both the guest
// and the trace can say which call is meant under any schedule. Never 0. A call inside `repeat` uses token + i in
// round i.
//
// Tasks that no call operation names are called by where they run and how many ran there before (`task_name`).
using Token = uint32_t;

// The name of the n-th (from 1) realloc, destructor or start function entered in an instance. Proper tokens are below.
constexpr Token task_name(Context context, uint32_t instance, uint32_t n) {
  const uint32_t which = context == Context::kRealloc ? 0 : context == Context::kDestructor ? 1 : 2;
  return 0x8000'0000 | which << 28 | instance << 20 | n;
}
// The n of such a name.
constexpr uint32_t entry_of_task(Token name) { return name & 0xf'ffff; }

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
  Callee callee;                              // kCall
  bool async_ = false;                        // kCall, kSubtaskCancel, read, write, cancel-read, cancel-write
  bool cancellable = false;                   // kWaitableSetWait, kWaitableSetPoll, all that yields or suspends
  uint32_t slot = 0;                          // kContextGet, kContextSet: 0 or 1
  IndexType index = IndexType::kI32;          // kContextGet, kContextSet, kThreadNewIndirect: i32 or i64
  std::optional<ValueType> result;            // kTaskReturn
  ValueType element{ValueType::Kind::kNone};  // streams and futures: what they carry
  uint32_t resource = kNone;                  // resource.*
  uint32_t table = kNone;                     // kThreadNewIndirect: index in Instance::tables
  uint32_t memory = kNone;                    // kCall, kTaskReturn, kWaitableSetWait, kWaitableSetPoll, read, write,
                                              // error-context.new, error-context.debug-message
  Encoding encoding = Encoding::kUtf8;        // those but the waitable sets'
  bool realloc = false;                       // kCall, stream.read, future.read, error-context.debug-message
  bool operator==(const Canon&) const = default;
};

// A resource type; `instance` defines it and has its destructor.
struct Resource {
  uint32_t instance = 0;
  bool destructor = false;
  bool operator==(const Resource&) const = default;
};

// An entry of a table of functions that threads can begin with.
enum class TableEntry : uint8_t { kNull, kI32, kI64 };

struct Instance {
  uint32_t parent = kNone;  // an earlier instance; kNone for a root
  uint32_t registers = 8;   // guest globals that scripts use
  bool start = false;       // its core module has a start function
  std::vector<Memory> memories;
  std::vector<std::vector<TableEntry>> tables;
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
  bool realloc = false;
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
  uint64_t value = 0;
  bool operator==(const Operand&) const = default;
};

// A condition on what the guest knows. An operation whose guard does not hold is left out.
struct Guard {
  GuardKind kind = GuardKind::kReturned;
  bool negated = false;
  uint32_t value = 0;  // kEvent: the code; those about a register: its index
  bool operator==(const Guard&) const = default;
};

// One line of a script. `args`, by kind; all are core values:
//   call               flat parameters after the token; or, if the parameters are passed in memory, the words that
//   follow
//                      the token there, and the address of the area; then the address of the result area, if there is
//                      one
//   task.return        flat result; or, if that is more than 16, the address of the result in memory
//   return             flat result of a synchronous lift; or, if that is more than one, its address; realloc: the
//   pointer context.set        value            waitable-set.wait, .poll  set, address      waitable-set.drop  set
//   waitable.join      waitable, set    subtask.cancel, .drop     subtask           wait               set
//   resource.new       rep              resource.rep, .drop       handle
//   stream.read, .write  end, address, count      future.read, .write  end, address
//   cancel-read, cancel-write, drop-readable, drop-writable  end
//   thread.new-indirect  index in the table, argument (its script's key)
//   thread.resume-later, -then-resume, -then-promote  thread
//   error-context.new  address, length  .debug-message  handle, address             .drop              handle
//   load               address          store    address, value    param    its number (a literal)
//   code               packed value
// `to`: what the operation gives: call (result, or the subtask's handle), context.get, waitable-set.new, thread.index,
// load, param, resource.new, resource.rep, thread.new-indirect, error-context.new; stream.new and future.new (the
// readable end; the writable one goes to `also`).
struct Operation {
  Op kind = Op::kReturn;
  uint32_t canon = kNone;
  std::optional<Guard> guard;
  Token token = 0;
  std::vector<Operand> args;
  uint32_t to = kNone;          // a register
  uint32_t also = kNone;        // a register
  uint32_t memory = kNone;      // load, store
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

// What other guest code of an instance does.
struct EntryScript {
  Context context = Context::kPostReturn;
  uint32_t instance = 0;
  // Which: the n-th post-return or realloc (counted from 1) entered in the instance; the rep that a destructor gets;
  // the argument that a thread gets; 1 for the start function.
  uint32_t entry = 1;
  Segment ops;
  bool operator==(const EntryScript&) const = default;
};

// One line of the host's program, of its aftermath, or of a host function.
struct HostOperation {
  HostOp kind = HostOp::kRun;
  uint32_t function = kNone;  // kInvoke
  Token token = 0;            // kInvoke, kResolve, kConfirm, kCancel, kDrop; fresh: kNewStream, kNewFuture, kRead
  // kInvoke: parameters after the token; kResolve, kReturn: the value (if the type has one); kWrite: what is written.
  std::vector<Value> args;
  bool swallow = false;                       // kInvoke inside a host function: a trap ends here
  ThreadId end;                               // kRead, kWrite, kCancelCopy, kDropEnd
  uint32_t count = 0;                         // kRead: how many at most
  ValueType element{ValueType::Kind::kNone};  // kNewStream, kNewFuture
  bool operator==(const HostOperation&) const = default;
};

// What a host function does when it is called with this token.
struct HostCall {
  Token token = 0;
  std::vector<HostOperation> on_call;  // ends with kReturn or kBlock
  OnCancel on_cancel = OnCancel::kNow;
  Value cancel_value;  // OnCancel::kReturn: the value that it returns instead
  bool operator==(const HostCall&) const = default;
};

struct Scenario {
  bool recursion = false;                 // the topology flag: calls within an instance and between child and ancestor
  uint32_t table_limit = (1u << 28) - 1;  // Table.MAX_LENGTH
  std::vector<Resource> resources;
  std::vector<Instance> instances;  // parents before children; roots in order
  std::vector<Function> functions;  // in definition order
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

// The instances with a start function in the order in which these run: roots in order, children before their parent.
std::vector<uint32_t> start_order(const Scenario&);

inline constexpr size_t kMaxFlatParams = 16;
inline constexpr size_t kMaxFlatAsyncParams = 4;
inline constexpr size_t kMaxFlatResults = 1;

inline constexpr size_t kMaxOperands = 64;  // of one operation

// How the core values of a call, a return or a script's segment look.
struct CallShape {
  bool params_in_memory = false;
  uint32_t flat_params = 0;   // including the token; 1 if they are in memory
  uint32_t area_words = 0;    // of the parameters in memory, including the token
  bool result_area = false;   // the caller passes the address of one
  uint32_t flat_results = 0;  // that the call gives back
};
// The type of what a canon of kind call calls.
const FuncType& callee_type(const Scenario&, const Callee&);
// Whether the canon is a task.return that a task of the function may call (canon_task_return's traps).
bool returns_for(const Canon&, const Function&);
// canon lower with these options. `pointers` is the index type of the canon's memory.
CallShape lowered_shape(const FuncType&, bool async_, IndexType pointers);
// Flat parameters that core code of a lifted function gets.
uint32_t lifted_params(const FuncType&, IndexType pointers);
// Flat values that it returns (synchronous lift): 0 or 1.
uint32_t lifted_results(const FuncType&);
// Flat values that task.return takes.
uint32_t returned_values(const std::optional<ValueType>& result, IndexType pointers);
// The flat parameters are too many: core code gets the address of a tuple of them, from realloc. (The number does not
// depend on the index type.)
bool params_in_memory(const FuncType&);
// The index type of a memory of the instance; i32 for kNone.
IndexType index_type(const Scenario&, uint32_t instance, uint32_t memory);

}  // namespace lockstep::traces
