// The fast path: a sync-typed function runs in the native frame of whoever calls it. For a guest that is the adapter
// between two components whose lowering, lifting and type are all synchronous; for the host, an invocation.
//
// The task is a local variable. It is linked into the current chain, the callee runs, it is unlinked. If anything in
// between needed more than that, `frame.kind` says so afterwards, and the slow exit in promote.cc finishes the call;
// the same holds for exceptions. There is no allocation, no virtual call and no check of an invariant here, and nothing
// is set up for exceptions beyond what the unwinding tables give.
#pragma once

#include "optimized/store.h"

namespace lockstep::optimized {

// A task that runs `body(frame)`. Returns whether it was never promoted.
template <typename Body>
inline bool Store::run_in_native_frame(Instance& instance, uint32_t call_id, TaskOrigin origin, Body body) {
  if (instance.virtual_threads >= instance.thread_room) [[unlikely]]
    instance.grow_thread_table();

  VMAsyncTask* const caller = vm_.current;
  VMAsyncTask frame = {
      .call_id = call_id, .parent = caller, .instance = &instance, .state = TaskState::kStarted, .origin = origin};
  if (is(Mutant::kSlotsNotZeroed) && caller != nullptr) [[unlikely]]
    frame.slots[0] = caller->slots[0];
  ++instance.virtual_threads;
  vm_.current = &frame;

  try {
    body(frame);
  } catch (...) {
    unwind_native_frame(frame, caller);  // throws, unless the frame was promoted: then the slow exit does
  }

  if (frame.kind != TaskKind::kNative) [[unlikely]] {
    finish_promoted_frame(frame, caller);
    return false;
  }
  --instance.virtual_threads;
  vm_.current = caller;
  if (is(Mutant::kCurrentNotRestoredOnReturn)) [[unlikely]]
    vm_.current = outlive_frame(frame);
  return true;
}

// The end of canon_lift: the function has returned its flat result, which was passed on.
inline void Store::finish_in_native_frame(VMAsyncTask& frame, const Function& f, uint64_t flat_result) {
  if (!f.post_return) return;
  live(&frame)->state = TaskState::kResolved;
  run_post_return(f, flat_result);
}

// canon_lower and canon_lift in one, for an import whose options and type are synchronous. Flat parameters and results
// of most numbers are the same on both sides, so nothing is lifted or lowered.
inline uint64_t Store::call_sync_to_sync(const Import& import, uint32_t call_id, std::span<const uint64_t> args) {
  trap_if(!import.instance->may_leave, TrapSite::kCanonLower1);
  const Function& f = *import.function;
  Instance& callee = *f.instance;
  trap_if(!callee.may_enter_below(import.common), TrapSite::kStoreLiftFuncInst1);
  callee.enter_below(import.common);
  ++counters_.sync_calls;
  uint64_t result = 0;
  if (f.type.verbatim) [[likely]] {
    const bool unpromoted = run_in_native_frame(callee, call_id, TaskOrigin::kCall, [&](VMAsyncTask& frame) {
      result = f.body(args);
      finish_in_native_frame(frame, f, result);
    });
    counters_.sync_calls_unpromoted += unpromoted ? 1 : 0;
  } else {
    result = f.type.scalars ? call_with_scalars(f, call_id, args) : call_with_values(import, call_id, args);
  }
  callee.leave_below(import.common);
  return result;
}

}  // namespace lockstep::optimized
