// Putting a function in order before and after a pass has worked on it.
#pragma once

#include "optimized/clif/ir.h"
#include "optimized/clif/promises.h"

namespace lockstep::clif {

// Uses what aliases stand for in their place, drops unreachable blocks, and gives the values new numbers if they are
// spread so widely that tables of them would be large. What passes expect.
void normalize(Function& function);

// Branches and traps on a condition that is known become jumps or go.
void fold_known_branches(Function& function, const Promises& promises);

// Removes instructions without effect whose results nobody uses, loads that cannot trap among them; block parameters
// that nobody uses or that only ever have one value; stack slots that nobody names.
void remove_useless(Function& function);

}  // namespace lockstep::clif
