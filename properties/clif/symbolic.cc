// See symbolic.h.
#include "properties/clif/symbolic.h"

#include <algorithm>
#include <functional>

#include "optimized/clif/cfg.h"

namespace lockstep::refinement {
namespace {

constexpr size_t kMaxNodes = 20'000;  // blocks of an unrolled function

std::string signature_text(const Signature& s) {
  std::string text = "(";
  for (const AbiParam& p : s.params) text += (text.size() > 1 ? ", " : "") + p.type.str();
  text += ")";
  for (size_t i = 0; i < s.returns.size(); ++i) text += (i == 0 ? " -> " : ", ") + s.returns[i].type.str();
  return text;
}

std::string handlers_text(const Inst& inst) {
  std::string text = " [";
  for (const Handler& h : inst.handlers) {
    if (h.kind == Handler::kTag) text += " tag" + std::to_string(h.tag);
    if (h.kind == Handler::kDefault) text += " default";
    if (h.kind == Handler::kContext) text += " context";
  }
  return text + " ]";
}

// The observation that an instruction makes, without its operands.
std::string observation_key(const Function& f, const Inst& inst) {
  const std::string op(name_of(inst.op));
  switch (inst.op) {
    case Opcode::kAtomicRmw:
      return op + "." + inst.type.str() + " " + std::string(name_of(inst.rmw)) + (inst.flags.big() ? " big" : "");
    case Opcode::kAtomicCas:
    case Opcode::kAtomicLoad:
    case Opcode::kAtomicStore:
      return op + "." + inst.type.str() + (inst.flags.big() ? " big" : "");
    default:
      break;
  }
  (void)f;
  return op;
}

}  // namespace

// --- Outside
// ------------------------------------------------------------------------------------------------------------

Outside::Outside(Terms& t, bool trust, const Promises& p)
    : terms(t), trust_regions(trust), promises(p), initial_memory(t.declare("memory", {64}, 8)) {}

Term Outside::slot_address(uint32_t slot) {
  const auto [it, is_new] = slots_.try_emplace(slot);
  if (is_new) it->second = terms.variable("ss" + std::to_string(slot), 64);
  return it->second;
}
Term Outside::symbol(const std::string& name, uint32_t width) {
  const auto [it, is_new] = symbols_.try_emplace(name);
  if (is_new) it->second = terms.variable(name, width);
  return it->second;
}
FunctionId Outside::operation(const std::string& name, const std::vector<uint32_t>& arguments, uint32_t width) {
  const auto [it, is_new] = operations_.try_emplace(name, 0);
  if (is_new) it->second = terms.declare(name, arguments, width);
  return it->second;
}
FunctionId Outside::new_memory(const std::string& name) { return terms.declare(name, {64}, 8); }
FunctionId Outside::new_accessibility(const std::string& name) { return terms.declare(name, {64}, 0); }
Term Outside::same_value(const Promise& promise) {
  const auto [it, is_new] = same_values_.try_emplace(&promise);
  if (is_new) it->second = terms.variable(promise.text, promise.load.bytes * 8);
  used.insert(&promise);
  return it->second;
}

Term Outside::pointer(const Function& f, const PointerName& name) {
  if (name.kind == PointerName::kParam) {
    return name.param < parameters.size() ? parameters[name.param] : terms.truth(false);
  }
  // A load that is promised to give one value has a name of its own.
  for (const Promise& p : promises.list) {
    if (p.kind == Promise::kSameValue && p.load == name.load) return same_value(p);
  }
  (void)f;
  return terms.truth(false);
}

// --- The shape of the function
// ------------------------------------------------------------------------------------------

Executor::Executor(const Function& f, Outside& out, uint32_t unroll)
    : function_(f), out_(out), t_(out.terms), unroll_(unroll) {
  for (uint32_t i = 0; i < f.blocks.size(); ++i) index_[f.blocks[i].id] = i;
  for (const auto& [slot, data] : f.slots) {
    if (slot >= kMaxSlots) throw UnsupportedOperation("more than 62 stack slots", f.at);
  }
  for (const auto& [value, type] : f.types) max_value_ = std::max(max_value_, value);
  rounds_.emplace_back();
  round_index_[{}] = 0;
  find_loops();
}

void Executor::find_loops() {
  const Cfg cfg(function_);
  const size_t n = function_.blocks.size();
  successors_.resize(n);
  order_.assign(n, UINT32_MAX);
  for (uint32_t i = 0; i < cfg.order().size(); ++i) order_[cfg.order()[i]] = i;
  for (size_t i = 0; i < n; ++i) {
    for (const size_t s : cfg.successors(i)) successors_[i].push_back(static_cast<uint32_t>(s));
  }
  std::set<uint32_t> heads;
  for (const size_t u : cfg.order()) {
    for (const size_t v : cfg.successors(u)) {
      if (order_[v] > order_[u]) continue;
      if (!cfg.dominates(v, u)) reducible_ = false;
      back_edges_.emplace(static_cast<uint32_t>(u), static_cast<uint32_t>(v));
      heads.insert(static_cast<uint32_t>(v));
    }
  }
  heads_.assign(heads.begin(), heads.end());
  std::sort(heads_.begin(), heads_.end(), [this](uint32_t a, uint32_t b) { return order_[a] < order_[b]; });
  for (const uint32_t head : heads_) {
    std::set<size_t> body = {head};
    std::vector<size_t> todo;
    for (const auto& [u, v] : back_edges_) {
      if (v == head && body.insert(u).second) todo.push_back(u);
    }
    while (!todo.empty()) {
      const size_t b = todo.back();
      todo.pop_back();
      for (const size_t p : cfg.predecessors(b)) {
        if (cfg.reachable(p) && body.insert(p).second) todo.push_back(p);
      }
    }
    loop_blocks_[head].insert(body.begin(), body.end());
    bool observes = false;
    for (const size_t b : body) {
      for (const Inst& inst : function_.blocks[b].insts) observes = observes || inst.is_call() || inst.is_atomic();
    }
    loop_observes_[head] = observes;
  }
}

uint64_t Executor::order_of(Position p) const {
  uint64_t passed = 0;
  for (const uint32_t n : rounds_[p.round]) passed += n;
  return passed << 48 | uint64_t{order_[p.block_index]} << 24 | p.inst;
}

std::optional<uint32_t> Executor::next_round(uint32_t from, uint32_t to, uint32_t round) {
  if (!back_edges_.contains({from, to})) return round;
  std::vector<uint32_t> counters = rounds_[round];
  counters.resize(heads_.size());
  const auto head = static_cast<size_t>(std::find(heads_.begin(), heads_.end(), to) - heads_.begin());
  if (++counters[head] > unroll_) return std::nullopt;
  const auto [it, is_new] = round_index_.try_emplace(counters, static_cast<uint32_t>(rounds_.size()));
  if (is_new) rounds_.push_back(counters);
  return it->second;
}

Term Executor::zero(Type type) const { return t_.constant(0, type.bits()); }

// --- Reading memory
// -----------------------------------------------------------------------------------------------------

namespace {

// Puts `piece` over the bits of `value` that begin at `low`.
Term overlay(Terms& t, Term value, Term piece, uint32_t low) {
  const uint32_t w = t.width(value), end = low + t.width(piece);
  if (end < w) piece = t.concat(t.extract(value, end, w - end), piece);
  return low == 0 ? piece : t.concat(piece, t.extract(value, 0, low));
}

}  // namespace

Executor::Overlap Executor::overlap(const Place& place, const Place& p, Origins escaped, int64_t& distance) const {
  const auto known_slot = [](const Place& q) { return q.slot >= 0; };
  if (known_slot(place) && known_slot(p) && place.slot != p.slot) return Overlap::kNone;
  if (known_slot(place) != known_slot(p)) {
    const Place& in_slot = known_slot(place) ? place : p;
    const Place& other = known_slot(place) ? p : place;
    const bool seen = (escaped >> static_cast<unsigned>(in_slot.slot) & 1) != 0;
    if (other.slot == Place::kNoSlot && !seen) return Overlap::kNone;
  }
  const Terms::Sum a = t_.split(place.address), b = t_.split(p.address);
  if (a.base == b.base) {
    distance = static_cast<int64_t>(static_cast<uint64_t>(a.offset - b.offset));
    const bool apart = distance >= static_cast<int64_t>(p.bytes) || distance <= -static_cast<int64_t>(place.bytes);
    return apart ? Overlap::kNone : Overlap::kKnown;
  }
  if (place.region && p.region && *place.region != *p.region && out_.trust_regions) {
    out_.regions_used = true;
    return Overlap::kNone;
  }
  if (place.region.has_value() != p.region.has_value() && place.slot == Place::kNoSlot && p.slot == Place::kNoSlot) {
    const uint32_t region = place.region ? *place.region : *p.region;
    if (out_.promises.untagged_apart(function_, region)) {
      for (const Promise& promise : out_.promises.list) {
        if (promise.kind == Promise::kUntaggedApart) out_.used.insert(&promise);
      }
      return Overlap::kNone;
    }
  }
  for (const Promise& promise : out_.promises.list) {
    if (promise.kind != Promise::kApart) continue;
    const Term x = out_.pointer(function_, promise.a), y = out_.pointer(function_, promise.b);
    if ((a.base == x && b.base == y) || (a.base == y && b.base == x)) {
      out_.used.insert(&promise);
      return Overlap::kNone;
    }
  }
  return Overlap::kPerhaps;
}

Term Executor::in_slot(const Place& place, uint32_t slot) const {
  const Term size = t_.constant(function_.slots.at(slot).size, 64);
  return t_.ult(t_.sub(place.address, out_.slot_address(slot)), size);
}

Term Executor::read(const Memory& memory, Term context, const Place& place, Origins escaped, Origins* origins) const {
  const auto known_slot = [](const Place& p) { return p.slot >= 0; };
  struct Layer {
    const Write* write;
    Overlap overlap;
    int64_t distance;
  };
  // From the last store backwards, to one that is known to have written all of it. A field that was given back what it
  // had is passed over, with the stores that it covers: as if nothing had been stored. But what has been stored to in
  // between counts only where that field does not lie; if this is not known, the field is not passed over.
  std::vector<Layer> layers, restored;
  std::set<const Write*> not_passed;
  bool covered = false;
  for (bool again = true; again;) {
    again = covered = false;
    layers.clear();
    restored.clear();
    for (size_t i = memory.writes.size(); i-- > 0 && !covered && !again;) {
      const Write& w = memory.writes[i];
      int64_t distance = 0;
      const Overlap o = overlap(place, w.place, escaped, distance);
      if (o == Overlap::kNone || t_.contradict(context, w.guard)) continue;
      // A later store that is known to have happened and covers this one hides it.
      const auto hides = [&](const Layer& later) {
        const Terms::Sum x = t_.split(w.place.address), y = t_.split(later.write->place.address);
        if (x.base != y.base) return false;
        const auto d = static_cast<int64_t>(static_cast<uint64_t>(x.offset - y.offset));
        return d >= 0 && d + w.place.bytes <= later.write->place.bytes && t_.implied(context, later.write->guard);
      };
      if (std::any_of(layers.begin(), layers.end(), hides) || std::any_of(restored.begin(), restored.end(), hides)) {
        continue;
      }
      if (w.restores && o == Overlap::kPerhaps && t_.implied(context, w.guard) && !not_passed.contains(&w)) {
        restored.push_back({&w, o, distance});
        continue;
      }
      for (const Layer& r : restored) {
        int64_t unused = 0;
        const bool between = r.write->since < w.order && w.order < r.write->order;
        if (!between || overlap(w.place, r.write->place, escaped, unused) == Overlap::kNone) continue;
        again = not_passed.insert(r.write).second || again;
      }
      layers.push_back({&w, o, distance});
      covered = o == Overlap::kKnown && distance >= 0 && distance + place.bytes <= w.place.bytes &&
                t_.implied(context, w.guard);
    }
  }
  if (origins != nullptr) {
    for (const Layer& layer : layers) *origins |= layer.write->origins;
    for (const Layer& layer : restored) *origins |= layer.write->origins;
  }

  Term value;
  if (covered) {
    const Layer& last = layers.back();
    value = t_.extract(last.write->value, static_cast<uint32_t>(last.distance) * 8, place.bytes * 8);
    layers.pop_back();
  } else {
    FunctionId base = memory.base;
    if (known_slot(place)) {
      const auto it = memory.slot_base.find(static_cast<uint32_t>(place.slot));
      if (it != memory.slot_base.end()) base = it->second;
    } else if (place.region) {
      if (const auto it = memory.kept.find(*place.region); it != memory.kept.end()) base = it->second;
    }
    const auto bytes_of = [&](FunctionId memory_or_slot) {
      Term bytes = t_.apply(memory_or_slot, {place.address});
      for (uint32_t i = 1; i < place.bytes; ++i) {
        bytes = t_.concat(t_.apply(memory_or_slot, {t_.add(place.address, t_.constant(i, 64))}), bytes);
      }
      return bytes;
    };
    value = bytes_of(base);
    if (place.slot == Place::kPerhapsSlot) {
      // Slots that nobody else has seen have their own bytes.
      for (const auto& [slot, slot_bytes] : memory.slot_base) {
        if (function_.slots.contains(slot)) value = t_.ite(in_slot(place, slot), bytes_of(slot_bytes), value);
      }
    }
    if (origins != nullptr && !known_slot(place)) *origins |= kElsewhere;
  }
  for (size_t i = layers.size(); i-- > 0;) {
    const Write& w = *layers[i].write;
    const Term guard = t_.implied(context, w.guard) ? t_.truth(true) : w.guard;
    if (layers[i].overlap == Overlap::kKnown) {
      // The bytes that both touch.
      const int64_t d = layers[i].distance;
      const int64_t first = std::max<int64_t>(d, 0);  // in the write
      const int64_t end = std::min<int64_t>(w.place.bytes, d + place.bytes);
      const Term piece = t_.extract(w.value, static_cast<uint32_t>(first) * 8, static_cast<uint32_t>(end - first) * 8);
      value = t_.ite(guard, overlay(t_, value, piece, static_cast<uint32_t>(first - d) * 8), value);
    } else if (w.place.bytes == place.bytes && w.place.aligned && place.aligned) {
      // Aligned accesses of one size touch all of their bytes or none.
      value = t_.ite(t_.and_(guard, t_.eq(place.address, w.place.address)), w.value, value);
    } else {
      for (uint32_t byte = 0; byte < place.bytes; ++byte) {
        const Term distance = t_.sub(t_.add(place.address, t_.constant(byte, 64)), w.place.address);
        const Term hit = t_.and_(guard, t_.ult(distance, t_.constant(w.place.bytes, 64)));
        if (t_.is_false(hit)) continue;
        const uint32_t width = w.place.bytes * 8;
        Term by = t_.extract(distance, 0, 8);
        by = t_.shl(by, t_.constant(3, 8));
        const Term piece = t_.extract(t_.lshr(w.value, width > 8 ? t_.zext(by, width) : by), 0, 8);
        value = t_.ite(hit, overlay(t_, value, width > 8 ? piece : w.value, byte * 8), value);
      }
    }
  }
  return value;
}

// --- Running a segment
// --------------------------------------------------------------------------------------------------

struct Executor::Run {
  Executor& e;
  Outside& out;
  Terms& t;
  const Function& f;
  const Start& start;
  Segment segment;
  Environment env;
  Term guard{}, flow{};
  const Block* block = nullptr;
  Position at;

