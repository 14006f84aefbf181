// Translates between the vocabulary and optimized/: the only code that knows both.
#include "diff/optimized_engine.h"

#include <algorithm>
#include <array>
#include <deque>

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

opt::Encoding encoding_of(traces::Encoding e) { return static_cast<opt::Encoding>(e); }
opt::FuncType type_of(const traces::FuncType& t) {
  return {static_cast<uint32_t>(t.params.size()), t.result.has_value(), t.async_};
}

class OptimizedBackend : public Backend {
 public:
  OptimizedBackend(Run& run, opt::Store& store) : scenario_(run.scenario), world_(run, *this), store_(store) {
    for (uint32_t i = 0; i < scenario_.instances.size(); ++i) {
      const uint32_t parent = scenario_.instances[i].parent;
      instances_.push_back(&store_.add_instance(i, parent == kNone ? nullptr : instances_[parent]));
    }
    set_up_memories();
    lift_functions();
    make_host_functions();
    lower_imports();
  }

  World& world() { return world_; }

  ThreadId current_thread() override { return id_of(store_.current_thread()); }

  uint32_t perform(const BuiltinCall& c) override {
    switch (c.op) {
      case Op::kCall:
        return store_.call(imports_[c.instance][c.canon_index], c.token, c.args);
      case Op::kContextGet:
        return store_.context_get(c.canon.slot);
      case Op::kContextSet:
        store_.context_set(c.canon.slot, c.args[0]);
        return 0;
      case Op::kBackpressureInc:
        store_.backpressure_inc();
        return 0;
      case Op::kBackpressureDec:
        store_.backpressure_dec();
        return 0;
      case Op::kTaskReturn:
        store_.task_return(
            {c.canon.result.has_value(), memory_of(c.instance, c.canon.memory), encoding_of(c.canon.encoding)},
            c.args.empty() ? 0 : c.args[0]);
        return 0;
      case Op::kTaskCancel:
        store_.task_cancel();
        return 0;
      case Op::kWaitableSetNew:
        return store_.waitable_set_new();
      case Op::kWaitableSetWait:
        return store_.waitable_set_wait(c.canon.cancellable, *memory_of(c.instance, c.canon.memory), c.args[0],
                                        c.args[1]);
      case Op::kWaitableSetPoll:
        return store_.waitable_set_poll(c.canon.cancellable, *memory_of(c.instance, c.canon.memory), c.args[0],
                                        c.args[1]);
      case Op::kWaitableSetDrop:
        store_.waitable_set_drop(c.args[0]);
        return 0;
      case Op::kWaitableJoin:
        store_.waitable_join(c.args[0], c.args[1]);
        return 0;
      case Op::kSubtaskCancel:
        return store_.subtask_cancel(c.canon.async_, c.args[0]);
      case Op::kSubtaskDrop:
        store_.subtask_drop(c.args[0]);
        return 0;
      case Op::kThreadIndex:
        return store_.thread_index();
      case Op::kThreadYield:
        return store_.thread_yield(c.canon.cancellable);
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

  void invoke(uint32_t function, Token token, std::span<const uint32_t> args) override {
    HostInvocation& call = invocations_.emplace_back();
    call.backend = this;
    call.values.push_back(token);
    call.values.insert(call.values.end(), args.begin(), args.end());
    call.has_result = scenario_.functions[function].type.result.has_value();
    call.call_id = token;
    call.args = call.values;
    call.on_start = [](opt::Invocation& i) {
      auto& self = static_cast<HostInvocation&>(i);
      self.backend->world_.started(self.call_id);
    };
    call.on_resolve = [](opt::Invocation& i, bool cancelled, uint32_t result) {
      auto& self = static_cast<HostInvocation&>(i);
      self.backend->world_.resolved(self.call_id, cancelled ? std::nullopt : std::optional(result), self.has_result);
    };
    store_.invoke(functions_[function], call);
  }

  bool tick() override { return store_.tick(); }

  void resolve(Token token, std::optional<uint32_t> value) override {
    const auto it = std::find_if(blocked_.begin(), blocked_.end(), [&](const auto& b) { return b.first == token; });
    if (value)
      store_.resolve(*it->second, *value);
    else
      store_.resolve_cancelled(*it->second);
  }

  void cancel(Token token) override {
    const auto it =
        std::find_if(invocations_.begin(), invocations_.end(), [&](const auto& c) { return c.call_id == token; });
    store_.cancel(*it);
  }

  std::vector<uint32_t> call_stack() override {
    std::vector<uint32_t> out;
    store_.call_stack(out);
    return out;
  }

  uint64_t entered_roots() override {
    uint64_t mask = 0;
    for (size_t i = 0; i < instances_.size(); ++i)
      if (scenario_.instances[i].parent == kNone && !instances_[i]->may_enter) mask |= uint64_t{1} << i;
    return mask;
  }

  void snapshot(traces::Words& out, uint64_t locked) override;

  std::vector<uint32_t> live_tasks(uint64_t locked) override {
    std::vector<uint32_t> out;
    opt::Inspector(store_).for_each_task([&](const opt::TaskView& t) {
      if (!is_locked(t.instance->id, locked)) out.push_back(t.call_id);
    });
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  struct HostInvocation : opt::Invocation {
    OptimizedBackend* backend = nullptr;
    std::vector<uint32_t> values;
    bool has_result = false;
  };
  // What guest and host code get as their data pointer.
  struct Code {
    OptimizedBackend* backend;
    uint32_t index;
  };

  void set_up_memories() {
    memories_.resize(scenario_.instances.size());
    for (uint32_t i = 0; i < memories_.size(); ++i)
      for (uint32_t m = 0; m < scenario_.instances[i].memories.size(); ++m)
        memories_[i].push_back({world_.memory(i, m)});
  }
  const opt::Memory* memory_of(uint32_t instance, uint32_t memory) const {
    return memory == kNone ? nullptr : &memories_[instance][memory];
  }

  void lift_functions() {
    for (uint32_t f = 0; f < scenario_.functions.size(); ++f) {
      const traces::Function& function = scenario_.functions[f];
      Code& code = codes_.emplace_back(Code{this, f});
      opt::Function& out = functions_.emplace_back();
      out.instance = instances_[function.instance];
      out.type = type_of(function.type);
      out.lift = static_cast<opt::Lift>(function.lift);
      out.memory = memory_of(function.instance, function.memory);
      out.encoding = encoding_of(function.encoding);
      out.body = {[](void* data, std::span<const uint32_t> args) {
                    const auto& self = *static_cast<Code*>(data);
                    return self.backend->world_.body(self.index, args).value_or(0);
                  },
                  &code};
      if (function.lift == traces::Lift::kCallback)
        out.callback = {[](void* data, std::span<const uint32_t> e) {
                          const auto& self = *static_cast<Code*>(data);
                          return self.backend->world_.callback(self.index, e[0], e[1], e[2]);
                        },
                        &code};
      if (function.post_return)
        out.post_return = {[](void* data, std::span<const uint32_t> results) {
                             const auto& self = *static_cast<Code*>(data);
                             self.backend->world_.post_return(self.index, results);
                             return 0u;
                           },
                           &code};
    }
  }

  void make_host_functions() {
    for (uint32_t h = 0; h < scenario_.host_functions.size(); ++h) {
      Code& code = codes_.emplace_back(Code{this, h});
      host_functions_.push_back({type_of(scenario_.host_functions[h].type),
                                 [](void* data, opt::HostCall& call) {
                                   auto& self = *static_cast<Code*>(data);
                                   self.backend->host_function(self, call);
                                 },
                                 &code});
    }
  }

  void host_function(Code& code, opt::HostCall& call) {
    const std::span<const uint32_t> args = call.start();
    const Token token = args[0];
    const std::optional<uint32_t> value = world_.host_called(code.index, args);
    if (value) {
      call.resolve(*value);
      return;
    }
    HostBlock& block = blocks_.emplace_back(HostBlock{this, code.index, token});
    opt::Subtask& subtask = call.block(
        [](void* data, opt::Subtask& s) {
          const auto& self = *static_cast<HostBlock*>(data);
          self.backend->host_cancelled(self, s);
        },
        &block);
    blocked_.emplace_back(token, &subtask);
  }

  struct HostBlock {
    OptimizedBackend* backend;
    uint32_t function;
    Token token;
  };

  void host_cancelled(const HostBlock& block, opt::Subtask& subtask) {
    const World::Cancelled answer = world_.host_cancelled(block.function, block.token);
    if (!answer.resolve) return;
    if (answer.value)
      store_.resolve(subtask, *answer.value);
    else
      store_.resolve_cancelled(subtask);
  }

  void lower_imports() {
    imports_.resize(scenario_.instances.size());
    for (uint32_t i = 0; i < imports_.size(); ++i) {
      const std::vector<Canon>& canons = scenario_.instances[i].canons;
      imports_[i].resize(canons.size());
      for (size_t k = 0; k < canons.size(); ++k) {
        const Canon& c = canons[k];
        if (c.kind != Op::kCall) continue;
        const opt::ImportOptions options{c.async_, memory_of(i, c.memory)};
        imports_[i][k] = c.callee.function != kNone
                             ? opt::make_import(*instances_[i], functions_[c.callee.function], options)
                             : opt::make_import(*instances_[i], host_functions_[c.callee.host_function], options);
      }
    }
  }

  bool is_locked(uint32_t instance, uint64_t locked) const {
    return locked != 0 && (locked >> traces::root_of(scenario_, instance) & 1) != 0;
  }

  const traces::Scenario& scenario_;
  World world_;
  opt::Store& store_;
  std::vector<opt::Instance*> instances_;
  std::vector<std::vector<opt::Memory>> memories_;
  std::deque<Code> codes_;
  std::deque<opt::Function> functions_;
  std::deque<opt::HostFunction> host_functions_;
  std::vector<std::vector<opt::Import>> imports_;
  std::deque<HostInvocation> invocations_;
  std::deque<HostBlock> blocks_;
  std::vector<std::pair<Token, opt::Subtask*>> blocked_;
  std::vector<opt::TaskView> tasks_;  // scratch
};

void OptimizedBackend::snapshot(traces::Words& out, uint64_t locked) {
  SnapshotWriter w(out);
  opt::Inspector inspector(store_);
  for (uint32_t i = 0; i < instances_.size(); ++i) {
    if (is_locked(i, locked)) {
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
    if (is_locked(i, locked)) continue;
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
    if (is_locked(i, locked)) continue;
    inspector.for_each_handle(*instances_[i], ignore,
                              [&](const opt::WaitableSetView& s) { w.waitable_set(i, s.index, s.num_waiting); });
  }
  tasks_.clear();
  inspector.for_each_task([&](const opt::TaskView& t) {
    if (!is_locked(t.instance->id, locked)) tasks_.push_back(t);
  });
  std::sort(tasks_.begin(), tasks_.end(), [](const auto& a, const auto& b) { return a.call_id < b.call_id; });
  for (const opt::TaskView& t : tasks_) w.task(t.call_id, t.instance->id, static_cast<uint32_t>(t.state));
  for (const opt::TaskView& t : tasks_)
    w.thread(id_of(t.thread.id), {.state = t.thread.waiting ? 1u : 0u,
                                  .ready = t.thread.ready,
                                  .cancellable = t.thread.cancellable,
                                  .index = t.thread.index,
                                  .slot0 = t.thread.slots[0],
                                  .slot1 = t.thread.slots[1]});
  for (const opt::TaskView& t : tasks_) w.tree(t.call_id, t.parent_call_id);
}

class OptimizedEngine : public Engine, private opt::Choices {
 public:
  explicit OptimizedEngine(opt::Mutant mutant) : mutant_(mutant), store_(*this, {mutant}) {}

  std::string name() const override {
    return mutant_ == opt::Mutant::kNone ? "optimized" : "optimized:" + std::string(opt::info(mutant_).name);
  }
  std::string version() const override { return "this build"; }

  void run(Run& run) override {
    OptimizedBackend backend(run, store_);
    world_ = &backend.world();
    try {
      world_->run_case();
    } catch (const Abandon&) {
    } catch (const opt::AssertionFailure& e) {
      world_->fail(e.what());
    }
    // Guests on suspended stacks are unwound while their world is still there.
    store_.reset({mutant_});
    world_ = nullptr;
  }

  EngineCounters counters() const override {
    const opt::Counters& c = store_.counters();
    EngineCounters out{{}, c.sync_calls, c.sync_calls_unpromoted};
    for (size_t i = 0; i < opt::kPromotionReasonCount; ++i)
      out.promotions[std::string(opt::name(static_cast<opt::PromotionReason>(i)))] = c.promotions[i];
    return out;
  }

 private:
  bool go_on(opt::Id thread) override {
    static constexpr std::array kWaitOrGoOn = {ThreadId{0, 0}, ThreadId{1, 0}};
    return world_->choose(traces::ChoicePoint::kWaitUntil, id_of(thread), kWaitOrGoOn) == 1;
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
  std::vector<opt::Id> ids_;
  std::vector<ThreadId> candidates_;
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
