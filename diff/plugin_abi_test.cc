// Whether diff/plugin.h is enough for a whole engine: `optimized` behind it, with its own stacks, streams, resources
// and threads, agrees with the model on random cases; and a bug of it is still found. Everything between the two goes
// through the C interface.
#include <gtest/gtest.h>

#include <array>
#include <list>
#include <map>

#include "diff/optimized_values.h"
#include "diff/plugin_engine.h"
#include "diff/plugin_values.h"
#include "diff/testing.h"
#include "optimized/adapter.h"
#include "optimized/inspector.h"
#include "optimized/store.h"

// A namespace of its own: files of tests are compiled together.
namespace lockstep::diff::testing::plugin_abi {
namespace {

namespace opt = lockstep::optimized;
using traces::ThreadId;
using traces::Value;
using traces::ValueType;

opt::Mutant mutant = opt::Mutant::kNone;  // of the stores to come

// A status that lockstep gave, on its way through the engine.
struct Passed {
  lockstep_status status;
};
void pass(lockstep_status s) {
  if (s == LOCKSTEP_CORE_EXCEPTION) throw opt::CoreException{};
  if (s != LOCKSTEP_OK) throw Passed{s};
}

opt::Encoding encoding_of(uint32_t e) { return static_cast<opt::Encoding>(e); }
opt::AddressType address_type(uint32_t t) { return static_cast<opt::AddressType>(t); }
uint32_t low(uint64_t v) { return static_cast<uint32_t>(v); }
ThreadId id_of(opt::Id id) { return {id.first, id.second}; }
traces::FuncType func_type(const lockstep_func_type& t) {
  traces::FuncType out;
  out.async_ = t.is_async != 0;
  for (size_t i = 0; i < t.num_params; ++i) out.params.push_back(type_from_c(t.params[i]));
  if (t.result.kind != LOCKSTEP_NO_TYPE) out.result = type_from_c(t.result);
  return out;
}

class OptimizedPlugin : private opt::Choices {
 public:
  OptimizedPlugin(const lockstep_component& c, const lockstep_host& h)
      : component_(c), host_(h), values_(resource_types_), store_(*this, {mutant, c.table_limit}) {
    for (uint32_t i = 0; i < c.num_instances; ++i) {
      const lockstep_instance& inst = c.instances[i];
      instances_.push_back(&store_.add_instance(i, inst.parent == LOCKSTEP_NONE ? nullptr : instances_[inst.parent]));
      auto& memories = memories_.emplace_back();
      for (size_t m = 0; m < inst.num_memories; ++m)
        memories.push_back(
            {{inst.memories[m].base, inst.memories[m].bytes}, address_type(inst.memories[m].index_type)});
    }
    for (uint32_t r = 0; r < c.num_resources; ++r) {
      opt::CoreFunc destructor;
      if (c.resources[r].has_destructor != 0)
        destructor = code({this, r}, [](const Code& d, std::span<const uint64_t> args) -> uint64_t {
          pass(d.self->host_.destructor(d.self->host_.context, d.index, low(args[0])));
          return 0;
        });
      resource_types_.emplace_back(*instances_[c.resources[r].instance], destructor);
    }
    for (uint32_t i = 0; i < c.num_instances; ++i) make_tables(i);
    for (uint32_t f = 0; f < c.num_functions; ++f) lift(f);
    for (uint32_t f = 0; f < c.num_host_functions; ++f) {
      host_types_.push_back(func_type(c.host_functions[f]));
      host_functions_.push_back({values_.type(host_types_.back()),
                                 [](void* data, opt::HostCall& call) {
                                   const Code& d = *static_cast<Code*>(data);
                                   d.self->host_function(d.index, call);
                                 },
                                 &codes_.emplace_back(Code{this, f})});
    }
    for (uint32_t i = 0; i < c.num_instances; ++i) {
      auto& canons = canons_.emplace_back();
      for (size_t k = 0; k < c.instances[i].num_canons; ++k) canons.push_back(define(i, c.instances[i].canons[k]));
    }
  }
  // Stacks that wait are unwound while the rest is still there.
  ~OptimizedPlugin() { store_.reset({mutant}); }

