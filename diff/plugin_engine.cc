// Translates between the vocabulary and diff/plugin.h. What the library calls does not trust it: an id out of range or
// a status that nobody gave is "nonsense", which ends the case and is reported as such.
//
// Traps and abandoned runs are C++ exceptions in World and statuses in the library: `checked` turns a status into an
// exception, `callback` an exception into a status, so that no exception ever leaves frames of this file and World's.
#include "diff/plugin_engine.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <type_traits>

#include "diff/chooser.h"
#include "diff/plugin_values.h"
#include "diff/scenario_source.h"
#include "diff/support.h"
#include "diff/world.h"
#include "traces/json.h"
#include "traces/json_reader.h"
#include "traces/sites.h"

namespace lockstep::diff {
namespace {

using traces::Canon;
using traces::InputError;
using traces::Json;
using traces::kNone;
using traces::Op;
using traces::RecordKind;
using traces::SiteId;
using traces::SnapshotWriter;
using traces::ThreadId;
using traces::Token;
using traces::Value;
using traces::ValueType;
using traces::Words;

// ---- numbers: diff/plugin.h has its own, so that it can be read alone

constexpr bool same(auto a, auto b) { return static_cast<uint32_t>(a) == static_cast<uint32_t>(b); }
static_assert(same(LOCKSTEP_NUM_BUILTINS, Op::kLoad) && same(LOCKSTEP_TASK_RETURN, Op::kTaskReturn) &&
              same(LOCKSTEP_THREAD_INDEX, Op::kThreadIndex) && same(LOCKSTEP_STREAM_NEW, Op::kStreamNew) &&
              same(LOCKSTEP_THREAD_NEW_INDIRECT, Op::kThreadNewIndirect) &&
              same(LOCKSTEP_ERROR_CONTEXT_DROP, Op::kErrorContextDrop));
static_assert(same(LOCKSTEP_NO_TYPE, ValueType::Kind::kNone) && same(LOCKSTEP_U32, ValueType::Kind::kU32) &&
              same(LOCKSTEP_STRING, ValueType::Kind::kString) && same(LOCKSTEP_FUTURE, ValueType::Kind::kFuture));
static_assert(same(LOCKSTEP_INTEGER, Value::Kind::kInteger) && same(LOCKSTEP_CASE, Value::Kind::kCase) &&
              same(LOCKSTEP_END, Value::Kind::kEnd));
static_assert(same(LOCKSTEP_I64, traces::IndexType::kI64) && same(LOCKSTEP_LIFT_STACKFUL, traces::Lift::kStackful) &&
              same(LOCKSTEP_LATIN1_UTF16, traces::Encoding::kLatin1Utf16) &&
              same(LOCKSTEP_ENTRY_I64, traces::TableEntry::kI64) &&
              same(LOCKSTEP_DEBUG_MESSAGE, traces::ChoicePoint::kDebugMessage) &&
              same(LOCKSTEP_STATE_TREE, traces::EntityKind::kTree));
constexpr bool is_bit(uint32_t feature, Need n) { return feature == uint32_t{1} << static_cast<uint32_t>(n); }
static_assert(is_bit(LOCKSTEP_FEATURE_ASYNC, Need::kAsync) && is_bit(LOCKSTEP_FEATURE_VALUES, Need::kValues) &&
              is_bit(LOCKSTEP_FEATURE_RESOURCES, Need::kResources) &&
              is_bit(LOCKSTEP_FEATURE_STREAMS, Need::kStreams) && is_bit(LOCKSTEP_FEATURE_FUTURES, Need::kFutures) &&
              is_bit(LOCKSTEP_FEATURE_I64, Need::kI64) && is_bit(LOCKSTEP_FEATURE_TABLE_LIMIT, Need::kTableLimit) &&
              is_bit(LOCKSTEP_FEATURE_START, Need::kStart) && is_bit(LOCKSTEP_FEATURE_POST_RETURN, Need::kPostReturn) &&
              is_bit(LOCKSTEP_FEATURE_EXCEPTIONS, Need::kExceptions) &&
              is_bit(LOCKSTEP_FEATURE_RECURSION, Need::kRecursion) &&
              is_bit(LOCKSTEP_FEATURE_NESTED_INVOKE, Need::kNestedInvoke));

// What the library did that no engine may do. Failures of one kind are one failure: what differs from case to case is
// the detail.
struct Nonsense {
  std::string text;
};
[[noreturn]] void nonsense(std::string text, const std::string& detail = "") {
  throw Nonsense{detail.empty() ? std::move(text) : text + "\n  " + detail};
}

Value checked_value(const lockstep_value& v, const ValueType& t, const char* where) {
  Value out = value_from_c(v);
  if (!is_value_of(out, t)) nonsense(fmt::format("a value in {} that is not of its type", where));
  return out;
}

// A status other than LOCKSTEP_OK on its way through World.
struct Unwind {
  lockstep_status status;
};

// ---- one case

class PluginBackend : public Backend {
 public:
  PluginBackend(Run& run, const lockstep_plugin& plugin, const Capabilities& capabilities)
      : scenario_(run.scenario), plugin_(plugin), capabilities_(capabilities), world_(run, *this) {
    describe();
    fill_host();
  }

