// definitions.py "## Embedding API"
//
// What a host does with components: invoke, lift, lower, tick. Also where the nondeterministic lines of the
// specification ask how to go on.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "model/buffer.h"
#include "model/component_instance.h"
#include "model/resource.h"
#include "model/stream.h"
#include "model/task.h"
#include "model/task_tree.h"
#include "model/waitable.h"

namespace lockstep::model {

// The lines of definitions.py that use `random`. Candidates come in no particular order.
class Chooser {
 public:
  virtual ~Chooser() = default;
  // Thread.wait_until, when the condition already holds: go on at once, or wait?
  virtual bool go_on(const Thread& thread) = 0;
  // Task.request_cancellation.
  virtual Thread* thread_to_cancel(const Task& task, const std::vector<Thread*>& candidates) = 0;
  // Store.tick.
  virtual Thread* thread_to_tick(const std::vector<Thread*>& candidates) = 0;
  // WaitableSet.get_pending_event, by the current thread.
  virtual Waitable* waitable_to_deliver(const std::vector<Waitable*>& candidates) = 0;
  // canon_lift's loop for `task`.
  virtual Thread* thread_to_run(const Task& task, const std::vector<Thread*>& candidates) = 0;
  // canon_error_context_new, by `thread`: keep the message?
  virtual bool use_debug_message(const Thread& thread) = 0;
};

class Store {
 public:
  std::vector<Thread*> waiting;
  uint32_t nesting_depth = 0;

  explicit Store(Chooser* chooser_);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  OnCancel invoke(const FuncInst& f, OnStart on_start, OnResolve on_resolve);
  FuncInst lift(CoreFunc f, FuncType ft, const CanonicalOptions& opts, ComponentInstance* inst);
  CoreFunc lower(FuncInst f, FuncType ft, const CanonicalOptions& opts, ComponentInstance* inst);
  void tick();

  // Not in definitions.py from here on.
  Chooser* chooser;
  TaskTree tree;
  // How many threads the last tick could choose from: tells "nothing was ready" from "ran one".
  size_t last_tick_candidates = 0;
  // The name of the call being lowered or invoked, so that tasks and subtasks have one from birth. The host sets it for
  // calls that have a name and for start functions; others are named by `name_task`, if there is one.
  uint32_t next_call_id = 0;
  TaskOrigin next_call_origin = TaskOrigin::call;
  // Names the task that is about to be made in an instance, by a realloc or for a destructor.
  std::function<uint32_t(ComponentInstance*, TaskOrigin)> name_task;
  void name_next_call(ComponentInstance* inst, TaskOrigin origin);

  // Objects live as long as the store; definitions.py leaves this to the collector.
  std::vector<std::unique_ptr<ComponentInstance>> instances;
  std::vector<std::unique_ptr<Task>> tasks;
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<std::unique_ptr<HandleEntry>> entries;
  std::vector<std::unique_ptr<SharedBase>> shared;
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<std::unique_ptr<ResourceType>> resource_types;

  // Makes what goes into `entries`, `shared` or `buffers`.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    auto owned = std::make_unique<T>(std::forward<Args>(args)...);
    T* const object = owned.get();
    if constexpr (std::is_base_of_v<HandleEntry, T>)
      entries.push_back(std::move(owned));
    else if constexpr (std::is_base_of_v<SharedBase, T>)
      shared.push_back(std::move(owned));
    else
      buffers.push_back(std::move(owned));
    return object;
  }
};

}  // namespace lockstep::model
