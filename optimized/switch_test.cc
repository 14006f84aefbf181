// Blocking in native frames: who gets control, in which order, and how traps travel.
#include <gtest/gtest.h>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

using Log = std::vector<std::string>;

// b (of B) calls C.c, c yields, its loop picks Y of C, Y calls C.h, h yields, h's loop picks c.
class Recursion : public ::testing::Test {
 protected:
  World w;
  Instance& b_inst = w.instance();
  Instance& c_inst = w.instance();
  Log log;
  bool c_traps = false;
  bool h_first_then_c = false;  // after c is back, h's loop picks h
  bool c_yields_twice = false;

  void note(const char* what) { log.push_back(what); }

  void run() {
    const Function& c = w.sync_typed(c_inst, [&](Args) {
      note("c");
      w.store.thread_yield(false);
      note("c again");
      if (c_yields_twice) {
        w.store.thread_yield(false);
        note("c third");
      }
      if (c_traps) trap(TrapSite::kCanonTaskCancel2);
      return 42;
    });
    const Function& h = w.sync_typed(c_inst, [&](Args) {
      note("h");
      w.store.thread_yield(false);
      note("h again");
      return 0;
    });
    const Import& import_h = w.import_(c_inst, h);
    const Function& y = w.stackful(c_inst, [&](Args) {
      w.store.thread_yield(false);
      note("y");
      w.call(import_h, 12);
      note("y after h");
      w.store.thread_yield(false);
      note("y ends");
      w.return_(0);
      return 0;
    });
    const Import& import_c = w.import_(b_inst, c);
    const Function& b = w.sync_typed(b_inst, [&](Args) {
      note("b");
      const uint32_t result = w.call(import_c, 2);
      EXPECT_EQ(w.stack(), (std::vector<uint32_t>{1}));
      EXPECT_TRUE(w.view(c_inst).may_enter);
      note("b after c");
      return result;
    });
    w.invoke(y, 10);
    w.choices.picks = {{10, 0}, {2, 0}, {12, 0}};
    HostInvocation& call = w.invoke(b, 1);
    EXPECT_EQ(call.value, 42u);
    w.run();
  }
};

TEST_F(Recursion, ControlGoesBackToTheResumer) {
  run();
  EXPECT_EQ(log, (Log{"b", "c", "y", "h", "c again", "h again", "y after h", "b after c", "y ends"}));
  EXPECT_EQ(w.view(c_inst).next_thread_index, 1u);
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Recursion, BlockedAgainUnderAnotherResumer) {
  c_yields_twice = true;
  run();
  EXPECT_EQ(log, (Log{"b", "c", "y", "h", "c again", "h again", "y after h", "c third", "b after c", "y ends"}));
}

TEST_F(Recursion, TrapsUnwindInTheOrderOfResumption) {
  c_traps = true;
  EXPECT_EQ(w.trap_of([&] { run(); }), "canon_task_cancel#2");
  EXPECT_EQ(log, (Log{"b", "c", "y", "h", "c again"}));
  EXPECT_TRUE(w.store.outermost());
  EXPECT_TRUE(w.stack().empty());
  EXPECT_FALSE(w.view(c_inst).may_enter);
  EXPECT_FALSE(w.view(b_inst).may_enter);
  // h waits for ever, without its frame; the others have ended.
  EXPECT_TRUE(w.task(12).thread.waiting);
  EXPECT_FALSE(w.task(12).thread.ready);
  EXPECT_EQ(w.task(1).call_id, 0u);
  EXPECT_EQ(w.task(2).call_id, 0u);
  EXPECT_EQ(w.task(10).call_id, 0u);
}

// Destructors of guest frames say in which order stacks are unwound.
TEST_F(Recursion, TrapDestroysAllFrames) {
  struct Leaving {
    Log& log;
    const char* name;
    ~Leaving() { log.push_back(name); }
  };
  const Function& c = w.sync_typed(c_inst, [&](Args) -> uint32_t {
    Leaving l{log, "c"};
    w.store.thread_yield(false);
    trap(TrapSite::kCanonTaskCancel2);
  });
  const Function& h = w.sync_typed(c_inst, [&](Args) -> uint32_t {
    Leaving l{log, "h"};
    w.store.thread_yield(false);
    return 0;
  });
  const Import& import_h = w.import_(c_inst, h);
  const Function& y = w.stackful(c_inst, [&](Args) {
    Leaving l{log, "y"};
    w.store.thread_yield(false);
    return w.call(import_h, 12);
  });
  const Import& import_c = w.import_(b_inst, c);
  const Function& b = w.sync_typed(b_inst, [&](Args) {
    Leaving l{log, "b"};
    return w.call(import_c, 2);
  });
  w.invoke(y, 10);
  w.choices.picks = {{10, 0}, {2, 0}};
  EXPECT_EQ(w.trap_of([&] { w.invoke(b, 1); }), "canon_task_cancel#2");
  EXPECT_EQ(log, (Log{"c", "h", "y", "b"}));
}

class Switching : public ::testing::Test {
 protected:
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
};

