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

struct ResourceView {
  uint32_t index;
  const ResourceType* type;
  uint32_t rep;
  bool own;
  uint32_t borrow_call_id;  // the task that borrowed it; 0: none, or a trap has ended it
  uint32_t num_lends;
};

struct ErrorContextView {
  uint32_t index;
  size_t message_length;  // in bytes
};

struct EndView {
  uint32_t index;
  EndKind kind;
  CopyState state;
  bool pending_event;
  bool sync_waiter;
  uint32_t set_index;       // 0: in no set
  bool dropped;             // the other end
  bool has_pending_buffer;  // one of the two ends
  uint32_t pending_remain;  // … and how many elements fit into it or are left in it
  uint32_t progress;        // of the end's own copy, if there is one
  uint32_t length;
};

// A thread that neither waits nor is suspended runs, or has resumed the one that runs.
struct ThreadView {
  Id id;
  bool waiting;
  bool suspended;
  bool ready;        // waits, and could go on
  bool cancellable;  // is blocked, and cancellation would wake it
  uint32_t index;    // in the thread table of its instance; 0: not registered
  uint64_t slots[2];
};

struct TaskView {
  uint32_t call_id;
  const Instance* instance;
  TaskState state;
  uint32_t parent_call_id;  // 0: none
  bool native;              // it is an unpromoted native frame
  bool implicit_ended;      // only explicit threads are left
  TaskOrigin origin;
  uint32_t num_borrows;
  ThreadView thread;  // the implicit one
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

  // The same for on_resource(ResourceView) and on_error(ErrorContextView).
  template <typename OnResource, typename OnError>
  void for_each_resource(const Instance& instance, OnResource on_resource, OnError on_error) const {
    for (uint32_t index = 1; index < instance.handles.length(); ++index) {
      const Handle& handle = instance.handles.at(index);
      if (const ResourceHandle* h = handle.resource()) on_resource(view(index, *h));
      if (const ErrorContext* e = handle.error_context()) on_error(ErrorContextView{index, e->debug_message.size()});
    }
  }

  // The same for the ends of streams and futures.
  template <typename OnEnd>
  void for_each_end(const Instance& instance, OnEnd on_end) const {
    for (uint32_t index = 1; index < instance.handles.length(); ++index)
      if (const CopyEnd* e = instance.handles.at(index).copy_end()) on_end(view(*e));
  }

  // Calls on_task(TaskView) for each task that has not exited: heap tasks, those that wait to enter, and the unpromoted
  // native frames of the running chain and of all chains that are suspended below it. And on_thread(ThreadView) for
  // each of their threads that has not ended, the explicit ones included, right after the task.
  template <typename OnTask, typename OnThread>
  void for_each_task(OnTask on_task, OnThread on_thread) {
    for_each_task([&](const TaskView& task) {
      on_task(task);
      if (!task.implicit_ended) on_thread(task.thread);
      if (task_ == nullptr) return;
      for (const Thread* t = task_->threads.first(); t != nullptr; t = task_->threads.next(*t))
        if (!t->is_implicit()) on_thread(view(*t));
    });
  }
  template <typename OnTask>
  void for_each_task(OnTask on_task) {
    store_.tasks_.for_each([&](const Task& task) {
      if (task.exited) return;
      task_ = &task;
      on_task(view(task));
    });
    task_ = nullptr;
    remaining_.clear();
    store_.for_each_native_frame([&](const VMAsyncTask& frame) { on_task(view(frame)); });
  }

 private:
  static SubtaskView view(const Subtask&);
  static EndView view(const CopyEnd&);
  static ResourceView view(uint32_t index, const ResourceHandle&);
  static TaskView view(const Task&);
  static ThreadView view(const Thread&);
  TaskView view(const VMAsyncTask& frame);

  const Store& store_;
  const Task* task_ = nullptr;       // the one that is being visited, if it is on the heap
  std::vector<uint32_t> remaining_;  // virtual threads of each instance not seen yet, the outermost of them
};

}  // namespace lockstep::optimized
