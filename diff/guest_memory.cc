#include "diff/guest_memory.h"

namespace lockstep::diff {
namespace {

// Buffers of zeros, by number of pages.
std::vector<std::unique_ptr<uint8_t[]>>& pool(size_t pages) {
  static std::vector<std::vector<std::unique_ptr<uint8_t[]>>> pools;
  if (pools.size() <= pages) pools.resize(pages + 1);
  return pools[pages];
}

}  // namespace

void GuestMemory::take_buffer() {
  auto& free = pool(size_ / kPageSize);
  if (free.empty()) {
    buffer_ = std::make_unique<uint8_t[]>(size_);
  } else {
    buffer_ = std::move(free.back());
    free.pop_back();
  }
}

void GuestMemory::find_dirty() {
  dirty_.clear();
  for (size_t large = 0; large < size_; large += kLargeBlock) {
    if (is_zero(large, kLargeBlock)) continue;
    for (size_t at = large; at < large + kLargeBlock; at += kBlock)
      if (!is_zero(at, kBlock)) dirty_.push_back(static_cast<uint32_t>(at));
  }
}

GuestMemory::~GuestMemory() {
  if (buffer_ == nullptr) return;
  if (!looked_through_) find_dirty();
  for (const uint32_t at : dirty_) std::memset(buffer_.get() + at, 0, kBlock);
  pool(size_ / kPageSize).push_back(std::move(buffer_));
}

}  // namespace lockstep::diff
