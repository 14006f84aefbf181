// Translates between the vocabulary and model/: the only code that knows both.
#include "diff/model_engine.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <typeinfo>

#include "diff/model_values.h"
#include "diff/world.h"
#include "model/builtins.h"
#include "model/canon_resource.h"
#include "model/canon_stream_future.h"
#include "model/canon_thread.h"
#include "model/error_context.h"
#include "model/future.h"
#include "model/store.h"
#include "model/stream.h"
#include "model/subtask.h"
#include "model/thread.h"

namespace lockstep::diff {
namespace {

using traces::Canon;
using traces::ChoicePoint;
using traces::kNone;
using traces::Op;
using traces::SiteId;
using traces::SnapshotWriter;
using traces::ThreadId;
using traces::Token;

ThreadId id_of(const model::Thread* t) { return t == nullptr ? ThreadId{} : ThreadId{t->task->call_id, t->k}; }

constexpr auto kLastTrapSite = static_cast<size_t>(model::TrapSite::kGuestStore1);

SiteId site_of(model::TrapSite s) {
  static const std::vector<SiteId> sites = [] {
    std::vector<SiteId> v;
    for (size_t i = 0; i <= kLastTrapSite; ++i) v.push_back(traces::find_site(name(static_cast<model::TrapSite>(i))));
    return v;
  }();
  return sites[static_cast<size_t>(s)];
}

model::TrapSite trap_of(SiteId id) {
  for (size_t i = 0; i <= kLastTrapSite; ++i)
    if (site_of(static_cast<model::TrapSite>(i)) == id) return static_cast<model::TrapSite>(i);
  throw model::AssertionFailure("a trap that the model does not know: " + std::string(traces::site(id).name));
}

uint32_t word(uint64_t v) { return static_cast<uint32_t>(v); }

model::CoreType core_type(traces::IndexType t) {
  return t == traces::IndexType::kI32 ? model::CoreType::i32 : model::CoreType::i64;
}

model::StringEncoding encoding_of(traces::Encoding e) {
  switch (e) {
    case traces::Encoding::kUtf8:
      return model::StringEncoding::utf8;
    case traces::Encoding::kUtf16:
      return model::StringEncoding::utf16;
    case traces::Encoding::kLatin1Utf16:
      return model::StringEncoding::latin1_utf16;
  }
  return model::StringEncoding::utf8;
}

// A buffer of the host, for one copy of an end that it holds.
class HostSource : public model::ReadableBuffer {
 public:
  HostSource(const model::ValType& type, model::Values values) : Buffer(type), values_(std::move(values)) {}
  uint64_t remain() const override { return values_.size() - progress; }
  bool is_zero_length() const override { return values_.empty(); }
  model::Values read(uint64_t n) override {
    const auto begin = values_.begin() + static_cast<ptrdiff_t>(progress);
    progress += n;
    return {begin, begin + static_cast<ptrdiff_t>(n)};
  }
  uint64_t progress = 0;

 private:
  model::Values values_;
};

class HostTarget : public model::WritableBuffer {
 public:
  HostTarget(const model::ValType& type, uint64_t length) : Buffer(type), length_(length) {}
  uint64_t remain() const override { return length_ - values.size(); }
  bool is_zero_length() const override { return length_ == 0; }
  void write(const model::Values& vs) override { values.insert(values.end(), vs.begin(), vs.end()); }
  model::Values values;

