// Store elision on random functions: what comes out does the same in random worlds, and never with more stores or
// loads.
#include <gtest/gtest.h>

#include "optimized/clif/elide.h"
#include "optimized/clif/elide_testing.h"
#include "optimized/clif/interpreter.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"
#include "optimized/clif/verify.h"

namespace lockstep::clif {
namespace {

using Ran = Run;  // GoogleTest has a Run of its own

constexpr uint64_t kFunctions = 1000;
constexpr uint64_t kWorlds = 10;

ElideOptions options_for(uint64_t seed) {
  ElideOptions options;
  options.trust_regions = seed % 5 != 4;
  options.through_loops = seed % 7 != 6;
  options.split_paths = seed % 11 != 10;
  // True in every world: A, B and T are apart, and T does not change.
  if (seed % 3 == 0) {
    options.promises = read_promises(
        "apart param 0, param 2\napart param 1, param 3\n"
        "same-value load \"T\"+16\ncall * never-writes \"T\"");
  }
  return options;
}

// What is wrong with running `after` instead of `before` in this world; empty: nothing, `useful` says whether it meant
// anything.
std::string problem(const Function& before, const Function& after, uint64_t world, bool trust_regions, bool& useful) {
  testing::HashWorld first(world), second(world);
  const std::vector<Bits> args = first.args();
  second.args();
  const Ran a = run(before, args, first, 3000, trust_regions);
  const Ran b = run(after, args, second, 6000, trust_regions);
  const std::optional<Difference> difference = compare(a, b);
  useful = !difference || difference->kind != Difference::kUseless;
  if (!useful) return "";
  if (difference) return difference->what;
  // What is on the way to a trap may be executed before it or not.
  if (a.end == Ran::kTrapped) return "";
  if (b.executed_stores > a.executed_stores) return "more stores than before";
  return b.executed_loads > a.executed_loads ? "more loads than before" : "";
}

TEST(ElideRandomTest, WhatComesOutDoesTheSame) {
  size_t with_fewer_stores = 0, useful_runs = 0, runs = 0;
  for (uint64_t seed = 0; seed < kFunctions; ++seed) {
    const std::string text = testing::RandomFunction(seed).text();
    const Function before = read_functions(text).at(0);
    const ElideOptions options = options_for(seed);
    const Function after = elide(before, options);
    ASSERT_NO_THROW(verify(after)) << "seed " << seed << "\n" << text << print(after);
    ASSERT_EQ(print(read_functions(print(after)).at(0)), print(after)) << "seed " << seed;
    if (count_accesses(after).stores < count_accesses(before).stores) ++with_fewer_stores;
    for (uint64_t world = 0; world < kWorlds; ++world) {
      bool useful = false;
      const std::string what = problem(before, after, seed * 1000 + world, options.trust_regions, useful);
      ASSERT_EQ(what, "") << "seed " << seed << ", world " << world << "\n" << text << print(after);
      ++runs;
      if (useful) ++useful_runs;
    }
  }
  EXPECT_GT(with_fewer_stores, kFunctions / 2);
  EXPECT_GT(useful_runs, runs * 3 / 4);
}

}  // namespace
}  // namespace lockstep::clif
