// CLIF as text: see printer.h.
#include "optimized/clif/printer.h"

#include <algorithm>

#include "optimized/clif/immediates.h"
#include "optimized/clif/rules.h"

namespace lockstep::clif {
namespace {

constexpr size_t kIndent = 4;
constexpr size_t kWideIndent = 36;  // where source locations or tags stand before the instructions

std::string v(Value value) { return "v" + std::to_string(value); }

template <typename T, typename F>
std::string joined(const std::vector<T>& items, size_t from, F print_one) {
  std::string text;
  for (size_t i = from; i < items.size(); ++i) {
    if (i > from) text += ", ";
    text += print_one(items[i]);
  }
  return text;
}
std::string values(const std::vector<Value>& list, size_t from = 0) { return joined(list, from, v); }

std::string bytes(const std::vector<uint8_t>& constant) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (auto byte = constant.rbegin(); byte != constant.rend(); ++byte) {
    text += kDigits[*byte >> 4];
    text += kDigits[*byte & 15];
  }
  return text;
}

// The immediate of iconst is signed.
std::string immediate(const Inst& inst) {
  const unsigned unused = 64u - inst.type.lane_bits;
  return print_integer(static_cast<int64_t>(inst.imm << unused) >> unused);
}

std::string handler(const Handler& handler) {
  switch (handler.kind) {
    case Handler::kTag:
      return "tag" + std::to_string(handler.tag) + ": " + print(handler.target);
    case Handler::kDefault:
      return "default: " + print(handler.target);
    case Handler::kContext:
      break;
  }
  return "context " + v(handler.context);
}

std::string exception_table(const Inst& inst) {
  const std::string list = joined(inst.handlers, 0, handler);
  return "sig" + std::to_string(inst.signature) + ", " + print(inst.targets[0]) + ", [" +
         (list.empty() ? "" : " " + list + " ") + "]";
}

// With a blank before it, if there is anything.
std::string operands(const Inst& inst) {
  const auto& args = inst.args;
  const std::string entity = std::to_string(inst.entity);
  switch (format_of(inst.op)) {
    case Format::kNullary:
      return "";
    case Format::kUnary:
    case Format::kBinary:
    case Format::kTernary:
    case Format::kMultiAry:
      return args.empty() ? "" : " " + values(args);
    case Format::kUnaryImm:
      return " " + immediate(inst);
    case Format::kUnaryIeee:
      return " " + print_float(inst.imm, inst.op == Opcode::kF32const ? kF32Format : kF64Format);
    case Format::kUnaryConst:
      return " " + (inst.constant.empty() ? "const" + entity : bytes(inst.constant));
    case Format::kUnaryGlobalValue:
      return " gv" + entity;
    case Format::kBinaryImm8:
    case Format::kTernaryImm8:
      return " " + values(args) + ", " + std::to_string(inst.imm);
    case Format::kShuffle:
      return " " + values(args) + ", " + bytes(inst.constant);
    case Format::kIntCompare:
      return " " + std::string(name_of(inst.int_cc)) + " " + values(args);
    case Format::kFloatCompare:
      return " " + std::string(name_of(inst.float_cc)) + " " + values(args);
    case Format::kJump:
      return " " + print(inst.targets[0]);
    case Format::kBrif:
      return " " + v(args[0]) + ", " + print(inst.targets[0]) + ", " + print(inst.targets[1]);
    case Format::kBranchTable:
      return " " + v(args[0]) + ", " + print(inst.targets[0]) + ", [" +
             joined(inst.targets, 1, [](const BlockCall& call) { return print(call); }) + "]";
    case Format::kCall:
      return " fn" + entity + "(" + values(args) + ")";
    case Format::kCallIndirect:
      return " sig" + entity + ", " + v(args[0]) + "(" + values(args, 1) + ")";
    case Format::kTryCall:
      return " fn" + entity + "(" + values(args) + "), " + exception_table(inst);
    case Format::kTryCallIndirect:
      return " " + v(args[0]) + "(" + values(args, 1) + "), " + exception_table(inst);
    case Format::kFuncAddr:
      return " fn" + entity;
    case Format::kAtomicRmw:
      return print(inst.flags) + " " + std::string(name_of(inst.rmw)) + " " + values(args);
    case Format::kAtomicCas:
    case Format::kLoadNoOffset:
    case Format::kStoreNoOffset:
      return print(inst.flags) + " " + values(args);
    case Format::kLoad:
    case Format::kStore:
      return print(inst.flags) + " " + values(args) + print_offset(inst.offset);
    case Format::kStackAddr:
      return " ss" + entity + print_offset(inst.offset);
    case Format::kTrap:
      return " " + inst.trap;
    case Format::kCondTrap:
    case Format::kIntAddTrap:
      return " " + values(args) + ", " + inst.trap;
  }
  return "";
}

class Printer {
 public:
  explicit Printer(const Function& function) : f_(function) {
    std::map<Value, Value> roots;
    for (const Alias& alias : f_.aliases) {
      aliases_[alias.of].push_back(alias.name);
      const auto root = roots.find(alias.of);
      roots[alias.name] = root == roots.end() ? alias.of : root->second;
    }
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      for (const BlockParam& param : f_.blocks[b].params) home_[param.value] = b;
      for (const Inst& inst : f_.blocks[b].insts) {
        if (inst.source || !inst.tags.empty()) indent_ = kWideIndent;
        for (Value result : inst.results) home_[result] = b;
      }
    }
    for (const auto& [name, root] : roots) home_[name] = home_[root];
    // Cranelift's order is that of the numbers.
    for (auto& [of, names] : aliases_) std::sort(names.begin(), names.end());
  }

