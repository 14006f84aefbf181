// Threads that could go on. Nothing is polled: a thread is put into a bag by the event that makes it ready, and a bag
// stands behind a gate (its instance's exclusive thread, its backpressure), so that opening or closing the gate makes
// all its threads ready, or not ready, in one step.
//
// The open bags of a store together are the candidates of Store.tick.
#pragma once

#include <cstdint>
#include <vector>

#include "optimized/choices.h"
#include "optimized/list.h"

namespace lockstep::optimized {

struct Thread;
class OpenBags;

class Bag {
 public:
  void reinitialise(OpenBags& all, bool open);

  uint32_t count() const { return static_cast<uint32_t>(threads_.size()); }
  uint64_t hash() const { return hash_; }
  bool open() const { return open_; }
  Thread& nth(uint32_t i) const { return *threads_[i]; }

  void add(Thread&);
  void remove(Thread&);
  void set_open(bool);

  Link<Bag> open_link;  // in OpenBags, while open and not empty

 private:
  OpenBags* all_ = nullptr;
  std::vector<Thread*> threads_;
  uint64_t hash_ = 0;
  bool open_ = false;
};

class OpenBags {
 public:
  uint32_t count() const { return count_; }
  uint64_t hash() const { return hash_; }
  Thread& nth(uint32_t i) const;
  void clear();

 private:
  friend class Bag;
  List<Bag, &Bag::open_link> bags_;
  uint32_t count_ = 0;
  uint64_t hash_ = 0;
};

}  // namespace lockstep::optimized
