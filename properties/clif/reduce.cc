// Making a refuted pair small: what can be taken away so that the rest is refuted in the same way.
#include <algorithm>
#include <set>

#include "optimized/clif/verify.h"
#include "properties/clif/verify_pair.h"

namespace lockstep::refinement {
namespace {

// "return" of "return: value 0 before 0x1, after 0x0"; "at return" of "at return, byte …".
std::string kind_of(const std::string& difference) {
  return difference.substr(0, std::min(difference.find(", byte"), difference.find(": value")));
}

bool is_valid(const Function& f) {
  try {
    clif::verify(f);
    return true;
  } catch (const ReadError&) {
    return false;
  }
}

struct InstPlace {
  BlockId block;
  size_t inst;
};

std::vector<InstPlace> places_of(const Function& f) {
  std::vector<InstPlace> list;
  for (const Block& b : f.blocks) {
    for (size_t i = 0; i + 1 < b.insts.size(); ++i) list.push_back({b.id, i});
  }
  return list;
}

// Without one instruction. What it defined becomes a constant if anybody uses it and it is a number.
std::optional<Function> without(const Function& f, InstPlace place) {
  Function g = f;
  for (Block& b : g.blocks) {
    if (b.id != place.block || place.inst + 1 >= b.insts.size()) continue;
    const Inst gone = b.insts[place.inst];
    b.insts.erase(b.insts.begin() + static_cast<std::ptrdiff_t>(place.inst));
    if (is_valid(g)) return g;
    if (gone.results.size() != 1 || gone.op == Opcode::kIconst) return std::nullopt;
    const Type type = g.type_of(gone.results[0]);
    if (!type.is_int() || type.bits() > 64) return std::nullopt;
    Inst constant;
    constant.op = Opcode::kIconst;
    constant.type = type;
    constant.results = gone.results;
    b.insts.insert(b.insts.begin() + static_cast<std::ptrdiff_t>(place.inst), constant);
    return is_valid(g) ? std::optional<Function>(g) : std::nullopt;
  }
  return std::nullopt;
}

// The place of the instruction in `f` that defines or does the same as one in another function.
std::optional<InstPlace> counterpart(const Function& f, const Inst& wanted) {
  for (const Block& b : f.blocks) {
    for (size_t i = 0; i + 1 < b.insts.size(); ++i) {
      const Inst& inst = b.insts[i];
      if (inst.op == wanted.op && inst.results == wanted.results && inst.args == wanted.args &&
          inst.offset == wanted.offset && inst.imm == wanted.imm) {
        return InstPlace{b.id, i};
      }
    }
  }
  return std::nullopt;
}

// A conditional branch becomes a jump to one of its targets.
std::optional<Function> straightened(const Function& f, BlockId block, size_t target) {
  Function g = f;
  for (Block& b : g.blocks) {
    if (b.id != block) continue;
    Inst& last = b.insts.back();
    if (last.op != Opcode::kBrif && last.op != Opcode::kBrTable) return std::nullopt;
    if (target >= last.targets.size()) return std::nullopt;
    Inst jump;
    jump.op = Opcode::kJump;
    jump.targets = {last.targets[target]};
    last = jump;
  }
  // Blocks that nothing leads to any more go.
  std::set<BlockId> reached = {g.entry().id};
  std::vector<BlockId> todo = {g.entry().id};
  while (!todo.empty()) {
    const Block* b = g.find(todo.back());
    todo.pop_back();
    for (const BlockCall* call : successors(*b)) {
      if (reached.insert(call->block).second) todo.push_back(call->block);
    }
  }
  std::erase_if(g.blocks, [&](const Block& b) { return !reached.contains(b.id); });
  return is_valid(g) ? std::optional<Function>(g) : std::nullopt;
}

}  // namespace

std::pair<Function, Function> reduce_pair(const Function& before, const Function& after, const VerifyOptions& given,
                                          smt::Solver& solver) {
  VerifyOptions options = given;
  options.dump.clear();
  options.cross_check = nullptr;
  options.random_runs = 0;
  options.without_promises = false;
  const auto refuted = [&](const Function& b, const Function& a) -> std::string {
    const PairResult r = verify_pair(b, a, options, solver);
    return r.counterexample ? kind_of(r.counterexample->difference) : "";
  };
  Function b = before, a = after;
  const std::string wanted = refuted(b, a);
  if (wanted.empty()) return {b, a};
  const auto attempt = [&](const std::optional<Function>& x, const std::optional<Function>& y) {
    if (!x || !y || refuted(*x, *y) != wanted) return false;
    b = *x;
    a = *y;
    return true;
  };
  for (bool smaller = true; smaller;) {
    smaller = false;
    for (const Block& block : std::vector<Block>(b.blocks)) {
      for (size_t target = 0; target < block.insts.back().targets.size(); ++target) {
        if (attempt(straightened(b, block.id, target), straightened(a, block.id, target))) {
          smaller = true;
          break;
        }
      }
    }
    // From the end: uses go before what they use.
    std::vector<InstPlace> places = places_of(b);
    std::reverse(places.begin(), places.end());
    for (const InstPlace place : places) {
      const Block* block = b.find(place.block);
      if (block == nullptr || place.inst + 1 >= block->insts.size()) continue;
      const std::optional<InstPlace> other = counterpart(a, block->insts[place.inst]);
      smaller = attempt(without(b, place), other ? without(a, *other) : std::optional<Function>(a)) || smaller;
    }
    places = places_of(a);
    std::reverse(places.begin(), places.end());
    for (const InstPlace place : places) {
      const Block* block = a.find(place.block);
      if (block == nullptr || place.inst + 1 >= block->insts.size()) continue;
      if (!counterpart(b, block->insts[place.inst])) smaller = attempt(b, without(a, place)) || smaller;
    }
  }
  return {b, a};
}

}  // namespace lockstep::refinement
