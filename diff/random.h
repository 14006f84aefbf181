// lockstep's own generator (xoshiro256** seeded by splitmix64): same seed, same numbers, on any standard library.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace lockstep::diff {

constexpr uint64_t splitmix64(uint64_t& state) {
  uint64_t z = (state += 0x9e37'79b9'7f4a'7c15);
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
  return z ^ (z >> 31);
}

// The seed of case `index` of a campaign: independent of jobs, shards and interruption.
constexpr uint64_t case_seed(uint64_t seed, uint64_t index) {
  uint64_t state = seed;
  state = splitmix64(state) ^ index;
  return splitmix64(state);
}

class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& s : state_) s = splitmix64(seed);
  }

  uint64_t next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  // 0 … n - 1; n > 0.
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  // a … b
  uint32_t between(uint32_t a, uint32_t b) { return a + below(b - a + 1); }
  // True in `percent` of 100 cases.
  bool chance(uint32_t percent) { return below(100) < percent; }
  // An index, with the probability of its weight; the sum must not be 0.
  size_t weighted(std::span<const uint32_t> weights) {
    uint32_t total = 0;
    for (const uint32_t w : weights) total += w;
    uint32_t at = below(total);
    size_t i = 0;
    while (at >= weights[i]) at -= weights[i++];
    return i;
  }
  template <typename Container>
  const auto& pick(const Container& c) {
    return c[below(static_cast<uint32_t>(c.size()))];
  }

 private:
  uint64_t state_[4];
};

}  // namespace lockstep::diff
