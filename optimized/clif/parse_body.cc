// Blocks and instructions.
#include <algorithm>
#include <type_traits>

#include "optimized/clif/parser.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/rules.h"

namespace lockstep::clif {
namespace {

// stk_ovf, …, user1 … user250, as it is printed; empty if it is none.
TrapCode trap_code_from(std::string_view word) {
  for (std::string_view code : {"stk_ovf", "int_ovf", "heap_oob", "int_divz", "bad_toint"}) {
    if (word == code) return std::string(code);
  }
  if (word.substr(0, 4) != "user" || word.size() == 4) return "";
  const auto number = parse_unsigned(word.substr(4), 8);
  if (number.error || number.value == 0 || number.value > 250 || word.find('_') != word.npos) return "";
  return "user" + std::to_string(number.value);
}

}  // namespace

void FunctionParser::define(Value value, Type type, Location at) {
  if (!f_.types.emplace(value, type).second) in_.fail(at, "v" + std::to_string(value) + " is defined twice");
}

// A value that is used. It may be defined further down.
Value FunctionParser::use() {
  const Location at = in_.now().at;
  const Value value = in_.entity(Token::kValue, "a value");
  if (f_.types.count(value) == 0) open_values_.try_emplace(value, at);
  return value;
}

void FunctionParser::check_all_defined() {
  // What is nearest to the beginning of the text is named.
  std::optional<Open> first;
  std::string name;
  const auto look = [&](const auto& open, const auto& defined, const char* prefix) {
    for (const auto& [number, at] : open) {
      if (defined.count(number) != 0 || (first && !(Open{at} < *first))) continue;
      first = Open{at};
      name = prefix + std::to_string(number);
    }
  };
  look(open_values_, f_.types, "v");
  look(open_blocks_, blocks_, "block");
  if (first) in_.fail(first->at, name + " is not defined");
}

void FunctionParser::body() {
  while (!in_.now().is('}')) block();
  if (f_.blocks.empty()) in_.fail(in_.now().at, "function " + f_.name + " has no blocks");
  check_all_defined();
}

void FunctionParser::block() {
  const Location at = in_.now().at;
  Block block;
  block.id = in_.entity(Token::kBlock, "a block, a declaration or '}'");
  const std::string name = "block" + std::to_string(block.id);
  if (!blocks_.emplace(block.id, at).second) in_.fail(at, name + " is defined twice");
  if (in_.take('(')) block_params(block);
  block.cold = in_.take_word("cold");
  in_.expect(':');
  while (!in_.now().is('}') && !in_.now().is_entity(Token::kBlock)) block_line(block);
  if (block.insts.empty() || !block.insts.back().is_terminator()) {
    in_.fail(in_.now().at, name + " does not end with a terminator");
  }
  f_.blocks.push_back(std::move(block));
}

void FunctionParser::block_params(Block& block) {
  if (in_.take(')')) return;
  do {
    const Location at = in_.now().at;
    const Value value = in_.entity(Token::kValue, "a block parameter");
    in_.expect(':');
    const Type type = in_.type();
    define(value, type, at);
    block.params.push_back({value, type});
  } while (in_.take(','));
  in_.expect(')');
}

std::string FunctionParser::debug_tags() {
  std::string tags;
  if (!in_.take('<')) return tags;
  while (!in_.take('>')) {
    if (in_.now().is_entity(Token::kSlot)) {
      tags += "ss" +
              std::to_string(declared(Token::kSlot, "a stack slot", "ss",
                                      [](const Function& f, uint32_t number) { return f.slots.count(number) != 0; }));
    } else {
      tags += std::to_string(in_.unsigned_integer(32));
    }
    if (in_.take('>')) break;
    in_.expect(',');
    if (!in_.now().is('>')) tags += ", ";
  }
  return tags;
}

// An alias `v2 -> v1` or an instruction, with what may stand before it.
void FunctionParser::block_line(Block& block) {
  Inst inst;
  const Location begin = in_.now().at;
  inst.tags = debug_tags();
  if (in_.now().kind == Token::kSourceLoc) {
    const auto number = parse_unsigned("0x" + std::string(in_.now().text), 32);
    if (number.error) in_.fail(in_.now().at, "a source location has 32 bits");
    // Cranelift's own "none".
    if (number.value != UINT32_MAX) inst.source = static_cast<uint32_t>(number.value);
    in_.advance();
  }
  std::vector<Location> places;
  if (in_.now().is_entity(Token::kValue)) {
    do {
      places.push_back(in_.now().at);
      inst.results.push_back(in_.entity(Token::kValue, "a result"));
    } while (in_.take(','));
    if (in_.now().kind == Token::kArrow) {
      if (inst.results.size() != 1 || !inst.tags.empty() || inst.source)
        in_.fail(begin, "an alias is written 'v2 -> v1'");
      in_.advance();
      return alias(inst.results[0], begin);
    }
    if (!in_.take('=')) in_.expected("'=' or '->'");
  }
  if (!block.insts.empty() && block.insts.back().is_terminator()) {
    in_.fail(begin, "block" + std::to_string(block.id) + " goes on after its terminator '" +
                        std::string(name_of(block.insts.back().op)) + "'");
  }
  for (size_t i = 0; i < places.size(); ++i) define(inst.results[i], Type{}, places[i]);
  inst.at = begin;
  instruction(block, std::move(inst));
}

void FunctionParser::alias(Value name, Location at) {
  const Location of_at = in_.now().at;
  const Value of = in_.entity(Token::kValue, "the value that v" + std::to_string(name) + " stands for");
  // Only what stands above: so there are no circles, and Cranelift wants the same.
  if (of == name || f_.types.count(of) == 0) {
    in_.fail(of_at, "v" + std::to_string(of) + " is not defined above this");
  }
  const auto known = alias_roots_.find(name);
  const auto root = alias_roots_.find(of);
  const Value stands_for = root == alias_roots_.end() ? of : root->second;
  if (known != alias_roots_.end()) {
    // Said again: Cranelift allows that.
    if (known->second != stands_for) in_.fail(at, "v" + std::to_string(name) + " already stands for another value");
    return;
  }
  define(name, Type{}, at);
  alias_roots_.emplace(name, stands_for);
  f_.aliases.push_back({name, of});
}

void FunctionParser::instruction(Block& block, Inst inst) {
  const Token word = in_.now();
  if (word.kind != Token::kWord) in_.expected("an instruction");
  const auto op = opcode_from(word.text);
  if (!op) in_.fail(word.at, "unknown instruction " + word.str());
  inst.op = *op;
  in_.advance();
  const Location suffix_at = in_.now().at;
  if (in_.take('.')) {
    inst.type = in_.type();
    const Rule& rule = rule_of(inst.op);
    if (rule.control == Control::kNone) in_.fail(suffix_at, std::string(word.text) + " takes no type");
    if (!contains(rule.types, inst.type)) {
      in_.fail(suffix_at,
               std::string(word.text) + " is for " + std::string(name_of(rule.types)) + ", not " + inst.type.str());
    }
  } else if (rule_of(inst.op).control == Control::kSuffix) {
    in_.fail(word.at, std::string(word.text) + " needs a type: '" + std::string(word.text) + ".i32', say");
  } else {
    inst.type = fixed_type(inst.op);
  }
  operands(inst);
  if (in_.now().is(',')) stack_map(inst);
  block.insts.push_back(std::move(inst));
}

void FunctionParser::values(std::vector<Value>& into, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) in_.expect(',');
    into.push_back(use());
  }
}

