// A random campaign reaches every operation in every context with every outcome that cells.txt lists.
#include <gtest/gtest.h>

#include "diff/campaign.h"
#include "diff/coverage.h"

namespace lockstep::diff {
namespace {

constexpr uint64_t kCases = 20'000;  // of one seed
constexpr uint64_t kSeeds = 4;       // a cell that one seed misses another one reaches

TEST(Coverage, EveryListedCellIsReached) {
  const std::set<std::string> listed = read_cells(std::string(LOCKSTEP_ROOT) + "/diff/cells.txt");
  ASSERT_GE(listed.size(), 600u);
  std::set<std::string> missing = listed;
  Cells cells;
  for (uint64_t seed = 1; seed <= kSeeds && !missing.empty(); ++seed) {
    for (uint64_t i = 0; i < kCases; ++i) {
      const Case c = generate_case(seed, i, {});
      cells.add(c.expected, c.scenario);
      if (i % 1000 != 999) continue;
      for (const auto& [cell, n] : cells.counts()) missing.erase(to_string(cell));
      if (missing.empty()) break;
    }
  }
  for (const std::string& cell : missing) ADD_FAILURE() << "not reached: " << cell;
}

}  // namespace
}  // namespace lockstep::diff
