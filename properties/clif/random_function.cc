// See random_function.h.
#include "properties/clif/random_function.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "optimized/clif/cfg.h"
#include "optimized/clif/rules.h"
#include "properties/clif/symbolic.h"

namespace lockstep::refinement {

using namespace clif;

// --- Pure instructions
// --------------------------------------------------------------------------------------------------

namespace {

const std::array<Type, 5> kInts = {kI8, kI16, kI32, kI64, kI128};
const std::array<Type, 2> kFloats = {kF32, kF64};

// The scalar types that a letter of the table of rules allows.
std::vector<Type> types_for(char letter, Type controlling) {
  if (const Type only = meant_by(letter, controlling); only.valid()) return {only};
  std::vector<Type> list;
  for (const Type t : kInts) {
    if (fits(letter, controlling, t)) list.push_back(t);
  }
  for (const Type t : kFloats) {
    if (fits(letter, controlling, t)) list.push_back(t);
  }
  return list;
}

void add_forms(std::vector<PureForm>& forms, Opcode op, Type type) {
  const Rule& rule = rule_of(op);
  PureForm form;
  form.op = op;
  form.type = type;
  for (const char letter : rule.results) form.results.push_back(meant_by(letter, type));
  std::vector<std::vector<Type>> choices = {{}};
  for (const char letter : rule.args) {
    std::vector<std::vector<Type>> longer;
    for (const std::vector<Type>& args : choices) {
      for (const Type t : types_for(letter, type)) {
        if (op == Opcode::kBitcast && t.bits() != type.bits()) continue;
        longer.push_back(args);
        longer.back().push_back(t);
      }
    }
    choices = std::move(longer);
  }
  for (std::vector<Type>& args : choices) {
    form.args = std::move(args);
    if (op == Opcode::kIcmp) {
      for (int cc = 0; cc <= static_cast<int>(IntCC::kUle); ++cc) {
        form.int_cc = static_cast<IntCC>(cc);
        forms.push_back(form);
      }
    } else if (op == Opcode::kFcmp) {
      for (int cc = 0; cc <= static_cast<int>(FloatCC::kUge); ++cc) {
        form.float_cc = static_cast<FloatCC>(cc);
        forms.push_back(form);
      }
    } else {
      forms.push_back(form);
    }
  }
}

}  // namespace

std::vector<PureForm> pure_forms() {
  std::vector<PureForm> forms;
  for (int number = 0; number <= static_cast<int>(Opcode::kVhighBits); ++number) {
    const auto op = static_cast<Opcode>(number);
    const Rule& rule = rule_of(op);
    if (!is_pure(op) || rule.args.empty() || rule.results.empty() || op == Opcode::kShuffle || op == Opcode::kSwizzle ||
        rule.args.find('V') != std::string_view::npos) {
      continue;
    }
    for (const Type t : kInts) {
      if (contains(rule.types, t)) add_forms(forms, op, t);
    }
    for (const Type t : kFloats) {
      if (contains(rule.types, t)) add_forms(forms, op, t);
    }
  }
  return forms;
}

Inst instruction(const PureForm& form) {
  Inst inst;
  inst.op = form.op;
  inst.type = form.type;
  inst.int_cc = form.int_cc;
  inst.float_cc = form.float_cc;
  if (format_of(form.op) == Format::kIntAddTrap) inst.trap = "user3";
  return inst;
}

// --- The generator
// ------------------------------------------------------------------------------------------------------

namespace {

// A pointer that can be accessed through.
struct Pointer {
  Value value = 0;
  std::optional<uint32_t> region;
  int32_t room = 0;  // bytes behind it that belong to it
  int slot = -1;
};

// Where something was accessed: the next access often goes there too.
struct Spot {
  Pointer base;
  int32_t offset = 0;
  MemFlags flags;
  Type type;
};

constexpr uint32_t kContext = 0, kStore = 1, kHeap = 2, kStack = 3;
constexpr int32_t kRoom = 48;        // where stores go, behind a pointer from outside
constexpr int32_t kReadonlyAt = 64;  // what is behind is only read
constexpr uint32_t kMostBlocks = 60;

class Maker {
 public:
  Maker(uint64_t seed, const RandomFunctionOptions& options) : r_(seed), o_(options) {}

  Function make() {
    f_.name = "%f";
    budget_ = static_cast<int>(r_.between(o_.size / 3, o_.size + o_.size / 3));
    preamble();
    here_ = block(false);
    parameters();
    if (r_.chance(12)) {
      adapter();
    } else {
      sequence(o_.depth);
    }
    if (open_ && r_.chance(45)) call();
    if (open_) leave();
    finish();
    return std::move(f_);
  }

 private:
  // --- Bits of code
  size_t one_of(std::initializer_list<uint32_t> weights) {
    return r_.weighted(std::span<const uint32_t>(weights.begin(), weights.size()));
  }
  Value fresh(Type type) {
    const Value v = next_++;
    f_.types[v] = type;
    return v;
  }
  // Makes it known to code that comes later.
  Value live(Value v) {
    live_.push_back(v);
    return v;
  }
  Inst& emit(Opcode op, Type type, std::vector<Value> args, const std::vector<Type>& results = {}) {
    Inst inst;
    inst.op = op;
    inst.type = type;
    inst.args = std::move(args);
    for (const Type t : results) inst.results.push_back(fresh(t));
    --budget_;
    blocks_[here_].insts.push_back(std::move(inst));
    return blocks_[here_].insts.back();
  }
  size_t block(bool cold) {
    Block b;
    b.id = static_cast<BlockId>(blocks_.size());
    b.cold = cold;
    blocks_.push_back(std::move(b));
    return blocks_.size() - 1;
  }
  Value parameter_of(size_t b, Type type) {
    const Value v = fresh(type);
    blocks_[b].params.push_back({v, type});
    return v;
  }
  // What is known in front of a branch is known behind it, and nothing else.
  struct Scope {
    size_t live, pointers, spots;
  };
  Scope scope() const { return {live_.size(), pointers_.size(), spots_.size()}; }
  void back_to(const Scope& s) {
    live_.resize(s.live);
    pointers_.resize(s.pointers);
    spots_.resize(s.spots);
  }

  Value constant(Type type) {
    static constexpr std::array<uint64_t, 12> kNumbers = {0, 0, 1, 1, 2, 3, 4, 7, 8, 0x55, 0x1234, ~uint64_t{0}};
    uint64_t n = r_.pick(kNumbers);
    if (r_.chance(10)) n = uint64_t{1} << r_.below(64);
    if (r_.chance(5)) n = r_.next();
    return constant(type, n);
  }
  Value constant(Type type, uint64_t n) {
    if (type == kI128) {
      const Value low = constant(kI64, n);
      if (r_.chance(50)) return emit(Opcode::kUextend, kI128, {low}, {kI128}).results[0];
      return emit(Opcode::kIconcat, kI64, {low, constant(kI64, r_.below(3))}, {kI128}).results[0];
    }
    const Opcode op = type == kF32 ? Opcode::kF32const : type == kF64 ? Opcode::kF64const : Opcode::kIconst;
    if (type == kF32) n = std::array<uint64_t, 4>{0, 0x3f800000, 0xc0200000, 0x4f000000}[n % 4];
    if (type == kF64) n = std::array<uint64_t, 3>{0, 0x3ff0000000000000, 0xc0f0000000000000}[n % 3];
    Inst& inst = emit(op, type, {}, {type});
    ++budget_;
    inst.imm = type.bits() >= 64 ? n : n & ((uint64_t{1} << type.bits()) - 1);
    constants_.insert(inst.results[0]);
    return inst.results[0];
  }
  std::optional<Value> find(Type type) {
    std::vector<Value> all;
    for (size_t i = live_.size(); i-- > 0 && all.size() < 12;) {
      if (f_.types.at(live_[i]) == type) all.push_back(live_[i]);
    }
    if (all.empty()) return std::nullopt;
    return r_.chance(40) ? all.front() : r_.pick(all);
  }
  Value value(Type type) {
    if (const std::optional<Value> v = find(type); v && r_.chance(84)) return *v;
    return r_.chance(30) ? live(constant(type)) : constant(type);
  }
  // One that is not known beforehand, if there is any.
  Value unknown(Type type) {
    for (int tries = 0; tries < 4; ++tries) {
      if (const std::optional<Value> v = find(type); v && constants_.count(*v) == 0) return *v;
    }
    return r_.chance(70) ? number_ : value(type);
  }
  Type number_type() { return std::array<Type, 5>{kI8, kI16, kI32, kI64, kI128}[one_of({14, 12, 38, 30, 6})]; }
  Type type() {
    if (o_.floats && r_.chance(5)) return r_.chance(50) ? kF32 : kF64;
    return number_type();
  }
  // Something to branch on.
  Value condition() {
    if (r_.chance(35)) return unknown(std::array<Type, 3>{kI32, kI8, kI64}[one_of({60, 25, 15})]);
    const Value a = unknown(number_type());
    const Type t = f_.types.at(a);
    const Value b = value(t);
    Inst& inst = emit(Opcode::kIcmp, t, {a, b}, {kI8});
    inst.int_cc = static_cast<IntCC>(r_.below(10));
    return live(inst.results[0]);
  }
  TrapCode code() {
    return std::array<const char*, 5>{"heap_oob", "user1", "user2", "int_ovf", "user12"}[one_of({20, 30, 25, 10, 15})];
  }

