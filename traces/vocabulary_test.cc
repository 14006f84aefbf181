// The names of the vocabulary: each has one, nobody shares one, and reading a name gives back what was written.
#include "traces/vocabulary.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lockstep::traces {
namespace {

template <typename Enum>
void expect_names(size_t count) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < count; ++i) {
    const auto e = static_cast<Enum>(i);
    EXPECT_FALSE(name(e).empty()) << "number " << i;
    EXPECT_TRUE(seen.insert(name(e)).second) << name(e) << " is the name of two";
    EXPECT_EQ(from_name<Enum>(name(e)), e) << name(e);
  }
  EXPECT_EQ(from_name<Enum>(""), std::nullopt);
  EXPECT_EQ(from_name<Enum>("no such name"), std::nullopt);
}

TEST(Vocabulary, NamesAreUniqueAndReadBack) {
  expect_names<Op>(kOpCount);
  expect_names<HostOp>(kHostOpCount);
  expect_names<Context>(kContextCount);
  expect_names<ChoicePoint>(kChoicePointCount);
  expect_names<GuardKind>(kGuardKindCount);
  expect_names<Outcome>(kOutcomeCount);
  expect_names<Lift>(static_cast<size_t>(Lift::kStackful) + 1);
  expect_names<Encoding>(static_cast<size_t>(Encoding::kLatin1Utf16) + 1);
  expect_names<IndexType>(static_cast<size_t>(IndexType::kI64) + 1);
  expect_names<OnCancel>(static_cast<size_t>(OnCancel::kReturn) + 1);
}

TEST(Vocabulary, SomeNamesAreWhatTheProtocolSays) {
  EXPECT_EQ(name(Op::kCall), "call");
  EXPECT_EQ(name(Op::kWaitableSetPoll), "waitable-set.poll");
  EXPECT_EQ(name(Op::kErrorContextDrop), "error-context.drop");
  EXPECT_EQ(name(Op::kCode), "code");
  EXPECT_EQ(name(Op::kThreadSuspendThenPromote), "thread.suspend-then-promote");
  EXPECT_EQ(name(Op::kFutureCancelWrite), "future.cancel-write");
  EXPECT_EQ(name(HostOp::kCallStack), "call-stack");
  EXPECT_EQ(name(HostOp::kDropEnd), "drop-end");
  EXPECT_EQ(name(Context::kDestructor), "destructor");
  EXPECT_EQ(name(ChoicePoint::kDebugMessage), "debug-message");
  EXPECT_EQ(name(Context::kPostReturn), "post-return");
  EXPECT_EQ(name(ChoicePoint::kGetPendingEvent), "get-pending-event");
  EXPECT_EQ(name(Outcome::kSpecUndefined), "spec-undefined");
}

TEST(Vocabulary, BuiltinsAndCoreCodeAreToldApart) {
  EXPECT_TRUE(is_builtin(Op::kCall));
  EXPECT_TRUE(is_builtin(Op::kErrorContextDrop));
  EXPECT_FALSE(is_builtin(Op::kLoad));
  EXPECT_FALSE(is_builtin(Op::kStore));
  EXPECT_TRUE(is_stream_or_future(Op::kStreamNew));
  EXPECT_TRUE(is_stream_or_future(Op::kFutureDropWritable));
  EXPECT_FALSE(is_stream_or_future(Op::kResourceRep));
  EXPECT_FALSE(is_stream_or_future(Op::kThreadNewIndirect));
}

TEST(Vocabulary, SomeGuardsAreAboutARegister) {
  const std::set<std::string_view> about = {"resolved", "live", "nonzero", "joined", "idle", "copying", "suspended"};
  for (size_t i = 0; i < kGuardKindCount; ++i) {
    const auto guard = static_cast<GuardKind>(i);
    EXPECT_EQ(is_about_register(guard), about.contains(name(guard))) << name(guard);
  }
}

TEST(Vocabulary, ASegmentEndsWithACoreTrapAnExceptionOrAReturnOfSomeKind) {
  for (size_t i = 0; i < kOpCount; ++i) {
    const auto op = static_cast<Op>(i);
    const std::set<std::string_view> ends = {"unreachable", "throw", "return", "exit", "yield", "wait", "code"};
    EXPECT_EQ(ends_segment(op), ends.contains(name(op))) << name(op);
  }
}

}  // namespace
}  // namespace lockstep::traces
