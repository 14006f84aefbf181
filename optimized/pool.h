// Objects of one type that are made and given back often. Memory is kept when the store is reset, so that a store that
// runs many short cases stops allocating after the first few.
//
// Objects made one after the other lie one after the other, none across more cache lines than it has to, in slabs that
// grow with the pool: what is visited in order of age is fetched ahead, and slabs of some size ask for huge pages,
// since with small ones every visit in another order would miss the TLB too.
//
// Slots are constructed once and given `reinitialise()` each time they are handed out. Nothing that a caller still
// points to is ever unmapped before the pool dies, which is what makes records of dead frames safe to look at.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "optimized/prefetch.h"

namespace lockstep::optimized {

template <typename T>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (const Slab& s : slabs_) {
      std::destroy_n(s.slots, s.constructed);
      ::operator delete(s.slots, std::align_val_t(s.alignment));
    }
  }

  T& acquire() {
    T* slot;
    if (!free_.empty()) {
      slot = free_.back();
      free_.pop_back();
    } else {
      slot = &next_slot();
    }
    slot->reinitialise();
    return *slot;
  }

  void release(T& object) { free_.push_back(&object); }

  // Takes everything back at once.
  void reset() {
    free_.clear();
    for (size_t i = 0; i < slabs_.size() && slabs_[i].used > 0; ++i) slabs_[i].used = 0;
    current_ = 0;
  }

  // All slots handed out since the last reset, also those that were given back.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (size_t i = 0; i < slabs_.size() && slabs_[i].used > 0; ++i)
      for (size_t k = 0; k < slabs_[i].used; ++k) visit(slabs_[i].slots[k].object);
  }

 private:
  static constexpr size_t kFirst = 16;                  // slots
  static constexpr size_t kHugePage = size_t{2} << 20;  // bytes
  static constexpr size_t kAlignment = std::max(alignof(T), std::min(kCacheLine, std::bit_ceil(sizeof(T))));
  struct alignas(kAlignment) Slot {
    T object;
  };
  struct Slab {
    Slot* slots;
    size_t capacity;
    size_t alignment;
    size_t used = 0;         // handed out since the last reset
    size_t constructed = 0;  // … ever
  };

  T& next_slot() {
    while (current_ < slabs_.size() && slabs_[current_].used == slabs_[current_].capacity) ++current_;
    if (current_ == slabs_.size()) add_slab();
    Slab& s = slabs_[current_];
    Slot* slot = s.slots + s.used++;
    if (s.used > s.constructed) {
      new (slot) Slot();
      ++s.constructed;
    }
    return slot->object;
  }

  // A quarter of what there is, so that little is reserved that nobody uses.
  void add_slab() {
    size_t total = 0;
    for (const Slab& s : slabs_) total += s.capacity;
    size_t bytes = std::max(kFirst, total / 4) * sizeof(Slot);
    const bool huge = bytes >= kHugePage;
    if (huge) bytes = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    const size_t alignment = huge ? kHugePage : kAlignment;
    auto* slots = static_cast<Slot*>(::operator new(bytes, std::align_val_t(alignment)));
    if (huge) madvise(slots, bytes, MADV_HUGEPAGE);  // a hint: without, it is slower
    slabs_.push_back({slots, bytes / sizeof(Slot), alignment});
  }

  std::vector<Slab> slabs_;
  std::vector<T*> free_;
  size_t current_ = 0;  // the slab with the next slot that was never handed out; those before are full
};

}  // namespace lockstep::optimized
