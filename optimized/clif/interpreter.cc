// The machine that executes a function step by step: see interpreter.h. Memory is in run_memory.cc, the pure
// instructions are in evaluate.cc.
#include "optimized/clif/interpreter.h"

#include <algorithm>

#include "optimized/clif/printer.h"
#include "optimized/clif/run_memory.h"
#include "optimized/clif/wide.h"

namespace lockstep::clif {
namespace {

// Ends a run.
struct Ended {
  Run::End end;
  std::string reason;
};

std::string signature_text(Signature signature) {
  // One side of a pair may leave out what the other spells.
  if (signature.call_conv.empty()) signature.call_conv = "fast";
  return print(signature);
}

Bits cut(Bits bits, Type type) {
  if (type.bits() < 64) bits.lo &= (uint64_t{1} << type.bits()) - 1;
  if (type.bits() <= 64) bits.hi = 0;
  return bits;
}

class Machine {
 public:
  Machine(const Function& function, const std::vector<Bits>& args, World& world, size_t max_steps, bool trust_regions)
      : f_(function), world_(world), max_steps_(max_steps), memory_(function, world, trust_regions) {
    for (const Block& block : f_.blocks) blocks_.emplace(block.id, &block);
    for (const Alias& alias : f_.aliases) {
      const auto root = roots_.find(alias.of);
      roots_[alias.name] = root == roots_.end() ? alias.of : root->second;
    }
    const auto& params = f_.entry().params;
    if (args.size() != params.size()) throw Unsupported("a run with another number of arguments");
    for (size_t i = 0; i < params.size(); ++i) values_[params[i].value] = {cut(args[i], params[i].type), 0};
  }

  Run run() {
    try {
      block_ = &f_.entry();
      run_.path.push_back(block_->id);
      while (true) {
        const Inst& inst = block_->insts[at_];
        if (run_.steps == max_steps_) throw Ended{Run::kOutOfSteps, ""};
        ++run_.steps;
        execute(inst);
      }
    } catch (const Ended& ended) {
      run_.end = ended.end;
      run_.reason = ended.reason;
    } catch (const Unsupported& unsupported) {
      run_.end = Run::kUnsupported;
      run_.reason = unsupported.what();
    }
    if (broken_load_ && run_.end != Run::kPromiseBroken && run_.end != Run::kUnsupported) {
      run_.despite = run_.end;
      run_.only_can_move = only_can_move_;
      run_.end = Run::kPromiseBroken;
      run_.reason = *broken_load_;
    }
    return std::move(run_);
  }

 private:
  const Known& value(Value v) const {
    const auto root = roots_.find(v);
    const auto known = values_.find(root == roots_.end() ? v : root->second);
    if (known == values_.end()) throw Unsupported("v" + std::to_string(v) + ", which has no value");
    return known->second;
  }
  void define(const Inst& inst, size_t result, Bits bits, SlotSet from) {
    const Value v = inst.results.at(result);
    values_[v] = {cut(bits, f_.type_of(v)), from};
  }

  std::string place() const { return " in block" + std::to_string(block_->id); }
  [[noreturn]] void broken(const std::string& reason) const { throw Ended{Run::kPromiseBroken, reason + place()}; }
  [[noreturn]] void trap(const TrapCode& code) {
    observe("trap " + code, {}, 0, false);
    throw Ended{Run::kTrapped, code};
  }

  Event& observe(std::string what, std::vector<Bits> values, SlotSet handed, bool alive) {
    Event event;
    event.what = std::move(what);
    event.values = std::move(values);
    event.memory = memory_.observe(handed, alive);
    event.block = block_->id;
    event.inst = at_;
    run_.events.push_back(std::move(event));
    return run_.events.back();
  }
  // The values of an instruction's operands and what they derive from.
  std::vector<Bits> bits_of(const std::vector<Value>& operands, SlotSet& from) const {
    std::vector<Bits> bits;
    for (Value operand : operands) {
      bits.push_back(value(operand).bits);
      from |= value(operand).from;
    }
    return bits;
  }

