// Translates between the vocabulary and optimized/: the only code that knows both.
#include "diff/optimized_engine.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>

#include "diff/optimized_values.h"
#include "diff/world.h"
#include "optimized/adapter.h"
#include "optimized/inspector.h"
#include "optimized/store.h"

namespace lockstep::diff {
namespace {

namespace opt = lockstep::optimized;

using traces::Canon;
using traces::kNone;
using traces::Op;
using traces::SiteId;
using traces::SnapshotWriter;
using traces::ThreadId;
using traces::Token;

ThreadId id_of(opt::Id id) { return {id.first, id.second}; }

SiteId site_of(opt::TrapSite s) {
  static const std::vector<SiteId> sites = [] {
    std::vector<SiteId> v;
    for (size_t i = 0; i < opt::kTrapSiteCount; ++i)
      v.push_back(traces::find_site(name(static_cast<opt::TrapSite>(i))));
    return v;
  }();
  return sites[static_cast<size_t>(s)];
}

// A trap of core code, or one that a host function passes on. To the engine it is any exception from outside.
struct OutsideTrap {
  SiteId site;
};

opt::Encoding optimized_encoding(traces::Encoding e) { return static_cast<opt::Encoding>(e); }
opt::AddressType address_type(traces::IndexType t) { return static_cast<opt::AddressType>(t); }
uint32_t low_word(uint64_t v) { return static_cast<uint32_t>(v); }

// Whether a leaf of the call tree does without it: it calls nobody, and nothing in it can promote.
bool is_of_leaves(Op op) {
  switch (op) {
    case Op::kCall:
    case Op::kWaitableSetWait:
    case Op::kSubtaskCancel:
    case Op::kThreadIndex:
    case Op::kThreadYield:
    case Op::kStreamRead:
    case Op::kStreamWrite:
    case Op::kStreamCancelRead:
    case Op::kStreamCancelWrite:
    case Op::kFutureRead:
    case Op::kFutureWrite:
    case Op::kFutureCancelRead:
    case Op::kFutureCancelWrite:
    case Op::kThreadNewIndirect:
    case Op::kThreadSuspend:
    case Op::kThreadSuspendThenResume:
    case Op::kThreadYieldThenResume:
    case Op::kThreadSuspendThenPromote:
    case Op::kThreadYieldThenPromote:
      return false;
    default:
      return true;
  }
}

class OptimizedBackend : public Backend {
 public:
  OptimizedBackend(Run& run, opt::Store& store)
      : scenario_(run.scenario),
        values_(resource_types_),
        world_(run, *this),
        store_(store),
        memories_(scenario_.instances.size()),
        tables_(scenario_.instances.size()),
        canons_(scenario_.instances.size()) {
    for (uint32_t i = 0; i < scenario_.instances.size(); ++i) {
      const uint32_t parent = scenario_.instances[i].parent;
      instances_.push_back(&store_.add_instance(i, parent == kNone ? nullptr : instances_[parent]));
    }
    make_resource_types();
  }

  World& world() { return world_; }
  bool leaves_only() const { return leaves_only_; }

  ThreadId current_thread() override { return id_of(store_.current_thread()); }