  // --- The frame of the function
  void preamble() {
    // Few are without regions.
    const bool regions = !r_.chance(6);
    if (regions) {
      f_.regions[kContext] = {16, "context"};
      f_.regions[kStore] = {17, "store"};
      if (r_.chance(70)) f_.regions[kHeap] = {32, "heap"};
      if (r_.chance(65)) f_.regions[kStack] = {48, r_.chance(90) ? "stack" : ""};
    }
    if (o_.slots && !r_.chance(25)) {
      const uint32_t n = r_.between(1, 3);
      for (uint32_t i = 0; i < n; ++i) {
        f_.slots[i] = {std::array<uint32_t, 5>{8, 16, 24, 32, 48}[r_.below(5)], r_.chance(80) ? 8U : 1U, ""};
      }
    }
    const auto signature = [&](std::vector<Type> params, std::vector<Type> returns, std::string conv) {
      Signature s;
      for (const Type t : params) s.params.push_back({t, ""});
      for (const Type t : returns) s.returns.push_back({t, ""});
      s.call_conv = std::move(conv);
      f_.signatures[static_cast<uint32_t>(f_.signatures.size())] = std::move(s);
    };
    const Type other = type();
    signature({kI64}, {}, "");
    signature({kI64, kI32}, {kI32}, "tail");
    signature({}, {kI64}, "");
    signature({kI64, other}, {kI64, other}, "system_v");
    signature({}, {}, "tail");
    f_.functions[0] = {"%host", 0, false, false};
    f_.functions[1] = {"%guest", 1, true, false};
    f_.functions[2] = {"u0:2", 2, false, false};
    f_.functions[3] = {"%two", 3, false, false};
    f_.functions[4] = {"u1:4", 4, true, false};
    f_.signature.call_conv = r_.chance(50) ? "tail" : "";
    const uint32_t returns = static_cast<uint32_t>(one_of({20, 60, 20}));
    for (uint32_t i = 0; i < returns; ++i) f_.signature.returns.push_back({type(), ""});
  }
  std::optional<uint32_t> region(uint32_t number) const {
    return f_.regions.count(number) != 0 ? std::optional(number) : std::nullopt;
  }
  void parameters() {
    const auto param = [&](Type type, const std::string& attributes) {
      f_.signature.params.push_back({type, attributes});
      return parameter_of(here_, type);
    };
    const auto pointer = [&](std::optional<uint32_t> where, const std::string& attributes) {
      pointers_.push_back({param(kI64, attributes), where, kRoom, -1});
      outer_.push_back(pointers_.back());
    };
    pointer(region(kContext), "vmctx");
    pointer(r_.chance(85) ? region(kStore) : std::nullopt, "");
    if (r_.chance(75)) pointer(r_.chance(75) ? region(kHeap) : std::nullopt, "");
    // Perhaps the same as another one.
    if (r_.chance(50)) pointer(r_.chance(70) ? r_.pick(outer_).region : std::nullopt, "");
    number_ = live(param(kI32, ""));
    if (r_.chance(60)) live(param(kI64, ""));
    if (r_.chance(60)) live(param(kI32, ""));
    if (r_.chance(40)) live(param(type(), ""));
    if (r_.chance(6)) {
      f_.globals[0].kind = GlobalValue::kVmctx;
      f_.globals[0].text = "vmctx";
      GlobalValue g;
      g.kind = GlobalValue::kLoad;
      g.type = kI64;
      g.base = 0;
      g.offset = kReadonlyAt;
      g.flags.trap.reset();
      g.flags.aligned = g.flags.readonly = g.flags.can_move = true;
      g.text = "load.i64 notrap aligned readonly can_move gv0+64";
      f_.globals[1] = g;
      g = {};
      g.kind = GlobalValue::kSymbol;
      g.symbol = "%sym";
      g.text = "symbol colocated %sym";
      f_.globals[2] = g;
    }
  }
  void leave() {
    open_ = false;
    if (r_.chance(6)) {
      // A tail call, if there is a callee that returns the same.
      for (const auto& [number, declaration] : f_.functions) {
        const Signature& s = f_.signature_of(declaration);
        if (!std::equal(s.returns.begin(), s.returns.end(), f_.signature.returns.begin(), f_.signature.returns.end(),
                        [](const AbiParam& a, const AbiParam& b) { return a.type == b.type; })) {
          continue;
        }
        std::vector<Value> args = arguments(s);
        emit(Opcode::kReturnCall, {}, std::move(args)).entity = number;
        return;
      }
    }
    std::vector<Value> values;
    for (const AbiParam& p : f_.signature.returns) {
      const bool shown = p.type == kI64 && r_.chance(10);
      values.push_back(shown ? pointer().value : value(p.type));
    }
    emit(Opcode::kReturn, {}, std::move(values));
  }
  void trap() {
    open_ = false;
    emit(Opcode::kTrap, {}, {}).trap = code();
  }
  // Keeps what can be reached, in an order that is mostly that of making.
  void finish() {
    f_.blocks = blocks_;
    for (Block& b : f_.blocks) {
      if (b.insts.empty()) b.insts.emplace_back().op = Opcode::kTrap;  // nothing came to it
    }
    const Cfg cfg(f_);
    std::vector<Block> kept;
    std::vector<Block> cold;
    for (size_t i = 0; i < f_.blocks.size(); ++i) {
      if (!cfg.reachable(i)) {
        for (const Inst& inst : f_.blocks[i].insts) {
          for (const Value v : inst.results) f_.types.erase(v);
        }
        for (const BlockParam& p : f_.blocks[i].params) f_.types.erase(p.value);
        continue;
      }
      if (f_.blocks[i].cold && r_.chance(50)) {
        cold.push_back(f_.blocks[i]);
      } else if (kept.size() > 2 && r_.chance(5)) {
        kept.insert(kept.end() - 1, f_.blocks[i]);
      } else {
        kept.push_back(f_.blocks[i]);
      }
    }
    kept.insert(kept.end(), cold.begin(), cold.end());
    f_.blocks = std::move(kept);
    if (r_.chance(4)) alias();
  }
  // Another name for a value, in some of its uses.
  void alias() {
    for (Block& b : f_.blocks) {
      for (size_t i = 0; i + 1 < b.insts.size(); ++i) {
        if (b.insts[i].results.empty() || !r_.chance(20)) continue;
        const Value of = b.insts[i].results[0];
        const Value name = fresh(f_.types.at(of));
        f_.aliases.push_back({name, of});
        for (size_t k = i + 1; k < b.insts.size(); ++k) {
          std::replace(b.insts[k].args.begin(), b.insts[k].args.end(), of, name);
        }
        return;
      }
    }
  }

