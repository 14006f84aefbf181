// What stands before a function's first block: its name, its signature, and the declarations of everything that has a
// number.
#include <algorithm>
#include <array>
#include <limits>

#include "optimized/clif/parser.h"
#include "optimized/clif/printer.h"

namespace lockstep::clif {
namespace {

constexpr std::array<std::string_view, 8> kCallConvs = {"fast",          "tail",       "system_v", "windows_fastcall",
                                                        "apple_aarch64", "probestack", "winch",    "preserve_all"};

// `gv7 = load.i64 …` is written as it will be printed, whatever order the flags were in.
std::string global_text(const GlobalValue& global, bool colocated, bool tls) {
  const std::string base = "gv" + std::to_string(global.base);
  switch (global.kind) {
    case GlobalValue::kVmctx:
      return "vmctx";
    case GlobalValue::kLoad:
      return "load." + global.type.str() + print(global.flags) + " " + base +
             print_offset(static_cast<int32_t>(global.offset));
    case GlobalValue::kIadd:
      return "iadd_imm." + global.type.str() + " " + base + ", " + print_integer(global.offset);
    case GlobalValue::kSymbol:
      return std::string("symbol ") + (colocated ? "colocated " : "") + (tls ? "tls " : "") + global.symbol +
             (global.offset > 0 ? "+" : "") + (global.offset != 0 ? print_integer(global.offset) : "");
    case GlobalValue::kOther:
      break;
  }
  return global.text;
}

}  // namespace

std::string FunctionParser::function_name() {
  if (in_.now().kind == Token::kName) {
    std::string name(in_.now().text);
    in_.advance();
    return name;
  }
  const uint32_t space = in_.entity(Token::kUser, "a function's name (%name or u0:0)");
  in_.expect(':');
  return "u" + std::to_string(space) + ":" + std::to_string(in_.unsigned_integer(32));
}

std::string FunctionParser::external_name() {
  if (!in_.now().is_entity(Token::kUserName)) return function_name();
  std::string name(in_.now().text);
  in_.advance();
  return name;
}

AbiParam FunctionParser::abi_param() {
  AbiParam param;
  param.type = in_.type();
  std::string extension, purpose;
  while (in_.now().kind == Token::kWord && in_.now().entity == Token::kNone) {
    const Token word = in_.now();
    if (word.text == "uext" || word.text == "sext") {
      if (!param.type.is_int()) in_.fail(word.at, "only integers are extended, not " + param.type.str());
      if (!extension.empty() && extension != word.text) in_.fail(word.at, "a parameter is extended in one way");
      extension = word.text;
    } else if (word.text == "sret" || word.text == "vmctx" || word.text == "normal" || word.text == "sarg") {
      if (!purpose.empty()) in_.fail(word.at, "a parameter has one purpose");
      purpose = word.text;
    } else {
      break;
    }
    in_.advance();
    if (word.text == "sarg") {
      in_.expect('(');
      purpose += "(" + std::to_string(in_.unsigned_integer(32)) + ")";
      in_.expect(')');
    }
  }
  if (purpose == "normal") purpose.clear();
  param.attributes = extension + (extension.empty() || purpose.empty() ? "" : " ") + purpose;
  return param;
}

std::vector<AbiParam> FunctionParser::abi_params() {
  std::vector<AbiParam> params;
  do {
    params.push_back(abi_param());
  } while (in_.take(','));
  return params;
}

Signature FunctionParser::signature() {
  Signature signature;
  in_.expect('(');
  if (!in_.now().is(')')) signature.params = abi_params();
  in_.expect(')');
  if (in_.now().kind == Token::kArrow) {
    in_.advance();
    signature.returns = abi_params();
  }
  const Token word = in_.now();
  // The next declaration may follow without a calling convention in between.
  if (word.kind != Token::kWord || word.entity != Token::kNone || word.text == "stack_limit") return signature;
  if (std::find(kCallConvs.begin(), kCallConvs.end(), word.text) == kCallConvs.end()) {
    in_.fail(word.at, "unknown calling convention " + word.str());
  }
  signature.call_conv = word.text;
  in_.advance();
  return signature;
}

void FunctionParser::preamble() {
  while (true) {
    const Token& token = in_.now();
    if (token.is_entity(Token::kSlot)) {
      slot_decl();
    } else if (token.is_entity(Token::kRegion)) {
      region_decl();
    } else if (token.is_entity(Token::kGlobal)) {
      global_decl();
    } else if (token.is_entity(Token::kSignature)) {
      signature_decl();
    } else if (token.is_entity(Token::kFunction)) {
      function_decl();
    } else if (token.is_entity(Token::kConstant)) {
      constant_decl();
    } else if (token.is_word("stack_limit")) {
      stack_limit_decl();
    } else {
      break;
    }
  }
  resolve_inline_signatures();
}

void FunctionParser::slot_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kSlot, "a stack slot");
  in_.expect('=');
  if (!in_.take_word("explicit_slot")) in_.fail(in_.now().at, "unknown kind of stack slot " + in_.now().str());
  StackSlot slot;
  slot.size = static_cast<uint32_t>(in_.unsigned_integer(32));
  while (in_.take(',')) {
    const Token flag = in_.now();
    if (!in_.take_word("align") && !in_.take_word("key"))
      in_.fail(flag.at, "unknown flag of a stack slot " + flag.str());
    in_.expect('=');
    const Location number_at = in_.now().at;
    if (flag.text == "key") {
      slot.key = std::to_string(in_.unsigned_integer(64));
    } else {
      slot.align = static_cast<uint32_t>(in_.unsigned_integer(32));
      if (slot.align == 0 || (slot.align & (slot.align - 1)) != 0)
        in_.fail(number_at, "an alignment is a power of two");
    }
  }
  if (!f_.slots.emplace(number, slot).second) in_.fail(at, "ss" + std::to_string(number) + " is declared twice");
}

