// Running functions: memory, traps, calls, stack slots that escape or do not, promises, and the comparison of two runs.
#include "optimized/clif/interpreter.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "optimized/clif/reader.h"
#include "optimized/clif/testing.h"

namespace lockstep::clif {
namespace {

using Reply = World::Reply;
using Ran = Run;  // GoogleTest has a Run of its own

// Memory is 0 but for `bytes`, everything but `forbidden` accessible, slot N at 0x10000 * (N + 1).
struct TestWorld : World {
  std::map<uint64_t, uint8_t> bytes;
  std::set<uint64_t> forbidden;
  std::map<uint64_t, uint64_t> forbidden_until;  // address: first epoch in which it can be accessed
  std::vector<Reply> replies;                    // those missing return nothing

  uint8_t byte(uint64_t address) override {
    const auto found = bytes.find(address);
    return found == bytes.end() ? 0 : found->second;
  }
  bool accessible(uint64_t epoch, uint64_t address) override {
    const auto until = forbidden_until.find(address);
    return forbidden.count(address) == 0 && (until == forbidden_until.end() || epoch >= until->second);
  }
  uint64_t slot_address(uint32_t slot) override { return 0x10000 * (slot + 1); }
  uint64_t symbol(const std::string& name) override { return 0x1000000 + name.size(); }
  Reply call(size_t n, const Event&, const Function&, const Inst&) override {
    return n < replies.size() ? replies[n] : Reply{};
  }
};

// A function of v0: i64, v1: i64, v2: i32 with everything declared; the body begins in block0.
Function function(const std::string& body, const std::string& returns = "") {
  return read_functions(
             "function %f(i64 vmctx, i64, i32)" + returns +
             " tail { region0 = 0 \"A\" region1 = 1 \"B\" ss0 = explicit_slot 16 ss1 = explicit_slot 8\n"
             "gv0 = vmctx gv1 = load.i64 notrap aligned gv0+8 gv2 = iadd_imm.i64 gv1, -1 gv3 = symbol %data+4\n"
             "sig0 = (i64) -> i64 tail sig1 = () fn0 = %g sig0 fn1 = %h sig1\nblock0(v0: i64, v1: i64, v2: i32):\n" +
             body + "\n}\n")
      .at(0);
}

class Interpreter : public ::testing::Test {
 protected:
  TestWorld world;
  uint64_t v0 = 0x1000, v1 = 0x2000, v2 = 3;

