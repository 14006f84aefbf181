// canon_lower: calls through an import.
//
// A sync-typed callee runs in the caller's native frame (adapter.h). An async-typed one gets a heap task, even if it is
// called synchronously, because it can outlive the caller's wait; the chain of native callers is promoted first. A host
// function runs where it is called. It needs nothing on the heap unless it blocks: then a Subtask takes over, which
// belongs to the instance's table if the lowering is asynchronous (no promotion), and is waited for if it is not.
#include <algorithm>

#include "optimized/assert.h"
#include "optimized/scripted.h"

namespace lockstep::optimized {

const FuncType& Import::type() const { return function != nullptr ? function->type : host->type; }

Import make_import(Instance& importer, const Function& callee, ImportOptions options) {
  OPTIMIZED_ASSERT(callee.type.async_ || (!options.async_ && callee.lift == Lift::kSync));
  return {&importer,
          &callee,
          nullptr,
          options.async_,
          options.memory,
          options.realloc,
          callee.instance->common_ancestor(&importer)};
}

Import make_import(Instance& importer, const HostFunction& callee, ImportOptions options) {
  OPTIMIZED_ASSERT(callee.type.async_ || !options.async_);
  return {&importer, nullptr, &callee, options.async_, options.memory, options.realloc, nullptr};
}

uint64_t Store::call(const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args) {
  if (import.host != nullptr) return call_host(import, call_id, flat_args);
  if (import.function->type.async_) return call_async_typed(import, call_id, flat_args);
  return call_sync_to_sync(import, call_id, flat_args);
}

// A sync-to-sync call whose parameters or result are numbers that lifting and lowering may change.
uint64_t Store::call_with_scalars(const ScriptAdapter& adapter, const Function& f,
                                  std::span<const uint64_t> flat_args) {
  const auto convert = [](const Type& t, uint64_t flat) { return lower_scalar(t->kind, lift_scalar(t->kind, flat)); };
  uint64_t result = 0;
  const bool unpromoted = adapter.run([&](VMAsyncTask& frame) {
    FlatWriter args;
    for (size_t i = 0; i < f.type.params.size(); ++i) args.put(convert(f.type.params[i], flat_args[i]));
    const uint64_t flat_result = f.body(args.values());
    if (f.type.has_result()) result = convert(f.type.result, flat_result);
    finish_in_native_frame(frame, f, flat_result);
  });
  counters_.sync_calls_unpromoted += unpromoted ? 1 : 0;
  return result;
}

// A sync-to-sync call of any type.
uint64_t Store::call_with_values(const ScriptAdapter& adapter, const Import& import,
                                 std::span<const uint64_t> flat_args) {
  const Function& f = *import.function;
  LoweredCall call = {&import, adapter.call_id, SubtaskState::kStarting, flat_args};
  const bool unpromoted = adapter.run([&](VMAsyncTask& frame) {
    Value result;
    uint64_t flat_result;
    {
      Arguments arguments;
      const std::span<Value> args = arguments.reset(f.type.params.size());
      call.lift_params(args);
      flat_result = run_with_values(frame, f, args, result);
    }
    call.lower_result(result);
    finish_in_native_frame(frame, f, flat_result);
  });
  call.return_lent();
  counters_.sync_calls_unpromoted += unpromoted ? 1 : 0;
  return call.result;
}

// canon_lift of a sync-typed function between on_start and on_resolve. Returns the flat result, and what it means.
uint64_t Store::run_with_values(VMAsyncTask& frame, const Function& f, std::span<const Value> args, Value& result) {
  const Context cx = {f.instance, f.memory, f.realloc, nullptr, &frame};
  FlatWriter flat_args;
  lower_params(cx, flat_args, args, f.type);
  const uint64_t flat_result = f.body(flat_args.values());
  FlatReader in(std::span(&flat_result, 1));
  result = lift_result(cx, in, kMaxFlatResults, f.type);
  trap_if(live(&frame)->num_borrows > 0, TrapSite::kTaskReturn2);
  return flat_result;
}

uint64_t Store::reallocate(const Context& cx, uint64_t old_address, uint64_t old_size, uint64_t alignment,
                           uint64_t new_size) {
  Instance& instance = *cx.instance;
  OPTIMIZED_ASSERT(instance.may_leave && cx.realloc);
  uint64_t address = 0;
  const uint32_t call_id = choices_.name_task(instance, TaskOrigin::kRealloc);
  run_realloc(vm_, instance, call_id, ScriptHooks{*this}, [&](VMAsyncTask& frame) {
    if (is(Mutant::kReallocSlotsNotZeroed) && frame.parent != nullptr) frame.slots[0] = live(frame.parent)->slots[0];
    const uint64_t args[] = {old_address, old_size, alignment, new_size};
    address = cx.realloc(args);
    if (is(Mutant::kReallocSlotsLeak) && frame.parent != nullptr) live(frame.parent)->slots[1] = live(&frame)->slots[1];
  });
  return cx.address_type() == AddressType::kI32 ? static_cast<uint32_t>(address) : address;
}

uint64_t Store::call_async_typed(const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args) {
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

uint64_t Store::call_host(const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args) {
  trap_if(!import.instance->may_leave, TrapSite::kCanonLower1);
  HostCall call(*this, import, call_id, flat_args);
  import.host->code(import.host->data, call);
  if (call.subtask_ != nullptr) return finish_lowered_call(*call.subtask_);
  OPTIMIZED_ASSERT(call.call_.state == SubtaskState::kReturned);
  call.call_.return_lent();
  return import.async_ ? static_cast<uint64_t>(SubtaskState::kReturned) : call.call_.result;
}

// What the caller gets, once the callee has returned, blocked, or not even started. After a trap the subtask stays
// where it is until the store is reset, since its callee may still point to it.
uint64_t Store::finish_lowered_call(Subtask& subtask) {
  if (!subtask.call.import->async_) {
    if (!subtask.resolved()) wait_until(Wait::kResolution, false, PromotionReason::kSyncWait, &subtask, nullptr);
    subtask.deliver_resolve();
    const uint64_t result = subtask.call.result;
    subtasks_.release(subtask);
    return result;
  }
  if (subtask.resolved()) {
    subtask.deliver_resolve();
    subtasks_.release(subtask);
    return static_cast<uint64_t>(SubtaskState::kReturned);
  }
  subtask.index = subtask.instance->handles.add({HandleKind::kSubtask, &subtask});
  return static_cast<uint32_t>(subtask.call.state) | subtask.index << 4;
}

// canon_lower.on_resolve with a result.
void Store::resolve_subtask(Subtask& subtask, Value value) {
  subtask.progress();
  OPTIMIZED_ASSERT(subtask.call.state == SubtaskState::kStarted);
  subtask.write_at_delivery = is(Mutant::kResultWrittenAtDelivery);
  if (subtask.write_at_delivery) {
    subtask.late_result = std::make_unique<Value>(std::move(value));
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
