// How often the fast path held, and why it did not. Every promotion has exactly one reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lockstep::optimized {

enum class PromotionReason : uint8_t {
  kCall,         // a heap task is made beneath: the guest calls an async-typed guest function
  kHostInvoke,   // a host function invokes an async-typed function
  kSyncWait,     // a host function that was called synchronously has blocked
  kYield,        // thread.yield that really waits
  kWait,         // waitable-set.wait that really waits
  kCancelWait,   // synchronous subtask.cancel that waits
  kCopyWait,     // synchronous read or write of a stream or future that waits
  kThreadIndex,  // thread.index
  kThreadNew,    // thread.new-indirect
  kSuspend,      // thread.suspend, or a suspend-then-promote that finds nobody to promote
  kSwitch,       // control goes directly to another thread
  kRecursion,    // the thread table of an instance changes while one of its threads is still virtual
};
inline constexpr size_t kPromotionReasonCount = static_cast<size_t>(PromotionReason::kRecursion) + 1;

constexpr std::string_view name(PromotionReason reason) {
  constexpr std::array<std::string_view, kPromotionReasonCount> kNames = {
      "call",      "host-invoke",  "sync-wait",  "yield",   "wait",   "cancel-wait",
      "copy-wait", "thread-index", "thread-new", "suspend", "switch", "recursion",
  };
  return kNames[static_cast<size_t>(reason)];
}

struct Counters {
  uint64_t sync_calls = 0;             // through the sync-to-sync adapter
  uint64_t sync_calls_unpromoted = 0;  // of these, returned without ever having been promoted
  uint64_t host_sync_calls = 0;        // invocations of sync-typed functions by the host
  uint64_t host_sync_calls_unpromoted = 0;
  uint64_t heap_tasks = 0;       // tasks that were made on the heap, with a fiber when they run
  uint64_t frames_promoted = 0;  // native frames that became heap tasks
  std::array<uint64_t, kPromotionReasonCount> promotions = {};  // chains promoted, by reason

  uint64_t promotions_for(PromotionReason reason) const { return promotions[static_cast<size_t>(reason)]; }
  bool operator==(const Counters&) const = default;
};

}  // namespace lockstep::optimized