  Value resolve(Value v) const { return f.resolved(v); }
  const SymbolicValue& value(Value v) const { return env[resolve(v)]; }
  void define(Value v, Term term, Origins origins) { env[v] = {term, origins}; }

  Outcome outcome(Outcome::Kind kind, std::string key, Term when, const Inst& inst) const {
    Outcome o;
    o.kind = kind;
    o.key = std::move(key);
    o.guard = when;
    o.at = at;
    o.inst = &inst;
    o.block = block->id;
    return o;
  }
  void add_argument(Outcome& o, Value v) const {
    o.payload.push_back(value(v).term);
    o.origins |= value(v).origins;
  }

  // Leaves with a trap where `condition` holds, and goes on where it does not.
  void trap_if(Term condition, const TrapCode& code, const Inst& inst) {
    const Term when = t.and_(guard, condition);
    if (!t.is_false(when)) segment.outcomes.push_back(outcome(Outcome::kTrap, "trap " + code, when, inst));
    guard = t.and_(guard, t.not_(condition));
    flow = t.and_(flow, t.not_(condition));
  }

  Place place_of(const Inst& inst, uint32_t bytes) const {
    const SymbolicValue& address = value(inst.args[inst.address_index()]);
    Place p;
    p.address = t.add(address.term, t.constant(static_cast<Bits>(static_cast<SignedOffset>(inst.offset)), 64));
    p.bytes = bytes;
    p.region = inst.flags.region;
    p.aligned = inst.flags.aligned;
    p.inst = &inst;
    const Origins slots = address.origins & ~kElsewhere;
    if (slots != 0) {
      const bool one = (slots & (slots - 1)) == 0 && (address.origins & kElsewhere) == 0;
      p.slot = one ? __builtin_ctzll(slots) : Place::kPerhapsSlot;
    }
    return p;
  }
  using SignedOffset = smt::SignedBits;