  // --- Pointers
  // Mostly one of the last.
  const Pointer& pointer() {
    if (r_.chance(46)) return r_.pick(outer_);
    const size_t n = pointers_.size();
    return pointers_[n - 1 - r_.below(static_cast<uint32_t>(std::min<size_t>(n, 6)))];
  }
  const Pointer& add_pointer(Pointer p) {
    pointers_.push_back(p);
    return pointers_.back();
  }
  Pointer slot_pointer() {
    auto it = f_.slots.begin();
    std::advance(it, r_.below(static_cast<uint32_t>(f_.slots.size())));
    const auto offset = static_cast<int32_t>(r_.chance(85) ? 0 : r_.below(it->second.size / 8) * 8);
    return slot_pointer(it->first, offset);
  }
  Pointer slot_pointer(uint32_t slot, int32_t offset) {
    Inst& inst = emit(Opcode::kStackAddr, kI64, {}, {kI64});
    inst.entity = slot;
    inst.offset = offset;
    const auto room = static_cast<int32_t>(f_.slots.at(slot).size) - offset;
    return add_pointer({inst.results[0], r_.chance(75) ? region(kStack) : std::nullopt, room, static_cast<int>(slot)});
  }
  void make_pointer() {
    switch (one_of({f_.slots.empty() ? 0U : 20U, 26, 14, 8, 6, 4, 3, f_.globals.empty() ? 0U : 30U})) {
      case 0:
        slot_pointer();
        break;
      case 1: {  // from memory, as Wasmtime's contexts have them
        const Pointer base = r_.pick(outer_);
        const bool fixed = r_.chance(70);
        Inst& inst = emit(Opcode::kLoad, kI64, {base.value}, {kI64});
        inst.offset =
            fixed ? kReadonlyAt + 8 * static_cast<int32_t>(r_.below(3)) : 8 * static_cast<int32_t>(r_.below(6));
        inst.flags.trap.reset();
        inst.flags.aligned = true;
        inst.flags.readonly = fixed;
        inst.flags.can_move = fixed && r_.chance(80);
        inst.flags.region = base.region;
        static constexpr std::array<uint32_t, 3> kWhere = {kStore, kStore, kHeap};
        add_pointer({inst.results[0], r_.chance(80) ? region(r_.pick(kWhere)) : std::nullopt, kRoom, -1});
        if (r_.chance(20)) live(pointers_.back().value);
        break;
      }
      case 2: {  // moved by a constant
        const Pointer base = pointer();
        const int32_t by = std::array<int32_t, 5>{8, 8, 16, 4, 1}[r_.below(5)];
        if (base.room < by + 8) break;
        const Value n = constant(kI64, static_cast<uint64_t>(by));
        const Value v = emit(Opcode::kIadd, kI64, {base.value, n}, {kI64}).results[0];
        add_pointer({v, base.region, base.room - by, base.slot});
        break;
      }
      case 3: {  // by an index
        const Pointer base = pointer();
        if (base.room < 16) break;
        const Value mask = constant(kI64, r_.chance(70) ? 8 : 7);
        const Value n = emit(Opcode::kBand, kI64, {value(kI64), mask}, {kI64}).results[0];
        const Value v = emit(Opcode::kIadd, kI64, {base.value, n}, {kI64}).results[0];
        add_pointer({v, base.region, base.room - 8, base.slot});
        break;
      }
      case 4: {  // one of two
        const Pointer a = pointer(), b = pointer();
        const Value c = condition();
        const Value v = emit(Opcode::kSelect, kI64, {c, a.value, b.value}, {kI64}).results[0];
        add_pointer({v, a.region == b.region ? a.region : std::nullopt, std::min(a.room, b.room),
                     a.slot == b.slot ? a.slot : -1});
        break;
      }
      case 5: {  // an aligned one
        const Pointer base = pointer();
        if (base.slot >= 0) break;
        const Value mask = constant(kI64, ~uint64_t{15});
        add_pointer({emit(Opcode::kBand, kI64, {base.value, mask}, {kI64}).results[0], base.region, base.room, -1});
        break;
      }
      case 6: {  // a number
        const Value v = value(kI64);
        add_pointer({v, std::nullopt, kRoom, -1});
        break;
      }
      case 7: {
        const uint32_t gv = r_.below(3);
        const Value v = emit(Opcode::kGlobalValue, kI64, {}, {kI64}).results[0];
        blocks_[here_].insts.back().entity = gv;
        if (gv == 0) {
          add_pointer({v, outer_[0].region, kRoom, -1});
        } else {
          add_pointer({v, gv == 1 ? region(kStore) : std::nullopt, kRoom, -1});
        }
        break;
      }
    }
  }

  // --- Accesses
  Type access_type() {
    if (o_.floats && r_.chance(4)) return r_.chance(50) ? kF32 : kF64;
    return std::array<Type, 5>{kI8, kI16, kI32, kI64, kI128}[one_of({12, 8, 44, 33, 3})];
  }
  Spot spot(bool again) {
    if (again && !spots_.empty() && r_.chance(57)) {
      // Where something was before, or near it.
      const size_t n = spots_.size();
      Spot s = spots_[n - 1 - r_.below(static_cast<uint32_t>(std::min<size_t>(n, 7)))];
      const auto bytes = static_cast<int32_t>(s.type.bytes());
      switch (one_of({70, 5, 5, 5, 3, 4, 4, 4})) {
        case 1:
          s.offset += bytes;
          break;
        case 2:
          s.offset += bytes / 2;
          break;
        case 3:
          s.type = access_type();
          break;
        case 4:
          s.flags.endianness = s.flags.big() ? Endianness::kNative : Endianness::kBig;
          break;
        case 5:
          s.flags.region = r_.chance(70) ? std::nullopt : s.base.region;
          break;
        case 6:
          s.flags.trap = r_.chance(50) ? std::optional<TrapCode>(code()) : std::nullopt;
          break;
        case 7: {  // the same offset of another pointer
          const Pointer& other = pointer();
          s.base = other;
          s.flags.region = other.region;
          break;
        }
        default:
          break;
      }
      if (s.offset >= 0 && s.offset + static_cast<int32_t>(s.type.bytes()) <= s.base.room) return settled(s);
    }
    Spot s;
    s.base = pointer();
    if (r_.chance(15)) make_pointer(), s.base = pointers_.back();
    s.type = access_type();
    const auto bytes = static_cast<int32_t>(s.type.bytes());
    if (s.base.room < bytes) s.type = kI8;
    const int32_t room = s.base.room - static_cast<int32_t>(s.type.bytes());
    s.offset = std::min<int32_t>(room, std::array<int32_t, 6>{0, 8, 4, 16, 24, 12}[one_of({30, 25, 12, 15, 10, 8})]);
    if (r_.chance(8)) s.offset = static_cast<int32_t>(r_.below(static_cast<uint32_t>(room + 1)));
    switch (one_of({66, 16, 12, 6})) {
      case 0:
        s.flags.trap.reset();
        break;
      case 1:
        break;
      case 2:
        s.flags.trap = "user1";
        break;
      default:
        s.flags.trap = code();
        break;
    }
    s.flags.region = s.base.region;
    if (r_.chance(7)) s.flags.region.reset();
    if (r_.chance(1) && !f_.regions.empty()) s.flags.region = kContext;
    if (r_.chance(4)) s.flags.endianness = Endianness::kBig;
    if (r_.chance(4)) s.flags.endianness = Endianness::kLittle;
    s.flags.aligned = s.offset % bytes == 0 && bytes <= 8 && r_.chance(30);
    return settled(s);
  }
  Spot settled(Spot s) {
    if (s.offset % static_cast<int32_t>(s.type.bytes()) != 0) s.flags.aligned = false;
    spots_.push_back(s);
    return s;
  }
  Value load(const Spot& s) {
    Inst inst;
    inst.op = Opcode::kLoad;
    inst.type = s.type;
    inst.args = {s.base.value};
    inst.offset = s.offset;
    inst.flags = s.flags;
    inst.flags.can_move = s.flags.notrap() && r_.chance(5);
    Type result = s.type;
    // A narrow one may be extended on the way.
    if (r_.chance(50) && (s.type == kI8 || s.type == kI16 || s.type == kI32)) {
      const bool is_signed = r_.chance(50);
      const uint32_t bits = s.type.bits();
      result = bits == 32 ? kI64 : bits == 16 ? (r_.chance(60) ? kI32 : kI64) : r_.pick(std::array{kI16, kI32, kI64});
      if (bits == 32 && r_.chance(60)) {
        result = kI32;
      } else {
        inst.op = bits == 8    ? (is_signed ? Opcode::kSload8 : Opcode::kUload8)
                  : bits == 16 ? (is_signed ? Opcode::kSload16 : Opcode::kUload16)
                               : (is_signed ? Opcode::kSload32 : Opcode::kUload32);
        inst.type = result;
      }
    }
    inst.results = {fresh(result)};
    --budget_;
    const Value v = inst.results[0];
    blocks_[here_].insts.push_back(std::move(inst));
    return live(v);
  }
  void store(const Spot& s, Value v) {
    const Type type = f_.types.at(v);
    Opcode op = Opcode::kStore;
    if (type.bits() > s.type.bits()) {
      op = s.type == kI8 ? Opcode::kIstore8 : s.type == kI16 ? Opcode::kIstore16 : Opcode::kIstore32;
    }
    Inst& inst = emit(op, type, {v, s.base.value});
    inst.offset = s.offset;
    inst.flags = s.flags;
  }
  // A value that can be stored to a place of this type; a narrow one may be the low bits of a wider one.
  Value value_for(Type type) {
    if (type == kI64 && r_.chance(9)) return pointer().value;
    if (r_.chance(35) && (type == kI8 || type == kI16)) return value(r_.chance(70) || type == kI8 ? kI32 : kI64);
    if (r_.chance(8) && type == kI32) return value(kI64);
    return value(type);
  }
  void store_somewhere() {
    const Spot s = spot(true);
    store(s, value_for(s.type));
  }

