// Terms mean the same after simplification as before: every constructor is held against an evaluator of its own that
// knows nothing of it, for all values of small widths and for drawn ones of all widths.
#include "properties/smt/term.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <stdexcept>

namespace lockstep::smt {

inline void PrintTo(Term t, std::ostream* out) { *out << "term " << t.id; }

namespace term_testing {
namespace {

// --- What an operator means: bit by bit, as a table of SMT-LIB would have it.

// The lowest bit first.
using Word = std::vector<bool>;

Word word_of(Bits value, uint32_t width) {
  Word bits;
  for (uint32_t i = 0; i < width; ++i) bits.push_back((value >> i & 1) != 0);
  return bits;
}
Bits value_of(const Word& word) {
  Bits value = 0;
  for (size_t i = word.size(); i-- > 0;) value = value << 1 | (word[i] ? 1U : 0U);
  return value;
}

Word sum_of(const Word& a, const Word& b, bool carry) {
  Word sum;
  for (size_t i = 0; i < a.size(); ++i) {
    const int n = (a[i] ? 1 : 0) + (b[i] ? 1 : 0) + (carry ? 1 : 0);
    sum.push_back(n % 2 != 0);
    carry = n > 1;
  }
  return sum;
}
Word complement_of(Word a) {
  a.flip();
  return a;
}
Word negation_of(const Word& a) { return sum_of(complement_of(a), Word(a.size(), false), true); }
bool less(const Word& a, const Word& b) {
  for (size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return b[i];
  }
  return false;
}
bool less_signed(Word a, Word b) {
  a.back() = !a.back();
  b.back() = !b.back();
  return less(a, b);
}
Word shifted_up(const Word& a, size_t by) {
  Word shifted(a.size(), false);
  for (size_t i = by; i < a.size(); ++i) shifted[i] = a[i - by];
  return shifted;
}
Word shifted_down(const Word& a, size_t by, bool fill) {
  Word shifted(a.size(), fill);
  for (size_t i = by; i < a.size(); ++i) shifted[i - by] = a[i];
  return shifted;
}
Word product_of(const Word& a, const Word& b) {
  Word product(a.size(), false);
  for (size_t i = 0; i < b.size(); ++i) {
    if (b[i]) product = sum_of(product, shifted_up(a, i), false);
  }
  return product;
}
// Long division; by zero, all ones and the dividend come out by themselves.
std::pair<Word, Word> quotient_of(const Word& a, const Word& b) {
  Word quotient(a.size(), false), rest(a.size(), false);
  for (size_t i = a.size(); i-- > 0;) {
    const bool out = rest.back();
    rest = shifted_up(rest, 1);
    rest[0] = a[i];
    if (!out && less(rest, b)) continue;
    rest = sum_of(rest, complement_of(b), true);
    quotient[i] = true;
  }
  return {quotient, rest};
}
Word magnitude_of(const Word& a) { return a.back() ? negation_of(a) : a; }
// How far a shift goes: never farther than the width.
size_t distance_of(const Word& by) {
  const Bits n = value_of(by);
  return n >= by.size() ? by.size() : static_cast<size_t>(n);
}

enum class Form {
  kNot,
  kAnd,
  kOr,
  kImplies,
  kEq,
  kIff,
  kUlt,
  kUle,
  kSlt,
  kSle,
  kIteTruth,
  kIte,
  kAdd,
  kSub,
  kNeg,
  kMul,
  kUdiv,
  kUrem,
  kSdiv,
  kSrem,
  kBand,
  kBor,
  kBxor,
  kBnot,
  kShl,
  kLshr,
  kAshr,
  kConcat,
  kExtract,
  kZext,
  kSext,
  kBit,
  kBswap,
  kCount
};

// An expression as it was meant: nothing in it is shared or simplified.
struct Tree {
  enum Kind { kVariable, kConstant, kForm } kind{};
  Form form{};
  uint32_t width = 0;  // 0: a truth value
  size_t variable = 0;
  Bits value = 0;
  uint32_t low = 0;
  std::vector<Tree> args = {};
};

Word meaning_of(const Tree& tree, const std::vector<Bits>& variables) {
  const uint32_t w = tree.width == 0 ? 1 : tree.width;
  if (tree.kind == Tree::kVariable) return word_of(variables[tree.variable], w);
  if (tree.kind == Tree::kConstant) return word_of(tree.value, w);
  std::vector<Word> args;
  for (const Tree& arg : tree.args) args.push_back(meaning_of(arg, variables));
  const auto truth = [](bool b) { return Word{b}; };
  const Word& a = args[0];
  const Word& b = args.back();
  Word result;
  switch (tree.form) {
    case Form::kNot:
      return truth(!a[0]);
    case Form::kAnd:
      return truth(a[0] && b[0]);
    case Form::kOr:
      return truth(a[0] || b[0]);
    case Form::kImplies:
      return truth(!a[0] || b[0]);
    case Form::kEq:
    case Form::kIff:
      return truth(a == b);
    case Form::kUlt:
      return truth(less(a, b));
    case Form::kUle:
      return truth(!less(b, a));
    case Form::kSlt:
      return truth(less_signed(a, b));
    case Form::kSle:
      return truth(!less_signed(b, a));
    case Form::kIteTruth:
    case Form::kIte:
      return a[0] ? args[1] : args[2];
    case Form::kAdd:
      return sum_of(a, b, false);
    case Form::kSub:
      return sum_of(a, complement_of(b), true);
    case Form::kNeg:
      return negation_of(a);
    case Form::kMul:
      return product_of(a, b);
    case Form::kUdiv:
      return quotient_of(a, b).first;
    case Form::kUrem:
      return quotient_of(a, b).second;
    case Form::kSdiv:
      result = quotient_of(magnitude_of(a), magnitude_of(b)).first;
      return a.back() != b.back() ? negation_of(result) : result;
    case Form::kSrem:
      result = quotient_of(magnitude_of(a), magnitude_of(b)).second;
      return a.back() ? negation_of(result) : result;
    case Form::kBand:
    case Form::kBor:
    case Form::kBxor:
      for (size_t i = 0; i < a.size(); ++i) {
        result.push_back(tree.form == Form::kBand  ? a[i] && b[i]
                         : tree.form == Form::kBor ? a[i] || b[i]
                                                   : a[i] != b[i]);
      }
      return result;
    case Form::kBnot:
      return complement_of(a);
    case Form::kShl:
      return shifted_up(a, distance_of(b));
    case Form::kLshr:
      return shifted_down(a, distance_of(b), false);
    case Form::kAshr:
      return shifted_down(a, distance_of(b), a.back());
    case Form::kConcat:
      result = b;
      result.insert(result.end(), a.begin(), a.end());
      return result;
    case Form::kExtract:
      return {a.begin() + tree.low, a.begin() + tree.low + tree.width};
    case Form::kZext:
      result = a;
      result.resize(tree.width, false);
      return result;
    case Form::kSext:
      result = a;
      result.resize(tree.width, a.back());
      return result;
    case Form::kBit:
      return a;
    case Form::kBswap:
      for (size_t byte = a.size() / 8; byte-- > 0;) {
        for (size_t i = 0; i < 8; ++i) result.push_back(a[byte * 8 + i]);
      }
      return result;
    case Form::kCount:
      break;
  }
  return {};
}

Term term_of(Terms& t, const Tree& tree, const std::vector<Term>& variables) {
  if (tree.kind == Tree::kVariable) return variables[tree.variable];
  if (tree.kind == Tree::kConstant)
    return tree.width == 0 ? t.truth(tree.value != 0) : t.constant(tree.value, tree.width);
  std::vector<Term> args;
  for (const Tree& arg : tree.args) args.push_back(term_of(t, arg, variables));
  const Term a = args[0], b = args.back();
  switch (tree.form) {
    case Form::kNot:
      return t.not_(a);
    case Form::kAnd:
      return t.and_(a, b);
    case Form::kOr:
      return t.or_(a, b);
    case Form::kImplies:
      return t.implies(a, b);
    case Form::kEq:
    case Form::kIff:
      return t.eq(a, b);
    case Form::kUlt:
      return t.ult(a, b);
    case Form::kUle:
      return t.ule(a, b);
    case Form::kSlt:
      return t.slt(a, b);
    case Form::kSle:
      return t.sle(a, b);
    case Form::kIteTruth:
    case Form::kIte:
      return t.ite(a, args[1], args[2]);
    case Form::kAdd:
      return t.add(a, b);
    case Form::kSub:
      return t.sub(a, b);
    case Form::kNeg:
      return t.neg(a);
    case Form::kMul:
      return t.mul(a, b);
    case Form::kUdiv:
      return t.udiv(a, b);
    case Form::kUrem:
      return t.urem(a, b);
    case Form::kSdiv:
      return t.sdiv(a, b);
    case Form::kSrem:
      return t.srem(a, b);
    case Form::kBand:
      return t.band(a, b);
    case Form::kBor:
      return t.bor(a, b);
    case Form::kBxor:
      return t.bxor(a, b);
    case Form::kBnot:
      return t.bnot(a);
    case Form::kShl:
      return t.shl(a, b);
    case Form::kLshr:
      return t.lshr(a, b);
    case Form::kAshr:
      return t.ashr(a, b);
    case Form::kConcat:
      return t.concat(a, b);
    case Form::kExtract:
      return t.extract(a, tree.low, tree.width);
    case Form::kZext:
      return t.zext(a, tree.width);
    case Form::kSext:
      return t.sext(a, tree.width);
    case Form::kBit:
      return t.bit(a);
    case Form::kBswap:
      return t.bswap(a);
    case Form::kCount:
      break;
  }
  return {};
}

std::string text_of(const Tree& tree) {
  static constexpr std::array kNames = {"not",    "and",     "or",   "implies", "eq",   "iff",  "ult", "ule",  "slt",
                                        "sle",    "ite",     "ite",  "add",     "sub",  "neg",  "mul", "udiv", "urem",
                                        "sdiv",   "srem",    "band", "bor",     "bxor", "bnot", "shl", "lshr", "ashr",
                                        "concat", "extract", "zext", "sext",    "bit",  "bswap"};
  static_assert(kNames.size() == static_cast<size_t>(Form::kCount));
  std::string w = ":" + std::to_string(tree.width);
  if (tree.kind == Tree::kVariable) return "x" + std::to_string(tree.variable) + w;
  if (tree.kind == Tree::kConstant) return hex(tree.value) + w;
  std::string text = std::string("(") + kNames[static_cast<size_t>(tree.form)] + w;
  if (tree.form == Form::kExtract) text += "@" + std::to_string(tree.low);
  for (const Tree& arg : tree.args) text += " " + text_of(arg);
  return text + ")";
}

// --- Drawing expressions

class Draw {
 public:
  explicit Draw(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
  Bits bits(uint32_t width) {
    const Bits all = mask_of(width);
    switch (below(5)) {
      case 0:
        return below(3);
      case 1:
        return (all - below(3)) & all;
      case 2:
        return Bits{1} << below(width);
      case 3:
        return (all << below(width)) & all;
      default:
        return (Bits{engine_()} << 64 | engine_()) & all;
    }
  }

  // Of this width, with variables of the widths in `variables`; what has no variable of its width is made of others.
  Tree tree(uint32_t width, int depth, const std::vector<uint32_t>& variables) {
    if (depth == 0 || below(8) == 0) return leaf(width, variables);
    const auto part = [&](uint32_t w) { return tree(w, depth - 1, variables); };
    const uint32_t inner = variables[below(static_cast<uint32_t>(variables.size()))];
    const uint32_t w = inner == 0 ? 4 : inner;
    if (width == 0) {
      switch (const auto form = static_cast<Form>(below(static_cast<uint32_t>(Form::kIteTruth) + 1)); form) {
        case Form::kNot:
          return make(form, 0, {part(0)});
        case Form::kIteTruth:
          return make(form, 0, {part(0), part(0), part(0)});
        case Form::kAnd:
        case Form::kOr:
        case Form::kImplies:
        case Form::kIff:
          return make(form, 0, {part(0), part(0)});
        default:
          return make(form, 0, {part(w), part(w)});
      }
    }
    const auto first = static_cast<uint32_t>(Form::kIte);
    const auto form = static_cast<Form>(first + below(static_cast<uint32_t>(Form::kCount) - first));
    switch (form) {
      case Form::kIte:
        return make(form, width, {part(0), part(width), part(width)});
      case Form::kNeg:
      case Form::kBnot:
        return make(form, width, {part(width)});
      case Form::kConcat: {
        if (width < 2) break;
        const uint32_t high = 1 + below(width - 1);
        return make(form, width, {part(high), part(width - high)});
      }
      case Form::kExtract: {
        const uint32_t more = below(9), low = more == 0 ? 0 : below(more + 1);
        if (width + more > 128) break;
        Tree t = make(form, width, {part(width + more)});
        t.low = low;
        return t;
      }
      case Form::kZext:
      case Form::kSext:
        return make(form, width, {part(1 + below(width))});
      case Form::kBit:
        if (width != 1) break;
        return make(form, 1, {part(0)});
      case Form::kBswap:
        if (width % 8 != 0) break;
        return make(form, width, {part(width)});
      default:
        return make(form, width, {part(width), part(width)});
    }
    return make(Form::kAdd, width, {part(width), part(width)});
  }

 private:
  static Tree make(Form form, uint32_t width, std::vector<Tree> args) {
    Tree t;
    t.kind = Tree::kForm;
    t.form = form;
    t.width = width;
    t.args = std::move(args);
    return t;
  }
  Tree leaf(uint32_t width, const std::vector<uint32_t>& variables) {
    std::vector<size_t> fitting;
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i] == width) fitting.push_back(i);
    }
    Tree t;
    t.width = width;
    if (!fitting.empty() && below(3) != 0) {
      t.kind = Tree::kVariable;
      t.variable = fitting[below(static_cast<uint32_t>(fitting.size()))];
      return t;
    }
    t.kind = Tree::kConstant;
    t.value = width == 0 ? below(2) : bits(width);
    return t;
  }

