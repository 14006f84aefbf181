#include "model/builtins.h"

#include "model/component_instance.h"
#include "model/flat_values.h"
#include "model/flattening.h"
#include "model/lift_lower_context.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/storing.h"
#include "model/subtask.h"
#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"
#include "model/waitable.h"

namespace lockstep::model {
namespace {

uint32_t unpack_event(MemInst& mem, ComponentInstance* inst, CoreVal ptr, const EventTuple& e) {
  LiftLowerOptions opts;
  opts.memory = &mem;
  const LiftLowerContext cx(opts, inst);
  model::store(cx, number(e.p1), U32Type(), ptr);
  // The second address is computed without wrapping, as in definitions.py; the first store has refused those.
  model::store(cx, number(e.p2), U32Type(), ptr + 4);
  return static_cast<uint32_t>(e.code);
}

}  // namespace

CoreVal canon_context_get(CoreType t, uint32_t i) {
  const Thread* const thread = current_thread();
  spec_assert(i < thread->storage.size(), "canon_context_get#2");
  const CoreVal result = thread->storage[i];
  spec_assert(result < uint128{1} << (ptr_size(t) * 8), "canon_context_get#3");
  return result;
}

void canon_context_set(CoreType t, uint32_t i, CoreVal v) {
  Thread* const thread = current_thread();
  spec_assert(i < thread->storage.size(), "canon_context_set#2");
  spec_assert(v < uint128{1} << (ptr_size(t) * 8), "canon_context_set#3");
  thread->storage[i] = v;
}

void canon_backpressure_inc() {
  ComponentInstance* const inst = current_instance();
  spec_assert(0 <= inst->backpressure && inst->backpressure < 1 << 16, "canon_backpressure_inc#1");
  inst->backpressure += 1;
  trap_if(inst->backpressure == 1 << 16, TrapSite::kCanonBackpressureInc1);
}

void canon_backpressure_dec() {
  ComponentInstance* const inst = current_instance();
  spec_assert(0 <= inst->backpressure && inst->backpressure < 1 << 16, "canon_backpressure_dec#1");
  inst->backpressure -= 1;
  trap_if(inst->backpressure < 0, TrapSite::kCanonBackpressureDec1);
}

void canon_task_return(const std::vector<ValType>& result_type, const LiftLowerOptions& opts,
                       const CoreValues& flat_args) {
  Task* const task = current_task();
  trap_if(!task->inst->may_leave, TrapSite::kCanonTaskReturn1);
  trap_if(!task->opts->async_, TrapSite::kCanonTaskReturn2);
  trap_if(result_type != task->ft.result, TrapSite::kCanonTaskReturn3);
  trap_if(!LiftOptions::equal(opts, *task->opts), TrapSite::kCanonTaskReturn4);
  const LiftLowerContext cx(opts, task->inst, task);
  CoreValueIter vi(flat_args);
  task->return_(lift_flat_values(cx, MAX_FLAT_PARAMS, vi, task->ft.result_type()));
}

void canon_task_cancel() {
  Task* const task = current_task();
  trap_if(!task->inst->may_leave, TrapSite::kCanonTaskCancel1);
  trap_if(!task->opts->async_, TrapSite::kCanonTaskCancel2);
  task->cancel();
}

uint32_t canon_waitable_set_new() {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetNew1);
  return inst->handles.add(inst->store->make<WaitableSet>());
}

uint32_t canon_waitable_set_wait(bool cancellable, MemInst& mem, uint32_t si, CoreVal ptr) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetWait1);
  auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
  trap_if(wset == nullptr, TrapSite::kCanonWaitableSetWait2);
  const EventTuple event = wset->wait_for_event(cancellable);
  return unpack_event(mem, inst, ptr, event);
}

uint32_t canon_waitable_set_poll(bool cancellable, MemInst& mem, uint32_t si, CoreVal ptr) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetPoll1);
  auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
  trap_if(wset == nullptr, TrapSite::kCanonWaitableSetPoll2);
  const EventTuple event = wset->poll(cancellable);
  return unpack_event(mem, inst, ptr, event);
}

void canon_waitable_set_drop(uint32_t i) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetDrop1);
  auto* wset = dynamic_cast<WaitableSet*>(inst->handles.remove(i));
  trap_if(wset == nullptr, TrapSite::kCanonWaitableSetDrop2);
  wset->drop();
}

void canon_waitable_join(uint32_t wi, uint32_t si) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableJoin1);
  auto* w = dynamic_cast<Waitable*>(inst->handles.get(wi));
  trap_if(w == nullptr, TrapSite::kCanonWaitableJoin2);
  trap_if(w->has_sync_waiter, TrapSite::kCanonWaitableJoin3);
  if (si == 0) {
    w->join(nullptr);
  } else {
    auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
    trap_if(wset == nullptr, TrapSite::kCanonWaitableJoin4);
    w->join(wset);
  }
}

uint32_t canon_subtask_cancel(bool async_, uint32_t i) {
  Thread* const thread = current_thread();
  ComponentInstance* const inst = thread->task->inst;
  trap_if(!inst->may_leave, TrapSite::kCanonSubtaskCancel1);
  auto* subtask = dynamic_cast<Subtask*>(inst->handles.get(i));
  trap_if(subtask == nullptr, TrapSite::kCanonSubtaskCancel2);
  trap_if(subtask->resolve_delivered(), TrapSite::kCanonSubtaskCancel3);
  trap_if(subtask->cancellation_requested, TrapSite::kCanonSubtaskCancel4);
  trap_if(subtask->in_waitable_set() && !async_, TrapSite::kCanonSubtaskCancel5);
  if (subtask->resolved()) {
    spec_assert(subtask->has_pending_event(), "canon_subtask_cancel#1");
  } else {
    subtask->cancellation_requested = true;
    subtask->on_cancel(inst);
    if (!subtask->resolved()) {
      if (async_) return BLOCKED;
      subtask->wait_for_pending_event();
    }
  }
  const EventTuple event = subtask->get_pending_event();
  spec_assert(event.code == EventCode::SUBTASK && event.p1 == i && event.p2 == static_cast<uint32_t>(subtask->state),
              "canon_subtask_cancel#2");
  spec_assert(subtask->resolve_delivered(), "canon_subtask_cancel#3");
  return static_cast<uint32_t>(subtask->state);
}

void canon_subtask_drop(uint32_t i) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonSubtaskDrop1);
  auto* s = dynamic_cast<Subtask*>(inst->handles.remove(i));
  trap_if(s == nullptr, TrapSite::kCanonSubtaskDrop2);
  s->drop();
}

}  // namespace lockstep::model