  std::string function() {
    out_ = "function " + f_.name + print(f_.signature) + " {\n";
    bool any = preamble();
    for (size_t b = 0; b < f_.blocks.size(); ++b) {
      if (any) out_ += '\n';
      block(b);
      any = true;
    }
    out_ += "}\n";
    return std::move(out_);
  }

  std::string instruction(size_t block, const Inst& inst) const {
    std::string text = values(inst.results);
    if (!text.empty()) text += " = ";
    text += name_of(inst.op);
    text += suffix(block, inst);
    text += operands(inst);
    if (!inst.stack_map.empty()) text += ", stack_map=[" + inst.stack_map + "]";
    return text;
  }

 private:
  void entity(const char* prefix, uint32_t number, const std::string& text) {
    out_ += "    " + (prefix + std::to_string(number)) + " = " + text + "\n";
  }

  bool preamble() {
    const size_t before = out_.size();
    for (const auto& [number, slot] : f_.slots) {
      entity("ss", number,
             "explicit_slot " + std::to_string(slot.size) +
                 (slot.align == 1 ? "" : ", align = " + std::to_string(slot.align)) +
                 (slot.key.empty() ? "" : ", key = " + slot.key));
    }
    for (const auto& [number, region] : f_.regions) {
      entity("region", number, std::to_string(region.tag) + " \"" + region.description + "\"");
    }
    for (const auto& [number, global] : f_.globals) entity("gv", number, global.text);
    for (const auto& [number, signature] : f_.signatures) entity("sig", number, print(signature));
    for (const auto& [number, declaration] : f_.functions) {
      entity("fn", number,
             std::string(declaration.colocated ? "colocated " : "") + (declaration.patchable ? "patchable " : "") +
                 declaration.name + " sig" + std::to_string(declaration.signature));
    }
    for (const auto& [number, constant] : f_.constants) entity("const", number, bytes(constant));
    if (!f_.stack_limit.empty()) out_ += "    stack_limit = " + f_.stack_limit + "\n";
    return out_.size() != before;
  }

  void block(size_t b) {
    const Block& block = f_.blocks[b];
    out_.append(indent_ - kIndent, ' ');
    out_ += "block" + std::to_string(block.id);
    if (!block.params.empty()) {
      out_ += "(" + joined(block.params, 0, [](const BlockParam& p) { return v(p.value) + ": " + p.type.str(); }) + ")";
    }
    out_ += block.cold ? " cold:\n" : ":\n";
    for (const BlockParam& param : block.params) print_aliases(param.value, indent_);
    for (const Inst& inst : block.insts) line(b, inst);
  }

