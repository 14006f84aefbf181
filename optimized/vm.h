// What compiled code sees of a task and its current thread. The offsets are part of the contract with generated code
// and are pinned below.
//
// The idea (Wasmtime issue 12311): a call between two components whose lowering, lifting and type are all synchronous
// keeps its task in the caller's native stack frame. It is linked into VMContext::current, the callee reads and writes
// its context slots there, and it is unlinked again: no allocation, no call into the runtime. Only when something needs
// a table entry, a stack of its own or a record that can outlive the frame is the task *promoted* to the heap.
//
// A native frame has one thread, so the record is that of both. On the heap each thread has a record (`Thread` derives
// from it), and `current` points to that of the running thread.
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
  kHeap = 2,      // the head of a heap thread
};

// Which operation made a task.
enum class TaskOrigin : uint8_t {
  kCall,        // a call operation, of a guest or the host, which also names the task
  kRealloc,     // lowering needed memory
  kDestructor,  // an own handle was dropped
};

struct VMAsyncTask {
  TaskKind kind = TaskKind::kNative;
  uint32_t call_id = 0;           // given by whoever makes the call
  uint64_t slots[2] = {};         // context.get, context.set: of the thread
  VMAsyncTask* parent = nullptr;  // the task that was current at the call; only in implicit threads
  Instance* instance = nullptr;
  Task* task = nullptr;                   // null while native
  uint8_t may_block = 0;                  // whether the function's type is async
  TaskState state = TaskState::kInitial;  // of the task; only in implicit threads
  TaskOrigin origin = TaskOrigin::kCall;
  uint8_t reserved = 0;
  uint32_t k = 0;            // the k-th thread of the task: 0 is the implicit one
  uint32_t num_borrows = 0;  // borrowed handles that the task has to drop; only in implicit threads
  uint32_t reserved2 = 0;
};

struct VMContext {
  VMAsyncTask* current;  // the running thread; null while the outermost host runs
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
static_assert(offsetof(VMAsyncTask, k) == 52);
static_assert(offsetof(VMAsyncTask, num_borrows) == 56);
static_assert(sizeof(VMAsyncTask) == 64);
static_assert(offsetof(VMContext, current) == 0);

}  // namespace lockstep::optimized
