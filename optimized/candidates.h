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
  explicit TickCandidates(const Bag& ready) : ready_(ready) {}
  uint32_t count() const override { return ready_.count(); }
  uint64_t hash() const override { return ready_.hash(); }
  Candidate nth(uint32_t i) const override { return candidate(ready_.nth(i)); }

 private:
  const Bag& ready_;
};

// canon_lift's loop: the registered threads of one instance that can go on, but not the exclusive one. Threads that
// wait to enter are not registered, so their bags do not count.
class LoopCandidates final : public CandidateSet {
 public:
  explicit LoopCandidates(const Instance& instance) : instance_(instance) {
    if (instance.exclusive == nullptr) return;
    const Thread& thread = instance.exclusive->thread;
    if (!thread.ready() || (thread.bag != &instance.always && thread.bag->outer() != &instance.always)) return;
    excluded_ = &thread;
    excluded_position_ = instance.always.position(thread);
  }
  uint32_t count() const override { return from_always() + from_exclusive_free(); }
  uint64_t hash() const override {
    const uint64_t without = excluded_ != nullptr ? hash_of(excluded_->id()) : 0;
    return instance_.always.hash() - without + (instance_.exclusive_free.open() ? instance_.exclusive_free.hash() : 0);
  }
  Candidate nth(uint32_t i) const override {
    if (i >= from_always()) return candidate(instance_.exclusive_free.nth(i - from_always()));
    if (excluded_ != nullptr && i >= excluded_position_) ++i;
    return candidate(instance_.always.nth(i));
  }

 private:
  uint32_t from_always() const { return instance_.always.count() - (excluded_ != nullptr ? 1 : 0); }
  uint32_t from_exclusive_free() const {
    return instance_.exclusive_free.open() ? instance_.exclusive_free.count() : 0;
  }

  const Instance& instance_;
  const Thread* excluded_ = nullptr;
  uint32_t excluded_position_ = 0;
};

// Task.request_cancellation: those of the task's threads that can be told. All that are cancellable, and the implicit
// one if it is.
class ThreadCandidates final : public CandidateSet {
 public:
  ThreadCandidates(const CancellableThreads& threads, Thread* implicit) : threads_(threads), implicit_(implicit) {}
  uint32_t count() const override { return threads_.count() + (implicit_ != nullptr ? 1 : 0); }
  uint64_t hash() const override { return threads_.hash() + (implicit_ != nullptr ? hash_of(implicit_->id()) : 0); }
  Candidate nth(uint32_t i) const override { return candidate(i < threads_.count() ? threads_.nth(i) : *implicit_); }

 private:
  const CancellableThreads& threads_;
  Thread* implicit_;
};

// WaitableSet.get_pending_event: the waitables of the set that have an event.
class EventCandidates final : public CandidateSet {
 public:
  explicit EventCandidates(const WaitableSet& set) : set_(set) {}
  uint32_t count() const override { return set_.pending.count(); }
  uint64_t hash() const override { return set_.pending.hash(); }
  Candidate nth(uint32_t i) const override { return {set_.pending.nth(i).id(), &set_.pending.nth(i)}; }

 private:
  const WaitableSet& set_;
};

}  // namespace lockstep::optimized
