// The shrinker: what comes out is small, still fails the same way, and is the same every time.
#include "diff/shrink.h"

#include <gtest/gtest.h>

#include "diff/report.h"
#include "diff/testing.h"
#include "traces/validate.h"

namespace lockstep::diff::testing {
namespace {

constexpr size_t kMaxLines = 12;
constexpr uint64_t kMostCases = 5000;

// Of different kinds: state, control flow, a crash of the engine's own, an order, a wake-up, a gate.
const std::vector<std::string>& mutants() {
  static const std::vector<std::string> kMutants = {
      "free-list-fifo",
#ifndef __SANITIZE_ADDRESS__  // fifteen seconds each
      "slots-not-zeroed",       "exit-ignores-promotion", "promote-innermost-first", "wrong-parent-on-reparenting",
      "exclusive-kept-at-exit",
#endif
  };
  return kMutants;
}

struct Shrunk {
  std::unique_ptr<Contestant> engine;
  Found found;
  ShrinkResult small;
};

Shrunk shrink_first_failure(const std::string& mutant) {
  auto engine = Contestant::make("optimized:" + mutant, kCaseTime);
  Found found = first_failure(*engine, 1, kMostCases).value();
  ShrinkResult small = shrink(found.c, found.verdict, *engine);
  return {std::move(engine), std::move(found), std::move(small)};
}

TEST(Shrink, MakesAFailureSmallAndKeepsItTheSameFailure) {
  for (const std::string& mutant : mutants()) {
    SCOPED_TRACE(mutant);
    const Shrunk s = shrink_first_failure(mutant);
    const Case& small = s.small.smallest;
    EXPECT_LE(script_lines(small.scenario), kMaxLines) << show_scenario(small.scenario);
    EXPECT_LE(script_lines(small.scenario), script_lines(s.found.c.scenario));
    EXPECT_EQ(s.small.verdict.bucket(), s.found.verdict.bucket());
    EXPECT_EQ(complaint_of([&] { traces::validate(small.scenario); }), "");
    EXPECT_EQ(small.choices, traces::choices_of(small.expected)) << "the choices are not those of this run";
    // From scratch, as a replay of the kept trace does it.
    const Case replayed = run_reference(small.scenario, small.choices, false);
    EXPECT_EQ(replayed.expected, small.expected);
    EXPECT_EQ(s.engine->judge(replayed).bucket(), s.found.verdict.bucket());
    // A second time there is nothing left to take away.
    EXPECT_EQ(script_lines(shrink(small, s.small.verdict, *s.engine).smallest.scenario), script_lines(small.scenario));
  }
}

TEST(Shrink, IsDeterministic) {
  for (const std::string& mutant : mutants()) {
    const Shrunk a = shrink_first_failure(mutant);
    const Shrunk b = shrink_first_failure(mutant);
    EXPECT_EQ(a.small.smallest.scenario, b.small.smallest.scenario) << mutant;
    EXPECT_EQ(a.small.smallest.choices, b.small.smallest.choices) << mutant;
    EXPECT_EQ(a.small.attempts, b.small.attempts) << mutant;
  }
}

TEST(Shrink, StopsAfterItsNumberOfAttempts) {
  auto engine = Contestant::make("optimized:free-list-fifo", kCaseTime);
  const Found found = first_failure(*engine, 1, kMostCases).value();
  const ShrinkResult r = shrink(found.c, found.verdict, *engine, 5);
  EXPECT_EQ(r.attempts, 5u);
  EXPECT_EQ(r.verdict.bucket(), found.verdict.bucket());
}

TEST(ShrinkVerb, WritesTheSmallTraceNextToTheLargeOneAndNeverOverIt) {
  const Folder folder;
  auto engine = Contestant::make("optimized:free-list-fifo", kCaseTime);
  const std::string path = write_trace(folder, "t.json", first_failure(*engine, 1, kMostCases).value().c);
  const std::string before = traces::read_file(path);
  for (const char* file : {"t.small.json", "t.small-2.json"}) {
    const Output o = lockstep({"shrink", path, "--against", "optimized:free-list-fifo"});
    EXPECT_EQ(o.exit_code, 1) << o.err;
    EXPECT_TRUE(contains(o.out, "written to " + folder.file(file))) << o.out;
    EXPECT_LE(script_lines(traces::read_trace_file(folder.file(file)).scenario), kMaxLines);
  }
  EXPECT_EQ(traces::read_file(path), before);
  EXPECT_EQ(traces::read_file(folder.file("t.small.json")), traces::read_file(folder.file("t.small-2.json")));
}

TEST(ShrinkVerb, SaysThatATraceThatAgreesIsNothingToShrink) {
  const Folder folder;
  const std::string path = write_trace(folder, "t.json", small_case());
  const std::string before = folder.listing();
  const Output o = lockstep({"shrink", path});
  EXPECT_EQ(o.exit_code, 0) << o.err;
  EXPECT_EQ(o.out, path + ": optimized agrees with the model; there is nothing to shrink\n");
  EXPECT_EQ(folder.listing(), before);
}

}  // namespace
}  // namespace lockstep::diff::testing
