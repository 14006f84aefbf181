// Random CLIF functions, for the properties of the reader, the interpreter, the verifier and the elision pass.
//
// They are grown as structured code (with a few edges that no source language has), so that every value is defined
// where it is used, and around the shapes that stores are elided in: save, clear and restore of a field, a task's frame
// in a stack slot that is linked into a context and unlinked again, cold paths that look, slots that never escape. What
// the producer promises with flags and regions is kept in most random worlds (world.h), not in all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diff/random.h"
#include "optimized/clif/ir.h"

namespace lockstep::refinement {

struct RandomFunctionOptions {
  uint32_t size = 42;  // about how many instructions, without those that only make constants
  uint32_t depth = 3;  // of nesting
  bool loops = true;
  bool atomics = true;  // and fences
  bool floats = true;
  bool slots = true;
  bool calls = true;
};
// Equal seeds give equal functions on every machine. clif::verify takes it.
clif::Function random_function(uint64_t seed, const RandomFunctionOptions& = {});

// One way to write an instruction that depends on nothing but its operands, on scalars.
struct PureForm {
  clif::Opcode op{};
  clif::Type type;  // Inst::type
  std::vector<clif::Type> args, results;
  clif::IntCC int_cc{};
  clif::FloatCC float_cc{};
};
// All of them, but for f16 and f128, which the interpreter does not compute. Constants, vectors and pinned registers
// are not among them.
std::vector<PureForm> pure_forms();
// The instruction with no operands and results yet.
clif::Inst instruction(const PureForm&);

// What there is in a function, for the shares that are reported.
struct FunctionTraits {
  bool regions = false;  // accesses of at least two regions
  bool branch = false;
  bool call = false;
  bool loop = false;
  bool handler = false;     // try_call
  bool table = false;       // br_table
  bool cold = false;        // a cold block
  bool atomic = false;      // or a fence
  bool slot = false;        // a slot that is accessed
  bool slot_shown = false;  // a slot whose address is stored or handed to a call
  bool big = false;         // a big-endian access
  bool untagged = false;    // an access without a region
  bool wide = false;        // i128
  bool floats = false;
  bool trapping = false;  // an access that may trap
  size_t instructions = 0, blocks = 0, stores = 0, loads = 0;
  bool is_rich() const { return regions && branch && call; }
};
FunctionTraits traits_of(const clif::Function&);

// Breaks a function a little: a store goes, a constant or a trap code changes, two stores change places, a flag goes.
// What was done is in words, empty if nothing could be. clif::verify takes the result.
struct Mutant {
  clif::Function function;
  std::string what;
};
Mutant mutated(const clif::Function&, diff::Random&);

}  // namespace lockstep::refinement
