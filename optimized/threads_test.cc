// Explicit threads: their life, direct hand-overs between threads, and tasks with several of them.
#include <gtest/gtest.h>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

using Log = std::vector<std::string>;

class Threads : public ::testing::Test {
 protected:
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  Log log;

  // A function table with this code at 1, 2, …
  FuncTable& table(std::vector<Code> codes) {
    std::vector<FuncRef>& entries = entries_.emplace_back(1);
    for (Code& code : codes) {
      Code& kept = codes_.emplace_back(std::move(code));
      entries.push_back({{[](void* data, Args args) { return (*static_cast<Code*>(data))(args); }, &kept}});
    }
    return tables_.emplace_back(FuncTable{entries});
  }
  uint32_t new_thread(const FuncTable& t, uint32_t function, uint64_t argument = 0) {
    return w.store.thread_new_indirect(AddressType::kI32, t, function, argument);
  }
  uint32_t new_thread(Code code) { return new_thread(table({std::move(code)}), 1); }
  void note(std::string line) { log.push_back(std::move(line)); }
  Code noting(std::string line) {
    return [this, line](Args) {
      note(line);
      return 0;
    };
  }
  // The view of a thread; id (0, 0) if there is none.
  ThreadView thread(Id id) {
    ThreadView found = {};
    Inspector(w.store).for_each_task([](const TaskView&) {},
                                     [&](const ThreadView& t) { found = t.id == id ? t : found; });
    return found;
  }
  Id current() { return w.store.current_thread(); }

 private:
  std::deque<Code> codes_;
  std::deque<std::vector<FuncRef>> entries_;
  std::deque<FuncTable> tables_;
};

TEST_F(Threads, RunsWhenResumedLater) {
  FuncTable& t = table({[&](Args args) {
    EXPECT_EQ(current(), (Id{1, 1}));
    EXPECT_EQ(w.store.context_get(0), 0u);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{1}));
    note("thread " + std::to_string(args[0]));
    w.store.context_set(0, 9);
    EXPECT_EQ(thread({1, 1}).slots[0], 9u);
    EXPECT_EQ(thread({1, 0}).slots[0], 7u);
    EXPECT_EQ(w.store.thread_index(), 2u);
    return 0;
  }});
  const Function& f = w.stackful(a, [&](Args) {
    w.store.context_set(0, 7);
    const uint32_t index = new_thread(t, 1, 55);
    EXPECT_EQ(index, 2u);
    EXPECT_TRUE(thread({1, 1}).suspended);
    EXPECT_FALSE(thread({1, 1}).ready);
    w.store.thread_resume_later(index);
    EXPECT_FALSE(thread({1, 1}).suspended);
    EXPECT_TRUE(thread({1, 1}).ready);
    EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(index); }), "canon_thread_resume_later#2");
    w.store.thread_yield(false);
    EXPECT_EQ(current(), (Id{1, 0}));
    EXPECT_EQ(w.store.context_get(0), 7u);
    w.return_(0);
    return 0;
  });
  w.choices.picks = {{1, 1}};
  w.invoke(f, 1);
  w.run();
  EXPECT_EQ(log, (Log{"thread 55"}));
  EXPECT_EQ(w.task(1).call_id, 0u);
  EXPECT_EQ(w.view(a).next_thread_index, 1u);
}

TEST_F(Threads, SitesOfNewIndirect) {
  FuncTable& t = table({noting("x")});
  const Function& f = w.sync_typed(
      a,
      [&](Args) {
        EXPECT_EQ(w.trap_of([&] { new_thread(t, 2); }), "Table.get#1");
        EXPECT_EQ(w.trap_of([&] { new_thread(t, 0); }), "Table.get#2");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_new_indirect(AddressType::kI64, t, 1, 0); }),
                  "canon_thread_new_indirect#2");
        EXPECT_EQ(w.promotions(), 0u);
        return 0;
      },
      [&](Args) {
        EXPECT_EQ(w.trap_of([&] { new_thread(t, 1); }), "canon_thread_new_indirect#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(1); }), "canon_thread_resume_later#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_suspend(false); }), "canon_thread_suspend#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_suspend_then_resume(false, 1); }),
                  "canon_thread_suspend_then_resume#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_yield_then_resume(false, 1); }), "canon_thread_yield_then_resume#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_suspend_then_promote(false, 1); }),
                  "canon_thread_suspend_then_promote#1");
        EXPECT_EQ(w.trap_of([&] { w.store.thread_yield_then_promote(false, 1); }), "canon_thread_yield_then_promote#1");
        return 0;
      });
  w.invoke(f, 1);
}

