// See refine.h.
#include "properties/clif/refine.h"

#include <algorithm>
#include <functional>

namespace lockstep::refinement {
namespace {

constexpr int kMaxRestarts = 40;  // of the search for loop invariants
constexpr int kMaxRounds = 60;    // of giving the solver promises that its answer broke
constexpr size_t kMaxStates = 4000;
constexpr std::chrono::milliseconds kGuessTime{1500};  // for one guess about a loop
constexpr int kShare = 4;                              // of a question's time, before it is asked about words

struct Key {
  Position before, after;
  friend auto operator<=>(const Key&, const Key&) = default;
};

struct Side {
  Environment environment;
  Memory memory;
};

struct State {
  Key key;
  bool is_loop = false;
  std::string name;
  Term guard{};
  Side before, after;
  FunctionId accessible = 0;
  Origins escaped = 0;
  // Behind an observation.
  Term way{};
  std::vector<SymbolicValue> results, payload;
  // A loop's head: what its parameters are on entry.
  std::vector<SymbolicValue> before_entry, after_entry;
};

// A place whose bytes are treated on their own at a loop's head.
struct Cell {
  Place place;
  bool separate = false;    // the sides may hold different bytes there
  bool before_kept = true;  // the bytes are what they were on entry
  bool after_kept = true;
  Origins origins = 0;  // of what was there on entry, on either side
};

struct Loop {
  std::set<std::pair<int, size_t>> changed;             // (side, parameter): not what it was on entry
  std::set<std::pair<size_t, size_t>> unequal;          // (before's parameter, after's): not equal
  std::set<std::pair<Term, uint32_t>> separate;         // places where the sides may differ
  std::set<std::tuple<int, Term, uint32_t>> rewritten;  // (side, place): not what it was on entry
  std::set<std::pair<int, uint32_t>> free_slots;        // (side, slot): nothing is known of its bytes
  std::map<std::pair<int, size_t>, Origins> origins;    // of parameters
  std::map<std::tuple<int, Term, uint32_t>, Origins> cell_origins;
  Origins escaped = 0;
  // As the last pass has assumed them.
  std::vector<Cell> cells;
  std::vector<Term> before_values, after_values;  // of the cells
  std::vector<SymbolicValue> before_entry, after_entry, before_params, after_params;
  Term guard{};
};

// Thrown when something turned out differently than assumed: the next pass knows it.
struct Restart {};
// Thrown when cut-points do not do.
struct CannotCut {
  std::string why;
};

std::string text_of(const Position& p, const Function& f) {
  return std::to_string(f.blocks[p.block_index].id) + "." + std::to_string(p.inst) +
         (p.round == 0 ? "" : "~" + std::to_string(p.round));
}

}  // namespace

struct Refiner::Impl {
  const Function& before_function;
  const Function& after_function;
  const RefinementOptions options;
  smt::Solver& solver;
  Terms t;
  Outside out;
  Refinement result;

  // One attempt, with loops cut or unrolled.
  std::unique_ptr<Executor> before, after;
  std::map<std::pair<uint64_t, Key>, State> waiting;
  std::set<Key> done;
  std::map<Key, Loop> loops;
  std::vector<Disagreement> disagreements;
  std::vector<Step> steps;
  std::vector<std::pair<AccessRecord, Origins>> promised;  // before's accesses, with the slots seen by then
  std::vector<Refinement::Touched> touched;
  std::vector<AccessRecord> claimed;            // after's
  std::set<std::pair<Term, uint32_t>> written;  // places that a store goes to, in this pass or an earlier one
  std::vector<FunctionId> memories;
  bool bounded = false;
  int restarts = 0;

  Impl(const Function& b, const Function& a, const Promises& promises, RefinementOptions o, smt::Solver& s)
      : before_function(b),
        after_function(a),
        options(std::move(o)),
        solver(s),
        t(options.simplify),
        out(t, options.trust_regions, promises) {}

  // --- The outside
  // ------------------------------------------------------------------------------------------------------

  // The same for the same name and width: passes over a loop share what they call the same, and number cells anew.
  Term fresh(const std::string& name, uint32_t width) {
    return t.apply(out.operation(name + " : " + std::to_string(width), {}, width), {});
  }

  void set_parameters(Side& b, Side& a) {
    b.environment.assign(before->max_value() + 1, {});
    a.environment.assign(after->max_value() + 1, {});
    const auto& bp = before_function.entry().params;
    const auto& ap = after_function.entry().params;
    out.parameters.clear();
    for (size_t i = 0; i < bp.size(); ++i) {
      if (bp[i].type.bits() > 128) throw UnsupportedOperation("a parameter of 256 bits", before_function.at);
      const Term p = fresh("arg" + std::to_string(i), bp[i].type.bits());
      out.parameters.push_back(p);
      b.environment[bp[i].value] = {p, kElsewhere};
      a.environment[ap[i].value] = {p, kElsewhere};
    }
    for (Side* side : {&b, &a}) {
      side->memory.base = out.initial_memory;
      for (const Function* f : {&before_function, &after_function}) {
        for (const auto& [slot, data] : f->slots) {
          side->memory.slot_base[slot] = out.operation("slot " + std::to_string(slot), {64}, 8);
        }
      }
    }
  }

  // --- Asking
  // -----------------------------------------------------------------------------------------------------------

  // First the question as it is, for a share of the time; then about whole words, where only a no counts; then again.
  smt::Answer ask(const std::vector<Term>& assertions, std::chrono::milliseconds time) {
    using std::chrono::milliseconds;
    const auto start = std::chrono::steady_clock::now();
    const auto left = [&] {
      return time - std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start);
    };
    time = std::min(options.limits.time, time);
    smt::Answer answer = ask(smt::make_query(t, assertions), std::max(time / kShare, milliseconds(1)));
    if (answer.kind != smt::Answer::kUnknown) return answer;
    if (!words_are_not_enough) {
      smt::Answer words = ask(smt::make_query_of_words(t, assertions), std::max(left() / 2, milliseconds(1)), true);
      if (words.kind == smt::Answer::kUnsat) return words;
      words_are_not_enough = words.reason.empty();  // it was answered: yes
    }
    if (left().count() <= 0) return answer;
    return ask(smt::make_query(t, assertions), left());
  }

  bool words_are_not_enough = false;  // for the question that is being decided, with promises added or not

  smt::Answer ask(smt::Query query, std::chrono::milliseconds time, bool of_words = false) {
    smt::Limits limits = options.limits;
    limits.time = time;
    smt::Answer answer = solver.ask(t, query, limits);
    if (answer.kind == smt::Answer::kSat) {
      if (of_words) answer.kind = smt::Answer::kUnknown;
      complete(answer.model);
    }
    result.asked.push_back({std::move(query), answer.kind});
    return answer;
  }

  // What the solver left open: bytes are 0 and can be accessed.
  void complete(smt::Model& model) {
    model.otherwise = [this](FunctionId f, const std::vector<Bits>&) {
      return Bits{t.function(f).name.starts_with("accessible") ? 1U : 0U};
    };
  }

  // Guesses about loops are asked again and again; one that takes long is given up: that costs a proof at most.
  bool always(Term condition, Term context) {
    words_are_not_enough = false;
    if (t.is_true(condition) || t.implied(context, condition)) return true;
    if (t.is_false(condition)) return false;
    const auto [it, is_new] = guesses.try_emplace({condition, context}, false);
    if (is_new) it->second = ask({context, t.not_(condition)}, kGuessTime).kind == smt::Answer::kUnsat;
    return it->second;
  }
  std::map<std::pair<Term, Term>, bool> guesses;
  bool always_equal(Term a, Term b, Term context) { return a == b || always(t.eq(a, b), context); }

