// The canon built-ins of explicit threads.
//
// A thread is made suspended, without a stack; it gets one when it runs first. Where one thread hands over to another,
// switch.cc takes it there directly. A thread index may name a thread in an unpromoted native frame: such a thread
// always runs, or waits for one that it has resumed, so nothing needs to be promoted to answer for it.
#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {

uint32_t Store::thread_new_indirect(AddressType parameter, const FuncTable& table, uint32_t function,
                                    uint64_t argument) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonThreadNewIndirect1);
  trap_if(function >= table.entries.size(), TrapSite::kTableGet1);
  const FuncRef& f = table.entries[function];
  trap_if(!f.code, TrapSite::kTableGet2);
  trap_if(f.parameter != parameter, TrapSite::kCanonThreadNewIndirect2);
  promote(PromotionReason::kThreadNew);
  before_thread_table_changes(instance);
  Task& task = current_task();
  Thread& thread = threads_.acquire();
  static_cast<VMAsyncTask&>(thread) = {.kind = TaskKind::kHeap,
                                       .state = TaskState::kInitial,
                                       .origin = TaskOrigin::kCall,
                                       .may_block = task.thread.may_block,
                                       .call_id = task.thread.call_id,
                                       .slots = {},
                                       .k = task.next_k,
                                       .num_borrows = 0,
                                       .parent = nullptr,
                                       .task = &task,
                                       .instance = &instance};
  if (is(Mutant::kNewThreadInheritsSlots)) thread.slots[0] = vm_.current->slots[0];
  thread.start = f.code;
  thread.argument = argument;
  thread.suspended = true;
  thread.index = instance.add_thread(thread);
  task.threads.add(thread);
  ++task.next_k;
  return thread.index;
}

// The whole life of an explicit thread, on its fiber.
void Store::run_explicit_thread(Thread& thread) {
  const uint64_t args[] = {thread.argument};
  thread.start(args);
  if (is(Mutant::kThreadExitEndsExclusive)) thread.instance->set_exclusive(nullptr);
  unregister_thread(thread);
}

// The suspended thread at an index, or a trap.
Thread& Store::get_suspended(uint32_t index, TrapSite not_suspended) {
  Thread* thread = get_thread(current_instance(), index);
  trap_if(thread == nullptr || !thread->suspended, not_suspended);
  return *thread;
}

void Store::thread_resume_later(uint32_t index) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadResumeLater1);
  Thread& other = get_suspended(index, TrapSite::kCanonThreadResumeLater2);
  start_waiting(other, Wait::kAlwaysReady, other.cancellable, nullptr, nullptr);
}

uint32_t Store::thread_suspend(bool cancellable) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadSuspend1);
  return suspend(cancellable) ? 1 : 0;
}

uint32_t Store::thread_suspend_then_resume(bool cancellable, uint32_t index) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadSuspendThenResume1);
  return suspend_then_resume(cancellable, get_suspended(index, TrapSite::kCanonThreadSuspendThenResume2)) ? 1 : 0;
}

uint32_t Store::thread_yield_then_resume(bool cancellable, uint32_t index) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadYieldThenResume1);
  return yield_then_resume(cancellable, get_suspended(index, TrapSite::kCanonThreadYieldThenResume2)) ? 1 : 0;
}

uint32_t Store::thread_suspend_then_promote(bool cancellable, uint32_t index) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadSuspendThenPromote1);
  Thread* other = get_thread(current_instance(), index);
  if (deliver_pending_cancel(cancellable)) return 1;
  if (other == nullptr || !other->ready()) return suspend(cancellable) ? 1 : 0;
  return suspend_then_resume(cancellable, *other) ? 1 : 0;
}

uint32_t Store::thread_yield_then_promote(bool cancellable, uint32_t index) {
  trap_if(!current_instance().may_leave, TrapSite::kCanonThreadYieldThenPromote1);
  Thread* other = get_thread(current_instance(), index);
  if (deliver_pending_cancel(cancellable)) return 1;
  if (other == nullptr || !other->ready()) {
    return wait_until(Wait::kAlwaysReady, cancellable, PromotionReason::kYield, nullptr, nullptr) ? 1 : 0;
  }
  return yield_then_resume(cancellable, *other) ? 1 : 0;
}

// Thread.suspend. Returns whether the thread was cancelled, like the next two.
bool Store::suspend(bool cancellable) {
  if (deliver_pending_cancel(cancellable)) return true;
  promote(PromotionReason::kSuspend);
  Thread& thread = current_heap_thread();
  thread.suspended = true;
  thread.set_cancellable(cancellable);
  block(thread, nullptr);
  return thread.cancelled;
}

// Thread.suspend_then_resume. The other thread is suspended, or ready and promoted.
bool Store::suspend_then_resume(bool cancellable, Thread& other) {
  if (deliver_pending_cancel(cancellable)) return true;
  promote(PromotionReason::kSwitch);
  Thread& thread = current_heap_thread();
  thread.suspended = true;
  thread.set_cancellable(cancellable && !is(Mutant::kSuspendedForGood));
  block(thread, &other);
  return thread.cancelled;
}

// Thread.yield_then_resume, likewise.
bool Store::yield_then_resume(bool cancellable, Thread& other) {
  if (deliver_pending_cancel(cancellable)) return true;
  if (is(Mutant::kYieldThenResumeSuspends)) return suspend_then_resume(cancellable, other);
  promote(PromotionReason::kSwitch);
  Thread& thread = current_heap_thread();
  start_waiting(thread, Wait::kAlwaysReady, cancellable, nullptr, nullptr);
  block(thread, &other);
  return thread.cancelled;
}

}  // namespace lockstep::optimized
