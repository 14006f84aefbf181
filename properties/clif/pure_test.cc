// The verifier's meaning of every pure instruction is what the interpreter computes: on all types, on edge values and
// on random ones. Floats are opaque to the verifier; of them only that they are the same function on both sides.
#include <gtest/gtest.h>

#include <map>

#include "diff/random.h"
#include "optimized/clif/interpreter.h"
#include "properties/clif/random_function.h"
#include "properties/clif/symbolic.h"

namespace lockstep::refinement {
namespace {

smt::Bits as_term(clif::Bits b) { return static_cast<smt::Bits>(b.hi) << 64 | b.lo; }
clif::Bits as_bits(smt::Bits b) { return {static_cast<uint64_t>(b), static_cast<uint64_t>(b >> 64)}; }

// Values at the edges of a type, of narrower ones, and around what shifts take modulo.
std::vector<smt::Bits> edges(Type type) {
  const uint32_t w = type.bits();
  std::vector<smt::Bits> list;
  const auto add = [&](smt::Bits b) { list.push_back(b & smt::mask_of(w)); };
  for (const int n : {0, 1, 2, 3, 7, 8, 9, 15, 16, 31, 32, 63, 64, 65, 127, 128, 200, 255})
    add(static_cast<smt::Bits>(n));
  for (const int n : {1, 2, 3, 8}) add(~smt::Bits{0} - static_cast<smt::Bits>(n) + 1);
  for (const uint32_t bits : {8U, 16U, 32U, 64U, 128U}) {
    if (bits > w) break;
    const smt::Bits top = smt::Bits{1} << (bits - 1);
    for (const smt::Bits b : {top, top - 1, top + 1, smt::mask_of(bits), smt::mask_of(bits) - 1}) add(b);
  }
  add(static_cast<smt::Bits>(0x0123456789abcdef) << 64 | 0xfedcba9876543210);
  if (type == kF32) {
    for (const uint32_t b : {0x3f800000U, 0xbf800000U, 0x7f800000U, 0x7fc00000U, 0x7f800001U, 0x4f000000U}) add(b);
  }
  if (type == kF64) {
    for (const uint64_t b : {0x3ff0000000000000U, 0x7ff0000000000000U, 0x7ff8000000000001U, 0x41e0000000000000U})
      add(b);
  }
  return list;
}

smt::Bits random_value(Type type, diff::Random& r) {
  smt::Bits b = static_cast<smt::Bits>(r.next()) << 64 | r.next();
  // Often with runs of equal bits.
  if (r.chance(40)) b &= static_cast<smt::Bits>(r.next()) << 64 | r.next();
  if (r.chance(30)) b >>= r.below(type.bits());
  if (r.chance(20)) b = ~b;
  return b & smt::mask_of(type.bits());
}

bool is_opaque(const PureForm& form) {
  if (form.op == Opcode::kSelect || form.op == Opcode::kSelectSpectreGuard || form.op == Opcode::kBitcast) return false;
  const auto is_float = [](Type t) { return t.is_float(); };
  return std::any_of(form.args.begin(), form.args.end(), is_float) ||
         std::any_of(form.results.begin(), form.results.end(), is_float);
}

std::string name(const PureForm& form) {
  std::string text(name_of(form.op));
  if (form.op == Opcode::kIcmp) text += "." + std::string(name_of(form.int_cc));
  text += "." + form.type.str() + "(";
  for (const Type t : form.args) text += t.str() + " ";
  return text + ")";
}

// One instruction in a function of its own.
struct Case {
  Function function;
  Inst inst;
  explicit Case(const PureForm& form) : inst(instruction(form)) {
    Value next = 0;
    for (const Type t : form.args) {
      function.types[next] = t;
      inst.args.push_back(next++);
    }
    for (const Type t : form.results) {
      function.types[next] = t;
      inst.results.push_back(next++);
    }
  }
};

// "" or how the meaning differs from what is computed. `symbolic`: the operands are variables whose values a model
// gives; otherwise they are constants, which are computed with as terms are made.
class Comparison {
 public:
  explicit Comparison(const PureForm& form) : form_(form), case_(form), out_(t_, true, promises_) {
    std::vector<Term> variables;
    for (const Type t : form.args) {
      variables.push_back(t_.variable("x" + std::to_string(variables.size()), t.bits()));
    }
    symbolic_ = pure(out_, case_.function, case_.inst, variables);
    for (const Term v : variables) ids_.push_back(t_[v].function);
  }
  std::string operator()(const std::vector<smt::Bits>& operands) {
    std::vector<clif::Bits> bits;
    for (const smt::Bits b : operands) bits.push_back(as_bits(b));
    const Evaluated expected = evaluate(case_.function, case_.inst, bits);
    smt::Model model;
    for (size_t i = 0; i < operands.size(); ++i) model.values[{ids_[i], {}}] = operands[i];
    std::vector<Term> constants;
    for (size_t i = 0; i < operands.size(); ++i) constants.push_back(t_.constant(operands[i], form_.args[i].bits()));
    std::string what = compare(symbolic_, expected, model);
    if (!what.empty()) return what + " (symbolic)";
    what = compare(pure(out_, case_.function, case_.inst, constants), expected, model);
    return what.empty() ? "" : what + " (constant)";
  }

