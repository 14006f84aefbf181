// The State at each point of a function, as a forward data flow: see delay.h. What an instruction does to the State
// is in delay_step.cc.
#include "optimized/clif/delay.h"

#include <algorithm>
#include <utility>

#include "optimized/clif/delay_step.h"

namespace lockstep::clif {
namespace {

constexpr size_t kMostSweeps = 100;
constexpr size_t kMostMembers = 16;  // looked at for a value that is defined in the right place

template <typename T, typename F>
void erase_if(std::vector<T>& items, F condition) {
  items.erase(std::remove_if(items.begin(), items.end(), condition), items.end());
}

// The element for which the condition holds, looked for from `hint` on: lists that are compared are mostly in the same
// order. nullptr: there is none. Leaves the hint behind what was found.
template <typename T, typename F>
const T* find_near(const std::vector<T>& items, size_t& hint, F condition) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (hint >= items.size()) hint = 0;
    if (condition(items[hint])) return &items[hint++];
    ++hint;
  }
  return nullptr;
}
const Pending* find(const std::vector<Pending>& pending, const Place& place, size_t& hint) {
  return find_near(pending, hint, [&](const Pending& p) { return p.place.same_bytes(place); });
}
// For each pending store of `all` whether it is not among `some`.
std::vector<bool> without(const std::vector<Pending>& all, const std::vector<Pending>& some) {
  std::vector<bool> missing;
  size_t hint = 0;
  for (const Pending& p : all) missing.push_back(find(some, p.place, hint) == nullptr);
  return missing;
}

}  // namespace

Delay::Delay(const Function& function, const ElideOptions& options, const DelayLimits& limits)
    : f_(function),
      options_(options),
      limits_(limits),
      cfg_(function),
      numbering_(function, cfg_, options.promises),
      aliasing_(function, numbering_, options),
      stores_(function),
      deadness_(function, cfg_, numbering_, aliasing_, stores_, options),
      first_phi_(function.types.empty() ? 0 : function.types.rbegin()->first + 1) {
  uses_.assign(first_phi_, 0);
  std::vector<size_t> position(f_.blocks.size(), 0);
  for (size_t i = 0; i < cfg_.order().size(); ++i) position[cfg_.order()[i]] = i;
  loop_head_.assign(f_.blocks.size(), false);
  for (size_t b = 0; b < f_.blocks.size(); ++b) {
    for (size_t from : cfg_.predecessors(b)) loop_head_[b] = loop_head_[b] || position[from] >= position[b];
    for (const Inst& inst : f_.blocks[b].insts) {
      for (Value arg : inst.args) ++uses_[arg];
      for (const Handler& handler : inst.handlers) {
        if (handler.kind == Handler::kContext) ++uses_[handler.context];
      }
    }
    for (const BlockCall* call : successors(f_.blocks[b])) {
      for (const BlockArg& arg : call->args) {
        if (arg.kind == BlockArg::kValue) ++uses_[arg.number];
      }
    }
  }
}

Type Delay::type_of(Value value) const {
  return value < first_phi_ ? f_.type_of(value) : phi_types_[value - first_phi_];
}

bool Delay::solve(const std::set<uint32_t>& in_place) {
  in_place_ = in_place;
  in_.assign(f_.blocks.size(), State());
  out_ = in_;
  done_.assign(f_.blocks.size(), false);
  leaves_.assign(numbering_.size(), 0);
  phi_wanted_.clear();
  one_fate_.clear();
  Actions nothing;
  std::vector<bool> stale(f_.blocks.size(), true);
  pointers_ = aliasing_.pointers(leaves_);
  for (size_t sweep = 0; sweep < kMostSweeps; ++sweep) {
    leaves_changed_ = false;
    for (size_t b : cfg_.order()) {
      if (!stale[b]) continue;
      stale[b] = false;
      State state = meet(b);
      if (done_[b]) restrict_to(state, in_[b]);
      in_[b] = std::move(state);
      pass_pointers(b);
      State end = walk(b, nothing);
      if (done_[b] && end == out_[b]) continue;
      out_[b] = std::move(end);
      done_[b] = true;
      for (size_t to : cfg_.successors(b)) stale[to] = true;
    }
    if (leaves_changed_) {
      pointers_ = aliasing_.pointers(leaves_);
      stale.assign(stale.size(), true);
    } else if (std::none_of(cfg_.order().begin(), cfg_.order().end(), [&](size_t b) { return stale[b]; })) {
      return true;
    }
  }
  return false;
}

