// Store elision, rule by rule: what goes, and beside it what would be wrong to let go. Every result is also run against
// the original in random worlds.
#include "optimized/clif/elide.h"

#include <gtest/gtest.h>

#include <sstream>

#include "optimized/clif/elide_testing.h"
#include "optimized/clif/interpreter.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"
#include "optimized/clif/verify.h"

namespace lockstep::clif {
namespace {

using Ran = Run;  // GoogleTest has a Run of its own

// A function of v0, v1: i64 (pointers into A, perhaps the same), v2: i64 (to B, which holds a pointer at +32), v3: i64
// (to T, which holds pointers), v4, v5: i32.
Function function(const std::string& body) {
  return read_functions(R"(function %f(i64, i64, i64, i64, i32, i32) -> i32 {
    ss0 = explicit_slot 24
    ss1 = explicit_slot 8
    region0 = 0 "A"
    region1 = 1 "B"
    region2 = 2 "T"
    region3 = 3 "S"
    sig0 = (i64, i32) -> i32
    sig1 = ()
    fn0 = %g sig0
    fn1 = %h sig1

block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i32, v5: i32):
)" + body + "}\n")
      .at(0);
}

// The instructions of a function, without what stands before them, blanks and empty lines.
std::string body_of(const Function& f) {
  std::istringstream lines(print(f));
  std::string body, line;
  bool inside = false;
  while (std::getline(lines, line)) {
    const size_t begin = line.find_first_not_of(' ');
    if (inside && begin != line.npos && line != "}") body += line.substr(begin) + "\n";
    inside = inside || line.compare(0, 7, "block0(") == 0;
  }
  return body;
}

ElideOptions without(bool ElideOptions::*part) {
  ElideOptions options;
  options.*part = false;
  return options;
}
ElideOptions promising(const std::string& text) {
  ElideOptions options;
  options.promises = read_promises(text);
  return options;
}

class ElideTest : public ::testing::Test {
 protected:
  // Elides and compares; then runs both in random worlds, which keep no promises but those of the function itself.
  void check(const std::string& before, const std::string& after, const ElideOptions& options = {}) {
    const Function original = function(before);
    const Function result = elide(original, options);
    EXPECT_EQ("\n" + body_of(result), after);
    EXPECT_NO_THROW(verify(result));
    EXPECT_EQ(print(elide(result, options)), print(result)) << "a second time";
    if (options.promises.list.empty()) compare_runs(original, result, options);
  }

  static void compare_runs(const Function& original, const Function& result, const ElideOptions& options) {
    size_t useful = 0;
    for (uint64_t seed = 0; seed < 100; ++seed) {
      testing::HashWorld first(seed), second(seed);
      const std::vector<Bits> args = first.args();
      second.args();
      const Ran before = run(original, args, first, 1000, options.trust_regions);
      const Ran after = run(result, args, second, 2000, options.trust_regions);
      const std::optional<Difference> difference = compare(before, after);
      if (difference && difference->kind == Difference::kUseless) continue;
      ++useful;
      ASSERT_FALSE(difference) << "seed " << seed << ": " << difference->what;
      if (before.end == Ran::kTrapped) continue;
      EXPECT_LE(after.executed_stores, before.executed_stores) << "seed " << seed;
      EXPECT_LE(after.executed_loads, before.executed_loads) << "seed " << seed;
    }
    EXPECT_GT(useful, 20u);
  }
};

// ---- Stores that are overwritten ----

TEST_F(ElideTest, DropsWhatIsOverwritten) {
  check(R"(
store.i32 notrap region0 v4, v0
store.i32 notrap region0 v5, v0
return v4
)",
        R"(
store notrap region0 v5, v0
return v4
)");
}

TEST_F(ElideTest, DropsWhatTwoStoresOverwriteTogether) {
  check(R"(
v6 = uextend.i64 v4
store.i64 notrap region0 v6, v0+8
store.i32 notrap region0 v5, v0+12
store.i32 notrap region0 v4, v0+8
return v4
)",
        R"(
store notrap region0 v4, v0+8
store notrap region0 v5, v0+12
return v4
)");
}

TEST_F(ElideTest, KeepsWhatIsOverwrittenInPart) {
  check(R"(
store.i32 notrap region0 v4, v0
istore16.i32 notrap region0 v5, v0+2
return v4
)",
        R"(
store notrap region0 v4, v0
istore16 notrap region0 v5, v0+2
return v4
)");
}

TEST_F(ElideTest, KeepsWhatMayBeElsewhere) {
  check(R"(
store.i32 notrap region0 v4, v0
store.i32 notrap region0 v5, v1
return v4
)",
        R"(
store notrap region0 v4, v0
store notrap region0 v5, v1
return v4
)");
}

TEST_F(ElideTest, AddsUpAddresses) {
  check(R"(
v6 = uextend.i64 v4
v7 = iconst.i64 4
v8 = iadd v0, v7
v9 = iadd v8, v6
v10 = iadd v6, v0
store.i32 notrap region0 v4, v9+8
store.i32 notrap region0 v5, v10+12
return v4
)",
        R"(
v6 = uextend.i64 v4
v10 = iadd v6, v0
store notrap region0 v5, v10+12
return v4
)");
}

TEST_F(ElideTest, TellsAddressesApart) {
  check(R"(
v6 = uextend.i64 v4
v7 = iconst.i64 4
v8 = iadd v0, v7
v9 = iadd v6, v8
v10 = iadd v6, v0
store.i32 notrap region0 v4, v9
v11 = load.i32 notrap region0 v10+8
store.i32 notrap region0 v5, v10
store.i32 notrap region0 v5, v9
return v11
)",
        R"(
v6 = uextend.i64 v4
v7 = iconst.i64 4
v8 = iadd v0, v7
v9 = iadd v6, v8
v10 = iadd v6, v0
v11 = load.i32 notrap region0 v10+8
store notrap region0 v5, v10
store notrap region0 v5, v9
return v11
)");
}

TEST_F(ElideTest, DropsThroughAStoreThatMayTouchTheSameByte) {
  check(R"(
store.i32 notrap region0 v4, v0
store.i32 notrap region0 v5, v1
store.i32 notrap region0 v5, v0
return v4
)",
        R"(
store notrap region0 v5, v1
store notrap region0 v5, v0
return v4
)");
}

TEST_F(ElideTest, KeepsWhatALoadMaySee) {
  check(R"(
store.i32 notrap region0 v4, v0
v6 = load.i32 notrap region0 v1
store.i32 notrap region0 v5, v0
return v6
)",
        R"(
store notrap region0 v4, v0
v6 = load.i32 notrap region0 v1
store notrap region0 v5, v0
return v6
)");
}