TEST_F(Switching, SyncTypedFunctionThatCannotGoOnTraps) {
  const HostFunction& host = w.host(true, [&](HostCall& call) {
    call.start();
    call.block([](void*, Subtask&) {}, nullptr);
  });
  const Import& import = w.import_(b, host);
  const Function& callee = w.sync_typed(b, [&](Args) { return w.call(import, 3); });
  const Import& import_callee = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import_callee, 2); });
  EXPECT_EQ(w.trap_of([&] { w.invoke(caller, 1); }), "canon_lift#1");
  EXPECT_TRUE(w.store.outermost());
  EXPECT_TRUE(w.task(2).thread.waiting);
  EXPECT_EQ(w.task(2).parent_call_id, 0u);  // its parent has ended
}

TEST_F(Switching, ExclusiveThreadIsNoCandidateOfTheLoop) {
  // x holds b exclusively and waits inside its callback; the loop of b.callee must not pick it.
  const Function& x = w.callback(
      b,
      [&](Args) {
        w.store.thread_yield(false);
        w.return_(0);
        return kCodeExit;
      },
      [&](Args) { return kCodeExit; });
  const Function& callee = w.sync_typed(b, [&](Args) { return w.store.thread_yield(false); });
  const Import& import = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 2); });
  w.invoke(x, 10);
  w.choices.asked.clear();
  w.invoke(caller, 1);
  EXPECT_EQ(w.choices.asked, (std::vector<std::string>{"wait-until 2", "sync-loop 2: 2"}));
}

TEST_F(Switching, LoopRunsCallbacksOfItsInstance) {
  Log log;
  const Function& x = w.callback(
      b, [&](Args) { return kCodeYield; },
      [&](Args args) {
        log.push_back("callback " + std::to_string(args[0]));
        w.return_(7);
        return kCodeExit;
      });
  const Function& callee = w.sync_typed(b, [&](Args) {
    w.store.thread_yield(false);
    log.push_back("callee");
    return 0;
  });
  const Import& import = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 2); });
  HostInvocation& call = w.invoke(x, 10);
  EXPECT_EQ(w.task(10).thread.slots[0], 0u);
  w.choices.picks = {{10, 0}};
  w.invoke(caller, 1);
  EXPECT_EQ(log, (Log{"callback 0", "callee"}));
  EXPECT_EQ(call.value, 7u);
}

TEST_F(Switching, SwallowedTrapLeavesTheCallerIntact) {
  Instance& other = w.instance();
  Instance& untouched = w.instance();
  const Function& inner = w.sync_typed(other, [&](Args) {
    w.store.context_set(0, 99);
    w.store.thread_yield(false);  // promoted, and back
    trap(TrapSite::kCanonTaskCancel2);
    return 0;
  });
  std::vector<uint32_t> stack_after;
  Log traps;
  const HostFunction& host = w.host(false, [&](HostCall& call) {
    call.start();
    traps.push_back(w.trap_of([&] { w.invoke(inner, 4); }));
    stack_after = w.stack();
    call.resolve(1);
  });
  const Import& import = w.import_(b, host);
  const Function& callee = w.sync_typed(b, [&](Args) {
    w.store.context_set(0, 5);
    const uint32_t result = w.call(import, 3);
    EXPECT_EQ(w.store.context_get(0), 5u);
    return result;
  });
  const Import& import_callee = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import_callee, 2); });
  EXPECT_EQ(w.invoke(caller, 1).value, 1u);
  EXPECT_EQ(stack_after, (std::vector<uint32_t>{2, 1}));
  EXPECT_FALSE(w.view(other).may_enter);
  EXPECT_EQ(w.trap_of([&] { w.invoke(inner, 5); }), "Store.lift.func_inst#1");
  const Function& fine = w.sync_typed(untouched, [&](Args) { return 3; });
  EXPECT_EQ(w.invoke(fine, 6).value, 3u);
  EXPECT_EQ(w.invoke(caller, 7).value, 1u);  // a and b are not locked
  EXPECT_EQ(traps, (Log{"canon_task_cancel#2", "Store.lift.func_inst#1"}));
}

TEST_F(Switching, TrapOfAHeapTaskReachesTheHost) {
  const Function& x = w.stackful(b, [&](Args) -> uint32_t {
    w.store.thread_yield(false);
    throw CoreException();
  });
  const Import& import = w.import_(a, x);
  const Function& caller = w.stackful(a, [&](Args) { return w.call(import, 2); });
  w.invoke(caller, 1);
  EXPECT_EQ(w.trap_of([&] { w.run(); }), "call_and_trap_on_throw#1");
  EXPECT_TRUE(w.store.outermost());
  EXPECT_TRUE(w.stack().empty());
  EXPECT_TRUE(w.view(a).may_enter);  // b alone was entered by the tick
  EXPECT_FALSE(w.view(b).may_enter);
  EXPECT_EQ(w.task(2).call_id, 0u);
  EXPECT_TRUE(w.task(1).thread.waiting);
}

