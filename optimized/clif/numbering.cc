// Value numbering by hashing in reverse post-order, repeated until nothing changes; the arguments of a way back into a
// loop count as equal until they turn out not to be. See numbering.h.
#include "optimized/clif/numbering.h"

#include <algorithm>
#include <utility>

#include "optimized/clif/effects.h"

namespace lockstep::clif {
namespace {

// Functions that need more are not written by compilers; then no block parameter counts as equal to anything.
constexpr size_t kMostPasses = 20;

// What the first word of a key says; opcodes come after these.
enum Tag : uint64_t { kTagOpaque, kTagConstant, kTagSlot, kTagSum, kTagSameValue, kTagReadonly, kTagOpcode };

uint64_t packed(Type type) { return uint64_t{type.kind} << 16 | uint64_t{type.lane_bits} << 8 | uint64_t{type.lanes}; }
uint64_t mask(uint32_t bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }
uint64_t sign_extended(uint64_t value, uint32_t bits) {
  if (bits >= 64 || (value >> (bits - 1) & 1) == 0) return value;
  return value | ~mask(bits);
}

bool is_commutative(Opcode op) {
  switch (op) {
    case Opcode::kIadd:
    case Opcode::kImul:
    case Opcode::kBand:
    case Opcode::kBor:
    case Opcode::kBxor:
      return true;
    default:
      return false;
  }
}

bool compare(IntCC cc, uint64_t a, uint64_t b, uint32_t bits) {
  const auto sa = static_cast<int64_t>(sign_extended(a, bits)), sb = static_cast<int64_t>(sign_extended(b, bits));
  switch (cc) {
    case IntCC::kEq:
      return a == b;
    case IntCC::kNe:
      return a != b;
    case IntCC::kSlt:
      return sa < sb;
    case IntCC::kSge:
      return sa >= sb;
    case IntCC::kSgt:
      return sa > sb;
    case IntCC::kSle:
      return sa <= sb;
    case IntCC::kUlt:
      return a < b;
    case IntCC::kUge:
      return a >= b;
    case IntCC::kUgt:
      return a > b;
    case IntCC::kUle:
      return a <= b;
  }
  return false;
}

}  // namespace

Numbering::Numbering(const Function& function, const Cfg& cfg, const Promises& promises)
    : f_(function), cfg_(cfg), promises_(promises) {
  const size_t values = f_.types.empty() ? 0 : f_.types.rbegin()->first + size_t{1};
  of_.assign(values, kNoClass);
  sites_.resize(values);
  distinct_.assign(values, false);
  incoming_.resize(f_.blocks.size());
  for (size_t b = 0; b < f_.blocks.size(); ++b) {
    for (const BlockParam& param : f_.blocks[b].params) sites_[param.value] = {b, 0};
    for (size_t i = 0; i < f_.blocks[b].insts.size(); ++i) {
      for (Value result : f_.blocks[b].insts[i].results) sites_[result] = {b, i + 1};
    }
    for (const BlockCall* call : successors(f_.blocks[b])) incoming_[cfg_.index_of(call->block)].push_back({b, call});
  }
  zero_ = interned({kTagConstant, packed(kI64), 0}, {}, 64);
  classes_[zero_].constant = 0;
  for (size_t passes = 1; pass(); ++passes) {
    if (passes == kMostPasses) distinct_.assign(values, true);
  }
  for (size_t b : cfg_.order()) {
    for (const BlockParam& param : f_.blocks[b].params) classes_[of_[param.value]].members.push_back(param.value);
    for (const Inst& inst : f_.blocks[b].insts) {
      for (Value result : inst.results) classes_[of_[result]].members.push_back(result);
    }
  }
}

ClassId Numbering::add(Value value, size_t block) {
  if (value >= of_.size()) {
    of_.resize(value + size_t{1}, kNoClass);
    sites_.resize(value + size_t{1});
  }
  sites_[value] = {block, 0};
  of_[value] = opaque(value);
  classes_[of_[value]].members = {value};
  return of_[value];
}

// What an extension or a reduction was made from, as long as that has the same lowest bytes.
ClassId Numbering::base_of(ClassId id, uint32_t bytes) const {
  while (classes_[id].resized != kNoClass && classes_[classes_[id].resized].bits >= bytes * 8) {
    id = classes_[id].resized;
  }
  return id;
}

bool Numbering::same_bytes(ClassId a, ClassId b, uint32_t bytes) const {
  if (a == b) return true;
  a = base_of(a, bytes);
  b = base_of(b, bytes);
  if (a == b) return true;
  const auto &x = classes_[a].constant, &y = classes_[b].constant;
  return bytes <= 8 && x && y && ((*x ^ *y) & mask(bytes * 8)) == 0;
}

bool Numbering::pass() {
  bool changed = false;
  const auto set = [&](Value value, ClassId id) {
    if (std::exchange(of_[value], id) != id) changed = true;
  };
  for (size_t b : cfg_.order()) {
    const Block& block = f_.blocks[b];
    for (size_t i = 0; i < block.params.size(); ++i) set(block.params[i].value, class_of_param(b, i));
    for (const Inst& inst : block.insts) {
      for (size_t i = 0; i < inst.results.size(); ++i) set(inst.results[i], class_of_result(inst, i));
    }
  }
  return changed;
}

ClassId Numbering::class_of_param(size_t block, size_t position) {
  const Value param = f_.blocks[block].params[position].value;
  if (block == 0 || distinct_[param]) return opaque(param);
  ClassId common = kNoClass;
  bool equal = true;
  for (const Edge& edge : incoming_[block]) {
    const BlockArg& arg = edge.call->args[position];
    if (arg.kind != BlockArg::kValue) {
      equal = false;
      break;
    }
    const ClassId id = of_[arg.number];
    if (id == kNoClass) continue;
    if (common == kNoClass) common = id;
    equal = equal && id == common;
  }
  if (equal && common != kNoClass && (common == of_[param] || valid_at(common, block))) return common;
  distinct_[param] = true;
  return opaque(param);
}

ClassId Numbering::class_of_result(const Inst& inst, size_t result) {
  if (inst.reads_memory()) return class_of_load(inst);
  if (!is_pure(f_, inst)) return opaque(inst.results[result]);
  switch (inst.op) {
    case Opcode::kIconst:
      return constant_of(inst.type, inst.imm);
    case Opcode::kStackAddr:
      return sum(slot_root(inst.entity), static_cast<uint64_t>(int64_t{inst.offset}));
    case Opcode::kGlobalValue:
    case Opcode::kSymbolValue:
      return class_of_global(inst);
    case Opcode::kIadd:
    case Opcode::kUaddOverflowTrap:
      if (inst.type == kI64) return add_addresses(of_[inst.args[0]], of_[inst.args[1]]);
      break;
    case Opcode::kIsub:
      if (inst.type == kI64) {
        const Address a = address(of_[inst.args[0]]), b = address(of_[inst.args[1]]);
        if (a.root == b.root) return constant_of(kI64, a.offset - b.offset);
        if (b.root == zero_) return sum(a.root, a.offset - b.offset);
      }
      break;
    default:
      break;
  }
  const ClassId simpler = folded(inst);
  return simpler != kNoClass ? simpler : expression(inst, result);
}

ClassId Numbering::class_of_load(const Inst& inst) {
  const Type type = f_.type_of(inst.results[0]);
  if (const Promise* promise = promises_.same_value(f_, inst)) {
    const auto number = static_cast<uint64_t>(promise - promises_.list.data());
    return interned({kTagSameValue, number, static_cast<uint64_t>(inst.op), packed(type), inst.flags.big()}, {},
                    type.bits());
  }
  if (!inst.flags.readonly) return opaque(inst.results[0]);
  const Address at = address(of_[inst.args[0]]);
  return readonly(inst.op, type, inst.flags.big(), at.root, at.offset + static_cast<uint64_t>(int64_t{inst.offset}));
}

ClassId Numbering::readonly(Opcode op, Type type, bool big, ClassId root, uint64_t offset) {
  const ClassId id =
      interned({kTagReadonly, static_cast<uint64_t>(op), packed(type), big, root, offset}, {root}, type.bits());
  classes_[id].operands.clear();
  return id;
}

ClassId Numbering::class_of_global(const Inst& inst) {
  // The chain down to a value that nothing is added to or loaded from; then back up.
  std::vector<const GlobalValue*> chain;
  ClassId id = kNoClass;
  for (uint32_t number = inst.entity; id == kNoClass;) {
    const GlobalValue& global = f_.globals.at(number);
    if (global.kind == GlobalValue::kIadd || global.kind == GlobalValue::kLoad) {
      chain.push_back(&global);
      number = global.base;
      continue;
    }
    if (global.kind == GlobalValue::kVmctx) {
      for (size_t i = 0; i < f_.signature.params.size(); ++i) {
        if (f_.signature.params[i].attributes == "vmctx") id = of_[f_.entry().params[i].value];
      }
    }
    if (id == kNoClass) {
      id = interned({kTagOpcode + static_cast<uint64_t>(Opcode::kGlobalValue), packed(inst.type), number}, {}, 64);
    }
  }
  while (!chain.empty()) {
    const GlobalValue& global = *chain.back();
    chain.pop_back();
    const ClassId root = address(id).root;
    const uint64_t offset = address(id).offset + static_cast<uint64_t>(global.offset);
    id = global.kind == GlobalValue::kIadd ? sum(root, offset)
                                           : readonly(Opcode::kLoad, global.type, global.flags.big(), root, offset);
  }
  return id;
}

// Instructions that give a constant or one of their operands.
ClassId Numbering::folded(const Inst& inst) {
  switch (inst.op) {
    case Opcode::kIcmp:
      return inst.type.is_int() && inst.type.bits() <= 64 ? folded_compare(inst) : kNoClass;
    case Opcode::kUextend:
    case Opcode::kSextend:
    case Opcode::kIreduce: {
      const auto value = constant(of_[inst.args[0]]);
      if (!value || inst.type.bits() > 64) return kNoClass;
      const uint32_t bits = f_.type_of(inst.args[0]).bits();
      return constant_of(inst.type, inst.op == Opcode::kSextend ? sign_extended(*value, bits) : *value);
    }
    case Opcode::kSelect: {
      if (of_[inst.args[1]] == of_[inst.args[2]]) return of_[inst.args[1]];
      const auto condition = constant(of_[inst.args[0]]);
      return condition ? of_[inst.args[*condition != 0 ? 1 : 2]] : kNoClass;
    }
    default:
      return kNoClass;
  }
}

ClassId Numbering::folded_compare(const Inst& inst) {
  const ClassId a = of_[inst.args[0]], b = of_[inst.args[1]];
  const Type result = f_.type_of(inst.results[0]);
  if (a == b) return constant_of(result, compare(inst.int_cc, 0, 0, 8));
  const auto x = constant(a), y = constant(b);
  if (x && y) return constant_of(result, compare(inst.int_cc, *x, *y, inst.type.bits()));
  // Two places in one object differ, wherever it lies.
  const bool apart = inst.type == kI64 && address(a).root == address(b).root && address(a).offset != address(b).offset;
  if (apart && inst.int_cc == IntCC::kEq) return constant_of(result, 0);
  if (apart && inst.int_cc == IntCC::kNe) return constant_of(result, 1);
  return kNoClass;
}

ClassId Numbering::expression(const Inst& inst, size_t result) {
  std::vector<ClassId> operands;
  for (Value arg : inst.args) operands.push_back(of_[arg]);
  if (is_commutative(inst.op)) std::sort(operands.begin(), operands.end());
  const Type type = f_.type_of(inst.results[result]);
  Key key = {kTagOpcode + static_cast<uint64_t>(inst.op),
             packed(inst.type),
             packed(type),
             result,
             inst.imm,
             static_cast<uint64_t>(inst.int_cc) << 8 | static_cast<uint64_t>(inst.float_cc),
             uint64_t{inst.entity},
             static_cast<uint64_t>(int64_t{inst.offset}),
             inst.flags.big(),
             inst.constant.size()};
  key.insert(key.end(), inst.constant.begin(), inst.constant.end());
  key.insert(key.end(), operands.begin(), operands.end());
  const ClassId id = interned(std::move(key), operands, type.bits());
  switch (inst.op) {
    case Opcode::kUextend:
    case Opcode::kSextend:
    case Opcode::kIreduce:
      classes_[id].resized = operands[0];
      break;
    default:
      break;
  }
  return id;
}

ClassId Numbering::opaque(Value value) {
  const auto type = f_.types.find(value);
  const ClassId id = interned({kTagOpaque, value}, {}, type == f_.types.end() ? 0 : type->second.bits());
  classes_[id].site = sites_[value];
  return id;
}

ClassId Numbering::constant_of(Type type, uint64_t bits) {
  bits &= mask(type.bits());
  const ClassId id = interned({kTagConstant, packed(type), bits}, {}, type.bits());
  Class& entry = classes_[id];
  entry.constant = bits;
  if (type == kI64) {
    entry.root = zero_;
    entry.offset = bits;
  }
  return id;
}

ClassId Numbering::slot_root(uint32_t slot) {
  const ClassId id = interned({kTagSlot, slot}, {}, 64);
  classes_[id].slot = slot;
  return id;
}

ClassId Numbering::sum(ClassId root, uint64_t offset) {
  if (root == zero_) return constant_of(kI64, offset);
  if (offset == 0) return root;
  const ClassId id = interned({kTagSum, root, offset}, {root}, 64);
  classes_[id].root = root;
  classes_[id].offset = offset;
  return id;
}

ClassId Numbering::add_addresses(ClassId a, ClassId b) {
  const Address x = address(a), y = address(b);
  const uint64_t offset = x.offset + y.offset;
  if (x.root == zero_) return sum(y.root, offset);
  if (y.root == zero_) return sum(x.root, offset);
  const ClassId first = std::min(x.root, y.root), second = std::max(x.root, y.root);
  const ClassId root =
      interned({kTagOpcode + static_cast<uint64_t>(Opcode::kIadd), packed(kI64), first, second}, {first, second}, 64);
  return sum(root, offset);
}

ClassId Numbering::interned(Key key, std::vector<ClassId> operands, uint32_t bits) {
  const auto [entry, is_new] = interned_.emplace(std::move(key), static_cast<ClassId>(classes_.size()));
  if (!is_new) return entry->second;
  Class made;
  made.root = entry->second;
  made.bits = bits;
  for (ClassId operand : operands) made.site = later(made.site, classes_[operand].site);
  made.operands = std::move(operands);
  classes_.push_back(std::move(made));
  return entry->second;
}

const Site& Numbering::later(const Site& a, const Site& b) const {
  if (a.block == b.block) return a.index < b.index ? b : a;
  return cfg_.dominates(a.block, b.block) ? b : a;
}

}  // namespace lockstep::clif
