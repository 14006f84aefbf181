// A tester that is any good finds every deliberate bug: by a golden trace that shows it, and with any seed, but for the
// few that are too rare for a campaign of seconds. Prints how rare each is.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>

#include "diff/optimized_engine.h"
#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

constexpr uint64_t kMaxCases = 10'000;  // of one campaign: a few seconds
constexpr uint64_t kSeeds = 2;
constexpr uint64_t kMeasured = 1000;

// Found in campaigns of minutes only.
const std::set<std::string> kTooRare = {"unwritten-future-dropped", "end-travels-in-set",
                                        "implicit-thread-has-to-return"};

struct Mutant {
  std::string name;
  std::unique_ptr<Contestant> engine;
  std::map<uint64_t, uint64_t> found_after;  // cases, by seed
  uint64_t shown_by = 0;                     // of kMeasured cases
};

std::vector<Mutant> all_mutants() {
  std::vector<Mutant> out;
  for (const auto& [name, text] : optimized_mutants())
    out.push_back({name, Contestant::make("optimized:" + name, kCaseTime), {}, 0});
  return out;
}

// A golden trace that shows it by its name.
const std::map<std::string, std::string> kShownBy = {
    {"slots-not-saved", "chain-promoted-at-the-bottom-keeps-every-slot"},
    {"slots-not-zeroed", "chain-of-eight-sync-calls-keeps-every-slot"},
    {"current-not-restored-on-return", "blocking-is-decided-by-the-callee-not-by-its-caller"},
    {"current-not-restored-on-trap", "trap-swallowed-by-a-host-function"},
    {"promote-innermost-first", "chain-promoted-at-the-bottom-keeps-every-slot"},
    {"exit-ignores-promotion", "chain-promoted-at-the-bottom-keeps-every-slot"},
    {"lost-wake-up", "joining-a-waitable-wakes-those-who-wait-on-an-empty-set"},
    {"wrong-parent-on-reparenting", "sync-typed-function-may-call-what-returns-before-it-blocks"},
    {"backpressure-on-wrong-instance", "backpressure-holds-a-new-call-in-starting"},
    {"blocking-decided-by-callers-type", "sync-typed-call-may-yield"},
    {"free-list-fifo", "async-call-gives-control-back-when-the-callee-blocks"},
    {"event-lost-on-rejoin", "join-moves-a-waitable-with-its-event"},
    {"cancel-ignores-cancellable", "cancellation-may-be-ignored"},
    {"cancel-ignores-exclusive", "cancel-with-the-exclusive-lock-taken-by-another-task"},
    {"may-leave-not-restored", "not-leave-refused-after-post-return"},
    {"exclusive-kept-at-exit", "async-call-of-a-callback-lift-that-returns-at-once"},
    {"result-written-at-delivery", "cancel-after-the-callee-returned"},
    {"gate-ignores-waiters", "new-call-queues-behind-those-who-wait-to-enter"},
    {"stale-starting-record", "cancel-of-a-starting-call"},
    {"realloc-slots-not-zeroed", "realloc-of-a-result-runs-in-the-caller-with-empty-slots"},
    {"realloc-slots-leak", "realloc-does-not-leave-its-second-slot-to-the-body"},
    {"post-return-sees-callers-slots", "post-return-between-guests-keeps-slots-apart"},
    {"realloc-may-leave", "stream-new-in-realloc-traps"},
    {"copy-in-post-return", "stream-read-in-post-return-traps"},
    {"partial-progress-lost", "stream-write-is-read-in-parts"},
    {"cancel-forgets-progress", "stream-cancel-of-a-read-that-was-filled-in-part"},
    {"future-write-not-done", "future-write-that-said-dropped-cannot-be-done-again"},
    {"unwritten-future-dropped", "future-drop-writable-after-the-reader-is-gone-traps-too"},
    {"zero-length-write-ends-read", "zero-length-write-meets-zero-length-read"},
    {"drop-does-not-notify", "stream-drop-writable-ends-a-pending-read"},
    {"sync-copy-in-set", "stream-sync-read-of-an-end-in-a-set-traps"},
    {"cancelled-future-done", "future-cancelled-read-may-be-done-again"},
    {"dropped-end-stays-in-set", "stream-drop-takes-the-end-out-of-its-set"},
    {"end-travels-in-set", "end-in-a-set-may-not-travel"},
    {"host-copy-reported-twice", "host-cancels-its-write"},
    {"borrow-not-counted", "borrowed-handle-kept-at-the-return-traps"},
    {"lend-not-returned", "lent-handle-comes-back-with-the-event"},
    {"destructor-in-wrong-instance", "destructor-runs-in-the-instance-that-defines-it"},
    {"new-thread-inherits-slots", "thread-has-slots-of-its-own"},
    {"yield-then-resume-suspends", "thread-yield-then-resume-leaves-the-caller-ready"},
    {"suspended-for-good", "thread-suspended-in-favour-of-another-is-told-of-the-cancellation"},
    {"implicit-thread-has-to-return", "thread-returns-for-its-task"},
    {"thread-exit-ends-exclusive", "thread-ends-while-the-implicit-one-holds-the-exclusive-lock"},
};

TEST(Mutants, EachIsFoundByAGoldenTrace) {
  EXPECT_EQ(kShownBy.size(), optimized_mutants().size());
  for (const auto& [name, text] : optimized_mutants()) {
    SCOPED_TRACE(name);
    const auto shown = kShownBy.find(name);
    ASSERT_NE(shown, kShownBy.end());
    const traces::Trace t =
        traces::read_trace_file(std::string(LOCKSTEP_ROOT) + "/traces/golden/" + shown->second + ".json");
    const Case c = run_reference(t.scenario, t.choices, /*lenient=*/false);
    EXPECT_TRUE(Contestant::make("optimized:" + name, kCaseTime)->judge(c).bad()) << shown->second;
    EXPECT_FALSE(Contestant::make("optimized", kCaseTime)->judge(c).bad()) << shown->second;
  }
}

TEST(Mutants, EachIsFoundWithEachSeed) {
  std::vector<Mutant> mutants = all_mutants();
  ASSERT_GE(mutants.size(), 40u);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    size_t left = mutants.size() - kTooRare.size();
    for (uint64_t i = 0; i < kMaxCases && left > 0; ++i) {
      const Case c = generate_case(seed, i, {});
      for (Mutant& m : mutants)
        if (!m.found_after.contains(seed) && !kTooRare.contains(m.name) && m.engine->judge(c).bad()) {
          m.found_after[seed] = i + 1;
          --left;
        }
    }
  }
  for (uint64_t i = 0; i < kMeasured; ++i) {
    const Case c = generate_case(6, i, {});
    for (Mutant& m : mutants) m.shown_by += m.engine->judge(c).bad() ? 1 : 0;
  }

  std::printf("%-36s %10s   found after so many cases, by seed\n", "deliberate bug", "% of cases");
  size_t rare = 0;
  for (const Mutant& m : mutants) {
    const double percent = 100.0 * static_cast<double>(m.shown_by) / kMeasured;
    rare += percent < 10 ? 1 : 0;
    std::printf("%-36s %10.2f  ", m.name.c_str(), percent);
    for (const auto& [seed, cases] : m.found_after) std::printf(" %6lu", static_cast<unsigned long>(cases));
    std::printf("\n");
    if (!kTooRare.contains(m.name)) {
      EXPECT_EQ(m.found_after.size(), kSeeds) << m.name << " was not found with every seed";
    }
  }
  EXPECT_GE(rare, 5u) << "too few of the deliberate bugs are rare";
}

}  // namespace
}  // namespace lockstep::diff::testing
