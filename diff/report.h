// What people read: a trace as steps, a divergence as steps side by side, both with changed state only.
#pragma once

#include <span>
#include <string>

#include "diff/compare.h"
#include "traces/trace.h"

namespace lockstep::diff {

// Whether to use colours; decided once by the caller (a terminal, no NO_COLOR).
struct Style {
  bool colour = false;
};

// The scenario in words: instances, functions, scripts, program.
std::string show_scenario(const traces::Scenario&);
// The events of a stream, one a line; under it, after "~", what changed in the state.
std::string show_events(std::span<const uint32_t> stream, const traces::Scenario&, const Style&);
// The steps up to the first difference, then the two sides and the fields.
std::string show_difference(const Difference&, const traces::Scenario&, const std::string& engine, const Style&);

// One operation of a script as text: "call #3 token 9 (1, r2) -> r1 if not resolved r1".
std::string to_text(const traces::Operation&, const traces::Instance&);
std::string to_text(const traces::HostOperation&);

// Lines of scripts and of the host's program and functions: the size of a scenario for people.
size_t script_lines(const traces::Scenario&);

}  // namespace lockstep::diff
