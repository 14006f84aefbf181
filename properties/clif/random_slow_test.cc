// Random functions: text and back, interpreter against the solver's meaning, the pass against the proof.
//
// LOCKSTEP_RANDOM_FUNCTIONS=5000 runs more of them than the hundred that there is time for on every change, and
// LOCKSTEP_RANDOM_FIRST=2501 begins with that one. The counts so far are printed after every hundred.
#include <cstdio>
#include <cstdlib>

#include "properties/clif/random_checks.h"

namespace lockstep::refinement {
namespace {

uint64_t number_in(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void print_counts(uint64_t seed, const RandomCounts& counts) {
  std::printf("up to seed %llu: %zu functions, rich %zu, store removed %zu, meanings compared %zu;",
              static_cast<unsigned long long>(seed), counts.functions, counts.rich, counts.store_removed,
              counts.meanings);
  for (const auto& [verdict, n] : counts.verdicts) std::printf(" %s %zu", verdict.c_str(), n);
  std::printf("\n");
  std::fflush(stdout);
}

class RandomFunctionsSlow : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomFunctionsSlow, AgreeEverywhere) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  RandomCounts counts;
  const uint64_t share = number_in("LOCKSTEP_RANDOM_FUNCTIONS", 100) / 2;
  const uint64_t first = GetParam() * share + number_in("LOCKSTEP_RANDOM_FIRST", 1);
  for (uint64_t seed = first; seed < first + share; ++seed) {
    check_random_function(seed, *z3, counts);
    if (counts.functions % 100 == 0) print_counts(seed, counts);
  }
  EXPECT_GE(counts.rich * 100, counts.functions * 60) << "two regions, a branch and a call";
  EXPECT_GE(counts.store_removed * 100, counts.functions * 30);
  print_counts(first + share - 1, counts);
}
INSTANTIATE_TEST_SUITE_P(Halves, RandomFunctionsSlow, testing::Range<uint64_t>(0, 2));

}  // namespace
}  // namespace lockstep::refinement
