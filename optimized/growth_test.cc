// What things take in memory while they wait: bytes of heap for each, of stack for each that has one, and of the native
// stack for each frame of a chain. README.md states the bounds.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <fstream>

#include "optimized/populations.h"
#include "optimized/sanitizer.h"

namespace lockstep::optimized::growth {
namespace {

static_assert(sizeof(Task) <= 320);
static_assert(sizeof(Thread) <= 192);
static_assert(sizeof(Subtask) <= 192);
static_assert(sizeof(WaitableSet) <= 64);
static_assert(sizeof(CopyEnd) <= 192);

#if !defined(OPTIMIZED_ASAN)

size_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct ProcessMemory {
  size_t virtual_bytes = 0;
  size_t resident = 0;
};
ProcessMemory memory_of_process() {
  ProcessMemory m;
  std::ifstream("/proc/self/statm") >> m.virtual_bytes >> m.resident;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return {m.virtual_bytes * page, m.resident * page};
}

// Heap for one more, vectors that have doubled included; that of the guest and the host is small beside it.
double bytes_each(const Kind& kind) {
  constexpr uint32_t kFew = 1'000;
  constexpr uint32_t kMany = 5'000;
  const auto measure = [&](uint32_t n) {
    const size_t before = heap_bytes();
    const std::unique_ptr<Population> p = kind.make(n);
    return static_cast<double>(heap_bytes() - before);
  };
  return (measure(kMany) - measure(kFew)) / (kMany - kFew);
}

const Kind& kind(std::string_view name) {
  for (const Kind& k : kKinds)
    if (k.name == name) return k;
  throw std::logic_error("no such kind");
}

TEST(GrowthOfMemory, IsBoundedForEachThatWaits) {
  const std::pair<const char*, double> bounds[] = {
      {"waiting", 1100},
      {"starting", 560},
      {"yielded", 560},
      {"ready-threads", 420},
      {"waitables-in-one-set", 500},
      {"waitables-in-many-sets", 640},
      {"subtasks", 1500},
      {"streams", 620},
  };
  for (const auto& [name, most] : bounds) {
    const double each = bytes_each(kind(name));
    RecordProperty(name, static_cast<int>(each));
    std::printf("%s: %.0f bytes each\n", name, each);
    EXPECT_GT(each, 100) << name;
    EXPECT_LE(each, most) << name;
  }
}

// 256 KiB and a guard page of addresses each; of these, the pages that the guest has touched are there.
TEST(GrowthOfMemory, IsBoundedForEachStack) {
  constexpr uint32_t kStacks = 2'000;
  const ProcessMemory before = memory_of_process();
  const Waiting waiting(kStacks, Lift::kStackful);
  const ProcessMemory after = memory_of_process();
  const double virtual_each = static_cast<double>(after.virtual_bytes - before.virtual_bytes) / kStacks;
  const double resident_each = static_cast<double>(after.resident - before.resident) / kStacks;
  std::printf("%.0f bytes of addresses and %.0f resident for a task with its stack\n", virtual_each, resident_each);
  EXPECT_GE(virtual_each, 200 * 1024);  // few stacks of earlier tests are used again
  EXPECT_LE(virtual_each, 264 * 1024);
  EXPECT_LE(resident_each, 16 * 1024);
}

TEST(GrowthOfMemory, IsBoundedForEachNativeFrame) {
  constexpr uint32_t kDepth = 1'000;
  Chain chain(kDepth, false);
  uintptr_t innermost = 0;
  chain.run([](void* data,
               Chain&) { *static_cast<uintptr_t*>(data) = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)); },
            &innermost);
  const auto bytes = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - innermost;
  std::printf("%zu bytes of native stack a frame\n", bytes / kDepth);
#if defined(__OPTIMIZE__)
  EXPECT_LE(bytes / kDepth, 512u);
#endif
}

#endif

// Beyond what a stack of usual size holds with sanitizers, so not so deep.
TEST(GrowthOfChains, APromotedChainReturnsToItsBeginning) {
  for (const bool one_instance : {false, true}) {
    Chain chain(2'000, one_instance);
    uint32_t index = 0;
    chain.run([](void* data, Chain& c) { *static_cast<uint32_t*>(data) = c.store.thread_index(); }, &index);
    EXPECT_EQ(index, one_instance ? 2'000u : 1u);
    EXPECT_EQ(chain.store.counters().frames_promoted, 2'000u);
    EXPECT_TRUE(chain.store.outermost());
  }
}

}  // namespace
}  // namespace lockstep::optimized::growth
