// Reading the state of a store from outside, for debuggers and for comparison with other engines. It never promotes,
// never changes anything in the engine, and asks for memory only until its scratch space is large enough. Things come
// in no particular order.
#pragma once

#include <cstdint>
#include <vector>

#include "optimized/store.h"

namespace lockstep::optimized {

struct InstanceView {
  bool may_enter;
  bool may_leave;
  uint32_t backpressure;
  uint32_t num_waiting_to_enter;
  Id exclusive;  // thread, (0, 0) if none
  uint32_t next_handle_index;
  uint32_t next_thread_index;
};

struct SubtaskView {
  uint32_t index;
  uint32_t call_id;
  SubtaskState state;
  bool cancellation_requested;
  bool resolve_delivered;
  bool pending_event;
  bool sync_waiter;
  uint32_t set_index;  // 0: in no set
};

struct WaitableSetView {
  uint32_t index;
  uint32_t num_waiting;
};

struct ThreadView {
  Id id;
  bool waiting;      // if not, it runs, or has resumed the one that runs
  bool ready;        // waits, and could go on
  bool cancellable;  // waits, and cancellation would wake it
  uint32_t index;    // in the thread table of its instance; 0: not registered
  uint32_t slots[2];
};

struct TaskView {
  uint32_t call_id;
  const Instance* instance;
  TaskState state;
  uint32_t parent_call_id;  // 0: none
  bool native;              // it is an unpromoted native frame
  ThreadView thread;        // tasks have one thread so far
};

class Inspector {
 public:
  explicit Inspector(const Store& store) : store_(store) {}

  InstanceView instance(const Instance&) const;

  // Calls on_subtask(SubtaskView) and on_set(WaitableSetView) for each live handle, by index.
  template <typename OnSubtask, typename OnSet>
  void for_each_handle(const Instance& instance, OnSubtask on_subtask, OnSet on_set) const {
    for (uint32_t index = 1; index < instance.handles.length(); ++index) {
      const Handle& handle = instance.handles.at(index);
      if (const Subtask* s = handle.subtask()) on_subtask(view(*s));
      if (const WaitableSet* s = handle.waitable_set()) on_set(WaitableSetView{s->index, s->num_waiting});
    }
  }

  // Calls on_task(TaskView) for each task that has not exited: heap tasks, those that wait to enter, and the unpromoted
  // native frames of the running chain and of all chains that are suspended below it.
  template <typename OnTask>
  void for_each_task(OnTask on_task) {
    for (const Task* t = store_.live_tasks_.first(); t != nullptr; t = store_.live_tasks_.next(*t)) on_task(view(*t));
    remaining_.clear();
    for_each_frame(store_.vm_.current, on_task);
    for (const Resumption* r = store_.innermost_; r != nullptr; r = r->outer) for_each_frame(r->current, on_task);
  }

 private:
  template <typename OnTask>
  void for_each_frame(const VMAsyncTask* frame, OnTask& on_task) {
    for (; frame != nullptr && frame->kind == TaskKind::kNative; frame = frame->parent) on_task(view(*frame));
  }
  static SubtaskView view(const Subtask&);
  static TaskView view(const Task&);
  TaskView view(const VMAsyncTask& frame);

  const Store& store_;
  std::vector<uint32_t> remaining_;  // virtual threads of each instance not seen yet, the outermost of them
};

}  // namespace lockstep::optimized
