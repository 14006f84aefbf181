// Waitables: who is woken by what, and the flat values of lowered calls.
#include "optimized/waitable.h"

#include <cstring>

#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

constexpr uint32_t kWord = 4;  // size and alignment of a u32

// The bytes of an area of u32s, or the trap for a bad pointer.
uint8_t* checked_area(const Memory& memory, uint32_t pointer, uint64_t words, TrapSite misaligned, TrapSite outside) {
  trap_if(pointer % kWord != 0, misaligned);
  trap_if(pointer + words * kWord > memory.bytes.size(), outside);
  return memory.bytes.data() + pointer;
}

}  // namespace

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
  return import->type().num_params > (import->async_ ? kMaxFlatAsyncParams : kMaxFlatParams);
}

std::span<const uint32_t> LoweredCall::lift_params(std::array<uint32_t, kMaxFlatParams>& storage) const {
  const uint32_t count = import->type().num_params;
  if (!params_in_memory()) return flat_args.first(count);
  const uint8_t* area =
      checked_area(*import->memory, flat_args[0], count, TrapSite::kLiftFlatValues1, TrapSite::kLiftFlatValues2);
  std::memcpy(storage.data(), area, count * kWord);
  return std::span(storage).first(count);
}

void LoweredCall::lower_result(uint32_t value) {
  if (!import->type().has_result) return;
  result = value;
  if (!import->async_) return;
  const uint32_t pointer = flat_args[params_in_memory() ? 1 : import->type().num_params];
  uint8_t* area = checked_area(*import->memory, pointer, 1, TrapSite::kLowerFlatValues1, TrapSite::kLowerFlatValues2);
  std::memcpy(area, &value, kWord);
}

void Subtask::reinitialise() { *this = Subtask(); }

void Subtask::start(const Import& import, uint32_t call_id, std::span<const uint32_t> flat_args, SubtaskState state) {
  OPTIMIZED_ASSERT(flat_args.size() <= args.size());
  std::copy(flat_args.begin(), flat_args.end(), args.begin());
  call = {&import, call_id, state, std::span<const uint32_t>(args).first(flat_args.size())};
  instance = import.instance;
}

void Subtask::deliver_resolve() {
  OPTIMIZED_ASSERT(!resolve_delivered && resolved());
  if (write_at_delivery) call.lower_result(call.result);
  resolve_delivered = true;
}

}  // namespace lockstep::optimized
