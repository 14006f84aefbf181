// Delaying stores: the forward half of the elision pass.
//
// Going through a function in the order of execution, a store is not done at once but put on a list of *pending*
// stores. It is done when somebody could see that it was not: before a call, an atomic, a trap, a return, a load that
// may touch its bytes. Until then, it may turn out that it need not be done at all, because another store overwrites
// it, because the bytes hold the value already, or because they are a stack slot's and the function ends. Which stores
// are pending, what memory holds in fact, and whose address got out, is the State; where ways meet, what is not pending
// on all of them is done on those where it is. A store is never done more often than it was.
//
// The list keeps the order of stores that may touch the same byte. At most one visible pending store may trap, the
// first: a trap shows all memory, so what comes before it has been done and what comes behind it must stay behind.
//
// Delay says what to do through Actions, once for each instruction; rewrite.h does it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "optimized/clif/alias.h"
#include "optimized/clif/cfg.h"
#include "optimized/clif/deadness.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/ir.h"
#include "optimized/clif/numbering.h"

namespace lockstep::clif {

inline constexpr Value kNoValue = ~Value{0};

struct Pending {
  Place place;
  uint32_t store = 0;               // its number in the StoreList
  const Inst* inst = nullptr;       // what kind of store it is
  const MemFlags* flags = nullptr;  // not always those of inst: the first of two stores may lend the second its trap
  Value address = kNoValue;         // kNoValue: of the stack slot that `place` is in
  int32_t offset = 0;
  Value value = kNoValue;
  bool may_trap = false;
  friend bool operator==(const Pending&, const Pending&) = default;
};

// What the bytes of a place are in fact, not counting pending stores: the lowest bytes of the values of a class.
struct Content {
  Place place;
  const Inst* access = nullptr;  // the load or store that tells
  ClassId content = kNoClass;
  Value value = kNoValue;  // one of the class that is defined here; kNoValue: there is none
  friend bool operator==(const Content&, const Content&) = default;
};

struct State {
  std::vector<Pending> pending;
  std::vector<Content> known;
  std::vector<Place> reached;  // bytes that have been touched: no access to them traps before the next call
  SlotSet escaped = 0;
  friend bool operator==(const State&, const State&) = default;
};

// How to get the result of a load from a value: shift it right, keep the lowest bits, extend them.
struct Forwarded {
  Value value = kNoValue;
  uint32_t shift = 0;   // in bits
  uint32_t narrow = 0;  // to an integer of so many bits; 0: not
  bool is_signed = false;
  bool is_bitcast = false;
};

// What becomes of the instructions of a function. Every instruction is named once, after what comes before it.
class Actions {
 public:
  virtual ~Actions() = default;
  virtual void write(const Pending&) {}                    // do a pending store here
  virtual void drop(uint32_t /*store*/) {}                 // a store is not needed on this way
  virtual void keep(const Inst&) {}                        // as it is
  virtual void store_now(const Inst&, const MemFlags&) {}  // a store stays in its place, with these flags
  // A store is put off, behind these pending ones that it may not overtake.
  virtual void delay(const Inst&, uint32_t /*store*/, const std::vector<uint32_t>& /*behind*/) {}
  virtual void remove(const Inst&) {}
  virtual void forward(const Inst& /*load*/, const Forwarded&) {}
  virtual void guard(const Inst&, const std::vector<Pending>&) {}  // these are done only if it traps
};

// How far to go. What is pending is written out in every place where it may be seen, so that functions can grow.
struct DelayLimits {
  bool past_guards = true;  // a conditional trap becomes a branch to a block that does what is pending, and traps
  size_t pending = 64;      // at most so many stores at a time
};

class Delay {
 public:
  // The function must stay as it is as long as this lives, have no aliases and no unreachable blocks.
  Delay(const Function& function, const ElideOptions& options, const DelayLimits& limits = {});

  // Finds out the state at the beginning of each block if the stores in `in_place` are not delayed. False if it gave
  // up, which it does only on functions that nobody writes.
  bool solve(const std::set<uint32_t>& in_place);
  // The same if every store is done in its place, needed or not: what is known of memory is what is there.
  bool solve_as_is();

