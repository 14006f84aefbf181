// For the tests of the elision pass: random functions that save, clear and restore what they share with their callers,
// and random worlds to run them in.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "optimized/clif/cfg.h"
#include "optimized/clif/interpreter.h"
#include "optimized/clif/ir.h"

namespace lockstep::clif::testing {

// The same seed gives the same numbers everywhere (splitmix64).
class Dice {
 public:
  explicit Dice(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return z ^ (z >> 31);
  }
  // 0 … n - 1
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  bool chance(uint32_t percent) { return below(100) < percent; }
  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[below(static_cast<uint32_t>(items.size()))];
  }

 private:
  uint64_t state_;
};

// Where things are: two pointers into A (which may be equal or overlap), one to B, one to a table of pointers T.
inline constexpr uint64_t kA = 0x1000, kB = 0x2000, kT = 0x3000;
inline constexpr uint32_t kPointerInB = 32;  // at this offset, B holds a pointer too

// Answers everything by hashing the question. Some bytes may be out of reach, and calls may change that.
class HashWorld : public World {
 public:
  explicit HashWorld(uint64_t seed) : seed_(seed), dice_(seed) {
    second_ = kA + std::vector<uint64_t>{0, 0, 4, 8, 2, 0x100}[dice_.below(6)];
    hole_ = dice_.chance(50) ? 0 : (dice_.chance(50) ? kA : kB) + dice_.below(16);
    traps_ = dice_.chance(20);
    zeros_ = dice_.chance(40);
  }

  std::vector<Bits> args() {
    const auto number = [&] { return Bits{dice_.below(4), 0}; };
    return {{kA}, {second_}, {kB}, {kT}, number(), number()};
  }
  uint8_t byte(uint64_t address) override {
    if (const uint64_t in_pointer = address - kT; in_pointer < 24) return pointer(in_pointer / 8, in_pointer % 8);
    if (const uint64_t in_pointer = address - kB - kPointerInB; in_pointer < 8) return pointer(3, in_pointer);
    return zeros_ ? 0 : static_cast<uint8_t>(hash(1, address) % 3);
  }
  bool accessible(uint64_t epoch, uint64_t address) override {
    if (hole_ == 0) return true;
    return address - hole_ >= 4 || hash(2, epoch) % 3 == 0;
  }
  uint64_t slot_address(uint32_t slot) override { return 0x10000 * (slot + uint64_t{1}); }
  uint64_t symbol(const std::string& name) override { return 0x100000 + name.size(); }
  Reply call(size_t n, const Event& event, const Function& function, const Inst& inst) override {
    Dice dice(hash(3, n));
    Reply reply;
    if (inst.is_call() && traps_ && dice.chance(20)) {
      reply.how = dice.chance(50) ? Reply::kTrap : Reply::kNever;
      return reply;
    }
    for (size_t i = 0; i < inst.results.size(); ++i) reply.results.push_back({dice.below(4), 0});
    if (inst.is_call() && !inst.handlers.empty() && dice.chance(40)) {
      reply.how = Reply::kHandler;
      reply.results = {{dice.below(4), 0}, {dice.below(4), 0}};
      for (reply.handler = 0; inst.handlers[reply.handler].kind == Handler::kContext;) ++reply.handler;
    }
    // What it writes may depend on what it sees: a callee that could see a wrong byte does.
    uint64_t seen = 0;
    for (const auto& [address, byte] : event.memory) seen = seen * 31 + address * 7 + byte;
    for (uint32_t i = dice.below(4); i > 0; --i) {
      const uint64_t base = dice.pick(std::vector<uint64_t>{kA, kA, kB, 0x10000, 0x20000});
      const uint64_t address = base + dice.below(20);
      const auto value = static_cast<uint8_t>((dice.below(3) + seen) % 3);
      // Where a slot would be that one of two functions does not have, there is nothing.
      const auto slot = function.slots.find(static_cast<uint32_t>(base / slot_address(0)) - 1);
      const bool in_slot = base >= slot_address(0);
      if (!in_slot || (slot != function.slots.end() && address - base < slot->second.size))
        reply.writes[address] = value;
    }
    return reply;
  }

 private:
  uint64_t hash(uint64_t what, uint64_t key) const { return Dice(seed_ ^ what << 56 ^ key * 0x1000193).next(); }
  uint8_t pointer(uint64_t which, uint64_t at) const {
    const uint64_t value = kA + std::vector<uint64_t>{0, 4, 8, 0x100}[hash(4, which) % 4];
    return static_cast<uint8_t>(value >> at * 8);
  }

