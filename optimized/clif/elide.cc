// The order of things: first loads are taken from what is known, until no more can be; this makes branches known and
// lets stores be seen that nobody reads. Then stores are delayed. See elide.h and delay.h.
#include "optimized/clif/elide.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "optimized/clif/cleanup.h"
#include "optimized/clif/delay.h"
#include "optimized/clif/rewrite.h"
#include "optimized/clif/sink.h"
#include "optimized/clif/split.h"

namespace lockstep::clif {
namespace {

constexpr size_t kMostRounds = 8;
constexpr size_t kMostInstructions = 50000;
constexpr size_t kMostCopied = 500;  // instructions
constexpr size_t kLarge = 2000;      // instructions; functions that have more get one round and neither split nor sink
constexpr size_t kMostGrowth = 4;    // times as many stores as before, and
constexpr size_t kSmall = 64;        // so many more
constexpr BlockId kHighestBlock = 1u << 30;

// What this pass has been made for: addresses of 64 bits, numbers that leave room for new ones.
bool is_understood(const Function& function) {
  size_t instructions = 0;
  for (const Block& block : function.blocks) {
    instructions += block.insts.size();
    if (block.id > kHighestBlock || block.insts.empty()) return false;
    for (const Inst& inst : block.insts) {
      if (inst.access_bytes() != 0 && function.type_of(inst.args[inst.address_index()]) != kI64) return false;
      if (inst.op == Opcode::kStackAddr && inst.type != kI64) return false;
    }
  }
  return !function.blocks.empty() && instructions <= kMostInstructions;
}

// What becomes of each store, over all ways.
class Fates : public Actions {
 public:
  Fates(const Function& function, Delay& delay)
      : written(delay.stores().insts.size(), false), dropped(written), behind(written.size()) {
    const std::vector<bool> returns = leads_to_return(function, delay.cfg());
    for (size_t b : delay.cfg().order()) {
      counts_ = returns[b];
      const State end = delay.walk(b, *this);
      for (size_t to : delay.cfg().successors(b)) {
        counts_ = returns[to];
        delay.leave(end, to, *this);
      }
    }
    // Stores that become one somewhere have one fate.
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto& [a, b] : delay.one_fate()) {
        if (written[a] == written[b] && dropped[a] == dropped[b]) continue;
        written[a] = written[b] = written[a] || written[b];
        dropped[a] = dropped[b] = dropped[a] || dropped[b];
        changed = true;
      }
    }
  }

  void write(const Pending& p) override { written[p.store] = true; }
  void drop(uint32_t store) override {
    if (counts_) dropped[store] = true;
  }
  void delay(const Inst&, uint32_t store, const std::vector<uint32_t>& stores) override { behind[store] = stores; }
  void guard(const Inst&, const std::vector<Pending>& pending) override {
    for (const Pending& p : pending) write(p);
  }

  // Stores that are done on every way, so that delaying them gains nothing: and then only if they need not wait for
  // another one.
  std::vector<uint32_t> useless(const std::set<uint32_t>& in_place) const {
    std::vector<bool> stays(written.size());
    for (uint32_t store = 0; store < written.size(); ++store) {
      stays[store] = in_place.count(store) != 0 || (written[store] && !dropped[store]);
    }
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t store = 0; store < written.size(); ++store) {
        if (!stays[store] || in_place.count(store) != 0) continue;
        if (std::all_of(behind[store].begin(), behind[store].end(), [&](uint32_t other) { return stays[other]; }))
          continue;
        stays[store] = false;
        changed = true;
      }
    }
    std::vector<uint32_t> found;
    for (uint32_t store = 0; store < written.size(); ++store) {
      if (stays[store] && in_place.count(store) == 0) found.push_back(store);
    }
    return found;
  }

 private:
  static std::vector<bool> leads_to_return(const Function& function, const Cfg& cfg) {
    std::vector<bool> leads(function.blocks.size(), false);
    std::vector<size_t> todo;
    for (size_t b : cfg.order()) {
      if (!cfg.successors(b).empty() || function.blocks[b].insts.back().op == Opcode::kTrap) continue;
      leads[b] = true;
      todo.push_back(b);
    }
    while (!todo.empty()) {
      const size_t b = todo.back();
      todo.pop_back();
      for (size_t from : cfg.predecessors(b)) {
        if (leads[from]) continue;
        leads[from] = true;
        todo.push_back(from);
      }
    }
    return leads;
  }

  std::vector<bool> written, dropped;
  std::vector<std::vector<uint32_t>> behind;  // the stores that were pending and that it may not overtake
  bool counts_ = true;                        // what is spared on the way to a trap is not worth moving a store for
};

