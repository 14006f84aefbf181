// Backward data flow over the places that are stored to: see deadness.h.
#include "optimized/clif/deadness.h"

#include <map>
#include <tuple>

#include "optimized/clif/effects.h"

namespace lockstep::clif {
namespace {

void set(std::vector<uint64_t>& bits, size_t i) { bits[i / 64] |= uint64_t{1} << i % 64; }
void clear(std::vector<uint64_t>& bits, size_t i) { bits[i / 64] &= ~(uint64_t{1} << i % 64); }
void keep_only(std::vector<uint64_t>& bits, const std::vector<uint64_t>& mask) {
  for (size_t i = 0; i < bits.size(); ++i) bits[i] &= mask[i];
}

}  // namespace

StoreList::StoreList(const Function& function) {
  for (const Block& block : function.blocks) {
    auto& numbers = number.emplace_back(block.insts.size(), 0);
    for (size_t i = 0; i < block.insts.size(); ++i) {
      if (!block.insts[i].writes_memory()) continue;
      numbers[i] = static_cast<uint32_t>(insts.size());
      insts.push_back(&block.insts[i]);
    }
  }
}

Deadness::Deadness(const Function& function, const Cfg& cfg, const Numbering& numbering, const Aliasing& aliasing,
                   const StoreList& stores, const ElideOptions& options)
    : f_(function), cfg_(cfg), numbering_(numbering), aliasing_(aliasing), stores_(stores), options_(options) {
  find_keys();
  find_ends();
  dead_after_.assign(stores.insts.size(), false);
  const size_t words = (keys_.size() + 63) / 64;
  for (size_t b = 0; b < f_.blocks.size(); ++b) {
    Bits& valid = valid_.emplace_back(words, 0);
    for (size_t k = 0; k < keys_.size(); ++k) {
      if (ends_[b] && numbering_.valid_at(keys_[k].place.root, b)) set(valid, k);
    }
    // What a block does to each bit is seen from what it does to all clear and all set.
    always_.push_back(walked(b, Bits(words, 0)));
    passed_.push_back(walked(b, Bits(words, ~uint64_t{0})));
    // Everything is dead as long as nobody says otherwise: the largest solution is wanted.
    dead_in_.push_back(valid);
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (auto block = cfg_.order().rbegin(); block != cfg_.order().rend(); ++block) {
      Bits dead = dead_at_end(*block);
      for (size_t i = 0; i < words; ++i) {
        dead[i] = ((dead[i] & passed_[*block][i]) | always_[*block][i]) & valid_[*block][i];
      }
      changed = changed || dead != dead_in_[*block];
      dead_in_[*block] = std::move(dead);
    }
  }
  for (size_t b : cfg_.order()) walked(b, dead_at_end(b));
}

void Deadness::find_keys() {
  using Name = std::tuple<ClassId, uint64_t, uint32_t, std::optional<uint32_t>>;
  std::map<Name, uint32_t> known;
  for (const Inst* store : stores_.insts) {
    const Place place = aliasing_.place_of(*store);
    const Name name(place.root, place.offset, place.bytes, place.region);
    const auto number = static_cast<uint32_t>(known.size());
    const auto [entry, is_new] = known.emplace(name, number);
    key_.push_back(entry->second);
    if (is_new && keys_.size() < kMostKeys) keys_.push_back({place, store});
  }
  in_slots_.assign((keys_.size() + 63) / 64, 0);
  private_ = unseen_ = in_slots_;
  for (size_t k = 0; k < keys_.size(); ++k) {
    const SlotSet slot = aliasing_.slot_of(keys_[k].place);
    if (slot != 0 || options_.promises.trap_never_reads(f_, *keys_[k].store)) set(unseen_, k);
    if (slot == 0) continue;
    set(in_slots_, k);
    if ((slot & aliasing_.any_escaping()) == 0) set(private_, k);
  }
}

void Deadness::find_ends() {
  ends_.assign(f_.blocks.size(), false);
  std::vector<size_t> todo;
  for (size_t b : cfg_.order()) {
    if (!cfg_.successors(b).empty()) continue;
    ends_[b] = true;
    todo.push_back(b);
  }
  while (!todo.empty()) {
    const size_t b = todo.back();
    todo.pop_back();
    for (size_t from : cfg_.predecessors(b)) {
      if (ends_[from]) continue;
      ends_[from] = true;
      todo.push_back(from);
    }
  }
}

Deadness::Bits Deadness::dead_at_end(size_t block) const {
  if (cfg_.successors(block).empty()) return f_.blocks[block].insts.back().op == Opcode::kTrap ? unseen_ : in_slots_;
  Bits dead(valid_[block].size(), ~uint64_t{0});
  for (size_t to : cfg_.successors(block)) keep_only(dead, dead_in_[to]);
  return dead;
}

Deadness::Bits Deadness::walked(size_t block, Bits dead) {
  const std::vector<Inst>& insts = f_.blocks[block].insts;
  for (size_t i = insts.size(); i-- > 0;) step(dead, insts[i], stores_.number[block][i]);
  return dead;
}

void Deadness::step(Bits& dead, const Inst& inst, uint32_t store) {
  const auto may_trap = [&] { keep_only(dead, unseen_); };
  switch (effect_of(f_, inst)) {
    case Effect::kStore: {
      const uint32_t own = key_[store];
      dead_after_[store] = own < keys_.size() && (dead[own / 64] >> own % 64 & 1) != 0;
      const Place place = aliasing_.place_of(inst);
      for (size_t k = 0; k < keys_.size(); ++k) {
        const Overlap overlap = aliasing_.overlap(place, keys_[k].place, aliasing_.any_pointers());
        if (overlap == Overlap::kSame || overlap == Overlap::kCovers) set(dead, k);
      }
      if (!inst.flags.notrap() && aliasing_.slot_of(place) == 0) may_trap();
      break;
    }
    case Effect::kLoad: {
      const Place place = aliasing_.place_of(inst);
      for (size_t k = 0; k < keys_.size() && !inst.flags.readonly; ++k) {
        if (aliasing_.may_overlap(place, keys_[k].place, aliasing_.any_pointers())) clear(dead, k);
      }
      if (!inst.flags.notrap() && aliasing_.slot_of(place) == 0) may_trap();
      break;
    }
    case Effect::kCall:
    case Effect::kLook:
      call(dead, inst);
      break;
    case Effect::kGuard:
    case Effect::kMayTrap:
      may_trap();
      break;
    case Effect::kNone:
    case Effect::kKeep:
    case Effect::kBranch:
    case Effect::kReturn:
    case Effect::kTrap:
      break;
  }
}

void Deadness::call(Bits& dead, const Inst& inst) const {
  for (size_t k = 0; k < keys_.size(); ++k) {
    if ((private_[k / 64] >> k % 64 & 1) != 0) continue;
    if (!options_.promises.never_reads(f_, inst, *keys_[k].store)) clear(dead, k);
  }
}

}  // namespace lockstep::clif