  uint64_t seed_;
  Dice dice_;
  uint64_t second_ = kA, hole_ = 0;
  bool traps_ = false, zeros_ = false;
};

// Writes the text of a function %f of (A, A, B, T, i32, i32) that keeps its promises in most worlds.
class RandomFunction {
 public:
  explicit RandomFunction(uint64_t seed) : dice_(seed) {}

  std::string text() {
    shape();
    std::string out =
        "function %f(i64, i64, i64, i64, i32, i32) -> i32 {\n"
        "    ss0 = explicit_slot 24\n    ss1 = explicit_slot 8\n"
        "    region0 = 0 \"A\"\n    region1 = 1 \"B\"\n    region2 = 2 \"T\"\n    region3 = 3 \"S\"\n"
        "    sig0 = (i64, i32) -> i32\n    sig1 = ()\n    fn0 = %g sig0\n    fn1 = %h sig1\n\n";
    for (size_t b = 0; b < blocks_.size(); ++b) {
      if (cfg().reachable(b)) out += block(b);
    }
    return out + "}\n";
  }

 private:
  enum Kind { kInt, kData, kFloat, kByte, kPointerA, kPointerB, kPointerT, kAnyPointer, kSlot, kKinds };
  struct Made {
    uint32_t value;
    size_t block;
    uint32_t slot = 0, offset = 0;
  };
  struct Shape {
    enum { kReturn, kTrap, kJump, kBrif, kTable, kBack, kTry } end = kReturn;
    std::vector<size_t> to;
    std::vector<Kind> params;
    bool is_head = false, cold = false;
  };

  const Cfg& cfg() { return *cfg_; }

  void shape() {
    const size_t size = 1 + dice_.below(dice_.chance(30) ? 9 : 5);
    blocks_.resize(size);
    for (size_t b = 0; b < size; ++b) {
      Shape& s = blocks_[b];
      s.cold = b > 0 && dice_.chance(15);
      for (uint32_t n = b > 0 && dice_.chance(35) ? 1 + dice_.below(2) : 0; n > 0; --n) {
        s.params.push_back(dice_.chance(65) ? kInt : dice_.chance(75) ? kPointerA : kAnyPointer);
      }
      const auto forward = [&] {
        return b + 1 + dice_.below(static_cast<uint32_t>(std::min<size_t>(size - b - 1, 3)));
      };
      const uint32_t dice = dice_.below(100);
      if (b + 1 == size || dice < 6) {
        s.end = dice_.chance(15) ? Shape::kTrap : Shape::kReturn;
      } else if (dice < 30) {
        s.end = Shape::kJump;
        s.to = {b + 1};
      } else if (dice < 74) {
        s.end = Shape::kBrif;
        s.to = {b + 1, forward()};
        if (dice_.chance(50)) std::swap(s.to[0], s.to[1]);
      } else if (dice < 78) {
        s.end = Shape::kTable;
        s.to = {forward(), b + 1, forward()};
      } else if (dice < 82) {
        s.end = Shape::kTry;
        s.to = {b + 1, forward()};
      } else if (b > 0) {
        s.end = Shape::kBack;
        const size_t head = 1 + dice_.below(static_cast<uint32_t>(b));
        s.to = {head, b + 1};
        blocks_[head].is_head = true;
      } else {
        s.end = Shape::kJump;
        s.to = {b + 1};
      }
    }
    build_cfg();
    for (Shape& s : blocks_) {
      if (s.is_head && dice_.chance(50)) s.params.push_back(kPointerA);
    }
    // A way back needs the counter of the loop's head.
    for (size_t b = 0; b < size; ++b) {
      if (blocks_[b].end != Shape::kBack || cfg().dominates(blocks_[b].to[0], b)) continue;
      blocks_[b].end = Shape::kJump;
      blocks_[b].to = {b + 1};
    }
    build_cfg();
  }

  void build_cfg() {
    Function f;
    for (size_t b = 0; b < blocks_.size(); ++b) {
      Block& block = f.blocks.emplace_back();
      block.id = static_cast<BlockId>(b);
      Inst& inst = block.insts.emplace_back();
      inst.op = blocks_[b].to.empty() ? Opcode::kReturn : Opcode::kBrTable;
      for (size_t to : blocks_[b].to) inst.targets.push_back({static_cast<BlockId>(to), {}});
    }
    skeleton_ = std::move(f);
    cfg_.emplace(skeleton_);
  }

  // ---- values ----

