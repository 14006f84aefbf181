// Value numbering: which values are surely equal, and which addresses lie a known distance apart.
//
// Values are put into classes. The values of a class are equal wherever all of them are defined; a class of addresses
// is a *root* (what the address is computed from and nothing is known about) plus a constant. Constants, sums, pure
// instructions on equal operands, `readonly` loads of equal addresses, loads that a promise calls equal, and block
// parameters whose arguments are all equal share a class. Nothing is changed in the function.
//
// A class is *valid* where everything that it is computed from is defined for good: there its value is one value, also
// in the next turn of a loop around that place.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/ir.h"
#include "optimized/clif/promises.h"

namespace lockstep::clif {

using ClassId = uint32_t;
inline constexpr ClassId kNoClass = ~ClassId{0};

// A way into a block.
struct Edge {
  size_t from = 0;
  const BlockCall* call = nullptr;
};

// Where a value comes to be. index 0: with the block's parameters; i + 1: by instruction i.
struct Site {
  size_t block = 0;
  size_t index = 0;
};

class Numbering {
 public:
  // The function must not change as long as this lives, and have no aliases and no unreachable blocks.
  Numbering(const Function& function, const Cfg& cfg, const Promises& promises);

  // The ways into a block, in the order of Cfg::predecessors.
  const std::vector<Edge>& incoming(size_t block) const { return incoming_[block]; }

  ClassId of(Value value) const { return of_[value]; }
  // The address as root and distance. The root of a constant is zero(), that of a stack slot's address slot_root().
  struct Address {
    ClassId root = kNoClass;
    uint64_t offset = 0;
  };
  Address address(ClassId id) const { return {classes_[id].root, classes_[id].offset}; }
  ClassId zero() const { return zero_; }
  std::optional<uint32_t> slot_of(ClassId root) const { return classes_[root].slot; }
  // The constant that a class is, the bits above its type clear.
  std::optional<uint64_t> constant(ClassId id) const { return classes_[id].constant; }
  // Whether the lowest `bytes` bytes of two values are the same, which those of a value and its extension are.
  bool same_bytes(ClassId a, ClassId b, uint32_t bytes) const;

  // Whether what is said of the class on a way into `block` is still true of it in the block. It is not if the way
  // leads back to where the class gets a value: block parameters included.
  bool valid_at(ClassId id, size_t block) const {
    const size_t home = classes_[id].site.block;
    return home != block && cfg_.dominates(home, block);
  }
  bool comes_before(const Site& site, size_t block) const {
    return site.block == block ? site.index == 0 : cfg_.dominates(site.block, block);
  }
  bool comes_before(const Site& site, const Site& later) const {
    return site.block == later.block ? site.index < later.index : cfg_.dominates(site.block, later.block);
  }
  const Site& site_of(Value value) const { return sites_[value]; }
  const Site& site_of_class(ClassId id) const { return classes_[id].site; }
  // The values of a class, in reverse post-order.
  const std::vector<Value>& members(ClassId id) const { return classes_[id].members; }

  // What the value of a class is made from, so that it tells something of it: comparisons too. What is read from memory
  // is not made from its address.
  const std::vector<ClassId>& made_from(ClassId id) const { return classes_[id].operands; }
  size_t size() const { return classes_.size(); }

  // A value that is not in the function yet, defined with the parameters of `block`: a class of its own.
  ClassId add(Value value, size_t block);

 private:
  using Key = std::vector<uint64_t>;
  struct Class {
    ClassId root = kNoClass;
    uint64_t offset = 0;
    Site site;
    std::optional<uint32_t> slot;
    std::optional<uint64_t> constant;
    std::vector<ClassId> operands;
    std::vector<Value> members;
    ClassId resized = kNoClass;  // what it extends or reduces
    uint32_t bits = 0;           // of its type
  };

  ClassId base_of(ClassId id, uint32_t bytes) const;
  bool pass();
  ClassId class_of_param(size_t block, size_t position);
  ClassId class_of_result(const Inst& inst, size_t result);
  ClassId class_of_load(const Inst& inst);
  ClassId class_of_global(const Inst& inst);
  ClassId readonly(Opcode op, Type type, bool big, ClassId root, uint64_t offset);
  ClassId folded(const Inst& inst);
  ClassId folded_compare(const Inst& inst);
  ClassId expression(const Inst& inst, size_t result);

  ClassId opaque(Value value);
  ClassId constant_of(Type type, uint64_t bits);
  ClassId slot_root(uint32_t slot);
  ClassId sum(ClassId root, uint64_t offset);
  ClassId add_addresses(ClassId a, ClassId b);
  // The class of this key, made from these; a new one gets the site of the last defined of them.
  ClassId interned(Key key, std::vector<ClassId> operands, uint32_t bits);
  const Site& later(const Site& a, const Site& b) const;

  const Function& f_;
  const Cfg& cfg_;
  const Promises& promises_;
  std::vector<ClassId> of_;
  std::vector<Site> sites_;
  std::vector<bool> distinct_;  // block parameters that turned out not to be equal to one value
  std::vector<Class> classes_;
  std::map<Key, ClassId> interned_;
  ClassId zero_ = kNoClass;
  std::vector<std::vector<Edge>> incoming_;
};

}  // namespace lockstep::clif
