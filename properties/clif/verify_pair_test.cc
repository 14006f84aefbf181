// What stands around a verdict: what is refused, where the solver gives up, loops that are only unrolled, warnings of
// emptiness, promises that are needed, and counterexamples made small. Verdicts themselves are pairs_test.cc.
#include "properties/clif/verify_pair.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"
#include "traces/testing.h"

namespace lockstep::refinement::verifying {
namespace {

using traces::testing::Folder;

Function function_of(const std::string& text) { return read_functions(text).at(0); }

// A function of one block over v0 (i64), v1 (i32) and v2 (i32), or of what `rest` says.
Function body(const std::string& instructions, const std::string& preamble = "", const std::string& returns = "") {
  return function_of("function %f(i64, i32, i32)" + returns + " {\n" + preamble +
                     "\nblock0(v0: i64, v1: i32, v2: i32):\n" + instructions + "\n}\n");
}

smt::Solver& z3() {
  static const std::unique_ptr<smt::Solver> solver = smt::make_z3();
  return *solver;
}

VerifyOptions few_runs() {
  VerifyOptions options;
  options.random_runs = 50;
  return options;
}
PairResult verify(const Function& before, const Function& after, const VerifyOptions& options = few_runs()) {
  return verify_pair(before, after, options, z3());
}
VerifyOptions promising(const std::string& text) {
  VerifyOptions options = few_runs();
  options.promises = read_promises(text);
  return options;
}

bool mentions(const std::vector<std::string>& lines, const std::string& part) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

const std::string kHeap = "region0 = 1 \"Heap\"";
const std::string kTwoRegions = "region0 = 1 \"Left\"\nregion1 = 2 \"Right\"";

// --- Identical

TEST(VerifyPair, IdenticalIsTheTextWithoutNameAndComments) {
  const Function f = function_of("; one\nfunction %one(i32) -> i32 {\nblock0(v0: i32):\n  return v0\n}\n");
  const Function g = function_of("; two\nfunction %two(i32) -> i32 fast {\nblock0(v0: i32):\n  return v0\n}\n");
  const PairResult r = verify(f, g);
  EXPECT_EQ(r.verdict, Verdict::kIdentical);
  EXPECT_EQ(r.queries, 0u);
  EXPECT_EQ(r.random_runs, 0u);
  EXPECT_EQ(r.reason, "");
  // Other numbers are another text, with nothing to prove by a solver.
  const Function h = function_of("function %one(i32) -> i32 {\nblock0(v7: i32):\n  return v7\n}\n");
  EXPECT_EQ(verify(f, h).verdict, Verdict::kProved);
}

// --- What is not supported

TEST(VerifyPair, AnOperationWithoutMeaningIsNamedWithItsLine) {
  const Function f = body("v3 = get_pinned_reg.i64\nv4 = iadd v1, v2\nreturn");
  const Function g = body("v3 = get_pinned_reg.i64\nreturn");
  const PairResult r = verify(f, g);
  EXPECT_EQ(r.verdict, Verdict::kUnsupported);
  EXPECT_EQ(r.reason, "get_pinned_reg (line 4)");
  EXPECT_FALSE(r.counterexample.has_value());

  const std::string wide = "v3 = iconcat v0, v0\n v4 = umulhi v3, v3\n v5, v6 = isplit v4\n";
  const PairResult s =
      verify(body(wide + "v7 = iadd v1, v2\nreturn v5", "", " -> i64"), body(wide + "return v5", "", " -> i64"));
  EXPECT_EQ(s.verdict, Verdict::kUnsupported);
  EXPECT_TRUE(s.reason.starts_with("umulhi.i128 (line ")) << s.reason;
}

TEST(VerifyPair, WhatIsUnsupportedAndNotReachedIsNoMatter) {
  const std::string head = "function %f(i32) {\nblock0(v0: i32):\n  v1 = iconst.i32 1\n";
  const std::string tail =
      "  brif v1, block1, block2\nblock1:\n  return\nblock2:\n  v3 = get_pinned_reg.i64\n  trap user1\n}\n";
  EXPECT_EQ(verify(function_of(head + "  v2 = iadd v0, v0\n" + tail), function_of(head + tail)).verdict,
            Verdict::kProved);
}

TEST(VerifyPair, TheOutsideOfAFunctionMustBeTheSame) {
  const std::string in = "block0(v0: i64, v1: i32):\n";
  struct Case {
    std::string before, after, reason;
  };
  const std::vector<Case> cases = {
      {"function %f(i64 vmctx, i32) {\n" + in + "v2 = iadd v1, v1\nreturn\n}",
       "function %f(i64 vmctx, i32) -> i32 {\n" + in + "return v1\n}", "the signatures differ"},
      {"function %f(i64 vmctx, i32) {\n" + in + "return\n}",
       "function %f(i64 vmctx, i16) {\nblock0(v0: i64, v1: i16):\nreturn\n}", "the signatures differ"},
      {"function %f(i64 vmctx, i32) {\ngv0 = vmctx\ngv1 = load.i64 notrap aligned readonly gv0+8\nstack_limit = gv1\n" +
           in + "return\n}",
       "function %f(i64 vmctx, i32) {\n" + in + "return\n}", "stack_limit differs"},
      {"function %f(i64 vmctx, i32) {\ngv0 = vmctx\ngv1 = load.i64 notrap aligned readonly gv0+8\n" + in + "return\n}",
       "function %f(i64 vmctx, i32) {\ngv0 = vmctx\ngv1 = load.i64 notrap aligned readonly gv0+16\n" + in + "return\n}",
       "gv1 differs"},
      {"function %f(i64 vmctx, i32) {\nss0 = explicit_slot 8\n" + in + "return\n}",
       "function %f(i64 vmctx, i32) {\nss0 = explicit_slot 16\n" + in + "return\n}", "ss0 differs"},
      {"function %f(i64 vmctx, i32) {\nregion0 = 1 \"A\"\n" + in + "return\n}",
       "function %f(i64 vmctx, i32) {\nregion0 = 2 \"A\"\n" + in + "return\n}", "region0 differs"},
  };
  for (const Case& c : cases) {
    const PairResult r = verify(function_of(c.before), function_of(c.after));
    EXPECT_EQ(r.verdict, Verdict::kUnsupported) << c.after;
    EXPECT_EQ(r.reason, c.reason);
  }
}

// --- Limits

// Whether a number of 124 bits is a product of two smaller ones: beyond any solver.
std::pair<Function, Function> hard() {
  const auto f = [](const std::string& result) {
    return function_of(
        "function %f(i64, i64) -> i8 {\nblock0(v0: i64, v1: i64):\n"
        "v2 = iconst.i64 0x0fff_ffff_ffff_fe11\nv3 = iconst.i64 0x0c3a_5c85_c97c_b127\nv4 = iconst.i64 1\n"
        "v5 = imul v0, v1\nv6 = umulhi v0, v1\nv7 = icmp eq v5, v2\nv8 = icmp eq v6, v3\n"
        "v9 = icmp ult v4, v0\nv10 = icmp ult v4, v1\n"
        "v11 = band v7, v8\nv12 = band v9, v10\nv13 = band v11, v12\nv14 = iconst.i8 0\nreturn " +
        result + "\n}");
  };
  return {f("v13"), f("v14")};
}
void expect_easy_pair_is_proved(const VerifyOptions& options, smt::Solver& solver) {
  const PairResult r = verify_pair(
      body("v3 = bor v1, v2\nreturn v3", "", " -> i32"),
      body("v3 = bnot v1\nv4 = bnot v2\nv5 = band v3, v4\nv6 = bnot v5\nreturn v6", "", " -> i32"), options, solver);
  EXPECT_EQ(r.verdict, Verdict::kProved) << r.reason;
  EXPECT_GT(r.queries, 0u);
}

TEST(VerifyPair, ATimeLimitMakesItUnknownAndHarmsNobodyElse) {
  const auto [before, after] = hard();
  VerifyOptions options = few_runs();
  const auto solver = smt::make_z3();
  options.limits.time = std::chrono::milliseconds(1);
  PairResult r = verify_pair(before, after, options, *solver);
  EXPECT_EQ(r.verdict, Verdict::kUnknown);
  EXPECT_TRUE(r.reason.starts_with("timeout")) << r.reason;
  EXPECT_FALSE(r.counterexample.has_value());
  expect_easy_pair_is_proved(few_runs(), *solver);
  options.limits.time = std::chrono::milliseconds(400);
  const auto start = std::chrono::steady_clock::now();
  r = verify_pair(before, after, options, *solver);
  EXPECT_EQ(r.verdict, Verdict::kUnknown);
  EXPECT_TRUE(r.reason.starts_with("timeout after 0.")) << r.reason;
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
  expect_easy_pair_is_proved(few_runs(), *solver);
}

#ifndef __SANITIZE_ADDRESS__  // whose own memory is beyond every limit
TEST(VerifyPair, AMemoryLimitMakesItUnknownAndHarmsNobodyElse) {
  const auto [before, after] = hard();
  VerifyOptions options = few_runs();
  const auto solver = smt::make_z3();
  options.limits.memory_mib = 64;
  const PairResult r = verify_pair(before, after, options, *solver);
  EXPECT_EQ(r.verdict, Verdict::kUnknown);
  EXPECT_TRUE(r.reason.find("memory") != std::string::npos || r.reason == "the solver died") << r.reason;
  expect_easy_pair_is_proved(few_runs(), *solver);
}
#endif

// --- Loops

// Two entries; after four rounds by the first of them the second value is returned.
std::string irreducible(const std::string& result) {
  return "function %f(i32, i8) -> i32 {\nblock0(v0: i32, v1: i8):\n v2 = iconst.i32 1\n v3 = iconst.i32 0\n v9 = "
         "iconst.i32 5\n"
         " brif v1, block1(v3), block2(v3)\n"
         "block1(v4: i32):\n v5 = iadd v4, v2\n v6 = icmp ult v5, v0\n brif v6, block2(v5), block3(v5)\n"
         "block2(v7: i32):\n v10 = iadd v7, v2\n v8 = icmp ult v10, v0\n brif v8, block1(v10), block3(v10)\n"
         "block3(v11: i32):\n" +
         result + "\n}\n";
}

TEST(VerifyPair, ALoopThatCannotBeCutIsBounded) {
  const Function before = function_of(irreducible("v12 = iadd v11, v2\nv13 = isub v12, v2\nreturn v13"));
  const Function after = function_of(irreducible("return v11"));
  for (const uint32_t k : {1U, 3U}) {
    VerifyOptions options = few_runs();
    options.unroll = k;
    const PairResult r = verify(before, after, options);
    EXPECT_EQ(r.verdict, Verdict::kBounded);
    EXPECT_EQ(r.bound, k);
    EXPECT_EQ(r.reason, "a loop has two entries");
    EXPECT_FALSE(r.loops_cut);
  }
}

TEST(VerifyPair, WhatDiffersBeyondTheBoundIsFoundByUnrollingMore) {
  // Different from the eleventh round on.
  const Function before = function_of(irreducible("return v11"));
  const Function after =
      function_of(irreducible("v12 = iconst.i32 11\nv13 = icmp uge v11, v12\nv14 = select v13, v3, v11\nreturn v14"));
  VerifyOptions options = few_runs();
  options.random_runs = 0;
  options.unroll = 2;
  EXPECT_EQ(verify(before, after, options).verdict, Verdict::kBounded);
  options.unroll = 8;
  const PairResult r = verify(before, after, options);
  EXPECT_EQ(r.verdict, Verdict::kRefuted) << r.reason;
  // Or by chance: that is all that a refutation needs.
  options.unroll = 1;
  options.random_runs = 200;
  const PairResult by_chance = verify(before, after, options);
  EXPECT_EQ(by_chance.verdict, Verdict::kRefuted);
  EXPECT_TRUE(by_chance.reason.starts_with("found by run ")) << by_chance.reason;
  EXPECT_EQ(by_chance.internal_error, "");
}

TEST(VerifyPair, ALoopThatIsCutIsProvedForEveryNumberOfRounds) {
  const std::string head =
      "function %f(i64, i32) {\nregion0 = 1 \"Heap\"\nblock0(v0: i64, v1: i32):\n v2 = iconst.i32 1\n jump block1(v1)\n"
      "block1(v3: i32):\n";
  const std::string tail =
      " store notrap region0 v3, v0\n v4 = isub v3, v2\n brif v4, block1(v4), block2\nblock2:\n return\n}\n";
  const PairResult r = verify(function_of(head + " store notrap region0 v2, v0\n" + tail), function_of(head + tail));
  EXPECT_EQ(r.verdict, Verdict::kProved) << r.reason;
  EXPECT_TRUE(r.loops_cut);
  EXPECT_EQ(r.stores_before, 2u);
  EXPECT_EQ(r.stores_after, 1u);
}

// --- Emptiness

TEST(VerifyPair, PromisesThatContradictEachOtherAreWarnedOf) {
  // One place under two regions.
  const Function before = body("store notrap region0 v1, v0\nstore notrap region1 v2, v0\nreturn", kTwoRegions);
  const Function after = body("store notrap region1 v2, v0\nreturn", kTwoRegions);
  const PairResult r = verify(before, after);
  EXPECT_EQ(r.verdict, Verdict::kProved);
  EXPECT_EQ(r.random_runs, 0u);
  EXPECT_TRUE(mentions(r.warnings, "contradict each other")) << r.warnings.size();
}

TEST(VerifyPair, AStoreThatIsElidedOnAPathThatIsNeverTakenIsWarnedOf) {
  const std::string head =
      "function %f(i64, i32) {\nregion0 = 1 \"Heap\"\nblock0(v0: i64, v1: i32):\n v2 = iconst.i32 1\n v3 = bor v1, v2\n"
      " brif v3, block1, block2\nblock1:\n return\nblock2:\n";
  const std::string tail = " store notrap region0 v1, v0\n return\n}\n";
  const PairResult r = verify(function_of(head + " store notrap region0 v2, v0\n" + tail), function_of(head + tail));
  EXPECT_EQ(r.verdict, Verdict::kProved) << r.reason;
  EXPECT_GT(r.random_runs, 0u);
  EXPECT_TRUE(mentions(r.warnings, "store")) << (r.warnings.empty() ? "none" : r.warnings[0]);
}

TEST(VerifyPair, AnOrdinaryProofHasNoWarning) {
  const PairResult r = verify(body("store notrap region0 v1, v0\nstore notrap region0 v2, v0\nreturn", kHeap),
                              body("store notrap region0 v2, v0\nreturn", kHeap));
  EXPECT_EQ(r.verdict, Verdict::kProved);
  EXPECT_GT(r.random_runs, 40u);
  EXPECT_TRUE(r.warnings.empty()) << r.warnings[0];
  EXPECT_TRUE(r.assumptions.empty()) << r.assumptions[0];
}

// --- What a verdict rests on

TEST(VerifyPair, TrustInRegionsIsAnAssumptionAndCanBeWithdrawn) {
  const std::string head = "v3 = load.i32 notrap region0 v0\nv5 = uextend.i64 v1\nstore notrap region1 v2, v5\n";
  const Function before =
      body(head + "v4 = load.i32 notrap region0 v0\nv6 = iadd v3, v4\nreturn v6", kTwoRegions, " -> i32");
  const Function after = body(head + "v6 = iadd v3, v3\nreturn v6", kTwoRegions, " -> i32");
  VerifyOptions options = few_runs();
  const PairResult trusting = verify(before, after, options);
  EXPECT_EQ(trusting.verdict, Verdict::kProved);
  EXPECT_TRUE(mentions(trusting.assumptions, "regions"));
  options.trust_regions = false;
  const PairResult distrustful = verify(before, after, options);
  EXPECT_EQ(distrustful.verdict, Verdict::kRefuted) << distrustful.reason;
  EXPECT_FALSE(mentions(distrustful.assumptions, "regions"));
}

TEST(VerifyPair, FlagsThatAProofNeedsAreNamed) {
  const PairResult notrap =
      verify(body("store notrap v1, v0\nstore notrap v2, v0\nreturn"), body("store user1 v2, v0\nreturn"));
  EXPECT_EQ(notrap.verdict, Verdict::kProved) << notrap.reason;
  EXPECT_TRUE(mentions(notrap.assumptions, "'notrap'"));
  const PairResult aligned =
      verify(body("v3 = load.i32 notrap aligned v0\nv4 = iconst.i64 1\nv5 = band v0, v4\nreturn v5", "", " -> i64"),
             body("v3 = load.i32 notrap aligned v0\nv5 = iconst.i64 0\nreturn v5", "", " -> i64"));
  EXPECT_EQ(aligned.verdict, Verdict::kProved) << aligned.reason;
  EXPECT_TRUE(mentions(aligned.assumptions, "'aligned'"));
}

TEST(VerifyPair, ThePromiseThatIsNeededIsTheFactToTeach) {
  const std::string preamble = kTwoRegions + "\nfn0 = %g()";
  const Function before =
      body("store notrap region0 v1, v0\ncall fn0()\nstore notrap region0 v2, v0\nreturn", preamble);
  const Function after = body("call fn0()\nstore notrap region0 v2, v0\nreturn", preamble);
  const PairResult r = verify(before, after,
                              promising("untagged-apart\n"
                                        "call %g never-reads \"Left\"\n"
                                        "call %g never-traps\n"
                                        "call %g never-writes \"Right\"\n"));
  EXPECT_EQ(r.verdict, Verdict::kProved) << r.reason;
  EXPECT_TRUE(mentions(r.facts_to_teach, "call %g never-reads \"Left\""));
  EXPECT_FALSE(mentions(r.facts_to_teach, "untagged-apart"));
  EXPECT_TRUE(mentions(r.assumptions, "promised: call %g never-reads \"Left\""));
}

TEST(VerifyPair, APromiseThatIsNotNeededIsNoFactToTeach) {
  const PairResult r = verify(body("store notrap region0 v1, v0\nstore notrap region0 v2, v0\nreturn", kHeap),
                              body("store notrap region0 v2, v0\nreturn", kHeap), promising("untagged-apart\n"));
  EXPECT_EQ(r.verdict, Verdict::kProved);
  EXPECT_TRUE(r.facts_to_teach.empty());
  EXPECT_FALSE(mentions(r.assumptions, "promised"));
}

// --- Counterexamples

TEST(VerifyPair, ACounterexampleHoldsNoMoreThanItNeeds) {
  const std::string preamble = kHeap + "\nfn0 = %g(i32) -> i32";
  const std::string head = "v3 = call fn0(v1)\nv4 = call fn0(v3)\n";
  const PairResult r =
      verify(body(head + "store notrap region0 v2, v0+8\nreturn v4", preamble, " -> i32"),
             body(head + "v5 = iconst.i32 0\nstore notrap region0 v5, v0+8\nreturn v4", preamble, " -> i32"));
  ASSERT_EQ(r.verdict, Verdict::kRefuted) << r.reason;
  const Counterexample& c = *r.counterexample;
  ASSERT_EQ(c.arguments.size(), 3u);
  EXPECT_EQ(c.arguments[0].second, clif::Bits{});  // the address does not matter
  EXPECT_EQ(c.arguments[1].second, clif::Bits{});  // nor does what the callee gets
  EXPECT_NE(c.arguments[2].second, clif::Bits{});
  EXPECT_TRUE(c.difference.starts_with("at return, byte 0x")) << c.difference;
  ASSERT_FALSE(c.bytes.empty());
  EXPECT_NE(c.bytes[0].find("(Heap)"), std::string::npos) << c.bytes[0];
  EXPECT_EQ(c.before.path, std::vector<BlockId>{0});
}

TEST(VerifyPair, BytesOfASlotAreNamedByTheSlot) {
  const std::string preamble = "ss3 = explicit_slot 16\nfn0 = %g(i64)";
  const std::string head = "v3 = stack_addr.i64 ss3\n";
  const PairResult r = verify(body(head + "store notrap v1, v3+4\ncall fn0(v3)\nreturn", preamble),
                              body(head + "call fn0(v3)\nreturn", preamble));
  ASSERT_EQ(r.verdict, Verdict::kRefuted) << r.reason;
  ASSERT_FALSE(r.counterexample->bytes.empty());
  EXPECT_NE(r.counterexample->bytes[0].find("(ss3+"), std::string::npos) << r.counterexample->bytes[0];
}

size_t instructions(const Function& f) {
  size_t n = 0;
  for (const Block& b : f.blocks) n += b.insts.size();
  return n;
}

// One wrong line among a lot that has nothing to do with it.
TEST(ReducePair, KeepsWhatIsWrongAndLittleElse) {
  std::string padding, more;
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(100 + 3 * i), m = std::to_string(101 + 3 * i), k = std::to_string(102 + 3 * i);
    padding += "v" + n + " = iconst.i32 " + std::to_string(i) + "\n v" + m + " = iadd v1, v" + n +
               "\n store notrap region1 v" + m + ", v0+" + std::to_string(64 + 8 * i) + "\n v" + k +
               " = load.i32 notrap region1 v0+" + std::to_string(256 + 4 * i) + "\n";
  }
  more =
      "v50 = call fn0(v1)\nbrif v50, block1, block2\nblock1:\n store notrap region1 v50, v0+512\n jump block3(v50)\n"
      "block2:\n store notrap region1 v2, v0+516\n jump block3(v2)\nblock3(v51: i32):\n";
  const std::string preamble = kTwoRegions + "\nfn0 = %g(i32) -> i32";
  const std::string end = "store notrap region0 v2, v0\nreturn v51";
  const Function before = body(
      padding + "store notrap region0 v1, v0\n" + more + "v60 = load.i32 notrap region0 v0+4\ntrapz v2, user1\n" + end,
      preamble, " -> i32");
  const Function after =
      body(padding + more + "v60 = load.i32 notrap region0 v0+4\ntrapz v2, user1\n" + end, preamble, " -> i32");
  const PairResult whole = verify(before, after);
  ASSERT_EQ(whole.verdict, Verdict::kRefuted) << whole.reason;
  EXPECT_GT(instructions(before), 50u);
  const auto [b, a] = reduce_pair(before, after, few_runs(), z3());
  EXPECT_LE(instructions(b), 8u) << print(b);
  EXPECT_LE(instructions(a), 7u) << print(a);
  EXPECT_EQ(instructions(b), instructions(a) + 1);
  const PairResult small = verify(b, a);
  ASSERT_EQ(small.verdict, Verdict::kRefuted) << small.reason;
  const auto kind = [](const std::string& difference) { return difference.substr(0, difference.find(", byte")); };
  EXPECT_EQ(kind(small.counterexample->difference), kind(whole.counterexample->difference));
  EXPECT_EQ(count_accesses(b).stores, count_accesses(a).stores + 1);
}

TEST(ReducePair, LeavesAPairAloneThatIsNotRefuted) {
  const Function before = body("store notrap v1, v0\nstore notrap v2, v0\nreturn");
  const Function after = body("store notrap v2, v0\nreturn");
  const auto [b, a] = reduce_pair(before, after, few_runs(), z3());
  EXPECT_EQ(print(b), print(before));
  EXPECT_EQ(print(a), print(after));
}

// --- Questions and second opinions

TEST(VerifyPair, EveryQuestionIsWrittenDown) {
  const Folder folder;
  VerifyOptions options = few_runs();
  options.dump = folder.file("smt");
  const PairResult r =
      verify(body("v3 = bor v1, v2\nreturn v3", "", " -> i32"),
             body("v3 = bor v2, v1\nv4 = bnot v3\nv5 = bnot v4\nv6 = band v5, v3\nreturn v6", "", " -> i32"), options);
  EXPECT_NE(r.verdict, Verdict::kRefuted);
  size_t files = 0;
  if (std::filesystem::exists(options.dump)) {
    for (const auto& entry : std::filesystem::directory_iterator(options.dump)) {
      const std::string text = traces::read_file(entry.path().string());
      EXPECT_TRUE(text.starts_with("; %f, question ")) << text.substr(0, 40);
      EXPECT_NE(text.find("(check-sat)"), std::string::npos);
      ++files;
    }
  }
  EXPECT_GE(files, r.queries == 0 ? 0 : 1u);
}

TEST(VerifyPair, TheSecondSolverIsAskedTheSame) {
  const auto cvc5 = smt::make_cvc5();
  if (!cvc5) GTEST_SKIP() << "there is no program cvc5 in the path";
  VerifyOptions options = few_runs();
  options.cross_check = cvc5.get();
  const std::vector<std::pair<Function, Function>> pairs = {
      {body("store notrap region0 v1, v0\nstore notrap region0 v2, v0\nreturn", kHeap),
       body("store notrap region0 v2, v0\nreturn", kHeap)},
      {body("v3 = bor v1, v2\nreturn v3", "", " -> i32"),
       body("v3 = bnot v1\nv4 = bnot v2\nv5 = band v3, v4\nv6 = bnot v5\nreturn v6", "", " -> i32")},
      {body("trapz v1, user1\nreturn"), body("trapz v2, user1\nreturn")}};
  for (const auto& [before, after] : pairs) {
    const PairResult r = verify(before, after, options);
    EXPECT_EQ(r.cross, PairResult::kAgrees) << print(after);
  }
}

// A solver that says the opposite.
class Liar final : public smt::Solver {
 public:
  std::string name() const override { return "a liar"; }
  smt::Answer ask(const smt::Terms& terms, const smt::Query& query, const smt::Limits& limits) override {
    smt::Answer answer = z3().ask(terms, query, limits);
    answer.kind = answer.kind == smt::Answer::kSat ? smt::Answer::kUnsat : smt::Answer::kSat;
    return answer;
  }
};

TEST(VerifyPair, SolversThatDisagreeDecideNothing) {
  Liar liar;
  VerifyOptions options = few_runs();
  options.cross_check = &liar;
  const PairResult r =
      verify(body("v3 = bor v1, v2\nreturn v3", "", " -> i32"),
             body("v3 = bnot v1\nv4 = bnot v2\nv5 = band v3, v4\nv6 = bnot v5\nreturn v6", "", " -> i32"), options);
  EXPECT_EQ(r.cross, PairResult::kContradicts);
  EXPECT_EQ(r.verdict, Verdict::kUnknown);
  EXPECT_NE(r.reason.find("a liar"), std::string::npos) << r.reason;
}

// A proof that is none is found out by the runs.
class Yes final : public smt::Solver {
 public:
  std::string name() const override { return "yes"; }
  smt::Answer ask(const smt::Terms&, const smt::Query&, const smt::Limits&) override {
    smt::Answer answer;
    answer.kind = smt::Answer::kUnsat;
    return answer;
  }
};

TEST(VerifyPair, ARunThatContradictsAProofIsAnInternalError) {
  Yes yes;
  const PairResult r = verify_pair(body("return v1", "", " -> i32"), body("return v2", "", " -> i32"), few_runs(), yes);
  EXPECT_EQ(r.verdict, Verdict::kProved);
  EXPECT_TRUE(r.internal_error.starts_with("proved, but run ")) << r.internal_error;
}

// A counterexample that cannot be run is none.
class No final : public smt::Solver {
 public:
  std::string name() const override { return "no"; }
  smt::Answer ask(const smt::Terms&, const smt::Query&, const smt::Limits&) override {
    smt::Answer answer;
    answer.kind = smt::Answer::kSat;
    answer.model.otherwise = [](smt::FunctionId, const std::vector<smt::Bits>&) { return smt::Bits{0}; };
    return answer;
  }
};

TEST(VerifyPair, ACounterexampleThatCannotBeSeenIsUnknown) {
  No no;
  const PairResult r = verify_pair(
      body("v3 = bor v1, v2\nreturn v3", "", " -> i32"),
      body("v3 = bnot v1\nv4 = bnot v2\nv5 = band v3, v4\nv6 = bnot v5\nreturn v6", "", " -> i32"), few_runs(), no);
  EXPECT_EQ(r.verdict, Verdict::kUnknown);
  EXPECT_NE(r.reason.find("could not be confirmed"), std::string::npos) << r.reason;
  EXPECT_FALSE(r.counterexample.has_value());
}

}  // namespace
}  // namespace lockstep::refinement::verifying
