// Terms of bit-vector logic with uninterpreted functions: what the verifier says to a solver.
//
// Terms are shared (equal terms are the same Term) and simplified as they are made, so most of what a proof needs is
// decided here and the solver is asked only about the rest. Widths are 1 to 128 bits; width 0 is a truth value.
// The order of everything is the order of making: no hash and no pointer shows in what is printed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

namespace lockstep::smt {

__extension__ typedef unsigned __int128 Bits;  // a value; bits above its width are zero
__extension__ typedef __int128 SignedBits;

constexpr Bits mask_of(uint32_t width) { return width >= 128 ? ~Bits{0} : (Bits{1} << width) - 1; }
// The value as a signed number of this width.
constexpr SignedBits signed_of(Bits value, uint32_t width) {
  if (width >= 128) return static_cast<SignedBits>(value);
  const Bits sign = Bits{1} << (width - 1);
  return static_cast<SignedBits>((value ^ sign)) - static_cast<SignedBits>(sign);
}
std::string hex(Bits);  // "0x1f"

struct Term {
  uint32_t id = 0;
  friend bool operator==(Term, Term) = default;
  friend auto operator<=>(Term, Term) = default;
};

enum class Op : uint8_t {
  kTrue,
  kFalse,
  kNot,
  kAnd,
  kOr,
  kEq,
  kUlt,
  kUle,
  kSlt,
  kSle,  // truth values
  kConst,
  kApply,  // kApply: a function of its arguments; none: a variable
  kAdd,
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
  kConcat,   // the first argument holds the high bits
  kExtract,  // `low` is the lowest bit, the width says how many
  kZext,
  kSext,
  kIte,
};

using FunctionId = uint32_t;
struct FunctionInfo {
  std::string name;
  std::vector<uint32_t> arguments;  // widths
  uint32_t width = 0;               // of the result; 0: a truth value
};

struct Node {
  Op op{};
  uint32_t width = 0;
  uint32_t low = 0;         // kExtract
  FunctionId function = 0;  // kApply
  Bits value = 0;           // kConst
  std::vector<Term> args = {};
  friend bool operator==(const Node&, const Node&) = default;
};

// A model: values of function applications. What a solver left open has a default.
struct Model {
  std::map<std::pair<FunctionId, std::vector<Bits>>, Bits> values;
  // The value of an application that is not in the map.
  std::function<Bits(FunctionId, const std::vector<Bits>&)> otherwise = [](FunctionId, const std::vector<Bits>&) {
    return Bits{0};
  };
};

class Terms {
 public:
  // Without `simplify`, constructors fold constants and nothing else: for checking the simplifications.
  explicit Terms(bool simplify = true);
  const Node& operator[](Term t) const { return nodes_[t.id]; }
  size_t size() const { return nodes_.size(); }
  const FunctionInfo& function(FunctionId f) const { return functions_[f]; }
  size_t function_count() const { return functions_.size(); }

  // --- Truth values
  Term truth(bool b) const { return b ? true_ : false_; }
  bool is_true(Term t) const { return t == true_; }
  bool is_false(Term t) const { return t == false_; }
  Term not_(Term);
  Term and_(Term, Term);
  Term or_(Term, Term);
  Term implies(Term a, Term b) { return or_(not_(a), b); }
  Term all(const std::vector<Term>&);
  Term any(const std::vector<Term>&);
  Term eq(Term, Term);  // bit-vectors or truth values
  Term ult(Term, Term);
  Term ule(Term, Term);
  Term slt(Term, Term);
  Term sle(Term, Term);
  // Whether `known` being true makes `wanted` true, as far as the form of the two shows it.
  bool implied(Term known, Term wanted) const;
  // Whether the form of the two shows that they cannot both be true.
  bool contradict(Term, Term) const;

  // --- Bit-vectors
  Term constant(Bits value, uint32_t width);
  bool is_const(Term t) const { return nodes_[t.id].op == Op::kConst; }
  Term ite(Term condition, Term yes, Term no);  // bit-vectors or truth values
  Term add(Term, Term);
  Term sub(Term a, Term b) { return add(a, neg(b)); }
  Term neg(Term);
  Term mul(Term, Term);
  Term udiv(Term, Term);  // of SMT-LIB: division by zero gives all ones
  Term urem(Term, Term);
  Term sdiv(Term, Term);
  Term srem(Term, Term);
  Term band(Term, Term);
  Term bor(Term, Term);
  Term bxor(Term, Term);
  Term bnot(Term);
  Term shl(Term, Term);  // the amount has the width of the value; at least the width: no bit stays
  Term lshr(Term, Term);
  Term ashr(Term, Term);
  Term concat(Term high, Term low);
  Term extract(Term, uint32_t low, uint32_t width);
  Term zext(Term, uint32_t width);
  Term sext(Term, uint32_t width);
  Term bit(Term truth) { return ite(truth, constant(1, 1), constant(0, 1)); }
  // The order of the bytes turned round.
  Term bswap(Term);

  // --- Functions
  FunctionId declare(std::string name, std::vector<uint32_t> arguments, uint32_t width);
  Term apply(FunctionId, std::vector<Term> arguments);
  Term variable(const std::string& name, uint32_t width) { return apply(declare(name, {}, width), {}); }

  uint32_t width(Term t) const { return nodes_[t.id].width; }
  // t = base + offset with a constant offset; a constant has no base (true_ stands for it).
  struct Sum {
    Term base;
    Bits offset = 0;
  };
  Sum split(Term t) const;
  static Term no_base() { return Term{0}; }

  // The value of t in a model; truth values are 0 or 1. Remembers what it has computed in `known`.
  Bits evaluate(Term t, const Model&, std::unordered_map<uint32_t, Bits>& known) const;
  Bits evaluate(Term t, const Model& m) const {
    std::unordered_map<uint32_t, Bits> known;
    return evaluate(t, m, known);
  }

 private:
  Term make(Node);
  Term make(Op op, uint32_t width, std::vector<Term> args, uint32_t low = 0);
  Bits compute(const Node&, const std::vector<Bits>& args) const;
  bool implied(Term known, Term wanted, int depth) const;

  struct Hash {
    size_t operator()(const Node&) const;
  };
  // The term for `op` as it is, or the constant that it is.
  Term plain(Op op, uint32_t width, std::vector<Term> args, uint32_t low = 0);

  const bool simplify_;
  std::vector<Node> nodes_;
  std::unordered_map<Node, uint32_t, Hash> index_;
  std::vector<FunctionInfo> functions_;
  Term true_, false_;
  mutable std::unordered_map<uint64_t, bool> implied_;  // memo
};

}  // namespace lockstep::smt