void FunctionParser::region_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kRegion, "a region");
  in_.expect('=');
  Region region;
  region.tag = static_cast<uint32_t>(in_.unsigned_integer(32));
  if (in_.now().kind == Token::kString) {
    region.description = in_.now().text;
    in_.advance();
  }
  if (!f_.regions.emplace(number, region).second)
    in_.fail(at, "region" + std::to_string(number) + " is declared twice");
}

void FunctionParser::global_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kGlobal, "a global value");
  in_.expect('=');
  const Token kind = in_.now();
  GlobalValue global;
  bool colocated = false, tls = false;
  if (in_.take_word("vmctx")) {
    global.kind = GlobalValue::kVmctx;
    global.type = kI64;
  } else if (in_.take_word("load")) {
    global.kind = GlobalValue::kLoad;
    in_.expect('.');
    global.type = in_.type();
    global.flags = mem_flags();
    if (!global.flags.notrap() || !global.flags.aligned)
      in_.fail(kind.at, "a global value's load is notrap and aligned");
    global.base = in_.entity(Token::kGlobal, "a global value");
    global.offset = in_.optional_offset();
  } else if (in_.take_word("iadd_imm")) {
    global.kind = GlobalValue::kIadd;
    in_.expect('.');
    global.type = in_.type();
    global.base = in_.entity(Token::kGlobal, "a global value");
    in_.expect(',');
    global.offset = static_cast<int64_t>(in_.integer(64));
  } else if (in_.take_word("symbol")) {
    global.kind = GlobalValue::kSymbol;
    global.type = kI64;
    colocated = in_.take_word("colocated");
    tls = in_.take_word("tls");
    global.symbol = external_name();
    if (in_.now().kind == Token::kNumber && (in_.now().text[0] == '+' || in_.now().text[0] == '-')) {
      global.offset = static_cast<int64_t>(in_.integer(64));
    }
  } else {
    in_.fail(kind.at, "unknown kind of global value " + kind.str());
  }
  global.text = global_text(global, colocated, tls);
  if (!f_.globals.emplace(number, global).second) in_.fail(at, "gv" + std::to_string(number) + " is declared twice");
}

void FunctionParser::signature_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kSignature, "a signature");
  in_.expect('=');
  if (!f_.signatures.emplace(number, signature()).second) {
    in_.fail(at, "sig" + std::to_string(number) + " is declared twice");
  }
}

