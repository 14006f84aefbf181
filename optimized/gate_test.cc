// Gates, events and cancellation: when a task may start, when it is ready, and what a canceller gets.
#include <gtest/gtest.h>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

class Gates : public ::testing::Test {
 protected:
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();

  const Function& returning(Instance& i, uint32_t value) {
    return w.stackful(i, [this, value](Args) {
      w.return_(value);
      return 0;
    });
  }
};

TEST_F(Gates, StartingCallIsCancelledWithoutEntering) {
  const Function& x = returning(b, 1);
  const Import& import = w.import_(a, x, true);
  const Function& caller = w.stackful(a, [&](Args) {
    const uint32_t subtask = w.start(import, 2);
    EXPECT_EQ(w.last_packed & 0xf, 0u);
    EXPECT_EQ(w.task(2).state, TaskState::kInitial);
    EXPECT_TRUE(w.task(2).thread.cancellable);
    EXPECT_EQ(w.task(2).thread.index, 0u);
    EXPECT_EQ(w.view(b).num_waiting_to_enter, 1u);
    EXPECT_EQ(w.store.subtask_cancel(false, subtask), 3u);
    EXPECT_EQ(w.task(2).call_id, 0u);
    EXPECT_EQ(w.view(b).num_waiting_to_enter, 0u);
    w.store.subtask_drop(subtask);
    w.return_(0);
    return 0;
  });
  const Function& press = w.sync_typed(b, [&](Args) {
    w.store.backpressure_inc();
    return 0;
  });
  w.invoke(press, 9);
  EXPECT_EQ(w.invoke(caller, 1).resolved, 1);
  EXPECT_FALSE(w.store.tick());
}

TEST_F(Gates, HostCancelsAStartingCall) {
  const Function& press = w.sync_typed(b, [&](Args) {
    w.store.backpressure_inc();
    return 0;
  });
  w.invoke(press, 9);
  HostInvocation& call = w.invoke(returning(b, 1), 2);
  EXPECT_EQ(call.started, 0);
  w.store.cancel(call);
  EXPECT_EQ(call.resolved, 1);
  EXPECT_TRUE(call.was_cancelled);
  EXPECT_EQ(call.task, nullptr);
}

TEST_F(Gates, BackpressureHoldsAndLetsGo) {
  const Function& press = w.sync_typed(b, [&](Args) {
    w.store.backpressure_inc();
    return 0;
  });
  const Function& release = w.sync_typed(b, [&](Args) {
    w.store.backpressure_dec();
    return 0;
  });
  w.invoke(press, 8);
  HostInvocation& first = w.invoke(returning(b, 1), 2);
  EXPECT_FALSE(w.store.tick());
  EXPECT_FALSE(w.task(2).thread.ready);
  w.invoke(release, 9);
  EXPECT_TRUE(w.task(2).thread.ready);
  // Whoever comes now may still queue behind the first, or barge in: a choice.
  w.choices.asked.clear();
  w.choices.go_on_answers = {true};
  EXPECT_EQ(w.invoke(returning(b, 3), 3).value, 3u);
  EXPECT_EQ(w.choices.asked, std::vector<std::string>{"wait-until 3"});
  EXPECT_EQ(w.invoke(returning(b, 4), 4).resolved, 0);
  EXPECT_EQ(w.view(b).num_waiting_to_enter, 2u);
  w.invoke(press, 10);
  EXPECT_FALSE(w.store.tick());
  w.invoke(release, 11);
  EXPECT_EQ(w.run(), 2);
  EXPECT_EQ(first.value, 1u);
}

TEST_F(Gates, OneExclusiveTaskAtATime) {
  const Function& x = w.callback(
      b,
      [&](Args) {
        w.store.thread_yield(false);  // stays exclusive
        return kCodeYield;            // is not any more
      },
      [&](Args) {
        w.return_(0);
        return kCodeExit;
      });
  w.invoke(x, 1);
  EXPECT_EQ(w.view(b).exclusive, (Id{1, 0}));
  w.invoke(x, 2);
  EXPECT_EQ(w.view(b).num_waiting_to_enter, 1u);
  EXPECT_FALSE(w.task(2).thread.ready);
  EXPECT_EQ(w.invoke(returning(b, 5), 3).resolved, 0);  // others wait to enter, so it waits too
  EXPECT_TRUE(w.task(3).thread.ready);
  w.choices.picks = {{1, 0}, {2, 0}, {1, 0}};
  EXPECT_TRUE(w.store.tick());  // 1 leaves its body
  EXPECT_EQ(w.view(b).exclusive, Id{});
  EXPECT_TRUE(w.task(1).thread.ready);
  EXPECT_TRUE(w.task(2).thread.ready);
  EXPECT_TRUE(w.store.tick());  // 2 enters and yields inside
  EXPECT_FALSE(w.task(1).thread.ready);
  EXPECT_EQ(w.run(), 4);
}

