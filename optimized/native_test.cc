// Compiled guests: C++ functions that call each other through the adapters of adapter.h, as an engine would compile
// them, with nothing instrumented. Each test enters instance `a` first, as a scripted function that the host invokes.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cstring>
#include <ctime>

#include "optimized/testing.h"

namespace lockstep::optimized::testing {
namespace {

constexpr Topology kAllStatic = {.caller_always_may_leave = true, .instances_entered = 0};
constexpr Topology kLeaveChecked = {.caller_always_may_leave = false, .instances_entered = 0};
constexpr Topology kOneEntered = {.caller_always_may_leave = false, .instances_entered = 1};

class Native : public ::testing::Test {
 protected:
  World w;
  VMContext& vm = w.store.vm();
  Instance& a = w.instance();
  Instance& b = w.instance();
  Instance& c = w.instance();

  void in_a(std::function<void()> code) {
    const Function& f = w.sync_typed(a, [code](Args) {
      code();
      return 0;
    });
    w.invoke(f, 1);
  }
  std::string trap_in_a(std::function<void()> code) {
    return w.trap_of([&] { in_a(std::move(code)); });
  }
  void expect_clean() {
    EXPECT_TRUE(w.store.outermost());
    for (const Instance* i : {&a, &b, &c}) {
      EXPECT_TRUE(w.view(*i).may_enter && w.view(*i).may_leave);
      EXPECT_EQ(w.view(*i).next_thread_index, 1u);
    }
  }
  template <Topology kTopology = kAllStatic>
  Adapter<kTopology> from_a_to_b() {
    return {vm, a, b};
  }
  template <Topology kTopology = kAllStatic>
  Adapter<kTopology> from_b_to_c() {
    return {vm, b, c};
  }
};

// ---- parameters and results

uint64_t sum_of(uint32_t i, uint64_t l, bool flag, uint8_t small, int16_t negative) {
  return i + l + (flag ? 1u : 0u) + small + static_cast<uint64_t>(int64_t{negative});
}
int8_t narrow(uint32_t x) noexcept { return static_cast<int8_t>(x); }
uint32_t of_sixteen(uint32_t p0, uint32_t p1, uint32_t p2, uint32_t p3, uint32_t p4, uint32_t p5, uint32_t p6,
                    uint32_t p7, uint32_t p8, uint32_t p9, uint32_t p10, uint32_t p11, uint32_t p12, uint32_t p13,
                    uint32_t p14, uint32_t p15) {
  return p0 + 2 * p1 + 3 * p2 + 4 * p3 + 5 * p4 + 6 * p5 + 7 * p6 + 8 * p7 + 9 * p8 + 10 * p9 + 11 * p10 + 12 * p11 +
         13 * p12 + 14 * p13 + 15 * p14 + 16 * p15;
}

TEST_F(Native, FlatValuesGoThroughAsTheirTypesSay) {
  in_a([&] {
    EXPECT_EQ(from_a_to_b().call(sum_of, 5u, uint64_t{1} << 40, 256u, 0x1ffu, 0x1fffeu),
              5 + (1ull << 40) + 1 + 255 - 2);
    EXPECT_EQ(from_a_to_b().call(narrow, 0x1ffu), -1);
    EXPECT_EQ(from_a_to_b().call(of_sixteen, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u, 1u), 136u);
    int ran = 0;
    from_a_to_b().call([&](uint32_t by) { ran += static_cast<int>(by); }, 3u);
    EXPECT_EQ(ran, 3);
  });
  EXPECT_EQ(w.promotions(), 0u);
  expect_clean();
}

// ---- slots

TEST_F(Native, SlotsBelongToTheTask) {
  in_a([&] {
    context_set<uint32_t>(vm, 0, 11);
    context_set<uint64_t>(vm, 1, 1ull << 40);
    from_a_to_b().call([&] {
      EXPECT_EQ(context_get<uint32_t>(vm, 0), 0u);
      EXPECT_EQ(context_get<uint64_t>(vm, 1), 0u);
      context_set<uint32_t>(vm, 0, 21);
      EXPECT_EQ(w.store.context_get(0), 21u);
    });
    EXPECT_EQ(context_get<uint32_t>(vm, 0), 11u);
    EXPECT_EQ(context_get<uint64_t>(vm, 1), 1ull << 40);
  });
  expect_clean();
}

// ---- flags

TEST_F(Native, MayLeaveIsCheckedWhereItIsNotStatic) {
  const auto leave = [&] { from_b_to_c<kLeaveChecked>().call([] {}); };
  in_a([&] { from_a_to_b().call(leave); });
  EXPECT_EQ(trap_in_a([&] { from_a_to_b().call_and_clean_up([] {}, leave); }), "canon_lower#1");
  w.store.reset();
}

TEST_F(Native, ReallocMayNotLeave) {
  const std::string trap = trap_in_a([&] {
    const auto adapter = from_a_to_b();
    adapter.call_with([&](VMAsyncTask&) {
      return adapter.reallocate(
          [&](uint32_t, uint32_t, uint32_t, uint32_t) {
            EXPECT_FALSE(w.view(b).may_leave);
            return from_b_to_c<kLeaveChecked>().call([] { return 0u; });
          },
          0u, 0u, 1u, 8u);
    });
  });
  EXPECT_EQ(trap, "canon_lower#1");
  EXPECT_TRUE(w.store.outermost());
}

TEST_F(Native, EnteringIsCheckedWhereItIsNotStatic) {
  in_a([&] {
    from_a_to_b<kOneEntered>().call([&] { EXPECT_FALSE(w.view(b).may_enter); });
    from_a_to_b<Topology{}>().call([&] { EXPECT_FALSE(w.view(b).may_enter); });
    from_a_to_b<kAllStatic>().call([&] { EXPECT_TRUE(w.view(b).may_enter); });
  });
  expect_clean();
  EXPECT_EQ(trap_in_a([&] {
              from_a_to_b<kOneEntered>().call([&] {
                from_b_to_c().call([&] { Adapter<kOneEntered>{vm, c, b}.call([] {}); });
              });
            }),
            "Store.lift.func_inst#1");
}

// Entering a child of another root enters both, or neither.
TEST_F(Native, AncestorsAreEnteredToo) {
  Instance& root = w.instance();
  Instance& child = w.instance(&root);
  constexpr Topology kTwoEntered = {.caller_always_may_leave = true, .instances_entered = 2};
  const Adapter<kTwoEntered> to_child = {vm, a, child};
  in_a([&] {
    to_child.call([&] { EXPECT_TRUE(!w.view(child).may_enter && !w.view(root).may_enter); });
    EXPECT_TRUE(w.view(child).may_enter && w.view(root).may_enter);
  });
  const std::string trap = trap_in_a([&] {
    const Adapter<kOneEntered> to_root = {vm, a, root};
    to_root.call([&] { to_child.call([] {}); });
  });
  EXPECT_EQ(trap, "Store.lift.func_inst#1");
  EXPECT_TRUE(w.view(child).may_enter);
  EXPECT_FALSE(w.view(root).may_enter);
}

// ---- realloc and post-return

// A list of bytes from a's memory to b's, where b's realloc finds room for it.
TEST_F(Native, ReallocIsATaskOfItsOwn) {
  std::array<uint8_t, 64> memory_of_b = {};
  const char* text = "lifted from a, lowered into b";
  const auto size = static_cast<uint32_t>(std::strlen(text));
  in_a([&] {
    const auto adapter = from_a_to_b();
    const uint32_t length = adapter.call_with([&](VMAsyncTask& frame) {
      const uint32_t address = adapter.reallocate(
          [&](uint32_t old_address, uint32_t old_size, uint32_t alignment, uint32_t new_size) {
            EXPECT_EQ((std::array{old_address, old_size, alignment, new_size}), (std::array{0u, 0u, 1u, size}));
            EXPECT_EQ(vm.current->origin, TaskOrigin::kRealloc);
            EXPECT_EQ(vm.current->parent, &frame);
            EXPECT_EQ(context_get<uint32_t>(vm, 0), 0u);
            context_set<uint32_t>(vm, 0, 77);
            return 32u;
          },
          0u, 0u, 1u, size);
      EXPECT_EQ(vm.current, &frame);
      EXPECT_EQ(context_get<uint32_t>(vm, 0), 0u);
      EXPECT_TRUE(w.view(b).may_leave);
      std::memcpy(memory_of_b.data() + address, text, size);
      return static_cast<uint32_t>(std::strlen(reinterpret_cast<const char*>(memory_of_b.data()) + address));
    });
    EXPECT_EQ(length, size);
  });
  EXPECT_TRUE(w.choices.named.empty());
  expect_clean();
}

TEST_F(Native, PostReturnBelongsToTheTask) {
  int ran = 0;
  for (const bool promotes : {false, true}) {
    in_a([&] {
      const uint32_t result = from_a_to_b().call_and_clean_up(
          [&](uint32_t x) {
            context_set<uint32_t>(vm, 1, x);
            if (promotes) w.store.thread_index();
            return x + 1;
          },
          [&](uint32_t returned) {
            EXPECT_EQ(returned, 6u);
            EXPECT_EQ(context_get<uint32_t>(vm, 1), 5u);
            EXPECT_EQ(vm.current->state, TaskState::kResolved);
            EXPECT_EQ(vm.current->kind, promotes ? TaskKind::kHeap : TaskKind::kNative);
            EXPECT_FALSE(w.view(b).may_leave);
            ++ran;
          },
          5u);
      EXPECT_EQ(result, 6u);
    });
    expect_clean();
  }
  EXPECT_EQ(ran, 2);
}

// ---- nested adapters, and the exit that finds itself promoted

TEST_F(Native, NestedCallsAreAChain) {
  in_a([&] {
    const uint32_t result = from_a_to_b().call(
        [&](uint32_t x) {
          return 1 + from_b_to_c().call(
                         [&](uint32_t y) {
                           EXPECT_EQ(vm.current->instance, &c);
                           EXPECT_EQ(vm.current->parent->instance, &b);
                           EXPECT_EQ(w.stack(), (std::vector<uint32_t>{0, 0, 1}));
                           for (const Instance* i : {&a, &b, &c}) EXPECT_EQ(w.view(*i).next_thread_index, 2u);
                           return y * 2;
                         },
                         x + 1);
        },
        3u);
    EXPECT_EQ(result, 9u);
    EXPECT_EQ(vm.current->instance, &a);
  });
  EXPECT_EQ(w.promotions(), 0u);
  EXPECT_TRUE(w.choices.named.empty());
  expect_clean();
}

// A compiled call has no name until somebody outside has to call it something.
TEST_F(Native, PromotedCallsAreNamedOutermostFirst) {
  in_a([&] {
    context_set<uint32_t>(vm, 0, 10);
    const uint32_t result = from_a_to_b().call([&] {
      context_set<uint32_t>(vm, 0, 20);
      const uint32_t of_c = from_b_to_c().call([&] {
        context_set<uint32_t>(vm, 0, 30);
        EXPECT_EQ(w.store.thread_index(), 1u);
        EXPECT_EQ(w.stack(), (std::vector<uint32_t>{1002, 1001, 1}));
        EXPECT_EQ(vm.current->kind, TaskKind::kHeap);
        return context_get<uint32_t>(vm, 0);
      });
      EXPECT_EQ(vm.current->kind, TaskKind::kHeap);
      EXPECT_EQ(vm.current->instance, &b);
      return of_c + context_get<uint32_t>(vm, 0);
    });
    EXPECT_EQ(result + context_get<uint32_t>(vm, 0), 60u);
    // The next call of the promoted caller is native again.
    from_a_to_b().call([&] { EXPECT_EQ(vm.current->kind, TaskKind::kNative); });
  });
  EXPECT_EQ(w.choices.named, (std::vector<std::string>{"1001 call 2", "1002 call 3"}));
  EXPECT_EQ(w.promotions(PromotionReason::kThreadIndex), 1u);
  EXPECT_EQ(w.store.counters().frames_promoted, 3u);
  expect_clean();
}

TEST_F(Native, BlocksAndGoesOn) {
  in_a([&] { EXPECT_EQ(from_a_to_b().call([&] { return w.store.thread_yield(false) + 4; }), 4u); });
  EXPECT_EQ(w.choices.asked, (std::vector<std::string>{"wait-until 1001", "sync-loop 1001: 1001"}));
  EXPECT_EQ(w.promotions(PromotionReason::kYield), 1u);
  expect_clean();
}

// A thread index may name a virtual thread of a compiled call; it is found along the chain.
TEST_F(Native, VirtualThreadsAreThreads) {
  in_a([&] {
    from_a_to_b().call([&] {
      EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(1); }), "canon_thread_resume_later#2");
      EXPECT_EQ(w.trap_of([&] { w.store.thread_resume_later(2); }), "Table.get#1");
    });
  });
  EXPECT_EQ(w.promotions(), 0u);
}

