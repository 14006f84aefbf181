// What compiled code sees of a task and its current thread, of an instance, and of the store. The offsets are part of
// the contract with generated code and are pinned below.
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

class Store;
struct Instance;
struct Task;

enum class TaskKind : uint8_t {
  kNative = 0,    // lives in a native stack frame, known only by being on the current chain
  kPromoted = 1,  // was in this native frame; `task` is where it lives now, everything else here is history
  kHeap = 2,      // the head of a heap thread
};

// Which operation made a task.
enum class TaskOrigin : uint8_t {
  kCall,        // a call operation, of a guest or the host
  kRealloc,     // lowering needed memory
  kDestructor,  // an own handle was dropped
};

// No member has an initialiser: a native frame writes what is read of it and nothing else. The order is that of its
// stores, which so become few: the first eight bytes are one constant where the call id is, slots to num_borrows are 0.
struct VMAsyncTask {
  TaskKind kind;
  TaskState state;  // of the task; only in implicit threads
  TaskOrigin origin;
  uint8_t may_block;     // whether the function's type is async
  uint32_t call_id;      // given by whoever makes the call; 0: it gets one from Choices::name_task when it needs one
  uint64_t slots[2];     // context.get, context.set: of the thread
  uint32_t k;            // the k-th thread of the task: 0 is the implicit one
  uint32_t num_borrows;  // borrowed handles that the task has to drop; only in implicit threads
  VMAsyncTask* parent;   // the task that was current at the call; only in implicit threads
  Task* task;            // not written while native
  Instance* instance;
};

// The head of an instance.
struct VMInstance {
  Instance* parent;
  bool may_enter;
  bool may_leave;
};

struct VMContext {
  VMAsyncTask* current;  // the running thread; null while the outermost host runs
  Store* store;          // for the slow ways out
};

static_assert(std::is_standard_layout_v<VMAsyncTask> && std::is_trivially_copyable_v<VMAsyncTask>);
static_assert(std::is_trivially_default_constructible_v<VMAsyncTask>);
static_assert(std::is_standard_layout_v<VMInstance> && std::is_standard_layout_v<VMContext>);
static_assert(offsetof(VMAsyncTask, kind) == 0);
static_assert(offsetof(VMAsyncTask, state) == 1);
static_assert(offsetof(VMAsyncTask, may_block) == 3);
static_assert(offsetof(VMAsyncTask, call_id) == 4);
static_assert(offsetof(VMAsyncTask, slots) == 8);
static_assert(offsetof(VMAsyncTask, k) == 24);
static_assert(offsetof(VMAsyncTask, num_borrows) == 28);
static_assert(offsetof(VMAsyncTask, parent) == 32);
static_assert(offsetof(VMAsyncTask, task) == 40);
static_assert(offsetof(VMAsyncTask, instance) == 48);
static_assert(sizeof(VMAsyncTask) == 56);
static_assert(offsetof(VMInstance, parent) == 0);
static_assert(offsetof(VMInstance, may_enter) == 8);
static_assert(offsetof(VMInstance, may_leave) == 9);
static_assert(offsetof(VMContext, current) == 0);
static_assert(offsetof(VMContext, store) == 8);

// context.get and context.set of code whose slots have the type T: uint32_t or uint64_t.
template <typename T>
inline T context_get(const VMContext& vm, uint32_t slot) {
  return static_cast<T>(vm.current->slots[slot]);
}
template <typename T>
inline void context_set(VMContext& vm, uint32_t slot, T value) {
  vm.current->slots[slot] = value;
}

}  // namespace lockstep::optimized
