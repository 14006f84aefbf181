#include "model/subtask.h"

#include "model/trap.h"

namespace lockstep::model {

bool Subtask::resolved() const {
  switch (state) {
    case State::STARTING:
    case State::STARTED:
      return false;
    case State::RETURNED:
    case State::CANCELLED_BEFORE_STARTED:
    case State::CANCELLED_BEFORE_RETURNED:
      return true;
  }
  LOCKSTEP_ASSERT(false);
}

void Subtask::add_lender(ResourceHandle* lending_handle) {
  spec_assert(!resolve_delivered() && !resolved(), "Subtask.add_lender#1");
  lending_handle->num_lends += 1;
  lenders->push_back(lending_handle);
}

void Subtask::resolve(State state_, CoreValues flat_results_) {
  spec_assert(state_ == State::RETURNED || flat_results_.empty(), "Subtask.resolve#1");
  spec_assert(!resolved(), "Subtask.resolve#2");
  state = state_;
  flat_results = std::move(flat_results_);
  spec_assert(resolved(), "Subtask.resolve#3");
}

void Subtask::deliver_resolve() {
  spec_assert(!resolve_delivered() && resolved(), "Subtask.deliver_resolve#1");
  for (ResourceHandle* h : *lenders) h->num_lends -= 1;
  lenders = std::nullopt;
}

bool Subtask::resolve_delivered() const {
  spec_assert(lenders.has_value() || resolved(), "Subtask.resolve_delivered#1");
  return !lenders.has_value();
}

void Subtask::drop() {
  trap_if(!resolve_delivered(), TrapSite::kSubtaskDrop1);
  Waitable::drop();
}

}  // namespace lockstep::model
