#include "diff/generator.h"

#include <algorithm>
#include <array>

#include "traces/validate.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Context;
using traces::Function;
using traces::GuardKind;
using traces::IndexType;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Operand;
using traces::Operation;
using traces::Scenario;
using traces::Token;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

// Guests keep small areas (event payloads, results) below this, buffers above it; realloc's part of the page begins at
// 32,768, and the rest is never touched.
constexpr uint32_t kAreas = 64;
constexpr uint32_t kFirstBuffer = 1024;
constexpr uint32_t kEndOfBuffers = 32'000;

constexpr uint32_t kResolvedFrom = 2;

// A guest can send any number as a token, by overwriting its own parameter area; scripts have only proper ones.
bool is_token(Token token) { return token >= 1 && token <= traces::kMaxToken; }

// Whether a zero in memory or on the stack is no value of it, since it needs a handle.
bool needs_handle(const ValueType& t) {
  switch (t.kind) {
    case Kind::kOwn:
    case Kind::kBorrow:
    case Kind::kStream:
    case Kind::kFuture:
      return true;
    case Kind::kTuple:
    case Kind::kRecord:
      return std::any_of(t.children.begin(), t.children.end(), needs_handle);
    case Kind::kResult:
    case Kind::kVariant:
      return needs_handle(t.children[0]);
    default:
      return false;
  }
}

}  // namespace

Generator::Generator(uint64_t seed, const GeneratorOptions& options, Scenario topology)
    : options_(options), random_(seed), scenario_(std::move(topology)), memos_(scenario_.instances.size()) {
  deep_ = scenario_.instances.size() >= 8;
  program_length_ = random_.between(3, 9);
  // Where there is more to do, more is done.
  rich_ = scenario_.instances[0].registers == kManyRegisters;
  if (rich_) program_length_ += random_.below(5);
  budget_ = random_.between(options.max_operations / (rich_ ? 2 : 3), options.max_operations);
  // It takes 65,536 rounds: seldom, and not where each of them is a snapshot of many instances.
  flood_ = random_.below(1500) == 0 && scenario_.instances.size() <= 4;
  aftermath_length_ = random_.below(5);
  patient_host_ = random_.chance(75);
  unguarded_ = random_.chance(20);
  if (random_.chance(options.sloppy_percent)) mistake_percent_ = random_.between(1, 12);
  for (const traces::Instance& inst : scenario_.instances)
    for (const Canon& c : inst.canons) {
      threads_ |= c.kind == Op::kThreadNewIndirect;
      if (c.kind != Op::kStreamNew && c.kind != Op::kFutureNew) continue;
      ValueType t(c.kind == Op::kStreamNew ? Kind::kStream : Kind::kFuture, {c.element});
      if (std::find(end_types_.begin(), end_types_.end(), t) == end_types_.end()) end_types_.push_back(std::move(t));
    }
}

// ---- segments

namespace {

bool has_token(const Activation& a) { return a.context == Context::kBody || a.context == Context::kCallback; }

}  // namespace

bool Generator::begin_segment(const Activation& a) {
  if (!has_token(a)) {
    const auto [it, fresh] = entries_.try_emplace({a.context, a.instance, entry_of(a)});
    GrowingScript& script = it->second;
    if (fresh) {
      struct Share {
        uint32_t percent;
        uint32_t most;
      };
      const Share share = a.context == Context::kPostReturn   ? Share{60, 3}
                          : a.context == Context::kRealloc    ? Share{25, 3}
                          : a.context == Context::kDestructor ? Share{60, 4}
                          : a.context == Context::kStart      ? Share{85, 6}
                                                              : Share{93, 6};
      script.present = random_.chance(budget_ > 0 ? share.percent : 0);
      if (script.present) script.segments.emplace_back().length = random_.between(1, share.most);
    }
    return script.present;
  }
  if (!is_token(a.token)) return false;
  const auto [it, fresh] = scripts_.try_emplace(a.token);
  GrowingScript& script = it->second;
  // A result that only a handle can be, and borrows to give back: not something for the default.
  const Function& f = scenario_.functions[a.function];
  const bool careful = !a.returned && ((f.type.result && needs_handle(*f.type.result)) ||
                                       std::any_of(f.type.params.begin(), f.type.params.end(), [](const ValueType& t) {
                                         return traces::contains(t, Kind::kBorrow);
                                       }));
  if (fresh) {
    script.function = a.function;
    script.present = random_.chance(careful ? 99 : 93);
  }
  if (!script.present || script.function != a.function) return false;
  // Scripts end at some point, and the default resolves what is left. What was decided once holds: the same token can
  // arrive twice, by way of an overwritten parameter area.
  if (a.entry >= script.segments.size()) {
    if (a.entry != script.segments.size() || (budget_ == 0 && !careful && random_.chance(50))) script.closed = true;
    if (script.closed) return false;
    script.segments.emplace_back().length = random_.between(1, (a.entry == 0 ? 8 : 5) + (rich_ ? 4 : 0));
  }
  return true;
}