void FunctionParser::value_list(std::vector<Value>& into) {
  if (!in_.now().is_entity(Token::kValue)) return;
  do {
    into.push_back(use());
  } while (in_.take(','));
}

void FunctionParser::call_args(std::vector<Value>& into) {
  in_.expect('(');
  value_list(into);
  in_.expect(')');
}

uint32_t FunctionParser::declared(Token::Entity kind, const std::string& what, const std::string& prefix,
                                  bool (*there)(const Function&, uint32_t)) {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(kind, what);
  if (!there(f_, number)) in_.fail(at, prefix + std::to_string(number) + " is not declared");
  return number;
}

MemFlags FunctionParser::mem_flags() {
  MemFlags flags;
  bool trap_given = false;
  while (in_.now().kind == Token::kWord) {
    const Token word = in_.now();
    if (word.entity == Token::kRegion) {
      if (flags.region && *flags.region != word.number) in_.fail(word.at, "an access has one region");
      flags.region = word.number;
    } else if (word.entity != Token::kNone) {
      break;
    } else if (word.text == "aligned") {
      flags.aligned = true;
    } else if (word.text == "readonly") {
      flags.readonly = true;
    } else if (word.text == "can_move") {
      flags.can_move = true;
    } else if (word.text == "little" || word.text == "big") {
      const Endianness end = word.text == "big" ? Endianness::kBig : Endianness::kLittle;
      if (flags.endianness != Endianness::kNative && flags.endianness != end) {
        in_.fail(word.at, "an access is either little or big endian");
      }
      flags.endianness = end;
    } else {
      std::optional<TrapCode> trap;
      if (word.text != "notrap") {
        const TrapCode code = trap_code_from(word.text);
        if (code.empty()) break;
        trap = code;
      }
      if (trap_given && flags.trap != trap) in_.fail(word.at, "an access has one trap code");
      trap_given = true;
      flags.trap = trap;
    }
    in_.advance();
  }
  return flags;
}

