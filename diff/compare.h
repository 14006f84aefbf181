// What "agree" means: the one place that decides it, and the one table of permitted differences.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "diff/engine.h"
#include "traces/record.h"

namespace lockstep::diff {

// The first difference between the reference's stream and another engine's.
struct Difference {
  traces::Words expected;  // both streams, reduced to what the engine can report
  traces::Words actual;
  size_t offset = 0;                // of the first record that differs, in both; may be the end of either
  std::vector<std::string> fields;  // "thread 5.0 slot0: expected 7, got 0"
  std::string bucket;               // operation, what was expected, what came: failures of one bucket are one failure
};

// Nothing if they agree.
std::optional<Difference> compare(std::span<const uint32_t> expected, std::span<const uint32_t> actual,
                                  const Capabilities&);

struct PermittedDifference {
  std::string_view what;
  std::string_view why;
};
std::span<const PermittedDifference> permitted_differences();

// `stream` without what an engine of these capabilities cannot report.
traces::Words project(std::span<const uint32_t> stream, const Capabilities&);

// True if the schedule was open somewhere: more than one candidate at a choice.
bool has_open_choice(std::span<const uint32_t> stream);

}  // namespace lockstep::diff