  // --- Pure instructions
  void pure() {
    static const std::vector<PureForm> forms = pure_forms();
    for (int tries = 0; tries < 20; ++tries) {
      const PureForm& form = r_.pick(forms);
      const bool floats =
          form.type.is_float() || std::any_of(form.args.begin(), form.args.end(), [](Type t) { return t.is_float(); });
      if (floats && (!o_.floats || !r_.chance(8))) continue;
      const bool wide = form.type == kI128 || std::count(form.args.begin(), form.args.end(), kI128) != 0;
      if (wide && !r_.chance(20)) continue;
      if (form.op == Opcode::kIcmp && !r_.chance(30)) continue;
      // What takes solvers long, and what traps on most operands, seldom.
      switch (form.op) {
        case Opcode::kUdiv:
        case Opcode::kSdiv:
        case Opcode::kUrem:
        case Opcode::kSrem:
        case Opcode::kImul:
        case Opcode::kUmulhi:
        case Opcode::kSmulhi:
        case Opcode::kUmulOverflow:
        case Opcode::kSmulOverflow:
          if (form.type.bits() > 32 && !r_.chance(10)) continue;
          break;
        case Opcode::kRotl:
        case Opcode::kRotr:
        case Opcode::kIshl:
        case Opcode::kUshr:
        case Opcode::kSshr:
        case Opcode::kSelect:
        case Opcode::kSelectSpectreGuard:
          if (form.args[0] != form.args[1] && !r_.chance(25)) continue;
          break;
        default:
          break;
      }
      pure(form);
      return;
    }
    simple();
  }
  void pure(const PureForm& form) {
    Inst inst = instruction(form);
    for (const Type t : form.args) inst.args.push_back(value(t));
    if (!inst.trap.empty()) inst.trap = code();
    for (const Type t : form.results) inst.results.push_back(live(fresh(t)));
    --budget_;
    blocks_[here_].insts.push_back(std::move(inst));
  }
  void simple() {
    static constexpr std::array<Opcode, 5> kOps = {Opcode::kIadd, Opcode::kIsub, Opcode::kBand, Opcode::kBor,
                                                   Opcode::kBxor};
    const Type t = number_type();
    const Value a = value(t), b = value(t);
    live(emit(r_.pick(kOps), t, {a, b}, {t}).results[0]);
  }

  // --- Calls
  std::vector<Value> arguments(const Signature& s) {
    std::vector<Value> args;
    for (const AbiParam& p : s.params) {
      const bool shown = p.type == kI64 && r_.chance(65);
      args.push_back(shown ? (r_.chance(60) ? r_.pick(outer_).value : pointer().value) : value(p.type));
    }
    return args;
  }
  std::vector<Type> types_of(const std::vector<AbiParam>& params) const {
    std::vector<Type> types;
    for (const AbiParam& p : params) types.push_back(p.type);
    return types;
  }
  void call() {
    if (!o_.calls) return;
    const bool indirect = r_.chance(22);
    const uint32_t which = r_.below(5);
    const uint32_t sig = indirect ? which : f_.functions.at(which).signature;
    const Signature& s = f_.signatures.at(sig);
    std::vector<Value> args = arguments(s);
    if (indirect) {
      Value callee = value(kI64);
      if (r_.chance(30)) {
        Inst& addr = emit(Opcode::kFuncAddr, kI64, {}, {kI64});
        callee = addr.results[0];
        for (const auto& [number, declaration] : f_.functions) {
          if (declaration.signature == sig) addr.entity = number;
        }
      }
      args.insert(args.begin(), callee);
    }
    Inst& inst = emit(indirect ? Opcode::kCallIndirect : Opcode::kCall, indirect ? kI64 : Type{}, std::move(args),
                      types_of(s.returns));
    inst.entity = which;
    for (const Value v : inst.results) live(v);
    if (!inst.results.empty() && f_.types.at(inst.results[0]) == kI64 && r_.chance(40)) {
      add_pointer({inst.results[0], r_.chance(50) ? region(kHeap) : std::nullopt, kRoom, -1});
    }
  }
  void atomic() {
    if (!o_.atomics) return;
    if (r_.chance(35)) {
      emit(r_.chance(85) ? Opcode::kFence : r_.chance(50) ? Opcode::kDebugtrap : Opcode::kSequencePoint, {}, {});
      return;
    }
    Pointer p = pointer();
    const Type t = std::array<Type, 4>{kI8, kI16, kI32, kI64}[one_of({10, 10, 50, 30})];
    if (p.room < static_cast<int32_t>(t.bytes())) return;
    MemFlags flags;
    if (r_.chance(70)) flags.trap.reset();
    if (flags.trap && r_.chance(50)) flags.trap = code();
    flags.region = r_.chance(80) ? p.region : std::nullopt;
    flags.aligned = r_.chance(30);
    if (r_.chance(5)) flags.endianness = Endianness::kBig;
    switch (r_.below(4)) {
      case 0: {
        const Value v = value(t);
        Inst& inst = emit(Opcode::kAtomicRmw, t, {p.value, v}, {t});
        inst.rmw = static_cast<AtomicRmwOp>(r_.below(11));
        inst.flags = flags;
        live(inst.results[0]);
        break;
      }
      case 1: {
        const Value a = value(t), b = value(t);
        Inst& inst = emit(Opcode::kAtomicCas, t, {p.value, a, b}, {t});
        inst.flags = flags;
        live(inst.results[0]);
        break;
      }
      case 2: {
        Inst& inst = emit(Opcode::kAtomicLoad, t, {p.value}, {t});
        inst.flags = flags;
        live(inst.results[0]);
        break;
      }
      default: {
        const Value v = value(t);
        emit(Opcode::kAtomicStore, t, {v, p.value}).flags = flags;
        break;
      }
    }
  }
  void conditional_trap() {
    const Value c = condition();
    emit(r_.chance(50) ? Opcode::kTrapz : Opcode::kTrapnz, f_.types.at(c), {c}).trap = code();
  }

