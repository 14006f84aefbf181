// Solvers answer what is so, give models that are models, keep their limits, and survive the death of their child.
#include "properties/smt/solver.h"

#include <dirent.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <thread>

namespace lockstep::smt::solver_testing {
namespace {

const Limits kPlenty{std::chrono::seconds(20), 2048};

// A truth value over two variables of three bits, a truth variable, and a function of three bits.
class Problem {
 public:
  explicit Problem(uint64_t seed) : engine_(seed) {
    for (const char* name : {"x", "y"}) variables_.push_back(t.variable(name, kWidth));
    truth_ = t.variable("p", 0);
    function_ = t.declare("f", {kWidth}, kWidth);
    for (int i = 0; i < 3; ++i) assertions.push_back(truth(3));
  }

  // Whether any values of the variables and of the function at all its arguments make all assertions true. The function
  // is tried as a table of 8 entries only where it is asked for, so this walks arguments and not tables.
  bool is_satisfiable() const {
    for (Bits x = 0; x <= 7; ++x) {
      for (Bits y = 0; y <= 7; ++y) {
        for (Bits p = 0; p <= 1; ++p) {
          Model model;
          model.values[{t[variables_[0]].function, {}}] = x;
          model.values[{t[variables_[1]].function, {}}] = y;
          model.values[{t[truth_].function, {}}] = p;
          if (some_function(model)) return true;
        }
      }
    }
    return false;
  }

  bool holds(const Model& model) const {
    for (const Term a : assertions) {
      if (t.evaluate(a, model) == 0) return false;
    }
    return true;
  }

  Terms t;
  std::vector<Term> assertions;

 private:
  static constexpr uint32_t kWidth = 3;
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

  // Gives the function values one by one, as evaluation asks for them.
  bool some_function(const Model& fixed) const {
    std::vector<Model> todo = {fixed};
    while (!todo.empty()) {
      Model model = todo.back();
      todo.pop_back();
      std::optional<Bits> missing;
      model.otherwise = [&](FunctionId, const std::vector<Bits>& arguments) {
        if (!missing) missing = arguments[0];
        return Bits{0};
      };
      const bool good = holds(model);
      if (!missing) {
        if (good) return true;
        continue;
      }
      for (Bits value = 0; value <= 7; ++value) {
        todo.push_back(fixed);
        todo.back().values = model.values;
        todo.back().values[{function_, {*missing}}] = value;
      }
    }
    return false;
  }

  Term number(int depth) {
    if (depth == 0) return below(3) == 0 ? t.constant(below(8), kWidth) : variables_[below(2)];
    const Term a = number(depth - 1), b = number(depth - 1);
    switch (below(16)) {
      case 0:
        return t.add(a, b);
      case 1:
        return t.sub(a, b);
      case 2:
        return t.mul(a, b);
      case 3:
        return t.udiv(a, b);
      case 4:
        return t.urem(a, b);
      case 5:
        return t.sdiv(a, b);
      case 6:
        return t.srem(a, b);
      case 7:
        return t.band(a, b);
      case 8:
        return t.bor(a, b);
      case 9:
        return t.bxor(a, t.bnot(b));
      case 10:
        return t.shl(a, b);
      case 11:
        return t.lshr(a, b);
      case 12:
        return t.ashr(a, b);
      case 13:
        return t.ite(truth(depth - 1), a, b);
      case 14:
        return t.extract(t.concat(a, b), below(4), kWidth);
      default:
        return t.apply(function_, {a});
    }
  }
  Term truth(int depth) {
    if (depth == 0) return below(2) == 0 ? truth_ : t.eq(number(0), number(0));
    switch (below(7)) {
      case 0:
        return t.not_(truth(depth - 1));
      case 1:
        return t.and_(truth(depth - 1), truth(depth - 1));
      case 2:
        return t.or_(truth(depth - 1), truth(depth - 1));
      case 3:
        return t.eq(number(depth - 1), number(depth - 1));
      case 4:
        return t.ult(number(depth - 1), number(depth - 1));
      case 5:
        return t.sle(t.sext(number(depth - 1), 5), t.zext(number(depth - 1), 5));
      default:
        return t.slt(number(depth - 1), number(depth - 1));
    }
  }