TEST_F(Threads, ThreadTableIsLimited) {
  World small({.table_limit = 2});
  Instance& i = small.instance();
  FuncTable& t = table({noting("x")});
  const Function& f = small.sync_typed(i, [&](Args) {
    EXPECT_EQ(small.store.thread_new_indirect(AddressType::kI32, t, 1, 0), 2u);
    EXPECT_EQ(small.trap_of([&] { small.store.thread_new_indirect(AddressType::kI32, t, 1, 0); }), "Table.add#1");
    return 0;
  });
  small.invoke(f, 1);
}

// The threads of native frames can be named although nobody wrote their indices down.
TEST_F(Threads, VirtualThreadsAreRunning) {
  const Function& inner = w.sync_typed(a, [&](Args) {
    for (uint32_t index : {1u, 2u}) {
      EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(index); }), "canon_thread_resume_later#2");
      EXPECT_EQ(w.trap_of([&] { w.store.thread_suspend_then_resume(false, index); }),
                "canon_thread_suspend_then_resume#2");
      EXPECT_EQ(w.trap_of([&] { w.store.thread_yield_then_resume(false, index); }), "canon_thread_yield_then_resume#2");
    }
    EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(3); }), "Table.get#1");
    EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(0); }), "Table.get#2");
    EXPECT_EQ(w.promotions(), 0u);
    w.choices.go_on_answers = {true};
    EXPECT_EQ(w.store.thread_yield_then_promote(false, 1), 0u);  // nobody is ready, so it is a yield
    EXPECT_EQ(w.promotions(), 0u);
    return 0;
  });
  const Import& import = w.import_(a, inner);
  const Function& outer = w.sync_typed(a, [&](Args) {
    a.may_enter = true;  // as if called from within
    return w.call(import, 2);
  });
  w.invoke(outer, 1);
  // A freed index is not a virtual one.
  const Function& later = w.sync_typed(a, [&](Args) {
    EXPECT_EQ(new_thread(noting("x")), 2u);
    EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(3); }), "Table.get#1");
    return 0;
  });
  a.may_enter = true;
  w.invoke(later, 3);
}

TEST_F(Threads, SuspendedUntilResumed) {
  uint32_t main = 0;
  const Function& f = w.stackful(a, [&](Args) {
    main = w.store.thread_index();
    note("suspends");
    EXPECT_EQ(w.store.thread_suspend(false), 0u);
    note("again");
    w.return_(0);
    return 0;
  });
  const Function& waker = w.sync_typed(a, [&](Args) {
    w.store.thread_resume_later(main);
    EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(main); }), "canon_thread_resume_later#2");
    return 0;
  });
  w.invoke(f, 1);
  EXPECT_TRUE(thread({1, 0}).suspended);
  EXPECT_EQ(w.run(), 0);
  EXPECT_EQ(log, (Log{"suspends"}));
  w.invoke(waker, 2);
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(log, (Log{"suspends", "again"}));
  EXPECT_EQ(w.promotions(), 0u);
}

