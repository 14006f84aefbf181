// Moving instructions off the hot path when only other paths want what they give.
#pragma once

#include "optimized/clif/elide.h"
#include "optimized/clif/ir.h"

namespace lockstep::clif {

// Moves instructions without effect, and loads from memory that has not changed since, from hot blocks (hot.h) to the
// beginning of the blocks that use their results, if none of these is hot. Nothing is executed more often than it was.
// The function must have no aliases and no unreachable blocks.
void sink(Function& function, const ElideOptions& options);

}  // namespace lockstep::clif