  // --- Exploring
  // --------------------------------------------------------------------------------------------------------

  void explore(uint32_t unroll) {
    before = std::make_unique<Executor>(before_function, out, unroll);
    after = std::make_unique<Executor>(after_function, out, unroll);
    if (unroll == 0 && (!before->reducible() || !after->reducible())) throw CannotCut{"a loop has two entries"};
    if (unroll == 0 && before->loop_heads().size() != after->loop_heads().size()) {
      throw CannotCut{"the loops of the two sides do not correspond"};
    }
    for (restarts = 0;; ++restarts) {
      if (restarts > kMaxRestarts) throw CannotCut{"no invariant was found"};
      try {
        const size_t known = written.size();
        explore_once();
        // The next pass knows better which loaded bytes will be stored to.
        if (unroll == 0 && !loops.empty() && written.size() != known) continue;
        return;
      } catch (const Restart&) {
      }
    }
  }

  void explore_once() {
    waiting.clear();
    done.clear();
    disagreements.clear();
    steps.clear();
    touched.clear();
    promised.clear();
    claimed.clear();
    memories = {out.initial_memory};
    out.forced.clear();
    bounded = false;
    State entry;
    set_parameters(entry.before, entry.after);
    entry.name = "entry";
    entry.guard = t.truth(true);
    entry.accessible = out.operation("accessible", {64}, 0);
    add(std::move(entry));
    while (!waiting.empty()) {
      if (done.size() > kMaxStates) throw UnsupportedOperation("more than 4,000 observations", before_function.at);
      State state = std::move(waiting.begin()->second);
      waiting.erase(waiting.begin());
      done.insert(state.key);
      process(state);
    }
    check_promises();
  }

  void add(State state) {
    const std::pair<uint64_t, Key> place = {before->order_of(state.key.before), state.key};
    const auto it = waiting.find(place);
    if (it == waiting.end()) {
      waiting.emplace(place, std::move(state));
    } else {
      merge(it->second, state);
    }
  }

  // Two ways to one point. They exclude each other.
  void merge(State& into, State& from) {
    const auto choose = [&](SymbolicValue a, SymbolicValue b) -> SymbolicValue {
      if (!a.valid() || !b.valid()) return {};
      return {t.ite(from.guard, b.term, a.term), a.origins | b.origins};
    };
    for (const auto& [x, y] : {std::pair{&into.before, &from.before}, std::pair{&into.after, &from.after}}) {
      for (size_t v = 0; v < x->environment.size(); ++v) {
        x->environment[v] = choose(x->environment[v], y->environment[v]);
      }
      std::vector<Write>& a = x->memory.writes;
      const std::vector<Write>& b = y->memory.writes;
      size_t common = 0;
      while (common < a.size() && common < b.size() && a[common].place.address == b[common].place.address &&
             a[common].value == b[common].value && a[common].guard == b[common].guard) {
        ++common;
      }
      for (size_t i = common; i < a.size(); ++i) a[i].guard = t.and_(a[i].guard, into.guard), a[i].restores = false;
      for (size_t i = common; i < b.size(); ++i) {
        a.push_back(b[i]);
        a.back().restores = false;
        a.back().guard = t.and_(b[i].guard, from.guard);
      }
      if (x->memory.base != y->memory.base) {
        // Only a loop can be entered with different callees behind; both sides forget the same.
        x->memory.base = out.operation("memory of " + into.name + " merged", {64}, 8);
        memories.push_back(x->memory.base);
        for (Write& w : a) w.restores = false;
      }
      if (x->memory.kept != y->memory.kept) {
        throw UnsupportedOperation("promises about calls that differ between two ways to one call", before_function.at);
      }
    }
    merge_slots(into, from);
    for (size_t i = 0; i < into.before_entry.size(); ++i) {
      into.before_entry[i] = choose(into.before_entry[i], from.before_entry[i]);
    }
    for (size_t i = 0; i < into.after_entry.size(); ++i) {
      into.after_entry[i] = choose(into.after_entry[i], from.after_entry[i]);
    }
    into.escaped |= from.escaped;
    if (into.is_loop && into.accessible != from.accessible) {
      into.accessible = out.operation("accessible at " + into.name, {64}, 0);
    }
    into.guard = t.or_(into.guard, from.guard);
  }

  // The bytes of slots that nobody else has seen. Where the sides have the same on each way, they have after it.
  void merge_slots(State& into, State& from) {
    std::map<uint32_t, FunctionId>& b = into.before.memory.slot_base;
    std::map<uint32_t, FunctionId>& a = into.after.memory.slot_base;
    const auto base_in = [](const std::map<uint32_t, FunctionId>& map, uint32_t slot) {
      const auto it = map.find(slot);
      return it != map.end() ? std::optional(it->second) : std::nullopt;
    };
    std::set<uint32_t> slots;
    for (State* state : {&into, &from}) {
      for (const auto& [slot, base] : state->before.memory.slot_base) slots.insert(slot);
      for (const auto& [slot, base] : state->after.memory.slot_base) slots.insert(slot);
    }
    for (const uint32_t slot : slots) {
      const auto x = base_in(b, slot), y = base_in(a, slot);
      const auto p = base_in(from.before.memory.slot_base, slot), q = base_in(from.after.memory.slot_base, slot);
      if (x && x == p && y && y == q) continue;
      const std::string name = "slot " + std::to_string(slot) + " of " + into.name + " merged";
      const bool same = x == y && p == q;
      b[slot] = out.operation(same ? name : "before " + name, {64}, 8);
      a[slot] = out.operation(same ? name : "after " + name, {64}, 8);
    }
  }

  void process(State& state) {
    if (state.is_loop) generalise(state);
    const auto start_of = [&](const Side& side, Position at) {
      Executor::Start s;
      s.at = at;
      s.at_loop_head = state.is_loop;
      s.environment = side.environment;
      s.memory = side.memory;
      s.guard = s.flow_guard = state.guard;
      s.accessible = state.accessible;
      s.escaped = state.escaped;
      s.way = state.way;
      s.results = state.results;
      s.payload = state.payload;
      return s;
    };
    Segment b = before->run(start_of(state.before, state.key.before));
    Segment a = after->run(start_of(state.after, state.key.after));
    for (const AccessRecord& access : b.accesses) promised.emplace_back(access, state.escaped);
    touch(before_function, b);
    touch(after_function, a);
    for (const AccessRecord& access : a.accesses) claimed.push_back(access);
    for (const Segment* s : {&b, &a}) {
      for (const Write& w : s->memory.writes) written.emplace(w.place.address, w.place.bytes);
    }
    name_loops(b, a);

    std::map<std::string, std::pair<std::vector<const Outcome*>, std::vector<const Outcome*>>> classes;
    Term after_bound = t.truth(false);
    for (const Outcome& o : b.outcomes) {
      if (o.kind == Outcome::kBound)
        bounded = true;
      else
        classes[o.key].first.push_back(&o);
    }
    for (const Outcome& o : a.outcomes) {
      if (o.kind == Outcome::kBound)
        after_bound = t.or_(after_bound, o.guard), bounded = true;
      else
        classes[o.key].second.push_back(&o);
    }
    for (const auto& [key, sides] : classes) {
      Term gb = t.truth(false), ga = t.truth(false);
      for (const Outcome* o : sides.first) gb = t.or_(gb, o->guard);
      for (const Outcome* o : sides.second) ga = t.or_(ga, o->guard);
      const Term missing = t.and_(gb, t.and_(t.not_(ga), t.not_(after_bound)));
      if (!t.is_false(missing)) {
        disagree({Disagreement::kEnding, missing, "before comes to '" + key + "', after does not", {}, 0});
      }
      const Term both = t.and_(gb, ga);
      if (t.is_false(both)) continue;
      const Outcome::Kind kind = sides.first.empty() ? Outcome::kBound : sides.first[0]->kind;
      if (kind == Outcome::kReturn || kind == Outcome::kTrap) {
        compare_memory(state, b, a, kind, key, both, nullptr, nullptr, 0);
      }
      for (const Outcome* x : sides.first) {
        for (const Outcome* y : sides.second) {
          if (t.contradict(x->guard, y->guard)) continue;
          const Term pair = t.and_(x->guard, y->guard);
          compare_payload(*x, *y, pair);
          if (kind == Outcome::kObservation) observe(state, b, a, *x, *y, pair);
          if (kind == Outcome::kLoopHead) arrive(state, b, a, *x, *y, pair);
        }
      }
    }
  }

