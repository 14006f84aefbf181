// Translates between the vocabulary and model/: the only code that knows both.
#include "diff/model_engine.h"

#include <algorithm>
#include <array>

#include "diff/world.h"
#include "model/builtins.h"
#include "model/store.h"
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

SiteId site_of(model::TrapSite s) {
  static const std::vector<SiteId> sites = [] {
    std::vector<SiteId> v;
    for (uint8_t i = 0; i <= static_cast<uint8_t>(model::TrapSite::kGuestLoad1); ++i)
      v.push_back(traces::find_site(name(static_cast<model::TrapSite>(i))));
    return v;
  }();
  return sites[static_cast<size_t>(s)];
}

model::TrapSite trap_of(SiteId id) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(model::TrapSite::kGuestLoad1); ++i)
    if (site_of(static_cast<model::TrapSite>(i)) == id) return static_cast<model::TrapSite>(i);
  throw model::AssertionFailure("a trap that the model does not know: " + std::string(traces::site(id).name));
}

std::vector<model::ValType> types_of(size_t n) { return std::vector<model::ValType>(n, model::ValType::U32); }

model::FuncType type_of(const traces::FuncType& t) {
  return {types_of(t.params.size()), types_of(t.result ? 1 : 0), t.async_};
}

class ModelBackend : public Backend, public model::Chooser {
 public:
  explicit ModelBackend(Run& run) : scenario_(run.scenario), world_(run, *this), store_(this) {
    for (const traces::Instance& i : scenario_.instances) {
      model::ComponentInstance* const parent = i.parent == kNone ? nullptr : store_.instances[i.parent].get();
      store_.instances.push_back(std::make_unique<model::ComponentInstance>(&store_, parent));
    }
    set_up_memories();
    lift_functions();
    make_host_functions();
    lower_imports();
  }

  World& world() { return world_; }

  // ---- Backend

  ThreadId current_thread() override { return id_of(model::current_thread_or_null()); }

