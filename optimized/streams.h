// definitions.py "### Stream State" and "### Future State": what the two ends of a stream or future share, and the
// ends.
//
// A copy needs a buffer at both ends. The end that comes first leaves its buffer pending in the shared object; the
// other then copies as much as fits. The first end gets an event with what has been copied until the event is
// *delivered*: until then its buffer stays pending, and further copies may use the rest of it. So the event holds the
// result only, and the buffer is taken back, and its progress read, at delivery.
//
// An end has at most one copy in progress, so its buffer is a part of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "optimized/abi.h"
#include "optimized/values.h"
#include "optimized/waitable.h"

namespace lockstep::optimized {

struct CopyEnd;

enum class EndKind : uint8_t { kReadableStream, kWritableStream, kReadableFuture, kWritableFuture };
constexpr bool is_readable(EndKind k) { return k == EndKind::kReadableStream || k == EndKind::kReadableFuture; }
constexpr bool is_future(EndKind k) { return k >= EndKind::kReadableFuture; }

// SharedStreamImpl, SharedFutureImpl.
struct SharedStream {
  Type element;  // none: no values, only counts
  bool future = false;
  bool dropped = false;
  uint8_t ends = 2;            // that are not dropped; the readable one may be on its way as a value
  CopyEnd* pending = nullptr;  // whose buffer is pending

  void reinitialise() { *this = SharedStream(); }
};

// What a host is told when a copy of an end that it holds has ended: how many elements, and those that were read (they
// may be moved from). It may receive ends from these values, and must do nothing else with the engine.
struct HostCopy {
  void (*done)(void* data, CopyEnd&, CopyResult, uint32_t progress, std::span<Value> read) = nullptr;
  void* data = nullptr;
};

// ReadableStreamEnd and its kind: in an instance's table, or held by the host (then it is in none and has no events).
struct CopyEnd : Waitable {
  EndKind kind = EndKind::kReadableStream;
  CopyState state = CopyState::kIdle;
  // What the pending event says.
  CopyResult result = CopyResult::kCompleted;
  bool reclaim = false;  // its delivery takes the buffer back
  SharedStream* shared = nullptr;

  // The buffer of the copy in progress. Its address is that of the first element, whatever the progress.
  uint32_t progress = 0;
  uint32_t length = 0;
  uint64_t address = 0;
  Context context;
  std::vector<Value> values;  // the host's: what it writes, or has read
  HostCopy host_copy;

  CopyEnd() { is_subtask = false; }
  bool copying() const { return state == CopyState::kCopying || state == CopyState::kCancellingCopy; }
  bool held_by_host() const { return instance == nullptr; }
  uint32_t remain() const { return length - progress; }
  void reinitialise() { *this = CopyEnd(); }
};

}  // namespace lockstep::optimized