  uint64_t perform(const BuiltinCall& c) override {
    leaves_only_ &= is_of_leaves(c.op) || !in_called_sync_typed();
    const Defined& d = defined(c);
    const auto arg = [&](size_t i) { return low_word(c.args[i]); };
    switch (c.op) {
      case Op::kCall:
        return store_.call(d.import, c.token, c.args);
      case Op::kContextGet:
        return store_.context_get(c.canon.slot, address_type(c.canon.index));
      case Op::kContextSet:
        store_.context_set(c.canon.slot, c.args[0], address_type(c.canon.index));
        return 0;
      case Op::kBackpressureInc:
        store_.backpressure_inc();
        return 0;
      case Op::kBackpressureDec:
        store_.backpressure_dec();
        return 0;
      case Op::kTaskReturn:
        store_.task_return({d.copy.element, d.copy.memory, optimized_encoding(c.canon.encoding)}, c.args);
        return 0;
      case Op::kTaskCancel:
        store_.task_cancel();
        return 0;
      case Op::kWaitableSetNew:
        return store_.waitable_set_new();
      case Op::kWaitableSetWait:
        return store_.waitable_set_wait(c.canon.cancellable, *d.copy.memory, arg(0), c.args[1]);
      case Op::kWaitableSetPoll:
        return store_.waitable_set_poll(c.canon.cancellable, *d.copy.memory, arg(0), c.args[1]);
      case Op::kWaitableSetDrop:
        store_.waitable_set_drop(arg(0));
        return 0;
      case Op::kWaitableJoin:
        store_.waitable_join(arg(0), arg(1));
        return 0;
      case Op::kSubtaskCancel:
        return store_.subtask_cancel(c.canon.async_, arg(0));
      case Op::kSubtaskDrop:
        store_.subtask_drop(arg(0));
        return 0;
      case Op::kResourceNew:
        return store_.resource_new(resource_types_[c.canon.resource], arg(0));
      case Op::kResourceDrop:
        store_.resource_drop(resource_types_[c.canon.resource], arg(0));
        return 0;
      case Op::kResourceRep:
        return store_.resource_rep(resource_types_[c.canon.resource], arg(0));
      case Op::kStreamNew:
        return store_.stream_new(d.copy.element);
      case Op::kStreamRead:
        return store_.stream_read(d.copy, arg(0), c.args[1], c.args[2]);
      case Op::kStreamWrite:
        return store_.stream_write(d.copy, arg(0), c.args[1], c.args[2]);
      case Op::kStreamCancelRead:
        return store_.cancel_copy(opt::EndKind::kReadableStream, d.copy.element, c.canon.async_, arg(0));
      case Op::kStreamCancelWrite:
        return store_.cancel_copy(opt::EndKind::kWritableStream, d.copy.element, c.canon.async_, arg(0));
      case Op::kStreamDropReadable:
        store_.drop_copy_end(opt::EndKind::kReadableStream, d.copy.element, arg(0));
        return 0;
      case Op::kStreamDropWritable:
        store_.drop_copy_end(opt::EndKind::kWritableStream, d.copy.element, arg(0));
        return 0;
      case Op::kFutureNew:
        return store_.future_new(d.copy.element);
      case Op::kFutureRead:
        return store_.future_read(d.copy, arg(0), c.args[1]);
      case Op::kFutureWrite:
        return store_.future_write(d.copy, arg(0), c.args[1]);
      case Op::kFutureCancelRead:
        return store_.cancel_copy(opt::EndKind::kReadableFuture, d.copy.element, c.canon.async_, arg(0));
      case Op::kFutureCancelWrite:
        return store_.cancel_copy(opt::EndKind::kWritableFuture, d.copy.element, c.canon.async_, arg(0));
      case Op::kFutureDropReadable:
        store_.drop_copy_end(opt::EndKind::kReadableFuture, d.copy.element, arg(0));
        return 0;
      case Op::kFutureDropWritable:
        store_.drop_copy_end(opt::EndKind::kWritableFuture, d.copy.element, arg(0));
        return 0;
      case Op::kThreadIndex:
        return store_.thread_index();
      case Op::kThreadNewIndirect:
        return store_.thread_new_indirect(address_type(c.canon.index), table(c.instance, c.canon.table).table, arg(0),
                                          c.args[1]);
      case Op::kThreadResumeLater:
        store_.thread_resume_later(arg(0));
        return 0;
      case Op::kThreadSuspend:
        return store_.thread_suspend(c.canon.cancellable);
      case Op::kThreadYield:
        return store_.thread_yield(c.canon.cancellable);
      case Op::kThreadSuspendThenResume:
        return store_.thread_suspend_then_resume(c.canon.cancellable, arg(0));
      case Op::kThreadYieldThenResume:
        return store_.thread_yield_then_resume(c.canon.cancellable, arg(0));
      case Op::kThreadSuspendThenPromote:
        return store_.thread_suspend_then_promote(c.canon.cancellable, arg(0));
      case Op::kThreadYieldThenPromote:
        return store_.thread_yield_then_promote(c.canon.cancellable, arg(0));
      case Op::kErrorContextNew:
        return store_.error_context_new(*d.copy.memory, c.args[0], c.args[1]);
      case Op::kErrorContextDebugMessage:
        store_.error_context_debug_message(*d.copy.memory, d.copy.realloc, arg(0), c.args[1]);
        return 0;
      case Op::kErrorContextDrop:
        store_.error_context_drop(arg(0));
        return 0;
      default:
        throw std::logic_error("not a built-in of optimized: " + std::string(name(c.op)));
    }
  }

