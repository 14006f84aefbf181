// Waitables: who is woken by what, and the flat values of lowered calls.
#include "optimized/waitable.h"

#include <algorithm>

#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
Id Waitable::id() const { return {instance->id, index}; }

void Waitable::set_pending_event() {
  if (pending_event) return;  // what it says is read at delivery
  pending_event = true;
  if (set != nullptr) {
    set->add_pending(*this);
    if (set->pending.size() == 1) set->wake_waiters();
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
  if (set->pending.size() == 1) set->wake_waiters();
}

void WaitableSet::reinitialise() {
  instance = nullptr;
  index = num_waiting = num_elements = 0;
  pending.clear();
  pending_hash = 0;
  waiters.clear();
}

void WaitableSet::add_pending(Waitable& w) {
  w.pending_position = static_cast<uint32_t>(pending.size());
  pending.push_back(&w);
  pending_hash += hash_of(w.id());
}

void WaitableSet::remove_pending(Waitable& w) {
  OPTIMIZED_ASSERT(w.pending_position < pending.size() && pending[w.pending_position] == &w);
  pending[w.pending_position] = pending.back();
  pending[w.pending_position]->pending_position = w.pending_position;
  pending.pop_back();
  pending_hash -= hash_of(w.id());
  if (pending.empty()) unwake_waiters();
}

void WaitableSet::wake_waiters() {
  for (Thread* t = waiters.first(); t != nullptr; t = waiters.next(*t)) t->enlist();
}

// The only event was taken, or its waitable left: whoever has not run yet goes on waiting.
void WaitableSet::unwake_waiters() {
  for (Thread* t = waiters.first(); t != nullptr; t = waiters.next(*t)) t->delist();
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
  OPTIMIZED_ASSERT(flat_args.size() <= args.size());
  std::copy(flat_args.begin(), flat_args.end(), args.begin());
  call.import = &import;
  call.call_id = call_id;
  call.state = state;
  call.flat_args = std::span<const uint64_t>(args).first(flat_args.size());
  instance = import.instance;
}

void Subtask::deliver_resolve() {
  OPTIMIZED_ASSERT(!resolve_delivered && resolved());
  if (write_at_delivery) call.lower_result(late_result);
  call.return_lent();
  resolve_delivered = true;
}

}  // namespace lockstep::optimized