TEST_F(ElideTest, DropsWhatALoadOfAnotherRegionCannotSee) {
  check(R"(
store.i32 notrap region0 v4, v0
v6 = load.i32 notrap region1 v2
store.i32 notrap region0 v5, v0
return v6
)",
        R"(
v6 = load.i32 notrap region1 v2
store notrap region0 v5, v0
return v6
)");
}

TEST_F(ElideTest, KeepsWhatALoadOfAnotherRegionMaySeeWithoutTrust) {
  check(R"(
store.i32 notrap region0 v4, v0
v6 = load.i32 notrap region1 v2
store.i32 notrap region0 v5, v0
return v6
)",
        R"(
store notrap region0 v4, v0
v6 = load.i32 notrap region1 v2
store notrap region0 v5, v0
return v6
)",
        without(&ElideOptions::trust_regions));
}

TEST_F(ElideTest, KeepsWhatALoadWithoutRegionMaySee) {
  check(R"(
store.i32 notrap region0 v4, v0
v6 = load.i32 notrap v2
store.i32 notrap region0 v5, v0
return v6
)",
        R"(
store notrap region0 v4, v0
v6 = load.i32 notrap v2
store notrap region0 v5, v0
return v6
)");
}

// ---- Restoring what was there ----

TEST_F(ElideTest, DropsSaveClearRestore) {
  check(R"(
v6 = load.i32 notrap region0 v0
v7 = iconst.i32 0
store notrap region0 v7, v0
store notrap region0 v6, v0
return v4
)",
        R"(
return v4
)");
}

TEST_F(ElideTest, KeepsARestoreOfAnotherValue) {
  check(R"(
v6 = load.i32 notrap region0 v0
v7 = iconst.i32 0
store notrap region0 v7, v0
store.i32 notrap region0 v4, v0
return v6
)",
        R"(
v6 = load.i32 notrap region0 v0
store notrap region0 v4, v0
return v6
)");
}

TEST_F(ElideTest, KeepsARestoreBehindAStoreThatMayTouchTheSameByte) {
  check(R"(
v6 = load.i32 notrap region0 v0
store.i32 notrap region0 v4, v1
store notrap region0 v6, v0
return v4
)",
        R"(
v6 = load.i32 notrap region0 v0
store notrap region0 v4, v1
store notrap region0 v6, v0
return v4
)");
}

TEST_F(ElideTest, KeepsARestoreBehindADelayedStoreThatMayTouchTheSameByte) {
  check(R"(
v6 = load.i32 notrap region0 v0
store.i32 notrap region0 v4, v1
store notrap region0 v6, v0
brif v5, block1, block2
block1:
store.i32 notrap region0 v5, v1
return v4
block2:
call fn1()
return v4
)",
        R"(
brif v5, block1, block2
block1:
store.i32 notrap region0 v5, v1
return v4
block2:
v6 = load.i32 notrap region0 v0
store.i32 notrap region0 v4, v1
store notrap region0 v6, v0
call fn1()
return v4
)");
}

TEST_F(ElideTest, KeepsARestoreBehindACall) {
  check(R"(
v6 = load.i32 notrap region0 v0
call fn1()
store notrap region0 v6, v0
return v4
)",
        R"(
v6 = load.i32 notrap region0 v0
call fn1()
store notrap region0 v6, v0
return v4
)");
}

TEST_F(ElideTest, DropsARestoreOfTheLowestBytes) {
  check(R"(
v6 = load.i64 notrap region0 v0
v7 = ireduce.i32 v6
store notrap region0 v7, v0
istore8.i64 notrap region0 v6, v0
return v7
)",
        R"(
v6 = load.i64 notrap region0 v0
v7 = ireduce.i32 v6
return v7
)");
}

TEST_F(ElideTest, KeepsARestoreInTheOtherOrderOfBytes) {
  check(R"(
v6 = load.i32 notrap region0 v0
store notrap big region0 v6, v0
return v6
)",
        R"(
v6 = load.i32 notrap region0 v0
store notrap big region0 v6, v0
return v6
)");
}

// ---- Stack slots ----

TEST_F(ElideTest, DropsAllStoresToASlotThatNobodyKnows) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v4, v6
call fn1()
v7 = load.i32 notrap region3 v6
return v7
)",
        R"(
call fn1()
return v4
)");
}

TEST_F(ElideTest, KeepsStoresToASlotThatACallGets) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v4, v6
v7 = call fn0(v6, v5)
return v7
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap region3 v4, v6
v7 = call fn0(v6, v5)
return v7
)");
}

TEST_F(ElideTest, DropsStoresToASlotBehindTheLastCall) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = call fn0(v6, v5)
store.i32 notrap region3 v4, v6
return v7
)",
        R"(
v6 = stack_addr.i64 ss0
v7 = call fn0(v6, v5)
return v7
)");
}

TEST_F(ElideTest, KeepsStoresToASlotWhoseAddressIsInMemory) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v4, v6
store notrap region1 v6, v2+32
call fn1()
return v4
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap region3 v4, v6
store notrap region1 v6, v2+32
call fn1()
return v4
)");
}

TEST_F(ElideTest, DropsASlotWhoseAddressIsOverwrittenInTime) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = load.i64 notrap region1 v2+32
store.i32 notrap region3 v4, v6
store notrap region1 v6, v2+32
store notrap region1 v7, v2+32
call fn1()
return v4
)",
        R"(
call fn1()
return v4
)");
}

TEST_F(ElideTest, KeepsASlotWhoseAddressIsInAnotherSlotThatIsKnown) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = stack_addr.i64 ss1
store.i32 notrap region3 v4, v7
store notrap region3 v7, v6+8
v8 = call fn0(v6, v5)
return v8
)",
        R"(
v6 = stack_addr.i64 ss0
v7 = stack_addr.i64 ss1
store notrap region3 v4, v7
store notrap region3 v7, v6+8
v8 = call fn0(v6, v5)
return v8
)");
}

TEST_F(ElideTest, KeepsASlotThatAStackMapNames) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v4, v6
call fn1(), stack_map=[i32 @ ss0+0]
return v4
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap region3 v4, v6
call fn1(), stack_map=[i32 @ ss0+0]
return v4
)");
}

TEST_F(ElideTest, KeepsAnAddressThatIsMadeFromASlot) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = uextend.i64 v4
v8 = iadd v6, v7
store.i32 notrap region3 v5, v6+4
v9 = load.i32 notrap region3 v8
return v9
)",
        R"(
v6 = stack_addr.i64 ss0
v7 = uextend.i64 v4
v8 = iadd v6, v7
store notrap region3 v5, v6+4
v9 = load.i32 notrap region3 v8
return v9
)");
}

