// definitions.py "### Threads"
//
// A thread: a continuation, the condition that it waits for, and its context slots.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>

#include "model/stack_switching.h"
#include "model/table.h"

namespace lockstep::model {

class Task;

class Thread {
 public:
  using ReadyFunc = std::function<bool()>;

  Continuation* cont;
  ReadyFunc ready_func;  // empty: None
  Task* task;
  bool cancellable = false;
  std::optional<uint32_t> index;
  std::array<uint64_t, 2> storage{0, 0};
  uint32_t k = 0;  // the k-th thread of its task; not in definitions.py

  bool running() const { return cont == nullptr; }
  bool suspended() const { return !running() && !ready_func; }
  bool waiting() const { return !running() && ready_func; }
  bool ready() const { return waiting() && ready_func(); }

  Thread(Task* task_, std::function<void()> thread_func);
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  void start_waiting_internal(ReadyFunc ready_func_);
  void stop_waiting_internal(Cancelled cancelled);
  void resume_later();
  void resume(Cancelled cancelled = Cancelled::FALSE);
  Cancelled block_internal(bool cancellable_);
  Cancelled switch_to_internal(bool cancellable_, Thread* other);
  Cancelled suspend(bool cancellable_);
  Cancelled wait_until(ReadyFunc ready_func_, bool cancellable_ = false);
  Cancelled yield_(bool cancellable_);
  Cancelled suspend_then_resume(bool cancellable_, Thread* other);
  Cancelled yield_then_resume(bool cancellable_, Thread* other);
  Cancelled suspend_then_promote(bool cancellable_, Thread* other);
  Cancelled yield_then_promote(bool cancellable_, Thread* other);
};

}  // namespace lockstep::model
