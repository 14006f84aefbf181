// What the pure instructions compute: see interpreter.h. Integers are worked on as 128 bits, cut to their type at the
// end.
#include <bit>
#include <cmath>
#include <limits>

#include "optimized/clif/interpreter.h"
#include "optimized/clif/rules.h"
#include "optimized/clif/wide.h"

namespace lockstep::clif {
namespace {

using enum Opcode;

U128 wide(Bits bits) { return U128{bits.hi} << 64 | bits.lo; }
Bits narrow(U128 value) { return {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)}; }
U128 mask(unsigned width) { return width >= 128 ? ~U128{0} : (U128{1} << width) - 1; }
// The value of the low `width` bits, with their sign.
I128 sign_extended(U128 value, unsigned width) {
  const unsigned unused = 128 - width;
  return static_cast<I128>(value << unused) >> unused;
}
I128 least(unsigned width) { return sign_extended(U128{1} << (width - 1), width); }
I128 most(unsigned width) { return ~least(width); }

unsigned leading_zeros(U128 value, unsigned width) {
  unsigned count = 0;
  while (count < width && (value >> (width - 1 - count) & 1) == 0) ++count;
  return count;
}
unsigned trailing_zeros(U128 value, unsigned width) {
  unsigned count = 0;
  while (count < width && (value >> count & 1) == 0) ++count;
  return count;
}
unsigned ones(U128 value) {
  return static_cast<unsigned>(std::popcount(static_cast<uint64_t>(value)) +
                               std::popcount(static_cast<uint64_t>(value >> 64)));
}
U128 reversed(U128 value, unsigned width, unsigned unit) {
  U128 result = 0;
  for (unsigned at = 0; at < width; at += unit) result |= (value >> at & mask(unit)) << (width - unit - at);
  return result;
}

// The upper half of a product of twice the width. 128 bits are multiplied in halves of 64.
U128 unsigned_high(U128 x, U128 y, unsigned width) {
  if (width <= 64) return x * y >> width;
  const U128 x0 = static_cast<uint64_t>(x), x1 = x >> 64, y0 = static_cast<uint64_t>(y), y1 = y >> 64;
  const U128 low = x0 * y0;
  const U128 middle = x1 * y0 + (low >> 64);
  const U128 other = x0 * y1 + static_cast<uint64_t>(middle);
  return x1 * y1 + (middle >> 64) + (other >> 64);
}
U128 signed_high(U128 x, U128 y, unsigned width) {
  U128 high = unsigned_high(x, y, width);
  if (sign_extended(x, width) < 0) high -= y;
  if (sign_extended(y, width) < 0) high -= x;
  return high;
}

bool holds(IntCC cc, U128 x, U128 y, unsigned width) {
  const I128 sx = sign_extended(x, width), sy = sign_extended(y, width);
  switch (cc) {
    case IntCC::kEq:
      return x == y;
    case IntCC::kNe:
      return x != y;
    case IntCC::kSlt:
      return sx < sy;
    case IntCC::kSge:
      return sx >= sy;
    case IntCC::kSgt:
      return sx > sy;
    case IntCC::kSle:
      return sx <= sy;
    case IntCC::kUlt:
      return x < y;
    case IntCC::kUge:
      return x >= y;
    case IntCC::kUgt:
      return x > y;
    case IntCC::kUle:
      return x <= y;
  }
  return false;
}

bool holds(FloatCC cc, double x, double y) {
  const bool unordered = std::isnan(x) || std::isnan(y);
  switch (cc) {
    case FloatCC::kOrd:
      return !unordered;
    case FloatCC::kUno:
      return unordered;
    case FloatCC::kEq:
      return x == y;
    case FloatCC::kNe:
      return !(x == y);
    case FloatCC::kOne:
      return x < y || x > y;
    case FloatCC::kUeq:
      return unordered || x == y;
    case FloatCC::kLt:
      return x < y;
    case FloatCC::kLe:
      return x <= y;
    case FloatCC::kGt:
      return x > y;
    case FloatCC::kGe:
      return x >= y;
    case FloatCC::kUlt:
      return unordered || x < y;
    case FloatCC::kUle:
      return unordered || x <= y;
    case FloatCC::kUgt:
      return unordered || x > y;
    case FloatCC::kUge:
      return unordered || x >= y;
  }
  return false;
}

double float_of(Bits bits, Type type) {
  if (type == kF32) return std::bit_cast<float>(static_cast<uint32_t>(bits.lo));
  return std::bit_cast<double>(bits.lo);
}
Bits bits_of(float value) {
  if (std::isnan(value)) return {0x7fc00000};
  return {std::bit_cast<uint32_t>(value)};
}
Bits bits_of(double value) {
  if (std::isnan(value)) return {0x7ff8000000000000};
  return {std::bit_cast<uint64_t>(value)};
}

// IEEE 754-2019's minimum and maximum: NaN wins, and -0 is less than +0.
template <typename T>
T extreme(T x, T y, bool minimum) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<T>::quiet_NaN();
  if (x == y) return std::signbit(x) == minimum ? x : y;
  return (x < y) == minimum ? x : y;
}

