// What a valid scenario is: one that could be written out as a Wasm component and that the protocol gives a meaning
// to. Shared by generator, shrinker and reader; everything behind it may rely on it.
#pragma once

#include "traces/files.h"
#include "traces/scenario.h"

namespace lockstep::traces {

inline constexpr size_t kMaxInstances = 64;
inline constexpr size_t kMaxFunctions = 256;
inline constexpr size_t kMaxCanons = 256;  // of one instance
inline constexpr size_t kMaxMemories = 8;  // of one instance
inline constexpr uint32_t kMaxPages = 16;  // of one memory
inline constexpr uint32_t kMaxRegisters = 64;
inline constexpr uint32_t kMaxToken = 0x7fff'ffff;
inline constexpr size_t kMaxParams = 16;  // MAX_FLAT_PARAMS; more need realloc
inline constexpr size_t kMaxRepeatDepth = 3;
// Operations that a scenario can run at most, loops unrolled.
inline constexpr uint64_t kMaxOperations = 4'000'000;

// Throws InputError with the place of the first thing that is wrong.
void validate(const Scenario&, const std::string& place = "/scenario");

}  // namespace lockstep::traces
