// Numbers of the Canonical ABI, written out. They are what guests see, so nothing here may be renumbered.
#pragma once

#include <cstdint>

namespace lockstep::optimized {

enum class EventCode : uint32_t {
  kNone = 0,
  kSubtask = 1,
  kStreamRead = 2,
  kStreamWrite = 3,
  kFutureRead = 4,
  kFutureWrite = 5,
  kTaskCancelled = 6,
};

struct Event {
  EventCode code = EventCode::kNone;
  uint32_t p1 = 0;
  uint32_t p2 = 0;
};

enum class SubtaskState : uint8_t {
  kStarting = 0,
  kStarted = 1,
  kReturned = 2,
  kCancelledBeforeStarted = 3,
  kCancelledBeforeReturned = 4,
};

constexpr bool is_resolved(SubtaskState s) { return s >= SubtaskState::kReturned; }

// What a callback-lifted function returns in its low four bits; the rest is a waitable set.
enum class CallbackCode : uint32_t { kExit = 0, kYield = 1, kWait = 2 };

// Not seen by guests, but reported for comparison: the states of a task in definitions.py.
enum class TaskState : uint8_t { kInitial = 1, kStarted = 2, kPendingCancel = 3, kCancelDelivered = 4, kResolved = 5 };

// The low four bits of what a read, write or cancellation of a stream or future returns.
enum class CopyResult : uint8_t { kCompleted = 0, kDropped = 1, kCancelled = 2 };

// Also reported for comparison only: the states of an end of a stream or future in definitions.py.
enum class CopyState : uint8_t { kIdle = 1, kCopying = 2, kCancellingCopy = 3, kDone = 4 };

inline constexpr uint32_t kMaxBufferLength = (1u << 28) - 1;
inline constexpr uint32_t kBlocked = 0xffff'ffff;  // a read, write or cancellation without an answer yet
inline constexpr uint32_t kMaxTableLength = (1u << 28) - 1;
inline constexpr uint32_t kMaxBackpressure = 1u << 16;
inline constexpr uint32_t kMaxFlatParams = 16;
inline constexpr uint32_t kMaxFlatAsyncParams = 4;
inline constexpr uint32_t kMaxFlatResults = 1;

}  // namespace lockstep::optimized