  static lockstep_plugin table();

 private:
  struct Code {
    OptimizedPlugin* self;
    uint32_t index;
    uint32_t other = 0;
  };
  struct Defined {
    opt::CopyOptions copy;
    opt::Import import;
  };
  struct Invocation : opt::Invocation {
    OptimizedPlugin* self = nullptr;
    const traces::FuncType* type = nullptr;
    std::vector<opt::Value> values;
  };
  struct Blocked {
    OptimizedPlugin* self;
    uint32_t function;
    uint32_t token;
    opt::Subtask* subtask;
  };
  struct HeldEnd {
    OptimizedPlugin* self = nullptr;
    ThreadId name;
    opt::CopyEnd* end = nullptr;
    ValueType element;
  };

  // ---- statuses

  template <typename F>
  static lockstep_status status(void* store, F f) {
    auto& self = *static_cast<OptimizedPlugin*>(store);
    try {
      f(self);
      return LOCKSTEP_OK;
    } catch (const opt::Trap& t) {
      return self.host_.site(std::string(opt::name(t.site())).c_str());
    } catch (const Passed& p) {
      return p.status;
    } catch (const opt::AssertionFailure& e) {
      return self.host_.failed(self.host_.context, e.what());
    } catch (...) {
      return LOCKSTEP_STOP;  // a stack that is being unwound
    }
  }

  // ---- set-up

  template <typename F>
  opt::CoreFunc code(Code c, F) {
    return {[](void* data, std::span<const uint64_t> args) -> uint64_t { return F{}(*static_cast<Code*>(data), args); },
            &codes_.emplace_back(c)};
  }
  const opt::Memory* memory(uint32_t i, uint32_t m) { return m == LOCKSTEP_NONE ? nullptr : &memories_[i][m]; }
  opt::CoreFunc realloc_of(uint32_t i, uint32_t m, uint32_t wanted) {
    if (wanted == 0) return {};
    return code({this, i, m}, [](const Code& d, std::span<const uint64_t> a) -> uint64_t {
      uint64_t pointer = 0;
      const lockstep_host& h = d.self->host_;
      pass(h.reallocate(h.context, d.index, d.other, a[0], a[1], a[2], a[3], &pointer));
      return pointer;
    });
  }

  void make_tables(uint32_t i) {
    auto& tables = tables_.emplace_back();
    for (uint32_t t = 0; t < component_.instances[i].num_tables; ++t) {
      const lockstep_table& table = component_.instances[i].tables[t];
      std::vector<opt::FuncRef>& refs = func_refs_.emplace_back();
      for (size_t e = 0; e < table.num_entries; ++e) {
        opt::FuncRef& ref = refs.emplace_back();
        if (table.entries[e] == LOCKSTEP_NULL_ENTRY) continue;
        ref.parameter = table.entries[e] == LOCKSTEP_ENTRY_I32 ? opt::AddressType::kI32 : opt::AddressType::kI64;
        ref.code = code({this, i, t}, [](const Code& d, std::span<const uint64_t> args) -> uint64_t {
          pass(d.self->host_.thread(d.self->host_.context, d.index, d.other, args[0]));
          return 0;
        });
      }
      tables.push_back({refs});
    }
  }

  void lift(uint32_t f) {
    const lockstep_function& function = component_.functions[f];
    function_types_.push_back(func_type(function.type));
    opt::Function& out = functions_.emplace_back();
    out.instance = instances_[function.instance];
    out.type = values_.type(function_types_.back());
    out.lift = static_cast<opt::Lift>(function.lift);
    out.memory = memory(function.instance, function.memory);
    out.encoding = encoding_of(function.encoding);
    out.realloc = realloc_of(function.instance, function.memory, function.has_realloc);
    out.body = code({this, f}, [](const Code& d, std::span<const uint64_t> args) {
      uint64_t result = 0;
      pass(d.self->host_.body(d.self->host_.context, d.index, args.data(), args.size(), &result));
      return result;
    });
    if (function.lift == LOCKSTEP_LIFT_CALLBACK)
      out.callback = code({this, f}, [](const Code& d, std::span<const uint64_t> e) -> uint64_t {
        uint32_t packed = 0;
        pass(d.self->host_.callback(d.self->host_.context, d.index, low(e[0]), low(e[1]), low(e[2]), &packed));
        return packed;
      });
    if (function.has_post_return != 0)
      out.post_return = code({this, f}, [](const Code& d, std::span<const uint64_t> results) -> uint64_t {
        pass(d.self->host_.post_return(d.self->host_.context, d.index, results.data(), results.size()));
        return 0;
      });
  }

