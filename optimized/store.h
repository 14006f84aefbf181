// The engine: one store with its component instances, tasks and stacks. README.md tells the whole story; the parts are
//
//   adapter.h     calls of sync-typed functions in the caller's native frame: the fast path
//   lower.cc      calls through an import: everything else
//   lift.cc       the life of a heap task: entering, its core code, returning, exiting
//   switch.cc     resuming and blocking: who gets control next, and how a trap travels
//   promote.cc    from native frames to heap tasks, and back out of them
//   wait.cc       waiting, events, cancellation
//   builtins.cc   the canon built-ins
//   host.cc       what the host does
//   inspector.h   reading the state from outside
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "optimized/choices.h"
#include "optimized/counters.h"
#include "optimized/fiber.h"
#include "optimized/host.h"
#include "optimized/instance.h"
#include "optimized/mutant.h"
#include "optimized/pool.h"
#include "optimized/task.h"
#include "optimized/trap.h"
#include "optimized/types.h"
#include "optimized/vm.h"
#include "optimized/waitable.h"

namespace lockstep::optimized {

struct StoreOptions {
  Mutant mutant = Mutant::kNone;
  uint32_t table_limit = kMaxTableLength;  // Table.MAX_LENGTH
};

class Store {
 public:
  // The choices must outlive the store.
  explicit Store(Choices& choices, StoreOptions options = {});
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Forgets all instances, tasks and handles, unwinding the stacks of tasks that wait. Counters and memory are kept.
  // Only while the outermost host runs, like tick().
  void reset();
  // The same, and then goes on with other options.
  void reset(StoreOptions options);

  // The id is the embedder's; parents come before children.
  Instance& add_instance(uint32_t id, Instance* parent = nullptr);

  // ---- the host (host.cc) ----

  // Store.invoke, also from inside a host function. Returns when the call has resolved, blocked, or trapped.
  void invoke(const Function&, Invocation&);
  // Store.tick: lets one thread go on. False if none can.
  bool tick();
  // Asks a call that the host made, and that has not resolved, to cancel. At most once.
  void cancel(Invocation&);
  // Ends a host call that blocked.
  void resolve(Subtask& call, uint32_t result);
  void resolve_cancelled(Subtask& call);
  // The current task and its ancestors, innermost first; nothing while the outermost host runs.
  void call_stack(std::vector<uint32_t>& call_ids) const;

  // ---- guests: built-ins of the current task (builtins.cc) ----

  // canon lower: a call through an import. Returns the flat result of a synchronous lowering (0 if there is none), or
  // the packed state and index of an asynchronous one.
  uint32_t call(const Import&, uint32_t call_id, std::span<const uint32_t> flat_args);
  // The same for an import whose options and type are synchronous, inline for compiled adapters (include adapter.h).
  uint32_t call_sync_to_sync(const Import&, uint32_t call_id, std::span<const uint32_t> args);
  uint32_t context_get(uint32_t slot) const { return static_cast<uint32_t>(vm_.current->slots[slot]); }
  void context_set(uint32_t slot, uint32_t value) { vm_.current->slots[slot] = value; }
  void backpressure_inc();
  void backpressure_dec();
  void task_return(const ReturnOptions&, uint32_t value = 0);
  void task_cancel();
  uint32_t waitable_set_new();
  uint32_t waitable_set_wait(bool cancellable, const Memory&, uint32_t set, uint32_t pointer);
  uint32_t waitable_set_poll(bool cancellable, const Memory&, uint32_t set, uint32_t pointer);
  void waitable_set_drop(uint32_t set);
  void waitable_join(uint32_t waitable, uint32_t set);
  uint32_t subtask_cancel(bool async_, uint32_t subtask);
  void subtask_drop(uint32_t subtask);
  uint32_t thread_index();
  uint32_t thread_yield(bool cancellable);

  // ---- what runs ----

  bool outermost() const { return innermost_ == nullptr && vm_.current == nullptr; }
  // The id of the running thread; (0, 0) while the outermost host runs.
  Id current_thread() const { return vm_.current != nullptr ? Id{vm_.current->call_id, 0} : Id{}; }
  const VMContext& vm() const { return vm_; }
  const Counters& counters() const { return counters_; }

  // ---- for the parts of the engine ----

  bool is(Mutant m) const { return mutant_ == m; }
  uint32_t table_limit() const { return table_limit_; }
  OpenBags& open_bags() { return open_bags_; }

