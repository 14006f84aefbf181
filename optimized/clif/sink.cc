// See sink.h.
#include "optimized/clif/sink.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/delay.h"
#include "optimized/clif/effects.h"
#include "optimized/clif/hot.h"
#include "optimized/clif/uses.h"

namespace lockstep::clif {
namespace {

constexpr size_t kMostCopies = 8;

class Sinker {
 public:
  Sinker(Function& function, const ElideOptions& options)
      : f_(function), before_(function), delay_(before_, options), hot_(hot_blocks(before_, delay_.cfg())) {}

  void run() {
    if (hot_.empty() || !hot_[0]) return;
    if (!delay_.slots_are_respected() || !delay_.solve_as_is()) return;
    const auto& order = delay_.cfg().order();
    for (size_t i = 0; i < order.size(); ++i) position_[order[i]] = i;
    find_loops();
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      for (Inst& inst : f_.blocks[b].insts) {
        for_each_use(inst, [&](Value& value) { users_[value].insert(b); });
      }
    }
    in_front_.resize(f_.blocks.size());
    for (auto b = order.rbegin(); b != order.rend(); ++b) {
      if (hot_[*b]) empty(*b);
    }
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      auto& insts = f_.blocks[b].insts;
      insts.insert(insts.begin(), in_front_[b].rbegin(), in_front_[b].rend());
    }
  }

 private:
  // Moves what can be moved out of a block, the last first, since it may be all that wants the others.
  void empty(size_t b) {
    auto& insts = f_.blocks[b].insts;
    gone_.assign(insts.size(), false);
    for (size_t i = insts.size(); i-- > 0;) {
      if (!movable(insts[i])) continue;
      const std::vector<size_t> places = places_for(insts[i], b);
      if (places.empty()) continue;
      gone_[i] = true;
      move(insts[i], b, places);
    }
    std::vector<Inst> kept;
    for (size_t i = 0; i < insts.size(); ++i) {
      if (!gone_[i]) kept.push_back(std::move(insts[i]));
    }
    insts = std::move(kept);
  }

  bool movable(const Inst& inst) const {
    if (inst.results.size() != 1) return false;
    if (inst.reads_memory()) return inst.flags.notrap();
    return effect_of(f_, inst) == Effect::kNone && is_pure(f_, inst);
  }

  // The blocks that must have the instruction so that all its users are served; empty if it cannot go there.
  std::vector<size_t> places_for(const Inst& inst, size_t from) const {
    const auto found = users_.find(inst.results[0]);
    if (found == users_.end()) return {};
    std::vector<size_t> users(found->second.begin(), found->second.end());
    std::sort(users.begin(), users.end(), [&](size_t a, size_t b) { return position_.at(a) < position_.at(b); });
    std::vector<size_t> places;
    for (size_t user : users) {
      if (hot_[user]) return {};
      const auto serves = [&](size_t place) { return delay_.cfg().dominates(place, user); };
      if (std::none_of(places.begin(), places.end(), serves)) places.push_back(user);
    }
    if (places.size() > kMostCopies) return {};
    for (size_t place : places) {
      if (!runs_no_more_often(place, from) || !gives_the_same(inst, place)) return {};
    }
    return places;
  }

  bool gives_the_same(const Inst& inst, size_t place) const {
    if (!inst.reads_memory() || inst.flags.readonly) return true;
    const ClassId content = delay_.numbering().of(inst.results[0]);
    const Place at = delay_.place_of(inst);
    const auto& known = delay_.at_begin(place).known;
    return std::any_of(known.begin(), known.end(),
                       [&](const Content& k) { return k.content == content && k.place.same_bytes(at); });
  }

  void move(const Inst& inst, size_t from, const std::vector<size_t>& places) {
    const std::set<size_t> users = std::exchange(users_[inst.results[0]], {});
    Inst moved = inst;
    for_each_use(moved, [&](Value& value) { users_[value].insert(places.begin(), places.end()); });
    for (size_t place : places) {
      Inst copy = inst;
      if (place != places.front()) {
        copy.results[0] = f_.types.rbegin()->first + 1;
        f_.types.emplace(copy.results[0], f_.types.at(inst.results[0]));
        for (size_t user : users) {
          if (!delay_.cfg().dominates(place, user)) continue;
          const auto replace = [&](Value& value) {
            if (value == inst.results[0]) value = copy.results[0];
          };
          for (Inst& use : f_.blocks[user].insts) for_each_use(use, replace);
          for (Inst& use : in_front_[user]) for_each_use(use, replace);
        }
      }
      in_front_[place].push_back(std::move(copy));
    }
    forget_uses(inst, from);
  }

  // Notes that a block does without an instruction.
  void forget_uses(const Inst& gone, size_t b) {
    Inst inst = gone;
    for_each_use(inst, [&](Value& value) {
      bool used = false;
      for (size_t i = 0; i < f_.blocks[b].insts.size(); ++i) {
        if (gone_[i]) continue;
        for_each_use(f_.blocks[b].insts[i], [&](Value& other) { used = used || other == value; });
      }
      if (!used) users_[value].erase(b);
    });
  }

  // The blocks of each loop: those from which its head can be reached without leaving what the head dominates.
  void find_loops() {
    const Cfg& cfg = delay_.cfg();
    for (size_t head : cfg.order()) {
      std::vector<size_t> todo;
      for (size_t from : cfg.predecessors(head)) {
        if (position_.at(from) >= position_.at(head)) todo.push_back(from);
      }
      if (todo.empty()) continue;
      std::set<size_t> loop = {head};
      while (!todo.empty()) {
        const size_t b = todo.back();
        todo.pop_back();
        if (!loop.insert(b).second) continue;
        todo.insert(todo.end(), cfg.predecessors(b).begin(), cfg.predecessors(b).end());
      }
      loops_.push_back(std::move(loop));
    }
  }
  bool runs_no_more_often(size_t place, size_t from) const {
    return std::all_of(loops_.begin(), loops_.end(),
                       [&](const std::set<size_t>& loop) { return loop.count(place) == 0 || loop.count(from) != 0; });
  }

  Function& f_;
  const Function before_;
  Delay delay_;
  const std::vector<bool> hot_;
  std::map<size_t, size_t> position_;
  std::vector<std::set<size_t>> loops_;
  std::map<Value, std::set<size_t>> users_;
  std::vector<bool> gone_;                   // of the block that is being emptied
  std::vector<std::vector<Inst>> in_front_;  // of each block, the last first
};

}  // namespace

void sink(Function& function, const ElideOptions& options) { Sinker(function, options).run(); }

}  // namespace lockstep::clif