// A host function that blocks, to have events to wait for.
class Events : public Gates {
 protected:
  std::vector<Subtask*> blocked;
  const HostFunction& host = w.host(true, [this](HostCall& call) {
    call.start();
    blocked.push_back(&call.block([](void*, Subtask&) {}, nullptr));
  });
  const Import& import = w.import_(a, host, true);
};

TEST_F(Events, ReadinessComesAndGoes) {
  uint32_t set = 0, subtask = 0;
  const Function& waiter = w.stackful(a, [&](Args args) {
    EXPECT_EQ(w.store.waitable_set_wait(true, w.memory, set, 64), 1u);
    w.return_(args[0]);
    return 0;
  });
  const Function& opener = w.sync_typed(a, [&](Args) {
    set = w.store.waitable_set_new();
    subtask = w.start(import, 50);
    w.store.waitable_join(subtask, set);
    return 0;
  });
  const Function& join = w.sync_typed(a, [&](Args args) {
    w.store.waitable_join(subtask, args[0] == 20 ? 0 : set);
    return 0;
  });
  w.invoke(opener, 1);
  w.invoke(waiter, 2);
  w.invoke(waiter, 3);
  EXPECT_FALSE(w.store.tick());
  w.store.resolve(*blocked[0], 7);
  EXPECT_TRUE(w.task(2).thread.ready && w.task(3).thread.ready);
  w.invoke(join, 20);
  EXPECT_FALSE(w.task(2).thread.ready || w.task(3).thread.ready);
  w.invoke(join, 21);
  EXPECT_TRUE(w.task(2).thread.ready && w.task(3).thread.ready);
  EXPECT_TRUE(w.store.tick());  // 2 takes the event
  EXPECT_FALSE(w.task(3).thread.ready);
  EXPECT_FALSE(w.store.tick());
  EXPECT_EQ(w.trap_of([&] {
    w.invoke(w.sync_typed(a,
                          [&](Args) {
                            w.store.waitable_set_drop(set);
                            return 0;
                          }),
             4);
  }),
            "WaitableSet.drop#1");
}

TEST_F(Events, CallbackWaitsForEventAndExclusive) {
  std::vector<uint32_t> seen;
  const Function& x = w.callback(
      a,
      [&](Args) {
        const uint32_t set = w.store.waitable_set_new();
        w.store.waitable_join(w.start(import, 50), set);
        return code_wait(set);
      },
      [&](Args args) {
        seen.assign(args.begin(), args.end());
        w.return_(0);
        return kCodeExit;
      });
  const Function& y = w.sync_lifted(a, [&](Args) {
    w.store.thread_yield(false);
    return 6;
  });
  w.invoke(x, 1);
  HostInvocation& second = w.invoke(y, 2);
  EXPECT_EQ(w.view(a).exclusive, (Id{2, 0}));
  w.store.resolve(*blocked[0], 7);
  EXPECT_FALSE(w.task(1).thread.ready);
  w.choices.picks = {{2, 0}};
  EXPECT_TRUE(w.store.tick());
  EXPECT_EQ(second.value, 6u);
  EXPECT_TRUE(w.task(1).thread.ready);
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(seen, (std::vector<uint32_t>{1, 2, 2}));
}

TEST_F(Events, EventIsChosenAmongThoseOfTheSet) {
  w.choices.picks = {{1, 3}};
  const Function& f = w.sync_typed(a, [&](Args) {
    const uint32_t set = w.store.waitable_set_new();
    for (uint32_t i = 0; i < 2; ++i) w.store.waitable_join(w.start(import, 50 + i), set);
    for (Subtask* s : blocked) w.store.resolve(*s, 1);
    EXPECT_EQ(w.store.waitable_set_poll(false, w.memory, set, 64), 1u);
    return w.bytes[64];
  });
  EXPECT_EQ(w.invoke(f, 1).value, 3u);
  EXPECT_EQ(w.choices.asked, std::vector<std::string>{"event 1: 2 3"});
}

