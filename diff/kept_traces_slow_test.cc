// There are as many kept traces as were promised.
#include <gtest/gtest.h>

#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

TEST(KeptTraces, AtLeastTwoHundredAreGolden) {
  const std::string golden = std::string(LOCKSTEP_ROOT) + "/traces/golden";
  size_t recorded = 0;
  for (const std::string& file : trace_files({golden})) {
    const traces::Trace t = traces::read_trace_file(file);
    EXPECT_EQ(t.engines.at(0).first, "definitions.py") << file << " is not from the real definitions.py";
    ++recorded;
  }
  EXPECT_GE(recorded, 200u);
}

}  // namespace
}  // namespace lockstep::diff::testing
