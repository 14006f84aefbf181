// The fast path: where the task of a sync-to-sync call lives, what it costs, and that it leaves no trace.
#include "optimized/adapter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "optimized/testing.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace {
size_t allocations = 0;
}

// The test counts what the engine asks for. Not inlined, or the compiler sees malloc meet delete.
[[gnu::noinline]] void* operator new(size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept { std::free(p); }

namespace lockstep::optimized::testing {
namespace {

// Whether an address is that of a local variable between here and `outer`, an address in an outer frame.
[[gnu::noinline]] bool is_in_native_stack(const void* address, const char* outer) {
#if defined(__SANITIZE_ADDRESS__)
  // With use-after-return detection, locals lie in frames that the sanitizer made up.
  void* fake = __asan_get_current_fake_stack();
  if (fake != nullptr) {
    void *begin, *end;
    return __asan_addr_is_in_fake_stack(fake, const_cast<void*>(address), &begin, &end) != nullptr;
  }
#endif
  const char* inner = static_cast<const char*>(__builtin_frame_address(0));
  return inner < address && address < outer;
}

TEST(Adapter, TaskOfUnpromotedCallLiesInTheNativeStack) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  bool inside = false;
  const char* outer = nullptr;
  const Function& callee = w.sync_typed(b, [&](Args) {
    EXPECT_EQ(w.store.vm().current->kind, TaskKind::kNative);
    inside = is_in_native_stack(w.store.vm().current, outer);
    return 7;
  });
  const Import& import = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) {
    outer = static_cast<const char*>(__builtin_frame_address(0));
    return w.call(import, 2);
  });
  EXPECT_EQ(w.invoke(caller, 1).value, 7u);
  EXPECT_TRUE(inside);
  EXPECT_EQ(w.store.counters().sync_calls, 1u);
  EXPECT_EQ(w.store.counters().sync_calls_unpromoted, 1u);
  EXPECT_EQ(w.store.counters().host_sync_calls_unpromoted, 1u);
  EXPECT_EQ(w.store.counters().heap_tasks, 0u);
}

TEST(Adapter, UnpromotedCallAllocatesNothing) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  const Function& callee = w.sync_typed(
      b,
      [&](Args args) {
        w.store.context_set(1, args[0]);
        w.store.backpressure_inc();
        w.store.backpressure_dec();
        return w.store.context_get(1) + w.store.context_get(0);
      },
      [](Args) { return 0; });
  const Import& import = w.import_(a, callee);
  size_t counted = 1;
  const Function& caller = w.sync_typed(a, [&](Args) {
    const size_t before = allocations;
    uint32_t sum = 0;
    for (uint32_t i = 1; i <= 1000; ++i) sum += w.call(import, i + 1);
    counted = allocations - before;
    return sum;
  });
  EXPECT_EQ(w.invoke(caller, 1).value, 1000u * 1001 / 2 + 1000);
  EXPECT_EQ(counted, 0u);
  EXPECT_EQ(w.store.counters().sync_calls_unpromoted, 1000u);
}

// The same for a guest that is compiled, with its post-return and its realloc.
TEST(Adapter, UnpromotedCallOfCompiledGuestAllocatesNothing) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  size_t counted = 1;
  const Function& caller = w.sync_typed(a, [&](Args) {
    const Adapter<> adapter = {w.store.vm(), a, b, nullptr};
    const size_t before = allocations;
    uint64_t sum = 0;
    for (uint32_t i = 1; i <= 1000; ++i) {
      sum += adapter.call_with([&](VMAsyncTask& frame) {
        const uint32_t address =
            adapter.reallocate([](uint32_t, uint32_t, uint32_t, uint32_t new_size) { return new_size; }, 0u, 0u, 1u, i);
        w.store.backpressure_inc();
        w.store.backpressure_dec();
        adapter.clean_up(frame, [] {});
        return address;
      });
    }
    counted = allocations - before;
    return sum;
  });
  EXPECT_EQ(w.invoke(caller, 1).value, 1000u * 1001 / 2);
  EXPECT_EQ(counted, 0u);
  EXPECT_EQ(w.store.counters().frames_promoted, 0u);
}

