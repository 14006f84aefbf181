#include "model/canon_lift.h"

#include "model/component_instance.h"
#include "model/flat_values.h"
#include "model/flattening.h"
#include "model/lift_lower_context.h"
#include "model/store.h"
#include "model/thread.h"
#include "model/trap.h"
#include "model/waitable.h"

namespace lockstep::model {
namespace {

// canon_lift's `thread_func`, from the core function's packed result to the EXIT.
void run_callbacks(Task* task, CoreVal packed) {
  ComponentInstance* const inst = task->inst;
  Thread* const thread = task->implicit_thread;
  auto [code, si] = unpack_callback_result(packed);
  while (code != CallbackCode::EXIT) {
    spec_assert(task->needs_exclusive() && inst->exclusive_thread == task->implicit_thread, "canon_lift.thread_func#5");
    inst->exclusive_thread = nullptr;
    auto not_exclusive = [inst] { return inst->exclusive_thread == nullptr; };
    EventTuple event{EventCode::NONE, 0, 0};
    switch (code) {
      case CallbackCode::YIELD: {
        const Cancelled cancelled = thread->wait_until(not_exclusive, /*cancellable_=*/true);
        if (cancelled == Cancelled::TRUE) event = {EventCode::TASK_CANCELLED, 0, 0};
        break;
      }
      case CallbackCode::WAIT: {
        auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
        trap_if(wset == nullptr, TrapSite::kCanonLiftThreadFunc1);
        event = wset->wait_for_event_and(not_exclusive, /*cancellable=*/true);
        break;
      }
      default:
        trap(TrapSite::kCanonLiftThreadFunc2);
    }
    spec_assert(inst->exclusive_thread == nullptr, "canon_lift.thread_func#6");
    inst->exclusive_thread = task->implicit_thread;
    const CoreValues next =
        call_and_trap_on_throw(task->opts->callback, {static_cast<uint32_t>(event.code), event.p1, event.p2});
    std::tie(code, si) = unpack_callback_result(next.at(0));
  }
}

// canon_lift's `thread_func`.
void thread_func(Task* task, const CoreFunc& callee) {
  if (!task->enter_implicit_thread()) return;

  const CanonicalOptions& opts = *task->opts;
  const FuncType& ft = task->ft;
  ComponentInstance* const inst = task->inst;
  const LiftLowerContext cx(opts, inst, task);
  const Values args = task->start();
  const CoreValues flat_args = lower_flat_values(cx, MAX_FLAT_PARAMS, args, ft.param_types());
  const CoreFuncType flat_ft = flatten_functype(opts, ft, FlattenContext::lift);
  spec_assert(types_match_values(flat_ft.params, flat_args), "canon_lift.thread_func#1");

  if (!opts.async_) {
    const CoreValues flat_results = call_and_trap_on_throw(callee, flat_args);
    spec_assert(types_match_values(flat_ft.results, flat_results), "canon_lift.thread_func#2");
    CoreValueIter vi(flat_results);
    task->return_(lift_flat_values(cx, MAX_FLAT_RESULTS, vi, ft.result_type()));
    if (opts.post_return) {
      spec_assert(inst->may_leave, "canon_lift.thread_func#3");
      inst->may_leave = false;
      call_and_trap_on_throw(opts.post_return, flat_results);
      inst->may_leave = true;
    }
    task->exit_implicit_thread();
    return;
  }

  if (!opts.callback) {
    call_and_trap_on_throw(callee, flat_args);
    spec_assert(types_match_values(flat_ft.results, {}), "canon_lift.thread_func#4");
    task->exit_implicit_thread();
    return;
  }

  run_callbacks(task, call_and_trap_on_throw(callee, flat_args).at(0));
  task->exit_implicit_thread();
}

}  // namespace

OnCancel canon_lift(const CoreFunc& callee, const FuncType& ft, const CanonicalOptions& opts, ComponentInstance* inst,
                    OnStart on_start, OnResolve on_resolve) {
  Store* const store = inst->store;
  Task* const task =
      store->tasks.emplace_back(std::make_unique<Task>(ft, opts, inst, std::move(on_start), std::move(on_resolve)))
          .get();
  Thread* const thread =
      store->threads.emplace_back(std::make_unique<Thread>(task, [task, callee] { thread_func(task, callee); })).get();
  thread->resume();
  if (!ft.async_) {
    while (task->state != Task::State::RESOLVED) {
      std::vector<Thread*> candidates;
      for (Thread* t : inst->threads.array)
        if (t != nullptr && t->ready() && t != inst->exclusive_thread) candidates.push_back(t);
      trap_if(candidates.empty(), TrapSite::kCanonLift1);
      store->chooser->thread_to_run(*task, candidates)->resume();
    }
  }
  return [task](ComponentInstance* caller) { task->request_cancellation(caller); };
}

std::pair<CallbackCode, uint32_t> unpack_callback_result(CoreVal packed) {
  const uint32_t code = static_cast<uint32_t>(packed & 0xf);
  trap_if(code > static_cast<uint32_t>(CallbackCode::MAX), TrapSite::kUnpackCallbackResult1);
  spec_assert(packed < uint64_t{1} << 32, "unpack_callback_result#1");
  static_assert(Table<HandleEntry>::MAX_LENGTH < 1 << 28);  // unpack_callback_result#2
  const uint32_t waitable_set_index = static_cast<uint32_t>(packed >> 4);
  return {static_cast<CallbackCode>(code), waitable_set_index};
}

CoreValues call_and_trap_on_throw(const CoreFunc& callee, const CoreValues& args) {
  bool thrown = false;
  try {
    return callee(args);
  } catch (const CoreWebAssemblyException&) {
    thrown = true;
  }
  trap_if(thrown, TrapSite::kCallAndTrapOnThrow1);
  return {};
}

}  // namespace lockstep::model
