// Guests and the host, by diff/PROTOCOL.md.
#include "diff/world.h"

#include <algorithm>

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
using traces::Value;

namespace {

constexpr uint32_t kBlocked = 0xffff'ffff;
constexpr uint32_t kEventSubtask = 1;
constexpr uint32_t kEventStreamRead = 2;
constexpr uint32_t kEventStreamWrite = 3;
constexpr uint32_t kEventFutureRead = 4;
constexpr uint32_t kEventFutureWrite = 5;
constexpr uint32_t kEventTaskCancelled = 6;
constexpr uint32_t kResolvedFrom = 2;  // subtask states from here on are final
constexpr uint32_t kCopyDropped = 1;   // CopyResult
constexpr uint32_t kCopyCancelled = 2;
constexpr uint32_t kAftermath = kNone;  // `during` of the aftermath

// What a host function gives. A guest can send a token to another host function than it was meant for: a value that is
// missing, or does not fit there, is zero.
Value fitting(std::optional<Value> value, const std::optional<traces::ValueType>& type) {
  if (!type) return {};
  return value && is_value_of(*value, *type) ? std::move(*value) : zero_of(*type);
}

constexpr uint64_t key(ThreadId thread) { return uint64_t{thread.task} << 32 | thread.k; }

}  // namespace