  // Records the access and leaves with a trap where its bytes cannot be accessed.
  void access(const Inst& inst, const Place& place, bool is_store) {
    Term accessible = t.truth(true);
    if (place.slot < 0) {
      for (uint32_t i = 0; i < place.bytes; ++i) {
        accessible = t.and_(accessible, t.apply(start.accessible, {t.add(place.address, t.constant(i, 64))}));
      }
    }
    segment.accesses.push_back({place, inst.flags, is_store, guard, flow, block->id, accessible});
    if (inst.flags.notrap()) return;
    const Term when = t.and_(guard, t.not_(accessible));
    if (!t.is_false(when)) {
      segment.outcomes.push_back(outcome(Outcome::kTrap, "trap " + *inst.flags.trap, when, inst));
    }
    guard = t.and_(guard, accessible);
  }

  void load(const Inst& inst) {
    const uint32_t bytes = inst.access_bytes();
    const Place place = place_of(inst, bytes);
    access(inst, place, false);
    Origins origins = 0;
    Term v;
    if (const Promise* promise = out.promises.same_value(f, inst); promise != nullptr) {
      v = out.same_value(*promise);
      out.forced.push_back({guard, place.address, v, bytes});
      origins = kElsewhere;
    } else if (inst.flags.readonly && place.slot < 0) {
      Memory never_changed;
      never_changed.base = out.initial_memory;
      v = e.read(never_changed, guard, place, 0);
      origins = kElsewhere;
    } else {
      v = e.read(segment.memory, guard, place, start.escaped, &origins);
      origins |= kElsewhere;  // parts of an address, or something else that was stored over it
    }
    if (inst.flags.big()) v = t.bswap(v);
    const Type type = f.type_of(inst.results[0]);
    const bool is_signed = inst.op == Opcode::kSload8 || inst.op == Opcode::kSload16 || inst.op == Opcode::kSload32;
    v = is_signed ? t.sext(v, type.bits()) : t.zext(v, type.bits());
    define(inst.results[0], v, origins);
  }