  // --- Control
  static BlockArg argument(Value v) { return {BlockArg::kValue, v}; }
  // A join of ways that hand over values of these types.
  struct Join {
    size_t block = 0;
    std::vector<Type> types;
    bool reached = false;
  };
  Join join(bool cold = false) {
    Join j;
    j.block = block(cold);
    for (uint32_t n = static_cast<uint32_t>(one_of({45, 40, 15})); n > 0; --n) j.types.push_back(type());
    return j;
  }
  BlockCall to(Join& j) {
    j.reached = true;
    BlockCall c;
    c.block = blocks_[j.block].id;
    for (const Type t : j.types) {
      const bool shown = t == kI64 && r_.chance(15);
      c.args.push_back(argument(shown ? pointer().value : value(t)));
    }
    return c;
  }
  static BlockCall plain(size_t b) { return {static_cast<BlockId>(b), {}}; }
  void jump(const BlockCall& target) { emit(Opcode::kJump, {}, {}).targets = {target}; }
  void branch(Value c, const BlockCall& yes, const BlockCall& no) {
    emit(Opcode::kBrif, f_.types.at(c), {c}).targets = {yes, no};
  }
  // Goes on behind the join, or nowhere if nothing comes there.
  void enter(Join& j) {
    open_ = j.reached;
    if (!open_) return;
    here_ = j.block;
    for (const Type t : j.types) {
      const Value v = live(parameter_of(j.block, t));
      if (t == kI64 && r_.chance(25)) add_pointer({v, std::nullopt, 16, -1});
    }
  }
  // Code in a block of its own, which ends up at the join if it ends.
  void arm(size_t b, uint32_t depth, Join& j) {
    const Scope s = scope();
    here_ = b;
    open_ = true;
    sequence(depth);
    if (open_) {
      if (r_.chance(8)) {
        leave();
      } else {
        const BlockCall c = to(j);
        jump(c);
      }
    }
    back_to(s);
  }
  void diamond(uint32_t depth) {
    const Value c = condition();
    const size_t yes = block(r_.chance(8)), no = block(r_.chance(8));
    Join j = join();
    branch(c, plain(yes), plain(no));
    arm(yes, depth, j);
    arm(no, depth, j);
    enter(j);
  }
  // One way has a block of its own, the other edge is critical.
  void one_arm(uint32_t depth) {
    const Value c = condition();
    const size_t own = block(r_.chance(25));
    Join j = join();
    const BlockCall other = to(j);
    if (r_.chance(50)) {
      branch(c, plain(own), other);
    } else {
      branch(c, other, plain(own));
    }
    arm(own, depth, j);
    enter(j);
  }
  // A cold path: looks, traps or both.
  void cold(uint32_t depth) {
    const Value c = condition();
    const size_t own = block(true);
    Join j = join();
    const BlockCall other = to(j);
    if (r_.chance(50)) {
      branch(c, plain(own), other);
    } else {
      branch(c, other, plain(own));
    }
    const Scope s = scope();
    here_ = own;
    open_ = true;
    if (r_.chance(25)) store_somewhere();
    if (r_.chance(75)) call();
    if (r_.chance(20)) sequence(depth);
    if (open_) {
      if (r_.chance(40)) {
        trap();
      } else {
        const BlockCall back = to(j);
        jump(back);
      }
    }
    back_to(s);
    enter(j);
  }
  // Two ways that come from two, each from both.
  void crossing(uint32_t depth) {
    const Value c = condition();
    const size_t a = block(false), b = block(false);
    branch(c, plain(a), plain(b));
    Join x = join(), y = join();
    for (const size_t from : {a, b}) {
      const Scope s = scope();
      here_ = from;
      open_ = true;
      if (depth > 0 && r_.chance(60)) small();
      const Value d = condition();
      const BlockCall first = to(x), second = to(y);
      branch(d, first, second);
      back_to(s);
    }
    Join end = join();
    const Scope s = scope();
    for (Join* j : {&x, &y}) {
      enter(*j);
      small();
      if (r_.chance(10)) {
        leave();
      } else {
        const BlockCall c2 = to(end);
        jump(c2);
      }
      back_to(s);
    }
    enter(end);
  }
  void table(uint32_t depth) {
    Value index = value(kI32);
    if (r_.chance(60)) index = emit(Opcode::kBand, kI32, {index, constant(kI32, 3)}, {kI32}).results[0];
    const uint32_t ways = r_.between(1, 3);
    std::vector<size_t> own;
    for (uint32_t i = 0; i < ways; ++i) own.push_back(block(false));
    Join j = join();
    std::vector<BlockCall> targets;
    const uint32_t entries = r_.below(4);
    for (uint32_t i = 0; i <= entries; ++i) {
      targets.push_back(r_.chance(25) ? to(j) : plain(r_.pick(own)));
    }
    emit(Opcode::kBrTable, {}, {index}).targets = std::move(targets);
    for (const size_t b : own) arm(b, depth, j);
    enter(j);
  }
  void try_call(uint32_t depth) {
    if (!o_.calls) return;
    const bool indirect = r_.chance(30);
    const uint32_t which = r_.below(5);
    const uint32_t sig = indirect ? which : f_.functions.at(which).signature;
    const Signature& s = f_.signatures.at(sig);
    std::vector<Value> args = arguments(s);
    if (indirect) args.insert(args.begin(), value(kI64));
    Inst inst;
    inst.op = indirect ? Opcode::kTryCallIndirect : Opcode::kTryCall;
    if (indirect) inst.type = kI64;
    inst.args = std::move(args);
    inst.entity = indirect ? 0 : which;
    inst.signature = sig;
    const size_t normal = block(false);
    Join j = join();
    inst.targets = {plain(normal)};
    std::vector<Value> returned;
    for (size_t i = 0; i < s.returns.size(); ++i) {
      if (r_.chance(30)) continue;
      inst.targets[0].args.push_back({BlockArg::kTryCallRet, static_cast<uint32_t>(i)});
      returned.push_back(parameter_of(normal, s.returns[i].type));
    }
    if (r_.chance(30)) {
      const Value v = value(kI32);
      inst.targets[0].args.push_back(argument(v));
      returned.push_back(parameter_of(normal, kI32));
    }
    struct Way {
      size_t block;
      std::vector<Value> values;
    };
    std::vector<Way> ways;
    const uint32_t handlers = r_.between(1, 3);
    bool has_default = false;
    for (uint32_t i = 0; i < handlers; ++i) {
      Handler h;
      if (i == 0 && r_.chance(15)) {
        h.kind = Handler::kContext;
        h.context = r_.pick(outer_).value;
        inst.handlers.push_back(h);
        continue;
      }
      if (has_default) continue;
      h.kind = r_.chance(50) ? Handler::kTag : Handler::kDefault;
      h.tag = i;
      has_default = h.kind == Handler::kDefault;
      if (!ways.empty() && r_.chance(20)) {
        h.target = inst.handlers.back().target;
        inst.handlers.push_back(h);
        continue;
      }
      Way way{block(r_.chance(50)), {}};
      h.target.block = blocks_[way.block].id;
      const bool payload = s.call_conv != "fast";
      for (uint32_t n = 0; payload && n < 2; ++n) {
        if (r_.chance(50)) continue;
        h.target.args.push_back({BlockArg::kTryCallExn, n});
        way.values.push_back(parameter_of(way.block, kI64));
      }
      inst.handlers.push_back(h);
      ways.push_back(std::move(way));
    }
    --budget_;
    blocks_[here_].insts.push_back(std::move(inst));
    for (const Way& way : ways) {
      const Scope outside = scope();
      for (const Value v : way.values) live(v);
      if (r_.chance(25)) {
        here_ = way.block;
        open_ = true;
        if (r_.chance(50)) store_somewhere();
        if (r_.chance(50)) {
          trap();
        } else {
          leave();
        }
      } else {
        arm(way.block, depth, j);
      }
      back_to(outside);
    }
    const Scope outside = scope();
    for (const Value v : returned) live(v);
    if (r_.chance(60) || ways.empty()) {
      // The normal return goes on.
      if (!j.reached) {
        here_ = normal;
        open_ = true;
        return;
      }
    }
    arm(normal, depth, j);
    back_to(outside);
    enter(j);
  }
  void loop(uint32_t depth) {
    if (!o_.loops) return;
    const Type t = r_.chance(70) ? kI32 : kI64;
    const bool counted = r_.chance(65);
    const bool at_end = r_.chance(50);  // the test is behind the body
    const bool forever = !counted && r_.chance(20);
    std::vector<Value> initial;
    std::vector<Type> types;
    Value limit = 0;
    if (counted) {
      types.push_back(t);
      initial.push_back(constant(t, 0));
      limit = r_.chance(50) ? constant(t, r_.between(1, 4)) : value(t);
      if (r_.chance(60)) limit = emit(Opcode::kBand, t, {limit, constant(t, 3)}, {t}).results[0];
    }
    for (uint32_t n = static_cast<uint32_t>(one_of({40, 40, 20})); n > 0; --n) {
      types.push_back(type());
      const bool shown = types.back() == kI64 && r_.chance(25);
      initial.push_back(shown ? pointer().value : value(types.back()));
    }
    const size_t head = block(false);
    std::vector<Value> params;
    for (const Type p : types) params.push_back(parameter_of(head, p));
    BlockCall in = plain(head);
    for (const Value v : initial) in.args.push_back(argument(v));
    jump(in);
    for (const Value v : params) {
      live(v);
      if (f_.types.at(v) == kI64 && r_.chance(40)) add_pointer({v, std::nullopt, 16, -1});
    }
    here_ = head;
    Join out = join();
    if (r_.chance(40)) small();
    const Value counter = counted ? params[0] : 0;
    if (!at_end && !forever) {
      Value c;
      if (counted) {
        Inst& test = emit(Opcode::kIcmp, t, {counter, limit}, {kI8});
        test.int_cc = IntCC::kUlt;
        c = test.results[0];
      } else {
        c = unbounded_condition();
      }
      const size_t body = block(false);
      const BlockCall exit = to(out);
      if (counted || r_.chance(50)) {
        branch(c, plain(body), exit);
      } else {
        branch(c, exit, plain(body));
      }
      here_ = body;
    }
    const Scope inside = scope();
    sequence(depth);
    if (open_ && r_.chance(20)) {  // leaves early
      const Value c = condition();
      const size_t on = block(false);
      if (r_.chance(70)) {
        const BlockCall exit = to(out);
        branch(c, plain(on), exit);
      } else {
        const size_t end = block(true);
        branch(c, plain(on), plain(end));
        const Scope s = scope();
        here_ = end;
        if (r_.chance(50)) {
          trap();
        } else {
          leave();
        }
        back_to(s);
        open_ = true;
      }
      here_ = on;
    }
    const auto round_again = [&] {
      BlockCall again = plain(head);
      for (size_t i = 0; i < types.size(); ++i) {
        if (counted && i == 0) {
          again.args.push_back(argument(emit(Opcode::kIadd, t, {counter, constant(t, 1)}, {t}).results[0]));
        } else {
          again.args.push_back(argument(r_.chance(25) ? params[i] : value(types[i])));
        }
      }
      return again;
    };
    if (open_ && r_.chance(15)) {  // goes on early
      const Value c = condition();
      const BlockCall again = round_again();
      const size_t on = block(false);
      branch(c, again, plain(on));
      here_ = on;
      if (r_.chance(60)) small();
    }
    if (open_) {
      const BlockCall again = round_again();
      if (at_end && !forever) {
        Value c;
        if (counted) {
          Inst& test = emit(Opcode::kIcmp, t, {again.args[0].number, limit}, {kI8});
          test.int_cc = IntCC::kUlt;
          c = test.results[0];
        } else {
          c = unbounded_condition();
        }
        const BlockCall exit = to(out);
        branch(c, again, exit);
      } else {
        jump(again);
      }
    }
    open_ = true;
    back_to(inside);
    enter(out);
  }
  // What may or may not come to an end.
  Value unbounded_condition() {
    if (r_.chance(50)) {
      Spot s = spot(true);
      if (s.type != kI128 && s.type.is_int()) {
        const Value v = load(s);
        return v;
      }
    }
    if (o_.calls && r_.chance(40)) {
      std::vector<Value> args = arguments(f_.signatures.at(1));
      Inst& inst = emit(Opcode::kCall, {}, std::move(args), {kI32});
      inst.entity = 1;
      return live(inst.results[0]);
    }
    return condition();
  }
  // Two ways into one loop.
  void irreducible(uint32_t depth) {
    if (!o_.loops) return;
    const Value c = condition();
    const size_t a = block(false), b = block(false);
    Join out = join();
    branch(c, plain(a), plain(b));
    const Scope s = scope();
    here_ = a;
    small();
    {
      const Value d = condition();
      const BlockCall exit = to(out);
      branch(d, plain(b), exit);
    }
    back_to(s);
    here_ = b;
    small();
    if (depth > 1 && r_.chance(30)) call();
    {
      const Value d = unbounded_condition();
      const BlockCall exit = to(out);
      branch(d, plain(a), exit);
    }
    back_to(s);
    enter(out);
  }

