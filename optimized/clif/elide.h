// Store elision that goes where Cranelift stops.
//
// A store is delayed as long as nobody can see it, and dropped when it is overwritten, when it writes what is there
// already, or when the bytes are nobody's business any more; it comes back where somebody looks: on the cold path only,
// if only that looks (partially dead stores). A stack slot whose address nobody got keeps none of its stores. Loads and
// pure instructions that nothing needs go.
//
// The pass claims nothing by itself: `lockstep elide` prints a result only after the verifier has proved it.
#pragma once

#include "optimized/clif/ir.h"
#include "optimized/clif/promises.h"

namespace lockstep::clif {

struct ElideOptions {
  bool trust_regions = true;  // bytes of two regions are never the same
  bool through_loops = true;  // a store may stay delayed while a loop runs that does not look at its bytes
  bool split_paths = true;    // cold paths may get their own copy of code that they share with a path without calls
  Promises promises;
};

// Stores and loads in a function, and on the path that is taken when no cold block is entered: the way to a return
// along which a store was spared. Counted without atomics.
struct AccessCount {
  size_t stores = 0;
  size_t loads = 0;
  friend bool operator==(const AccessCount&, const AccessCount&) = default;
};
AccessCount count_accesses(const Function&);

// The most stores and loads on any path from the entry to a return that passes no call and no block that only leads to
// a trap; loops are passed once. nullopt: every such path makes a call or traps.
std::optional<AccessCount> count_hot_path(const Function&);

// Never throws on what the reader accepts; a function that it does not understand comes back as it was.
Function elide(const Function&, const ElideOptions& = {});

}  // namespace lockstep::clif
