#include "diff/generator.h"

#include <algorithm>
#include <array>

#include "traces/validate.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Context;
using traces::Function;
using traces::GuardKind;
using traces::HostOp;
using traces::HostOperation;
using traces::Instance;
using traces::kNone;
using traces::Lift;
using traces::OnCancel;
using traces::Op;
using traces::Operand;
using traces::Operation;
using traces::Scenario;
using traces::Token;

namespace {

// Registers of an instance, by what scripts keep in them.
constexpr uint32_t kSubtaskRegisters = 4;  // r0 … r3
constexpr uint32_t kFirstSet = 4;          // r4, r5
constexpr uint32_t kSetRegisters = 2;
constexpr uint32_t kFirstValue = 6;  // r6, r7
constexpr uint32_t kValueRegisters = 2;

// Guests keep their areas below this address; the rest of the page is never touched.
constexpr uint32_t kAreas = 64;

constexpr uint32_t kResolvedFrom = 2;

// A guest can send any number as a token, by overwriting its own parameter area; scripts have only proper ones.
bool is_token(Token token) { return token >= 1 && token <= traces::kMaxToken; }

Operand literal(uint32_t value) { return {false, value}; }
Operand reg(uint32_t index) { return {true, index}; }

}  // namespace

Generator::Generator(uint64_t seed, const GeneratorOptions& options)
    : options_(options),
      random_(seed),
      scenario_(random_topology(random_, options.topology)),
      memos_(scenario_.instances.size()) {
  deep_ = scenario_.instances.size() >= 8;
  budget_ = random_.between(options.max_operations / 3, options.max_operations);
  program_length_ = random_.between(3, 9);
  aftermath_length_ = random_.below(5);
  patient_host_ = random_.chance(75);
  unguarded_ = random_.chance(20);
  if (random_.chance(options.sloppy_percent)) mistake_percent_ = random_.between(1, 12);
}

// ---- guests

bool Generator::begin_segment(const Activation& a) {
  GrowingScript* script = nullptr;
  if (a.context == Context::kPostReturn) {
    const auto [it, fresh] = entries_.try_emplace({a.instance, a.entry});
    script = &it->second;
    if (fresh) script->present = random_.chance(60);
    if (script->present && script->segments.empty()) script->segments.emplace_back().length = random_.between(1, 3);
    return script->present;
  }
  if (!is_token(a.token)) return false;
  const auto [it, fresh] = scripts_.try_emplace(a.token);
  script = &it->second;
  if (fresh) {
    script->function = a.function;
    script->present = random_.chance(93);
  }
  if (!script->present || script->function != a.function) return false;
  // Scripts end at some point, and the default resolves what is left. What was decided once holds: the same token can
  // arrive twice, by way of an overwritten parameter area.
  if (a.entry >= script->segments.size()) {
    if (a.entry != script->segments.size() || (budget_ == 0 && random_.chance(50))) script->closed = true;
    if (script->closed) return false;
    script->segments.emplace_back().length = random_.between(1, a.entry == 0 ? 8 : 5);
  }
  return true;
}

const Operation* Generator::operation(const Activation& a, size_t i) {
  GrowingSegment& segment = a.context == Context::kPostReturn ? entries_.at({a.instance, a.entry}).segments[0]
                                                              : scripts_.at(a.token).segments[a.entry];
  if (i == segment.ops.size() && !segment.ended) {
    const bool go_on = segment.ops.size() < segment.length && budget_ > 0;
    if (!go_on || !draw(a, segment)) end(a, segment);
  }
  return i < segment.ops.size() ? &segment.ops[i] : nullptr;
}

