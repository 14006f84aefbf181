// Writes the function that Delay has in mind.
#pragma once

#include <optional>

#include "optimized/clif/delay.h"
#include "optimized/clif/ir.h"

namespace lockstep::clif {

enum class Extent : uint8_t {
  kLoads,  // take loads from what is known, leave all stores where they are
  kAll,
};

// `delay` must have been solved for `function`. Leaves useless instructions, block parameters and slots behind:
// cleanup.h. nullopt: everything stays as it is.
std::optional<Function> rewrite(const Function& function, Delay& delay, Extent extent);

}  // namespace lockstep::clif
