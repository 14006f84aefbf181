// Steps: streams, futures, resources, threads, error contexts; and memory.
#include <algorithm>
#include <array>

#include "diff/generator.h"

namespace lockstep::diff {

using traces::Canon;
using traces::Context;
using traces::GuardKind;
using traces::IndexType;
using traces::kNone;
using traces::Op;
using traces::Operation;
using traces::TableEntry;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

// The two ends of a stream or future may be in one instance only if it carries numbers, or nothing.
bool is_none_or_number(const ValueType& t) {
  return t.kind == Kind::kNone || (t.kind > Kind::kBool && t.kind <= Kind::kS64);
}

// The operation on an end of this type that has this one's place among those of streams.
Op of_end(const ValueType& t, Op stream) {
  const size_t shift =
      t.kind == Kind::kFuture ? static_cast<size_t>(Op::kFutureNew) - static_cast<size_t>(Op::kStreamNew) : 0;
  return static_cast<Op>(static_cast<size_t>(stream) + shift);
}

}  // namespace

// ---- streams and futures

bool Generator::draw_end_new(const Activation& a, Draft& d) {
  d.op.canon =
      find_canon(a.instance, [](const Canon& c) { return c.kind == Op::kStreamNew || c.kind == Op::kFutureNew; });
  if (d.op.canon == kNone) return false;
  const Canon& c = scenario_.instances[a.instance].canons[d.op.canon];
  d.op.kind = c.kind;
  Holding h;
  h.type = ValueType(c.kind == Op::kStreamNew ? Kind::kStream : Kind::kFuture, {c.element});
  h.pair = next_pair_++;
  d.op.to = hold(a.instance, d, h);
  h.kind = Holding::Kind::kWritable;
  d.op.also = hold(a.instance, d, h);
  return true;
}

bool Generator::draw_copy(const Activation& a, Draft& d) {
  const auto& held = memos_[a.instance].held;
  const bool async_ = random_.chance(64) || !may_block(a);
  const auto end = held_register(a.instance, d, [&](uint32_t r, const Holding& h) {
    if (h.kind > Holding::Kind::kWritable || !is_idle(a.instance, r)) return false;
    if (!async_ && view_->joined(a.instance, handle_in(a.instance, r))) return false;
    if (h.pair == 0 || is_none_or_number(h.type.children[0])) return true;
    // What carries more has its other end elsewhere.
    return std::none_of(held.begin(), held.end(),
                        [&](const auto& other) { return other.first != r && other.second.pair == h.pair; });
  });
  if (!end) return false;
  const Holding& h = held.at(*end);
  const Op kind = of_end(h.type, h.kind == Holding::Kind::kReadable ? Op::kStreamRead : Op::kStreamWrite);
  const uint32_t canon = find_canon(a.instance, [&](const Canon& c) {
    return c.kind == kind && c.async_ == async_ && c.element == h.type.children[0];
  });
  return canon != kNone && copy_through(a, canon, *end, d);
}

bool Generator::copy_through(const Activation& a, uint32_t canon, uint32_t end, Draft& d) {
  const Canon& c = scenario_.instances[a.instance].canons[canon];
  const bool read = c.kind == Op::kStreamRead || c.kind == Op::kFutureRead;
  const bool future = c.kind == Op::kFutureRead || c.kind == Op::kFutureWrite;
  const bool own = c.element.kind == Kind::kOwn;
  const Place at = place(a.instance, c.memory);
  uint32_t count = 1;
  if (!future) count = random_.pick(std::to_array<uint32_t>({0, 1, 1, 2, 3, 4, 4, 6, 9, 16}));
  if (own) count = std::min(count, 2u);
  uint32_t address = 8 * random_.below(4);
  if (c.element.kind != Kind::kNone) {
    const uint32_t size = traces::size(c.element, at.pointers);
    address = buffer(size * count);
    if (!read && (!is_none_or_number(c.element) || random_.chance(60))) {
      Operands words((size * count + 3) / 4, literal(0));
      for (uint32_t i = 0; i < count; ++i)
        if (!lower_words(a, at, c.element, d, words, i * size)) return false;
      // What a number is matters little: the first few are enough.
      if (is_none_or_number(c.element)) words.resize(std::min(words.size(), size_t{6}));
      store_words(at, address, words, d);
    }
    if (read && own && count > 0) {
      // What is there afterwards came with the copy, or is 0.
      for (uint32_t i = 0; i < count; ++i) {
        Operation& o = d.before.emplace_back();
        o.kind = Op::kStore;
        o.memory = c.memory;
        o.args = {literal(address + 4 * i), literal(0)};
      }
      memos_[a.instance].arrivals.push_back({kNone, end, c.memory, address, c.element});
    } else if (read) {
      std::vector<std::pair<uint32_t, uint32_t>>& areas = memos_[a.instance].areas;
      if (areas.size() < 16) areas.emplace_back(c.memory, address);
    }
  }
  d.op.kind = c.kind;
  d.op.canon = canon;
  d.op.args = {reg(end), literal(address)};
  if (!future) d.op.args.push_back(literal(count));
  guard(d.op, GuardKind::kCopying, true, end);
  return true;
}