Generator::GrowingSegment& Generator::segment_of(const Activation& a) {
  if (has_token(a)) return scripts_.at(a.token).segments[a.entry];
  return entries_.at({a.context, a.instance, entry_of(a)}).segments[0];
}

const Operation* Generator::operation(const Activation& a, size_t i) {
  GrowingSegment& segment = segment_of(a);
  std::erase_if(memos_[a.instance].busy, [&](const auto& b) { return b.second == &segment; });
  // What arrived as a parameter is put where the code finds it again.
  if (a.context == Context::kBody && !segment.fetched) {
    segment.fetched = true;
    Draft d;
    if (random_.chance(92 - mistake_percent_) && fetch_parameters(a, d)) add(a.instance, segment, std::move(d));
  }
  if (i == segment.ops.size() && !segment.ended) {
    const bool go_on = segment.ops.size() < segment.length && budget_ > 0;
    if (!go_on || !draw(a, segment)) end(a, segment);
  }
  return i < segment.ops.size() ? &segment.ops[i] : nullptr;
}

void Generator::add(uint32_t instance, GrowingSegment& segment, Draft d) {
  Memo& memo = memos_[instance];
  for (const uint32_t r : d.taken) memo.held.erase(r);
  for (auto& [r, holding] : d.got) {
    std::erase_if(memo.set_members, [&](const auto& m) { return m.second == r; });
    memo.held[r] = std::move(holding);
  }
  for (const uint32_t r : d.lent)
    if (const auto it = memo.held.find(r); it != memo.held.end()) it->second.lent_to = d.op.to;
  for (Operation& o : d.before) segment.ops.push_back(std::move(o));
  if (traces::is_stream_or_future(d.op.kind) && !d.op.args.empty() && d.op.args[0].is_register &&
      !scenario_.instances[instance].canons[d.op.canon].async_)
    memo.busy[static_cast<uint32_t>(d.op.args[0].value)] = &segment;
  segment.ops.push_back(std::move(d.op));
  for (Operation& o : d.after) segment.ops.push_back(std::move(o));
  // What goes along with an operation counts for less.
  budget_ -= std::min(budget_, static_cast<uint32_t>((d.before.size() + d.after.size()) / 3));
}

bool Generator::draw(const Activation& a, GrowingSegment& segment) {
  spend();
  Draft d;
  if (!draw_step(a, segment, d)) return false;
  add(a.instance, segment, std::move(d));
  return true;
}

