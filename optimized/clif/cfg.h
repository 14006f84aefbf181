// The control flow graph of a function and its dominator tree. Everything is in positions of Function::blocks, not in
// block numbers. Linear but for a logarithm, without recursion: the function may come from a hostile text.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

class Cfg {
 public:
  // Every target must exist (the reader and verify() see to it).
  explicit Cfg(const Function& function);

  // The position of a block.
  size_t index_of(BlockId id) const { return index_.at(id); }
  bool contains(BlockId id) const { return index_.count(id) != 0; }
  // In the order of the text; a block that is named twice is there twice.
  const std::vector<size_t>& successors(size_t block) const { return successors_[block]; }
  const std::vector<size_t>& predecessors(size_t block) const { return predecessors_[block]; }
  bool reachable(size_t block) const { return enter_[block] != 0; }
  // The reachable blocks, each before those that only it leads to (reverse post-order).
  const std::vector<size_t>& order() const { return order_; }
  // The immediate dominator; the block itself for the entry and what is not reachable.
  size_t idom(size_t block) const { return idom_[block]; }
  // Whether every way to `b` goes through `a`. False if one of them is not reachable.
  bool dominates(size_t a, size_t b) const {
    return reachable(a) && reachable(b) && enter_[a] <= enter_[b] && leave_[b] <= leave_[a];
  }

 private:
  void find_order();
  void find_dominators();
  void number_tree();

  std::map<BlockId, size_t> index_;
  std::vector<std::vector<size_t>> successors_, predecessors_;
  std::vector<size_t> order_;     // reverse post-order
  std::vector<size_t> preorder_;  // of the depth-first walk
  std::vector<size_t> parent_;    // in that walk
  std::vector<size_t> idom_;
  std::vector<size_t> enter_, leave_;  // when a walk of the dominator tree comes to the block and leaves it; 0: never
};

}  // namespace lockstep::clif
