// See meaning.h.
#include "properties/clif/meaning.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <vector>

#include "diff/random.h"
#include "optimized/clif/interpreter.h"
#include "properties/clif/symbolic.h"
#include "properties/clif/world.h"

namespace lockstep::refinement {
namespace {

constexpr size_t kMaxSteps = 1500;   // of the interpreter
constexpr size_t kMaxArrivals = 40;  // at heads of loops
constexpr size_t kMaxSegments = 300;
constexpr size_t kMaxWrites = 40;  // that were carried round loops

smt::Bits as_term(clif::Bits b) { return static_cast<smt::Bits>(b.hi) << 64 | b.lo; }
clif::Bits as_bits(smt::Bits b) { return {static_cast<uint64_t>(b), static_cast<uint64_t>(b >> 64)}; }

// Remembers what the world has answered. Bytes of a slot are only written if it is certain that the callee can know
// where they are, and an atomic's bytes are always overwritten by somebody else: then what memory holds behind it does
// not depend on what the interpreter thinks of it.
class Witness final : public World {
 public:
  Witness(uint64_t seed, const Function& f) : inner_(seed, f), f_(f) {}
  const std::vector<clif::Bits>& arguments() const { return inner_.arguments; }
  std::vector<Reply> replies;

  uint8_t byte(uint64_t address) override { return inner_.byte(address); }
  bool accessible(uint64_t epoch, uint64_t address) override { return inner_.accessible(epoch, address); }
  uint64_t slot_address(uint32_t slot) override { return inner_.slot_address(slot); }
  uint64_t symbol(const std::string& name) override { return inner_.symbol(name); }
  Reply call(size_t n, const Event& event, const Function& function, const Inst& inst) override {
    Reply reply = inner_.call(n, event, function, inst);
    std::set<uint32_t> seen;
    for (const auto& [address, byte] : event.memory) {
      if (const std::optional<uint32_t> slot = slot_at(address)) seen.insert(*slot);
    }
    std::erase_if(reply.writes, [&](const auto& write) {
      const std::optional<uint32_t> slot = slot_at(write.first);
      return slot && !seen.contains(*slot);
    });
    if (inst.is_atomic() && inst.access_bytes() != 0) {
      const uint64_t address = event.values[inst.address_index()].lo;
      for (uint32_t i = 0; i < inst.access_bytes(); ++i) {
        reply.writes[address + i] = static_cast<uint8_t>(inner_.byte(address + i + 0x100000 + n));
      }
    }
    if (replies.size() <= n) replies.resize(n + 1);
    replies[n] = reply;
    return reply;
  }
  std::optional<uint32_t> slot_at(uint64_t address) {
    for (const auto& [slot, data] : f_.slots) {
      if (address - inner_.slot_address(slot) < data.size) return slot;
    }
    return std::nullopt;
  }

 private:
  RandomWorld inner_;
  const Function& f_;
};

class Walk {
 public:
  Walk(const Function& f, const MeaningOptions& options)
      : f_(f),
        options_(options),
        random_(options.seed),
        world_(options.seed, f),
        out_(t_, true, promises_),
        executor_(f, out_, options.unroll) {
    model_.otherwise = [this](FunctionId id, const std::vector<smt::Bits>& args) { return answer(id, args); };
  }