  Ran of(const std::string& body, const std::string& returns = "", bool trust_regions = true) {
    return run(function(body, returns), {{v0}, {v1}, {v2}}, world, 10'000, trust_regions);
  }
  // The values that it returns.
  std::vector<Bits> returned(const std::string& body, const std::string& returns) {
    const Ran r = of(body, " -> " + returns);
    EXPECT_EQ(r.end, Ran::kReturned) << r.reason;
    return r.events.empty() ? std::vector<Bits>{} : r.events.back().values;
  }
  std::string broken(const std::string& body, bool trust_regions = true) {
    const Ran r = of(body, "", trust_regions);
    return r.end == Ran::kPromiseBroken ? r.reason : "";
  }
  void put(uint64_t address, std::initializer_list<uint8_t> values) {
    for (uint8_t value : values) world.bytes[address++] = value;
  }
};

using Memory = std::map<uint64_t, uint8_t>;

TEST_F(Interpreter, LoadsOfAllWidths) {
  put(0x1000, {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(returned("v3 = load.i8 v0+1 return v3", "i8"), (std::vector<Bits>{{0x82}}));
  EXPECT_EQ(returned("v3 = load.i32 v0 return v3", "i32"), (std::vector<Bits>{{0x84838281}}));
  EXPECT_EQ(returned("v3 = load.i32 big v0 return v3", "i32"), (std::vector<Bits>{{0x81828384}}));
  EXPECT_EQ(returned("v3 = load.i128 v0 return v3", "i128"),
            (std::vector<Bits>{{0x8887868584838281, 0x0807060504030201}}));
  EXPECT_EQ(returned("v3 = load.i128 big v0 return v3", "i128"),
            (std::vector<Bits>{{0x0102030405060708, 0x8182838485868788}}));
  EXPECT_EQ(returned("v3 = load.f64 v0 return v3", "f64"), (std::vector<Bits>{{0x8887868584838281}}));
  EXPECT_EQ(returned("v3 = load.i8x16 v0 return v3", "i8x16"),
            (std::vector<Bits>{{0x8887868584838281, 0x0807060504030201}}));
  EXPECT_EQ(returned("v3 = uload8.i64 v0 return v3", "i64"), (std::vector<Bits>{{0x81}}));
  EXPECT_EQ(returned("v3 = sload8.i16 v0 return v3", "i16"), (std::vector<Bits>{{0xff81}}));
  EXPECT_EQ(returned("v3 = uload16.i32 v0 return v3", "i32"), (std::vector<Bits>{{0x8281}}));
  EXPECT_EQ(returned("v3 = sload16.i32 big v0 return v3", "i32"), (std::vector<Bits>{{0xffff8182}}));
  EXPECT_EQ(returned("v3 = uload32 v0 return v3", "i64"), (std::vector<Bits>{{0x84838281}}));
  EXPECT_EQ(returned("v3 = sload32 v0-0 return v3", "i64"), (std::vector<Bits>{{0xffffffff84838281}}));
}

TEST_F(Interpreter, StoresAreSeenAtTheReturn) {
  EXPECT_EQ(of("store v2, v0+4 return").events.at(0).memory, (Memory{{0x1004, 3}}));
  EXPECT_EQ(of("v3 = iconst.i32 0x01020304 store big v3, v0 return").events.at(0).memory,
            (Memory{{0x1000, 1}, {0x1001, 2}, {0x1002, 3}, {0x1003, 4}}));
  EXPECT_EQ(of("v3 = iconst.i64 0x0102030405060708 istore16 v3, v0 istore8 v3, v1 return").events.at(0).memory,
            (Memory{{0x1000, 8}, {0x1001, 7}, {0x2000, 8}}));
  EXPECT_EQ(of("v3 = iconst.i64 -1 istore32 v3, v0 return").events.at(0).memory.size(), 4u);
  // A store of what was there leaves nothing to see.
  EXPECT_TRUE(of("v3 = load.i64 v0 store v3, v0 return").events.at(0).memory.empty());
  const Ran r = of("store v2, v0 store v2, v1 v3 = load.i32 v0 return");
  EXPECT_EQ(r.executed_stores, 2u);
  EXPECT_EQ(r.executed_loads, 1u);
  EXPECT_EQ(r.steps, 4u);
}

TEST_F(Interpreter, AddressesWrapAround) {
  v0 = 0xfffffffffffffffe;
  put(0xfffffffffffffffe, {1, 2});
  put(0, {3, 4});
  EXPECT_EQ(returned("v3 = load.i32 v0 return v3", "i32"), (std::vector<Bits>{{0x04030201}}));
  EXPECT_EQ(returned("v3 = load.i8 v0+3 return v3", "i8"), (std::vector<Bits>{{4}}));
}

TEST_F(Interpreter, TrapsObserveMemory) {
  world.forbidden = {0x2003};
  Ran r = of("store v2, v0 v3 = load.i32 user4 v1 return");
  EXPECT_EQ(r.end, Ran::kTrapped);
  EXPECT_EQ(r.reason, "user4");
  ASSERT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.events[0].what, "trap user4");
  EXPECT_EQ(r.events[0].memory, (Memory{{0x1000, 3}}));
  EXPECT_EQ(r.events[0].inst, 1u);
  // Not a byte of a store that traps is written.
  r = of("store v2, v1 return");
  EXPECT_EQ(r.reason, "heap_oob");
  EXPECT_TRUE(r.events.at(0).memory.empty());
  EXPECT_EQ(of("trapz v2, user1 trapnz v2, user2 return").reason, "user2");
  EXPECT_EQ(of("v3 = iconst.i32 0 v4 = udiv v2, v3 return").reason, "int_divz");
  EXPECT_EQ(of("trap user9").reason, "user9");
}

TEST_F(Interpreter, BranchesAndLoops) {
  const std::string loop =
      "v3 = iconst.i64 0 jump block1(v2, v3, v0)\n"
      "block1(v4: i32, v5: i64, v6: i64): v7 = iconst.i32 1 v8 = isub v4, v7 brif v8, block1(v8, v6, v5), block2(v5)\n"
      "block2(v9: i64): return v9";
  // The two other parameters change places at each turn.
  EXPECT_EQ(returned(loop, "i64"), (std::vector<Bits>{{0}}));
  v2 = 2;
  EXPECT_EQ(returned(loop, "i64"), (std::vector<Bits>{{0x1000}}));
  EXPECT_EQ(of(loop, " -> i64").path, (std::vector<BlockId>{0, 1, 1, 2}));
  const std::string table =
      "br_table v2, block1, [block2, block3] block1: trap user1 block2: trap user2 block3: trap user3";
  EXPECT_EQ(of(table).reason, "user1");
  v2 = 0;
  EXPECT_EQ(of(table).reason, "user2");
  v2 = 1;
  EXPECT_EQ(of(table).reason, "user3");
  const Ran endless = of("jump block1 block1: jump block1");
  EXPECT_EQ(endless.end, Ran::kOutOfSteps);
  EXPECT_EQ(endless.steps, 10'000u);
}

TEST_F(Interpreter, AddressesOfThings) {
  EXPECT_EQ(returned("v3 = stack_addr.i64 ss1+4 return v3", "i64"), (std::vector<Bits>{{0x20004}}));
  EXPECT_EQ(returned("v3 = func_addr.i64 fn0 return v3", "i64"), (std::vector<Bits>{{0x1000002}}));
  EXPECT_EQ(returned("v3 = symbol_value.i64 gv3 return v3", "i64"), (std::vector<Bits>{{0x1000009}}));
  put(0x1008, {0x10, 0x20});
  EXPECT_EQ(returned("v3 = global_value.i64 gv2 return v3", "i64"), (std::vector<Bits>{{0x200f}}));
  EXPECT_EQ(returned("v3 = get_frame_pointer.i64 return v3", "i64"), (std::vector<Bits>{{0x1000011}}));
}

TEST_F(Interpreter, AliasesAreWhatTheyStandFor) {
  EXPECT_EQ(returned("v5 -> v2 v6 -> v5 v7 = iadd v6, v5 return v7", "i32"), (std::vector<Bits>{{6}}));
}

TEST_F(Interpreter, CallsObserveAndAnswer) {
  world.replies = {{Reply::kReturn, 0, {{0x77}}, {{0x3000, 9}}}};
  const Ran r =
      of("store v2, v0 v3 = call fn0(v1) v4 = iconst.i64 0x3000 v5 = load.i8 v4 store v5, v0 return v3", " -> i64");
  EXPECT_EQ(r.end, Ran::kReturned);
  ASSERT_EQ(r.events.size(), 2u);
  EXPECT_EQ(r.events[0].what, "call %g");
  EXPECT_EQ(r.events[0].values, (std::vector<Bits>{{0x2000}}));
  EXPECT_EQ(r.events[0].memory, (Memory{{0x1000, 3}}));
  EXPECT_EQ(r.events[1].values, (std::vector<Bits>{{0x77}}));
  EXPECT_EQ(r.events[1].memory, (Memory{{0x1000, 9}, {0x3000, 9}}));
}

TEST_F(Interpreter, IndirectCallsAreNamedByTheirSignature) {
  const Ran r = of("v3 = call_indirect sig0, v1(v0) call_indirect sig1, v0() return");
  EXPECT_EQ(r.events.at(0).what, "call_indirect (i64) -> i64 tail");
  EXPECT_EQ(r.events.at(0).values, (std::vector<Bits>{{0x2000}, {0x1000}}));
  EXPECT_EQ(r.events.at(1).what, "call_indirect () fast");
}

TEST_F(Interpreter, CalleesThatDoNotComeBack) {
  world.replies = {{Reply::kTrap, 0, {}, {{0x3000, 9}}}};
  Ran r = of("call fn1() return");
  EXPECT_EQ(r.end, Ran::kTrapped);
  ASSERT_EQ(r.events.size(), 2u);
  EXPECT_EQ(r.events[1].what, "trap in call %h");
  EXPECT_EQ(r.events[1].memory, (Memory{{0x3000, 9}}));
  world.replies[0].how = Reply::kNever;
  r = of("call fn1() return");
  EXPECT_EQ(r.end, Ran::kNever);
  EXPECT_EQ(r.events.size(), 1u);
  world.replies[0].how = Reply::kHandler;
  EXPECT_EQ(of("call fn1() return").end, Ran::kNever);
}

TEST_F(Interpreter, TailCallsAreTheLastEvent) {
  const Ran r = of("v3 = stack_addr.i64 ss0 store v2, v3 return_call fn0(v3)", " -> i64");
  EXPECT_EQ(r.end, Ran::kReturned);
  ASSERT_EQ(r.events.size(), 1u);
  EXPECT_EQ(r.events[0].what, "return_call %g");
  EXPECT_TRUE(r.events[0].memory.empty());
}

TEST_F(Interpreter, TryCallEdges) {
  const std::string body =
      "try_call fn0(v1), sig0, block1(ret0, v0), [context v0, tag7: block2(exn1, exn0), default: block3]\n"
      "block1(v3: i64, v4: i64): return v3, v4\nblock2(v5: i64, v6: i64): return v5, v6\nblock3: return v0, v0";
  world.replies = {{Reply::kReturn, 0, {{5}}, {}}};
  Ran r = of(body, " -> i64, i64");
  EXPECT_EQ(r.events.at(0).what, "try_call %g [context, tag7, default]");
  EXPECT_EQ(r.events.at(0).values, (std::vector<Bits>{{0x2000}, {0x1000}}));
  EXPECT_EQ(r.events.at(1).values, (std::vector<Bits>{{5}, {0x1000}}));
  world.replies = {{Reply::kHandler, 1, {{8}, {9}}, {}}};
  r = of(body, " -> i64, i64");
  EXPECT_EQ(r.path, (std::vector<BlockId>{0, 2}));
  EXPECT_EQ(r.events.at(1).values, (std::vector<Bits>{{9}, {8}}));
  world.replies[0].handler = 2;
  EXPECT_EQ(of(body, " -> i64, i64").path, (std::vector<BlockId>{0, 3}));
  world.replies[0].handler = 0;  // a context is no handler
  EXPECT_EQ(of(body, " -> i64, i64").end, Ran::kNever);
}

TEST_F(Interpreter, AtomicsObserveLikeCalls) {
  put(0x1000, {7});
  Ran r = of("v3 = atomic_rmw.i32 add v0, v2 v4 = atomic_load.i32 v0 return v3, v4", " -> i32, i32");
  ASSERT_EQ(r.events.size(), 3u);
  EXPECT_EQ(r.events[0].what, "atomic_rmw.i32 add");
  EXPECT_EQ(r.events[0].values, (std::vector<Bits>{{0x1000}, {3}}));
  EXPECT_TRUE(r.events[0].memory.empty());
  EXPECT_EQ(r.events[1].memory, (Memory{{0x1000, 10}}));
  EXPECT_EQ(r.events[2].values, (std::vector<Bits>{{7}, {10}}));
  // What others have put there before it, and after it.
  world.replies = {{Reply::kReturn, 0, {{0x50}}, {{0x1001, 1}}}};
  r = of("v3 = atomic_rmw.i32 add v0, v2 return v3", " -> i32");
  EXPECT_EQ(r.events.at(1).values, (std::vector<Bits>{{0x50}}));
  EXPECT_EQ(r.events.at(1).memory, (Memory{{0x1000, 0x53}, {0x1001, 1}}));
  world.replies.clear();
  // The first finds what it expects, the second does not.
  r = of("v3 = iconst.i32 7 v4 = atomic_cas v0, v3, v2 v5 = atomic_cas v0, v3, v3 v6 = load.i32 v0 return v4, v5, v6",
         " -> i32, i32, i32");
  EXPECT_EQ(r.events.back().values, (std::vector<Bits>{{7}, {3}, {3}}));
  r = of("atomic_store big v2, v0 fence debugtrap sequence_point return");
  EXPECT_EQ(r.events.at(0).what, "atomic_store.i32 big");
  EXPECT_EQ(r.events.at(0).values, (std::vector<Bits>{{3}, {0x1000}}));
  EXPECT_EQ(r.events.at(1).what, "fence");
  EXPECT_EQ(r.events.at(1).memory, (Memory{{0x1000, 0}, {0x1003, 3}}));
  EXPECT_EQ(r.events.at(2).what, "debugtrap");
  EXPECT_EQ(r.events.at(3).what, "sequence_point");
  world.forbidden = {0x1001};
  EXPECT_EQ(of("v3 = atomic_load.i32 user8 v0 return").reason, "user8");
}

TEST_F(Interpreter, EveryAtomicOperation) {
  const struct {
    const char* op;
    uint8_t value;  // of 0x85 and 0x0f
  } kCases[] = {{"add", 0x94}, {"and", 0x05},  {"nand", 0xfa}, {"or", 0x8f},   {"smax", 0x0f}, {"smin", 0x85},
                {"sub", 0x76}, {"umax", 0x85}, {"umin", 0x0f}, {"xchg", 0x0f}, {"xor", 0x8a}};
  put(0x1000, {0x85});
  for (const auto& c : kCases) {
    const Ran r =
        of(std::string("v3 = iconst.i8 15 v4 = atomic_rmw.i8 ") + c.op + " v0, v3 v5 = load.i8 v0 return v4, v5",
           " -> i8, i8");
    EXPECT_EQ(r.events.back().values, (std::vector<Bits>{{0x85}, {c.value}})) << c.op;
  }
}

TEST_F(Interpreter, AccessMayChangeWithReplies) {
  world.forbidden_until = {{0x2000, 1}};
  EXPECT_EQ(of("v3 = load.i8 v1 return").end, Ran::kTrapped);
  EXPECT_EQ(of("call fn1() v3 = load.i8 v1 return").end, Ran::kReturned);
}

// --- Stack slots: private until their address can be found.

TEST_F(Interpreter, PrivateSlotsAreNobodysBusiness) {
  const Ran r = of("v3 = stack_addr.i64 ss0 store v2, v3 v4 = iadd v3, v1 call fn1() fence trap user1");
  for (const Event& event : r.events) EXPECT_TRUE(event.memory.empty()) << event.what;
  EXPECT_EQ(r.events.size(), 3u);
}

TEST_F(Interpreter, OthersCannotWritePrivateSlots) {
  put(0x10000, {4});
  world.replies = {{Reply::kReturn, 0, {}, {{0x10000, 5}}}};
  const std::string load = " v4 = load.i8 v3 return v4";
  EXPECT_EQ(returned("v3 = stack_addr.i64 ss0 call fn1()" + load, "i8"), (std::vector<Bits>{{4}}));
  EXPECT_EQ(returned("v3 = stack_addr.i64 ss0 store v3, v0 call fn1()" + load, "i8"), (std::vector<Bits>{{5}}));
}

TEST_F(Interpreter, SlotsEscape) {
  const Memory kSeen{{0x10000, 3}};
  const std::string store = "v3 = stack_addr.i64 ss0 store v2, v3 v8 = iconst.i64 8 ";
  const auto seen = [&](const std::string& body, size_t event = 0) {
    Memory memory = of(store + body).events.at(event).memory;
    // Only what lies in the slot.
    memory.erase(memory.begin(), memory.lower_bound(0x10000));
    memory.erase(memory.lower_bound(0x10010), memory.end());
    return memory;
  };
  // As an argument, whatever was computed from it.
  EXPECT_EQ(seen("v4 = call fn0(v3) return"), kSeen);
  EXPECT_EQ(seen("v4 = iadd v3, v8 v5 = call fn0(v4) return"), kSeen);
  EXPECT_EQ(seen("v4 = call_indirect sig0, v3(v0) return"), kSeen);
  EXPECT_EQ(seen("v4 = select v2, v3, v0 v5 = call fn0(v4) return"), kSeen);
  EXPECT_EQ(seen("v4 = select v2, v0, v3 v5 = call fn0(v4) return"), Memory{});
  EXPECT_EQ(seen("jump block1(v3) block1(v4: i64): v5 = call fn0(v4) return"), kSeen);
  // In memory that can be seen, also one byte of it, also by way of the stack.
  EXPECT_EQ(seen("store v3, v0 call fn1() return"), kSeen);
  EXPECT_EQ(seen("istore8 v3, v0 fence return"), kSeen);
  EXPECT_EQ(seen("v4 = stack_addr.i64 ss1 store v3, v4 v5 = load.i64 v4 store v5, v0 call fn1() return"), kSeen);
  EXPECT_EQ(seen("v4 = stack_addr.i64 ss1 store v3, v4 v5 = call fn0(v4) return"), kSeen);
  EXPECT_EQ(seen("v4 = stack_addr.i64 ss1 store v3, v4 call fn1() return"), Memory{});
  // Not if it is gone again before somebody looks.
  EXPECT_EQ(seen("store v3, v0 store v8, v0 call fn1() return"), Memory{});
  // Once out, always out.
  EXPECT_EQ(seen("store v3, v0 call fn1() store v8, v0 call fn1() return", 1), kSeen);
  EXPECT_EQ(seen("atomic_store v3, v0 return"), kSeen);
  EXPECT_EQ(seen("try_call fn1(), sig1, block1, [context v3] block1: return"), kSeen);
  // After the end no slot is looked at.
  EXPECT_EQ(seen("store v3, v0 return"), Memory{});
  EXPECT_EQ(seen("store v3, v0 trap user1"), Memory{});
}

// --- Promises

TEST_F(Interpreter, NotrapIsAPromise) {
  world.forbidden = {0x2003};
  EXPECT_EQ(broken("v3 = load.i32 notrap v1 return"), "load.i32: notrap, but not all bytes are accessible in block0");
  EXPECT_EQ(broken("store notrap v2, v1 return"), "store.i32: notrap, but not all bytes are accessible in block0");
  EXPECT_EQ(broken("atomic_store notrap v2, v1 return"),
            "atomic_store.i32: notrap, but not all bytes are accessible in block0");
  EXPECT_EQ(broken("v3 = load.i16 notrap v1 return"), "");
  EXPECT_EQ(broken("v3 = load.i32 v1 return"), "");
  // Loads only: how it went on is known.
  const Ran r = of("v3 = load.i32 notrap v1 trap user1");
  EXPECT_EQ(r.despite, Ran::kTrapped);
  EXPECT_FALSE(r.only_can_move);
  EXPECT_TRUE(of("v3 = load.i32 notrap can_move v1 trap user1").only_can_move);
  EXPECT_FALSE(of("v3 = load.i32 notrap can_move v1 v4 = load.i32 notrap v1 trap user1").only_can_move);
  EXPECT_FALSE(of("v4 = load.i32 notrap v1 v3 = load.i32 notrap can_move v1 trap user1").only_can_move);
  EXPECT_EQ(of("store notrap v2, v1 trap user1").despite, std::nullopt);
}

TEST_F(Interpreter, AlignmentIsAPromise) {
  v0 = 0x1004;
  EXPECT_EQ(broken("v3 = load.i64 aligned v0 return"), "load.i64: aligned, but at byte 0x1004 in block0");
  EXPECT_EQ(broken("v3 = load.i32 aligned v0 store aligned v3, v0+4 return"), "");
  EXPECT_EQ(broken("store aligned v2, v0+2 return"), "store.i32: aligned, but at byte 0x1006 in block0");
}

TEST_F(Interpreter, RegionsArePromises) {
  const std::string both = "v3 = load.i32 region0 v0 store region1 v2, v0+3 return";
  EXPECT_EQ(broken(both), "store.i32: byte 0x1003 in B, before in A in block0");
  EXPECT_EQ(broken(both, false), "");
  EXPECT_EQ(broken("v3 = load.i32 region0 v0 store v2, v0 v4 = load.i32 region0 v0 return"), "");
  EXPECT_EQ(broken("v3 = load.i32 region0 v0 store region1 v2, v0+4 return"), "");
  // What traps has not touched anything.
  world.forbidden = {0x1003};
  EXPECT_EQ(broken("v3 = load.i8 region0 v0 v4 = load.i32 region1 v0 return"), "");
}

TEST_F(Interpreter, ReadonlyIsAPromise) {
  const std::string kReason = "byte 0x1003 is readonly and written";
  EXPECT_EQ(broken("v3 = load.i32 readonly v0 store v2, v0+3 return"), "store.i32: " + kReason + " in block0");
  EXPECT_EQ(broken("store v2, v0+3 v3 = load.i32 readonly v0 return"), "load.i32: " + kReason + " in block0");
  EXPECT_EQ(broken("store v2, v0+4 v3 = load.i32 readonly v0 return"), "");
  world.replies = {{Reply::kReturn, 0, {}, {{0x1003, 1}}}};
  EXPECT_EQ(broken("v3 = load.i32 readonly v0 call fn1() return"), "call %h: " + kReason + " by a callee in block0");
}

TEST_F(Interpreter, NobodyGuessesTheAddressOfAPrivateSlot) {
  v0 = 0x10000;
  EXPECT_EQ(
      broken("store v2, v0 return"),
      "store.i32: through an address that does not derive from the stack slot that it hits, byte 0x10000 in block0");
  EXPECT_EQ(
      broken("v3 = stack_addr.i64 ss1 v4 = iconst.i64 0x10000 v5 = isub v3, v4 v6 = load.i8 v5 return").substr(0, 28),
      "load.i8: through an address ");
  EXPECT_EQ(broken("v3 = stack_addr.i64 ss0+8 v4 = iconst.i64 8 v5 = isub v3, v4 v6 = load.i8 v5 return"), "");
  EXPECT_EQ(broken("v3 = stack_addr.i64 ss0 v4 = call fn0(v3) store v2, v0 return"), "");
}

// --- What is not run

TEST_F(Interpreter, UnsupportedIsNamed) {
  const auto unsupported = [&](const std::string& body) {
    const Ran r = of(body);
    EXPECT_EQ(r.end, Ran::kUnsupported);
    return r.reason;
  };
  EXPECT_EQ(unsupported("v3 = splat.i32x4 v2 return"), "splat.i32x4");
  EXPECT_EQ(unsupported("set_pinned_reg v0 return"), "set_pinned_reg");
  EXPECT_EQ(unsupported("v3 = load.i64x4 v0 return"), "load.i64x4");
  std::string slots;
  for (int i = 0; i < 65; ++i) slots += "ss" + std::to_string(i) + " = explicit_slot 8\n";
  const Function many = read_functions("function %f() {\n" + slots + "block0:\n return\n}\n").at(0);
  EXPECT_EQ(run(many, {}, world, 10, true).reason, "more than 64 stack slots");
}

// --- Comparison

class Comparison : public Interpreter {
 protected:
  // "" if no difference was seen.
  std::string of_pair(const std::string& before, const std::string& after, const std::string& returns = "") {
    const auto difference = compare(of(before, returns), of(after, returns));
    if (!difference) return "";
    return (difference->kind == Difference::kUseless ? "useless: " : std::to_string(difference->event) + ": ") +
           difference->what;
  }
};

TEST_F(Comparison, EqualRuns) {
  EXPECT_EQ(of_pair("store v2, v0 store v2, v0 return", "store v2, v0 return"), "");
  EXPECT_EQ(of_pair("v3 = stack_addr.i64 ss0 store v2, v3 call fn1() return", "call fn1() return"), "");
  EXPECT_EQ(of_pair("trap user1", "trap user1"), "");
}

TEST_F(Comparison, Differences) {
  EXPECT_EQ(of_pair("store v2, v0 return", "return"), "0: at return, byte 0x1000: before 0x3, after unchanged");
  EXPECT_EQ(of_pair("return", "store v2, v0 return"), "0: at return, byte 0x1000: before unchanged, after 0x3");
  EXPECT_EQ(of_pair("store v2, v0 return", "store v0, v0 return"),
            "0: at return, byte 0x1000: before 0x3, after unchanged");
  EXPECT_EQ(of_pair("store v2, v0 call fn1() return", "call fn1() store v2, v0 return"),
            "0: at call %h, byte 0x1000: before 0x3, after unchanged");
  EXPECT_EQ(of_pair("call fn1() return", "return"), "0: before: call %h, after: return");
  EXPECT_EQ(of_pair("return v0", "return v1", " -> i64"), "0: return: value 0 before 0x1000, after 0x2000");
  EXPECT_EQ(of_pair("v3 = call fn0(v0) return", "v3 = call fn0(v1) return"),
            "0: call %g: value 0 before 0x1000, after 0x2000");
  EXPECT_EQ(of_pair("trap user1", "trap user2"), "0: before: trap user1, after: trap user2");
  EXPECT_EQ(of_pair("return", "jump block1 block1: jump block1"), "0: before returned, after ran out of steps");
  world.replies = {{Reply::kNever, 0, {}, {}}};
  EXPECT_EQ(of_pair("call fn1() return", "call fn1() trap user1"), "");
}

TEST_F(Comparison, BrokenPromises) {
  world.forbidden = {0x2000};
  const std::string bad_load = "v3 = load.i8 notrap v1 ", bad_store = "istore8 notrap v2, v1 ";
  EXPECT_EQ(of_pair(bad_load + "return", "return"),
            "useless: before broke a promise: load.i8: notrap, but not all bytes are accessible in block0");
  EXPECT_EQ(of_pair("return", bad_load + "return"),
            "1: after broke a promise: load.i8: notrap, but not all bytes are accessible in block0");
  EXPECT_EQ(of_pair("return", bad_store + "return").substr(0, 24), "0: after broke a promise");
  // A load may come earlier than it did if `before` traps on the way to it, or if it is movable anyway.
  EXPECT_EQ(of_pair("trap user1", bad_load + "trap user1"), "");
  EXPECT_EQ(of_pair("return", "v3 = load.i8 notrap can_move v1 return"), "");
  EXPECT_EQ(of_pair("trap user1", bad_store + "trap user1").substr(0, 24), "0: after broke a promise");
  world.replies = {{Reply::kTrap, 0, {}, {}}};
  EXPECT_EQ(of_pair("call fn1() return", bad_load + "call fn1() return").substr(0, 24), "2: after broke a promise");
  EXPECT_EQ(of_pair("trap user1", bad_load + "return"), "0: before: trap user1, after: return");
}

TEST_F(Comparison, UselessRuns) {
  const std::string loop = "jump block1 block1: jump block1";
  EXPECT_EQ(of_pair(loop, "return"), "useless: before ran out of steps");
  EXPECT_EQ(of_pair("set_pinned_reg v0 return", "return"), "useless: before: unsupported: set_pinned_reg");
  EXPECT_EQ(of_pair("return", "set_pinned_reg v0 return"), "useless: after: unsupported: set_pinned_reg");
  EXPECT_EQ(of_pair("call fn1() " + loop, "fence " + loop), "0: before: call %h, after: fence");
}

}  // namespace
}  // namespace lockstep::clif
