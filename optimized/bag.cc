// Bags of ready threads and their gates. Differences of counts and hashes are modulo 2^32 and 2^64.
#include "optimized/bag.h"

#include "optimized/assert.h"
#include "optimized/task.h"

namespace lockstep::optimized {

void BagList::add(Bag& bag, uint32_t count) {
  bag.place_ = static_cast<uint32_t>(bags_.size());
  bags_.push_back(&bag);
  size_t needed = bags_.size();
  for (size_t k = 0; k < sums_.size() || needed > (k == 0 ? 0 : 1); ++k) {
    if (k == sums_.size()) {
      sums_.emplace_back();
      // A new level sums up what is there; the new bag counts for nothing yet.
      for (size_t i = 0; k > 0 && i < sums_[k - 1].size(); ++i) {
        if (i % kFan == 0) sums_[k].push_back(0);
        sums_[k].back() += sums_[k - 1][i];
      }
    }
    if (sums_[k].size() < needed) sums_[k].push_back(0);
    needed = (needed + kFan - 1) / kFan;
  }
  set_count(bag.place_, count);
}

void BagList::remove(Bag& bag) {
  const uint32_t place = bag.place_;
  const auto last = static_cast<uint32_t>(bags_.size() - 1);
  OPTIMIZED_ASSERT(place <= last && bags_[place] == &bag);
  const uint32_t moved = place == last ? 0 : sums_[0][last];
  set_count(last, 0);
  if (place != last) {
    set_count(place, moved);
    bags_[place] = bags_[last];
    bags_[place]->place_ = place;
  }
  bags_.pop_back();
  size_t needed = last;
  for (auto& level : sums_) {
    if (level.size() > needed) level.pop_back();
    needed = (needed + kFan - 1) / kFan;
  }
}

void BagList::set_count(uint32_t place, uint32_t count) {
  const uint32_t difference = count - sums_[0][place];
  for (auto& level : sums_) {
    level[place] += difference;
    place /= kFan;
  }
}

const Bag& BagList::find(uint32_t& i) const {
  size_t k = 0;
  while (sums_[k].size() > kFan) ++k;
  size_t j = 0;
  for (;; --k, j *= kFan) {
    while (i >= sums_[k][j]) i -= sums_[k][j++];
    if (k == 0) return *bags_[j];
  }
}

uint32_t BagList::before(uint32_t place) const {
  uint32_t sum = 0;
  for (const auto& level : sums_) {
    for (uint32_t i = place / kFan * kFan; i < place; ++i) sum += level[i];
    place /= kFan;
  }
  return sum;
}

void BagList::clear() {
  bags_.clear();
  for (auto& level : sums_) level.clear();
}

void Bag::reinitialise(Bag* outer, bool open) {
  outer_ = outer;
  threads_.clear();
  if (inner_ != nullptr) inner_->clear();
  hash_ = 0;
  count_ = 0;
  place_ = kNowhere;
  open_ = open;
}

Thread& Bag::nth(uint32_t i) const {
  OPTIMIZED_ASSERT(i < count_);
  if (i < threads_.size()) return *threads_[i];
  i -= static_cast<uint32_t>(threads_.size());
  return inner_->find(i).nth(i);
}

uint32_t Bag::position(const Thread& thread) const {
  uint32_t position = thread.bag_position;
  for (const Bag* bag = thread.bag; bag != this; bag = bag->outer_)
    position += static_cast<uint32_t>(bag->outer_->threads_.size()) + bag->outer_->inner_->before(bag->place_);
  return position;
}

void Bag::add(Thread& thread) {
  OPTIMIZED_ASSERT(thread.bag == nullptr);
  thread.bag = this;
  thread.bag_position = static_cast<uint32_t>(threads_.size());
  threads_.push_back(&thread);
  change(1, hash_of(thread.id()));
}

void Bag::remove(Thread& thread) {
  OPTIMIZED_ASSERT(thread.bag == this && threads_[thread.bag_position] == &thread);
  Thread* last = threads_.back();
  threads_[thread.bag_position] = last;
  last->bag_position = thread.bag_position;
  threads_.pop_back();
  thread.bag = nullptr;
  change(-uint32_t{1}, -hash_of(thread.id()));
}

void Bag::set_open(bool open) {
  if (open == open_) return;
  open_ = open;
  if (count_ == 0) return;
  tell_outer(open ? count_ : 0);
  outer_->change(open ? count_ : -count_, open ? hash_ : -hash_);
}

void Bag::change(uint32_t count, uint64_t hash) {
  count_ += count;
  hash_ += hash;
  if (!open_ || outer_ == nullptr) return;
  tell_outer(count_);
  outer_->change(count, hash);
}

// A bag that has ever had a thread keeps its place in the outer one, so that opening and closing it is one addition.
void Bag::tell_outer(uint32_t count) {
  if (place_ != kNowhere) {
    outer_->inner_->set_count(place_, count);
  } else if (count != 0) {
    if (outer_->inner_ == nullptr) outer_->inner_ = std::make_unique<BagList>();
    outer_->inner_->add(*this, count);
  }
}

void Bag::leave_outer() {
  OPTIMIZED_ASSERT(count_ == 0);
  if (place_ != kNowhere) outer_->inner_->remove(*this);
  place_ = kNowhere;
}

}  // namespace lockstep::optimized