  MeaningResult compare() {
    run_ = run(f_, world_.arguments(), world_, kMaxSteps, true);
    if (run_.end == Run::kUnsupported || run_.end == Run::kPromiseBroken) {
      result_.not_compared = run_.reason;
      return result_;
    }
    name_operations();
    start();
    size_t arrivals = 0;
    for (size_t n = 0; n < kMaxSegments; ++n) {
      const Segment segment = executor_.run(start_);
      const Outcome* taken = nullptr;
      for (const Outcome& o : segment.outcomes) {
        if (value(o.guard) == 0) continue;
        if (taken != nullptr) return differ("two ways out at once: " + taken->key + " and " + o.key);
        taken = &o;
      }
      if (taken == nullptr) return differ("no way out");
      if (!is_current(segment, *taken)) return result_;
      switch (taken->kind) {
        case Outcome::kBound:
          return result_;
        case Outcome::kLoopHead:
          result_.reached_loop = true;
          if (++arrivals > kMaxArrivals || segment.memory.writes.size() > kMaxWrites) return result_;
          go_round(segment, *taken, arrivals);
          continue;
        case Outcome::kReturn:
        case Outcome::kTrap:
          if (!is_event(segment, *taken, false)) return result_;
          if (event_ != run_.events.size()) return differ("the interpreter goes on behind " + taken->key);
          result_.to_the_end = true;
          return result_;
        case Outcome::kObservation:
          break;
      }
      if (!is_event(segment, *taken, true)) return result_;
      // The callee may have trapped, or not come back.
      const bool last = event_ == run_.events.size() && run_.end != Run::kOutOfSteps;
      const bool trapped = event_ < run_.events.size() && run_.events[event_].what.starts_with("trap in ");
      if (trapped || (last && run_.end == Run::kNever)) {
        result_.to_the_end = true;
        return result_;
      }
      go_on(segment, *taken);
    }
    return result_;
  }

 private:
  smt::Bits value(Term term) { return t_.evaluate(term, model_, known_); }
  MeaningResult differ(const std::string& what) {
    result_.difference = "seed " + std::to_string(options_.seed) + ", event " + std::to_string(event_) + ": " + what;
    return result_;
  }
  bool differs(const std::string& what) {
    differ(what);
    return false;
  }

  // --- What the unknowns stand for
  smt::Bits answer(FunctionId id, const std::vector<smt::Bits>& args) {
    if (const auto it = meanings_.find(id); it != meanings_.end()) return it->second(args);
    const std::string& name = t_.function(id).name;
    if (id == out_.initial_memory) return world_.byte(static_cast<uint64_t>(args[0]));
    if (args.empty()) {
      if (name.starts_with("func ")) return world_.symbol(name.substr(5));
      if (name.starts_with("get_")) return world_.symbol(name);
      if (name.starts_with("ss")) return world_.slot_address(static_cast<uint32_t>(std::stoul(name.substr(2))));
      for (const auto& [number, g] : f_.globals) {
        if (name == "gv " + g.text) return world_.symbol(g.symbol) + static_cast<uint64_t>(g.offset);
      }
    }
    throw std::logic_error("what is " + name + "?");
  }
  FunctionId named(const std::string& what, uint32_t width, std::vector<uint32_t> args,
                   std::function<smt::Bits(const std::vector<smt::Bits>&)> meaning) {
    const FunctionId id = t_.declare(what + " " + std::to_string(++names_), std::move(args), width);
    meanings_[id] = std::move(meaning);
    return id;
  }
  Term unknown(uint32_t width, smt::Bits is) {
    return t_.apply(named("value", width, {}, [is](const auto&) { return is; }), {});
  }
  FunctionId accessibility(uint64_t epoch) {
    return named("accessible", 0, {64}, [this, epoch](const std::vector<smt::Bits>& args) {
      const auto address = static_cast<uint64_t>(args[0]);
      return smt::Bits{world_.slot_at(address) || world_.accessible(epoch, address) ? 1U : 0U};
    });
  }
  using Bytes = std::map<uint64_t, uint8_t>;
  FunctionId memory_of(const Bytes& bytes) {
    return named("bytes", 8, {64}, [this, bytes](const std::vector<smt::Bits>& args) {
      return smt::Bits{byte_in(bytes, static_cast<uint64_t>(args[0]))};
    });
  }
  uint8_t byte_in(const Bytes& bytes, uint64_t address) {
    const auto it = bytes.find(address);
    return it != bytes.end() ? it->second : world_.byte(address);
  }

