#include "model/thread.h"

#include <algorithm>

#include "model/store.h"
#include "model/task.h"
#include "model/task_tree.h"
#include "model/trap.h"

namespace lockstep::model {

Thread::Thread(Task* task_, std::function<void()> thread_func) : task(task_) {
  k = task->threads_created++;
  auto cont_func = [this, thread_func = std::move(thread_func)](Cancelled cancelled) -> Thread* {
    const TaskTree::ThreadScope scope(*this);
    spec_assert(running() && cancelled == Cancelled::FALSE, "Thread.__init__.cont_func#1");
    thread_func();
    return nullptr;
  };
  cont = cont_new(std::move(cont_func));
  if (k == 0) task->live_threads.push_back(this);  // others when they are registered
  spec_assert(suspended(), "Thread.__init__#1");
}

Thread::~Thread() {
  if (cont != nullptr) discard(cont);
}

void Thread::start_waiting_internal(ReadyFunc ready_func_) {
  spec_assert(!waiting() && !ready_func, "Thread.start_waiting_internal#1");
  ready_func = std::move(ready_func_);
  task->inst->store->waiting.push_back(this);
}

void Thread::stop_waiting_internal(Cancelled cancelled) {
  spec_assert(waiting() && ready_func, "Thread.stop_waiting_internal#1");
  spec_assert(cancelled == Cancelled::TRUE || ready(), "Thread.stop_waiting_internal#2");
  ready_func = nullptr;
  std::vector<Thread*>& waiting_threads = task->inst->store->waiting;
  waiting_threads.erase(std::find(waiting_threads.begin(), waiting_threads.end(), this));
}

void Thread::resume_later() {
  spec_assert(suspended(), "Thread.resume_later#1");
  start_waiting_internal([] { return true; });
  spec_assert(ready(), "Thread.resume_later#2");
}

void Thread::resume(Cancelled cancelled) {
  spec_assert(!running() && (cancellable || cancelled == Cancelled::FALSE), "Thread.resume#1");
  if (waiting()) stop_waiting_internal(cancelled);
  Thread* thread = this;
  while (thread != nullptr) {
    Continuation* const c = thread->cont;
    thread->cont = nullptr;
    Thread* switch_to = nullptr;
    std::tie(thread->cont, switch_to) = model::resume(c, cancelled, thread);
    thread = switch_to;
    cancelled = Cancelled::FALSE;
  }
}

Cancelled Thread::block_internal(bool cancellable_) {
  cancellable = cancellable_;
  const Cancelled cancelled = block(nullptr);
  spec_assert(running() && (cancellable_ || cancelled == Cancelled::FALSE), "Thread.block_internal#1");
  return cancelled;
}

Cancelled Thread::switch_to_internal(bool cancellable_, Thread* other) {
  cancellable = cancellable_;
  const Cancelled cancelled = block(other);
  spec_assert(running() && (cancellable_ || cancelled == Cancelled::FALSE), "Thread.switch_to_internal#1");
  return cancelled;
}

Cancelled Thread::suspend(bool cancellable_) {
  spec_assert(running(), "Thread.suspend#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  return block_internal(cancellable_);
}

Cancelled Thread::wait_until(ReadyFunc ready_func_, bool cancellable_) {
  spec_assert(running(), "Thread.wait_until#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  if (ready_func_() && task->inst->store->chooser->go_on(*this)) return Cancelled::FALSE;
  start_waiting_internal(std::move(ready_func_));
  return block_internal(cancellable_);
}

Cancelled Thread::yield_(bool cancellable_) {
  return wait_until([] { return true; }, cancellable_);
}

Cancelled Thread::suspend_then_resume(bool cancellable_, Thread* other) {
  spec_assert(running() && other->suspended(), "Thread.suspend_then_resume#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  return switch_to_internal(cancellable_, other);
}

Cancelled Thread::yield_then_resume(bool cancellable_, Thread* other) {
  spec_assert(running() && other->suspended(), "Thread.yield_then_resume#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  start_waiting_internal([] { return true; });
  return switch_to_internal(cancellable_, other);
}

Cancelled Thread::suspend_then_promote(bool cancellable_, Thread* other) {
  spec_assert(running(), "Thread.suspend_then_promote#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  if (other->ready()) {
    other->stop_waiting_internal(Cancelled::FALSE);
    return suspend_then_resume(cancellable_, other);
  }
  return suspend(cancellable_);
}

Cancelled Thread::yield_then_promote(bool cancellable_, Thread* other) {
  spec_assert(running(), "Thread.yield_then_promote#1");
  if (task->deliver_pending_cancel(cancellable_)) return Cancelled::TRUE;
  if (other->ready()) {
    other->stop_waiting_internal(Cancelled::FALSE);
    return yield_then_resume(cancellable_, other);
  }
  return yield_(cancellable_);
}

}  // namespace lockstep::model
