// Steps: calls, subtasks, waitable sets, slots, backpressure, task.return.
#include <algorithm>
#include <array>

#include "diff/generator.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Context;
using traces::Function;
using traces::GuardKind;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Operand;
using traces::Operation;
using traces::ValueType;

bool Generator::draw_call(const Activation& a, Draft& d) {
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
  return call_through(a, random_.pick(!into_busy.empty() && random_.chance(55) ? into_busy : calls), d, 1);
}

bool Generator::call_next_in_line(const Activation& a, Draft& d) {
  const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
  uint32_t nearest = kNone;
  for (uint32_t c = 0; c < canons.size(); ++c)
    if (canons[c].kind == Op::kCall && canons[c].callee.function != kNone &&
        (nearest == kNone || canons[c].callee.function > canons[nearest].callee.function))
      nearest = c;
  return nearest != kNone && call_through(a, nearest, d, 1);
}

bool Generator::call_through(const Activation& a, uint32_t canon, Draft& d, uint32_t times) {
  const Canon& c = scenario_.instances[a.instance].canons[canon];
  const traces::FuncType& type = callee_type(scenario_, c.callee);
  if (type.async_ && !c.async_ && !may_block(a)) return false;
  const Place at = place(a.instance, c.memory);
  const traces::CallShape shape = traces::lowered_shape(type, c.async_, at.pointers);
  Operation& o = d.op;
  o = Operation();
  o.kind = Op::kCall;
  o.canon = canon;
  if (shape.params_in_memory) {
    Operands words(shape.area_words, literal(0));
    const std::vector<uint32_t> offsets = traces::offsets(type.params, at.pointers);
    for (size_t i = 1; i < type.params.size(); ++i)
      if (!lower_words(a, at, type.params[i], d, words, offsets[i])) return false;
    o.args.assign(words.begin() + 1, words.end());
    const bool bad = random_.chance(mistake_percent_);
    o.args.push_back(literal(bad ? bad_area(a.instance, c.memory) : buffer(4 * shape.area_words)));
  } else {
    for (size_t i = 1; i < type.params.size(); ++i)
      if (!lower_flat(a, at, type.params[i], d, o.args)) return false;
  }
  // A handle can be given away once.
  if (times > 1 && (!d.taken.empty() || !d.lent.empty())) return false;
  o.token = next_token_;
  next_token_ += times;
  if (c.callee.host_function != kNone) callers_[o.token] = a.instance;
  if (c.callee.function != kNone && type.async_) ++memos_[scenario_.functions[c.callee.function].instance].async_calls;
  const uint32_t result_bytes = type.result ? traces::size(*type.result, at.pointers) : 0;
  uint32_t results = 0;
  if (shape.result_area) {
    results = result_bytes <= 8 ? area(a.instance, c.memory) : buffer(result_bytes);
    const bool bad = random_.chance(mistake_percent_);
    o.args.push_back(literal(bad ? bad_area(a.instance, c.memory) : results));
  }
  Memo& memo = memos_[a.instance];
  if (!c.async_) d.lent.clear();
  if (c.async_) {
    // A register whose subtask is still of interest is not overwritten, mostly.
    uint32_t to = random_.below(kSubtaskRegisters.count);
    for (uint32_t r = 0; r < kSubtaskRegisters.count; ++r)
      if (!view_->subtask_state(a.instance, view_->register_value(a.instance, r))) to = r;
    o.to = to;
    std::erase_if(memo.set_members, [&](const auto& m) { return m.second == to; });
    std::erase_if(memo.arrivals, [&](const Arrival& w) { return w.subtask == to; });
    if (shape.result_area && type.result != ValueType{})
      memo.arrivals.push_back({to, kNone, c.memory, results, *type.result});
  } else if (shape.result_area) {
    if (times == 1) fetch_words(a, at, *type.result, results, d);
  } else if (type.result) {
    using TypeKind = ValueType::Kind;
    const TypeKind kind = type.result->kind;
    if (kind == TypeKind::kOwn || kind == TypeKind::kStream || kind == TypeKind::kFuture)
      o.to = hold(a.instance, d, holding_of(a, *type.result));
    else if (random_.chance(50))
      o.to = kValueRegisters.first + random_.below(kValueRegisters.count);
  }
  if (times == 1 && random_.chance(22)) probe_slot(a.instance, d);
  return true;
}

