// What compiled code sees of a task. The offsets are part of the contract with generated code and are pinned below.
//
// The idea (Wasmtime issue 12311): a call between two components whose lowering, lifting and type are all synchronous
// keeps its task in the caller's native stack frame. It is linked into VMContext::current, the callee reads and writes
// its context slots there, and it is unlinked again: no allocation, no call into the runtime. Only when something needs
// a table entry, a stack of its own or a record that can outlive the frame is the task *promoted* to the heap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "optimized/abi.h"

namespace lockstep::optimized {

struct Instance;
struct Task;

enum class TaskKind : uint32_t {
  kNative = 0,    // lives in a native stack frame, known only by being on the current chain
  kPromoted = 1,  // was in this native frame; `task` is where it lives now, everything else here is history
  kHeap = 2,      // the first member of a Task
};

struct VMAsyncTask {
  TaskKind kind;
  uint32_t call_id;     // given by whoever makes the call
  uint64_t slots[2];    // context.get, context.set
  VMAsyncTask* parent;  // the task that was current at the call
  Instance* instance;
  Task* task;         // null while native
  uint8_t may_block;  // whether the function's type is async
  TaskState state;
  uint8_t reserved[6];
};

struct VMContext {
  VMAsyncTask* current;  // null while the outermost host runs
};

static_assert(std::is_standard_layout_v<VMAsyncTask> && std::is_trivially_copyable_v<VMAsyncTask>);
static_assert(std::is_standard_layout_v<VMContext>);
static_assert(offsetof(VMAsyncTask, kind) == 0);
static_assert(offsetof(VMAsyncTask, call_id) == 4);
static_assert(offsetof(VMAsyncTask, slots) == 8);
static_assert(offsetof(VMAsyncTask, parent) == 24);
static_assert(offsetof(VMAsyncTask, instance) == 32);
static_assert(offsetof(VMAsyncTask, task) == 40);
static_assert(offsetof(VMAsyncTask, may_block) == 48);
static_assert(offsetof(VMAsyncTask, state) == 49);
static_assert(sizeof(VMAsyncTask) == 56);
static_assert(offsetof(VMContext, current) == 0);

}  // namespace lockstep::optimized
