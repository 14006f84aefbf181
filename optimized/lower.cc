// canon_lower: calls through an import.
//
// A sync-typed callee runs in the caller's native frame (adapter.h). An async-typed one gets a heap task, even if it is
// called synchronously, because it can outlive the caller's wait; the chain of native callers is promoted first. A host
// function runs where it is called. It needs nothing on the heap unless it blocks: then a Subtask takes over, which
// belongs to the instance's table if the lowering is asynchronous (no promotion), and is waited for if it is not.
#include <algorithm>

#include "optimized/adapter.h"
#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {

const FuncType& Import::type() const { return function != nullptr ? function->type : host->type; }

Import make_import(Instance& importer, const Function& callee, ImportOptions options) {
  OPTIMIZED_ASSERT(callee.type.async_ || (!options.async_ && callee.lift == Lift::kSync));
  OPTIMIZED_ASSERT(callee.type.num_params <= kMaxFlatParams);
  return {&importer, &callee, nullptr, options.async_, options.memory, callee.instance->common_ancestor(&importer)};
}

Import make_import(Instance& importer, const HostFunction& callee, ImportOptions options) {
  OPTIMIZED_ASSERT(callee.type.async_ || !options.async_);
  OPTIMIZED_ASSERT(callee.type.num_params <= kMaxFlatParams);
  return {&importer, nullptr, &callee, options.async_, options.memory, nullptr};
}

uint32_t Store::call(const Import& import, uint32_t call_id, std::span<const uint32_t> flat_args) {
  if (import.host != nullptr) return call_host(import, call_id, flat_args);
  if (import.function->type.async_) return call_async_typed(import, call_id, flat_args);
  return call_sync_to_sync(import, call_id, flat_args);
}

uint32_t Store::call_async_typed(const Import& import, uint32_t call_id, std::span<const uint32_t> flat_args) {
  trap_if(!import.instance->may_leave, TrapSite::kCanonLower1);
  Instance& callee = *import.function->instance;
  trap_if(!callee.may_enter_below(import.common), TrapSite::kStoreLiftFuncInst1);
  promote(PromotionReason::kCall);

  callee.enter_below(import.common);
  Subtask& subtask = subtasks_.acquire();
  subtask.start(import, call_id, flat_args, SubtaskState::kStarting);
  Task& task = new_task(*import.function, call_id);
  task.subtask = &subtask;
  subtask.callee = &task;
  start_task(task);
  callee.leave_below(import.common);
  return finish_lowered_call(subtask);
}

uint32_t Store::call_host(const Import& import, uint32_t call_id, std::span<const uint32_t> flat_args) {
  trap_if(!import.instance->may_leave, TrapSite::kCanonLower1);
  HostCall call(*this, import, call_id, flat_args);
  import.host->code(import.host->data, call);
  if (call.subtask_ != nullptr) return finish_lowered_call(*call.subtask_);
  OPTIMIZED_ASSERT(call.call_.state == SubtaskState::kReturned);
  return import.async_ ? static_cast<uint32_t>(SubtaskState::kReturned) : call.call_.result;
}

// What the caller gets, once the callee has returned, blocked, or not even started. After a trap the subtask stays
// where it is until the store is reset, since its callee may still point to it.
uint32_t Store::finish_lowered_call(Subtask& subtask) {
  if (!subtask.call.import->async_) {
    if (!subtask.resolved()) wait_until(Wait::kResolution, false, PromotionReason::kSyncWait, &subtask, nullptr);
    subtask.deliver_resolve();
    const uint32_t result = subtask.call.result;
    subtasks_.release(subtask);
    return result;
  }
  if (subtask.resolved()) {
    subtask.deliver_resolve();
    subtasks_.release(subtask);
    return static_cast<uint32_t>(SubtaskState::kReturned);
  }
  subtask.index = subtask.instance->handles.add({HandleKind::kSubtask, &subtask});
  return static_cast<uint32_t>(subtask.call.state) | subtask.index << 4;
}

// canon_lower.on_resolve with a result.
void Store::resolve_subtask(Subtask& subtask, uint32_t value) {
  subtask.progress();
  OPTIMIZED_ASSERT(subtask.call.state == SubtaskState::kStarted);
  subtask.write_at_delivery = is(Mutant::kResultWrittenAtDelivery);
  if (subtask.write_at_delivery) {
    subtask.call.result = value;
  } else {
    subtask.call.lower_result(value);
  }
  subtask.call.state = SubtaskState::kReturned;
  subtask.callee = nullptr;
  if (subtask.call_waiter != nullptr) subtask.call_waiter->enlist();
}

// canon_lower.on_resolve(None).
void Store::resolve_subtask_cancelled(Subtask& subtask) {
  subtask.progress();
  OPTIMIZED_ASSERT(subtask.cancellation_requested && !subtask.resolved());
  subtask.call.state = subtask.call.state == SubtaskState::kStarting ? SubtaskState::kCancelledBeforeStarted
                                                                     : SubtaskState::kCancelledBeforeReturned;
  subtask.callee = nullptr;
  if (subtask.call_waiter != nullptr) subtask.call_waiter->enlist();
}

}  // namespace lockstep::optimized
