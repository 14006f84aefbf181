// Property: a generated scenario is valid and survives JSON unchanged, together with its choices and events.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "properties/gen.h"
#include "traces/files.h"
#include "traces/validate.h"

namespace lockstep::properties {
namespace {

RC_GTEST_PROP(Properties, AGeneratedScenarioIsValidAndSurvivesJsonUnchanged, ()) {
  const uint64_t seed = *case_seed();
  const diff::Case c = generated(seed, *rc::gen::element(0u, 100u));
  traces::validate(c.scenario);
  const traces::Trace before = diff::trace_of(c, "A property.");
  const std::string text = traces::to_text(before);
  const traces::Trace after = traces::trace_from_text(text);
  RC_ASSERT(after.scenario == before.scenario);
  RC_ASSERT(after.choices == before.choices);
  RC_ASSERT(after.events == before.events);
  RC_ASSERT(traces::to_text(after) == text);
}

}  // namespace
}  // namespace lockstep::properties
