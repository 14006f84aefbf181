// The host: its program, the aftermath of a trap, and host functions.
#include <algorithm>
#include <array>

#include "diff/generator.h"
#include "traces/validate.h"

namespace lockstep::diff {

using traces::HostOp;
using traces::HostOperation;
using traces::OnCancel;
using traces::ThreadId;
using traces::Token;
using traces::Value;
using traces::ValueType;
using Kind = traces::ValueType::Kind;

namespace {

constexpr size_t kMostHostEnds = 8;  // that the host makes more for

// The types of the ends in a value of this type, in order; what comes after a variant or list is not certain.
void collect_ends(const ValueType& t, std::vector<std::optional<ValueType>>& out, bool& certain) {
  switch (t.kind) {
    case Kind::kStream:
    case Kind::kFuture:
      out.push_back(certain ? std::optional(t) : std::nullopt);
      return;
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant:
    case Kind::kList:
      if (!traces::contains(t, Kind::kStream) && !traces::contains(t, Kind::kFuture)) return;
      certain = false;
      break;
    default:
      break;
  }
  for (const ValueType& c : t.children) collect_ends(c, out, certain);
}

}  // namespace

// ---- values

// Nothing if it takes an end that the host does not have.
std::optional<Value> Generator::host_value(const ValueType& t, bool may_have_ends, std::vector<ThreadId>& taken) {
  const auto children = [&](std::span<const ValueType> types) -> std::optional<std::vector<Value>> {
    std::vector<Value> out;
    for (const ValueType& c : types) {
      auto v = host_value(c, may_have_ends, taken);
      if (!v) return std::nullopt;
      out.push_back(std::move(*v));
    }
    return out;
  };
  switch (t.kind) {
    case Kind::kU32:
      return Value(0x1000 + random_.below(0x7fff'0000));
    case Kind::kString: {
      static constexpr std::array<std::string_view, 6> kTexts = {
          "", "h", "host", "h\xc3\xb6st", "\xf0\x9f\x8f\xa0", "a string of the host's"};
      return Value::string(std::string(random_.pick(kTexts)));
    }
    case Kind::kList: {
      std::vector<Value> out;
      for (uint32_t n = random_.pick(std::to_array<uint32_t>({0, 1, 2, 3})); n > 0; --n) {
        auto v = host_value(t.children[0], may_have_ends, taken);
        if (!v) break;
        out.push_back(std::move(*v));
      }
      return Value::sequence(std::move(out));
    }
    case Kind::kTuple:
    case Kind::kRecord: {
      auto out = children(t.children);
      if (!out) return std::nullopt;
      return Value::sequence(std::move(*out));
    }
    case Kind::kOption:
    case Kind::kResult:
    case Kind::kVariant: {
      const bool option = t.kind == Kind::kOption;
      const auto count = option ? 2 : static_cast<uint32_t>(t.children.size());
      const uint32_t first = random_.below(count);
      for (uint32_t k = 0; k < count; ++k) {
        const uint32_t which = (first + k) % count;
        if (option ? which == 0 : t.children[which].kind == Kind::kNone) return Value::of_case(which);
        auto v = host_value(t.children[option ? 0 : which], may_have_ends, taken);
        if (v) return Value::of_case(which, std::move(*v));
      }
      return std::nullopt;
    }
    case Kind::kOwn:
    case Kind::kBorrow:
      return Value::rep(next_key_++);
    case Kind::kStream:
    case Kind::kFuture: {
      if (!may_have_ends) return std::nullopt;
      std::vector<ThreadId> found;
      for (const HostEnd& e : host_ends_)
        if (!e.writable && e.type == t && view_->host_end(e.id) == EndKnowledge::kIdle &&
            std::find(taken.begin(), taken.end(), e.id) == taken.end())
          found.push_back(e.id);
      if (found.empty()) return std::nullopt;
      taken.push_back(random_.pick(found));
      return Value::of_end(taken.back());
    }
    case Kind::kS8:
      return Value::negative(static_cast<int8_t>(some_bits(t.kind)));
    case Kind::kS16:
      return Value::negative(static_cast<int16_t>(some_bits(t.kind)));
    case Kind::kS32:
      return Value::negative(static_cast<int32_t>(some_bits(t.kind)));
    case Kind::kS64:
      return Value::negative(static_cast<int64_t>(some_bits(t.kind)));
    case Kind::kNone:
      return Value(0);
    default:
      return Value::integer(some_bits(t.kind));
  }
}

Value Generator::host_result(uint32_t host_function) {
  const auto& type = scenario_.host_functions[host_function].type.result;
  if (!type) return Value();
  std::vector<ThreadId> taken;
  auto v = host_value(*type, false, taken);
  return v ? std::move(*v) : traces::zero_of(*type);
}

// The host gets values of these types with this token: ends in them are named by it.
void Generator::receive(Token token, std::span<const ValueType> types) {
  std::vector<std::optional<ValueType>> ends;
  bool certain = true;
  for (const ValueType& t : types) collect_ends(t, ends, certain);
  for (uint32_t k = 0; k < ends.size(); ++k) host_ends_.push_back({{token, k}, ends[k], false});
}

// ---- operations

std::optional<HostOperation> Generator::draw_invoke(uint32_t caller) {
  const bool nested = caller != traces::kNone;
  HostOperation o;
  o.kind = HostOp::kInvoke;
  const auto count = static_cast<uint32_t>(scenario_.functions.size());
  std::vector<ThreadId> taken;
  for (int attempt = 0; attempt < 4; ++attempt) {
    // Later functions have more to call.
    o.function = random_.chance(60) ? count - 1 - random_.below((count + 1) / 2) : random_.below(count);
    // What calls the host is entered, and so is its root: mostly another one.
    const auto root = [&](uint32_t instance) { return traces::root_of(scenario_, instance); };
    if (nested && rich_ && root(scenario_.functions[o.function].instance) == root(caller) && random_.chance(80))
      continue;
    const traces::FuncType& type = scenario_.functions[o.function].type;
    o.args.clear();
    taken.clear();
    for (size_t i = 1; i < type.params.size(); ++i) {
      auto v = host_value(type.params[i], true, taken);
      if (!v) break;
      o.args.push_back(std::move(*v));
    }
    if (o.args.size() + 1 != type.params.size()) continue;
    o.token = next_token_++;
    o.swallow = nested && random_.chance(70);
    if (type.result) receive(o.token, std::span(&*type.result, 1));
    return o;
  }
  return std::nullopt;
}

bool Generator::draw_new_end(HostOperation& o) {
  if (end_types_.empty()) return false;
  const ValueType& t = random_.pick(end_types_);
  o.kind = t.kind == Kind::kStream ? HostOp::kNewStream : HostOp::kNewFuture;
  o.element = t.children[0];
  o.token = next_token_++;
  host_ends_.push_back({{o.token, 0}, t, false});
  host_ends_.push_back({{o.token, 1}, t, true});
  return true;
}

// With an end that the host holds, if there is one.
bool Generator::draw_end_operation(HostOperation& o) {
  std::vector<HostEnd> held;
  for (const HostEnd& e : host_ends_)
    if (view_->host_end(e.id)) held.push_back(e);
  if (held.size() < kMostHostEnds && random_.chance(held.empty() ? 100 : 20)) return draw_new_end(o);
  if (held.empty()) return false;
  const HostEnd& e = random_.pick(held);
  o.end = e.id;
  switch (*view_->host_end(e.id)) {
    case EndKnowledge::kCopying:
      o.kind = HostOp::kCancelCopy;
      return random_.chance(40);
    case EndKnowledge::kDone:
      o.kind = HostOp::kDropEnd;
      return random_.chance(60);
    case EndKnowledge::kIdle:
      break;
  }
  const bool future = e.type && e.type->kind == Kind::kFuture;
  // The host may not have both ends at work, unless they carry numbers.
  const ThreadId other{e.id.task, 1 - std::min(e.id.k, 1u)};
  if (e.type && e.type->children[0].kind > Kind::kS64 && view_->host_end(other) == EndKnowledge::kCopying &&
      !random_.chance(8))
    return false;
  if (random_.chance(16) && !(e.writable && future)) {
    o.kind = HostOp::kDropEnd;
    return true;
  }
  if (!e.writable) {
    o.kind = HostOp::kRead;
    o.token = next_token_++;
    o.count = future ? 1 : random_.pick(std::to_array<uint32_t>({0, 1, 1, 2, 3, 5, 8}));
    return true;
  }
  o.kind = HostOp::kWrite;
  std::vector<ThreadId> taken;
  for (uint32_t n = future ? 1 : random_.pick(std::to_array<uint32_t>({0, 1, 1, 2, 3, 5})); n > 0; --n) {
    auto v = host_value(e.type->children[0], true, taken);
    if (!v) return false;
    o.args.push_back(std::move(*v));
  }
  return true;
}

// The next step with which the host gets rid of its ends; null if there is none.
const HostOperation* Generator::let_go() {
  HostOperation o;
  for (const HostEnd& e : host_ends_) {
    const auto state = view_->host_end(e.id);
    if (!state) continue;
    const bool unwritten = e.writable && e.type->kind == Kind::kFuture && *state == EndKnowledge::kIdle;
    if (*state == EndKnowledge::kCopying) {
      o.kind = HostOp::kCancelCopy;
    } else if (unwritten) {
      std::vector<ThreadId> taken;
      auto v = host_value(e.type->children[0], true, taken);
      if (!v) continue;
      o.kind = HostOp::kWrite;
      o.args.push_back(std::move(*v));
    } else if (!e.writable && e.type && e.type->kind == Kind::kFuture && *state == EndKnowledge::kIdle &&
               last_reads_.insert(e.id).second) {
      o.kind = HostOp::kRead;  // definitions.py has no answer where this drops a future that is being written
      o.token = next_token_++;
      o.count = 1;
    } else {
      o.kind = HostOp::kDropEnd;
    }
    o.end = e.id;
    program_.push_back(std::move(o));
    return &program_.back();
  }
  return nullptr;
}

const HostOperation* Generator::program(size_t i) {
  if (i < program_.size()) return &program_[i];
  HostOperation o;
  if (i >= program_length_ || budget_ == 0) {
    // The end: a patient host first finishes what it owes, and lets go of what it holds.
    if (!patient_host_ || i > size_t{program_length_} + 12) return nullptr;
    if (blocked_host_calls_.empty()) return let_go();
    // Several at once, so that a set has several events.
    const bool resolve = !program_.empty() && (program_.back().kind == HostOp::kRun || random_.chance(60));
    o.kind = resolve ? HostOp::kResolve : HostOp::kRun;
  } else {
    static constexpr std::array<HostOp, 7> kKinds = {HostOp::kInvoke, HostOp::kTick, HostOp::kRun, HostOp::kResolve,
                                                     HostOp::kCancel, HostOp::kDrop, HostOp::kRead};
    const std::array<uint32_t, 7> weights = {host_invocations_.empty() ? 100u : 30u,
                                             20,
                                             18,
                                             blocked_host_calls_.empty() ? 1u : 22u,
                                             host_invocations_.empty() ? 0u : 8u,
                                             host_invocations_.empty() ? 0u : 2u,
                                             end_types_.empty() ? 0u : 30u};
    o.kind = kKinds[random_.weighted(weights)];
  }
  if (o.kind == HostOp::kInvoke) {
    if (auto invoke = draw_invoke(traces::kNone)) {
      o = std::move(*invoke);
      host_invocations_.push_back(o.token);
    } else if (!draw_new_end(o)) {  // it takes one
      o.kind = HostOp::kTick;
    } else {
      ++program_length_;
    }
  } else if (o.kind == HostOp::kRead) {
    if (!draw_end_operation(o)) {
      o = HostOperation();
      o.kind = HostOp::kTick;
    } else if (random_.chance(50) && program_length_ < 14) {
      ++program_length_;
    }
  } else if (o.kind == HostOp::kResolve) {
    if (blocked_host_calls_.empty()) {
      o.kind = HostOp::kTick;
    } else {
      const uint32_t at = random_.below(static_cast<uint32_t>(blocked_host_calls_.size()));
      o.token = blocked_host_calls_[at];
      const GrowingHostCall& call = host_calls_.at(o.token);
      if (call.on_cancel == OnCancel::kLater && random_.chance(50)) {
        o.kind = HostOp::kConfirm;
      } else {
        const auto& type = scenario_.host_functions[call.function].type.result;
        std::vector<ThreadId> taken;
        std::optional<Value> v = type ? host_value(*type, true, taken) : std::nullopt;
        if (!type)
          o.args.push_back(0x1000 + random_.below(0x7fff'0000));
        else
          o.args.push_back(v ? std::move(*v) : traces::zero_of(*type));
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
    if (!random_.chance(30))
      if (auto invoke = draw_invoke(traces::kNone)) o = std::move(*invoke);
    aftermath_.push_back(std::move(o));
    budget_ = std::max(budget_, 4u);
  }
  return i < aftermath_.size() ? &aftermath_[i] : nullptr;
}

// ---- host functions

const HostOperation* Generator::on_call(uint32_t host_function, Token token, size_t i) {
  // A guest can send any number as a token, by overwriting its own parameter area.
  if (token < 1 || token > traces::kMaxToken) return nullptr;
  const auto [it, fresh] = host_calls_.try_emplace(token);
  GrowingHostCall& call = it->second;
  if (fresh) {
    const traces::FuncType& type = scenario_.host_functions[host_function].type;
    call.function = host_function;
    receive(token, type.params);
    HostOperation o;
    if (random_.chance(12)) {
      o.kind = HostOp::kCallStack;
      call.on_call.push_back(o);
    }
    if (random_.chance(9) && budget_ > 0 && options_.support.has(Need::kNestedInvoke))
      if (auto invoke = draw_invoke(callers_.contains(token) ? callers_.at(token) : 0))
        call.on_call.push_back(std::move(*invoke));
    if (!end_types_.empty() && random_.chance(15)) {
      o = HostOperation();
      if (draw_end_operation(o)) call.on_call.push_back(std::move(o));
    }
    o = HostOperation();
    o.kind = type.async_ && random_.chance(55) ? HostOp::kBlock : HostOp::kReturn;
    if (o.kind == HostOp::kReturn && type.result) o.args.push_back(host_result(host_function));
    call.on_cancel = static_cast<OnCancel>(random_.weighted(std::to_array<uint32_t>({35, 30, 15, 20})));
    if (call.on_cancel == OnCancel::kReturn) call.cancel_value = host_result(host_function);
    if (o.kind == HostOp::kBlock) blocked_host_calls_.push_back(token);
    call.on_call.push_back(std::move(o));
  }
  return i < call.on_call.size() ? &call.on_call[i] : nullptr;
}

std::pair<OnCancel, Value> Generator::on_cancel(uint32_t, Token token) {
  const auto it = host_calls_.find(token);
  if (it == host_calls_.end()) return {OnCancel::kNow, Value()};
  const GrowingHostCall& call = it->second;
  if (call.on_cancel == OnCancel::kNow || call.on_cancel == OnCancel::kReturn) std::erase(blocked_host_calls_, token);
  return {call.on_cancel, call.cancel_value};
}

}  // namespace lockstep::diff