bool Generator::draw_step(const Activation& a, GrowingSegment& segment, Draft& d) {
  struct Weighted {
    Step step;
    uint32_t weight;
    Op needs = Op::kCall;  // a kind of canon
  };
  static constexpr std::array kSteps = {
      Weighted{&Generator::draw_call, 30},
      Weighted{&Generator::draw_context_get, 7},
      Weighted{&Generator::draw_context_set, 8},
      Weighted{&Generator::draw_backpressure_inc, 3},
      Weighted{&Generator::draw_backpressure_dec, 6},
      Weighted{&Generator::draw_set_new, 9},
      Weighted{&Generator::draw_set_wait, 9},
      Weighted{&Generator::draw_set_poll, 6},
      Weighted{&Generator::draw_set_drop, 3},
      Weighted{&Generator::draw_join, 14},
      Weighted{&Generator::draw_leave, 3},
      Weighted{&Generator::draw_cancel, 6},
      Weighted{&Generator::draw_drop, 8},
      Weighted{&Generator::draw_thread_index, 3},
      Weighted{&Generator::draw_thread_yield, 9},
      Weighted{&Generator::draw_load, 4},
      Weighted{&Generator::draw_repeat, 1},
      Weighted{&Generator::draw_resolve, 6},
      Weighted{&Generator::draw_store, 3, Op::kStore},
      Weighted{&Generator::draw_param, 3, Op::kParam},
      Weighted{&Generator::draw_end_new, 14, Op::kStreamNew},
      Weighted{&Generator::draw_copy, 34, Op::kStreamNew},
      Weighted{&Generator::draw_cancel_copy, 6, Op::kStreamNew},
      Weighted{&Generator::draw_drop_end, 7, Op::kStreamNew},
      Weighted{&Generator::draw_resource_new, 10, Op::kResourceDrop},
      Weighted{&Generator::draw_resource_rep, 3, Op::kResourceDrop},
      Weighted{&Generator::draw_resource_drop, 8, Op::kResourceDrop},
      Weighted{&Generator::draw_thread_new, 12, Op::kThreadNewIndirect},
      Weighted{&Generator::draw_thread_resume, 16, Op::kThreadNewIndirect},
      Weighted{&Generator::draw_thread_pair, 9, Op::kThreadNewIndirect},
      Weighted{&Generator::draw_thread_suspend, 7, Op::kThreadNewIndirect},
      Weighted{&Generator::draw_thread_promote, 7, Op::kThreadNewIndirect},
      Weighted{&Generator::draw_error_context, 8, Op::kErrorContextNew},
  };
  if (weights_.empty()) {
    // Swarm: each kind is off, as usual, or frequent for the whole case.
    static constexpr std::array<uint32_t, 5> kFactors = {0, 1, 1, 1, 4};
    const auto occurs = [&](Op op) {
      if (op == Op::kCall) return true;
      if (op == Op::kStore || op == Op::kParam) return !old_vocabulary();
      if (op == Op::kStreamNew) return !end_types_.empty();
      return std::any_of(scenario_.instances.begin(), scenario_.instances.end(), [&](const traces::Instance& inst) {
        return std::any_of(inst.canons.begin(), inst.canons.end(), [&](const Canon& c) { return c.kind == op; });
      });
    };
    for (const Weighted& w : kSteps) weights_.push_back(occurs(w.needs) ? w.weight * random_.pick(kFactors) : 0);
    weights_[0] = std::max(weights_[0], kSteps[0].weight);
    // What makes handles is never off: the feature is on for that.
    for (size_t i = 0; i < kSteps.size(); ++i)
      if (kSteps[i].step == &Generator::draw_end_new || kSteps[i].step == &Generator::draw_thread_new)
        weights_[i] = occurs(kSteps[i].needs) ? std::max(weights_[i], kSteps[i].weight) : 0;
  }
  const auto take = [&](Step step) {
    d = Draft();
    return (this->*step)(a, d) && supported(a.instance, d);
  };
  // In a post-return or a realloc nearly everything traps, and that is what is to be seen there.
  const bool locked_in = a.context == Context::kPostReturn || a.context == Context::kRealloc;
  const uint32_t mistakes = a.context == Context::kPostReturn ? (mistake_percent_ != 0 ? 60 : 8)
                            : a.context == Context::kRealloc  ? (mistake_percent_ != 0 ? 30 : 3)
                                                              : mistake_percent_;
  if (random_.chance(mistakes)) {
    if (locked_in && random_.chance(75) && take(&Generator::some_builtin)) return true;
    if (take(&Generator::draw_mistake)) return true;
  }
  if (flood_ && has_token(a) && options_.support.has(Op::kBackpressureInc)) {
    flood_ = false;
    traces::Operation inc;
    inc.kind = Op::kBackpressureInc;
    inc.canon = find_canon(a.instance, Op::kBackpressureInc);
    d = Draft();
    d.op.kind = Op::kRepeat;
    d.op.times = 1 << 16;
    d.op.body.push_back(std::move(inc));
    return true;
  }
  // The partner of a thread that waits to be cancelled can be cancelled too.
  if (a.context == Context::kThread && segment.ops.empty() && partners_.contains(a.token) && random_.chance(80) &&
      take(&Generator::draw_thread_block))
    return true;
  // Whose slots are live at a boundary.
  if (!has_token(a) && segment.ops.empty() && rich_ && random_.chance(45)) return take(&Generator::draw_context_get);
  if (locked_in) {
    static constexpr std::array<Step, 4> kHarmless = {&Generator::draw_context_get, &Generator::draw_context_set,
                                                      &Generator::draw_backpressure_inc,
                                                      &Generator::draw_backpressure_dec};
    static constexpr std::array<Step, 4> kMore = {&Generator::draw_load, &Generator::draw_store, &Generator::draw_param,
                                                  &Generator::draw_resource_rep};
    const bool more = !old_vocabulary() && random_.chance(20);
    return take(more ? random_.pick(kMore) : random_.pick(kHarmless)) || take(random_.pick(kHarmless));
  }
  // In a deep topology bodies begin with a call to the instance next in line, so that chains get long.
  if (deep_ && a.context == Context::kBody && segment.ops.empty() && random_.chance(92) &&
      take(&Generator::call_next_in_line))
    return true;
  if (random_.chance(60) && take(&Generator::draw_arrival)) return true;
  // A function that may not block, in an instance where others may be ready: their chance to run in its loop.
  const Function* f = function_of(a);
  if ((f == nullptr || !f->type.async_) && memos_[a.instance].async_calls > 0 && random_.chance(30) &&
      take(&Generator::draw_thread_yield))
    return true;
  // What is under way is cancelled while more than one of its threads can be.
  if (random_.chance(threads_ ? 14 : 3) && take(&Generator::draw_cancel)) return true;
  if (threads_ && random_.chance(8) && take(&Generator::draw_thread_pair)) return true;
  // What a guest has it uses.
  if (!memos_[a.instance].held.empty() && random_.chance(55))
    if (const Step step = step_with_holding(a); step != nullptr && take(step)) return true;
  // Calls and copies under way are mostly looked after: joined to a set, waited for.
  if (random_.chance(35)) {
    const bool unjoined = subtask_register(a.instance, false, false) || copying_register(a.instance, false);
    const Step step = unjoined ? (set_register(a.instance) ? &Generator::draw_join : &Generator::draw_set_new)
                      : random_.chance(60) ? &Generator::draw_set_wait
                                           : &Generator::draw_drop;
    if (take(step)) return true;
  }
  // Where little is supported, most of what is drawn is not.
  const int attempts = options_.support.everything() ? 8 : 100;
  for (int attempt = 0; attempt < attempts; ++attempt)
    if (take(kSteps[random_.weighted(weights_)].step)) return true;
  return false;
}

