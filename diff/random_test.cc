// lockstep's random numbers: the same on every machine and for ever, or every kept seed would mean something else.
#include "diff/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

#include "diff/chooser.h"

namespace lockstep::diff {
namespace {

TEST(Random, SplitmixIsThePublishedOne) {
  uint64_t state = 1234567;
  for (const uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u, 16408922859458223821u})
    EXPECT_EQ(splitmix64(state), expected);
}

TEST(Random, NumbersOfASeedNeverChange) {
  Random zero(0);
  for (const uint64_t expected : {0x99ec5f36cb75f2b4u, 0xbf6e1f784956452au, 0x1a5f849d4933e6e0u, 0x6aa594f1262d2d2cu})
    EXPECT_EQ(zero.next(), expected);
  Random one(1);
  for (const uint64_t expected : {0xb3f2af6d0fc710c5u, 0x853b559647364ceau, 0x92f89756082a4514u, 0x642e1c7bc266a3a7u})
    EXPECT_EQ(one.next(), expected);
  Random percent(42);
  for (const uint32_t expected : {8u, 37u, 68u, 92u, 99u, 76u, 71u, 85u, 76u, 58u, 68u, 29u})
    EXPECT_EQ(percent.below(100), expected);
}

TEST(Random, CaseSeedsNeverChangeAndDependOnBothNumbers) {
  EXPECT_EQ(case_seed(1, 0), 0x5e41ab087439611eu);
  EXPECT_EQ(case_seed(1, 1), 0xe9fd6049d65af21eu);
  EXPECT_EQ(case_seed(2, 0), 0x64684c4f0fd784b4u);
  EXPECT_EQ(case_seed(~0ull, ~0ull), 0x6309143e67a47936u);
  std::set<uint64_t> seen;
  for (uint64_t seed = 0; seed < 100; ++seed)
    for (uint64_t index = 0; index < 100; ++index) EXPECT_TRUE(seen.insert(case_seed(seed, index)).second);
}

// Counts are within five standard deviations of what their probability says.
void expect_fair(const std::vector<uint32_t>& counts, const std::vector<double>& probability, uint32_t draws) {
  for (size_t i = 0; i < counts.size(); ++i) {
    const double mean = draws * probability[i];
    const double deviation = std::sqrt(mean * (1 - probability[i]));
    EXPECT_NEAR(counts[i], mean, 5 * deviation + 1e-9) << i;
  }
}

TEST(Random, BelowIsUniform) {
  constexpr uint32_t kDraws = 70'000;
  Random random(1);
  std::vector<uint32_t> counts(7);
  for (uint32_t i = 0; i < kDraws; ++i) ++counts.at(random.below(7));
  expect_fair(counts, std::vector<double>(7, 1.0 / 7), kDraws);
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, BetweenIncludesBothEnds) {
  Random random(1);
  std::set<uint32_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.between(3, 5));
  EXPECT_EQ(seen, (std::set<uint32_t>{3, 4, 5}));
}

TEST(Random, WeightedFollowsTheWeightsAndNeverPicksZero) {
  constexpr uint32_t kDraws = 100'000;
  const std::array<uint32_t, 5> weights = {0, 1, 3, 0, 6};
  Random random(1);
  std::vector<uint32_t> counts(weights.size());
  for (uint32_t i = 0; i < kDraws; ++i) ++counts.at(random.weighted(weights));
  expect_fair(counts, {0, 0.1, 0.3, 0, 0.6}, kDraws);
}

TEST(Random, ChanceIsInPercent) {
  Random random(1);
  uint32_t yes = 0;
  for (int i = 0; i < 100'000; ++i) yes += random.chance(20) ? 1 : 0;
  expect_fair({yes}, {0.2}, 100'000);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(random.chance(0));
    EXPECT_TRUE(random.chance(100));
  }
}

TEST(RandomChooser, TakesEveryCandidateEquallyOften) {
  constexpr uint32_t kDraws = 30'000;
  const std::vector<traces::ThreadId> candidates = {{1, 0}, {2, 0}, {2, 1}};
  RandomChooser chooser(9);
  std::vector<uint32_t> counts(3);
  for (uint32_t i = 0; i < kDraws; ++i) ++counts.at(chooser.choose(traces::ChoicePoint::kTick, {}, candidates));
  expect_fair(counts, std::vector<double>(3, 1.0 / 3), kDraws);
}

}  // namespace
}  // namespace lockstep::diff
