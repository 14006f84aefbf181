// Objects of one type that are made and given back often. Memory is kept when the store is reset, so that a store that
// runs many short cases stops allocating after the first few.
//
// Slots are constructed once and given `reinitialise()` each time they are handed out. Nothing that a caller still
// points to is ever unmapped before the pool dies, which is what makes records of dead frames safe to look at.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace lockstep::optimized {

template <typename T>
class Pool {
 public:
  T& acquire() {
    T* slot;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      if (used_ == chunks_.size() * kChunk) chunks_.push_back(std::make_unique<T[]>(kChunk));
      slot = &chunks_[used_ / kChunk][used_ % kChunk];
      ++used_;
    }
    slot->reinitialise();
    return *slot;
  }

  void release(T& object) { free_.push_back(&object); }

  // Takes everything back at once.
  void reset() {
    free_.clear();
    used_ = 0;
  }

 private:
  static constexpr size_t kChunk = 16;
  std::vector<std::unique_ptr<T[]>> chunks_;
  std::vector<T*> free_;
  size_t used_ = 0;  // slots handed out at least once since the last reset
};

}  // namespace lockstep::optimized