bool Generator::supported(uint32_t instance, const Draft& d) const {
  if (options_.support.everything()) return true;
  const auto fits = [&](const Operation& o) { return supports(options_.support, o, scenario_.instances[instance]); };
  return fits(d.op) && std::all_of(d.before.begin(), d.before.end(), fits) &&
         std::all_of(d.after.begin(), d.after.end(), fits);
}

Generator::Step Generator::step_with_holding(const Activation& a) {
  const auto r = held_register(a.instance, {}, [](uint32_t, const Holding&) { return true; });
  if (!r) return nullptr;
  switch (memos_[a.instance].held.at(*r).kind) {
    case Holding::Kind::kReadable:
    case Holding::Kind::kWritable:
      if (is_idle(a.instance, *r)) return random_.chance(88) ? &Generator::draw_copy : &Generator::draw_drop_end;
      if (!is_copying(a.instance, *r)) return &Generator::draw_drop_end;
      if (random_.chance(20)) return &Generator::draw_cancel_copy;
      if (view_->joined(a.instance, handle_in(a.instance, *r)))
        return random_.chance(60) ? &Generator::draw_set_wait : &Generator::draw_set_poll;
      return set_register(a.instance) ? &Generator::draw_join : &Generator::draw_set_new;
    case Holding::Kind::kOwn:
    case Holding::Kind::kBorrow:
      return random_.chance(50)   ? &Generator::draw_call
             : random_.chance(60) ? &Generator::draw_resource_drop
                                  : &Generator::draw_resource_rep;
    case Holding::Kind::kThread:
      return random_.chance(85) ? &Generator::draw_thread_resume : &Generator::draw_thread_promote;
    case Holding::Kind::kErrorContext:
      return &Generator::draw_error_context;
  }
  return nullptr;
}

