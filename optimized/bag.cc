// Bags of ready threads and their gates.
#include "optimized/bag.h"

#include "optimized/assert.h"
#include "optimized/task.h"

namespace lockstep::optimized {

void Bag::reinitialise(OpenBags& all, bool open) {
  all_ = &all;
  threads_.clear();
  hash_ = 0;
  open_ = open;
  open_link = {};
}

void Bag::add(Thread& thread) {
  OPTIMIZED_ASSERT(thread.bag == nullptr);
  thread.bag = this;
  thread.bag_position = count();
  threads_.push_back(&thread);
  const uint64_t hash = hash_of(thread.id());
  hash_ += hash;
  if (!open_) return;
  if (count() == 1) all_->bags_.add(*this);
  ++all_->count_;
  all_->hash_ += hash;
}

void Bag::remove(Thread& thread) {
  OPTIMIZED_ASSERT(thread.bag == this && threads_[thread.bag_position] == &thread);
  Thread* last = threads_.back();
  threads_[thread.bag_position] = last;
  last->bag_position = thread.bag_position;
  threads_.pop_back();
  thread.bag = nullptr;
  const uint64_t hash = hash_of(thread.id());
  hash_ -= hash;
  if (!open_) return;
  if (threads_.empty()) all_->bags_.remove(*this);
  --all_->count_;
  all_->hash_ -= hash;
}

void Bag::set_open(bool open) {
  if (open == open_) return;
  open_ = open;
  if (threads_.empty()) return;
  if (open) {
    all_->bags_.add(*this);
    all_->count_ += count();
    all_->hash_ += hash_;
  } else {
    all_->bags_.remove(*this);
    all_->count_ -= count();
    all_->hash_ -= hash_;
  }
}

Thread& OpenBags::nth(uint32_t i) const {
  const Bag* bag = bags_.first();
  while (bag != nullptr && i >= bag->count()) {
    i -= bag->count();
    bag = List<Bag, &Bag::open_link>::next(*bag);
  }
  OPTIMIZED_ASSERT(bag != nullptr);
  return bag->nth(i);
}

void OpenBags::clear() {
  bags_.clear();
  count_ = 0;
  hash_ = 0;
}

}  // namespace lockstep::optimized