TEST_F(Native, RecursionGivesTheIndicesOfEntry) {
  std::vector<uint32_t> seen;
  std::function<void(uint32_t)> self = [&](uint32_t depth) {
    if (depth > 1) Adapter<kAllStatic>{vm, b, b}.call(self, depth - 1);
    seen.push_back(w.store.thread_index());
  };
  in_a([&] { from_a_to_b().call(self, 3u); });
  EXPECT_EQ(seen, (std::vector<uint32_t>{3, 2, 1}));
  expect_clean();
}

// ---- traps

TEST_F(Native, TrapsUnlinkEveryFrame) {
  for (const bool promotes : {false, true}) {
    in_a([&] {
      const std::string site = w.trap_of([&] {
        from_a_to_b().call([&] {
          from_b_to_c().call([&] {
            if (promotes) w.store.thread_index();
            trap(TrapSite::kDrop1);
          });
        });
      });
      EXPECT_EQ(site, "drop#1");
      EXPECT_EQ(vm.current->instance, &a);
      EXPECT_EQ(w.stack().size(), 1u);
    });
    EXPECT_TRUE(w.store.outermost());
  }
  EXPECT_EQ(trap_in_a([&] { from_a_to_b().call([] { throw CoreException(); }); }), "call_and_trap_on_throw#1");
}

