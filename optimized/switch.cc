// Who runs next: resuming and blocking.
//
// definitions.py resumes a thread, and gets control back when that thread blocks or ends: the resumers form a chain
// down to the host, and control always goes back to the innermost of them. For a thread with a fiber of its own that is
// a switch there and a switch back; the Resumption says where to.
//
// A thread in a native frame shares its stack with its native caller. When it blocks for the first time, its resumer
// *is* that caller, which stands in canon_lift: "while the task is not resolved, let some other thread of the instance
// run". The caller cannot be reached on its stack, since the blocked frame lies on top, so the loop runs right there,
// on top of the blocked frame, in the caller's name. Its Resumption is kept in the task (Thread::loop), because the
// frame below has two lives from then on, and control can come to its fiber for either of them:
//
//   1. a thread that the loop resumed has blocked or ended (`loop.returned`), or ended in a trap (`loop.error`):
//      the loop goes on, or the trap goes on in the caller's name, unwinding the blocked frame on its way;
//   2. somebody else has resumed the blocked thread (`resumed_by`): it goes on, and when it blocks again or ends, that
//      somebody gets control, not the native caller, who is still waiting for 1.
//
// The second needs two native frames of one instance that wait at the same time, so it happens only where an instance
// is called from within itself or from a descendant. Example: b calls C.c, c yields, its loop picks Y of C, Y calls
// C.h, h yields, h's loop picks c, c returns. Then h's loop has control, not b; b goes on when Y blocks or ends.
//
// Traps follow the same chain. A fiber's base (lift.cc) and a promoted frame's exit (promote.cc) catch the exception,
// leave the catch block, and hand it to the resumer as a value, who throws it again.
#include <utility>

#include "optimized/assert.h"
#include "optimized/candidates.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

// Unwinds the stack of a task that waits when its store is reset.
struct FiberDeath {};

}  // namespace

void Store::switch_to(Fiber& to) {
  Fiber& from = *fiber_;
  fiber_ = &to;
  from.switch_to(to);
}

// Runs the thread until it blocks or ends.
void Store::resume(Thread& thread, bool cancelled) {
  Resumption here;
  transfer(here, thread, cancelled);
  OPTIMIZED_ASSERT(here.returned);
  if (here.error != nullptr) std::rethrow_exception(std::move(here.error));
}

// Gives control to the thread, with `from` as the one that gets it back.
void Store::transfer(Resumption& from, Thread& thread, bool cancelled) {
  OPTIMIZED_ASSERT(thread.resumed_by == nullptr && !thread.abandoned);
  if (thread.waiting()) stop_waiting(thread);
  thread.cancelled = cancelled;
  thread.resumed_by = &from;
  from = {innermost_, fiber_, vm_.current, false, nullptr};
  innermost_ = &from;
  vm_.current = &thread.task->vm;
  if (thread.fiber == nullptr) thread.fiber = &fibers_.acquire(&fiber_main, &thread);
  switch_to(*thread.fiber);
}

// Makes the resumer the one that runs. What is left is to switch to its fiber.
void Store::give_back(Resumption& resumer, std::exception_ptr error) {
  resumer.error = std::move(error);
  if (innermost_ != &resumer && resumer.error == nullptr)
    resumer.error = std::make_exception_ptr(AssertionFailure(__FILE__, __LINE__, "control returns to the innermost"));
  innermost_ = resumer.outer;
  vm_.current = live(resumer.current);
  resumer.returned = true;
}

// Returns when this fiber has control again.
void Store::hand_back(Thread& thread, std::exception_ptr error) {
  OPTIMIZED_ASSERT(thread.resumed_by != nullptr);
  Resumption& resumer = *std::exchange(thread.resumed_by, nullptr);
  give_back(resumer, std::move(error));
  switch_to(*resumer.fiber);
  if (dying_) throw FiberDeath{};
}

// The running thread has begun to wait. Returns when it runs again.
void Store::suspend(Thread& thread) {
  if (!thread.task->vm.may_block) return suspend_native(thread);
  hand_back(thread, nullptr);
  OPTIMIZED_ASSERT(thread.resumed_by != nullptr);
}

void Store::suspend_native(Thread& thread) {
  Resumption& loop = thread.loop;
  for (;;) {
    if (thread.resumed_by != nullptr) {
      hand_back(thread, nullptr);
    } else {
      Thread& next = choose_in_loop(thread);
      if (&next == &thread) {
        stop_waiting(thread);
        thread.cancelled = false;
        vm_.current = &thread.task->vm;
        return;
      }
      transfer(loop, next, false);
    }
    if (thread.resumed_by != nullptr) return;
    OPTIMIZED_ASSERT(loop.returned);
    if (loop.error != nullptr) {
      abandon(thread);
      std::rethrow_exception(std::move(loop.error));
    }
  }
}

// One round of canon_lift's loop. What goes wrong in it goes wrong in the caller.
Thread& Store::choose_in_loop(Thread& thread) {
  VMAsyncTask& task = thread.task->vm;
  vm_.current = live(thread.caller);
  const LoopCandidates candidates(*task.instance);
  try {
    bool may_loop = true;
    if (is(Mutant::kBlockingDecidedByCallersType)) may_loop = vm_.current == nullptr || vm_.current->may_block;
    trap_if(candidates.count() == 0 || !may_loop, TrapSite::kCanonLift1);
    const Candidate c = choices_.choose(ChoicePoint::kSyncLoop, {task.call_id, 0}, candidates);
    OPTIMIZED_ASSERT(c.entity != nullptr);
    return *static_cast<Thread*>(c.entity);
  } catch (...) {
    abandon(thread);
    throw;
  }
}

// The frame of a waiting thread is being unwound beneath it. In the specification the thread waits for ever, in an
// instance that is never entered again; so its record and its children stay, but nothing can resume it.
void Store::abandon(Thread& thread) {
  thread.abandoned = true;
  thread.delist();
}

// Unwinds the stacks of all tasks that wait, so that what their frames hold is destroyed.
void Store::discard_fibers() {
  OPTIMIZED_ASSERT(innermost_ == nullptr && fiber_ == &host_fiber_);
  dying_ = true;
  for (Task* task = live_tasks_.first(); task != nullptr; task = live_tasks_.next(*task)) {
    if (task->thread.fiber != nullptr && !task->is_native()) switch_to(*task->thread.fiber);
  }
  dying_ = false;
}

}  // namespace lockstep::optimized