  void touch(const Function& f, const Segment& s) {
    for (const AccessRecord& x : s.accesses) {
      touched.push_back({x.place, x.guard, x.flags.region ? f.region_name(*x.flags.region) : "no region"});
    }
  }

  void disagree(Disagreement d) { disagreements.push_back(std::move(d)); }

  void compare_payload(const Outcome& x, const Outcome& y, Term pair) {
    Term equal = t.truth(true);
    if (x.payload.size() != y.payload.size()) {
      equal = t.truth(false);
    } else {
      for (size_t i = 0; i < x.payload.size(); ++i) {
        const bool same_width = t.width(x.payload[i]) == t.width(y.payload[i]);
        equal = same_width ? t.and_(equal, t.eq(x.payload[i], y.payload[i])) : t.truth(false);
      }
    }
    const Term different = t.and_(pair, t.not_(equal));
    if (!t.is_false(different)) {
      disagree({Disagreement::kOperands, different, "the operands of '" + x.key + "' differ", {}, 0});
    }
  }

  // The memory that others see at the outcomes `key`, reached where `both` holds. For a call: `x` and `y` are its two
  // sides, and slots in `escaped` are seen.
  void compare_memory(const State& state, const Segment& b, const Segment& a, Outcome::Kind kind,
                      const std::string& key, Term both, const Outcome* x, const Outcome* y, Origins escaped) {
    std::set<std::tuple<Term, uint32_t, Term>> compared;
    for (const Segment* side : {&b, &a}) {
      const Function& f = side == &b ? before_function : after_function;
      const Outcome* call = side == &b ? x : y;
      for (const Write& w : side->memory.writes) {
        if (w.place.slot >= 0 && (escaped >> static_cast<unsigned>(w.place.slot) & 1) == 0) continue;
        if (call != nullptr && w.place.inst != nullptr && unread(f, *call, w)) continue;
        if (kind == Outcome::kTrap && w.place.inst != nullptr && out.promises.trap_never_reads(f, *w.place.inst)) {
          use(Promise::kTrapNeverReads);
          continue;
        }
        const Term context = t.and_(both, w.guard);
        if (t.is_false(context)) continue;
        if (!compared.emplace(w.place.address, w.place.bytes, context).second) continue;
        const Term before_bytes = before->read(b.memory, context, w.place, state.escaped | escaped);
        const Term after_bytes = after->read(a.memory, context, w.place, state.escaped | escaped);
        Term different = t.and_(context, t.not_(t.eq(before_bytes, after_bytes)));
        if (w.place.slot == Place::kPerhapsSlot) {
          different = t.and_(different, t.not_(in_slots(w.place, ~escaped & ~kElsewhere)));
        }
        if (call == nullptr && w.place.slot < 0)
          different = t.and_(different, t.not_(in_slots(w.place, state.escaped)));
        if (t.is_false(different)) continue;
        disagree({Disagreement::kMemory, different, "memory differs at '" + key + "'", w.place.address, w.place.bytes});
      }
    }
  }

  // Slots that others get to see, and whose bytes the sides do not share: all of them are looked at.
  void compare_slots(const State& state, const Segment& b, const Segment& a, const std::string& key, Term both,
                     Origins escaped) {
    for (const auto& [slot, base] : b.memory.slot_base) {
      const auto other = a.memory.slot_base.find(slot);
      if ((escaped >> slot & 1) == 0 || other == a.memory.slot_base.end() || other->second == base) continue;
      const auto declared = before_function.slots.find(slot);
      const uint32_t size =
          declared != before_function.slots.end() ? declared->second.size : after_function.slots.at(slot).size;
      for (uint32_t at = 0; at < size; at += 8) {
        Place place;
        place.address = t.add(out.slot_address(slot), t.constant(at, 64));
        place.bytes = std::min(8U, size - at);
        place.slot = static_cast<int>(slot);
        const Term before_bytes = before->read(b.memory, both, place, state.escaped | escaped);
        const Term after_bytes = after->read(a.memory, both, place, state.escaped | escaped);
        const Term different = t.and_(both, t.not_(t.eq(before_bytes, after_bytes)));
        if (t.is_false(different)) continue;
        disagree({Disagreement::kMemory, different, "memory differs at '" + key + "'", place.address, place.bytes});
      }
    }
  }

  // Whether the access can hit a slot that others have seen: such bytes are nobody's business once the function ends.
  Term in_slots(const Place& place, Origins escaped) {
    Term hit = t.truth(false);
    for (const Function* f : {&before_function, &after_function}) {
      for (const auto& [slot, data] : f->slots) {
        if ((escaped >> slot & 1) == 0) continue;
        hit = t.or_(hit, t.ult(t.sub(place.address, out.slot_address(slot)), t.constant(data.size, 64)));
      }
    }
    return hit;
  }

  void use(Promise::Kind kind) {
    for (const Promise& p : out.promises.list) {
      if (p.kind == kind) out.used.insert(&p);
    }
  }
  // Whether a promise says that the callee looks at none of what the store wrote.
  bool unread(const Function& f, const Outcome& call, const Write& w) {
    if (!out.promises.never_reads(f, *call.inst, *w.place.inst)) return false;
    use(Promise::kCallNeverReads);
    use(Promise::kCallNeverTraps);
    use(Promise::kTrapNeverReads);
    return true;
  }
  bool unwritten(const Function& f, const Outcome& call, const Inst& access) {
    if (!out.promises.never_writes(f, *call.inst, access)) return false;
    use(Promise::kCallNeverWrites);
    return true;
  }