TEST_F(ElideTest, KeepsASlotThatAPointerFromMemoryMayMean) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap v4, v6
store notrap region1 v6, v2+32
call fn1()
v7 = load.i64 notrap region1 v2+32
store.i32 notrap v5, v6
v8 = load.i32 notrap v7
return v8
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap v4, v6
store notrap region1 v6, v2+32
call fn1()
v7 = load.i64 notrap region1 v2+32
store notrap v5, v6
v8 = load.i32 notrap v7
return v8
)");
}

TEST_F(ElideTest, DropsATaskLinkedAndUnlinked) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = load.i64 notrap region1 v2+32
store notrap region3 v7, v6
store.i32 notrap region3 v4, v6+8
store notrap region1 v6, v2+32
v8 = iadd v4, v5
v9 = load.i64 notrap region1 v2+32
v10 = load.i64 notrap region3 v9
store notrap region1 v10, v2+32
return v8
)",
        R"(
v8 = iadd v4, v5
return v8
)");
}

// ---- Traps ----

TEST_F(ElideTest, MergesStoresThatMayTrapWithOneTrap) {
  check(R"(
store.i32 user1 region0 v4, v0
store.i32 notrap region1 v4, v2
store.i32 user2 region0 v5, v0
return v4
)",
        R"(
store user1 region0 v5, v0
store notrap region1 v4, v2
return v4
)");
}

TEST_F(ElideTest, LendsTheTrapToAnotherOrderOfBytes) {
  check(R"(
store.i32 user1 big region0 v4, v0
store.i32 notrap region0 v5, v0
return v4
)",
        R"(
store user1 region0 v5, v0
return v4
)");
}

TEST_F(ElideTest, KeepsTheOrderOfATrapAndAStore) {
  check(R"(
store.i32 notrap region1 v4, v2
store.i32 user1 region0 v4, v0
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
store notrap region1 v4, v2
store user1 region0 v4, v0
store notrap region1 v5, v2
return v4
)");
}

TEST_F(ElideTest, KeepsATrapBeforeAStoreThatALoadSees) {
  check(R"(
store.i32 user1 region0 v4, v0
store.i32 notrap region0 v5, v0
store.i32 notrap region1 v4, v2
v6 = load.i64 notrap region1 v2
v7 = ireduce.i32 v6
brif v5, block1, block2
block1:
store.i32 notrap region0 v4, v0
return v7
block2:
return v7
)",
        R"(
store user1 region0 v5, v0
store notrap region1 v4, v2
v6 = load.i64 notrap region1 v2
v7 = ireduce.i32 v6
brif v5, block1, block2
block1:
store.i32 notrap region0 v4, v0
return v7
block2:
return v7
)");
}

TEST_F(ElideTest, KeepsWhatATrappingLoadShows) {
  check(R"(
store.i32 notrap region1 v4, v2
v6 = load.i32 user1 region0 v0
store.i32 notrap region1 v5, v2
return v6
)",
        R"(
store notrap region1 v4, v2
v6 = load.i32 user1 region0 v0
store notrap region1 v5, v2
return v6
)");
}

TEST_F(ElideTest, DropsPastALoadThatHasBeenReachedBefore) {
  check(R"(
v6 = load.i32 user1 region0 v0
store.i32 notrap region1 v4, v2
istore16.i32 user1 region0 v4, v0
v7 = load.i32 user1 region0 v0
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
v6 = load.i32 user1 region0 v0
istore16 user1 region0 v4, v0
v7 = load.i32 user1 region0 v0
store notrap region1 v5, v2
return v7
)");
}

TEST_F(ElideTest, KeepsWhatATrapAfterACallShows) {
  check(R"(
v6 = load.i32 user1 region0 v0
call fn1()
store.i32 notrap region1 v4, v2
v7 = load.i32 user1 region0 v0
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
v6 = load.i32 user1 region0 v0
call fn1()
store notrap region1 v4, v2
v7 = load.i32 user1 region0 v0
store notrap region1 v5, v2
return v7
)");
}

TEST_F(ElideTest, KeepsALoadThatMayTrap) {
  check(R"(
v6 = load.i32 user1 region0 v0
v7 = load.i32 user2 region0 v0
v8 = load.i32 notrap region1 v2
return v4
)",
        R"(
v6 = load.i32 user1 region0 v0
return v4
)");
}

TEST_F(ElideTest, KeepsWhatADivisionShows) {
  check(R"(
store.i32 notrap region1 v4, v2
v6 = udiv v4, v5
store.i32 notrap region1 v5, v2
return v6
)",
        R"(
store notrap region1 v4, v2
v6 = udiv v4, v5
store notrap region1 v5, v2
return v6
)");
}

TEST_F(ElideTest, DropsPastADivisionThatCannotTrap) {
  check(R"(
v6 = iconst.i32 3
store.i32 notrap region1 v4, v2
v7 = udiv v4, v6
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
v6 = iconst.i32 3
v7 = udiv v4, v6
store notrap region1 v5, v2
return v7
)");
}

TEST_F(ElideTest, KeepsWhatADivisionByZeroShows) {
  check(R"(
v6 = iconst.i32 0
store.i32 notrap region1 v4, v2
v7 = srem v4, v6
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
v6 = iconst.i32 0
store notrap region1 v4, v2
v7 = srem v4, v6
store notrap region1 v5, v2
return v7
)");
}

TEST_F(ElideTest, KeepsWhatADivisionOfTheLeastShows) {
  check(R"(
v6 = iconst.i32 -1
store.i32 notrap region1 v4, v2
v7 = sdiv v4, v6
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
v6 = iconst.i32 -1
store notrap region1 v4, v2
v7 = sdiv v4, v6
store notrap region1 v5, v2
return v7
)");
}

TEST_F(ElideTest, MovesWhatAGuardShowsToItsTrap) {
  check(R"(
store.i32 notrap region1 v4, v2
trapz v4, user1
trapnz v5, user2
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
brif v4, block2, block1
block2:
brif.i32 v5, block3, block4
block4:
store.i32 notrap region1 v5, v2
return v4
block1 cold:
store.i32 notrap region1 v4, v2
trap user1
block3 cold:
store.i32 notrap region1 v4, v2
trap user2
)");
}

TEST_F(ElideTest, LeavesAGuardAloneIfNothingIsSpared) {
  check(R"(
store.i32 notrap region1 v4, v2
trapz v4, user1
return v4
)",
        R"(
store notrap region1 v4, v2
trapz v4, user1
return v4
)");
}

