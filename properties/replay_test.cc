// Properties of replay: a recorded case replays to the same bytes on the model; the same seed gives the same bytes.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "properties/gen.h"
#include "traces/files.h"

namespace lockstep::properties {
namespace {

RC_GTEST_PROP(Properties, ARecordedCaseReplaysToTheSameBytesOnTheModel, ()) {
  const diff::Case c = generated(*case_seed(), *rc::gen::element(0u, 100u));
  const diff::Case again = diff::run_reference(c.scenario, c.choices, /*lenient=*/false);
  RC_ASSERT(again.expected == c.expected);
  RC_ASSERT(again.choices == c.choices);
}

RC_GTEST_PROP(Properties, TheSameSeedGivesTheSameBytes, ()) {
  const uint64_t seed = *case_seed();
  const auto text = [&] { return traces::to_text(diff::trace_of(generated(seed), "A property.")); };
  RC_ASSERT(text() == text());
}

}  // namespace
}  // namespace lockstep::properties