  // --- Control
  void execute(const Inst& inst) {
    switch (inst.op) {
      case Opcode::kJump:
        return enter(inst.targets[0], {});
      case Opcode::kBrif:
        return enter(inst.targets[is_zero(inst.args[0]) ? 1 : 0], {});
      case Opcode::kBrTable: {
        const uint64_t index = value(inst.args[0]).bits.lo;
        return enter(inst.targets[index < inst.targets.size() - 1 ? index + 1 : 0], {});
      }
      case Opcode::kTrap:
        trap(inst.trap);
      case Opcode::kTrapz:
      case Opcode::kTrapnz:
        if (is_zero(inst.args[0]) == (inst.op == Opcode::kTrapz)) trap(inst.trap);
        break;
      case Opcode::kReturn: {
        SlotSet handed = 0;
        std::vector<Bits> bits = bits_of(inst.args, handed);
        observe("return", std::move(bits), handed, false);
        throw Ended{Run::kReturned, ""};
      }
      case Opcode::kDebugtrap:
      case Opcode::kSequencePoint:
      case Opcode::kFence:
        ask(inst, observe(std::string(name_of(inst.op)), {}, 0, true));
        break;
      case Opcode::kAtomicRmw:
      case Opcode::kAtomicCas:
      case Opcode::kAtomicLoad:
      case Opcode::kAtomicStore:
        atomic(inst);
        break;
      case Opcode::kGetFramePointer:
      case Opcode::kGetStackPointer:
      case Opcode::kGetReturnAddress:
        define(inst, 0, {world_.symbol(std::string(name_of(inst.op)))}, 0);
        break;
      case Opcode::kFuncAddr:
        define(inst, 0, {world_.symbol(f_.functions.at(inst.entity).name)}, 0);
        break;
      case Opcode::kGlobalValue:
      case Opcode::kSymbolValue:
        define(inst, 0, global(inst.entity).bits, 0);
        break;
      case Opcode::kStackAddr: {
        const uint64_t address = memory_.slot_address(inst.entity) + static_cast<uint64_t>(int64_t{inst.offset});
        define(inst, 0, {address}, memory_.slot_bit(inst.entity));
        break;
      }
      default:
        if (inst.is_call()) return call(inst);
        if (inst.reads_memory()) {
          load(inst);
        } else if (inst.writes_memory()) {
          store(inst);
        } else {
          pure(inst);
        }
        break;
    }
    ++at_;
  }

  bool is_zero(Value v) const { return value(v).bits == Bits{}; }

  void enter(const BlockCall& target, const std::vector<Bits>& handed_over) {
    const Block& block = *blocks_.at(target.block);
    // All arguments are read before a parameter is written: a loop may swap its own.
    std::vector<Known> arriving;
    for (const BlockArg& arg : target.args) {
      if (arg.kind == BlockArg::kValue) {
        arriving.push_back(value(arg.number));
      } else {
        arriving.push_back({arg.number < handed_over.size() ? handed_over[arg.number] : Bits{}, 0});
      }
    }
    for (size_t i = 0; i < arriving.size(); ++i) {
      values_[block.params[i].value] = {cut(arriving[i].bits, block.params[i].type), arriving[i].from};
    }
    block_ = &block;
    at_ = 0;
    run_.path.push_back(block.id);
  }

  void pure(const Inst& inst) {
    SlotSet from = 0;
    const std::vector<Bits> args = bits_of(inst.args, from);
    // A choice derives from what it chose.
    if (inst.op == Opcode::kSelect || inst.op == Opcode::kSelectSpectreGuard) {
      from = value(inst.args[is_zero(inst.args[0]) ? 2 : 1]).from;
    }
    const Evaluated evaluated = evaluate(f_, inst, args);
    if (evaluated.trap) trap(*evaluated.trap);
    for (size_t i = 0; i < evaluated.results.size(); ++i) define(inst, i, evaluated.results[i], from);
  }

  // --- Memory
  RunMemory::Access access_of(const Inst& inst) const {
    const Known& base = value(inst.args[inst.address_index()]);
    return {base.bits.lo + static_cast<uint64_t>(int64_t{inst.offset}), inst.access_bytes(), base.from, &inst.flags,
            false};
  }
  static std::string described(const Inst& inst) {
    return std::string(name_of(inst.op)) + (inst.type.valid() ? "." + inst.type.str() : "");
  }
  static void refuse_wide(const Inst& inst) {
    if (inst.type.bits() > 128 || (inst.type.is_vector() && inst.flags.big())) throw Unsupported(described(inst));
  }

  void load(const Inst& inst) {
    refuse_wide(inst);
    const RunMemory::Access access = access_of(inst);
    std::string promise;
    if (!memory_.accessible(access, replies_)) {
      if (inst.flags.trap) trap(*inst.flags.trap);
      promise = "notrap, but not all bytes are accessible";
    } else {
      promise = memory_.broken_promise(access);
    }
    if (!promise.empty()) {
      only_can_move_ = (!broken_load_ || only_can_move_) && inst.flags.can_move;
      if (!broken_load_) broken_load_ = described(inst) + ": " + promise + place();
    }
    ++run_.executed_loads;
    world_.loading(f_, inst, access.address);
    const Known loaded = memory_.load(access);
    define(inst, 0, extended(inst, loaded.bits), loaded.from);
  }