TEST_F(ElideTest, MovesWhatAnAdditionShowsToItsTrap) {
  check(R"(
v6 = uextend.i64 v4
store.i32 notrap region1 v4, v2
v7 = uadd_overflow_trap v6, v0, user1
store.i32 notrap region1 v5, v2
v8 = ireduce.i32 v7
return v8
)",
        R"(
v6 = uextend.i64 v4
v7, v9 = uadd_overflow v6, v0
brif v9, block1, block2
block2:
store.i32 notrap region1 v5, v2
v8 = ireduce.i32 v7
return v8
block1 cold:
store.i32 notrap region1 v4, v2
trap user1
)");
}

// ---- Branches and merges ----

TEST_F(ElideTest, SinksIntoTheArmThatLooks) {
  check(R"(
store.i32 notrap region1 v4, v2
brif v5, block1, block2
block1 cold:
call fn1()
jump block2
block2:
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
brif v5, block1, block2
block1 cold:
store.i32 notrap region1 v4, v2
call fn1()
jump block2
block2:
store.i32 notrap region1 v5, v2
return v4
)");
}

TEST_F(ElideTest, StaysWhereItIsIfAllArmsLook) {
  check(R"(
store.i32 notrap region1 v4, v2
brif v5, block1, block2
block1:
call fn1()
return v4
block2:
return v5
)",
        R"(
store notrap region1 v4, v2
brif v5, block1, block2
block1:
call fn1()
return v4
block2:
return v5
)");
}

TEST_F(ElideTest, GivesTheWayThatLooksItsOwnEdge) {
  check(R"(
store.i32 notrap region1 v4, v2
brif v5, block2, block1
block1:
store.i32 notrap region1 v5, v2
brif v4, block2, block3
block2:
call fn1()
return v4
block3:
return v5
)",
        R"(
brif v5, block2(v4), block1
block1:
brif.i32 v4, block2(v5), block3
block2(v6: i32):
store notrap region1 v6, v2
call fn1()
return v4
block3:
store.i32 notrap region1 v5, v2
return v5
)");
}

TEST_F(ElideTest, KeepsTheOrderOfStoresThatMayTouchTheSameByte) {
  check(R"(
store.i32 notrap region0 v4, v0
brif v5, block1, block2
block1:
store.i32 notrap region0 v5, v1
jump block2
block2:
brif v4, block3, block4
block3:
store.i32 notrap region0 v4, v0
return v4
block4:
call fn1()
return v5
)",
        R"(
store notrap region0 v4, v0
brif v5, block1, block2
block1:
store.i32 notrap region0 v5, v1
jump block2
block2:
brif.i32 v4, block3, block4
block3:
store.i32 notrap region0 v4, v0
return v4
block4:
call fn1()
return v5
)");
}

TEST_F(ElideTest, DoesTheStoresThatMustComeBefore) {
  check(R"(
store.i32 notrap region0 v4, v1
store.i32 notrap region0 v5, v0
brif v5, block1, block2
block1:
v6 = load.i32 notrap region0 v1+4
return v6
block2:
store.i32 notrap region0 v5, v1
store.i32 notrap region0 v4, v0
return v5
)",
        R"(
brif v5, block1, block2
block1:
store.i32 notrap region0 v4, v1
store.i32 notrap region0 v5, v0
v6 = load.i32 notrap region0 v1+4
return v6
block2:
store.i32 notrap region0 v5, v1
store.i32 notrap region0 v4, v0
return v5
)");
}

TEST_F(ElideTest, MergesNothingIfOnlyOneOfTwoMayTrap) {
  check(R"(
brif v5, block1, block2
block1:
v6 = load.i32 user2 region0 v0
store.i32 user1 region0 v5, v0
jump block3
block2:
store.i32 user1 region0 v5, v0
jump block3
block3:
store.i32 notrap region1 v4, v2
v7 = load.i64 notrap region1 v2
v8 = ireduce.i32 v7
brif v4, block4, block5
block4:
store.i32 notrap region0 v4, v0
return v8
block5:
return v5
)",
        R"(
brif v5, block1, block2
block1:
v6 = load.i32 user2 region0 v0
store.i32 user1 region0 v5, v0
jump block3
block2:
store.i32 user1 region0 v5, v0
jump block3
block3:
store.i32 notrap region1 v4, v2
v7 = load.i64 notrap region1 v2
v8 = ireduce.i32 v7
brif.i32 v4, block4, block5
block4:
store.i32 notrap region0 v4, v0
return v8
block5:
return v5
)");
}

TEST_F(ElideTest, JoinsWhatTwoArmsLeaveInASlot) {
  check(R"(
v6 = stack_addr.i64 ss0
brif v5, block1, block2
block1:
store.i32 notrap region3 v4, v6
jump block3
block2:
store.i32 notrap region3 v5, v6
jump block3
block3:
v7 = load.i32 notrap region3 v6
return v7
)",
        R"(
brif v5, block1, block2
block1:
jump block3(v4)
block2:
jump block3(v5)
block3(v8: i32):
return v8
)");
}

TEST_F(ElideTest, KeepsASlotThatOneArmLeavesAlone) {
  check(R"(
v6 = stack_addr.i64 ss0
brif v5, block1, block2
block1:
store.i32 notrap region3 v4, v6
jump block2
block2:
v7 = load.i32 notrap region3 v6
return v7
)",
        R"(
v6 = stack_addr.i64 ss0
brif v5, block1, block2
block1:
store.i32 notrap region3 v4, v6
jump block2
block2:
v7 = load.i32 notrap region3 v6
return v7
)");
}

// ---- Loops ----

TEST_F(ElideTest, TakesAStoreOutOfALoop) {
  check(R"(
v6 = iconst.i32 0
jump block1(v6)
block1(v7: i32):
store notrap region0 v7, v0
v8 = iconst.i32 1
v9 = iadd v7, v8
v10 = icmp ult v9, v4
brif v10, block1(v9), block2
block2:
return v4
)",
        R"(
v6 = iconst.i32 0
jump block1(v6)
block1(v7: i32):
v8 = iconst.i32 1
v9 = iadd v7, v8
v10 = icmp ult v9, v4
brif v10, block1(v9), block2
block2:
store.i32 notrap region0 v7, v0
return v4
)");
}

TEST_F(ElideTest, TurnsASlotInALoopIntoAParameter) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v5, v6
jump block1
block1:
v7 = load.i32 notrap region3 v6
v8 = iconst.i32 1
v9 = iadd v7, v8
store notrap region3 v9, v6
v10 = icmp.i32 ult v9, v4
brif v10, block1, block2
block2:
v11 = load.i32 notrap region3 v6
return v11
)",
        R"(
