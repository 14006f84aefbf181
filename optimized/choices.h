// The five places where the specification leaves the schedule open, and how an embedder decides them. The engine keeps
// candidates as (count, hash, n-th), so that a large set costs nothing unless somebody wants to see all of it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace lockstep::optimized {

struct Instance;
enum class TaskOrigin : uint8_t;

// A thread is (call id, k): the k-th thread of the task of that call, 0 for the first. A handle is (instance id,
// index). A task is (call id, 0). The store itself is (0, 0).
struct Id {
  uint32_t first = 0;
  uint32_t second = 0;
  auto operator<=>(const Id&) const = default;
};

// One candidate; `entity` is the engine's own pointer to it and must be handed back unchanged.
struct Candidate {
  Id id;
  void* entity = nullptr;
};

enum class ChoicePoint : uint8_t {
  kRequestCancellation,  // Task.request_cancellation: which thread; the subject is the task
  kTick,                 // Store.tick: which thread; the subject is (0, 0)
  kGetPendingEvent,      // WaitableSet.get_pending_event: which waitable; the subject is the thread that gets it
  kSyncLoop,             // canon_lift's loop: which thread; the subject is the task whose loop it is
};

// The part of one id in the hash of a set: the finaliser of splitmix64 over first << 32 | second.
constexpr uint64_t hash_of(Id id) {
  uint64_t x = (static_cast<uint64_t>(id.first) << 32 | id.second) + 0x9e37'79b9'7f4a'7c15;
  x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
  return x ^ x >> 31;
}

// The candidates of one choice. Their order is deterministic, but means nothing.
class CandidateSet {
 public:
  virtual ~CandidateSet() = default;
  virtual uint32_t count() const = 0;
  // The sum of hash_of() over all of them, modulo 2^64: independent of their order.
  virtual uint64_t hash() const = 0;
  virtual Candidate nth(uint32_t i) const = 0;

  // Both take time in proportion to the number of candidates; for replay and recording.
  std::optional<Candidate> find(Id) const;
  void append_to(std::vector<Id>& ids) const;
};

class Choices {
 public:
  virtual ~Choices() = default;
  // Thread.wait_until: the thread could go on at once. True: it does; false: it waits.
  virtual bool go_on(Id thread) = 0;
  // canon_error_context_new. True: the error context keeps the message; false: it forgets it.
  virtual bool use_debug_message(Id thread) = 0;
  // There is at least one candidate. Returns one that the set gave.
  virtual Candidate choose(ChoicePoint, Id subject, const CandidateSet&) = 0;
  // Not a choice: the call id of a task that no call operation names, asked for just before the task is made (and,
  // for a destructor, before it is known whether its instance can be entered); or that of a compiled adapter, asked for
  // when it is needed. Not 0.
  virtual uint32_t name_task(const Instance&, TaskOrigin) = 0;
};

}  // namespace lockstep::optimized
