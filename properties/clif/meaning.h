// The verifier's meaning of a function, read on concrete values: one run, once by the interpreter and once by the
// symbolic executor whose unknowns are answered with what the same world says.
//
// The executor goes from one observation to the next as it does in a proof; at each, the condition of exactly one way
// out may be true, and what is handed over and every byte that others may see must be what the interpreter has.
#pragma once

#include <cstdint>
#include <string>

#include "optimized/clif/ir.h"

namespace lockstep::refinement {

struct MeaningOptions {
  uint64_t seed = 1;       // of the random world
  uint32_t unroll = 0;     // of the executor: 0 cuts loops at their heads
  bool generalise = true;  // at loop heads: what is known becomes an unknown with that value, now and then
};

struct MeaningResult {
  std::string difference;    // empty: both agree as far as they were compared
  std::string not_compared;  // why nothing was compared, or empty
  size_t observations = 0;   // that were compared, the end among them
  bool to_the_end = false;
  bool reached_loop = false;
};

// Throws UnsupportedOperation (symbolic.h) for what the verifier does not know.
MeaningResult compare_meaning(const clif::Function&, const MeaningOptions&);

}  // namespace lockstep::refinement