  void store(const Inst& inst) {
    const uint32_t bytes = inst.access_bytes();
    const Place place = place_of(inst, bytes);
    access(inst, place, true);
    Term v = t.extract(value(inst.args[0]).term, 0, bytes * 8);
    if (inst.flags.big()) v = t.bswap(v);
    std::vector<Write>& writes = segment.memory.writes;
    Write w{place, guard, v, value(inst.args[0]).origins & ~kElsewhere, block->id};
    w.order = w.since = writes.empty() ? 1 : writes.back().order + 1;
    w.restores = !t.is_const(v) && restores(w);
    // What this store covers entirely, on every path that made it, nobody will see again.
    std::erase_if(writes, [&](const Write& old) {
      return old.place.slot == place.slot && covers(place, old.place) && t.implied(old.guard, guard) &&
             !seen_by_outcome(old);
    });
    writes.push_back(std::move(w));
  }

  bool covers(const Place& place, const Place& old) const {
    const Terms::Sum a = t.split(place.address), b = t.split(old.address);
    if (a.base != b.base) return false;
    const auto d = static_cast<int64_t>(static_cast<uint64_t>(b.offset - a.offset));
    return d >= 0 && d + old.bytes <= place.bytes;
  }
  // Whether the bytes held the same before the stores that this one covers; then `since` is that of the first of them.
  bool restores(Write& w) const {
    Memory earlier = segment.memory;
    bool covered = false;
    bool lost = false;
    std::erase_if(earlier.writes, [&](const Write& old) {
      if (t.contradict(guard, old.guard)) return false;
      if (covers(w.place, old.place)) {
        if (!covered) w.since = old.order;
        return covered = true;
      }
      // What was stored to in between must lie elsewhere, or have restored itself.
      int64_t distance = 0;
      const Executor::Overlap o = e.overlap(w.place, old.place, start.escaped, distance);
      const bool harmless = o == Executor::Overlap::kNone ||
                            (o == Executor::Overlap::kPerhaps && old.restores && t.implied(guard, old.guard));
      lost = lost || (covered && !harmless);
      return false;
    });
    return !lost && e.read(earlier, guard, w.place, start.escaped) == w.value;
  }

