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
inline constexpr size_t kMaxParams = 64;
inline constexpr size_t kMaxResources = 256;
inline constexpr size_t kMaxTables = 8;          // of one instance
inline constexpr size_t kMaxTableEntries = 256;  // of one table
// Types and values: levels of nesting, fields or cases of a type, bytes of a string, elements of a list or of one copy.
inline constexpr size_t kMaxNesting = 8;
inline constexpr size_t kMaxFields = 1000;
inline constexpr size_t kMaxStringBytes = 65'536;
inline constexpr size_t kMaxElements = 65'536;
// Threads that start threads, and destructors that make resources with destructors: so deep.
inline constexpr size_t kMaxChain = 64;
inline constexpr size_t kMaxRepeatDepth = 3;
// Operations that a scenario can run at most, loops unrolled.
inline constexpr uint64_t kMaxOperations = 4'000'000;

// What a canon definition has besides its kind.
enum class CanonField : uint8_t {
  kCallee,
  kAsync,
  kCancellable,
  kSlot,
  kIndex,
  kResult,
  kElement,
  kResource,
  kTable,
  kMemory,
  kEncoding,
  kRealloc
};
bool has(Op kind, CanonField);

// Throws InputError with the place of the first thing that is wrong.
void validate(const Scenario&, const std::string& place = "/scenario");

}  // namespace lockstep::traces