  std::mt19937_64 engine_;
};

// Variables of these widths (0: a truth value), in a Terms of its own.
struct Setting {
  Setting(const std::vector<uint32_t>& widths, bool simplify) : t(simplify) {
    for (size_t i = 0; i < widths.size(); ++i) {
      functions.push_back(t.declare("x" + std::to_string(i), {}, widths[i]));
      variables.push_back(t.apply(functions.back(), {}));
    }
  }
  Model model_of(const std::vector<Bits>& values) const {
    Model model;
    for (size_t i = 0; i < functions.size(); ++i) model.values[{functions[i], {}}] = values[i];
    return model;
  }
  Terms t;
  std::vector<FunctionId> functions;
  std::vector<Term> variables;
};

// Every value that the variables can have together.
std::vector<std::vector<Bits>> all_values(const std::vector<uint32_t>& widths) {
  std::vector<std::vector<Bits>> all = {{}};
  for (const uint32_t w : widths) {
    std::vector<std::vector<Bits>> more;
    for (const auto& values : all) {
      for (Bits v = 0; v <= (w == 0 ? 1 : mask_of(w)); ++v) {
        more.push_back(values);
        more.back().push_back(v);
      }
    }
    all = std::move(more);
  }
  return all;
}

// --- Tests

TEST(Meaning, OfTheYardstickItself) {
  const auto of = [](Form form, Bits a, Bits b, uint32_t width) {
    Tree x{.kind = Tree::kConstant, .width = width, .value = a}, y = x;
    y.value = b;
    return static_cast<uint64_t>(
        value_of(meaning_of({.kind = Tree::kForm, .form = form, .width = width, .args = {x, y}}, {})));
  };
  EXPECT_EQ(of(Form::kAdd, 200, 100, 8), 44u);
  EXPECT_EQ(of(Form::kSub, 3, 5, 8), 254u);
  EXPECT_EQ(of(Form::kMul, 20, 13, 8), 4u);
  EXPECT_EQ(of(Form::kUdiv, 200, 7, 8), 28u);
  EXPECT_EQ(of(Form::kUdiv, 200, 0, 8), 255u);
  EXPECT_EQ(of(Form::kUrem, 200, 0, 8), 200u);
  EXPECT_EQ(of(Form::kUrem, 200, 7, 8), 4u);
  EXPECT_EQ(of(Form::kSdiv, 0x80, 0xff, 8), 0x80u);
  EXPECT_EQ(of(Form::kSdiv, 0xf9, 2, 8), 0xfdu);
  EXPECT_EQ(of(Form::kSdiv, 0xf9, 0, 8), 1u);
  EXPECT_EQ(of(Form::kSrem, 0xf9, 2, 8), 0xffu);
  EXPECT_EQ(of(Form::kShl, 3, 9, 8), 0u);
  EXPECT_EQ(of(Form::kAshr, 0x80, 200, 8), 0xffu);
}

// Every constructor at every value of two operands of 1 to 4 bits: of variables, of a variable and a constant on either
// side, of a variable and itself, and of constants.
TEST(Term, EveryOperatorOnEveryValue) {
  for (uint32_t w = 1; w <= 4; ++w) {
    const auto values = all_values({w, w});
    for (uint32_t f = 0; f < static_cast<uint32_t>(Form::kCount); ++f) {
      const auto form = static_cast<Form>(f);
      const bool truths = form == Form::kNot || form == Form::kAnd || form == Form::kOr || form == Form::kImplies ||
                          form == Form::kIff || form == Form::kBit;
      const bool compares = form >= Form::kEq && form <= Form::kSle && !truths;
      if (form == Form::kIte || form == Form::kIteTruth || form == Form::kBswap || (truths && w != 1)) continue;
      const uint32_t operand = truths ? 0 : w;
      Tree tree{.kind = Tree::kForm, .form = form, .width = truths || compares ? 0 : w};
      if (form == Form::kBit) tree.width = 1;
      if (form == Form::kConcat) tree.width = 2 * w;
      if (form == Form::kZext || form == Form::kSext) tree.width = w + 3;
      const bool unary = form == Form::kNot || form == Form::kNeg || form == Form::kBnot || form == Form::kBit ||
                         form == Form::kExtract || form == Form::kZext || form == Form::kSext;
      const Tree x{.kind = Tree::kVariable, .width = operand, .variable = 0};
      const Tree y{.kind = Tree::kVariable, .width = operand, .variable = 1};
      for (uint32_t low = 0; low < (form == Form::kExtract ? w : 1); ++low) {
        if (form == Form::kExtract) tree.width = w - low;
        tree.low = low;
        for (const bool simplify : {true, false}) {
          Setting s({operand, operand}, simplify);
          for (const auto& v : values) {
            Tree c = x, d = y;
            c.kind = d.kind = Tree::kConstant;
            c.value = v[0];
            d.value = v[1];
            std::vector<std::vector<Tree>> shapes = {{x, y}, {c, y}, {x, d}, {x, x}, {c, d}};
            if (unary) shapes = {{x}, {c}};
            for (const auto& shape : shapes) {
              tree.args = shape;
              const Term term = term_of(s.t, tree, s.variables);
              ASSERT_EQ(s.t.width(term), tree.width) << text_of(tree);
              const Bits wanted = value_of(meaning_of(tree, v));
              ASSERT_TRUE(s.t.evaluate(term, s.model_of(v)) == wanted)
                  << text_of(tree) << " of " << hex(v[0]) << ", " << hex(v[1]);
              if (shape[0].kind == Tree::kConstant && shape.back().kind == Tree::kConstant) {
                const bool folded =
                    tree.width == 0 ? term == s.t.truth(wanted != 0) : term == s.t.constant(wanted, tree.width);
                ASSERT_TRUE(folded) << text_of(tree);
              }
            }
          }
        }
      }
    }
  }
}

// Nested expressions: the simplified term, and the one without simplification, have the value of the expression; with
// constants for the variables it becomes that constant.
void compare_drawn(uint64_t seed, const std::vector<uint32_t>& widths, int depth, bool every_value) {
  Draw draw(seed);
  const uint32_t width = widths[draw.below(static_cast<uint32_t>(widths.size()))];
  const Tree tree = draw.tree(width, depth, widths);
  Setting simplified(widths, true), plain(widths, false);
  const Term a = term_of(simplified.t, tree, simplified.variables);
  const Term b = term_of(plain.t, tree, plain.variables);
  ASSERT_EQ(simplified.t.width(a), width);
  ASSERT_EQ(plain.t.width(b), width);
  std::vector<std::vector<Bits>> values;
  if (every_value) {
    values = all_values(widths);
  } else {
    for (int i = 0; i < 8; ++i) {
      values.emplace_back();
      for (const uint32_t w : widths) values.back().push_back(w == 0 ? draw.below(2) : draw.bits(w));
    }
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const auto& v = values[i];
    const Bits wanted = value_of(meaning_of(tree, v));
    ASSERT_TRUE(simplified.t.evaluate(a, simplified.model_of(v)) == wanted) << "seed " << seed << ": " << text_of(tree);
    ASSERT_TRUE(plain.t.evaluate(b, plain.model_of(v)) == wanted) << "seed " << seed << ": " << text_of(tree);
    if (i % 16 != 0) continue;
    std::vector<Term> constants;
    for (size_t k = 0; k < widths.size(); ++k) {
      constants.push_back(widths[k] == 0 ? simplified.t.truth(v[k] != 0) : simplified.t.constant(v[k], widths[k]));
    }
    const Term c = term_of(simplified.t, tree, constants);
    ASSERT_TRUE(c == (width == 0 ? simplified.t.truth(wanted != 0) : simplified.t.constant(wanted, width)))
        << "seed " << seed << ": " << text_of(tree);
  }
}

TEST(Term, DrawnExpressionsOfSmallWidths) {
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const std::vector<std::vector<uint32_t>> all = {{1, 1, 0}, {2, 2, 0, 0}, {3, 3, 0},
                                                    {4, 2, 0}, {5, 0, 0},    {2, 3, 1}};
    compare_drawn(seed, all[seed % all.size()], 3 + static_cast<int>(seed / 7 % 3), true);
    if (HasFatalFailure()) return;
  }
}