// A slot keeps its value across a nested call, whatever happens there.
void Generator::probe_slot(uint32_t instance, Draft& d) {
  const uint32_t slot = random_.below(2);
  const auto canon = [&](Op kind) {
    return find_canon(instance, [&](const Canon& c) { return c.kind == kind && c.slot == slot; });
  };
  Operation set;
  set.kind = Op::kContextSet;
  set.canon = canon(Op::kContextSet);
  set.args.push_back(literal(0x100 + random_.below(0xffff'0000)));
  Operation get;
  get.kind = Op::kContextGet;
  get.canon = canon(Op::kContextGet);
  d.before.push_back(std::move(set));
  d.after.push_back(std::move(get));
}

bool Generator::draw_context_get(const Activation& a, Draft& d) {
  d.op.kind = Op::kContextGet;
  d.op.canon = find_canon(a.instance, Op::kContextGet);
  if (random_.chance(30)) d.op.to = kValueRegisters.first + random_.below(kValueRegisters.count);
  return true;
}

bool Generator::draw_context_set(const Activation& a, Draft& d) {
  d.op.kind = Op::kContextSet;
  d.op.canon = find_canon(a.instance, Op::kContextSet);
  // Fresh values, so that a slot of another thread is never mistaken for one's own.
  uint64_t value = 0x100 + random_.below(0xffff'0000);
  if (scenario_.instances[a.instance].canons[d.op.canon].index == traces::IndexType::kI64 && random_.chance(60))
    value |= random_.next() << 32;
  d.op.args.push_back(literal(value));
  return true;
}

bool Generator::draw_backpressure_inc(const Activation& a, Draft& d) {
  d.op.kind = Op::kBackpressureInc;
  d.op.canon = find_canon(a.instance, Op::kBackpressureInc);
  return true;
}

bool Generator::draw_backpressure_dec(const Activation& a, Draft& d) {
  if (!view_->pressure(a.instance)) return false;
  d.op.kind = Op::kBackpressureDec;
  d.op.canon = find_canon(a.instance, Op::kBackpressureDec);
  guard(d.op, GuardKind::kPressure, false);
  return true;
}

bool Generator::draw_set_new(const Activation& a, Draft& d) {
  Memo& memo = memos_[a.instance];
  const uint32_t to = kSetRegisters.first + random_.below(kSetRegisters.count);
  if (memo.live_sets.contains(to) && random_.chance(85)) return false;
  d.op.kind = Op::kWaitableSetNew;
  d.op.canon = find_canon(a.instance, Op::kWaitableSetNew);
  d.op.to = to;
  memo.live_sets.insert(to);
  std::erase_if(memo.set_members, [&](const auto& m) { return m.first == to; });
  return true;
}

bool Generator::draw_set_wait(const Activation& a, Draft& d) {
  if (!may_block(a)) return false;
  const auto busy = busy_set_register(a.instance);
  const auto set = busy ? busy : random_.chance(6) ? set_register(a.instance) : std::nullopt;
  if (!set) return false;
  d.op.kind = Op::kWaitableSetWait;
  d.op.canon = find_canon(a.instance, Op::kWaitableSetWait, &Canon::cancellable, random_.chance(75));
  d.op.args = {reg(*set), literal(area(a.instance, scenario_.instances[a.instance].canons[d.op.canon].memory))};
  return true;
}

bool Generator::draw_set_poll(const Activation& a, Draft& d) {
  const auto busy = busy_set_register(a.instance);
  const auto set = busy && random_.chance(80) ? busy : set_register(a.instance);
  if (!set) return false;
  d.op.kind = Op::kWaitableSetPoll;
  d.op.canon = find_canon(a.instance, Op::kWaitableSetPoll, &Canon::cancellable, random_.chance(60));
  d.op.args = {reg(*set), literal(area(a.instance, scenario_.instances[a.instance].canons[d.op.canon].memory))};
  return true;
}

bool Generator::draw_set_drop(const Activation& a, Draft& d) {
  const auto set = set_register(a.instance);
  Memo& memo = memos_[a.instance];
  if (!set) return false;
  for (const auto& [s, member] : memo.set_members)
    if (s == *set && view_->joined(a.instance, view_->register_value(a.instance, member))) return false;
  d.op.kind = Op::kWaitableSetDrop;
  d.op.canon = find_canon(a.instance, Op::kWaitableSetDrop);
  d.op.args.push_back(reg(*set));
  memo.live_sets.erase(*set);
  return true;
}

bool Generator::draw_join(const Activation& a, Draft& d) {
  const auto set = set_register(a.instance);
  auto member = subtask_register(a.instance, false, false);
  if (!member || random_.chance(50))
    if (const auto copying = copying_register(a.instance, false)) member = copying;
  if (!member && random_.chance(30)) member = subtask_register(a.instance, false, std::nullopt);
  if (!member && random_.chance(15)) {  // an end that does nothing yet
    member = held_register(a.instance, d, [&](uint32_t r, const Holding& h) {
      return h.kind <= Holding::Kind::kWritable && view_->end_state(a.instance, handle_in(a.instance, r));
    });
  }
  if (!set || !member) return false;
  d.op.kind = Op::kWaitableJoin;
  d.op.canon = find_canon(a.instance, Op::kWaitableJoin);
  d.op.args = {reg(*member), reg(*set)};
  guard(d.op, GuardKind::kLive, false, *member);
  memos_[a.instance].set_members.emplace(*set, *member);
  return true;
}

bool Generator::draw_leave(const Activation& a, Draft& d) {
  auto member = subtask_register(a.instance, false, true);
  if (!member || random_.chance(50)) {
    const auto end = held_register(a.instance, d, [&](uint32_t r, const Holding& h) {
      return h.kind <= Holding::Kind::kWritable && view_->joined(a.instance, handle_in(a.instance, r));
    });
    if (end) member = end;
  }
  if (!member) return false;
  d.op.kind = Op::kWaitableJoin;
  d.op.canon = find_canon(a.instance, Op::kWaitableJoin);
  d.op.args = {reg(*member), literal(0)};
  guard(d.op, GuardKind::kJoined, false, *member);
  return true;
}

bool Generator::draw_cancel(const Activation& a, Draft& d) {
  const bool async_ = random_.chance(55) || !may_block(a);
  const auto subtask = subtask_register(a.instance, false, async_ ? std::nullopt : std::optional(false));
  if (!subtask) return false;
  d.op.kind = Op::kSubtaskCancel;
  d.op.canon = find_canon(a.instance, Op::kSubtaskCancel, &Canon::async_, async_);
  d.op.args.push_back(reg(*subtask));
  guard(d.op, GuardKind::kResolved, true, *subtask);
  return true;
}

bool Generator::draw_drop(const Activation& a, Draft& d) {
  const auto subtask = subtask_register(a.instance, true, std::nullopt);
  if (!subtask) return false;
  d.op.kind = Op::kSubtaskDrop;
  d.op.canon = find_canon(a.instance, Op::kSubtaskDrop);
  d.op.args.push_back(reg(*subtask));
  guard(d.op, GuardKind::kResolved, false, *subtask);
  return true;
}

bool Generator::draw_thread_index(const Activation& a, Draft& d) {
  d.op.kind = Op::kThreadIndex;
  d.op.canon = find_canon(a.instance, Op::kThreadIndex);
  return true;
}

bool Generator::draw_thread_yield(const Activation& a, Draft& d) {
  // A function that may not block can still yield: it is itself ready to go on. But it costs it its native frame.
  const Function* f = function_of(a);
  if ((f == nullptr || !f->type.async_) && !random_.chance(memos_[a.instance].async_calls > 0 ? 70 : 25)) return false;
  d.op.kind = Op::kThreadYield;
  d.op.canon = find_canon(a.instance, Op::kThreadYield, &Canon::cancellable, random_.chance(60));
  return true;
}

bool Generator::draw_repeat(const Activation& a, Draft& d) {
  const uint32_t times = random_.between(2, 6);
  static constexpr std::array<Step, 4> kBody = {&Generator::draw_context_get, &Generator::draw_context_set,
                                                &Generator::draw_thread_yield, &Generator::draw_thread_index};
  if (random_.chance(50)) {
    const uint32_t call = find_canon(a.instance, [](const Canon& c) { return c.kind == Op::kCall && !c.async_; });
    if (call == kNone || !call_through(a, call, d, times)) return false;
    // A handle that comes back would be lost at once.
    if (!d.got.empty()) return false;
  } else if (!(this->*random_.pick(kBody))(a, d)) {
    return false;
  }
  Operation loop;
  loop.kind = Op::kRepeat;
  loop.times = times;
  loop.body.push_back(std::move(d.op));
  d.op = std::move(loop);
  budget_ -= std::min(budget_, times);
  return true;
}

bool Generator::draw_resolve(const Activation& a, Draft& d) {
  const Function* f = function_of(a);
  if (f == nullptr || f->lift == Lift::kSync || a.returned) return false;
  if (!a.cancelled || !random_.chance(60)) drop_borrows(a, d);
  if (a.cancelled && random_.chance(75)) {
    d.op.kind = Op::kTaskCancel;
    d.op.canon = find_canon(a.instance, Op::kTaskCancel);
    guard(d.op, GuardKind::kCancelled, false);
    return true;
  }
  d.op.kind = Op::kTaskReturn;
  d.op.canon = matching_return(*f);
  if (f->type.result) {
    const Place at = place(a.instance, f->memory);
    const size_t flat = traces::flatten(*f->type.result, at.pointers).size();
    if (!lower_result(a, *f->type.result, at, flat > traces::kMaxFlatParams, d)) return false;
  }
  guard(d.op, GuardKind::kReturned, true);
  return true;
}

// Borrowed handles go back before the task returns, mostly.
void Generator::drop_borrows(const Activation& a, Draft& d) {
  const traces::Token owner = owner_of(a);
  for (const auto& [r, h] : memos_[a.instance].held) {
    if (h.kind != Holding::Kind::kBorrow || h.owner != owner || handle_in(a.instance, r) == 0) continue;
    if (random_.chance(2 + 2 * mistake_percent_)) continue;
    Operation& o = d.before.emplace_back();
    o.kind = Op::kResourceDrop;
    o.canon = find_canon(a.instance, [&](const Canon& c) { return c.kind == o.kind && c.resource == h.resource; });
    o.args.push_back(reg(r));
    d.taken.push_back(r);
  }
}

}  // namespace lockstep::diff
