// canon_lift for async-typed functions: the life of a heap task.
//
//   new_task -> start_task --(gate closed)--> waits in a bag, a record without a stack
//                   |                              | tick
//                   v                              v
//               fiber_main -> run_thread -> run_body -> [run_callbacks -> waits, without a stack -> run_thread …]
//                                              -> exit_task
//
// Everything of a task's life happens on a fiber, but for the decision whether it has to wait to enter, and for the
// cancellation of one that waits: neither runs guest code.
#include <algorithm>
#include <utility>

#include "optimized/assert.h"
#include "optimized/scripted.h"

namespace lockstep::optimized {

Task& Store::new_task(const Function& function, uint32_t call_id) {
  Task& task = tasks_.acquire();
  static_cast<VMAsyncTask&>(task.thread) = {.kind = TaskKind::kHeap,
                                            .state = TaskState::kInitial,
                                            .origin = TaskOrigin::kCall,
                                            .may_block = 1,
                                            .call_id = call_id,
                                            .slots = {},
                                            .k = 0,
                                            .num_borrows = 0,
                                            .parent = task_head(live(vm_.current)),
                                            .task = &task,
                                            .instance = function.instance};
  task.thread.suspended = true;
  task.function = &function;
  if (Task* above = task.parent()) above->children.add(task);
  ++counters_.heap_tasks;
  return task;
}

// The first resumption of a task's thread. Traps, if it does, come out of here.
void Store::start_task(Task& task) {
  bool waits;
  try {
    waits = must_wait_to_enter(task);
  } catch (...) {
    kill_thread(task.thread);
    throw;
  }
  if (!waits) resume(task.thread, false);
}

// The gate of Task.enter_implicit_thread.
bool Store::must_wait_to_enter(Task& task) {
  Instance& instance = *task.thread.instance;
  const bool exclusive = task.function->needs_exclusive();
  const bool pressure = instance.has_backpressure(exclusive);
  if (!pressure && (instance.num_waiting_to_enter == 0 || is(Mutant::kGateIgnoresWaiters))) return false;
  if (!pressure && choices_.go_on(task.thread.id())) return false;
  ++instance.num_waiting_to_enter;
  task.waits_to_enter = true;
  start_waiting(task.thread, exclusive ? Wait::kEntryExclusive : Wait::kEntry, true, nullptr, nullptr);
  return true;
}

// The base of every fiber: runs the thread until it ends, or until it waits without needing the stack.
void Store::fiber_main(void* argument) {
  auto& thread = *static_cast<Thread*>(argument);
  Task& task = *thread.task;
  Store& store = *task.thread.instance->store;
  std::exception_ptr error;
  try {
    store.run_thread(thread);
  } catch (...) {
    error = current_exception_as_trap();
  }
  Fiber& fiber = *std::exchange(thread.fiber, nullptr);
  store.fiber_bottoms_.remove(thread);
  store.fibers_.release(fiber);
  Fiber* next = &store.host_fiber_;
  if (!store.dying_) {
    Resumption& resumer = *std::exchange(thread.resumed_by, nullptr);
    if (error != nullptr) {
      store.kill_thread(thread);
    } else {
      if (!thread.is_implicit()) store.threads_.release(thread);
      store.release_if_done(task);
    }
    next = resumer.fiber;
    store.give_back(resumer, std::move(error));
  }
  error = nullptr;  // nothing on this stack is destroyed any more
  store.fiber_ = next;
  fiber.leave_for(*next);
}

void Store::run_thread(Thread& thread) {
  if (!thread.is_implicit()) return run_explicit_thread(thread);
  Task& task = *thread.task;
  if (thread.has_callback_event) return run_callbacks(task, deliver_callback(task));

  Instance& instance = *task.thread.instance;
  if (std::exchange(task.waits_to_enter, false)) --instance.num_waiting_to_enter;
  if (task.function->needs_exclusive()) {
    OPTIMIZED_ASSERT(instance.exclusive == nullptr);
    instance.set_exclusive(&task);
  }
  before_thread_table_changes(instance);
  thread.index = instance.add_thread(thread);
  task.threads.add(thread);
  run_body(task);
}

void Store::run_body(Task& task) {
  const Function& f = *task.function;
  OPTIMIZED_ASSERT(task.thread.state == TaskState::kInitial);
  task.thread.state = TaskState::kStarted;
  FlatWriter args;
  take_arguments(task, args);
  const uint64_t result = f.body(args.values());
  switch (f.lift) {
    case Lift::kSync: {
      FlatReader in(std::span(&result, 1));
      return_task(task, lift_result({f.instance, f.memory, {}, nullptr, nullptr}, in, kMaxFlatResults, f.type));
      if (f.post_return) run_post_return(f, result);
      return exit_task(task);
    }
    case Lift::kStackful:
      return exit_task(task);
    case Lift::kCallback:
      return run_callbacks(task, static_cast<uint32_t>(result));
  }
}

// on_start: the arguments are taken now, not when the call was made. All are lifted before any is lowered.
void Store::take_arguments(Task& task, FlatWriter& out) {
  const Function& f = *task.function;
  const Context cx = {f.instance, f.memory, f.realloc, nullptr, &task.thread};
  if (Invocation* invocation = task.invocation) {
    invocation->start();
    return lower_params(cx, out, invocation->args, f.type);
  }
  Subtask& subtask = *task.subtask;
  subtask.progress();
  OPTIMIZED_ASSERT(subtask.call.state == SubtaskState::kStarting);
  subtask.call.state = SubtaskState::kStarted;
  Arguments arguments;
  const std::span<Value> args = arguments.reset(f.type.params.size());
  subtask.call.lift_params(args);
  lower_params(cx, out, args, f.type);
}

void Store::run_post_return(const Function& f, uint64_t flat_result) {
  optimized::run_post_return(*f.instance, ScriptHooks{*this}, [&] {
    f.post_return(std::span<const uint64_t>(&flat_result, f.type.has_result() ? 1 : 0));
  });
}

// The loop over callback codes. Returns when the task has exited, or waits: between callbacks it holds no stack, and
// goes on in run_thread on a new one.
void Store::run_callbacks(Task& task, uint32_t packed) {
  Instance& instance = *task.thread.instance;
  for (;;) {
    const uint32_t code = packed & 0xf;
    trap_if(code > static_cast<uint32_t>(CallbackCode::kWait), TrapSite::kUnpackCallbackResult1);
    if (code == static_cast<uint32_t>(CallbackCode::kExit)) return exit_task(task);

    OPTIMIZED_ASSERT(instance.exclusive == &task);
    instance.set_exclusive(nullptr);
    Thread& thread = task.thread;
    WaitableSet* set = nullptr;
    if (code == static_cast<uint32_t>(CallbackCode::kWait)) {
      set = instance.handles.get(packed >> 4).waitable_set();
      trap_if(set == nullptr, TrapSite::kCanonLiftThreadFunc1);
      ++set->num_waiting;
    }
    thread.awaited_set = set;
    thread.has_callback_event = true;
    const Wait wait = set != nullptr ? Wait::kCallbackEvent : Wait::kCallbackYield;
    thread.cancelled = deliver_pending_cancel(true);
    if (!thread.cancelled && !(is_ready(instance, wait, nullptr, set) && choices_.go_on(thread.id()))) {
      return start_waiting(thread, wait, true, nullptr, set);
    }
    packed = deliver_callback(task);
  }
}

// After the wait between two callbacks: what happened, and the callback that is told.
uint32_t Store::deliver_callback(Task& task) {
  Instance& instance = *task.thread.instance;
  Thread& thread = task.thread;
  WaitableSet* set = thread.awaited_set;
  Event event = {EventCode::kTaskCancelled};
  if (!thread.cancelled) event = set != nullptr ? get_pending_event(*set) : Event{};
  if (set != nullptr) --set->num_waiting;
  thread.awaited_set = nullptr;
  thread.has_callback_event = false;
  OPTIMIZED_ASSERT(instance.exclusive == nullptr);
  instance.set_exclusive(&task);
  const uint64_t args[] = {static_cast<uint64_t>(event.code), event.p1, event.p2};
  return static_cast<uint32_t>(task.function->callback(args));
}

// Task.return_
void Store::return_task(Task& task, Value result) {
  trap_if(task.thread.state == TaskState::kResolved, TrapSite::kTaskReturn1);
  trap_if(task.thread.num_borrows > 0, TrapSite::kTaskReturn2);
  if (Invocation* invocation = task.invocation) {
    invocation->resolve(false, std::move(result));
    std::exchange(task.invocation, nullptr)->task = nullptr;
  } else {
    resolve_subtask(*task.subtask, std::move(result));
    task.subtask = nullptr;
  }
  task.thread.state = TaskState::kResolved;
}

// Task.cancel
void Store::cancel_task(Task& task) {
  trap_if(task.thread.state != TaskState::kCancelDelivered, TrapSite::kTaskCancel1);
  trap_if(task.thread.num_borrows > 0, TrapSite::kTaskCancel2);
  if (Invocation* invocation = task.invocation) {
    invocation->resolve(true, 0);
    std::exchange(task.invocation, nullptr)->task = nullptr;
  } else {
    resolve_subtask_cancelled(*task.subtask);
    task.subtask = nullptr;
  }
  task.thread.state = TaskState::kResolved;
}

// Task.exit_implicit_thread
void Store::exit_task(Task& task) {
  Instance& instance = *task.thread.instance;
  unregister_thread(task.thread);
  if (!task.is_native() && task.function->needs_exclusive()) {
    OPTIMIZED_ASSERT(instance.exclusive == &task);
    if (!is(Mutant::kExclusiveKeptAtExit)) instance.set_exclusive(nullptr);
  }
}

// Task.unregister_thread
void Store::unregister_thread(Thread& thread) {
  Task& task = *thread.task;
  Instance& instance = *thread.instance;
  const bool last = task.threads.first() == &thread && task.threads.next(thread) == nullptr;
  const bool returns = last || (is(Mutant::kImplicitThreadHasToReturn) && thread.is_implicit());
  trap_if(returns && task.thread.state != TaskState::kResolved, TrapSite::kTaskUnregisterThread1);
  before_thread_table_changes(instance);
  instance.remove_thread(std::exchange(thread.index, 0));
  task.threads.remove(thread);
  thread.set_cancellable(false);
  if (last) end_task(task);
}

// The last thread of the task is gone: its children get its own parent.
void Store::end_task(Task& task) {
  VMAsyncTask* heir = is(Mutant::kWrongParentOnReparenting) ? nullptr : task.thread.parent;
  while (Task* child = task.children.first()) {
    task.children.remove(*child);
    child->thread.parent = heir;
    if (heir != nullptr) heir->task->children.add(*child);
  }
  if (Task* above = task.parent()) above->children.remove(task);
  task.exited = true;
}

// Gives the record of a task back once all of its threads are gone, and its native frame too.
void Store::release_if_done(Task& task) {
  if (task.exited && !task.in_frame) tasks_.release(task);
}

// A trap ends the thread wherever it was, and its task if that has no others. Those that it has can never go on, since
// their instance is never entered again. The records stay until reset, because the instance may still name them.
void Store::kill_thread(Thread& thread) {
  Task& task = *thread.task;
  if (task.exited) return;
  if (thread.index != 0) task.threads.remove(thread);
  thread.set_cancellable(false);
  if (task.threads.first() == nullptr) end_task(task);
  if (task.subtask != nullptr) std::exchange(task.subtask, nullptr)->callee = nullptr;
  if (task.invocation != nullptr) std::exchange(task.invocation, nullptr)->task = nullptr;
}

}  // namespace lockstep::optimized