TEST(Term, DrawnExpressionsOfMachineWidths) {
  for (uint64_t seed = 0; seed < 1500; ++seed) {
    const std::vector<std::vector<uint32_t>> all = {{8, 8, 0},       {16, 8, 0},   {32, 32, 0},
                                                    {64, 64, 32, 0}, {128, 64, 0}, {63, 65}};
    compare_drawn(seed, all[seed % all.size()], 3 + static_cast<int>(seed / 7 % 2), false);
    if (HasFatalFailure()) return;
  }
}

// "implied" and "contradict" may say no to what is so, but never yes to what is not.
TEST(Term, WhatIsCalledImpliedIs) {
  size_t implied = 0, contradictory = 0;
  const std::vector<uint32_t> widths = {0, 0, 0, 2};
  const auto values = all_values(widths);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Draw draw(seed);
    Setting s(widths, true);
    const Term a = term_of(s.t, draw.tree(0, 3, widths), s.variables);
    const Term b = term_of(s.t, draw.tree(0, 2, widths), s.variables);
    const bool follows = s.t.implied(a, b), excludes = s.t.contradict(a, b);
    implied += follows ? 1U : 0U;
    contradictory += excludes ? 1U : 0U;
    for (const auto& v : values) {
      const Model model = s.model_of(v);
      const bool x = s.t.evaluate(a, model) != 0, y = s.t.evaluate(b, model) != 0;
      ASSERT_TRUE(!follows || !x || y) << "seed " << seed;
      ASSERT_TRUE(!excludes || !x || !y) << "seed " << seed;
    }
  }
  EXPECT_GT(implied, 200u);
  EXPECT_GT(contradictory, 100u);
}