  // Runs the case; what the library did wrong, or lacks, is in `failure` and `unsupported`.
  void run() {
    try {
      store_ = plugin_.create(&component_, &host_);
      if (store_ == nullptr) nonsense("no store: create returned NULL");
      world_.run_case();
    } catch (const Abandon&) {
    } catch (const Nonsense& n) {
      set_failure(n.text);
    } catch (const Unwind& u) {
      set_failure(fmt::format("a status {} that nobody could take", u.status));
    }
    stopping_ = true;
    if (store_ != nullptr) plugin_.destroy(store_);
  }

  const std::string& failure() const { return failure_; }
  const std::string& unsupported() const { return unsupported_; }

  // ---- Backend

  ThreadId current_thread() override { return from_c(plugin_.current_thread(store_)); }

  uint64_t perform(const BuiltinCall& c) override {
    if (!support_of(plugin_).has(c.op)) lacks(std::string(traces::name(c.op)));
    const lockstep_builtin call{
        static_cast<uint32_t>(c.op), c.instance, c.canon_index, c.token, c.args.size(), c.args.data()};
    uint64_t result = 0;
    checked(plugin_.perform(store_, &call, &result), "perform");
    if (c.op == Op::kWaitableSetWait || c.op == Op::kWaitableSetPoll) {
      const uint64_t size = world_.memory(c.instance, c.canon.memory).size();
      if (c.args[1] > size - 8) nonsense("an event stored outside of memory");
    }
    return result;
  }

  void raise_trap(SiteId site) override { throw Unwind{static_cast<lockstep_status>(site)}; }
  void throw_core_exception() override { throw Unwind{LOCKSTEP_CORE_EXCEPTION}; }

  std::optional<SiteId> guarded(FunctionRef f) override {
    try {
      f();
    } catch (const Unwind& u) {
      if (u.status <= 0) throw;
      return static_cast<SiteId>(u.status);
    }
    return std::nullopt;
  }

  void invoke(uint32_t function, Token token, std::span<const Value> args) override {
    invoked_[token] = function;
    Arena arena;
    const auto values = arena.values(args);
    checked(plugin_.invoke(store_, function, token, values.data(), values.size()), "invoke");
  }
  void start(uint32_t instance) override {
    if (plugin_.start == nullptr) lacks("start");
    checked(plugin_.start(store_, instance, traces::task_name(traces::Context::kStart, instance, 1)), "start");
  }
  bool tick() override {
    uint32_t ran = 0;
    checked(plugin_.tick(store_, &ran), "tick");
    if (ran > 1) nonsense("a tick in which neither 0 nor 1 threads ran");
    return ran == 1;
  }
  void resolve(Token token, std::optional<Value> value) override {
    if (plugin_.resolve == nullptr) lacks("async");
    Arena arena;
    const lockstep_value v = value ? arena.value(*value) : lockstep_value{};
    checked(plugin_.resolve(store_, token, value ? &v : nullptr), "resolve");
  }
  void cancel(Token token) override {
    if (plugin_.cancel == nullptr) lacks("async");
    checked(plugin_.cancel(store_, token), "cancel");
  }

  std::vector<uint32_t> call_stack() override {
    if (!capabilities_.tree) return {};
    std::vector<uint32_t> out;
    for (const auto& [token, instance] : tasks_from(plugin_.call_stack)) out.push_back(token);
    return out;
  }
  std::vector<uint32_t> live_tasks(uint64_t locked) override {
    std::vector<uint32_t> out;
    for (const auto& [token, instance] : tasks_from(plugin_.live_tasks))
      if (!is_locked(scenario_, instance, locked)) out.push_back(token);
    std::sort(out.begin(), out.end());
    return out;
  }

