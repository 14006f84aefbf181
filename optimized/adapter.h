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

template <Store::Caller kCaller>
inline uint32_t Store::call_in_native_frame(const Function& f, uint32_t call_id, std::span<const uint32_t> args,
                                            Invocation* invocation) {
  Instance& instance = *f.instance;
  trap_if(instance.virtual_threads >= instance.thread_room, TrapSite::kTableAdd1);

  VMAsyncTask* const caller = vm_.current;
  VMAsyncTask frame = {TaskKind::kNative, call_id, {0, 0}, caller, &instance, nullptr, 0, TaskState::kStarted, {}};
  if (is(Mutant::kSlotsNotZeroed) && caller != nullptr) [[unlikely]]
    frame.slots[0] = caller->slots[0];
  ++instance.virtual_threads;
  vm_.current = &frame;

  uint32_t result = 0;
  try {
    if constexpr (kCaller == Caller::kHost) invocation->start();
    result = f.body(args);
    if constexpr (kCaller == Caller::kHost) invocation->resolve(false, result);
    if (f.post_return) {
      live(&frame)->state = TaskState::kResolved;
      run_post_return(f, result);
    }
  } catch (...) {
    unwind_native_frame(frame, caller);  // throws, unless the frame was promoted: then the slow exit does
  }

  if (frame.kind == TaskKind::kNative) [[likely]] {
    --instance.virtual_threads;
    vm_.current = caller;
    if (is(Mutant::kCurrentNotRestoredOnReturn)) [[unlikely]]
      vm_.current = outlive_frame(frame);
    ++(kCaller == Caller::kGuest ? counters_.sync_calls_unpromoted : counters_.host_sync_calls_unpromoted);
  } else {
    finish_promoted_frame(frame, caller);
  }
  return result;
}

// canon_lower and canon_lift in one, for an import whose options and type are synchronous. Flat parameters and results
// are the same on both sides, so nothing is lifted or lowered.
inline uint32_t Store::call_sync_to_sync(const Import& import, uint32_t call_id, std::span<const uint32_t> args) {
  trap_if(!import.instance->may_leave, TrapSite::kCanonLower1);
  Instance& callee = *import.function->instance;
  trap_if(!callee.may_enter_below(import.common), TrapSite::kStoreLiftFuncInst1);
  callee.enter_below(import.common);
  ++counters_.sync_calls;
  const uint32_t result = call_in_native_frame<Caller::kGuest>(*import.function, call_id, args, nullptr);
  callee.leave_below(import.common);
  return result;
}

}  // namespace lockstep::optimized
