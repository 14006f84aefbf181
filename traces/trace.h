// A trace: a scenario, the choices that were taken, the events that came of it, and how it ended. This is what is
// kept and sent; a seed is only a convenience.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "traces/record.h"
#include "traces/scenario.h"

namespace lockstep::traces {

// An id that was taken, and where.
struct TakenChoice {
  ChoicePoint point = ChoicePoint::kTick;
  ThreadId taken;
  bool operator==(const TakenChoice&) const = default;
};

struct Trace {
  std::string description;  // a sentence
  std::string specification = std::string(kSpecificationCommit);
  std::vector<std::pair<std::string, std::string>> engines;  // name, version: whose events these are, and others met
  std::string seed;                                          // "0x…" of the case, if it came of one
  std::string link;                                          // where a known failure is being dealt with
  Scenario scenario;
  std::vector<TakenChoice> choices;
  Words events;  // a flat stream (traces/record.h); may be empty
};

// The choices recorded in a stream.
std::vector<TakenChoice> choices_of(std::span<const uint32_t> stream);
// The outcome record of a stream; nullopt if it has none.
std::optional<Outcome> outcome_of(std::span<const uint32_t> stream);

}  // namespace lockstep::traces