 private:
  uint64_t length_;
};

enum class HandleKind : uint8_t { kSubtask, kWaitableSet, kEnd, kResource, kErrorContext };
constexpr size_t kHandleKinds = 5;

// Snapshots ask this of every handle, too often for dynamic_cast. The classes are those that the model makes, none is
// derived from further, and all are of this program: type_info has one address for each.
HandleKind kind_of(const model::HandleEntry& e) {
  const std::type_info* const type = &typeid(e);
  if (type == &typeid(model::Subtask)) return HandleKind::kSubtask;
  if (type == &typeid(model::WaitableSet)) return HandleKind::kWaitableSet;
  if (type == &typeid(model::ResourceHandle)) return HandleKind::kResource;
  if (type == &typeid(model::ErrorContext)) return HandleKind::kErrorContext;
  return HandleKind::kEnd;
}

class ModelBackend : public Backend, public model::Chooser {
 public:
  explicit ModelBackend(Run& run)
      : scenario_(run.scenario),
        values_(resource_types_),
        memories_(scenario_.instances.size()),
        tables_(scenario_.instances.size()),
        canons_(scenario_.instances.size()),
        world_(run, *this),
        store_(this) {
    for (const traces::Instance& i : scenario_.instances) {
      model::ComponentInstance* const parent = i.parent == kNone ? nullptr : store_.instances[i.parent].get();
      store_.instances.push_back(std::make_unique<model::ComponentInstance>(&store_, parent));
      store_.instances.back()->handles.max_length = scenario_.table_limit;
      store_.instances.back()->threads.max_length = scenario_.table_limit;
    }
    store_.name_task = [this](model::ComponentInstance* inst, model::TaskOrigin origin) {
      return world_.name_task(index_of(inst), origin == model::TaskOrigin::realloc ? traces::Context::kRealloc
                                                                                   : traces::Context::kDestructor);
    };
    make_resource_types();
  }
  World& world() { return world_; }

  // ---- Backend

  ThreadId current_thread() override { return id_of(model::current_thread_or_null()); }

  uint64_t perform(const BuiltinCall& c) override {
    const Defined& d = defined(c);
    const auto arg = [&](size_t i) { return word(c.args[i]); };
    switch (c.op) {
      case Op::kCall: {
        store_.next_call_id = c.token;
        store_.next_call_origin = model::TaskOrigin::call;
        const model::CoreValues result = d.import({c.args.begin(), c.args.end()});
        return result.empty() ? 0 : result[0];
      }
      case Op::kContextGet:
        return model::canon_context_get(core_type(c.canon.index), c.canon.slot);
      case Op::kContextSet:
        model::canon_context_set(core_type(c.canon.index), c.canon.slot, c.args[0]);
        return 0;
      case Op::kBackpressureInc:
        model::canon_backpressure_inc();
        return 0;
      case Op::kBackpressureDec:
        model::canon_backpressure_dec();
        return 0;
      case Op::kTaskReturn:
        model::canon_task_return(d.result, d.opts, {c.args.begin(), c.args.end()});
        return 0;
      case Op::kTaskCancel:
        model::canon_task_cancel();
        return 0;
      case Op::kWaitableSetNew:
        return model::canon_waitable_set_new();
      case Op::kWaitableSetWait:
        return model::canon_waitable_set_wait(c.canon.cancellable, *d.opts.memory, arg(0), c.args[1]);
      case Op::kWaitableSetPoll:
        return model::canon_waitable_set_poll(c.canon.cancellable, *d.opts.memory, arg(0), c.args[1]);
      case Op::kWaitableSetDrop:
        model::canon_waitable_set_drop(arg(0));
        return 0;
      case Op::kWaitableJoin:
        model::canon_waitable_join(arg(0), arg(1));
        return 0;
      case Op::kSubtaskCancel:
        return model::canon_subtask_cancel(c.canon.async_, arg(0));
      case Op::kSubtaskDrop:
        model::canon_subtask_drop(arg(0));
        return 0;
      case Op::kResourceNew:
        return model::canon_resource_new(resource_types_[c.canon.resource], c.args[0]);
      case Op::kResourceDrop:
        model::canon_resource_drop(resource_types_[c.canon.resource], arg(0));
        return 0;
      case Op::kResourceRep:
        return model::canon_resource_rep(resource_types_[c.canon.resource], arg(0));
      case Op::kStreamNew:
        return model::canon_stream_new(d.type);
      case Op::kStreamRead:
        return model::canon_stream_read(d.type, d.opts, arg(0), c.args[1], c.args[2]);
      case Op::kStreamWrite:
        return model::canon_stream_write(d.type, d.opts, arg(0), c.args[1], c.args[2]);
      case Op::kStreamCancelRead:
        return model::canon_stream_cancel_read(d.type, c.canon.async_, arg(0));
      case Op::kStreamCancelWrite:
        return model::canon_stream_cancel_write(d.type, c.canon.async_, arg(0));
      case Op::kStreamDropReadable:
        model::canon_stream_drop_readable(d.type, arg(0));
        return 0;
      case Op::kStreamDropWritable:
        model::canon_stream_drop_writable(d.type, arg(0));
        return 0;
      case Op::kFutureNew:
        return model::canon_future_new(d.type);
      case Op::kFutureRead:
        return model::canon_future_read(d.type, d.opts, arg(0), c.args[1]);
      case Op::kFutureWrite:
        return model::canon_future_write(d.type, d.opts, arg(0), c.args[1]);
      case Op::kFutureCancelRead:
        return model::canon_future_cancel_read(d.type, c.canon.async_, arg(0));
      case Op::kFutureCancelWrite:
        return model::canon_future_cancel_write(d.type, c.canon.async_, arg(0));
      case Op::kFutureDropReadable:
        model::canon_future_drop_readable(d.type, arg(0));
        return 0;
      case Op::kFutureDropWritable:
        model::canon_future_drop_writable(d.type, arg(0));
        return 0;
      case Op::kThreadIndex:
        return model::canon_thread_index();
      case Op::kThreadNewIndirect:
        return model::canon_thread_new_indirect({{core_type(c.canon.index)}, {}},
                                                table(c.instance, c.canon.table).table, c.args[0], c.args[1]);
      case Op::kThreadResumeLater:
        model::canon_thread_resume_later(arg(0));
        return 0;
      case Op::kThreadSuspend:
        return model::canon_thread_suspend(c.canon.cancellable);
      case Op::kThreadYield:
        return model::canon_thread_yield(c.canon.cancellable);
      case Op::kThreadSuspendThenResume:
        return model::canon_thread_suspend_then_resume(c.canon.cancellable, arg(0));
      case Op::kThreadYieldThenResume:
        return model::canon_thread_yield_then_resume(c.canon.cancellable, arg(0));
      case Op::kThreadSuspendThenPromote:
        return model::canon_thread_suspend_then_promote(c.canon.cancellable, arg(0));
      case Op::kThreadYieldThenPromote:
        return model::canon_thread_yield_then_promote(c.canon.cancellable, arg(0));
      case Op::kErrorContextNew:
        return model::canon_error_context_new(d.opts, c.args[0], c.args[1]);
      case Op::kErrorContextDebugMessage:
        model::canon_error_context_debug_message(d.opts, arg(0), c.args[1]);
        return 0;
      case Op::kErrorContextDrop:
        model::canon_error_context_drop(arg(0));
        return 0;
      default:
        throw model::AssertionFailure("not a built-in of the model: " + std::string(name(c.op)));
    }
  }

