#include "model/task.h"

#include <algorithm>
#include <utility>

#include "model/component_instance.h"
#include "model/store.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {

Task::Task(const FuncType& ft_, const CanonicalOptions& opts_, ComponentInstance* inst_, OnStart on_start_,
           OnResolve on_resolve_)
    : ft(ft_), opts(&opts_), inst(inst_), on_start(std::move(on_start_)), on_resolve(std::move(on_resolve_)) {
  Store* const store = inst->store;
  call_id = store->next_call_id;
  origin = std::exchange(store->next_call_origin, TaskOrigin::call);
  store->tree.created(*this);
}

bool Task::needs_exclusive() const {
  spec_assert(ft.async_, "Task.needs_exclusive#1");
  return !opts->async_ || opts->callback;
}

bool Task::enter_implicit_thread() {
  spec_assert(state == State::INITIAL, "Task.enter_implicit_thread#1");
  implicit_thread = current_thread();
  if (ft.async_) {
    auto has_backpressure = [this] {
      return inst->backpressure > 0 || (needs_exclusive() && inst->exclusive_thread != nullptr);
    };
    if (has_backpressure() || inst->num_waiting_to_enter > 0) {
      inst->num_waiting_to_enter += 1;
      const Cancelled cancelled =
          implicit_thread->wait_until([has_backpressure] { return !has_backpressure(); }, /*cancellable_=*/true);
      inst->num_waiting_to_enter -= 1;
      if (cancelled == Cancelled::TRUE) {
        cancel();
        return false;
      }
    }
    if (needs_exclusive()) {
      spec_assert(inst->exclusive_thread == nullptr, "Task.enter_implicit_thread#2");
      inst->exclusive_thread = implicit_thread;
    }
  }
  register_thread(implicit_thread);
  return true;
}

void Task::register_thread(Thread* thread) {
  spec_assert(std::find(threads.begin(), threads.end(), thread) == threads.end() && thread->task == this,
              "Task.register_thread#1");
  threads.push_back(thread);
  spec_assert(!thread->index, "Task.register_thread#2");
  thread->index = inst->threads.add(thread);
  if (thread->k != 0) live_threads.push_back(thread);  // not in definitions.py
}

void Task::exit_implicit_thread() {
  spec_assert(current_thread() == implicit_thread, "Task.exit_implicit_thread#1");
  unregister_thread(implicit_thread);
  if (ft.async_ && needs_exclusive()) {
    spec_assert(inst->exclusive_thread == implicit_thread, "Task.exit_implicit_thread#2");
    inst->exclusive_thread = nullptr;
  }
}

void Task::unregister_thread(Thread* thread) {
  spec_assert(std::find(threads.begin(), threads.end(), thread) != threads.end() && thread->task == this,
              "Task.unregister_thread#1");
  std::erase(threads, thread);
  if (threads.empty()) {
    trap_if(state != State::RESOLVED, TrapSite::kTaskUnregisterThread1);
    spec_assert(num_borrows == 0, "Task.unregister_thread#2");
  }
  spec_assert(thread->index.has_value(), "Task.unregister_thread#3");
  inst->threads.remove(*thread->index);
}

void Task::request_cancellation(ComponentInstance* caller) {
  if (state == State::INITIAL) {
    state = State::CANCEL_DELIVERED;
    implicit_thread->resume(Cancelled::TRUE);
  } else {
    spec_assert(state == State::STARTED, "Task.request_cancellation#1");
    std::vector<Thread*> candidates;
    for (Thread* t : threads)
      if (t->cancellable) candidates.push_back(t);
    if (needs_exclusive() && inst->exclusive_thread != nullptr && inst->exclusive_thread != implicit_thread)
      std::erase(candidates, implicit_thread);
    if (!candidates.empty() && inst->may_enter_from(caller)) {
      state = State::CANCEL_DELIVERED;
      inst->enter_from(caller);
      inst->store->chooser->thread_to_cancel(*this, candidates)->resume(Cancelled::TRUE);
      inst->leave_to(caller);
    } else {
      state = State::PENDING_CANCEL;
    }
  }
}

bool Task::deliver_pending_cancel(bool cancellable) {
  if (cancellable && state == State::PENDING_CANCEL) {
    state = State::CANCEL_DELIVERED;
    return true;
  }
  return false;
}

Values Task::start() {
  spec_assert(state == State::INITIAL, "Task.start#1");
  state = State::STARTED;
  return on_start();
}

void Task::return_(const Values& result) {
  trap_if(state == State::RESOLVED, TrapSite::kTaskReturn1);
  trap_if(num_borrows > 0, TrapSite::kTaskReturn2);
  // `result` cannot be None here: Task.return_#1.
  on_resolve(result);
  state = State::RESOLVED;
}

void Task::cancel() {
  trap_if(state != State::CANCEL_DELIVERED, TrapSite::kTaskCancel1);
  trap_if(num_borrows > 0, TrapSite::kTaskCancel2);
  on_resolve(std::nullopt);
  state = State::RESOLVED;
}

}  // namespace lockstep::model