  // --- What stores are elided in
  Value plain_load(const Spot& s) {
    Inst& inst = emit(Opcode::kLoad, s.type, {s.base.value}, {s.type});
    inst.offset = s.offset;
    inst.flags = s.flags;
    return live(inst.results[0]);
  }
  void between(uint32_t depth) {
    switch (one_of({30, 40, 30})) {
      case 0:
        break;
      case 1:
        small();
        break;
      default:
        if (depth > 0) {
          sequence(depth - 1);
        } else {
          small();
        }
        break;
    }
  }
  void save_clear_restore(uint32_t depth) {
    const Spot s = spot(true);
    const Value saved = plain_load(s);
    if (r_.chance(25)) conditional_trap();
    store(s, r_.chance(60) ? constant(s.type) : value(s.type));
    between(depth);
    if (!open_) return;
    if (r_.chance(20)) store(s, constant(s.type));
    store(s, saved);
  }
  void overwritten(uint32_t depth) {
    const Spot s = spot(true);
    store(s, value_for(s.type));
    between(r_.chance(50) ? 0 : depth);
    if (open_) store(s, value_for(s.type));
  }
  void given_back(uint32_t depth) {
    const Spot s = spot(true);
    const Value v = plain_load(s);
    between(r_.chance(50) ? 0 : depth);
    if (open_) store(s, v);
  }
  void forwarded() {
    Spot s = spot(true);
    store(s, value_for(s.type));
    if (r_.chance(40)) small();
    if (r_.chance(20)) s.flags.endianness = s.flags.big() ? Endianness::kNative : Endianness::kBig;
    if (r_.chance(20) && s.type.bytes() >= 4 && s.type.is_int()) s.type = kI16;
    load(s);
  }
  void seen_when_cold(uint32_t depth) {
    const Spot s = spot(true);
    const bool save = r_.chance(50);
    const Value v = save ? plain_load(s) : 0;
    store(s, value_for(s.type));
    cold(depth > 0 ? depth - 1 : 0);
    if (!open_) return;
    store(s, save ? v : value_for(s.type));
  }
  // A private slot that something is put into and taken from.
  void through_slot(uint32_t depth) {
    if (f_.slots.empty()) return save_clear_restore(depth);
    Spot s;
    s.base = slot_pointer();
    s.type = s.base.room >= 8 ? (r_.chance(50) ? kI64 : kI32) : kI8;
    s.offset = s.base.room >= 16 && r_.chance(50) ? 8 : 0;
    s.flags.trap.reset();
    s.flags.region = s.base.region;
    spots_.push_back(s);
    store(s, value_for(s.type));
    between(depth);
    if (!open_) return;
    if (r_.chance(30)) {
      // By another address of the same slot.
      const Pointer again = slot_pointer(static_cast<uint32_t>(s.base.slot), 0);
      s.offset += again.room < s.base.room ? 0 : again.room - s.base.room;
      s.base.value = again.value;
    }
    const Value v = load(s);
    if (f_.types.at(v) == kI64 && r_.chance(20)) add_pointer({v, std::nullopt, 8, -1});
  }
  // A slot's address goes into another slot or somewhere else and comes back.
  void address_through_memory(uint32_t depth) {
    if (f_.slots.empty()) return;
    const Pointer p = slot_pointer();
    Spot s = spot(false);
    s.type = kI64;
    if (r_.chance(50)) s.base = slot_pointer(), s.offset = 0, s.flags = {}, s.flags.trap.reset();
    if (s.offset + 8 > s.base.room) s.offset = 0;
    if (s.base.room < 8) return;
    if (s.offset % 8 != 0) s.flags.aligned = false;
    store(s, p.value);
    if (r_.chance(50)) between(depth);
    if (!open_) return;
    const Value v = plain_load(s);
    add_pointer({v, p.region, p.room, -1});
    store_somewhere();
  }
  // A task's frame: what a context's fields held goes into a slot, the slot's address into the context, and at the end
  // everything is as it was.
  void frame(uint32_t depth) {
    if (f_.slots.empty()) return save_clear_restore(depth);
    const Pointer slot = slot_pointer(f_.slots.begin()->first, 0);
    Pointer context = r_.pick(outer_);
    if (r_.chance(40)) {
      Inst& inst = emit(Opcode::kLoad, kI64, {context.value}, {kI64});
      inst.offset = kReadonlyAt;
      inst.flags.trap.reset();
      inst.flags.aligned = inst.flags.readonly = inst.flags.can_move = true;
      inst.flags.region = context.region;
      context = add_pointer({inst.results[0], region(kStore), kRoom, -1});
    }
    Spot link;
    link.base = context;
    link.offset = 24;
    link.type = kI64;
    link.flags.trap.reset();
    link.flags.aligned = r_.chance(70);
    link.flags.region = context.region;
    Spot inside = link;
    inside.base = slot;
    inside.offset = 0;
    inside.flags.region = slot.region;
    const Value old = plain_load(link);
    store(inside, old);
    std::vector<std::pair<Spot, Value>> fields;
    for (uint32_t n = r_.below(3); n > 0; --n) {
      Spot field = link;
      field.type = kI32;
      field.offset = 32 + 4 * static_cast<int32_t>(n);
      const Value v = plain_load(field);
      fields.emplace_back(field, v);
      Spot kept = inside;
      kept.type = kI32;
      kept.offset = 8 + 4 * static_cast<int32_t>(n - 1);
      if (kept.offset + 4 <= slot.room) store(kept, v);
      if (r_.chance(70)) store(field, constant(kI32));
      if (r_.chance(50)) spots_.push_back(field);
    }
    store(link, slot.value);
    if (r_.chance(40)) cold(depth > 0 ? depth - 1 : 0);
    if (open_) between(depth);
    if (!open_) return;
    if (r_.chance(20)) call();
    const bool reload = r_.chance(30);
    store(link, reload ? plain_load(inside) : old);
    for (const auto& [field, v] : fields) {
      if (r_.chance(85)) store(field, v);
    }
  }
  // A whole function of the shape that Wasmtime makes of an adapter.
  void adapter() {
    Spot flag;
    flag.base = outer_[0];
    flag.offset = 16;
    flag.type = kI32;
    flag.flags.trap.reset();
    flag.flags.aligned = true;
    flag.flags.region = outer_[0].region;
    const Value may_leave = plain_load(flag);
    if (r_.chance(70)) {
      emit(Opcode::kTrapz, kI32, {may_leave}).trap = "user12";
    }
    store(flag, constant(kI32, 0));
    frame(o_.depth > 1 ? o_.depth - 1 : 1);
    if (open_) store(flag, may_leave);
    if (open_ && r_.chance(40)) sequence(1);
  }