// A hand-over does not go through the host: one tick runs all of them, without a choice in between.
TEST_F(Threads, HandOver) {
  uint32_t first = 0;
  uint32_t second = 0;
  FuncTable& t = table({[&](Args) {
                          note("first");
                          w.store.thread_suspend_then_resume(false, second);
                          note("first again");
                          return 0;
                        },
                        [&](Args) {
                          note("second");
                          EXPECT_TRUE(thread({1, 0}).ready);
                          EXPECT_TRUE(thread({1, 1}).suspended);
                          w.store.thread_yield_then_resume(false, first);
                          note("second again");
                          return 0;
                        }});
  const Function& f = w.stackful(a, [&](Args) {
    first = new_thread(t, 1);
    second = new_thread(t, 2);
    EXPECT_EQ(w.trap_of([&] { w.store.thread_yield_then_resume(false, w.store.thread_index()); }),
              "canon_thread_yield_then_resume#2");
    w.store.thread_yield_then_resume(false, first);
    note("main again");
    w.return_(0);
    return 0;
  });
  w.invoke(f, 1);
  EXPECT_EQ(log, (Log{"first", "second", "first again"}));
  EXPECT_TRUE(w.store.outermost());
  w.choices.asked.clear();
  w.choices.picks = {{1, 2}};
  EXPECT_EQ(w.run(), 2);
  EXPECT_EQ(log, (Log{"first", "second", "first again", "second again", "main again"}));
  EXPECT_EQ(w.choices.asked, (Log{"tick 0: 1 1", "tick 0: 1"}));
}

TEST_F(Threads, PromotesWhoIsReady) {
  uint32_t other = 0;
  FuncTable& t = table({[&](Args) {
    note("other");
    w.store.thread_yield(false);
    note("other again");
    w.store.thread_suspend(false);
    note("other last");
    return 0;
  }});
  const Function& f = w.stackful(a, [&](Args) {
    other = new_thread(t, 1);
    w.choices.go_on_answers = {true};
    EXPECT_EQ(w.store.thread_yield_then_promote(false, other), 0u);  // it is suspended: a plain yield
    EXPECT_TRUE(log.empty());
    w.store.thread_yield_then_resume(false, other);
    note("main");
    w.store.thread_yield_then_promote(false, other);
    note("main again");
    w.store.thread_resume_later(other);
    w.store.thread_suspend_then_promote(false, other);
    note("main last");
    w.return_(0);
    return 0;
  });
  w.choices.picks = {{1, 0}};
  w.invoke(f, 1);
  EXPECT_EQ(w.run(), 2);
  EXPECT_EQ(log, (Log{"other", "main", "other again", "main again", "other last"}));
  EXPECT_TRUE(thread({1, 0}).suspended);
  EXPECT_EQ(thread({1, 1}).id, (Id{0, 0}));
  EXPECT_EQ(w.promotions(), 0u);
}

TEST_F(Threads, SuspendThenPromoteOfNobodyJustSuspends) {
  const Function& f = w.sync_typed(b, [&](Args) {
    const uint32_t self = w.store.thread_index();
    const uint32_t waker = new_thread([&, self](Args) {
      w.store.thread_resume_later(self);
      return 0;
    });
    w.store.thread_resume_later(waker);
    w.choices.asked.clear();
    EXPECT_EQ(w.store.thread_suspend_then_promote(false, self), 0u);
    EXPECT_EQ(w.choices.asked, (Log{"sync-loop 1: 1", "sync-loop 1: 1"}));
    return 3;
  });
  EXPECT_EQ(w.invoke(f, 1).value, 3u);
}

// Between callbacks a thread has no stack; it can be promoted all the same.
TEST_F(Threads, PromotesACallbackTask) {
  uint32_t waiting = 0;
  const Function& c = w.callback(
      a,
      [&](Args) {
        waiting = w.store.thread_index();
        return kCodeYield;
      },
      [&](Args) {
        note("callback");
        w.return_(0);
        return kCodeExit;
      });
  const Function& f = w.stackful(a, [&](Args) {
    w.store.thread_yield_then_promote(false, waiting);
    note("back");
    w.return_(0);
    return 0;
  });
  w.invoke(c, 1);
  w.invoke(f, 2);
  EXPECT_EQ(log, (Log{"callback"}));
  EXPECT_EQ(w.task(1).call_id, 0u);
  w.run();
  EXPECT_EQ(log, (Log{"callback", "back"}));
}

