// The part of a function whose speed counts.
#pragma once

#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/ir.h"

namespace lockstep::clif {

// For each block whether it lies on a way from the entry to a return that meets no call and no cold block. All false if
// there is no such way.
std::vector<bool> hot_blocks(const Function& function, const Cfg& cfg);

}  // namespace lockstep::clif