  void new_stream(ThreadId readable, ThreadId writable, const ValueType& element) override {
    new_ends(readable, writable, false, element);
  }
  void new_future(ThreadId readable, ThreadId writable, const ValueType& element) override {
    new_ends(readable, writable, true, element);
  }
  void read(ThreadId end, uint32_t count) override {
    checked(plugin_.host_read(store_, to_c(end), count), "host_read");
  }
  void write(ThreadId end, std::span<const Value> written) override {
    Arena arena;
    const auto values = arena.values(written);
    checked(plugin_.host_write(store_, to_c(end), values.data(), values.size()), "host_write");
  }
  void cancel_copy(ThreadId end) override { checked(plugin_.host_cancel_copy(store_, to_c(end)), "host_cancel_copy"); }
  void drop_end(ThreadId end) override { checked(plugin_.host_drop(store_, to_c(end)), "host_drop"); }

  bool may_enter(uint32_t instance) override { return flag(plugin_.may_enter(store_, instance), "may_enter"); }
  bool may_leave(uint32_t instance) override { return flag(plugin_.may_leave(store_, instance), "may_leave"); }

  void snapshot(SnapshotWriter& w, uint64_t locked) override;

  static Support support_of(const lockstep_plugin& p) { return {p.builtins, p.features}; }

 private:
  // ---- status and exceptions

  void set_failure(const std::string& text) {
    if (failure_.empty()) failure_ = "answered nonsense: " + text;
    stopping_ = true;
  }
  // What comes back from a function of the library.
  void checked(lockstep_status s, const char* from) {
    if (stopping_) throw Abandon{};
    if (s == LOCKSTEP_OK) return;
    if (s == LOCKSTEP_STOP) nonsense(fmt::format("LOCKSTEP_STOP from {}, though the case was to go on", from));
    if (s == LOCKSTEP_UNSUPPORTED) nonsense(fmt::format("LOCKSTEP_UNSUPPORTED from {}, but not what", from));
    const auto site = static_cast<SiteId>(s);
    if (s < 0 || site >= traces::sites().size() || traces::site(site).assertion)
      nonsense(fmt::format("a status from {} that is no trap", from), fmt::format("status {}", s));
    throw Unwind{s};
  }
  bool flag(uint32_t value, const char* from) {
    if (value > 1) nonsense(fmt::format("neither 0 nor 1 from {}", from), std::to_string(value));
    return value == 1;
  }
  [[noreturn]] void lacks(std::string what) {
    unsupported_ = std::move(what);
    stopping_ = true;
    throw Abandon{};
  }

  // What the library calls: runs f with the backend; the status of how it ended.
  template <typename F>
  static lockstep_status callback(void* context, F f) {
    auto& self = *static_cast<PluginBackend*>(context);
    if (self.stopping_) return LOCKSTEP_STOP;
    try {
      f(self);
      // f may have run the library, and that have ended the case.
      return self.stopping_ ? LOCKSTEP_STOP : LOCKSTEP_OK;
    } catch (const Unwind& u) {
      return u.status;
    } catch (const Abandon&) {
      self.stopping_ = true;
    } catch (const Nonsense& n) {
      self.set_failure(n.text);
    } catch (const std::exception& e) {
      self.set_failure(e.what());
    }
    return LOCKSTEP_STOP;
  }
  // The same for what returns something else.
  template <typename F>
  static auto answered(void* context, F f) {
    std::invoke_result_t<F, PluginBackend&> out{};
    callback(context, [&](PluginBackend& self) { out = f(self); });
    return out;
  }

  // An index that the library gave.
  template <typename T>
  const T& at(const std::vector<T>& list, uint32_t index, const char* what) const {
    if (index >= list.size())
      nonsense(fmt::format("{} {} that there is not", *what == 'i' ? "an" : "a", what),
               fmt::format("number {} of {}", index, list.size()));
    return list[index];
  }
  const traces::Function& function(uint32_t f) const { return at(scenario_.functions, f, "function"); }
  const traces::Instance& instance(uint32_t i) const { return at(scenario_.instances, i, "instance"); }
  void in_memory(uint32_t i, uint32_t memory, uint64_t address, uint64_t bytes) {
    const uint64_t size = memory == kNone ? 0 : world_.memory(i, memory).size();
    if (address > size || bytes > size - address) nonsense("parameters outside of memory");
  }

  void fill_host();
  void describe();
  lockstep_func_type func_type(const traces::FuncType& t) {
    return {t.async_, t.params.size(), arena_.types(t.params),
            arena_.type(t.result.value_or(ValueType(ValueType::Kind::kNone)))};
  }
  lockstep_canon canon(const Canon& c) {
    const bool returns = c.kind == Op::kTaskReturn;
    return {static_cast<uint32_t>(c.kind),
            c.callee.function,
            c.callee.host_function,
            c.async_,
            c.cancellable,
            c.slot,
            static_cast<uint32_t>(c.index),
            c.resource,
            c.table,
            c.memory,
            static_cast<uint32_t>(c.encoding),
            c.realloc,
            arena_.type(returns ? c.result.value_or(ValueType(ValueType::Kind::kNone)) : c.element)};
  }