bool Generator::draw_cancel_copy(const Activation& a, Draft& d) {
  const bool async_ = random_.chance(60);
  const auto end = copying_register(a.instance, async_ ? std::nullopt : std::optional(false));
  if (!end) return false;
  const Holding& h = memos_[a.instance].held.at(*end);
  if (h.kind > Holding::Kind::kWritable) return false;
  d.op.kind = of_end(h.type, h.kind == Holding::Kind::kReadable ? Op::kStreamCancelRead : Op::kStreamCancelWrite);
  d.op.canon = find_canon(a.instance, [&](const Canon& c) {
    return c.kind == d.op.kind && c.async_ == async_ && c.element == h.type.children[0];
  });
  if (d.op.canon == kNone) return false;
  d.op.args.push_back(reg(*end));
  guard(d.op, GuardKind::kCopying, false, *end);
  return true;
}

bool Generator::draw_drop_end(const Activation& a, Draft& d) {
  const auto end = held_register(a.instance, d, [&](uint32_t r, const Holding& h) {
    if (h.kind > Holding::Kind::kWritable || is_copying(a.instance, r)) return false;
    // A future has to be written first.
    return h.kind == Holding::Kind::kReadable || h.type.kind == Kind::kStream ||
           view_->end_state(a.instance, handle_in(a.instance, r)) == EndKnowledge::kDone;
  });
  if (!end) return false;
  const Holding& h = memos_[a.instance].held.at(*end);
  d.op.kind = of_end(h.type, h.kind == Holding::Kind::kReadable ? Op::kStreamDropReadable : Op::kStreamDropWritable);
  d.op.canon =
      find_canon(a.instance, [&](const Canon& c) { return c.kind == d.op.kind && c.element == h.type.children[0]; });
  if (d.op.canon == kNone) return false;
  d.op.args.push_back(reg(*end));
  guard(d.op, GuardKind::kCopying, true, *end);
  d.taken.push_back(*end);
  return true;
}

// ---- resources

bool Generator::draw_resource_new(const Activation& a, Draft& d) {
  d.op.kind = Op::kResourceNew;
  d.op.canon = find_canon(a.instance, Op::kResourceNew);
  if (d.op.canon == kNone) return false;
  d.op.args.push_back(literal(next_key_++));
  Holding h;
  h.kind = Holding::Kind::kOwn;
  h.resource = scenario_.instances[a.instance].canons[d.op.canon].resource;
  d.op.to = hold(a.instance, d, h);
  return true;
}

bool Generator::draw_resource_rep(const Activation& a, Draft& d) {
  const auto r = held_register(a.instance, d, [&](uint32_t, const Holding& h) {
    return h.kind == Holding::Kind::kOwn && scenario_.resources[h.resource].instance == a.instance;
  });
  if (!r) return false;
  d.op.kind = Op::kResourceRep;
  const uint32_t resource = memos_[a.instance].held.at(*r).resource;
  d.op.canon =
      find_canon(a.instance, [&](const Canon& c) { return c.kind == Op::kResourceRep && c.resource == resource; });
  d.op.args.push_back(reg(*r));
  guard(d.op, GuardKind::kNonzero, false, *r);
  return d.op.canon != kNone;
}

bool Generator::draw_resource_drop(const Activation& a, Draft& d) {
  const auto r = held_register(a.instance, d, [&](uint32_t, const Holding& h) {
    return (h.kind == Holding::Kind::kOwn || (h.kind == Holding::Kind::kBorrow && h.owner == owner_of(a))) &&
           !is_lent(a.instance, h);
  });
  if (!r) return false;
  d.op.kind = Op::kResourceDrop;
  const uint32_t resource = memos_[a.instance].held.at(*r).resource;
  d.op.canon =
      find_canon(a.instance, [&](const Canon& c) { return c.kind == Op::kResourceDrop && c.resource == resource; });
  if (d.op.canon == kNone) return false;
  d.op.args.push_back(reg(*r));
  guard(d.op, GuardKind::kNonzero, false, *r);
  d.taken.push_back(*r);
  if (random_.chance(20)) probe_slot(a.instance, d);
  return true;
}

// ---- threads

