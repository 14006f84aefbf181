// Steps that a careful guest would not take: most end in a trap, and each trap of the specification can be reached.
#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "diff/generator.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Context;
using traces::Function;
using traces::IndexType;
using traces::Instance;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Operand;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

// More elements than a buffer can have, or than any memory; never so many of no size that they could be copied.
constexpr std::array<uint32_t, 3> kFarTooMany = {0x1000'0000, 0x1000'0001, 0xffff'ffff};

}  // namespace

bool Generator::draw_mistake(const Activation& a, Draft& d) {
  static constexpr std::array<Step, 6> kSteps = {&Generator::mistake_in_code,  &Generator::mistake_with_subtask,
                                                 &Generator::mistake_with_end, &Generator::mistake_with_handle,
                                                 &Generator::some_builtin,     &Generator::mistake_of_kind};
  const bool ends = !end_types_.empty();
  const std::array<uint32_t, 6> weights = {8, 24, ends ? 60u : 0u, old_vocabulary() ? 0u : 32u, 16, 44};
  // Most need something that may not be there now.
  for (int attempt = 0; attempt < 5; ++attempt) {
    d = Draft();
    if ((this->*kSteps[random_.weighted(weights)])(a, d)) return true;
  }
  return false;
}

// The first from a random place on that is possible now.
bool Generator::first_possible(const Activation& a, Draft& d, uint32_t count, Mistake mistake) {
  const uint32_t first = random_.below(count);
  for (uint32_t k = 0; k < count; ++k) {
    d = Draft();
    if ((this->*mistake)(a, (first + k) % count, d)) return true;
  }
  return false;
}

bool Generator::mistake_in_code(const Activation& a, Draft& d) {
  const Instance& inst = scenario_.instances[a.instance];
  const bool callback = (a.context == Context::kBody || a.context == Context::kCallback) &&
                        scenario_.functions[a.function].lift == Lift::kCallback;
  switch (callback && random_.chance(35) ? 3 : random_.below(5)) {
    case 0:
      d.op.kind = Op::kUnreachable;
      return true;
    case 1:
      d.op.kind = Op::kThrow;
      return true;
    case 2:
      if (!callback) return false;
      d.op.kind = Op::kCode;
      // Below 16 wrong codes; else EXIT, YIELD or WAIT with more bits set, of which EXIT and YIELD take no notice.
      if (random_.chance(35)) {
        d.op.args.push_back(literal(random_.between(3, 15)));
      } else {
        const uint32_t high = 16 * random_.between(0, 40);
        d.op.args.push_back(literal(high + random_.below(3)));
      }
      return true;
    case 3:
      if (!callback) return false;
      d.op.kind = Op::kWait;
      if (const auto r = held_register(a.instance, d, [](uint32_t, const Holding&) { return true; }))
        d.op.args.push_back(reg(*r));
      else if (const auto subtask = subtask_register(a.instance, false, std::nullopt))
        d.op.args.push_back(reg(*subtask));
      else
        d.op.args.push_back(some_handle(a));
      return true;
    default: {
      d.op.kind = random_.chance(50) || old_vocabulary() ? Op::kLoad : Op::kStore;
      d.op.memory = random_.below(static_cast<uint32_t>(inst.memories.size()));
      d.op.args.push_back(literal((inst.memories[d.op.memory].pages << 16) - random_.below(8)));
      if (d.op.kind == Op::kStore) d.op.args.push_back(some_value());
      return true;
    }
  }
}

bool Generator::mistake_with_subtask(const Activation& a, Draft& d) {
  return first_possible(a, d, 7, &Generator::subtask_mistake);
}
bool Generator::mistake_with_end(const Activation& a, Draft& d) {
  return first_possible(a, d, 11, &Generator::end_mistake);
}

