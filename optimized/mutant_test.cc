// Each deliberate bug shows in the smallest scenario that it is about, and the correct engine does not have it. Also
// that the names of the vocabulary are there and unique.
#include "optimized/mutant.h"

#include <gtest/gtest.h>

#include <set>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

template <typename Number>
std::string text(const std::vector<Number>& numbers) {
  std::string s;
  for (Number n : numbers) s += std::to_string(n) + " ";
  return s;
}

// A native frame of `b` called by one of `a`; says what the code returned, and the state afterwards.
std::string in_chain(World& w, Code callee_code, Code after = nullptr, Code post_return = nullptr) {
  Instance& a = w.instance();
  Instance& b = w.instance();
  const Function& callee = w.sync_typed(b, std::move(callee_code), std::move(post_return));
  const Import& import = w.import_(a, callee);
  std::vector<uint64_t> seen;
  const Function& caller = w.sync_typed(a, [&](Args args) {
    w.store.context_set(0, 11);
    w.store.context_set(1, 12);
    seen.push_back(w.call(import, 2));
    seen.push_back(w.store.context_get(0));
    if (after) seen.push_back(after(args));
    return 0;
  });
  w.invoke(caller, 1);
  return text(seen) + "| " + text(w.stack()) + std::to_string(w.task(2).call_id) + " " +
         std::to_string(w.view(b).may_leave) + " " + std::to_string(w.view(b).next_thread_index);
}

std::string slots(World& w) {
  return in_chain(w, [&](Args) {
    const uint64_t first = w.store.context_get(0);
    w.store.context_set(1, 5);
    w.store.thread_index();
    return first + w.store.context_get(1);
  });
}

std::string trap_in_host_call(World& w) {
  Instance& other = w.instance();
  const Function& inner = w.sync_typed(other, [](Args) -> uint32_t { throw CoreException(); });
  const HostFunction& host = w.host(false, [&](HostCall& call) {
    call.start();
    w.trap_of([&] { w.invoke(inner, 4); });
    call.resolve(static_cast<uint32_t>(w.stack().size()));
  });
  Instance& a = w.instance();
  const Import& import = w.import_(a, host);
  return std::to_string(w.invoke(w.sync_typed(a, [&](Args) { return w.call(import, 3); }), 1).value);
}

// The stack as a callee three calls down sees it.
std::string stack_of_three(World& w) {
  Instance& c = w.instance();
  std::string seen;
  const Function& leaf = w.sync_typed(c, [&](Args) {
    w.store.thread_index();
    seen = text(w.stack());
    return 0;
  });
  const Import* import = nullptr;
  const std::string rest = in_chain(w, [&](Args) {
    if (import == nullptr) import = &w.import_(*w.store.vm().current->instance, leaf);
    return w.call(*import, 3);
  });
  return seen + rest;
}

// Host calls of instance a that blocked, with handles 1, 2, …; sets come after them.
struct Blocked {
  explicit Blocked(World& world) : w(world) {}

  World& w;
  Instance& a = w.instance();
  std::vector<Subtask*> subtasks;
  const HostFunction& host = w.host(true, [this](HostCall& call) {
    call.start();
    subtasks.push_back(&call.block([](void*, Subtask&) {}, nullptr));
  });
  const Import& import = w.import_(a, host, true);

  uint64_t run(Code code) { return w.invoke(w.sync_typed(a, std::move(code)), 90).value; }
};

std::string wake_by_join(World& w) {
  Blocked blocked(w);
  uint32_t set = 0, other = 0, subtask = 0;
  blocked.run([&](Args) {
    subtask = w.start(blocked.import, 2);
    set = w.store.waitable_set_new();
    other = w.store.waitable_set_new();
    w.store.waitable_join(subtask, other);
    return 0;
  });
  const Function& waiter = w.stackful(blocked.a, [&](Args) {
    w.store.waitable_set_wait(false, w.memory, set, 64);
    w.return_(1);
    return 0;
  });
  HostInvocation& call = w.invoke(waiter, 3);
  w.store.resolve(*blocked.subtasks[0], 1);
  blocked.run([&](Args) {
    w.store.waitable_join(subtask, set);
    return 0;
  });
  w.run();
  return std::to_string(call.resolved);
}

std::string reparenting(World& w) {
  Instance& c = w.instance();
  const Function& child = w.stackful(c, [&](Args) {
    w.store.thread_yield(false);
    return 0;
  });
  const Import* import = nullptr;
  return in_chain(
      w,
      [&](Args) {
        import = &w.import_(*w.store.vm().current->instance, child, true);
        return w.start(*import, 3);
      },
      [&](Args) { return w.task(3).parent_call_id; });
}

std::string yield_under_sync_caller(World& w) {
  return w.trap_of([&] { in_chain(w, [&](Args) { return w.store.thread_yield(false); }); });
}

std::string reused_handle(World& w) {
  Blocked blocked(w);
  return std::to_string(blocked.run([&](Args) {
    const uint32_t first = w.store.waitable_set_new();
    const uint32_t second = w.store.waitable_set_new();
    w.store.waitable_set_drop(first);
    w.store.waitable_set_drop(second);
    return w.store.waitable_set_new();
  }));
}

std::string result_before_delivery(World& w) {
  Blocked blocked(w);
  blocked.run([&](Args) { return w.start(blocked.import, 2); });
  w.store.resolve(*blocked.subtasks[0], 77);
  return std::to_string(w.bytes[128]);
}

