// What one instruction after the other does to the State of delay.h.
#pragma once

#include <vector>

#include "optimized/clif/delay.h"

namespace lockstep::clif {

class Delay::Step {
 public:
  Step(Delay& delay, State state, size_t block, Actions& actions)
      : d_(delay), block_(block), state_(std::move(state)), actions_(actions) {}

  // The instruction with this position in the block.
  void go(size_t index);
  State state() && { return std::move(state_); }

 private:
  void load(const Inst& inst);
  void store(const Inst& inst);
  void call(const Inst& inst);
  void guard(const Inst& inst);
  void leave_function(const Inst& inst);

  bool forward(const Inst& load, const Place& place);
  bool forward_equal(const Inst& load);
  void read(const Inst& load, const Place& place, bool may_trap);
  void drop_overwritten(const Place& place);
  bool is_overwritten(size_t index, const Place& place) const;
  // Whether a store is not to be delayed.
  bool stays(uint32_t number) const;

  // Does the pending stores for which the condition holds.
  template <typename F>
  void write_if(F condition) {
    std::vector<bool> chosen;
    for (const Pending& p : state_.pending) chosen.push_back(condition(p));
    d_.write(state_, std::move(chosen), actions_);
  }
  // Those that somebody sees who looks at memory after a trap.
  void write_for_trap() {
    write_if([&](const Pending& p) { return d_.is_seen_after_trap(p); });
  }
  void write_overlapping(const Place& place) {
    write_if([&](const Pending& p) { return d_.overlap(p.place, place); });
  }
  bool may_trap(const Inst& access, const Place& place) const {
    return !access.flags.notrap() && !d_.in_slot(place) && !d_.is_reached(state_, place);
  }
  bool is_used(const Inst& inst) const;
  uint32_t store_number() const { return d_.stores_.number[block_][index_]; }

  Delay& d_;
  size_t block_;
  size_t index_ = 0;
  State state_;
  Actions& actions_;
};

}  // namespace lockstep::clif