TEST(Term, WhatTheVerifierNeedsIsSeenToFollow) {
  Terms t;
  const Term a = t.variable("a", 0), b = t.variable("b", 0), c = t.variable("c", 0);
  EXPECT_TRUE(t.implied(t.and_(a, b), a));
  EXPECT_TRUE(t.implied(t.and_(t.and_(a, b), c), t.and_(a, c)));
  EXPECT_TRUE(t.implied(a, t.or_(b, a)));
  EXPECT_TRUE(t.implied(t.or_(t.and_(a, b), t.and_(a, c)), a));
  EXPECT_FALSE(t.implied(a, t.and_(a, b)));
  EXPECT_FALSE(t.implied(t.or_(a, b), a));
  EXPECT_TRUE(t.contradict(t.and_(a, b), t.and_(c, t.not_(a))));
  EXPECT_FALSE(t.contradict(a, b));
  // Both ways of a branch, met again.
  EXPECT_EQ(t.or_(t.and_(a, b), t.and_(a, t.not_(b))), a);
}

TEST(Term, EqualTermsAreShared) {
  Terms t;
  const Term x = t.variable("x", 64), y = t.variable("y", 64);
  EXPECT_EQ(t.add(x, y), t.add(y, x));
  EXPECT_EQ(t.add(t.add(x, t.constant(5, 64)), t.constant(3, 64)), t.add(t.constant(8, 64), x));
  EXPECT_EQ(t.sub(t.add(x, y), y), x);
  EXPECT_EQ(t.shl(x, t.constant(3, 64)), t.mul(x, t.constant(8, 64)));
  EXPECT_EQ(t.concat(t.extract(x, 32, 32), t.extract(x, 0, 32)), x);
  EXPECT_EQ(t.bswap(t.bswap(x)), x);
  EXPECT_NE(t.add(x, t.constant(1, 64)), t.add(x, t.constant(2, 64)));
  EXPECT_NE(t.variable("x", 64), x) << "a variable is the one that was declared, whatever its name";
}

