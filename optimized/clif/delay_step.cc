// Loads, stores, calls, traps and returns, one at a time: see delay.h for the idea.
#include "optimized/clif/delay_step.h"

#include <algorithm>
#include <utility>

#include "optimized/clif/effects.h"

namespace lockstep::clif {
namespace {

constexpr size_t kMostMembersOfStep = 16;

// How a load gets its result from a value whose lowest bytes are in memory at `from`, `at` being all or some of these
// bytes. nullopt: it would take more than this pass wants to write.
std::optional<Forwarded> fit(const Inst& load, Type result, const Place& at, const Inst& access, const Place& from,
                             Value value, Type type) {
  Forwarded how;
  how.value = value;
  const bool all = at.same_bytes(from);
  if (from.bytes > 1 && load.flags.big() != access.flags.big()) return std::nullopt;
  if (all && type == result && (load.op == access.op || (load.op == Opcode::kLoad && type.bytes() == at.bytes))) {
    return how;
  }
  const bool extends = load.op != Opcode::kLoad;
  if (all && !extends && !type.is_int() && type.lanes == 1 && result.lanes == 1 && type.bits() == result.bits()) {
    how.is_bitcast = true;
    return how;
  }
  if (!type.is_int() || type.bits() > 64) return std::nullopt;
  if (!result.is_int()) {
    how.is_bitcast = all && result.lanes == 1 && type.bits() == result.bits();
    return how.is_bitcast ? std::optional(how) : std::nullopt;
  }
  if (!all && access.flags.big()) return std::nullopt;
  how.shift = static_cast<uint32_t>(at.offset - from.offset) * 8;
  how.narrow = at.bytes * 8;
  how.is_signed = load.op == Opcode::kSload8 || load.op == Opcode::kSload16 || load.op == Opcode::kSload32;
  return how;
}

}  // namespace

void Delay::Step::go(size_t index) {
  index_ = index;
  const Inst& inst = d_.f_.blocks[block_].insts[index];
  switch (effect_of(d_.f_, inst)) {
    case Effect::kNone:
    case Effect::kKeep:
    case Effect::kBranch:
      for (Value shown : shown_values(inst)) state_.escaped |= d_.slots_in(shown);
      if (!is_pure(d_.f_, inst)) {
        for (Value result : inst.results) d_.points_to(result, state_.escaped);
      }
      actions_.keep(inst);
      break;
    case Effect::kLoad:
      load(inst);
      break;
    case Effect::kStore:
      store(inst);
      break;
    case Effect::kCall:
    case Effect::kLook:
      call(inst);
      break;
    case Effect::kGuard:
      guard(inst);
      break;
    case Effect::kMayTrap: {
      const auto divisor = inst.args.size() > 1 ? d_.numbering_.constant(d_.numbering_.of(inst.args[1])) : std::nullopt;
      if (!divisor || !never_traps(inst, *divisor)) write_for_trap();
      actions_.keep(inst);
      break;
    }
    case Effect::kReturn:
    case Effect::kTrap:
      leave_function(inst);
      break;
  }
}

bool Delay::Step::is_used(const Inst& inst) const {
  return std::any_of(inst.results.begin(), inst.results.end(), [&](Value v) { return d_.uses_[v] > 0; });
}

// ---- loads ----

void Delay::Step::load(const Inst& inst) {
  const Place place = d_.aliasing_.place_of(inst);
  const bool traps = may_trap(inst, place);
  if (!traps) {
    d_.reach(state_, place);
    if (!is_used(inst)) {
      actions_.remove(inst);
      return;
    }
    if (forward_equal(inst) || (!inst.flags.readonly && forward(inst, place))) return;
  }
  read(inst, place, traps);
}

// From an earlier load that surely gave the same.
bool Delay::Step::forward_equal(const Inst& inst) {
  const std::vector<Value>& members = d_.numbering_.members(d_.numbering_.of(inst.results[0]));
  for (size_t i = 0; i < std::min(members.size(), kMostMembersOfStep); ++i) {
    if (members[i] == inst.results[0]) return false;
    if (members[i] >= d_.uses_.size() || d_.uses_[members[i]] == 0) continue;
    if (!d_.numbering_.comes_before(d_.numbering_.site_of(members[i]), Site{block_, index_ + 1})) continue;
    d_.points_to(inst.results[0], d_.slots_in(members[i]));
    Forwarded how;
    how.value = members[i];
    actions_.forward(inst, how);
    return true;
  }
  return false;
}

// From a pending store or from what is known of memory.
bool Delay::Step::forward(const Inst& inst, const Place& place) {
  const Type result = d_.f_.type_of(inst.results[0]);
  const auto use = [&](const Inst& access, const Place& from, Value value) {
    const std::optional<Forwarded> how = fit(inst, result, place, access, from, value, d_.type_of(value));
    if (!how) return false;
    d_.points_to(inst.results[0], state_.escaped | d_.slots_in(value));
    actions_.forward(inst, *how);
    return true;
  };
  for (size_t i = state_.pending.size(); i-- > 0;) {
    const Pending& p = state_.pending[i];
    const Overlap overlap = d_.aliasing_.overlap(p.place, place, d_.pointers_);
    if (overlap == Overlap::kNone) continue;
    if (overlap != Overlap::kSame && overlap != Overlap::kCovers) return false;
    return use(*p.inst, p.place, p.value);
  }
  for (const Content& known : state_.known) {
    if (known.value == kNoValue) continue;
    const Overlap overlap = d_.aliasing_.overlap(known.place, place, d_.pointers_);
    if (overlap != Overlap::kSame && overlap != Overlap::kCovers) continue;
    if (use(*known.access, known.place, known.value)) return true;
  }
  return false;
}

void Delay::Step::read(const Inst& inst, const Place& place, bool may_trap) {
  if (may_trap) write_for_trap();
  if (!inst.flags.readonly) {
    write_overlapping(place);
    auto& known = state_.known;
    const Value result = inst.results[0];
    const auto same =
        std::find_if(known.begin(), known.end(), [&](const Content& k) { return k.place.same_bytes(place); });
    if (same != known.end()) known.erase(same);
    known.push_back({place, &inst, d_.numbering_.of(result), result});
    d_.points_to(result, state_.escaped);
  }
  d_.reach(state_, place);
  actions_.keep(inst);
}

// ---- stores ----

void Delay::Step::store(const Inst& inst) {
  const Place place = d_.aliasing_.place_of(inst);
  const uint32_t number = store_number();
  const bool traps = may_trap(inst, place);
  if (traps) write_for_trap();
  d_.reach(state_, place);
  drop_overwritten(place);
  if (!traps && !d_.as_is_ && d_.deadness_.dead_after(number)) {
    actions_.drop(number);
    actions_.remove(inst);
    return;
  }

  Pending mine{place, number, &inst, &inst.flags, inst.args[1], inst.offset, inst.args[0], traps};
  auto& pending = state_.pending;
  const auto first = std::find_if(pending.begin(), pending.end(),
                                  [&](const Pending& p) { return p.may_trap && d_.overlap(p.place, place); });
  if (first != pending.end()) {
    const bool again = first->place.same_bytes(place) && std::none_of(first + 1, pending.end(), [&](const Pending& p) {
                         return d_.overlap(p.place, place);
                       });
    if (again) {
      // The same bytes once more: one store with the trap of the first and the value of the second.
      mine.flags = d_.with_trap(inst.flags, *first->flags);
      mine.may_trap = true;
      actions_.drop(first->store);
    }
    if (again && !stays(number)) {
      *first = mine;
      actions_.delay(inst, number, {});
      return;
    }
    if (again) {
      pending.erase(first);
    } else {
      write_if([&](const Pending& p) { return p.may_trap; });
    }
  }

  std::vector<uint32_t> behind;
  for (const Pending& p : pending) {
    if (d_.overlap(p.place, place) || (p.may_trap && !d_.in_slot(place))) behind.push_back(p.store);
  }
  if (!mine.may_trap && behind.empty() && d_.is_known(state_, place, inst, mine.value)) {
    actions_.drop(number);
    actions_.remove(inst);
    return;
  }
  if (stays(number)) {
    write_if([&](const Pending& p) { return d_.overlap(p.place, place) || (p.may_trap && !d_.in_slot(place)); });
    actions_.store_now(inst, *mine.flags);
    d_.written(state_, place, inst, mine.value);
    return;
  }
  pending.push_back(mine);
  actions_.delay(inst, number, behind);
}

bool Delay::Step::stays(uint32_t number) const {
  return d_.as_is_ || d_.in_place_.count(number) != 0 || state_.pending.size() >= d_.limits_.pending;
}

void Delay::Step::drop_overwritten(const Place& place) {
  auto& pending = state_.pending;
  for (size_t i = pending.size(); i-- > 0;) {
    if (pending[i].may_trap || !is_overwritten(i, place)) continue;
    actions_.drop(pending[i].store);
    pending.erase(pending.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// Whether all bytes of a pending store are written again by those behind it and at `place`.
bool Delay::Step::is_overwritten(size_t index, const Place& place) const {
  const Place& old = state_.pending[index].place;
  if (old.root != place.root) return false;
  uint64_t missing = (uint64_t{1} << old.bytes) - 1;  // a store has at most 32 bytes
  const auto cover = [&](const Place& by) {
    for (uint32_t i = 0; i < old.bytes && by.root == old.root; ++i) {
      if (old.offset + i - by.offset < by.bytes) missing &= ~(uint64_t{1} << i);
    }
  };
  cover(place);
  if (missing + 1 == uint64_t{1} << old.bytes) return false;
  for (size_t later = index + 1; later < state_.pending.size(); ++later) cover(state_.pending[later].place);
  return missing == 0;
}

// ---- what looks at memory ----

void Delay::Step::call(const Inst& inst) {
  const bool looks_only = effect_of(d_.f_, inst) == Effect::kLook;
  const bool is_last = inst.op == Opcode::kReturnCall || inst.op == Opcode::kReturnCallIndirect;
  for (Value shown : shown_values(inst)) state_.escaped |= d_.slots_in(shown);

  const Promises& promises = d_.options_.promises;
  const auto is_seen = [&](const Pending& p) {
    if (d_.is_private(state_, p.place)) return false;
    if (promises.list.empty() || looks_only || (is_last && !d_.in_slot(p.place))) return true;
    return !promises.never_reads(d_.f_, inst, *p.inst) || !promises.never_writes(d_.f_, inst, *p.inst);
  };
  // A store that is done may make a slot known, whose stores are seen then.
  while (std::any_of(state_.pending.begin(), state_.pending.end(), is_seen)) write_if(is_seen);

  if (!looks_only) {
    auto& known = state_.known;
    const auto changes = [&](const Content& k) {
      return !d_.is_private(state_, k.place) &&
             (promises.list.empty() || !promises.never_writes(d_.f_, inst, *k.access));
    };
    known.erase(std::remove_if(known.begin(), known.end(), changes), known.end());
    state_.reached.clear();
  }
  for (Value result : inst.results) d_.points_to(result, state_.escaped);
  if (is_last) {
    for (const Pending& p : state_.pending) actions_.drop(p.store);
    state_.pending.clear();
  }
  actions_.keep(inst);
}

void Delay::Step::guard(const Inst& inst) {
  struct Collected : Actions {
    void write(const Pending& p) override { pending.push_back(p); }
    std::vector<Pending> pending;
  } collected;
  const auto condition = d_.numbering_.constant(d_.numbering_.of(inst.args[0]));
  const bool never =
      condition && ((inst.op == Opcode::kTrapz && *condition != 0) || (inst.op == Opcode::kTrapnz && *condition == 0));
  if (!never && !d_.limits_.past_guards) write_for_trap();
  if (!never) {
    State trapped = state_;
    std::vector<bool> chosen;
    for (const Pending& p : trapped.pending) chosen.push_back(d_.is_seen_after_trap(p));
    d_.write(trapped, std::move(chosen), collected);
  }
  if (collected.pending.empty()) {
    actions_.keep(inst);
  } else {
    actions_.guard(inst, collected.pending);
  }
}

void Delay::Step::leave_function(const Inst& inst) {
  if (inst.op == Opcode::kTrap) {
    write_for_trap();
  } else {
    write_if([&](const Pending& p) { return !d_.in_slot(p.place); });
  }
  for (const Pending& p : state_.pending) actions_.drop(p.store);
  state_.pending.clear();
  actions_.keep(inst);
}

}  // namespace lockstep::clif