  void new_ends(ThreadId readable, ThreadId writable, bool future, const ValueType& element) {
    if (plugin_.new_ends == nullptr) lacks(future ? "futures" : "streams");
    const lockstep_type& type = host_element_types_.emplace_back(arena_.type(element));
    checked(plugin_.new_ends(store_, to_c(readable), to_c(writable), future, &type), "new_ends");
  }

  std::vector<std::pair<uint32_t, uint32_t>> tasks_from(void (*query)(void*)) {
    tasks_.clear();
    query(store_);
    if (stopping_) throw Abandon{};
    return tasks_;
  }

  void answer(lockstep_answer* out, bool blocked, bool cancelled, const std::optional<Value>& value) {
    answer_ = value.value_or(Value());
    answer_arena_ = Arena();
    *out = {blocked, cancelled, answer_arena_.value(answer_)};
  }

  const traces::Scenario& scenario_;
  const lockstep_plugin& plugin_;
  const Capabilities capabilities_;
  World world_;
  void* store_ = nullptr;
  bool stopping_ = false;
  std::string failure_;
  std::string unsupported_;

  lockstep_host host_{};
  lockstep_component component_{};
  Arena arena_;
  std::deque<lockstep_type> host_element_types_;
  std::vector<lockstep_instance> instances_;
  std::deque<std::vector<lockstep_memory>> memories_;
  std::deque<std::vector<lockstep_table>> tables_;
  std::deque<std::vector<uint32_t>> table_entries_;
  std::deque<std::vector<lockstep_canon>> canons_;
  std::vector<lockstep_function> functions_;
  std::vector<lockstep_func_type> host_functions_;
  std::vector<lockstep_resource> resources_;