  // Whether a way out of the segment that has been found already may show the write. Memory is compared once for the
  // whole segment, with all its stores, so such a write has to stay.
  bool seen_by_outcome(const Write& w) const {
    for (const Outcome& o : segment.outcomes) {
      if (!t.contradict(o.guard, w.guard)) return true;
    }
    return false;
  }

  Term global(uint32_t gv, const Inst& inst) {
    const GlobalValue& g = f.globals.at(gv);
    switch (g.kind) {
      case GlobalValue::kSymbol:
        return out.symbol("gv " + g.text);
      case GlobalValue::kIadd:
        return t.add(global(g.base, inst), t.constant(static_cast<Bits>(static_cast<SignedOffset>(g.offset)), 64));
      case GlobalValue::kVmctx:
        for (size_t i = 0; i < f.signature.params.size(); ++i) {
          if (f.signature.params[i].attributes.find("vmctx") != std::string::npos) {
            return env[f.entry().params[i].value].term;
          }
        }
        break;
      case GlobalValue::kLoad: {
        if (!g.flags.readonly || !g.flags.notrap()) break;
        Place p;
        p.address = t.add(global(g.base, inst), t.constant(static_cast<Bits>(static_cast<SignedOffset>(g.offset)), 64));
        p.bytes = g.type.bytes();
        p.region = g.flags.region;
        Memory never_changed;
        never_changed.base = out.initial_memory;
        return e.read(never_changed, guard, p, 0);
      }
      case GlobalValue::kOther:
        break;
    }
    throw UnsupportedOperation("global_value of '" + g.text + "'", inst.at);
  }