TEST(Term, SplitTakesOffAConstant) {
  for (uint64_t seed = 0; seed < 150; ++seed) {
    Draw draw(seed);
    const std::vector<uint32_t> widths = {5, 5};
    Setting s(widths, true);
    const Term term = term_of(s.t, draw.tree(5, 3, widths), s.variables);
    const Terms::Sum sum = s.t.split(term);
    for (const auto& v : all_values(widths)) {
      const Model model = s.model_of(v);
      const Bits base = sum.base == Terms::no_base() ? 0 : s.t.evaluate(sum.base, model);
      ASSERT_TRUE(((base + sum.offset) & 31) == s.t.evaluate(term, model)) << "seed " << seed;
    }
  }
}

TEST(Term, WidthsMustFit) {
  Terms t;
  const Term x = t.variable("x", 8), y = t.variable("y", 16), b = t.variable("b", 0);
  EXPECT_THROW(t.add(x, y), std::logic_error);
  EXPECT_THROW(t.eq(x, y), std::logic_error);
  EXPECT_THROW(t.ult(x, y), std::logic_error);
  EXPECT_THROW(t.ite(b, x, y), std::logic_error);
  EXPECT_THROW(t.extract(x, 4, 8), std::logic_error);
  EXPECT_THROW(t.zext(y, 8), std::logic_error);
  EXPECT_THROW(t.sext(y, 8), std::logic_error);
  EXPECT_THROW(t.constant(0, 0), std::logic_error);
  EXPECT_THROW(t.constant(0, 129), std::logic_error);
  EXPECT_THROW(t.concat(t.variable("w", 128), x), std::logic_error);
  const FunctionId f = t.declare("f", {8}, 8);
  EXPECT_THROW(t.apply(f, {y}), std::logic_error);
  EXPECT_THROW(t.apply(f, {x, x}), std::logic_error);
}