  // Narrow signed loads extend; define() cuts to the type.
  static Bits extended(const Inst& inst, Bits bits) {
    switch (inst.op) {
      case Opcode::kSload8:
        return {static_cast<uint64_t>(int64_t{static_cast<int8_t>(bits.lo)})};
      case Opcode::kSload16:
        return {static_cast<uint64_t>(int64_t{static_cast<int16_t>(bits.lo)})};
      case Opcode::kSload32:
        return {static_cast<uint64_t>(int64_t{static_cast<int32_t>(bits.lo)})};
      default:
        return bits;
    }
  }

  void check_write(const Inst& inst, const RunMemory::Access& access) {
    if (!memory_.accessible(access, replies_)) {
      if (inst.flags.trap) trap(*inst.flags.trap);
      broken(described(inst) + ": notrap, but not all bytes are accessible");
    }
    const std::string promise = memory_.broken_promise(access);
    if (!promise.empty()) broken(described(inst) + ": " + promise);
  }

  void store(const Inst& inst) {
    refuse_wide(inst);
    RunMemory::Access access = access_of(inst);
    access.writes = true;
    check_write(inst, access);
    ++run_.executed_stores;
    memory_.store(access, value(inst.args[0]));
  }

  Known global(uint32_t number) {
    // From the outermost base to the value itself; verify() has excluded circles.
    std::vector<const GlobalValue*> chain;
    for (const GlobalValue* at = &f_.globals.at(number);; at = &f_.globals.at(at->base)) {
      chain.push_back(at);
      if (at->kind != GlobalValue::kLoad && at->kind != GlobalValue::kIadd) break;
    }
    Known result;
    for (auto global = chain.rbegin(); global != chain.rend(); ++global) {
      const uint64_t moved = result.bits.lo + static_cast<uint64_t>((*global)->offset);
      switch ((*global)->kind) {
        case GlobalValue::kVmctx:
          result = vmctx();
          break;
        case GlobalValue::kSymbol:
          result = {{world_.symbol((*global)->symbol) + moved}, 0};
          break;
        case GlobalValue::kIadd:
          result.bits = cut({moved}, (*global)->type);
          break;
        case GlobalValue::kLoad: {
          const RunMemory::Access access{moved, (*global)->type.bytes(), result.from, &(*global)->flags, false};
          if (!memory_.accessible(access, replies_)) broken("global_value: notrap, but not all bytes are accessible");
          const std::string promise = memory_.broken_promise(access);
          if (!promise.empty()) broken("global_value: " + promise);
          result = memory_.load(access);
          break;
        }
        case GlobalValue::kOther:
          throw Unsupported("global value " + (*global)->text);
      }
    }
    return result;
  }

  Known vmctx() const {
    const auto& params = f_.signature.params;
    for (size_t i = 0; i < params.size(); ++i) {
      if (params[i].attributes.find("vmctx") != std::string::npos) return value(f_.entry().params[i].value);
    }
    throw Unsupported("vmctx without such a parameter");
  }

  // --- What the world answers
  World::Reply ask(const Inst& inst, const Event& event) {
    World::Reply reply = world_.call(replies_, event, f_, inst);
    ++replies_;
    const std::string promise = memory_.write_from_outside(reply.writes);
    if (!promise.empty()) broken(event.what + ": " + promise);
    return reply;
  }

  void call(const Inst& inst) {
    const Format format = format_of(inst.op);
    std::string what(name_of(inst.op));
    what += ' ';
    what += format == Format::kCall || format == Format::kTryCall ? f_.functions.at(inst.entity).name
                                                                  : signature_text(f_.callee_signature(inst));
    SlotSet handed = 0;
    std::vector<Bits> values = bits_of(inst.args, handed);
    if (inst.is_terminator() && !inst.targets.empty()) {
      what += " [";
      for (const Handler& handler : inst.handlers) {
        if (what.back() != '[') what += ", ";
        if (handler.kind == Handler::kContext) {
          what += "context";
          values.push_back(value(handler.context).bits);
          handed |= value(handler.context).from;
        } else {
          what += handler.kind == Handler::kTag ? "tag" + std::to_string(handler.tag) : "default";
        }
      }
      what += ']';
    }
    const bool tail = inst.op == Opcode::kReturnCall || inst.op == Opcode::kReturnCallIndirect;
    const Event& event = observe(what, std::move(values), handed, !tail);
    if (tail) throw Ended{Run::kReturned, ""};
    answer(inst, what, ask(inst, event));
  }

