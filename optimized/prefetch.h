// Records that have not been touched for long lie in none of the caches. Asking for all lines of one at once makes that
// one wait instead of one for each line; the processor does not look far enough ahead to find out for itself.
#pragma once

#include <cstddef>

namespace lockstep::optimized {

inline constexpr size_t kCacheLine = 64;  // bytes

template <size_t kBytes>
inline void prefetch(const void* record) {
  for (size_t i = 0; i < kBytes; i += kCacheLine) __builtin_prefetch(static_cast<const char*>(record) + i);
}

}  // namespace lockstep::optimized