jump block1(v5)
block1(v12: i32):
v8 = iconst.i32 1
v9 = iadd v12, v8
v10 = icmp ult v9, v4
brif v10, block1(v9), block2
block2:
return v9
)");
}

TEST_F(ElideTest, LeavesLoopsAloneIfTold) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v5, v6
jump block1
block1:
v7 = load.i32 notrap region3 v6
v8 = iconst.i32 1
v9 = iadd v7, v8
store notrap region3 v9, v6
v10 = icmp.i32 ult v9, v4
brif v10, block1, block2
block2:
v11 = load.i32 notrap region3 v6
return v11
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap region3 v5, v6
jump block1
block1:
v7 = load.i32 notrap region3 v6
v8 = iconst.i32 1
v9 = iadd v7, v8
v10 = icmp ult v9, v4
brif v10, block3, block2
block3:
store.i32 notrap region3 v9, v6
jump block1
block2:
return v9
)",
        without(&ElideOptions::through_loops));
}

TEST_F(ElideTest, CarriesAStoreThroughALoopThatDoesNotLook) {
  check(R"(
v6 = load.i32 notrap region1 v2
store.i32 notrap region1 v4, v2
v7 = iconst.i32 0
jump block1(v7)
block1(v8: i32):
v9 = iconst.i32 1
v10 = iadd v8, v9
v11 = load.i32 notrap region0 v0
v12 = icmp ult v10, v11
brif v12, block1(v10), block2
block2:
store.i32 notrap region1 v6, v2
return v4
)",
        R"(
v7 = iconst.i32 0
jump block1(v7)
block1(v8: i32):
v9 = iconst.i32 1
v10 = iadd v8, v9
v11 = load.i32 notrap region0 v0
v12 = icmp ult v10, v11
brif v12, block1(v10), block2
block2:
return v4
)");
}

TEST_F(ElideTest, DoesAStoreBeforeALoopThatLooks) {
  check(R"(
store.i32 notrap region0 v5, v0
jump block1
block1:
v6 = load.i32 notrap region0 v1
brif v6, block1, block2
block2:
store.i32 notrap region0 v4, v0
return v4
)",
        R"(
store notrap region0 v5, v0
jump block1
block1:
v6 = load.i32 notrap region0 v1
brif v6, block1, block2
block2:
store.i32 notrap region0 v4, v0
return v4
)");
}

TEST_F(ElideTest, DoesAStoreBeforeALoopWithoutEnd) {
  check(R"(
store.i32 notrap region0 v5, v0
brif v4, block1, block2
block1:
jump block1
block2:
store.i32 notrap region0 v4, v0
return v4
)",
        R"(
brif v4, block3, block2
block3:
store.i32 notrap region0 v5, v0
jump block1
block1:
jump block1
block2:
store.i32 notrap region0 v4, v0
return v4
)");
}

TEST_F(ElideTest, KeepsAPointerOfTheLastTurn) {
  check(R"(
jump block1(v0)
block1(v6: i64):
store.i32 notrap region0 v4, v6
v7 = iconst.i64 4
v8 = iadd v6, v7
v9 = load.i32 notrap region1 v2
brif v9, block1(v8), block2
block2:
return v4
)",
        R"(
jump block1(v0)
block1(v6: i64):
store.i32 notrap region0 v4, v6
v7 = iconst.i64 4
v8 = iadd v6, v7
v9 = load.i32 notrap region1 v2
brif v9, block1(v8), block2
block2:
return v4
)");
}

TEST_F(ElideTest, DropsThroughAParameter) {
  check(R"(
brif v5, block1(v0), block1(v1)
block1(v6: i64):
store.i32 notrap region0 v4, v6
store.i32 notrap region0 v5, v6
return v4
)",
        R"(
brif v5, block1(v0), block1(v1)
block1(v6: i64):
store.i32 notrap region0 v5, v6
return v4
)");
}

TEST_F(ElideTest, KnowsAParameterThatIsAlwaysTheSame) {
  check(R"(
store.i32 notrap region0 v4, v0
brif v5, block1(v0), block2
block2:
jump block1(v0)
block1(v6: i64):
store.i32 notrap region0 v5, v6
return v4
)",
        R"(
brif v5, block1, block2
block2:
jump block1
block1:
store.i32 notrap region0 v5, v0
return v4
)");
}

// ---- Loads ----

TEST_F(ElideTest, ForwardsNarrowAndWide) {
  check(R"(
istore16.i32 notrap region0 v4, v0
v6 = sload16.i32 notrap region0 v0
v7 = uload8.i32 notrap region0 v0+1
v8 = iadd v6, v7
return v8
)",
        R"(
istore16 notrap region0 v4, v0
v9 = ireduce.i16 v4
v10 = sextend.i32 v9
v11 = iconst.i32 8
v12 = ushr v4, v11
v13 = ireduce.i8 v12
v14 = uextend.i32 v13
v8 = iadd v10, v14
return v8
)");
}

TEST_F(ElideTest, DoesNotForwardMoreThanIsKnown) {
  check(R"(
istore16.i32 notrap region0 v4, v0
v6 = load.i32 notrap region0 v0
return v6
)",
        R"(
istore16 notrap region0 v4, v0
v6 = load.i32 notrap region0 v0
return v6
)");
}

TEST_F(ElideTest, ForwardsOverAMerge) {
  check(R"(
brif v4, block1, block2
block1:
store.i32 notrap region0 v4, v0
jump block3
block2:
store.i32 notrap region0 v5, v0
jump block3
block3:
v6 = load.i32 notrap region0 v0
return v6
)",
        R"(
brif v4, block1, block2
block1:
store.i32 notrap region0 v4, v0
jump block3(v4)
block2:
store.i32 notrap region0 v5, v0
jump block3(v5)
block3(v7: i32):
return v7
)");
}

TEST_F(ElideTest, FollowsAKnownBranch) {
  check(R"(
v6 = stack_addr.i64 ss0
store notrap region1 v6, v2+32
v7 = load.i64 notrap region1 v2+32
v8 = icmp eq v7, v6
brif v8, block1, block2
block1:
return v4
block2:
call fn1()
return v5
)",
        R"(
v6 = stack_addr.i64 ss0
store notrap region1 v6, v2+32
jump block1
block1:
return v4
)");
}

// ---- Calls ----

TEST_F(ElideTest, DoesWhatATailCallSees) {
  check(R"(
v6 = stack_addr.i64 ss0
v7 = iconst.i32 1
store notrap region3 v4, v6
store notrap region0 v7, v0
store notrap region0 v4, v0
return_call fn0(v0, v5)
)",
        R"(
store notrap region0 v4, v0
return_call fn0(v0, v5)
)");
}

