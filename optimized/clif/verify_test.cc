// What verify() finds in functions that no text could have given, since the reader would have stopped earlier.
#include "optimized/clif/verify.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "optimized/clif/reader.h"

namespace lockstep::clif {
namespace {

class Verify : public ::testing::Test {
 protected:
  Function f =
      read_functions(
          "function %f(i64, i32) -> i32 { region0 = 0 \"R\" sig0 = (i64) -> i32 fn0 = %g sig0\n"
          "block0(v0: i64, v1: i32):\n v2 = iadd v1, v1\n v3 = iadd v2, v1\n v4 = load.i32 region0 v0\n"
          " v5 = call fn0(v0)\n brif v4, block1(v3), block2\nblock1(v6: i32):\n return v6\nblock2:\n return v5\n}\n")
          .at(0);
  std::vector<Inst>& insts = f.blocks[0].insts;

  std::string error() const {
    try {
      verify(f);
    } catch (const ReadError& e) {
      return e.what();
    }
    return "";
  }
};

TEST_F(Verify, TakesWhatWasRead) { EXPECT_EQ(error(), ""); }

TEST_F(Verify, OrderInABlock) {
  std::swap(insts[0], insts[1]);
  EXPECT_EQ(error(), "4:2: v2 is not defined on every way to its use here");
}

TEST_F(Verify, OrderOfBlocks) {
  f.blocks[1].insts[0].args[0] = 5;
  EXPECT_EQ(error(), "");
  f.blocks[2].insts[0].args[0] = 6;
  EXPECT_EQ(error(), "11:2: v6 is not defined on every way to its use here");
}

TEST_F(Verify, AWayPastTheDefinition) {
  insts.back().targets[0].args[0].number = 6;
  EXPECT_EQ(error(), "7:2: v6 is not defined on every way to its use here");
}

TEST_F(Verify, Definitions) {
  insts[1].results[0] = 2;
  EXPECT_EQ(error(), "4:2: v2 is defined twice");
  insts[1].results[0] = 9;
  EXPECT_EQ(error(), "4:2: v9 has no type");
  f.types[9] = kI64;
  EXPECT_EQ(error(), "4:2: v9 has another type than iadd gives");
  f.types[9] = kI32;
  EXPECT_EQ(error(), "7:2: v3 is not defined");
}

TEST_F(Verify, Shape) {
  insts.pop_back();
  EXPECT_EQ(error(), "6:2: block0 does not end with a terminator");
  insts.clear();
  f.blocks.resize(1);
  EXPECT_EQ(error(), "0:0: block0 is empty");
  f.blocks.clear();
  EXPECT_EQ(error(), "1:10: function %f has no blocks");
}

TEST_F(Verify, TerminatorsInTheMiddle) {
  insts.insert(insts.begin(), f.blocks[1].insts[0]);
  EXPECT_EQ(error(), "9:2: block0 goes on after its terminator 'return'");
}

TEST_F(Verify, Operands) {
  insts[0].args.pop_back();
  EXPECT_EQ(error(), "3:2: iadd lacks operands");
  insts[0].args = {1, 1, 1};
  EXPECT_EQ(error(), "3:2: iadd has too many operands");
  insts[0].args = {1, 1};
  insts[0].type = kI64;
  EXPECT_EQ(error(), "3:2: operand 1 of iadd, v1, is i32 and should be i64");
}

TEST_F(Verify, References) {
  insts.back().targets[1].block = 7;
  EXPECT_EQ(error(), "7:2: block7 is not declared");
  insts.back().targets.pop_back();
  EXPECT_EQ(error(), "7:2: brif with 1 target");
  insts[3].entity = 4;
  EXPECT_EQ(error(), "6:2: fn4 is not declared");
  insts[2].flags.region = 3;
  EXPECT_EQ(error(), "5:2: region3 is not declared");
  f.functions.at(0).signature = 8;
  EXPECT_EQ(error(), "1:10: fn0 has no signature");
}

TEST_F(Verify, Aliases) {
  f.aliases.push_back({8, 3});
  EXPECT_EQ(error(), "1:10: v8 has no type");
  f.types[8] = kI64;
  EXPECT_EQ(error(), "1:10: v8 has another type than v3");
  f.types[8] = kI32;
  EXPECT_EQ(error(), "");
  insts[0].args[0] = 8;
  EXPECT_EQ(error(), "3:2: v8 is not defined on every way to its use here");
}

TEST(VerifyText, Lanes) {
  const auto error = [](const std::string& line) -> std::string {
    try {
      read_functions("function %f(i32x4, i32) {\nblock0(v0: i32x4, v1: i32):\n" + line + "\nreturn\n}\n");
    } catch (const ReadError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(error("v2 = extractlane v0, 3"), "");
  EXPECT_EQ(error("v2 = extractlane v0, 4"), "3:1: i32x4 has no lane 4");
  EXPECT_EQ(error("v2 = insertlane v0, v1, 4"), "3:1: i32x4 has no lane 4");
  EXPECT_EQ(error("v2 = insertlane v0, v1, 256"), "3:25: this number is too large: '256'");
  EXPECT_EQ(error("v2 = splat.i64x2 v1"), "3:1: operand 1 of splat, v1, is i32 and should be i64");
  EXPECT_EQ(error("v2 = fcvt_from_sint.f64x2 v0"),
            "3:1: operand 1 of fcvt_from_sint, v0, is i32x4 and should be integers, as many as in f64x2");
}

}  // namespace
}  // namespace lockstep::clif
