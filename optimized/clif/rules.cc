// The table of types: see rules.h.
#include "optimized/clif/rules.h"

#include <array>
#include <cassert>

namespace lockstep::clif {
namespace {

using enum Control;
using enum Opcode;

constexpr Rule kRules[] = {
    // Control
    {kJump, kNone, 0, TypeSet::kEmpty, "", ""},
    {kBrif, kOperand, 0, TypeSet::kIntScalar, "C", ""},
    {kBrTable, kNone, 0, TypeSet::kEmpty, "3", ""},
    {kDebugtrap, kNone, 0, TypeSet::kEmpty, "", ""},
    {kTrap, kNone, 0, TypeSet::kEmpty, "", ""},
    {kTrapz, kOperand, 0, TypeSet::kIntScalar, "C", ""},
    {kTrapnz, kOperand, 0, TypeSet::kIntScalar, "C", ""},
    {kReturn, kNone, 0, TypeSet::kEmpty, "", ""},
    {kCall, kNone, 0, TypeSet::kEmpty, "", ""},
    {kCallIndirect, kOperand, 0, TypeSet::kAddress, "C", ""},
    {kReturnCall, kNone, 0, TypeSet::kEmpty, "", ""},
    {kReturnCallIndirect, kOperand, 0, TypeSet::kAddress, "C", ""},
    {kTryCall, kNone, 0, TypeSet::kEmpty, "", ""},
    {kTryCallIndirect, kOperand, 0, TypeSet::kAddress, "C", ""},
    {kFuncAddr, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kNop, kNone, 0, TypeSet::kEmpty, "", ""},
    {kSequencePoint, kNone, 0, TypeSet::kEmpty, "", ""},
    // Memory. The 32-bit loads give i64 and nothing else, so what controls them is the type of the address.
    {kLoad, kSuffix, 0, TypeSet::kAny, "a", "C"},
    {kStore, kOperand, 0, TypeSet::kAny, "Ca", ""},
    {kUload8, kSuffix, 0, TypeSet::kExt8, "a", "C"},
    {kSload8, kSuffix, 0, TypeSet::kExt8, "a", "C"},
    {kIstore8, kOperand, 0, TypeSet::kExt8, "Ca", ""},
    {kUload16, kSuffix, 0, TypeSet::kExt16, "a", "C"},
    {kSload16, kSuffix, 0, TypeSet::kExt16, "a", "C"},
    {kIstore16, kOperand, 0, TypeSet::kExt16, "Ca", ""},
    {kUload32, kOperand, 0, TypeSet::kAddress, "a", "6"},
    {kSload32, kOperand, 0, TypeSet::kAddress, "a", "6"},
    {kIstore32, kOperand, 0, TypeSet::kExt32, "Ca", ""},
    {kAtomicRmw, kSuffix, 0, TypeSet::kIntScalar, "aC", "C"},
    {kAtomicCas, kOperand, 2, TypeSet::kIntScalar, "aCC", "C"},
    {kAtomicLoad, kSuffix, 0, TypeSet::kIntScalar, "a", "C"},
    {kAtomicStore, kOperand, 0, TypeSet::kIntScalar, "Ca", ""},
    {kFence, kNone, 0, TypeSet::kEmpty, "", ""},
    {kStackAddr, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kGlobalValue, kSuffix, 0, TypeSet::kAny, "", "C"},
    {kSymbolValue, kSuffix, 0, TypeSet::kAny, "", "C"},
    {kGetFramePointer, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kGetStackPointer, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kGetReturnAddress, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kGetPinnedReg, kSuffix, 0, TypeSet::kAddress, "", "C"},
    {kSetPinnedReg, kOperand, 0, TypeSet::kAddress, "C", ""},
    // Constants
    {kIconst, kSuffix, 0, TypeSet::kNarrow, "", "C"},
    {kF32const, kNone, 0, TypeSet::kSingle, "", "C"},
    {kF64const, kNone, 0, TypeSet::kDouble, "", "C"},
    {kVconst, kSuffix, 0, TypeSet::kVector, "", "C"},
    // Integers
    {kIadd, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kIsub, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kIneg, kOperand, 0, TypeSet::kInt, "C", "C"},
    {kIabs, kOperand, 0, TypeSet::kInt, "C", "C"},
    {kImul, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUmulhi, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kSmulhi, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUdiv, kOperand, 0, TypeSet::kIntScalar, "CC", "C"},
    {kSdiv, kOperand, 0, TypeSet::kIntScalar, "CC", "C"},
    {kUrem, kOperand, 0, TypeSet::kIntScalar, "CC", "C"},
    {kSrem, kOperand, 0, TypeSet::kIntScalar, "CC", "C"},
    {kSmin, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUmin, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kSmax, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUmax, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUaddOverflow, kOperand, 0, TypeSet::kIntScalar, "CC", "Cb"},
    {kSaddOverflow, kOperand, 0, TypeSet::kIntScalar, "CC", "Cb"},
    {kUsubOverflow, kOperand, 0, TypeSet::kIntScalar, "CC", "Cb"},
    {kSsubOverflow, kOperand, 0, TypeSet::kIntScalar, "CC", "Cb"},
    {kUmulOverflow, kOperand, 0, TypeSet::kNarrow, "CC", "Cb"},
    {kSmulOverflow, kOperand, 0, TypeSet::kNarrow, "CC", "Cb"},
    {kUaddOverflowCin, kOperand, 1, TypeSet::kIntScalar, "CCb", "Cb"},
    {kSaddOverflowCin, kOperand, 1, TypeSet::kIntScalar, "CCb", "Cb"},
    {kUsubOverflowBin, kOperand, 1, TypeSet::kIntScalar, "CCb", "Cb"},
    {kSsubOverflowBin, kOperand, 1, TypeSet::kIntScalar, "CCb", "Cb"},
    {kUaddOverflowTrap, kOperand, 0, TypeSet::kAddress, "CC", "C"},
    // Cranelift has the saturating four for vectors only; a scalar says as clearly what is meant.
    {kUaddSat, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kSaddSat, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kUsubSat, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kSsubSat, kOperand, 0, TypeSet::kInt, "CC", "C"},
    {kBand, kOperand, 0, TypeSet::kAny, "CC", "C"},
    {kBor, kOperand, 0, TypeSet::kAny, "CC", "C"},
    {kBxor, kOperand, 0, TypeSet::kAny, "CC", "C"},
    {kBnot, kOperand, 0, TypeSet::kAny, "C", "C"},
    {kRotl, kOperand, 0, TypeSet::kInt, "Cs", "C"},
    {kRotr, kOperand, 0, TypeSet::kInt, "Cs", "C"},
    {kIshl, kOperand, 0, TypeSet::kInt, "Cs", "C"},
    {kUshr, kOperand, 0, TypeSet::kInt, "Cs", "C"},
    {kSshr, kOperand, 0, TypeSet::kInt, "Cs", "C"},
    {kBitrev, kOperand, 0, TypeSet::kIntScalar, "C", "C"},
    {kClz, kOperand, 0, TypeSet::kIntScalar, "C", "C"},
    {kCls, kOperand, 0, TypeSet::kIntScalar, "C", "C"},
    {kCtz, kOperand, 0, TypeSet::kIntScalar, "C", "C"},
    {kBswap, kOperand, 0, TypeSet::kSwappable, "C", "C"},
    {kPopcnt, kOperand, 0, TypeSet::kInt, "C", "C"},
    {kIcmp, kOperand, 0, TypeSet::kInt, "CC", "t"},
    {kSelect, kOperand, 1, TypeSet::kAny, "sCC", "C"},
    {kSelectSpectreGuard, kOperand, 1, TypeSet::kAny, "sCC", "C"},
    {kBitselect, kOperand, 1, TypeSet::kAny, "CCC", "C"},
    {kBmask, kSuffix, 0, TypeSet::kIntScalar, "s", "C"},
    {kIreduce, kSuffix, 0, TypeSet::kIntScalar, "w", "C"},
    {kUextend, kSuffix, 0, TypeSet::kIntScalar, "n", "C"},
    {kSextend, kSuffix, 0, TypeSet::kIntScalar, "n", "C"},
    {kIsplit, kOperand, 0, TypeSet::kSwappable, "C", "HH"},
    {kIconcat, kOperand, 0, TypeSet::kNarrow, "CC", "D"},
    {kBitcast, kSuffix, 0, TypeSet::kAny, "M", "C"},
    // Floats
    {kFcmp, kOperand, 0, TypeSet::kFloat, "CC", "t"},
    {kFadd, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFsub, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFmul, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFdiv, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFmin, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFmax, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFcopysign, kOperand, 0, TypeSet::kFloat, "CC", "C"},
    {kFma, kOperand, 1, TypeSet::kFloat, "CCC", "C"},
    {kSqrt, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kFneg, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kFabs, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kCeil, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kFloor, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kTrunc, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kNearest, kOperand, 0, TypeSet::kFloat, "C", "C"},
    {kFpromote, kSuffix, 0, TypeSet::kFloatScalar, "f", "C"},
    {kFdemote, kSuffix, 0, TypeSet::kFloatScalar, "F", "C"},
    {kFcvtToUint, kSuffix, 0, TypeSet::kIntScalar, "g", "C"},
    {kFcvtToSint, kSuffix, 0, TypeSet::kIntScalar, "g", "C"},
    {kFcvtToUintSat, kSuffix, 0, TypeSet::kInt, "g", "C"},
    {kFcvtToSintSat, kSuffix, 0, TypeSet::kInt, "g", "C"},
    {kFcvtFromUint, kSuffix, 0, TypeSet::kFloat, "i", "C"},
    {kFcvtFromSint, kSuffix, 0, TypeSet::kFloat, "i", "C"},
    // Vectors
    {kSplat, kSuffix, 0, TypeSet::kVector, "L", "C"},
    {kExtractlane, kOperand, 0, TypeSet::kVector, "C", "L"},
    {kInsertlane, kOperand, 0, TypeSet::kVector, "CL", "C"},
    {kShuffle, kNone, 0, TypeSet::kBytes, "CC", "C"},
    {kSwizzle, kNone, 0, TypeSet::kBytes, "CC", "C"},
    {kScalarToVector, kSuffix, 0, TypeSet::kVector, "L", "C"},
    {kVanyTrue, kOperand, 0, TypeSet::kVector, "C", "b"},
    {kVallTrue, kOperand, 0, TypeSet::kVector, "C", "b"},
    {kVhighBits, kSuffix, 0, TypeSet::kNarrow, "V", "C"},
};

// One rule for each opcode, in the order of opcodes.inc.
constexpr bool in_order() {
  for (size_t i = 0; i < std::size(kRules); ++i) {
    if (static_cast<size_t>(kRules[i].op) != i) return false;
  }
  return true;
}
static_assert(in_order());
static_assert(std::size(kRules) == static_cast<size_t>(kVhighBits) + 1);

constexpr Type kI8x16{Type::kInt, 8, 16};

bool is_integer_of(Type type, unsigned least, unsigned most) {
  return type.is_int() && type.lane_bits >= least && type.lane_bits <= most;
}

}  // namespace

const Rule& rule_of(Opcode op) { return kRules[static_cast<size_t>(op)]; }

bool contains(TypeSet set, Type type) {
  switch (set) {
    case TypeSet::kEmpty:
      return false;
    case TypeSet::kAny:
      return type.valid();
    case TypeSet::kInt:
      return type.kind == Type::kInt;
    case TypeSet::kIntScalar:
      return type.is_int();
    case TypeSet::kNarrow:
      return is_integer_of(type, 8, 64);
    case TypeSet::kSwappable:
      return is_integer_of(type, 16, 128);
    case TypeSet::kAddress:
    case TypeSet::kExt16:
      return is_integer_of(type, 32, 64);
    case TypeSet::kExt8:
      return is_integer_of(type, 16, 64);
    case TypeSet::kExt32:
      return type == kI64;
    case TypeSet::kFloat:
      return type.kind == Type::kFloat;
    case TypeSet::kFloatScalar:
      return type.is_float();
    case TypeSet::kVector:
      return type.is_vector();
    case TypeSet::kBytes:
      return type == kI8x16;
    case TypeSet::kSingle:
      return type == kF32;
    case TypeSet::kDouble:
      return type == kF64;
  }
  return false;
}

std::string_view name_of(TypeSet set) {
  switch (set) {
    case TypeSet::kEmpty:
      return "no type";
    case TypeSet::kAny:
      return "any type";
    case TypeSet::kInt:
      return "an integer or a vector of integers";
    case TypeSet::kIntScalar:
      return "an integer";
    case TypeSet::kNarrow:
      return "i8, i16, i32 or i64";
    case TypeSet::kSwappable:
      return "i16, i32, i64 or i128";
    case TypeSet::kAddress:
    case TypeSet::kExt16:
      return "i32 or i64";
    case TypeSet::kExt8:
      return "i16, i32 or i64";
    case TypeSet::kExt32:
      return "i64";
    case TypeSet::kFloat:
      return "a float or a vector of floats";
    case TypeSet::kFloatScalar:
      return "a float";
    case TypeSet::kVector:
      return "a vector";
    case TypeSet::kBytes:
      return "i8x16";
    case TypeSet::kSingle:
      return "f32";
    case TypeSet::kDouble:
      return "f64";
  }
  return "";
}

Type meant_by(char letter, Type controlling) {
  Type type = controlling;
  switch (letter) {
    case 'C':
      return type;
    case 'b':
      return kI8;
    case '3':
      return kI32;
    case '6':
      return kI64;
    case 'L':
      type.lanes = 1;
      return type;
    case 'D':
      if (!type.is_int() || type.lane_bits > 64) return Type{};
      type.lane_bits = static_cast<uint8_t>(type.lane_bits * 2);
      return type;
    case 'H':
      if (!type.is_int() || type.lane_bits < 16) return Type{};
      type.lane_bits = static_cast<uint8_t>(type.lane_bits / 2);
      return type;
    case 't':
      if (!type.is_vector()) return kI8;
      type.kind = Type::kInt;
      return type;
    default:
      return Type{};
  }
}

bool fits(char letter, Type controlling, Type actual) {
  switch (letter) {
    case 'a':
      return contains(TypeSet::kAddress, actual);
    case 's':
      return actual.is_int();
    case 'M':
      return actual.valid();
    case 'V':
      return actual.is_vector();
    case 'n':
      return actual.is_int() && actual.lane_bits < controlling.lane_bits;
    case 'w':
      return actual.is_int() && actual.lane_bits > controlling.lane_bits;
    case 'f':
      return actual.is_float() && actual.lane_bits < controlling.lane_bits;
    case 'F':
      return actual.is_float() && actual.lane_bits > controlling.lane_bits;
    case 'g':
      return actual.kind == Type::kFloat && actual.lanes == controlling.lanes;
    case 'i':
      return actual.kind == Type::kInt && actual.lanes == controlling.lanes;
    default:
      return actual.valid() && actual == meant_by(letter, controlling);
  }
}

std::string described(char letter, Type controlling) {
  switch (letter) {
    case 'a':
      return "an address";
    case 's':
      return "an integer";
    case 'M':
      return "a value";
    case 'V':
      return "a vector";
    case 'n':
      return "an integer narrower than " + controlling.str();
    case 'w':
      return "an integer wider than " + controlling.str();
    case 'f':
      return "a float narrower than " + controlling.str();
    case 'F':
      return "a float wider than " + controlling.str();
    case 'g':
      return "floats, as many as in " + controlling.str();
    case 'i':
      return "integers, as many as in " + controlling.str();
    default:
      return meant_by(letter, controlling).str();
  }
}

Type fixed_type(Opcode op) {
  if (rule_of(op).control != Control::kNone) return Type{};
  switch (rule_of(op).types) {
    case TypeSet::kBytes:
      return kI8x16;
    case TypeSet::kSingle:
      return kF32;
    case TypeSet::kDouble:
      return kF64;
    default:
      return Type{};
  }
}

}  // namespace lockstep::clif