  std::map<Token, uint32_t> invoked_;  // functions that the host called
  Value answer_;
  Arena answer_arena_;
  std::vector<std::pair<uint32_t, uint32_t>> tasks_;  // scratch: (token, instance)
  std::vector<lockstep_entity> entities_;             // scratch
};

void PluginBackend::describe() {
  for (uint32_t i = 0; i < scenario_.instances.size(); ++i) {
    const traces::Instance& inst = scenario_.instances[i];
    auto& memories = memories_.emplace_back();
    for (uint32_t m = 0; m < inst.memories.size(); ++m) {
      const std::span<uint8_t> bytes = world_.memory(i, m);
      memories.push_back({static_cast<uint32_t>(inst.memories[m].index_type), bytes.size(), bytes.data()});
    }
    auto& tables = tables_.emplace_back();
    for (const auto& table : inst.tables) {
      auto& entries = table_entries_.emplace_back();
      for (const traces::TableEntry e : table) entries.push_back(static_cast<uint32_t>(e));
      tables.push_back({entries.size(), entries.data()});
    }
    auto& canons = canons_.emplace_back();
    for (const Canon& c : inst.canons) canons.push_back(canon(c));
    instances_.push_back(
        {inst.parent, memories.size(), memories.data(), tables.size(), tables.data(), canons.size(), canons.data()});
  }
  for (const traces::Function& f : scenario_.functions)
    functions_.push_back({f.instance, static_cast<uint32_t>(f.lift), f.memory, static_cast<uint32_t>(f.encoding),
                          f.realloc, f.post_return, func_type(f.type)});
  for (const traces::HostFunction& h : scenario_.host_functions) host_functions_.push_back(func_type(h.type));
  for (const traces::Resource& r : scenario_.resources) resources_.push_back({r.instance, r.destructor});
  component_ = {scenario_.table_limit,  instances_.size(),      instances_.data(), functions_.size(), functions_.data(),
                host_functions_.size(), host_functions_.data(), resources_.size(), resources_.data()};
}

void PluginBackend::fill_host() {
  using Self = PluginBackend;
  lockstep_host& h = host_;
  h.size = sizeof h;
  h.context = this;
  h.body = [](void* context, uint32_t f, const uint64_t* args, size_t n, uint64_t* result) {
    return callback(context, [&](Self& self) {
      const traces::Function& function = self.function(f);
      const auto pointers = index_type(self.scenario_, function.instance, function.memory);
      if (n != traces::lifted_params(function.type, pointers))
        nonsense("a wrong number of parameters for a function", fmt::format("{} for function {}", n, f));
      if (params_in_memory(function.type)) self.in_memory(function.instance, function.memory, args[0], 4);
      *result = self.world_.body(f, {args, n}).value_or(0);
    });
  };
  h.callback = [](void* context, uint32_t f, uint32_t code, uint32_t p1, uint32_t p2, uint32_t* packed) {
    return callback(context, [&](Self& self) {
      if (self.function(f).lift != traces::Lift::kCallback)
        nonsense("a callback of a function that has none", fmt::format("function {}", f));
      *packed = self.world_.callback(f, code, p1, p2);
    });
  };
  h.post_return = [](void* context, uint32_t f, const uint64_t* results, size_t n) {
    return callback(context, [&](Self& self) {
      if (!self.function(f).post_return)
        nonsense("a post-return of a function that has none", fmt::format("function {}", f));
      if (n != traces::lifted_results(self.function(f).type))
        nonsense("a wrong number of results for a post-return", fmt::format("{} for function {}", n, f));
      self.world_.post_return(f, {results, n});
    });
  };
  h.reallocate = [](void* context, uint32_t i, uint32_t memory, uint64_t old, uint64_t old_bytes, uint64_t alignment,
                    uint64_t new_bytes, uint64_t* pointer) {
    return callback(context, [&](Self& self) {
      self.at(self.instance(i).memories, memory, "memory");
      const uint64_t args[] = {old, old_bytes, alignment, new_bytes};
      *pointer = self.world_.realloc(i, index_type(self.scenario_, i, memory), args);
    });
  };
  h.destructor = [](void* context, uint32_t resource, uint32_t rep) {
    return callback(context, [&](Self& self) {
      self.at(self.scenario_.resources, resource, "resource");
      self.world_.destructor(resource, rep);
    });
  };
  h.start_function = [](void* context, uint32_t i) {
    return callback(context, [&](Self& self) {
      if (!self.instance(i).start)
        nonsense("a start function of an instance that has none", fmt::format("instance {}", i));
      self.world_.start(i);
    });
  };
  h.thread = [](void* context, uint32_t i, uint32_t table, uint64_t argument) {
    return callback(context, [&](Self& self) {
      self.at(self.instance(i).tables, table, "table");
      self.world_.thread(i, table, argument);
    });
  };
  h.name_task = [](void* context, uint32_t i, uint32_t is_destructor) {
    return answered(context, [&](Self& self) -> uint32_t {
      self.instance(i);
      return self.world_.name_task(i, is_destructor != 0 ? traces::Context::kDestructor : traces::Context::kRealloc);
    });
  };
  h.host_call = [](void* context, uint32_t f, uint32_t token, const lockstep_value* args, size_t n,
                   lockstep_answer* out) {
    return callback(context, [&](Self& self) {
      const traces::FuncType& type = self.at(self.scenario_.host_functions, f, "host function").type;
      if (n + 1 != type.params.size())
        nonsense("a wrong number of parameters for a host function", fmt::format("{} for host function {}", n + 1, f));
      std::vector<Value> values;
      for (size_t i = 0; i < n; ++i)
        values.push_back(checked_value(args[i], type.params[i + 1], "a host function's parameters"));
      const std::optional<Value> result = self.world_.host_called(f, token, values);
      self.answer(out, !result, false, result);
    });
  };
  h.host_cancel = [](void* context, uint32_t f, uint32_t token, lockstep_answer* out) {
    return callback(context, [&](Self& self) {
      self.at(self.scenario_.host_functions, f, "host function");
      const World::Cancelled c = self.world_.host_cancelled(f, token);
      self.answer(out, !c.resolve, c.resolve && !c.value, c.value);
    });
  };
  h.started = [](void* context, uint32_t token) {
    return callback(context, [&](Self& self) { self.world_.started(token); });
  };
  h.resolved = [](void* context, uint32_t token, const lockstep_value* result) {
    return callback(context, [&](Self& self) {
      const auto call = self.invoked_.find(token);
      if (call == self.invoked_.end())
        nonsense("the end of a call that the host did not make", fmt::format("token {}", token));
      const auto& type = self.function(call->second).type.result;
      std::optional<Value> value;
      if (result != nullptr) value = type ? checked_value(*result, *type, "a result") : Value();
      self.world_.resolved(token, value, type.has_value());
    });
  };
  h.end_received = [](void* context, uint32_t token, const lockstep_type* type) {
    return answered(context, [&](Self& self) { return to_c(self.world_.end_received(token, type_from_c(*type))); });
  };
  h.read_token = [](void* context, lockstep_id end) {
    return answered(context, [&](Self& self) { return self.world_.read_token(from_c(end)); });
  };
  h.host_copy = [](void* context, lockstep_id end, uint32_t result, uint32_t progress, const lockstep_value* values,
                   size_t n) {
    return callback(context, [&](Self& self) {
      if (result > 2 || !self.world_.host_end(from_c(end))) nonsense("a copy of no end of the host's");
      std::vector<Value> read;
      for (size_t i = 0; i < n; ++i) read.push_back(value_from_c(values[i]));
      self.world_.host_copy(from_c(end), result, progress, read);
    });
  };
  h.choose = [](void* context, uint32_t point, lockstep_id subject, const lockstep_id* candidates, size_t n,
                size_t* taken) {
    return callback(context, [&](Self& self) {
      if (point > LOCKSTEP_DEBUG_MESSAGE) nonsense("a choice point that there is not", std::to_string(point));
      if (n == 0) nonsense("a choice among no candidates");
      std::vector<ThreadId> ids;
      for (size_t i = 0; i < n; ++i) ids.push_back(from_c(candidates[i]));
      std::vector<ThreadId> sorted = ids;
      std::sort(sorted.begin(), sorted.end());
      if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) nonsense("a candidate that stands twice");
      const ThreadId chosen =
          sorted[self.world_.choose(static_cast<traces::ChoicePoint>(point), from_c(subject), sorted)];
      *taken = static_cast<size_t>(std::find(ids.begin(), ids.end(), chosen) - ids.begin());
    });
  };
  h.site = [](const char* name) { return static_cast<lockstep_status>(traces::find_site(name)); };
  h.unsupported = [](void* context, const char* what) -> lockstep_status {
    auto& self = *static_cast<Self*>(context);
    if (!self.stopping_) self.unsupported_ = what;
    self.stopping_ = true;
    return LOCKSTEP_UNSUPPORTED;
  };
  h.failed = [](void* context, const char* what) -> lockstep_status {
    auto& self = *static_cast<Self*>(context);
    if (self.failure_.empty()) self.failure_ = std::string("failed an invariant of its own: ") + what;
    self.stopping_ = true;
    return LOCKSTEP_STOP;
  };
  h.state = [](void* context, const lockstep_entity* e) { static_cast<Self*>(context)->entities_.push_back(*e); };
  h.task = [](void* context, uint32_t token, uint32_t i) {
    callback(context, [&](Self& self) {
      self.instance(i);
      self.tasks_.emplace_back(token, i);
    });
  };
}

void PluginBackend::snapshot(SnapshotWriter& w, uint64_t locked) {
  if (!capabilities_.snapshot) return;
  entities_.clear();
  plugin_.snapshot(store_);
  const auto order = [](const lockstep_entity& e) { return std::tuple(e.kind, e.key.task, e.key.k); };
  std::sort(entities_.begin(), entities_.end(),
            [&](const lockstep_entity& a, const lockstep_entity& b) { return order(a) < order(b); });
  for (size_t i = 1; i < entities_.size(); ++i)
    if (order(entities_[i - 1]) == order(entities_[i])) nonsense("an entity of the state that stands twice");
  std::set<uint32_t> locked_tasks;
  for (const lockstep_entity& e : entities_) {
    const uint32_t i = e.key.task;
    if (e.kind <= LOCKSTEP_STATE_ERROR_CONTEXT) {
      instance(i);
      if (is_locked(scenario_, i, locked)) {
        if (e.kind == LOCKSTEP_STATE_INSTANCE) w.locked_instance(i);
        continue;
      }
    } else if (e.kind == LOCKSTEP_STATE_TASK) {
      instance(e.fields.task.instance);
      if (is_locked(scenario_, e.fields.task.instance, locked)) locked_tasks.insert(i);
    }
    if (e.kind > LOCKSTEP_STATE_ERROR_CONTEXT && locked_tasks.contains(i)) continue;
    switch (e.kind) {
      case LOCKSTEP_STATE_INSTANCE: {
        const auto& f = e.fields.instance;
        w.instance(i, {.may_enter = f.may_enter != 0,
                       .may_leave = f.may_leave != 0,
                       .backpressure = f.backpressure,
                       .waiting_to_enter = f.num_waiting_to_enter,
                       .exclusive = from_c(f.exclusive_thread),
                       .next_handle = f.next_handle,
                       .next_thread = f.next_thread});
        break;
      }
      case LOCKSTEP_STATE_SUBTASK: {
        const auto& f = e.fields.subtask;
        w.subtask(i, e.key.k,
                  {.call = f.call,
                   .state = f.state,
                   .cancellation_requested = f.cancellation_requested != 0,
                   .resolve_delivered = f.resolve_delivered != 0,
                   .pending_event = f.pending_event != 0,
                   .sync_waiter = f.sync_waiter != 0,
                   .set = f.set});
        break;
      }
      case LOCKSTEP_STATE_WAITABLE_SET:
        w.waitable_set(i, e.key.k, e.fields.waitable_set.num_waiting);
        break;
      case LOCKSTEP_STATE_END: {
        const auto& f = e.fields.end;
        w.end(i, e.key.k,
              {.kind = f.kind,
               .state = f.state,
               .pending_event = f.pending_event != 0,
               .sync_waiter = f.sync_waiter != 0,
               .set = f.set,
               .dropped = f.dropped != 0,
               .pending = f.pending != 0,
               .remaining = f.remaining});
        break;
      }
      case LOCKSTEP_STATE_RESOURCE: {
        const auto& f = e.fields.resource;
        w.resource(i, e.key.k, {.type = f.type, .rep = f.rep, .own = f.own != 0, .scope = f.scope, .lends = f.lends});
        break;
      }
      case LOCKSTEP_STATE_ERROR_CONTEXT:
        w.error_context(i, e.key.k, e.fields.error_context.length);
        break;
      case LOCKSTEP_STATE_TASK:
        w.task(i, e.fields.task.instance, e.fields.task.state, e.fields.task.num_borrows);
        break;
      case LOCKSTEP_STATE_THREAD: {
        const auto& f = e.fields.thread;
        w.thread(from_c(e.key), {.state = f.state,
                                 .ready = f.ready != 0,
                                 .cancellable = f.cancellable != 0,
                                 .index = f.index,
                                 .slot0 = f.slots[0],
                                 .slot1 = f.slots[1]});
        break;
      }
      case LOCKSTEP_STATE_TREE:
        if (capabilities_.tree) w.tree(i, e.fields.tree.parent);
        break;
      default:
        nonsense("an entity of the state of no known kind", std::to_string(e.kind));
    }
  }
}

// ---- the child process

struct Library {
  const lockstep_plugin* plugin;
  Capabilities capabilities;
};

Library checked(const lockstep_plugin* p);

Library load(const std::string& path) {
  // Without a slash the system would look elsewhere.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* const library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw InputError("", dlerror());
  void* const symbol = dlsym(library, LOCKSTEP_PLUGIN_ENTRY);
  if (symbol == nullptr) throw InputError("", "there is no " LOCKSTEP_PLUGIN_ENTRY " in it");
  return checked(reinterpret_cast<lockstep_plugin_entry_function*>(symbol)(LOCKSTEP_PLUGIN_VERSION));
}

// What the table says, if it can be used.
Library checked(const lockstep_plugin* p) {
  if (p == nullptr) throw InputError("", fmt::format("it does not speak version {}", LOCKSTEP_PLUGIN_VERSION));
  if (p->size < sizeof *p)
    throw InputError("", fmt::format("its table has {} bytes, that of version {} has {}", p->size,
                                     LOCKSTEP_PLUGIN_VERSION, sizeof *p));
  const auto reports = [&](uint32_t bit) { return (p->reports & bit) != 0; };
  const Capabilities c{reports(LOCKSTEP_REPORTS_CHOICES), reports(LOCKSTEP_REPORTS_SNAPSHOT),
                       reports(LOCKSTEP_REPORTS_TREE), reports(LOCKSTEP_REPORTS_AFTERMATH)};
  const bool complete = p->name != nullptr && p->create != nullptr && p->destroy != nullptr && p->invoke != nullptr &&
                        p->tick != nullptr && p->perform != nullptr && p->current_thread != nullptr &&
                        p->may_enter != nullptr && p->may_leave != nullptr && p->live_tasks != nullptr &&
                        (!c.snapshot || p->snapshot != nullptr) && (!c.tree || p->call_stack != nullptr);
  if (!complete) throw InputError("", "a function is missing in its table");
  return {p, c};
}

Json hello(const Library& l) {
  Json capabilities = Json::array();
  if (l.capabilities.choices) capabilities.push_back("choices");
  if (l.capabilities.snapshot) capabilities.push_back("snapshot");
  if (l.capabilities.tree) capabilities.push_back("tree");
  if (l.capabilities.aftermath) capabilities.push_back("aftermath");
  return {{"lockstep", "1"},
          {"name", l.plugin->name},
          {"capabilities", std::move(capabilities)},
          {"supports", names_of(PluginBackend::support_of(*l.plugin))}};
}

// The stream as World writes it for an engine that cannot report everything.
Words as_reported(std::span<const uint32_t> stream, const Capabilities& c) {
  constexpr uint32_t kDuringAftermath = kNone;
  Words out;
  bool cut = false;
  for (size_t at = 0; at < stream.size();) {
    const traces::RecordView r = traces::record_at(stream, at);
    at = traces::next(r);
    if (r.kind == RecordKind::kHostBegin && r.words[0] == kDuringAftermath && !c.aftermath) cut = true;
    if (r.kind == RecordKind::kOutcome) cut = false;
    if (cut || (r.kind == RecordKind::kChoice && !c.choices)) continue;
    Words words(r.words.begin(), r.words.end());
    if (r.kind == RecordKind::kState && !c.snapshot) words.clear();
    if (r.kind == RecordKind::kState && !c.tree) words = traces::without(words, traces::EntityKind::kTree);
    if (r.kind == RecordKind::kStack && !c.tree) words = {0};
    out.push_back(traces::header(r.kind, words.size()));
    out.insert(out.end(), words.begin(), words.end());
  }
  return out;
}

// Leaves the aftermath out, for engines that have no store then.
class Source : public ScenarioSource {
 public:
  Source(const traces::Scenario& s, bool aftermath) : ScenarioSource(s), aftermath_(aftermath) {}
  const traces::HostOperation* aftermath(size_t i) override {
    return aftermath_ ? ScenarioSource::aftermath(i) : nullptr;
  }