bool Generator::subtask_mistake(const Activation& a, uint32_t which, Draft& d) {
  const Function* f = function_of(a);
  const auto about = [&](Op kind, uint32_t r) {
    d.op.kind = kind;
    d.op.canon = find_canon(a.instance, kind);
    d.op.args.push_back(reg(r));
    return true;
  };
  switch (which) {
    case 0:
      if (!random_.chance(20)) return false;  // it is always possible
      d.op.kind = Op::kTaskCancel;
      d.op.canon = find_canon(a.instance, Op::kTaskCancel);
      return true;
    case 1:  // synchronously, though it is in a set
      if (const auto r = subtask_register(a.instance, false, true)) {
        about(Op::kSubtaskCancel, *r);
        d.op.canon = find_canon(a.instance, Op::kSubtaskCancel, &Canon::async_, false);
        return true;
      }
      return false;
    case 2:  // its end was delivered
      if (const auto r = subtask_register(a.instance, true, std::nullopt)) return about(Op::kSubtaskCancel, *r);
      return false;
    case 3:  // a subtask for a set, or the other way round
      if (const auto r = subtask_register(a.instance, false, std::nullopt)) {
        const auto set = set_register(a.instance);
        d.op.kind = Op::kWaitableJoin;
        d.op.canon = find_canon(a.instance, Op::kWaitableJoin);
        d.op.args = {reg(random_.chance(50) && set ? *set : *r), reg(*r)};
        return true;
      }
      return false;
    case 4:  // with waitables in it
      if (const auto set = busy_set_register(a.instance)) return about(Op::kWaitableSetDrop, *set);
      return false;
    case 5:  // twice, perhaps
      if (f != nullptr && f->lift != Lift::kSync && a.returned) {
        d.op.kind = Op::kTaskReturn;
        d.op.canon = matching_return(*f);
        if (!f->type.result) return true;
        const Place at = place(a.instance, f->memory);
        const size_t flat = traces::flatten(*f->type.result, at.pointers).size();
        return lower_result(a, *f->type.result, at, flat > traces::kMaxFlatParams, d);
      }
      return false;
    default:  // before its end was delivered
      if (const auto r = subtask_register(a.instance, false, std::nullopt)) return about(Op::kSubtaskDrop, *r);
      return false;
  }
}

