// Block after block in the order of the text; new blocks for traps stand at the end, those on edges behind the block
// that they come from. See rewrite.h.
#include "optimized/clif/rewrite.h"

#include <algorithm>
#include <map>
#include <utility>

namespace lockstep::clif {
namespace {

class Rewriter : public Actions {
 public:
  Rewriter(const Function& function, Delay& delay, Extent extent) : f_(function), delay_(delay), extent_(extent) {
    out_ = f_;
    out_.blocks.clear();
    for (const Block& block : f_.blocks) next_block_ = std::max(next_block_, block.id + 1);
    // Values that Delay has made up get their numbers first.
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      for (const Delay::Phi& phi : delay_.phis(b)) out_.types.emplace(phi.value, phi.type);
    }
    next_value_ = out_.types.empty() ? 0 : out_.types.rbegin()->first + 1;
  }

  // nullopt: everything stays as it is.
  std::optional<Function> function() {
    for (size_t b = 0; b < f_.blocks.size(); ++b) block(b);
    if (!changed_) return std::nullopt;
    for (Block& trap : traps_) out_.blocks.push_back(std::move(trap));
    for (Block& block : out_.blocks) {
      for (Inst& inst : block.insts) substitute(inst);
    }
    return std::move(out_);
  }

  void write(const Pending& p) override {
    if (extent_ == Extent::kAll) push_store(current_, p);
  }
  void keep(const Inst& inst) override {
    if (inst.is_terminator()) {
      last_ = inst;
    } else {
      current_.insts.push_back(inst);
    }
  }
  void store_now(const Inst& inst, const MemFlags& flags) override {
    current_.insts.push_back(inst);
    if (extent_ == Extent::kAll) current_.insts.back().flags = flags;
  }
  void delay(const Inst& inst, uint32_t, const std::vector<uint32_t>&) override {
    if (extent_ == Extent::kLoads) current_.insts.push_back(inst);
    if (extent_ == Extent::kAll) changed_ = true;
  }
  void remove(const Inst& inst) override {
    if (extent_ == Extent::kLoads && inst.writes_memory()) {
      current_.insts.push_back(inst);
    } else {
      changed_ = true;
    }
  }

  void forward(const Inst& load, const Forwarded& how) override {
    changed_ = true;
    const Type result = f_.type_of(load.results[0]);
    Value value = how.value;
    if (how.is_bitcast) value = push(Opcode::kBitcast, result, {value}, load);
    if (how.shift != 0) {
      const Type type = out_.types.at(value);
      const Value bits = push(Opcode::kIconst, type, {}, load);
      current_.insts.back().imm = how.shift;
      value = push(Opcode::kUshr, type, {value, bits}, load);
    }
    if (how.narrow != 0) {
      const Type narrow{Type::kInt, static_cast<uint8_t>(how.narrow), 1};
      if (out_.types.at(value).bits() > how.narrow) value = push(Opcode::kIreduce, narrow, {value}, load);
      if (result.bits() > how.narrow) {
        value = push(how.is_signed ? Opcode::kSextend : Opcode::kUextend, result, {value}, load);
      }
    }
    instead_[load.results[0]] = value;
  }

  // The condition becomes a branch to a block that does the stores and traps.
  void guard(const Inst& inst, const std::vector<Pending>& pending) override {
    if (extent_ == Extent::kLoads) {
      current_.insts.push_back(inst);
      return;
    }
    Inst branch;
    branch.op = Opcode::kBrif;
    branch.source = inst.source;
    branch.at = inst.at;
    branch.args = {inst.args[0]};
    if (inst.op == Opcode::kUaddOverflowTrap) {
      Inst sum = inst;
      sum.op = Opcode::kUaddOverflow;
      sum.trap.clear();
      sum.results.push_back(new_value(kI8));
      branch.args = {sum.results[1]};
      current_.insts.push_back(std::move(sum));
    }
    branch.type = out_.types.at(branch.args[0]);

    Block trap;
    trap.id = next_block_++;
    trap.cold = true;
    for (const Pending& p : pending) push_store(trap, p);
    Inst& end = trap.insts.emplace_back();
    end.op = Opcode::kTrap;
    end.trap = inst.trap;
    end.source = inst.source;
    end.at = inst.at;

    const BlockId rest = next_block_++;
    branch.targets = {BlockCall{trap.id, {}}, BlockCall{rest, {}}};
    if (inst.op == Opcode::kTrapz) std::swap(branch.targets[0], branch.targets[1]);
    traps_.push_back(std::move(trap));
    current_.insts.push_back(std::move(branch));
    Block next;
    next.id = rest;
    next.cold = current_.cold;
    out_.blocks.push_back(std::exchange(current_, std::move(next)));
  }

 private:
  void block(size_t b) {
    current_ = Block();
    current_.id = f_.blocks[b].id;
    current_.cold = f_.blocks[b].cold;
    current_.params = f_.blocks[b].params;
    for (const Delay::Phi& phi : delay_.phis(b)) current_.params.push_back({phi.value, phi.type});
    const State end = delay_.walk(b, *this);
    ways_out(b, end);
    current_.insts.push_back(std::move(last_));
    out_.blocks.push_back(std::move(current_));
    for (Block& edge : edges_) out_.blocks.push_back(std::move(edge));
    edges_.clear();
  }