TEST(Term, FunctionsHaveTheModelsValues) {
  Terms t;
  const FunctionId f = t.declare("f", {8, 8}, 16), g = t.declare("g", {}, 8);
  const Term x = t.apply(g, {});
  const Term y = t.apply(f, {x, t.add(x, t.constant(1, 8))});
  Model model;
  model.values[{g, {}}] = 7;
  model.values[{f, {7, 8}}] = 0x1234;
  EXPECT_TRUE(t.evaluate(y, model) == 0x1234);
  // What the model leaves open has its default.
  model.otherwise = [&](FunctionId which, const std::vector<Bits>& args) {
    return which == f ? args[0] + 100 : Bits{1};
  };
  model.values.erase({g, {}});
  EXPECT_TRUE(t.evaluate(x, model) == 1);
  EXPECT_TRUE(t.evaluate(y, model) == 101);
}

// Terms are deep where paths are long: nothing recurses on them.
TEST(Term, DeepTermsAreEvaluated) {
  Terms t;
  const Term x = t.variable("x", 32);
  Term deep = x;
  for (int i = 0; i < 100'000; ++i) deep = t.bxor(t.mul(deep, x), t.constant(static_cast<Bits>(i), 32));
  uint32_t wanted = 3;
  for (uint32_t i = 0; i < 100'000; ++i) wanted = wanted * 3 ^ i;
  Model model;
  model.values[{t[x].function, {}}] = 3;
  EXPECT_TRUE(t.evaluate(deep, model) == wanted);
}

TEST(Hex, IsWithoutLeadingZeros) {
  EXPECT_EQ(hex(0), "0x0");
  EXPECT_EQ(hex(0x1f), "0x1f");
  EXPECT_EQ(hex(~Bits{0}), "0x" + std::string(32, 'f'));
}

}  // namespace
}  // namespace term_testing
}  // namespace lockstep::smt