  Defined define(uint32_t i, const lockstep_canon& c) {
    Defined d;
    const std::optional<ValueType> type =
        c.type.kind == LOCKSTEP_NO_TYPE ? std::nullopt : std::optional(type_from_c(c.type));
    d.copy = {values_.type(type), c.is_async != 0, memory(i, c.memory), realloc_of(i, c.memory, c.has_realloc)};
    if (c.kind != LOCKSTEP_CALL) return d;
    const opt::ImportOptions options{c.is_async != 0, d.copy.memory, d.copy.realloc};
    d.import = c.function != LOCKSTEP_NONE
                   ? opt::make_import(*instances_[i], functions_[c.function], options)
                   : opt::make_import(*instances_[i], host_functions_[c.host_function], options);
    return d;
  }

  // ---- values

  opt::Value to_engine(const lockstep_value& v, const ValueType& t) {
    return OptimizedValues::to_optimized(value_from_c(v), t, [this](ThreadId name) {
      opt::CopyEnd& end = *host_ends_.at(name).end;
      host_ends_.erase(name);
      return store_.host_give(end);
    });
  }
  Value from_engine(const opt::Value& v, const ValueType& t, uint32_t token) {
    return OptimizedValues::from_optimized(v, t, [this, token](const opt::Value& end, const ValueType& type) {
      Arena arena;
      const lockstep_type c = arena.type(type);
      const ThreadId name = from_c(host_.end_received(host_.context, token, &c));
      host_ends_[name] = {this, name, &store_.host_receive(end), type.children[0]};
      return name;
    });
  }

  // ---- host functions

  void host_function(uint32_t f, opt::HostCall& call) {
    const traces::FuncType& type = host_types_[f];
    const std::span<const opt::Value> taken = call.start();
    const uint32_t token = low(taken[0].number());
    std::vector<Value> args;
    for (size_t i = 1; i < taken.size(); ++i) args.push_back(from_engine(taken[i], type.params[i], token));
    Arena arena;
    const auto values = arena.values(args);
    lockstep_answer answer;
    pass(host_.host_call(host_.context, f, token, values.data(), values.size(), &answer));
    if (answer.blocked == 0) {
      call.resolve(type.result ? to_engine(answer.result, *type.result) : opt::Value());
      return;
    }
    Blocked& b = blocked_.emplace_back(Blocked{this, f, token, nullptr});
    b.subtask = &call.block(
        [](void* data, opt::Subtask&) {
          const Blocked& blocked = *static_cast<Blocked*>(data);
          const lockstep_host& h = blocked.self->host_;
          lockstep_answer a;
          pass(h.host_cancel(h.context, blocked.function, blocked.token, &a));
          if (a.blocked == 0) blocked.self->end_call(blocked, a.cancelled != 0 ? nullptr : &a.result);
        },
        &b);
  }
  void end_call(const Blocked& b, const lockstep_value* result) {
    const auto& type = host_types_[b.function].result;
    if (result != nullptr)
      store_.resolve(*b.subtask, type ? to_engine(*result, *type) : opt::Value());
    else
      store_.resolve_cancelled(*b.subtask);
  }

  // ---- choices

