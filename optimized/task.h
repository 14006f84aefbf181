// The heap form of tasks, and their threads. Tasks of async-typed functions are made here; tasks in native frames move
// here when they are promoted.
//
// The implicit thread is part of its task. The explicit ones (thread.new-indirect) have records of their own; each of
// them runs on a fiber, whose bottom it is: a chain of native frames on that fiber has the thread as its parent.
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "optimized/choices.h"
#include "optimized/list.h"
#include "optimized/prefetch.h"
#include "optimized/types.h"
#include "optimized/vm.h"

namespace lockstep::optimized {

class Bag;
class Fiber;
struct Function;
struct Invocation;
struct Subtask;
struct Task;
struct Waitable;
struct WaitableSet;

// A resumption in progress: somebody resumed a thread and gets control back when that thread blocks or ends. It lives
// in the native frame of the resumer, except for the loop of a blocked native frame, whose record outlives the frame.
struct Resumption {
  Resumption* outer = nullptr;     // the resumer's own resumer, and so on to the host
  Fiber* fiber = nullptr;          // where the resumer runs
  VMAsyncTask* current = nullptr;  // which thread it runs
  bool returned = false;
  bool over_native = false;  // its own chain or one further out may have unpromoted native frames
  std::exception_ptr error;  // if the thread ended in a trap
};

// What a thread waits for: the ready functions of definitions.py.
enum class Wait : uint8_t {
  kNothing,         // it runs, or is suspended
  kAlwaysReady,     // thread.yield, thread.resume-later
  kResolution,      // of the subtask of a synchronous call
  kEvent,           // of the waitable of a synchronous cancellation, read or write
  kSetEvent,        // waitable-set.wait
  kCallbackYield,   // no exclusive thread
  kCallbackEvent,   // no exclusive thread, and an event in the set
  kEntry,           // no backpressure
  kEntryExclusive,  // no backpressure and no exclusive thread
};

// The head is what compiled code sees; VMContext::current points to it while the thread runs. What waking, resuming and
// blocking touch is in two cache lines.
struct Thread : VMAsyncTask {
  uint32_t index = 0;  // in the instance's thread table; 0: not registered
  Wait wait = Wait::kNothing;
  bool suspended : 1 = false;           // blocked, and only another thread can make it go on
  bool cancellable : 1 = false;         // how it blocked last
  bool cancelled : 1 = false;           // what the last wait came back with
  bool abandoned : 1 = false;           // a native frame that was unwound while its thread waited: it never runs again
  bool has_callback_event : 1 = false;  // waits between callbacks and holds no stack

  union {
    Waitable* awaited = nullptr;  // kResolution, kEvent
    WaitableSet* awaited_set;     // kSetEvent, kCallbackEvent; or the set of a callback's WAIT
  };
  Bag* bag = nullptr;  // if what it waits for has happened
  uint32_t bag_position = 0;
  uint32_t cancellable_position = 0;  // in its task's cancellable threads, if it is one of them
  Fiber* fiber = nullptr;             // the stack it is on; null: it gets one when it is resumed
  Resumption* resumed_by = nullptr;   // null: by its own native caller
  Link<Thread> task_link;             // in its task's threads

  Link<Thread> fiber_link;  // in the store's list of threads that are the bottom of a fiber
  CoreFunc start;           // explicit threads: what they run
  uint64_t argument = 0;    // … and its argument

  Thread() : VMAsyncTask() {}
  Id id() const { return {call_id, k}; }
  bool is_implicit() const { return k == 0; }
  bool waiting() const { return wait != Wait::kNothing; }
  bool running() const { return !waiting() && !suspended; }
  bool ready() const;
  // Whether it lives in a native frame of somebody else's stack.
  bool is_native() const;
  // Puts it into the bag of those that can go on as soon as the bag's gate is open, or takes it out.
  void enlist();
  void delist();
  // How it blocks from now on.
  void set_cancellable(bool);
  void reinitialise() { *this = Thread(); }
};

// Threads that blocked cancellably when they blocked last.
class CancellableThreads {
 public:
  uint32_t count() const { return static_cast<uint32_t>(threads_.size()); }
  uint64_t hash() const { return hash_; }
  Thread& nth(uint32_t i) const { return *threads_[i]; }
  void add(Thread&);
  void remove(Thread&);
  void clear();

 private:
  std::vector<Thread*> threads_;
  uint64_t hash_ = 0;
};

// What only the task of a promoted native frame has.
struct PromotedFrame {
  Resumption loop;                // of canon_lift, see switch.cc
  VMAsyncTask* caller = nullptr;  // the native caller
  std::exception_ptr error;       // what left the frame
};

struct Task {
  Thread thread;                       // the implicit one, whose head has the state of the task
  const Function* function = nullptr;  // null for a promoted native frame, whose lift is synchronous
  Subtask* subtask = nullptr;          // the caller's side, if a guest called and it has not resolved
  Invocation* invocation = nullptr;    // the caller's side, if the host called and it has not resolved
  bool waits_to_enter = false;         // counted in num_waiting_to_enter
  bool exited = false;                 // its last thread is gone
  bool in_frame = false;               // its native frame has not returned and refers to it
  uint32_t next_k = 1;                 // of the next explicit thread

  List<Thread, &Thread::task_link> threads;  // those that are registered, in the order of that
  Link<Task> sibling_link;                   // in the parent's children
  List<Task, &Task::sibling_link> children;
  std::unique_ptr<CancellableThreads> cancellable_threads;  // of these, without the implicit one; made when needed
  PromotedFrame frame;

  const CancellableThreads& cancellable() const;
  bool is_native() const { return function == nullptr; }
  Task* parent() const { return thread.parent != nullptr ? thread.parent->task : nullptr; }
  void reinitialise();
};

// What is touched of a task that is not a promoted frame: four cache lines.
inline constexpr size_t kTaskBytes = 4 * kCacheLine;

inline bool Thread::is_native() const { return is_implicit() && task->is_native(); }

// The live form of a native frame that may have been promoted since the pointer was taken.
inline VMAsyncTask* live(VMAsyncTask* task) {
  return task != nullptr && task->kind == TaskKind::kPromoted ? &task->task->thread : task;
}

// The record of the task to which a live record belongs: that of the implicit thread.
inline VMAsyncTask* task_head(VMAsyncTask* thread) {
  return thread != nullptr && thread->kind == TaskKind::kHeap ? &thread->task->thread : thread;
}

}  // namespace lockstep::optimized