  void ways_out(size_t b, const State& end) {
    const bool single = delay_.cfg().successors(b).size() == 1 && last_.handlers.empty();
    // Equal ways share a block: a br_table may have the same target a thousand times.
    std::vector<std::pair<BlockCall, BlockCall>> done;
    const auto way = [&](BlockCall& call) {
      for (const auto& [before, after] : done) {
        if (before != call) continue;
        call = after;
        return;
      }
      const BlockCall before = call;
      way_out(end, call, single, f_.blocks[b].cold);
      done.emplace_back(before, call);
    };
    for (BlockCall& call : last_.targets) way(call);
    for (Handler& handler : last_.handlers) {
      if (handler.kind != Handler::kContext) way(handler.target);
    }
  }

  void way_out(const State& end, BlockCall& call, bool single, bool cold) {
    const size_t to = delay_.cfg().index_of(call.block);
    for (const Delay::Phi& phi : delay_.phis(to)) {
      for (const Pending& p : end.pending) {
        if (p.place.same_bytes(phi.place)) call.args.push_back({BlockArg::kValue, p.value});
      }
    }
    struct Writes : Actions {
      void write(const Pending& p) override { pending.push_back(p); }
      std::vector<Pending> pending;
    } writes;
    delay_.leave(end, to, writes);
    if (extent_ == Extent::kLoads || writes.pending.empty()) return;
    if (single) {
      for (const Pending& p : writes.pending) push_store(current_, p);
      return;
    }
    Block edge;
    edge.id = next_block_++;
    edge.cold = cold || f_.blocks[to].cold;
    Inst jump;
    jump.op = Opcode::kJump;
    jump.targets = {call};
    call = {edge.id, {}};
    // What a call gives to its successors exists only as an argument.
    for (size_t i = 0; i < jump.targets[0].args.size(); ++i) {
      BlockArg& arg = jump.targets[0].args[i];
      if (arg.kind == BlockArg::kValue) continue;
      const Type type = f_.blocks[to].params[i].type;
      const Value param = new_value(type);
      edge.params.push_back({param, type});
      call.args.push_back(std::exchange(arg, BlockArg{BlockArg::kValue, param}));
    }
    for (const Pending& p : writes.pending) push_store(edge, p);
    edge.insts.push_back(std::move(jump));
    edges_.push_back(std::move(edge));
  }

  void push_store(Block& block, const Pending& p) {
    Inst store = *p.inst;
    store.flags = *p.flags;
    Value address = p.address;
    store.offset = p.offset;
    if (address == kNoValue) {
      // Only addresses of slots can be made anywhere.
      Inst make;
      make.op = Opcode::kStackAddr;
      make.type = kI64;
      make.entity = *delay_.numbering().slot_of(p.place.root);
      make.results = {new_value(kI64)};
      make.at = store.at;
      address = make.results[0];
      store.offset = static_cast<int32_t>(p.place.offset);
      block.insts.push_back(std::move(make));
    }
    store.args = {p.value, address};
    block.insts.push_back(std::move(store));
  }

  Value push(Opcode op, Type type, std::vector<Value> args, const Inst& from) {
    Inst inst;
    inst.op = op;
    inst.type = type;
    inst.args = std::move(args);
    inst.results = {new_value(type)};
    inst.source = from.source;
    inst.at = from.at;
    current_.insts.push_back(std::move(inst));
    return current_.insts.back().results[0];
  }

  Value new_value(Type type) {
    out_.types.emplace(next_value_, type);
    return next_value_++;
  }

  void substitute(Inst& inst) {
    const auto replace = [&](Value& value) {
      for (auto found = instead_.find(value); found != instead_.end(); found = instead_.find(value)) {
        value = found->second;
      }
    };
    for (Value& arg : inst.args) replace(arg);
    for (BlockCall& call : inst.targets) {
      for (BlockArg& arg : call.args) {
        if (arg.kind == BlockArg::kValue) replace(arg.number);
      }
    }
    for (Handler& handler : inst.handlers) {
      if (handler.kind == Handler::kContext) replace(handler.context);
      for (BlockArg& arg : handler.target.args) {
        if (arg.kind == BlockArg::kValue) replace(arg.number);
      }
    }
  }

  const Function& f_;
  Delay& delay_;
  const Extent extent_;
  Function out_;
  Block current_;
  Inst last_;
  std::vector<Block> edges_, traps_;
  std::map<Value, Value> instead_;  // results of loads that are gone
  BlockId next_block_ = 0;
  Value next_value_ = 0;
  bool changed_ = false;
};

}  // namespace

std::optional<Function> rewrite(const Function& function, Delay& delay, Extent extent) {
  return Rewriter(function, delay, extent).function();
}

}  // namespace lockstep::clif