  // The slots whose address others get to see at this point: in the operands, or in memory that is not overwritten.
  Origins shown(const Function& f, const Segment& side, const Outcome& o) {
    Origins slots = o.origins & ~kElsewhere;
    const std::vector<Write>& writes = side.memory.writes;
    for (size_t i = 0; i < writes.size(); ++i) {
      const Origins here = writes[i].origins;
      if ((here & ~slots) == 0 || t.contradict(o.guard, writes[i].guard)) continue;
      if (o.inst != nullptr && writes[i].place.inst != nullptr && unread(f, o, writes[i])) continue;
      const Terms::Sum p = t.split(writes[i].place.address);
      bool overwritten = false;
      for (size_t k = i + 1; k < writes.size() && !overwritten; ++k) {
        const Terms::Sum q = t.split(writes[k].place.address);
        if (p.base != q.base || writes[k].place.slot != writes[i].place.slot) continue;
        const auto d = static_cast<int64_t>(static_cast<uint64_t>(p.offset - q.offset));
        overwritten =
            d >= 0 && d + writes[i].place.bytes <= writes[k].place.bytes && t.implied(o.guard, writes[k].guard);
      }
      if (!overwritten) slots |= here;
    }
    // What lies in a slot that nobody sees is not shown.
    Origins visible = o.origins & ~kElsewhere;
    for (bool grown = true; grown;) {
      grown = false;
      for (const Write& w : writes) {
        const bool hidden = w.place.slot >= 0 && (visible >> static_cast<unsigned>(w.place.slot) & 1) == 0;
        const Origins add = w.origins & slots & ~visible;
        if (!hidden && add != 0) visible |= add, grown = true;
      }
    }
    return visible;
  }

  void observe(const State& state, const Segment& b, const Segment& a, const Outcome& x, const Outcome& y, Term pair) {
    const Origins escaped = state.escaped | shown(before_function, b, x) | shown(after_function, a, y);
    compare_memory(state, b, a, x.kind, x.key, pair, &x, &y, escaped);
    compare_slots(state, b, a, x.key, pair, escaped);
    State next;
    next.key = {x.at, y.at};
    ++next.key.before.inst;
    ++next.key.after.inst;
    const bool can_throw = x.inst->op == Opcode::kTryCall || x.inst->op == Opcode::kTryCallIndirect;
    if (can_throw) --next.key.before.inst, --next.key.after.inst;
    next.name = text_of(x.at, before_function) + "|" + text_of(y.at, after_function);
    // It may not come back: what comes behind it is promised only if it does.
    const Term returns = t.apply(out.operation("returns from " + next.name, {}, 0), {});
    next.guard = t.and_(pair, returns);
    next.escaped = escaped;
    next.accessible = out.operation("accessible after " + next.name, {64}, 0);
    const FunctionId memory = out.operation("memory after " + next.name, {64}, 8);
    memories.push_back(memory);
    for (const bool is_before : {true, false}) {
      const Function& f = is_before ? before_function : after_function;
      const Outcome& call = is_before ? x : y;
      const Segment& from = is_before ? b : a;
      Side& side = is_before ? next.before : next.after;
      side.environment = call.environment;
      side.memory.base = memory;
      for (const auto& [slot, base] : from.memory.slot_base) {
        if ((escaped >> slot & 1) == 0) side.memory.slot_base[slot] = base;
      }
      size_t number = 0;
      for (Write w : from.memory.writes) {
        ++number;
        if (t.contradict(call.guard, w.guard)) continue;
        w.restores = false;  // what it restored may have changed by then
        if (w.place.slot >= 0) {
          if ((escaped >> static_cast<unsigned>(w.place.slot) & 1) == 0) side.memory.writes.push_back(w);
          continue;
        }
        if (w.place.slot == Place::kPerhapsSlot) {
          // In a slot that nobody else has seen the bytes stay.
          Write hidden = w;
          hidden.guard = t.and_(w.guard, in_slots(w.place, ~escaped & ~kElsewhere));
          if (!t.is_false(hidden.guard)) side.memory.writes.push_back(std::move(hidden));
        }
        if (w.place.inst == nullptr) continue;
        if (unwritten(f, call, *w.place.inst)) {
          side.memory.writes.push_back(w);
        } else if (unread(f, call, w)) {
          // Not compared, and perhaps written by the callee: from here on each side has bytes of its own there.
          side.memory.writes.push_back(w);
          side.memory.writes.back().value =
              fresh("bytes of " + next.name + (is_before ? " before " : " after ") + std::to_string(number),
                    w.place.bytes * 8);
        }
      }
      for (const auto& [number_of_region, region] : f.regions) {
        // Bytes that were not written here are left alone too, if the promise is about the whole region.
        Inst anywhere;
        anywhere.op = Opcode::kLoad;
        anywhere.flags.region = number_of_region;
        anywhere.offset = INT32_MIN;
        if (!out.promises.never_writes(f, *call.inst, anywhere)) continue;
        use(Promise::kCallNeverWrites);
        const auto it = from.memory.kept.find(number_of_region);
        side.memory.kept[number_of_region] = it != from.memory.kept.end() ? it->second : from.memory.base;
      }
    }
    answers(next, x, pair, returns, memory);
    add(std::move(next));
  }

  // What comes back from a call or atomic: unknown, and the same on both sides.
  void answers(State& next, const Outcome& x, Term pair, Term returns, FunctionId memory) {
    const Function& f = before_function;
    Step step;
    step.key = x.key;
    step.inst = x.inst;
    step.guard = pair;
    step.returns = returns;
    step.order = before->order_of(x.at);
    step.memory = memory;
    step.accessible = next.accessible;
    const auto unknown = [&](const std::string& what, Type type) -> SymbolicValue {
      if (type.bits() > 128) throw UnsupportedOperation("a result of 256 bits", x.inst->at);
      return {fresh(what + " of " + next.name, type.bits()), kElsewhere};
    };
    const bool can_throw = x.inst->op == Opcode::kTryCall || x.inst->op == Opcode::kTryCallIndirect;
    if (can_throw) {
      const Signature& signature = f.callee_signature(*x.inst);
      for (size_t i = 0; i < signature.returns.size(); ++i) {
        next.results.push_back(unknown("ret" + std::to_string(i), signature.returns[i].type));
      }
      for (const Handler& h : x.inst->handlers) {
        if (h.kind == Handler::kContext) continue;
        for (size_t i = 0; i < h.target.args.size(); ++i) {
          const BlockArg& arg = h.target.args[i];
          if (arg.kind != BlockArg::kTryCallExn) continue;
          const Type type = f.find(h.target.block)->params[i].type;
          if (next.payload.size() <= arg.number) next.payload.resize(arg.number + 1);
          next.payload[arg.number] = unknown("exn" + std::to_string(arg.number), type);
        }
      }
      next.way = fresh("way of " + next.name, 8);
      step.way = next.way;
    } else {
      for (size_t i = 0; i < x.inst->results.size(); ++i) {
        next.results.push_back(unknown("result" + std::to_string(i), f.type_of(x.inst->results[i])));
      }
    }
    for (const SymbolicValue& v : next.results) step.results.push_back(v.term);
    for (const SymbolicValue& v : next.payload) step.payload.push_back(v.term);
    steps.push_back(std::move(step));
  }

  // --- What after promises
  // ----------------------------------------------------------------------------------------------