  uint32_t perform(const BuiltinCall& c) override {
    switch (c.op) {
      case Op::kCall: {
        store_.next_call_id = c.token;
        const model::Values result = imports_[c.instance][c.canon_index]({c.args.begin(), c.args.end()});
        return result.empty() ? 0 : result[0];
      }
      case Op::kContextGet:
        return model::canon_context_get(c.canon.slot);
      case Op::kContextSet:
        model::canon_context_set(c.canon.slot, c.args[0]);
        return 0;
      case Op::kBackpressureInc:
        model::canon_backpressure_inc();
        return 0;
      case Op::kBackpressureDec:
        model::canon_backpressure_dec();
        return 0;
      case Op::kTaskReturn: {
        model::LiftOptions opts;
        set_options(opts, c.instance, c.canon.memory, c.canon.encoding);
        model::canon_task_return(types_of(c.canon.result ? 1 : 0), opts, {c.args.begin(), c.args.end()});
        return 0;
      }
      case Op::kTaskCancel:
        model::canon_task_cancel();
        return 0;
      case Op::kWaitableSetNew:
        return model::canon_waitable_set_new();
      case Op::kWaitableSetWait:
        return model::canon_waitable_set_wait(c.canon.cancellable, memories_[c.instance][c.canon.memory], c.args[0],
                                              c.args[1]);
      case Op::kWaitableSetPoll:
        return model::canon_waitable_set_poll(c.canon.cancellable, memories_[c.instance][c.canon.memory], c.args[0],
                                              c.args[1]);
      case Op::kWaitableSetDrop:
        model::canon_waitable_set_drop(c.args[0]);
        return 0;
      case Op::kWaitableJoin:
        model::canon_waitable_join(c.args[0], c.args[1]);
        return 0;
      case Op::kSubtaskCancel:
        return model::canon_subtask_cancel(c.canon.async_, c.args[0]);
      case Op::kSubtaskDrop:
        model::canon_subtask_drop(c.args[0]);
        return 0;
      case Op::kThreadIndex:
        return model::canon_thread_index();
      case Op::kThreadYield:
        return model::canon_thread_yield(c.canon.cancellable);
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

  void invoke(uint32_t function, Token token, std::span<const uint32_t> args) override {
    store_.next_call_id = token;
    model::Values flat{token};
    flat.insert(flat.end(), args.begin(), args.end());
    const bool has_result = scenario_.functions[function].type.result.has_value();
    model::OnCancel on_cancel = store_.invoke(
        functions_[function],
        [this, token, flat] {
          world_.started(token);
          return flat;
        },
        [this, token, has_result](const std::optional<model::Values>& result) {
          std::optional<uint32_t> value;
          if (result) value = result->empty() ? 0 : result->at(0);
          world_.resolved(token, value, has_result);
        });
    on_cancels_.emplace_back(token, std::move(on_cancel));
  }

  bool tick() override {
    store_.tick();
    return store_.last_tick_candidates > 0;
  }

  void resolve(Token token, std::optional<uint32_t> value) override {
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

  uint64_t entered_roots() override {
    uint64_t mask = 0;
    for (size_t i = 0; i < scenario_.instances.size(); ++i)
      if (scenario_.instances[i].parent == kNone && !store_.instances[i]->may_enter) mask |= uint64_t{1} << i;
    return mask;
  }

  void snapshot(traces::Words& out, uint64_t locked) override;

  std::vector<uint32_t> live_tasks(uint64_t locked) override {
    std::vector<uint32_t> out;
    for (const model::Task* t : store_.tree.tasks)
      if (!is_locked(index_of(t->inst), locked)) out.push_back(t->call_id);
    std::sort(out.begin(), out.end());
    return out;
  }

  // ---- model::Chooser

  bool go_on(const model::Thread& thread) override {
    static constexpr std::array kWaitOrGoOn = {ThreadId{0, 0}, ThreadId{1, 0}};
    return world_.choose(ChoicePoint::kWaitUntil, id_of(&thread), kWaitOrGoOn) == 1;
  }
  model::Thread* thread_to_cancel(const model::Task& task, const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kRequestCancellation, {task.call_id, 0}, candidates);
  }
  model::Thread* thread_to_tick(const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kTick, {}, candidates);
  }
  model::Thread* thread_to_run(const model::Task& task, const std::vector<model::Thread*>& candidates) override {
    return choose_thread(ChoicePoint::kSyncLoop, {task.call_id, 0}, candidates);
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
    bool has_result;
    model::OnResolve on_resolve;
  };

  void set_up_memories() {
    memories_.resize(scenario_.instances.size());
    for (uint32_t i = 0; i < memories_.size(); ++i)
      for (uint32_t m = 0; m < scenario_.instances[i].memories.size(); ++m) {
        const std::span<uint8_t> bytes = world_.memory(i, m);
        memories_[i].push_back({bytes.data(), bytes.size()});
      }
  }

  void set_options(model::LiftOptions& opts, uint32_t instance, uint32_t memory, traces::Encoding encoding) {
    opts.memory = memory == kNone ? nullptr : &memories_[instance][memory];
    switch (encoding) {
      case traces::Encoding::kUtf8:
        opts.string_encoding = model::StringEncoding::utf8;
        break;
      case traces::Encoding::kUtf16:
        opts.string_encoding = model::StringEncoding::utf16;
        break;
      case traces::Encoding::kLatin1Utf16:
        opts.string_encoding = model::StringEncoding::latin1_utf16;
        break;
    }
  }

  void lift_functions() {
    for (uint32_t f = 0; f < scenario_.functions.size(); ++f) {
      const traces::Function& function = scenario_.functions[f];
      model::CanonicalOptions& opts = *options_.emplace_back(std::make_unique<model::CanonicalOptions>());
      set_options(opts, function.instance, function.memory, function.encoding);
      opts.async_ = function.lift != traces::Lift::kSync;
      if (function.lift == traces::Lift::kCallback)
        opts.callback = [this, f](const model::Values& e) {
          return model::Values{world_.callback(f, e.at(0), e.at(1), e.at(2))};
        };
      if (function.post_return)
        opts.post_return = [this, f](const model::Values& results) {
          world_.post_return(f, results);
          return model::Values{};
        };
      auto body = [this, f](const model::Values& args) {
        const std::optional<uint32_t> result = world_.body(f, args);
        return result ? model::Values{*result} : model::Values{};
      };
      functions_.push_back(store_.lift(body, type_of(function.type), opts, store_.instances[function.instance].get()));
    }
  }

  void make_host_functions() {
    for (uint32_t h = 0; h < scenario_.host_functions.size(); ++h) {
      const bool has_result = scenario_.host_functions[h].type.result.has_value();
      host_functions_.push_back([this, h, has_result](const model::OnStart& on_start,
                                                      const model::OnResolve& on_resolve,
                                                      model::ComponentInstance*) -> model::OnCancel {
        const model::Values args = on_start();
        const Token token = args.at(0);
        const std::optional<uint32_t> value = world_.host_called(h, args);
        HostCall& call = host_calls_.emplace_back(HostCall{token, has_result, on_resolve});
        if (value) call.on_resolve(result_of(call, value));
        return [this, h, token](model::ComponentInstance*) {
          const World::Cancelled answer = world_.host_cancelled(h, token);
          if (answer.resolve) resolve(token, answer.value);
        };
      });
    }
  }

  void lower_imports() {
    imports_.resize(scenario_.instances.size());
    for (uint32_t i = 0; i < imports_.size(); ++i) {
      const std::vector<Canon>& canons = scenario_.instances[i].canons;
      imports_[i].resize(canons.size());
      for (size_t k = 0; k < canons.size(); ++k) {
        const Canon& c = canons[k];
        if (c.kind != Op::kCall) continue;
        model::CanonicalOptions& opts = *options_.emplace_back(std::make_unique<model::CanonicalOptions>());
        set_options(opts, i, c.memory, c.encoding);
        opts.async_ = c.async_;
        const bool host = c.callee.function == kNone;
        const traces::FuncType& type =
            host ? scenario_.host_functions[c.callee.host_function].type : scenario_.functions[c.callee.function].type;
        const model::FuncInst& callee = host ? host_functions_[c.callee.host_function] : functions_[c.callee.function];
        imports_[i][k] = store_.lower(callee, type_of(type), opts, store_.instances[i].get());
      }
    }
  }

  std::optional<model::Values> result_of(const HostCall& call, std::optional<uint32_t> value) const {
    if (!value) return std::nullopt;
    return call.has_result ? model::Values{*value} : model::Values{};
  }

  // The first of this token: later ones have ended at once.
  HostCall& host_call(Token token) {
    return *std::find_if(host_calls_.begin(), host_calls_.end(), [&](const HostCall& c) { return c.token == token; });
  }

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
  bool is_locked(uint32_t instance, uint64_t locked) const {
    return locked != 0 && (locked >> traces::root_of(scenario_, instance) & 1) != 0;
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
  std::vector<std::vector<model::MemInst>> memories_;
  std::vector<std::unique_ptr<model::CanonicalOptions>> options_;
  std::vector<model::FuncInst> functions_;
  std::vector<model::FuncInst> host_functions_;
  std::vector<std::vector<model::CoreFunc>> imports_;
  std::vector<std::pair<Token, model::OnCancel>> on_cancels_;
  std::vector<HostCall> host_calls_;
  World world_;  // outlives the store, whose last fibers unwind through it
  model::Store store_;
};

void ModelBackend::snapshot(traces::Words& out, uint64_t locked) {
  SnapshotWriter w(out);
  const auto next_index = [](const auto& table) {
    return table.free.empty() ? static_cast<uint32_t>(table.array.size()) : table.free.back();
  };
  for (uint32_t i = 0; i < store_.instances.size(); ++i) {
    const model::ComponentInstance& inst = *store_.instances[i];
    if (is_locked(i, locked)) {
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
  const auto for_each_handle = [&](auto&& f) {
    for (uint32_t i = 0; i < store_.instances.size(); ++i) {
      if (is_locked(i, locked)) continue;
      const auto& array = store_.instances[i]->handles.array;
      for (uint32_t h = 1; h < array.size(); ++h)
        if (array[h] != nullptr) f(i, h, array[h]);
    }
  };
  for_each_handle([&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    if (const auto* s = dynamic_cast<const model::Subtask*>(e))
      w.subtask(i, h,
                {.call = s->call_id,
                 .state = static_cast<uint32_t>(s->state),
                 .cancellation_requested = s->cancellation_requested,
                 .resolve_delivered = s->resolve_delivered(),
                 .pending_event = s->has_pending_event(),
                 .sync_waiter = s->has_sync_waiter,
                 .set = s->wset == nullptr ? 0 : handle_of(store_.instances[i].get(), s->wset)});
  });
  for_each_handle([&](uint32_t i, uint32_t h, const model::HandleEntry* e) {
    if (const auto* s = dynamic_cast<const model::WaitableSet*>(e)) w.waitable_set(i, h, s->num_waiting);
  });
  std::vector<const model::Task*> tasks;
  for (const model::Task* t : store_.tree.tasks)
    if (!is_locked(index_of(t->inst), locked)) tasks.push_back(t);
  std::sort(tasks.begin(), tasks.end(), [](const auto* a, const auto* b) { return a->call_id < b->call_id; });
  for (const model::Task* t : tasks) w.task(t->call_id, index_of(t->inst), static_cast<uint32_t>(t->state));
  for (const model::Task* task : tasks)
    for (const model::Thread* t : task->live_threads)
      w.thread(id_of(t), {.state = t->running()   ? 0u
                                   : t->waiting() ? 1u
                                                  : 2u,
                          .ready = t->ready(),
                          .cancellable = !t->running() && t->cancellable,
                          .index = t->index.value_or(0),
                          .slot0 = static_cast<uint32_t>(t->storage[0]),
                          .slot1 = static_cast<uint32_t>(t->storage[1])});
  for (const model::Task* t : tasks) w.tree(t->call_id, t->parent == nullptr ? 0 : t->parent->call_id);
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
