// Counting accesses: in a function, and on the ways through it that matter for speed.
#include <algorithm>
#include <optional>
#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/hot.h"

namespace lockstep::clif {
namespace {

AccessCount count_block(const Block& block) {
  AccessCount count;
  for (const Inst& inst : block.insts) {
    if (inst.writes_memory()) ++count.stores;
    if (inst.reads_memory()) ++count.loads;
  }
  return count;
}

}  // namespace

AccessCount count_accesses(const Function& function) {
  AccessCount sum;
  for (const Block& block : function.blocks) {
    const AccessCount count = count_block(block);
    sum.stores += count.stores;
    sum.loads += count.loads;
  }
  return sum;
}

std::vector<bool> hot_blocks(const Function& function, const Cfg& cfg) {
  const size_t size = function.blocks.size();
  std::vector<bool> allowed(size, false), from_entry(size, false), to_return(size, false);
  std::vector<size_t> todo;
  for (size_t b : cfg.order()) {
    const Block& block = function.blocks[b];
    allowed[b] = !block.cold &&
                 std::none_of(block.insts.begin(), block.insts.end(), [](const Inst& inst) { return inst.is_call(); });
    if (allowed[b] && block.insts.back().op == Opcode::kReturn) {
      to_return[b] = true;
      todo.push_back(b);
    }
  }
  while (!todo.empty()) {
    const size_t b = todo.back();
    todo.pop_back();
    for (size_t from : cfg.predecessors(b)) {
      if (!allowed[from] || to_return[from]) continue;
      to_return[from] = true;
      todo.push_back(from);
    }
  }
  if (size == 0 || !to_return[0]) return std::vector<bool>(size, false);
  from_entry[0] = true;
  todo.push_back(0);
  while (!todo.empty()) {
    const size_t b = todo.back();
    todo.pop_back();
    for (size_t to : cfg.successors(b)) {
      if (!to_return[to] || from_entry[to]) continue;
      from_entry[to] = true;
      todo.push_back(to);
    }
  }
  return from_entry;
}

std::optional<AccessCount> count_hot_path(const Function& function) {
  const Cfg cfg(function);
  const std::vector<bool> hot = hot_blocks(function, cfg);
  if (hot.empty() || !hot[0]) return std::nullopt;
  std::vector<size_t> position(hot.size(), 0);
  for (size_t i = 0; i < cfg.order().size(); ++i) position[cfg.order()[i]] = i;
  // The most from a block to a return; ways back to a block that came earlier are not gone.
  std::vector<AccessCount> most(hot.size());
  for (auto block = cfg.order().rbegin(); block != cfg.order().rend(); ++block) {
    if (!hot[*block]) continue;
    AccessCount behind;
    for (size_t to : cfg.successors(*block)) {
      if (!hot[to] || position[to] <= position[*block]) continue;
      behind.stores = std::max(behind.stores, most[to].stores);
      behind.loads = std::max(behind.loads, most[to].loads);
    }
    most[*block] = count_block(function.blocks[*block]);
    most[*block].stores += behind.stores;
    most[*block].loads += behind.loads;
  }
  return most[0];
}

}  // namespace lockstep::clif
