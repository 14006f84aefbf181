// How the nondeterministic lines are decided: at random, from a recording, or one after the other.
#pragma once

#include <span>
#include <vector>

#include "diff/engine.h"
#include "diff/random.h"

namespace lockstep::diff {

class RandomChooser : public Chooser {
 public:
  explicit RandomChooser(uint64_t seed) : random_(seed) {}
  size_t choose(traces::ChoicePoint, traces::ThreadId, std::span<const traces::ThreadId> candidates) override {
    return random_.below(static_cast<uint32_t>(candidates.size()));
  }

 private:
  Random random_;
};

// Takes what was recorded, as long as it is there; else the smallest candidate. `lenient` looks for the first later
// recorded choice at the same point that fits, so that a shrunk scenario keeps what it can of the schedule.
class ScriptedChooser : public Chooser {
 public:
  explicit ScriptedChooser(std::span<const traces::TakenChoice> choices, bool lenient = false)
      : choices_(choices), lenient_(lenient) {}
  size_t choose(traces::ChoicePoint, traces::ThreadId, std::span<const traces::ThreadId> candidates) override;

 private:
  std::span<const traces::TakenChoice> choices_;
  size_t next_ = 0;
  bool lenient_;
};

}  // namespace lockstep::diff
