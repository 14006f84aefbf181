// A guest's call of a host function, as the host sees it while its function runs.
#pragma once

#include <cstdint>
#include <span>

#include "optimized/values.h"
#include "optimized/waitable.h"

namespace lockstep::optimized {

class Store;

// Lives in the native frame of the call, so that a host function that returns at once costs no allocation.
class HostCall {
 public:
  HostCall(Store& store, const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args);
  HostCall(const HostCall&) = delete;
  HostCall& operator=(const HostCall&) = delete;

  Store& store() const { return store_; }
  uint32_t call_id() const { return call_.call_id; }

  // on_start: takes the arguments, which are valid until the function returns. May trap.
  std::span<const Value> start();
  // on_resolve with a result (ignored if the type has none). May trap.
  void resolve(Value result = {});
  // The call goes on after the function returns. The result names it until Store::resolve or resolve_cancelled.
  // `on_cancel` is asked when the guest cancels it; it may end the call at once, later, or not at all.
  Subtask& block(void (*on_cancel)(void* data, Subtask&), void* data);

 private:
  friend class Store;

  Store& store_;
  LoweredCall call_;
  Arguments arguments_;
  Subtask* subtask_ = nullptr;  // once blocked, which then holds the state of the call
};

}  // namespace lockstep::optimized
