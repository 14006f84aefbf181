// Makes a failing scenario small: takes away what is not needed for the same failure, from whole scripts to single
// operands, then the parts of the topology that nobody uses. Each attempt is a valid scenario, run anew by the
// reference (its choices recorded anew, by the old ones where they still fit) and by the engine.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "diff/contestant.h"

namespace lockstep::diff {

struct ShrinkResult {
  Case smallest;
  Verdict verdict;
  size_t attempts = 0;
};

// `failing` must fail in `engine` with `verdict`. Stops at a fixed point, after `max_attempts`, after a minute (an
// engine that hangs takes its time limit for each attempt) or when interrupted, with the smallest so far.
ShrinkResult shrink(const Case& failing, const Verdict& verdict, Contestant& engine, size_t max_attempts = 20'000,
                    const std::function<void(size_t attempts, size_t lines)>& progress = {});

}  // namespace lockstep::diff