TEST_F(ElideTest, DoesWhatAnAtomicSees) {
  check(R"(
store.i32 notrap region1 v4, v2
v6 = atomic_rmw.i32 notrap region0 add v0, v4
store.i32 notrap region1 v5, v2
return v6
)",
        R"(
store notrap region1 v4, v2
v6 = atomic_rmw.i32 notrap region0 add v0, v4
store notrap region1 v5, v2
return v6
)");
}

TEST_F(ElideTest, HandsValuesThroughATryCall) {
  check(R"(
v6 = stack_addr.i64 ss0
store.i32 notrap region3 v4, v6
try_call fn0(v0, v5), sig0, block1(ret0), [ default: block2 ]
block1(v7: i32):
v8 = load.i32 notrap region3 v6
v9 = iadd v7, v8
return v9
block2:
v10 = load.i32 notrap region3 v6
return v10
)",
        R"(
try_call fn0(v0, v5), sig0, block1(ret0), [ default: block2 ]
block1(v7: i32):
v9 = iadd v7, v4
return v9
block2:
return v4
)");
}

// ---- Cold paths ----

TEST_F(ElideTest, SplitsWhatAColdPathShares) {
  check(R"(
v6 = load.i32 notrap region1 v2
v7 = iconst.i32 0
store notrap region1 v7, v2
brif v4, block1, block2
block1:
call fn1()
jump block2
block2:
trapz v5, user1
store notrap region1 v6, v2
return v5
)",
        R"(
v6 = load.i32 notrap region1 v2
brif v4, block1, block2
block1:
v8 = iconst.i32 0
store notrap region1 v8, v2
call fn1()
jump block3
block2:
brif.i32 v5, block5, block4
block5:
return v5
block3 cold:
trapz.i32 v5, user1
store.i32 notrap region1 v6, v2
return v5
block4 cold:
v7 = iconst.i32 0
store notrap region1 v7, v2
trap user1
)");
}

TEST_F(ElideTest, DoesNotSplitIfTold) {
  check(R"(
v6 = load.i32 notrap region1 v2
v7 = iconst.i32 0
store notrap region1 v7, v2
brif v4, block1, block2
block1:
call fn1()
jump block2
block2:
trapz v5, user1
store notrap region1 v6, v2
return v5
)",
        R"(
v6 = load.i32 notrap region1 v2
v7 = iconst.i32 0
store notrap region1 v7, v2
brif v4, block1, block2
block1:
call fn1()
jump block2
block2:
trapz.i32 v5, user1
store.i32 notrap region1 v6, v2
return v5
)",
        without(&ElideOptions::split_paths));
}

TEST_F(ElideTest, SinksWhatOnlyAColdPathWants) {
  check(R"(
v6 = load.i32 notrap region0 v0
v7 = iconst.i32 7
v8 = iadd v6, v7
store.i32 notrap region1 v4, v2
brif v5, block1, block2
block1 cold:
store notrap region1 v8, v2
call fn1()
return v8
block2:
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
brif v5, block1, block2
block1 cold:
v6 = load.i32 notrap region0 v0
v7 = iconst.i32 7
v8 = iadd v6, v7
store notrap region1 v8, v2
call fn1()
return v8
block2:
store.i32 notrap region1 v5, v2
return v4
)");
}

TEST_F(ElideTest, DoesNotSinkALoadPastAStore) {
  check(R"(
v6 = load.i32 notrap region0 v0
store.i32 notrap region0 v4, v1
store.i32 notrap region1 v4, v2
store.i32 notrap region1 v5, v2
brif v5, block1, block2
block1 cold:
call fn1()
return v6
block2:
return v4
)",
        R"(
v6 = load.i32 notrap region0 v0
store notrap region0 v4, v1
store notrap region1 v5, v2
brif v5, block1, block2
block1 cold:
call fn1()
return v6
block2:
return v4
)");
}

TEST_F(ElideTest, DoesNotSinkIntoALoop) {
  check(R"(
v6 = load.i32 notrap region0 v0
store.i32 notrap region1 v4, v2
store.i32 notrap region1 v5, v2
v7 = iconst.i32 0
jump block1(v7)
block1(v8: i32):
brif.i32 v8, block2, block3
block2 cold:
store.i32 notrap region1 v6, v2
jump block3
block3:
v9 = iconst.i32 1
v10 = iadd.i32 v8, v9
v11 = icmp ult v10, v4
brif v11, block1(v10), block4
block4:
return v4
)",
        R"(
v6 = load.i32 notrap region0 v0
v7 = iconst.i32 0
jump block1(v7, v5)
block1(v8: i32, v13: i32):
brif v8, block2, block3(v13)
block2 cold:
jump block3(v6)
block3(v12: i32):
v9 = iconst.i32 1
v10 = iadd.i32 v8, v9
v11 = icmp ult v10, v4
brif v11, block1(v10, v12), block4
block4:
store.i32 notrap region1 v12, v2
return v4
)");
}

// ---- Promises ----

TEST_F(ElideTest, FindsOnePointerUnderAPromise) {
  check(R"(
v6 = load.i64 notrap region2 v3+16
v7 = load.i64 notrap region2 v0+16
v8 = load.i32 notrap region1 v6
store.i32 notrap region1 v4, v7
store.i32 notrap region1 v8, v6
return v4
)",
        R"(
return v4
)",
        promising("same-value load \"T\"+16"));
}

TEST_F(ElideTest, FindsTwoPointersWithoutAPromise) {
  check(R"(
v6 = load.i64 notrap region2 v3+16
v7 = load.i64 notrap region2 v0+16
v8 = load.i32 notrap region1 v6
store.i32 notrap region1 v4, v7
store.i32 notrap region1 v8, v6
return v4
)",
        R"(
v6 = load.i64 notrap region2 v3+16
v7 = load.i64 notrap region2 v0+16
v8 = load.i32 notrap region1 v6
store notrap region1 v4, v7
store notrap region1 v8, v6
return v4
)");
}

TEST_F(ElideTest, KeepsApartWhatIsPromised) {
  check(R"(
v6 = load.i32 notrap v0
store.i32 notrap v4, v1
store.i32 notrap v6, v0
return v4
)",
        R"(
store notrap v4, v1
return v4
)",
        promising("apart param 0, param 1"));
}

TEST_F(ElideTest, KeepsUntaggedApart) {
  check(R"(
store.i32 notrap region0 v4, v0
v6 = load.i32 notrap v2
store.i32 notrap region0 v5, v0
return v6
)",
        R"(
v6 = load.i32 notrap v2
store notrap region0 v5, v0
return v6
)",
        promising("untagged-apart \"A\""));
}