template <typename T>
Bits float_result(Opcode op, T x, T y, T z) {
  switch (op) {
    case kFadd:
      return bits_of(x + y);
    case kFsub:
      return bits_of(x - y);
    case kFmul:
      return bits_of(x * y);
    case kFdiv:
      return bits_of(x / y);
    case kFmin:
      return bits_of(extreme(x, y, true));
    case kFmax:
      return bits_of(extreme(x, y, false));
    case kFma:
      return bits_of(std::fma(x, y, z));
    case kSqrt:
      return bits_of(std::sqrt(x));
    case kCeil:
      return bits_of(std::ceil(x));
    case kFloor:
      return bits_of(std::floor(x));
    case kTrunc:
      return bits_of(std::trunc(x));
    case kNearest:
      return bits_of(std::nearbyint(x));  // the rounding mode is never changed from nearest, ties to even
    default:
      throw Unsupported(std::string(name_of(op)));
  }
}

class Evaluation {
 public:
  Evaluation(const Function& function, const Inst& inst, const std::vector<Bits>& args)
      : f_(function), inst_(inst), args_(args), width_(inst.type.bits()) {}

  Evaluated result() {
    if (inst_.op == kNop) return {};
    if (width_ == 0) throw Unsupported(std::string(name_of(inst_.op)));
    refuse_types();
    switch (inst_.op) {
      case kIconst:
      case kF32const:
      case kF64const:
        return one(inst_.imm);
      case kVconst:
        return constant();
      case kSelect:
      case kSelectSpectreGuard:
        return {{args_[arg(0) != 0 ? 1 : 2]}, std::nullopt};
      case kBitcast:
        return {{args_[0]}, std::nullopt};
      case kFcmp:
        return one(holds(inst_.float_cc, float_of(args_[0], inst_.type), float_of(args_[1], inst_.type)) ? 1 : 0);
      case kFcvtToUint:
      case kFcvtToSint:
      case kFcvtToUintSat:
      case kFcvtToSintSat:
        return float_to_int();
      case kFcvtFromUint:
      case kFcvtFromSint:
        return int_to_float();
      case kFpromote:
      case kFdemote:
        return {{inst_.type == kF32 ? bits_of(static_cast<float>(float_of(args_[0], operand_type(0))))
                                    : bits_of(float_of(args_[0], operand_type(0)))},
                std::nullopt};
      case kFneg:
        return one(arg(0) ^ sign_bit());
      case kFabs:
        return one(arg(0) & ~sign_bit());
      case kFcopysign:
        return one((arg(0) & ~sign_bit()) | (arg(1) & sign_bit()));
      default:
        break;
    }
    if (inst_.type.is_float() && contains(TypeSet::kFloat, inst_.type) && rule_of(inst_.op).types == TypeSet::kFloat) {
      return computed_float();
    }
    if (format_of(inst_.op) == Format::kUnary) return unary();
    return integer();
  }

 private:
  static constexpr Bits kZero{};

  // Vectors, and floats that the machine does not have, are only moved and combined bit by bit.
  bool is_bitwise() const {
    switch (inst_.op) {
      case kSelect:
      case kSelectSpectreGuard:
      case kBand:
      case kBor:
      case kBxor:
      case kBnot:
      case kBitselect:
      case kVconst:
        return true;
      case kBitcast:
        return !inst_.flags.big();
      default:
        return false;
    }
  }
  void refuse_types() const {
    const auto check = [&](Type type) {
      const bool computable = !type.is_vector() && (type.kind != Type::kFloat || type == kF32 || type == kF64);
      const bool can = is_bitwise() ? type.bits() <= 128 : computable;
      if (type.valid() && !can) throw Unsupported(std::string(name_of(inst_.op)) + "." + type.str());
    };
    check(inst_.type);
    for (Value value : inst_.args) check(f_.type_of(value));
  }

  U128 arg(size_t i) const { return wide(args_[i]); }
  I128 signed_arg(size_t i) const { return sign_extended(arg(i), width_); }
  Type operand_type(size_t i) const { return f_.type_of(inst_.args[i]); }
  U128 sign_bit() const { return U128{1} << (width_ - 1); }

