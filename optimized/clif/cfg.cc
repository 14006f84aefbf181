// Control flow and dominators. The dominators are found by Lengauer and Tarjan's method with path compression, because
// the simpler iterative one takes quadratic time on texts that anyone can write (a ladder with a common exit).
#include "optimized/clif/cfg.h"

#include <algorithm>
#include <utility>

namespace lockstep::clif {
namespace {

constexpr size_t kNone = static_cast<size_t>(-1);

// The forest of Lengauer and Tarjan: nodes are numbers of the depth-first walk.
class Forest {
 public:
  explicit Forest(size_t size) : ancestor_(size, kNone), label_(size), semi_(size) {
    for (size_t i = 0; i < size; ++i) label_[i] = semi_[i] = i;
  }
  void link(size_t parent, size_t child) { ancestor_[child] = parent; }
  size_t& semi(size_t node) { return semi_[node]; }
  // The node with the smallest semidominator on the way up to (but without) the root of its tree.
  size_t eval(size_t node) {
    if (ancestor_[node] == kNone) return node;
    path_.clear();
    for (size_t at = node; ancestor_[ancestor_[at]] != kNone; at = ancestor_[at]) path_.push_back(at);
    while (!path_.empty()) {
      const size_t at = path_.back();
      path_.pop_back();
      const size_t above = ancestor_[at];
      if (semi_[label_[above]] < semi_[label_[at]]) label_[at] = label_[above];
      ancestor_[at] = ancestor_[above];
    }
    return label_[node];
  }

 private:
  std::vector<size_t> ancestor_, label_, semi_, path_;
};

}  // namespace

Cfg::Cfg(const Function& function) {
  const size_t size = function.blocks.size();
  for (size_t i = 0; i < size; ++i) index_.emplace(function.blocks[i].id, i);
  successors_.resize(size);
  predecessors_.resize(size);
  for (size_t i = 0; i < size; ++i) {
    for (const BlockCall* call : clif::successors(function.blocks[i])) {
      const size_t target = index_.at(call->block);
      successors_[i].push_back(target);
      predecessors_[target].push_back(i);
    }
  }
  enter_.assign(size, 0);
  leave_.assign(size, 0);
  idom_.resize(size);
  for (size_t i = 0; i < size; ++i) idom_[i] = i;
  if (size == 0) return;
  find_order();
  find_dominators();
  number_tree();
}

void Cfg::find_order() {
  const size_t size = successors_.size();
  parent_.assign(size, kNone);
  std::vector<bool> seen(size, false);
  std::vector<std::pair<size_t, size_t>> stack;  // block, successors already followed
  stack.emplace_back(0, 0);
  seen[0] = true;
  preorder_.push_back(0);
  while (!stack.empty()) {
    auto& [block, followed] = stack.back();
    if (followed == successors_[block].size()) {
      order_.push_back(block);
      stack.pop_back();
      continue;
    }
    const size_t target = successors_[block][followed++];
    if (seen[target]) continue;
    seen[target] = true;
    parent_[target] = block;
    preorder_.push_back(target);
    stack.emplace_back(target, 0);
  }
  std::reverse(order_.begin(), order_.end());
}

void Cfg::find_dominators() {
  const size_t size = preorder_.size();
  std::vector<size_t> number(successors_.size(), kNone);
  for (size_t i = 0; i < size; ++i) number[preorder_[i]] = i;

  Forest forest(size);
  std::vector<size_t> idom(size, 0);
  std::vector<std::vector<size_t>> bucket(size);
  for (size_t node = size; node-- > 1;) {
    const size_t parent = number[parent_[preorder_[node]]];
    for (size_t predecessor : predecessors_[preorder_[node]]) {
      if (number[predecessor] == kNone) continue;
      const size_t best = forest.eval(number[predecessor]);
      forest.semi(node) = std::min(forest.semi(node), forest.semi(best));
    }
    bucket[forest.semi(node)].push_back(node);
    forest.link(parent, node);
    for (size_t waiting : bucket[parent]) {
      const size_t best = forest.eval(waiting);
      idom[waiting] = forest.semi(best) < forest.semi(waiting) ? best : parent;
    }
    bucket[parent].clear();
  }
  for (size_t node = 1; node < size; ++node) {
    if (idom[node] != forest.semi(node)) idom[node] = idom[idom[node]];
    idom_[preorder_[node]] = preorder_[idom[node]];
  }
}

void Cfg::number_tree() {
  std::vector<std::vector<size_t>> children(successors_.size());
  for (size_t i = 1; i < preorder_.size(); ++i) children[idom_[preorder_[i]]].push_back(preorder_[i]);
  std::vector<std::pair<size_t, size_t>> stack;
  size_t clock = 0;
  stack.emplace_back(0, 0);
  enter_[0] = ++clock;
  while (!stack.empty()) {
    auto& [block, walked] = stack.back();
    if (walked == children[block].size()) {
      leave_[block] = ++clock;
      stack.pop_back();
      continue;
    }
    const size_t child = children[block][walked++];
    enter_[child] = ++clock;
    stack.emplace_back(child, 0);
  }
}

}  // namespace lockstep::clif