  // Callee and arguments of a call; the key says which callee if that is known.
  Outcome call_outcome(const Inst& inst, Outcome::Kind kind) {
    const bool indirect = inst.op == Opcode::kCallIndirect || inst.op == Opcode::kReturnCallIndirect ||
                          inst.op == Opcode::kTryCallIndirect;
    std::string what =
        inst.op == Opcode::kReturnCall || inst.op == Opcode::kReturnCallIndirect ? "return_call" : "call";
    const bool can_throw = inst.op == Opcode::kTryCall || inst.op == Opcode::kTryCallIndirect;
    if (can_throw) what = "try_call";
    size_t first = 0;
    std::string callee;
    Outcome o = outcome(kind, "", guard, inst);
    if (indirect) {
      first = 1;
      const Term address = value(inst.args[0]).term;
      for (const auto& [number, function] : f.functions) {
        if (address == out.symbol("func " + function.name)) callee = function.name;
      }
      if (callee.empty()) {
        callee = "indirect";
        add_argument(o, inst.args[0]);
      }
    } else {
      callee = f.functions.at(inst.entity).name;
    }
    o.key = what + " " + callee + signature_text(f.callee_signature(inst)) + (can_throw ? handlers_text(inst) : "");
    for (size_t i = first; i < inst.args.size(); ++i) add_argument(o, inst.args[i]);
    for (const Handler& h : inst.handlers) {
      if (h.kind == Handler::kContext) add_argument(o, h.context);
    }
    o.environment = env;
    return o;
  }

  Outcome atomic_outcome(const Inst& inst) {
    Outcome o = outcome(Outcome::kObservation, observation_key(f, inst), guard, inst);
    for (const Value v : inst.args) add_argument(o, v);
    // Atomics take no offset; a narrower value than its register shows only its low bits.
    o.environment = env;
    return o;
  }

  std::vector<SymbolicValue> arguments_of(const BlockCall& call, const std::vector<SymbolicValue>* returned,
                                          const std::vector<SymbolicValue>* thrown) const {
    std::vector<SymbolicValue> list;
    for (const BlockArg& a : call.args) {
      if (a.kind == BlockArg::kValue) {
        list.push_back(value(a.number));
      } else {
        list.push_back((a.kind == BlockArg::kTryCallRet ? *returned : *thrown).at(a.number));
      }
    }
    return list;
  }

  // Runs one instruction that is not a terminator. False: nothing goes on from here in this segment.
  bool step(const Inst& inst) {
    if (is_pure(inst.op)) {
      std::vector<Term> arguments;
      std::vector<Origins> origins;
      for (const Value v : inst.args) {
        arguments.push_back(value(v).term);
        origins.push_back(value(v).origins);
      }
      const PureResult result = pure(out, f, inst, arguments);
      for (const auto& [condition, code] : result.traps) trap_if(condition, code, inst);
      Origins all = 0;
      for (const Origins o : origins) all |= o;
      if ((all & ~kElsewhere) != 0) {
        const auto is_slots = [&](size_t i) { return (origins[i] & ~kElsewhere) != 0; };
        if (inst.op == Opcode::kIadd && is_slots(0) != is_slots(1)) {
          all = origins[is_slots(0) ? 0 : 1];  // a slot's address and an index: it stays in the slot
        } else if (inst.op == Opcode::kIsub && !is_slots(1)) {
          all = origins[0];
        } else if (inst.op == Opcode::kSelect || inst.op == Opcode::kSelectSpectreGuard) {
          all = origins[1] | origins[2];
        } else {
          all |= kElsewhere;  // made from a slot's address, and perhaps none any more: part of it, or a distance
        }
      } else {
        all = kElsewhere;  // a constant, too: it may be chosen instead of a slot's address
      }
      for (size_t i = 0; i < inst.results.size(); ++i) define(inst.results[i], result.results[i], all);
      return true;
    }
    switch (inst.op) {
      case Opcode::kNop:
        return true;
      case Opcode::kTrapz:
      case Opcode::kTrapnz: {
        const Term v = value(inst.args[0]).term;
        const Term is_zero = t.eq(v, t.constant(0, t.width(v)));
        trap_if(inst.op == Opcode::kTrapz ? is_zero : t.not_(is_zero), inst.trap, inst);
        return true;
      }
      case Opcode::kStackAddr:
        define(inst.results[0],
               t.extract(t.add(out.slot_address(inst.entity),
                               t.constant(static_cast<Bits>(static_cast<SignedOffset>(inst.offset)), 64)),
                         0, f.type_of(inst.results[0]).bits()),
               Origins{1} << inst.entity);
        return true;
      case Opcode::kFuncAddr:
        define(inst.results[0], out.symbol("func " + f.functions.at(inst.entity).name), kElsewhere);
        return true;
      case Opcode::kGlobalValue:
      case Opcode::kSymbolValue:
        define(inst.results[0], global(inst.entity, inst), kElsewhere);
        return true;
      case Opcode::kGetFramePointer:
      case Opcode::kGetStackPointer:
      case Opcode::kGetReturnAddress:
        define(inst.results[0], out.symbol(std::string(name_of(inst.op))), kElsewhere);
        return true;
      case Opcode::kCall:
      case Opcode::kCallIndirect:
        segment.outcomes.push_back(call_outcome(inst, Outcome::kObservation));
        return false;
      case Opcode::kDebugtrap:
      case Opcode::kSequencePoint:
        segment.outcomes.push_back(atomic_outcome(inst));
        return false;
      default:
        break;
    }
    if (inst.is_atomic()) {
      // It may trap like a plain access, and promises as much with its flags.
      const uint32_t bytes = inst.access_bytes();
      if (bytes != 0) access(inst, place_of(inst, bytes), inst.op != Opcode::kAtomicLoad);
      segment.outcomes.push_back(atomic_outcome(inst));
      return false;
    }
    if (inst.reads_memory()) {
      load(inst);
      return true;
    }
    if (inst.writes_memory()) {
      store(inst);
      return true;
    }
    throw UnsupportedOperation(std::string(name_of(inst.op)), inst.at);
  }