bool Generator::end_mistake(const Activation& a, uint32_t which, Draft& d) {
  const Memo& memo = memos_[a.instance];
  const auto is_end = [](const Holding& h) { return h.kind <= Holding::Kind::kWritable; };
  const auto some_end = [&](auto&& wanted) {
    return held_register(a.instance, d, [&](uint32_t r, const Holding& h) { return is_end(h) && wanted(r, h); });
  };
  // A canon for this end: the n-th of those of streams, on the right side and with the right element.
  const auto canon = [&](uint32_t r, Op readable, std::optional<bool> async_) {
    const Holding& h = memo.held.at(r);
    const size_t shift =
        (h.type.kind == Kind::kFuture ? static_cast<size_t>(Op::kFutureNew) - static_cast<size_t>(Op::kStreamNew) : 0) +
        (h.kind == Holding::Kind::kWritable ? 1 : 0);
    const auto kind = static_cast<Op>(static_cast<size_t>(readable) + shift);
    return find_canon(a.instance, [&](const Canon& c) {
      return c.kind == kind && c.element == h.type.children[0] && (!async_ || c.async_ == *async_);
    });
  };
  const auto about = [&](uint32_t r, uint32_t found) {
    if (found == kNone) return false;
    d.op.canon = found;
    d.op.kind = scenario_.instances[a.instance].canons[found].kind;
    d.op.args.push_back(reg(r));
    return true;
  };
  const auto copying = [&](uint32_t r, const Holding&) { return is_copying(a.instance, r); };
  const auto idle = [&](uint32_t r, const Holding&) { return is_idle(a.instance, r); };
  const auto joined = [&](uint32_t r, const Holding&) { return view_->joined(a.instance, handle_in(a.instance, r)); };
  const auto done = [&](uint32_t r, const Holding&) {
    return view_->end_state(a.instance, handle_in(a.instance, r)) == EndKnowledge::kDone;
  };
  // It is in a set, or is put into one.
  const auto in_some_set = [&](uint32_t reg_) {
    if (view_->joined(a.instance, handle_in(a.instance, reg_))) return true;
    const auto set = set_register(a.instance);
    if (!set) return false;
    traces::Operation& join = d.before.emplace_back();
    join.kind = Op::kWaitableJoin;
    join.canon = find_canon(a.instance, Op::kWaitableJoin);
    join.args = {reg(reg_), reg(*set)};
    return true;
  };
  std::optional<uint32_t> r;
  switch (which) {
    case 0:  // another copy, while one is pending
      r = some_end(copying);
      if (!r) return false;
      d.op.canon = canon(*r, Op::kStreamRead, random_.chance(70));
      if (d.op.canon == kNone || !copy_through(a, d.op.canon, *r, d)) return false;
      d.op.guard.reset();
      return true;
    case 1:  // after the end
      r = some_end(done);
      if (!r) return false;
      d.op.canon = canon(*r, Op::kStreamRead, random_.chance(70));
      if (d.op.canon == kNone || !copy_through(a, d.op.canon, *r, d)) return false;
      d.op.guard.reset();
      return true;
    case 2:  // synchronously, though it is in a set
      r = some_end([&](uint32_t reg_, const Holding& h) { return joined(reg_, h) && copying(reg_, h); });
      return r && about(*r, canon(*r, Op::kStreamCancelRead, false));
    case 10:
      r = some_end(idle);
      if (!r || !in_some_set(*r)) return false;
      d.op.canon = canon(*r, Op::kStreamRead, false);
      if (d.op.canon == kNone || !copy_through(a, d.op.canon, *r, d)) return false;
      d.op.guard.reset();
      return true;
    case 3:  // nothing to cancel
      r = some_end(idle);
      return r && about(*r, canon(*r, Op::kStreamCancelRead, std::nullopt));
    case 4:  // too early
      r = some_end(copying);
      return r && about(*r, canon(*r, Op::kStreamDropReadable, std::nullopt));
    case 5:  // never written
      r = some_end([&](uint32_t reg_, const Holding& h) {
        return h.kind == Holding::Kind::kWritable && h.type.kind == Kind::kFuture && !done(reg_, h);
      });
      return r && about(*r, canon(*r, Op::kStreamDropReadable, std::nullopt));
    case 6: {  // a bad buffer
      r = some_end(idle);
      if (!r) return false;
      const uint32_t found = canon(*r, Op::kStreamRead, random_.chance(70));
      if (!about(*r, found)) return false;
      const Canon& c = scenario_.instances[a.instance].canons[found];
      const bool future = c.kind == Op::kFutureRead || c.kind == Op::kFutureWrite;
      const bool large = random_.chance(50);
      const uint64_t bad = c.memory == kNone ? 8 : bad_area(a.instance, c.memory);
      const uint32_t good = buffer(64);
      d.op.args.push_back(literal(large && !future ? good : bad));
      if (!future) d.op.args.push_back(literal(large ? random_.pick(kFarTooMany) : random_.between(1, 3)));
      return true;
    }
    case 7: {  // with the canon of another type
      r = some_end(idle);
      if (!r) return false;
      const Holding& h = memo.held.at(*r);
      const uint32_t right = canon(*r,
                                   random_.pick(std::to_array<Op>({Op::kStreamRead, Op::kStreamRead,
                                                                   Op::kStreamCancelRead, Op::kStreamDropReadable})),
                                   std::nullopt);
      if (right == kNone) return false;
      const Op kind = scenario_.instances[a.instance].canons[right].kind;
      const uint32_t found =
          find_canon(a.instance, [&](const Canon& c) { return c.kind == kind && c.element != h.type.children[0]; });
      if (!about(*r, found)) return false;
      const Canon& c = scenario_.instances[a.instance].canons[found];
      const bool stream_copy = c.kind == Op::kStreamRead || c.kind == Op::kStreamWrite;
      if (stream_copy || c.kind == Op::kFutureRead || c.kind == Op::kFutureWrite)
        d.op.args.push_back(literal(buffer(64)));
      if (stream_copy) d.op.args.push_back(literal(random_.below(3)));
      return true;
    }
    case 8: {  // both ends in one instance, though it carries more than numbers
      r = some_end([&](uint32_t reg_, const Holding& h) {
        return h.pair != 0 && is_idle(a.instance, reg_) && h.type.children[0].kind > Kind::kS64;
      });
      if (!r) return false;
      d.op.canon = canon(*r, Op::kStreamRead, true);
      return d.op.canon != kNone && copy_through(a, d.op.canon, *r, d);
    }
    default: {  // given away, though it is busy, in a set, over, or the wrong end
      auto some = some_end([&](uint32_t reg_, const Holding& h) {
        return copying(reg_, h) || joined(reg_, h) || done(reg_, h) || h.kind == Holding::Kind::kWritable;
      });
      if (!some || random_.chance(40)) {
        some = some_end(
            [&](uint32_t reg_, const Holding& h) { return h.kind == Holding::Kind::kReadable && idle(reg_, h); });
        if (some && !in_some_set(*some)) return false;
      }
      const uint32_t call = find_canon(a.instance, [&](const Canon& c) {
        if (c.kind != Op::kCall) return false;
        const traces::FuncType& t = callee_type(scenario_, c.callee);
        return std::any_of(t.params.begin(), t.params.end(),
                           [&](const ValueType& p) { return some && p == memo.held.at(*some).type; });
      });
      if (!some || call == kNone || !call_through(a, call, d, 1)) return false;
      for (Operand& operand : d.op.args)
        if (operand.is_register && operand.value >= kReadableRegisters.first &&
            operand.value < kReadableRegisters.first + kReadableRegisters.count)
          operand = reg(*some);
      return true;
    }
  }
}

