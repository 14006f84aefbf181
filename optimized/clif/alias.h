// Places in memory, and whether two of them may share a byte.
#pragma once

#include <optional>
#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/ir.h"
#include "optimized/clif/numbering.h"

namespace lockstep::clif {

// The bytes that an access touches: `bytes` from the address `root` plus `offset` on.
struct Place {
  ClassId root = kNoClass;
  uint64_t offset = 0;
  uint32_t bytes = 0;
  std::optional<uint32_t> region;

  bool same_bytes(const Place& other) const {
    return root == other.root && offset == other.offset && bytes == other.bytes;
  }
  friend bool operator==(const Place&, const Place&) = default;
};

enum class Overlap : uint8_t {
  kNone,
  kMaybe,   // or what is not one of the others
  kSame,    // the same bytes
  kCovers,  // all bytes of the second and more
  kInside,  // some of the bytes of the second and no other
};

// A set of stack slots. Those behind the 63rd share a bit and count as known to everybody.
using SlotSet = uint64_t;

class Aliasing {
 public:
  Aliasing(const Function& function, const Numbering& numbering, const ElideOptions& options);

  Place place_of(const Inst& access) const;
  // Whether the bytes of two places are shared. pointers[c] are the slots that a value of class c may point into.
  Overlap overlap(const Place& a, const Place& b, const std::vector<SlotSet>& pointers) const;
  bool may_overlap(const Place& a, const Place& b, const std::vector<SlotSet>& pointers) const {
    return overlap(a, b, pointers) != Overlap::kNone;
  }

  // The slot that a place lies in, as a set; empty if it lies elsewhere (or its address is not that of a slot plus a
  // constant).
  SlotSet slot_of(const Place& place) const { return slot_bits(place.root); }
  SlotSet slot_bits(ClassId root) const { return root < slot_bits_.size() ? slot_bits_[root] : 0; }
  // Slots that somebody may look at although their address goes nowhere.
  SlotSet exposed() const { return exposed_; }
  // Whether every access at a slot's address plus a constant stays in the slot.
  bool slots_are_respected() const { return respected_; }

  // What each class may point into, if that is `leaves` for what is not made from other classes: block parameters,
  // results of loads and calls. Classes behind the end of `leaves` have none.
  std::vector<SlotSet> pointers(const std::vector<SlotSet>& leaves) const;
  // The same if every store happens; and the slots whose addresses get into memory or to a call then.
  const std::vector<SlotSet>& any_pointers() const { return any_pointers_; }
  SlotSet any_escaping() const { return any_escaping_; }
  // Slots that a value tells something of although its class does not: a comparison with a known result.
  SlotSet hidden(Value value) const { return value < hidden_.size() ? hidden_[value] : 0; }

 private:
  void find_exposed();
  void find_pointers();
  void name_pointers(const Promises& promises);

  const Function& f_;
  const Numbering& numbering_;
  bool trust_regions_;
  std::vector<bool> untagged_apart_;                                    // by region
  std::vector<std::pair<std::vector<bool>, std::vector<bool>>> apart_;  // roots, for each promise
  std::map<uint32_t, SlotSet> slots_;
  std::vector<SlotSet> slot_bits_;  // by class
  SlotSet exposed_ = 0;
  bool respected_ = true;
  std::vector<SlotSet> any_pointers_, hidden_;
  SlotSet any_escaping_ = 0;
};

// The values whose addresses become known when this instruction runs (not: is delayed): what a call is given, what an
// atomic or pinned register is set to. Plain stores are left out.
std::vector<Value> shown_values(const Inst& inst);

// Adds the numbers of the stack slots that a text names, as in "ss3".
void slots_named_in(const std::string& text, std::vector<uint32_t>& slots);

}  // namespace lockstep::clif
