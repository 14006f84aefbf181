#include "model/builtins.h"

#include "model/component_instance.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/subtask.h"
#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"
#include "model/waitable.h"

namespace lockstep::model {
namespace {

uint32_t unpack_event(const MemInst& mem, uint32_t ptr, const EventTuple& e) {
  store_u32(mem, e.p1, ptr);
  // The second address is computed without wrapping, as in definitions.py; the first store has refused those.
  store_u32(mem, e.p2, ptr + 4);
  return static_cast<uint32_t>(e.code);
}

}  // namespace

uint32_t canon_context_get(uint32_t i) {
  const Thread* const thread = current_thread();
  spec_assert(i < thread->storage.size(), "canon_context_get#2");
  return static_cast<uint32_t>(thread->storage[i]);
}

void canon_context_set(uint32_t i, uint32_t v) {
  Thread* const thread = current_thread();
  spec_assert(i < thread->storage.size(), "canon_context_set#2");
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

void canon_task_return(const std::vector<ValType>& result_type, const LiftOptions& opts, const Values& flat_args) {
  Task* const task = current_task();
  trap_if(!task->inst->may_leave, TrapSite::kCanonTaskReturn1);
  trap_if(!task->opts->async_, TrapSite::kCanonTaskReturn2);
  trap_if(result_type != task->ft.result, TrapSite::kCanonTaskReturn3);
  trap_if(!LiftOptions::equal(opts, *task->opts), TrapSite::kCanonTaskReturn4);
  CoreValueIter vi(flat_args);
  task->return_(lift_flat_values(opts, MAX_FLAT_PARAMS, vi, task->ft.result));
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
  HandleEntry* const wset = inst->store->entries.emplace_back(std::make_unique<WaitableSet>()).get();
  return inst->handles.add(wset);
}

uint32_t canon_waitable_set_wait(bool cancellable, const MemInst& mem, uint32_t si, uint32_t ptr) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetWait1);
  auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
  trap_if(wset == nullptr, TrapSite::kCanonWaitableSetWait2);
  const EventTuple event = wset->wait_for_event(cancellable);
  return unpack_event(mem, ptr, event);
}

uint32_t canon_waitable_set_poll(bool cancellable, const MemInst& mem, uint32_t si, uint32_t ptr) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonWaitableSetPoll1);
  auto* wset = dynamic_cast<WaitableSet*>(inst->handles.get(si));
  trap_if(wset == nullptr, TrapSite::kCanonWaitableSetPoll2);
  const EventTuple event = wset->poll(cancellable);
  return unpack_event(mem, ptr, event);
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

uint32_t canon_thread_index() {
  const Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadIndex1);
  spec_assert(thread->index.has_value(), "canon_thread_index#1");
  return *thread->index;
}

uint32_t canon_thread_yield(bool cancellable) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadYield1);
  return static_cast<uint32_t>(thread->yield_(cancellable));
}

}  // namespace lockstep::model