// Resources, threads and error contexts.
bool Generator::mistake_with_handle(const Activation& a, Draft& d) {
  const auto some = [&](auto&& wanted) {
    return held_register(a.instance, d, [&](uint32_t, const Holding& h) { return wanted(h); });
  };
  const auto use = [&](Op kind, uint32_t canon, Operand operand) {
    if (canon == kNone) return false;
    d.op.kind = kind;
    d.op.canon = canon;
    d.op.args.push_back(operand);
    return true;
  };
  switch (random_.below(7)) {
    case 0:  // while it is lent
      if (const auto r = some([&](const Holding& h) { return is_lent(a.instance, h); })) {
        const uint32_t resource = memos_[a.instance].held.at(*r).resource;
        const uint32_t canon = find_canon(
            a.instance, [&](const Canon& c) { return c.kind == Op::kResourceDrop && c.resource == resource; });
        return use(Op::kResourceDrop, canon, reg(*r));
      }
      return false;
    case 1:  // as another type, or twice
      if (const auto r = some([](const Holding& h) { return h.resource != kNone; })) {
        const Op kind = random_.chance(40) ? Op::kResourceDrop : Op::kResourceRep;
        const uint32_t resource = memos_[a.instance].held.at(*r).resource;
        const uint32_t canon =
            find_canon(a.instance, [&](const Canon& c) { return c.kind == kind && c.resource != resource; });
        return use(kind, canon == kNone ? find_canon(a.instance, kind) : canon, reg(*r));
      }
      return false;
    case 2: {  // no resource at all
      const Op kind = random_.chance(50) ? Op::kResourceDrop : Op::kResourceRep;
      return use(kind, find_canon(a.instance, kind), some_handle(a));
    }
    case 3: {  // an entry that is null, of another type, or not there
      const uint32_t canon = find_canon(a.instance, Op::kThreadNewIndirect);
      if (canon == kNone) return false;
      const Canon& c = scenario_.instances[a.instance].canons[canon];
      const auto entries = static_cast<uint32_t>(scenario_.instances[a.instance].tables[c.table].size());
      use(Op::kThreadNewIndirect, canon, literal(random_.below(entries + 2)));
      const uint32_t argument = next_key_++;
      makers_[argument] = {kNone, 0};
      d.op.args.push_back(literal(argument));
      return true;
    }
    case 4: {  // a thread that is not suspended, or is over
      static constexpr std::array<Op, 5> kKinds = {Op::kThreadResumeLater, Op::kThreadSuspendThenResume,
                                                   Op::kThreadYieldThenResume, Op::kThreadSuspendThenPromote,
                                                   Op::kThreadYieldThenPromote};
      const Op kind = random_.pick(kKinds);
      const auto r = some([](const Holding& h) { return h.kind == Holding::Kind::kThread; });
      return use(kind, find_canon(a.instance, kind), r ? reg(*r) : literal(random_.between(0, 3)));
    }
    case 5: {
      const Op kind = random_.chance(50) ? Op::kErrorContextDrop : Op::kErrorContextDebugMessage;
      const uint32_t canon = find_canon(a.instance, kind);
      if (!use(kind, canon, some_handle(a))) return false;
      if (kind == Op::kErrorContextDebugMessage) d.op.args.push_back(literal(buffer(16)));
      return true;
    }
    default: {
      const uint32_t canon = find_canon(a.instance, Op::kErrorContextNew);
      if (canon == kNone) return false;
      const uint32_t memory = scenario_.instances[a.instance].canons[canon].memory;
      use(Op::kErrorContextNew, canon, literal(bad_area(a.instance, memory)));
      d.op.args.push_back(literal(random_.chance(50) ? random_.between(1, 20) : random_.pick(kFarTooMany)));
      return true;
    }
  }
}