// Without hooks a limit of the thread table holds where threads enter it, at promotion.
TEST_F(Native, ThreadTableThatIsFullTrapsAtPromotion) {
  World small({Mutant::kNone, 2});
  Instance& i = small.instance();
  uint32_t depth = 0;
  std::function<void()> self = [&] {
    if (++depth < 3) return Adapter<kAllStatic>{small.store.vm(), i, i}.call(self);
    small.store.thread_index();
  };
  const Function& f = small.sync_typed(i, [&](Args) {
    self();
    return 0;
  });
  EXPECT_EQ(small.trap_of([&] { small.invoke(f, 1); }), "Table.add#1");
  EXPECT_EQ(depth, 3u);
  EXPECT_TRUE(small.store.outermost());
}

// ---- depth

// The time, in clock ticks of this process, to promote a chain of so many compiled calls; the least of five.
struct Deep {
  uint32_t depth;
  std::clock_t ticks = 0;
  uint64_t promoted = 0;
  uint32_t index = 0;

  static void descend(Store& store, Instance& i, uint32_t depth, Deep& out) {
    if (depth > 1) return Adapter<kAllStatic>{store.vm(), i, i}.call([&] { descend(store, i, depth - 1, out); });
    const std::clock_t before = std::clock();
    out.index = store.thread_index();
    out.ticks = std::clock() - before;
  }
  static void* run(void* argument) {
    Deep& out = *static_cast<Deep*>(argument);
    std::clock_t least = 0;
    for (int round = 0; round < 5; ++round) {
      World w;
      Instance& i = w.instance();
      const Function& f = w.sync_typed(i, [&](Args) {
        descend(w.store, i, out.depth, out);
        return 0;
      });
      w.invoke(f, 1);
      out.promoted = w.store.counters().frames_promoted;
      least = round == 0 ? out.ticks : std::min(least, out.ticks);
    }
    out.ticks = least;
    return nullptr;
  }
  // On a stack that is large enough, sanitizers or not.
  void measure() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t{512} << 20);
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, &attributes, &run, this), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
  }
};

TEST(NativeChain, PromotesInLinearTime) {
  Deep shallow = {.depth = 2'000};
  Deep deep = {.depth = 40'000};
  shallow.measure();
  deep.measure();
  EXPECT_EQ(deep.promoted, 40'000u);
  EXPECT_EQ(deep.index, 40'000u);
  EXPECT_LT(deep.ticks,
            120 * std::max<std::clock_t>(shallow.ticks, 100));  // 20 times the depth; quadratic would be 400
}

}  // namespace
}  // namespace lockstep::optimized::testing
