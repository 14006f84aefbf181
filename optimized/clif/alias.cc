// Which places may share a byte: see alias.h.
#include "optimized/clif/alias.h"

#include <algorithm>
#include <cctype>

#include "optimized/clif/effects.h"
#include "optimized/clif/uses.h"

namespace lockstep::clif {
namespace {

constexpr uint32_t kLastSlotBit = 63;

}  // namespace

void slots_named_in(const std::string& text, std::vector<uint32_t>& slots) {
  for (size_t at = text.find("ss"); at != text.npos; at = text.find("ss", at + 2)) {
    uint32_t number = 0;
    size_t digit = at + 2;
    for (; digit < text.size() && std::isdigit(static_cast<unsigned char>(text[digit])) != 0; ++digit) {
      number = number * 10 + static_cast<uint32_t>(text[digit] - '0');
    }
    if (digit > at + 2) slots.push_back(number);
  }
}

std::vector<Value> shown_values(const Inst& inst) {
  if (inst.is_call() || inst.is_atomic() || inst.op == Opcode::kSetPinnedReg) {
    std::vector<Value> values = inst.args;
    for (const Handler& handler : inst.handlers) {
      if (handler.kind == Handler::kContext) values.push_back(handler.context);
    }
    return values;
  }
  return {};
}

Aliasing::Aliasing(const Function& function, const Numbering& numbering, const ElideOptions& options)
    : f_(function), numbering_(numbering), trust_regions_(options.trust_regions) {
  uint32_t bit = 0;
  for (const auto& [number, slot] : f_.slots) {
    slots_[number] = SlotSet{1} << bit;
    if (bit == kLastSlotBit) exposed_ |= SlotSet{1} << bit;
    bit = std::min(bit + 1, kLastSlotBit);
  }
  for (ClassId id = 0; id < numbering_.size(); ++id) {
    const auto slot = numbering_.slot_of(id);
    slot_bits_.push_back(slot ? slots_.at(*slot) : 0);
  }
  const uint32_t regions = f_.regions.empty() ? 0 : f_.regions.rbegin()->first + 1;
  for (uint32_t region = 0; region < regions; ++region) {
    untagged_apart_.push_back(options.promises.untagged_apart(f_, region));
  }
  name_pointers(options.promises);
  find_exposed();
  find_pointers();
}

Place Aliasing::place_of(const Inst& access) const {
  const Numbering::Address address = numbering_.address(numbering_.of(access.args[access.address_index()]));
  return {address.root, address.offset + static_cast<uint64_t>(int64_t{access.offset}), access.access_bytes(),
          access.flags.region};
}

Overlap Aliasing::overlap(const Place& a, const Place& b, const std::vector<SlotSet>& pointers) const {
  if (a.root == b.root) {
    // Addresses wrap around: b may begin behind a, or a behind b.
    const uint64_t behind = b.offset - a.offset, before = a.offset - b.offset;
    if (behind >= a.bytes && before >= b.bytes) return Overlap::kNone;
    if (a.same_bytes(b)) return Overlap::kSame;
    if (behind < a.bytes && behind + b.bytes <= a.bytes) return Overlap::kCovers;
    if (before < b.bytes && before + a.bytes <= b.bytes) return Overlap::kInside;
    return Overlap::kMaybe;
  }
  const SlotSet slot_a = slot_of(a), slot_b = slot_of(b);
  if (slot_a != 0 && slot_b != 0) return Overlap::kNone;
  if (slot_a != 0 && (pointers[b.root] & slot_a) == 0) return Overlap::kNone;
  if (slot_b != 0 && (pointers[a.root] & slot_b) == 0) return Overlap::kNone;
  if (a.region && b.region) {
    if (trust_regions_ && *a.region != *b.region) return Overlap::kNone;
  } else if (a.region || b.region) {
    const uint32_t region = a.region ? *a.region : *b.region;
    if (region < untagged_apart_.size() && untagged_apart_[region]) return Overlap::kNone;
  }
  for (const auto& [first, second] : apart_) {
    if (a.root >= first.size() || b.root >= first.size()) continue;
    if ((first[a.root] && second[b.root]) || (first[b.root] && second[a.root])) return Overlap::kNone;
  }
  return Overlap::kMaybe;
}

void Aliasing::name_pointers(const Promises& promises) {
  const auto roots_of = [&](const PointerName& name) {
    std::vector<bool> roots(numbering_.size(), false);
    if (name.kind == PointerName::kParam) {
      const auto& params = f_.entry().params;
      if (name.param < params.size()) roots[numbering_.of(params[name.param].value)] = true;
      return roots;
    }
    for (const Block& block : f_.blocks) {
      for (const Inst& inst : block.insts) {
        if (inst.op != Opcode::kLoad || !inst.flags.region || inst.offset != name.load.offset) continue;
        if (inst.access_bytes() != name.load.bytes || !is_region_named(f_, *inst.flags.region, name.load.region))
          continue;
        roots[numbering_.of(inst.results[0])] = true;
      }
    }
    return roots;
  };
  for (const Promise& promise : promises.list) {
    if (promise.kind == Promise::kApart) apart_.emplace_back(roots_of(promise.a), roots_of(promise.b));
  }
}

void Aliasing::find_exposed() {
  std::vector<uint32_t> named;
  for (const auto& [number, slot] : f_.slots) {
    if (!slot.key.empty()) named.push_back(number);
  }
  for (const Block& block : f_.blocks) {
    for (const Inst& inst : block.insts) {
      slots_named_in(inst.stack_map, named);
      slots_named_in(inst.tags, named);
      if (inst.access_bytes() == 0) continue;
      const Place place = place_of(inst);
      const auto slot = numbering_.slot_of(place.root);
      if (slot && place.offset + place.bytes > f_.slots.at(*slot).size) respected_ = false;
      if (slot && place.offset + place.bytes < place.offset) respected_ = false;
    }
  }
  for (uint32_t number : named) {
    const auto slot = slots_.find(number);
    if (slot != slots_.end()) exposed_ |= slot->second;
  }
}

std::vector<SlotSet> Aliasing::pointers(const std::vector<SlotSet>& leaves) const {
  // What a class is made from has a smaller number.
  std::vector<SlotSet> all(numbering_.size(), 0);
  for (ClassId id = 0; id < all.size(); ++id) {
    all[id] = slot_bits(id) | (id < leaves.size() ? leaves[id] : 0);
    for (ClassId operand : numbering_.made_from(id)) all[id] |= all[operand];
  }
  return all;
}

void Aliasing::find_pointers() {
  std::vector<SlotSet> leaves(numbering_.size(), 0);
  any_escaping_ = exposed_;
  std::vector<SlotSet> made_from(table_size(f_), 0);
  hidden_.assign(made_from.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    any_pointers_ = pointers(leaves);
    const auto add = [&](SlotSet& set, SlotSet more) {
      changed = changed || (set | more) != set;
      set |= more;
    };
    const auto in = [&](Value value) { return any_pointers_[numbering_.of(value)] | made_from[value]; };
    // Known to be a constant, or one of two values: the class has forgotten what that was found out from.
    const auto forgets = [&](Value value, bool is_select) {
      return is_select || numbering_.constant(numbering_.of(value)).has_value();
    };
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      for (const Edge& edge : numbering_.incoming(b)) {
        for (size_t i = 0; i < edge.call->args.size(); ++i) {
          const BlockArg& arg = edge.call->args[i];
          const Value param = f_.blocks[b].params[i].value;
          const SlotSet slots = arg.kind == BlockArg::kValue ? in(arg.number) : any_escaping_;
          add(leaves[numbering_.of(param)], slots);
          add(made_from[param], slots);
          if (forgets(param, false)) add(hidden_[param], slots);
        }
      }
      for (const Inst& inst : f_.blocks[b].insts) {
        if (inst.writes_memory()) add(any_escaping_, in(inst.args[0]));
        for (Value shown : shown_values(inst)) add(any_escaping_, in(shown));
        if (!is_pure(f_, inst)) {
          for (Value result : inst.results) add(leaves[numbering_.of(result)], any_escaping_);
          continue;
        }
        SlotSet slots = 0;
        for (Value arg : inst.args) slots |= in(arg);
        for (Value result : inst.results) {
          add(made_from[result], slots);
          if (forgets(result, inst.op == Opcode::kSelect)) add(hidden_[result], slots);
        }
      }
    }
  }
}

}  // namespace lockstep::clif
