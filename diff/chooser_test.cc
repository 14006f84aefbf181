// Replaying choices: strictly, as a trace says; leniently, as a shrunk scenario needs.
#include "diff/chooser.h"

#include <gtest/gtest.h>

namespace lockstep::diff {
namespace {

using traces::ChoicePoint;
using traces::TakenChoice;
using traces::ThreadId;

const std::vector<ThreadId> kCandidates = {{1, 0}, {2, 0}, {3, 0}};

size_t choose(ScriptedChooser& c, ChoicePoint point, const std::vector<ThreadId>& candidates = kCandidates) {
  return c.choose(point, {}, candidates);
}

TEST(StrictChooser, TakesWhatIsRecordedInOrder) {
  const std::vector<TakenChoice> recorded = {{ChoicePoint::kTick, {3, 0}}, {ChoicePoint::kSyncLoop, {2, 0}}};
  ScriptedChooser c(recorded);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 2u);
  EXPECT_EQ(choose(c, ChoicePoint::kSyncLoop), 1u);
}

TEST(StrictChooser, TakesTheSmallestWhenTheRecordingHasRunOut) {
  ScriptedChooser empty({});
  EXPECT_EQ(choose(empty, ChoicePoint::kTick), 0u);
  const std::vector<TakenChoice> one = {{ChoicePoint::kTick, {3, 0}}};
  ScriptedChooser c(one);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 2u);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 0u);
}

TEST(StrictChooser, SpendsARecordedChoiceThatIsNoCandidate) {
  const std::vector<TakenChoice> recorded = {{ChoicePoint::kTick, {9, 0}}, {ChoicePoint::kTick, {2, 0}}};
  ScriptedChooser c(recorded);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 0u);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 1u);
}

TEST(LenientChooser, SkipsWhatDoesNotFit) {
  const std::vector<TakenChoice> recorded = {
      {ChoicePoint::kTick, {9, 0}}, {ChoicePoint::kSyncLoop, {2, 0}}, {ChoicePoint::kTick, {3, 0}}};
  ScriptedChooser c(recorded, true);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 2u) << "9.0 is no candidate, the next was at another point";
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 0u) << "nothing is left";
}

TEST(LenientChooser, KeepsTheRecordingWhenNothingFits) {
  const std::vector<TakenChoice> recorded = {{ChoicePoint::kTick, {3, 0}}};
  ScriptedChooser c(recorded, true);
  EXPECT_EQ(choose(c, ChoicePoint::kSyncLoop), 0u);
  EXPECT_EQ(choose(c, ChoicePoint::kTick), 2u);
}

}  // namespace
}  // namespace lockstep::diff
