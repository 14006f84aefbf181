#include "model/canon_lower.h"

#include "model/component_instance.h"
#include "model/flat_values.h"
#include "model/flattening.h"
#include "model/lift_lower_context.h"
#include "model/store.h"
#include "model/subtask.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {
namespace {

// What the closures of canon_lower share; as long-lived as they are.
struct Call {
  Subtask* subtask;
  FuncType ft;
  LiftLowerContext cx;
  CoreValueIter flat_args;
  size_t max_flat_params;
  size_t max_flat_results;
  std::function<void()> maybe_on_progress = [] {};

  Values on_start() {
    maybe_on_progress();
    spec_assert(subtask->state == Subtask::State::STARTING, "canon_lower.on_start#1");
    subtask->state = Subtask::State::STARTED;
    return lift_flat_values(cx, max_flat_params, flat_args, ft.param_types());
  }

  void on_resolve(const std::optional<Values>& result) {
    maybe_on_progress();
    if (!result) {
      spec_assert(subtask->cancellation_requested, "canon_lower.on_resolve#1");
      if (subtask->state == Subtask::State::STARTING) {
        subtask->resolve(Subtask::State::CANCELLED_BEFORE_STARTED, {});
      } else {
        spec_assert(subtask->state == Subtask::State::STARTED, "canon_lower.on_resolve#2");
        subtask->resolve(Subtask::State::CANCELLED_BEFORE_RETURNED, {});
      }
    } else {
      spec_assert(subtask->state == Subtask::State::STARTED, "canon_lower.on_resolve#3");
      CoreValues flat_results = lower_flat_values(cx, max_flat_results, *result, ft.result_type(), &flat_args);
      subtask->resolve(Subtask::State::RETURNED, std::move(flat_results));
    }
  }
};

}  // namespace

CoreValues canon_lower(const FuncInst& callee, const FuncType& ft, const CanonicalOptions& opts,
                       const CoreValues& flat_args) {
  Thread* const thread = current_thread();
  ComponentInstance* const inst = thread->task->inst;
  Store* const store = inst->store;
  trap_if(!inst->may_leave, TrapSite::kCanonLower1);

  const CoreFuncType flat_ft = flatten_functype(opts, ft, FlattenContext::lower);
  spec_assert(types_match_values(flat_ft.params, flat_args), "canon_lower#1");

  auto* const subtask = store->make<Subtask>();
  subtask->call_id = store->next_call_id;
  auto call = std::make_shared<Call>(Call{subtask, ft, LiftLowerContext(opts, inst, subtask), CoreValueIter(flat_args),
                                          opts.async_ ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS,
                                          opts.async_ ? 0 : MAX_FLAT_RESULTS});

  subtask->on_cancel = callee([call] { return call->on_start(); },
                              [call](const std::optional<Values>& result) { call->on_resolve(result); }, inst);
  spec_assert(ft.async_ || subtask->state == Subtask::State::RETURNED, "canon_lower#2");

  if (!opts.async_) {
    if (!subtask->resolved()) thread->wait_until([subtask] { return subtask->resolved(); });
    subtask->deliver_resolve();
    spec_assert(types_match_values(flat_ft.results, subtask->flat_results), "canon_lower#3");
    return subtask->flat_results;
  }
  if (subtask->resolved()) {
    subtask->deliver_resolve();
    spec_assert(subtask->flat_results.empty(), "canon_lower#4");
    return {static_cast<uint32_t>(Subtask::State::RETURNED)};
  }
  const uint32_t subtaski = inst->handles.add(subtask);
  call->maybe_on_progress = [subtask, subtaski] {
    subtask->set_pending_event([subtask, subtaski] {
      if (subtask->resolved()) subtask->deliver_resolve();
      return EventTuple{EventCode::SUBTASK, subtaski, static_cast<uint32_t>(subtask->state)};
    });
  };
  spec_assert(0 < subtaski && subtaski <= Table<HandleEntry>::MAX_LENGTH, "canon_lower#5");
  spec_assert(static_cast<uint32_t>(subtask->state) < 16, "canon_lower#6");
  return {static_cast<uint32_t>(subtask->state) | subtaski << 4};
}

}  // namespace lockstep::model
