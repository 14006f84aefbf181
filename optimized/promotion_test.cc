// Each reason to promote, with something next to it that must not promote; and what promotion keeps.
#include <gtest/gtest.h>

#include <set>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

using Reason = PromotionReason;

// A host-invoked native frame in `a` calls a native frame in `b`, which runs the code: a chain of two.
class Promotion : public ::testing::Test {
 protected:
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  Instance& c = w.instance();

  void run_in_chain(Code code) {
    const Function& callee = w.sync_typed(b, std::move(code));
    const Import& import = w.import_(a, callee);
    const Function& caller = w.sync_typed(a, [&w = w, &import](Args) { return w.call(import, 2); });
    w.invoke(caller, 1);
  }
  void expect_only(Reason reason) {
    EXPECT_EQ(w.promotions(reason), 1u);
    EXPECT_EQ(w.promotions(), 1u);
    EXPECT_EQ(w.store.counters().frames_promoted, 2u);
    EXPECT_EQ(w.store.counters().sync_calls_unpromoted, 0u);
    EXPECT_EQ(w.store.counters().host_sync_calls_unpromoted, 0u);
    expect_clean();
  }
  void expect_none() {
    EXPECT_EQ(w.promotions(), 0u);
    EXPECT_EQ(w.store.counters().sync_calls_unpromoted, w.store.counters().sync_calls);
    expect_clean();
  }
  void expect_clean() {
    EXPECT_TRUE(w.store.outermost());
    EXPECT_TRUE(w.view(a).may_enter && w.view(b).may_enter);
    EXPECT_EQ(w.view(a).next_thread_index, 1u);
    EXPECT_EQ(w.view(b).next_thread_index, 1u);
  }
};

TEST_F(Promotion, CallOfAsyncTypedFunction) {
  const Function& f = w.stackful(c, [&](Args) {
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{3, 2, 1}));
    w.return_(5);
    return 0;
  });
  const Import& import = w.import_(b, f);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(import, 3), 5u);
    return 0;
  });
  expect_only(Reason::kCall);
}

TEST_F(Promotion, NotByCallOfSyncTypedFunction) {
  const Function& f = w.sync_typed(c, [&](Args) { return 5; });
  const Import& import = w.import_(b, f);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(import, 3), 5u);
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, NotByCallThatIsRefused) {
  const Function& f = w.stackful(a, [&](Args) { return 0; });
  const Import& import = w.import_(b, f);
  EXPECT_EQ(w.trap_of([&] { run_in_chain([&](Args) { return w.call(import, 3); }); }), "Store.lift.func_inst#1");
  EXPECT_EQ(w.promotions(), 0u);
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Promotion, HostInvokeOfAsyncTypedFunction) {
  const Function& f = w.stackful(c, [&](Args) {
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{4, 2, 1}));
    w.return_(5);
    return 0;
  });
  const HostFunction& host = w.host(false, [&](HostCall& call) {
    call.start();
    call.resolve(w.invoke(f, 4).value);
  });
  const Import& import = w.import_(b, host);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(import, 3), 5u);
    return 0;
  });
  expect_only(Reason::kHostInvoke);
}

TEST_F(Promotion, NotByHostInvokeOfSyncTypedFunction) {
  const Function& f = w.sync_typed(c, [&](Args) {
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{4, 2, 1}));
    return 5;
  });
  const HostFunction& host = w.host(false, [&](HostCall& call) {
    call.start();
    call.resolve(w.invoke(f, 4).value);
  });
  const Import& import = w.import_(b, host);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(import, 3), 5u);
    return 0;
  });
  expect_none();
}

// A host function that blocks, and another task of b that lets the blocked one go on by resolving it (through a second
// host function, since only the host can).
struct BlockingHost {
  Subtask* blocked = nullptr;
  const HostFunction& block;
  const HostFunction& unblock;
  explicit BlockingHost(World& w)
      : block(w.host(true,
                     [this](HostCall& call) {
                       call.start();
                       blocked = &call.block([](void*, Subtask&) {}, nullptr);
                     })),
        unblock(w.host(false, [this](HostCall& call) {
          call.start();
          call.store().resolve(*blocked, 33);
          call.resolve(0);
        })) {}
};

TEST_F(Promotion, SyncWaitForHostFunction) {
  BlockingHost host(w);
  const Import& block = w.import_(b, host.block);
  const Import& unblock = w.import_(b, host.unblock);
  // Y of b waits at a yield before the chain starts; the loop of b lets it go on.
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    w.call(unblock, 11);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(block, 3), 33u);
    EXPECT_EQ(w.task(2).thread.index, 2u);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kSyncWait), 1u);
  EXPECT_EQ(w.promotions(), 1u);
  EXPECT_EQ(w.choices.asked, (std::vector<std::string>{"wait-until 10", "sync-loop 2: 10", "sync-loop 2: 2"}));
}