TrapCode FunctionParser::trap_code() {
  const TrapCode code = in_.now().kind == Token::kWord ? trap_code_from(in_.now().text) : "";
  if (code.empty()) in_.expected("a trap code");
  in_.advance();
  return code;
}

template <typename T>
T FunctionParser::condition(const std::string& what, size_t count) {
  if (in_.now().kind == Token::kWord) {
    for (size_t i = 0; i < count; ++i) {
      if (name_of(static_cast<T>(i)) != in_.now().text) continue;
      in_.advance();
      return static_cast<T>(i);
    }
  }
  in_.expected(what);
}

BlockCall FunctionParser::block_call() {
  BlockCall call;
  const Location at = in_.now().at;
  call.block = in_.entity(Token::kBlock, "a block");
  if (blocks_.count(call.block) == 0) open_blocks_.try_emplace(call.block, at);
  if (!in_.take('(')) return call;
  while (!in_.now().is(')')) {
    if (in_.now().is_entity(Token::kRet) || in_.now().is_entity(Token::kExn)) {
      const bool is_ret = in_.now().is_entity(Token::kRet);
      call.args.push_back({is_ret ? BlockArg::kTryCallRet : BlockArg::kTryCallExn, in_.now().number});
      in_.advance();
    } else {
      call.args.push_back({BlockArg::kValue, use()});
    }
    if (!in_.take(',')) break;
  }
  in_.expect(')');
  return call;
}

void FunctionParser::branch_table(Inst& inst) {
  inst.targets.push_back(block_call());
  in_.expect(',');
  in_.expect('[');
  if (in_.take(']')) return;
  do {
    inst.targets.push_back(block_call());
  } while (in_.take(','));
  in_.expect(']');
}

void FunctionParser::exception_table(Inst& inst) {
  inst.signature = declared(Token::kSignature, "a signature", "sig",
                            [](const Function& f, uint32_t number) { return f.signatures.count(number) != 0; });
  in_.expect(',');
  inst.targets.push_back(block_call());
  in_.expect(',');
  in_.expect('[');
  while (!in_.now().is(']')) {
    Handler handler;
    if (in_.take_word("context")) {
      handler.kind = Handler::kContext;
      handler.context = use();
    } else {
      if (in_.now().is_entity(Token::kTag)) {
        handler.tag = in_.now().number;
        in_.advance();
      } else if (in_.take_word("default")) {
        handler.kind = Handler::kDefault;
      } else {
        in_.expected("'tagN:', 'default:' or 'context vN'");
      }
      in_.expect(':');
      handler.target = block_call();
    }
    inst.handlers.push_back(std::move(handler));
    if (!in_.take(',')) break;
  }
  in_.expect(']');
}