  uint32_t define(Kind kind, uint32_t slot = 0, uint32_t offset = 0) {
    made_[kind].push_back({next_, at_, slot, offset});
    return next_++;
  }
  static std::string v(uint32_t value) { return "v" + std::to_string(value); }

  const Made* find(Kind kind) {
    std::vector<const Made*> here;
    for (const Made& made : made_[kind]) {
      if (cfg().dominates(made.block, at_)) here.push_back(&made);
    }
    if (here.empty()) return nullptr;
    // Often the latest, so that values are used at all.
    return dice_.chance(40) ? here.back() : dice_.pick(here);
  }
  std::string integer() {
    if (const Made* made = dice_.chance(75) ? find(kInt) : nullptr) return v(made->value);
    const uint32_t constant = dice_.below(3);
    const uint32_t value = define(kInt);
    line(v(value) + " = iconst.i32 " + std::to_string(constant));
    return v(value);
  }
  void line(const std::string& text) { body_ += "    " + text + "\n"; }

  // ---- accesses ----

  struct Target {
    std::string address, region;
    bool holds_pointer = false;
  };
  Target target(uint32_t bytes) {
    Target t;
    uint32_t offset = dice_.chance(85) ? 4 * dice_.below(4) : dice_.below(16);
    if (bytes == 8 && dice_.chance(70)) offset &= ~7u;
    const uint32_t dice = dice_.below(100);
    const Made* made = nullptr;
    if (dice < 35) {
      made = find(kPointerA);
      t.region = "region0";
    } else if (dice < 60) {
      made = find(kPointerB);
      t.region = "region1";
    } else if (dice < 68) {
      made = find(kAnyPointer);
    } else {
      made = find(kSlot);
      t.region = dice_.chance(80) ? "region3" : "";
      if (made == nullptr) made = slot_address();
      const uint32_t size = made->slot == 0 ? 24 : 8;
      offset = 4 * dice_.below(size / 4);
      if (offset + bytes > size) offset = size - bytes;
      const auto at = static_cast<int>(offset) - static_cast<int>(made->offset);
      t.address = v(made->value) + (at < 0 ? "" : "+") + std::to_string(at);
      return t;
    }
    if (made == nullptr) {
      made = &made_[kPointerA][0];
      t.region = "region0";
    }
    if (dice_.chance(12)) t.region.clear();
    t.address = v(made->value) + "+" + std::to_string(offset);
    return t;
  }
  const Made* slot_address() {
    const uint32_t slot = dice_.chance(70) ? 0 : 1;
    const uint32_t offset = dice_.chance(20) ? 4 : 0;
    const uint32_t value = define(kSlot, slot, offset);
    line(v(value) + " = stack_addr.i64 ss" + std::to_string(slot) + (offset == 0 ? "" : "+4"));
    return &made_[kSlot].back();
  }
  std::string flags(const Target& t) {
    std::string text = dice_.chance(75)   ? " notrap"
                       : dice_.chance(60) ? " user" + std::to_string(1 + dice_.below(2))
                                          : "";
    if (dice_.chance(3)) text += " big";
    return text + (t.region.empty() ? "" : " " + t.region);
  }