TEST(Adapter, SlotsBelongToTheTask) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  const Function& callee = w.sync_typed(b, [&](Args) {
    EXPECT_EQ(w.store.context_get(0), 0u);
    EXPECT_EQ(w.store.context_get(1), 0u);
    w.store.context_set(0, 21);
    w.store.context_set(1, 22);
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

TEST(Adapter, PostReturnSeesTheSlotsOfItsTask) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  int ran = 0;
  auto post_return = [&](Args args) {
    EXPECT_EQ(args.size(), 1u);
    EXPECT_EQ(args[0], 5u);
    EXPECT_EQ(w.store.context_get(0), 2u);
    EXPECT_EQ(w.task(2).state, TaskState::kResolved);
    EXPECT_FALSE(w.view(b).may_leave);
    ++ran;
    return 0;
  };
  const Function& callee = w.sync_typed(
      b,
      [&](Args) {
        w.store.context_set(0, 2);
        return 5;
      },
      post_return);
  const Function& promoted = w.sync_typed(
      b,
      [&](Args) {
        w.store.context_set(0, 2);
        w.store.thread_index();
        return 5;
      },
      post_return);
  const Import& import = w.import_(a, callee);
  const Import& import_promoted = w.import_(a, promoted);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 2) + w.call(import_promoted, 2); });
  EXPECT_EQ(w.invoke(caller, 1).value, 10u);
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(w.view(b).may_leave);
}

TEST(Adapter, InspectorSeesVirtualThreads) {
  World w;
  Instance& a = w.instance();
  Instance& b = w.instance();
  const Function& callee = w.sync_typed(b, [&](Args) {
    w.store.context_set(1, 9);
    const Counters before = w.store.counters();
    const TaskView inner = w.task(2);
    EXPECT_TRUE(inner.native);
    EXPECT_EQ(inner.instance, &b);
    EXPECT_EQ(inner.parent_call_id, 1u);
    EXPECT_EQ(inner.state, TaskState::kStarted);
    EXPECT_EQ(inner.thread.index, 1u);
    EXPECT_EQ(inner.thread.slots[1], 9u);
    EXPECT_FALSE(inner.thread.waiting);
    EXPECT_EQ(w.task(1).thread.index, 1u);
    EXPECT_EQ(w.view(a).next_thread_index, 2u);
    EXPECT_EQ(w.view(b).next_thread_index, 2u);
    EXPECT_EQ(w.stack(), (std::vector<uint32_t>{2, 1}));
    EXPECT_EQ(w.store.counters(), before);
    return 0;
  });
  const Import& import = w.import_(a, callee);
  const Function& caller = w.sync_typed(a, [&](Args) { return w.call(import, 2); });
  w.invoke(caller, 1);
  EXPECT_EQ(w.view(a).next_thread_index, 1u);
  EXPECT_EQ(w.promotions(), 0u);
}

TEST(Adapter, VirtualThreadsFillTheThreadTable) {
  World w({Mutant::kNone, 2});
  Instance& a = w.instance();
  const Import* self = nullptr;
  uint32_t depth = 0;
  const Function& f = w.sync_typed(a, [&](Args args) {
    ++depth;
    return w.call(*self, args[0] + 1);
  });
  self = &w.import_(a, f);
  EXPECT_EQ(w.trap_of([&] { w.invoke(f, 1); }), "Table.add#1");
  EXPECT_EQ(depth, 2u);
}

TEST(Layout, IsWhatCompiledCodeExpects) {
  EXPECT_EQ(offsetof(VMAsyncTask, kind), 0u);
  EXPECT_EQ(offsetof(VMAsyncTask, state), 1u);
  EXPECT_EQ(offsetof(VMAsyncTask, origin), 2u);
  EXPECT_EQ(offsetof(VMAsyncTask, may_block), 3u);
  EXPECT_EQ(offsetof(VMAsyncTask, call_id), 4u);
  EXPECT_EQ(offsetof(VMAsyncTask, slots), 8u);
  EXPECT_EQ(offsetof(VMAsyncTask, k), 24u);
  EXPECT_EQ(offsetof(VMAsyncTask, num_borrows), 28u);
  EXPECT_EQ(offsetof(VMAsyncTask, parent), 32u);
  EXPECT_EQ(offsetof(VMAsyncTask, task), 40u);
  EXPECT_EQ(offsetof(VMAsyncTask, instance), 48u);
  EXPECT_EQ(sizeof(VMAsyncTask), 56u);
  EXPECT_EQ(offsetof(VMInstance, may_enter), 8u);
  EXPECT_EQ(offsetof(VMInstance, may_leave), 9u);
  World w;
  EXPECT_EQ(w.store.vm().store, &w.store);
  Instance& i = w.instance();
  EXPECT_EQ(static_cast<const void*>(&i), static_cast<const void*>(static_cast<VMInstance*>(&i)));
}

}  // namespace
}  // namespace lockstep::optimized::testing
