// What an instruction does besides giving its results: the one place where the elision pass sorts opcodes.
#pragma once

#include "optimized/clif/ir.h"

namespace lockstep::clif {

enum class Effect : uint8_t {
  kNone,     // nothing: without uses it may go
  kLoad,     // a plain load
  kStore,    // a plain store
  kCall,     // shows all memory that is not private, and may change it: calls, atomics, fences, debugtrap
  kLook,     // shows memory and changes none: a global value that is read from memory
  kGuard,    // traps on a condition, can be written as a branch: trapz, trapnz, uadd_overflow_trap
  kMayTrap,  // arithmetic that traps on some operands
  kKeep,     // does not touch memory, but must stay where it is
  kBranch,   // jump, brif, br_table
  kReturn,   // return (a tail call is a kCall)
  kTrap,
};
Effect effect_of(const Function& function, const Inst& inst);

// Whether the results depend on the operands (and what is written in the instruction) alone.
bool is_pure(const Function& function, const Inst& inst);

// Whether an instruction that may trap cannot, its second operand being this constant (of the operand's type, the bits
// above it clear).
bool never_traps(const Inst& inst, uint64_t divisor);

}  // namespace lockstep::clif