TEST_F(Promotion, NotByHostFunctionThatReturnsAtOnce) {
  const HostFunction& host = w.host(true, [&](HostCall& call) {
    EXPECT_EQ(call.start()[0], 3u);
    call.resolve(5);
  });
  const Import& sync = w.import_(b, host);
  const Import& async_ = w.import_(b, host, true);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.call(sync, 3), 5u);
    EXPECT_EQ(w.start(async_, 3), 0u);
    EXPECT_EQ(w.last_packed, 2u);
    EXPECT_EQ(w.bytes[128], 5u);
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, NotByAsyncCallOfHostFunctionThatBlocks) {
  BlockingHost host(w);
  const Import& block = w.import_(b, host.block, true);
  run_in_chain([&](Args) {
    const uint32_t subtask = w.start(block, 3);
    EXPECT_EQ(subtask, 1u);
    EXPECT_EQ(w.last_packed & 0xf, 1u);
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(subtask, set);
    EXPECT_EQ(w.store.waitable_set_poll(false, w.memory, set, 64), 0u);
    w.store.waitable_join(subtask, 0);
    w.store.waitable_set_drop(set);
    return 0;
  });
  expect_none();
  w.store.resolve(*host.blocked, 34);
  EXPECT_EQ(w.bytes[128], 34u);
}

TEST_F(Promotion, YieldThatWaits) {
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_yield(false), 0u);
    return 0;
  });
  expect_only(Reason::kYield);
  EXPECT_EQ(w.choices.asked, (std::vector<std::string>{"wait-until 2", "sync-loop 2: 2"}));
}

TEST_F(Promotion, NotByYieldThatGoesOn) {
  w.choices.go_on_answers = {true};
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_yield(false), 0u);
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, WaitForSet) {
  BlockingHost host(w);
  const Import& block = w.import_(b, host.block, true);
  const Import& unblock = w.import_(b, host.unblock);
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    w.call(unblock, 11);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    const uint32_t subtask = w.start(block, 3);
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(subtask, set);
    EXPECT_EQ(w.store.waitable_set_wait(false, w.memory, set, 64), 1u);
    EXPECT_EQ(w.bytes[64], subtask);
    EXPECT_EQ(w.bytes[68], 2u);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kWait), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Promotion, NotByWaitForSetThatHasAnEvent) {
  BlockingHost host(w);
  const Import& block = w.import_(b, host.block, true);
  w.choices.go_on_answers = {true};
  run_in_chain([&](Args) {
    const uint32_t set = w.store.waitable_set_new();
    w.store.waitable_join(w.start(block, 3), set);
    w.store.resolve(*host.blocked, 1);
    EXPECT_EQ(w.store.waitable_set_wait(false, w.memory, set, 64), 1u);
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, SyncCancelThatWaits) {
  BlockingHost host(w);  // does not answer a cancellation at once
  const Import& block = w.import_(b, host.block, true);
  const Import& unblock = w.import_(b, host.unblock);
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    EXPECT_TRUE(w.subtask(b, 1).sync_waiter);
    EXPECT_TRUE(w.subtask(b, 1).cancellation_requested);
    w.call(unblock, 11);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    const uint32_t subtask = w.start(block, 3);
    EXPECT_EQ(w.store.subtask_cancel(false, subtask), 2u);
    EXPECT_TRUE(w.subtask(b, 1).resolve_delivered);
    w.store.subtask_drop(subtask);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kCancelWait), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Promotion, NotByCancelThatIsAnsweredAtOnceOrNotWaitedFor) {
  const HostFunction& now = w.host(true, [&](HostCall& call) {
    call.start();
    call.block([](void* store, Subtask& s) { static_cast<Store*>(store)->resolve_cancelled(s); }, &w.store);
  });
  BlockingHost never(w);
  const Import& import_now = w.import_(b, now, true);
  const Import& import_never = w.import_(b, never.block, true);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.subtask_cancel(false, w.start(import_now, 3)), 4u);
    EXPECT_EQ(w.store.subtask_cancel(true, w.start(import_never, 4)), kBlocked);
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, CopyThatWaits) {
  const CopyOptions sync = {Type::u32(), false, &w.memory, {}};
  uint64_t ends = 0;
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    EXPECT_EQ(w.store.stream_write(sync, static_cast<uint32_t>(ends >> 32), 0, 1), 1u << 4);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    ends = w.store.stream_new(Type::u32());
    EXPECT_EQ(w.store.stream_read(sync, static_cast<uint32_t>(ends), 32, 1), 1u << 4);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kCopyWait), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Promotion, NotByCopyThatIsAnsweredAtOnceOrNotWaitedFor) {
  const CopyOptions sync = {Type::u32(), false, &w.memory, {}};
  const CopyOptions async_ = {Type::u32(), true, &w.memory, {}};
  run_in_chain([&](Args) {
    const uint64_t ends = w.store.stream_new(Type::u32());
    EXPECT_EQ(w.store.stream_read(async_, static_cast<uint32_t>(ends), 32, 1), kBlocked);
    EXPECT_EQ(w.store.stream_write(sync, static_cast<uint32_t>(ends >> 32), 0, 1), 1u << 4);
    return 0;
  });
  expect_none();
}