// What the arguments of a block may point into, so may its parameters.
void Delay::pass_pointers(size_t block) {
  for (size_t i = 0; i < f_.blocks[block].params.size(); ++i) {
    for (const Edge& edge : numbering_.incoming(block)) {
      const BlockArg& arg = edge.call->args[i];
      points_to(f_.blocks[block].params[i].value,
                arg.kind == BlockArg::kValue ? slots_in(arg.number) : out_[edge.from].escaped);
    }
  }
}

bool Delay::solve_as_is() {
  as_is_ = true;
  const bool solved = solve({});
  as_is_ = false;
  return solved;
}

State Delay::walk(size_t block, Actions& actions) {
  Step step(*this, in_[block], block, actions);
  for (size_t i = 0; i < f_.blocks[block].insts.size(); ++i) step.go(i);
  return std::move(step).state();
}

State Delay::leave(State state, size_t to, Actions& actions) const {
  drop_dead(state, to, actions);
  write(state, without(state.pending, in_[to].pending), actions);
  return state;
}

std::vector<Delay::Phi> Delay::phis(size_t block) const {
  std::vector<Phi> found;
  for (const Pending& p : in_[block].pending) {
    const auto phi = phi_of_.find({block, p.place.root, p.place.offset, p.place.bytes});
    if (phi != phi_of_.end() && phi->second == p.value) found.push_back({p.value, type_of(p.value), p.place});
  }
  return found;
}

// ---- where ways meet ----

State Delay::meet(size_t block) {
  State state;
  state.escaped = aliasing_.exposed();
  if (block == 0) return state;

  Actions nothing;
  std::vector<State> ways;
  std::vector<size_t> from;
  for (size_t way : cfg_.predecessors(block)) {
    if (!done_[way] || std::find(from.begin(), from.end(), way) != from.end()) continue;
    from.push_back(way);
    ways.push_back(out_[way]);
    drop_dead(ways.back(), block, nothing);
  }
  const bool all_is_done = loop_head_[block] && (!options_.through_loops || !deadness_.ends(block));
  if (!all_is_done) state.pending = merge(ways, block);

  for (size_t i = 0; i < ways.size(); ++i) {
    write(ways[i], without(ways[i].pending, state.pending), nothing);
    state.escaped |= ways[i].escaped;
    if (i == 0) {
      state.known = ways[i].known;
      state.reached = ways[i].reached;
    }
  }
  for (const State& way : ways) know_common(state, way, block);
  return state;
}

// The stores that are pending on all ways, each with the value that it has afterwards.
std::vector<Pending> Delay::merge(const std::vector<State>& ways, size_t block) {
  std::vector<Pending> kept;
  std::vector<size_t> hints(ways.size(), 0);
  size_t hint = 0;
  for (const Pending& p : ways[0].pending) {
    if (done_[block] && find(in_[block].pending, p.place, hint) == nullptr) continue;
    std::vector<const Pending*> all;
    for (size_t i = 0; i < ways.size(); ++i) {
      if (const Pending* other = find(ways[i].pending, p.place, hints[i])) all.push_back(other);
    }
    if (all.size() != ways.size()) continue;
    if (std::optional<Pending> one = merged(all, block)) kept.push_back(*one);
  }
  keep_order(ways, kept);
  return kept;
}

std::optional<Pending> Delay::merged(const std::vector<const Pending*>& ways, size_t block) {
  const Pending& first = *ways[0];
  Pending result = first;
  bool same_value = true, same_class = true;
  for (const Pending* p : ways) {
    if (p->place != first.place) return std::nullopt;
    if (p->inst->op != first.inst->op || type_of(p->value) != type_of(first.value)) return std::nullopt;
    if (p->flags != first.flags && *p->flags != *first.flags) return std::nullopt;
    if (p->may_trap != first.may_trap || (p->may_trap && p->store != first.store)) return std::nullopt;
    if (p->store != first.store) one_fate_.emplace_back(p->store, first.store);
    same_value = same_value && p->value == first.value;
    same_class = same_class && numbering_.of(p->value) == numbering_.of(first.value);
  }
  if (!numbering_.valid_at(first.place.root, block) || !find_address(result, block)) return std::nullopt;

  const PhiKey key{block, first.place.root, first.place.offset, first.place.bytes};
  if (phi_wanted_.count(key) == 0) {
    if (same_value && numbering_.comes_before(numbering_.site_of(first.value), block)) return result;
    const ClassId id = numbering_.of(first.value);
    result.value = same_class && numbering_.valid_at(id, block) ? available(id, block) : kNoValue;
    if (result.value != kNoValue) return result;
  }
  phi_wanted_.insert(key);
  result.value = phi(block, first.place, type_of(first.value));
  for (const Pending* p : ways) points_to(result.value, slots_in(p->value));
  return result;
}