  // The ways on from a terminator, as conditions; it may end the segment instead.
  std::vector<std::pair<const BlockCall*, Term>> terminate(const Inst& inst, bool resumed) {
    std::vector<std::pair<const BlockCall*, Term>> ways;
    switch (inst.op) {
      case Opcode::kJump:
        ways.emplace_back(&inst.targets[0], t.truth(true));
        break;
      case Opcode::kBrif: {
        const Term v = value(inst.args[0]).term;
        const Term is_zero = t.eq(v, t.constant(0, t.width(v)));
        ways.emplace_back(&inst.targets[0], t.not_(is_zero));
        ways.emplace_back(&inst.targets[1], is_zero);
        break;
      }
      case Opcode::kBrTable: {
        const Term v = value(inst.args[0]).term;
        Term none = t.truth(true);
        for (size_t i = 1; i < inst.targets.size(); ++i) {
          const Term here = t.eq(v, t.constant(i - 1, t.width(v)));
          ways.emplace_back(&inst.targets[i], here);
          none = t.and_(none, t.not_(here));
        }
        ways.emplace_back(&inst.targets[0], none);
        break;
      }
      case Opcode::kTrap:
        segment.outcomes.push_back(outcome(Outcome::kTrap, "trap " + inst.trap, guard, inst));
        break;
      case Opcode::kReturn: {
        Outcome o = outcome(Outcome::kReturn, "return", guard, inst);
        for (const Value v : inst.args) add_argument(o, v);
        segment.outcomes.push_back(std::move(o));
        break;
      }
      case Opcode::kReturnCall:
      case Opcode::kReturnCallIndirect:
        segment.outcomes.push_back(call_outcome(inst, Outcome::kReturn));
        break;
      case Opcode::kTryCall:
      case Opcode::kTryCallIndirect: {
        if (!resumed) {
          segment.outcomes.push_back(call_outcome(inst, Outcome::kObservation));
          break;
        }
        // Which way it goes is the callee's choice: 0 is the normal return, n + 1 the handler n.
        Term none = t.truth(true);
        for (size_t n = 0; n < inst.handlers.size(); ++n) {
          if (inst.handlers[n].kind == Handler::kContext) continue;
          const Term here = t.eq(start.way, t.constant(n + 1, 8));
          ways.emplace_back(&inst.handlers[n].target, here);
          none = t.and_(none, t.not_(here));
        }
        ways.emplace_back(&inst.targets[0], none);
        break;
      }
      default:
        throw UnsupportedOperation(std::string(name_of(inst.op)), inst.at);
    }
    return ways;
  }

