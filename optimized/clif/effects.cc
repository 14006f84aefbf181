// Which opcode does what: see effects.h.
#include "optimized/clif/effects.h"

namespace lockstep::clif {
namespace {

// Whether giving this global value reads memory that may change.
bool is_read_from_memory(const Function& function, uint32_t number) {
  // A chain of global values is as long as the text that names it; the first that is read decides.
  for (size_t steps = 0; steps <= function.globals.size(); ++steps) {
    const auto found = function.globals.find(number);
    if (found == function.globals.end()) return true;
    const GlobalValue& global = found->second;
    switch (global.kind) {
      case GlobalValue::kVmctx:
      case GlobalValue::kSymbol:
        return false;
      case GlobalValue::kOther:
        return true;
      case GlobalValue::kLoad:
        if (!global.flags.readonly || !global.flags.notrap()) return true;
        break;
      case GlobalValue::kIadd:
        break;
    }
    number = global.base;
  }
  return true;
}

}  // namespace

Effect effect_of(const Function& function, const Inst& inst) {
  if (inst.reads_memory()) return Effect::kLoad;
  if (inst.writes_memory()) return Effect::kStore;
  if (inst.is_call() || inst.is_atomic()) return Effect::kCall;
  switch (inst.op) {
    case Opcode::kDebugtrap:
    case Opcode::kSequencePoint:
      return Effect::kCall;
    case Opcode::kGlobalValue:
    case Opcode::kSymbolValue:
      return is_read_from_memory(function, inst.entity) ? Effect::kLook : Effect::kNone;
    case Opcode::kTrapz:
    case Opcode::kTrapnz:
    case Opcode::kUaddOverflowTrap:
      return Effect::kGuard;
    case Opcode::kUdiv:
    case Opcode::kSdiv:
    case Opcode::kUrem:
    case Opcode::kSrem:
    case Opcode::kFcvtToUint:
    case Opcode::kFcvtToSint:
      return Effect::kMayTrap;
    case Opcode::kSetPinnedReg:
    case Opcode::kNop:
      return Effect::kKeep;
    case Opcode::kJump:
    case Opcode::kBrif:
    case Opcode::kBrTable:
      return Effect::kBranch;
    case Opcode::kReturn:
      return Effect::kReturn;
    case Opcode::kTrap:
      return Effect::kTrap;
    default:
      return Effect::kNone;
  }
}

bool is_pure(const Function& function, const Inst& inst) {
  switch (effect_of(function, inst)) {
    case Effect::kNone:
      return inst.op != Opcode::kGetPinnedReg;
    case Effect::kMayTrap:
      return true;
    case Effect::kGuard:
      return inst.op == Opcode::kUaddOverflowTrap;
    default:
      return false;
  }
}

bool never_traps(const Inst& inst, uint64_t divisor) {
  switch (inst.op) {
    case Opcode::kUdiv:
    case Opcode::kUrem:
    case Opcode::kSrem:
      return divisor != 0;
    case Opcode::kSdiv: {
      const uint64_t minus_one = inst.type.bits() >= 64 ? ~uint64_t{0} : (uint64_t{1} << inst.type.bits()) - 1;
      return divisor != 0 && divisor != minus_one;
    }
    default:
      return false;
  }
}

}  // namespace lockstep::clif