  size_t ask(uint32_t point, lockstep_id subject, std::span<const lockstep_id> candidates) {
    size_t taken = 0;
    pass(host_.choose(host_.context, point, subject, candidates.data(), candidates.size(), &taken));
    return taken;
  }
  bool decide(uint32_t point, opt::Id thread) {
    static constexpr std::array<lockstep_id, 2> kNoOrYes = {{{0, 0}, {1, 0}}};
    return ask(point, to_c(id_of(thread)), kNoOrYes) == 1;
  }
  bool go_on(opt::Id thread) override { return decide(LOCKSTEP_WAIT_UNTIL, thread); }
  bool use_debug_message(opt::Id thread) override { return decide(LOCKSTEP_DEBUG_MESSAGE, thread); }
  uint32_t name_task(const opt::Instance& instance, opt::TaskOrigin origin) override {
    return host_.name_task(host_.context, instance.id, origin == opt::TaskOrigin::kRealloc ? 0 : 1);
  }
  opt::Candidate choose(opt::ChoicePoint point, opt::Id subject, const opt::CandidateSet& set) override {
    static constexpr std::array<uint32_t, 4> kPoints = {LOCKSTEP_REQUEST_CANCELLATION, LOCKSTEP_TICK,
                                                        LOCKSTEP_GET_PENDING_EVENT, LOCKSTEP_SYNC_LOOP};
    std::vector<opt::Id> ids;
    set.append_to(ids);
    std::vector<lockstep_id> candidates;
    for (const opt::Id id : ids) candidates.push_back(to_c(id_of(id)));
    return *set.find(ids[ask(kPoints[static_cast<size_t>(point)], to_c(id_of(subject)), candidates)]);
  }

  // ---- what lockstep calls

  uint64_t perform(const lockstep_builtin& b);
  void invoke(uint32_t function, uint32_t token, std::span<const lockstep_value> args) {
    Invocation& call = invocations_.emplace_back();
    call.self = this;
    call.type = &function_types_[function];
    call.values.emplace_back(token);
    for (size_t i = 0; i < args.size(); ++i) call.values.push_back(to_engine(args[i], call.type->params[i + 1]));
    call.call_id = token;
    call.args = call.values;
    call.on_start = [](opt::Invocation& i) {
      const auto& self = static_cast<Invocation&>(i);
      pass(self.self->host_.started(self.self->host_.context, self.call_id));
    };
    call.on_resolve = [](opt::Invocation& i, bool cancelled, opt::Value result) {
      const auto& self = static_cast<Invocation&>(i);
      Value value;
      if (!cancelled && self.type->result) value = self.self->from_engine(result, *self.type->result, self.call_id);
      Arena arena;
      const lockstep_value c = arena.value(value);
      pass(self.self->host_.resolved(self.self->host_.context, self.call_id, cancelled ? nullptr : &c));
    };
    store_.invoke(functions_[function], call);
  }
  void start(uint32_t instance, uint32_t token) {
    opt::Function& function = functions_.emplace_back();
    function.instance = instances_[instance];
    function.body = code({this, instance}, [](const Code& d, std::span<const uint64_t>) -> uint64_t {
      pass(d.self->host_.start_function(d.self->host_.context, d.index));
      return 0;
    });
    opt::Invocation& call = invocations_.emplace_back();
    call.call_id = token;
    store_.invoke(function, call);
  }
  void hold(lockstep_id name, opt::CopyEnd& end, const ValueType& element) {
    host_ends_[from_c(name)] = {this, from_c(name), &end, element};
  }
  static opt::HostCopy on_copy(HeldEnd& held) {
    return {[](void* data, opt::CopyEnd&, opt::CopyResult result, uint32_t progress, std::span<opt::Value> read) {
              const HeldEnd& end = *static_cast<HeldEnd*>(data);
              const lockstep_host& h = end.self->host_;
              std::vector<Value> values;
              if (end.element.kind != ValueType::Kind::kNone)
                for (const opt::Value& v : read)
                  values.push_back(end.self->from_engine(v, end.element, h.read_token(h.context, to_c(end.name))));
              Arena arena;
              const auto c = arena.values(values);
              pass(h.host_copy(h.context, to_c(end.name), static_cast<uint32_t>(result), progress, c.data(), c.size()));
            },
            &held};
  }
  void snapshot();
  void add(uint32_t kind, ThreadId key, auto&& fill) {
    lockstep_entity e{};
    e.kind = kind;
    e.key = to_c(key);
    fill(e.fields);
    host_.state(host_.context, &e);
  }

