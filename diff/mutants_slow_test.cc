// A tester that is any good finds every deliberate bug, with any seed; and some of them are rare, or it would prove
// little. Prints how rare each is.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>

#include "diff/optimized_engine.h"
#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

constexpr uint64_t kMaxCases = 20'000;  // of one campaign: a few seconds
constexpr uint64_t kMeasured = 4000;

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

TEST(Mutants, EachIsFoundWithEachOfFiveSeeds) {
  std::vector<Mutant> mutants = all_mutants();
  ASSERT_GE(mutants.size(), 10u);
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    size_t left = mutants.size();
    for (uint64_t i = 0; i < kMaxCases && left > 0; ++i) {
      const Case c = generate_case(seed, i, {});
      for (Mutant& m : mutants)
        if (!m.found_after.contains(seed) && m.engine->judge(c).bad()) {
          m.found_after[seed] = i + 1;
          --left;
        }
    }
  }
  for (uint64_t i = 0; i < kMeasured; ++i) {
    const Case c = generate_case(6, i, {});
    for (Mutant& m : mutants) m.shown_by += m.engine->judge(c).bad() ? 1 : 0;
  }

  std::printf("%-36s %10s   found after so many cases, seeds 1 to 5\n", "deliberate bug", "% of cases");
  size_t rare = 0;
  for (const Mutant& m : mutants) {
    const double percent = 100.0 * static_cast<double>(m.shown_by) / kMeasured;
    rare += percent < 10 ? 1 : 0;
    std::printf("%-36s %10.2f  ", m.name.c_str(), percent);
    for (const auto& [seed, cases] : m.found_after) std::printf(" %6lu", static_cast<unsigned long>(cases));
    std::printf("\n");
    EXPECT_EQ(m.found_after.size(), 5u) << m.name << " was not found with every seed";
  }
  EXPECT_GE(rare, 5u) << "too few of the deliberate bugs are rare";
}

}  // namespace
}  // namespace lockstep::diff::testing
