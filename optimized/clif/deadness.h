// Which stores are overwritten on every way before anybody can look: the backward half of the elision pass.
//
// This looks at all stores as they stand in the function. It does not see that a slot's address, once stored, is
// not really there because that store is delayed; the forward half does, so they complement each other.
#pragma once

#include <vector>

#include "optimized/clif/alias.h"
#include "optimized/clif/cfg.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/numbering.h"

namespace lockstep::clif {

// The stores of a function, numbered in the order of its blocks.
struct StoreList {
  explicit StoreList(const Function& function);
  std::vector<std::vector<uint32_t>> number;  // by block and instruction; of others 0
  std::vector<const Inst*> insts;
};

class Deadness {
 public:
  Deadness(const Function& function, const Cfg& cfg, const Numbering& numbering, const Aliasing& aliasing,
           const StoreList& stores, const ElideOptions& options);

  // Whether what this store writes is dead as soon as it is written.
  bool dead_after(uint32_t store) const { return dead_after_[store]; }
  // Whether the bytes that this store writes are dead when `block` begins.
  bool dead_at(uint32_t store, size_t block) const { return key_[store] < keys_.size() && is_dead(block, key_[store]); }
  // Whether a way leads from the block to a return or trap.
  bool ends(size_t block) const { return ends_[block]; }

 private:
  // One bit for each place that is stored to.
  using Bits = std::vector<uint64_t>;

  static constexpr size_t kMostKeys = 512;  // places beyond are taken to be live

  bool is_dead(size_t block, uint32_t key) const { return (dead_in_[block][key / 64] >> key % 64 & 1) != 0; }
  void find_keys();
  void find_ends();
  Bits dead_at_end(size_t block) const;
  // What is dead at the beginning of a block if this is dead at its end. Notes what is dead after each store.
  Bits walked(size_t block, Bits dead);
  void step(Bits& dead, const Inst& inst, uint32_t store);
  void call(Bits& dead, const Inst& inst) const;

  const Function& f_;
  const Cfg& cfg_;
  const Numbering& numbering_;
  const Aliasing& aliasing_;
  const StoreList& stores_;
  const ElideOptions& options_;

  struct Key {
    Place place;
    const Inst* store;
  };
  std::vector<Key> keys_;
  std::vector<uint32_t> key_;  // of each store; keys_.size() or more: none
  Bits in_slots_, private_;    // keys in stack slots; in those whose address gets nowhere
  Bits unseen_;                // keys that nobody looks at after a trap
  std::vector<Bits> valid_, dead_in_;
  std::vector<Bits> always_, passed_;  // dead at the beginning whatever is dead at the end; only if it is dead there
  std::vector<bool> ends_, dead_after_;
};

}  // namespace lockstep::clif
