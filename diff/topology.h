// Random topologies: forests of instances, functions, host functions and canon definitions, without scripts.
#pragma once

#include "diff/random.h"
#include "traces/scenario.h"

namespace lockstep::diff {

// Parts of the vocabulary that a case can be without. Each is on or off for a whole case.
enum Feature : uint32_t {
  kValues = 1 << 0,  // value types besides u32, and with them memories as operands and realloc
  kStreams = 1 << 1,
  kFutures = 1 << 2,
  kResources = 1 << 3,
  kThreads = 1 << 4,  // explicit ones
  kErrorContexts = 1 << 5,
  kMemory64 = 1 << 6,  // i64 memories and context slots
  kSmallTables = 1 << 7,
  kStartFunctions = 1 << 8,
};
inline constexpr uint32_t kAllFeatures = (1 << 9) - 1;

struct TopologyOptions {
  // Percent of cases with calls within an instance and between child and ancestor (legal in definitions.py, refused
  // by test/async and by Wasmtime for now).
  uint32_t recursion_percent = 0;
  // Features that cases may have; none: integers, tasks, waitable sets, slots and backpressure only.
  uint32_t features = kAllFeatures;
  bool async_functions = true;  // functions of async type
  bool post_returns = true;
  bool operator==(const TopologyOptions&) const = default;
};

traces::Scenario random_topology(Random&, const TopologyOptions&);

}  // namespace lockstep::diff
