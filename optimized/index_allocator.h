// Which index a table gives next: definitions.py "### Table State", without the entries. Indices start at 1 and are
// reused newest first.
//
// Threads in unpromoted native frames have an index that nobody wrote down: `peek(n)` is the one that the n-th of them
// would have got. That holds as long as the table does not change while they live, which promotion ensures. `free()` is
// how many indices the table has to give without growing; ScriptHooks (scripted.h) compare one number with it instead
// of asking for an index, and grow the table where that is not enough: how long it has become can be seen (Table.get#1
// or #2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "optimized/assert.h"
#include "optimized/trap.h"

namespace lockstep::optimized {

class IndexAllocator {
 public:
  void reinitialise(uint32_t limit, bool fifo) {
    free_.clear();
    free_.reserve(kUsualDepth);  // so that the first calls do not allocate
    length_ = fresh_ = 1;
    limit_ = limit;
    fifo_ = fifo;
  }

  uint32_t length() const { return length_; }
  uint32_t free() const { return static_cast<uint32_t>(free_.size()) + (length_ - fresh_); }

  // One more index, to be given after all that are free now.
  void grow() {
    trap_if(length_ > limit_, TrapSite::kTableAdd1);
    ++length_;
  }

  // What the n-th add() from now would give (0: the next one), however large.
  uint32_t peek(uint32_t n = 0) const {
    const auto size = static_cast<uint32_t>(free_.size());
    if (n < size) return free_[fifo_ ? n : size - 1 - n];
    return fresh_ + (n - size);
  }

  uint32_t add() {
    if (free() == 0) grow();
    const uint32_t index = peek();
    if (free_.empty()) {
      ++fresh_;
    } else if (fifo_) {
      free_.erase(free_.begin());
    } else {
      free_.pop_back();
    }
    return index;
  }

  void remove(uint32_t index) {
    OPTIMIZED_ASSERT(index > 0 && index < length_);
    free_.push_back(index);
  }

 private:
  static constexpr size_t kUsualDepth = 16;

  std::vector<uint32_t> free_;  // those that were given back
  uint32_t fresh_ = 1;          // from here to length_: those that were never given
  uint32_t length_ = 1;         // entry 0 is never used
  uint32_t limit_ = 0;          // the largest index
  bool fifo_ = false;           // Mutant::kFreeListFifo
};

}  // namespace lockstep::optimized
