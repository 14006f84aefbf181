// definitions.py "### 🔀 `canon context.get`" to "### 🔀 `canon subtask.drop`"
//
// The built-ins of tasks, waitables and subtasks. Each acts on the current thread, as all built-ins do, and begins with
// its traps in the order of the specification.
#pragma once

#include <cstdint>
#include <vector>

#include "model/options.h"

namespace lockstep::model {

inline constexpr uint32_t BLOCKED = 0xffff'ffff;

CoreVal canon_context_get(CoreType t, uint32_t i);
void canon_context_set(CoreType t, uint32_t i, CoreVal v);
void canon_backpressure_inc();
void canon_backpressure_dec();
void canon_task_return(const std::vector<ValType>& result_type, const LiftLowerOptions& opts,
                       const CoreValues& flat_args);
void canon_task_cancel();
uint32_t canon_waitable_set_new();
// The event code; its two words are stored at `ptr`.
uint32_t canon_waitable_set_wait(bool cancellable, MemInst& mem, uint32_t si, CoreVal ptr);
uint32_t canon_waitable_set_poll(bool cancellable, MemInst& mem, uint32_t si, CoreVal ptr);
void canon_waitable_set_drop(uint32_t i);
// si = 0: out of any set.
void canon_waitable_join(uint32_t wi, uint32_t si);
// The subtask's state, or BLOCKED.
uint32_t canon_subtask_cancel(bool async_, uint32_t i);
void canon_subtask_drop(uint32_t i);

}  // namespace lockstep::model
