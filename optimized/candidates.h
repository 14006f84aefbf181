// The candidate sets of the four choice points that choose among several.
#pragma once

#include <span>

#include "optimized/choices.h"
#include "optimized/instance.h"

namespace lockstep::optimized {

inline Candidate candidate(Thread& thread) { return {thread.id(), &thread}; }

// Store.tick: every thread that can go on.
class TickCandidates final : public CandidateSet {
 public:
  explicit TickCandidates(const OpenBags& bags) : bags_(bags) {}
  uint32_t count() const override { return bags_.count(); }
  uint64_t hash() const override { return bags_.hash(); }
  Candidate nth(uint32_t i) const override { return candidate(bags_.nth(i)); }

 private:
  const OpenBags& bags_;
};

// canon_lift's loop: the registered threads of one instance that can go on, but not the exclusive one. Threads that
// wait to enter are not registered, so their bags do not count.
class LoopCandidates final : public CandidateSet {
 public:
  explicit LoopCandidates(const Instance& instance) : instance_(instance) {
    if (instance.exclusive != nullptr && instance.exclusive->thread.bag == &instance.always)
      excluded_ = &instance.exclusive->thread;
  }
  uint32_t count() const override { return from_always() + from_exclusive_free(); }
  uint64_t hash() const override {
    const uint64_t without = excluded_ != nullptr ? hash_of(excluded_->id()) : 0;
    return instance_.always.hash() - without + (instance_.exclusive_free.open() ? instance_.exclusive_free.hash() : 0);
  }
  Candidate nth(uint32_t i) const override {
    if (i >= from_always()) return candidate(instance_.exclusive_free.nth(i - from_always()));
    if (excluded_ != nullptr && i >= excluded_->bag_position) ++i;
    return candidate(instance_.always.nth(i));
  }

 private:
  uint32_t from_always() const { return instance_.always.count() - (excluded_ != nullptr ? 1 : 0); }
  uint32_t from_exclusive_free() const {
    return instance_.exclusive_free.open() ? instance_.exclusive_free.count() : 0;
  }

  const Instance& instance_;
  const Thread* excluded_ = nullptr;
};

// Task.request_cancellation: those of the task's threads that can be told.
class ThreadCandidates final : public CandidateSet {
 public:
  explicit ThreadCandidates(std::span<Thread* const> threads) : threads_(threads) {}
  uint32_t count() const override { return static_cast<uint32_t>(threads_.size()); }
  uint64_t hash() const override {
    uint64_t sum = 0;
    for (const Thread* thread : threads_) sum += hash_of(thread->id());
    return sum;
  }
  Candidate nth(uint32_t i) const override { return candidate(*threads_[i]); }

 private:
  std::span<Thread* const> threads_;
};

// WaitableSet.get_pending_event: the waitables of the set that have an event.
class EventCandidates final : public CandidateSet {
 public:
  explicit EventCandidates(const WaitableSet& set) : set_(set) {}
  uint32_t count() const override { return static_cast<uint32_t>(set_.pending.size()); }
  uint64_t hash() const override { return set_.pending_hash; }
  Candidate nth(uint32_t i) const override { return {set_.pending[i]->id(), set_.pending[i]}; }

 private:
  const WaitableSet& set_;
};

}  // namespace lockstep::optimized
