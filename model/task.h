// definitions.py "### Tasks"
//
// A task: the bookkeeping of one call of a lifted function.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "model/options.h"
#include "model/stack_switching.h"
#include "model/task_tree.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

class ComponentInstance;
class Thread;

using OnStart = std::function<Values()>;
using OnResolve = std::function<void(const std::optional<Values>&)>;
using OnCancel = std::function<void(ComponentInstance* caller)>;
using FuncInst = std::function<OnCancel(OnStart, OnResolve, ComponentInstance* caller)>;

class Task {
 public:
  enum class State : uint8_t {
    INITIAL = 1,
    STARTED = 2,
    PENDING_CANCEL = 3,
    CANCEL_DELIVERED = 4,
    RESOLVED = 5,
  };

  FuncType ft;
  const CanonicalOptions* opts;
  ComponentInstance* inst;
  OnStart on_start;
  OnResolve on_resolve;
  State state = State::INITIAL;
  uint32_t num_borrows = 0;
  Thread* implicit_thread = nullptr;
  std::vector<Thread*> threads;

  // Not in definitions.py: the task tree, and names for reports.
  TaskOrigin origin = TaskOrigin::call;
  Task* parent = nullptr;
  std::vector<Thread*> live_threads;
  uint32_t threads_created = 0;
  uint32_t call_id = 0;

  Task(const FuncType& ft_, const CanonicalOptions& opts_, ComponentInstance* inst_, OnStart on_start_,
       OnResolve on_resolve_);

  bool needs_exclusive() const;
  bool enter_implicit_thread();
  void register_thread(Thread* thread);
  void exit_implicit_thread();
  void unregister_thread(Thread* thread);
  void request_cancellation(ComponentInstance* caller);
  bool deliver_pending_cancel(bool cancellable);
  Values start();
  void return_(const Values& result);
  void cancel();
};

}  // namespace lockstep::model
