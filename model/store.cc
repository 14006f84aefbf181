#include "model/store.h"

#include "model/canon_lift.h"
#include "model/canon_lower.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {

Store::Store(Chooser* chooser_) : chooser(chooser_) {}

// Threads first: unwinding their fibers runs code that still uses tasks and instances.
Store::~Store() { threads.clear(); }

OnCancel Store::invoke(const FuncInst& f, OnStart on_start, OnResolve on_resolve) {
  nesting_depth += 1;
  OnCancel on_cancel = f(std::move(on_start), std::move(on_resolve), /*caller=*/nullptr);
  nesting_depth -= 1;
  return on_cancel;
}

FuncInst Store::lift(CoreFunc f, FuncType ft, const CanonicalOptions& opts, ComponentInstance* inst) {
  return [f = std::move(f), ft = std::move(ft), &opts, inst](OnStart on_start, OnResolve on_resolve,
                                                             ComponentInstance* caller) -> OnCancel {
    spec_assert(caller == nullptr || caller == current_instance(), "Store.lift.func_inst#1");
    trap_if(!inst->may_enter_from(caller), TrapSite::kStoreLiftFuncInst1);
    inst->enter_from(caller);
    OnCancel on_cancel = canon_lift(f, ft, opts, inst, std::move(on_start), std::move(on_resolve));
    inst->leave_to(caller);
    return on_cancel;
  };
}

CoreFunc Store::lower(FuncInst f, FuncType ft, const CanonicalOptions& opts, ComponentInstance* inst) {
  auto entered = [inst] {
    for (const ComponentInstance* i : inst->self_and_ancestors())
      if (i->may_enter) return false;
    return true;
  };
  return [f = std::move(f), ft = std::move(ft), &opts, inst, entered](const CoreValues& args) -> CoreValues {
    spec_assert(inst == current_instance(), "Store.lower.core_func_inst#1");
    spec_assert(entered(), "Store.lower.core_func_inst#2");
    CoreValues results = canon_lower(f, ft, opts, args);
    spec_assert(entered(), "Store.lower.core_func_inst#3");
    return results;
  };
}

void Store::tick() {
  spec_assert(nesting_depth == 0, "Store.tick#1");
  for (const Thread* thread : waiting) spec_assert(thread->task->inst->may_enter_from(nullptr), "Store.tick#2");
  nesting_depth += 1;
  std::vector<Thread*> candidates;
  for (Thread* thread : waiting)
    if (thread->ready()) candidates.push_back(thread);
  last_tick_candidates = candidates.size();
  if (!candidates.empty()) {
    Thread* thread = chooser->thread_to_tick(candidates);
    thread->task->inst->enter_from(nullptr);
    thread->resume();
    thread->task->inst->leave_to(nullptr);
  }
  nesting_depth -= 1;
}

void Store::name_next_call(ComponentInstance* inst, TaskOrigin origin) {
  next_call_id = name_task ? name_task(inst, origin) : 0;
  next_call_origin = origin;
}

}  // namespace lockstep::model
