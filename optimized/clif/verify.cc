// The checks of verify.h. They are split by what they need: shape and entities of one instruction first, then types,
// then (with the control flow graph) definitions that dominate their uses.
#include "optimized/clif/verify.h"

#include <algorithm>
#include <utility>

#include "optimized/clif/cfg.h"
#include "optimized/clif/rules.h"

namespace lockstep::clif {
namespace {

std::string v(Value value) { return "v" + std::to_string(value); }
std::string plural(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

class Verifier {
 public:
  explicit Verifier(const Function& function) : f_(function) {}

  void run() {
    if (f_.blocks.empty()) fail(f_.at, "function " + f_.name + " has no blocks");
    check_entities();
    define_all();
    check_entry();
    for (const Block& block : f_.blocks) check_shape(block);
    for (const Block& block : f_.blocks) {
      for (const Inst& inst : block.insts) {
        check_references(inst);
        check_types(inst);
      }
    }
    check_dominance();
  }

 private:
  // Where a value is defined: position 0 for parameters, 1 + i for the results of instruction i.
  struct Definition {
    size_t block = 0;
    size_t position = 0;
  };

  [[noreturn]] static void fail(Location at, const std::string& text) { throw ReadError(at, text); }

  void check_entities() {
    std::map<uint32_t, uint32_t> tags;
    for (const auto& [number, region] : f_.regions) {
      const auto [other, fresh] = tags.emplace(region.tag, number);
      if (!fresh) {
        fail(f_.at, "region" + std::to_string(other->second) + " and region" + std::to_string(number) +
                        " have the same number " + std::to_string(region.tag));
      }
    }
    for (const auto& [number, declaration] : f_.functions) {
      if (f_.signatures.count(declaration.signature) == 0) {
        fail(f_.at, "fn" + std::to_string(number) + " has no signature");
      }
    }
    for (const auto& [number, global] : f_.globals) {
      if (global.kind != GlobalValue::kLoad && global.kind != GlobalValue::kIadd) continue;
      if (f_.globals.count(global.base) == 0) {
        fail(f_.at, "gv" + std::to_string(number) + " needs gv" + std::to_string(global.base) + ", which is not there");
      }
      if (global.flags.region && f_.regions.count(*global.flags.region) == 0) {
        fail(f_.at, "region" + std::to_string(*global.flags.region) + " is not declared");
      }
    }
    check_global_cycles();
    const auto is_limit = [&](const auto& global) { return "gv" + std::to_string(global.first) == f_.stack_limit; };
    if (!f_.stack_limit.empty() && std::none_of(f_.globals.begin(), f_.globals.end(), is_limit)) {
      fail(f_.at, "stack_limit needs " + f_.stack_limit + ", which is not there");
    }
  }

  // Each global value leads to at most one other: walk on, and stop at what an earlier walk has been through.
  void check_global_cycles() {
    std::map<uint32_t, uint32_t> walk_of;
    for (const auto& [start, unused] : f_.globals) {
      uint32_t at = start;
      while (true) {
        const auto [met, fresh] = walk_of.emplace(at, start);
        if (!fresh) {
          if (met->second == start) fail(f_.at, "gv" + std::to_string(at) + " is defined by itself");
          break;
        }
        const GlobalValue& global = f_.globals.at(at);
        if (global.kind != GlobalValue::kLoad && global.kind != GlobalValue::kIadd) break;
        at = global.base;
      }
    }
  }

  void define(Value value, Definition where, Location at) {
    if (!definitions_.emplace(value, where).second) fail(at, v(value) + " is defined twice");
    const auto type = f_.types.find(value);
    if (type == f_.types.end() || !type->second.valid()) fail(at, v(value) + " has no type");
  }

  void define_all() {
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      const Block& block = f_.blocks[b];
      const Location at = block.insts.empty() ? f_.at : block.insts.front().at;
      if (!blocks_.emplace(block.id, b).second) fail(at, "block" + std::to_string(block.id) + " is defined twice");
      for (const BlockParam& param : block.params) {
        define(param.value, {b, 0}, at);
        if (f_.type_of(param.value) != param.type) fail(at, v(param.value) + " has two types");
      }
      for (size_t i = 0; i < block.insts.size(); ++i) {
        for (Value result : block.insts[i].results) define(result, {b, i + 1}, block.insts[i].at);
      }
    }
    for (const Alias& alias : f_.aliases) {
      const auto original = definitions_.find(alias.of);
      if (original == definitions_.end())
        fail(f_.at, v(alias.of) + ", which " + v(alias.name) + " stands for, is not there");
      define(alias.name, original->second, f_.at);
      if (f_.type_of(alias.name) != f_.type_of(alias.of))
        fail(f_.at, v(alias.name) + " has another type than " + v(alias.of));
    }
  }

  void check_entry() {
    const Block& entry = f_.entry();
    const Location at = f_.at;
    const auto& expected = f_.signature.params;
    if (entry.params.size() != expected.size()) {
      fail(at, "the entry block has " + plural(entry.params.size(), "parameter") + ", the signature of " + f_.name +
                   " has " + std::to_string(expected.size()));
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      if (entry.params[i].type != expected[i].type) {
        fail(at, "parameter " + std::to_string(i) + " of the entry block is " + entry.params[i].type.str() +
                     ", that of the signature is " + expected[i].type.str());
      }
    }
  }

  static void check_shape(const Block& block) {
    const std::string name = "block" + std::to_string(block.id);
    if (block.insts.empty()) fail({}, name + " is empty");
    for (size_t i = 0; i < block.insts.size(); ++i) {
      const bool last = i + 1 == block.insts.size();
      if (block.insts[i].is_terminator() == last) continue;
      fail(block.insts[i].at,
           last ? name + " does not end with a terminator"
                : name + " goes on after its terminator '" + std::string(name_of(block.insts[i].op)) + "'");
    }
  }

  Type type_of(const Inst& inst, Value value) const {
    if (definitions_.count(value) == 0) fail(inst.at, v(value) + " is not defined");
    return f_.type_of(value);
  }

  void check_references(const Inst& inst) const {
    const auto need = [&](bool there, const char* kind, uint32_t number) {
      if (!there) fail(inst.at, kind + std::to_string(number) + " is not declared");
    };
    switch (format_of(inst.op)) {
      case Format::kUnaryGlobalValue:
        need(f_.globals.count(inst.entity) != 0, "gv", inst.entity);
        break;
      case Format::kTryCall:
        need(f_.signatures.count(inst.signature) != 0, "sig", inst.signature);
        [[fallthrough]];
      case Format::kCall:
      case Format::kFuncAddr:
        need(f_.functions.count(inst.entity) != 0, "fn", inst.entity);
        break;
      case Format::kCallIndirect:
        need(f_.signatures.count(inst.entity) != 0, "sig", inst.entity);
        break;
      case Format::kTryCallIndirect:
        need(f_.signatures.count(inst.signature) != 0, "sig", inst.signature);
        break;
      case Format::kStackAddr:
        need(f_.slots.count(inst.entity) != 0, "ss", inst.entity);
        break;
      case Format::kUnaryConst:
        if (inst.constant.empty()) need(f_.constants.count(inst.entity) != 0, "const", inst.entity);
        break;
      default:
        break;
    }
    if (inst.flags.region) need(f_.regions.count(*inst.flags.region) != 0, "region", *inst.flags.region);
    for (const BlockCall& target : inst.targets) need(blocks_.count(target.block) != 0, "block", target.block);
    for (const Handler& handler : inst.handlers) {
      if (handler.kind != Handler::kContext)
        need(blocks_.count(handler.target.block) != 0, "block", handler.target.block);
    }
  }

  void check_types(const Inst& inst) const {
    const Rule& rule = rule_of(inst.op);
    const std::string name(name_of(inst.op));
    // The 32-bit loads are controlled by their address, but what Inst::type says is what they give.
    const bool is_load32 = inst.op == Opcode::kUload32 || inst.op == Opcode::kSload32;
    if (is_load32 ? inst.type != kI64 : rule.types != TypeSet::kEmpty && !contains(rule.types, inst.type)) {
      fail(inst.at, name + " is for " + std::string(name_of(rule.types)) + ", not " + inst.type.str());
    }
    const size_t own = rule.args.size();
    if (inst.args.size() < own) fail(inst.at, name + " lacks operands");
    for (size_t i = 0; i < own; ++i) {
      const Type actual = type_of(inst, inst.args[i]);
      if (!fits(rule.args[i], inst.type, actual)) {
        fail(inst.at, "operand " + std::to_string(i + 1) + " of " + name + ", " + v(inst.args[i]) + ", is " +
                          actual.str() + " and should be " + described(rule.args[i], inst.type));
      }
    }
    if (inst.is_call()) {
      check_call(inst);
    } else if (inst.op == Opcode::kReturn) {
      check_list(inst, inst.args, f_.signature.returns, "returned value");
    } else {
      if (inst.args.size() != own) fail(inst.at, name + " has too many operands");
      check_results(inst, rule);
    }
    check_branches(inst);
    check_details(inst);
  }

  void check_results(const Inst& inst, const Rule& rule) const {
    if (inst.results.size() != rule.results.size()) {
      fail(inst.at, std::string(name_of(inst.op)) + " gives " + plural(rule.results.size(), "result") + ", not " +
                        std::to_string(inst.results.size()));
    }
    for (size_t i = 0; i < inst.results.size(); ++i) {
      if (f_.type_of(inst.results[i]) == meant_by(rule.results[i], inst.type)) continue;
      fail(inst.at, v(inst.results[i]) + " has another type than " + std::string(name_of(inst.op)) + " gives");
    }
  }

  void check_list(const Inst& inst, const std::vector<Value>& values, const std::vector<AbiParam>& expected,
                  const std::string& what, size_t skip = 0) const {
    if (values.size() - skip != expected.size()) {
      fail(inst.at, plural(values.size() - skip, what) + " where the signature has " + std::to_string(expected.size()));
    }
    for (size_t i = 0; i < expected.size(); ++i) {
      const Type actual = type_of(inst, values[i + skip]);
      if (actual == expected[i].type) continue;
      fail(inst.at,
           what + " " + v(values[i + skip]) + " is " + actual.str() + ", the signature says " + expected[i].type.str());
    }
  }

  void check_call(const Inst& inst) const {
    const Signature& signature = f_.callee_signature(inst);
    const Format format = format_of(inst.op);
    const bool indirect = format == Format::kCallIndirect || format == Format::kTryCallIndirect;
    check_list(inst, inst.args, signature.params, "argument", indirect ? 1 : 0);
    if (format == Format::kTryCall && !same_signature(f_.functions.at(inst.entity).signature, inst.signature)) {
      fail(inst.at, "the exception table's sig" + std::to_string(inst.signature) + " is not the signature of fn" +
                        std::to_string(inst.entity));
    }
    if (!inst.is_terminator()) {
      check_list(inst, inst.results, signature.returns, "result");
      return;
    }
    if (!inst.results.empty()) fail(inst.at, std::string(name_of(inst.op)) + " has no results");
    if (!inst.targets.empty()) return;
    if (!returns_as_this(signature)) {
      fail(inst.at, "this tail call returns other types than " + f_.name);
    }
  }

  // Both are asked for every call and compare lists that the call does not repeat: the answers are kept, or a long list
  // and many calls would take quadratic time.
  bool same_signature(uint32_t a, uint32_t b) const {
    if (a == b) return true;
    const auto [answer, fresh] = same_signatures_.try_emplace({a, b}, false);
    if (fresh) answer->second = f_.signatures.at(a) == f_.signatures.at(b);
    return answer->second;
  }
  bool returns_as_this(const Signature& signature) const {
    const auto [answer, fresh] = tail_callable_.try_emplace(&signature, false);
    if (fresh) {
      const auto same_type = [](const AbiParam& a, const AbiParam& b) { return a.type == b.type; };
      answer->second = std::equal(signature.returns.begin(), signature.returns.end(), f_.signature.returns.begin(),
                                  f_.signature.returns.end(), same_type);
    }
    return answer->second;
  }

  void check_branches(const Inst& inst) const {
    const size_t expected = inst.op == Opcode::kJump || format_of(inst.op) == Format::kTryCall ||
                                    format_of(inst.op) == Format::kTryCallIndirect
                                ? 1
                            : inst.op == Opcode::kBrif ? 2
                                                       : 0;
    if (inst.op == Opcode::kBrTable ? inst.targets.empty() : inst.targets.size() != expected) {
      fail(inst.at, std::string(name_of(inst.op)) + " with " + plural(inst.targets.size(), "target"));
    }
    for (const BlockCall& target : inst.targets) check_branch(inst, target, BlockArg::kTryCallRet);
    for (const Handler& handler : inst.handlers) {
      if (handler.kind == Handler::kContext) {
        type_of(inst, handler.context);
      } else {
        check_branch(inst, handler.target, BlockArg::kTryCallExn);
      }
    }
  }

  // `special`: what but values a try_call may hand over on this edge.
  void check_branch(const Inst& inst, const BlockCall& call, BlockArg::Kind special) const {
    const Block& target = f_.blocks[blocks_.at(call.block)];
    const std::string name = "block" + std::to_string(call.block);
    if (&target == &f_.entry()) fail(inst.at, "a branch to the entry block " + name);
    if (call.args.size() != target.params.size()) {
      fail(inst.at, plural(call.args.size(), "argument") + " for " + name + ", which has " +
                        plural(target.params.size(), "parameter"));
    }
    for (size_t i = 0; i < call.args.size(); ++i) {
      const Type actual = type_of(inst, call.args[i], special);
      if (actual == target.params[i].type) continue;
      fail(inst.at, "argument " + std::to_string(i + 1) + " for " + name + " is " + actual.str() + " and should be " +
                        target.params[i].type.str());
    }
  }

  Type type_of(const Inst& inst, const BlockArg& arg, BlockArg::Kind special) const {
    if (arg.kind == BlockArg::kValue) return type_of(inst, arg.number);
    const bool is_try = format_of(inst.op) == Format::kTryCall || format_of(inst.op) == Format::kTryCallIndirect;
    const std::string name = (arg.kind == BlockArg::kTryCallRet ? "ret" : "exn") + std::to_string(arg.number);
    if (!is_try || arg.kind != special) fail(inst.at, name + " is not to be had on this edge");
    const Signature& signature = f_.callee_signature(inst);
    if (arg.kind == BlockArg::kTryCallRet) {
      if (arg.number >= signature.returns.size()) fail(inst.at, "the callee has no " + name);
      return signature.returns[arg.number].type;
    }
    // Two words, in these conventions (and in none: Cranelift's tests take the host's then).
    static constexpr std::string_view kWithPayload[] = {"", "tail", "system_v", "preserve_all", "apple_aarch64"};
    if (arg.number >= 2 ||
        std::find(std::begin(kWithPayload), std::end(kWithPayload), signature.call_conv) == std::end(kWithPayload)) {
      fail(inst.at, "the callee's calling convention has no " + name);
    }
    return kI64;
  }

  void check_details(const Inst& inst) const {
    switch (inst.op) {
      case Opcode::kBitcast: {
        const Type from = f_.type_of(inst.args[0]);
        if (from.bits() != inst.type.bits()) {
          fail(inst.at, "bitcast from " + from.str() + " to " + inst.type.str() + ", which has another size");
        }
        MemFlags only_endianness;
        only_endianness.endianness = inst.flags.endianness;
        if (inst.flags != only_endianness) fail(inst.at, "bitcast has no flags but 'little' and 'big'");
        break;
      }
      case Opcode::kExtractlane:
      case Opcode::kInsertlane:
        if (inst.imm >= inst.type.lanes) fail(inst.at, inst.type.str() + " has no lane " + std::to_string(inst.imm));
        break;
      case Opcode::kShuffle:
        if (inst.constant.size() != 16) fail(inst.at, "a shuffle's mask has 16 bytes");
        break;
      case Opcode::kVconst: {
        const auto& bytes = inst.constant.empty() ? f_.constants.at(inst.entity) : inst.constant;
        if (bytes.size() != inst.type.bytes()) {
          fail(inst.at, "a constant of " + plural(bytes.size(), "byte") + " for " + inst.type.str());
        }
        break;
      }
      default:
        break;
    }
  }

  void check_use(const Cfg& cfg, const Inst& inst, Value value, size_t block, size_t position) const {
    const Definition& defined = definitions_.at(value);
    if (defined.block == block ? defined.position < position : cfg.dominates(defined.block, block)) return;
    fail(inst.at, v(value) + " is not defined on every way to its use here");
  }

  void check_dominance() const {
    const Cfg cfg(f_);
    for (size_t b : cfg.order()) {
      const Block& block = f_.blocks[b];
      for (size_t i = 0; i < block.insts.size(); ++i) {
        const Inst& inst = block.insts[i];
        for (Value arg : inst.args) check_use(cfg, inst, arg, b, i + 1);
      }
      const Inst& last = block.insts.back();
      for (const BlockCall* call : successors(block)) {
        for (const BlockArg& arg : call->args) {
          if (arg.kind == BlockArg::kValue) check_use(cfg, last, arg.number, b, block.insts.size());
        }
      }
      for (const Handler& handler : last.handlers) {
        if (handler.kind == Handler::kContext) check_use(cfg, last, handler.context, b, block.insts.size());
      }
    }
  }

  const Function& f_;
  std::map<Value, Definition> definitions_;
  std::map<BlockId, size_t> blocks_;
  mutable std::map<std::pair<uint32_t, uint32_t>, bool> same_signatures_;
  mutable std::map<const Signature*, bool> tail_callable_;  // only looked up in
};

}  // namespace

void verify(const Function& function) { Verifier(function).run(); }

}  // namespace lockstep::clif
