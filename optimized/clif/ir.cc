// The names of CLIF's types, conditions and instructions, and the questions that ir.h lets one ask of a function.
#include "optimized/clif/ir.h"

#include <array>
#include <cassert>

namespace lockstep::clif {
namespace {

struct OpcodeInfo {
  std::string_view text;
  Format format;
};

// In the order of enum Opcode.
constexpr OpcodeInfo kOpcodes[] = {
#define LOCKSTEP_OPCODE(name, text, format) {text, Format::format},
#include "optimized/clif/opcodes.inc"
#undef LOCKSTEP_OPCODE
};

constexpr std::array<std::string_view, 10> kIntCCs = {"eq",  "ne",  "slt", "sge", "sgt",
                                                      "sle", "ult", "uge", "ugt", "ule"};
constexpr std::array<std::string_view, 14> kFloatCCs = {"ord", "uno", "eq", "ne",  "one", "ueq", "lt",
                                                        "le",  "gt",  "ge", "ult", "ule", "ugt", "uge"};
constexpr std::array<std::string_view, 11> kRmwOps = {"add", "and",  "nand", "or",   "smax", "smin",
                                                      "sub", "umax", "umin", "xchg", "xor"};

// The names, sorted once: a text of 10 MB asks for one on every line.
const std::map<std::string_view, Opcode>& opcodes_by_name() {
  static const auto* const kByName = [] {
    auto* map = new std::map<std::string_view, Opcode>;
    for (size_t i = 0; i < std::size(kOpcodes); ++i) map->emplace(kOpcodes[i].text, static_cast<Opcode>(i));
    return map;
  }();
  return *kByName;
}

std::optional<uint32_t> small_number(std::string_view digits) {
  if (digits.empty() || digits.size() > 3 || digits[0] == '0') return std::nullopt;
  uint32_t number = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint32_t>(c - '0');
  }
  return number;
}

}  // namespace

std::string Type::str() const {
  if (!valid()) return "invalid";
  std::string text = (kind == kInt ? "i" : "f") + std::to_string(lane_bits);
  if (is_vector()) text += "x" + std::to_string(lanes);
  return text;
}

std::optional<Type> type_from(std::string_view text) {
  if (text.size() < 2 || (text[0] != 'i' && text[0] != 'f')) return std::nullopt;
  const Type::Kind kind = text[0] == 'i' ? Type::kInt : Type::kFloat;
  const size_t x = text.find('x');
  const auto lane_bits = small_number(text.substr(1, x == text.npos ? text.npos : x - 1));
  if (!lane_bits) return std::nullopt;
  if (*lane_bits != 16 && *lane_bits != 32 && *lane_bits != 64 && *lane_bits != 128) {
    if (*lane_bits != 8 || kind == Type::kFloat) return std::nullopt;
  }
  uint32_t lanes = 1;
  if (x != text.npos) {
    const auto number = small_number(text.substr(x + 1));
    if (!number || *number < 2 || (*number & (*number - 1)) != 0 || *lane_bits * *number > 256) return std::nullopt;
    lanes = *number;
  }
  return Type{kind, static_cast<uint8_t>(*lane_bits), static_cast<uint8_t>(lanes)};
}

std::string_view name_of(IntCC cc) { return kIntCCs[static_cast<size_t>(cc)]; }
std::string_view name_of(FloatCC cc) { return kFloatCCs[static_cast<size_t>(cc)]; }
std::string_view name_of(AtomicRmwOp op) { return kRmwOps[static_cast<size_t>(op)]; }
std::string_view name_of(Opcode op) { return kOpcodes[static_cast<size_t>(op)].text; }
Format format_of(Opcode op) { return kOpcodes[static_cast<size_t>(op)].format; }

std::optional<Opcode> opcode_from(std::string_view text) {
  const auto found = opcodes_by_name().find(text);
  if (found == opcodes_by_name().end()) return std::nullopt;
  return found->second;
}

bool Inst::is_terminator() const {
  switch (op) {
    case Opcode::kJump:
    case Opcode::kBrif:
    case Opcode::kBrTable:
    case Opcode::kTrap:
    case Opcode::kReturn:
    case Opcode::kReturnCall:
    case Opcode::kReturnCallIndirect:
    case Opcode::kTryCall:
    case Opcode::kTryCallIndirect:
      return true;
    default:
      return false;
  }
}

bool Inst::is_call() const {
  switch (format_of(op)) {
    case Format::kCall:
    case Format::kCallIndirect:
    case Format::kTryCall:
    case Format::kTryCallIndirect:
      return true;
    default:
      return false;
  }
}

bool Inst::reads_memory() const { return format_of(op) == Format::kLoad; }
bool Inst::writes_memory() const { return format_of(op) == Format::kStore; }

bool Inst::is_atomic() const {
  switch (op) {
    case Opcode::kAtomicRmw:
    case Opcode::kAtomicCas:
    case Opcode::kAtomicLoad:
    case Opcode::kAtomicStore:
    case Opcode::kFence:
      return true;
    default:
      return false;
  }
}

uint32_t Inst::access_bytes() const {
  switch (op) {
    case Opcode::kUload8:
    case Opcode::kSload8:
    case Opcode::kIstore8:
      return 1;
    case Opcode::kUload16:
    case Opcode::kSload16:
    case Opcode::kIstore16:
      return 2;
    case Opcode::kUload32:
    case Opcode::kSload32:
    case Opcode::kIstore32:
      return 4;
    case Opcode::kLoad:
    case Opcode::kStore:
    case Opcode::kAtomicRmw:
    case Opcode::kAtomicCas:
    case Opcode::kAtomicLoad:
    case Opcode::kAtomicStore:
      return type.bytes();
    default:
      return 0;
  }
}

size_t Inst::address_index() const {
  const Format format = format_of(op);
  return format == Format::kStore || format == Format::kStoreNoOffset ? 1 : 0;
}

const Block* Function::find(BlockId id) const {
  // Most functions are numbered densely in layout order.
  if (id < blocks.size() && blocks[id].id == id) return &blocks[id];
  for (const Block& block : blocks) {
    if (block.id == id) return &block;
  }
  return nullptr;
}

Value Function::resolved(Value v) const {
  // An alias stands for what was defined before it, so the names are met from the last to the first.
  for (auto alias = aliases.rbegin(); alias != aliases.rend(); ++alias) {
    if (alias->name == v) v = alias->of;
  }
  return v;
}

const Signature& Function::callee_signature(const Inst& call) const {
  switch (format_of(call.op)) {
    case Format::kCall:
      return signature_of(functions.at(call.entity));
    case Format::kCallIndirect:
      return signatures.at(call.entity);
    default:
      assert(format_of(call.op) == Format::kTryCall || format_of(call.op) == Format::kTryCallIndirect);
      return signatures.at(call.signature);
  }
}

std::string Function::region_name(uint32_t region) const {
  const auto found = regions.find(region);
  if (found != regions.end() && !found->second.description.empty()) return found->second.description;
  return "region" + std::to_string(region);
}

std::vector<const BlockCall*> successors(const Block& block) {
  std::vector<const BlockCall*> calls;
  if (block.insts.empty()) return calls;
  const Inst& last = block.insts.back();
  for (const BlockCall& target : last.targets) calls.push_back(&target);
  for (const Handler& handler : last.handlers) {
    if (handler.kind != Handler::kContext) calls.push_back(&handler.target);
  }
  return calls;
}

}  // namespace lockstep::clif
