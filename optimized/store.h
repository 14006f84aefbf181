// The engine: one store with its component instances, tasks and stacks. README.md tells the whole story; the parts are
//
//   adapter.h     calls of sync-typed functions in the caller's native frame: the fast path, for compiled guests
//   scripted.h    the same adapters for callees that are known only when they run, instrumented
//   lower.cc      calls through an import: everything else
//   lift.cc       the life of a heap task: entering, its core code, returning, exiting
//   switch.cc     resuming and blocking: who gets control next, and how a trap travels
//   promote.cc    from native frames to heap tasks, and back out of them
//   wait.cc       waiting, events, cancellation
//   builtins.cc   the canon built-ins
//   threads.cc    … those of explicit threads
//   streams.cc    … of streams and futures, and their ends
//   resources.cc  those of resources and error contexts
//   values.h      lifting and lowering; valtype.h has types and values
//   host.cc       what the host does
//   inspector.h   reading the state from outside
#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "optimized/adapter.h"
#include "optimized/assert.h"
#include "optimized/choices.h"
#include "optimized/counters.h"
#include "optimized/fiber.h"
#include "optimized/host.h"
#include "optimized/instance.h"
#include "optimized/mutant.h"
#include "optimized/pool.h"
#include "optimized/resource.h"
#include "optimized/streams.h"
#include "optimized/task.h"
#include "optimized/trap.h"
#include "optimized/types.h"
#include "optimized/values.h"
#include "optimized/vm.h"
#include "optimized/waitable.h"

namespace lockstep::optimized {

// The two ends of a stream or future that the host has made.
struct HostEnds {
  CopyEnd& readable;
  CopyEnd& writable;
};

struct StoreOptions {
  Mutant mutant = Mutant::kNone;
  uint32_t table_limit = kMaxTableLength;  // Table.MAX_LENGTH
};

struct ScriptHooks;  // scripted.h
using ScriptAdapter = Adapter<Topology{}, ScriptHooks>;

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
  void resolve(Subtask& call, Value result);
  void resolve_cancelled(Subtask& call);

  // Ends of streams and futures that the host holds (streams.cc). A value that leads to one is received once; giving an
  // idle readable end away makes it a value again, and the record is gone. A copy says through `HostCopy` what came of
  // it, perhaps before it returns; until then nothing but a cancellation may be done. Copies may trap.
  HostEnds host_new(bool future, const Type& element);
  CopyEnd& host_receive(const Value& stream_or_future);
  Value host_give(CopyEnd&);
  void host_read(CopyEnd&, uint32_t count, HostCopy);
  void host_write(CopyEnd&, std::vector<Value>, HostCopy);  // without an element type, the values do not matter
  void host_cancel_copy(CopyEnd&);
  void host_drop(CopyEnd&);  // a writable end of a future only after it was written, or the other end dropped

  // The current task and its ancestors, innermost first; nothing while the outermost host runs.
  void call_stack(std::vector<uint32_t>& call_ids) const;

  // ---- guests: built-ins of the current task (builtins.cc) ----