World::World(Run& run, Backend& backend)
    : scenario_(run.scenario),
      source_(run.source),
      chooser_(run.chooser),
      recorder_(run.recorder),
      backend_(backend),
      shapes_(run.scenario.instances.size()) {
  guests_.reserve(scenario_.instances.size());
  for (const traces::Instance& instance : scenario_.instances) {
    Guest& guest = guests_.emplace_back();
    guest.registers.resize(instance.registers);
    guest.memories.reserve(instance.memories.size());
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
      traces::SnapshotWriter snapshot(record);
      backend_.snapshot(snapshot, locked_);
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

bool World::decide(ChoicePoint point, ThreadId subject) {
  static constexpr std::array kNoOrYes = {ThreadId{0, 0}, ThreadId{1, 0}};
  return choose(point, subject, kNoOrYes) == 1;
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

void World::enter(Activation& a, std::span<const uint64_t> args) {
  std::copy(args.begin(), args.end(), a.args.begin());
  a.num_args = static_cast<uint32_t>(args.size());
  RecordWriter(recorder_.words(), RecordKind::kEnter)
      .thread(backend_.current_thread())
      .word(a.instance)
      .word(a.context)
      .word(a.function)
      .word(a.entry)
      .cores(args);
  commit(false);
  check_stop();
}

std::optional<uint64_t> World::body(uint32_t function, std::span<const uint64_t> args) {
  const traces::Function& f = scenario_.functions[function];
  Activation& a = activations_[key(backend_.current_thread())];
  a = Activation{static_cast<uint32_t>(args[0]), f.instance, function};
  // Parameters in memory: the token is the first of them.
  if (args.size() == 1 && traces::params_in_memory(f.type)) a.token = load(f.instance, f.memory, args[0]);
  enter(a, args);
  const End end = run_segment(a);
  if (f.lift == Lift::kCallback || (f.lift == Lift::kSync && f.type.result)) return end.value;
  return std::nullopt;
}

uint32_t World::callback(uint32_t function, uint32_t code, uint32_t p1, uint32_t p2) {
  Activation& a = activations_[key(backend_.current_thread())];
  a.instance = scenario_.functions[function].instance;
  a.function = function;
  a.context = Context::kCallback;
  ++a.entry;
  const uint64_t args[] = {code, p1, p2};
  enter(a, args);
  learn_event(a, code, p1, p2);
  return static_cast<uint32_t>(run_segment(a).value);
}

void World::post_return(uint32_t function, std::span<const uint64_t> flat_results) {
  Activation a;
  a.instance = scenario_.functions[function].instance;
  a.function = function;
  a.context = Context::kPostReturn;
  a.entry = ++guests_[a.instance].post_returns;
  run_alone(a, flat_results);
}

World::End World::run_alone(Activation& a, std::span<const uint64_t> args) {
  enter(a, args);
  return run_segment(a);
}

Token World::name_task(uint32_t instance, Context context) {
  const size_t which = context == Context::kRealloc ? 0 : context == Context::kDestructor ? 1 : 2;
  return traces::task_name(context, instance, ++guests_[instance].named[which]);
}

uint64_t World::realloc(uint32_t instance, traces::IndexType pointers, std::span<const uint64_t> args) {
  Activation a;
  a.instance = instance;
  a.function = kNone;
  a.context = Context::kRealloc;
  a.entry = traces::entry_of_task(backend_.current_thread().task);
  const End end = run_alone(a, args);
  if (end.ended) return pointers == traces::IndexType::kI32 ? static_cast<uint32_t>(end.value) : end.value;
  uint64_t& next = guests_[instance].next_allocation;
  const uint64_t alignment = std::max<uint64_t>(args[2], 1);
  next = (next + alignment - 1) / alignment * alignment;
  if (next + args[3] > kEndOfAllocations) next = kFirstAllocation;
  const uint64_t pointer = next;
  next += args[3];
  return pointer;
}

void World::destructor(uint32_t resource, uint32_t rep) {
  Activation a;
  a.token = rep;
  a.instance = scenario_.resources[resource].instance;
  a.function = resource;
  a.context = Context::kDestructor;
  a.entry = traces::entry_of_task(backend_.current_thread().task);
  const uint64_t args[] = {rep};
  run_alone(a, args);
}

void World::start(uint32_t instance) {
  Activation a;
  a.instance = instance;
  a.function = kNone;
  a.context = Context::kStart;
  a.entry = 1;
  run_alone(a, {});
}

void World::thread(uint32_t instance, uint32_t table, uint64_t argument) {
  Activation& a = activations_[key(backend_.current_thread())];
  a = Activation{static_cast<uint32_t>(argument), instance, table, Context::kThread};
  const uint64_t args[] = {argument};
  run_alone(a, args);
}

Activation& World::current_task() { return activations_[key({backend_.current_thread().task, 0})]; }

World::End World::run_segment(Activation& a) {
  if (a.context == Context::kThread) a.returned = current_task().returned;
  if (!source_.begin_segment(a)) return run_default(a);
  for (size_t i = 0; const Operation* o = source_.operation(a, i); ++i)
    if (const End end = run_operation(a, *o, 0); end.ended) return end;
  return {};
}

// What a guest without a script does: resolve its task if that is still to be done.
World::End World::run_default(Activation& a) {
  if (a.context != Context::kBody && a.context != Context::kCallback) return {};
  const traces::Function& f = scenario_.functions[a.function];
  if (f.lift == Lift::kSync || current_task().returned) return {};
  const std::vector<Canon>& canons = scenario_.instances[a.instance].canons;
  Operation o;
  for (uint32_t i = 0; i < canons.size() && o.canon == kNone; ++i)
    if (current_task().cancelled && canons[i].kind == Op::kTaskCancel) {
      o.kind = Op::kTaskCancel;
      o.canon = i;
    }
  for (uint32_t i = 0; i < canons.size() && o.canon == kNone; ++i) {
    const Canon& c = canons[i];
    if (returns_for(c, f)) {
      o.kind = Op::kTaskReturn;
      o.canon = i;
      o.args.resize(traces::returned_values(c.result, traces::index_type(scenario_, a.instance, c.memory)));
    }
  }
  return run_operation(a, o, 0);
}

bool World::holds(const Activation& a, const Guard& g) {
  const Guest& guest = guests_[a.instance];
  const auto handle = [&] { return guest.registers[g.value]; };
  const auto has_task = [](const Activation& activation) {
    return activation.context == Context::kBody || activation.context == Context::kCallback ||
           activation.context == Context::kThread;
  };
  bool value = false;
  switch (g.kind) {
    case GuardKind::kReturned:
      value = has_task(a) && current_task().returned;
      break;
    case GuardKind::kCancelled:
      value = has_task(a) && current_task().cancelled;
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
      value = guest.subtask_state.contains(handle()) || guest.end_state.contains(handle());
      break;
    case GuardKind::kIdle:
      value = end_state(a.instance, handle()) == EndKnowledge::kIdle;
      break;
    case GuardKind::kCopying:
      value = end_state(a.instance, handle()) == EndKnowledge::kCopying;
      break;
    case GuardKind::kSuspended:
      value = guest.suspended.contains(handle());
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

const traces::CallShape& World::shape(uint32_t instance, uint32_t canon) {
  return shapes_[instance].get(canon, [&](traces::CallShape& made) {
    const Canon& c = scenario_.instances[instance].canons[canon];
    made = lowered_shape(callee_type(scenario_, c.callee), c.async_, index_type(scenario_, instance, c.memory));
  });
}

// Inlined, this and the next: traps are unwound through every frame twice, and most throws of a campaign pass here.
[[gnu::always_inline]] inline uint64_t World::perform_call(const Activation& a, const Operation& o, const Canon& canon,
                                                           const traces::CallShape& called, Token token,
                                                           std::span<const uint64_t> args) {
  uint64_t flat[traces::kMaxOperands + 1];
  flat[0] = token;
  std::copy(args.begin(), args.end(), flat + 1);
  size_t n = 1 + args.size();
  if (called.params_in_memory) {
    const uint64_t area = flat[called.area_words];
    store(a.instance, canon.memory, area, {flat, called.area_words});
    flat[0] = area;
    if (called.result_area) flat[1] = flat[n - 1];
    n = called.result_area ? 2 : 1;
  }
  return backend_.perform({Op::kCall, a.instance, o.canon, canon, token, {flat, n}});
}

[[gnu::always_inline]] inline void World::perform(Activation& a, const Operation& o, Token token,
                                                  std::span<const uint64_t> args) {
  const Canon* canon = is_builtin(o.kind) ? &scenario_.instances[a.instance].canons[o.canon] : nullptr;
  // The thread that is resumed may run before the operation ends.
  if (o.kind == Op::kThreadResumeLater ||
      (o.kind >= Op::kThreadSuspendThenResume && o.kind <= Op::kThreadYieldThenPromote))
    guests_[a.instance].suspended.erase(static_cast<uint32_t>(args[0]));
  uint64_t result[3];
  size_t results = 0;
  switch (o.kind) {
    case Op::kLoad: {
      if (args[0] + 4 > guests_[a.instance].memories[o.memory].size())
        backend_.raise_trap(traces::find_site("guest.load#1"));
      result[results++] = load(a.instance, o.memory, args[0]);
      break;
    }
    case Op::kStore:
      if (!store(a.instance, o.memory, args[0], args.subspan(1)))
        backend_.raise_trap(traces::find_site("guest.store#1"));
      break;
    case Op::kParam:
      result[results++] = a.args[args[0]];
      break;
    case Op::kCall: {
      const traces::CallShape& called = shape(a.instance, o.canon);
      const uint64_t value = perform_call(a, o, *canon, called, token, args);
      if (called.flat_results != 0) result[results++] = value;
      break;
    }
    default: {
      const uint64_t value = backend_.perform({o.kind, a.instance, o.canon, *canon, 0, args});
      switch (o.kind) {
        case Op::kWaitableSetWait:
        case Op::kWaitableSetPoll:
          result[results++] = value;
          result[results++] = load(a.instance, canon->memory, args[1]);
          result[results++] = load(a.instance, canon->memory, args[1] + 4);
          break;
        case Op::kStreamNew:
        case Op::kFutureNew:
          result[results++] = static_cast<uint32_t>(value);
          result[results++] = value >> 32;
          break;
        case Op::kContextSet:
        case Op::kBackpressureInc:
        case Op::kBackpressureDec:
        case Op::kTaskReturn:
        case Op::kTaskCancel:
        case Op::kWaitableSetDrop:
        case Op::kWaitableJoin:
        case Op::kSubtaskDrop:
        case Op::kResourceDrop:
        case Op::kStreamDropReadable:
        case Op::kStreamDropWritable:
        case Op::kFutureDropReadable:
        case Op::kFutureDropWritable:
        case Op::kThreadResumeLater:
        case Op::kErrorContextDebugMessage:
        case Op::kErrorContextDrop:
          break;
        default:
          result[results++] = value;
          break;
      }
    }
  }
  const std::span<const uint64_t> shown(result, results);
  RecordWriter(recorder_.words(), RecordKind::kEnd).thread(backend_.current_thread()).cores(shown);
  commit(true);
  after_end_ = true;
  check_stop();
  learn(a, o, canon, args, shown);
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
  uint64_t args[traces::kMaxOperands];
  const Guest& guest = guests_[a.instance];
  for (size_t i = 0; i < o.args.size(); ++i)
    args[i] = o.args[i].is_register ? guest.registers[o.args[i].value] : o.args[i].value;
  const std::span<const uint64_t> operands(args, o.args.size());
  const bool was_end = after_end_;
  RecordWriter(recorder_.words(), RecordKind::kBegin)
      .thread(backend_.current_thread())
      .word(a.position++)
      .word(o.kind)
      .word(o.kind == Op::kLoad || o.kind == Op::kStore ? o.memory : o.canon)
      .word(token)
      .cores(operands);
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
      return {true, static_cast<uint32_t>(2 | operands[0] << 4)};
    case Op::kCode:
      return {true, static_cast<uint32_t>(operands[0])};
    default:
      perform(a, o, token, operands);
      break;
  }
  return {};
}

void World::learn(Activation& a, const Operation& o, const Canon* canon, std::span<const uint64_t> args,
                  std::span<const uint64_t> result) {
  Guest& guest = guests_[a.instance];
  uint32_t to_value = result.empty() ? 0 : static_cast<uint32_t>(result[0]);
  const uint32_t handle = args.empty() ? 0 : static_cast<uint32_t>(args[0]);
  switch (o.kind) {
    case Op::kCall:
      if (canon->async_) {
        const auto packed = static_cast<uint32_t>(result[0]);
        to_value = packed >> 4;
        if (to_value != 0) {
          guest.subtask_state[to_value] = packed & 0xf;
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
      current_task().returned = true;
      break;
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll:
      learn_event(a, static_cast<uint32_t>(result[0]), static_cast<uint32_t>(result[1]),
                  static_cast<uint32_t>(result[2]));
      break;
    case Op::kWaitableJoin:
      if (args[1] != 0)
        guest.joined.insert(handle);
      else
        guest.joined.erase(handle);
      break;
    case Op::kSubtaskCancel:
      if (result[0] != kBlocked) guest.subtask_state[handle] = to_value;
      break;
    case Op::kSubtaskDrop:
    case Op::kStreamDropReadable:
    case Op::kStreamDropWritable:
    case Op::kFutureDropReadable:
    case Op::kFutureDropWritable:
      forget(a.instance, handle);
      break;
    case Op::kStreamNew:
    case Op::kFutureNew:
      for (const uint64_t end : result) {
        forget(a.instance, static_cast<uint32_t>(end));
        guest.end_state[static_cast<uint32_t>(end)] = EndKnowledge::kIdle;
      }
      break;
    case Op::kStreamRead:
    case Op::kStreamWrite:
    case Op::kStreamCancelRead:
    case Op::kStreamCancelWrite:
      learn_copy(a.instance, handle, false, to_value);
      break;
    case Op::kFutureRead:
    case Op::kFutureWrite:
    case Op::kFutureCancelRead:
    case Op::kFutureCancelWrite:
      learn_copy(a.instance, handle, true, to_value);
      break;
    case Op::kThreadNewIndirect:
      guest.suspended.insert(to_value);
      break;
    case Op::kThreadSuspendThenResume:
    case Op::kThreadYieldThenResume:
    case Op::kThreadSuspendThenPromote:
    case Op::kThreadYieldThenPromote:
    case Op::kThreadSuspend:
    case Op::kThreadYield:
      if (result[0] == 1) {
        a.cancelled = true;
        current_task().cancelled = true;
      }
      break;
    default:
      break;
  }
  if (o.to != kNone) guest.registers[o.to] = to_value;
  if (o.also != kNone) guest.registers[o.also] = static_cast<uint32_t>(result[1]);
}

void World::learn_event(Activation& a, uint32_t code, uint32_t p1, uint32_t p2) {
  a.last_event = code;
  switch (code) {
    case kEventTaskCancelled:
      a.cancelled = true;
      current_task().cancelled = true;
      break;
    case kEventSubtask:
      guests_[a.instance].subtask_state[p1] = p2;
      break;
    case kEventStreamRead:
    case kEventStreamWrite:
      learn_copy(a.instance, p1, false, p2);
      break;
    case kEventFutureRead:
    case kEventFutureWrite:
      learn_copy(a.instance, p1, true, p2);
      break;
    default:
      break;
  }
}

namespace {

// What a guest or the host knows of its end when a copy has ended with this CopyResult.
EndKnowledge after_copy(bool future, uint32_t result) {
  const bool done = future ? result != kCopyCancelled : result == kCopyDropped;
  return done ? EndKnowledge::kDone : EndKnowledge::kIdle;
}

}  // namespace

void World::learn_copy(uint32_t instance, uint32_t handle, bool future, uint32_t packed) {
  guests_[instance].end_state[handle] =
      packed == kBlocked ? EndKnowledge::kCopying : after_copy(future, future ? packed : packed & 0xf);
}

void World::forget(uint32_t instance, uint32_t handle) {
  Guest& guest = guests_[instance];
  guest.subtask_state.erase(handle);
  guest.end_state.erase(handle);
  guest.joined.erase(handle);
}

uint32_t World::load(uint32_t instance, uint32_t memory_index, uint64_t address) {
  const uint8_t* b = guests_[instance].memories[memory_index].bytes().data() + address;
  return uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
}

bool World::store(uint32_t instance, uint32_t memory_index, uint64_t address, std::span<const uint64_t> words) {
  const std::span<uint8_t> bytes = guests_[instance].memories[memory_index].bytes();
  if (address > bytes.size() || words.size() * 4 > bytes.size() - address) return false;
  for (const uint64_t w : words)
    for (int i = 0; i < 4; ++i) bytes[address++] = static_cast<uint8_t>(w >> (8 * i));
  return true;
}

// ---- the host

std::optional<Value> World::host_called(uint32_t host_function, Token token, std::span<const Value> args) {
  const traces::FuncType& type = scenario_.host_functions[host_function].type;
  RecordWriter(recorder_.words(), RecordKind::kHostCall)
      .thread(backend_.current_thread())
      .word(host_function)
      .word(token)
      .values(args);
  commit(false);
  check_stop();
  Value value = fitting(std::nullopt, type.result);
  bool blocked = false;
  // A call must be known by its token: if a guest sends one again, that call ends at once.
  const bool fresh = host_calls_.try_emplace(token).second;
  for (size_t i = 0; const HostOperation* o = fresh ? source_.on_call(host_function, token, i) : nullptr; ++i) {
    if (o->kind == HostOp::kReturn) {
      value = fitting(o->args.empty() ? std::nullopt : std::optional(o->args[0]), type.result);
      break;
    }
    if (o->kind == HostOp::kBlock) {
      blocked = type.async_;
      break;
    }
    if (const std::optional<SiteId> trap = host_operation(*o, token)) backend_.raise_trap(*trap);
  }
  RecordWriter(recorder_.words(), RecordKind::kHostResult)
      .word(token)
      .word(uint32_t{blocked})
      .values(blocked || !type.result ? std::span<const Value>() : std::span<const Value>(&value, 1));
  commit(false);
  check_stop();
  if (fresh) host_calls_[token] = {host_function, blocked, !blocked, false};
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
  auto [action, value] = source_.on_cancel(host_function, token);
  switch (action) {
    case traces::OnCancel::kNow:
      call.resolved = true;
      return {true, std::nullopt};
    case traces::OnCancel::kReturn:
      call.resolved = true;
      return {true, fitting(std::move(value), scenario_.host_functions[host_function].type.result)};
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

void World::resolved(Token token, const std::optional<Value>& value, bool has_result) {
  HostInvocation& call = invocations_[token];
  call.resolved = true;
  if (call.dropped) return;
  RecordWriter(recorder_.words(), RecordKind::kResolved)
      .word(token)
      .word(uint32_t{!value.has_value()})
      .values(value && has_result ? std::span<const Value>(&*value, 1) : std::span<const Value>());
  commit(false);
}

// ---- ends that the host holds

std::optional<EndKnowledge> World::end_state(uint32_t instance, uint32_t handle) const {
  const auto& known = guests_[instance].end_state;
  const auto it = known.find(handle);
  return it == known.end() ? std::nullopt : std::optional(it->second);
}

std::optional<EndKnowledge> World::host_end(ThreadId end) const {
  const auto it = host_ends_.find(end);
  return it == host_ends_.end() ? std::nullopt : std::optional(it->second.state);
}

ThreadId World::end_received(Token token, const traces::ValueType& type) {
  const ThreadId end{token, ends_received_[token]++};
  host_ends_[end].future = type.kind == traces::ValueType::Kind::kFuture;
  return end;
}

Token World::read_token(ThreadId end) const { return host_ends_.at(end).reading; }

void World::host_copy(ThreadId end, uint32_t result, uint32_t progress, std::span<const Value> values) {
  HostEnd& e = host_ends_.at(end);
  e.state = after_copy(e.future, result);
  RecordWriter(recorder_.words(), RecordKind::kHostCopy).thread(end).word(result).word(progress).values(values);
  commit(false);
}

namespace {

void collect_ends(const Value& v, std::vector<ThreadId>& out) {
  if (v.kind == Value::Kind::kEnd) out.push_back(v.end);
  for (const Value& c : v.children) collect_ends(c, out);
}

}  // namespace

bool World::take_ends(std::span<const Value> values) {
  std::vector<ThreadId> ends;
  for (const Value& v : values) collect_ends(v, ends);
  for (size_t i = 0; i < ends.size(); ++i) {
    const auto it = host_ends_.find(ends[i]);
    if (it == host_ends_.end() || it->second.writable || it->second.state != EndKnowledge::kIdle) return false;
    if (std::find(ends.begin(), ends.begin() + static_cast<ptrdiff_t>(i), ends[i]) !=
        ends.begin() + static_cast<ptrdiff_t>(i))
      return false;
  }
  for (const ThreadId end : ends) host_ends_.erase(end);
  return true;
}

uint64_t World::entered_roots() {
  uint64_t mask = 0;
  for (uint32_t i = 0; i < scenario_.instances.size(); ++i) {
    const bool root = scenario_.instances[i].parent == kNone;
    if ((root && !backend_.may_enter(i)) || !backend_.may_leave(i))
      mask |= uint64_t{1} << traces::root_of(scenario_, i);
  }
  return mask;
}

std::optional<SiteId> World::host_operation(const HostOperation& o, uint32_t during) {
  RecordWriter(recorder_.words(), RecordKind::kHostBegin)
      .word(during)
      .word(o.kind)
      .word(o.function)
      .word(o.token)
      .thread(o.end)
      .word(o.count)
      .values(o.args);
  commit(false);
  check_stop();

  const uint64_t entered_before = entered_roots() | locked_;
  uint32_t result = 0;
  bool has_result = true;
  std::optional<SiteId> trap;
  const auto guarded = [&](auto&& f) { trap = backend_.guarded(FunctionRef(f)); };
  switch (o.kind) {
    case HostOp::kInvoke:
      if (!used_tokens_.contains(o.token) && take_ends(o.args)) {
        used_tokens_.insert(o.token);
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
          (confirm && !it->second.cancel_requested) || !take_ends(o.args))
        break;
      it->second.resolved = true;
      result = 1;
      std::optional<Value> value;
      if (!confirm) {
        value = fitting(o.args.empty() ? std::nullopt : std::optional(o.args[0]),
                        scenario_.host_functions[it->second.function].type.result);
      }
      guarded([&] { backend_.resolve(o.token, std::move(value)); });
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
    case HostOp::kNewStream:
    case HostOp::kNewFuture: {
      if (!used_tokens_.insert(o.token).second) break;
      result = 1;
      const ThreadId readable{o.token, 0};
      const ThreadId writable{o.token, 1};
      const bool future = o.kind == HostOp::kNewFuture;
      host_ends_[readable] = {future, false};
      host_ends_[writable] = {future, true};
      if (future)
        backend_.new_future(readable, writable, o.element);
      else
        backend_.new_stream(readable, writable, o.element);
      break;
    }
    case HostOp::kRead:
    case HostOp::kWrite: {
      const auto it = host_ends_.find(o.end);
      const bool write = o.kind == HostOp::kWrite;
      if (it == host_ends_.end() || it->second.writable != write || it->second.state != EndKnowledge::kIdle ||
          used_tokens_.contains(o.token))
        break;
      // A future carries one value.
      if (it->second.future && (write ? o.args.size() : o.count) != 1) break;
      it->second.state = EndKnowledge::kCopying;
      if (write && !take_ends(o.args)) {
        it->second.state = EndKnowledge::kIdle;
        break;
      }
      if (o.token != 0) used_tokens_.insert(o.token);
      it->second.reading = o.token;
      result = 1;
      guarded([&] {
        if (write)
          backend_.write(o.end, o.args);
        else
          backend_.read(o.end, o.count);
      });
      if (trap) host_ends_.at(o.end).state = EndKnowledge::kIdle;  // no copy has begun
      break;
    }
    case HostOp::kCancelCopy: {
      const auto it = host_ends_.find(o.end);
      if (it == host_ends_.end() || it->second.state != EndKnowledge::kCopying) break;
      result = 1;
      guarded([&] { backend_.cancel_copy(o.end); });
      break;
    }
    case HostOp::kDropEnd: {
      const auto it = host_ends_.find(o.end);
      if (it == host_ends_.end() || it->second.state == EndKnowledge::kCopying) break;
      // A future must be written before its writable end may go.
      if (it->second.future && it->second.writable && it->second.state != EndKnowledge::kDone) break;
      host_ends_.erase(it);
      result = 1;
      guarded([&] { backend_.drop_end(o.end); });
      break;
    }
    case HostOp::kInstantiate:
      guarded([&] { backend_.start(o.function); });
      result = 1;
      break;
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
  for (const uint32_t instance : traces::start_order(scenario_)) {
    HostOperation instantiate;
    instantiate.kind = HostOp::kInstantiate;
    instantiate.function = instance;
    trap = host_operation(instantiate, 0);
    if (trap) break;
  }
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
