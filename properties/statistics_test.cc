// Property: the statistics of two halves add up to those of the whole, and count every step once.
#include "diff/statistics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "properties/gen.h"

namespace lockstep::properties {
namespace {

RC_GTEST_PROP(Properties, TheStatisticsOfTwoHalvesAddUp, ()) {
  const uint64_t seed = *case_seed();
  diff::Statistics whole;
  diff::Statistics even;
  diff::Statistics odd;
  uint64_t steps = 0;
  for (uint64_t i = 0; i < 6; ++i) {
    const diff::Case c = diff::generate_case(seed, i, {});
    whole.add(c.expected);
    (i % 2 == 0 ? even : odd).add(c.expected);
    for (size_t at = 0; at < c.expected.size();) {
      const traces::RecordView r = traces::record_at(c.expected, at);
      steps += diff::is_step(r.kind) ? 1 : 0;
      at = traces::next(r);
    }
  }
  RC_ASSERT(whole.steps == steps);
  RC_ASSERT(whole.steps == even.steps + odd.steps);
  RC_ASSERT(whole.cases == even.cases + odd.cases);
  for (size_t i = 0; i < whole.operations.size(); ++i)
    RC_ASSERT(whole.operations[i] == even.operations[i] + odd.operations[i]);
  for (size_t i = 0; i < whole.choices.size(); ++i) {
    RC_ASSERT(whole.choices[i] == even.choices[i] + odd.choices[i]);
    RC_ASSERT(whole.open_choices[i] <= whole.choices[i]);
  }
}

}  // namespace
}  // namespace lockstep::properties