  // canon lower: a call through an import. Returns the flat result of a synchronous lowering (0 if there is none), or
  // the packed state and index of an asynchronous one.
  uint64_t call(const Import&, uint32_t call_id, std::span<const uint64_t> flat_args);
  // The same for an import whose options and type are synchronous, inline (include scripted.h).
  uint64_t call_sync_to_sync(const Import&, uint32_t call_id, std::span<const uint64_t> args);
  // What i32 code does not see must be 0.
  uint64_t context_get(uint32_t slot, AddressType type = AddressType::kI32) const {
    const uint64_t value = vm_.current->slots[slot];
    OPTIMIZED_ASSERT(type == AddressType::kI64 || value >> 32 == 0);
    return value;
  }
  void context_set(uint32_t slot, uint64_t value, AddressType type = AddressType::kI32) {
    OPTIMIZED_ASSERT(type == AddressType::kI64 || value >> 32 == 0);
    vm_.current->slots[slot] = value;
  }
  void backpressure_inc();
  void backpressure_dec();
  // As many flat values as the result has, or its address if they are more than 16.
  void task_return(const ReturnOptions&, std::span<const uint64_t> flat_result);
  void task_cancel();
  uint32_t waitable_set_new();
  uint32_t waitable_set_wait(bool cancellable, const Memory&, uint32_t set, uint64_t pointer);
  uint32_t waitable_set_poll(bool cancellable, const Memory&, uint32_t set, uint64_t pointer);
  void waitable_set_drop(uint32_t set);
  void waitable_join(uint32_t waitable, uint32_t set);
  uint32_t subtask_cancel(bool async_, uint32_t subtask);
  void subtask_drop(uint32_t subtask);
  // Both handles: that of the readable end, and that of the writable one << 32.
  uint64_t stream_new(const Type& element) { return new_copy_ends(false, element); }
  uint64_t future_new(const Type& element) { return new_copy_ends(true, element); }
  // These return the packed result, or kBlocked.
  uint32_t stream_read(const CopyOptions& o, uint32_t end, uint64_t address, uint64_t count) {
    return copy_of_guest(EndKind::kReadableStream, o, end, address, count);
  }
  uint32_t stream_write(const CopyOptions& o, uint32_t end, uint64_t address, uint64_t count) {
    return copy_of_guest(EndKind::kWritableStream, o, end, address, count);
  }
  uint32_t future_read(const CopyOptions& o, uint32_t end, uint64_t address) {
    return copy_of_guest(EndKind::kReadableFuture, o, end, address, 1);
  }
  uint32_t future_write(const CopyOptions& o, uint32_t end, uint64_t address) {
    return copy_of_guest(EndKind::kWritableFuture, o, end, address, 1);
  }
  // {stream,future}.cancel-{read,write} and .drop-{readable,writable}, by the kind of end.
  uint32_t cancel_copy(EndKind, const Type& element, bool async_, uint32_t end);
  void drop_copy_end(EndKind, const Type& element, uint32_t end);
  uint32_t thread_index();
  uint32_t thread_new_indirect(AddressType parameter, const FuncTable&, uint32_t function, uint64_t argument);
  void thread_resume_later(uint32_t thread);
  // These return 1 if the thread was cancelled, else 0.
  uint32_t thread_suspend(bool cancellable);
  uint32_t thread_yield(bool cancellable);
  uint32_t thread_suspend_then_resume(bool cancellable, uint32_t thread);
  uint32_t thread_yield_then_resume(bool cancellable, uint32_t thread);
  uint32_t thread_suspend_then_promote(bool cancellable, uint32_t thread);
  uint32_t thread_yield_then_promote(bool cancellable, uint32_t thread);
  uint32_t resource_new(const ResourceType&, uint32_t rep);
  void resource_drop(const ResourceType&, uint32_t index);
  uint32_t resource_rep(const ResourceType&, uint32_t index);
  // Messages are UTF-8.
  uint32_t error_context_new(const Memory&, uint64_t pointer, uint64_t bytes);
  void error_context_debug_message(const Memory&, CoreFunc realloc, uint32_t index, uint64_t pointer);
  void error_context_drop(uint32_t index);

  // ---- what runs ----

  bool outermost() const { return innermost_ == nullptr && vm_.current == nullptr; }
  // The id of the running thread; (0, 0) while the outermost host runs.
  Id current_thread() const { return vm_.current != nullptr ? Id{vm_.current->call_id, vm_.current->k} : Id{}; }
  const VMContext& vm() const { return vm_; }
  const Counters& counters() const { return counters_; }

  // ---- for the parts of the engine ----

