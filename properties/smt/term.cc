// Making terms: every constructor simplifies first and shares what is equal.
#include "properties/smt/term.h"

#include <algorithm>
#include <stdexcept>

namespace lockstep::smt {
namespace {

constexpr size_t kMaxSummands = 8;  // a longer sum is left as it was written
constexpr int kImplicationDepth = 64;

void require(bool condition, const char* what) {
  if (!condition) throw std::logic_error(std::string("term: ") + what);
}

Bits udiv_of(Bits a, Bits b, uint32_t width) { return b == 0 ? mask_of(width) : a / b; }
Bits urem_of(Bits a, Bits b) { return b == 0 ? a : a % b; }
Bits negated(Bits a, uint32_t width) { return (Bits{0} - a) & mask_of(width); }

// SMT-LIB's bvsdiv and bvsrem, in terms of the unsigned ones.
Bits sdiv_of(Bits a, Bits b, uint32_t width) {
  const bool a_negative = signed_of(a, width) < 0, b_negative = signed_of(b, width) < 0;
  const Bits quotient = udiv_of(a_negative ? negated(a, width) : a, b_negative ? negated(b, width) : b, width);
  return a_negative != b_negative ? negated(quotient, width) : quotient;
}
Bits srem_of(Bits a, Bits b, uint32_t width) {
  const bool a_negative = signed_of(a, width) < 0, b_negative = signed_of(b, width) < 0;
  const Bits rest = urem_of(a_negative ? negated(a, width) : a, b_negative ? negated(b, width) : b);
  return a_negative ? negated(rest, width) : rest;
}

}  // namespace

std::string hex(Bits value) {
  std::string digits;
  do {
    digits += "0123456789abcdef"[static_cast<unsigned>(value & 15)];
    value >>= 4;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return "0x" + digits;
}

size_t Terms::Hash::operator()(const Node& n) const {
  uint64_t h = static_cast<uint64_t>(n.op) * 0x9e3779b97f4a7c15 + n.width * 31 + n.low * 131 + n.function * 65599;
  const auto mix = [&h](uint64_t x) { h = (h ^ x) * 0xff51afd7ed558ccd, h ^= h >> 32; };
  mix(static_cast<uint64_t>(n.value));
  mix(static_cast<uint64_t>(n.value >> 64));
  for (const Term t : n.args) mix(t.id);
  return h;
}

Terms::Terms(bool simplify) : simplify_(simplify) {
  true_ = make(Node{.op = Op::kTrue});
  false_ = make(Node{.op = Op::kFalse});
}

Term Terms::make(Node n) {
  const auto [it, is_new] = index_.try_emplace(n, static_cast<uint32_t>(nodes_.size()));
  if (is_new) nodes_.push_back(std::move(n));
  return Term{it->second};
}
Term Terms::make(Op op, uint32_t width, std::vector<Term> args, uint32_t low) {
  return make(Node{.op = op, .width = width, .low = low, .args = std::move(args)});
}

// --- Truth values
// ------------------------------------------------------------------------------------------------------

Term Terms::plain(Op op, uint32_t width, std::vector<Term> args, uint32_t low) {
  const Node n{.op = op, .width = width, .low = low, .args = std::move(args)};
  std::vector<Bits> values;
  for (const Term arg : n.args) {
    const Node& a = nodes_[arg.id];
    if (a.op != Op::kConst && a.op != Op::kTrue && a.op != Op::kFalse) return make(n);
    values.push_back(a.op == Op::kConst ? a.value : a.op == Op::kTrue ? 1 : 0);
  }
  const Bits value = compute(n, values);
  return width == 0 ? truth(value != 0) : constant(value, width);
}

Term Terms::not_(Term a) {
  if (!simplify_) return plain(Op::kNot, 0, {a});
  if (a == true_) return false_;
  if (a == false_) return true_;
  if (nodes_[a.id].op == Op::kNot) return nodes_[a.id].args[0];
  return make(Op::kNot, 0, {a});
}

Term Terms::and_(Term a, Term b) {
  if (a == false_ || b == false_) return false_;
  if (a == true_ || a == b) return b;
  if (b == true_) return a;
  if (!simplify_) return make(Op::kAnd, 0, {a, b});
  if (implied(a, b)) return a;
  if (implied(b, a)) return b;
  if (contradict(a, b)) return false_;
  return make(Op::kAnd, 0, {a, b});
}

Term Terms::or_(Term a, Term b) {
  if (a == true_ || b == true_) return true_;
  if (a == false_ || a == b) return b;
  if (b == false_) return a;
  if (!simplify_) return make(Op::kOr, 0, {a, b});
  if (a == not_(b)) return true_;
  if (implied(a, b)) return b;
  if (implied(b, a)) return a;
  // (g and c) or (g and not c) is g: what a diamond in the control flow gives.
  const Node& x = nodes_[a.id];
  const Node& y = nodes_[b.id];
  if (x.op == Op::kAnd && y.op == Op::kAnd) {
    for (const int i : {0, 1}) {
      for (const int j : {0, 1}) {
        if (x.args[static_cast<size_t>(i)] != y.args[static_cast<size_t>(j)]) continue;
        const Term common = x.args[static_cast<size_t>(i)];
        const Term p = x.args[static_cast<size_t>(1 - i)], q = y.args[static_cast<size_t>(1 - j)];
        if (p == not_(q)) return common;
        return and_(common, or_(p, q));
      }
    }
  }
  return make(Op::kOr, 0, {a, b});
}

Term Terms::all(const std::vector<Term>& list) {
  Term result = true_;
  for (const Term t : list) result = and_(result, t);
  return result;
}
Term Terms::any(const std::vector<Term>& list) {
  Term result = false_;
  for (const Term t : list) result = or_(result, t);
  return result;
}

bool Terms::implied(Term known, Term wanted) const { return implied(known, wanted, kImplicationDepth); }

bool Terms::implied(Term known, Term wanted, int depth) const {
  if (known == wanted || wanted == true_ || known == false_) return true;
  if (!simplify_) return false;
  if (depth == 0 || known == true_ || wanted == false_) return false;
  const Node& w = nodes_[wanted.id];
  const Node& k = nodes_[known.id];
  // A term is made after its parts: what is younger than `known` is not a part of it.
  if (w.op != Op::kAnd && w.op != Op::kOr && (k.op != Op::kAnd && k.op != Op::kOr)) return false;
  const uint64_t key = uint64_t{known.id} << 32 | wanted.id;
  if (const auto it = implied_.find(key); it != implied_.end()) return it->second;
  bool result = false;
  if (k.op == Op::kOr) {
    result = implied(k.args[0], wanted, depth - 1) && implied(k.args[1], wanted, depth - 1);
  } else if (k.op == Op::kAnd) {
    result = implied(k.args[1], wanted, depth - 1) || implied(k.args[0], wanted, depth - 1);
  }
  if (!result && w.op == Op::kAnd) {
    result = implied(known, w.args[0], depth - 1) && implied(known, w.args[1], depth - 1);
  } else if (!result && w.op == Op::kOr) {
    result = implied(known, w.args[0], depth - 1) || implied(known, w.args[1], depth - 1);
  }
  implied_.emplace(key, result);
  return result;
}

bool Terms::contradict(Term a, Term b) const {
  if (!simplify_) return a == false_ || b == false_;
  const auto negation = [this](Term t) -> const Term* {
    return nodes_[t.id].op == Op::kNot ? &nodes_[t.id].args[0] : nullptr;
  };
  // Every conjunct of b that is a negation: does a imply what it negates? And the other way round.
  const auto against = [&](Term x, Term y) {
    std::vector<Term> parts = {y};
    while (!parts.empty()) {
      const Term part = parts.back();
      parts.pop_back();
      if (nodes_[part.id].op == Op::kAnd) {
        parts.insert(parts.end(), nodes_[part.id].args.begin(), nodes_[part.id].args.end());
      } else if (const Term* n = negation(part); n != nullptr && implied(x, *n)) {
        return true;
      }
    }
    return false;
  };
  return against(a, b) || against(b, a);
}

Term Terms::eq(Term a, Term b) {
  require(width(a) == width(b), "eq of different widths");
  if (!simplify_) return plain(Op::kEq, 0, {a, b});
  if (a == b) return true_;
  const uint32_t w = width(a);
  if (w == 0) {
    if (a == true_) return b;
    if (b == true_) return a;
    if (a == false_) return not_(b);
    if (b == false_) return not_(a);
    if (a == not_(b)) return false_;
  } else {
    const bool a_const = is_const(a), b_const = is_const(b);
    if (a_const && b_const) return false_;
    if (a_const) return eq(b, a);
    const Sum x = split(a), y = split(b);
    if (x.base == y.base && x.base != no_base()) return truth(x.offset == y.offset);
    if (b_const) {
      const Node n = nodes_[a.id];
      const Bits value = nodes_[b.id].value;
      if (n.op == Op::kIte && (is_const(n.args[1]) || is_const(n.args[2]))) {
        return ite(n.args[0], eq(n.args[1], b), eq(n.args[2], b));
      }
      if (n.op == Op::kZext) {
        const uint32_t narrow = width(n.args[0]);
        return value > mask_of(narrow) ? false_ : eq(n.args[0], constant(value, narrow));
      }
      if (n.op == Op::kAdd && is_const(n.args[1])) {
        return eq(n.args[0], constant((value - nodes_[n.args[1].id].value) & mask_of(w), w));
      }
      if (n.op == Op::kBxor && is_const(n.args[1])) {
        return eq(n.args[0], constant(value ^ nodes_[n.args[1].id].value, w));
      }
    }
  }
  if (b < a) std::swap(a, b);
  return make(Op::kEq, 0, {a, b});
}

Term Terms::ult(Term a, Term b) {
  require(width(a) == width(b), "ult of different widths");
  if (!simplify_) return plain(Op::kUlt, 0, {a, b});
  if (a == b) return false_;
  if (is_const(a) && is_const(b)) return truth(nodes_[a.id].value < nodes_[b.id].value);
  if (is_const(b) && nodes_[b.id].value == 0) return false_;
  if (is_const(b) && nodes_[b.id].value == 1) return eq(a, constant(0, width(a)));
  if (is_const(a) && nodes_[a.id].value == mask_of(width(a))) return false_;
  return make(Op::kUlt, 0, {a, b});
}
Term Terms::ule(Term a, Term b) { return not_(ult(b, a)); }
Term Terms::slt(Term a, Term b) {
  require(width(a) == width(b), "slt of different widths");
  if (!simplify_) return plain(Op::kSlt, 0, {a, b});
  if (a == b) return false_;
  if (is_const(a) && is_const(b)) {
    return truth(signed_of(nodes_[a.id].value, width(a)) < signed_of(nodes_[b.id].value, width(a)));
  }
  return make(Op::kSlt, 0, {a, b});
}
Term Terms::sle(Term a, Term b) { return not_(slt(b, a)); }

// --- Bit-vectors
// --------------------------------------------------------------------------------------------------------

Term Terms::constant(Bits value, uint32_t width) {
  require(width >= 1 && width <= 128, "a constant of no width");
  return make(Node{.op = Op::kConst, .width = width, .value = value & mask_of(width)});
}

Term Terms::ite(Term c, Term yes, Term no) {
  require(width(yes) == width(no), "ite of different widths");
  if (c == true_ || yes == no) return yes;
  if (c == false_) return no;
  if (!simplify_ && width(yes) != 0) return make(Op::kIte, width(yes), {c, yes, no});
  if (nodes_[c.id].op == Op::kNot) return ite(nodes_[c.id].args[0], no, yes);
  if (nodes_[yes.id].op == Op::kIte && nodes_[yes.id].args[0] == c) yes = nodes_[yes.id].args[1];
  if (nodes_[no.id].op == Op::kIte && nodes_[no.id].args[0] == c) no = nodes_[no.id].args[2];
  if (yes == no) return yes;
  if (width(yes) == 0) {
    if (yes == true_) return or_(c, no);
    if (yes == false_) return and_(not_(c), no);
    if (no == true_) return or_(not_(c), yes);
    if (no == false_) return and_(c, yes);
    return or_(and_(c, yes), and_(not_(c), no));
  }
  return make(Op::kIte, width(yes), {c, yes, no});
}

Terms::Sum Terms::split(Term t) const {
  const Node& n = nodes_[t.id];
  if (n.op == Op::kConst) return {no_base(), n.value};
  if (n.op == Op::kAdd && is_const(n.args[1])) return {n.args[0], nodes_[n.args[1].id].value};
  return {t, 0};
}

// A sum is kept as ((x + y) + z) + constant, summands in the order of their making, each with a constant factor.
Term Terms::add(Term a, Term b) {
  require(width(a) == width(b), "add of different widths");
  if (!simplify_) return plain(Op::kAdd, width(a), {a, b});
  const uint32_t w = width(a);
  std::map<Term, Bits> summands;
  Bits offset = 0;
  std::vector<std::pair<Term, Bits>> todo = {{a, 1}, {b, 1}};
  while (!todo.empty() && summands.size() <= kMaxSummands) {
    const auto [t, factor] = todo.back();
    todo.pop_back();
    const Node& n = nodes_[t.id];
    if (n.op == Op::kConst) {
      offset += factor * n.value;
    } else if (n.op == Op::kAdd) {
      todo.emplace_back(n.args[0], factor);
      todo.emplace_back(n.args[1], factor);
    } else if (n.op == Op::kMul && is_const(n.args[1])) {
      summands[n.args[0]] += factor * nodes_[n.args[1].id].value;
    } else {
      summands[t] += factor;
    }
  }
  offset &= mask_of(w);
  if (summands.size() > kMaxSummands) {
    if (is_const(a)) std::swap(a, b);
    if (!is_const(b) && b < a) std::swap(a, b);
    return make(Op::kAdd, w, {a, b});
  }
  Term sum = no_base();
  for (const auto& [t, factor] : summands) {
    const Bits f = factor & mask_of(w);
    if (f == 0) continue;
    const Term product = f == 1 ? t : make(Op::kMul, w, {t, constant(f, w)});
    sum = sum == no_base() ? product : make(Op::kAdd, w, {sum, product});
  }
  if (sum == no_base()) return constant(offset, w);
  return offset == 0 ? sum : make(Op::kAdd, w, {sum, constant(offset, w)});
}

Term Terms::neg(Term a) { return mul(a, constant(mask_of(width(a)), width(a))); }

Term Terms::mul(Term a, Term b) {
  require(width(a) == width(b), "mul of different widths");
  if (!simplify_) return plain(Op::kMul, width(a), {a, b});
  const uint32_t w = width(a);
  if (is_const(a)) std::swap(a, b);
  if (is_const(b)) {
    const Bits factor = nodes_[b.id].value;
    if (is_const(a)) return constant(nodes_[a.id].value * factor, w);
    if (factor == 0) return b;
    if (factor == 1) return a;
    const Node n = nodes_[a.id];
    if (n.op == Op::kMul && is_const(n.args[1])) {
      return mul(n.args[0], constant(nodes_[n.args[1].id].value * factor, w));
    }
    if (n.op == Op::kAdd) return add(mul(n.args[0], b), mul(n.args[1], b));
    return make(Op::kMul, w, {a, b});
  }
  if (b < a) std::swap(a, b);
  return make(Op::kMul, w, {a, b});
}

#define LOCKSTEP_BINARY(name, which)                                                            \
  Term Terms::name(Term a, Term b) {                                                            \
    require(width(a) == width(b), #name " of different widths");                                \
    if (is_const(a) && is_const(b)) {                                                           \
      const Node n{.op = which, .width = width(a), .args = {a, b}};                             \
      return constant(compute(n, {nodes_[a.id].value, nodes_[b.id].value}), width(a));          \
    }                                                                                           \
    if (is_const(b) && nodes_[b.id].value == 1 && (which == Op::kUdiv || which == Op::kSdiv)) { \
      return a;                                                                                 \
    }                                                                                           \
    return make(which, width(a), {a, b});                                                       \
  }
LOCKSTEP_BINARY(udiv, Op::kUdiv)
LOCKSTEP_BINARY(urem, Op::kUrem)
LOCKSTEP_BINARY(sdiv, Op::kSdiv)
LOCKSTEP_BINARY(srem, Op::kSrem)
#undef LOCKSTEP_BINARY

Term Terms::band(Term a, Term b) {
  require(width(a) == width(b), "band of different widths");
  if (!simplify_) return plain(Op::kBand, width(a), {a, b});
  if (a == b) return a;
  if (is_const(a)) std::swap(a, b);
  if (is_const(b)) {
    const Bits m = nodes_[b.id].value;
    if (is_const(a)) return constant(nodes_[a.id].value & m, width(a));
    if (m == 0) return b;
    if (m == mask_of(width(a))) return a;
    const Node n = nodes_[a.id];
    if (n.op == Op::kIte && is_const(n.args[1]) && is_const(n.args[2])) {
      return ite(n.args[0], band(n.args[1], b), band(n.args[2], b));
    }
    if (n.op == Op::kBand && is_const(n.args[1])) {
      return band(n.args[0], constant(m & nodes_[n.args[1].id].value, width(a)));
    }
    return make(Op::kBand, width(a), {a, b});
  }
  if (b < a) std::swap(a, b);
  return make(Op::kBand, width(a), {a, b});
}

Term Terms::bor(Term a, Term b) {
  require(width(a) == width(b), "bor of different widths");
  if (!simplify_) return plain(Op::kBor, width(a), {a, b});
  if (a == b) return a;
  if (is_const(a)) std::swap(a, b);
  if (is_const(b)) {
    const Bits m = nodes_[b.id].value;
    if (is_const(a)) return constant(nodes_[a.id].value | m, width(a));
    if (m == 0) return a;
    if (m == mask_of(width(a))) return b;
    return make(Op::kBor, width(a), {a, b});
  }
  if (b < a) std::swap(a, b);
  return make(Op::kBor, width(a), {a, b});
}

Term Terms::bxor(Term a, Term b) {
  require(width(a) == width(b), "bxor of different widths");
  if (!simplify_) return plain(Op::kBxor, width(a), {a, b});
  if (a == b) return constant(0, width(a));
  if (is_const(a)) std::swap(a, b);
  if (is_const(b)) {
    const Bits m = nodes_[b.id].value;
    if (is_const(a)) return constant(nodes_[a.id].value ^ m, width(a));
    if (m == 0) return a;
    if (m == mask_of(width(a))) return bnot(a);
    const Node n = nodes_[a.id];
    if (n.op == Op::kIte && is_const(n.args[1]) && is_const(n.args[2])) {
      return ite(n.args[0], bxor(n.args[1], b), bxor(n.args[2], b));
    }
    return make(Op::kBxor, width(a), {a, b});
  }
  if (b < a) std::swap(a, b);
  return make(Op::kBxor, width(a), {a, b});
}

Term Terms::bnot(Term a) {
  if (!simplify_) return plain(Op::kBnot, width(a), {a});
  const Node n = nodes_[a.id];
  if (n.op == Op::kConst) return constant(~n.value, n.width);
  if (n.op == Op::kBnot) return n.args[0];
  return make(Op::kBnot, n.width, {a});
}

Term Terms::shl(Term a, Term by) {
  const uint32_t w = width(a);
  if (!simplify_) return plain(Op::kShl, w, {a, by});
  if (is_const(by)) {
    const Bits amount = nodes_[by.id].value;
    if (amount == 0) return a;
    if (amount >= w) return constant(0, w);
    // As a multiplication: compilers write one for the other, and sums take it apart.
    return mul(a, constant(Bits{1} << static_cast<unsigned>(amount), w));
  }
  return make(Op::kShl, w, {a, by});
}
Term Terms::lshr(Term a, Term by) {
  const uint32_t w = width(a);
  if (!simplify_) return plain(Op::kLshr, w, {a, by});
  if (is_const(by)) {
    const Bits amount = nodes_[by.id].value;
    if (amount == 0) return a;
    if (amount >= w) return constant(0, w);
    const auto n = static_cast<uint32_t>(amount);
    return zext(extract(a, n, w - n), w);
  }
  return make(Op::kLshr, w, {a, by});
}
Term Terms::ashr(Term a, Term by) {
  const uint32_t w = width(a);
  if (!simplify_) return plain(Op::kAshr, w, {a, by});
  if (is_const(by)) {
    const auto amount = static_cast<uint32_t>(std::min<Bits>(nodes_[by.id].value, w - 1));
    return amount == 0 ? a : sext(extract(a, amount, w - amount), w);
  }
  return make(Op::kAshr, w, {a, by});
}

Term Terms::concat(Term high, Term low) {
  const uint32_t w = width(high) + width(low);
  require(w <= 128, "a concatenation of more than 128 bits");
  if (!simplify_) return plain(Op::kConcat, w, {high, low});
  const Node h = nodes_[high.id], l = nodes_[low.id];
  if (h.op == Op::kConst && l.op == Op::kConst) return constant(h.value << l.width | l.value, w);
  if (h.op == Op::kConst && h.value == 0) return zext(low, w);
  // Neighbouring bits of one term.
  if (h.op == Op::kExtract && l.op == Op::kExtract && h.args[0] == l.args[0] && h.low == l.low + l.width) {
    return extract(l.args[0], l.low, w);
  }
  if (h.op == Op::kExtract && h.args[0] == low && h.low == 0) return make(Op::kConcat, w, {high, low});
  if (h.op == Op::kExtract && l.op == Op::kConcat) {
    // high : (next : rest), where high and next are neighbours.
    const Node next = nodes_[l.args[0].id];
    if (next.op == Op::kExtract && next.args[0] == h.args[0] && h.low == next.low + next.width) {
      return concat(extract(h.args[0], next.low, h.width + next.width), l.args[1]);
    }
  }
  return make(Op::kConcat, w, {high, low});
}

Term Terms::extract(Term t, uint32_t low, uint32_t w) {
  const Node n = nodes_[t.id];
  require(w >= 1 && low + w <= n.width, "extract beyond the term");
  if (low == 0 && w == n.width) return t;
  if (!simplify_) return plain(Op::kExtract, w, {t}, low);
  switch (n.op) {
    case Op::kConst:
      return constant(n.value >> low, w);
    case Op::kExtract:
      return extract(n.args[0], n.low + low, w);
    case Op::kConcat: {
      const uint32_t split_at = width(n.args[1]);
      if (low >= split_at) return extract(n.args[0], low - split_at, w);
      if (low + w <= split_at) return extract(n.args[1], low, w);
      return concat(extract(n.args[0], 0, low + w - split_at), extract(n.args[1], low, split_at - low));
    }
    case Op::kZext: {
      const uint32_t inner = width(n.args[0]);
      if (low >= inner) return constant(0, w);
      if (low + w <= inner) return extract(n.args[0], low, w);
      return zext(extract(n.args[0], low, inner - low), w);
    }
    case Op::kSext: {
      const uint32_t inner = width(n.args[0]);
      if (low + w <= inner) return extract(n.args[0], low, w);
      break;
    }
    case Op::kIte:
      if (is_const(n.args[1]) || is_const(n.args[2])) {
        return ite(n.args[0], extract(n.args[1], low, w), extract(n.args[2], low, w));
      }
      break;
    case Op::kBand:
    case Op::kBor:
    case Op::kBxor:
      if (is_const(n.args[1])) {
        const Term x = extract(n.args[0], low, w), y = extract(n.args[1], low, w);
        return n.op == Op::kBand ? band(x, y) : n.op == Op::kBor ? bor(x, y) : bxor(x, y);
      }
      break;
    case Op::kAdd:
    case Op::kMul:
      // The low bits depend on the low bits alone.
      if (low == 0) {
        const Term x = extract(n.args[0], 0, w), y = extract(n.args[1], 0, w);
        return n.op == Op::kAdd ? add(x, y) : mul(x, y);
      }
      break;
    default:
      break;
  }
  return make(Op::kExtract, w, {t}, low);
}

Term Terms::zext(Term t, uint32_t w) {
  const Node n = nodes_[t.id];
  require(w >= n.width, "zext to fewer bits");
  if (w == n.width) return t;
  if (!simplify_) return plain(Op::kZext, w, {t});
  if (n.op == Op::kConst) return constant(n.value, w);
  if (n.op == Op::kZext) return zext(n.args[0], w);
  if (n.op == Op::kIte && is_const(n.args[1]) && is_const(n.args[2])) {
    return ite(n.args[0], zext(n.args[1], w), zext(n.args[2], w));
  }
  return make(Op::kZext, w, {t});
}
Term Terms::sext(Term t, uint32_t w) {
  const Node n = nodes_[t.id];
  require(w >= n.width, "sext to fewer bits");
  if (w == n.width) return t;
  if (!simplify_) return plain(Op::kSext, w, {t});
  if (n.op == Op::kConst) return constant(static_cast<Bits>(signed_of(n.value, n.width)), w);
  if (n.op == Op::kSext) return sext(n.args[0], w);
  if (n.op == Op::kZext) return zext(n.args[0], w);
  if (n.op == Op::kIte && is_const(n.args[1]) && is_const(n.args[2])) {
    return ite(n.args[0], sext(n.args[1], w), sext(n.args[2], w));
  }
  return make(Op::kSext, w, {t});
}

Term Terms::bswap(Term t) {
  Term result = extract(t, 0, 8);
  for (uint32_t low = 8; low < width(t); low += 8) result = concat(result, extract(t, low, 8));
  return result;
}

// --- Functions
// ----------------------------------------------------------------------------------------------------------

FunctionId Terms::declare(std::string name, std::vector<uint32_t> arguments, uint32_t width) {
  functions_.push_back({std::move(name), std::move(arguments), width});
  return static_cast<FunctionId>(functions_.size() - 1);
}

Term Terms::apply(FunctionId f, std::vector<Term> arguments) {
  const FunctionInfo& info = functions_[f];
  require(info.arguments.size() == arguments.size(), "a function with the wrong number of arguments");
  for (size_t i = 0; i < arguments.size(); ++i) {
    require(width(arguments[i]) == info.arguments[i], "a function with an argument of the wrong width");
  }
  return make(Node{.op = Op::kApply, .width = info.width, .function = f, .args = std::move(arguments)});
}

// --- Evaluation
// ---------------------------------------------------------------------------------------------------------

Bits Terms::compute(const Node& n, const std::vector<Bits>& a) const {
  const uint32_t w = n.width;
  const auto arg_width = [&](size_t i) { return nodes_[n.args[i].id].width; };
  const Bits m = w == 0 ? 1 : mask_of(w);
  switch (n.op) {
    case Op::kTrue:
      return 1;
    case Op::kFalse:
      return 0;
    case Op::kNot:
      return a[0] ^ 1;
    case Op::kAnd:
      return a[0] & a[1];
    case Op::kOr:
      return a[0] | a[1];
    case Op::kEq:
      return a[0] == a[1];
    case Op::kUlt:
      return a[0] < a[1];
    case Op::kUle:
      return a[0] <= a[1];
    case Op::kSlt:
      return signed_of(a[0], arg_width(0)) < signed_of(a[1], arg_width(0));
    case Op::kSle:
      return signed_of(a[0], arg_width(0)) <= signed_of(a[1], arg_width(0));
    case Op::kConst:
      return n.value;
    case Op::kApply:
      return 0;  // never asked
    case Op::kAdd:
      return (a[0] + a[1]) & m;
    case Op::kMul:
      return (a[0] * a[1]) & m;
    case Op::kUdiv:
      return udiv_of(a[0], a[1], w);
    case Op::kUrem:
      return urem_of(a[0], a[1]);
    case Op::kSdiv:
      return sdiv_of(a[0], a[1], w);
    case Op::kSrem:
      return srem_of(a[0], a[1], w);
    case Op::kBand:
      return a[0] & a[1];
    case Op::kBor:
      return a[0] | a[1];
    case Op::kBxor:
      return a[0] ^ a[1];
    case Op::kBnot:
      return ~a[0] & m;
    case Op::kShl:
      return a[1] >= w ? 0 : (a[0] << static_cast<unsigned>(a[1])) & m;
    case Op::kLshr:
      return a[1] >= w ? 0 : a[0] >> static_cast<unsigned>(a[1]);
    case Op::kAshr: {
      const auto by = static_cast<unsigned>(std::min<Bits>(a[1], w - 1));
      return static_cast<Bits>(signed_of(a[0], w) >> by) & m;
    }
    case Op::kConcat:
      return (a[0] << arg_width(1)) | a[1];
    case Op::kExtract:
      return (a[0] >> n.low) & m;
    case Op::kZext:
      return a[0];
    case Op::kSext:
      return static_cast<Bits>(signed_of(a[0], arg_width(0))) & m;
    case Op::kIte:
      return a[0] != 0 ? a[1] : a[2];
  }
  return 0;
}

Bits Terms::evaluate(Term t, const Model& model, std::unordered_map<uint32_t, Bits>& known) const {
  // Terms can be deep: a stack of our own.
  std::vector<Term> todo = {t};
  std::vector<Bits> values;
  while (!todo.empty()) {
    const Term top = todo.back();
    if (known.contains(top.id)) {
      todo.pop_back();
      continue;
    }
    const Node& n = nodes_[top.id];
    bool ready = true;
    for (const Term arg : n.args) {
      if (!known.contains(arg.id)) {
        todo.push_back(arg);
        ready = false;
      }
    }
    if (!ready) continue;
    todo.pop_back();
    values.clear();
    for (const Term arg : n.args) values.push_back(known.at(arg.id));
    Bits value;
    if (n.op == Op::kApply) {
      const auto it = model.values.find({n.function, values});
      value = it != model.values.end() ? it->second : model.otherwise(n.function, values);
      value &= n.width == 0 ? 1 : mask_of(n.width);
    } else {
      value = compute(n, values);
    }
    known.emplace(top.id, value);
  }
  return known.at(t.id);
}

}  // namespace lockstep::smt