// A built-in with a handle that is there, but of another kind or another type.
bool Generator::mistake_of_kind(const Activation& a, Draft& d) {
  const Memo& memo = memos_[a.instance];
  const Instance& inst = scenario_.instances[a.instance];
  struct Known {
    uint32_t in;           // a register
    std::vector<Op> fit;   // operations that take one as their first operand, of any type
    const Holding* holds;  // of ends and resources
  };
  std::vector<Known> known;
  for (uint32_t r = kSubtaskRegisters.first; r < kSubtaskRegisters.first + kSubtaskRegisters.count; ++r)
    if (view_->subtask_state(a.instance, handle_in(a.instance, r)))
      known.push_back({r, {Op::kSubtaskCancel, Op::kSubtaskDrop, Op::kWaitableJoin}, nullptr});
  for (const uint32_t r : memo.live_sets)
    known.push_back({r, {Op::kWaitableSetWait, Op::kWaitableSetPoll, Op::kWaitableSetDrop}, nullptr});
  for (const auto& [r, h] : memo.held) {
    if (handle_in(a.instance, r) == 0) continue;
    switch (h.kind) {
      case Holding::Kind::kReadable:
      case Holding::Kind::kWritable: {
        Known& k = known.emplace_back(Known{r, {Op::kWaitableJoin}, &h});
        const size_t first = static_cast<size_t>(h.type.kind == Kind::kFuture ? Op::kFutureNew : Op::kStreamNew) +
                             (h.kind == Holding::Kind::kWritable ? 1 : 0);
        for (const Op op : {Op::kStreamRead, Op::kStreamCancelRead, Op::kStreamDropReadable})
          k.fit.push_back(static_cast<Op>(first + static_cast<size_t>(op) - static_cast<size_t>(Op::kStreamNew)));
        break;
      }
      case Holding::Kind::kOwn:
      case Holding::Kind::kBorrow:
        known.push_back({r, {Op::kResourceDrop, Op::kResourceRep}, &h});
        break;
      case Holding::Kind::kErrorContext:
        known.push_back({r, {Op::kErrorContextDebugMessage, Op::kErrorContextDrop}, nullptr});
        break;
      case Holding::Kind::kThread:
        break;
    }
  }
  if (known.empty()) return false;
  const Known& k = random_.pick(known);
  std::map<Op, std::vector<uint32_t>> canons;
  for (uint32_t c = 0; c < inst.canons.size(); ++c) {
    const Canon& canon = inst.canons[c];
    const bool end =
        traces::is_stream_or_future(canon.kind) && canon.kind != Op::kStreamNew && canon.kind != Op::kFutureNew;
    const bool resource = canon.kind == Op::kResourceDrop || canon.kind == Op::kResourceRep;
    const bool takes_one = end || resource || canon.kind == Op::kSubtaskCancel || canon.kind == Op::kSubtaskDrop ||
                           canon.kind == Op::kWaitableJoin || canon.kind == Op::kWaitableSetWait ||
                           canon.kind == Op::kWaitableSetPoll || canon.kind == Op::kWaitableSetDrop ||
                           canon.kind == Op::kErrorContextDebugMessage || canon.kind == Op::kErrorContextDrop;
    if (!takes_one) continue;
    const bool fits = std::find(k.fit.begin(), k.fit.end(), canon.kind) != k.fit.end();
    // Also as the second operand, where a set is wanted.
    if (fits && !(end && canon.element != k.holds->type.children[0]) &&
        !(resource && canon.resource != k.holds->resource) && canon.kind != Op::kWaitableJoin)
      continue;
    // Another type is rarer than another kind.
    canons[canon.kind].insert(canons[canon.kind].end(), fits && canon.kind != Op::kWaitableJoin ? 8 : 1, c);
  }
  if (canons.empty()) return false;
  auto it = canons.begin();
  std::advance(it, random_.below(static_cast<uint32_t>(canons.size())));
  const auto of_other_type =
      std::find_if(canons.begin(), canons.end(), [](const auto& p) { return p.second.size() >= 8; });
  if (of_other_type != canons.end() && random_.chance(30)) it = of_other_type;
  d.op.canon = random_.pick(it->second);
  const Canon& canon = inst.canons[d.op.canon];
  d.op.kind = canon.kind;
  d.op.args.push_back(reg(k.in));
  const auto pass = [&](uint64_t value) { d.op.args.push_back(literal(value)); };
  switch (canon.kind) {
    case Op::kWaitableJoin:
      d.op.args.push_back(reg(k.in));
      break;
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll:
      pass(area(a.instance, canon.memory));
      break;
    case Op::kStreamRead:
    case Op::kStreamWrite:
      pass(buffer(64));
      pass(random_.below(3));
      break;
    case Op::kFutureRead:
    case Op::kFutureWrite:
    case Op::kErrorContextDebugMessage:
      pass(buffer(64));
      break;
    default:
      break;
  }
  return true;
}