// Takes away what cannot stay pending because something that must come behind it does not, and what is not in the same
// order everywhere.
void Delay::keep_order(const std::vector<State>& ways, std::vector<Pending>& kept) const {
  constexpr size_t kGone = ~size_t{0};
  // For each way and store the position among those that are kept.
  std::vector<std::vector<size_t>> positions;
  bool in_order = true;
  for (const State& way : ways) {
    auto& position = positions.emplace_back();
    size_t hint = 0;
    for (const Pending& p : way.pending) {
      const Pending* const found = find(kept, p.place, hint);
      position.push_back(found == nullptr ? kGone : static_cast<size_t>(found - kept.data()));
    }
    in_order = in_order && position.size() == kept.size() && std::is_sorted(position.begin(), position.end());
  }
  if (in_order) return;
  std::vector<bool> gone(kept.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t w = 0; w < ways.size(); ++w) {
      const auto& pending = ways[w].pending;
      const auto is_gone = [&](size_t i) { return positions[w][i] == kGone || gone[positions[w][i]]; };
      for (size_t j = 0; j < pending.size(); ++j) {
        for (size_t i = 0; i < j; ++i) {
          if (is_gone(i) || (!is_gone(j) && positions[w][i] < positions[w][j])) continue;
          if (!overlap(pending[i].place, pending[j].place) && !(pending[i].may_trap && !in_slot(pending[j].place))) {
            continue;
          }
          gone[positions[w][i]] = changed = true;
        }
      }
    }
  }
  size_t left = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!gone[i]) kept[left++] = kept[i];
  }
  kept.resize(left);
}

// Whether the address can be had in `block`, from the same value or another one.
bool Delay::find_address(Pending& pending, size_t block) const {
  if (pending.address != kNoValue) {
    if (numbering_.comes_before(numbering_.site_of(pending.address), block)) return true;
    const ClassId id = numbering_.of(pending.address);
    const Value same = numbering_.valid_at(id, block) ? available(id, block) : kNoValue;
    if (same != kNoValue) {
      pending.address = same;
      return true;
    }
    const Value root = available(pending.place.root, block);
    const auto offset = static_cast<int64_t>(pending.place.offset);
    if (root != kNoValue && offset == static_cast<int32_t>(offset)) {
      pending.address = root;
      pending.offset = static_cast<int32_t>(offset);
      return true;
    }
  }
  pending.address = kNoValue;
  return in_slot(pending.place);
}

Value Delay::available(ClassId id, size_t block) const {
  const std::vector<Value>& members = numbering_.members(id);
  for (size_t i = 0; i < std::min(members.size(), kMostMembers); ++i) {
    const bool used = members[i] >= uses_.size() || uses_[members[i]] > 0;
    if (used && numbering_.comes_before(numbering_.site_of(members[i]), block)) return members[i];
  }
  return kNoValue;
}

Value Delay::phi(size_t block, const Place& place, Type type) {
  const auto [entry, is_new] = phi_of_.emplace(PhiKey{block, place.root, place.offset, place.bytes},
                                               static_cast<Value>(first_phi_ + phi_types_.size()));
  if (is_new) {
    phi_types_.push_back(type);
    const ClassId id = numbering_.add(entry->second, block);
    leaves_.resize(std::max<size_t>(leaves_.size(), id + size_t{1}), 0);
    pointers_.resize(leaves_.size(), 0);
  }
  return entry->second;
}

// Takes away what does not also hold on this way, or has no meaning in `block`.
void Delay::know_common(State& into, const State& way, size_t block) const {
  size_t hint = 0;
  erase_if(into.known, [&](Content& known) {
    if (!numbering_.valid_at(known.place.root, block) || !numbering_.valid_at(known.content, block)) return true;
    const Content* const same = find_near(way.known, hint, [&](const Content& other) {
      return other.place.same_bytes(known.place) && other.content == known.content &&
             other.access->flags.big() == known.access->flags.big();
    });
    if (same == nullptr) return true;
    if (known.value != kNoValue && !numbering_.comes_before(numbering_.site_of(known.value), block)) {
      known.value = available(known.content, block);
    }
    return false;
  });
  hint = 0;
  erase_if(into.reached, [&](const Place& place) {
    return !numbering_.valid_at(place.root, block) || !is_reached(way, place, hint);
  });
}