  bool is(Mutant m) const { return mutant_ == m; }
  // What compiled code gets.
  VMContext& vm() { return vm_; }
  uint32_t table_limit() const { return table_limit_; }
  Bag& ready() { return ready_; }
  Pool<Crowd>& crowds() { return crowds_; }
  // LiftLowerContext.reallocate (lower.cc).
  uint64_t reallocate(const Context&, uint64_t old_address, uint64_t old_size, uint64_t alignment, uint64_t new_size);
  // A new handle: owned, or borrowed by a task.
  uint32_t add_resource(Instance&, const ResourceType&, uint32_t rep, VMAsyncTask* borrow_scope);
  void release(ResourceHandle& h) { resources_.release(h); }
  // The readable end in a table as a value, and back (streams.cc).
  SharedStream& lift_copy_end(Instance&, uint32_t index, const TypeNode& t);
  CopyEnd& add_copy_end(Instance&, SharedStream&, bool readable);

 private:
  friend class Inspector;
  friend class HostCall;
  friend struct ScriptHooks;
  friend void unwind_native_frame(VMContext&, VMAsyncTask&);
  friend void finish_promoted_frame(VMContext&, VMAsyncTask&);

  // scripted.h
  template <typename Body>
  bool run_task(Instance&, uint32_t call_id, TaskOrigin, Body);
  void finish_in_native_frame(VMAsyncTask& frame, const Function&, uint64_t flat_result);

  // lower.cc
  uint64_t call_with_scalars(const ScriptAdapter&, const Function&, std::span<const uint64_t> flat_args);
  uint64_t call_with_values(const ScriptAdapter&, const Import&, std::span<const uint64_t> flat_args);
  uint64_t run_with_values(VMAsyncTask& frame, const Function&, std::span<const Value> args, Value& result);
  uint64_t call_async_typed(const Import&, uint32_t call_id, std::span<const uint64_t> flat_args);
  uint64_t call_host(const Import&, uint32_t call_id, std::span<const uint64_t> flat_args);
  uint64_t finish_lowered_call(Subtask&);
  void resolve_subtask(Subtask&, Value);
  void resolve_subtask_cancelled(Subtask&);

  // lift.cc
  Task& new_task(const Function&, uint32_t call_id);
  void start_task(Task&);
  bool must_wait_to_enter(Task&);
  static void fiber_main(void* thread);
  void run_thread(Thread&);
  void run_body(Task&);
  void run_post_return(const Function&, uint64_t flat_result);
  void run_callbacks(Task&, uint32_t packed);
  uint32_t deliver_callback(Task&);
  void take_arguments(Task&, FlatWriter&);
  void return_task(Task&, Value result);
  void cancel_task(Task&);
  void exit_task(Task&);
  void unregister_thread(Thread&);
  void end_task(Task&);
  void release_if_done(Task&);
  void kill_thread(Thread&);

  // switch.cc
  void resume(Thread&, bool cancelled);
  void transfer(Resumption&, Thread&, bool cancelled);
  void run_for(Resumption&, Thread&, bool cancelled);
  void hand_back(Thread&, std::exception_ptr error);
  void hand_over(Thread&, Thread& other);
  void give_back(Resumption&, std::exception_ptr error);
  void block(Thread&, Thread* other);
  void block_native(Thread&, Thread* other);
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
  void unwind(VMAsyncTask& frame);
  void outlive_borrows(const VMAsyncTask& frame);
  void finish_promoted(VMAsyncTask& frame);
  template <typename Visit>
  void for_each_native_frame(Visit visit) const;
  template <typename Visit>
  void for_each_suspended_frame(Visit visit) const;
  template <typename Visit>
  static void for_each_frame_of(VMAsyncTask* current, Visit& visit);
  uint32_t virtual_threads(const Instance&) const;
  uint32_t next_thread_index(const Instance&) const;
  Thread* get_thread(const Instance&, uint32_t index) const;
  Id named_thread();
  VMAsyncTask* outlive_frame(const VMAsyncTask& frame);

