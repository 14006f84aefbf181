// Property: what the shrinker makes of a failure is valid, no larger, and fails in the same way.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "diff/report.h"
#include "diff/shrink.h"
#include "properties/gen.h"
#include "traces/validate.h"

namespace lockstep::properties {
namespace {

RC_GTEST_PROP(Properties, ShrinkingKeepsTheFailureAndNeverGrowsIt, ()) {
  const std::string name = *rc::gen::element<std::string>(
      "optimized:slots-not-zeroed", "optimized:exit-ignores-promotion", "optimized:wrong-parent-on-reparenting");
  const auto engine = diff::Contestant::make(name, std::chrono::seconds(60));
  const diff::Case c = generated(*case_seed());
  const diff::Verdict v = engine->judge(c);
  RC_PRE(v.bad());
  const diff::ShrinkResult small = diff::shrink(c, v, *engine, 12);
  traces::validate(small.smallest.scenario);
  RC_ASSERT(diff::script_lines(small.smallest.scenario) <= diff::script_lines(c.scenario));
  const diff::Verdict again = engine->judge(small.smallest);
  RC_ASSERT(again.bad());
  RC_ASSERT(again.bucket() == v.bucket());
}

}  // namespace
}  // namespace lockstep::properties
