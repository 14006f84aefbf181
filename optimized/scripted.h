// Calls whose callee is known only when it runs: a `Function` whose body is a CoreFunc with a span of flat values. They
// go through the very adapters of adapter.h, which are instrumented here for whoever compares this engine with others:
// counters, deliberate bugs, and thread tables of any limit whose length can be seen.
#pragma once

#include "optimized/adapter.h"
#include "optimized/store.h"

namespace lockstep::optimized {

struct ScriptHooks {
  Store& store;

  void calling() const { ++store.counters_.sync_calls; }
  // A virtual thread that fits into no index given back so far makes the table longer, or traps.
  void entering(Instance& instance) const {
    if (store.virtual_threads(instance) >= instance.thread_room) instance.grow_thread_table();
  }
  void linked(VMAsyncTask& frame) const {
    if (store.is(Mutant::kSlotsNotZeroed) && frame.parent != nullptr) [[unlikely]]
      frame.slots[0] = frame.parent->slots[0];
  }
  void unlinked(VMAsyncTask& frame) const {
    if (store.is(Mutant::kCurrentNotRestoredOnReturn)) [[unlikely]]
      store.vm_.current = store.outlive_frame(frame);
  }
  void before_post_return(Instance&) const {
    if (store.is(Mutant::kPostReturnSeesCallersSlots)) [[unlikely]]
      store.vm_.current->slots[0] =
          store.vm_.current->parent != nullptr ? live(store.vm_.current->parent)->slots[0] : 0;
  }
  void after_post_return(Instance& instance) const {
    if (store.is(Mutant::kMayLeaveNotRestored)) [[unlikely]]
      instance.may_leave = false;
  }
  void before_realloc(Instance& instance) const { instance.may_leave = store.is(Mutant::kReallocMayLeave); }
};

// A task that runs `body(frame)` as the callee of whoever is current. Returns whether it was never promoted.
template <typename Body>
inline bool Store::run_task(Instance& instance, uint32_t call_id, TaskOrigin origin, Body body) {
  return run_in_native_frame(vm_, instance, call_id, origin, ScriptHooks{*this}, body);
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
  const Function& f = *import.function;
  const ScriptAdapter adapter = {vm_, *import.instance, *f.instance, import.common, call_id, {*this}};
  if (!f.type.verbatim) [[unlikely]]
    return f.type.scalars ? call_with_scalars(adapter, f, args) : call_with_values(adapter, import, args);
  uint64_t result = 0;
  const bool unpromoted = adapter.run([&](VMAsyncTask& frame) {
    result = f.body(args);
    finish_in_native_frame(frame, f, result);
  });
  counters_.sync_calls_unpromoted += unpromoted ? 1 : 0;
  return result;
}

}  // namespace lockstep::optimized
