// Random topologies: forests of instances, functions, host functions and canon definitions, without scripts.
#pragma once

#include "diff/random.h"
#include "traces/scenario.h"

namespace lockstep::diff {

struct TopologyOptions {
  // Percent of cases with calls within an instance and between child and ancestor (legal in definitions.py, refused
  // by test/async and by Wasmtime for now).
  uint32_t recursion_percent = 0;
};

traces::Scenario random_topology(Random&, const TopologyOptions&);

}  // namespace lockstep::diff
