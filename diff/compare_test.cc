// What "agree" means, on streams made by hand: each permitted difference is permitted, and nothing beside it.
#include "diff/compare.h"

#include <gtest/gtest.h>

#include "diff/testing.h"
#include "traces/sites.h"

namespace lockstep::diff::testing {
namespace {

using traces::Outcome;
using traces::RecordKind;
using traces::RecordWriter;
using traces::ThreadId;
using traces::Words;

void host_begin(Words& out, uint32_t during) {
  RecordWriter(out, RecordKind::kHostBegin)
      .word(during)
      .word(traces::HostOp::kCallStack)
      .word(traces::kNone)
      .word(0)
      .words({});
}
void choice(Words& out, uint32_t taken) {
  RecordWriter(out, RecordKind::kChoice)
      .word(traces::ChoicePoint::kTick)
      .thread({})
      .ids(std::vector<ThreadId>{{1, 0}, {2, 0}})
      .thread({taken, 0});
}
void end(Words& out, uint64_t result) {
  RecordWriter(out, RecordKind::kEnd).thread({1, 0}).cores(std::vector<uint64_t>{result});
}
void state(Words& out, uint32_t slot, uint32_t parent) {
  RecordWriter record(out, RecordKind::kState);
  traces::SnapshotWriter w(record);
  w.thread({1, 0}, {0, false, false, 1, slot, 0});
  w.tree(1, parent);
}
void stack(Words& out, uint32_t task) { RecordWriter(out, RecordKind::kStack).words(Words{task}); }
void outcome(Words& out, Outcome o) { RecordWriter(out, RecordKind::kOutcome).word(o).word(0).words({}); }

// A stream of everything that can be left out; each number is a value in one part of it.
struct Values {
  uint32_t result = 1, slot = 1, parent = 1, stack = 1, choice = 1, aftermath = 1;
  bool operator==(const Values&) const = default;
};
Words stream(const Values& v, Outcome o = Outcome::kTrap) {
  Words out;
  choice(out, v.choice);
  end(out, v.result);
  state(out, v.slot, v.parent);
  stack(out, v.stack);
  host_begin(out, traces::kNone);
  end(out, v.aftermath);
  outcome(out, o);
  return out;
}

bool agree(const Values& actual, const Capabilities& c) { return !compare(stream({}), stream(actual), c); }

TEST(Compare, NothingIsPermittedToAnEngineThatReportsEverything) {
  EXPECT_TRUE(agree({}, {}));
  for (const Values& v : {Values{.result = 2}, Values{.slot = 2}, Values{.parent = 2}, Values{.stack = 2},
                          Values{.choice = 2}, Values{.aftermath = 2}})
    EXPECT_FALSE(agree(v, {}));
}

TEST(Compare, AfterSpecUndefinedNothingIsCompared) {
  Words expected;
  end(expected, 1);
  Words goes_on = expected;
  const Words stops = expected;
  outcome(expected, Outcome::kSpecUndefined);
  end(goes_on, 7);
  outcome(goes_on, Outcome::kDone);
  EXPECT_FALSE(compare(expected, goes_on, {}));
  EXPECT_FALSE(compare(expected, stops, {}));
  EXPECT_TRUE(compare(goes_on, expected, {})) << "it is the reference that must say so";

  Words differs_before;
  end(differs_before, 2);
  outcome(differs_before, Outcome::kSpecUndefined);
  EXPECT_TRUE(compare(expected, differs_before, {})) << "what came before it is compared";
}

TEST(Compare, WithoutSnapshotsOnlySnapshotsAreLeftOut) {
  const Capabilities c{.snapshot = false};
  EXPECT_TRUE(agree({.slot = 2, .parent = 2}, c));
  for (const Values& v : {Values{.result = 2}, Values{.stack = 2}, Values{.choice = 2}, Values{.aftermath = 2}})
    EXPECT_FALSE(agree(v, c));
}

TEST(Compare, WithoutATreeOnlyTreeAndCallStackAreLeftOut) {
  const Capabilities c{.tree = false};
  EXPECT_TRUE(agree({.parent = 2, .stack = 2}, c));
  for (const Values& v : {Values{.result = 2}, Values{.slot = 2}, Values{.choice = 2}, Values{.aftermath = 2}})
    EXPECT_FALSE(agree(v, c));
}

TEST(Compare, WithoutAnAftermathEverythingFromItToTheOutcomeIsLeftOut) {
  const Capabilities c{.aftermath = false};
  EXPECT_TRUE(agree({.aftermath = 2}, c));
  for (const Values& v :
       {Values{.result = 2}, Values{.slot = 2}, Values{.parent = 2}, Values{.stack = 2}, Values{.choice = 2}})
    EXPECT_FALSE(agree(v, c));
  EXPECT_TRUE(compare(stream({}), stream({}, Outcome::kDone), c)) << "the outcome is compared";
}

TEST(Compare, WithoutChoicesOnlyChoicesAreLeftOut) {
  const Capabilities c{.choices = false};
  EXPECT_TRUE(agree({.choice = 2}, c));
  for (const Values& v :
       {Values{.result = 2}, Values{.slot = 2}, Values{.parent = 2}, Values{.stack = 2}, Values{.aftermath = 2}})
    EXPECT_FALSE(agree(v, c));
}

TEST(Compare, TheTableOfPermittedDifferencesHasARowForEachTestAbove) {
  ASSERT_EQ(permitted_differences().size(), 5u);
  for (const char* word : {"spec-undefined", "`snapshot`", "`tree`", "`aftermath`", "`choices`"})
    EXPECT_TRUE(std::any_of(permitted_differences().begin(), permitted_differences().end(),
                            [&](const PermittedDifference& p) { return contains(std::string(p.what), word); }))
        << word;
  for (const PermittedDifference& p : permitted_differences()) EXPECT_FALSE(p.why.empty()) << p.what;
}

TEST(Compare, AScheduleIsOpenWhereThereAreTwoCandidates) {
  Words one;
  RecordWriter(one, RecordKind::kChoice)
      .word(traces::ChoicePoint::kTick)
      .thread({})
      .ids(std::vector<ThreadId>{{1, 0}})
      .thread({1, 0});
  EXPECT_FALSE(has_open_choice(one));
  EXPECT_TRUE(has_open_choice(stream({})));
}

TEST(Compare, OneStreamThatEndsBeforeTheOtherIsADifference) {
  Words longer = stream({});
  RecordWriter(longer, RecordKind::kMemory).word(0).word(0).words(Words{16, 1});
  const auto less = compare(longer, stream({}), {});
  ASSERT_TRUE(less);
  EXPECT_EQ(less->fields.at(0), "expected {\"memory\":0,\"words\":[16,1]}, got nothing more");
  const auto more = compare(stream({}), longer, {});
  ASSERT_TRUE(more);
  EXPECT_EQ(more->fields.at(0), "expected nothing more, got {\"memory\":0,\"words\":[16,1]}");
}

TEST(Compare, ADifferenceNamesTheFieldAndBothValues) {
  EXPECT_EQ(compare(stream({}), stream({.result = 2}), {})->fields,
            std::vector<std::string>{"result: expected [1], got [2]"});
  EXPECT_EQ(compare(stream({}), stream({.slot = 2}), {})->fields,
            std::vector<std::string>{"thread 1.0 slot0: expected 1, got 2"});
  EXPECT_EQ(compare(stream({}), stream({.slot = 0}), {})->fields,
            std::vector<std::string>{"thread 1.0 slot0: expected 1, got 0"});
}

TEST(Compare, FailuresOfOneKindHaveOneBucketWhateverTheirNumbers) {
  const auto bucket = [](uint32_t slot, uint32_t actual) {
    return compare(stream({.slot = slot}), stream({.slot = actual}), {})->bucket;
  };
  EXPECT_EQ(bucket(1, 2), bucket(7, 0));
  EXPECT_NE(bucket(1, 2), compare(stream({}), stream({.parent = 2}), {})->bucket);
}

}  // namespace
}  // namespace lockstep::diff::testing