void clean(Function& function, const ElideOptions& options) {
  fold_known_branches(function, options.promises);
  remove_useless(function);
}

// Takes loads from what is known, as long as there are any. False if nothing changed.
bool forward_loads(Function& function, const ElideOptions& options) {
  bool changed = false;
  for (size_t round = 0; round < kMostRounds; ++round) {
    Delay delay(function, options);
    if (!delay.slots_are_respected() || !delay.solve({})) return changed;
    std::optional<Function> next = rewrite(function, delay, Extent::kLoads);
    if (!next) return changed;
    clean(*next, options);
    function = std::move(*next);
    changed = true;
  }
  return changed;
}

// Delays the stores for which that is worth something. nullopt: there are none.
std::optional<Function> delayed(const Function& function, const ElideOptions& options, const DelayLimits& limits) {
  Delay delay(function, options, limits);
  std::set<uint32_t> in_place;
  for (size_t round = 0;; ++round) {
    if (!delay.slots_are_respected() || !delay.solve(in_place)) return std::nullopt;
    if (round == kMostRounds) break;
    const std::vector<uint32_t> useless = Fates(function, delay).useless(in_place);
    if (useless.empty()) break;
    in_place.insert(useless.begin(), useless.end());
  }
  std::optional<Function> next = rewrite(function, delay, Extent::kAll);
  if (next) clean(*next, options);
  return next;
}

// The same, but so that no more than `most_stores` stand in the function: many cold paths may do what is pending. False
// if nothing changed.
bool delay_stores(Function& function, const ElideOptions& options, size_t most_stores) {
  for (const DelayLimits& limits :
       {DelayLimits{}, DelayLimits{false, 64}, DelayLimits{false, 8}, DelayLimits{false, 1}}) {
    std::optional<Function> next = delayed(function, options, limits);
    if (!next) return false;
    if (count_accesses(*next).stores > most_stores) continue;
    function = std::move(*next);
    return true;
  }
  return false;
}

size_t count_instructions(const Function& function) {
  size_t count = 0;
  for (const Block& block : function.blocks) count += block.insts.size();
  return count;
}

// Everything but splitting. False if nothing changed.
bool run(Function& function, const ElideOptions& options, size_t most_stores) {
  bool changed = false;
  const size_t rounds = count_instructions(function) > kLarge ? 1 : kMostRounds;
  for (size_t round = 0; round < rounds; ++round) {
    changed |= forward_loads(function, options);
    if (!delay_stores(function, options, most_stores)) break;
    changed = true;
  }
  return changed;
}

size_t stores_on_hot_path(const Function& function) {
  const std::optional<AccessCount> count = count_hot_path(function);
  return count ? count->stores : 0;
}

// Gives cold paths as little code of their own as spares the hot path all the stores that can be spared.
// False if nothing changed.
bool split_paths(const Function& function, Function& result, const ElideOptions& options, size_t most_stores) {
  const size_t before = stores_on_hot_path(result);
  if (before == 0 || count_instructions(function) > kLarge) return false;
  const std::vector<size_t> shared = shared_blocks(function, kMostCopied);
  const auto with = [&](size_t count) {
    Function made = split(function, shared, count);
    clean(made, options);
    run(made, options, most_stores);
    return made;
  };
  if (shared.empty()) return false;
  Function best = with(shared.size());
  const size_t least = stores_on_hot_path(best);
  if (least >= before) return false;
  size_t enough = shared.size(), too_few = 0;
  const size_t tries = count_instructions(function) > kMostCopied ? 1 : 6;
  for (size_t i = 0; i < tries && enough - too_few > 1; ++i) {
    const size_t middle = (enough + too_few) / 2;
    Function made = with(middle);
    if (stores_on_hot_path(made) <= least) {
      enough = middle;
      best = std::move(made);
    } else {
      too_few = middle;
    }
  }
  result = std::move(best);
  return true;
}

}  // namespace

Function elide(const Function& function, const ElideOptions& options) {
  if (!is_understood(function)) return function;
  Function start = function;
  normalize(start);
  const bool forwarded = forward_loads(start, options);
  Function result = start;
  const size_t most_stores = kMostGrowth * count_accesses(start).stores + kSmall;
  bool changed = run(result, options, most_stores) || forwarded;
  changed |= options.split_paths && split_paths(start, result, options, most_stores);
  if (!changed) return function;
  if (count_instructions(result) <= kLarge) sink(result, options);
  return result;
}

}  // namespace lockstep::clif