TEST_F(ElideTest, PassesACallThatKeepsOff) {
  check(R"(
v6 = load.i32 notrap region1 v2
store.i32 notrap region1 v4, v2
call fn1()
store.i32 notrap region1 v6, v2
return v4
)",
        R"(
call fn1()
return v4
)",
        promising("call %h never-reads \"B\"\n"
                  "call %h never-writes \"B\"\n"
                  "call %h never-traps"));
}

TEST_F(ElideTest, DoesWhatACallMayWriteOver) {
  check(R"(
store.i32 notrap region1 v4, v2
call fn1()
return v4
)",
        R"(
store notrap region1 v4, v2
call fn1()
return v4
)",
        promising("call %h never-reads \"B\"\n"
                  "call %h never-traps"));
}

TEST_F(ElideTest, DropsWhatACallDoesNotRead) {
  check(R"(
store.i32 notrap region1 v4, v2
call fn1()
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
call fn1()
store notrap region1 v5, v2
return v4
)",
        promising("call %h never-reads \"B\"\n"
                  "call %h never-traps"));
}

TEST_F(ElideTest, RemembersWhatACallDoesNotWrite) {
  check(R"(
store.i32 notrap region1 v4, v2
call fn1()
v6 = load.i32 notrap region1 v2
return v6
)",
        R"(
store notrap region1 v4, v2
call fn1()
return v4
)",
        promising("call %h never-writes \"B\""));
}

TEST_F(ElideTest, DoesWhatIsSeenIfTheCalleeTraps) {
  check(R"(
store.i32 notrap region1 v4, v2
call fn1()
store.i32 notrap region1 v5, v2
return v4
)",
        R"(
store notrap region1 v4, v2
call fn1()
store notrap region1 v5, v2
return v4
)",
        promising("call %h never-reads \"B\"\n"
                  "call %h never-writes \"B\""));
}

TEST_F(ElideTest, PassesTrapsAfterWhichNobodyLooks) {
  check(R"(
store.i32 notrap region1 v4, v2
trapz v4, user1
v6 = load.i32 user2 region0 v0
v7 = udiv v6, v5
store.i32 notrap region1 v5, v2
return v7
)",
        R"(
trapz v4, user1
v6 = load.i32 user2 region0 v0
v7 = udiv v6, v5
store notrap region1 v5, v2
return v7
)",
        promising("trap never-reads \"B\""));
}

TEST_F(ElideTest, DoesAtTheReturnWhatNobodySeesAfterATrap) {
  check(R"(
store.i32 notrap region1 v4, v2
brif v4, block1, block2
block1:
trap user1
block2:
return v4
)",
        R"(
store notrap region1 v4, v2
brif v4, block1, block2
block1:
trap user1
block2:
return v4
)",
        promising("trap never-reads \"B\""));
}

TEST_F(ElideTest, KeepsATrapThatACallMayBring) {
  check(R"(
store.i32 notrap region0 v4, v0
call fn1()
store.i32 user1 region0 v4, v0
return v4
)",
        R"(
store notrap region0 v4, v0
call fn1()
store user1 region0 v4, v0
return v4
)",
        promising("call %h never-writes \"A\""));
}

TEST_F(ElideTest, DoesBeforeATailCallWhatIsSeenAfterIt) {
  check(R"(
store.i32 notrap region1 v4, v2
return_call fn0(v0, v5)
)",
        R"(
store notrap region1 v4, v2
return_call fn0(v0, v5)
)",
        promising("call %g never-reads \"B\"\n"
                  "call %g never-writes \"B\"\n"
                  "call %g never-traps"));
}

TEST_F(ElideTest, DoesBeforeACallWhatItMayWriteOver) {
  check(R"(
store.i32 notrap region1 v4, v2
call fn1()
brif v5, block1, block2
block1:
store.i32 notrap region1 v5, v2
return v4
block2:
return v5
)",
        R"(
store notrap region1 v4, v2
call fn1()
brif v5, block1, block2
block1:
store.i32 notrap region1 v5, v2
return v4
block2:
return v5
)",
        promising("call %h never-reads \"B\"\n"
                  "call %h never-traps"));
}

// ---- Adapters, in the shape of the seed ----

// Around a callee: the task is in ss0, the store context at v2, its current task at +32 and a context slot at +40. v3
// is another VM context, which holds the same pointer to the store context at +16.
std::string adapter(const std::string& callee) {
  return R"(
v10 = load.i32 notrap region0 v0
trapz v10, user1
v11 = stack_addr.i64 ss0
v12 = load.i64 notrap readonly region2 v1+16
v13 = load.i64 notrap region1 v12+32
store notrap region3 v13, v11
store.i32 notrap region3 v5, v11+8
v14 = load.i32 notrap region1 v12+40
store notrap region3 v14, v11+12
v15 = iconst.i32 0
store notrap region1 v15, v12+40
store notrap region1 v11, v12+32
v16 = iconst.i32 0
store notrap region0 v16, v0
store notrap region0 v10, v0
)" + callee +
         R"(
block90:
v80 = stack_addr.i64 ss0
v81 = load.i64 notrap readonly region2 v1+16
v82 = load.i64 notrap region1 v81+32
v83 = icmp eq v82, v80
brif v83, block91, block92
block91:
v84 = load.i64 notrap region3 v80
store notrap region1 v84, v81+32
v85 = load.i32 notrap region3 v80+12
store notrap region1 v85, v81+40
jump block93
block92:
call fn1()
jump block93
block93:
v86 = iconst.i32 0
store.i32 notrap region0 v86, v0
store.i32 notrap region0 v10, v0
return v99
)";
}

std::string counts(const Function& f, const ElideOptions& options = {}) {
  const Function result = elide(f, options);
  EXPECT_NO_THROW(verify(result));
  const AccessCount all = count_accesses(result);
  const std::optional<AccessCount> hot = count_hot_path(result);
  return std::to_string(all.stores) + " stores, " + std::to_string(all.loads) + " loads" +
         (hot ? "; hot " + std::to_string(hot->stores) + ", " + std::to_string(hot->loads) : "");
}

TEST_F(ElideTest, NothingIsLeftOfAnAdapterAroundAnAddition) {
  const Function f = function(adapter("v99 = iadd.i32 v4, v5\njump block90"));
  EXPECT_EQ(count_hot_path(f), (AccessCount{11, 8}));
  EXPECT_EQ(body_of(elide(f)), R"(v10 = load.i32 notrap region0 v0
trapz v10, user1
v99 = iadd v4, v5
jump block90
block90:
jump block91
block91:
jump block93
block93:
return v99
)");
}

