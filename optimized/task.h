// The heap form of a task, and its thread. Tasks of async-typed functions are made here; tasks in native frames move
// here when they are promoted.
//
// A task owns, for now, exactly one thread (the implicit one). Thread is a type of its own because explicit threads
// will come; only they will need more than one per task.
#pragma once

#include <cstdint>
#include <exception>

#include "optimized/choices.h"
#include "optimized/list.h"
#include "optimized/vm.h"

namespace lockstep::optimized {

class Bag;
class Fiber;
struct Function;
struct Invocation;
struct Subtask;
struct Task;
struct WaitableSet;

// A resumption in progress: somebody resumed a thread and gets control back when that thread blocks or ends. It lives
// in the native frame of the resumer, except for the loop of a blocked native frame, whose record outlives the frame.
struct Resumption {
  Resumption* outer = nullptr;     // the resumer's own resumer, and so on to the host
  Fiber* fiber = nullptr;          // where the resumer runs
  VMAsyncTask* current = nullptr;  // which task it runs
  bool returned = false;
  std::exception_ptr error;  // if the thread ended in a trap
};

// What a thread waits for: the ready functions of definitions.py.
enum class Wait : uint8_t {
  kNothing,         // it runs
  kAlwaysReady,     // thread.yield
  kResolution,      // of the subtask of a synchronous call
  kEvent,           // of the subtask of a synchronous cancellation
  kSetEvent,        // waitable-set.wait
  kCallbackYield,   // no exclusive thread
  kCallbackEvent,   // no exclusive thread, and an event in the set
  kEntry,           // no backpressure
  kEntryExclusive,  // no backpressure and no exclusive thread
};

struct Thread {
  Task* task = nullptr;
  uint32_t k = 0;      // the k-th thread of its task
  uint32_t index = 0;  // in the instance's thread table; 0: not registered
  Wait wait = Wait::kNothing;
  bool cancellable = false;            // how it blocked last
  bool cancelled = false;              // what the last wait came back with
  bool abandoned = false;              // a native frame that was unwound while its thread waited: it never runs again
  bool has_callback_event = false;     // waits between callbacks and holds no stack
  Subtask* awaited = nullptr;          // kResolution, kEvent
  WaitableSet* awaited_set = nullptr;  // kSetEvent, kCallbackEvent; or the set of a callback's WAIT
  Bag* bag = nullptr;                  // if what it waits for has happened
  uint32_t bag_position = 0;
  Link<Thread> set_link;  // in awaited_set's waiters

  Fiber* fiber = nullptr;            // the stack it is on; null: it gets one when it is resumed
  Resumption* resumed_by = nullptr;  // null: by its own native caller
  Resumption loop;                   // native frames: the loop of canon_lift, see switch.cc
  VMAsyncTask* caller = nullptr;     // native frames: the native caller
  std::exception_ptr error;          // native frames: what left the frame

  Id id() const;
  bool waiting() const { return wait != Wait::kNothing; }
  bool ready() const;
  // Puts it into the bag of those that can go on as soon as the bag's gate is open, or takes it out.
  void enlist();
  void delist();
};

struct Task {
  VMAsyncTask vm;  // first: compiled code sees only this
  Thread thread;
  const Function* function = nullptr;  // null for a promoted native frame, whose lift is synchronous
  Subtask* subtask = nullptr;          // the caller's side, if a guest called and it has not resolved
  Invocation* invocation = nullptr;    // the caller's side, if the host called and it has not resolved
  bool waits_to_enter = false;         // counted in num_waiting_to_enter
  bool exited = false;                 // its last thread is gone

  Link<Task> live_link;     // in the store's list of tasks
  Link<Task> sibling_link;  // in the parent's children
  List<Task, &Task::sibling_link> children;

  bool is_native() const { return function == nullptr; }
  Task* parent() const { return vm.parent != nullptr ? vm.parent->task : nullptr; }
  void reinitialise() { *this = Task(); }
};

// The live form of a task that may have been promoted since the pointer was taken.
inline VMAsyncTask* live(VMAsyncTask* task) {
  return task != nullptr && task->kind == TaskKind::kPromoted ? &task->task->vm : task;
}

}  // namespace lockstep::optimized
