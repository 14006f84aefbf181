// Properties of agreement: optimized does what the model does, under the schedule that the model drew and under others.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "diff/random.h"
#include "properties/gen.h"

namespace lockstep::properties {
namespace {

void agrees(const diff::Case& c) {
  static const auto engine = optimized();
  const diff::Verdict v = engine->judge(c);
  if (v.bad()) RC_LOG() << v.bucket();
  RC_ASSERT(!v.bad());
}

RC_GTEST_PROP(Properties, OptimizedAgreesWithTheModel, ()) { agrees(generated(*case_seed())); }

RC_GTEST_PROP(Properties, OptimizedAgreesWithTheModelOnRecursiveTopologies, ()) {
  agrees(generated(*case_seed(), 100));
}

// The recorded choices are scrambled: other threads go first, others wait. Scripts stay meaningful, because calls are
// known by tokens and operations carry guards; whatever comes of it, both sides must see the same.
RC_GTEST_PROP(Properties, UnderOtherChoicesNothingFailsInsideAndOptimizedAgrees, ()) {
  const uint64_t seed = *case_seed();
  const diff::Case c = generated(seed);
  diff::Random random(seed ^ 1);
  std::vector<traces::TakenChoice> scrambled = c.choices;
  for (traces::TakenChoice& choice : scrambled)
    if (random.chance(50)) choice.taken = scrambled[random.below(static_cast<uint32_t>(scrambled.size()))].taken;
  const diff::Case other = diff::run_reference(c.scenario, scrambled, /*lenient=*/true);
  RC_ASSERT(traces::outcome_of(other.expected) != traces::Outcome::kInternalError);
  agrees(other);
}

}  // namespace
}  // namespace lockstep::properties