  std::mt19937_64 engine_;
  std::vector<Term> variables_;
  Term truth_{};
  FunctionId function_ = 0;
};

void expect_right(Solver& solver, uint64_t first, uint64_t last) {
  size_t sat = 0, unsat = 0;
  for (uint64_t seed = first; seed < last; ++seed) {
    const Problem problem(seed);
    const Answer answer = solver.ask(problem.t, make_query(problem.t, problem.assertions), kPlenty);
    ASSERT_NE(answer.kind, Answer::kUnknown) << "seed " << seed << ": " << answer.reason;
    ASSERT_EQ(answer.kind == Answer::kSat, problem.is_satisfiable()) << "seed " << seed;
    if (answer.kind == Answer::kSat) {
      ASSERT_TRUE(problem.holds(answer.model)) << "seed " << seed << ": the model is none";
    }
    ++(answer.kind == Answer::kSat ? sat : unsat);
  }
  EXPECT_GT(sat, (last - first) / 10);
  EXPECT_GT(unsat, (last - first) / 10);
}

TEST(Solvers, Z3IsRightAboutSmallProblems) { expect_right(*make_z3(), 0, 120); }

TEST(Solvers, Cvc5IsRightAboutTheSame) {
  const std::unique_ptr<Solver> cvc5 = make_cvc5();
  if (!cvc5) GTEST_SKIP() << "there is no program cvc5 in the path";
  expect_right(*cvc5, 0, 40);
}

// Both read the same text.
TEST(Solvers, Z3AndCvc5Agree) {
  const std::unique_ptr<Solver> z3 = make_z3(), cvc5 = make_cvc5();
  if (!cvc5) GTEST_SKIP() << "there is no program cvc5 in the path";
  for (uint64_t seed = 1000; seed < 1030; ++seed) {
    const Problem problem(seed);
    const Query query = make_query(problem.t, problem.assertions);
    EXPECT_EQ(z3->ask(problem.t, query, kPlenty).kind, cvc5->ask(problem.t, query, kPlenty).kind) << "seed " << seed;
  }
}

TEST(Solvers, SayWhoTheyAre) {
  EXPECT_TRUE(make_z3()->name().starts_with("Z3 4."));
  if (const auto cvc5 = make_cvc5()) {
    EXPECT_TRUE(cvc5->name().starts_with("cvc5 1."));
  }
}

TEST(Solvers, WithoutTheProgramThereIsNoCvc5) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  EXPECT_EQ(make_cvc5(), nullptr);
  setenv("PATH", path.c_str(), 1);
}

// --- The text

TEST(Query, IsTheSameForTheSameTerms) {
  const Problem a(7), b(7);
  EXPECT_EQ(make_query(a.t, a.assertions).text, make_query(b.t, b.assertions).text);
}

TEST(Query, NamesMayHoldAnything) {
  Terms t;
  const Term x = t.variable("a|b\\c (; \"", 8), y = t.variable("a|b\\c (; \"", 8);
  const Query query = make_query(t, {t.ult(x, y), t.eq(x, t.constant(0x41, 8))});
  const Answer answer = make_z3()->ask(t, query, kPlenty);
  ASSERT_EQ(answer.kind, Answer::kSat) << answer.reason;
  EXPECT_TRUE(t.evaluate(x, answer.model) == 0x41);
  EXPECT_TRUE(t.evaluate(y, answer.model) > 0x41);
}

TEST(Query, HoldsAllOf128Bits) {
  Terms t;
  const Term x = t.variable("x", 128);
  const Bits value = Bits{0x0123'4567'89ab'cdef} << 64 | 0xfedc'ba98'7654'3210;
  const Answer answer = make_z3()->ask(t, make_query(t, {t.eq(x, t.constant(value, 128))}), kPlenty);
  ASSERT_EQ(answer.kind, Answer::kSat);
  EXPECT_TRUE(t.evaluate(x, answer.model) == value);
}

TEST(Query, FunctionsAreFunctions) {
  Terms t;
  const Term x = t.variable("x", 64), y = t.variable("y", 64);
  const FunctionId f = t.declare("f", {64}, 8), p = t.declare("p", {64, 64}, 0);
  const auto z3 = make_z3();
  const Term differ = t.not_(t.eq(t.apply(f, {x}), t.apply(f, {y})));
  EXPECT_EQ(z3->ask(t, make_query(t, {t.eq(x, y), differ}), kPlenty).kind, Answer::kUnsat);
  const Term pxy = t.apply(p, {x, y}), pyx = t.apply(p, {y, x});
  EXPECT_EQ(z3->ask(t, make_query(t, {t.eq(x, y), pxy, t.not_(pyx)}), kPlenty).kind, Answer::kUnsat);
  const Answer answer = z3->ask(t, make_query(t, {differ, pxy, t.not_(pyx)}), kPlenty);
  ASSERT_EQ(answer.kind, Answer::kSat);
  for (const Term term : {differ, pxy, t.not_(pyx)}) EXPECT_TRUE(t.evaluate(term, answer.model) == 1);
  // An argument that is itself an application.
  const Term ff = t.apply(f, {t.zext(t.apply(f, {x}), 64)});
  const Answer nested = z3->ask(t, make_query(t, {t.eq(ff, t.constant(9, 8)), t.eq(x, t.constant(2, 64))}), kPlenty);
  ASSERT_EQ(nested.kind, Answer::kSat);
  EXPECT_TRUE(t.evaluate(ff, nested.model) == 9);
}

TEST(Query, MayBeDeep) {
  Terms t;
  const Term x = t.variable("x", 32);
  Term deep = x;
  for (uint32_t i = 0; i < 500; ++i) deep = t.bxor(t.add(deep, x), t.constant(i, 32));
  const Answer answer = make_z3()->ask(t, make_query(t, {t.eq(x, t.constant(0, 32)), t.ult(deep, x)}), kPlenty);
  EXPECT_EQ(answer.kind, Answer::kUnsat) << answer.reason;
}

TEST(Query, WithNothingToAskAboutHasAnAnswer) {
  Terms t;
  const auto z3 = make_z3();
  EXPECT_EQ(z3->ask(t, make_query(t, {}), kPlenty).kind, Answer::kSat);
  EXPECT_EQ(z3->ask(t, make_query(t, {t.truth(false)}), kPlenty).kind, Answer::kUnsat);
}

// --- Limits and accidents

// Whether a product of two numbers of 64 bits has these factors: more than a minute for any solver.
Query hard_query(Terms& t) {
  const Term x = t.variable("x", 128), y = t.variable("y", 128);
  const Term small = t.constant(Bits{1} << 62, 128);
  const Bits product = Bits{4'611'686'018'427'387'847} * Bits{4'611'686'018'427'387'817};
  return make_query(t, {t.eq(t.mul(x, y), t.constant(product, 128)), t.ult(x, small), t.ult(y, small),
                        t.ult(t.constant(1, 128), x), t.ult(t.constant(1, 128), y)});
}

void expect_works(Solver& solver) {
  Terms t;
  const Term x = t.variable("x", 8);
  const Answer yes = solver.ask(t, make_query(t, {t.eq(t.add(x, x), t.constant(6, 8))}), kPlenty);
  ASSERT_EQ(yes.kind, Answer::kSat) << yes.reason;
  EXPECT_TRUE((t.evaluate(x, yes.model) & 0x7f) == 3);
  EXPECT_EQ(solver.ask(t, make_query(t, {t.eq(t.add(x, x), t.constant(7, 8))}), kPlenty).kind, Answer::kUnsat);
}

TEST(Words, AreFunctionsOfTheirAddress) {
  for (const bool simplify : {true, false}) {
    Terms t(simplify);
    const FunctionId memory = t.declare("memory", {64}, 8), other = t.declare("other", {64}, 8);
    const Term p = t.variable("p", 64), q = t.variable("q", 64);
    const auto load = [&](Term address, uint32_t bytes, uint64_t step, FunctionId last) {
      Term value = t.apply(memory, {address});
      for (uint64_t i = 1; i < bytes; ++i) {
        value = t.concat(t.apply(i + 1 == bytes ? last : memory, {t.add(address, t.constant(i * step, 64))}), value);
      }
      return value;
    };
    const auto z3 = make_z3();
    const auto ask = [&](Term different) {
      const Query words = make_query_of_words(t, {t.eq(p, q), different});
      EXPECT_TRUE(words.asked.empty());
      return z3->ask(t, words, kPlenty).kind;
    };
    const auto differ = [&](Term a, Term b) { return t.not_(t.eq(a, b)); };
    const Term word = load(p, 8, 1, memory);
    EXPECT_EQ(ask(differ(word, load(q, 8, 1, memory))), Answer::kUnsat);
    EXPECT_NE(make_query_of_words(t, {differ(word, load(q, 8, 1, memory))}).text.find(" by 8|"), std::string::npos);
    // Words that share a byte do not know of it: such a yes says nothing.
    const Term next = t.add(p, t.constant(1, 64));
    const std::vector<Term> overlapping = {t.eq(load(p, 2, 1, memory), t.constant(0x0102, 16)),
                                           t.eq(load(next, 2, 1, memory), t.constant(0x0304, 16))};
    EXPECT_EQ(z3->ask(t, make_query_of_words(t, overlapping), kPlenty).kind, Answer::kSat);
    EXPECT_EQ(z3->ask(t, make_query(t, overlapping), kPlenty).kind, Answer::kUnsat);
    // What is no word stays bytes.
    for (const Term none : {load(p, 4, 2, memory), load(p, 4, 1, other)}) {
      const std::string text = make_query_of_words(t, {t.eq(none, t.constant(5, 32))}).text;
      EXPECT_EQ(text.find(" by 4|"), std::string::npos) << text;
    }
    const Term backwards = t.concat(t.apply(memory, {p}), t.apply(memory, {t.add(p, t.constant(1, 64))}));
    EXPECT_EQ(make_query_of_words(t, {t.eq(backwards, t.constant(5, 16))}).text.find(" by 2|"), std::string::npos);
    EXPECT_EQ(ask(differ(backwards, t.concat(t.apply(memory, {q}), t.apply(memory, {t.add(q, t.constant(1, 64))})))),
              Answer::kUnsat);
  }
}

TEST(Limits, OfTimeAreKept) {
  Terms t;
  const Query query = hard_query(t);
  std::vector<std::unique_ptr<Solver>> solvers;
  solvers.push_back(make_z3());
  if (auto cvc5 = make_cvc5()) solvers.push_back(std::move(cvc5));
  for (const auto& solver : solvers) {
    const auto start = std::chrono::steady_clock::now();
    const Answer answer = solver->ask(t, query, {std::chrono::milliseconds(300), 2048});
    EXPECT_EQ(answer.kind, Answer::kUnknown);
    EXPECT_EQ(answer.reason, "timeout after 0.3 s");
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
    EXPECT_GE(answer.took, std::chrono::milliseconds(300));
    expect_works(*solver);
  }
}

#ifndef __SANITIZE_ADDRESS__  // whose own memory is beyond every limit
TEST(Limits, OfMemoryAreKept) {
  Terms t;
  const Query query = hard_query(t);
  std::vector<std::unique_ptr<Solver>> solvers;
  solvers.push_back(make_z3());
  if (auto cvc5 = make_cvc5()) solvers.push_back(std::move(cvc5));
  for (const auto& solver : solvers) {
    const Answer answer = solver->ask(t, query, {std::chrono::seconds(20), 64});
    EXPECT_EQ(answer.kind, Answer::kUnknown);
    const bool says_so = answer.reason.find("out of memory") != std::string::npos || answer.reason == "the solver died";
    EXPECT_TRUE(says_so) << solver->name() << ": " << answer.reason;
    expect_works(*solver);
  }
}
#endif

// The processes that this one has started, less those that are known.
std::vector<pid_t> children(const std::vector<pid_t>& known = {}) {
  std::vector<pid_t> list;
  if (DIR* threads = opendir("/proc/self/task")) {
    while (const dirent* thread = readdir(threads)) {
      std::ifstream in(std::string("/proc/self/task/") + thread->d_name + "/children");
      for (pid_t pid; in >> pid;) {
        if (std::find(known.begin(), known.end(), pid) == known.end()) list.push_back(pid);
      }
    }
    closedir(threads);
  }
  return list;
}

// The time that a process has used, in the kernel's ticks; nullopt when it is gone.
std::optional<uint64_t> used_ticks(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  // Behind the name, which may hold anything: state, ten numbers, and the two times.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) rest >> skipped;
  uint64_t user = 0, system = 0;
  rest >> user >> system;
  return user + system;
}

TEST(Accidents, AChildThatIsKilledIsUnknownAndReplaced) {
  const std::vector<pid_t> others = children();
  const auto z3 = make_z3();
  expect_works(*z3);
  // While it waits for a question…
  const std::vector<pid_t> first = children(others);
  ASSERT_EQ(first.size(), 1u);
  kill(first[0], SIGKILL);
  Terms t;
  const Query query = hard_query(t);
  const Answer at_rest = z3->ask(t, query, kPlenty);
  EXPECT_EQ(at_rest.kind, Answer::kUnknown);
  EXPECT_EQ(at_rest.reason, "out of memory, or the solver died");
  expect_works(*z3);
  // … and while it works on one.
  const std::vector<pid_t> second = children(others);
  ASSERT_EQ(second.size(), 1u);
  const uint64_t at_first = used_ticks(second[0]).value_or(0);
  std::thread killer([&] {
    while (used_ticks(second[0]).value_or(UINT64_MAX) < at_first + 3) std::this_thread::yield();
    kill(second[0], SIGKILL);
  });
  const Answer at_work = z3->ask(t, query, kPlenty);
  killer.join();
  EXPECT_EQ(at_work.kind, Answer::kUnknown);
  EXPECT_EQ(at_work.reason, "out of memory, or the solver died");
  expect_works(*z3);
}

TEST(Accidents, NoChildIsLeftBehind) {
  const std::vector<pid_t> others = children();
  {
    const auto z3 = make_z3();
    expect_works(*z3);
    EXPECT_EQ(children(others).size(), 1u);
    Terms t;
    EXPECT_EQ(z3->ask(t, hard_query(t), {std::chrono::milliseconds(50), 2048}).kind, Answer::kUnknown);
    EXPECT_EQ(children(others).size(), 0u) << "one that is busy is not kept";
    expect_works(*z3);
  }
  EXPECT_EQ(children(others).size(), 0u);
}

TEST(Accidents, TextThatIsNoneIsUnknownWithWhatTheSolverSaid) {
  std::vector<std::unique_ptr<Solver>> solvers;
  solvers.push_back(make_z3());
  if (auto cvc5 = make_cvc5()) solvers.push_back(std::move(cvc5));
  Terms t;
  for (const auto& solver : solvers) {
    for (const char* text : {"(assert", "(check-sat) (nonsense)", "", "(assert (bvadd x y))", "\xff\xfe"}) {
      Query query;
      query.text = text;
      query.asked = {t.variable("x", 8)};
      const Answer answer = solver->ask(t, query, kPlenty);
      EXPECT_EQ(answer.kind, Answer::kUnknown) << solver->name() << ": " << text;
      EXPECT_NE(answer.reason, "") << solver->name() << ": " << text;
      expect_works(*solver);
    }
  }
}

TEST(Accidents, AModelThatCannotBeReadIsUnknown) {
  Terms t;
  const Term x = t.variable("x", 8), y = t.variable("y", 8);
  Query query = make_query(t, {t.ult(x, y)});
  query.asked.pop_back();
  const Answer answer = make_z3()->ask(t, query, kPlenty);
  EXPECT_EQ(answer.kind, Answer::kUnknown);
  EXPECT_EQ(answer.reason, "the solver's model could not be read");
}

TEST(Accidents, AQuestionBeyondThePipesSizeArrives) {
  Terms t;
  std::vector<Term> assertions;
  for (uint32_t i = 0; i < 2'000; ++i) {
    const Term x = t.variable("a number with a name that makes the text long", 64);
    assertions.push_back(t.ult(t.bxor(x, t.constant(i, 64)), t.constant(5, 64)));
  }
  const Query query = make_query(t, assertions);
  EXPECT_GT(query.text.size(), size_t{1} << 18);
  const Answer answer = make_z3()->ask(t, query, kPlenty);
  ASSERT_EQ(answer.kind, Answer::kSat) << answer.reason;
  for (const Term a : assertions) ASSERT_TRUE(t.evaluate(a, answer.model) == 1);
}

}  // namespace
}  // namespace lockstep::smt::solver_testing
