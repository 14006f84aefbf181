// Giving cold paths their own copy of the code that they share with the hot path.
//
// Where a path with a call comes back to one without, a store that only the callee could see is still pending on one of
// them and done on the other; both then need it done. If the code behind belongs to the hot path alone, it stays
// pending there, and may turn out to be for nothing.
#pragma once

#include <cstddef>
#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// The hot blocks (hot.h) that are also reached from a block that is not hot, by position, each before those that it
// leads to; up to the head of the next loop, and only as many as have `most` instructions together. The function
// must have no unreachable blocks.
std::vector<size_t> shared_blocks(const Function& function, size_t most);

// The function in which the first `count` of these blocks exist twice, hot and cold. Leaves block parameters behind
// that always have the same value: cleanup.h.
Function split(const Function& function, const std::vector<size_t>& shared, size_t count);

}  // namespace lockstep::clif
