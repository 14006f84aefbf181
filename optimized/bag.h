// Threads that could go on. Nothing is polled: a thread is put into a bag by the event that makes it ready, and a bag
// stands behind a gate (its instance's exclusive thread, its backpressure), so that opening or closing the gate makes
// all its threads ready, or not ready, in one step.
//
// Bags lie in bags. The outermost is the store's: what is in it behind open gates only are the candidates of
// Store.tick. In it lie those of the instances (instance.h), and in these, those of waitable sets on which several
// threads wait (waitable.h).
//
// A change takes time in proportion to the depth, at most three; the n-th thread is found through the inner bags by
// sums over 32, over 1024, … of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "optimized/choices.h"
#include "optimized/prefetch.h"

namespace lockstep::optimized {

struct Thread;
class Bag;

// The bags in a bag, in no order that means anything, and how many threads each has behind open gates.
class BagList {
 public:
  // The place of a bag changes when others leave.
  void add(Bag&, uint32_t count);
  void remove(Bag&);
  void set_count(uint32_t place, uint32_t count);
  // The bag with the i-th thread. `i` becomes the place in that bag.
  const Bag& find(uint32_t& i) const;
  // How many threads are in the bags before this place.
  uint32_t before(uint32_t place) const;
  void clear();

 private:
  static constexpr uint32_t kFan = 32;
  std::vector<Bag*> bags_;
  std::vector<std::vector<uint32_t>> sums_;  // [0]: of each bag; [k]: each of kFan neighbours in [k - 1]
};

// One cache line: an instance has four, and entering and leaving it closes and opens some.
class alignas(kCacheLine) Bag {
 public:
  void reinitialise(Bag* outer, bool open);

  // Of the threads in it and in its inner bags that are open.
  uint32_t count() const { return count_; }
  uint64_t hash() const { return hash_; }
  Thread& nth(uint32_t i) const;
  uint32_t position(const Thread&) const;  // nth(position(t)) is t

  bool empty() const { return threads_.empty(); }  // itself
  const Bag* outer() const { return outer_; }
  // Whether its gate is open, and those around it.
  bool open() const { return open_ && (outer_ == nullptr || outer_->open()); }

  void add(Thread&);
  void remove(Thread&);
  void set_open(bool);
  // For an empty one that is not needed any more.
  void leave_outer();

 private:
  friend class BagList;
  static constexpr uint32_t kNowhere = ~uint32_t{0};
  void change(uint32_t count, uint64_t hash);
  void tell_outer(uint32_t count);

  Bag* outer_ = nullptr;
  std::vector<Thread*> threads_;
  std::unique_ptr<BagList> inner_;  // null: there was never one
  uint64_t hash_ = 0;
  uint32_t count_ = 0;
  uint32_t place_ = kNowhere;  // in outer_->inner_
  bool open_ = false;
};

}  // namespace lockstep::optimized
