// What must hold for every random function; shared by the fast and the slow test.
#pragma once

#include <gtest/gtest.h>

#include <map>

#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"
#include "optimized/clif/verify.h"
#include "properties/clif/meaning.h"
#include "properties/clif/random_function.h"
#include "properties/clif/symbolic.h"
#include "properties/clif/verify_pair.h"

namespace lockstep::refinement {

struct RandomCounts {
  size_t functions = 0, rich = 0, store_removed = 0, meanings = 0, undecided = 0, with_stores = 0;
  std::map<std::string, size_t> verdicts;
};

// One function: text and back; the interpreter against the meaning that the solver gets; the pass against the proof.
inline void check_random_function(uint64_t seed, smt::Solver& solver, RandomCounts& counts) {
  const clif::Function f = random_function(seed);
  const FunctionTraits traits = traits_of(f);
  ++counts.functions;
  counts.rich += traits.is_rich() ? 1U : 0U;

  const std::string text = print(f);
  const std::vector<clif::Function> again = read_functions(text);
  ASSERT_EQ(again.size(), 1U) << "seed " << seed;
  ASSERT_EQ(print(again.front()), text) << "seed " << seed;

  for (uint64_t k = 0; k < 2; ++k) {
    MeaningOptions options;
    options.seed = seed * 2 + k;
    options.unroll = k == 0 ? 0 : 2;
    try {
      const MeaningResult r = compare_meaning(f, options);
      EXPECT_EQ(r.difference, "") << "seed " << seed << ", world " << options.seed << "\n" << text;
      counts.meanings += r.not_compared.empty() ? 1U : 0U;
    } catch (const UnsupportedOperation&) {
    }
  }

  const clif::Function after = elide(f);
  clif::verify(after);
  const size_t before_stores = count_accesses(f).stores, after_stores = count_accesses(after).stores;
  counts.with_stores += before_stores != 0 ? 1U : 0U;
  counts.store_removed += after_stores < before_stores ? 1U : 0U;
  VerifyOptions options;
  options.random_runs = 40;
  options.seed = seed;
  options.limits.time = std::chrono::milliseconds(1500);
  const PairResult r = verify_pair(f, after, options, solver);
  ++counts.verdicts[std::string(name_of(r.verdict))];
  EXPECT_EQ(r.internal_error, "") << "seed " << seed << "\n" << text << print(after);
  EXPECT_NE(r.verdict, Verdict::kRefuted)
      << "seed " << seed << ": " << (r.counterexample ? r.counterexample->difference : "") << "\n"
      << text << print(after);
}

}  // namespace lockstep::refinement
