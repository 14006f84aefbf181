// Random functions: text and back, interpreter against the solver's meaning, the pass against the proof.
//
// LOCKSTEP_RANDOM_FUNCTIONS=5000 runs more of them than the hundred that there is time for on every change.
#include <cstdio>
#include <cstdlib>

#include "properties/clif/random_checks.h"

namespace lockstep::refinement {
namespace {

uint64_t wanted() {
  const char* text = std::getenv("LOCKSTEP_RANDOM_FUNCTIONS");
  return text == nullptr ? 100 : std::strtoull(text, nullptr, 10);
}

class RandomFunctionsSlow : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomFunctionsSlow, AgreeEverywhere) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  RandomCounts counts;
  const uint64_t share = wanted() / 2;
  const uint64_t first = GetParam() * share + 1;
  for (uint64_t seed = first; seed < first + share; ++seed) check_random_function(seed, *z3, counts);
  EXPECT_GE(counts.rich * 100, counts.functions * 60) << "two regions, a branch and a call";
  EXPECT_GE(counts.store_removed * 100, counts.functions * 30);
  std::printf("%zu functions, rich %zu, store removed %zu, meanings compared %zu;", counts.functions, counts.rich,
              counts.store_removed, counts.meanings);
  for (const auto& [verdict, n] : counts.verdicts) std::printf(" %s %zu", verdict.c_str(), n);
  std::printf("\n");
}
INSTANTIATE_TEST_SUITE_P(Halves, RandomFunctionsSlow, testing::Range<uint64_t>(0, 2));

}  // namespace
}  // namespace lockstep::refinement