// What is known at the beginning of a block only gets less from sweep to sweep, so that there is an end to it.
void Delay::restrict_to(State& now, const State& before) const {
  size_t hint = 0;
  erase_if(now.known, [&](const Content& known) {
    return find_near(before.known, hint, [&](const Content& other) {
             return other.place.same_bytes(known.place) && other.content == known.content;
           }) == nullptr;
  });
  hint = 0;
  erase_if(now.reached, [&](const Place& place) { return !is_reached(before, place, hint); });
  now.escaped |= before.escaped;
}

// ---- stores ----

void Delay::drop_dead(State& state, size_t block, Actions& actions) const {
  erase_if(state.pending, [&](const Pending& p) {
    const bool dead = !p.may_trap && deadness_.dead_at(p.store, block);
    if (dead) actions.drop(p.store);
    return dead;
  });
}

void Delay::write(State& state, std::vector<bool> chosen, Actions& actions) const {
  for (size_t later = chosen.size(); later-- > 0;) {
    if (!chosen[later]) continue;
    for (size_t i = 0; i < later; ++i) {
      const Pending &p = state.pending[i], &behind = state.pending[later];
      if (overlap(p.place, behind.place) || (p.may_trap && !in_slot(behind.place))) chosen[i] = true;
    }
  }
  std::vector<Pending> now, rest;
  for (size_t i = 0; i < chosen.size(); ++i) (chosen[i] ? now : rest).push_back(state.pending[i]);
  state.pending = std::move(rest);
  for (const Pending& p : now) write_one(state, p, actions);
}

void Delay::write_one(State& state, const Pending& pending, Actions& actions) const {
  if (!pending.may_trap && is_known(state, pending.place, *pending.inst, pending.value)) {
    actions.drop(pending.store);
    return;
  }
  actions.write(pending);
  written(state, pending.place, *pending.inst, pending.value);
}

void Delay::written(State& state, const Place& place, const Inst& access, Value value) const {
  constexpr size_t kMostKnown = 64;
  erase_if(state.known, [&](const Content& known) { return overlap(known.place, place); });
  if (state.known.size() == kMostKnown) state.known.erase(state.known.begin());
  const ClassId content = numbering_.of(value);
  state.known.push_back({place, &access, content, value});
  state.escaped |= slots_in(value);
}

bool Delay::is_known(const State& state, const Place& place, const Inst& access, Value value) const {
  return std::any_of(state.known.begin(), state.known.end(), [&](const Content& known) {
    const Place& at = known.place;
    if (at.root != place.root || at.offset != place.offset || at.bytes < place.bytes) return false;
    // The lowest bytes come first in memory unless it is big endian.
    if (place.bytes > 1 && known.access->flags.big() != access.flags.big()) return false;
    if (at.bytes != place.bytes && known.access->flags.big()) return false;
    return numbering_.same_bytes(known.content, numbering_.of(value), place.bytes);
  });
}

bool Delay::is_reached(const State& state, const Place& place, size_t& hint) const {
  return find_near(state.reached, hint, [&](const Place& reached) {
           const uint64_t behind = place.offset - reached.offset;
           return reached.root == place.root && behind < reached.bytes && behind + place.bytes <= reached.bytes;
         }) != nullptr;
}

void Delay::reach(State& state, const Place& place) const {
  constexpr size_t kMostReached = 64;
  if (is_reached(state, place)) return;
  if (state.reached.size() == kMostReached) state.reached.erase(state.reached.begin());
  state.reached.push_back(place);
}

const MemFlags* Delay::with_trap(const MemFlags& flags, const MemFlags& trap) {
  MemFlags made = flags;
  made.trap = trap.trap;
  const auto known = std::find(made_flags_.begin(), made_flags_.end(), made);
  return known != made_flags_.end() ? &*known : &made_flags_.emplace_back(std::move(made));
}

void Delay::points_to(Value value, SlotSet slots) {
  SlotSet& known = leaves_[numbering_.of(value)];
  leaves_changed_ = leaves_changed_ || (known | slots) != known;
  known |= slots;
}

}  // namespace lockstep::clif