  // --- Sequences
  // A few instructions without control flow.
  void small() {
    for (uint32_t n = r_.between(1, 3); n > 0; --n) {
      switch (one_of({30, 30, 25, 8, o_.calls ? 4U : 0U, 3})) {
        case 0:
          load(spot(true));
          break;
        case 1:
          store_somewhere();
          break;
        case 2:
          pure();
          break;
        case 3:
          make_pointer();
          break;
        case 4:
          call();
          break;
        default:
          conditional_trap();
          break;
      }
    }
  }
  void sequence(uint32_t depth) {
    // The outermost one uses up what there is; those inside get a share.
    const bool outermost = depth == o_.depth && !outermost_seen_;
    outermost_seen_ = true;
    const int stop = outermost ? 0 : budget_ - static_cast<int>(r_.between(2, 9));
    const uint32_t deeper = depth > 0 && blocks_.size() < kMostBlocks ? 1 : 0;
    while (open_ && budget_ > std::max(stop, 0)) {
      const uint32_t d = depth > 0 ? depth - 1 : 0;
      switch (one_of({14,         12,         12,         7,          9,          3, 2,  // simple
                      9 * deeper, 8 * deeper, 9 * deeper, 3 * deeper, 3 * deeper,        // branches
                      4 * deeper, 8 * deeper, deeper,     deeper,                        // try_call, loops, ends
                      9,          6,          5,          6,          7 * deeper, 7, 3, 6 * deeper})) {
        case 0:
          load(spot(true));
          break;
        case 1:
          store_somewhere();
          break;
        case 2:
          pure();
          break;
        case 3:
          make_pointer();
          break;
        case 4:
          call();
          break;
        case 5:
          conditional_trap();
          break;
        case 6:
          atomic();
          break;
        case 7:
          diamond(d);
          break;
        case 8:
          one_arm(d);
          break;
        case 9:
          cold(d);
          break;
        case 10:
          crossing(d);
          break;
        case 11:
          table(d);
          break;
        case 12:
          try_call(d);
          break;
        case 13:
          loop(d);
          break;
        case 14:
          irreducible(d);
          break;
        case 15:
          if (!outermost && depth + 1 < o_.depth) {
            if (r_.chance(50)) {
              trap();
            } else {
              leave();
            }
          }
          break;
        case 16:
          save_clear_restore(d);
          break;
        case 17:
          overwritten(d);
          break;
        case 18:
          given_back(d);
          break;
        case 19:
          forwarded();
          break;
        case 20:
          seen_when_cold(d);
          break;
        case 21:
          through_slot(d);
          break;
        case 22:
          address_through_memory(d);
          break;
        default:
          frame(d);
          break;
      }
    }
  }