  void load() {
    static const std::vector<std::pair<std::string, std::pair<Kind, uint32_t>>> kinds = {
        {"load.i32", {kInt, 4}},   {"load.i32", {kInt, 4}},   {"load.i32", {kInt, 4}},    {"load.i64", {kData, 8}},
        {"uload8.i32", {kInt, 1}}, {"sload8.i32", {kInt, 1}}, {"uload16.i32", {kInt, 2}}, {"sload16.i32", {kInt, 2}},
        {"load.f32", {kFloat, 4}}, {"load.i8", {kByte, 1}},   {"uload32.i64", {kData, 4}}};
    const auto& [name, result] = dice_.pick(kinds);
    const Target t = target(result.second);
    const std::string f = flags(t);
    const uint32_t value = define(result.first);
    line(v(value) + " = " + name + f + " " + t.address);
    if (result.first == kInt && result.second == 4 && dice_.chance(50)) saved_.push_back({v(value), f, t.address, at_});
  }
  void store() {
    if (dice_.chance(30) && !saved_.empty()) {
      const auto& saved = dice_.pick(saved_);
      if (cfg().dominates(saved.block, at_)) {
        line("store.i32" + saved.flags + " " + (dice_.chance(70) ? saved.value : integer()) + ", " + saved.address);
        return;
      }
    }
    const uint32_t dice = dice_.below(100);
    const auto write = [&](const std::string& name, const std::string& value, uint32_t bytes) {
      const Target t = target(bytes);
      line(name + flags(t) + " " + value + ", " + t.address);
    };
    const Made* made = nullptr;
    if (dice < 10) {
      write("istore8.i32", integer(), 1);
    } else if (dice < 20) {
      write("istore16.i32", integer(), 2);
    } else if (dice < 35 && (made = find(kData)) != nullptr) {
      write(dice_.chance(80) ? "store.i64" : "istore32.i64", v(made->value), 8);
    } else if (dice < 42 && (made = find(kFloat)) != nullptr) {
      write("store.f32", v(made->value), 4);
    } else if (dice < 50 && (made = find(kByte)) != nullptr) {
      write("store.i8", v(made->value), 1);
    } else {
      write("store.i32", integer(), 4);
    }
  }
  // Places that hold pointers: T and one in B, where the address of a slot may go too.
  void pointer() {
    const uint32_t dice = dice_.below(100);
    const std::string in_b = v(find(kPointerB)->value) + "+" + std::to_string(kPointerInB);
    if (dice < 25) {
      line(v(define(kPointerA)) + " = load.i64 notrap region2 v3+" + std::to_string(8 * dice_.below(2)));
    } else if (dice < 40) {
      line(v(define(kPointerA)) + " = load.i64 notrap readonly region2 v3+16");
    } else if (dice < 55 && !is_b_moved_) {
      line(v(define(kAnyPointer)) + " = load.i64 notrap region1 v2+" + std::to_string(kPointerInB));
    } else if (dice < 75) {
      const Made* made = find(kSlot);
      if (made == nullptr) made = slot_address();
      line("store notrap region1 v" + std::to_string(made->value) + ", v2+" + std::to_string(kPointerInB));
      body_.replace(body_.rfind("store notrap"), 12, "store.i64 notrap");
    } else if (dice < 85) {
      line("store.i64 notrap region1 " + v(find(kPointerA)->value) + ", v2+" + std::to_string(kPointerInB));
    } else if (dice < 93) {
      const std::string base = v(find(kPointerA)->value);
      const uint32_t offset = next_++;
      line(v(offset) + " = iconst.i64 4");
      line(v(define(kPointerA)) + " = iadd.i64 " + base + ", " + v(offset));
    } else if (const Made* a = find(kAnyPointer)) {
      const std::string condition = integer(), other = v(find(kPointerA)->value);
      line(v(define(kAnyPointer)) + " = select.i64 " + condition + ", " + v(a->value) + ", " + other);
    }
  }
  void other() {
    const uint32_t dice = dice_.below(100);
    if (dice < 25) {
      const std::string a = integer(), b = integer();
      line(v(define(kInt)) + " = " + dice_.pick(std::vector<std::string>{"iadd", "isub", "band", "bxor"}) + ".i32 " +
           a + ", " + b);
    } else if (dice < 40) {
      const std::string a = integer(), b = integer();
      const uint32_t bit = next_++;
      line(v(bit) + " = icmp.i32 " + dice_.pick(std::vector<std::string>{"eq", "ne", "slt", "ult"}) + " " + a + ", " +
           b);
      line(v(define(kInt)) + " = uextend.i32 " + v(bit));
    } else if (dice < 60) {
      line((dice_.chance(50) ? "trapz.i32 " : "trapnz.i32 ") + integer() + ", user" +
           std::to_string(1 + dice_.below(3)));
    } else if (dice < 72) {
      const Made* made = dice_.chance(70) ? find(kPointerA) : find(kSlot);
      if (made == nullptr) made = &made_[kPointerA][0];
      const std::string a = integer();
      line(v(define(kInt)) + " = call fn0(" + v(made->value) + ", " + a + ")");
    } else if (dice < 82) {
      line("call fn1()");
    } else if (dice < 86) {
      line("fence");
    } else if (dice < 90) {
      const std::string a = integer();
      line(v(define(kInt)) + " = atomic_rmw.i32 notrap region0 add v0, " + a);
    } else if (dice < 92) {
      line("debugtrap");
    } else if (dice < 96) {
      const std::string a = integer(), b = integer();
      line(v(define(kInt)) + " = udiv.i32 " + a + ", " + b);
    } else if (const Made* made = find(kSlot)) {
      const std::string pointer = v(find(kPointerA)->value);
      const uint32_t bit = next_++;
      line(v(bit) + " = icmp.i64 eq " + v(made->value) + ", " + pointer);
      line(v(define(kInt)) + " = uextend.i32 " + v(bit));
    }
  }

  // ---- blocks ----