// A task that yields is cancelled by the host while another one may run exclusively.
std::string cancelled_at_once(World& w, bool cancellable, bool other_is_exclusive) {
  Instance& a = w.instance();
  const Function& yielding = w.stackful(a, [&](Args) {
    if (w.store.thread_yield(cancellable) == 1) w.store.task_cancel();
    return 0;
  });
  const Function& between_callbacks = w.callback(
      a, [](Args) { return kCodeYield; },
      [&](Args) {
        w.store.task_cancel();
        return kCodeExit;
      });
  HostInvocation& call = w.invoke(other_is_exclusive ? between_callbacks : yielding, 1);
  const Function& holder = w.sync_lifted(a, [&](Args) { return w.store.thread_yield(false); });
  if (other_is_exclusive) w.invoke(holder, 2);
  try {
    w.store.cancel(call);
  } catch (const AssertionFailure&) {
    return "assertion";
  }
  return std::to_string(call.resolved);
}

std::string exclusive_after_exit(World& w) {
  Instance& a = w.instance();
  w.invoke(w.sync_lifted(a, [](Args) { return 1; }), 1);
  return std::to_string(w.view(a).exclusive.first);
}

std::string waiting_to_enter(World& w) {
  Instance& a = w.instance();
  const Function& f = w.stackful(a, [&](Args) {
    w.return_(1);
    return 0;
  });
  const Function& pressure = w.sync_typed(a, [&](Args args) {
    args[0] < 10 ? w.store.backpressure_inc() : w.store.backpressure_dec();
    return 0;
  });
  w.invoke(pressure, 1);
  HostInvocation& first = w.invoke(f, 2);
  w.invoke(f, 3);
  w.store.cancel(first);
  std::string seen = std::to_string(w.view(a).num_waiting_to_enter);
  w.invoke(pressure, 10);
  return seen + std::to_string(w.invoke(f, 4).resolved);
}

std::string backpressure(World& w) {
  return in_chain(w, [&](Args) {
    w.store.backpressure_inc();
    return w.view(*w.store.vm().current->instance).backpressure;
  });
}

struct Case {
  Mutant mutant;
  std::function<std::string(World&)> observe;
};

std::vector<Case> cases() {
  return {
      {Mutant::kSlotsNotSaved, slots},
      {Mutant::kSlotsNotZeroed, slots},
      {Mutant::kCurrentNotRestoredOnReturn, [](World& w) { return in_chain(w, [](Args) { return 1; }); }},
      {Mutant::kCurrentNotRestoredOnTrap, trap_in_host_call},
      {Mutant::kPromoteInnermostFirst, stack_of_three},
      {Mutant::kExitIgnoresPromotion, slots},
      {Mutant::kLostWakeUp, wake_by_join},
      {Mutant::kWrongParentOnReparenting, reparenting},
      {Mutant::kBackpressureOnWrongInstance, backpressure},
      {Mutant::kBlockingDecidedByCallersType, yield_under_sync_caller},
      {Mutant::kFreeListFifo, reused_handle},
      {Mutant::kEventLostOnRejoin, wake_by_join},
      {Mutant::kCancelIgnoresCancellable, [](World& w) { return cancelled_at_once(w, false, false); }},
      {Mutant::kCancelIgnoresExclusive, [](World& w) { return cancelled_at_once(w, true, true); }},
      {Mutant::kMayLeaveNotRestored,
       [](World& w) {
         return in_chain(
             w, [](Args) { return 1; }, nullptr, [](Args) { return 0; });
       }},
      {Mutant::kExclusiveKeptAtExit, exclusive_after_exit},
      {Mutant::kResultWrittenAtDelivery, result_before_delivery},
      {Mutant::kGateIgnoresWaiters, waiting_to_enter},
      {Mutant::kStaleStartingRecord, waiting_to_enter},
  };
}

TEST(Mutants, EachShowsInItsScenario) {
  // Those after it need values, streams or threads: golden traces show them (diff/mutants_slow_test.cc).
  ASSERT_EQ(cases().size(), static_cast<size_t>(Mutant::kStaleStartingRecord));
  for (const Case& c : cases()) {
    World correct;
    World wrong({c.mutant, kMaxTableLength});
    EXPECT_NE(c.observe(correct), c.observe(wrong)) << info(c.mutant).name;
  }
}

TEST(Mutants, HaveNames) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kMutantCount; ++i) {
    const MutantInfo& m = info(static_cast<Mutant>(i));
    EXPECT_EQ(m.mutant, static_cast<Mutant>(i));
    EXPECT_EQ(mutant_from_name(m.name), m.mutant);
    EXPECT_FALSE(m.description.empty());
    EXPECT_TRUE(names.insert(m.name).second) << m.name;
  }
  EXPECT_FALSE(mutant_from_name("no-such-mutant"));
}

TEST(Names, OfTrapSitesAndReasonsAreUnique) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kTrapSiteCount; ++i) EXPECT_TRUE(names.insert(name(static_cast<TrapSite>(i))).second);
  EXPECT_EQ(name(TrapSite::kCanonThreadYield1), "canon_thread_yield#1");
  EXPECT_EQ(name(TrapSite::kCanonLift1), "canon_lift#1");
  for (size_t i = 0; i < kPromotionReasonCount; ++i)
    EXPECT_TRUE(names.insert(name(static_cast<PromotionReason>(i))).second);
}

}  // namespace
}  // namespace lockstep::optimized::testing