  void line(size_t b, const Inst& inst) {
    size_t indent = indent_;
    if (!inst.tags.empty()) {
      const std::string tags = "<" + inst.tags + "> ";
      out_ += tags;
      indent -= std::min(indent, tags.size());
    }
    std::string source;
    if (inst.source) {
      source = plain_hex(*inst.source) + " ";
      out_ += source;
    }
    if (source.size() < indent) out_.append(indent - source.size(), ' ');
    out_ += instruction(b, inst);
    out_ += '\n';
    for (Value result : inst.results) print_aliases(result, indent);
  }

  static std::string plain_hex(uint32_t source) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string digits;
    for (int shift = 28; shift >= 0; shift -= 4) {
      const uint32_t nibble = source >> shift & 15;
      if (shift < 16 || nibble != 0 || !digits.empty()) digits += kDigits[nibble];
    }
    return "@" + digits;
  }

  void print_aliases(Value of, size_t indent) {
    std::vector<Value> todo = {of};
    while (!todo.empty()) {
      const Value target = todo.back();
      todo.pop_back();
      const auto names = aliases_.find(target);
      if (names == aliases_.end()) continue;
      for (Value name : names->second) {
        out_.append(indent, ' ');
        out_ += v(name) + " -> " + v(target) + "\n";
        todo.push_back(name);
      }
    }
  }

  // The type is written unless one can see it at a definition in the same block.
  std::string suffix(size_t block, const Inst& inst) const {
    const Rule& rule = rule_of(inst.op);
    if (rule.control == Control::kNone) return "";
    if (rule.control == Control::kSuffix) return "." + inst.type.str();
    const Value operand = inst.args[rule.operand];
    const auto home = home_.find(operand);
    if (home != home_.end() && home->second == block) return "";
    const auto type = f_.types.find(operand);
    return "." + (type == f_.types.end() ? inst.type : type->second).str();
  }

  const Function& f_;
  std::map<Value, std::vector<Value>> aliases_;
  std::map<Value, size_t> home_;
  size_t indent_ = kIndent;
  std::string out_;
};

}  // namespace

std::string print(const BlockCall& call) {
  std::string text = "block" + std::to_string(call.block);
  if (call.args.empty()) return text;
  return text + "(" +
         joined(call.args, 0,
                [](const BlockArg& arg) {
                  const char* prefix = arg.kind == BlockArg::kValue        ? "v"
                                       : arg.kind == BlockArg::kTryCallRet ? "ret"
                                                                           : "exn";
                  return prefix + std::to_string(arg.number);
                }) +
         ")";
}

std::string print(const MemFlags& flags) {
  std::string text;
  if (flags.notrap()) {
    text += " notrap";
  } else if (*flags.trap != kHeapOutOfBounds) {
    text += " " + *flags.trap;
  }
  if (flags.aligned) text += " aligned";
  if (flags.readonly) text += " readonly";
  if (flags.can_move) text += " can_move";
  if (flags.endianness != Endianness::kNative) text += flags.big() ? " big" : " little";
  if (flags.region) text += " region" + std::to_string(*flags.region);
  return text;
}

std::string print(const Signature& signature) {
  const auto param = [](const AbiParam& p) { return p.type.str() + (p.attributes.empty() ? "" : " " + p.attributes); };
  std::string text = "(" + joined(signature.params, 0, param) + ")";
  if (!signature.returns.empty()) text += " -> " + joined(signature.returns, 0, param);
  if (!signature.call_conv.empty()) text += " " + signature.call_conv;
  return text;
}

std::string print(const Function& function) { return Printer(function).function(); }

std::string print(const Function& function, size_t block, const Inst& inst) {
  return Printer(function).instruction(block, inst);
}

Value new_value(Function& function, Type type) {
  const Value value = function.types.empty() ? 0 : function.types.rbegin()->first + 1;
  function.types.emplace(value, type);
  return value;
}

BlockId new_block(Function& function) {
  BlockId id = 0;
  for (const Block& block : function.blocks) id = std::max(id, block.id + 1);
  function.blocks.emplace_back().id = id;
  return id;
}

}  // namespace lockstep::clif