  void raise_trap(SiteId id) override { throw OutsideTrap{id}; }
  void throw_core_exception() override { throw opt::CoreException{}; }

  std::optional<SiteId> guarded(FunctionRef f) override {
    std::optional<SiteId> site;
    try {
      f();
    } catch (const opt::Trap& t) {
      site = site_of(t.site());
    } catch (const OutsideTrap& t) {
      site = t.site;
    }
    return site;
  }

  void invoke(uint32_t function, Token token, std::span<const traces::Value> args) override {
    HostInvocation& call = invocations_.emplace_back();
    call.backend = this;
    call.type = &scenario_.functions[function].type;
    call.values.emplace_back(token);
    for (size_t i = 0; i < args.size(); ++i) call.values.push_back(to_optimized(args[i], call.type->params[i + 1]));
    call.call_id = token;
    call.args = call.values;
    call.on_start = [](opt::Invocation& i) {
      auto& self = static_cast<HostInvocation&>(i);
      self.backend->world_.started(self.call_id);
    };
    call.on_resolve = [](opt::Invocation& i, bool cancelled, opt::Value result) {
      auto& self = static_cast<HostInvocation&>(i);
      const std::optional<traces::ValueType>& type = self.type->result;
      std::optional<traces::Value> value;
      if (!cancelled) value = type ? self.backend->from_optimized(result, *type, self.call_id) : traces::Value();
      self.backend->world_.resolved(self.call_id, value, type.has_value());
    };
    store_.invoke(lifted(function), call);
  }

  void start(uint32_t instance) override {
    Code& code = codes_.emplace_back(Code{this, instance});
    opt::Function& function = started_.emplace_back();
    function.instance = instances_[instance];
    function.body = {[](void* data, std::span<const uint64_t>) -> uint64_t {
                       const auto& self = *static_cast<Code*>(data);
                       self.backend->world_.start(self.index);
                       return 0;
                     },
                     &code};
    opt::Invocation& call = invocations_.emplace_back();
    call.call_id = traces::task_name(traces::Context::kStart, instance, 1);
    store_.invoke(function, call);
  }

  // Whether the current task is of a sync-typed function that was called, not invoked by the outermost host.
  bool in_called_sync_typed() const {
    const opt::VMAsyncTask* task = opt::task_head(store_.vm().current);
    return task->may_block == 0 && task->parent != nullptr;
  }

  bool tick() override { return store_.tick(); }

  void resolve(Token token, std::optional<traces::Value> value) override {
    const auto it = std::find_if(blocked_.begin(), blocked_.end(), [&](const auto& b) { return b.first == token; });
    end_call(*it->second.subtask, it->second.function, value);
  }

  void cancel(Token token) override {
    const auto it =
        std::find_if(invocations_.begin(), invocations_.end(), [&](const auto& c) { return c.call_id == token; });
    store_.cancel(*it);
  }

  // ---- ends that the host holds