 private:
  bool aftermath_;
};

// One case; `failed` is set if the process should not be used for another.
Json answer_to(const Json& request, Words expected, const Library& l, bool& failed) {
  const traces::Scenario scenario = traces::scenario_from_json(request.at("scenario"), "/scenario");
  std::vector<traces::TakenChoice> choices;
  for (const Json& c : request.at("choices"))
    choices.push_back({*traces::from_name<traces::ChoicePoint>(c.at(0).get<std::string>()),
                       traces::id_from_json(c.at(1), "/choices")});
  const bool compare = !expected.empty();
  if (l.capabilities != Capabilities{}) expected = as_reported(expected, l.capabilities);
  Source source(scenario, l.capabilities.aftermath);
  ScriptedChooser chooser(choices);
  Recorder recorder;
  recorder.start(compare, expected);
  Run run{scenario, source, chooser, recorder};
  PluginBackend backend(run, *l.plugin, l.capabilities);
  backend.run();
  failed = !backend.failure().empty();
  Json out{{"case", request.at("case")}};
  if (failed)
    out["failure"] = backend.failure();
  else if (!backend.unsupported().empty())
    out["unsupported"] = backend.unsupported();
  else if (compare && !recorder.differs() && (recorder.stopped() || recorder.words().size() == expected.size()))
    out["agrees"] = true;
  else
    out["words"] = to_hex(recorder.words());
  return out;
}

void write_line(std::FILE* out, const Json& line) {
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), out);
  std::fflush(out);
}

}  // namespace