TEST_F(Events, JoinWithSyncWaiterTraps) {
  uint32_t subtask = 0;
  const Function& f = w.stackful(a, [&](Args) {
    subtask = w.start(import, 50);
    w.store.subtask_cancel(false, subtask);
    return 0;
  });
  const Function& g = w.sync_typed(a, [&](Args) {
    w.store.waitable_join(subtask, 0);
    return 0;
  });
  w.invoke(f, 1);
  EXPECT_EQ(w.trap_of([&] { w.invoke(g, 2); }), "canon_waitable_join#3");
}

TEST_F(Events, BadResultPointerTrapsWhenTheHostResolves) {
  const Function& f = w.sync_typed(a, [&](Args) { return w.start(import, 50, 130); });
  w.invoke(f, 1);
  EXPECT_EQ(w.trap_of([&] { w.store.resolve(*blocked[0], 1); }), "lower_flat_values#1");
  const Function& g = w.sync_typed(a, [&](Args) { return w.start(import, 51, 256); });
  w.invoke(g, 2);
  EXPECT_EQ(w.trap_of([&] { w.store.resolve(*blocked[1], 1); }), "lower_flat_values#2");
}

TEST_F(Events, ManyParametersComeFromMemoryWhenTheCalleeStarts) {
  std::vector<uint64_t> seen;
  const Function& x = w.define(
      b, words(5, false, true), Lift::kStackful,
      [&](Args args) {
        seen.assign(args.begin(), args.end());
        w.store.task_return({Type(), &w.memory, Encoding::kUtf8}, {});
        return 0;
      },
      nullptr, nullptr);
  const Import& import_x = w.import_(a, x, true);
  const Function& press = w.sync_typed(b, [&](Args) {
    w.store.backpressure_inc();
    return 0;
  });
  const Function& release = w.sync_typed(b, [&](Args) {
    w.store.backpressure_dec();
    return 0;
  });
  const Function& caller = w.sync_typed(a, [&](Args args) {
    const uint64_t pointer[] = {args[0] == 1 ? 16u : args[0] == 3 ? 18u : 240u};
    return w.store.call(import_x, static_cast<uint32_t>(args[0]) + 1, pointer);
  });
  w.invoke(press, 8);
  EXPECT_EQ(w.invoke(caller, 1).value, 0u | 1 << 4);
  for (uint8_t i = 0; i < 5; ++i) w.bytes[16 + 4u * i] = static_cast<uint8_t>(i + 1);
  w.invoke(release, 9);
  EXPECT_EQ(w.run(), 1);
  EXPECT_EQ(seen, (std::vector<uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(w.trap_of([&] { w.invoke(caller, 3); }), "lift_flat_values#1");
  w.store.reset();
}

TEST_F(Gates, CancelDeliversToACancellableThreadOnly) {
  const Function& x = w.stackful(b, [&](Args args) {
    const bool cancelled = w.store.thread_yield(args[0] == 2) == 1;
    EXPECT_TRUE(cancelled || w.store.thread_yield(true) == 1);
    w.store.task_cancel();
    return 0;
  });
  HostInvocation& now = w.invoke(x, 2);
  w.store.cancel(now);
  EXPECT_TRUE(now.was_cancelled);
  HostInvocation& later = w.invoke(x, 3);
  w.store.cancel(later);
  EXPECT_EQ(later.resolved, 0);
  EXPECT_EQ(w.task(3).state, TaskState::kPendingCancel);
  EXPECT_TRUE(w.store.tick());
  EXPECT_TRUE(later.was_cancelled);
}

TEST_F(Gates, CancelOfACallbackTaskWaitsForExclusive) {
  std::vector<uint64_t> events;
  const Function& x = w.callback(
      b, [&](Args) { return kCodeYield; },
      [&](Args args) {
        events.push_back(args[0]);
        if (args[0] != 6) return kCodeYield;
        w.store.task_cancel();
        return kCodeExit;
      });
  const Function& holder = w.sync_lifted(b, [&](Args) {
    w.store.thread_yield(false);
    return 0;
  });
  HostInvocation& call = w.invoke(x, 1);
  w.invoke(holder, 2);
  w.store.cancel(call);  // not now: 2 runs exclusively
  EXPECT_EQ(w.task(1).state, TaskState::kPendingCancel);
  EXPECT_EQ(w.run(), 2);
  EXPECT_EQ(events, (std::vector<uint64_t>{0, 6}));  // at its next wait
  EXPECT_TRUE(call.was_cancelled);
}

}  // namespace
}  // namespace lockstep::optimized::testing