bool Generator::draw(const Activation& a, GrowingSegment& segment) {
  struct Weighted {
    Step step;
    uint32_t weight;
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
  };
  if (weights_.empty()) {
    // Swarm: each kind is off, as usual, or frequent for the whole case.
    static constexpr std::array<uint32_t, 5> kFactors = {0, 1, 1, 1, 4};
    for (const Weighted& w : kSteps) weights_.push_back(w.weight * random_.pick(kFactors));
    weights_[0] = std::max(weights_[0], kSteps[0].weight);
  }
  spend();
  Operation o;
  // In a post-return nearly everything traps, and that is what is to be seen there.
  const uint32_t mistakes = a.context == Context::kPostReturn ? (mistake_percent_ != 0 ? 60 : 4) : mistake_percent_;
  if (random_.chance(mistakes) && draw_mistake(a, o)) {
    segment.ops.push_back(std::move(o));
    return true;
  }
  if (a.context == Context::kPostReturn) {
    static constexpr std::array<Step, 4> kHarmless = {&Generator::draw_context_get, &Generator::draw_context_set,
                                                      &Generator::draw_backpressure_inc,
                                                      &Generator::draw_backpressure_dec};
    if (!(this->*random_.pick(kHarmless))(a, o)) return false;
    segment.ops.push_back(std::move(o));
    return true;
  }
  // In a deep topology bodies begin with a call to the instance next in line, so that chains get long.
  if (deep_ && a.context == Context::kBody && segment.ops.empty() && random_.chance(92)) {
    const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
    uint32_t nearest = kNone;
    for (uint32_t c = 0; c < canons.size(); ++c)
      if (canons[c].kind == Op::kCall && canons[c].callee.function != kNone &&
          (nearest == kNone || canons[c].callee.function > canons[nearest].callee.function))
        nearest = c;
    if (nearest != kNone && call_through(a, nearest, o, 1)) {
      segment.ops.push_back(std::move(o));
      return true;
    }
    o = Operation();
  }
  // A function that may not block, in an instance where others may be ready: their chance to run in its loop.
  if (!scenario_.functions[a.function].type.async_ && memos_[a.instance].async_calls > 0 && random_.chance(30) &&
      draw_thread_yield(a, o)) {
    segment.ops.push_back(std::move(o));
    return true;
  }
  // Calls under way are mostly looked after: joined to a set, waited for.
  if (random_.chance(35)) {
    const bool unjoined = subtask_register(a.instance, false, false).has_value();
    const Step step = unjoined ? (set_register(a.instance) ? &Generator::draw_join : &Generator::draw_set_new)
                      : random_.chance(60) ? &Generator::draw_set_wait
                                           : &Generator::draw_drop;
    if ((this->*step)(a, o)) {
      segment.ops.push_back(std::move(o));
      return true;
    }
  }
  for (int attempt = 0; attempt < 6; ++attempt) {
    o = Operation();
    if ((this->*kSteps[random_.weighted(weights_)].step)(a, o)) {
      segment.ops.push_back(std::move(o));
      return true;
    }
  }
  return false;
}

bool Generator::may_block(const Activation& a) {
  // A function whose type is not async can block only while another thread of its instance is ready.
  return scenario_.functions[a.function].type.async_ || random_.chance(8);
}

