// Random functions, a few; the slow test has the rest.
#include "properties/clif/random_checks.h"

namespace lockstep::refinement {
namespace {

TEST(RandomFunctions, AgreeEverywhere) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  RandomCounts counts;
  for (uint64_t seed = 1; seed <= 12; ++seed) check_random_function(seed, *z3, counts);
  EXPECT_GE(counts.store_removed * 100, counts.functions * 30);
  EXPECT_GE(counts.meanings, counts.functions);
}

TEST(RandomFunctions, AreTheSameForTheSameSeed) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    EXPECT_EQ(print(random_function(seed)), print(random_function(seed)));
    EXPECT_NE(print(random_function(seed)), print(random_function(seed + 1)));
    EXPECT_EQ(print(elide(random_function(seed))), print(elide(random_function(seed)))) << seed;
  }
}

}  // namespace
}  // namespace lockstep::refinement