 private:
  std::string compare(const PureResult& r, const Evaluated& expected, const smt::Model& model) const {
    std::unordered_map<uint32_t, smt::Bits> known;
    std::optional<TrapCode> trap;
    for (const auto& [condition, code] : r.traps) {
      if (!trap && t_.evaluate(condition, model, known) != 0) trap = code;
    }
    if (trap != expected.trap)
      return "traps with " + trap.value_or("nothing") + ", not " + expected.trap.value_or("nothing");
    if (trap) return "";
    if (r.results.size() != expected.results.size()) return "another number of results";
    for (size_t i = 0; i < r.results.size(); ++i) {
      if (t_.width(r.results[i]) != form_.results[i].bits()) return "another width";
      const smt::Bits is = t_.evaluate(r.results[i], model, known);
      if (is != as_term(expected.results[i]))
        return "is " + smt::hex(is) + ", not " + smt::hex(as_term(expected.results[i]));
    }
    return "";
  }

  const PureForm form_;
  const Case case_;
  const Promises promises_;
  Terms t_;
  Outside out_;
  PureResult symbolic_;
  std::vector<FunctionId> ids_;
};

TEST(Pure, MeaningIsWhatTheInterpreterComputes) {
  diff::Random r(1);
  size_t compared = 0, forms = 0;
  std::map<std::string, size_t> unsupported;
  for (const PureForm& form : pure_forms()) {
    if (is_opaque(form)) continue;
    std::optional<Comparison> comparison;
    try {
      comparison.emplace(form);
    } catch (const UnsupportedOperation& u) {
      ++unsupported[u.name];
      continue;
    }
    ++forms;
    const auto check = [&](const std::vector<smt::Bits>& operands) {
      const std::string difference = (*comparison)(operands);
      ++compared;
      std::string text;
      for (const smt::Bits b : operands) text += smt::hex(b) + " ";
      EXPECT_EQ(difference, "") << name(form) << " of " << text;
      return difference.empty();
    };
    // All pairs of edges for one or two operands; of three, the third is drawn.
    std::vector<std::vector<smt::Bits>> lists;
    for (const Type t : form.args) lists.push_back(edges(t));
    bool fine = true;
    for (size_t i = 0; fine && i < lists[0].size(); ++i) {
      for (size_t k = 0; fine && k < (lists.size() > 1 ? lists[1].size() : 1); ++k) {
        std::vector<smt::Bits> operands = {lists[0][i]};
        if (lists.size() > 1) operands.push_back(lists[1][k]);
        if (lists.size() > 2) operands.push_back(r.chance(50) ? r.pick(lists[2]) : random_value(form.args[2], r));
        fine = check(operands);
      }
    }
    for (int n = 0; fine && n < 200; ++n) {
      std::vector<smt::Bits> operands;
      for (const Type t : form.args) operands.push_back(random_value(t, r));
      fine = check(operands);
    }
  }
  EXPECT_GT(forms, 500U);
  EXPECT_GT(compared, 400'000U);
  // The product of two i128 has no room in a term.
  const std::map<std::string, size_t> expected = {{"smulhi.i128", 1}, {"umulhi.i128", 1}};
  EXPECT_EQ(unsupported, expected);
  RecordProperty("forms", static_cast<int>(forms));
  RecordProperty("compared", static_cast<int>(compared));
}

// An opaque operation is one function of its operands: equal terms for equal operands, and none for others.
TEST(Pure, AnOpaqueOperationIsAFunctionOfItsOperands) {
  std::map<std::vector<FunctionId>, std::string> known;
  Terms t;
  const Promises promises;
  Outside out(t, true, promises);
  size_t forms = 0;
  for (const PureForm& form : pure_forms()) {
    if (!is_opaque(form)) continue;
    const Case c(form);
    std::vector<Term> one, other;
    for (const Type type : form.args) {
      one.push_back(t.variable("x" + std::to_string(one.size()) + type.str(), type.bits()));
      other.push_back(t.variable("y" + std::to_string(other.size()) + type.str(), type.bits()));
    }
    const PureResult a = pure(out, c.function, c.inst, one), b = pure(out, c.function, c.inst, one);
    const PureResult different = pure(out, c.function, c.inst, other);
    std::string text = name(form) + (form.op == Opcode::kFcmp ? std::string(name_of(form.float_cc)) : "");
    EXPECT_EQ(a.results, b.results) << text;
    EXPECT_NE(a.results, different.results) << text;
    std::vector<FunctionId> functions;
    for (const Term r : a.results) functions.push_back(t[r].function);
    const auto [it, is_new] = known.emplace(functions, text);
    EXPECT_TRUE(is_new) << text << " and " << it->second << " are the same function";
    ++forms;
  }
  EXPECT_GT(forms, 50U);
}

}  // namespace
}  // namespace lockstep::refinement