  Evaluated one(U128 value) const { return {{narrow(value)}, std::nullopt}; }
  // Cut to the type.
  Evaluated cut(U128 value) const { return one(value & mask(width_)); }
  Evaluated flagged(U128 value, bool flag) const {
    return {{narrow(value & mask(width_)), {flag ? 1u : 0u}}, std::nullopt};
  }
  static Evaluated trap(TrapCode code) { return {{}, std::move(code)}; }

  Evaluated constant() const {
    const auto& bytes = inst_.constant.empty() ? f_.constants.at(inst_.entity) : inst_.constant;
    U128 value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) value |= U128{bytes[i]} << (8 * i);
    return one(value);
  }

  Evaluated computed_float() const {
    const Bits y = args_.size() > 1 ? args_[1] : kZero, z = args_.size() > 2 ? args_[2] : kZero;
    if (inst_.type == kF64) {
      return {{float_result(inst_.op, float_of(args_[0], kF64), float_of(y, kF64), float_of(z, kF64))}, std::nullopt};
    }
    const auto single = [](Bits bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits.lo)); };
    return {{float_result(inst_.op, single(args_[0]), single(y), single(z))}, std::nullopt};
  }

  Evaluated float_to_int() const {
    const bool saturates = inst_.op == kFcvtToUintSat || inst_.op == kFcvtToSintSat;
    const bool is_signed = inst_.op == kFcvtToSint || inst_.op == kFcvtToSintSat;
    const double value = std::trunc(float_of(args_[0], operand_type(0)));
    if (std::isnan(value)) return saturates ? one(0) : trap("bad_toint");
    // Powers of two, so both limits are exact: below <= value < above.
    const double above = std::ldexp(1.0, static_cast<int>(is_signed ? width_ - 1 : width_));
    const double below = is_signed ? -above : 0.0;
    if (value < below) return saturates ? cut(is_signed ? static_cast<U128>(least(width_)) : 0) : trap("int_ovf");
    if (value >= above) {
      return saturates ? cut(is_signed ? static_cast<U128>(most(width_)) : mask(width_)) : trap("int_ovf");
    }
    return cut(is_signed ? static_cast<U128>(static_cast<I128>(value)) : static_cast<U128>(value));
  }

  Evaluated int_to_float() const {
    // Straight from 128 bits to the float's type: one rounding.
    if (inst_.op == kFcvtFromUint) {
      const U128 value = arg(0);
      return {{inst_.type == kF32 ? bits_of(static_cast<float>(value)) : bits_of(static_cast<double>(value))},
              std::nullopt};
    }
    const I128 value = sign_extended(arg(0), operand_type(0).bits());
    return {{inst_.type == kF32 ? bits_of(static_cast<float>(value)) : bits_of(static_cast<double>(value))},
            std::nullopt};
  }

  Evaluated unary() const {
    const U128 x = arg(0);
    switch (inst_.op) {
      case kIneg:
        return cut(~x + 1);
      case kIabs:
        return cut(signed_arg(0) < 0 ? ~x + 1 : x);
      case kBnot:
        return cut(~x);
      case kBitrev:
        return one(reversed(x, width_, 1));
      case kBswap:
        return one(reversed(x, width_, 8));
      case kClz:
        return one(leading_zeros(x, width_));
      case kCls:
        // How many bits after the sign are equal to it.
        return one(leading_zeros(signed_arg(0) < 0 ? ~x & mask(width_) : x, width_) - 1);
      case kCtz:
        return one(trailing_zeros(x, width_));
      case kPopcnt:
        return one(ones(x));
      case kBmask:
        return cut(x != 0 ? ~U128{0} : 0);
      case kIreduce:
        return cut(x);
      case kUextend:
        return one(x);
      case kSextend:
        return cut(static_cast<U128>(sign_extended(x, operand_type(0).bits())));
      case kIsplit:
        return {{narrow(x & mask(width_ / 2)), narrow(x >> (width_ / 2))}, std::nullopt};
      default:
        throw Unsupported(std::string(name_of(inst_.op)));
    }
  }

  Evaluated integer() const {
    if (args_.size() < 2) throw Unsupported(std::string(name_of(inst_.op)));
    const U128 x = arg(0), y = arg(1);
    switch (inst_.op) {
      case kIadd:
        return cut(x + y);
      case kIsub:
        return cut(x - y);
      case kImul:
        return cut(x * y);
      case kUmulhi:
        return cut(unsigned_high(x, y, width_));
      case kSmulhi:
        return cut(signed_high(x, y, width_));
      case kUdiv:
      case kSdiv:
      case kUrem:
      case kSrem:
        return division();
      case kUmin:
        return one(x < y ? x : y);
      case kUmax:
        return one(x > y ? x : y);
      case kSmin:
        return one(signed_arg(0) < signed_arg(1) ? x : y);
      case kSmax:
        return one(signed_arg(0) > signed_arg(1) ? x : y);
      case kBand:
        return one(x & y);
      case kBor:
        return one(x | y);
      case kBxor:
        return one(x ^ y);
      case kBitselect:
        return one((x & y) | (~x & arg(2)));
      case kRotl:
      case kRotr:
      case kIshl:
      case kUshr:
      case kSshr:
        return shift();
      case kIcmp:
        return one(holds(inst_.int_cc, x, y, width_) ? 1 : 0);
      case kIconcat:
        return one(x | y << width_);
      default:
        return overflowing();
    }
  }

  Evaluated division() const {
    const U128 x = arg(0), y = arg(1);
    if (y == 0) return trap("int_divz");
    // -1 apart, because C++ leaves the least number divided by it undefined.
    const bool by_minus_one = y == mask(width_);
    switch (inst_.op) {
      case kUdiv:
        return one(x / y);
      case kUrem:
        return one(x % y);
      case kSdiv:
        if (!by_minus_one) return cut(static_cast<U128>(signed_arg(0) / signed_arg(1)));
        return signed_arg(0) == least(width_) ? trap("int_ovf") : cut(~x + 1);
      default:
        return by_minus_one ? one(0) : cut(static_cast<U128>(signed_arg(0) % signed_arg(1)));
    }
  }

  Evaluated shift() const {
    const U128 x = arg(0);
    // The amount counts modulo the width, whatever its own type.
    const auto by = static_cast<unsigned>(args_[1].lo & (width_ - 1));
    switch (inst_.op) {
      case kIshl:
        return cut(x << by);
      case kUshr:
        return one(x >> by);
      case kSshr:
        return cut(static_cast<U128>(signed_arg(0) >> by));
      case kRotl:
        return by == 0 ? one(x) : cut(x << by | x >> (width_ - by));
      default:
        return by == 0 ? one(x) : cut(x >> by | x << (width_ - by));
    }
  }

  // The sum or difference as if there were room for it is told from the wrapped one by comparing, so that 128 bits
  // need no wider type.
  Evaluated overflowing() const {
    const U128 x = arg(0), y = arg(1);
    const U128 carry = args_.size() > 2 && arg(2) != 0 ? 1 : 0;
    const U128 sum = (x + y + carry) & mask(width_);
    const U128 difference = (x - y - carry) & mask(width_);
    const bool x_negative = signed_arg(0) < 0, y_negative = signed_arg(1) < 0;
    const bool unsigned_sum_overflows = sum < x || (carry == 1 && sum == x);
    const bool unsigned_difference_overflows = x < y || (carry == 1 && x == y);
    const bool sum_overflows = x_negative == y_negative && (sum >> (width_ - 1) & 1) != (x_negative ? 1u : 0u);
    const bool difference_overflows =
        x_negative != y_negative && (difference >> (width_ - 1) & 1) != (x_negative ? 1u : 0u);
    const U128 limit = static_cast<U128>(x_negative ? least(width_) : most(width_));
    switch (inst_.op) {
      case kUaddOverflow:
      case kUaddOverflowCin:
        return flagged(sum, unsigned_sum_overflows);
      case kSaddOverflow:
      case kSaddOverflowCin:
        return flagged(sum, sum_overflows);
      case kUsubOverflow:
      case kUsubOverflowBin:
        return flagged(difference, unsigned_difference_overflows);
      case kSsubOverflow:
      case kSsubOverflowBin:
        return flagged(difference, difference_overflows);
      case kUaddOverflowTrap:
        return unsigned_sum_overflows ? trap(inst_.trap) : one(sum);
      case kUaddSat:
        return unsigned_sum_overflows ? one(mask(width_)) : one(sum);
      case kUsubSat:
        return unsigned_difference_overflows ? one(0) : one(difference);
      case kSaddSat:
        return cut(sum_overflows ? limit : sum);
      case kSsubSat:
        return cut(difference_overflows ? limit : difference);
      case kUmulOverflow:  // at most 64 bits
        return flagged(x * y, x * y > mask(width_));
      case kSmulOverflow: {
        const I128 product = signed_arg(0) * signed_arg(1);
        return flagged(static_cast<U128>(product), product < least(width_) || product > most(width_));
      }
      default:
        throw Unsupported(std::string(name_of(inst_.op)));
    }
  }

  const Function& f_;
  const Inst& inst_;
  const std::vector<Bits>& args_;
  const unsigned width_;
};

}  // namespace

Evaluated evaluate(const Function& function, const Inst& inst, const std::vector<Bits>& args) {
  return Evaluation(function, inst, args).result();
}

}  // namespace lockstep::clif