TEST_F(Threads, OutliveTheImplicitThread) {
  const HostFunction& host = w.host(true, [&](HostCall& call) {
    call.start();
    call.block([](void*, Subtask&) {}, nullptr);
  });
  const Import& import = w.import_(a, host, true);
  const Function& f = w.sync_typed(a, [&](Args) {
    w.store.thread_resume_later(new_thread([&](Args) {
      note("thread");
      EXPECT_TRUE(w.task(2).implicit_ended);
      EXPECT_EQ(thread({2, 0}).id, (Id{0, 0}));
      EXPECT_EQ(thread({2, 1}).index, 2u);
      EXPECT_EQ(w.stack(), (std::vector<uint32_t>{2, 1}));
      EXPECT_EQ(w.trap_of([&] { w.return_(0); }), "canon_task_return#2");
      w.start(import, 9);
      return 0;
    }));
    return 4;
  });
  const Import& import_f = w.import_(b, f);
  const Function& caller = w.stackful(b, [&](Args) {
    EXPECT_EQ(w.call(import_f, 2), 4u);
    note("called");
    EXPECT_EQ(w.task(2).state, TaskState::kResolved);
    w.store.thread_yield(false);
    w.return_(0);
    return 0;
  });
  w.invoke(caller, 1);
  w.choices.picks = {{2, 1}};
  EXPECT_EQ(w.run(), 2);
  EXPECT_EQ(log, (Log{"called", "thread"}));
  EXPECT_EQ(w.task(2).call_id, 0u);
  EXPECT_EQ(w.view(a).next_thread_index, 2u);  // 1 was freed first
}

TEST_F(Threads, AnExplicitThreadReturnsTheTask) {
  uint32_t slow = 0;
  const Function& f = w.stackful(a, [&](Args) {
    slow = new_thread([&](Args) {
      w.return_(8);
      return 0;
    });
    w.store.thread_resume_later(slow);
    return 0;
  });
  HostInvocation& call = w.invoke(f, 1);
  EXPECT_EQ(call.resolved, 0);
  w.run();
  EXPECT_EQ(call.value, 8u);
  EXPECT_EQ(w.task(1).call_id, 0u);
}

TEST_F(Threads, TheLastThreadMustNotLeaveAnUnresolvedTask) {
  const Function& f = w.stackful(a, [&](Args) {
    w.store.thread_resume_later(new_thread(noting("thread")));
    return 0;
  });
  w.invoke(f, 1);
  EXPECT_EQ(w.trap_of([&] { w.run(); }), "Task.unregister_thread#1");
  EXPECT_EQ(log, (Log{"thread"}));
  EXPECT_FALSE(w.view(a).may_enter);
}

TEST_F(Threads, ExplicitThreadsRunBesideTheExclusiveOne) {
  const Function& f = w.sync_lifted(a, [&](Args) {
    w.store.thread_resume_later(new_thread([&](Args) {
      EXPECT_EQ(w.view(a).exclusive, (Id{1, 0}));
      note("thread");
      return 0;
    }));
    w.store.thread_yield(false);
    return 5;
  });
  const Function& g = w.sync_typed(a, [&](Args) {
    w.store.thread_yield(false);  // its loop takes 1.1, but never 1.0, which is exclusive
    return 6;
  });
  w.invoke(f, 1);
  w.choices.asked.clear();
  EXPECT_EQ(w.invoke(g, 2).value, 6u);
  EXPECT_EQ(w.choices.asked, (Log{"wait-until 2", "sync-loop 2: 1 2", "sync-loop 2: 2"}));
  EXPECT_EQ(log, (Log{"thread"}));
  w.run();
  EXPECT_EQ(w.view(a).exclusive, (Id{0, 0}));
}

// Which of its threads is told that a task shall be cancelled.
class CancelThreads : public Threads {
 protected:
  void SetUp() override {
    const Function& callee = w.callback(
        a,
        [&](Args) {
          for (const char* name : {"one", "two"})
            w.store.thread_resume_later(new_thread([&, name](Args) {
              const bool cancellable = name != blocked_for_good_;
              if (w.store.thread_suspend(cancellable) != 0) {
                note(std::string(name) + " told");
                w.store.task_cancel();
              }
              return 0;
            }));
          return kCodeYield;
        },
        [&](Args) { return code_wait(w.store.waitable_set_new()); });
    const Import& import = w.import_(b, callee, true);
    const Function& hog = w.sync_lifted(a, [&](Args) {
      w.store.thread_yield(false);
      return 0;
    });
    const Function& caller = w.stackful(b, [&](Args) {
      const uint32_t subtask = w.start(import, 2);
      w.store.thread_yield(false);
      w.choices.asked.clear();
      EXPECT_EQ(w.store.subtask_cancel(false, subtask), 4u);
      w.return_(0);
      return 0;
    });
    w.invoke(caller, 1);
    w.choices.picks = {{2, 1}, {2, 2}, {2, 0}};
    for (int i = 0; i < 3; ++i) w.store.tick();
    if (hogged_) w.invoke(hog, 3);
    w.choices.picks = {{1, 0}, {2, 2}};
    try {
      w.store.tick();
    } catch (const Trap& t) {
      note(t.what());
    }
  }
  const char* blocked_for_good_ = "";
  bool hogged_ = false;
};