void Generator::end(const Activation& a, GrowingSegment& segment) {
  const Function& f = scenario_.functions[a.function];
  const bool has_resolved = std::any_of(segment.ops.begin(), segment.ops.end(), [](const Operation& o) {
    return o.kind == Op::kTaskReturn || o.kind == Op::kTaskCancel;
  });
  segment.ended = true;
  if (a.context == Context::kPostReturn) return;
  // Backpressure is usually given back.
  if (view_->pressure(a.instance) && random_.chance(80)) {
    Operation o;
    if (draw_backpressure_dec(a, o)) segment.ops.push_back(o);
  }
  Operation last;
  if (f.lift == Lift::kSync) {
    last.kind = Op::kReturn;
    if (f.type.result) last.args.push_back(some_value(a.instance));
    segment.ops.push_back(last);
    return;
  }
  const bool callback = f.lift == Lift::kCallback;
  const bool resolved = a.returned || has_resolved;
  if (callback && random_.chance(budget_ > 0 ? (resolved ? 25 : 60) : 5)) {
    if (const auto set = busy_set_register(a.instance); set && random_.chance(70)) {
      last.kind = Op::kWait;
      last.args.push_back(reg(*set));
      segment.ops.push_back(last);
      return;
    }
    if (const auto set = set_register(a.instance); set && random_.chance(8)) {
      last.kind = Op::kWait;
      last.args.push_back(reg(*set));
    } else {
      last.kind = Op::kYield;
    }
    segment.ops.push_back(last);
    return;
  }
  if (!resolved && !random_.chance(mistake_percent_)) {
    Operation o;
    if (draw_resolve(a, o)) segment.ops.push_back(o);
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

bool Generator::draw_call(const Activation& a, Operation& o) {
  const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
  std::vector<uint32_t> calls;
  std::vector<uint32_t> into_busy;  // sync-typed functions of instances in which others wait: they barge in
  for (uint32_t c = 0; c < canons.size(); ++c) {
    if (canons[c].kind != Op::kCall) continue;
    calls.push_back(c);
    const uint32_t f = canons[c].callee.function;
    if (f != kNone && !scenario_.functions[f].type.async_ && memos_[scenario_.functions[f].instance].async_calls > 0)
      into_busy.push_back(c);
  }
  if (calls.empty()) return false;
  return call_through(a, random_.pick(!into_busy.empty() && random_.chance(55) ? into_busy : calls), o, 1);
}

bool Generator::call_through(const Activation& a, uint32_t canon, Operation& o, uint32_t times) {
  const Canon& c = scenario_.instances[a.instance].canons[canon];
  const traces::FuncType& type = c.callee.function != kNone ? scenario_.functions[c.callee.function].type
                                                            : scenario_.host_functions[c.callee.host_function].type;
  if (type.async_ && !c.async_ && !may_block(a)) return false;
  o.kind = Op::kCall;
  o.canon = canon;
  o.token = next_token_;
  next_token_ += times;
  for (size_t i = 1; i < type.params.size(); ++i) o.args.push_back(some_value(a.instance));
  if (c.callee.function != kNone && type.async_) ++memos_[scenario_.functions[c.callee.function].instance].async_calls;
  if (c.async_) {
    if (type.params.size() > 4) {
      // Away from the small areas, so that the parameters of a call that waits to start stay what they were.
      const uint32_t address = 1024 + 64 * random_.below(64);
      o.args.push_back(literal(random_.chance(mistake_percent_) ? bad_area(a.instance, c.memory) : address));
    }
    if (type.result)
      o.args.push_back(literal(random_.chance(mistake_percent_) ? bad_area(a.instance, c.memory) : area(a.instance)));
    // A register whose subtask is still of interest is not overwritten, mostly.
    uint32_t to = random_.below(kSubtaskRegisters);
    for (uint32_t r = 0; r < kSubtaskRegisters; ++r)
      if (!view_->subtask_state(a.instance, view_->register_value(a.instance, r))) to = r;
    o.to = to;
    for (uint32_t s = kFirstSet; s < kFirstSet + kSetRegisters; ++s) memos_[a.instance].set_members.erase({s, to});
  } else if (type.result && random_.chance(50)) {
    o.to = kFirstValue + random_.below(kValueRegisters);
  }
  return true;
}

bool Generator::draw_context_get(const Activation& a, Operation& o) {
  o.kind = Op::kContextGet;
  o.canon = find_canon(a.instance, Op::kContextGet);
  if (random_.chance(30)) o.to = kFirstValue + random_.below(kValueRegisters);
  return true;
}

bool Generator::draw_context_set(const Activation& a, Operation& o) {
  o.kind = Op::kContextSet;
  o.canon = find_canon(a.instance, Op::kContextSet);
  // Fresh values, so that a slot of another thread is never mistaken for one's own.
  o.args.push_back(literal(0x100 + random_.below(0xffff'0000)));
  return true;
}

bool Generator::draw_backpressure_inc(const Activation& a, Operation& o) {
  o.kind = Op::kBackpressureInc;
  o.canon = find_canon(a.instance, Op::kBackpressureInc);
  return true;
}

bool Generator::draw_backpressure_dec(const Activation& a, Operation& o) {
  if (!view_->pressure(a.instance)) return false;
  o.kind = Op::kBackpressureDec;
  o.canon = find_canon(a.instance, Op::kBackpressureDec);
  guard(o, GuardKind::kPressure, false);
  return true;
}

bool Generator::draw_set_new(const Activation& a, Operation& o) {
  Memo& memo = memos_[a.instance];
  const uint32_t to = kFirstSet + random_.below(kSetRegisters);
  if (memo.live_sets.contains(to) && random_.chance(85)) return false;
  o.kind = Op::kWaitableSetNew;
  o.canon = find_canon(a.instance, Op::kWaitableSetNew);
  o.to = to;
  memo.live_sets.insert(to);
  std::erase_if(memo.set_members, [&](const auto& m) { return m.first == to; });
  return true;
}

bool Generator::draw_set_wait(const Activation& a, Operation& o) {
  if (!may_block(a)) return false;
  const auto busy = busy_set_register(a.instance);
  const auto set = busy ? busy : random_.chance(6) ? set_register(a.instance) : std::nullopt;
  if (!set) return false;
  o.kind = Op::kWaitableSetWait;
  o.canon = find_canon(a.instance, Op::kWaitableSetWait, &Canon::cancellable, random_.chance(60));
  o.args = {reg(*set), literal(area(a.instance))};
  return true;
}

bool Generator::draw_set_poll(const Activation& a, Operation& o) {
  const auto busy = busy_set_register(a.instance);
  const auto set = busy && random_.chance(80) ? busy : set_register(a.instance);
  if (!set) return false;
  o.kind = Op::kWaitableSetPoll;
  o.canon = find_canon(a.instance, Op::kWaitableSetPoll, &Canon::cancellable, random_.chance(60));
  o.args = {reg(*set), literal(area(a.instance))};
  return true;
}

bool Generator::draw_set_drop(const Activation& a, Operation& o) {
  const auto set = set_register(a.instance);
  Memo& memo = memos_[a.instance];
  if (!set) return false;
  for (const auto& [s, subtask] : memo.set_members)
    if (s == *set && view_->joined(a.instance, view_->register_value(a.instance, subtask))) return false;
  o.kind = Op::kWaitableSetDrop;
  o.canon = find_canon(a.instance, Op::kWaitableSetDrop);
  o.args.push_back(reg(*set));
  memo.live_sets.erase(*set);
  return true;
}

bool Generator::draw_join(const Activation& a, Operation& o) {
  const auto set = set_register(a.instance);
  auto subtask = subtask_register(a.instance, false, false);
  if (!subtask && random_.chance(30)) subtask = subtask_register(a.instance, false, std::nullopt);
  if (!set || !subtask) return false;
  o.kind = Op::kWaitableJoin;
  o.canon = find_canon(a.instance, Op::kWaitableJoin);
  o.args = {reg(*subtask), reg(*set)};
  guard(o, GuardKind::kLive, false, *subtask);
  memos_[a.instance].set_members.emplace(*set, *subtask);
  return true;
}

bool Generator::draw_leave(const Activation& a, Operation& o) {
  const auto subtask = subtask_register(a.instance, false, true);
  if (!subtask) return false;
  o.kind = Op::kWaitableJoin;
  o.canon = find_canon(a.instance, Op::kWaitableJoin);
  o.args = {reg(*subtask), literal(0)};
  guard(o, GuardKind::kJoined, false, *subtask);
  return true;
}

bool Generator::draw_cancel(const Activation& a, Operation& o) {
  const bool async_ = random_.chance(55) || !may_block(a);
  const auto subtask = subtask_register(a.instance, false, async_ ? std::nullopt : std::optional(false));
  if (!subtask) return false;
  o.kind = Op::kSubtaskCancel;
  o.canon = find_canon(a.instance, Op::kSubtaskCancel, &Canon::async_, async_);
  o.args.push_back(reg(*subtask));
  guard(o, GuardKind::kResolved, true, *subtask);
  return true;
}

bool Generator::draw_drop(const Activation& a, Operation& o) {
  const auto subtask = subtask_register(a.instance, true, std::nullopt);
  if (!subtask) return false;
  o.kind = Op::kSubtaskDrop;
  o.canon = find_canon(a.instance, Op::kSubtaskDrop);
  o.args.push_back(reg(*subtask));
  guard(o, GuardKind::kResolved, false, *subtask);
  return true;
}

bool Generator::draw_thread_index(const Activation& a, Operation& o) {
  o.kind = Op::kThreadIndex;
  o.canon = find_canon(a.instance, Op::kThreadIndex);
  return true;
}

bool Generator::draw_thread_yield(const Activation& a, Operation& o) {
  // A function that may not block can still yield: it is itself ready to go on. But it costs it its native frame.
  if (!scenario_.functions[a.function].type.async_ && !random_.chance(memos_[a.instance].async_calls > 0 ? 70 : 25))
    return false;
  o.kind = Op::kThreadYield;
  o.canon = find_canon(a.instance, Op::kThreadYield, &Canon::cancellable, random_.chance(60));
  return true;
}

bool Generator::draw_load(const Activation& a, Operation& o) {
  const Memo& memo = memos_[a.instance];
  if (memo.areas.empty()) return false;
  o.kind = Op::kLoad;
  o.memory = random_.below(static_cast<uint32_t>(scenario_.instances[a.instance].memories.size()));
  o.args.push_back(literal(random_.pick(memo.areas)));
  if (random_.chance(20)) o.to = kFirstValue + random_.below(kValueRegisters);
  return true;
}

bool Generator::draw_repeat(const Activation& a, Operation& o) {
  o.kind = Op::kRepeat;
  o.times = random_.between(2, 6);
  static constexpr std::array<Step, 4> kBody = {&Generator::draw_context_get, &Generator::draw_context_set,
                                                &Generator::draw_thread_yield, &Generator::draw_thread_index};
  Operation inner;
  if (random_.chance(50)) {
    const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
    std::vector<uint32_t> calls;
    for (uint32_t c = 0; c < canons.size(); ++c)
      if (canons[c].kind == Op::kCall && !canons[c].async_) calls.push_back(c);
    if (calls.empty() || !call_through(a, random_.pick(calls), inner, o.times)) return false;
  } else if (!(this->*random_.pick(kBody))(a, inner)) {
    return false;
  }
  o.body.push_back(std::move(inner));
  budget_ -= std::min(budget_, o.times);
  return true;
}

bool Generator::draw_resolve(const Activation& a, Operation& o) {
  const Function& f = scenario_.functions[a.function];
  if (f.lift == Lift::kSync || a.returned) return false;
  if (a.cancelled && random_.chance(75)) {
    o.kind = Op::kTaskCancel;
    o.canon = find_canon(a.instance, Op::kTaskCancel);
    guard(o, GuardKind::kCancelled, false);
    return true;
  }
  o.kind = Op::kTaskReturn;
  o.canon = matching_return(f);
  if (f.type.result) o.args.push_back(some_value(a.instance));
  guard(o, GuardKind::kReturned, true);
  return true;
}

bool Generator::draw_mistake(const Activation& a, Operation& o) {
  const Instance& inst = scenario_.instances[a.instance];
  const Function& f = scenario_.functions[a.function];
  // A built-in of any kind, with operands that may well be wrong.
  const auto some_handle = [&]() -> Operand {
    switch (random_.below(8)) {
      case 0:
        return literal(0);
      case 1:
        return literal(random_.between(1, 6));
      case 2:
        return literal(1000 + random_.below(5));
      case 3:
      case 4:
        return reg(kFirstSet + random_.below(kSetRegisters));
      default:
        return reg(random_.below(kSubtaskRegisters));
    }
  };
  switch (random_.below(24)) {
    case 0:
      o.kind = Op::kUnreachable;
      return true;
    case 1:
      o.kind = Op::kThrow;
      return true;
    case 2:
      if (f.lift != Lift::kCallback || a.context == Context::kPostReturn) return false;
      o.kind = Op::kCode;
      // Below 16 wrong codes; else EXIT, YIELD or WAIT with more bits set, of which EXIT and YIELD take no notice.
      o.args.push_back(
          literal(random_.chance(35) ? random_.between(3, 15) : 16 * random_.between(0, 40) + random_.below(3)));
      return true;
    case 3:
      if (f.lift != Lift::kCallback || a.context == Context::kPostReturn) return false;
      o.kind = Op::kWait;
      o.args.push_back(some_handle());
      return true;
    case 4: {
      o.kind = Op::kLoad;
      o.memory = random_.below(static_cast<uint32_t>(inst.memories.size()));
      o.args.push_back(literal((inst.memories[o.memory].pages << 16) - random_.below(8)));
      return true;
    }
    case 5:  // too much backpressure; rare, since it takes 65,536 rounds
      if (!random_.chance(1) || !random_.chance(15)) return false;
      o.kind = Op::kRepeat;
      o.times = 1 << 16;
      o.body.emplace_back().kind = Op::kBackpressureInc;
      o.body.back().canon = find_canon(a.instance, Op::kBackpressureInc);
      return true;
    case 6:
      o.kind = Op::kTaskCancel;
      o.canon = find_canon(a.instance, Op::kTaskCancel);
      return true;
    case 7:  // synchronously, though it is in a set
      if (const auto r = subtask_register(a.instance, false, true)) {
        o.kind = Op::kSubtaskCancel;
        o.canon = find_canon(a.instance, Op::kSubtaskCancel, &Canon::async_, false);
        o.args.push_back(reg(*r));
        return true;
      }
      break;
    case 8:  // its end was delivered
      if (const auto r = subtask_register(a.instance, true, std::nullopt)) {
        o.kind = Op::kSubtaskCancel;
        o.canon = find_canon(a.instance, Op::kSubtaskCancel);
        o.args.push_back(reg(*r));
        return true;
      }
      break;
    case 9:  // a subtask for a set, or the other way round
      if (const auto r = subtask_register(a.instance, false, std::nullopt)) {
        const auto set = set_register(a.instance);
        o.kind = Op::kWaitableJoin;
        o.canon = find_canon(a.instance, Op::kWaitableJoin);
        o.args = {reg(random_.chance(50) && set ? *set : *r), reg(*r)};
        return true;
      }
      break;
    case 10:  // with waitables in it
      if (const auto set = busy_set_register(a.instance)) {
        o.kind = Op::kWaitableSetDrop;
        o.canon = find_canon(a.instance, Op::kWaitableSetDrop);
        o.args.push_back(reg(*set));
        return true;
      }
      break;
    case 11:  // twice, perhaps
      if (f.lift != Lift::kSync && a.returned) {
        o.kind = Op::kTaskReturn;
        o.canon = matching_return(f);
        if (f.type.result) o.args.push_back(some_value(a.instance));
        return true;
      }
      break;
    case 12:  // before its end was delivered
      if (const auto r = subtask_register(a.instance, false, std::nullopt)) {
        o.kind = Op::kSubtaskDrop;
        o.canon = find_canon(a.instance, Op::kSubtaskDrop);
        o.args.push_back(reg(*r));
        return true;
      }
      break;
    default:
      break;
  }
  o = Operation();
  std::vector<uint32_t> canons(inst.canons.size());
  for (uint32_t i = 0; i < canons.size(); ++i) canons[i] = i;
  o.canon = random_.pick(canons);
  const Canon& c = inst.canons[o.canon];
  o.kind = c.kind;
  switch (c.kind) {
    case Op::kCall:
      return call_through(a, o.canon, o, 1);
    case Op::kTaskReturn:
      if (c.result) o.args.push_back(some_value(a.instance));
      break;
    case Op::kContextSet:
      o.args.push_back(some_value(a.instance));
      break;
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll: {
      // A bad address is a failed assertion in definitions.py and ends the case: rarely.
      const bool bad = random_.chance(4);
      o.args = {some_handle(), literal(bad ? bad_area(a.instance, c.memory) : area(a.instance))};
      break;
    }
    case Op::kWaitableJoin:
      o.args = {some_handle(), some_handle()};
      break;
    case Op::kWaitableSetDrop:
    case Op::kSubtaskCancel:
    case Op::kSubtaskDrop:
      o.args.push_back(some_handle());
      break;
    default:
      break;
  }
  return true;
}

// ---- pieces

uint32_t Generator::find_canon(uint32_t instance, Op kind) {
  const std::vector<Canon>& canons = scenario_.instances[instance].canons;
  std::array<uint32_t, 8> found{};
  uint32_t n = 0;
  for (uint32_t i = 0; i < canons.size() && n < found.size(); ++i)
    if (canons[i].kind == kind) found[n++] = i;
  return found[random_.below(n)];
}

uint32_t Generator::find_canon(uint32_t instance, Op kind, bool Canon::*flag, bool value) {
  const std::vector<Canon>& canons = scenario_.instances[instance].canons;
  for (uint32_t i = 0; i < canons.size(); ++i)
    if (canons[i].kind == kind && canons[i].*flag == value) return i;
  return kNone;
}

uint32_t Generator::matching_return(const Function& f) {
  const std::vector<Canon>& canons = scenario_.instances[f.instance].canons;
  for (uint32_t i = 0; i < canons.size(); ++i)
    if (canons[i].kind == Op::kTaskReturn && canons[i].result == f.type.result && canons[i].memory == f.memory &&
        canons[i].encoding == f.encoding)
      return i;
  return kNone;
}

uint32_t Generator::area(uint32_t instance) {
  std::vector<uint32_t>& areas = memos_[instance].areas;
  const uint32_t address = 8 + 8 * random_.below(kAreas);
  if (areas.size() < 16) areas.push_back(address);
  return address;
}

uint32_t Generator::bad_area(uint32_t instance, uint32_t memory) {
  const uint32_t size = scenario_.instances[instance].memories[memory].pages << 16;
  switch (random_.below(4)) {
    case 0:
      return 8 + 8 * random_.below(kAreas) + random_.between(1, 3);
    case 1:
      return size - 2;
    case 2:
      return size;
    default:
      return 0xffff'fffc;
  }
}

void Generator::guard(Operation& o, GuardKind kind, bool negated, uint32_t value) {
  if (unguarded_) return;
  o.guard = traces::Guard{kind, negated, value};
}

std::optional<uint32_t> Generator::subtask_register(uint32_t instance, bool resolved, std::optional<bool> joined) {
  const uint32_t first = random_.below(kSubtaskRegisters);
  for (uint32_t k = 0; k < kSubtaskRegisters; ++k) {
    const uint32_t r = (first + k) % kSubtaskRegisters;
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
  for (const auto& [set, subtask] : memo.set_members) {
    const uint32_t handle = view_->register_value(instance, subtask);
    const auto state = view_->subtask_state(instance, handle);
    if (memo.live_sets.contains(set) && view_->joined(instance, handle) && state && *state < kResolvedFrom) return set;
  }
  return std::nullopt;
}

Operand Generator::some_value(uint32_t) {
  if (random_.chance(15)) return reg(kFirstValue + random_.below(kValueRegisters));
  return literal(0x1000 + random_.below(0x7fff'0000));
}

// ---- the host

HostOperation Generator::draw_invoke(bool nested) {
  HostOperation o;
  o.kind = HostOp::kInvoke;
  // Later functions have more to call.
  const uint32_t count = static_cast<uint32_t>(scenario_.functions.size());
  o.function = random_.chance(60) ? count - 1 - random_.below((count + 1) / 2) : random_.below(count);
  o.token = next_token_++;
  for (size_t i = 1; i < scenario_.functions[o.function].type.params.size(); ++i)
    o.args.push_back(0x1000 + random_.below(0x7fff'0000));
  o.swallow = nested && random_.chance(70);
  return o;
}

const HostOperation* Generator::program(size_t i) {
  if (i < program_.size()) return &program_[i];
  HostOperation o;
  if (i >= program_length_ || budget_ == 0) {
    // The end: a patient host first finishes what it owes.
    if (!patient_host_ || blocked_host_calls_.empty() || i > size_t{program_length_} + 12) return nullptr;
    // Several at once, so that a set has several events.
    const bool resolve = !program_.empty() && (program_.back().kind == HostOp::kRun || random_.chance(60));
    o.kind = resolve ? HostOp::kResolve : HostOp::kRun;
  } else {
    static constexpr std::array<HostOp, 6> kKinds = {HostOp::kInvoke,  HostOp::kTick,   HostOp::kRun,
                                                     HostOp::kResolve, HostOp::kCancel, HostOp::kDrop};
    const std::array<uint32_t, 6> weights = {i == 0 ? 100u : 30u,
                                             20,
                                             18,
                                             blocked_host_calls_.empty() ? 1u : 22u,
                                             host_invocations_.empty() ? 0u : 8u,
                                             host_invocations_.empty() ? 0u : 2u};
    o.kind = kKinds[random_.weighted(weights)];
  }
  if (o.kind == HostOp::kInvoke) {
    o = draw_invoke(false);
    host_invocations_.push_back(o.token);
  } else if (o.kind == HostOp::kResolve) {
    if (blocked_host_calls_.empty()) {
      o.kind = HostOp::kTick;
    } else {
      const uint32_t at = random_.below(static_cast<uint32_t>(blocked_host_calls_.size()));
      o.token = blocked_host_calls_[at];
      if (host_calls_.at(o.token).on_cancel == OnCancel::kLater && random_.chance(50)) {
        o.kind = HostOp::kConfirm;
      } else {
        o.args.push_back(0x1000 + random_.below(0x7fff'0000));
        blocked_host_calls_.erase(blocked_host_calls_.begin() + at);
      }
    }
  } else if (o.kind == HostOp::kCancel || o.kind == HostOp::kDrop) {
    o.token = random_.pick(host_invocations_);
  }
  spend();
  program_.push_back(std::move(o));
  return &program_.back();
}

const HostOperation* Generator::aftermath(size_t i) {
  if (i == aftermath_.size() && i < aftermath_length_) {
    HostOperation o;
    o.kind = HostOp::kCallStack;
    aftermath_.push_back(random_.chance(30) ? o : draw_invoke(false));
    budget_ = std::max(budget_, 4u);
  }
  return i < aftermath_.size() ? &aftermath_[i] : nullptr;
}

const HostOperation* Generator::on_call(uint32_t host_function, Token token, size_t i) {
  if (!is_token(token)) return nullptr;
  const auto [it, fresh] = host_calls_.try_emplace(token);
  GrowingHostCall& call = it->second;
  if (fresh) {
    const traces::FuncType& type = scenario_.host_functions[host_function].type;
    HostOperation o;
    if (random_.chance(12)) {
      o.kind = HostOp::kCallStack;
      call.on_call.push_back(o);
    }
    if (random_.chance(9) && budget_ > 0) call.on_call.push_back(draw_invoke(true));
    o = HostOperation();
    o.kind = type.async_ && random_.chance(55) ? HostOp::kBlock : HostOp::kReturn;
    if (o.kind == HostOp::kReturn && type.result) o.args.push_back(0x1000 + random_.below(0x7fff'0000));
    call.on_call.push_back(o);
    call.on_cancel = static_cast<OnCancel>(random_.weighted(std::to_array<uint32_t>({35, 30, 15, 20})));
    if (call.on_cancel == OnCancel::kReturn) call.cancel_value = 0x1000 + random_.below(0x7fff'0000);
    if (o.kind == HostOp::kBlock) blocked_host_calls_.push_back(token);
  }
  return i < call.on_call.size() ? &call.on_call[i] : nullptr;
}

std::pair<OnCancel, uint32_t> Generator::on_cancel(uint32_t, Token token) {
  const auto it = host_calls_.find(token);
  if (it == host_calls_.end()) return {OnCancel::kNow, 0};
  const GrowingHostCall& call = it->second;
  if (call.on_cancel == OnCancel::kNow || call.on_cancel == OnCancel::kReturn) std::erase(blocked_host_calls_, token);
  return {call.on_cancel, call.cancel_value};
}

Scenario Generator::finish() {
  Scenario s = std::move(scenario_);
  const auto segment_of = [](const GrowingSegment& g) { return traces::Segment(g.ops.begin(), g.ops.end()); };
  for (const auto& [token, script] : scripts_) {
    if (!script.present) continue;
    traces::Script& out = s.scripts.emplace_back();
    out.token = token;
    out.function = script.function;
    for (const GrowingSegment& g : script.segments) out.segments.push_back(segment_of(g));
  }
  for (const auto& [key, script] : entries_)
    if (script.present)
      s.entries.push_back({Context::kPostReturn, key.first, key.second, segment_of(script.segments[0])});
  for (const auto& [token, call] : host_calls_)
    s.host_calls.push_back({token, {call.on_call.begin(), call.on_call.end()}, call.on_cancel, call.cancel_value});
  s.program.assign(program_.begin(), program_.end());
  s.aftermath.assign(aftermath_.begin(), aftermath_.end());
  return s;
}

}  // namespace lockstep::diff
