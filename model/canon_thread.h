// definitions.py "### 🧵 `canon thread.index`" to "### 🧵 `canon thread.yield-then-promote`"
//
// The built-ins of threads. Those that wait return whether the task was cancelled meanwhile.
#pragma once

#include <cstdint>

#include "model/table.h"
#include "model/types.h"

namespace lockstep::model {

uint32_t canon_thread_index();

// An entry of a core function table.
struct CoreFuncRef {
  CoreFuncType t;
  CoreFunc callee;
};

uint32_t canon_thread_new_indirect(const CoreFuncType& ft, const Table<CoreFuncRef>& ftbl, CoreVal fi, CoreVal c);
void canon_thread_resume_later(uint32_t i);
uint32_t canon_thread_suspend(bool cancellable);
uint32_t canon_thread_yield(bool cancellable);
uint32_t canon_thread_suspend_then_resume(bool cancellable, uint32_t i);
uint32_t canon_thread_yield_then_resume(bool cancellable, uint32_t i);
uint32_t canon_thread_suspend_then_promote(bool cancellable, uint32_t i);
uint32_t canon_thread_yield_then_promote(bool cancellable, uint32_t i);

}  // namespace lockstep::model