  // Asked when all of before is known: a load that can move may stand in front of the loop that before has it in.
  void check_promises() {
    // An access of before at the same bytes, reached whenever this one is, has promised as much. What can move has
    // promised it wherever its address is known.
    const auto covered = [&](const AccessRecord& x, const std::function<bool(const AccessRecord&)>& as_much) {
      for (const auto& [y, seen] : promised) {
        if (y.place.address == x.place.address && y.place.bytes == x.place.bytes && as_much(y) &&
            ((x.flags.can_move && y.flags.can_move) || t.implied(x.guard, y.flow_guard))) {
          return true;
        }
      }
      return false;
    };
    const auto broken = [&](Term condition, const AccessRecord& x, const std::string& flag) {
      if (t.is_false(condition)) return;
      disagree(
          {Disagreement::kPromise,
           condition,
           "after promises '" + flag + "' where before does not (line " + std::to_string(x.place.inst->at.line) + ")",
           {},
           0});
    };
    for (const AccessRecord& x : claimed) {
      if (x.flags.notrap() && !x.flags.can_move &&
          !covered(x, [](const AccessRecord& y) { return y.flags.notrap(); })) {
        broken(t.and_(x.guard, t.not_(x.accessible)), x, "notrap");
      }
      if (x.flags.aligned && x.place.bytes > 1 && !covered(x, [](const AccessRecord& y) { return y.flags.aligned; })) {
        broken(t.and_(x.guard, misaligned(x.place)), x, "aligned");
      }
      if (x.flags.readonly && !covered(x, [](const AccessRecord& y) { return y.flags.readonly; })) {
        Term elsewhere = x.guard;
        for (const auto& [y, seen] : promised) {
          if (!y.flags.readonly || y.place.bytes != x.place.bytes) continue;
          const Term there = x.flags.can_move && y.flags.can_move ? t.truth(true) : y.flow_guard;
          elsewhere = t.and_(elsewhere, t.not_(t.and_(there, t.eq(x.place.address, y.place.address))));
        }
        broken(elsewhere, x, "readonly");
      }
      if (x.flags.region && options.trust_regions) {
        const std::string name = after_function.region_name(*x.flags.region);
        if (!covered(x, [&](const AccessRecord& y) { return y.flags.region == x.flags.region; })) {
          Term elsewhere = t.truth(false);
          for (uint32_t i = 0; i < x.place.bytes; ++i) {
            elsewhere = t.or_(elsewhere, t.not_(t.eq(region_at(x.place, i), t.constant(*x.flags.region, 32))));
          }
          broken(t.and_(x.guard, elsewhere), x, name);
        }
      }
    }
  }

  Term misaligned(const Place& p) {
    uint32_t bits = 0;
    while ((2U << bits) <= p.bytes) ++bits;
    return t.not_(t.eq(t.extract(p.address, 0, bits), t.constant(0, bits)));
  }
  Term region_at(const Place& p, uint32_t byte) {
    return t.apply(out.operation("region", {64}, 32), {t.add(p.address, t.constant(byte, 64))});
  }

  // --- Loops
  // ------------------------------------------------------------------------------------------------------------

  // Heads correspond if they come at the same place in the order of the loops.
  void name_loops(Segment& b, Segment& a) {
    const auto name = [](const Executor& e, Segment& s) {
      for (Outcome& o : s.outcomes) {
        if (o.kind != Outcome::kLoopHead) continue;
        const auto& heads = e.loop_heads();
        const auto number = std::find(heads.begin(), heads.end(), o.at.block_index) - heads.begin();
        o.key = "loop " + std::to_string(number);
      }
    };
    name(*before, b);
    name(*after, a);
  }

  static constexpr int kBefore = 0, kAfter = 1;

  // Whether a term is made of nothing that changes while the loop runs.
  bool constant_in(Term term, const Key& loop) {
    std::set<Term> seen = {term};
    std::vector<Term> todo = {term};
    while (!todo.empty()) {
      const smt::Node n = t[todo.back()];
      todo.pop_back();
      if (n.op == smt::Op::kApply) {
        const std::string& name = t.function(n.function).name;
        if (const size_t at = name.find(" of "); at != std::string::npos && made_in(name.substr(at + 4), loop))
          return false;
        if (const size_t at = name.find(" after "); at != std::string::npos && made_in(name.substr(at + 7), loop)) {
          return false;
        }
      }
      for (const Term arg : n.args) {
        if (seen.insert(arg).second) todo.push_back(arg);
      }
    }
    return true;
  }
  // Whether a name like "3.1|3.1" is of a point in the loop; the loop's own head is "3.0|3.0 loop".
  bool made_in(const std::string& name, const Key& loop) const {
    const auto id = static_cast<BlockId>(std::strtoul(name.c_str(), nullptr, 10));
    for (uint32_t i = 0; i < before_function.blocks.size(); ++i) {
      if (before_function.blocks[i].id == id) return before->in_loop(loop.before.block_index, i);
    }
    return false;
  }

  // At a loop's head everything that the loop may change is made unknown, as equal on both sides as was assumed.
  void generalise(State& state) {
    Loop& loop = loops[state.key];
    loop.before_entry = state.before_entry;
    loop.after_entry = state.after_entry;
    loop.guard = state.guard;
    loop.cells.clear();
    loop.before_values.clear();
    loop.after_values.clear();
    const Block& bh = before_function.blocks[state.key.before.block_index];
    const Block& ah = after_function.blocks[state.key.after.block_index];
    state.escaped |= loop.escaped;
    const auto unknown = [&](const std::string& what, uint32_t width) {
      return fresh(what + " of " + state.name, width);
    };

    loop.before_params.clear();
    loop.after_params.clear();
    for (size_t i = 0; i < bh.params.size(); ++i) {
      SymbolicValue v = state.before_entry[i];
      v.origins |= loop.origins[{kBefore, i}];
      if (loop.changed.contains({kBefore, i})) v.term = unknown("param" + std::to_string(i), t.width(v.term));
      loop.before_params.push_back(v);
      state.before.environment[bh.params[i].value] = v;
    }
    for (size_t i = 0; i < ah.params.size(); ++i) {
      SymbolicValue v = state.after_entry[i];
      v.origins |= loop.origins[{kAfter, i}];
      if (loop.changed.contains({kAfter, i})) {
        v.term = unknown("after param" + std::to_string(i), t.width(v.term));
        for (size_t k = 0; k < bh.params.size(); ++k) {
          if (loop.unequal.contains({k, i}) || !loop.changed.contains({kBefore, k})) continue;
          if (!t.width(v.term) || t.width(v.term) != t.width(loop.before_params[k].term) ||
              !always_equal(state.before_entry[k].term, state.after_entry[i].term, state.guard)) {
            loop.unequal.insert({k, i});
            continue;
          }
          v.term = loop.before_params[k].term;
          break;
        }
      }
      loop.after_params.push_back(v);
      state.after.environment[ah.params[i].value] = v;
    }

    // Memory: what both sides wrote before the loop, place by place.
    Memory& b = state.before.memory;
    Memory& a = state.after.memory;
    std::vector<Write> kept_before, kept_after;
    std::set<std::pair<Term, uint32_t>> seen;
    // What was loaded before the loop and is stored to in it or behind it: perhaps it is given back what it had.
    std::vector<Write> loaded;
    for (const auto& [access, seen_slots] : promised) {
      if (access.is_store || access.flags.readonly || access.place.slot != Place::kNoSlot) continue;
      if (!written.contains({access.place.address, access.place.bytes})) continue;
      if (t.implied(state.guard, access.guard)) loaded.push_back({access.place, t.truth(true), {}, 0, 0, false});
    }
    for (const std::vector<Write>* list : {&b.writes, &a.writes, &extra_cells[state.key], &loaded}) {
      for (const Write& w : *list) {
        const std::pair<Term, uint32_t> id = {w.place.address, w.place.bytes};
        if (!seen.insert(id).second) continue;
        Cell cell;
        cell.place = w.place;
        cell.before_kept = !loop.rewritten.contains({kBefore, id.first, id.second});
        cell.after_kept = !loop.rewritten.contains({kAfter, id.first, id.second});
        Origins bo = 0, ao = 0;
        Term bv = before->read(b, state.guard, w.place, state.escaped, &bo);
        Term av = after->read(a, state.guard, w.place, state.escaped, &ao);
        cell.separate = loop.separate.contains(id) || !always_equal(bv, av, state.guard);
        const std::string number = std::to_string(loop.cells.size());
        if (!cell.separate && !(cell.before_kept && cell.after_kept)) {
          cell.before_kept = cell.after_kept = false;
          bv = av = unknown("cell" + number, w.place.bytes * 8);
        } else {
          if (!cell.before_kept) bv = unknown("before cell" + number, w.place.bytes * 8);
          if (!cell.after_kept) av = unknown("after cell" + number, w.place.bytes * 8);
        }
        Write kept = w;
        kept.guard = t.truth(true);
        kept.restores = false;
        kept.value = bv;
        kept.origins = (bo | loop.cell_origins[{kBefore, id.first, id.second}]) & ~kElsewhere;
        kept_before.push_back(kept);
        kept.value = av;
        kept.origins = (ao | loop.cell_origins[{kAfter, id.first, id.second}]) & ~kElsewhere;
        kept_after.push_back(kept);
        cell.origins = (bo | ao) & ~kElsewhere;
        loop.cells.push_back(cell);
        loop.before_values.push_back(bv);
        loop.after_values.push_back(av);
      }
    }
    // Slots whose bytes the sides do not share as they come in have bytes of their own.
    for (const auto& [slot, base] : b.slot_base) {
      if (a.slot_base.at(slot) == base) continue;
      loop.free_slots.insert({kBefore, slot});
      loop.free_slots.insert({kAfter, slot});
    }
    const FunctionId memory = out.operation("memory of " + state.name, {64}, 8);
    memories.push_back(memory);
    for (Memory* m : {&b, &a}) {
      const int side = m == &b ? kBefore : kAfter;
      m->base = memory;
      m->kept.clear();
      m->writes = side == kBefore ? kept_before : kept_after;
      for (auto& [slot, base] : m->slot_base) {
        const bool free = loop.free_slots.contains({side, slot});
        base = out.operation((!free             ? "slot "
                              : side == kBefore ? "before slot "
                                                : "after slot ") +
                                 std::to_string(slot) + " of " + state.name,
                             {64}, 8);
      }
    }
    if (before->loop_has_observation(state.key.before.block_index)) {
      state.accessible = out.operation("accessible of " + state.name, {64}, 0);
    }
  }

