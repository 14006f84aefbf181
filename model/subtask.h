// definitions.py "### Subtask State"
//
// A subtask: the caller's side of a call, a waitable that reports how far the callee is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "model/resource.h"
#include "model/task.h"
#include "model/types.h"
#include "model/waitable.h"

namespace lockstep::model {

class Subtask : public Waitable {
 public:
  enum class State : uint32_t {
    STARTING = 0,
    STARTED = 1,
    RETURNED = 2,
    CANCELLED_BEFORE_STARTED = 3,
    CANCELLED_BEFORE_RETURNED = 4,
  };

  State state = State::STARTING;
  OnCancel on_cancel;
  std::optional<std::vector<ResourceHandle*>> lenders{std::in_place};
  bool cancellation_requested = false;
  CoreValues flat_results;

  uint32_t call_id = 0;  // not in definitions.py

  bool resolved() const;
  void add_lender(ResourceHandle* lending_handle);
  void resolve(State state_, CoreValues flat_results_);
  void deliver_resolve();
  bool resolve_delivered() const;
  void drop();
};

}  // namespace lockstep::model