  // After solve():
  const State& at_begin(size_t block) const { return in_[block]; }
  // Goes through a block and returns the state at its end.
  State walk(size_t block, Actions& actions);
  // Goes along a way out of a block, from the state at its end to the beginning of `to`.
  State leave(State state, size_t to, Actions& actions) const;
  // Values that stand for what different ways have written: parameters to be added to `block`, in this order.
  struct Phi {
    Value value;
    Type type;
    Place place;
  };
  std::vector<Phi> phis(size_t block) const;
  // Pairs of stores that became one pending store somewhere; Actions name one of them.
  const std::vector<std::pair<uint32_t, uint32_t>>& one_fate() const { return one_fate_; }

  // Whether no access at a stack slot's address leaves the slot; otherwise nothing here is true.
  bool slots_are_respected() const { return aliasing_.slots_are_respected(); }
  const Cfg& cfg() const { return cfg_; }
  const Numbering& numbering() const { return numbering_; }
  const StoreList& stores() const { return stores_; }
  Place place_of(const Inst& access) const { return aliasing_.place_of(access); }
  Type type_of(Value value) const;

 private:
  class Step;  // delay_step.h

  State meet(size_t block);
  void pass_pointers(size_t block);
  std::vector<Pending> merge(const std::vector<State>& ways, size_t block);
  std::optional<Pending> merged(const std::vector<const Pending*>& ways, size_t block);
  void keep_order(const std::vector<State>& ways, std::vector<Pending>& kept) const;
  bool find_address(Pending& pending, size_t block) const;
  Value available(ClassId id, size_t block) const;
  Value phi(size_t block, const Place& place, Type type);
  void know_common(State& into, const State& way, size_t block) const;
  void restrict_to(State& now, const State& before) const;

  void drop_dead(State& state, size_t block, Actions& actions) const;
  // Does the chosen pending stores, and those that must come before them.
  void write(State& state, std::vector<bool> chosen, Actions& actions) const;
  void write_one(State& state, const Pending& pending, Actions& actions) const;
  void written(State& state, const Place& place, const Inst& access, Value value) const;
  bool overlap(const Place& a, const Place& b) const { return aliasing_.may_overlap(a, b, pointers_); }
  bool in_slot(const Place& place) const { return aliasing_.slot_of(place) != 0; }
  // Stack slots are gone after a trap.
  bool is_seen_after_trap(const Pending& p) const {
    return !in_slot(p.place) && (options_.promises.list.empty() || !options_.promises.trap_never_reads(f_, *p.inst));
  }
  bool is_private(const State& state, const Place& place) const {
    const SlotSet slot = aliasing_.slot_of(place);
    return slot != 0 && (slot & state.escaped) == 0;
  }
  bool is_known(const State& state, const Place& place, const Inst& access, Value value) const;
  bool is_reached(const State& state, const Place& place) const {
    size_t hint = 0;
    return is_reached(state, place, hint);
  }
  bool is_reached(const State& state, const Place& place, size_t& hint) const;
  void reach(State& state, const Place& place) const;
  void points_to(Value value, SlotSet slots);
  SlotSet slots_in(Value value) const { return pointers_[numbering_.of(value)] | aliasing_.hidden(value); }
  // The flags of one access with the trap of another.
  const MemFlags* with_trap(const MemFlags& flags, const MemFlags& trap);

  const Function& f_;
  const ElideOptions& options_;
  const DelayLimits limits_;
  Cfg cfg_;
  Numbering numbering_;
  Aliasing aliasing_;
  StoreList stores_;
  Deadness deadness_;
  std::vector<uint32_t> uses_;
  std::deque<MemFlags> made_flags_;
  std::vector<bool> loop_head_;
  std::set<uint32_t> in_place_;
  bool as_is_ = false;

  std::vector<State> in_, out_;
  std::vector<bool> done_;
  std::vector<SlotSet> leaves_, pointers_;
  bool leaves_changed_ = false;
  using PhiKey = std::tuple<size_t, ClassId, uint64_t, uint32_t>;
  std::map<PhiKey, Value> phi_of_;
  std::set<PhiKey> phi_wanted_;
  std::vector<std::pair<uint32_t, uint32_t>> one_fate_;
  Value first_phi_ = 0;
  std::vector<Type> phi_types_;
};

}  // namespace lockstep::clif