  void raise_trap(SiteId id) override { model::trap(trap_of(id)); }
  void throw_core_exception() override { throw model::CoreWebAssemblyException{}; }

  std::optional<SiteId> guarded(FunctionRef f) override {
    const uint32_t depth = store_.nesting_depth;
    std::optional<SiteId> site;
    try {
      f();
    } catch (const model::Trap& t) {
      site = site_of(t.site);
    }
    // definitions.py leaves the depth as it was when the trap came; a host that goes on has to put it right.
    if (site) store_.nesting_depth = depth;
    return site;
  }

  void invoke(uint32_t function, Token token, std::span<const traces::Value> args) override {
    store_.next_call_id = token;
    store_.next_call_origin = model::TaskOrigin::call;
    const traces::FuncType& type = scenario_.functions[function].type;
    model::Values values{model::number(token)};
    for (size_t i = 0; i < args.size(); ++i) values.push_back(to_model(args[i], type.params[i + 1]));
    model::OnCancel on_cancel = store_.invoke(
        lifted(function),
        [this, token, values] {
          world_.started(token);
          return values;
        },
        [this, token, &type](const std::optional<model::Values>& result) {
          std::optional<traces::Value> value;
          if (result) value = type.result ? from_model(result->at(0), *type.result, token) : traces::Value();
          world_.resolved(token, value, type.result.has_value());
        });
    on_cancels_.emplace_back(token, std::move(on_cancel));
  }

  void start(uint32_t instance) override {
    store_.next_call_id = traces::task_name(traces::Context::kStart, instance, 1);
    store_.next_call_origin = model::TaskOrigin::start;
    static const model::CanonicalOptions kSync;
    const model::FuncInst function = store_.lift(
        [this, instance](const model::CoreValues&) {
          world_.start(instance);
          return model::CoreValues{};
        },
        {}, kSync, store_.instances[instance].get());
    started_.push_back(function);
    store_.invoke(
        started_.back(), [] { return model::Values{}; }, [](const std::optional<model::Values>&) {});
  }