TEST_F(CancelThreads, ChosenByTheEmbedder) {
  EXPECT_EQ(log, (Log{"two told"}));
  ASSERT_FALSE(w.choices.asked.empty());
  EXPECT_EQ(w.choices.asked[0], "request-cancellation 2: 2 2 2");
}

class CancelWhileAnotherIsExclusive : public CancelThreads {
 protected:
  CancelWhileAnotherIsExclusive() { hogged_ = true; }
};

TEST_F(CancelWhileAnotherIsExclusive, TheImplicitThreadIsNoCandidate) {
  EXPECT_EQ(log, (Log{"two told"}));
  ASSERT_FALSE(w.choices.asked.empty());
  EXPECT_EQ(w.choices.asked[0], "request-cancellation 2: 2 2");
}

TEST_F(Threads, APendingCancellationIsDeliveredToTheNextThatSuspends) {
  const Function& callee = w.stackful(a, [&](Args) {
    const uint32_t self = w.store.thread_index();
    const uint32_t other = new_thread([&, self](Args) {
      EXPECT_EQ(w.store.thread_suspend_then_promote(true, self), 1u);
      EXPECT_EQ(w.store.thread_suspend(true) + w.store.thread_yield_then_promote(true, self), 0u);
      return 0;
    });
    w.store.thread_yield(false);
    w.store.thread_resume_later(other);
    w.store.thread_suspend(false);
    return 0;
  });
  const Import& import = w.import_(b, callee, true);
  const Function& caller = w.stackful(b, [&](Args) {
    const uint32_t subtask = w.start(import, 2);
    EXPECT_EQ(w.store.subtask_cancel(true, subtask), kBlocked);
    EXPECT_EQ(w.task(2).state, TaskState::kPendingCancel);
    w.return_(0);
    return 0;
  });
  w.invoke(caller, 1);
  w.run();
  EXPECT_EQ(w.task(2).state, TaskState::kCancelDelivered);
  EXPECT_TRUE(thread({2, 1}).suspended);
}

// A chain of native frames on the stack of an explicit thread.
class OnTop : public Threads {
 protected:
  uint32_t index_ = 0;
  bool trap_ = false;
  const Function& leaf = w.sync_typed(b, [&](Args) {
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{3, 2, 1}));
    EXPECT_EQ(w.task(3).parent_call_id, 2u);
    w.store.context_set(1, 33);
    index_ = w.store.thread_index();
    w.store.thread_yield(false);
    EXPECT_EQ(current(), (Id{3, 0}));
    EXPECT_EQ(w.store.context_get(1), 33u);
    if (trap_) trap(TrapSite::kCanonTaskCancel2);
    return 30;
  });
  const Import& import_leaf = w.import_(a, leaf);
  const Function& f = w.sync_typed(a, [&](Args) {
    w.store.thread_resume_later(new_thread([&](Args) {
      w.store.context_set(1, 11);
      EXPECT_EQ(w.call(import_leaf, 3), 30u);
      EXPECT_EQ(current(), (Id{2, 1}));
      EXPECT_EQ(w.store.context_get(1), 11u);
      EXPECT_EQ(w.store.thread_index(), 2u);
      note("thread");
      return 0;
    }));
    w.store.thread_yield(false);
    EXPECT_EQ(current(), (Id{2, 0}));
    note("main");
    return 20;
  });
  Instance& c = w.instance();
  const Import& import_f = w.import_(c, f);
  const Function& caller = w.sync_typed(c, [&](Args) { return w.call(import_f, 2); });
};