void FunctionParser::function_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kFunction, "a function");
  in_.expect('=');
  FuncDecl declaration;
  declaration.colocated = in_.take_word("colocated");
  declaration.patchable = in_.take_word("patchable");
  declaration.name = external_name();
  if (in_.now().is('(')) {
    inline_signatures_.emplace_back(number, signature());
  } else {
    const Location sig_at = in_.now().at;
    declaration.signature = in_.entity(Token::kSignature, "a signature");
    if (f_.signatures.count(declaration.signature) == 0) {
      in_.fail(sig_at, "sig" + std::to_string(declaration.signature) + " is not declared before this");
    }
  }
  if (!f_.functions.emplace(number, declaration).second) {
    in_.fail(at, "fn" + std::to_string(number) + " is declared twice");
  }
}

// The signatures that were written in a function's declaration get numbers behind all others.
void FunctionParser::resolve_inline_signatures() {
  uint32_t next = f_.signatures.empty() ? 0 : f_.signatures.rbegin()->first + 1;
  for (auto& [function, signature] : inline_signatures_) {
    f_.functions.at(function).signature = next;
    f_.signatures.emplace(next++, std::move(signature));
  }
  inline_signatures_.clear();
}

std::vector<uint8_t> FunctionParser::hex_constant() {
  const Token token = in_.now();
  if (token.kind != Token::kNumber || token.text.substr(0, 2) != "0x") in_.expected("a constant in hexadecimal");
  std::vector<uint8_t> nibbles;
  for (char c : token.text.substr(2)) {
    if (c == '_') continue;
    const auto digit = parse_unsigned(std::string("0x") + c, 4);
    if (digit.error) in_.fail(token.at, "this is not a constant in hexadecimal: " + token.str());
    if (nibbles.size() == 64) in_.fail(token.at, "a constant has at most 32 bytes");
    nibbles.push_back(static_cast<uint8_t>(digit.value));
  }
  if (nibbles.empty() || nibbles.size() % 2 != 0) in_.fail(token.at, "a constant has an even number of digits");
  in_.advance();
  std::vector<uint8_t> bytes;
  for (size_t i = nibbles.size(); i > 0; i -= 2) {
    bytes.push_back(static_cast<uint8_t>(nibbles[i - 2] << 4 | nibbles[i - 1]));
  }
  return bytes;
}

// `0x…` with at most as many bytes as the type has, or its lanes between brackets: `[1 2 3 4]`.
std::vector<uint8_t> FunctionParser::vector_constant(Type type) {
  const Location at = in_.now().at;
  if (!in_.take('[')) {
    std::vector<uint8_t> bytes = hex_constant();
    if (bytes.size() > type.bytes()) in_.fail(at, "this constant is larger than " + type.str());
    bytes.resize(type.bytes());
    return bytes;
  }
  std::vector<uint8_t> bytes;
  for (uint32_t lane = 0; lane < type.lanes; ++lane) {
    uint64_t bits;
    if (type.lane_bits > 64) in_.fail(at, "lanes of 128 bits are written in hexadecimal");
    if (type.kind == Type::kInt) {
      bits = in_.integer(type.lane_bits);
    } else {
      bits = in_.real(type.lane_bits == 16 ? kF16Format : type.lane_bits == 32 ? kF32Format : kF64Format);
    }
    for (unsigned shift = 0; shift < type.lane_bits; shift += 8) bytes.push_back(static_cast<uint8_t>(bits >> shift));
  }
  in_.expect(']');
  return bytes;
}

void FunctionParser::constant_decl() {
  const Location at = in_.now().at;
  const uint32_t number = in_.entity(Token::kConstant, "a constant");
  in_.expect('=');
  std::vector<uint8_t> bytes = in_.now().kind == Token::kType ? vector_constant(in_.type()) : hex_constant();
  if (!f_.constants.emplace(number, std::move(bytes)).second) {
    in_.fail(at, "const" + std::to_string(number) + " is declared twice");
  }
}

void FunctionParser::stack_limit_decl() {
  const Location at = in_.now().at;
  in_.advance();
  in_.expect('=');
  const std::string limit(in_.now().text);
  in_.entity(Token::kGlobal, "a global value");
  if (!f_.stack_limit.empty()) in_.fail(at, "stack_limit is declared twice");
  f_.stack_limit = limit;
}

}  // namespace lockstep::clif
