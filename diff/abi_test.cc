// What model/ and optimized/ write down separately, pinned: trap sites against the one list of them, and the numbers of
// the Canonical ABI in optimized against definitions.py at 6d28164 (model/abi_test.cc has the model's).
#include "optimized/abi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "model/trap.h"
#include "optimized/trap.h"
#include "traces/sites.h"

namespace lockstep::diff {
namespace {

std::vector<std::string_view> model_sites() {
  std::vector<std::string_view> out;
#define LOCKSTEP_X(enumerator, site) out.push_back(model::name(model::TrapSite::k##enumerator));
  LOCKSTEP_MODEL_TRAP_SITES(LOCKSTEP_X)
#undef LOCKSTEP_X
  return out;
}

std::vector<std::string_view> optimized_sites() {
  std::vector<std::string_view> out;
  for (size_t i = 0; i < optimized::kTrapSiteCount; ++i)
    out.push_back(optimized::name(static_cast<optimized::TrapSite>(i)));
  return out;
}

void expect_known_and_unique(const std::vector<std::string_view>& names) {
  std::set<std::string_view> seen;
  for (const std::string_view n : names) {
    const traces::SiteId id = traces::find_site(n);
    EXPECT_NE(id, 0u) << n << " is not in traces/sites.inc";
    EXPECT_FALSE(traces::site(id).assertion) << n;
    EXPECT_TRUE(seen.insert(n).second) << n << " twice";
  }
}

// Raised by the guest itself, so not by an engine that only runs built-ins.
bool is_guests_own(std::string_view site) { return site.starts_with("guest."); }
// In the specification, but behind another trap: "never: …".
bool is_never_reached(std::string_view site) {
  return traces::site(traces::find_site(site)).unreached.starts_with("never");
}

TEST(TrapSites, OfModelAndOptimizedAreAllInTheOneList) {
  expect_known_and_unique(model_sites());
  expect_known_and_unique(optimized_sites());
}

TEST(TrapSites, OfModelAndOptimizedAreTheSame) {
  const auto comparable = [](const std::vector<std::string_view>& names) {
    std::set<std::string_view> out;
    for (const std::string_view n : names)
      if (!is_guests_own(n) && !is_never_reached(n)) out.insert(n);
    return out;
  };
  EXPECT_EQ(comparable(model_sites()), comparable(optimized_sites()));
}

TEST(TrapSites, ThatScenariosCanReachAreInTheModel) {
  const std::vector<std::string_view> model = model_sites();
  for (const traces::Site& s : traces::sites().subspan(1))
    EXPECT_TRUE(s.assertion || !s.unreached.empty() || std::find(model.begin(), model.end(), s.name) != model.end())
        << s.name;
}

template <typename Enum>
constexpr uint32_t number(Enum e) {
  return static_cast<uint32_t>(e);
}

TEST(OptimizedAbi, EventCodesAreThoseOfTheSpecification) {
  EXPECT_EQ(number(optimized::EventCode::kNone), 0u);
  EXPECT_EQ(number(optimized::EventCode::kSubtask), 1u);
  EXPECT_EQ(number(optimized::EventCode::kTaskCancelled), 6u);
}

TEST(OptimizedAbi, SubtaskStatesAreThoseOfTheSpecification) {
  EXPECT_EQ(number(optimized::SubtaskState::kStarting), 0u);
  EXPECT_EQ(number(optimized::SubtaskState::kStarted), 1u);
  EXPECT_EQ(number(optimized::SubtaskState::kReturned), 2u);
  EXPECT_EQ(number(optimized::SubtaskState::kCancelledBeforeStarted), 3u);
  EXPECT_EQ(number(optimized::SubtaskState::kCancelledBeforeReturned), 4u);
}

TEST(OptimizedAbi, TaskStatesAreThoseOfTheSpecification) {
  EXPECT_EQ(number(optimized::TaskState::kInitial), 1u);
  EXPECT_EQ(number(optimized::TaskState::kStarted), 2u);
  EXPECT_EQ(number(optimized::TaskState::kPendingCancel), 3u);
  EXPECT_EQ(number(optimized::TaskState::kCancelDelivered), 4u);
  EXPECT_EQ(number(optimized::TaskState::kResolved), 5u);
}

TEST(OptimizedAbi, CallbackCodesAndLimitsAreThoseOfTheSpecification) {
  EXPECT_EQ(number(optimized::CallbackCode::kExit), 0u);
  EXPECT_EQ(number(optimized::CallbackCode::kYield), 1u);
  EXPECT_EQ(number(optimized::CallbackCode::kWait), 2u);
  EXPECT_EQ(optimized::kBlocked, 0xffff'ffffu);
  EXPECT_EQ(optimized::kMaxTableLength, 268'435'455u);
  EXPECT_EQ(optimized::kMaxBackpressure, 65'536u);
  EXPECT_EQ(optimized::kMaxFlatParams, 16u);
  EXPECT_EQ(optimized::kMaxFlatAsyncParams, 4u);
}

}  // namespace
}  // namespace lockstep::diff