TEST_F(OnTop, NativeFramesOfAnExplicitThread) {
  w.choices.picks = {{2, 1}, {3, 0}, {2, 0}};
  EXPECT_EQ(w.invoke(caller, 1).value, 20u);
  EXPECT_EQ(log, (Log{"thread", "main"}));
  EXPECT_EQ(index_, 1u);
  EXPECT_EQ(w.promotions(PromotionReason::kThreadNew), 1u);
  EXPECT_EQ(w.promotions(PromotionReason::kThreadIndex), 1u);
  EXPECT_EQ(w.task(2).call_id, 0u);
  EXPECT_EQ(w.task(3).call_id, 0u);
}

// The task whose explicit thread trapped still has its implicit one, which can never go on.
TEST_F(OnTop, TrapEndsAllThreadsOnTheWay) {
  trap_ = true;
  w.choices.picks = {{2, 1}, {3, 0}};
  EXPECT_EQ(w.trap_of([&] { w.invoke(caller, 1); }), "canon_task_cancel#2");
  EXPECT_TRUE(log.empty());
  EXPECT_TRUE(w.store.outermost());
  for (uint32_t id : {1u, 3u}) EXPECT_EQ(w.task(id).call_id, 0u) << id;
  EXPECT_EQ(w.task(2).call_id, 2u);
  for (const Instance* i : {&a, &b, &c}) EXPECT_FALSE(w.view(*i).may_enter);
}

// A sync-typed function hands over to a thread, which hands over back: its caller notices nothing.
TEST_F(Threads, NativeFrameHandsOverAndBack) {
  const Function& f = w.sync_typed(a, [&](Args) {
    const uint32_t self = w.store.thread_index();
    const uint32_t other = new_thread([&, self](Args) {
      EXPECT_EQ(w.stack(), (std::vector<uint32_t>{2, 1}));
      note("thread");
      w.store.thread_suspend_then_resume(false, self);
      note("thread again");
      return 0;
    });
    w.store.thread_suspend_then_resume(false, other);
    note("main");
    w.store.thread_resume_later(self == 1 ? other : 0);
    w.store.thread_yield(false);
    note("main again");
    return 7;
  });
  const Import& import = w.import_(b, f);
  const Function& caller = w.sync_typed(b, [&](Args) {
    EXPECT_EQ(w.call(import, 2), 7u);
    EXPECT_EQ(current(), (Id{1, 0}));
    return 1;
  });
  w.choices.picks = {{2, 1}};
  w.invoke(caller, 1);
  EXPECT_EQ(log, (Log{"thread", "main", "thread again", "main again"}));
  EXPECT_EQ(w.choices.asked, (Log{"wait-until 2", "sync-loop 2: 2 2", "sync-loop 2: 2"}));
  EXPECT_TRUE(w.store.outermost());
  EXPECT_EQ(w.task(2).call_id, 0u);
}

// … and if the thread blocks instead, the loop of its caller needs a candidate.
TEST_F(Threads, NativeFrameThatHandsOverForGood) {
  const Function& f = w.sync_typed(a, [&](Args) {
    w.store.thread_suspend_then_resume(false, new_thread(noting("thread")));
    note("never");
    return 7;
  });
  const Import& import = w.import_(b, f);
  const Function& caller = w.sync_typed(b, [&](Args) { return w.call(import, 2); });
  EXPECT_EQ(w.trap_of([&] { w.invoke(caller, 1); }), "canon_lift#1");
  EXPECT_EQ(log, (Log{"thread"}));
  EXPECT_TRUE(w.store.outermost());
  EXPECT_FALSE(w.view(a).may_enter);
}

