// The numbers of the Canonical ABI as the model has them, against definitions.py at 6d28164, written out: a number that
// both sides of a comparison got wrong is one that no comparison sees. diff/abi_test.cc does the same for optimized.
#include <gtest/gtest.h>

#include <string>

#include "model/builtins.h"
#include "model/canon_lift.h"
#include "model/flattening.h"
#include "model/subtask.h"
#include "model/table.h"
#include "model/task.h"
#include "model/trap.h"
#include "model/waitable.h"

namespace lockstep::model {
namespace {

template <typename Enum>
constexpr uint32_t number_of(Enum e) {
  return static_cast<uint32_t>(e);
}

TEST(ModelAbi, EventCodesAreThoseOfTheSpecification) {
  EXPECT_EQ(number_of(EventCode::NONE), 0u);
  EXPECT_EQ(number_of(EventCode::SUBTASK), 1u);
  EXPECT_EQ(number_of(EventCode::STREAM_READ), 2u);
  EXPECT_EQ(number_of(EventCode::STREAM_WRITE), 3u);
  EXPECT_EQ(number_of(EventCode::FUTURE_READ), 4u);
  EXPECT_EQ(number_of(EventCode::FUTURE_WRITE), 5u);
  EXPECT_EQ(number_of(EventCode::TASK_CANCELLED), 6u);
}

TEST(ModelAbi, SubtaskStatesAreThoseOfTheSpecification) {
  EXPECT_EQ(number_of(Subtask::State::STARTING), 0u);
  EXPECT_EQ(number_of(Subtask::State::STARTED), 1u);
  EXPECT_EQ(number_of(Subtask::State::RETURNED), 2u);
  EXPECT_EQ(number_of(Subtask::State::CANCELLED_BEFORE_STARTED), 3u);
  EXPECT_EQ(number_of(Subtask::State::CANCELLED_BEFORE_RETURNED), 4u);
}

TEST(ModelAbi, TaskStatesAreThoseOfTheSpecification) {
  EXPECT_EQ(number_of(Task::State::INITIAL), 1u);
  EXPECT_EQ(number_of(Task::State::STARTED), 2u);
  EXPECT_EQ(number_of(Task::State::PENDING_CANCEL), 3u);
  EXPECT_EQ(number_of(Task::State::CANCEL_DELIVERED), 4u);
  EXPECT_EQ(number_of(Task::State::RESOLVED), 5u);
}

TEST(ModelAbi, CallbackCodesAreThoseOfTheSpecification) {
  EXPECT_EQ(number_of(CallbackCode::EXIT), 0u);
  EXPECT_EQ(number_of(CallbackCode::YIELD), 1u);
  EXPECT_EQ(number_of(CallbackCode::WAIT), 2u);
}

TEST(ModelAbi, LimitsAreThoseOfTheSpecification) {
  EXPECT_EQ(BLOCKED, 0xffff'ffffu);
  EXPECT_EQ(Table<int>::MAX_LENGTH, 268'435'455u);
  EXPECT_EQ(MAX_FLAT_PARAMS, 16u);
  EXPECT_EQ(MAX_FLAT_ASYNC_PARAMS, 4u);
  EXPECT_EQ(MAX_FLAT_RESULTS, 1u);
}

TEST(ModelAbi, ACallbackResultIsTheCodeInFourBitsAndTheSetAboveThem) {
  EXPECT_EQ(unpack_callback_result(0), std::pair(CallbackCode::EXIT, 0u));
  EXPECT_EQ(unpack_callback_result(1), std::pair(CallbackCode::YIELD, 0u));
  EXPECT_EQ(unpack_callback_result(0x52), std::pair(CallbackCode::WAIT, 5u));
  EXPECT_EQ(unpack_callback_result(0xffff'fff2), std::pair(CallbackCode::WAIT, 0x0fff'ffffu));
}

TEST(ModelAbi, AnUnknownCallbackCodeIsATrap) {
  for (uint32_t code = 3; code < 16; ++code) {
    try {
      unpack_callback_result(0x50 | code);
      FAIL() << code;
    } catch (const Trap& t) {
      EXPECT_EQ(name(t.site), "unpack_callback_result#1") << code;
    }
  }
}

}  // namespace
}  // namespace lockstep::model