  void new_stream(ThreadId readable, ThreadId writable, const traces::ValueType& element) override {
    hold_both(readable, writable, false, element);
  }
  void new_future(ThreadId readable, ThreadId writable, const traces::ValueType& element) override {
    hold_both(readable, writable, true, element);
  }
  void read(ThreadId end, uint32_t count) override {
    HeldEnd& held = host_ends_.at(end);
    store_.host_read(*held.end, count, on_copy(held));
  }
  void write(ThreadId end, std::span<const traces::Value> written) override {
    HeldEnd& held = host_ends_.at(end);
    std::vector<opt::Value> vs;
    for (const traces::Value& v : written) vs.push_back(to_optimized(v, held.element));
    store_.host_write(*held.end, std::move(vs), on_copy(held));
  }
  void cancel_copy(ThreadId end) override { store_.host_cancel_copy(*host_ends_.at(end).end); }
  void drop_end(ThreadId end) override {
    opt::CopyEnd& dropped = *host_ends_.at(end).end;
    host_ends_.erase(end);
    store_.host_drop(dropped);
  }

  // ---- what optimized asks for

  uint32_t name_task(const opt::Instance& instance, opt::TaskOrigin origin) {
    return world_.name_task(
        instance.id, origin == opt::TaskOrigin::kRealloc ? traces::Context::kRealloc : traces::Context::kDestructor);
  }

  std::vector<uint32_t> call_stack() override {
    std::vector<uint32_t> out;
    store_.call_stack(out);
    return out;
  }

  bool may_enter(uint32_t instance) override { return instances_[instance]->may_enter; }
  bool may_leave(uint32_t instance) override { return instances_[instance]->may_leave; }

  void snapshot(SnapshotWriter& w, uint64_t locked) override;