bool Generator::draw_thread_new(const Activation& a, Draft& d) {
  d.op.kind = Op::kThreadNewIndirect;
  d.op.canon = find_canon(a.instance, Op::kThreadNewIndirect);
  if (d.op.canon == kNone) return false;
  const Canon& c = scenario_.instances[a.instance].canons[d.op.canon];
  const std::vector<TableEntry>& table = scenario_.instances[a.instance].tables[c.table];
  const TableEntry wanted = c.index == IndexType::kI32 ? TableEntry::kI32 : TableEntry::kI64;
  std::vector<uint32_t> fitting;
  for (uint32_t i = 0; i < table.size(); ++i)
    if (table[i] == wanted) fitting.push_back(i);
  if (fitting.empty()) return false;
  // Each argument is used once, so that no thread can come back to itself.
  const uint32_t argument = next_key_++;
  uint32_t function = kNone;
  if (const traces::Function* f = function_of(a)) function = static_cast<uint32_t>(f - scenario_.functions.data());
  makers_[argument] = {function, owner_of(a)};
  uint64_t whole = argument;
  if (c.index == IndexType::kI64 && random_.chance(50)) whole |= random_.next() << 32;
  d.op.args = {literal(random_.pick(fitting)), literal(whole)};
  Holding h;
  h.kind = Holding::Kind::kThread;
  d.op.to = hold(a.instance, d, h);
  return true;
}

bool Generator::draw_thread_resume(const Activation& a, Draft& d) {
  const auto r = held_register(a.instance, d, [&](uint32_t reg_, const Holding& h) {
    return h.kind == Holding::Kind::kThread &&
           (h.parked || (!h.started && view_->suspended(a.instance, handle_in(a.instance, reg_))));
  });
  if (!r) return false;
  Holding& h = memos_[a.instance].held.at(*r);
  const bool blocks = may_block(a);
  static constexpr std::array<Op, 3> kKinds = {Op::kThreadResumeLater, Op::kThreadYieldThenResume,
                                               Op::kThreadSuspendThenResume};
  d.op.kind = kKinds[random_.weighted(std::to_array<uint32_t>({45, 30, blocks ? 14u : 0u}))];
  d.op.canon = d.op.kind == Op::kThreadResumeLater
                   ? find_canon(a.instance, d.op.kind)
                   : find_canon(a.instance, d.op.kind, &Canon::cancellable, random_.chance(60));
  d.op.args.push_back(reg(*r));
  // A thread that suspended itself is known to nobody but those that it told.
  if (h.parked)
    guard(d.op, GuardKind::kNonzero, false, *r);
  else
    guard(d.op, GuardKind::kSuspended, false, *r);
  h.parked = false;
  h.started = true;
  if (d.op.kind == Op::kThreadSuspendThenResume) park(a, d);
  return true;
}

// A thread that is about to suspend itself says where it can be found.
void Generator::park(const Activation& a, Draft& d) {
  Holding h;
  h.kind = Holding::Kind::kThread;
  h.parked = true;
  Operation o;
  o.kind = Op::kThreadIndex;
  o.canon = find_canon(a.instance, Op::kThreadIndex);
  o.to = hold(a.instance, d, h);
  d.before.push_back(std::move(o));
}

bool Generator::draw_thread_suspend(const Activation& a, Draft& d) {
  if (!may_block(a)) return false;
  d.op.kind = Op::kThreadSuspend;
  d.op.canon = find_canon(a.instance, Op::kThreadSuspend, &Canon::cancellable, random_.chance(70));
  if (d.op.canon == kNone) return false;
  // thread.index promotes a native frame; without it, it is the suspension that does.
  const Function* f = function_of(a);
  if (f == nullptr || f->type.async_ || random_.chance(30)) park(a, d);
  return true;
}

bool Generator::draw_thread_promote(const Activation& a, Draft& d) {
  const auto r =
      held_register(a.instance, d, [&](uint32_t, const Holding& h) { return h.kind == Holding::Kind::kThread; });
  if (!r) return false;
  const bool suspend = may_block(a) && random_.chance(40);
  d.op.kind = suspend ? Op::kThreadSuspendThenPromote : Op::kThreadYieldThenPromote;
  d.op.canon = find_canon(a.instance, d.op.kind, &Canon::cancellable, random_.chance(60));
  d.op.args.push_back(reg(*r));
  // The thread may be over, and then this traps: only one that was seen suspended, or has parked, is surely there.
  if (!view_->suspended(a.instance, handle_in(a.instance, *r)) && !memos_[a.instance].held.at(*r).parked &&
      !random_.chance(8))
    return false;
  guard(d.op, GuardKind::kNonzero, false, *r);
  if (suspend) park(a, d);
  return true;
}

// Blocks so that it can be cancelled.
bool Generator::draw_thread_block(const Activation& a, Draft& d) {
  if (!may_block(a)) return false;
  if (random_.chance(25) && draw_set_wait(a, d)) return true;
  d = Draft();
  d.op.kind = random_.chance(55) ? Op::kThreadSuspend : Op::kThreadYield;
  d.op.canon = find_canon(a.instance, d.op.kind, &Canon::cancellable, random_.chance(92));
  if (d.op.kind == Op::kThreadSuspend) park(a, d);
  return d.op.canon != kNone;
}

