// Whether two runs on the same input were seen to do the same: see interpreter.h.
#include <algorithm>

#include "optimized/clif/interpreter.h"

namespace lockstep::clif {
namespace {

std::string hex(uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (; value != 0 || digits.empty(); value >>= 4) digits.insert(digits.begin(), kDigits[value & 15]);
  return "0x" + digits;
}
std::string hex(Bits bits) {
  if (bits.hi == 0) return hex(bits.lo);
  std::string low = hex(bits.lo).substr(2);
  return hex(bits.hi) + std::string(16 - low.size(), '0') + low;
}

std::string name_of(Run::End end) {
  switch (end) {
    case Run::kReturned:
      return "returned";
    case Run::kTrapped:
      return "trapped";
    case Run::kNever:
      return "was left in a callee";
    case Run::kOutOfSteps:
      return "ran out of steps";
    case Run::kPromiseBroken:
      return "broke a promise";
    case Run::kUnsupported:
      return "is unsupported";
  }
  return "";
}

// The first byte that differs; in a map, a byte that is missing is as it was.
std::string memory_difference(const std::map<uint64_t, uint8_t>& before, const std::map<uint64_t, uint8_t>& after) {
  auto a = before.begin();
  auto b = after.begin();
  const auto shown = [](uint8_t byte) { return hex(byte); };
  while (a != before.end() || b != after.end()) {
    if (b == after.end() || (a != before.end() && a->first < b->first)) {
      return "byte " + hex(a->first) + ": before " + shown(a->second) + ", after unchanged";
    }
    if (a == before.end() || b->first < a->first) {
      return "byte " + hex(b->first) + ": before unchanged, after " + shown(b->second);
    }
    if (a->second != b->second) {
      return "byte " + hex(a->first) + ": before " + shown(a->second) + ", after " + shown(b->second);
    }
    ++a;
    ++b;
  }
  return "";
}

std::string event_difference(const Event& before, const Event& after) {
  if (before.what != after.what) return "before: " + before.what + ", after: " + after.what;
  for (size_t i = 0; i < std::max(before.values.size(), after.values.size()); ++i) {
    if (i >= before.values.size() || i >= after.values.size()) return before.what + ": another number of values";
    if (before.values[i] == after.values[i]) continue;
    return before.what + ": value " + std::to_string(i) + " before " + hex(before.values[i]) + ", after " +
           hex(after.values[i]);
  }
  const std::string memory = memory_difference(before.memory, after.memory);
  return memory.empty() ? "" : "at " + before.what + ", " + memory;
}

// Whether `after` may have broken this promise, which only concerns loads. It may where the loads are said to be
// movable, or where `before` itself trapped before it came to them.
bool may_be_broken(const Run& before, const Run& after) {
  if (!after.despite) return false;
  const bool trapped_itself =
      before.end == Run::kTrapped && !before.events.empty() && before.events.back().what.rfind("trap in ", 0) != 0;
  return after.only_can_move || trapped_itself;
}

}  // namespace

std::optional<Difference> compare(const Run& before, const Run& after) {
  const auto useless = [](const std::string& what) { return Difference{Difference::kUseless, 0, what}; };
  if (before.end == Run::kPromiseBroken) return useless("before broke a promise: " + before.reason);
  if (before.end == Run::kUnsupported) return useless("before: unsupported: " + before.reason);
  if (after.end == Run::kUnsupported) return useless("after: unsupported: " + after.reason);

  const size_t common = std::min(before.events.size(), after.events.size());
  for (size_t i = 0; i < common; ++i) {
    const std::string what = event_difference(before.events[i], after.events[i]);
    if (!what.empty()) return Difference{Difference::kDiffers, i, what};
  }
  // What `before` would have done next, and whether it would have kept its promises, is not known.
  if (before.end == Run::kOutOfSteps) return useless("before ran out of steps");
  if (after.end == Run::kPromiseBroken && !may_be_broken(before, after)) {
    return Difference{Difference::kDiffers, common, "after broke a promise: " + after.reason};
  }
  const Run::End end = after.end == Run::kPromiseBroken ? *after.despite : after.end;
  // An `after` that goes on long after `before` has ended is in a loop of its own.
  constexpr size_t kMuch = 1'000;
  if (end == Run::kOutOfSteps && after.steps <= 4 * before.steps + kMuch) return useless("after ran out of steps");
  if (before.end != end || before.events.size() != after.events.size()) {
    return Difference{Difference::kDiffers, common, "before " + name_of(before.end) + ", after " + name_of(end)};
  }
  return std::nullopt;
}

}  // namespace lockstep::clif
