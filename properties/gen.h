// What the properties draw from: case seeds. RapidCheck chooses them and counts; the generator grows the scenario, and
// its size is not RapidCheck's business, nor is shrinking, which lockstep does on traces.
#pragma once

#include <rapidcheck.h>

#include <cstdint>

#include "diff/campaign.h"

namespace lockstep::properties {

// Any seed, not only small ones, and never shrunk.
inline rc::Gen<uint64_t> case_seed() {
  return rc::gen::noShrink(rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<uint64_t>()));
}

// The case that a campaign with this seed would run first.
inline diff::Case generated(uint64_t seed, uint32_t recursion_percent = 0) {
  diff::GeneratorOptions options;
  options.topology.recursion_percent = recursion_percent;
  return diff::generate_case(seed, 0, options);
}

inline std::unique_ptr<diff::Contestant> optimized() {
  return diff::Contestant::make("optimized", std::chrono::seconds(60));
}

}  // namespace lockstep::properties