  // Coming to a loop's head: for the first time, or round again.
  void arrive(const State& state, const Segment& b, const Segment& a, const Outcome& x, const Outcome& y, Term pair) {
    State next;
    next.key = {x.at, y.at};
    if (done.contains(next.key)) {
      check_invariant(next.key, state, b, a, x, y, pair);
      return;
    }
    next.is_loop = true;
    next.name = text_of(x.at, before_function) + "|" + text_of(y.at, after_function) + " loop";
    next.guard = pair;
    next.escaped = state.escaped;
    next.accessible = state.accessible;
    next.before = {x.environment, b.memory};
    next.after = {y.environment, a.memory};
    std::erase_if(next.before.memory.writes, [&](const Write& w) { return t.contradict(pair, w.guard); });
    std::erase_if(next.after.memory.writes, [&](const Write& w) { return t.contradict(pair, w.guard); });
    next.before_entry = x.arguments;
    next.after_entry = y.arguments;
    add(std::move(next));
  }

  void check_invariant(const Key& key, const State& state, const Segment& b, const Segment& a, const Outcome& x,
                       const Outcome& y, Term pair) {
    Loop& loop = loops.at(key);
    bool restart = false;
    const auto drop = [&](auto& set, auto value) {
      if (set.insert(value).second) restart = true;
    };
    if ((state.escaped & ~loop.escaped) != 0) {
      const Origins known = loop.escaped;
      loop.escaped |= state.escaped;
      restart = restart || loop.escaped != known;
    }
    for (size_t i = 0; i < x.arguments.size(); ++i) {
      Origins& o = loop.origins[{kBefore, i}];
      if ((x.arguments[i].origins & ~(o | loop.before_entry[i].origins)) != 0)
        o |= x.arguments[i].origins, restart = true;
      if (!loop.changed.contains({kBefore, i}) &&
          !always_equal(x.arguments[i].term, loop.before_params[i].term, pair)) {
        drop(loop.changed, std::pair<int, size_t>(kBefore, i));
      }
    }
    for (size_t i = 0; i < y.arguments.size(); ++i) {
      Origins& o = loop.origins[{kAfter, i}];
      if ((y.arguments[i].origins & ~(o | loop.after_entry[i].origins)) != 0)
        o |= y.arguments[i].origins, restart = true;
      if (!loop.changed.contains({kAfter, i})) {
        if (!always_equal(y.arguments[i].term, loop.after_params[i].term, pair)) {
          drop(loop.changed, std::pair<int, size_t>(kAfter, i));
        }
        continue;
      }
      for (size_t k = 0; k < x.arguments.size(); ++k) {
        if (loop.unequal.contains({k, i}) || loop.after_params[i].term != loop.before_params[k].term) continue;
        if (!always_equal(x.arguments[k].term, y.arguments[i].term, pair)) drop(loop.unequal, std::pair(k, i));
      }
    }
    if (restart) throw Restart{};

    std::set<std::pair<Term, uint32_t>> cells;
    std::set<std::tuple<Term, uint32_t, Term>> seen;
    for (size_t c = 0; c < loop.cells.size(); ++c) {
      const Cell& cell = loop.cells[c];
      const std::pair<Term, uint32_t> id = {cell.place.address, cell.place.bytes};
      cells.insert(id);
      Origins bo = 0, ao = 0;
      const Term bv = before->read(b.memory, pair, cell.place, state.escaped, &bo);
      const Term av = after->read(a.memory, pair, cell.place, state.escaped, &ao);
      for (const auto& [side, found] : {std::pair(kBefore, bo), std::pair(kAfter, ao)}) {
        Origins& known = loop.cell_origins[{side, id.first, id.second}];
        if ((found & ~kElsewhere & ~known & ~cell.origins) != 0) known |= found & ~kElsewhere, restart = true;
      }
      if (cell.before_kept && !always_equal(bv, loop.before_values[c], pair)) {
        drop(loop.rewritten, std::tuple<int, Term, uint32_t>(kBefore, id.first, id.second));
      }
      if (cell.after_kept && !always_equal(av, loop.after_values[c], pair)) {
        drop(loop.rewritten, std::tuple<int, Term, uint32_t>(kAfter, id.first, id.second));
      }
      if (!cell.separate && !always_equal(bv, av, pair)) drop(loop.separate, id);
    }
    for (const Segment* side : {&b, &a}) {
      for (const Write& w : side->memory.writes) {
        const std::pair<Term, uint32_t> id = {w.place.address, w.place.bytes};
        const Term context = t.and_(pair, w.guard);
        if (t.is_false(context) || cells.contains(id)) continue;
        // What is known of a place that is no cell does not say which slot's address lies there: as if others had it.
        if ((w.origins & ~loop.escaped) != 0) loop.escaped |= w.origins, restart = true;
        if (!seen.emplace(id.first, id.second, context).second) continue;
        const Term bv = before->read(b.memory, context, w.place, state.escaped);
        const Term av = after->read(a.memory, context, w.place, state.escaped);
        if (always_equal(bv, av, context)) continue;
        if (w.place.slot >= 0 && (state.escaped >> static_cast<unsigned>(w.place.slot) & 1) == 0) {
          drop(loop.free_slots, std::pair<int, uint32_t>(kBefore, w.place.slot));
          drop(loop.free_slots, std::pair<int, uint32_t>(kAfter, w.place.slot));
        } else if (constant_in(w.place.address, key)) {
          extra_cells[key].push_back(w);
          drop(loop.separate, id);
        } else {
          throw CannotCut{"the loop leaves memory different in more than fixed places"};
        }
      }
    }
    // A loop inside may have left a slot with bytes that the sides do not share.
    for (const auto& [slot, base] : b.memory.slot_base) {
      const auto other = a.memory.slot_base.find(slot);
      if (other == a.memory.slot_base.end() || other->second == base) continue;
      drop(loop.free_slots, std::pair<int, uint32_t>(kBefore, slot));
      drop(loop.free_slots, std::pair<int, uint32_t>(kAfter, slot));
    }
    if (restart) throw Restart{};
  }
  std::map<Key, std::vector<Write>> extra_cells;  // places to be treated on their own from the first

