// definitions.py "### 🔀 `canon context.get`" to "### 🧵 `canon thread.yield`"
//
// The built-ins that core code calls. Each acts on the current thread, and begins with its traps in the order of the
// specification.
#pragma once

#include <cstdint>
#include <vector>

#include "model/options.h"

namespace lockstep::model {

inline constexpr uint32_t BLOCKED = 0xffff'ffff;

uint32_t canon_context_get(uint32_t i);
void canon_context_set(uint32_t i, uint32_t v);
void canon_backpressure_inc();
void canon_backpressure_dec();
void canon_task_return(const std::vector<ValType>& result_type, const LiftOptions& opts, const Values& flat_args);
void canon_task_cancel();
uint32_t canon_waitable_set_new();
// The event code; its two words are stored at `ptr`.
uint32_t canon_waitable_set_wait(bool cancellable, const MemInst& mem, uint32_t si, uint32_t ptr);
uint32_t canon_waitable_set_poll(bool cancellable, const MemInst& mem, uint32_t si, uint32_t ptr);
void canon_waitable_set_drop(uint32_t i);
// si = 0: out of any set.
void canon_waitable_join(uint32_t wi, uint32_t si);
// The subtask's state, or BLOCKED.
uint32_t canon_subtask_cancel(bool async_, uint32_t i);
void canon_subtask_drop(uint32_t i);
uint32_t canon_thread_index();
uint32_t canon_thread_yield(bool cancellable);

}  // namespace lockstep::model