const FuncRef kEmptyThread = {{[](void*, Args) -> uint64_t { return 0; }, nullptr}, AddressType::kI32};
const FuncTable kThreads = {std::span(&kEmptyThread, 1)};

TEST_F(Promotion, NewThread) {
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_new_indirect(AddressType::kI32, kThreads, 0, 0), 2u);
    return 0;
  });
  expect_only(Reason::kThreadNew);
}

TEST_F(Promotion, NotByNewThreadThatIsRefused) {
  run_in_chain([&](Args) {
    EXPECT_EQ(w.trap_of([&] { w.store.thread_new_indirect(AddressType::kI64, kThreads, 0, 0); }),
              "canon_thread_new_indirect#2");
    return 0;
  });
  expect_none();
}

TEST_F(Promotion, Suspend) {
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    w.store.thread_resume_later(2);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_suspend(false), 0u);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kSuspend), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Promotion, DirectSwitch) {
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_suspend(false);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_yield_then_resume(false, 1), 0u);
    return 0;
  });
  EXPECT_EQ(w.promotions(Reason::kSwitch), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

TEST_F(Promotion, NotBySwitchToNobodyThatGoesOn) {
  const Function& y = w.stackful(b, [&](Args) {
    w.store.thread_suspend(false);
    w.return_(0);
    return 0;
  });
  w.invoke(y, 10);
  w.choices.go_on_answers = {true};
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_yield_then_promote(false, 1), 0u);  // suspended, so not ready
    return 0;
  });
  EXPECT_EQ(w.promotions(), 0u);
}

// In post-return, where nothing of the component model may be asked for.
TEST_F(Promotion, NotByWhatMayNotLeave) {
  const Function& f = w.sync_typed(
      b, [](Args) { return 0; },
      [&](Args) {
        EXPECT_EQ(w.trap_of([&] { w.store.thread_index(); }), "canon_thread_index#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_suspend(false); }), "canon_thread_suspend#1");
        return 0;
      });
  w.invoke(f, 1);
  expect_none();
}

TEST_F(Promotion, ThreadIndex) {
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.thread_index(), 1u);
    return 0;
  });
  expect_only(Reason::kThreadIndex);
}

TEST_F(Promotion, NotByContextOrBackpressure) {
  run_in_chain([&](Args) {
    w.store.context_set(0, 1);
    w.store.backpressure_inc();
    w.store.backpressure_dec();
    return w.store.context_get(0);
  });
  expect_none();
}

TEST_F(Promotion, IsNotRepeatedAndCalleesStayNative) {
  const Function& leaf = w.sync_typed(c, [&](Args) { return 1; });
  const Import& import = w.import_(b, leaf);
  run_in_chain([&](Args) {
    w.store.thread_index();
    w.store.thread_index();
    w.call(import, 3);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{2, 1}));
    return 0;
  });
  EXPECT_EQ(w.promotions(), 1u);
  EXPECT_EQ(w.store.counters().sync_calls_unpromoted, 1u);
  EXPECT_EQ(w.store.counters().sync_calls, 2u);
}

TEST_F(Promotion, KeepsSlotsOfTheWholeChain) {
  const Function& callee = w.sync_typed(b, [&](Args) {
    w.store.context_set(0, 21);
    w.store.context_set(1, 22);
    w.store.thread_index();
    EXPECT_EQ(w.store.context_get(0), 21u);
    EXPECT_EQ(w.store.context_get(1), 22u);
    return 0;
  });
  const Import& import = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) {
    w.store.context_set(0, 11);
    w.store.context_set(1, 12);
    w.call(import, 2);
    EXPECT_EQ(w.store.context_get(0), 11u);
    EXPECT_EQ(w.store.context_get(1), 12u);
    return 0;
  });
  w.invoke(caller, 1);
}

// With calls within an instance, several virtual threads share a table: the outermost got the first index.
TEST_F(Promotion, GivesTheIndicesOfEntry) {
  const Import* self = nullptr;
  std::vector<uint32_t> seen;
  const Function& f = w.sync_typed(a, [&](Args args) {
    if (args[0] < 3) w.call(*self, args[0] + 1);
    seen.push_back(w.store.thread_index());
    return 0;
  });
  self = &w.import_(a, f);
  w.invoke(f, 1);
  EXPECT_EQ(seen, (std::vector<uint32_t>{3, 2, 1}));
}