  // wait.cc
  static bool is_ready(const Instance&, Wait, const Waitable*, const WaitableSet*);
  void start_waiting(Thread&, Wait, bool cancellable, Waitable*, WaitableSet*);
  void stop_waiting(Thread&);
  bool deliver_pending_cancel(bool cancellable);
  bool wait_until(Wait, bool cancellable, PromotionReason, Waitable*, WaitableSet*);
  Event get_pending_event(WaitableSet&);
  Event take_event(Waitable&);
  void request_cancellation(Task&, Instance* caller);
  bool may_cancel(const Thread&) const;
  void cancel_subtask(Subtask&);

  // threads.cc
  void run_explicit_thread(Thread&);
  Thread& get_suspended(uint32_t index, TrapSite);
  bool suspend(bool cancellable);
  bool suspend_then_resume(bool cancellable, Thread& other);
  bool yield_then_resume(bool cancellable, Thread& other);

  // streams.cc
  uint64_t new_copy_ends(bool future, const Type& element);
  void set_buffer(CopyEnd&, const CopyOptions&, uint64_t address, uint64_t length);
  uint32_t copy_of_guest(EndKind, const CopyOptions&, uint32_t index, uint64_t address, uint64_t length);
  uint32_t answer_of_copy(CopyEnd&, bool async_);
  Event take_copy_event(CopyEnd&);
  SharedStream& new_shared(bool future, const Type& element);
  CopyEnd& new_copy_end(SharedStream&, bool readable);
  void copy(CopyEnd&);
  void progress_pending(SharedStream&);
  void end_pending(SharedStream&, CopyResult);
  void end_copy(CopyEnd&, CopyResult);
  void drop_shared(SharedStream&);
  void copy_of_host(CopyEnd&, uint32_t count, std::vector<Value>, HostCopy);

  Instance& current_instance() const { return *vm_.current->instance; }
  Task& current_task() const;
  Thread& current_heap_thread() const;

  VMContext vm_ = {nullptr, this};
  Mutant mutant_ = Mutant::kNone;
  uint32_t table_limit_ = kMaxTableLength;
  Counters counters_;

  Choices& choices_;
  Bag ready_;                        // in which all others lie
  Resumption* innermost_ = nullptr;  // whoever resumed the running thread, if not its native caller
  Fiber host_fiber_;                 // the stack that the host called us on
  Fiber* fiber_ = &host_fiber_;      // the stack that we are on
  bool dying_ = false;               // reset() unwinds the stacks of waiting tasks

  List<Thread, &Thread::fiber_link> fiber_bottoms_;  // each thread that has a fiber of its own
  std::vector<Instance*> instances_;
  struct CollectedFrame {
    VMAsyncTask* frame;
    Fiber* fiber;
  };
  std::vector<CollectedFrame> collected_frames_;                // while promoting: innermost first
  CancellableThreads cancel_candidates_;                        // mutants only
  std::vector<std::unique_ptr<VMAsyncTask>> outliving_frames_;  // mutants only

  Pool<Instance> instance_pool_;
  Pool<Task> tasks_;
  Pool<Thread> threads_;  // explicit ones
  Pool<Subtask> subtasks_;
  Pool<WaitableSet> sets_;
  Pool<Crowd> crowds_;
  Pool<SharedStream> shared_streams_;
  Pool<CopyEnd> copy_ends_;
  Pool<ResourceHandle> resources_;
  Pool<ErrorContext> error_contexts_;
  FiberCache fibers_;
};

// The unpromoted frames of a chain, innermost first.
template <typename Visit>
void Store::for_each_frame_of(VMAsyncTask* current, Visit& visit) {
  for (; current != nullptr && current->kind == TaskKind::kNative; current = current->parent) visit(*current);
}

// … of the chains of all suspended resumers. Nearly always there are none, and that is known at once.
template <typename Visit>
void Store::for_each_suspended_frame(Visit visit) const {
  for (const Resumption* r = innermost_; r != nullptr && r->over_native; r = r->outer)
    for_each_frame_of(live(r->current), visit);
}

// … of these and the running chain.
template <typename Visit>
void Store::for_each_native_frame(Visit visit) const {
  for_each_frame_of(vm_.current, visit);
  for_each_suspended_frame(visit);
}

}  // namespace lockstep::optimized