  std::string call(size_t to, const std::string& counter = "") {
    std::vector<std::string> args;
    if (blocks_[to].is_head) args.push_back(counter.empty() ? zero() : counter);
    for (Kind kind : blocks_[to].params) {
      const Made* made = find(kind);
      if (kind == kPointerA && !counter.empty() && dice_.chance(70)) {
        // Loops walk along.
        const uint32_t step = next_++, base = made->value;
        line(v(step) + " = iconst.i64 " + std::to_string(4 * (1 + dice_.below(2))));
        args.push_back(v(define(kPointerA)));
        line(args.back() + " = iadd.i64 " + v(base) + ", " + v(step));
        continue;
      }
      if (made == nullptr) made = dice_.chance(50) ? find(kSlot) : nullptr;
      if (made == nullptr && kind != kInt) made = find(kPointerA);
      args.push_back(kind == kInt ? integer() : v(made->value));
    }
    std::string text = "block" + std::to_string(to);
    for (size_t i = 0; i < args.size(); ++i) text += (i == 0 ? "(" : ", ") + args[i];
    return text + (args.empty() ? "" : ")");
  }
  std::string zero() {
    const uint32_t value = next_++;
    line(v(value) + " = iconst.i32 0");
    return v(value);
  }

  std::string block(size_t b) {
    at_ = b;
    body_.clear();
    std::string head = "block" + std::to_string(b);
    std::vector<std::string> params;
    if (b == 0) {
      for (Kind kind : {kPointerA, kPointerA, kPointerB, kPointerT}) params.push_back(v(define(kind)) + ": i64");
      for (int i = 0; i < 2; ++i) params.push_back(v(define(kInt)) + ": i32");
    }
    if (blocks_[b].is_head) {
      counter_[b] = next_;
      params.push_back(v(next_++) + ": i32");
    }
    for (Kind kind : blocks_[b].params) params.push_back(v(define(kind)) + (kind == kInt ? ": i32" : ": i64"));
    for (size_t i = 0; i < params.size(); ++i) head += (i == 0 ? "(" : ", ") + params[i];
    head += params.empty() ? "" : ")";
    head += blocks_[b].cold ? " cold:\n" : ":\n";

    for (uint32_t i = dice_.below(dice_.chance(20) ? 14 : 7); i > 0; --i) {
      const uint32_t dice = dice_.below(100);
      if (dice < 25) {
        load();
      } else if (dice < 65) {
        store();
      } else if (dice < 80) {
        pointer();
      } else {
        other();
      }
    }
    end(b);
    return head + body_ + "\n";
  }

  void end(size_t b) {
    const Shape& s = blocks_[b];
    switch (s.end) {
      case Shape::kReturn:
        line("return " + integer());
        break;
      case Shape::kTrap:
        line("trap user1");
        break;
      case Shape::kJump: {
        const std::string to = call(s.to[0]);
        line("jump " + to);
        break;
      }
      case Shape::kBrif: {
        const std::string condition = integer(), first = call(s.to[0]), second = call(s.to[1]);
        line("brif.i32 " + condition + ", " + first + ", " + second);
        break;
      }
      case Shape::kTable: {
        const std::string index = integer(), first = call(s.to[0]), second = call(s.to[1]), third = call(s.to[2]);
        line("br_table " + index + ", " + first + ", [" + second + ", " + third + "]");
        break;
      }
      case Shape::kTry: {
        const std::string first = call(s.to[0]), second = call(s.to[1]);
        line("try_call fn1(), sig1, " + first + ", [ default: " + second + " ]");
        break;
      }
      case Shape::kBack: {
        const uint32_t one = next_++, next = next_++, bit = next_++;
        line(v(one) + " = iconst.i32 1");
        line(v(next) + " = iadd.i32 " + v(counter_.at(s.to[0])) + ", " + v(one));
        line(v(bit) + " = icmp.i32 ult " + v(next) + ", " + integer());
        const std::string back = call(s.to[0], v(next)), on = call(s.to[1]);
        line("brif.i8 " + v(bit) + ", " + back + ", " + on);
        break;
      }
    }
  }

  struct Saved {
    std::string value, flags, address;
    size_t block;
  };

  Dice dice_;
  std::vector<Shape> blocks_;
  Function skeleton_;
  std::optional<Cfg> cfg_;
  std::vector<Made> made_[kKinds];
  std::vector<Saved> saved_;
  std::map<size_t, uint32_t> counter_;
  std::string body_;
  size_t at_ = 0;
  uint32_t next_ = 0;
  const bool is_b_moved_ = false;
};

}  // namespace lockstep::clif::testing
