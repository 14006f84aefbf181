// Waitables: who is woken by what, and the flat values of lowered calls.
#include "optimized/waitable.h"

#include <algorithm>
#include <utility>

#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
Id Waitable::id() const { return {instance->id, index}; }

void Waitable::set_pending_event() {
  if (pending_event) return;  // what it says is read at delivery
  pending_event = true;
  if (set != nullptr) {
    set->add_pending(*this);
    if (set->pending.count() == 1) set->wake_waiters();
  }
  if (sync_waiter != nullptr) sync_waiter->enlist();
}

void Waitable::clear_pending_event() {
  if (!pending_event) return;
  pending_event = false;
  if (set != nullptr) set->remove_pending(*this);
}

void Waitable::join(WaitableSet* other) {
  if (set != nullptr) {
    if (instance->store->is(Mutant::kEventLostOnRejoin)) clear_pending_event();
    if (pending_event) set->remove_pending(*this);
    --set->num_elements;
  }
  set = other;
  if (set == nullptr) return;
  ++set->num_elements;
  if (!pending_event) return;
  set->add_pending(*this);
  if (instance->store->is(Mutant::kLostWakeUp)) return;
  if (set->pending.count() == 1) set->wake_waiters();
}

void WaitableSet::reinitialise() {
  instance = nullptr;
  index = num_waiting = num_elements = 0;
  pending.clear();
  waiter = nullptr;
  crowd = nullptr;
}

void WaitableSet::add_pending(Waitable& w) { pending.add(w); }

void WaitableSet::remove_pending(Waitable& w) {
  pending.remove(w);
  if (pending.empty()) unwake_waiters();
}

void PendingWaitables::add(Waitable& w) {
  w.pending_position = count();
  if (first_ == nullptr) {
    first_ = &w;
  } else {
    if (more_ == nullptr) more_ = std::make_unique<std::vector<Waitable*>>();
    more_->push_back(&w);
  }
  hash_ += hash_of(w.id());
}

void PendingWaitables::remove(Waitable& w) {
  OPTIMIZED_ASSERT(w.pending_position < count() && &nth(w.pending_position) == &w);
  Waitable& last = nth(count() - 1);
  last.pending_position = w.pending_position;
  (w.pending_position == 0 ? first_ : (*more_)[w.pending_position - 1]) = &last;
  if (more_ == nullptr || more_->empty()) {
    first_ = nullptr;
  } else {
    more_->pop_back();
  }
  hash_ -= hash_of(w.id());
}

void PendingWaitables::clear() {
  first_ = nullptr;
  if (more_ != nullptr) more_->clear();
  hash_ = 0;
}

void WaitableSet::add_waiter(Thread& thread) {
  if (waiter == nullptr && crowd == nullptr) {
    waiter = &thread;
    return;
  }
  if (crowd == nullptr) {
    crowd = &instance->store->crowds().acquire();
    crowd->set_up(*instance, has_pending_event());
    crowd->add(*std::exchange(waiter, nullptr));
  }
  crowd->add(thread);
}

void WaitableSet::remove_waiter(Thread& thread) {
  if (waiter == &thread) {
    waiter = nullptr;
  } else if (crowd->empty()) {
    crowd->leave();
    instance->store->crowds().release(*std::exchange(crowd, nullptr));
  }
}

void WaitableSet::wake_waiters() {
  if (waiter != nullptr) waiter->enlist();
  if (crowd != nullptr) crowd->set_open(true);
}

// The only event was taken, or its waitable left: whoever has not run yet goes on waiting.
void WaitableSet::unwake_waiters() {
  if (waiter != nullptr) waiter->delist();
  if (crowd != nullptr) crowd->set_open(false);
}

void Crowd::set_up(Instance& instance, bool open) {
  always.reinitialise(&instance.always, open);
  exclusive_free.reinitialise(&instance.exclusive_free, open);
}

void Crowd::add(Thread& thread) {
  thread.delist();
  if (thread.abandoned) return;
  (thread.wait == Wait::kSetEvent ? always : exclusive_free).add(thread);
}

void Crowd::leave() {
  always.leave_outer();
  exclusive_free.leave_outer();
}

void Crowd::set_open(bool open) {
  always.set_open(open);
  exclusive_free.set_open(open);
}

bool LoweredCall::params_in_memory() const {
  return import->type().flat_params > (import->async_ ? kMaxFlatAsyncParams : kMaxFlatParams);
}

void LoweredCall::lift_params(std::span<Value> out) {
  const Context cx = {import->instance, import->memory, {}, &lenders, nullptr};
  FlatReader in(flat_args);
  optimized::lift_params(cx, in, import->async_ ? kMaxFlatAsyncParams : kMaxFlatParams, import->type(), out);
}

void LoweredCall::lower_result(const Value& value) {
  const FuncType& type = import->type();
  if (!type.has_result()) return;
  const Context cx = {import->instance, import->memory, import->realloc, nullptr, nullptr};
  if (type.flat_result <= (import->async_ ? 0 : kMaxFlatResults)) {
    FlatWriter out;
    lower_flat(cx, out, value, *type.result);
    result = out.values()[0];
  } else {
    lower_result_to(cx, flat_args[params_in_memory() ? 1 : type.flat_params], value, type);
  }
}

void LoweredCall::return_lent() {
  const uint32_t returned = import->instance->store->is(Mutant::kLendNotReturned) ? 0 : 1;
  for (ResourceHandle* h : lenders) h->num_lends -= returned;
  lenders.clear();
}

void Subtask::reinitialise() { *this = Subtask(); }

void Subtask::start(const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args, SubtaskState state) {
  uint64_t* copy = args.data();
  if (flat_args.size() > args.size()) {
    more_args = std::make_unique<uint64_t[]>(flat_args.size());
    copy = more_args.get();
  }
  std::copy(flat_args.begin(), flat_args.end(), copy);
  call.import = &import;
  call.call_id = call_id;
  call.state = state;
  call.flat_args = std::span<const uint64_t>(copy, flat_args.size());
  instance = import.instance;
}

void Subtask::deliver_resolve() {
  OPTIMIZED_ASSERT(!resolve_delivered && resolved());
  if (write_at_delivery) call.lower_result(*late_result);
  call.return_lent();
  resolve_delivered = true;
}

}  // namespace lockstep::optimized