  Segment go();
};

Segment Executor::Run::go() {
  segment.memory = start.memory;
  // Stores that were put together from several lists are numbered anew.
  std::vector<Write>& writes = segment.memory.writes;
  const auto not_in_order = [](const Write& a, const Write& b) { return a.order >= b.order; };
  if (std::adjacent_find(writes.begin(), writes.end(), not_in_order) != writes.end()) {
    for (size_t i = 0; i < writes.size(); ++i) {
      writes[i].order = writes[i].since = static_cast<uint32_t>(i + 1);
      writes[i].restores = false;
    }
  }
  // The nodes that can be reached from here, and an order in which every node comes after those that lead to it.
  std::vector<Node> nodes;
  std::map<std::pair<uint32_t, uint32_t>, size_t> known;
  const auto node_of = [&](uint32_t b, uint32_t round) {
    const auto [it, is_new] = known.try_emplace({b, round}, nodes.size());
    if (is_new) {
      if (nodes.size() >= kMaxNodes) throw UnsupportedOperation("more than 20,000 blocks after unrolling", f.at);
      nodes.push_back({});
      nodes.back().block = b;
      nodes.back().round = round;
    }
    return it->second;
  };
  const auto is_cut = [&](uint32_t b) {
    return e.unroll_ == 0 && std::find(e.heads_.begin(), e.heads_.end(), b) != e.heads_.end();
  };
  const size_t root = node_of(start.at.block_index, start.at.round);
  std::vector<size_t> postorder;
  std::vector<uint8_t> state(1, 0);
  std::vector<std::pair<size_t, size_t>> stack = {{root, 0}};
  while (!stack.empty()) {
    const size_t n = stack.back().first;
    const std::vector<uint32_t>& next = e.successors_[nodes[n].block];
    if (stack.back().second == next.size()) {
      postorder.push_back(n);
      stack.pop_back();
      continue;
    }
    const uint32_t target = next[stack.back().second++];
    if (is_cut(target)) continue;
    const std::optional<uint32_t> round = e.next_round(nodes[n].block, target, nodes[n].round);
    if (!round) continue;
    const size_t m = node_of(target, *round);
    state.resize(nodes.size());
    if (state[m] == 0) {
      state[m] = 1;
      stack.emplace_back(m, 0);
    }
  }

  nodes[root].guard = start.guard;
  nodes[root].flow_guard = start.flow_guard;
  for (size_t i = postorder.size(); i-- > 0;) {
    Node& node = nodes[postorder[i]];
    const bool is_root = postorder[i] == root;
    block = &f.blocks[node.block];
    at = {node.block, 0, node.round};
    if (is_root) {
      env = start.environment;
      guard = start.guard;
      flow = start.flow_guard;
      at.inst = start.at.inst;
    } else {
      // Merge what comes in. The last edge is taken if none of the others is.
      guard = flow = t.truth(false);
      bool first = true;
      std::vector<SymbolicValue> params;
      for (size_t k = node.incoming.size(); k-- > 0;) {
        const auto [from, edge_index] = node.incoming[k];
        const Edge& edge = nodes[from].edges[edge_index];
        const Environment& other = nodes[from].environment;
        guard = t.or_(edge.guard, guard);
        flow = t.or_(edge.flow_guard, flow);
        if (first) {
          env = other;
          params = edge.arguments;
          first = false;
          continue;
        }
        for (size_t v = 0; v < env.size(); ++v) {
          if (!env[v].valid() || env[v].term == other[v].term) {
            env[v].origins |= other[v].origins;
          } else if (!other[v].valid()) {
            env[v] = {};
          } else {
            env[v] = {t.ite(edge.flow_guard, other[v].term, env[v].term), env[v].origins | other[v].origins};
          }
        }
        for (size_t p = 0; p < params.size(); ++p) {
          params[p] = {t.ite(edge.flow_guard, edge.arguments[p].term, params[p].term),
                       params[p].origins | edge.arguments[p].origins};
        }
      }
      if (first || (t.is_false(guard) && t.is_false(flow))) continue;
      for (size_t p = 0; p < params.size(); ++p) env[block->params[p].value] = params[p];
    }

    bool goes_on = true;
    bool resumed = false;
    uint32_t first_inst = 0;
    if (is_root) {
      first_inst = start.at.inst;
      resumed = start.way.id != 0;
      if (!resumed && !start.results.empty()) {
        // Behind a call: its results.
        const Inst& call = block->insts[start.at.inst - 1];
        for (size_t r = 0; r < call.results.size(); ++r) env[call.results[r]] = start.results[r];
      }
    }
    for (uint32_t n = first_inst; goes_on && n + 1 < block->insts.size(); ++n) {
      at.inst = n;
      goes_on = step(block->insts[n]);
      // Nothing reaches this place: what stands below it says nothing.
      if (t.is_false(guard) && t.is_false(flow)) goes_on = false;
    }
    if (!goes_on) continue;
    at.inst = static_cast<uint32_t>(block->insts.size() - 1);
    const Inst& last = block->insts.back();
    node.environment = env;
    for (const auto& [call, condition] : terminate(last, resumed)) {
      Edge edge;
      edge.guard = t.and_(guard, condition);
      edge.flow_guard = t.and_(flow, condition);
      if (t.is_false(edge.flow_guard)) continue;
      edge.arguments = arguments_of(*call, &start.results, &start.payload);
      const uint32_t target = e.index_.at(call->block);
      if (is_cut(target)) {
        Outcome o = outcome(Outcome::kLoopHead, "", edge.guard, last);
        o.at = {target, 0, 0};
        o.environment = env;
        o.arguments = edge.arguments;
        segment.outcomes.push_back(std::move(o));
        continue;
      }
      const std::optional<uint32_t> round = e.next_round(node.block, target, node.round);
      if (!round) {
        segment.outcomes.push_back(outcome(Outcome::kBound, "bound", edge.guard, last));
        continue;
      }
      const size_t to = known.at({target, *round});
      edge.to = to;
      node.edges.push_back(std::move(edge));
      nodes[to].incoming.emplace_back(postorder[i], node.edges.size() - 1);
    }
  }
  return std::move(segment);
}

Segment Executor::run(const Start& start) {
  Run run{*this, out_, t_, function_, start, {}, {}, {}, {}, nullptr, {}};
  return run.go();
}

}  // namespace lockstep::refinement