  // Operations that the verifier leaves open: floats.
  void name_operations() {
    for (const Block& block : f_.blocks) {
      for (const Inst& inst : block.insts) {
        if (!is_pure(inst.op)) continue;
        std::vector<Term> args;
        std::set<FunctionId> own;
        for (const Value v : inst.args) {
          args.push_back(unknown(f_.type_of(v).bits(), 0));
          own.insert(t_[args.back()].function);
        }
        const PureResult r = pure(out_, f_, inst, args);
        const auto evaluated = [this, &inst](const std::vector<smt::Bits>& operands) {
          std::vector<clif::Bits> bits;
          for (const smt::Bits b : operands) bits.push_back(as_bits(b));
          return evaluate(f_, inst, bits);
        };
        for (size_t i = 0; i < r.results.size(); ++i) {
          const smt::Node node = t_[r.results[i]];
          if (node.op != smt::Op::kApply || own.contains(node.function)) continue;
          meanings_[node.function] = [evaluated, i](const std::vector<smt::Bits>& operands) {
            const Evaluated e = evaluated(operands);
            return e.trap ? smt::Bits{0} : as_term(e.results[i]);
          };
        }
        for (const auto& [condition, code] : r.traps) {
          std::vector<Term> todo = {condition};
          while (!todo.empty()) {
            const smt::Node node = t_[todo.back()];
            todo.pop_back();
            todo.insert(todo.end(), node.args.begin(), node.args.end());
            if (node.op != smt::Op::kApply || own.contains(node.function) || meanings_.contains(node.function)) {
              continue;
            }
            meanings_[node.function] = [evaluated, wanted = code](const std::vector<smt::Bits>& operands) {
              const Evaluated e = evaluated(operands);
              return smt::Bits{e.trap && *e.trap == wanted ? 1U : 0U};
            };
          }
        }
      }
    }
  }

  // --- The states
  void start() {
    start_.guard = start_.flow_guard = t_.truth(true);
    start_.environment.assign(executor_.max_value() + 1, {});
    const auto& params = f_.entry().params;
    for (size_t i = 0; i < params.size(); ++i) {
      const Term p = unknown(params[i].type.bits(), as_term(world_.arguments()[i]));
      out_.parameters.push_back(p);
      start_.environment[params[i].value] = {p, kElsewhere};
    }
    start_.accessible = accessibility(0);
    start_.memory.base = out_.initial_memory;
    for (const auto& [slot, data] : f_.slots) start_.memory.slot_base[slot] = memory_of({});
  }

  // All bytes that were written on the way that was taken, as they are now.
  void write_out(const Memory& memory) {
    for (const Write& w : memory.writes) {
      if (value(w.guard) == 0) continue;
      const auto address = static_cast<uint64_t>(value(w.place.address));
      const smt::Bits bits = value(w.value);
      for (uint32_t i = 0; i < w.place.bytes; ++i) bytes_[address + i] = static_cast<uint8_t>(bits >> (8 * i));
    }
  }
  // Applies the segment's stores, and looks whether reading them back says the same.
  bool is_current(const Segment& segment, const Outcome& o) {
    write_out(segment.memory);
    for (const Write& w : segment.memory.writes) {
      if (value(w.guard) == 0) continue;
      const Term read = executor_.read(segment.memory, t_.and_(o.guard, w.guard), w.place, start_.escaped);
      const smt::Bits bits = value(read);
      const auto address = static_cast<uint64_t>(value(w.place.address));
      for (uint32_t i = 0; i < w.place.bytes; ++i) {
        const auto byte = static_cast<uint8_t>(bits >> (8 * i));
        if (byte == byte_in(bytes_, address + i)) continue;
        return differs("reading back byte " + smt::hex(address + i) + " at " + o.key + " gives " + smt::hex(byte) +
                       ", not " + smt::hex(byte_in(bytes_, address + i)));
      }
    }
    return true;
  }