  std::vector<uint32_t> live_tasks(uint64_t locked) override {
    std::vector<uint32_t> out;
    opt::Inspector(store_).for_each_task([&](const opt::TaskView& t) {
      if (!is_locked(scenario_, t.instance->id, locked)) out.push_back(t.call_id);
    });
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  struct HostInvocation : opt::Invocation {
    OptimizedBackend* backend = nullptr;
    const traces::FuncType* type = nullptr;
    std::vector<opt::Value> values;
  };
  // What guest and host code get as their data pointer.
  struct Code {
    OptimizedBackend* backend;
    uint32_t index;
    uint32_t table = 0;                                    // thread functions
    traces::IndexType pointers = traces::IndexType::kI32;  // realloc
  };
  // A table of functions that threads begin with.
  struct ThreadTable {
    opt::FuncTable table;
    std::vector<opt::FuncRef> functions;
  };
  // What a canon definition is made into.
  struct Defined {
    opt::CopyOptions copy;  // also the memory and realloc of others, and the result type of task.return
    opt::Import import;
  };
  struct HeldEnd {
    OptimizedBackend* backend = nullptr;
    ThreadId name;
    opt::CopyEnd* end = nullptr;
    traces::ValueType element;
  };

  const opt::Memory* memory_of(uint32_t instance, uint32_t memory) {
    if (memory == kNone) return nullptr;
    return &memories_[instance].get(memory, [&](opt::Memory& m) {
      m = {world_.memory(instance, memory), address_type(scenario_.instances[instance].memories[memory].index_type)};
    });
  }

  opt::CoreFunc realloc_of(uint32_t instance, uint32_t memory, bool wanted) {
    if (!wanted) return {};
    return {[](void* data, std::span<const uint64_t> args) -> uint64_t {
              const auto& self = *static_cast<Code*>(data);
              return self.backend->world_.realloc(self.index, self.pointers, args);
            },
            &codes_.emplace_back(Code{this, instance, 0, index_type(scenario_, instance, memory)})};
  }

  void make_resource_types() {
    for (uint32_t r = 0; r < scenario_.resources.size(); ++r) {
      const traces::Resource& resource = scenario_.resources[r];
      opt::CoreFunc destructor;
      if (resource.destructor)
        destructor = {[](void* data, std::span<const uint64_t> args) -> uint64_t {
                        const auto& self = *static_cast<Code*>(data);
                        self.backend->world_.destructor(self.index, low_word(args[0]));
                        return 0;
                      },
                      &codes_.emplace_back(Code{this, r})};
      resource_types_.emplace_back(*instances_[resource.instance], destructor);
    }
  }

  const ThreadTable& table(uint32_t instance, uint32_t index) {
    return tables_[instance].get(index, [&](ThreadTable& t) {
      for (const traces::TableEntry entry : scenario_.instances[instance].tables[index]) {
        opt::FuncRef& ref = t.functions.emplace_back();
        if (entry == traces::TableEntry::kNull) continue;
        ref.parameter = entry == traces::TableEntry::kI32 ? opt::AddressType::kI32 : opt::AddressType::kI64;
        ref.code = {[](void* data, std::span<const uint64_t> args) -> uint64_t {
                      const auto& self = *static_cast<Code*>(data);
                      self.backend->world_.thread(self.index, self.table, args[0]);
                      return 0;
                    },
                    &codes_.emplace_back(Code{this, instance, index})};
      }
      t.table = {t.functions};
    });
  }

  const opt::Function& lifted(uint32_t f) {
    return functions_.get(f, [&](opt::Function& out) {
      const traces::Function& function = scenario_.functions[f];
      Code& code = codes_.emplace_back(Code{this, f});
      out.instance = instances_[function.instance];
      out.type = values_.type(function.type);
      out.lift = static_cast<opt::Lift>(function.lift);
      out.memory = memory_of(function.instance, function.memory);
      out.encoding = optimized_encoding(function.encoding);
      out.realloc = realloc_of(function.instance, function.memory, function.realloc);
      out.body = {[](void* data, std::span<const uint64_t> args) -> uint64_t {
                    const auto& self = *static_cast<Code*>(data);
                    return self.backend->world_.body(self.index, args).value_or(0);
                  },
                  &code};
      if (function.lift == traces::Lift::kCallback)
        out.callback = {[](void* data, std::span<const uint64_t> e) -> uint64_t {
                          const auto& self = *static_cast<Code*>(data);
                          return self.backend->world_.callback(self.index, low_word(e[0]), low_word(e[1]),
                                                               low_word(e[2]));
                        },
                        &code};
      if (function.post_return)
        out.post_return = {[](void* data, std::span<const uint64_t> results) -> uint64_t {
                             const auto& self = *static_cast<Code*>(data);
                             self.backend->world_.post_return(self.index, results);
                             return 0;
                           },
                           &code};
    });
  }

  const opt::HostFunction& host_function(uint32_t h) {
    return host_functions_.get(h, [&](opt::HostFunction& out) {
      Code& code = codes_.emplace_back(Code{this, h});
      out = {values_.type(scenario_.host_functions[h].type),
             [](void* data, opt::HostCall& call) {
               auto& self = *static_cast<Code*>(data);
               self.backend->host_called(self, call);
             },
             &code};
    });
  }

  void host_called(Code& code, opt::HostCall& call) {
    const traces::FuncType& type = scenario_.host_functions[code.index].type;
    const std::span<const opt::Value> taken = call.start();
    const Token token = low_word(taken[0].number());
    std::vector<traces::Value> args;
    for (size_t i = 1; i < taken.size(); ++i) args.push_back(from_optimized(taken[i], type.params[i], token));
    const std::optional<traces::Value> value = world_.host_called(code.index, token, args);
    if (value) {
      call.resolve(type.result ? to_optimized(*value, *type.result) : opt::Value());
      return;
    }
    HostBlock& block = blocks_.emplace_back(HostBlock{this, code.index, token});
    opt::Subtask& subtask = call.block(
        [](void* data, opt::Subtask& s) {
          const auto& self = *static_cast<HostBlock*>(data);
          self.backend->host_cancelled(self, s);
        },
        &block);
    blocked_.emplace_back(token, BlockedCall{&subtask, code.index});
  }

  struct HostBlock {
    OptimizedBackend* backend;
    uint32_t function;
    Token token;
  };
  struct BlockedCall {
    opt::Subtask* subtask;
    uint32_t function;
  };

  void host_cancelled(const HostBlock& block, opt::Subtask& subtask) {
    const World::Cancelled answer = world_.host_cancelled(block.function, block.token);
    if (answer.resolve) end_call(subtask, block.function, answer.value);
  }

  void end_call(opt::Subtask& subtask, uint32_t host_function, const std::optional<traces::Value>& value) {
    const std::optional<traces::ValueType>& type = scenario_.host_functions[host_function].type.result;
    if (value)
      store_.resolve(subtask, type ? to_optimized(*value, *type) : opt::Value());
    else
      store_.resolve_cancelled(subtask);
  }

  const Defined& defined(const BuiltinCall& c) {
    return canons_[c.instance].get(c.canon_index, [&](Defined& d) { d = define(c.instance, c.canon); });
  }

  Defined define(uint32_t instance, const Canon& c) {
    Defined d;
    d.copy = {c.kind == Op::kTaskReturn ? values_.type(c.result) : values_.type(c.element), c.async_,
              memory_of(instance, c.memory), realloc_of(instance, c.memory, c.realloc)};
    if (c.kind != Op::kCall) return d;
    const opt::ImportOptions options{c.async_, d.copy.memory, d.copy.realloc};
    d.import = c.callee.function != kNone
                   ? opt::make_import(*instances_[instance], lifted(c.callee.function), options)
                   : opt::make_import(*instances_[instance], host_function(c.callee.host_function), options);
    return d;
  }

  opt::Value to_optimized(const traces::Value& v, const traces::ValueType& t) {
    return OptimizedValues::to_optimized(v, t, [this](ThreadId name) {
      opt::CopyEnd& end = *host_ends_.at(name).end;
      host_ends_.erase(name);
      return store_.host_give(end);
    });
  }
  traces::Value from_optimized(const opt::Value& v, const traces::ValueType& t, Token token) {
    return OptimizedValues::from_optimized(v, t, [this, token](const opt::Value& end, const traces::ValueType& type) {
      const ThreadId name = world_.end_received(token, type);
      host_ends_[name] = {this, name, &store_.host_receive(end), type.children[0]};
      return name;
    });
  }

  void hold_both(ThreadId readable, ThreadId writable, bool future, const traces::ValueType& element) {
    const opt::HostEnds ends = store_.host_new(future, values_.type(element));
    host_ends_[readable] = {this, readable, &ends.readable, element};
    host_ends_[writable] = {this, writable, &ends.writable, element};
  }

  static opt::HostCopy on_copy(HeldEnd& held) {
    return {[](void* data, opt::CopyEnd&, opt::CopyResult result, uint32_t progress, std::span<opt::Value> read) {
              const HeldEnd& self = *static_cast<HeldEnd*>(data);
              World& world = self.backend->world_;
              std::vector<traces::Value> values;
              if (self.element.kind != traces::ValueType::Kind::kNone)
                for (const opt::Value& v : read)
                  values.push_back(self.backend->from_optimized(v, self.element, world.read_token(self.name)));
              world.host_copy(self.name, static_cast<uint32_t>(result), progress, values);
            },
            &held};
  }

  const traces::Scenario& scenario_;
  std::deque<opt::ResourceType> resource_types_;
  OptimizedValues values_;
  bool leaves_only_ = true;  // so far
  World world_;
  opt::Store& store_;
  std::vector<opt::Instance*> instances_;
  MadeOnUseByInstance<opt::Memory> memories_;
  MadeOnUseByInstance<ThreadTable> tables_;
  MadeOnUseByInstance<Defined> canons_;
  MadeOnUse<opt::Function> functions_;
  MadeOnUse<opt::HostFunction> host_functions_;
  std::deque<opt::Function> started_;
  std::deque<Code> codes_;
  std::deque<HostInvocation> invocations_;
  std::deque<HostBlock> blocks_;
  std::vector<std::pair<Token, BlockedCall>> blocked_;
  std::map<ThreadId, HeldEnd> host_ends_;
  std::vector<opt::TaskView> tasks_;      // scratch
  std::vector<opt::ThreadView> threads_;  // scratch
  bool seen_locked_ = false;              // scratch: the task visited last is in a locked root
};

void OptimizedBackend::snapshot(SnapshotWriter& w, uint64_t locked) {
  opt::Inspector inspector(store_);
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) {
      w.locked_instance(i);
      continue;
    }
    const opt::InstanceView v = inspector.instance(*instances_[i]);
    w.instance(i, {.may_enter = v.may_enter,
                   .may_leave = v.may_leave,
                   .backpressure = v.backpressure,
                   .waiting_to_enter = v.num_waiting_to_enter,
                   .exclusive = id_of(v.exclusive),
                   .next_handle = v.next_handle_index,
                   .next_thread = v.next_thread_index});
  }
  const auto ignore = [](const auto&) {};
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    inspector.for_each_handle(
        *instances_[i],
        [&](const opt::SubtaskView& s) {
          w.subtask(i, s.index,
                    {.call = s.call_id,
                     .state = static_cast<uint32_t>(s.state),
                     .cancellation_requested = s.cancellation_requested,
                     .resolve_delivered = s.resolve_delivered,
                     .pending_event = s.pending_event,
                     .sync_waiter = s.sync_waiter,
                     .set = s.set_index});
        },
        ignore);
  }
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    inspector.for_each_handle(*instances_[i], ignore,
                              [&](const opt::WaitableSetView& s) { w.waitable_set(i, s.index, s.num_waiting); });
  }
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    inspector.for_each_end(*instances_[i], [&](const opt::EndView& e) {
      w.end(i, e.index,
            {.kind = static_cast<uint32_t>(e.kind),
             .state = static_cast<uint32_t>(e.state),
             .pending_event = e.pending_event,
             .sync_waiter = e.sync_waiter,
             .set = e.set_index,
             .dropped = e.dropped,
             .pending = e.has_pending_buffer,
             .remaining = e.pending_remain});
    });
  }
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    inspector.for_each_resource(
        *instances_[i],
        [&](const opt::ResourceView& r) {
          const auto type = std::find_if(resource_types_.begin(), resource_types_.end(),
                                         [&](const opt::ResourceType& t) { return &t == r.type; });
          w.resource(i, r.index,
                     {.type = static_cast<uint32_t>(type - resource_types_.begin()),
                      .rep = r.rep,
                      .own = r.own,
                      .scope = r.borrow_call_id,
                      .lends = r.num_lends});
        },
        ignore);
  }
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    inspector.for_each_resource(*instances_[i], ignore, [&](const opt::ErrorContextView& e) {
      w.error_context(i, e.index, static_cast<uint32_t>(e.message_length));
    });
  }
  tasks_.clear();
  threads_.clear();
  inspector.for_each_task(
      [&](const opt::TaskView& t) {
        seen_locked_ = is_locked(scenario_, t.instance->id, locked);
        if (!seen_locked_) tasks_.push_back(t);
      },
      [&](const opt::ThreadView& t) {
        if (!seen_locked_) threads_.push_back(t);
      });
  std::sort(tasks_.begin(), tasks_.end(), [](const auto& a, const auto& b) { return a.call_id < b.call_id; });
  std::sort(threads_.begin(), threads_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (const opt::TaskView& t : tasks_)
    w.task(t.call_id, t.instance->id, static_cast<uint32_t>(t.state), t.num_borrows);
  for (const opt::ThreadView& t : threads_)
    w.thread(id_of(t.id), {.state = t.suspended ? 2u
                                    : t.waiting ? 1u
                                                : 0u,
                           .ready = t.ready,
                           .cancellable = t.cancellable,
                           .index = t.index,
                           .slot0 = t.slots[0],
                           .slot1 = t.slots[1]});
  for (const opt::TaskView& t : tasks_)
    if (t.origin != opt::TaskOrigin::kRealloc) w.tree(t.call_id, t.parent_call_id);
}