  void answer(const Inst& inst, const std::string& what, World::Reply reply) {
    switch (reply.how) {
      case World::Reply::kReturn:
        break;
      case World::Reply::kTrap:
        observe("trap in " + what, {}, 0, false);
        throw Ended{Run::kTrapped, "in " + what};
      case World::Reply::kHandler:
        if (reply.handler < inst.handlers.size() && inst.handlers[reply.handler].kind != Handler::kContext) {
          return enter(inst.handlers[reply.handler].target, reply.results);
        }
        throw Ended{Run::kNever, "an exception leaves through " + what};
      case World::Reply::kNever:
        throw Ended{Run::kNever, what};
    }
    if (!inst.targets.empty()) return enter(inst.targets[0], reply.results);
    reply.results.resize(inst.results.size());
    for (size_t i = 0; i < inst.results.size(); ++i) define(inst, i, reply.results[i], 0);
    ++at_;
  }

  void atomic(const Inst& inst) {
    refuse_wide(inst);
    RunMemory::Access access = access_of(inst);
    access.writes = inst.op != Opcode::kAtomicLoad;
    check_write(inst, access);
    SlotSet handed = 0;
    std::vector<Bits> values = bits_of(inst.args, handed);
    std::string what = described(inst);
    if (inst.op == Opcode::kAtomicRmw) what += " " + std::string(name_of(inst.rmw));
    if (inst.flags.big()) what += " big";
    const Event& event = observe(what, std::move(values), handed, true);
    // Others may have been at these bytes before: what is read is for the world to say.
    const World::Reply reply = world_.call(replies_, event, f_, inst);
    ++replies_;
    Known old = memory_.load(access);
    if (!reply.results.empty()) old = {cut(reply.results[0], inst.type), 0};
    const std::optional<Known> stored = stored_by(inst, old);
    if (stored) memory_.store(access, *stored);
    const std::string promise = memory_.write_from_outside(reply.writes);
    if (!promise.empty()) broken(run_.events.back().what + ": " + promise);
    if (!inst.results.empty()) define(inst, 0, old.bits, old.from);
  }

  std::optional<Known> stored_by(const Inst& inst, const Known& old) const {
    switch (inst.op) {
      case Opcode::kAtomicStore:
        return value(inst.args[0]);
      case Opcode::kAtomicCas:
        if (old.bits != value(inst.args[1]).bits) return std::nullopt;
        return value(inst.args[2]);
      case Opcode::kAtomicRmw:
        return modified(inst, old, value(inst.args[1]));
      default:
        return std::nullopt;
    }
  }

  static Known modified(const Inst& inst, const Known& old, const Known& operand) {
    static constexpr Opcode kOps[] = {Opcode::kIadd, Opcode::kBand, Opcode::kBand, Opcode::kBor,
                                      Opcode::kSmax, Opcode::kSmin, Opcode::kIsub, Opcode::kUmax,
                                      Opcode::kUmin, Opcode::kNop,  Opcode::kBxor};
    if (inst.rmw == AtomicRmwOp::kXchg) return operand;
    // The same arithmetic as that of the plain instruction, on two values of this type.
    Function scratch;
    scratch.types = {{0, inst.type}, {1, inst.type}};
    Inst plain;
    plain.op = kOps[static_cast<size_t>(inst.rmw)];
    plain.type = inst.type;
    plain.args = {0, 1};
    Bits bits = evaluate(scratch, plain, {old.bits, operand.bits}).results.at(0);
    if (inst.rmw == AtomicRmwOp::kNand) bits = {~bits.lo, ~bits.hi};
    return {cut(bits, inst.type), old.from | operand.from};
  }

  const Function& f_;
  World& world_;
  const size_t max_steps_;
  RunMemory memory_;
  std::map<BlockId, const Block*> blocks_;
  std::map<Value, Value> roots_;
  std::map<Value, Known> values_;
  const Block* block_ = nullptr;
  size_t at_ = 0;
  size_t replies_ = 0;
  std::optional<std::string> broken_load_;
  bool only_can_move_ = false;
  Run run_;
};

}  // namespace

Run run(const Function& function, const std::vector<Bits>& args, World& world, size_t max_steps, bool trust_regions) {
  try {
    return Machine(function, args, world, max_steps, trust_regions).run();
  } catch (const Unsupported& unsupported) {
    Run refused;
    refused.end = Run::kUnsupported;
    refused.reason = unsupported.what();
    return refused;
  }
}

}  // namespace lockstep::clif
