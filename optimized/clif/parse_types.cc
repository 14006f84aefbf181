// The types of results. An instruction's type may come from an operand that is defined further down in the text; since
// that definition dominates the use, it is met first in reverse post-order.
#include "optimized/clif/cfg.h"
#include "optimized/clif/parser.h"
#include "optimized/clif/rules.h"

namespace lockstep::clif {

Type FunctionParser::type_of(const Inst& inst, Value value) {
  const auto root = alias_roots_.find(value);
  const Type type = f_.types.at(root == alias_roots_.end() ? value : root->second);
  if (!type.valid()) {
    in_.fail(inst.at, "v" + std::to_string(value) + " is not defined on every way to its use here");
  }
  return type;
}

void FunctionParser::set_results(Inst& inst, const std::vector<Type>& types) {
  if (inst.results.size() != types.size()) {
    in_.fail(inst.at, std::string(name_of(inst.op)) + " gives " + std::to_string(types.size()) + " results, not " +
                          std::to_string(inst.results.size()));
  }
  for (size_t i = 0; i < types.size(); ++i) f_.types.at(inst.results[i]) = types[i];
}

void FunctionParser::infer_types(Inst& inst) {
  const Rule& rule = rule_of(inst.op);
  if (rule.control == Control::kOperand) {
    const Type type = type_of(inst, inst.args[rule.operand]);
    if (inst.type.valid() && inst.type != type) {
      in_.fail(inst.at, std::string(name_of(inst.op)) + "." + inst.type.str() + " of v" +
                            std::to_string(inst.args[rule.operand]) + ", which is " + type.str());
    }
    if (!contains(rule.types, type)) {
      in_.fail(inst.at,
               std::string(name_of(inst.op)) + " is for " + std::string(name_of(rule.types)) + ", not " + type.str());
    }
    inst.type = type;
  }
  std::vector<Type> types;
  if (inst.is_call() && !inst.is_terminator()) {
    for (const AbiParam& result : f_.callee_signature(inst).returns) types.push_back(result.type);
  } else {
    for (char letter : rule.results) types.push_back(meant_by(letter, inst.type));
  }
  set_results(inst, types);
  // What controls these is the address; what is asked of Inst::type is the width of the result.
  if (inst.op == Opcode::kUload32 || inst.op == Opcode::kSload32) inst.type = kI64;
}

void FunctionParser::infer_types(size_t block) {
  for (Inst& inst : f_.blocks[block].insts) infer_types(inst);
}

void FunctionParser::infer_types() {
  const Cfg cfg(f_);
  for (size_t block : cfg.order()) infer_types(block);
  // Nothing is demanded of definitions in blocks that are never reached, so here only the order of the text helps.
  for (size_t block = 0; block < f_.blocks.size(); ++block) {
    if (!cfg.reachable(block)) infer_types(block);
  }
  for (const auto& [name, root] : alias_roots_) f_.types.at(name) = f_.types.at(root);
}

}  // namespace lockstep::clif
