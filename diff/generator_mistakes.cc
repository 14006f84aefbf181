// Steps that a careful guest would not take: most end in a trap, and each trap of the specification can be reached.
#include <algorithm>
#include <array>

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
  static constexpr std::array<Step, 5> kSteps = {&Generator::mistake_in_code, &Generator::mistake_with_subtask,
                                                 &Generator::mistake_with_end, &Generator::mistake_with_handle,
                                                 &Generator::some_builtin};
  const bool ends = !end_types_.empty();
  const std::array<uint32_t, 5> weights = {12, 26, ends ? 40u : 0u, old_vocabulary() ? 0u : 24u, 40};
  // Most need something that may not be there now.
  for (int attempt = 0; attempt < 5; ++attempt) {
    d = Draft();
    if ((this->*kSteps[random_.weighted(weights)])(a, d)) return true;
  }
  return false;
}

bool Generator::mistake_in_code(const Activation& a, Draft& d) {
  const Instance& inst = scenario_.instances[a.instance];
  const bool callback = (a.context == Context::kBody || a.context == Context::kCallback) &&
                        scenario_.functions[a.function].lift == Lift::kCallback;
  switch (random_.below(6)) {
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
      d.op.args.push_back(some_handle(a));
      return true;
    case 4: {
      d.op.kind = random_.chance(50) || old_vocabulary() ? Op::kLoad : Op::kStore;
      d.op.memory = random_.below(static_cast<uint32_t>(inst.memories.size()));
      d.op.args.push_back(literal((inst.memories[d.op.memory].pages << 16) - random_.below(8)));
      if (d.op.kind == Op::kStore) d.op.args.push_back(some_value());
      return true;
    }
    default: {
      // Too much backpressure; rare, since it takes 65,536 rounds.
      if (!random_.chance(1)) return false;
      traces::Operation inc;
      inc.kind = Op::kBackpressureInc;
      inc.canon = find_canon(a.instance, Op::kBackpressureInc);
      d.op.kind = Op::kRepeat;
      d.op.times = 1 << 16;
      d.op.body.push_back(inc);
      return true;
    }
  }
}

bool Generator::mistake_with_subtask(const Activation& a, Draft& d) {
  const Function* f = function_of(a);
  const auto about = [&](Op kind, uint32_t r) {
    d.op.kind = kind;
    d.op.canon = find_canon(a.instance, kind);
    d.op.args.push_back(reg(r));
    return true;
  };
  switch (random_.below(7)) {
    case 0:
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

bool Generator::mistake_with_end(const Activation& a, Draft& d) {
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
  std::optional<uint32_t> r;
  switch (random_.below(10)) {
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
      r = some_end([&](uint32_t reg_, const Holding& h) {
        return joined(reg_, h) && (is_copying(a.instance, reg_) || is_idle(a.instance, reg_));
      });
      if (!r) return false;
      if (is_copying(a.instance, *r)) return about(*r, canon(*r, Op::kStreamCancelRead, false));
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
      const auto some = some_end([&](uint32_t reg_, const Holding& h) {
        return copying(reg_, h) || joined(reg_, h) || done(reg_, h) || h.kind == Holding::Kind::kWritable;
      });
      const uint32_t call = find_canon(a.instance, [&](const Canon& c) {
        if (c.kind != Op::kCall) return false;
        const traces::FuncType& t = c.callee.function != kNone ? scenario_.functions[c.callee.function].type
                                                               : scenario_.host_functions[c.callee.host_function].type;
        return std::any_of(t.params.begin(), t.params.end(),
                           [](const ValueType& p) { return p.kind == Kind::kStream || p.kind == Kind::kFuture; });
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