class OptimizedEngine : public Engine, private opt::Choices {
 public:
  explicit OptimizedEngine(opt::Mutant mutant) : mutant_(mutant), store_(*this, {mutant}) {}

  std::string name() const override {
    return mutant_ == opt::Mutant::kNone ? "optimized" : "optimized:" + std::string(opt::info(mutant_).name);
  }
  std::string version() const override { return "this build"; }

  void run(Run& run) override {
    store_.reset({mutant_, run.scenario.table_limit});
    const opt::Counters before = store_.counters();
    OptimizedBackend backend(run, store_);
    backend_ = &backend;
    world_ = &backend.world();
    try {
      world_->run_case();
    } catch (const Abandon&) {
    } catch (const opt::AssertionFailure& e) {
      world_->fail(e.what());
    }
    if (!backend.leaves_only()) {
      beyond_leaves_ += store_.counters().sync_calls - before.sync_calls;
      beyond_leaves_unpromoted_ += store_.counters().sync_calls_unpromoted - before.sync_calls_unpromoted;
    }
    // Guests on suspended stacks are unwound while their world is still there.
    store_.reset({mutant_});
    world_ = nullptr;
    backend_ = nullptr;
  }

  EngineCounters counters() const override {
    const opt::Counters& c = store_.counters();
    EngineCounters out{{}, c.sync_calls, c.sync_calls_unpromoted, beyond_leaves_, beyond_leaves_unpromoted_};
    for (size_t i = 0; i < opt::kPromotionReasonCount; ++i)
      out.promotions[std::string(opt::name(static_cast<opt::PromotionReason>(i)))] = c.promotions[i];
    return out;
  }

