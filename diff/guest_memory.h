// A guest's linear memory. Many are never used, and the others in a few words of their 64 KiB pages: a memory has a
// buffer from its first use on, which is kept for the next case; looking through it at the end goes by blocks, and only
// blocks that are not zero are cleared.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace lockstep::diff {

class GuestMemory {
 public:
  explicit GuestMemory(uint32_t pages) : size_(pages * kPageSize) {}
  ~GuestMemory();
  GuestMemory(GuestMemory&&) noexcept = default;
  GuestMemory& operator=(GuestMemory&&) noexcept = default;

  size_t size() const { return size_; }  // in bytes
  // Where it is, from now to the end.
  std::span<uint8_t> bytes() {
    if (buffer_ == nullptr) take_buffer();
    return {buffer_.get(), size_};
  }

  // Calls f(address, value) for each aligned word that is not 0, in order. For the end: nobody writes after it, and
  // what it found is what is cleared.
  template <typename F>
  void for_each_word(F&& f) {
    if (buffer_ == nullptr) return;
    looked_through_ = true;
    find_dirty();
    for (const uint32_t at : dirty_) {
      for (uint32_t word = at; word < at + kBlock; word += 4) {
        const uint8_t* b = buffer_.get() + word;
        const uint32_t value = uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
        if (value != 0) f(word, value);
      }
    }
  }

 private:
  static constexpr size_t kPageSize = 1 << 16;
  // Most of a page is zero: that is seen by large blocks.
  static constexpr size_t kLargeBlock = 4096;
  static constexpr size_t kBlock = 512;
  static constexpr uint8_t kZeros[kLargeBlock] = {};
  bool is_zero(size_t at, size_t size) const { return std::memcmp(buffer_.get() + at, kZeros, size) == 0; }
  void take_buffer();
  void find_dirty();

  std::unique_ptr<uint8_t[]> buffer_;
  size_t size_;
  bool looked_through_ = false;
  std::vector<uint32_t> dirty_;  // blocks that are not zero, if looked through; in order
};

}  // namespace lockstep::diff