void FunctionParser::operands(Inst& inst) {
  const auto signature_there = [](const Function& f, uint32_t number) { return f.signatures.count(number) != 0; };
  const auto function_there = [](const Function& f, uint32_t number) { return f.functions.count(number) != 0; };
  switch (format_of(inst.op)) {
    case Format::kNullary:
      break;
    case Format::kUnary:
      values(inst.args, 1);
      break;
    case Format::kUnaryImm:
      inst.imm = in_.integer(inst.type.lane_bits);
      break;
    case Format::kUnaryIeee:
      inst.imm = in_.real(inst.op == Opcode::kF32const ? kF32Format : kF64Format);
      break;
    case Format::kUnaryConst:
      if (in_.now().is_entity(Token::kConstant)) {
        inst.entity = declared(Token::kConstant, "a constant", "const",
                               [](const Function& f, uint32_t number) { return f.constants.count(number) != 0; });
      } else {
        inst.constant = vector_constant(inst.type);
      }
      break;
    case Format::kUnaryGlobalValue:
      inst.entity = declared(Token::kGlobal, "a global value", "gv",
                             [](const Function& f, uint32_t number) { return f.globals.count(number) != 0; });
      break;
    case Format::kBinary:
      values(inst.args, 2);
      break;
    case Format::kTernary:
      values(inst.args, 3);
      break;
    case Format::kBinaryImm8:
      values(inst.args, 1);
      in_.expect(',');
      inst.imm = in_.unsigned_integer(8);
      break;
    case Format::kTernaryImm8:
      values(inst.args, 2);
      in_.expect(',');
      inst.imm = in_.unsigned_integer(8);
      break;
    case Format::kShuffle:
      values(inst.args, 2);
      in_.expect(',');
      inst.constant = vector_constant(inst.type);
      break;
    case Format::kMultiAry:
      value_list(inst.args);
      break;
    case Format::kIntCompare:
      inst.int_cc = condition<IntCC>("a condition (eq, ne, slt, …)", 10);
      values(inst.args, 2);
      break;
    case Format::kFloatCompare:
      inst.float_cc = condition<FloatCC>("a condition (eq, ne, lt, …)", 14);
      values(inst.args, 2);
      break;
    case Format::kJump:
      inst.targets.push_back(block_call());
      break;
    case Format::kBrif:
      values(inst.args, 1);
      in_.expect(',');
      inst.targets.push_back(block_call());
      in_.expect(',');
      inst.targets.push_back(block_call());
      break;
    case Format::kBranchTable:
      values(inst.args, 1);
      in_.expect(',');
      branch_table(inst);
      break;
    case Format::kCall:
      inst.entity = declared(Token::kFunction, "a function", "fn", function_there);
      call_args(inst.args);
      break;
    case Format::kCallIndirect:
      inst.entity = declared(Token::kSignature, "a signature", "sig", signature_there);
      in_.expect(',');
      values(inst.args, 1);
      call_args(inst.args);
      break;
    case Format::kTryCall:
      inst.entity = declared(Token::kFunction, "a function", "fn", function_there);
      call_args(inst.args);
      in_.expect(',');
      exception_table(inst);
      break;
    case Format::kTryCallIndirect:
      values(inst.args, 1);
      call_args(inst.args);
      in_.expect(',');
      exception_table(inst);
      break;
    case Format::kFuncAddr:
      inst.entity = declared(Token::kFunction, "a function", "fn", function_there);
      break;
    case Format::kAtomicRmw:
      inst.flags = mem_flags();
      inst.rmw = condition<AtomicRmwOp>("an atomic operation (add, sub, xchg, …)", 11);
      values(inst.args, 2);
      break;
    case Format::kAtomicCas:
      inst.flags = mem_flags();
      values(inst.args, 3);
      break;
    case Format::kLoad:
      inst.flags = mem_flags();
      values(inst.args, 1);
      inst.offset = in_.optional_offset();
      break;
    case Format::kLoadNoOffset:
      inst.flags = mem_flags();
      values(inst.args, 1);
      break;
    case Format::kStore:
      inst.flags = mem_flags();
      values(inst.args, 2);
      inst.offset = in_.optional_offset();
      break;
    case Format::kStoreNoOffset:
      inst.flags = mem_flags();
      values(inst.args, 2);
      break;
    case Format::kStackAddr:
      inst.entity = declared(Token::kSlot, "a stack slot", "ss",
                             [](const Function& f, uint32_t number) { return f.slots.count(number) != 0; });
      inst.offset = in_.optional_offset();
      break;
    case Format::kTrap:
      inst.trap = trap_code();
      break;
    case Format::kCondTrap:
      values(inst.args, 1);
      in_.expect(',');
      inst.trap = trap_code();
      break;
    case Format::kIntAddTrap:
      values(inst.args, 2);
      in_.expect(',');
      inst.trap = trap_code();
      break;
  }
  // A word here is most likely a flag that nobody knows.
}

void FunctionParser::stack_map(Inst& inst) {
  in_.expect(',');
  const Location at = in_.now().at;
  if (!in_.take_word("stack_map")) in_.expected("'stack_map'");
  const bool tail = inst.op == Opcode::kReturnCall || inst.op == Opcode::kReturnCallIndirect;
  if (!inst.is_call() || tail) in_.fail(at, "only calls that come back have a stack map");
  in_.expect('=');
  in_.expect('[');
  while (!in_.now().is(']')) {
    if (!inst.stack_map.empty()) inst.stack_map += ", ";
    inst.stack_map += in_.type().str();
    in_.expect('@');
    inst.stack_map +=
        " @ ss" + std::to_string(declared(Token::kSlot, "a stack slot", "ss", [](const Function& f, uint32_t number) {
          return f.slots.count(number) != 0;
        }));
    in_.take('+');
    inst.stack_map += "+" + std::to_string(in_.unsigned_integer(32));
    if (!in_.take(',')) break;
  }
  in_.expect(']');
}

}  // namespace lockstep::clif