Operand Generator::some_handle(const Activation& a) {
  const auto in = [&](RegisterRange range) { return reg(range.first + random_.below(range.count)); };
  const uint32_t what = random_.below(8);
  switch (what) {
    case 0:
      return literal(0);
    case 1:
      return literal(random_.between(1, 6));
    case 2:
      return literal(1000 + random_.below(5));
    case 3:
    case 4:
      return in(kSetRegisters);
    default:
      break;
  }
  if (rich_ && random_.chance(70)) {
    if (random_.chance(70))
      if (const auto r = held_register(a.instance, {}, [](uint32_t, const Holding&) { return true; })) return reg(*r);
    static constexpr std::array<RegisterRange, 5> kRanges = {kReadableRegisters, kWritableRegisters, kResourceRegisters,
                                                             kThreadRegisters, kErrorContextRegisters};
    return in(random_.pick(kRanges));
  }
  return in(kSubtaskRegisters);
}

// A bad address is a failed assertion of definitions.py in some places and ends the case: rarely.
Operand Generator::some_address(const Activation& a, uint32_t memory) {
  if (memory == kNone) return literal(0);
  return literal(random_.chance(4) ? bad_area(a.instance, memory) : area(a.instance, memory));
}

// A built-in of any kind, with operands that may well be wrong.
bool Generator::some_builtin(const Activation& a, Draft& d) {
  const Instance& inst = scenario_.instances[a.instance];
  std::vector<Op> kinds;
  for (const Canon& c : inst.canons)
    if (std::find(kinds.begin(), kinds.end(), c.kind) == kinds.end()) kinds.push_back(c.kind);
  const Op kind = random_.pick(kinds);
  const uint32_t canon = find_canon(a.instance, kind);
  const Canon& c = inst.canons[canon];
  if (kind == Op::kCall) return call_through(a, canon, d, 1);
  d.op.kind = kind;
  d.op.canon = canon;
  const auto pass = [&](Operand operand) { d.op.args.push_back(operand); };
  switch (kind) {
    case Op::kTaskReturn: {
      if (!c.result) break;
      const Place at = place(a.instance, c.memory);
      const size_t flat = traces::flatten(*c.result, at.pointers).size();
      return lower_result(a, *c.result, at, flat > traces::kMaxFlatParams, d);
    }
    case Op::kContextSet:
      pass(some_value());
      break;
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll:
    case Op::kFutureRead:
    case Op::kFutureWrite:
      pass(some_handle(a));
      pass(some_address(a, c.memory));
      break;
    case Op::kErrorContextDebugMessage:
      pass(some_handle(a));
      pass(literal(buffer(16)));
      break;
    case Op::kStreamRead:
    case Op::kStreamWrite:
      pass(some_handle(a));
      pass(some_address(a, c.memory));
      pass(literal(random_.chance(10) ? random_.pick(kFarTooMany) : random_.below(5)));
      break;
    case Op::kErrorContextNew:
      pass(some_address(a, c.memory));
      pass(literal(random_.chance(10) ? random_.pick(kFarTooMany) : random_.below(9)));
      break;
    case Op::kWaitableJoin:
      pass(some_handle(a));
      pass(some_handle(a));
      break;
    case Op::kThreadNewIndirect: {
      const uint32_t argument = next_key_++;
      makers_[argument] = {kNone, 0};
      pass(literal(random_.below(6)));
      pass(literal(argument));
      break;
    }
    case Op::kResourceNew:
      pass(literal(next_key_++));
      break;
    case Op::kContextGet:
    case Op::kBackpressureInc:
    case Op::kBackpressureDec:
    case Op::kTaskCancel:
    case Op::kWaitableSetNew:
    case Op::kThreadIndex:
    case Op::kThreadYield:
    case Op::kThreadSuspend:
    case Op::kStreamNew:
    case Op::kFutureNew:
      break;
    default:
      pass(some_handle(a));
      break;
  }
  return true;
}

}  // namespace lockstep::diff
