// Waiting, events and cancellation: Thread.wait_until, WaitableSet.get_pending_event, Task.request_cancellation.
#include "optimized/assert.h"
#include "optimized/candidates.h"
#include "optimized/store.h"

namespace lockstep::optimized {

Task& Store::current_task() const {
  OPTIMIZED_ASSERT(vm_.current != nullptr && vm_.current->kind == TaskKind::kHeap);
  return *vm_.current->task;
}

Thread& Store::current_heap_thread() const {
  OPTIMIZED_ASSERT(vm_.current != nullptr && vm_.current->kind == TaskKind::kHeap);
  return static_cast<Thread&>(*vm_.current);
}

// The id of the running thread, which the embedder is about to be told.
Id Store::named_thread() {
  VMAsyncTask* const current = vm_.current;
  if (current != nullptr && current->call_id == 0)
    current->call_id = choices_.name_task(*current->instance, current->origin);
  return current_thread();
}

// The ready functions of threads that are about to wait, now. Those that are about to enter: must_wait_to_enter.
bool Store::is_ready(const Instance& instance, Wait wait, const Waitable* awaited, const WaitableSet* set) {
  switch (wait) {
    case Wait::kAlwaysReady:
      return true;
    case Wait::kResolution:
      return static_cast<const Subtask*>(awaited)->resolved();
    case Wait::kEvent:
      return awaited->pending_event;
    case Wait::kSetEvent:
      return set->has_pending_event();
    case Wait::kCallbackYield:
      return instance.exclusive == nullptr;
    case Wait::kCallbackEvent:
      return instance.exclusive == nullptr && set->has_pending_event();
    case Wait::kNothing:
    case Wait::kEntry:
    case Wait::kEntryExclusive:
      break;
  }
  OPTIMIZED_ASSERT(!"a wait that wait_until knows");
  return false;
}

// Leaves word with whatever will make the thread ready, which may be so already.
void Store::start_waiting(Thread& thread, Wait wait, bool cancellable, Waitable* awaited, WaitableSet* set) {
  OPTIMIZED_ASSERT(!thread.waiting());
  thread.suspended = false;
  thread.wait = wait;
  thread.set_cancellable(cancellable);
  if (awaited != nullptr) {
    thread.awaited = awaited;
  } else {
    thread.awaited_set = set;
  }
  bool now = true;
  if (wait == Wait::kResolution) {
    auto& subtask = static_cast<Subtask&>(*awaited);
    subtask.call_waiter = &thread;
    now = subtask.resolved();
  } else if (wait == Wait::kEvent) {
    awaited->sync_waiter = &thread;
    now = awaited->pending_event;
  } else if (set != nullptr) {
    set->add_waiter(thread);
    now = set->has_pending_event();
  }
  if (now) thread.enlist();
}

void Store::stop_waiting(Thread& thread) {
  thread.delist();
  if (thread.wait == Wait::kResolution) static_cast<Subtask*>(thread.awaited)->call_waiter = nullptr;
  if (thread.wait == Wait::kEvent) thread.awaited->sync_waiter = nullptr;
  if (thread.wait == Wait::kSetEvent || thread.wait == Wait::kCallbackEvent) {
    thread.awaited_set->remove_waiter(thread);
  }
  thread.wait = Wait::kNothing;
}

bool Store::deliver_pending_cancel(bool cancellable) {
  if (!cancellable) return false;
  VMAsyncTask& task = *task_head(vm_.current);
  if (task.state != TaskState::kPendingCancel) return false;
  task.state = TaskState::kCancelDelivered;
  return true;
}

// Returns whether the wait ended by cancellation.
bool Store::wait_until(Wait wait, bool cancellable, PromotionReason reason, Waitable* awaited, WaitableSet* set) {
  if (deliver_pending_cancel(cancellable)) return true;
  if (is_ready(current_instance(), wait, awaited, set) && choices_.go_on(named_thread())) return false;
  promote(reason);
  Thread& thread = current_heap_thread();
  start_waiting(thread, wait, cancellable, awaited, set);
  block(thread, nullptr);
  return thread.cancelled;
}

Event Store::get_pending_event(WaitableSet& set) {
  OPTIMIZED_ASSERT(set.has_pending_event());
  const Candidate c = choices_.choose(ChoicePoint::kGetPendingEvent, named_thread(), EventCandidates(set));
  OPTIMIZED_ASSERT(c.entity != nullptr);
  return take_event(*static_cast<Waitable*>(c.entity));
}

// Waitable.get_pending_event, and what canon_lower's subtask_event says when it is delivered; for ends see streams.cc.
Event Store::take_event(Waitable& waitable) {
  OPTIMIZED_ASSERT(waitable.pending_event);
  waitable.clear_pending_event();
  if (!waitable.is_subtask) return take_copy_event(static_cast<CopyEnd&>(waitable));
  auto& subtask = static_cast<Subtask&>(waitable);
  if (subtask.resolved()) subtask.deliver_resolve();
  return {EventCode::kSubtask, subtask.index, static_cast<uint32_t>(subtask.call.state)};
}

// Task.request_cancellation. A task that waits to enter is a record only: it is taken out of its bag and resolved here,
// in whoever cancels it.
void Store::request_cancellation(Task& task, Instance* caller) {
  prefetch<kTaskBytes>(&task);
  Instance& instance = *task.thread.instance;
  if (task.thread.state == TaskState::kInitial) {
    OPTIMIZED_ASSERT(task.waits_to_enter);
    task.thread.state = TaskState::kCancelDelivered;
    stop_waiting(task.thread);
    if (!is(Mutant::kStaleStartingRecord)) --instance.num_waiting_to_enter;
    cancel_task(task);
    end_task(task);
    tasks_.release(task);
    return;
  }
  OPTIMIZED_ASSERT(task.thread.state == TaskState::kStarted);
  Thread* implicit = task.thread.index != 0 && may_cancel(task.thread) ? &task.thread : nullptr;
  const CancellableThreads* explicit_ones = &task.cancellable();
  if (is(Mutant::kCancelIgnoresCancellable)) {
    cancel_candidates_.clear();
    for (Thread* t = task.threads.first(); t != nullptr; t = task.threads.next(*t))
      if (!t->is_implicit() && may_cancel(*t)) cancel_candidates_.add(*t);
    explicit_ones = &cancel_candidates_;
  }
  const ThreadCandidates candidates(*explicit_ones, implicit);
  Instance* common = instance.common_ancestor(caller);
  if (candidates.count() == 0 || !instance.may_enter_below(common)) {
    task.thread.state = TaskState::kPendingCancel;
    return;
  }
  task.thread.state = TaskState::kCancelDelivered;
  instance.enter_below(common);
  const Candidate c = choices_.choose(ChoicePoint::kRequestCancellation, {task.thread.call_id, 0}, candidates);
  OPTIMIZED_ASSERT(c.entity != nullptr);
  resume(*static_cast<Thread*>(c.entity), true);
  instance.leave_below(common);
}

// Whether a thread of a task that was asked to cancel can be told. A running thread that blocked cancellably before
// counts; if it is chosen, an assertion of the specification fails.
bool Store::may_cancel(const Thread& thread) const {
  if (!thread.cancellable && (thread.running() || !is(Mutant::kCancelIgnoresCancellable))) return false;
  if (!thread.is_implicit() || is(Mutant::kCancelIgnoresExclusive)) return true;
  const Task* exclusive = thread.instance->exclusive;
  return !thread.task->function->needs_exclusive() || exclusive == nullptr || exclusive == thread.task;
}

// Subtask.on_cancel. The callee is gone if it ended in a trap that a host function swallowed: the request has no
// effect.
void Store::cancel_subtask(Subtask& subtask) {
  subtask.cancellation_requested = true;
  subtask.in_use = true;
  if (subtask.on_cancel != nullptr) {
    subtask.on_cancel(subtask.on_cancel_data, subtask);
  } else if (subtask.callee != nullptr) {
    request_cancellation(*subtask.callee, subtask.instance);
  }
  subtask.in_use = false;
}

}  // namespace lockstep::optimized