// Makes a thread and switches to it, so that both wait when that one blocks.
bool Generator::draw_thread_pair(const Activation& a, Draft& d) {
  if (!may_block(a) || !draw_thread_new(a, d)) return false;
  const uint32_t partner = d.op.to;
  partners_.insert(static_cast<uint32_t>(d.op.args[1].value));
  d.got.back().second.started = true;
  d.before.push_back(std::move(d.op));
  static constexpr std::array<Op, 4> kKinds = {Op::kThreadYieldThenResume, Op::kThreadSuspendThenResume,
                                               Op::kThreadYieldThenPromote, Op::kThreadSuspendThenPromote};
  d.op = Operation();
  d.op.kind = kKinds[random_.weighted(std::to_array<uint32_t>({34, 26, 14, 26}))];
  d.op.canon = find_canon(a.instance, d.op.kind, &Canon::cancellable, random_.chance(85));
  d.op.args.push_back(reg(partner));
  const bool promotes = d.op.kind == Op::kThreadYieldThenPromote || d.op.kind == Op::kThreadSuspendThenPromote;
  if (promotes && random_.chance(75)) {
    Operation& later = d.before.emplace_back();
    later.kind = Op::kThreadResumeLater;
    later.canon = find_canon(a.instance, later.kind);
    later.args.push_back(reg(partner));
  }
  if (d.op.kind == Op::kThreadSuspendThenResume || d.op.kind == Op::kThreadSuspendThenPromote) park(a, d);
  return true;
}

// ---- error contexts

bool Generator::draw_error_context(const Activation& a, Draft& d) {
  const auto r =
      held_register(a.instance, d, [](uint32_t, const Holding& h) { return h.kind == Holding::Kind::kErrorContext; });
  const uint32_t what = r ? random_.below(3) : 0;
  static constexpr std::array<Op, 3> kKinds = {Op::kErrorContextNew, Op::kErrorContextDebugMessage,
                                               Op::kErrorContextDrop};
  d.op.kind = kKinds[what];
  d.op.canon = find_canon(a.instance, d.op.kind);
  if (d.op.canon == kNone) return false;
  const uint32_t memory = scenario_.instances[a.instance].canons[d.op.canon].memory;
  switch (what) {
    case 0: {
      const auto range = lower_range(a, place(a.instance, memory), ValueType(Kind::kString), d);
      d.op.args = {literal(range->first), literal(range->second)};
      Holding h;
      h.kind = Holding::Kind::kErrorContext;
      d.op.to = hold(a.instance, d, h);
      return true;
    }
    case 1:
      d.op.args = {reg(*r), literal(buffer(16))};
      if (random_.chance(40)) probe_slot(a.instance, d);
      return true;
    default:
      d.op.args = {reg(*r)};
      d.taken.push_back(*r);
      return true;
  }
}

// ---- memory and parameters

bool Generator::draw_load(const Activation& a, Draft& d) {
  const Memo& memo = memos_[a.instance];
  if (memo.areas.empty()) return false;
  const auto [memory, address] = random_.pick(memo.areas);
  d.op.kind = Op::kLoad;
  d.op.memory = memory;
  if (memory == kNone || random_.chance(15))
    d.op.memory = random_.below(static_cast<uint32_t>(scenario_.instances[a.instance].memories.size()));
  d.op.args.push_back(literal(address));
  if (random_.chance(20)) d.op.to = kValueRegisters.first + random_.below(kValueRegisters.count);
  return true;
}

bool Generator::draw_store(const Activation& a, Draft& d) {
  d.op.kind = Op::kStore;
  d.op.memory = random_.below(static_cast<uint32_t>(scenario_.instances[a.instance].memories.size()));
  const uint32_t address = area(a.instance, d.op.memory);
  d.op.args = {literal(address), some_value()};
  return true;
}

bool Generator::draw_param(const Activation& a, Draft& d) {
  uint32_t count = 1;
  switch (a.context) {
    case Context::kBody:
      count = traces::lifted_params(scenario_.functions[a.function].type, IndexType::kI32);
      break;
    case Context::kCallback:
      count = 3;
      break;
    case Context::kRealloc:
      count = 4;
      break;
    case Context::kStart:
      return false;
    case Context::kPostReturn:
    case Context::kDestructor:
    case Context::kThread:
      break;
  }
  d.op.kind = Op::kParam;
  d.op.args.push_back(literal(random_.below(count)));
  if (random_.chance(60)) d.op.to = kValueRegisters.first + random_.below(kValueRegisters.count);
  return true;
}

}  // namespace lockstep::diff
