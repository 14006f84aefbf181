// See cleanup.h.
#include "optimized/clif/cleanup.h"

#include <algorithm>
#include <map>
#include <vector>

#include "optimized/clif/alias.h"
#include "optimized/clif/cfg.h"
#include "optimized/clif/effects.h"
#include "optimized/clif/numbering.h"
#include "optimized/clif/uses.h"

namespace lockstep::clif {
namespace {

void resolve_aliases(Function& function) {
  if (function.aliases.empty()) return;
  // An alias is written after what it stands for.
  std::map<Value, Value> meaning;
  for (const Alias& alias : function.aliases) {
    const auto of = meaning.find(alias.of);
    meaning[alias.name] = of == meaning.end() ? alias.of : of->second;
  }
  for (Block& block : function.blocks) {
    for (Inst& inst : block.insts) {
      for_each_use(inst, [&](Value& value) {
        const auto found = meaning.find(value);
        if (found != meaning.end()) value = found->second;
      });
    }
  }
  for (const Alias& alias : function.aliases) function.types.erase(alias.name);
  function.aliases.clear();
}

void keep_types_of_defined(Function& function) {
  std::map<Value, Type> types;
  for (const Block& block : function.blocks) {
    for (const BlockParam& param : block.params) types.emplace(param.value, param.type);
    for (const Inst& inst : block.insts) {
      for (Value result : inst.results) types.emplace(result, function.types.at(result));
    }
  }
  function.types = std::move(types);
}

void remove_unreachable(Function& function) {
  const Cfg cfg(function);
  if (cfg.order().size() == function.blocks.size()) return;
  std::vector<Block> kept;
  for (size_t b = 0; b < function.blocks.size(); ++b) {
    if (cfg.reachable(b)) kept.push_back(std::move(function.blocks[b]));
  }
  function.blocks = std::move(kept);
  keep_types_of_defined(function);
}

void number_densely(Function& function) {
  std::map<Value, Value> number;
  std::map<Value, Type> types;
  for (const auto& [value, type] : function.types) {
    const auto next = static_cast<Value>(number.size());
    number.emplace(value, next);
    types.emplace(next, type);
  }
  function.types = std::move(types);
  for (Block& block : function.blocks) {
    for (BlockParam& param : block.params) param.value = number.at(param.value);
    for (Inst& inst : block.insts) {
      for_each_use(inst, [&](Value& value) { value = number.at(value); });
      for (Value& result : inst.results) result = number.at(result);
    }
  }
}

// For each block the branches that lead to it.
std::vector<std::vector<BlockCall*>> ways_in(Function& function) {
  std::map<BlockId, size_t> index;
  for (size_t b = 0; b < function.blocks.size(); ++b) index.emplace(function.blocks[b].id, b);
  std::vector<std::vector<BlockCall*>> ways(function.blocks.size());
  for (Block& block : function.blocks) {
    for (BlockCall* call : ways_out(block)) ways[index.at(call->block)].push_back(call);
  }
  return ways;
}

void remove_params(Function& function, const std::vector<bool>& unwanted) {
  const auto ways = ways_in(function);
  for (size_t b = 1; b < function.blocks.size(); ++b) {
    auto& params = function.blocks[b].params;
    for (size_t i = params.size(); i-- > 0;) {
      if (!unwanted[params[i].value]) continue;
      params.erase(params.begin() + static_cast<std::ptrdiff_t>(i));
      for (BlockCall* call : ways[b]) call->args.erase(call->args.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

// Block parameters that always get one and the same value.
void merge_params(Function& function) {
  std::vector<Value> instead(table_size(function));
  for (size_t i = 0; i < instead.size(); ++i) instead[i] = static_cast<Value>(i);
  const auto meaning = [&](Value value) {
    while (instead[value] != value) value = instead[value];
    return value;
  };
  const auto ways = ways_in(function);
  std::vector<bool> unwanted(instead.size(), false);
  bool any = false;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t b = 1; b < function.blocks.size(); ++b) {
      for (size_t i = 0; i < function.blocks[b].params.size(); ++i) {
        const Value param = function.blocks[b].params[i].value;
        if (unwanted[param]) continue;
        Value common = param;
        bool same = true;
        for (const BlockCall* call : ways[b]) {
          const BlockArg& arg = call->args[i];
          const Value value = arg.kind == BlockArg::kValue ? meaning(arg.number) : param;
          same = same && arg.kind == BlockArg::kValue && (value == param || common == param || value == common);
          if (value != param) common = value;
        }
        if (!same || common == param) continue;
        instead[param] = common;
        unwanted[param] = changed = any = true;
      }
    }
  }
  if (!any) return;
  for (Block& block : function.blocks) {
    for (Inst& inst : block.insts) {
      for_each_use(inst, [&](Value& value) { value = meaning(value); });
    }
  }
  remove_params(function, unwanted);
}

bool has_effect(const Function& function, const Inst& inst) {
  switch (effect_of(function, inst)) {
    case Effect::kNone:
      return false;
    case Effect::kLoad:
      return !inst.flags.notrap();
    default:
      return true;
  }
}

// Instructions and block parameters that no effect depends on.
void remove_dead(Function& function) {
  std::vector<bool> live(table_size(function), false);
  std::vector<Value> todo;
  const auto use = [&](Value value) {
    if (live[value]) return;
    live[value] = true;
    todo.push_back(value);
  };
  struct Home {
    Inst* inst = nullptr;
    size_t block = 0, param = 0;
  };
  std::vector<Home> home(live.size());
  const auto ways = ways_in(function);
  for (size_t b = 0; b < function.blocks.size(); ++b) {
    auto& block = function.blocks[b];
    for (size_t i = 0; i < block.params.size(); ++i) home[block.params[i].value] = {nullptr, b, i};
    for (Inst& inst : block.insts) {
      for (Value result : inst.results) home[result] = {&inst, b, 0};
      if (!has_effect(function, inst)) continue;
      // What is handed to a block counts only if the block uses it.
      for (Value arg : inst.args) use(arg);
      for (const Handler& handler : inst.handlers) {
        if (handler.kind == Handler::kContext) use(handler.context);
      }
    }
  }
  while (!todo.empty()) {
    const Home at = home[todo.back()];
    todo.pop_back();
    if (at.inst != nullptr) {
      for (Value arg : at.inst->args) use(arg);
      continue;
    }
    for (const BlockCall* call : ways[at.block]) {
      if (call->args[at.param].kind == BlockArg::kValue) use(call->args[at.param].number);
    }
  }
  std::vector<bool> unwanted(live.size());
  for (size_t i = 0; i < live.size(); ++i) unwanted[i] = !live[i];
  remove_params(function, unwanted);
  for (Block& block : function.blocks) {
    const auto is_dead = [&](const Inst& inst) {
      return !has_effect(function, inst) &&
             std::none_of(inst.results.begin(), inst.results.end(), [&](Value v) { return live[v]; });
    };
    block.insts.erase(std::remove_if(block.insts.begin(), block.insts.end(), is_dead), block.insts.end());
  }
}

void remove_slots(Function& function) {
  std::vector<uint32_t> used;
  for (const Block& block : function.blocks) {
    for (const Inst& inst : block.insts) {
      if (inst.op == Opcode::kStackAddr) used.push_back(inst.entity);
      slots_named_in(inst.stack_map, used);
      slots_named_in(inst.tags, used);
    }
  }
  std::sort(used.begin(), used.end());
  for (auto slot = function.slots.begin(); slot != function.slots.end();) {
    const bool keep = !slot->second.key.empty() || std::binary_search(used.begin(), used.end(), slot->first);
    slot = keep ? std::next(slot) : function.slots.erase(slot);
  }
}

}  // namespace

void normalize(Function& function) {
  resolve_aliases(function);
  remove_unreachable(function);
  constexpr size_t kSpread = 16, kSmall = 4096;
  if (table_size(function) > kSmall + kSpread * function.types.size()) number_densely(function);
}

void fold_known_branches(Function& function, const Promises& promises) {
  {
    const Cfg cfg(function);
    const Numbering numbering(function, cfg, promises);
    for (Block& block : function.blocks) {
      const auto is_idle = [&](const Inst& inst) {
        if (inst.op != Opcode::kTrapz && inst.op != Opcode::kTrapnz) return false;
        const auto condition = numbering.constant(numbering.of(inst.args[0]));
        return condition && (*condition == 0) == (inst.op == Opcode::kTrapnz);
      };
      Inst& last = block.insts.back();
      if (last.op == Opcode::kBrif) {
        if (const auto condition = numbering.constant(numbering.of(last.args[0]))) {
          last.targets = {last.targets[*condition != 0 ? 0 : 1]};
          last.op = Opcode::kJump;
          last.args.clear();
          last.type = Type{};
        }
      }
      block.insts.erase(std::remove_if(block.insts.begin(), block.insts.end(), is_idle), block.insts.end());
    }
  }
  remove_unreachable(function);
}

void remove_useless(Function& function) {
  merge_params(function);
  remove_dead(function);
  remove_slots(function);
  keep_types_of_defined(function);
}

}  // namespace lockstep::clif
