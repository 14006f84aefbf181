// What a campaign has covered, read off the reference's event streams.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "traces/record.h"
#include "traces/vocabulary.h"

namespace lockstep::diff {

struct Statistics {
  uint64_t cases = 0;
  uint64_t steps = 0;
  std::array<uint64_t, traces::kOutcomeCount> outcomes{};
  std::array<uint64_t, traces::kOpCount> operations{};  // ended without a trap (or, ends of segments, begun)
  std::array<uint64_t, traces::kHostOpCount> host_operations{};
  std::map<uint32_t, uint64_t> sites;                              // by SiteId: traps and spec-undefined
  std::array<uint64_t, traces::kChoicePointCount> choices{};       // asked
  std::array<uint64_t, traces::kChoicePointCount> open_choices{};  // with two or more candidates
  uint64_t cases_with_two_tasks = 0;
  uint64_t cases_with_blocked_thread = 0;
  uint64_t cases_with_eight_deep = 0;           // eight threads or more, each waiting for what it called or resumed
  std::array<uint64_t, 1024> steps_per_case{};  // histogram; the last counts all that are longer

  void add(std::span<const uint32_t> stream);
  uint64_t median_steps() const;
};

// One guest or host operation.
bool is_step(traces::RecordKind);

}  // namespace lockstep::diff