bool Generator::may_block(const Activation& a) {
  // A function whose type is not async can block only while another thread of its instance is ready.
  const Function* f = function_of(a);
  return (f != nullptr && f->type.async_) || random_.chance(8);
}

void Generator::end(const Activation& a, GrowingSegment& segment) {
  segment.ended = true;
  if (a.context == Context::kPostReturn) return;
  // Backpressure is usually given back.
  if (view_->pressure(a.instance) && random_.chance(80)) {
    Draft d;
    if (draw_backpressure_dec(a, d) && supported(a.instance, d)) add(a.instance, segment, std::move(d));
  }
  if (rich_ && random_.chance(10)) {
    Draft d;
    if (draw_context_get(a, d) && supported(a.instance, d)) add(a.instance, segment, std::move(d));
  }
  switch (a.context) {
    case Context::kBody:
    case Context::kCallback:
      end_body(a, segment);
      break;
    case Context::kRealloc:
      // The world's own allocator, mostly.
      if (random_.chance(2 * mistake_percent_)) {
        const std::vector<traces::Memory>& memories = scenario_.instances[a.instance].memories;
        const bool wide = std::any_of(memories.begin(), memories.end(),
                                      [](const traces::Memory& m) { return m.index_type == IndexType::kI64; });
        const uint64_t bad = bad_area(a.instance, random_.below(static_cast<uint32_t>(memories.size())));
        segment.ops.emplace_back().args.push_back(literal(wide ? bad : bad & 0xffff'ffff));
      } else if (random_.chance(6)) {
        segment.ops.emplace_back().args.push_back(literal(buffer(256)));
      }
      break;
    case Context::kThread:
    case Context::kDestructor:
    case Context::kStart:
      if (random_.chance(25)) segment.ops.emplace_back();
      break;
    case Context::kPostReturn:
      break;
  }
}

void Generator::end_body(const Activation& a, GrowingSegment& segment) {
  const Function& f = scenario_.functions[a.function];
  const bool has_resolved = std::any_of(segment.ops.begin(), segment.ops.end(), [](const Operation& o) {
    return o.kind == Op::kTaskReturn || o.kind == Op::kTaskCancel;
  });
  Draft d;
  Operation& last = d.op;
  if (f.lift == Lift::kSync) {
    last.kind = Op::kReturn;
    drop_borrows(a, d);
    if (f.type.result) {
      const Place at = place(a.instance, f.memory);
      const bool in_memory = traces::flatten(*f.type.result, at.pointers).size() > traces::kMaxFlatResults;
      // Without the handles that it takes the guest gives what it has.
      if (!lower_result(a, *f.type.result, at, in_memory, d)) last.args.assign(1, some_value());
    }
    add(a.instance, segment, std::move(d));
    return;
  }
  const bool callback = f.lift == Lift::kCallback;
  const bool resolved = a.returned || has_resolved;
  if (callback && random_.chance(budget_ > 0 ? (resolved ? 25 : 60) : 5)) {
    last.kind = Op::kWait;
    if (const auto set = busy_set_register(a.instance); set && random_.chance(70)) {
      last.args.push_back(reg(*set));
    } else if (const auto any = set_register(a.instance); any && random_.chance(8)) {
      last.args.push_back(reg(*any));
    } else {
      last.kind = Op::kYield;
    }
    segment.ops.push_back(last);
    return;
  }
  if (!resolved && !random_.chance(mistake_percent_)) {
    Draft resolve;
    if (draw_resolve(a, resolve)) add(a.instance, segment, std::move(resolve));
  }
  if (random_.chance(90)) {
    last.kind = callback ? Op::kExit : Op::kReturn;
    if (callback && random_.chance(4)) {  // EXIT whatever the other bits are
      last.kind = Op::kCode;
      last.args.push_back(literal(16 * random_.below(40)));
    }
    segment.ops.push_back(last);
  }
}

// ---- pieces

const Function* Generator::function_of(const Activation& a) const {
  uint32_t function = kNone;
  if (has_token(a)) {
    function = a.function;
  } else if (a.context == Context::kThread) {
    if (const auto it = makers_.find(a.token); it != makers_.end()) function = it->second.first;
  }
  return function == kNone ? nullptr : &scenario_.functions[function];
}

Token Generator::owner_of(const Activation& a) const {
  if (has_token(a)) return a.token;
  if (a.context == Context::kThread)
    if (const auto it = makers_.find(a.token); it != makers_.end()) return it->second.second;
  return 0;
}

uint32_t Generator::find_canon(uint32_t instance, Op kind) {
  return find_canon(instance, [&](const Canon& c) { return c.kind == kind; });
}

uint32_t Generator::find_canon(uint32_t instance, Op kind, bool Canon::*flag, bool value) {
  return find_canon(instance, [&](const Canon& c) { return c.kind == kind && c.*flag == value; });
}

uint32_t Generator::matching_return(const Function& f) {
  return find_canon(f.instance, [&](const Canon& c) { return returns_for(c, f); });
}

Generator::Place Generator::place(uint32_t instance, uint32_t memory) const {
  return {instance, memory, traces::index_type(scenario_, instance, memory)};
}

uint32_t Generator::area(uint32_t instance, uint32_t memory) {
  std::vector<std::pair<uint32_t, uint32_t>>& areas = memos_[instance].areas;
  const uint32_t address = 8 + 8 * random_.below(kAreas);
  if (areas.size() < 16) areas.emplace_back(memory, address);
  return address;
}

// Away from the small areas, so that what waits there (the parameters of a call that is to start) stays what it was.
uint32_t Generator::buffer(uint32_t bytes) {
  const uint32_t slot = 64 * ((bytes + 63) / 64);
  return kFirstBuffer + 64 * random_.below((kEndOfBuffers - kFirstBuffer - slot) / 64);
}

uint64_t Generator::bad_area(uint32_t instance, uint32_t memory) {
  if (memory == kNone) return 0;
  const traces::Memory& m = scenario_.instances[instance].memories[memory];
  const uint32_t size = m.pages << 16;
  switch (random_.below(m.index_type == IndexType::kI64 ? 6 : 4)) {
    case 0: {
      const uint32_t good = 8 + 8 * random_.below(kAreas);
      return good + random_.between(1, 3);
    }
    case 1:
      return size - 2;
    case 2:
      return size;
    case 3:
      return 0xffff'fffc;
    case 4:
      return 0x1'0000'0008;
    default:
      return 0x1f'ffff'ffff'fff8;  // definitions.py aligns in floating point: not exact from 2^53 on
  }
}

void Generator::guard(Operation& o, GuardKind kind, bool negated, uint32_t value) {
  if (unguarded_) return;
  o.guard = traces::Guard{kind, negated, value};
}

std::optional<uint32_t> Generator::subtask_register(uint32_t instance, bool resolved, std::optional<bool> joined) {
  const uint32_t first = random_.below(kSubtaskRegisters.count);
  for (uint32_t k = 0; k < kSubtaskRegisters.count; ++k) {
    const uint32_t r = (first + k) % kSubtaskRegisters.count;
    const uint32_t handle = view_->register_value(instance, r);
    const auto state = view_->subtask_state(instance, handle);
    if (!state || (*state >= kResolvedFrom) != resolved) continue;
    if (joined && view_->joined(instance, handle) != *joined) continue;
    return r;
  }
  return std::nullopt;
}

std::optional<uint32_t> Generator::set_register(uint32_t instance) {
  const std::set<uint32_t>& live = memos_[instance].live_sets;
  if (live.empty()) return std::nullopt;
  auto it = live.begin();
  std::advance(it, random_.below(static_cast<uint32_t>(live.size())));
  return *it;
}

// A set in which something can happen.
std::optional<uint32_t> Generator::busy_set_register(uint32_t instance) {
  const Memo& memo = memos_[instance];
  for (const auto& [set, member] : memo.set_members) {
    const uint32_t handle = view_->register_value(instance, member);
    if (!memo.live_sets.contains(set) || !view_->joined(instance, handle)) continue;
    const auto state = view_->subtask_state(instance, handle);
    if ((state && *state < kResolvedFrom) || is_copying(instance, member)) return set;
  }
  return std::nullopt;
}

std::optional<uint32_t> Generator::copying_register(uint32_t instance, std::optional<bool> joined) {
  return held_register(instance, {}, [&](uint32_t r, const Holding&) {
    return is_copying(instance, r) && (!joined || view_->joined(instance, handle_in(instance, r)) == *joined);
  });
}

uint32_t Generator::free_register(uint32_t instance, RegisterRange range, const Draft& d) {
  std::vector<uint32_t> free, used;
  for (uint32_t r = range.first; r < range.first + range.count; ++r) {
    bool in_draft = false;
    for (const uint32_t t : d.taken) in_draft |= t == r;
    for (const auto& g : d.got) in_draft |= g.first == r;
    if (in_draft) continue;
    const bool live = memos_[instance].held.contains(r) && handle_in(instance, r) != 0;
    (live ? used : free).push_back(r);
  }
  if (!free.empty()) return random_.pick(free);
  return used.empty() ? range.first : random_.pick(used);
}

bool Generator::is_lent(uint32_t instance, const Holding& h) const {
  if (h.lent_to == kNone) return false;
  const auto state = view_->subtask_state(instance, handle_in(instance, h.lent_to));
  return state && *state < kResolvedFrom;
}

bool Generator::is_copying(uint32_t instance, uint32_t r) const {
  return view_->end_state(instance, handle_in(instance, r)) == EndKnowledge::kCopying;
}

bool Generator::is_idle(uint32_t instance, uint32_t r) const {
  const auto state = view_->end_state(instance, handle_in(instance, r));
  return !state || *state == EndKnowledge::kIdle;
}

Operand Generator::some_value() {
  if (random_.chance(15)) return reg(kValueRegisters.first + random_.below(kValueRegisters.count));
  return literal(0x1000 + random_.below(0x7fff'0000));
}

Scenario Generator::finish() {
  Scenario s = std::move(scenario_);
  const auto all = [](const GrowingSegment& g) { return traces::Segment(g.ops.begin(), g.ops.end()); };
  for (const auto& [token, script] : scripts_) {
    if (!script.present) continue;
    traces::Script& out = s.scripts.emplace_back();
    out.token = token;
    out.function = script.function;
    for (const GrowingSegment& g : script.segments) out.segments.push_back(all(g));
  }
  for (const auto& [key, script] : entries_) {
    const auto& [context, instance, entry] = key;
    if (script.present) s.entries.push_back({context, instance, entry, all(script.segments[0])});
  }
  for (const auto& [token, call] : host_calls_)
    s.host_calls.push_back({token, {call.on_call.begin(), call.on_call.end()}, call.on_cancel, call.cancel_value});
  s.program.assign(program_.begin(), program_.end());
  s.aftermath.assign(aftermath_.begin(), aftermath_.end());
  return s;
}

}  // namespace lockstep::diff