  bool tick() override {
    store_.tick();
    return store_.last_tick_candidates > 0;
  }

  void resolve(Token token, std::optional<traces::Value> value) override {
    HostCall& call = host_call(token);
    call.on_resolve(result_of(call, value));
  }

  void cancel(Token token) override {
    const auto it =
        std::find_if(on_cancels_.begin(), on_cancels_.end(), [&](const auto& c) { return c.first == token; });
    it->second(nullptr);
  }

  std::vector<uint32_t> call_stack() override {
    std::vector<uint32_t> out;
    for (const model::Task* t : model::TaskTree::call_stack()) out.push_back(t->call_id);
    return out;
  }

  // ---- ends that the host holds

  void new_stream(ThreadId readable, ThreadId writable, const traces::ValueType& element) override {
    hold_both(readable, writable, store_.make<model::SharedStreamImpl>(values_.type(element)), element);
  }
  void new_future(ThreadId readable, ThreadId writable, const traces::ValueType& element) override {
    hold_both(readable, writable, store_.make<model::SharedFutureImpl>(values_.type(element)), element);
  }

  void read(ThreadId end, uint32_t count) override {
    HostEnd& held = host_ends_.at(end);
    held.target = store_.make<HostTarget>(held.shared->t, count);
    held.source = nullptr;
    if (auto* stream = dynamic_cast<model::SharedStreamImpl*>(held.shared))
      stream->read(nullptr, held.target, on_copy(end), on_copy_done(end));
    else
      dynamic_cast<model::SharedFutureImpl&>(*held.shared).read(nullptr, held.target, on_copy_done(end));
  }

  void write(ThreadId end, std::span<const traces::Value> written) override {
    HostEnd& held = host_ends_.at(end);
    model::Values vs;
    for (const traces::Value& v : written) vs.push_back(to_model(v, held.element));
    held.source = store_.make<HostSource>(held.shared->t, std::move(vs));
    held.target = nullptr;
    if (auto* stream = dynamic_cast<model::SharedStreamImpl*>(held.shared))
      stream->write(nullptr, held.source, on_copy(end), on_copy_done(end));
    else
      dynamic_cast<model::SharedFutureImpl&>(*held.shared).write(nullptr, held.source, on_copy_done(end));
  }

  void cancel_copy(ThreadId end) override { host_ends_.at(end).shared->cancel(); }

  void drop_end(ThreadId end) override {
    model::SharedBase* const shared = host_ends_.at(end).shared;
    host_ends_.erase(end);
    shared->drop();
  }

  bool may_enter(uint32_t instance) override { return store_.instances[instance]->may_enter; }
  bool may_leave(uint32_t instance) override { return store_.instances[instance]->may_leave; }

  void snapshot(SnapshotWriter& w, uint64_t locked) override;

  std::vector<uint32_t> live_tasks(uint64_t locked) override {
    std::vector<uint32_t> out;
    for (const model::Task* t : store_.tree.tasks)
      if (!is_locked(scenario_, index_of(t->inst), locked)) out.push_back(t->call_id);
    std::sort(out.begin(), out.end());
    return out;
  }

  // ---- model::Chooser

