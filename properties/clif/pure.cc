// The meaning of instructions that touch no memory, as terms.
//
// Integers have theirs in full. Floats and vectors are opaque: an operation on them is an unknown function of its
// operands, the same on both sides, so that only what keeps it as it is can be proved.
#include <array>

#include "properties/clif/symbolic.h"

namespace lockstep::refinement {
namespace {

Term truth_bits(Terms& t, Term condition, uint32_t width) { return t.zext(t.bit(condition), width); }

Term compare(Terms& t, IntCC cc, Term a, Term b) {
  switch (cc) {
    case IntCC::kEq:
      return t.eq(a, b);
    case IntCC::kNe:
      return t.not_(t.eq(a, b));
    case IntCC::kSlt:
      return t.slt(a, b);
    case IntCC::kSge:
      return t.sle(b, a);
    case IntCC::kSgt:
      return t.slt(b, a);
    case IntCC::kSle:
      return t.sle(a, b);
    case IntCC::kUlt:
      return t.ult(a, b);
    case IntCC::kUge:
      return t.ule(b, a);
    case IntCC::kUgt:
      return t.ult(b, a);
    case IntCC::kUle:
      return t.ule(a, b);
  }
  return t.truth(false);
}

// A shift's amount: taken modulo the width of the value, whatever the amount's own type.
Term amount(Terms& t, Term by, uint32_t width) {
  const uint32_t log = width == 8 ? 3 : width == 16 ? 4 : width == 32 ? 5 : width == 64 ? 6 : 7;
  return t.zext(t.extract(by, 0, log), width);
}

Term rotate_left(Terms& t, Term a, Term by) {
  const uint32_t w = t.width(a);
  return t.bor(t.shl(a, by), t.lshr(a, t.band(t.sub(t.constant(w, w), by), t.constant(w - 1, w))));
}

Term population(Terms& t, Term a) {
  Term sum = t.constant(0, t.width(a));
  for (uint32_t i = 0; i < t.width(a); ++i) sum = t.add(sum, t.zext(t.extract(a, i, 1), t.width(a)));
  return sum;
}
Term leading_zeros(Terms& t, Term a) {
  const uint32_t w = t.width(a);
  Term result = t.constant(w, w);
  for (uint32_t i = 0; i < w; ++i) {
    result = t.ite(t.eq(t.extract(a, i, 1), t.constant(1, 1)), t.constant(w - 1 - i, w), result);
  }
  return result;
}
Term trailing_zeros(Terms& t, Term a) {
  const uint32_t w = t.width(a);
  Term result = t.constant(w, w);
  for (uint32_t i = w; i-- > 0;) {
    result = t.ite(t.eq(t.extract(a, i, 1), t.constant(1, 1)), t.constant(i, w), result);
  }
  return result;
}
Term reversed(Terms& t, Term a) {
  Term result = t.extract(a, 0, 1);
  for (uint32_t i = 1; i < t.width(a); ++i) result = t.concat(result, t.extract(a, i, 1));
  return result;
}

// a op b computed without loss: `wide` bits, sign- or zero-extended.
Term widen(Terms& t, Term a, bool is_signed, uint32_t wide) { return is_signed ? t.sext(a, wide) : t.zext(a, wide); }

bool is_opaque(const Function& f, const Inst& inst) {
  const auto opaque = [](Type type) { return type.kind == Type::kFloat || type.is_vector(); };
  if (inst.op == Opcode::kSelect || inst.op == Opcode::kBitcast || inst.op == Opcode::kF32const ||
      inst.op == Opcode::kF64const || inst.op == Opcode::kSelectSpectreGuard) {
    return false;
  }
  for (const Value v : inst.args) {
    if (opaque(f.type_of(v))) return true;
  }
  for (const Value v : inst.results) {
    if (opaque(f.type_of(v))) return true;
  }
  return false;
}

PureResult opaque_result(Outside& out, const Function& f, const Inst& inst, const std::vector<Term>& arguments) {
  Terms& t = out.terms;
  std::string name(name_of(inst.op));
  if (inst.op == Opcode::kFcmp) name += "." + std::string(name_of(inst.float_cc));
  if (inst.op == Opcode::kIcmp) name += "." + std::string(name_of(inst.int_cc));
  if (inst.imm != 0) name += "#" + std::to_string(inst.imm);
  for (const uint8_t byte : inst.constant) name += "," + std::to_string(byte);
  if (inst.op == Opcode::kVconst && inst.constant.empty()) {
    for (const uint8_t byte : f.constants.at(inst.entity)) name += "," + std::to_string(byte);
  }
  std::vector<uint32_t> widths;
  for (size_t i = 0; i < inst.args.size(); ++i) {
    widths.push_back(t.width(arguments[i]));
    name += "." + f.type_of(inst.args[i]).str();
  }
  PureResult result;
  for (size_t i = 0; i < inst.results.size(); ++i) {
    const Type type = f.type_of(inst.results[i]);
    const FunctionId op =
        out.operation(name + "->" + type.str() + (i == 0 ? "" : "/" + std::to_string(i)), widths, type.bits());
    result.results.push_back(t.apply(op, arguments));
  }
  if (inst.op == Opcode::kFcvtToUint || inst.op == Opcode::kFcvtToSint) {
    // Not a number, and out of range: two codes, two unknown conditions.
    const auto condition = [&](const char* what) {
      return t.apply(out.operation(name + what + f.type_of(inst.results[0]).str(), widths, 0), arguments);
    };
    const Term nan = condition(" is not a number for ");
    result.traps.emplace_back(nan, "bad_toint");
    result.traps.emplace_back(t.and_(t.not_(nan), condition(" is out of range of ")), "int_ovf");
  }
  return result;
}

}  // namespace

bool is_pure(Opcode op) {
  switch (format_of(op)) {
    case Format::kUnary:
      return op != Opcode::kSetPinnedReg;
    case Format::kUnaryImm:
    case Format::kUnaryIeee:
    case Format::kUnaryConst:
    case Format::kBinary:
    case Format::kBinaryImm8:
    case Format::kTernary:
    case Format::kTernaryImm8:
    case Format::kShuffle:
    case Format::kIntCompare:
    case Format::kFloatCompare:
    case Format::kIntAddTrap:
      return true;
    case Format::kLoadNoOffset:
      return op == Opcode::kBitcast;
    default:
      return false;
  }
}

PureResult pure(Outside& out, const Function& f, const Inst& inst, const std::vector<Term>& a) {
  Terms& t = out.terms;
  for (const Value v : inst.results) {
    if (f.type_of(v).bits() > 128) throw UnsupportedOperation(std::string(name_of(inst.op)) + " on 256 bits", inst.at);
  }
  for (const Value v : inst.args) {
    if (f.type_of(v).bits() > 128) throw UnsupportedOperation(std::string(name_of(inst.op)) + " on 256 bits", inst.at);
  }
  if (is_opaque(f, inst)) return opaque_result(out, f, inst, a);

  const uint32_t w = inst.results.empty() ? 0 : f.type_of(inst.results[0]).bits();
  const uint32_t in = a.empty() ? 0 : t.width(a[0]);
  const auto one = [](Term term) { return PureResult{{term}, {}}; };
  const auto zero = [&](uint32_t width) { return t.constant(0, width); };
  const auto minimum = [&](uint32_t width) { return t.constant(Bits{1} << (width - 1), width); };
  const auto maximum = [&](uint32_t width) { return t.constant((Bits{1} << (width - 1)) - 1, width); };
  const auto wide_of = [&](uint32_t factor) {
    if (in * factor > 128) throw UnsupportedOperation(std::string(name_of(inst.op)) + ".i128", inst.at);
    return in * factor;
  };
  // Results of an addition or subtraction with a carry, and whether it overflowed.
  const auto overflowing = [&](bool is_signed, bool subtract, const Term* carry) {
    // One bit more than the operands shows the overflow; i128 has no room for it in a constant, so it is split off.
    const Term c = carry == nullptr ? zero(in) : t.zext(t.bit(t.not_(t.eq(*carry, zero(t.width(*carry))))), in);
    const Term partial = subtract ? t.sub(a[0], a[1]) : t.add(a[0], a[1]);
    const Term sum = subtract ? t.sub(partial, c) : t.add(partial, c);
    Term over;
    if (is_signed) {
      const auto negative = [&](Term x) { return t.slt(x, zero(in)); };
      // The true sign follows from the operands' signs; it is wrong when they allow only one and the result has the
      // other.
      const Term x = negative(a[0]), y = negative(a[1]), s = negative(sum);
      over = subtract ? t.or_(t.and_(t.and_(x, t.not_(y)), t.not_(s)), t.and_(t.and_(t.not_(x), y), s))
                      : t.or_(t.and_(t.and_(x, y), t.not_(s)), t.and_(t.and_(t.not_(x), t.not_(y)), s));
    } else {
      over = subtract ? t.or_(t.ult(a[0], a[1]), t.ult(partial, c)) : t.or_(t.ult(partial, a[0]), t.ult(sum, partial));
    }
    return std::pair{sum, over};
  };
  const auto with_flag = [&](std::pair<Term, Term> r) { return PureResult{{r.first, truth_bits(t, r.second, 8)}, {}}; };

  switch (inst.op) {
    case Opcode::kIconst:
      return one(t.constant(inst.imm, w));
    case Opcode::kF32const:
    case Opcode::kF64const:
      return one(t.constant(inst.imm, w));
    case Opcode::kIadd:
      return one(t.add(a[0], a[1]));
    case Opcode::kIsub:
      return one(t.sub(a[0], a[1]));
    case Opcode::kIneg:
      return one(t.neg(a[0]));
    case Opcode::kIabs:
      return one(t.ite(t.slt(a[0], zero(w)), t.neg(a[0]), a[0]));
    case Opcode::kImul:
      return one(t.mul(a[0], a[1]));
    case Opcode::kUmulhi:
    case Opcode::kSmulhi: {
      const uint32_t wide = wide_of(2);
      const bool is_signed = inst.op == Opcode::kSmulhi;
      return one(t.extract(t.mul(widen(t, a[0], is_signed, wide), widen(t, a[1], is_signed, wide)), in, in));
    }
    case Opcode::kUdiv:
      return {{t.udiv(a[0], a[1])}, {{t.eq(a[1], zero(in)), "int_divz"}}};
    case Opcode::kUrem:
      return {{t.urem(a[0], a[1])}, {{t.eq(a[1], zero(in)), "int_divz"}}};
    case Opcode::kSdiv: {
      const Term overflow = t.and_(t.eq(a[0], minimum(in)), t.eq(a[1], t.constant(smt::mask_of(in), in)));
      return {{t.sdiv(a[0], a[1])}, {{t.eq(a[1], zero(in)), "int_divz"}, {overflow, "int_ovf"}}};
    }
    case Opcode::kSrem:
      return {{t.srem(a[0], a[1])}, {{t.eq(a[1], zero(in)), "int_divz"}}};
    case Opcode::kSmin:
      return one(t.ite(t.slt(a[0], a[1]), a[0], a[1]));
    case Opcode::kUmin:
      return one(t.ite(t.ult(a[0], a[1]), a[0], a[1]));
    case Opcode::kSmax:
      return one(t.ite(t.slt(a[0], a[1]), a[1], a[0]));
    case Opcode::kUmax:
      return one(t.ite(t.ult(a[0], a[1]), a[1], a[0]));
    case Opcode::kUaddOverflow:
      return with_flag(overflowing(false, false, nullptr));
    case Opcode::kSaddOverflow:
      return with_flag(overflowing(true, false, nullptr));
    case Opcode::kUsubOverflow:
      return with_flag(overflowing(false, true, nullptr));
    case Opcode::kSsubOverflow:
      return with_flag(overflowing(true, true, nullptr));
    case Opcode::kUaddOverflowCin:
      return with_flag(overflowing(false, false, &a[2]));
    case Opcode::kSaddOverflowCin:
      return with_flag(overflowing(true, false, &a[2]));
    case Opcode::kUsubOverflowBin:
      return with_flag(overflowing(false, true, &a[2]));
    case Opcode::kSsubOverflowBin:
      return with_flag(overflowing(true, true, &a[2]));
    case Opcode::kUmulOverflow:
    case Opcode::kSmulOverflow: {
      const bool is_signed = inst.op == Opcode::kSmulOverflow;
      const uint32_t wide = wide_of(2);
      const Term product = t.mul(widen(t, a[0], is_signed, wide), widen(t, a[1], is_signed, wide));
      const Term low = t.extract(product, 0, in);
      return with_flag({low, t.not_(t.eq(product, widen(t, low, is_signed, wide)))});
    }
    case Opcode::kUaddOverflowTrap: {
      const auto [sum, over] = overflowing(false, false, nullptr);
      return {{sum}, {{over, inst.trap}}};
    }
    case Opcode::kUaddSat: {
      const auto [sum, over] = overflowing(false, false, nullptr);
      return one(t.ite(over, t.constant(smt::mask_of(w), w), sum));
    }
    case Opcode::kUsubSat: {
      const auto [difference, over] = overflowing(false, true, nullptr);
      return one(t.ite(over, zero(w), difference));
    }
    case Opcode::kSaddSat:
    case Opcode::kSsubSat: {
      const auto [sum, over] = overflowing(true, inst.op == Opcode::kSsubSat, nullptr);
      return one(t.ite(over, t.ite(t.slt(a[0], zero(w)), minimum(w), maximum(w)), sum));
    }
    case Opcode::kBand:
      return one(t.band(a[0], a[1]));
    case Opcode::kBor:
      return one(t.bor(a[0], a[1]));
    case Opcode::kBxor:
      return one(t.bxor(a[0], a[1]));
    case Opcode::kBnot:
      return one(t.bnot(a[0]));
    case Opcode::kRotl:
      return one(rotate_left(t, a[0], amount(t, a[1], in)));
    case Opcode::kRotr: {
      const Term by = t.band(t.sub(t.constant(in, in), amount(t, a[1], in)), t.constant(in - 1, in));
      return one(rotate_left(t, a[0], by));
    }
    case Opcode::kIshl:
      return one(t.shl(a[0], amount(t, a[1], in)));
    case Opcode::kUshr:
      return one(t.lshr(a[0], amount(t, a[1], in)));
    case Opcode::kSshr:
      return one(t.ashr(a[0], amount(t, a[1], in)));
    case Opcode::kBitrev:
      return one(reversed(t, a[0]));
    case Opcode::kClz:
      return one(leading_zeros(t, a[0]));
    case Opcode::kCls: {
      // Copies of the sign bit below it: leading zeros of the value with its sign folded in, less the sign bit itself.
      const Term folded = t.bxor(a[0], t.ashr(a[0], t.constant(in - 1, in)));
      return one(t.sub(leading_zeros(t, folded), t.constant(1, in)));
    }
    case Opcode::kCtz:
      return one(trailing_zeros(t, a[0]));
    case Opcode::kBswap:
      return one(t.bswap(a[0]));
    case Opcode::kPopcnt:
      return one(population(t, a[0]));
    case Opcode::kIcmp:
      return one(truth_bits(t, compare(t, inst.int_cc, a[0], a[1]), w));
    case Opcode::kSelect:
    case Opcode::kSelectSpectreGuard:
      return one(t.ite(t.eq(a[0], zero(in)), a[2], a[1]));
    case Opcode::kBitselect:
      return one(t.bor(t.band(a[0], a[1]), t.band(t.bnot(a[0]), a[2])));
    case Opcode::kBmask:
      return one(t.ite(t.eq(a[0], zero(in)), zero(w), t.constant(smt::mask_of(w), w)));
    case Opcode::kIreduce:
      return one(t.extract(a[0], 0, w));
    case Opcode::kUextend:
      return one(t.zext(a[0], w));
    case Opcode::kSextend:
      return one(t.sext(a[0], w));
    case Opcode::kIsplit:
      return {{t.extract(a[0], 0, in / 2), t.extract(a[0], in / 2, in / 2)}, {}};
    case Opcode::kIconcat:
      return one(t.concat(a[1], a[0]));
    case Opcode::kBitcast:
      return one(a[0]);
    default:
      throw UnsupportedOperation(std::string(name_of(inst.op)), inst.at);
  }
}

}  // namespace lockstep::refinement
