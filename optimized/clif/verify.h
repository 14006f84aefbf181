// Whether a Function is one that Cranelift would take: the reader asks this of all that it reads, and a pass may ask it
// of what it has made.
#pragma once

#include <string>

#include "optimized/clif/ir.h"
#include "optimized/clif/lexer.h"  // ReadError

namespace lockstep::clif {

// Throws ReadError, with the place of the instruction (0:0 if it was not read from a text), for the first thing that is
// wrong: a value, block or entity that does not exist, is defined twice or not on every way to its use; types that
// do not match; a block without exactly one terminator at its end; an entry block that is branched to or does
// not match the signature; branch and call arguments, results and returned values that do not match.
void verify(const Function& function);

}  // namespace lockstep::clif
