// Copying blocks, and finding out afterwards which copy of a value gets where. See split.h.
#include "optimized/clif/split.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "optimized/clif/cfg.h"
#include "optimized/clif/hot.h"
#include "optimized/clif/uses.h"

namespace lockstep::clif {
namespace {

class Splitter {
 public:
  explicit Splitter(const Function& function) : out_(function) {
    for (const Block& block : out_.blocks) next_block_ = std::max(next_block_, block.id + 1);
    if (!out_.types.empty()) next_value_ = out_.types.rbegin()->first + 1;
  }

  Function function(const std::vector<size_t>& shared, size_t count) {
    const std::vector<bool> hot = hot_blocks(out_, Cfg(out_));
    for (size_t i = 0; i < count; ++i) copy(shared[i]);
    // What is not hot, and the copies, go to copies.
    for (size_t b = 0; b < out_.blocks.size(); ++b) {
      if (b < hot.size() && hot[b]) continue;
      for (BlockCall* call : ways_out(out_.blocks[b])) {
        const auto copied = block_of_.find(call->block);
        if (copied != block_of_.end()) call->block = copied->second;
      }
    }
    for (size_t b = 0; b < out_.blocks.size(); ++b) {
      for (Inst& inst : out_.blocks[b].insts) {
        for_each_use(inst, [&](Value& value) { users_[value].insert(b); });
      }
    }
    const Cfg cfg(out_);
    for (const Copied& copied : copied_) repair(cfg, copied);
    return std::move(out_);
  }

 private:
  struct Copied {
    Value value, other;  // in the block and in its copy
    size_t home, copy;
  };

  // Appends a copy of a block whose own values are new ones.
  void copy(size_t b) {
    Block block = out_.blocks[b];
    block_of_[block.id] = next_block_;
    block.id = next_block_++;
    block.cold = true;
    std::map<Value, Value> renamed;
    const auto rename = [&](Value& value) {
      const Value other = new_value(out_.types.at(value));
      renamed[value] = other;
      copied_.push_back({value, other, b, out_.blocks.size()});
      value = other;
    };
    for (BlockParam& param : block.params) rename(param.value);
    for (Inst& inst : block.insts) {
      for_each_use(inst, [&](Value& value) {
        const auto found = renamed.find(value);
        if (found != renamed.end()) value = found->second;
      });
      for (Value& result : inst.results) rename(result);
    }
    out_.blocks.push_back(std::move(block));
  }

  // Where a value that exists twice is used, puts the one that gets there, or a block parameter for both.
  void repair(const Cfg& cfg, const Copied& v) {
    std::set<size_t> users = users_[v.value];
    users.erase(v.home);
    std::set<size_t> wanted;  // blocks that want the value when they begin
    std::vector<size_t> todo(users.begin(), users.end());
    while (!todo.empty()) {
      const size_t b = todo.back();
      todo.pop_back();
      if (b == v.home || b == v.copy || !wanted.insert(b).second) continue;
      todo.insert(todo.end(), cfg.predecessors(b).begin(), cfg.predecessors(b).end());
    }
    std::map<size_t, Value> params;
    const Type type = out_.types.at(v.value);
    for (size_t b : wanted) {
      if (cfg.predecessors(b).size() == 1) continue;
      params[b] = new_value(type);
      out_.blocks[b].params.push_back({params[b], type});
    }
    const auto at_end = [&](size_t b) {
      for (;; b = cfg.predecessors(b)[0]) {
        if (b == v.home) return v.value;
        if (b == v.copy) return v.other;
        const auto param = params.find(b);
        if (param != params.end()) return param->second;
      }
    };
    for (size_t b : users) {
      const Value here = at_end(b);
      for (Inst& inst : out_.blocks[b].insts) {
        for_each_use(inst, [&](Value& value) {
          if (value == v.value) value = here;
        });
      }
    }
    for (const auto& [b, param] : params) {
      const auto& from = cfg.predecessors(b);
      for (size_t way : std::set<size_t>(from.begin(), from.end())) {
        for (BlockCall* call : ways_out(out_.blocks[way])) {
          if (call->block == out_.blocks[b].id) call->args.push_back({BlockArg::kValue, at_end(way)});
        }
      }
    }
  }

  Value new_value(Type type) {
    out_.types.emplace(next_value_, type);
    return next_value_++;
  }

  Function out_;
  BlockId next_block_ = 0;
  Value next_value_ = 0;
  std::map<BlockId, BlockId> block_of_;
  std::vector<Copied> copied_;
  std::map<Value, std::set<size_t>> users_;
};

}  // namespace

std::vector<size_t> shared_blocks(const Function& function, size_t most) {
  const Cfg cfg(function);
  const std::vector<bool> hot = hot_blocks(function, cfg);
  std::vector<size_t> position(function.blocks.size(), 0);
  for (size_t i = 0; i < cfg.order().size(); ++i) position[cfg.order()[i]] = i;
  std::vector<bool> is_shared(function.blocks.size(), false);
  std::vector<size_t> shared;
  size_t instructions = 0;
  for (size_t b : cfg.order()) {
    const auto& from = cfg.predecessors(b);
    const bool reached = std::any_of(from.begin(), from.end(), [&](size_t way) { return !hot[way] || is_shared[way]; });
    const bool is_head =
        std::any_of(from.begin(), from.end(), [&](size_t way) { return position[way] >= position[b]; });
    if (!hot[b] || !reached || is_head) continue;
    instructions += function.blocks[b].insts.size();
    if (instructions > most) break;
    is_shared[b] = true;
    shared.push_back(b);
  }
  return shared;
}

Function split(const Function& function, const std::vector<size_t>& shared, size_t count) {
  return Splitter(function).function(shared, count);
}

}  // namespace lockstep::clif