// x of a waits; d, native in a, cancels it, and x leaves the thread table in which d has index 3.
TEST_F(Promotion, RecursionWhenTheThreadTableChanges) {
  uint32_t handle = 0;
  const Function& x = w.stackful(a, [&](Args) {
    EXPECT_EQ(w.store.thread_yield(true), 1u);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{3, 1}));
    w.store.task_cancel();
    return 0;
  });
  const Function& d = w.sync_typed(a, [&](Args) {
    EXPECT_EQ(w.task(4).thread.index, 3u);
    EXPECT_TRUE(w.task(4).native);
    EXPECT_EQ(w.store.subtask_cancel(true, handle), 4u);
    EXPECT_FALSE(w.task(4).native);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{4, 1}));
    return w.store.thread_index();
  });
  const Import& import_x = w.import_(a, x, true);
  const Import& import_d = w.import_(a, d);
  const Function& outer = w.stackful(a, [&](Args) {
    handle = w.start(import_x, 3);
    EXPECT_EQ(w.call(import_d, 4), 3u);
    EXPECT_EQ(w.view(a).next_thread_index, 3u);
    w.return_(0);
    return 0;
  });
  EXPECT_EQ(w.invoke(outer, 1).resolved, 1);
  EXPECT_EQ(w.promotions(Reason::kRecursion), 1u);
  EXPECT_EQ(w.promotions(), 1u);
}

// The same between two instances: the table of a changes, d is in b.
TEST_F(Promotion, NotWhenAnotherThreadTableChanges) {
  uint32_t handle = 0;
  const Function& x = w.stackful(c, [&](Args) {
    EXPECT_EQ(w.store.thread_yield(true), 1u);
    w.store.task_cancel();
    return 0;
  });
  const Import& import_x = w.import_(b, x, true);
  const Function& starter = w.stackful(b, [&](Args) {
    handle = w.start(import_x, 3);
    w.return_(0);
    return 0;
  });
  w.invoke(starter, 9);
  run_in_chain([&](Args) {
    EXPECT_EQ(w.store.subtask_cancel(true, handle), 4u);
    return 0;
  });
  expect_none();
}

// For each reason, the test above that promotes for it, and the one beside it that must not promote.
struct Pair {
  Reason reason;
  std::string_view promotes;
  std::string_view does_not;
};
constexpr std::array<Pair, kPromotionReasonCount> kPairs = {{
    {Reason::kCall, "CallOfAsyncTypedFunction", "NotByCallOfSyncTypedFunction"},
    {Reason::kHostInvoke, "HostInvokeOfAsyncTypedFunction", "NotByHostInvokeOfSyncTypedFunction"},
    {Reason::kSyncWait, "SyncWaitForHostFunction", "NotByHostFunctionThatReturnsAtOnce"},
    {Reason::kYield, "YieldThatWaits", "NotByYieldThatGoesOn"},
    {Reason::kWait, "WaitForSet", "NotByWaitForSetThatHasAnEvent"},
    {Reason::kCancelWait, "SyncCancelThatWaits", "NotByCancelThatIsAnsweredAtOnceOrNotWaitedFor"},
    {Reason::kCopyWait, "CopyThatWaits", "NotByCopyThatIsAnsweredAtOnceOrNotWaitedFor"},
    {Reason::kThreadIndex, "ThreadIndex", "NotByWhatMayNotLeave"},
    {Reason::kThreadNew, "NewThread", "NotByNewThreadThatIsRefused"},
    {Reason::kSuspend, "Suspend", "NotByWhatMayNotLeave"},
    {Reason::kSwitch, "DirectSwitch", "NotBySwitchToNobodyThatGoesOn"},
    {Reason::kRecursion, "RecursionWhenTheThreadTableChanges", "NotWhenAnotherThreadTableChanges"},
}};
constexpr bool in_order() {
  for (size_t i = 0; i < kPairs.size(); ++i)
    if (kPairs[i].reason != static_cast<Reason>(i) || kPairs[i].promotes.empty()) return false;
  return true;
}
static_assert(in_order(), "a reason without its pair of tests");

TEST(PromotionPairs, AreThere) {
  std::set<std::string> names;
  const auto& all = *::testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int k = 0; k < suite.total_test_count() && suite.name() == std::string("Promotion"); ++k)
      names.insert(suite.GetTestInfo(k)->name());
  }
  for (const Pair& pair : kPairs) {
    EXPECT_TRUE(names.contains(std::string(pair.promotes))) << pair.promotes;
    EXPECT_TRUE(names.contains(std::string(pair.does_not))) << pair.does_not;
  }
}

}  // namespace
}  // namespace lockstep::optimized::testing
