#include "model/canon_thread.h"

#include "model/canon_lift.h"
#include "model/component_instance.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {

uint32_t canon_thread_index() {
  const Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadIndex1);
  spec_assert(thread->index.has_value(), "canon_thread_index#1");
  return *thread->index;
}

uint32_t canon_thread_new_indirect(const CoreFuncType& ft, const Table<CoreFuncRef>& ftbl, CoreVal fi, CoreVal c) {
  Task* const task = current_task();
  trap_if(!task->inst->may_leave, TrapSite::kCanonThreadNewIndirect1);
  const CoreFuncRef* const f = ftbl.get(fi);
  spec_assert(ft == CoreFuncType({CoreType::i32}, {}) || ft == CoreFuncType({CoreType::i64}, {}),
              "canon_thread_new_indirect#1");
  trap_if(f->t != ft, TrapSite::kCanonThreadNewIndirect2);
  auto thread_func = [task, callee = f->callee, c] {
    Thread* const new_thread = current_thread();
    call_and_trap_on_throw(callee, {c});
    task->unregister_thread(new_thread);
  };
  Thread* const new_thread = task->inst->store->threads.emplace_back(std::make_unique<Thread>(task, thread_func)).get();
  spec_assert(new_thread->suspended(), "canon_thread_new_indirect#2");
  task->register_thread(new_thread);
  return *new_thread->index;
}

void canon_thread_resume_later(uint32_t i) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonThreadResumeLater1);
  Thread* const other_thread = inst->threads.get(i);
  trap_if(!other_thread->suspended(), TrapSite::kCanonThreadResumeLater2);
  other_thread->resume_later();
}

uint32_t canon_thread_suspend(bool cancellable) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadSuspend1);
  return static_cast<uint32_t>(thread->suspend(cancellable));
}

uint32_t canon_thread_yield(bool cancellable) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadYield1);
  return static_cast<uint32_t>(thread->yield_(cancellable));
}

uint32_t canon_thread_suspend_then_resume(bool cancellable, uint32_t i) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadSuspendThenResume1);
  Thread* const other_thread = thread->task->inst->threads.get(i);
  trap_if(!other_thread->suspended(), TrapSite::kCanonThreadSuspendThenResume2);
  return static_cast<uint32_t>(thread->suspend_then_resume(cancellable, other_thread));
}

uint32_t canon_thread_yield_then_resume(bool cancellable, uint32_t i) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadYieldThenResume1);
  Thread* const other_thread = thread->task->inst->threads.get(i);
  trap_if(!other_thread->suspended(), TrapSite::kCanonThreadYieldThenResume2);
  return static_cast<uint32_t>(thread->yield_then_resume(cancellable, other_thread));
}

uint32_t canon_thread_suspend_then_promote(bool cancellable, uint32_t i) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadSuspendThenPromote1);
  Thread* const other_thread = thread->task->inst->threads.get(i);
  return static_cast<uint32_t>(thread->suspend_then_promote(cancellable, other_thread));
}

uint32_t canon_thread_yield_then_promote(bool cancellable, uint32_t i) {
  Thread* const thread = current_thread();
  trap_if(!thread->task->inst->may_leave, TrapSite::kCanonThreadYieldThenPromote1);
  Thread* const other_thread = thread->task->inst->threads.get(i);
  return static_cast<uint32_t>(thread->yield_then_promote(cancellable, other_thread));
}

}  // namespace lockstep::model