// A native frame blocks while another's loop has resumed it, by handing over: that loop gets control in the end.
TEST_F(Threads, HandOverBetweenLoops) {
  uint32_t first = 0;
  const Function& g = w.sync_typed(a, [&](Args) {
    note("g");
    w.store.thread_yield_then_promote(false, first);
    note("g again");
    return 2;
  });
  const Import& import_g = w.import_(a, g);
  const Function& f = w.sync_typed(a, [&](Args) {
    first = w.store.thread_index();
    w.store.thread_resume_later(new_thread([&](Args) {
      note("thread");
      w.call(import_g, 3);
      note("thread again");
      return 0;
    }));
    w.store.thread_yield(false);
    note("f again");
    return 1;
  });
  const Import& import_f = w.import_(b, f);
  const Function& caller = w.sync_typed(b, [&](Args) {
    EXPECT_EQ(w.call(import_f, 2), 1u);
    note("caller");
    return 0;
  });
  w.choices.picks = {{2, 1}};
  // g is called from within a, which the entering rule allows.
  w.invoke(caller, 1);
  // f has ended on g's loop; that loop then picks g; the thread ends; only then the caller goes on.
  EXPECT_EQ(log, (Log{"thread", "g", "f again", "g again", "thread again", "caller"}));
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Threads, TrapOfAnExplicitThreadGoesToItsResumer) {
  const Function& f = w.stackful(a, [&](Args) {
    const uint32_t other = new_thread([&](Args) -> uint64_t { throw CoreException{}; });
    w.store.thread_suspend_then_resume(false, other);
    return 0;
  });
  const Import& import = w.import_(b, f);
  const Function& caller = w.stackful(b, [&](Args) {
    EXPECT_EQ(w.trap_of([&] { w.call(import, 2); }), "call_and_trap_on_throw#1");
    note("caller");
    EXPECT_EQ(w.task(2).call_id, 2u);  // its implicit thread is suspended
    w.return_(0);
    return 0;
  });
  w.invoke(caller, 1);
  EXPECT_EQ(log, (Log{"caller"}));
}

TEST_F(Threads, ResetUnwindsTheirStacks) {
  struct Leaving {
    Log& log;
    ~Leaving() { log.push_back("left"); }
  };
  const Function& leaf = w.stackful(b, [&](Args) {
    w.store.thread_suspend(false);
    return 0;
  });
  const Import& import = w.import_(a, leaf);
  const Function& f = w.stackful(a, [&](Args) {
    for (int i = 0; i < 2; ++i)
      w.store.thread_resume_later(new_thread([&](Args) {
        Leaving l{log};
        w.store.thread_suspend(true);
        return 0;
      }));
    w.store.thread_resume_later(new_thread([&](Args) {
      Leaving l{log};
      w.call(import, 5);
      return 0;
    }));
    new_thread([&](Args) {  // has no stack yet
      Leaving l{log};
      return 0;
    });
    w.return_(0);
    return 0;
  });
  w.invoke(f, 1);
  w.run();
  EXPECT_TRUE(log.empty());
  w.store.reset();
  EXPECT_EQ(log, (Log{"left", "left", "left"}));
}

// The threads of a task that a trap has ended are unwound at reset as well.
TEST_F(Threads, ResetUnwindsThoseOfADeadTask) {
  struct Leaving {
    Log& log;
    ~Leaving() { log.push_back("left"); }
  };
  const Function& f = w.stackful(a, [&](Args) -> uint64_t {
    w.store.thread_yield_then_resume(false, new_thread([&](Args) {
                                       Leaving l{log};
                                       w.store.thread_suspend(true);
                                       return 0;
                                     }));
    trap(TrapSite::kCanonTaskCancel2);
  });
  w.invoke(f, 1);
  EXPECT_EQ(w.trap_of([&] { w.run(); }), "canon_task_cancel#2");
  EXPECT_TRUE(log.empty());
  w.store.reset();
  EXPECT_EQ(log, (Log{"left"}));
}

// The records of tasks and threads are used again.
TEST_F(Threads, ManyTasksWithManyThreads) {
  FuncTable& t = table({[&](Args) {
    w.store.thread_yield(false);
    return 0;
  }});
  const Function& f = w.sync_typed(a, [&](Args args) {
    for (uint32_t i = 0; i < args[0] % 5; ++i) w.store.thread_resume_later(new_thread(t, 1));
    w.store.thread_yield(false);
    return 0;
  });
  for (uint32_t id = 1; id <= 100; ++id) {
    w.invoke(f, id);
    if (id % 7 == 0) w.run();
  }
  w.run();
  Inspector(w.store).for_each_task([&](const TaskView&) { ADD_FAILURE() << "a task is left"; });
  EXPECT_TRUE(w.store.outermost());
}

}  // namespace
}  // namespace lockstep::optimized::testing
