// The flat event stream: what an engine reports while it runs a scenario, as 32-bit words that can be compared with
// one memcmp, and the schema that names every field of them.
//
// A record is one header word (kind << 24 | number of words that follow) and its fields in the order of its schema.
// Ids are structural, never counters of creation:
//   task    its token;                       thread  (token, k), the k-th thread of that task, written "7.0"
//   handle  (instance, index), written "2:5"
//
// After a record of kind begin, end, back or host-end a `state` record may follow: the canonical snapshot of the
// engine at that moment, a sorted sequence of entities. It is left out where no engine code can have run since the
// last snapshot (a `begin` right after the `end` of the same activation).
//
// Public so that every consumer (comparison, trace files, reports, the flip test) works from this one table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "traces/value.h"

namespace lockstep::traces {

enum class RecordKind : uint8_t {
  kEnter,       // guest code is entered
  kBegin,       // before a guest operation
  kEnd,         // after it
  kChoice,      // the schedule was chosen
  kHostCall,    // a guest called a host function
  kHostResult,  // the host function returned or blocked
  kHostCancel,  // the engine asks a host function to cancel
  kStarted,     // a call made by the host took its arguments
  kResolved,    // a call made by the host returned or was cancelled
  kHostBegin,   // before a host operation
  kHostEnd,     // after it
  kBack,        // control is back at the host: after each tick of `run`
  kStack,       // the answer to a call-stack query
  kTrapped,     // a trap arrived at a host frame
  kOutcome,     // how the case ended
  kHostCopy,    // a copy of an end that the host holds has come to something
  kMemory,      // what a guest memory holds at the end: (address, value) of the words that are not 0
  kState,       // a snapshot
};
inline constexpr size_t kRecordKindCount = static_cast<size_t>(RecordKind::kState) + 1;

enum class FieldType : uint8_t {
  kWord,     // a number
  kFlag,     // 0 or 1
  kOp,       // Op
  kHostOp,   // HostOp
  kContext,  // Context
  kPoint,    // ChoicePoint
  kOutcome,  // Outcome
  kSite,     // traces/sites.h
  kThread,   // two words
  kWords,    // a count, then that many words
  kCores,    // core values: a count, then that many pairs of words, low and high
  kValues,   // component-level values: a count, then that many (traces/value.h)
  kIds,      // a count, then that many pairs of words: threads, handles, or (0 or 1, 0) at wait-until
};

struct Field {
  std::string_view name;
  FieldType type;
};

struct RecordSchema {
  RecordKind kind;
  std::string_view name;
  std::span<const Field> fields;
};

// An entity of a snapshot is one header word (kind << 24 | words that follow), then its key, then its fields.
enum class EntityKind : uint8_t {
  kInstance,
  kSubtask,
  kWaitableSet,
  kEnd,
  kResource,
  kErrorContext,
  kTask,
  kThread,
  kTree
};
inline constexpr size_t kEntityKindCount = static_cast<size_t>(EntityKind::kTree) + 1;

struct EntitySchema {
  EntityKind kind;
  std::string_view name;
  size_t key_words;  // 1: instance or token; 2: thread or handle
  std::span<const Field> fields;
};

const RecordSchema& schema(RecordKind);
const EntitySchema& schema(EntityKind);

constexpr uint32_t header(RecordKind kind, size_t length) {
  return static_cast<uint32_t>(kind) << 24 | static_cast<uint32_t>(length);
}
constexpr uint32_t header(EntityKind kind, size_t length) {
  return static_cast<uint32_t>(kind) << 24 | static_cast<uint32_t>(length);
}

// One record inside a stream.
struct RecordView {
  RecordKind kind;
  std::span<const uint32_t> words;  // without the header
  size_t offset;                    // of the header in the stream
};

// The record whose header stands at `offset`. The stream must be well formed from there.
inline RecordView record_at(std::span<const uint32_t> stream, size_t offset) {
  const uint32_t head = stream[offset];
  return {static_cast<RecordKind>(head >> 24), stream.subspan(offset + 1, head & 0xff'ffff), offset};
}
// The offset after this record.
inline size_t next(const RecordView& r) { return r.offset + 1 + r.words.size(); }

// Words that are about to be appended: they are gathered here, since appending each would cost more than making it.
class WordBuffer {
 public:
  explicit WordBuffer(Words& out) : out_(out) {}
  ~WordBuffer() { flush(); }
  WordBuffer(const WordBuffer&) = delete;
  WordBuffer& operator=(const WordBuffer&) = delete;

  template <typename... W>
  [[gnu::always_inline]] void put(W... ws) {
    if (size_ + sizeof...(ws) > kCapacity) [[unlikely]]
      flush();
    uint32_t* at = buffer_ + size_;
    ((*at++ = ws), ...);
    size_ += sizeof...(ws);
  }
  void put(std::span<const uint32_t> ws) {
    if (ws.size() > kCapacity) {
      flush();
      out_.insert(out_.end(), ws.begin(), ws.end());
      return;
    }
    if (size_ + ws.size() > kCapacity) flush();
    std::copy(ws.begin(), ws.end(), buffer_ + size_);
    size_ += ws.size();
  }
  // How many words there are, here and before.
  size_t offset() const { return out_.size() + size_; }
  // The word at an offset that was put here.
  uint32_t& at(size_t offset) { return offset < out_.size() ? out_[offset] : buffer_[offset - out_.size()]; }
  // All that was put so far.
  Words& flush() {
    out_.insert(out_.end(), buffer_, buffer_ + size_);
    size_ = 0;
    return out_;
  }

 private:
  static constexpr size_t kCapacity = 384;
  Words& out_;
  size_t size_ = 0;
  uint32_t buffer_[kCapacity];
};

// Appends one record word by word; it is there, and its header complete, when the writer is gone.
class RecordWriter {
 public:
  RecordWriter(Words& out, RecordKind kind) : kind_(kind), buffer_(out), at_(buffer_.offset()) { buffer_.put(0u); }
  ~RecordWriter() { buffer_.at(at_) = header(kind_, buffer_.offset() - at_ - 1); }
  RecordWriter(const RecordWriter&) = delete;
  RecordWriter& operator=(const RecordWriter&) = delete;

  RecordWriter& word(uint32_t w) {
    buffer_.put(w);
    return *this;
  }
  template <typename Enum>
  requires std::is_enum_v<Enum> RecordWriter& word(Enum e) { return word(static_cast<uint32_t>(e)); }
  RecordWriter& thread(ThreadId t) {
    buffer_.put(t.task, t.k);
    return *this;
  }
  RecordWriter& words(std::span<const uint32_t> ws) {
    word(static_cast<uint32_t>(ws.size()));
    buffer_.put(ws);
    return *this;
  }
  RecordWriter& cores(std::span<const uint64_t> values) {
    word(static_cast<uint32_t>(values.size()));
    for (const uint64_t v : values) buffer_.put(static_cast<uint32_t>(v), static_cast<uint32_t>(v >> 32));
    return *this;
  }
  RecordWriter& values(std::span<const Value> values) {
    word(static_cast<uint32_t>(values.size()));
    Words& out = buffer_.flush();
    for (const Value& v : values) append(out, v);
    return *this;
  }
  RecordWriter& ids(std::span<const ThreadId> ids) {
    word(static_cast<uint32_t>(ids.size()));
    for (ThreadId id : ids) thread(id);
    return *this;
  }

 private:
  friend class SnapshotWriter;
  const RecordKind kind_;
  WordBuffer buffer_;
  const size_t at_;
};

// Builds a snapshot, the words of a record. Entities must be added sorted by kind, then key.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(RecordWriter& record) : buffer_(record.buffer_) {}

  struct Instance {
    bool may_enter, may_leave;
    uint32_t backpressure, waiting_to_enter;
    ThreadId exclusive;
    uint32_t next_handle, next_thread;
  };
  struct Subtask {
    uint32_t call;  // token of the call that made it
    uint32_t state;
    bool cancellation_requested, resolve_delivered, pending_event, sync_waiter;
    uint32_t set;  // the index of the waitable set it is in, or 0
  };
  struct End {
    uint32_t kind;   // 0 readable, 1 writable end of a stream; 2, 3 of a future
    uint32_t state;  // CopyState: 1 IDLE, 2 COPYING, 3 CANCELLING_COPY, 4 DONE
    bool pending_event, sync_waiter;
    uint32_t set;
    bool dropped;        // the shared part: one of its ends was dropped
    bool pending;        // the shared part: a buffer of either end waits there
    uint32_t remaining;  // … and so many elements are left in it
  };
  struct Resource {
    uint32_t type, rep;
    bool own;
    uint32_t scope;  // the task whose borrow it is; 0 if it is none
    uint32_t lends;
  };
  struct Thread {
    uint32_t state;  // 0 running, 1 waiting, 2 suspended
    bool ready, cancellable;
    uint32_t index;
    uint64_t slot0, slot1;
  };

  void instance(uint32_t index, const Instance& i) {
    buffer_.put(header(EntityKind::kInstance, 10), index, 0u, uint32_t{i.may_enter}, uint32_t{i.may_leave},
                i.backpressure, i.waiting_to_enter, i.exclusive.task, i.exclusive.k, i.next_handle, i.next_thread);
  }
  // One whose root a trap has left entered; nothing else of it is reported.
  void locked_instance(uint32_t index) {
    buffer_.put(header(EntityKind::kInstance, 10), index, 1u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u);
  }
  void subtask(uint32_t instance, uint32_t index, const Subtask& s) {
    buffer_.put(header(EntityKind::kSubtask, 9), instance, index, s.call, s.state, uint32_t{s.cancellation_requested},
                uint32_t{s.resolve_delivered}, uint32_t{s.pending_event}, uint32_t{s.sync_waiter}, s.set);
  }
  void waitable_set(uint32_t instance, uint32_t index, uint32_t num_waiting) {
    buffer_.put(header(EntityKind::kWaitableSet, 3), instance, index, num_waiting);
  }
  void end(uint32_t instance, uint32_t index, const End& e) {
    buffer_.put(header(EntityKind::kEnd, 10), instance, index, e.kind, e.state, uint32_t{e.pending_event},
                uint32_t{e.sync_waiter}, e.set, uint32_t{e.dropped}, uint32_t{e.pending}, e.remaining);
  }
  void resource(uint32_t instance, uint32_t index, const Resource& r) {
    buffer_.put(header(EntityKind::kResource, 7), instance, index, r.type, r.rep, uint32_t{r.own}, r.scope, r.lends);
  }
  // `length` of the debug message, in bytes.
  void error_context(uint32_t instance, uint32_t index, uint32_t length) {
    buffer_.put(header(EntityKind::kErrorContext, 3), instance, index, length);
  }
  void task(uint32_t token, uint32_t instance, uint32_t state, uint32_t borrows) {
    buffer_.put(header(EntityKind::kTask, 4), token, instance, state, borrows);
  }
  void thread(ThreadId id, const Thread& t) {
    buffer_.put(header(EntityKind::kThread, 10), id.task, id.k, t.state, uint32_t{t.ready}, uint32_t{t.cancellable},
                t.index, static_cast<uint32_t>(t.slot0), static_cast<uint32_t>(t.slot1),
                static_cast<uint32_t>(t.slot0 >> 32), static_cast<uint32_t>(t.slot1 >> 32));
  }
  void tree(uint32_t token, uint32_t parent) { buffer_.put(header(EntityKind::kTree, 2), token, parent); }

 private:
  WordBuffer& buffer_;
};

// The entities of a snapshot, one by one.
struct EntityView {
  EntityKind kind;
  std::span<const uint32_t> key;
  std::span<const uint32_t> fields;
};
std::vector<EntityView> entities(std::span<const uint32_t> snapshot);

// `snapshot` without the entities of this kind (for engines that cannot report them).
Words without(std::span<const uint32_t> snapshot, EntityKind);

}  // namespace lockstep::traces
