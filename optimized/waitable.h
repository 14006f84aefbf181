// definitions.py "### Waitable State" and "### Subtask State": things of a component that guests wait for.
//
// Nothing here polls. A set knows which of its members have an event, and who waits on it; the change between "none"
// and "some" moves the waiters into and out of the bags of ready threads, since an event may be taken by somebody else
// and a waitable may leave the set.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "optimized/abi.h"
#include "optimized/bag.h"
#include "optimized/choices.h"
#include "optimized/list.h"
#include "optimized/task.h"
#include "optimized/types.h"
#include "optimized/values.h"

namespace lockstep::optimized {

struct ResourceHandle;
struct WaitableSet;

// What subtasks and the ends of streams and futures have in common.
struct Waitable {
  Instance* instance = nullptr;  // whose table it is in
  WaitableSet* set = nullptr;
  Thread* sync_waiter = nullptr;  // has_sync_waiter
  uint32_t index = 0;             // 0: not in the table
  uint32_t pending_position = 0;  // in WaitableSet::pending
  bool is_subtask = true;         // or a CopyEnd
  bool pending_event = false;     // what the event says is read when it is delivered

  Id id() const;
  void set_pending_event();
  void clear_pending_event();
  // Moves it to another set, or out of all of them (null).
  void join(WaitableSet*);
};

// The threads that wait on one set, if they are several: all are ready once the set has an event, and none when one of
// them has taken it, in one step each.
struct Crowd {
  Bag always;          // in that of the instance
  Bag exclusive_free;  // likewise

  void reinitialise() {}
  void set_up(Instance&, bool open);
  bool empty() const { return always.empty() && exclusive_free.empty(); }
  void add(Thread&);
  void set_open(bool);
  void leave();
};

// The elements of a set that have an event. The first needs no allocation.
class PendingWaitables {
 public:
  bool empty() const { return first_ == nullptr; }
  uint32_t count() const {
    return first_ == nullptr ? 0 : static_cast<uint32_t>(more_ != nullptr ? more_->size() : 0) + 1;
  }
  uint64_t hash() const { return hash_; }
  Waitable& nth(uint32_t i) const { return i == 0 ? *first_ : *(*more_)[i - 1]; }
  void add(Waitable&);
  void remove(Waitable&);
  void clear();

 private:
  Waitable* first_ = nullptr;
  std::unique_ptr<std::vector<Waitable*>> more_;  // null: there were never several
  uint64_t hash_ = 0;
};

struct WaitableSet {
  Instance* instance = nullptr;
  uint32_t index = 0;
  uint32_t num_waiting = 0;
  uint32_t num_elements = 0;
  PendingWaitables pending;
  Thread* waiter = nullptr;  // the only one, if there was never a second; or else:
  Crowd* crowd = nullptr;

  void reinitialise();
  bool has_pending_event() const { return !pending.empty(); }
  void add_pending(Waitable&);
  void remove_pending(Waitable&);
  void add_waiter(Thread&);
  // It is in no bag any more.
  void remove_waiter(Thread&);
  void wake_waiters();

 private:
  void unwake_waiters();
};

// The arguments and the result of one call through a lowered import, as far as flat values and memory go.
struct LoweredCall {
  const Import* import = nullptr;
  uint32_t call_id = 0;
  SubtaskState state = SubtaskState::kStarting;
  std::span<const uint64_t> flat_args;
  uint64_t result = 0;  // flat, for a synchronous lowering
  std::vector<ResourceHandle*> lenders = {};

  // lift_flat_values: the parameters, from flat values or from memory.
  void lift_params(std::span<Value> out);
  // lower_flat_values: the result, as a flat value or to memory.
  void lower_result(const Value&);
  // Subtask.deliver_resolve: what was lent is free again.
  void return_lent();

 private:
  bool params_in_memory() const;
};

// A call whose end its caller did not see at once: three cache lines.
struct Subtask : Waitable {
  bool cancellation_requested = false;
  bool resolve_delivered = false;
  bool write_at_delivery = false;  // Mutant::kResultWrittenAtDelivery: late_result
  bool in_use = false;             // by subtask.cancel, which must not see it freed
  bool dropped = false;
  LoweredCall call;
  Task* callee = nullptr;                             // of a guest function, until it resolves
  void (*on_cancel)(void* data, Subtask&) = nullptr;  // of a host function
  void* on_cancel_data = nullptr;
  Thread* call_waiter = nullptr;  // the thread of a synchronous call

  // What call.flat_args views: as many as an asynchronous lowering can have, or more.
  std::array<uint64_t, kMaxFlatAsyncParams + 1> args = {};
  std::unique_ptr<uint64_t[]> more_args;
  std::unique_ptr<Value> late_result;

  void reinitialise();
  bool resolved() const { return is_resolved(call.state); }
  void start(const Import&, uint32_t call_id, std::span<const uint64_t> flat_args, SubtaskState);
  // maybe_on_progress: there is an event once the caller has an index to hear of it by.
  void progress() {
    if (index != 0) set_pending_event();
  }
  void deliver_resolve();
};

}  // namespace lockstep::optimized