  diff::Random r_;
  const RandomFunctionOptions o_;
  Function f_;
  std::vector<Block> blocks_;
  size_t here_ = 0;
  bool open_ = true;
  bool outermost_seen_ = false;
  int budget_ = 0;
  Value next_ = 0;
  std::vector<Value> live_;
  std::set<Value> constants_;
  Value number_ = 0;  // a parameter that is no pointer
  std::vector<Pointer> pointers_, outer_;
  std::vector<Spot> spots_;
};

}  // namespace

Function random_function(uint64_t seed, const RandomFunctionOptions& options) {
  return Maker(diff::case_seed(seed, 0), options).make();
}

// --- What there is
// ------------------------------------------------------------------------------------------------------

FunctionTraits traits_of(const Function& f) {
  FunctionTraits t;
  const Cfg cfg(f);
  std::set<uint32_t> regions;
  std::map<Value, bool> from_slot;  // values that are a slot's address, in the order of the text
  t.blocks = f.blocks.size();
  std::vector<size_t> number(f.blocks.size(), SIZE_MAX);
  for (size_t i = 0; i < cfg.order().size(); ++i) number[cfg.order()[i]] = i;
  for (const size_t b : cfg.order()) {
    for (const size_t to : cfg.successors(b)) t.loop = t.loop || number[to] <= number[b];
    t.branch = t.branch || cfg.successors(b).size() > 1;
    t.cold = t.cold || f.blocks[b].cold;
    for (const Inst& inst : f.blocks[b].insts) {
      ++t.instructions;
      t.call = t.call || inst.is_call();
      t.handler = t.handler || !inst.handlers.empty();
      t.table = t.table || inst.op == Opcode::kBrTable;
      t.atomic = t.atomic || inst.is_atomic();
      for (const Value v : inst.results) {
        t.wide = t.wide || f.type_of(v) == kI128;
        t.floats = t.floats || f.type_of(v).is_float();
      }
      if (inst.op == Opcode::kStackAddr) from_slot[inst.results[0]] = true;
      if (inst.op == Opcode::kIadd && from_slot.count(f.resolved(inst.args[0])) != 0) from_slot[inst.results[0]] = true;
      const auto is_slot = [&](Value v) { return from_slot.count(f.resolved(v)) != 0; };
      if (inst.is_call()) t.slot_shown = t.slot_shown || std::any_of(inst.args.begin(), inst.args.end(), is_slot);
      if (inst.reads_memory() || inst.writes_memory()) {
        (inst.reads_memory() ? t.loads : t.stores)++;
        if (inst.flags.region) regions.insert(*inst.flags.region);
        t.untagged = t.untagged || !inst.flags.region;
        t.big = t.big || inst.flags.big();
        t.trapping = t.trapping || !inst.flags.notrap();
        t.slot = t.slot || is_slot(inst.args[inst.address_index()]);
        if (inst.writes_memory()) t.slot_shown = t.slot_shown || is_slot(inst.args[0]);
      }
    }
  }
  t.regions = regions.size() > 1;
  return t;
}

// --- Mutants
// ------------------------------------------------------------------------------------------------------------

Mutant mutated(const Function& f, diff::Random& r) {
  Mutant m{f, ""};
  struct Site {
    size_t block, inst;
  };
  const auto sites = [&](const std::function<bool(const Inst&)>& fits) {
    std::vector<Site> list;
    for (size_t b = 0; b < f.blocks.size(); ++b) {
      for (size_t i = 0; i < f.blocks[b].insts.size(); ++i) {
        if (fits(f.blocks[b].insts[i])) list.push_back({b, i});
      }
    }
    return list;
  };
  const auto at = [&](const Site& s) -> Inst& { return m.function.blocks[s.block].insts[s.inst]; };
  for (int tries = 0; tries < 12 && m.what.empty(); ++tries) {
    static constexpr std::array<uint32_t, 9> kWeights = {30, 12, 14, 10, 10, 8, 6, 6, 8};
    switch (r.weighted(kWeights)) {
      case 0: {
        const auto list = sites([](const Inst& i) { return i.writes_memory(); });
        if (list.empty()) break;
        const Site s = r.pick(list);
        std::vector<Inst>& insts = m.function.blocks[s.block].insts;
        insts.erase(insts.begin() + static_cast<std::ptrdiff_t>(s.inst));
        m.what = "a store is gone";
        break;
      }
      case 1: {
        const auto list = sites([](const Inst& i) { return i.op == Opcode::kIconst; });
        if (list.empty()) break;
        Inst& inst = at(r.pick(list));
        inst.imm ^= uint64_t{1} << r.below(std::min(inst.type.bits(), 8U));
        m.what = "a constant is another";
        break;
      }
      case 2: {
        // Two stores of one block, the second moved in front of the first.
        std::vector<std::pair<Site, Site>> pairs;
        for (size_t b = 0; b < f.blocks.size(); ++b) {
          const std::vector<Inst>& insts = f.blocks[b].insts;
          for (size_t i = 0; i < insts.size(); ++i) {
            if (!insts[i].writes_memory()) continue;
            std::set<Value> made(insts[i].results.begin(), insts[i].results.end());
            for (size_t k = i + 1; k < insts.size(); ++k) {
              const bool needs = std::any_of(insts[k].args.begin(), insts[k].args.end(),
                                             [&](Value v) { return made.count(f.resolved(v)) != 0; });
              if (insts[k].writes_memory() && !needs) pairs.emplace_back(Site{b, i}, Site{b, k});
              made.insert(insts[k].results.begin(), insts[k].results.end());
            }
          }
        }
        if (pairs.empty()) break;
        const auto& [first, second] = r.pick(pairs);
        std::vector<Inst>& insts = m.function.blocks[first.block].insts;
        const auto begin = insts.begin();
        std::rotate(begin + static_cast<std::ptrdiff_t>(first.inst), begin + static_cast<std::ptrdiff_t>(second.inst),
                    begin + static_cast<std::ptrdiff_t>(second.inst) + 1);
        m.what = "a store comes earlier";
        break;
      }
      case 3: {
        const auto list =
            sites([](const Inst& i) { return !i.trap.empty() || ((i.access_bytes() != 0) && !i.flags.notrap()); });
        if (list.empty()) break;
        Inst& inst = at(r.pick(list));
        (inst.trap.empty() ? *inst.flags.trap : inst.trap) = "user7";
        m.what = "a trap code is another";
        break;
      }
      case 4: {
        const auto list = sites([](const Inst& i) { return i.writes_memory() || i.reads_memory(); });
        if (list.empty()) break;
        Inst& inst = at(r.pick(list));
        switch (r.below(6)) {
          case 0:
            inst.offset += 8;
            m.what = "an access goes elsewhere";
            break;
          case 1:
            inst.flags.endianness = inst.flags.big() ? Endianness::kNative : Endianness::kBig;
            m.what = "an access has the other endianness";
            break;
          case 2:
            if (inst.flags.notrap()) break;
            inst.flags.trap.reset();
            m.what = "an access promises not to trap";
            break;
          case 3:
            if (!inst.flags.notrap()) break;
            inst.flags.trap = "user7";
            m.what = "an access may trap";
            break;
          case 4:
            if (f.regions.empty()) break;
            inst.flags.region = f.regions.begin()->first;
            m.what = "an access has another region";
            break;
          default:
            if (inst.flags.aligned) break;
            inst.flags.aligned = true;
            m.what = "an access promises to be aligned";
            break;
        }
        break;
      }
      case 5: {
        // A stored or handed over value becomes another one that is there.
        const auto list = sites([](const Inst& i) { return i.writes_memory() || i.is_call(); });
        if (list.empty()) break;
        const Site s = r.pick(list);
        Inst& inst = at(s);
        if (inst.args.empty()) break;
        const size_t n = r.below(static_cast<uint32_t>(inst.args.size()));
        std::vector<Value> others;
        for (const BlockParam& p : f.entry().params) {
          if (p.type == f.type_of(inst.args[n]) && p.value != inst.args[n]) others.push_back(p.value);
        }
        if (others.empty()) break;
        inst.args[n] = r.pick(others);
        m.what = "an operand is another";
        break;
      }
      case 6: {
        const auto list = sites([](const Inst& i) { return i.op == Opcode::kBrif; });
        if (list.empty()) break;
        Inst& inst = at(r.pick(list));
        if (inst.targets[0] == inst.targets[1]) break;
        std::swap(inst.targets[0], inst.targets[1]);
        m.what = "a branch goes the other way";
        break;
      }
      case 7: {
        // A store moves behind the next call or atomic of its block: what was flushed for it is not.
        std::vector<std::pair<Site, size_t>> moves;
        for (size_t b = 0; b < f.blocks.size(); ++b) {
          const std::vector<Inst>& insts = f.blocks[b].insts;
          for (size_t i = 0; i < insts.size(); ++i) {
            if (!insts[i].writes_memory()) continue;
            for (size_t k = i + 1; k + 1 < insts.size(); ++k) {
              if (!insts[k].is_call() && !insts[k].is_atomic()) continue;
              moves.emplace_back(Site{b, i}, k);
              break;
            }
          }
        }
        if (moves.empty()) break;
        const auto& [from, behind] = r.pick(moves);
        std::vector<Inst>& insts = m.function.blocks[from.block].insts;
        const auto begin = insts.begin();
        std::rotate(begin + static_cast<std::ptrdiff_t>(from.inst), begin + static_cast<std::ptrdiff_t>(from.inst) + 1,
                    begin + static_cast<std::ptrdiff_t>(behind) + 1);
        m.what = "a store comes behind a call";
        break;
      }
      default: {
        // A load gives what the one before it gave.
        const auto list = sites([](const Inst& i) { return i.reads_memory(); });
        if (list.size() < 2) break;
        const Site s = r.pick(list);
        for (size_t i = s.inst; i-- > 0;) {
          const Inst& earlier = f.blocks[s.block].insts[i];
          if (!earlier.reads_memory() || f.type_of(earlier.results[0]) != f.type_of(at(s).results[0])) continue;
          const Value gone = at(s).results[0], instead = earlier.results[0];
          std::vector<Inst>& insts = m.function.blocks[s.block].insts;
          insts.erase(insts.begin() + static_cast<std::ptrdiff_t>(s.inst));
          for (Block& b : m.function.blocks) {
            for (Inst& inst : b.insts) {
              std::replace(inst.args.begin(), inst.args.end(), gone, instead);
              const auto in_call = [&](BlockCall& c) {
                for (BlockArg& a : c.args) {
                  if (a.kind == BlockArg::kValue && a.number == gone) a.number = instead;
                }
              };
              for (BlockCall& c : inst.targets) in_call(c);
              for (Handler& h : inst.handlers) {
                in_call(h.target);
                if (h.kind == Handler::kContext && h.context == gone) h.context = instead;
              }
            }
          }
          for (Alias& a : m.function.aliases) {
            if (a.of == gone) a.of = instead;
          }
          m.function.types.erase(gone);
          m.what = "a load is taken from an earlier one";
          break;
        }
        break;
      }
    }
  }
  return m;
}

}  // namespace lockstep::refinement
