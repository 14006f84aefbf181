// The language of promises: what is read, what is refused and where, and to which accesses and calls it applies.
#include "optimized/clif/promises.h"

#include <gtest/gtest.h>

#include "optimized/clif/reader.h"

namespace lockstep::clif {
namespace {

std::string promise_error(std::string_view text) {
  try {
    read_promises(text);
  } catch (const PromiseError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PromisesTest, ReadsEveryKind) {
  const Promises promises = read_promises(
      "same-value load \"VMContext\"+8\n"
      "same-value load.i32 \"VMContext\"-8   # the same for another width\n"
      "apart param 0, param 12\n"
      "apart param 0, load \"VMContext\"+8\n"
      "untagged-apart\n"
      "untagged-apart \"heap # 1\"\n"
      "call %g never-reads \"VMStoreContext\"\n"
      "\tcall u0:7 never-writes \"VMStoreContext\"+64\r\n"
      "call * never-writes \"R\"\n"
      "call indirect never-reads \"R\"+0\n"
      "call %g never-traps\n"
      "trap never-reads \"R\"+8");
  ASSERT_EQ(promises.list.size(), 12u);

  EXPECT_EQ(promises.list[0].kind, Promise::kSameValue);
  EXPECT_EQ(promises.list[0].load, (LoadShape{"VMContext", 8, 8}));
  EXPECT_EQ(promises.list[1].load, (LoadShape{"VMContext", -8, 4}));
  EXPECT_EQ(promises.list[1].text, "same-value load.i32 \"VMContext\"-8");
  EXPECT_EQ(promises.list[2].kind, Promise::kApart);
  EXPECT_EQ(promises.list[2].b.kind, PointerName::kParam);
  EXPECT_EQ(promises.list[2].b.param, 12u);
  EXPECT_EQ(promises.list[3].b.kind, PointerName::kLoad);
  EXPECT_EQ(promises.list[3].b.load, (LoadShape{"VMContext", 8, 8}));
  EXPECT_EQ(promises.list[4].kind, Promise::kUntaggedApart);
  EXPECT_EQ(promises.list[4].region, "");
  EXPECT_EQ(promises.list[5].region, "heap # 1");
  EXPECT_EQ(promises.list[6].kind, Promise::kCallNeverReads);
  EXPECT_EQ(promises.list[6].callee, "%g");
  EXPECT_EQ(promises.list[6].offset, std::nullopt);
  EXPECT_EQ(promises.list[7].kind, Promise::kCallNeverWrites);
  EXPECT_EQ(promises.list[7].callee, "u0:7");
  EXPECT_EQ(promises.list[7].offset, 64);
  EXPECT_EQ(promises.list[7].text, "call u0:7 never-writes \"VMStoreContext\"+64");
  EXPECT_EQ(promises.list[7].at.line, 8u);
  EXPECT_EQ(promises.list[7].at.column, 2u);
  EXPECT_EQ(promises.list[8].callee, "*");
  EXPECT_EQ(promises.list[9].callee, "indirect");
  EXPECT_EQ(promises.list[9].offset, 0);
  EXPECT_EQ(promises.list[10].kind, Promise::kCallNeverTraps);
  EXPECT_EQ(promises.list[10].callee, "%g");
  EXPECT_EQ(promises.list[11].kind, Promise::kTrapNeverReads);
  EXPECT_EQ(promises.list[11].region, "R");
  EXPECT_EQ(promises.list[11].offset, 8);
}

TEST(PromisesTest, ReadsAnEmptyText) {
  EXPECT_TRUE(read_promises("").list.empty());
  EXPECT_TRUE(read_promises("\n# nothing\n\n").list.empty());
}

TEST(PromisesTest, ASourceHoldsUpToTheNextEmptyLine) {
  const Promises promises = read_promises(
      "untagged-apart\n"
      "# source: vmcontext.rs, VMStoreContext\n"
      "# more about it\n"
      "untagged-apart\n"
      "untagged-apart # of the same\n"
      "  \n"
      "untagged-apart\n");
  ASSERT_EQ(promises.list.size(), 4u);
  EXPECT_EQ(promises.list[0].source, "");
  EXPECT_EQ(promises.list[1].source, "vmcontext.rs, VMStoreContext");
  EXPECT_EQ(promises.list[2].source, "vmcontext.rs, VMStoreContext");
  EXPECT_EQ(promises.list[3].source, "");
}

TEST(PromisesTest, RefusesWithThePlace) {
  EXPECT_EQ(promise_error("\n  same load"), "2:3: expected same-value, apart, untagged-apart, call or trap");
  EXPECT_EQ(promise_error("same-value store \"R\""), "1:12: expected load, load.i8, load.i16, load.i32 or load.i64");
  EXPECT_EQ(promise_error("same-value load.i9 \"R\""), "1:12: expected load, load.i8, load.i16, load.i32 or load.i64");
  EXPECT_EQ(promise_error("same-value load R"), "1:17: expected the description of a region, in quotation marks");
  EXPECT_EQ(promise_error("same-value load \"R"), "1:17: the quotation marks are not closed");
  EXPECT_EQ(promise_error("same-value load \"\""), "1:17: a region without a description has no name here");
  EXPECT_EQ(promise_error("same-value load \"R\"+x"), "1:20: expected an offset of 32 bits, such as +8");
  EXPECT_EQ(promise_error("same-value load \"R\"+-8"), "1:20: expected an offset of 32 bits, such as +8");
  EXPECT_EQ(promise_error("same-value load \"R\"+4294967296"), "1:20: expected an offset of 32 bits, such as +8");
  EXPECT_EQ(promise_error("same-value load \"R\" 8"), "1:21: expected nothing more on this line");
  EXPECT_EQ(promise_error("apart param 0 param 1"), "1:15: expected a comma and another pointer");
  EXPECT_EQ(promise_error("apart param x, param 1"), "1:13: expected the number of a parameter, the first being 0");
  EXPECT_EQ(promise_error("apart 0, 1"), "1:7: expected param or load");
  EXPECT_EQ(promise_error("apart param 0, load.i32 \"R\""), "1:28: a pointer has 8 bytes");
  EXPECT_EQ(promise_error("call"), "1:5: expected a callee: its name, * or indirect");
  EXPECT_EQ(promise_error("call %g reads \"R\""), "1:9: expected never-reads, never-writes or never-traps");
  EXPECT_EQ(promise_error("call %g never-traps \"R\""), "1:21: expected nothing more on this line");
  EXPECT_EQ(promise_error("trap never-writes \"R\""), "1:1: expected trap never-reads");
  EXPECT_EQ(promise_error("call %g never-reads"), "1:20: expected the description of a region, in quotation marks");
}

TEST(PromisesTest, AppliesToTheLoadsOfItsShape) {
  const Function f = read_functions(R"(
function %f(i64) {
    region0 = 0 "VMContext"
    region1 = 1 "other"
block0(v0: i64):
    v1 = load.i64 notrap region0 v0+8
    v2 = load.i32 notrap region0 v0+8
    v3 = load.i64 notrap region0 v0+16
    v4 = load.i64 notrap region1 v0+8
    v5 = load.i64 notrap v0+8
    v6 = uload32 notrap region0 v0+8
    store notrap region0 v1, v0+8
    return
})")[0];
  const Promises promises = read_promises("same-value load \"VMContext\"+8\nsame-value load.i32 \"VMContext\"+8");
  const std::vector<Inst>& insts = f.blocks[0].insts;
  EXPECT_EQ(promises.same_value(f, insts[0]), &promises.list[0]);
  EXPECT_EQ(promises.same_value(f, insts[1]), &promises.list[1]);
  EXPECT_EQ(promises.same_value(f, insts[2]), nullptr);
  EXPECT_EQ(promises.same_value(f, insts[3]), nullptr);
  EXPECT_EQ(promises.same_value(f, insts[4]), nullptr);
  EXPECT_EQ(promises.same_value(f, insts[5]), &promises.list[1]);
  EXPECT_EQ(promises.same_value(f, insts[6]), nullptr);
}

TEST(PromisesTest, AppliesToRegionsByName) {
  Function f;
  f.regions[0] = {0, "heap"};
  f.regions[1] = {16, "other"};
  f.regions[2] = {2, ""};
  EXPECT_FALSE(Promises().untagged_apart(f, 0));
  const Promises one = read_promises("untagged-apart \"heap\"");
  EXPECT_TRUE(one.untagged_apart(f, 0));
  EXPECT_FALSE(one.untagged_apart(f, 1));
  EXPECT_FALSE(one.untagged_apart(f, 2));
  const Promises all = read_promises("untagged-apart");
  EXPECT_TRUE(all.untagged_apart(f, 1));
  EXPECT_TRUE(all.untagged_apart(f, 2));
  EXPECT_TRUE(read_promises("untagged-apart \"region2\"").untagged_apart(f, 2));
  const Promises numbered = read_promises("untagged-apart \"#16\"");
  EXPECT_TRUE(numbered.untagged_apart(f, 1));
  EXPECT_FALSE(numbered.untagged_apart(f, 0));
}

TEST(PromisesTest, AppliesToCalleesAndOffsets) {
  const Function f = read_functions(R"(
function %f(i64) {
    region0 = 0 "R"
    region1 = 1 "Q"
    sig0 = ()
    fn0 = %g()
    fn1 = u0:7()
block0(v0: i64):
    call fn0()
    call fn1()
    call_indirect sig0, v0()
    fence
    store notrap region0 v0, v0
    store notrap region0 v0, v0+8
    store notrap region1 v0, v0
    store notrap v0, v0
    return
})")[0];
  const std::vector<Inst>& insts = f.blocks[0].insts;
  const Inst &g = insts[0], &u = insts[1], &indirect = insts[2], &fence = insts[3];
  const Inst &r = insts[4], &r8 = insts[5], &q = insts[6], &untagged = insts[7];

  const Promises named = read_promises("call %g never-reads \"R\"\ncall u0:7 never-writes \"R\"+8\ncall * never-traps");
  EXPECT_TRUE(named.never_reads(f, g, r));
  EXPECT_TRUE(named.never_reads(f, g, r8));
  EXPECT_FALSE(named.never_writes(f, g, r));
  EXPECT_FALSE(named.never_reads(f, g, q));
  EXPECT_FALSE(named.never_reads(f, g, untagged));
  EXPECT_FALSE(named.never_reads(f, u, r));
  EXPECT_FALSE(named.never_reads(f, indirect, r));
  EXPECT_FALSE(named.never_reads(f, fence, r));
  EXPECT_TRUE(named.never_writes(f, u, r8));
  EXPECT_FALSE(named.never_writes(f, u, r));

  const Promises every = read_promises("call * never-reads \"R\"\ntrap never-reads \"R\"");
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(every.never_reads(f, insts[i], r)) << i;
  EXPECT_FALSE(every.never_reads(f, r, r));

  const Promises through_pointers = read_promises("call indirect never-reads \"R\"\ncall indirect never-traps");
  EXPECT_TRUE(through_pointers.never_reads(f, indirect, r));
  EXPECT_FALSE(through_pointers.never_reads(f, g, r));

  // Who does not look may trap, and then somebody else looks.
  const Promises alone = read_promises("call %g never-reads \"R\"");
  EXPECT_FALSE(alone.never_reads(f, g, r));
  const Promises others = read_promises("call %g never-reads \"R\"\ncall u0:7 never-traps\ntrap never-reads \"R\"+8");
  EXPECT_FALSE(others.never_reads(f, g, r));
  EXPECT_TRUE(others.never_reads(f, g, r8));
  EXPECT_FALSE(others.trap_never_reads(f, r));
  EXPECT_TRUE(others.trap_never_reads(f, r8));
  EXPECT_FALSE(others.trap_never_reads(f, q));
  EXPECT_FALSE(others.trap_never_reads(f, untagged));
}

}  // namespace
}  // namespace lockstep::clif