  // Compares with the interpreter's next event.
  bool is_event(const Segment& segment, const Outcome& o, bool alive) {
    if (event_ >= run_.events.size()) {
      if (run_.end == Run::kOutOfSteps) return false;
      return differs("the interpreter has ended before " + o.key);
    }
    const Event& event = run_.events[event_];
    const BlockId block = f_.blocks[o.at.block_index].id;
    if (event.block != block || event.inst != o.at.inst) {
      return differs("'" + o.key + "' in block" + std::to_string(block) + "." + std::to_string(o.at.inst) +
                     ", interpreter: '" + event.what + "' in block" + std::to_string(event.block) + "." +
                     std::to_string(event.inst));
    }
    if ((o.kind == Outcome::kTrap || event.what.starts_with("trap ")) && event.what != o.key) {
      return differs("'" + o.key + "', interpreter: '" + event.what + "'");
    }
    // A callee that is known by name is not among the operands.
    const size_t skipped = event.values.size() - o.payload.size();
    if (skipped > (o.inst->is_call() ? 1U : 0U)) return differs("another number of operands at " + o.key);
    for (size_t i = 0; i < o.payload.size(); ++i) {
      const smt::Bits symbolic = value(o.payload[i]), concrete = as_term(event.values[i + skipped]);
      if (symbolic == concrete) continue;
      return differs("operand " + std::to_string(i) + " of " + o.key + " is " + smt::hex(symbolic) +
                     ", interpreter: " + smt::hex(concrete));
    }
    if (alive) start_.escaped |= shown(segment, o);
    std::set<uint64_t> addresses;
    for (const auto& [address, byte] : event.memory) addresses.insert(address);
    for (const auto& [address, byte] : bytes_) addresses.insert(address);
    for (const uint64_t address : addresses) {
      const std::optional<uint32_t> slot = world_.slot_at(address);
      const auto seen = event.memory.find(address);
      if (slot) {
        // Whether a slot is private is not written down; a byte that is there shows that it is not.
        if (seen == event.memory.end()) continue;
        if (!alive || (start_.escaped >> *slot & 1) == 0) {
          return differs("the interpreter shows a byte of ss" + std::to_string(*slot) + " at " + o.key);
        }
      }
      const uint8_t concrete = seen != event.memory.end() ? seen->second : world_.byte(address);
      if (concrete == byte_in(bytes_, address)) continue;
      return differs("byte " + smt::hex(address) + " at " + o.key + " is " + smt::hex(byte_in(bytes_, address)) +
                     ", interpreter: " + smt::hex(concrete));
    }
    ++event_;
    ++result_.observations;
    return true;
  }

  // The slots whose address may be known to others from here on; more than need be.
  Origins shown(const Segment& segment, const Outcome& o) const {
    Origins visible = start_.escaped | (o.origins & ~kElsewhere);
    for (bool grown = true; grown;) {
      grown = false;
      for (const Write& w : segment.memory.writes) {
        const bool hidden = w.place.slot >= 0 && (visible >> static_cast<unsigned>(w.place.slot) & 1) == 0;
        if (!hidden && (w.origins & ~visible) != 0) visible |= w.origins, grown = true;
      }
    }
    return visible & ~kElsewhere;
  }