  // --- The verdict
  // ------------------------------------------------------------------------------------------------------

  // Whether the address has been made from that of the slot at `base` by the choices that the model takes, which are
  // added to `when`; or from something of which this is not known.
  bool made_from_slot(Term address, Term base, const smt::Model& model, std::unordered_map<uint32_t, Bits>& known,
                      Term& when) {
    std::set<Term> seen = {address};
    std::vector<Term> todo = {address};
    while (!todo.empty()) {
      const Term term = todo.back();
      todo.pop_back();
      const smt::Node n = t[term];
      std::vector<Term> from = n.args;
      if (n.op == smt::Op::kIte) {
        const bool yes = t.evaluate(n.args[0], model, known) != 0;
        when = t.and_(when, yes ? n.args[0] : t.not_(n.args[0]));
        from = {n.args[yes ? 1 : 2]};
      } else if (n.op == smt::Op::kApply) {
        if (term == base || !comes_from_outside(n)) return true;
        from.clear();
      }
      for (const Term part : from) {
        if (seen.insert(part).second) todo.push_back(part);
      }
    }
    return false;
  }
  // A parameter, what a call answers, bytes that others have written: no slot's address as long as none was shown.
  bool comes_from_outside(const smt::Node& n) const {
    if (n.function == out.initial_memory) return true;
    const std::string& name = t.function(n.function).name;
    if (n.args.size() == 1) return name.starts_with("memory after ");
    const auto is_numbered = [&](std::string_view prefix) {
      return name.starts_with(prefix) && name.size() > prefix.size() && std::isdigit(name[prefix.size()]) != 0;
    };
    return n.args.empty() && (is_numbered("arg") || is_numbered("result") || is_numbered("ret") || is_numbered("exn"));
  }

  // What before's flags promise, as far as `model` breaks it. Regions and slots are conditions on pairs of accesses.
  std::vector<std::pair<Term, const char*>> broken_promises(const smt::Model& model) {
    std::vector<std::pair<Term, const char*>> broken;
    std::unordered_map<uint32_t, Bits> known;
    const auto holds = [&](Term c) { return t.evaluate(c, model, known) != 0; };
    const auto add_if_broken = [&](Term c, const char* name) {
      if (!holds(c)) broken.emplace_back(c, name);
    };
    const auto overlap = [&](Term p, uint32_t n, Term q, uint32_t m) {
      return t.or_(t.ult(t.sub(p, q), t.constant(m, 64)), t.ult(t.sub(q, p), t.constant(n, 64)));
    };
    struct Active {
      const AccessRecord* access;
      Origins escaped;
      uint64_t address;
    };
    std::vector<Active> active;
    for (const auto& [access, escaped] : promised) {
      if (!holds(access.flow_guard)) continue;
      active.push_back({&access, escaped, static_cast<uint64_t>(t.evaluate(access.place.address, model, known))});
      if (access.flags.notrap()) add_if_broken(t.implies(access.flow_guard, access.accessible), "notrap");
      if (access.flags.aligned && access.place.bytes > 1) {
        add_if_broken(t.implies(access.flow_guard, t.not_(misaligned(access.place))), "aligned");
      }
      if (access.flags.region && options.trust_regions) {
        for (uint32_t i = 0; i < access.place.bytes; ++i) {
          const Term at = t.add(access.place.address, t.constant(i, 64));
          const FunctionId region = out.operation("region", {64}, 32);
          if (!model.values.contains({region, {t.evaluate(at, model, known)}})) continue;
          add_if_broken(
              t.implies(access.flow_guard, t.eq(region_at(access.place, i), t.constant(*access.flags.region, 32))),
              "regions");
        }
      }
      if (access.flags.readonly) {
        for (const FunctionId memory : memories) {
          for (uint32_t i = 0; i < access.place.bytes && memory != out.initial_memory; ++i) {
            const Term address = t.add(access.place.address, t.constant(i, 64));
            if (!model.values.contains({memory, {t.evaluate(address, model, known)}})) continue;
            add_if_broken(
                t.implies(access.flow_guard, t.eq(t.apply(memory, {address}), t.apply(out.initial_memory, {address}))),
                "readonly");
          }
        }
      }
    }
    for (const Outside::Forced& f : out.forced) {
      if (!holds(f.guard)) continue;
      for (uint32_t i = 0; i < f.bytes; ++i) {
        const Term address = t.add(f.address, t.constant(i, 64));
        for (const FunctionId memory : memories) {
          if (!model.values.contains({memory, {t.evaluate(address, model, known)}})) continue;
          add_if_broken(t.implies(f.guard, t.eq(t.apply(memory, {address}), t.extract(f.value, i * 8, 8))),
                        "same-value");
        }
      }
    }
    const auto meet = [](uint64_t p, uint32_t n, uint64_t q, uint32_t m) { return p - q < m || q - p < n; };
    for (size_t i = 0; i < active.size(); ++i) {
      for (size_t k = i + 1; k < active.size(); ++k) {
        const AccessRecord& x = *active[i].access;
        const AccessRecord& y = *active[k].access;
        if (!meet(active[i].address, x.place.bytes, active[k].address, y.place.bytes)) continue;
        const bool regions =
            options.trust_regions && x.place.region && y.place.region && x.place.region != y.place.region;
        const bool readonly = (x.flags.readonly && y.is_store) || (y.flags.readonly && x.is_store);
        if (!regions && !readonly) continue;
        broken.emplace_back(t.not_(t.and_(t.and_(x.flow_guard, y.flow_guard),
                                          overlap(x.place.address, x.place.bytes, y.place.address, y.place.bytes))),
                            regions ? "regions" : "readonly");
      }
    }
    // Slots are objects of their own.
    std::map<uint32_t, uint32_t> sizes;
    for (const Function* f : {&before_function, &after_function}) {
      for (const auto& [slot, data] : f->slots) sizes[slot] = std::max(sizes[slot], data.size);
    }
    for (auto s = sizes.begin(); s != sizes.end(); ++s) {
      const Term base = out.slot_address(s->first);
      if (!model.values.contains({t[base].function, {}})) continue;  // the question was not about it
      // It does not wrap around, and is where the machine aligns it.
      add_if_broken(t.and_(t.ult(base, t.constant(uint64_t{1} << 47, 64)),
                           t.and_(t.ult(t.constant(4096, 64), base), t.eq(t.extract(base, 0, 4), t.constant(0, 4)))),
                    "slots");
      for (auto r = std::next(s); r != sizes.end(); ++r) {
        add_if_broken(t.not_(overlap(base, s->second, out.slot_address(r->first), r->second)), "slots");
      }
      for (const Active& x : active) {
        if (x.access->place.slot >= 0 || (x.escaped >> s->first & 1) != 0) continue;
        const Place& place = x.access->place;
        Term when = x.access->flow_guard;
        if (place.slot == Place::kPerhapsSlot) {
          if (!meet(x.address, place.bytes, static_cast<uint64_t>(t.evaluate(base, model, known)), s->second)) continue;
          if (made_from_slot(place.address, base, model, known, when)) continue;
        }
        add_if_broken(t.implies(when, t.not_(overlap(base, s->second, place.address, place.bytes))), "slots");
      }
    }
    return broken;
  }

