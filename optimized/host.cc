// The host's side: setting a store up, invoking, ticking, cancelling, ending blocked calls, resetting; and host
// functions while a guest calls them.
#include "optimized/host.h"

#include "optimized/assert.h"
#include "optimized/candidates.h"
#include "optimized/scripted.h"
#include "optimized/store.h"

namespace lockstep::optimized {

Store::Store(Choices& choices, StoreOptions options)
    : mutant_(options.mutant), table_limit_(options.table_limit), choices_(choices) {
  ready_.reinitialise(nullptr, true);
}

Store::~Store() { reset(); }

void Store::reset(StoreOptions options) {
  reset();
  mutant_ = options.mutant;
  table_limit_ = options.table_limit;
}

void Store::reset() {
  discard_fibers();
  tasks_.for_each([](const Task& task) {
    if (!task.exited && task.invocation != nullptr) task.invocation->task = nullptr;
  });
  ready_.reinitialise(nullptr, true);
  instances_.clear();
  outliving_frames_.clear();
  instance_pool_.reset();
  tasks_.reset();
  threads_.reset();
  subtasks_.reset();
  sets_.reset();
  crowds_.reset();
  shared_streams_.reset();
  copy_ends_.reset();
  resources_.reset();
  error_contexts_.reset();
  vm_.current = nullptr;
}

Instance& Store::add_instance(uint32_t id, Instance* parent) {
  Instance& instance = instance_pool_.acquire();
  instance.set_up(*this, id, parent);
  instance.ordinal = static_cast<uint32_t>(instances_.size());
  instances_.push_back(&instance);
  return instance;
}

void Store::invoke(const Function& f, Invocation& invocation) {
  Instance& instance = *f.instance;
  trap_if(!instance.may_enter_below(nullptr), TrapSite::kStoreLiftFuncInst1);
  if (!f.type.async_) {
    instance.enter_below(nullptr);
    ++counters_.host_sync_calls;
    const auto body = [&](VMAsyncTask& frame) {
      invocation.start();
      Value result;
      const uint64_t flat_result = run_with_values(frame, f, invocation.args, result);
      invocation.resolve(false, std::move(result));
      finish_in_native_frame(frame, f, flat_result);
    };
    const bool unpromoted = run_task(instance, invocation.call_id, TaskOrigin::kCall, body);
    counters_.host_sync_calls_unpromoted += unpromoted ? 1 : 0;
  } else {
    promote(PromotionReason::kHostInvoke);
    instance.enter_below(nullptr);
    Task& task = new_task(f, invocation.call_id);
    task.invocation = &invocation;
    invocation.task = &task;
    start_task(task);
  }
  instance.leave_below(nullptr);
}

bool Store::tick() {
  OPTIMIZED_ASSERT(innermost_ == nullptr && fiber_ == &host_fiber_);
  if (ready_.count() == 0) return false;
  const Candidate c = choices_.choose(ChoicePoint::kTick, {}, TickCandidates(ready_));
  OPTIMIZED_ASSERT(c.entity != nullptr);
  auto& thread = *static_cast<Thread*>(c.entity);
  prefetch<kTaskBytes>(&thread);
  Instance& instance = *thread.instance;
  OPTIMIZED_ASSERT(instance.may_enter_below(nullptr));
  instance.enter_below(nullptr);
  resume(thread, false);
  instance.leave_below(nullptr);
  return true;
}

// A task that a trap has ended does not hear of it.
void Store::cancel(Invocation& invocation) {
  if (invocation.task != nullptr) request_cancellation(*invocation.task, nullptr);
}

void Store::resolve(Subtask& call, Value result) {
  prefetch<sizeof(Subtask)>(&call);
  OPTIMIZED_ASSERT(!call.resolved());
  resolve_subtask(call, std::move(result));
}

void Store::resolve_cancelled(Subtask& call) {
  OPTIMIZED_ASSERT(!call.resolved());
  resolve_subtask_cancelled(call);
}

void Store::call_stack(std::vector<uint32_t>& call_ids) const {
  call_ids.clear();
  for (VMAsyncTask* task = vm_.current; task != nullptr; task = live(task_head(task)->parent))
    if (task->origin != TaskOrigin::kRealloc) call_ids.push_back(task->call_id);
}

HostCall::HostCall(Store& store, const Import& import, uint32_t call_id, std::span<const uint64_t> flat_args)
    : store_(store), call_{&import, call_id, SubtaskState::kStarting, flat_args} {}

std::span<const Value> HostCall::start() {
  LoweredCall& call = subtask_ != nullptr ? subtask_->call : call_;
  if (subtask_ != nullptr) subtask_->progress();
  OPTIMIZED_ASSERT(call.state == SubtaskState::kStarting);
  call.state = SubtaskState::kStarted;
  const std::span<Value> args = arguments_.reset(call.import->type().params.size());
  call.lift_params(args);
  return args;
}

void HostCall::resolve(Value result) {
  if (subtask_ != nullptr) return store_.resolve(*subtask_, std::move(result));
  OPTIMIZED_ASSERT(call_.state == SubtaskState::kStarted);
  call_.lower_result(result);
  call_.state = SubtaskState::kReturned;
}

Subtask& HostCall::block(void (*on_cancel)(void* data, Subtask&), void* data) {
  OPTIMIZED_ASSERT(subtask_ == nullptr && call_.import->type().async_ && !is_resolved(call_.state));
  subtask_ = &store_.subtasks_.acquire();
  subtask_->start(*call_.import, call_.call_id, call_.flat_args, call_.state);
  subtask_->call.lenders = std::move(call_.lenders);
  subtask_->on_cancel = on_cancel;
  subtask_->on_cancel_data = data;
  return *subtask_;
}

}  // namespace lockstep::optimized
