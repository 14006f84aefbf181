// Going through what an instruction uses and where a block leads to, to change it.
#pragma once

#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// Calls `visit` with a reference to every value that an instruction uses.
template <typename F>
void for_each_use(Inst& inst, F visit) {
  for (Value& arg : inst.args) visit(arg);
  const auto call = [&](BlockCall& target) {
    for (BlockArg& arg : target.args) {
      if (arg.kind == BlockArg::kValue) visit(arg.number);
    }
  };
  for (BlockCall& target : inst.targets) call(target);
  for (Handler& handler : inst.handlers) {
    if (handler.kind == Handler::kContext) {
      visit(handler.context);
    } else {
      call(handler.target);
    }
  }
}

// successors() of a block that may be changed.
inline std::vector<BlockCall*> ways_out(Block& block) {
  std::vector<BlockCall*> calls;
  Inst& last = block.insts.back();
  for (BlockCall& target : last.targets) calls.push_back(&target);
  for (Handler& handler : last.handlers) {
    if (handler.kind != Handler::kContext) calls.push_back(&handler.target);
  }
  return calls;
}

// The size of a table that has a place for every value.
inline size_t table_size(const Function& function) {
  return function.types.empty() ? 0 : function.types.rbegin()->first + size_t{1};
}

}  // namespace lockstep::clif