 private:
  bool go_on(opt::Id thread) override { return world_->decide(traces::ChoicePoint::kWaitUntil, id_of(thread)); }

  bool use_debug_message(opt::Id thread) override {
    return world_->decide(traces::ChoicePoint::kDebugMessage, id_of(thread));
  }

  uint32_t name_task(const opt::Instance& instance, opt::TaskOrigin origin) override {
    return backend_->name_task(instance, origin);
  }

  opt::Candidate choose(opt::ChoicePoint point, opt::Id subject, const opt::CandidateSet& set) override {
    static constexpr std::array kPoints = {traces::ChoicePoint::kRequestCancellation, traces::ChoicePoint::kTick,
                                           traces::ChoicePoint::kGetPendingEvent, traces::ChoicePoint::kSyncLoop};
    ids_.clear();
    set.append_to(ids_);
    std::sort(ids_.begin(), ids_.end());
    candidates_.clear();
    for (const opt::Id id : ids_) candidates_.push_back(id_of(id));
    const ThreadId taken =
        candidates_[world_->choose(kPoints[static_cast<size_t>(point)], id_of(subject), candidates_)];
    return *set.find({taken.task, taken.k});
  }

  const opt::Mutant mutant_;
  opt::Store store_;
  World* world_ = nullptr;
  OptimizedBackend* backend_ = nullptr;
  std::vector<opt::Id> ids_;
  std::vector<ThreadId> candidates_;
  uint64_t beyond_leaves_ = 0;  // sync-to-sync calls of cases that are not leaves only; of these, unpromoted
  uint64_t beyond_leaves_unpromoted_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_optimized_engine(const std::string& mutant) {
  if (mutant.empty()) return std::make_unique<OptimizedEngine>(opt::Mutant::kNone);
  const auto m = opt::mutant_from_name(mutant);
  if (!m || *m == opt::Mutant::kNone) return nullptr;
  return std::make_unique<OptimizedEngine>(*m);
}

std::vector<std::pair<std::string, std::string>> optimized_mutants() {
  std::vector<std::pair<std::string, std::string>> out;
  for (size_t i = 1; i < opt::kMutantCount; ++i) {
    const opt::MutantInfo& m = opt::info(static_cast<opt::Mutant>(i));
    out.emplace_back(m.name, m.description);
  }
  return out;
}

}  // namespace lockstep::diff
