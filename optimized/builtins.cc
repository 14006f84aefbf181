// The canon built-ins of the current task. Checks stand in the order of definitions.py.
#include <cstring>

#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

// unpack_event: what the guest is told besides the event code. A bad pointer fails an assertion of the specification,
// so there is no trap for it.
uint32_t store_event(const Memory& memory, uint64_t pointer, Event event) {
  const uint32_t words[] = {event.p1, event.p2};
  OPTIMIZED_ASSERT(pointer % 4 == 0 && sizeof words <= memory.bytes.size() &&
                   pointer <= memory.bytes.size() - sizeof words);
  std::memcpy(memory.bytes.data() + pointer, words, sizeof words);
  return static_cast<uint32_t>(event.code);
}

}  // namespace

void Store::backpressure_inc() {
  Instance* i = &current_instance();
  if (is(Mutant::kBackpressureOnWrongInstance) && vm_.current->parent != nullptr) i = vm_.current->parent->instance;
  i->set_backpressure(i->backpressure + 1);
  trap_if(i->backpressure == kMaxBackpressure, TrapSite::kCanonBackpressureInc1);
}

void Store::backpressure_dec() {
  Instance* i = &current_instance();
  if (is(Mutant::kBackpressureOnWrongInstance) && vm_.current->parent != nullptr) i = vm_.current->parent->instance;
  trap_if(i->backpressure == 0, TrapSite::kCanonBackpressureDec1);
  i->set_backpressure(i->backpressure - 1);
}

void Store::task_return(const ReturnOptions& options, std::span<const uint64_t> flat_result) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonTaskReturn1);
  const Function* f = vm_.current->kind == TaskKind::kHeap ? vm_.current->task->function : nullptr;
  trap_if(f == nullptr || f->lift == Lift::kSync, TrapSite::kCanonTaskReturn2);
  trap_if(!(options.result == f->type.result), TrapSite::kCanonTaskReturn3);
  trap_if(options.encoding != f->encoding || options.memory != f->memory, TrapSite::kCanonTaskReturn4);
  FlatReader in(flat_result);
  return_task(current_task(), lift_result({f->instance, f->memory, {}, nullptr, nullptr}, in, kMaxFlatParams, f->type));
}

void Store::task_cancel() {
  trap_if(!current_instance().may_leave, TrapSite::kCanonTaskCancel1);
  const Function* f = vm_.current->kind == TaskKind::kHeap ? vm_.current->task->function : nullptr;
  trap_if(f == nullptr || f->lift == Lift::kSync, TrapSite::kCanonTaskCancel2);
  cancel_task(current_task());
}

uint32_t Store::waitable_set_new() {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonWaitableSetNew1);
  WaitableSet& set = sets_.acquire();
  set.instance = &instance;
  set.index = instance.handles.add({HandleKind::kWaitableSet, &set});
  return set.index;
}

uint32_t Store::waitable_set_wait(bool cancellable, const Memory& memory, uint32_t index, uint64_t pointer) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonWaitableSetWait1);
  WaitableSet* set = instance.handles.get(index).waitable_set();
  trap_if(set == nullptr, TrapSite::kCanonWaitableSetWait2);
  ++set->num_waiting;
  const bool cancelled = wait_until(Wait::kSetEvent, cancellable, PromotionReason::kWait, nullptr, set);
  const Event event = cancelled ? Event{EventCode::kTaskCancelled} : get_pending_event(*set);
  --set->num_waiting;
  return store_event(memory, pointer, event);
}

uint32_t Store::waitable_set_poll(bool cancellable, const Memory& memory, uint32_t index, uint64_t pointer) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonWaitableSetPoll1);
  WaitableSet* set = instance.handles.get(index).waitable_set();
  trap_if(set == nullptr, TrapSite::kCanonWaitableSetPoll2);
  Event event;
  if (deliver_pending_cancel(cancellable)) {
    event.code = EventCode::kTaskCancelled;
  } else if (set->has_pending_event()) {
    event = get_pending_event(*set);
  }
  return store_event(memory, pointer, event);
}

void Store::waitable_set_drop(uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonWaitableSetDrop1);
  WaitableSet* set = instance.handles.remove(index).waitable_set();
  trap_if(set == nullptr, TrapSite::kCanonWaitableSetDrop2);
  trap_if(set->num_elements > 0, TrapSite::kWaitableSetDrop1);
  trap_if(set->num_waiting > 0, TrapSite::kWaitableSetDrop2);
  sets_.release(*set);
}

void Store::waitable_join(uint32_t waitable_index, uint32_t set_index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonWaitableJoin1);
  Waitable* waitable = instance.handles.get(waitable_index).waitable();
  trap_if(waitable == nullptr, TrapSite::kCanonWaitableJoin2);
  trap_if(waitable->sync_waiter != nullptr, TrapSite::kCanonWaitableJoin3);
  if (set_index == 0) return waitable->join(nullptr);
  WaitableSet* set = instance.handles.get(set_index).waitable_set();
  trap_if(set == nullptr, TrapSite::kCanonWaitableJoin4);
  waitable->join(set);
}

uint32_t Store::subtask_cancel(bool async_, uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonSubtaskCancel1);
  Subtask* subtask = instance.handles.get(index).subtask();
  trap_if(subtask == nullptr, TrapSite::kCanonSubtaskCancel2);
  trap_if(subtask->resolve_delivered, TrapSite::kCanonSubtaskCancel3);
  trap_if(subtask->cancellation_requested, TrapSite::kCanonSubtaskCancel4);
  trap_if(subtask->set != nullptr && !async_, TrapSite::kCanonSubtaskCancel5);
  if (!subtask->resolved()) {
    cancel_subtask(*subtask);
    OPTIMIZED_ASSERT(!subtask->dropped);
    if (!subtask->resolved()) {
      if (async_) return kBlocked;
      OPTIMIZED_ASSERT(subtask->set == nullptr && subtask->sync_waiter == nullptr);
      wait_until(Wait::kEvent, false, PromotionReason::kCancelWait, subtask, nullptr);
    }
  }
  take_event(*subtask);
  OPTIMIZED_ASSERT(subtask->resolve_delivered);
  return static_cast<uint32_t>(subtask->call.state);
}

void Store::subtask_drop(uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonSubtaskDrop1);
  Subtask* subtask = instance.handles.remove(index).subtask();
  trap_if(subtask == nullptr, TrapSite::kCanonSubtaskDrop2);
  trap_if(!subtask->resolve_delivered, TrapSite::kSubtaskDrop1);
  OPTIMIZED_ASSERT(!subtask->pending_event && subtask->sync_waiter == nullptr);
  subtask->join(nullptr);
  subtask->dropped = true;
  if (!subtask->in_use) subtasks_.release(*subtask);
}

uint32_t Store::thread_index() {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadIndex1);
  promote(PromotionReason::kThreadIndex);
  return current_heap_thread().index;
}

uint32_t Store::thread_yield(bool cancellable) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadYield1);
  return wait_until(Wait::kAlwaysReady, cancellable, PromotionReason::kYield, nullptr, nullptr) ? 1 : 0;
}

}  // namespace lockstep::optimized