 private:
  friend class Inspector;
  friend class HostCall;

  // adapter.h
  enum class Caller { kGuest, kHost };
  template <Caller kCaller>
  uint32_t call_in_native_frame(const Function&, uint32_t call_id, std::span<const uint32_t> args, Invocation*);

  // lower.cc
  uint32_t call_async_typed(const Import&, uint32_t call_id, std::span<const uint32_t> flat_args);
  uint32_t call_host(const Import&, uint32_t call_id, std::span<const uint32_t> flat_args);
  uint32_t finish_lowered_call(Subtask&);
  void resolve_subtask(Subtask&, uint32_t value);
  void resolve_subtask_cancelled(Subtask&);

  // lift.cc
  Task& new_task(const Function&, uint32_t call_id);
  void start_task(Task&);
  bool must_wait_to_enter(Task&);
  static void fiber_main(void* thread);
  void run_thread(Thread&);
  void run_body(Task&);
  void run_post_return(const Function&, uint32_t flat_result);
  void run_callbacks(Task&, uint32_t packed);
  uint32_t deliver_callback(Task&);
  std::span<const uint32_t> take_arguments(Task&, std::array<uint32_t, kMaxFlatParams>& storage);
  void return_task(Task&, uint32_t result);
  void cancel_task(Task&);
  void exit_task(Task&);
  void end_task(Task&);
  void kill_task(Task&);

  // switch.cc
  void resume(Thread&, bool cancelled);
  void transfer(Resumption&, Thread&, bool cancelled);
  void hand_back(Thread&, std::exception_ptr error);
  void give_back(Resumption&, std::exception_ptr error);
  void suspend(Thread&);
  void suspend_native(Thread&);
  Thread& choose_in_loop(Thread&);
  void abandon(Thread&);
  void switch_to(Fiber&);
  void discard_fibers();

  // promote.cc
  void promote(PromotionReason);
  void promote_everything();
  void before_thread_table_changes(Instance&);
  void collect_frames(VMAsyncTask* current, Fiber*);
  bool shares_instances_with_outer_frames() const;
  void promote_collected(PromotionReason);
  Task& promote_frame(VMAsyncTask& frame, Fiber*);
  void unwind_native_frame(VMAsyncTask& frame, VMAsyncTask* caller);
  void finish_promoted_frame(VMAsyncTask& frame, VMAsyncTask* caller);
  VMAsyncTask* outlive_frame(const VMAsyncTask& frame);

  // wait.cc
  static bool is_ready(const Instance&, Wait, const Subtask*, const WaitableSet*);
  void start_waiting(Thread&, Wait, bool cancellable, Subtask*, WaitableSet*);
  void stop_waiting(Thread&);
  bool deliver_pending_cancel(bool cancellable);
  bool wait_until(Wait, bool cancellable, PromotionReason, Subtask*, WaitableSet*);
  Event get_pending_event(WaitableSet&);
  Event take_event(Waitable&);
  void request_cancellation(Task&, Instance* caller);
  void cancel_subtask(Subtask&);

  Instance& current_instance() const { return *vm_.current->instance; }
  Task& current_task() const;

  VMContext vm_ = {nullptr};  // first: compiled code addresses it
  Mutant mutant_ = Mutant::kNone;
  uint32_t table_limit_ = kMaxTableLength;
  Counters counters_;

  Choices& choices_;
  OpenBags open_bags_;
  Resumption* innermost_ = nullptr;  // whoever resumed the running thread, if not its native caller
  Fiber host_fiber_;                 // the stack that the host called us on
  Fiber* fiber_ = &host_fiber_;      // the stack that we are on
  bool dying_ = false;               // reset() unwinds the stacks of waiting tasks

  List<Task, &Task::live_link> live_tasks_;
  std::vector<Instance*> instances_;
  struct CollectedFrame {
    VMAsyncTask* frame;
    Fiber* fiber;
  };
  std::vector<CollectedFrame> collected_frames_;                // while promoting: innermost first
  std::vector<std::unique_ptr<VMAsyncTask>> outliving_frames_;  // mutants only

  Pool<Instance> instance_pool_;
  Pool<Task> tasks_;
  Pool<Subtask> subtasks_;
  Pool<WaitableSet> sets_;
  FiberCache fibers_;
};

}  // namespace lockstep::optimized
