// The loops. Every call depends on the result of the one before, as it does in the loop of the Wasm component.
#include <array>

#include "optimized/bench/guests.h"

namespace lockstep::optimized::bench {
namespace {

constexpr Topology kStatic = {.caller_always_may_leave = true, .instances_entered = 0};
constexpr Topology kMayLeave = {.caller_always_may_leave = false, .instances_entered = 0};
constexpr Topology kBoth = {.caller_always_may_leave = false, .instances_entered = 1};

uint32_t plain(World&, uint32_t calls) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) sum = guest(sum, i);
  return sum;
}

template <Topology kTopology>
uint32_t adapter(World& w, uint32_t calls) {
  const Adapter<kTopology> to_b = {w.vm, w.a, w.b};
  uint32_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) sum = to_b.call(guest, sum, i);
  return sum;
}

// A chain of native frames, in a and b by turns, with the guest at its end.
template <uint32_t kDepth>
[[gnu::noinline]] uint32_t descend(World& w, Instance& from, Instance& to, uint32_t x, uint32_t y) {
  const Adapter<kMayLeave> next = {w.vm, from, to};
  if constexpr (kDepth == 1) {
    return next.call(promoting_guest, w.vm, x, y);
  } else {
    return next.call([&](uint32_t p, uint32_t q) { return descend<kDepth - 1>(w, to, from, p, q); }, x, y);
  }
}

template <uint32_t kDepth>
uint32_t promoted(World& w, uint32_t calls) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) sum = descend<kDepth>(w, w.a, w.b, sum, i);
  return sum;
}

uint32_t eager(World& w, uint32_t calls) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) {
    const std::array<uint64_t, 2> args = {sum, i};
    sum = w.store.call(w.async_import, i + 2, args);
  }
  return static_cast<uint32_t>(sum);
}

uint32_t scripted(World& w, uint32_t calls) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) {
    const std::array<uint64_t, 2> args = {sum, i};
    sum = w.store.call(w.scripted_import, i + 2, args);
  }
  return static_cast<uint32_t>(sum);
}

constexpr std::array kRows = {
    Row{"plain", &plain, 1, "plain C++ call"},
    Row{"static", &adapter<kStatic>, 1, "adapter, flags static"},
    Row{"may_leave", &adapter<kMayLeave>, 1, "adapter, `may_leave` checked"},
    Row{"both", &adapter<kBoth>, 1, "adapter, `may_leave` checked, one `may_enter` tested, cleared and set"},
    Row{"scripted", &scripted, 1, "adapter, callee known at run time, instrumented (the tester's)"},
    Row{"promoted/1", &promoted<1>, 1, "promoted by the callee, 1 deep"},
    Row{"promoted/4", &promoted<4>, 4, "… 4 deep, each of the 4 calls"},
    Row{"promoted/16", &promoted<16>, 16, "… 16 deep, each of the 16 calls"},
    Row{"eager", &eager, 1, "a heap task with a stack of its own for each call (async-typed callee)"},
};

}  // namespace

std::span<const Row> rows() { return kRows; }

}  // namespace lockstep::optimized::bench