  const lockstep_component& component_;
  const lockstep_host& host_;
  std::deque<opt::ResourceType> resource_types_;
  OptimizedValues values_;
  opt::Store store_;
  std::vector<opt::Instance*> instances_;
  std::vector<std::vector<opt::Memory>> memories_;
  std::deque<std::vector<opt::FuncRef>> func_refs_;
  std::vector<std::vector<opt::FuncTable>> tables_;
  std::deque<Code> codes_;
  std::deque<traces::FuncType> function_types_;
  std::deque<traces::FuncType> host_types_;
  std::deque<opt::Function> functions_;
  std::deque<opt::HostFunction> host_functions_;
  std::vector<std::vector<Defined>> canons_;
  std::deque<Invocation> invocations_;
  std::deque<Blocked> blocked_;
  std::map<ThreadId, HeldEnd> host_ends_;
};

uint64_t OptimizedPlugin::perform(const lockstep_builtin& b) {
  const Defined& d = canons_[b.instance][b.canon];
  const lockstep_canon& c = component_.instances[b.instance].canons[b.canon];
  const bool async_ = c.is_async != 0;
  const bool cancellable = c.cancellable != 0;
  const auto arg = [&](size_t i) { return low(b.args[i]); };
  opt::Store& s = store_;
  switch (b.kind) {
    case LOCKSTEP_CALL:
      return s.call(d.import, b.token, {b.args, b.num_args});
    case LOCKSTEP_CONTEXT_GET:
      return s.context_get(c.slot, address_type(c.index_type));
    case LOCKSTEP_CONTEXT_SET:
      return s.context_set(c.slot, b.args[0], address_type(c.index_type)), 0;
    case LOCKSTEP_BACKPRESSURE_INC:
      return s.backpressure_inc(), 0;
    case LOCKSTEP_BACKPRESSURE_DEC:
      return s.backpressure_dec(), 0;
    case LOCKSTEP_TASK_RETURN:
      return s.task_return({d.copy.element, d.copy.memory, encoding_of(c.encoding)}, {b.args, b.num_args}), 0;
    case LOCKSTEP_TASK_CANCEL:
      return s.task_cancel(), 0;
    case LOCKSTEP_WAITABLE_SET_NEW:
      return s.waitable_set_new();
    case LOCKSTEP_WAITABLE_SET_WAIT:
      return s.waitable_set_wait(cancellable, *d.copy.memory, arg(0), b.args[1]);
    case LOCKSTEP_WAITABLE_SET_POLL:
      return s.waitable_set_poll(cancellable, *d.copy.memory, arg(0), b.args[1]);
    case LOCKSTEP_WAITABLE_SET_DROP:
      return s.waitable_set_drop(arg(0)), 0;
    case LOCKSTEP_WAITABLE_JOIN:
      return s.waitable_join(arg(0), arg(1)), 0;
    case LOCKSTEP_SUBTASK_CANCEL:
      return s.subtask_cancel(async_, arg(0));
    case LOCKSTEP_SUBTASK_DROP:
      return s.subtask_drop(arg(0)), 0;
    case LOCKSTEP_THREAD_INDEX:
      return s.thread_index();
    case LOCKSTEP_THREAD_YIELD:
      return s.thread_yield(cancellable);
    case LOCKSTEP_RESOURCE_NEW:
      return s.resource_new(resource_types_[c.resource], arg(0));
    case LOCKSTEP_RESOURCE_DROP:
      return s.resource_drop(resource_types_[c.resource], arg(0)), 0;
    case LOCKSTEP_RESOURCE_REP:
      return s.resource_rep(resource_types_[c.resource], arg(0));
    case LOCKSTEP_STREAM_NEW:
      return s.stream_new(d.copy.element);
    case LOCKSTEP_STREAM_READ:
      return s.stream_read(d.copy, arg(0), b.args[1], b.args[2]);
    case LOCKSTEP_STREAM_WRITE:
      return s.stream_write(d.copy, arg(0), b.args[1], b.args[2]);
    case LOCKSTEP_STREAM_CANCEL_READ:
      return s.cancel_copy(opt::EndKind::kReadableStream, d.copy.element, async_, arg(0));
    case LOCKSTEP_STREAM_CANCEL_WRITE:
      return s.cancel_copy(opt::EndKind::kWritableStream, d.copy.element, async_, arg(0));
    case LOCKSTEP_STREAM_DROP_READABLE:
      return s.drop_copy_end(opt::EndKind::kReadableStream, d.copy.element, arg(0)), 0;
    case LOCKSTEP_STREAM_DROP_WRITABLE:
      return s.drop_copy_end(opt::EndKind::kWritableStream, d.copy.element, arg(0)), 0;
    case LOCKSTEP_FUTURE_NEW:
      return s.future_new(d.copy.element);
    case LOCKSTEP_FUTURE_READ:
      return s.future_read(d.copy, arg(0), b.args[1]);
    case LOCKSTEP_FUTURE_WRITE:
      return s.future_write(d.copy, arg(0), b.args[1]);
    case LOCKSTEP_FUTURE_CANCEL_READ:
      return s.cancel_copy(opt::EndKind::kReadableFuture, d.copy.element, async_, arg(0));
    case LOCKSTEP_FUTURE_CANCEL_WRITE:
      return s.cancel_copy(opt::EndKind::kWritableFuture, d.copy.element, async_, arg(0));
    case LOCKSTEP_FUTURE_DROP_READABLE:
      return s.drop_copy_end(opt::EndKind::kReadableFuture, d.copy.element, arg(0)), 0;
    case LOCKSTEP_FUTURE_DROP_WRITABLE:
      return s.drop_copy_end(opt::EndKind::kWritableFuture, d.copy.element, arg(0)), 0;
    case LOCKSTEP_THREAD_NEW_INDIRECT:
      return s.thread_new_indirect(address_type(c.index_type), tables_[b.instance][c.table], arg(0), b.args[1]);
    case LOCKSTEP_THREAD_RESUME_LATER:
      return s.thread_resume_later(arg(0)), 0;
    case LOCKSTEP_THREAD_SUSPEND:
      return s.thread_suspend(cancellable);
    case LOCKSTEP_THREAD_SUSPEND_THEN_RESUME:
      return s.thread_suspend_then_resume(cancellable, arg(0));
    case LOCKSTEP_THREAD_YIELD_THEN_RESUME:
      return s.thread_yield_then_resume(cancellable, arg(0));
    case LOCKSTEP_THREAD_SUSPEND_THEN_PROMOTE:
      return s.thread_suspend_then_promote(cancellable, arg(0));
    case LOCKSTEP_THREAD_YIELD_THEN_PROMOTE:
      return s.thread_yield_then_promote(cancellable, arg(0));
    case LOCKSTEP_ERROR_CONTEXT_NEW:
      return s.error_context_new(*d.copy.memory, b.args[0], b.args[1]);
    case LOCKSTEP_ERROR_CONTEXT_DEBUG_MESSAGE:
      return s.error_context_debug_message(*d.copy.memory, d.copy.realloc, arg(0), b.args[1]), 0;
    case LOCKSTEP_ERROR_CONTEXT_DROP:
      return s.error_context_drop(arg(0)), 0;
    default:
      throw std::logic_error("no such built-in");
  }
}

void OptimizedPlugin::snapshot() {
  opt::Inspector inspector(store_);
  using Fields = decltype(lockstep_entity::fields);
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    const opt::InstanceView v = inspector.instance(*instances_[i]);
    add(LOCKSTEP_STATE_INSTANCE, {i, 0}, [&](Fields& f) {
      f.instance = {
          v.may_enter,         v.may_leave,        v.backpressure, v.num_waiting_to_enter, to_c(id_of(v.exclusive)),
          v.next_handle_index, v.next_thread_index};
    });
    inspector.for_each_handle(
        *instances_[i],
        [&](const opt::SubtaskView& s) {
          add(LOCKSTEP_STATE_SUBTASK, {i, s.index}, [&](Fields& f) {
            f.subtask = {s.call_id,
                         static_cast<uint32_t>(s.state),
                         s.cancellation_requested,
                         s.resolve_delivered,
                         s.pending_event,
                         s.sync_waiter,
                         s.set_index};
          });
        },
        [&](const opt::WaitableSetView& s) {
          add(LOCKSTEP_STATE_WAITABLE_SET, {i, s.index},
              [&](Fields& f) { f.waitable_set.num_waiting = s.num_waiting; });
        });
    inspector.for_each_end(*instances_[i], [&](const opt::EndView& e) {
      add(LOCKSTEP_STATE_END, {i, e.index}, [&](Fields& f) {
        f.end = {static_cast<uint32_t>(e.kind),
                 static_cast<uint32_t>(e.state),
                 e.pending_event,
                 e.sync_waiter,
                 e.set_index,
                 e.dropped,
                 e.has_pending_buffer,
                 e.pending_remain};
      });
    });
    inspector.for_each_resource(
        *instances_[i],
        [&](const opt::ResourceView& r) {
          const auto type = std::find_if(resource_types_.begin(), resource_types_.end(),
                                         [&](const opt::ResourceType& t) { return &t == r.type; });
          add(LOCKSTEP_STATE_RESOURCE, {i, r.index}, [&](Fields& f) {
            f.resource = {static_cast<uint32_t>(type - resource_types_.begin()), r.rep, r.own, r.borrow_call_id,
                          r.num_lends};
          });
        },
        [&](const opt::ErrorContextView& e) {
          add(LOCKSTEP_STATE_ERROR_CONTEXT, {i, e.index},
              [&](Fields& f) { f.error_context.length = static_cast<uint32_t>(e.message_length); });
        });
  }
  inspector.for_each_task(
      [&](const opt::TaskView& t) {
        add(LOCKSTEP_STATE_TASK, {t.call_id, 0}, [&](Fields& f) {
          f.task = {t.instance->id, static_cast<uint32_t>(t.state), t.num_borrows};
        });
        if (t.origin != opt::TaskOrigin::kRealloc)
          add(LOCKSTEP_STATE_TREE, {t.call_id, 0}, [&](Fields& f) { f.tree.parent = t.parent_call_id; });
      },
      [&](const opt::ThreadView& t) {
        add(LOCKSTEP_STATE_THREAD, id_of(t.id), [&](Fields& f) {
          f.thread = {t.suspended ? 2u
                      : t.waiting ? 1u
                                  : 0u,
                      t.ready,
                      t.cancellable,
                      t.index,
                      {t.slots[0], t.slots[1]}};
        });
      });
}

lockstep_plugin OptimizedPlugin::table() {
  using Self = OptimizedPlugin;
  static const auto of = [](void* store) -> Self& { return *static_cast<Self*>(store); };
  lockstep_plugin p{};
  p.size = sizeof p;
  p.name = "optimized, behind the C interface";
  p.reports = LOCKSTEP_REPORTS_CHOICES | LOCKSTEP_REPORTS_SNAPSHOT | LOCKSTEP_REPORTS_TREE | LOCKSTEP_REPORTS_AFTERMATH;
  p.features = ~0u;
  p.builtins = ~uint64_t{0};
  p.create = [](const lockstep_component* c, const lockstep_host* h) -> void* { return new Self(*c, *h); };
  p.destroy = [](void* s) { delete &of(s); };
  p.invoke = [](void* s, uint32_t f, uint32_t token, const lockstep_value* args, size_t n) {
    return status(s, [&](Self& self) { self.invoke(f, token, {args, n}); });
  };
  p.start = [](void* s, uint32_t i, uint32_t token) { return status(s, [&](Self& self) { self.start(i, token); }); };
  p.tick = [](void* s, uint32_t* ran) { return status(s, [&](Self& self) { *ran = self.store_.tick() ? 1 : 0; }); };
  p.perform = [](void* s, const lockstep_builtin* b, uint64_t* result) {
    return status(s, [&](Self& self) { *result = self.perform(*b); });
  };
  p.current_thread = [](void* s) { return to_c(id_of(of(s).store_.current_thread())); };
  p.resolve = [](void* s, uint32_t token, const lockstep_value* result) {
    return status(s, [&](Self& self) {
      self.end_call(
          *std::find_if(self.blocked_.begin(), self.blocked_.end(), [&](const Blocked& b) { return b.token == token; }),
          result);
    });
  };
  p.cancel = [](void* s, uint32_t token) {
    return status(s, [&](Self& self) {
      self.store_.cancel(*std::find_if(self.invocations_.begin(), self.invocations_.end(),
                                       [&](const Invocation& i) { return i.call_id == token; }));
    });
  };
  p.may_enter = [](void* s, uint32_t i) -> uint32_t { return of(s).instances_[i]->may_enter; };
  p.may_leave = [](void* s, uint32_t i) -> uint32_t { return of(s).instances_[i]->may_leave; };
  p.live_tasks = [](void* s) {
    opt::Inspector(of(s).store_).for_each_task([&](const opt::TaskView& t) {
      of(s).host_.task(of(s).host_.context, t.call_id, t.instance->id);
    });
  };
  p.call_stack = [](void* s) {
    std::vector<uint32_t> stack;
    of(s).store_.call_stack(stack);
    for (const uint32_t token : stack) of(s).host_.task(of(s).host_.context, token, 0);
  };
  p.snapshot = [](void* s) { of(s).snapshot(); };
  p.new_ends = [](void* s, lockstep_id readable, lockstep_id writable, uint32_t is_future,
                  const lockstep_type* element) {
    return status(s, [&](Self& self) {
      const ValueType type = type_from_c(*element);
      const opt::HostEnds ends = self.store_.host_new(is_future != 0, self.values_.type(type));
      self.hold(readable, ends.readable, type);
      self.hold(writable, ends.writable, type);
    });
  };
  p.host_read = [](void* s, lockstep_id end, uint32_t count) {
    return status(s, [&](Self& self) {
      HeldEnd& held = self.host_ends_.at(from_c(end));
      self.store_.host_read(*held.end, count, on_copy(held));
    });
  };
  p.host_write = [](void* s, lockstep_id end, const lockstep_value* values, size_t n) {
    return status(s, [&](Self& self) {
      HeldEnd& held = self.host_ends_.at(from_c(end));
      std::vector<opt::Value> vs;
      for (size_t i = 0; i < n; ++i) vs.push_back(self.to_engine(values[i], held.element));
      self.store_.host_write(*held.end, std::move(vs), on_copy(held));
    });
  };
  p.host_cancel_copy = [](void* s, lockstep_id end) {
    return status(s, [&](Self& self) { self.store_.host_cancel_copy(*self.host_ends_.at(from_c(end)).end); });
  };
  p.host_drop = [](void* s, lockstep_id end) {
    return status(s, [&](Self& self) {
      opt::CopyEnd& dropped = *self.host_ends_.at(from_c(end)).end;
      self.host_ends_.erase(from_c(end));
      self.store_.host_drop(dropped);
    });
  };
  return p;
}

// How many of so many random cases differ, with the first difference.
size_t differences(uint64_t cases, std::string* first) {
  const lockstep_plugin table = OptimizedPlugin::table();
  PeerEngine engine(
      "optimized as a plug-in", [&] { return serve_plugin(&table); }, kCaseTime);
  EXPECT_EQ(engine.version(), "optimized, behind the C interface");
  EXPECT_EQ(engine.capabilities(), Capabilities{});
  size_t different = 0;
  for (uint64_t i = 0; i < cases; ++i) {
    const Case c = generate_case(11, i, {});
    engine.send(c.scenario, c.choices, c.expected);
    const PeerAnswer a = engine.collect();
    EXPECT_EQ(a.failure, "") << "case " << i;
    EXPECT_EQ(a.unsupported, "") << "case " << i;
    const auto d = a.failure.empty() && !a.agrees ? compare(c.expected, a.events, engine.capabilities()) : std::nullopt;
    if (d && different++ == 0) *first = "case " + std::to_string(i) + ": " + d->bucket;
  }
  return different;
}

TEST(PluginInterface, IsEnoughForAWholeEngine) {
  std::string first;
  EXPECT_EQ(differences(400, &first), 0u) << first;
}

TEST(PluginInterface, ABugBehindItIsFound) {
  mutant = opt::Mutant::kSlotsNotSaved;
  std::string first;
  EXPECT_GT(differences(60, &first), 0u);
  mutant = opt::Mutant::kNone;
}

}  // namespace
}  // namespace lockstep::diff::testing::plugin_abi