TEST_F(ElideTest, NothingIsLeftOfAnAdapterAroundAContextSlotUnderAPromise) {
  const Function f =
      function(adapter("v90 = load.i64 notrap region2 v3+16\nstore.i32 notrap region1 v4, v90+40\n"
                       "v91 = load.i64 notrap region2 v3+16\nv99 = load.i32 notrap region1 v91+40\n"
                       "jump block90"));
  EXPECT_EQ(counts(f, promising("same-value load \"T\"+16")), "0 stores, 1 loads; hot 0, 1");
  // Two pointers to the store context may be two: the slot of the one is written, that of the other restored.
  const AccessCount without = *count_hot_path(elide(f));
  EXPECT_GT(without.stores, 0u);
}

TEST_F(ElideTest, NothingIsLeftOnTheHotPathOfAnAdapterAroundAColdHostCall) {
  const Function f =
      function(adapter("brif v4, block1, block2\nblock1:\ncall fn1()\njump block2\nblock2:\n"
                       "v99 = iadd.i32 v4, v5\njump block90"));
  EXPECT_EQ(count_hot_path(f), (AccessCount{11, 8}));
  EXPECT_EQ(*count_hot_path(elide(f)), (AccessCount{0, 1}));
  // The host finds everything in its place.
  const std::string result = print(elide(f));
  const size_t call = result.find("call fn1()"), begin = result.rfind("block1:", call);
  ASSERT_NE(call, result.npos);
  const std::string frame = result.substr(begin, call - begin);
  for (const char* store : {"v15, v12+40", "v11, v12+32", "v13, v11", "v5, v11+8", "v14, v11+12"}) {
    EXPECT_NE(frame.find(store), frame.npos) << store << " is missing in\n" << frame;
  }
}

TEST_F(ElideTest, AnAdapterAroundAnOpaqueCalleeKeepsWhatTheCalleeSees) {
  const Function f = function(adapter("v99 = call fn0(v0, v4)\njump block90"));
  EXPECT_EQ(count_accesses(f), (AccessCount{11, 8}));
  // The task (3), the cleared slot and the link before the call; both of these and the flag behind it.
  EXPECT_EQ(counts(f), "8 stores, 7 loads");
}

// ---- What is left alone ----

TEST_F(ElideTest, WhatHasNothingToSpareComesBackAsItWas) {
  const Function f = read_functions(R"(function %f(i64, i32) -> i32 {
block0(v0: i64, v1: i32):
    v2 -> v1
    v3 = iadd v1, v2
    store notrap v3, v0
    jump block1(v3)

block1(v4: i32):
    return v4
})")[0];
  EXPECT_EQ(print(elide(f)), print(f));
}

TEST_F(ElideTest, AddressesOf32BitsAreNotUnderstood) {
  const Function f = read_functions(R"(function %f(i32, i32) {
block0(v0: i32, v1: i32):
    store notrap v1, v0
    store notrap v1, v0
    return
})")[0];
  EXPECT_EQ(print(elide(f)), print(f));
}

TEST_F(ElideTest, AccessesBesideTheirSlotAreNotUnderstood) {
  const std::string body = "v6 = stack_addr.i64 ss0\nstore.i32 notrap v4, v6+24\nstore.i32 notrap v4, v6\nreturn v4\n";
  EXPECT_EQ(print(elide(function(body))), print(function(body)));
}

TEST_F(ElideTest, NumbersMayBeFarApart) {
  const Function f = read_functions(R"(function %f(i64, i32) {
block0(v4000000000: i64, v7: i32):
    store notrap v7, v4000000000
    store notrap v7, v4000000000
    return
})")[0];
  EXPECT_EQ(count_accesses(elide(f)).stores, 1u);
}

TEST_F(ElideTest, ManyTrapsDoNotMakeItGrowWithoutEnd) {
  std::string body;
  for (int i = 0; i < 200; ++i) {
    body += "store.i32 notrap region0 v" + std::to_string(4 + i % 2) + ", v0+" + std::to_string(4 * (i % 50)) + "\n";
    body += "trapnz v4, user1\n";
  }
  const Function f = function(body + "return v4\n");
  const Function result = elide(f);
  EXPECT_LE(count_accesses(result).stores, 4 * count_accesses(f).stores + 64);
  compare_runs(f, result, {});
}

TEST_F(ElideTest, GlobalValuesAreReadInTheirPlace) {
  const auto stores = [](const std::string& flags) {
    return count_accesses(elide(read_functions("function %f(i64 vmctx, i32) -> i64 {\n"
                                               "    gv0 = vmctx\n    gv1 = load.i64 " +
                                               flags +
                                               " gv0+8\n"
                                               "block0(v0: i64, v1: i32):\n"
                                               "    store notrap v1, v0+8\n"
                                               "    v2 = global_value.i64 gv1\n"
                                               "    v3 = iconst.i32 1\n"
                                               "    store notrap v3, v0+8\n"
                                               "    return v2\n}\n")[0]))
        .stores;
  };
  EXPECT_EQ(stores("notrap aligned"), 2u);
  EXPECT_EQ(stores("notrap aligned readonly"), 1u);
}

// ---- Counting ----

TEST(CountTest, CountsPlainAccesses) {
  const Function f = function(
      "store.i32 notrap v4, v0\nv6 = uload8.i32 v0\nistore8 v6, v0\nv7 = atomic_rmw.i32 add v0, v4\nreturn v6\n");
  EXPECT_EQ(count_accesses(f), (AccessCount{2, 1}));
}

TEST(CountTest, TheHotPathMeetsNoCallNoTrapAndNoColdBlock) {
  const Function f = function(R"(
store.i32 notrap v4, v0
brif v4, block1, block2
block1:
store.i32 notrap v4, v0
store.i32 notrap v4, v0
store.i32 notrap v4, v0
call fn1()
jump block5
block2:
brif v5, block3, block4
block3:
store.i32 notrap v4, v0
store.i32 notrap v4, v0
trap user1
block4:
v6 = load.i32 notrap v0
brif v6, block4, block6
block6:
brif v4, block7, block5
block7 cold:
v7 = load.i32 notrap v0
v8 = load.i32 notrap v0
jump block5
block5:
store.i32 notrap v4, v0
return v4
)");
  EXPECT_EQ(count_hot_path(f), (AccessCount{2, 1}));
}

TEST(CountTest, AFunctionMayHaveNoHotPath) {
  EXPECT_EQ(count_hot_path(function("call fn1()\nreturn v4\n")), std::nullopt);
  EXPECT_EQ(count_hot_path(function("trap user1\n")), std::nullopt);
  EXPECT_EQ(count_hot_path(function("jump block1\nblock1:\njump block1\n")), std::nullopt);
}

}  // namespace
}  // namespace lockstep::clif