  bool go_on(const model::Thread& thread) override { return world_.decide(ChoicePoint::kWaitUntil, id_of(&thread)); }
  model::Thread* thread_to_cancel(const model::Task& task, const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kRequestCancellation, {task.call_id, 0}, candidates);
  }
  model::Thread* thread_to_tick(const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kTick, {}, candidates);
  }
  model::Thread* thread_to_run(const model::Task& task, const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kSyncLoop, {task.call_id, 0}, candidates);
  }
  bool use_debug_message(const model::Thread& thread) override {
    return world_.decide(ChoicePoint::kDebugMessage, id_of(&thread));
  }
  model::Waitable* waitable_to_deliver(const std::vector<model::Waitable*>& candidates) override {
    const model::ComponentInstance* inst = model::current_instance();
    std::vector<std::pair<ThreadId, model::Waitable*>> named;
    for (model::Waitable* w : candidates) named.emplace_back(ThreadId{index_of(inst), handle_of(inst, w)}, w);
    return choose_named(ChoicePoint::kGetPendingEvent, current_thread(), named);
  }

 private:
  struct HostCall {
    Token token;
    const traces::FuncType* type;
    model::OnResolve on_resolve;
  };
  struct HostEnd {
    model::SharedBase* shared = nullptr;
    traces::ValueType element;
    HostSource* source = nullptr;  // of the copy under way, or of the last
    HostTarget* target = nullptr;
  };
  struct Lifted {
    model::CanonicalOptions opts;
    model::FuncInst function;
  };
  // A table of functions that threads begin with.
  struct ThreadTable {
    model::Table<model::CoreFuncRef> table;
    std::deque<model::CoreFuncRef> functions;
  };
  // What a canon definition is made into.
  struct Defined {
    model::CanonicalOptions opts;
    model::ValType type;  // of the stream or future
    std::vector<model::ValType> result;
    model::CoreFunc import;
  };

  void make_resource_types() {
    for (uint32_t r = 0; r < scenario_.resources.size(); ++r) {
      const traces::Resource& resource = scenario_.resources[r];
      model::CoreFunc dtor;
      if (resource.destructor)
        dtor = [this, r](const model::CoreValues& args) {
          world_.destructor(r, word(args.at(0)));
          return model::CoreValues{};
        };
      store_.resource_types.push_back(
          std::make_unique<model::ResourceType>(store_.instances[resource.instance].get(), std::move(dtor)));
      resource_types_.push_back(store_.resource_types.back().get());
    }
  }

  model::MemInst& memory(uint32_t instance, uint32_t index) {
    return memories_[instance].get(index, [&](model::MemInst& m) {
      const std::span<uint8_t> bytes = world_.memory(instance, index);
      m = {bytes.data(), bytes.size(), core_type(scenario_.instances[instance].memories[index].index_type)};
    });
  }

  const ThreadTable& table(uint32_t instance, uint32_t index) {
    return tables_[instance].get(index, [&](ThreadTable& t) {
      t.table.array.clear();
      for (const traces::TableEntry entry : scenario_.instances[instance].tables[index]) {
        if (entry == traces::TableEntry::kNull) {
          t.table.array.push_back(nullptr);
          continue;
        }
        const auto param = entry == traces::TableEntry::kI32 ? model::CoreType::i32 : model::CoreType::i64;
        t.table.array.push_back(&t.functions.emplace_back(
            model::CoreFuncRef{{{param}, {}}, [this, instance, index](const model::CoreValues& args) {
                                 world_.thread(instance, index, args.at(0));
                                 return model::CoreValues{};
                               }}));
      }
    });
  }

  void set_options(model::LiftLowerOptions& opts, uint32_t instance, uint32_t memory_index, traces::Encoding encoding,
                   bool realloc) {
    opts.memory = memory_index == kNone ? nullptr : &memory(instance, memory_index);
    opts.string_encoding = encoding_of(encoding);
    if (realloc)
      opts.realloc = [this, instance,
                      pointers = index_type(scenario_, instance, memory_index)](const model::CoreValues& args) {
        return model::CoreValues{world_.realloc(instance, pointers, args)};
      };
  }

  const model::FuncInst& lifted(uint32_t f) {
    return functions_
        .get(f,
             [&](Lifted& made) {
               const traces::Function& function = scenario_.functions[f];
               set_options(made.opts, function.instance, function.memory, function.encoding, function.realloc);
               made.opts.async_ = function.lift != traces::Lift::kSync;
               if (function.lift == traces::Lift::kCallback)
                 made.opts.callback = [this, f](const model::CoreValues& e) {
                   return model::CoreValues{world_.callback(f, word(e.at(0)), word(e.at(1)), word(e.at(2)))};
                 };
               if (function.post_return)
                 made.opts.post_return = [this, f](const model::CoreValues& results) {
                   world_.post_return(f, results);
                   return model::CoreValues{};
                 };
               auto body = [this, f](const model::CoreValues& args) {
                 const std::optional<uint64_t> result = world_.body(f, args);
                 return result ? model::CoreValues{*result} : model::CoreValues{};
               };
               made.function =
                   store_.lift(body, values_.type(function.type), made.opts, store_.instances[function.instance].get());
             })
        .function;
  }

  const model::FuncInst& host_function(uint32_t h) {
    return host_functions_.get(h, [&](model::FuncInst& made) {
      const traces::FuncType& type = scenario_.host_functions[h].type;
      made = [this, h, &type](const model::OnStart& on_start, const model::OnResolve& on_resolve,
                              model::ComponentInstance*) -> model::OnCancel {
        const model::Values taken = on_start();
        const Token token = word(taken.at(0).bits);
        std::vector<traces::Value> args;
        for (size_t i = 1; i < taken.size(); ++i) args.push_back(from_model(taken[i], type.params[i], token));
        const std::optional<traces::Value> value = world_.host_called(h, token, args);
        HostCall& call = host_calls_.emplace_back(HostCall{token, &type, on_resolve});
        if (value) call.on_resolve(result_of(call, value));
        return [this, h, token](model::ComponentInstance*) {
          World::Cancelled answer = world_.host_cancelled(h, token);
          if (answer.resolve) resolve(token, std::move(answer.value));
        };
      };
    });
  }

  const Defined& defined(const BuiltinCall& c) {
    return canons_[c.instance].get(c.canon_index, [&](Defined& d) { define(c.instance, c.canon, d); });
  }

  void define(uint32_t instance, const Canon& c, Defined& d) {
    set_options(d.opts, instance, c.memory, c.encoding, c.realloc);
    d.opts.async_ = c.async_;
    if (is_stream_or_future(c.kind)) {
      const model::ValType element = values_.type(c.element);
      d.type = c.kind <= Op::kStreamDropWritable ? model::StreamType(element) : model::FutureType(element);
    }
    if (c.kind == Op::kTaskReturn) d.result = values_.result(c.result);
    if (c.kind != Op::kCall) return;
    const bool host = c.callee.function == kNone;
    const model::FuncInst& callee = host ? host_function(c.callee.host_function) : lifted(c.callee.function);
    d.import =
        store_.lower(callee, values_.type(callee_type(scenario_, c.callee)), d.opts, store_.instances[instance].get());
  }

  std::optional<model::Values> result_of(const HostCall& call, const std::optional<traces::Value>& value) {
    if (!value) return std::nullopt;
    return call.type->result ? model::Values{to_model(*value, *call.type->result)} : model::Values{};
  }

  model::Value to_model(const traces::Value& v, const traces::ValueType& t) {
    return ModelValues::to_model(v, t, [this](ThreadId end) {
      model::SharedBase* const shared = host_ends_.at(end).shared;
      host_ends_.erase(end);
      return shared;
    });
  }
  traces::Value from_model(const model::Value& v, const traces::ValueType& t, Token token) {
    return ModelValues::from_model(v, t, [this, token](model::SharedBase* shared, const traces::ValueType& type) {
      const ThreadId end = world_.end_received(token, type);
      host_ends_[end] = {shared, type.children[0]};
      return end;
    });
  }

  void hold_both(ThreadId readable, ThreadId writable, model::SharedBase* shared, const traces::ValueType& element) {
    host_ends_[readable] = {shared, element};
    host_ends_[writable] = {shared, element};
  }

  // What has been copied is taken back from the other side at once.
  model::OnCopy on_copy(ThreadId end) {
    return [this, end](const model::ReclaimBuffer& reclaim) {
      reclaim();
      report_copy(end, model::CopyResult::COMPLETED);
    };
  }
  model::OnCopyDone on_copy_done(ThreadId end) {
    return [this, end](model::CopyResult result) { report_copy(end, result); };
  }
  void report_copy(ThreadId end, model::CopyResult result) {
    const HostEnd& held = host_ends_.at(end);
    std::vector<traces::Value> read;
    uint64_t progress = held.source != nullptr ? held.source->progress : held.target->values.size();
    if (held.target != nullptr && held.element.kind != traces::ValueType::Kind::kNone)
      for (const model::Value& v : held.target->values)
        read.push_back(from_model(v, held.element, world_.read_token(end)));
    world_.host_copy(end, static_cast<uint32_t>(result), word(progress), read);
  }

  // The first of this token: later ones have ended at once.
  HostCall& host_call(Token token) {
    return *std::find_if(host_calls_.begin(), host_calls_.end(), [&](const HostCall& c) { return c.token == token; });
  }

  SnapshotWriter::End end_view(uint32_t instance, const model::CopyEnd&) const;

  uint32_t index_of(const model::ComponentInstance* inst) const {
    for (uint32_t i = 0; i < store_.instances.size(); ++i)
      if (store_.instances[i].get() == inst) return i;
    return kNone;
  }
  static uint32_t handle_of(const model::ComponentInstance* inst, const model::HandleEntry* entry) {
    for (uint32_t i = 1; i < inst->handles.array.size(); ++i)
      if (inst->handles.array[i] == entry) return i;
    return 0;
  }

  model::Thread* choose_thread(ChoicePoint point, ThreadId subject, const std::vector<model::Thread*>& candidates) {
    std::vector<std::pair<ThreadId, model::Thread*>> named;
    for (model::Thread* t : candidates) named.emplace_back(id_of(t), t);
    return choose_named(point, subject, named);
  }
  template <typename T>
  T* choose_named(ChoicePoint point, ThreadId subject, std::vector<std::pair<ThreadId, T*>>& named) {
    std::sort(named.begin(), named.end());
    std::vector<ThreadId> ids;
    for (const auto& [id, t] : named) ids.push_back(id);
    return named[world_.choose(point, subject, ids)].second;
  }

  const traces::Scenario& scenario_;
  std::vector<model::ResourceType*> resource_types_;
  ModelValues values_;
  MadeOnUseByInstance<model::MemInst> memories_;
  MadeOnUseByInstance<ThreadTable> tables_;
  MadeOnUseByInstance<Defined> canons_;
  MadeOnUse<Lifted> functions_;
  MadeOnUse<model::FuncInst> host_functions_;
  std::deque<model::FuncInst> started_;
  std::vector<std::pair<Token, model::OnCancel>> on_cancels_;
  std::deque<HostCall> host_calls_;
  std::map<ThreadId, HostEnd> host_ends_;

  // Of the snapshot being made, kept for the next one.
  struct Listed {
    uint32_t instance;
    uint32_t handle;
    const model::HandleEntry* entry;
  };
  std::array<std::vector<Listed>, kHandleKinds> listed_;
  std::vector<const model::Task*> tasks_;
  std::vector<const model::Thread*> threads_;

  World world_;  // outlives the store, whose last fibers unwind through it
  model::Store store_;
};