std::string to_hex(std::span<const uint32_t> words) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(words.size() * 8, '0');
  for (size_t i = 0; i < words.size(); ++i)
    for (size_t d = 0; d < 8; ++d) out[8 * i + d] = kDigits[words[i] >> (28 - 4 * d) & 0xf];
  return out;
}

Words from_hex(const std::string& text) {
  Words out(text.size() / 8);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if ((!digit && (c < 'a' || c > 'f')) || text.size() % 8 != 0) throw InputError("", "not words in hexadecimal");
    out[i / 8] = out[i / 8] << 4 | static_cast<uint32_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return out;
}

namespace {

int serve(const std::function<Library()>& loaded) {
  // The protocol keeps these to itself; what the library prints goes where a failure shows it.
  std::FILE* const in = fdopen(dup(0), "r");
  std::FILE* const out = fdopen(dup(1), "w");
  dup2(2, 1);
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  Library library{};
  try {
    library = loaded();
  } catch (const InputError& e) {
    write_line(out, {{"lockstep", "1"}, {"refused", e.what()}});
    return 1;
  }
  write_line(out, hello(library));
  char* line = nullptr;
  size_t capacity = 0;
  bool failed = false;
  while (!failed && getline(&line, &capacity, in) > 0) {
    const Json request = Json::parse(line);
    Words expected(request.at("expected").get<size_t>());
    if (std::fread(expected.data(), sizeof expected[0], expected.size(), in) != expected.size()) break;
    write_line(out, answer_to(request, std::move(expected), library, failed));
  }
  std::free(line);
  return failed ? 1 : 0;
}

}  // namespace

int serve_plugin(const std::string& path) {
  return serve([&] { return load(path); });
}

int serve_plugin(const lockstep_plugin* plugin) {
  return serve([&] { return checked(plugin); });
}

}  // namespace lockstep::diff