  // One question: can any of the disagreements happen? Promises are added while answers break them.
  smt::Answer decide(std::vector<Term> assertions, std::chrono::steady_clock::time_point deadline,
                     std::set<std::string>& used) {
    words_are_not_enough = false;
    for (int round = 0; round < kMaxRounds; ++round) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      smt::Answer answer;
      if (left.count() <= 0) {
        answer.reason = "timeout";
        return answer;
      }
      answer = ask(assertions, left);
      if (answer.kind != smt::Answer::kSat) return answer;
      const auto broken = broken_promises(answer.model);
      if (broken.empty()) return answer;
      for (const auto& [term, name] : broken) {
        assertions.push_back(term);
        used.insert(name);
      }
    }
    smt::Answer answer;
    answer.reason = "no end of broken promises";
    return answer;
  }

  Refiner::Vacuity vacuity() {
    const auto possible = [&](Term condition) -> std::optional<bool> {
      std::set<std::string> used;
      const smt::Answer answer = decide({condition}, std::chrono::steady_clock::now() + options.limits.time, used);
      if (answer.kind == smt::Answer::kUnknown) return std::nullopt;
      return answer.kind == smt::Answer::kSat;
    };
    std::set<std::tuple<Term, uint32_t>> made;
    for (const AccessRecord& x : claimed) {
      if (x.is_store) made.emplace(x.place.address, x.place.bytes);
    }
    Term elided = t.truth(false), on_paths = t.truth(false);
    for (const auto& [access, seen] : promised) {
      if (!access.is_store) continue;
      on_paths = t.or_(on_paths, access.guard);
      if (!made.contains({access.place.address, access.place.bytes})) elided = t.or_(elided, access.guard);
    }
    Refiner::Vacuity v;
    // Where every place is stored to by both, the elided stores are earlier ones to the same places.
    v.elided_store_is_reached = possible(t.is_false(elided) ? on_paths : elided);
    v.promises_can_hold = v.elided_store_is_reached == true ? std::optional<bool>(true) : possible(t.truth(true));
    return v;
  }

  void conclude(bool cut) {
    std::vector<Term> conditions;
    for (const Disagreement& d : disagreements) conditions.push_back(d.condition);
    Term any = t.truth(false);
    // Not t.any: simplifying a long disjunction costs more than it saves.
    for (const Term c : conditions) any = t.or_(any, c);
    result.cut_loops = cut;
    std::set<std::string> used;
    smt::Answer answer;
    if (t.is_false(any)) {
      answer.kind = smt::Answer::kUnsat;
    } else {
      answer = decide({any}, std::chrono::steady_clock::now() + options.limits.time, used);
    }
    result.regions_used = out.regions_used || used.contains("regions");
    result.promises_used.assign(out.used.begin(), out.used.end());
    std::sort(result.promises_used.begin(), result.promises_used.end(),
              [](const Promise* x, const Promise* y) { return x->at.line < y->at.line; });
    for (const char* flag : {"notrap", "aligned", "readonly"}) {
      if (used.contains(flag)) result.flags_used.push_back(flag);
    }
    switch (answer.kind) {
      case smt::Answer::kUnsat:
        result.kind = bounded ? Refinement::kBounded : Refinement::kProved;
        return;
      case smt::Answer::kUnknown:
        result.kind = Refinement::kUnknown;
        result.reason = answer.reason;
        return;
      case smt::Answer::kSat:
        break;
    }
    refuted(std::move(answer.model));
  }

  void refuted(smt::Model model) {
    result.kind = Refinement::kRefuted;
    for (const Disagreement& d : disagreements) {
      if (t.evaluate(d.condition, model) != 0) {
        result.disagreement = d;
        break;
      }
    }
    result.steps = steps;
    result.forced = out.forced;
    result.touched = touched;
    result.model = std::move(model);
  }

  // What to ask when the last model was no counterexample, one idea after the other; a term that is false: no more.
  Term next_idea() {
    Term any = t.truth(false), others = any;
    for (const Disagreement& d : disagreements) {
      any = t.or_(any, d.condition);
      // A promise of after's that nothing rests on changes no run.
      if (d.kind != Disagreement::kPromise && !tried.contains(d.condition)) others = t.or_(others, d.condition);
    }
    const smt::Model& model = *result.model;
    std::unordered_map<uint32_t, Bits> known;
    for (;;) {
      switch (ideas++) {
        case 0:
        case 1:
        case 2:
          if (t.is_false(others)) continue;
          return others;
        case 3: {
          Term same = t.truth(true);
          for (const Refinement::Touched& x : touched) {
            same = t.and_(same, t.evaluate(x.guard, model, known) != 0 ? x.guard : t.not_(x.guard));
          }
          return t.and_(any, t.not_(same));
        }
        case 4: {
          for (const Term p : out.parameters) {
            any = t.and_(any, t.not_(t.eq(p, t.constant(t.evaluate(p, model, known), t.width(p)))));
          }
          return any;
        }
        default:
          return t.truth(false);
      }
    }
  }
  std::set<Term> tried;  // disagreements of models that were no counterexamples
  int ideas = 0;
  std::optional<std::chrono::steady_clock::time_point> last_moment;  // for them

  std::optional<Refinement> another() {
    if (!last_moment) last_moment = std::chrono::steady_clock::now() + options.limits.time / 2;
    for (;;) {
      if (result.disagreement) tried.insert(result.disagreement->condition);
      const Term idea = next_idea();
      if (t.is_false(idea)) return std::nullopt;
      std::set<std::string> used;
      smt::Answer answer = decide({idea}, *last_moment, used);
      if (answer.kind != smt::Answer::kSat) continue;
      refuted(std::move(answer.model));
      return result;
    }
  }

  Refinement check() {
    const bool loops_there =
        Executor(before_function, out, 0).has_loops() || Executor(after_function, out, 0).has_loops();
    if (loops_there) {
      try {
        explore(0);
        conclude(true);
        if (result.kind == Refinement::kProved) return result;
      } catch (const CannotCut& c) {
        result.reason = c.why;
      }
      result.model.reset();
      result.disagreement.reset();
    }
    explore(options.unroll);
    conclude(false);
    return result;
  }
};

Refiner::Refiner(const Function& before, const Function& after, const Promises& promises, RefinementOptions options,
                 smt::Solver& solver)
    : impl_(std::make_unique<Impl>(before, after, promises, std::move(options), solver)) {}
Refiner::~Refiner() = default;
Refinement Refiner::check() { return impl_->check(); }
std::optional<Refinement> Refiner::another() { return impl_->another(); }
Refiner::Vacuity Refiner::vacuity() { return impl_->vacuity(); }
const Terms& Refiner::terms() const { return impl_->t; }
const Outside& Refiner::outside() const { return impl_->out; }

}  // namespace lockstep::refinement