SnapshotWriter::End ModelBackend::end_view(uint32_t instance, const model::CopyEnd& e) const {
  SnapshotWriter::End out{};
  const std::type_info& type = typeid(e);
  const bool stream = &type == &typeid(model::ReadableStreamEnd) || &type == &typeid(model::WritableStreamEnd);
  const bool writable = &type == &typeid(model::WritableStreamEnd) || &type == &typeid(model::WritableFutureEnd);
  out.kind = (stream ? 0u : 2u) + (writable ? 1u : 0u);
  out.state = static_cast<uint32_t>(e.state);
  out.pending_event = e.has_pending_event();
  out.sync_waiter = e.has_sync_waiter;
  out.set = e.wset == nullptr ? 0 : handle_of(store_.instances[instance].get(), e.wset);
  const auto shared = [&](const auto& s) {
    out.dropped = s.dropped;
    out.pending = s.pending_buffer != nullptr;
    out.remaining = s.pending_buffer == nullptr ? 0 : word(s.pending_buffer->remain());
  };
  if (stream)
    shared(dynamic_cast<const model::SharedStreamImpl&>(*e.shared));
  else
    shared(dynamic_cast<const model::SharedFutureImpl&>(*e.shared));
  return out;
}

void ModelBackend::snapshot(SnapshotWriter& w, uint64_t locked) {
  const auto next_index = [](const auto& table) {
    return table.free.empty() ? static_cast<uint32_t>(table.array.size()) : table.free.back();
  };
  for (uint32_t i = 0; i < store_.instances.size(); ++i) {
    const model::ComponentInstance& inst = *store_.instances[i];
    if (is_locked(scenario_, i, locked)) {
      w.locked_instance(i);
      continue;
    }
    w.instance(i, {.may_enter = inst.may_enter,
                   .may_leave = inst.may_leave,
                   .backpressure = static_cast<uint32_t>(inst.backpressure),
                   .waiting_to_enter = inst.num_waiting_to_enter,
                   .exclusive = id_of(inst.exclusive_thread),
                   .next_handle = next_index(inst.handles),
                   .next_thread = next_index(inst.threads)});
  }
  for (auto& kind : listed_) kind.clear();
  for (uint32_t i = 0; i < store_.instances.size(); ++i) {
    if (is_locked(scenario_, i, locked)) continue;
    const auto& array = store_.instances[i]->handles.array;
    for (uint32_t h = 1; h < array.size(); ++h)
      if (array[h] != nullptr) listed_[static_cast<size_t>(kind_of(*array[h]))].push_back({i, h, array[h]});
  }
  const auto each = [&](HandleKind kind, auto&& f) {
    for (const Listed& l : listed_[static_cast<size_t>(kind)]) f(l.instance, l.handle, l.entry);
  };
  each(HandleKind::kSubtask, [&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    const auto* s = static_cast<const model::Subtask*>(e);
    w.subtask(i, h,
              {.call = s->call_id,
               .state = static_cast<uint32_t>(s->state),
               .cancellation_requested = s->cancellation_requested,
               .resolve_delivered = s->resolve_delivered(),
               .pending_event = s->has_pending_event(),
               .sync_waiter = s->has_sync_waiter,
               .set = s->wset == nullptr ? 0 : handle_of(store_.instances[i].get(), s->wset)});
  });
  each(HandleKind::kWaitableSet, [&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    w.waitable_set(i, h, static_cast<const model::WaitableSet*>(e)->num_waiting);
  });
  each(HandleKind::kEnd, [&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    w.end(i, h, end_view(i, *static_cast<const model::CopyEnd*>(e)));
  });
  each(HandleKind::kResource, [&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    const auto* r = static_cast<const model::ResourceHandle*>(e);
    w.resource(i, h,
               {.type = static_cast<uint32_t>(std::find(resource_types_.begin(), resource_types_.end(), r->rt) -
                                              resource_types_.begin()),
                .rep = word(r->rep),
                .own = r->own,
                .scope = r->borrow_scope == nullptr ? 0 : r->borrow_scope->call_id,
                .lends = r->num_lends});
  });
  each(HandleKind::kErrorContext, [&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    w.error_context(i, h, word(static_cast<const model::ErrorContext*>(e)->debug_message.size()));
  });
  tasks_.clear();
  for (const model::Task* t : store_.tree.tasks)
    if (!is_locked(scenario_, index_of(t->inst), locked)) tasks_.push_back(t);
  std::sort(tasks_.begin(), tasks_.end(), [](const auto* a, const auto* b) { return a->call_id < b->call_id; });
  for (const model::Task* t : tasks_)
    w.task(t->call_id, index_of(t->inst), static_cast<uint32_t>(t->state), t->num_borrows);
  for (const model::Task* task : tasks_) {
    threads_.assign(task->live_threads.begin(), task->live_threads.end());
    std::sort(threads_.begin(), threads_.end(), [](const auto* a, const auto* b) { return a->k < b->k; });
    for (const model::Thread* t : threads_)
      w.thread(id_of(t), {.state = t->running()   ? 0u
                                   : t->waiting() ? 1u
                                                  : 2u,
                          .ready = t->ready(),
                          .cancellable = !t->running() && t->cancellable,
                          .index = t->index.value_or(0),
                          .slot0 = t->storage[0],
                          .slot1 = t->storage[1]});
  }
  for (const model::Task* t : tasks_)
    if (model::TaskTree::is_node(*t)) w.tree(t->call_id, t->parent == nullptr ? 0 : t->parent->call_id);
}

}  // namespace

void ModelEngine::run(Run& run) {
  ModelBackend backend(run);
  World& world = backend.world();
  try {
    world.run_case();
  } catch (const Abandon&) {
  } catch (const model::SpecUndefined& e) {
    const SiteId site = traces::find_site("assert:" + std::string(e.site));
    world.finish(traces::Outcome::kSpecUndefined, site != 0 ? site : traces::find_site("assert:other#0"));
  } catch (const model::AssertionFailure& e) {
    world.fail(e.what());
  }
}

}  // namespace lockstep::diff
