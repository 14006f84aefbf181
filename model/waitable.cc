#include "model/waitable.h"

#include <algorithm>

#include "model/store.h"
#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {

void Waitable::set_pending_event(std::function<EventTuple()> event) { pending_event = std::move(event); }

bool Waitable::has_pending_event() const { return static_cast<bool>(pending_event); }

bool Waitable::in_waitable_set() const { return wset != nullptr; }

void Waitable::wait_for_pending_event() {
  spec_assert(!in_waitable_set() && !has_sync_waiter, "Waitable.wait_for_pending_event#1");
  has_sync_waiter = true;
  current_thread()->wait_until([this] { return has_pending_event(); }, /*cancellable_=*/false);
  has_sync_waiter = false;
}

EventTuple Waitable::get_pending_event() {
  // definitions.py calls None where the event was taken in between: a TypeError, the third kind of failure.
  spec_assert(has_pending_event(), "Waitable.get_pending_event#0");
  const std::function<EventTuple()> event = std::move(pending_event);
  pending_event = nullptr;
  return event();
}

void Waitable::join(WaitableSet* set) {
  spec_assert(!has_sync_waiter, "Waitable.join#1");
  if (wset != nullptr) std::erase(wset->elems, this);
  wset = set;
  if (wset != nullptr) wset->elems.push_back(this);
}

void Waitable::drop() {
  spec_assert(!has_pending_event(), "Waitable.drop#1");
  spec_assert(!has_sync_waiter, "Waitable.drop#2");
  join(nullptr);
}

bool WaitableSet::has_pending_event() const {
  return std::any_of(elems.begin(), elems.end(), [](const Waitable* w) { return w->has_pending_event(); });
}

// definitions.py shuffles `elems` and takes the first with an event. The order of `elems` shows nowhere else, so the
// choice is one of those with an event.
EventTuple WaitableSet::get_pending_event() {
  spec_assert(has_pending_event(), "WaitableSet.get_pending_event#1");
  std::vector<Waitable*> candidates;
  for (Waitable* w : elems) {
    spec_assert(this == w->wset, "WaitableSet.get_pending_event#2");
    if (w->has_pending_event()) candidates.push_back(w);
  }
  return current_task()->inst->store->chooser->waitable_to_deliver(candidates)->get_pending_event();
}

EventTuple WaitableSet::wait_for_event_and(const std::function<bool()>& ready_func, bool cancellable) {
  auto ready_and_has_event = [this, ready_func] { return ready_func() && has_pending_event(); };
  num_waiting += 1;
  const Cancelled cancelled = current_thread()->wait_until(ready_and_has_event, cancellable);
  const EventTuple event =
      cancelled == Cancelled::TRUE ? EventTuple{EventCode::TASK_CANCELLED, 0, 0} : get_pending_event();
  num_waiting -= 1;
  return event;
}

EventTuple WaitableSet::wait_for_event(bool cancellable) {
  return wait_for_event_and([] { return true; }, cancellable);
}

EventTuple WaitableSet::poll(bool cancellable) {
  if (current_task()->deliver_pending_cancel(cancellable)) return {EventCode::TASK_CANCELLED, 0, 0};
  if (!has_pending_event()) return {EventCode::NONE, 0, 0};
  return get_pending_event();
}

void WaitableSet::drop() {
  trap_if(!elems.empty(), TrapSite::kWaitableSetDrop1);
  trap_if(num_waiting > 0, TrapSite::kWaitableSetDrop2);
}

}  // namespace lockstep::model
