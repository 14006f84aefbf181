// Guests and the host, by diff/PROTOCOL.md.
#include "diff/world.h"

namespace lockstep::diff {

using traces::Canon;
using traces::ChoicePoint;
using traces::Context;
using traces::Guard;
using traces::GuardKind;
using traces::HostOp;
using traces::HostOperation;
using traces::kNone;
using traces::Lift;
using traces::Op;
using traces::Operation;
using traces::Outcome;
using traces::RecordKind;
using traces::RecordWriter;
using traces::SiteId;
using traces::ThreadId;
using traces::Token;

namespace {

constexpr uint32_t kBlocked = 0xffff'ffff;
constexpr uint32_t kEventSubtask = 1;
constexpr uint32_t kEventTaskCancelled = 6;
constexpr uint32_t kResolvedFrom = 2;  // subtask states from here on are final
constexpr size_t kMaxFlatAsyncParams = 4;
constexpr size_t kMaxOperands = 17;     // 15 parameters after the token and two areas; the validator sees to it
constexpr uint32_t kAftermath = kNone;  // `during` of the aftermath

}  // namespace

World::World(Run& run, Backend& backend)
    : scenario_(run.scenario), source_(run.source), chooser_(run.chooser), recorder_(run.recorder), backend_(backend) {
  for (const traces::Instance& instance : scenario_.instances) {
    Guest& guest = guests_.emplace_back();
    guest.registers.resize(instance.registers);
    for (const traces::Memory& m : instance.memories) guest.memories.emplace_back(m.pages);
  }
  source_.attach(*this);
}

std::optional<uint32_t> World::subtask_state(uint32_t instance, uint32_t handle) const {
  const auto& known = guests_[instance].subtask_state;
  const auto it = known.find(handle);
  return it == known.end() ? std::nullopt : std::optional(it->second);
}

// ---- events

void World::commit(bool with_state) {
  recorder_.commit();
  after_end_ = false;
  if (with_state) {
    {
      RecordWriter record(recorder_.words(), RecordKind::kState);
      backend_.snapshot(recorder_.words(), locked_);
    }
    recorder_.commit();
  }
}

size_t World::choose(ChoicePoint point, ThreadId subject, std::span<const ThreadId> candidates) {
  const size_t taken = chooser_.choose(point, subject, candidates);
  RecordWriter(recorder_.words(), RecordKind::kChoice)
      .word(point)
      .thread(subject)
      .ids(candidates)
      .thread(candidates[taken]);
  commit(false);
  check_stop();
  return taken;
}

void World::finish(Outcome outcome, SiteId site, std::span<const uint32_t> blocked) {
  RecordWriter(recorder_.words(), RecordKind::kOutcome).word(outcome).word(site).words(blocked);
  commit(false);
}

void World::fail(const std::string& what) {
  recorder_.set_failure(what);
  finish(Outcome::kInternalError);
}

// ---- guest code

void World::enter(const Activation& a, std::span<const uint32_t> args) {
  RecordWriter(recorder_.words(), RecordKind::kEnter)
      .thread(backend_.current_thread())
      .word(a.instance)
      .word(a.context)
      .word(a.function)
      .word(a.entry)
      .words(args);
  commit(false);
  check_stop();
}

std::optional<uint32_t> World::body(uint32_t function, std::span<const uint32_t> args) {
  const traces::Function& f = scenario_.functions[function];
  Activation& a = activations_[backend_.current_thread().task];
  a = Activation{args[0], f.instance, function};
  enter(a, args);
  const End end = run_segment(a);
  if (f.lift == Lift::kCallback || (f.lift == Lift::kSync && f.type.result)) return end.value;
  return std::nullopt;
}

uint32_t World::callback(uint32_t function, uint32_t code, uint32_t p1, uint32_t p2) {
  Activation& a = activations_[backend_.current_thread().task];
  a.instance = scenario_.functions[function].instance;
  a.function = function;
  a.context = Context::kCallback;
  ++a.entry;
  const uint32_t args[] = {code, p1, p2};
  enter(a, args);
  learn_event(a, code, p1, p2);
  return run_segment(a).value;
}

void World::post_return(uint32_t function, std::span<const uint32_t> flat_results) {
  Activation a;
  a.instance = scenario_.functions[function].instance;
  a.function = function;
  a.context = Context::kPostReturn;
  a.entry = ++guests_[a.instance].post_returns;
  enter(a, flat_results);
  run_segment(a);
}

World::End World::run_segment(Activation& a) {
  if (!source_.begin_segment(a)) return run_default(a);
  for (size_t i = 0; const Operation* o = source_.operation(a, i); ++i)
    if (const End end = run_operation(a, *o, 0); end.ended) return end;
  return {};
}

// What a guest without a script does: resolve its task if that is still to be done.
World::End World::run_default(Activation& a) {
  const traces::Function& f = scenario_.functions[a.function];
  if (a.context == Context::kPostReturn || f.lift == Lift::kSync || a.returned) return {};
  const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
  Operation o;
  for (uint32_t i = 0; i < canons.size() && o.canon == kNone; ++i)
    if (a.cancelled && canons[i].kind == Op::kTaskCancel) {
      o.kind = Op::kTaskCancel;
      o.canon = i;
    }
  for (uint32_t i = 0; i < canons.size() && o.canon == kNone; ++i) {
    const Canon& c = canons[i];
    if (c.kind == Op::kTaskReturn && c.result == f.type.result && c.memory == f.memory && c.encoding == f.encoding) {
      o.kind = Op::kTaskReturn;
      o.canon = i;
      if (c.result) o.args.push_back({false, 0});
    }
  }
  return run_operation(a, o, 0);
}

bool World::holds(const Activation& a, const Guard& g) const {
  const Guest& guest = guests_[a.instance];
  const auto handle = [&] { return guest.registers[g.value]; };
  bool value = false;
  switch (g.kind) {
    case GuardKind::kReturned:
      value = a.returned;
      break;
    case GuardKind::kCancelled:
      value = a.cancelled;
      break;
    case GuardKind::kEvent:
      value = a.last_event == g.value;
      break;
    case GuardKind::kResolved: {
      const auto it = guest.subtask_state.find(handle());
      value = it != guest.subtask_state.end() && it->second >= kResolvedFrom;
      break;
    }
    case GuardKind::kLive:
      value = guest.subtask_state.contains(handle());
      break;
    case GuardKind::kNonzero:
      value = handle() != 0;
      break;
    case GuardKind::kJoined:
      value = guest.joined.contains(handle());
      break;
    case GuardKind::kPressure:
      value = guest.pressure > 0;
      break;
  }
  return value != g.negated;
}

World::End World::run_operation(Activation& a, const Operation& o, uint32_t round) {
  if (o.kind == Op::kRepeat) {
    if (o.guard && !holds(a, *o.guard)) return {};
    for (uint32_t i = 0; i < o.times; ++i)
      for (const Operation& inner : o.body)
        if (const End end = run_operation(a, inner, i); end.ended) return end;
    return {};
  }
  if (o.guard && !holds(a, *o.guard)) return {};
  Token token = 0;
  if (o.kind == Op::kCall) {
    token = o.token + round;
    if (!used_tokens_.insert(token).second) return {};
  }
  uint32_t args[kMaxOperands];
  const Guest& guest = guests_[a.instance];
  for (size_t i = 0; i < o.args.size(); ++i)
    args[i] = o.args[i].is_register ? guest.registers[o.args[i].value] : o.args[i].value;
  const std::span<const uint32_t> operands(args, o.args.size());
  const bool was_end = after_end_;
  RecordWriter(recorder_.words(), RecordKind::kBegin)
      .thread(backend_.current_thread())
      .word(a.position++)
      .word(o.kind)
      .word(o.kind == Op::kLoad ? o.memory : o.canon)
      .word(token)
      .words(operands);
  commit(!was_end);
  check_stop();

  switch (o.kind) {
    case Op::kUnreachable:
      backend_.raise_trap(traces::find_site("guest.unreachable#1"));
      break;
    case Op::kThrow:
      backend_.throw_core_exception();
      break;
    case Op::kReturn:
      return {true, operands.empty() ? 0 : operands[0]};
    case Op::kExit:
      return {true, 0};
    case Op::kYield:
      return {true, 1};
    case Op::kWait:
      return {true, 2 | operands[0] << 4};
    case Op::kCode:
      return {true, operands[0]};
    default:
      perform(a, o, token, operands);
      break;
  }
  return {};
}

void World::perform(Activation& a, const Operation& o, Token token, std::span<const uint32_t> args) {
  const Canon* canon = is_builtin(o.kind) ? &scenario_.instances[a.instance].canons[o.canon] : nullptr;
  uint32_t result[3];
  size_t results = 0;
  switch (o.kind) {
    case Op::kLoad: {
      if (uint64_t{args[0]} + 4 > guests_[a.instance].memories[o.memory].bytes().size())
        backend_.raise_trap(traces::find_site("guest.load#1"));
      result[results++] = load(a.instance, o.memory, args[0]);
      break;
    }
    case Op::kCall: {
      const uint32_t value = perform_call(a, o, *canon, token, args);
      const bool has_value = canon->async_ || (canon->callee.function != kNone
                                                   ? scenario_.functions[canon->callee.function].type.result
                                                   : scenario_.host_functions[canon->callee.host_function].type.result)
                                                  .has_value();
      if (has_value) result[results++] = value;
      break;
    }
    default: {
      const uint32_t value = backend_.perform({o.kind, a.instance, o.canon, *canon, 0, args});
      switch (o.kind) {
        case Op::kWaitableSetWait:
        case Op::kWaitableSetPoll:
          result[results++] = value;
          result[results++] = load(a.instance, canon->memory, args[1]);
          result[results++] = load(a.instance, canon->memory, args[1] + 4);
          break;
        case Op::kContextGet:
        case Op::kWaitableSetNew:
        case Op::kSubtaskCancel:
        case Op::kThreadIndex:
        case Op::kThreadYield:
          result[results++] = value;
          break;
        default:
          break;
      }
    }
  }
  const std::span<const uint32_t> shown(result, results);
  RecordWriter(recorder_.words(), RecordKind::kEnd).thread(backend_.current_thread()).words(shown);
  commit(true);
  after_end_ = true;
  check_stop();
  learn(a, o, canon, args, shown);
}

uint32_t World::perform_call(const Activation& a, const Operation& o, const Canon& canon, Token token,
                             std::span<const uint32_t> args) {
  const traces::FuncType& type = canon.callee.function != kNone
                                     ? scenario_.functions[canon.callee.function].type
                                     : scenario_.host_functions[canon.callee.host_function].type;
  const size_t params = type.params.size();
  uint32_t flat[kMaxOperands + 1];
  size_t n = 0;
  flat[n++] = token;
  for (size_t i = 0; i + 1 < params; ++i) flat[n++] = args[i];
  if (canon.async_) {
    size_t next = params - 1;
    if (params > kMaxFlatAsyncParams) {
      const uint32_t area = args[next++];
      store(a.instance, canon.memory, area, {flat, n});
      flat[0] = area;
      n = 1;
    }
    if (type.result) flat[n++] = args[next];
  }
  return backend_.perform({Op::kCall, a.instance, o.canon, canon, token, {flat, n}});
}

void World::learn(Activation& a, const Operation& o, const Canon* canon, std::span<const uint32_t> args,
                  std::span<const uint32_t> result) {
  Guest& guest = guests_[a.instance];
  uint32_t to_value = result.empty() ? 0 : result[0];
  switch (o.kind) {
    case Op::kCall:
      if (canon->async_) {
        to_value = result[0] >> 4;
        if (to_value != 0) {
          guest.subtask_state[to_value] = result[0] & 0xf;
          guest.joined.erase(to_value);
        }
      }
      break;
    case Op::kBackpressureInc:
      ++guest.pressure;
      break;
    case Op::kBackpressureDec:
      --guest.pressure;
      break;
    case Op::kTaskReturn:
    case Op::kTaskCancel:
      a.returned = true;
      break;
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll:
      learn_event(a, result[0], result[1], result[2]);
      break;
    case Op::kWaitableJoin:
      if (args[1] != 0)
        guest.joined.insert(args[0]);
      else
        guest.joined.erase(args[0]);
      break;
    case Op::kSubtaskCancel:
      if (result[0] != kBlocked) guest.subtask_state[args[0]] = result[0];
      break;
    case Op::kSubtaskDrop:
      guest.subtask_state.erase(args[0]);
      guest.joined.erase(args[0]);
      break;
    case Op::kThreadYield:
      if (result[0] == 1) a.cancelled = true;
      break;
    default:
      break;
  }
  if (o.to != kNone) guest.registers[o.to] = to_value;
}

void World::learn_event(Activation& a, uint32_t code, uint32_t p1, uint32_t p2) {
  a.last_event = code;
  if (code == kEventTaskCancelled) a.cancelled = true;
  if (code == kEventSubtask) guests_[a.instance].subtask_state[p1] = p2;
}

uint32_t World::load(uint32_t instance, uint32_t memory_index, uint32_t address) const {
  const uint8_t* b = guests_[instance].memories[memory_index].bytes().data() + address;
  return uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
}

bool World::store(uint32_t instance, uint32_t memory_index, uint64_t address, std::span<const uint32_t> words) {
  const std::span<uint8_t> bytes = guests_[instance].memories[memory_index].bytes();
  if (address + words.size() * 4 > bytes.size()) return false;
  for (const uint32_t w : words)
    for (int i = 0; i < 4; ++i) bytes[address++] = static_cast<uint8_t>(w >> (8 * i));
  return true;
}

// ---- the host

std::optional<uint32_t> World::host_called(uint32_t host_function, std::span<const uint32_t> args) {
  const Token token = args[0];
  const traces::FuncType& type = scenario_.host_functions[host_function].type;
  RecordWriter(recorder_.words(), RecordKind::kHostCall)
      .thread(backend_.current_thread())
      .word(host_function)
      .word(token)
      .words(args.subspan(1));
  commit(false);
  check_stop();
  uint32_t value = 0;
  bool blocked = false;
  // A call must be known by its token: if a guest sends one again, that call ends at once.
  const bool fresh = host_calls_.try_emplace(token).second;
  for (size_t i = 0; const HostOperation* o = fresh ? source_.on_call(host_function, token, i) : nullptr; ++i) {
    if (o->kind == HostOp::kReturn) {
      value = o->args.empty() ? 0 : o->args[0];
      break;
    }
    if (o->kind == HostOp::kBlock) {
      blocked = type.async_;
      break;
    }
    if (const std::optional<SiteId> trap = host_operation(*o, token)) backend_.raise_trap(*trap);
  }
  const uint32_t shown[] = {value};
  RecordWriter(recorder_.words(), RecordKind::kHostResult)
      .word(token)
      .word(uint32_t{blocked})
      .words(blocked || !type.result ? std::span<const uint32_t>() : std::span<const uint32_t>(shown));
  commit(false);
  check_stop();
  if (fresh) host_calls_[token] = {blocked, !blocked, false};
  if (blocked) return std::nullopt;
  return value;
}

World::Cancelled World::host_cancelled(uint32_t host_function, Token token) {
  RecordWriter(recorder_.words(), RecordKind::kHostCancel).word(token);
  commit(false);
  check_stop();
  HostCallState& call = host_calls_[token];
  call.cancel_requested = true;
  // Its end was reported already, though a trap kept the guest from seeing it.
  if (call.resolved) return {};
  const auto [action, value] = source_.on_cancel(host_function, token);
  switch (action) {
    case traces::OnCancel::kNow:
      call.resolved = true;
      return {true, std::nullopt};
    case traces::OnCancel::kReturn:
      call.resolved = true;
      return {true, value};
    case traces::OnCancel::kLater:
    case traces::OnCancel::kIgnore:
      break;
  }
  return {};
}

void World::started(Token token) {
  RecordWriter(recorder_.words(), RecordKind::kStarted).word(token);
  commit(false);
}

void World::resolved(Token token, std::optional<uint32_t> value, bool has_result) {
  HostInvocation& call = invocations_[token];
  call.resolved = true;
  if (call.dropped) return;
  const uint32_t shown[] = {value.value_or(0)};
  RecordWriter(recorder_.words(), RecordKind::kResolved)
      .word(token)
      .word(uint32_t{!value.has_value()})
      .words(value && has_result ? std::span<const uint32_t>(shown) : std::span<const uint32_t>());
  commit(false);
}

std::optional<SiteId> World::host_operation(const HostOperation& o, uint32_t during) {
  RecordWriter(recorder_.words(), RecordKind::kHostBegin)
      .word(during)
      .word(o.kind)
      .word(o.function)
      .word(o.token)
      .words(o.args);
  commit(false);
  check_stop();

  const uint64_t entered_before = backend_.entered_roots() | locked_;
  uint32_t result = 0;
  bool has_result = true;
  std::optional<SiteId> trap;
  const auto guarded = [&](auto&& f) { trap = backend_.guarded(FunctionRef(f)); };
  switch (o.kind) {
    case HostOp::kInvoke:
      if (used_tokens_.insert(o.token).second) {
        guarded([&] { backend_.invoke(o.function, o.token, o.args); });
        if (!trap) invocations_[o.token].came_back = true;
        result = 1;
      }
      break;
    case HostOp::kTick:
      guarded([&] { result = backend_.tick() ? 1 : 0; });
      break;
    case HostOp::kRun:
      guarded([&] {
        while (true) {
          const bool ran = backend_.tick();
          RecordWriter(recorder_.words(), RecordKind::kBack).word(uint32_t{ran});
          commit(true);
          check_stop();
          if (!ran) break;
          ++result;
        }
      });
      break;
    case HostOp::kResolve:
    case HostOp::kConfirm: {
      const auto it = host_calls_.find(o.token);
      const bool confirm = o.kind == HostOp::kConfirm;
      if (it == host_calls_.end() || !it->second.blocked || it->second.resolved ||
          (confirm && !it->second.cancel_requested))
        break;
      it->second.resolved = true;
      result = 1;
      const std::optional<uint32_t> value =
          confirm ? std::nullopt : std::optional<uint32_t>(o.args.empty() ? 0 : o.args[0]);
      guarded([&] { backend_.resolve(o.token, value); });
      break;
    }
    case HostOp::kCancel: {
      const auto it = invocations_.find(o.token);
      if (it == invocations_.end()) break;
      HostInvocation& call = it->second;
      if (!call.came_back || call.resolved || call.cancelled || call.dropped) break;
      call.cancelled = true;
      result = 1;
      guarded([&] { backend_.cancel(o.token); });
      break;
    }
    case HostOp::kDrop: {
      const auto it = invocations_.find(o.token);
      if (it == invocations_.end() || !it->second.came_back || it->second.dropped) break;
      it->second.dropped = true;
      result = 1;
      break;
    }
    case HostOp::kCallStack: {
      const std::vector<uint32_t> stack = backend_.call_stack();
      RecordWriter(recorder_.words(), RecordKind::kStack).words(stack);
      commit(false);
      has_result = false;
      break;
    }
    case HostOp::kReturn:
    case HostOp::kBlock:
      break;  // the end of a host function; see host_called
  }
  if (trap) {
    RecordWriter(recorder_.words(), RecordKind::kTrapped).word(*trap);
    commit(false);
    check_stop();
    const bool kept = o.swallow || during == kAftermath;
    if (!kept && during != 0) return trap;
    lock_new_roots(entered_before);
    if (!kept) return trap;
    result = 2;
  }
  const uint32_t shown[] = {result};
  RecordWriter(recorder_.words(), RecordKind::kHostEnd)
      .word(during)
      .words(has_result ? std::span<const uint32_t>(shown) : std::span<const uint32_t>());
  commit(true);
  check_stop();
  return std::nullopt;
}

void World::run_case() {
  const HostOperation last_run;  // kRun
  std::optional<SiteId> trap;
  for (size_t i = 0; !trap; ++i) {
    const HostOperation* o = source_.program(i);
    trap = host_operation(o == nullptr ? last_run : *o, 0);
    if (o == nullptr) break;
  }
  if (trap) {
    for (size_t i = 0; const HostOperation* o = source_.aftermath(i); ++i) host_operation(*o, kAftermath);
    finish(Outcome::kTrap, *trap);
    return;
  }
  const std::vector<uint32_t> blocked = backend_.live_tasks(locked_);
  finish(blocked.empty() ? Outcome::kDone : Outcome::kStuck, 0, blocked);
  report_memories();
}

void World::report_memories() {
  for (uint32_t i = 0; i < guests_.size(); ++i) {
    if (locked_ >> traces::root_of(scenario_, i) & 1) continue;
    for (uint32_t m = 0; m < guests_[i].memories.size(); ++m) {
      traces::Words words;
      guests_[i].memories[m].for_each_word([&](uint32_t at, uint32_t w) { words.insert(words.end(), {at, w}); });
      if (words.empty()) continue;
      RecordWriter(recorder_.words(), RecordKind::kMemory).word(i).word(m).words(words);
      commit(false);
    }
  }
}

}  // namespace lockstep::diff
