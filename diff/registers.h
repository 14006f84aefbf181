// Registers of an instance, by what generated scripts keep in them.
#pragma once

#include <cstdint>

namespace lockstep::diff {

// A run of registers with one use.
struct RegisterRange {
  uint32_t first;
  uint32_t count;
};

inline constexpr RegisterRange kSubtaskRegisters{0, 4};
inline constexpr RegisterRange kSetRegisters{4, 2};
inline constexpr RegisterRange kValueRegisters{6, 2};
// From here on only in instances with streams, futures, resources, threads or error contexts.
inline constexpr RegisterRange kReadableRegisters{8, 4};
inline constexpr RegisterRange kWritableRegisters{12, 4};
inline constexpr RegisterRange kResourceRegisters{16, 6};
inline constexpr RegisterRange kThreadRegisters{22, 3};
inline constexpr RegisterRange kErrorContextRegisters{25, 2};
inline constexpr uint32_t kFewRegisters = 8;
inline constexpr uint32_t kManyRegisters = 27;

}  // namespace lockstep::diff
