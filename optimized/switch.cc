// Who runs next: resuming and blocking.
//
// definitions.py resumes a thread, and gets control back when that thread blocks or ends: the resumers form a chain
// down to the host, and control always goes back to the innermost of them. For a thread with a fiber of its own that is
// a switch there and a switch back; the Resumption says where to.
//
// A thread in a native frame shares its stack with its native caller. When it blocks for the first time, its resumer
// *is* that caller, which stands in canon_lift: "while the task is not resolved, let some other thread of the instance
// run". The caller cannot be reached on its stack, since the blocked frame lies on top, so the loop runs right there,
// on top of the blocked frame, in the caller's name. Its Resumption is kept in the task (PromotedFrame::loop), because
// the frame below has two lives from then on, and control can come to its fiber for either of them:
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
// A thread can also hand over to another one of its instance (thread.suspend-then-resume and its kind). In the
// specification that is done by the resumer, whose loop in Thread.resume goes on with the other thread. Here the first
// thread gives its Resumption to the second and switches to it directly; the resumer's fiber does not run in between.
// If the first is a native frame that its caller has resumed, the caller's Resumption is made now (`loop`), just as if
// the loop of canon_lift had picked the second thread, which comes to the same. If that Resumption comes back to its
// own frame, by another hand-over, the frame is again resumed by its caller and the Resumption is over.
//
// Traps follow the same chain. A fiber's base (lift.cc) and a promoted frame's exit (promote.cc) catch the exception,
// leave the catch block, and hand it to the resumer as a value, who throws it again.
#include <utility>

#include "optimized/assert.h"
#include "optimized/candidates.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

// Unwinds the stack of a blocked thread when its store is reset.
struct FiberDeath {};

}  // namespace

void Store::switch_to(Fiber& to) {
  Fiber& from = *fiber_;
  fiber_ = &to;
  from.switch_to(to);
}

// Runs the thread until it blocks or ends, or one that it hands over to does.
void Store::resume(Thread& thread, bool cancelled) {
  Resumption here;
  transfer(here, thread, cancelled);
  OPTIMIZED_ASSERT(here.returned);
  if (here.error != nullptr) std::rethrow_exception(std::move(here.error));
}

// Gives control to the thread, with `from` as the one that gets it back.
void Store::transfer(Resumption& from, Thread& thread, bool cancelled) {
  OPTIMIZED_ASSERT(!thread.running() && !thread.abandoned);
  const bool native = vm_.current != nullptr && vm_.current->kind == TaskKind::kNative;
  from = {innermost_, fiber_, vm_.current, false, native || (innermost_ != nullptr && innermost_->over_native),
          nullptr};
  innermost_ = &from;
  run_for(from, thread, cancelled);
}

// Runs the thread in the name of the innermost resumer.
void Store::run_for(Resumption& resumer, Thread& thread, bool cancelled) {
  if (thread.waiting()) stop_waiting(thread);
  thread.suspended = false;
  thread.cancelled = cancelled;
  if (thread.is_implicit() && &resumer == &thread.task->frame.loop) {
    innermost_ = resumer.outer;
  } else {
    thread.resumed_by = &resumer;
  }
  vm_.current = &thread;
  if (thread.fiber == nullptr) {
    thread.fiber = &fibers_.acquire(&fiber_main, &thread);
    fiber_bottoms_.add(thread);
  }
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

// The same, but the resumer goes on with another thread.
void Store::hand_over(Thread& thread, Thread& other) {
  OPTIMIZED_ASSERT(thread.resumed_by != nullptr && innermost_ == thread.resumed_by);
  OPTIMIZED_ASSERT(!other.running() && !other.abandoned);
  run_for(*std::exchange(thread.resumed_by, nullptr), other, false);
  if (dying_) throw FiberDeath{};
}

// The running thread has been suspended or has begun to wait; if there is another thread, that one runs next. Returns
// when the first runs again.
void Store::block(Thread& thread, Thread* other) {
  if (thread.is_native()) return block_native(thread, other);
  if (other != nullptr) {
    hand_over(thread, *other);
  } else {
    hand_back(thread, nullptr);
  }
  OPTIMIZED_ASSERT(thread.resumed_by != nullptr);
}

void Store::block_native(Thread& thread, Thread* other) {
  Resumption& loop = thread.task->frame.loop;
  for (;; other = nullptr) {
    if (thread.resumed_by != nullptr) {
      if (other != nullptr) {
        hand_over(thread, *other);
      } else {
        hand_back(thread, nullptr);
      }
    } else {
      vm_.current = live(thread.task->frame.caller);
      Thread& next = other != nullptr ? *other : choose_in_loop(thread);
      if (&next == &thread) {
        stop_waiting(thread);
        thread.cancelled = false;
        vm_.current = &thread;
        return;
      }
      transfer(loop, next, false);
      if (dying_) throw FiberDeath{};
    }
    if (thread.running()) return;
    OPTIMIZED_ASSERT(loop.returned);
    if (loop.error != nullptr) {
      abandon(thread);
      std::rethrow_exception(std::move(loop.error));
    }
  }
}

// One round of canon_lift's loop. What goes wrong in it goes wrong in the caller.
Thread& Store::choose_in_loop(Thread& thread) {
  const LoopCandidates candidates(*thread.instance);
  try {
    bool may_loop = true;
    if (is(Mutant::kBlockingDecidedByCallersType)) may_loop = vm_.current == nullptr || vm_.current->may_block;
    trap_if(candidates.count() == 0 || !may_loop, TrapSite::kCanonLift1);
    const Candidate c = choices_.choose(ChoicePoint::kSyncLoop, {thread.call_id, 0}, candidates);
    OPTIMIZED_ASSERT(c.entity != nullptr);
    return *static_cast<Thread*>(c.entity);
  } catch (...) {
    abandon(thread);
    throw;
  }
}

// The frame of a blocked thread is being unwound beneath it. In the specification the thread waits for ever, in an
// instance that is never entered again; so its record and its children stay, but nothing can resume it.
void Store::abandon(Thread& thread) {
  thread.abandoned = true;
  thread.delist();
}

// Unwinds the stacks of all threads that are blocked, so that what their frames hold is destroyed.
void Store::discard_fibers() {
  OPTIMIZED_ASSERT(innermost_ == nullptr && fiber_ == &host_fiber_);
  dying_ = true;
  while (Thread* thread = fiber_bottoms_.first()) switch_to(*thread->fiber);
  dying_ = false;
}

}  // namespace lockstep::optimized