TEST_F(Switching, OtherExceptionsTravelLikeTraps) {
  struct Abandoned {};
  const Function& x = w.stackful(b, [&](Args) -> uint32_t {
    w.store.thread_index();
    throw Abandoned();
  });
  const Import& import = w.import_(a, x);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 2); });
  EXPECT_THROW(w.invoke(caller, 1), Abandoned);
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Switching, ChoicesMayThrowAnywhere) {
  const Function& waiting = w.stackful(b, [&](Args) {
    w.store.thread_yield(true);
    return 0;
  });
  const Function& press = w.sync_typed(b, [&](Args) {
    w.store.backpressure_inc();
    return 0;
  });
  const Function& release = w.sync_typed(b, [&](Args) {
    w.store.backpressure_dec();
    return 0;
  });
  HostInvocation& call = w.invoke(waiting, 1);
  w.invoke(press, 2);
  w.invoke(waiting, 3);
  w.invoke(release, 4);
  w.choices.give_up = true;
  EXPECT_THROW(w.store.tick(), ListedChoices::GivenUp);
  EXPECT_THROW(w.invoke(waiting, 5), ListedChoices::GivenUp);  // at the gate, behind 3
  EXPECT_EQ(w.task(5).call_id, 0u);
  EXPECT_FALSE(w.view(b).may_enter);
  w.store.reset();
  EXPECT_EQ(call.task, nullptr);
}

TEST_F(Switching, ChoicesMayThrowInTheLoop) {
  const Function& other = w.stackful(b, [&](Args) {
    w.store.thread_yield(false);
    return 0;
  });
  const HostFunction& host = w.host(true, [&](HostCall& call) {
    call.start();
    call.block([](void*, Subtask&) {}, nullptr);
  });
  const Import& block = w.import_(b, host);
  const Function& looping = w.sync_typed(b, [&](Args) {
    w.choices.give_up = true;
    return w.call(block, 9);
  });
  const Import& import = w.import_(a, looping);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 7); });
  w.invoke(other, 1);
  EXPECT_THROW(w.invoke(caller, 6), ListedChoices::GivenUp);
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Switching, CoreExceptionOfASyncTypedCalleeIsATrap) {
  const Function& callee = w.sync_typed(b, [&](Args) -> uint32_t { throw CoreException(); });
  const Function& promoted = w.sync_typed(b, [&](Args) -> uint32_t {
    w.store.thread_index();
    throw CoreException();
  });
  for (const Function* f : {&callee, &promoted}) {
    w.store.reset();
    Instance& i = w.instance();
    const_cast<Function*>(f)->instance = &i;
    EXPECT_EQ(w.trap_of([&] { w.invoke(*f, 1); }), "call_and_trap_on_throw#1");
    EXPECT_TRUE(w.store.outermost());
  }
}

TEST_F(Switching, ChildrenGetTheParentOfATaskThatExits) {
  Instance& c = w.instance();
  const Function& x = w.stackful(c, [&](Args) {
    w.store.thread_yield(false);
    w.return_(0);
    return 0;
  });
  const Import& import_x = w.import_(b, x, true);
  const Function& middle = w.sync_typed(b, [&](Args) {
    w.start(import_x, 3);
    EXPECT_EQ(w.task(3).parent_call_id, 2u);
    return 0;
  });
  const Import& import_middle = w.import_(a, middle);
  const Function& outer = w.sync_typed(a, [&](Args) {
    w.call(import_middle, 2);
    EXPECT_EQ(w.task(3).parent_call_id, 1u);
    return 0;
  });
  w.invoke(outer, 1);
  EXPECT_EQ(w.task(3).parent_call_id, 0u);
  EXPECT_EQ(w.run(), 1);
}

// A case can end while tasks wait; their frames hold objects.
TEST_F(Switching, ResetUnwindsTheStacksOfWaitingTasks) {
  auto held = std::make_shared<int>(1);
  const Function& x = w.stackful(b, [&](Args) {
    std::shared_ptr<int> local = held;
    w.store.thread_yield(false);
    return 0;
  });
  HostInvocation& call = w.invoke(x, 1);
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_NE(call.task, nullptr);
  w.store.reset();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(call.task, nullptr);
  EXPECT_FALSE(w.store.tick());
}

TEST_F(Switching, DeepChainOfYieldingCallsPromotesOutermostFirst) {
  std::vector<const Import*> imports;
  std::vector<Instance*> instances;
  for (int i = 0; i < 20; ++i) instances.push_back(&w.instance());
  const Function* next = nullptr;
  for (size_t i = 20; i-- > 0;) {
    const Import* import = next != nullptr ? &w.import_(*instances[i], *next) : nullptr;
    next = &w.sync_typed(*instances[i], [this, import](Args args) {
      const uint32_t below = import != nullptr ? w.call(*import, args[0] + 1) : 0;
      w.store.thread_yield(false);
      return below + 1;
    });
  }
  EXPECT_EQ(w.invoke(*next, 1).value, 20u);
  EXPECT_EQ(w.store.counters().frames_promoted, 20u);
  EXPECT_EQ(w.promotions(), 1u);
}

}  // namespace
}  // namespace lockstep::optimized::testing
