// The shapes of calls whose instructions .ci/check_adapter.py counts. It compiles this file, compares each function
// with the plain call of the same callee, and fails if there is more than it says. Not part of the library.
#include "optimized/adapter.h"

namespace lockstep::optimized {
namespace {

constexpr Topology kStatic = {.caller_always_may_leave = true, .instances_entered = 0};
constexpr Topology kMayLeave = {.caller_always_may_leave = false, .instances_entered = 0};
constexpr Topology kMayEnter = {.caller_always_may_leave = true, .instances_entered = 1};
constexpr Topology kBoth = {.caller_always_may_leave = false, .instances_entered = 1};

[[gnu::always_inline]] inline uint32_t small(uint32_t x, uint32_t y) { return 2 * x + y; }
// 8-byte units, never any freed.
[[gnu::always_inline]] inline uint32_t bump(uint32_t, uint32_t, uint32_t, uint32_t new_size) { return new_size * 8; }

}  // namespace

extern "C" {

// In another object: nothing is known of it.
uint32_t opaque(uint32_t x, uint32_t y);

#define SHAPE(name)                                                                                         \
  uint32_t name([[maybe_unused]] VMContext& vm, [[maybe_unused]] Instance& a, [[maybe_unused]] Instance& b, \
                uint32_t x, uint32_t y)

// ---- callees that are inlined: f(x, y) + 1

SHAPE(inlined) { return small(x, y) + 1; }
SHAPE(inlined_static) { return Adapter<kStatic>{vm, a, b}.call<small>(x, y) + 1; }
SHAPE(inlined_may_leave) { return Adapter<kMayLeave>{vm, a, b}.call<small>(x, y) + 1; }
SHAPE(inlined_may_enter) { return Adapter<kMayEnter>{vm, a, b}.call<small>(x, y) + 1; }
SHAPE(inlined_both) { return Adapter<kBoth>{vm, a, b}.call<small>(x, y) + 1; }

SHAPE(inlined_slots) {
  const auto guest = [&](uint32_t p, uint32_t q) {
    context_set<uint32_t>(vm, 0, 2 * p);
    return context_get<uint32_t>(vm, 0) + context_get<uint32_t>(vm, 1) + q;
  };
  return Adapter<kStatic>{vm, a, b}.call(guest, x, y) + 1;
}

SHAPE(inlined_nested) {
  const auto guest = [&](uint32_t p, uint32_t q) { return Adapter<kStatic>{vm, b, a}.call<small>(p, q); };
  return Adapter<kStatic>{vm, a, b}.call(guest, x, y) + 1;
}

SHAPE(inlined_post_return) {
  return Adapter<kStatic>{vm, a, b}.call_and_clean_up(
             small, [](uint32_t) {}, x, y) +
         1;
}

SHAPE(inlined_bump) { return small(8 * x, y) + 1; }
SHAPE(inlined_realloc) {
  const Adapter<kStatic> adapter = {vm, a, b};
  return adapter.call_with([&](VMAsyncTask&) { return small(adapter.reallocate(bump, 0u, 0u, 8u, x), y); }) + 1;
}

// ---- callees that are not

SHAPE(opaque_plain) { return opaque(x, y) + 1; }
SHAPE(opaque_static) { return Adapter<kStatic>{vm, a, b}.call(opaque, x, y) + 1; }
SHAPE(opaque_may_leave) { return Adapter<kMayLeave>{vm, a, b}.call(opaque, x, y) + 1; }
SHAPE(opaque_may_enter) { return Adapter<kMayEnter>{vm, a, b}.call(opaque, x, y) + 1; }
SHAPE(opaque_both) { return Adapter<kBoth>{vm, a, b}.call(opaque, x, y) + 1; }

}  // extern "C"

}  // namespace lockstep::optimized