  // Behind a call or atomic: what the world has answered is there as unknowns.
  void go_on(const Segment& segment, const Outcome& o) {
    const World::Reply& reply = world_.replies[replies_++];
    for (const auto& [address, byte] : reply.writes) bytes_[address] = byte;
    Executor::Start next;
    next.at = o.at;
    next.environment = o.environment;
    next.guard = next.flow_guard = o.guard;
    next.escaped = start_.escaped;
    next.accessible = accessibility(replies_);
    next.memory.base = memory_of(bytes_);
    for (const auto& [slot, base] : segment.memory.slot_base) {
      if ((next.escaped >> slot & 1) == 0) next.memory.slot_base[slot] = base;
    }
    for (Write w : segment.memory.writes) {
      w.restores = false;
      if (w.place.slot >= 0 && (next.escaped >> static_cast<unsigned>(w.place.slot) & 1) == 0) {
        next.memory.writes.push_back(w);
      } else if (w.place.slot == Place::kPerhapsSlot) {
        Term hidden = t_.truth(false);
        for (const auto& [slot, data] : f_.slots) {
          if ((next.escaped >> slot & 1) == 0) hidden = t_.or_(hidden, executor_.in_slot(w.place, slot));
        }
        w.guard = t_.and_(w.guard, hidden);
        next.memory.writes.push_back(w);
      }
    }
    const auto result = [&](size_t i, Type type) -> SymbolicValue {
      smt::Bits bits = i < reply.results.size() ? as_term(reply.results[i]) : 0;
      return {unknown(type.bits(), bits & smt::mask_of(type.bits())), kElsewhere};
    };
    if (o.inst->op == Opcode::kTryCall || o.inst->op == Opcode::kTryCallIndirect) {
      const bool thrown = reply.how == World::Reply::kHandler;
      next.way = unknown(8, thrown ? reply.handler + 1 : 0);
      const Signature& signature = f_.callee_signature(*o.inst);
      for (size_t i = 0; i < signature.returns.size(); ++i)
        next.results.push_back(result(i, signature.returns[i].type));
      for (size_t i = 0; i < 2; ++i) next.payload.push_back(result(i, kI64));
    } else {
      ++next.at.inst;
      for (size_t i = 0; i < o.inst->results.size(); ++i) {
        next.results.push_back(result(i, f_.type_of(o.inst->results[i])));
      }
    }
    start_ = std::move(next);
  }

  // At a loop's head. A proof makes unknowns of everything there; here they have the values that they have.
  void go_round(const Segment& segment, const Outcome& o, size_t arrivals) {
    Executor::Start next;
    next.at = o.at;
    next.at_loop_head = true;
    next.environment = o.environment;
    const auto& params = f_.blocks[o.at.block_index].params;
    for (size_t i = 0; i < params.size(); ++i) next.environment[params[i].value] = o.arguments[i];
    next.guard = next.flow_guard = o.guard;
    next.escaped = start_.escaped;
    next.accessible = start_.accessible;
    next.memory = segment.memory;
    if (options_.generalise) {
      const bool all = arrivals > 3 || random_.chance(40);
      for (SymbolicValue& v : next.environment) {
        if (!v.valid() || !(all || random_.chance(30))) continue;
        v.term = unknown(t_.width(v.term), value(v.term));
      }
      // But stores that say where the address of a slot lies.
      const bool plain = std::all_of(next.memory.writes.begin(), next.memory.writes.end(),
                                     [](const Write& w) { return w.origins == 0; });
      if (all && plain) {
        next.memory.writes.clear();
        next.memory.base = memory_of(bytes_);
        for (auto& [slot, base] : next.memory.slot_base) base = next.memory.base;
      }
    }
    start_ = std::move(next);
  }

  const Function& f_;
  const MeaningOptions options_;
  diff::Random random_;
  Witness world_;
  const Promises promises_;
  Terms t_;
  Outside out_;
  Executor executor_;
  smt::Model model_;
  std::unordered_map<uint32_t, smt::Bits> known_;
  std::map<FunctionId, std::function<smt::Bits(const std::vector<smt::Bits>&)>> meanings_;
  size_t names_ = 0;

  Run run_;
  MeaningResult result_;
  size_t event_ = 0, replies_ = 0;
  Bytes bytes_;
  Executor::Start start_;
};

}  // namespace

MeaningResult compare_meaning(const Function& f, const MeaningOptions& options) { return Walk(f, options).compare(); }

}  // namespace lockstep::refinement
