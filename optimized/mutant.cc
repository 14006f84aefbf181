// The catalogue of deliberate bugs, in the order of the enum.
#include "optimized/mutant.h"

#include <array>

namespace lockstep::optimized {
namespace {

constexpr std::array<MutantInfo, kMutantCount> kMutants = {{
    {Mutant::kNone, "none", "No deliberate bug."},
    {Mutant::kSlotsNotSaved, "slots-not-saved", "Context slot 1 is lost when a native frame is promoted."},
    {Mutant::kSlotsNotZeroed, "slots-not-zeroed", "The callee of a sync-to-sync call starts with its caller's slots."},
    {Mutant::kCurrentNotRestoredOnReturn, "current-not-restored-on-return",
     "After a sync-to-sync call has returned, the callee's task is still the current one."},
    {Mutant::kCurrentNotRestoredOnTrap, "current-not-restored-on-trap",
     "A trap that leaves a native frame does not make the caller's task current again."},
    {Mutant::kPromoteInnermostFirst, "promote-innermost-first",
     "A native chain is promoted from the inside out, so indices and parents come out wrong."},
    {Mutant::kExitIgnoresPromotion, "exit-ignores-promotion",
     "A sync-to-sync call always returns by the fast way, even if its task was promoted."},
    {Mutant::kLostWakeUp, "lost-wake-up",
     "Joining a waitable that already has an event to a set does not wake those who wait on the set."},
    {Mutant::kWrongParentOnReparenting, "wrong-parent-on-reparenting",
     "When a task exits, its children are left without a parent instead of getting its own."},
    {Mutant::kBackpressureOnWrongInstance, "backpressure-on-wrong-instance",
     "backpressure.inc and .dec count on the instance of the caller of the current task."},
    {Mutant::kBlockingDecidedByCallersType, "blocking-decided-by-callers-type",
     "A sync-typed function that blocks traps at once if its caller's type is sync too."},
    {Mutant::kFreeListFifo, "free-list-fifo", "Table indices are reused oldest first instead of newest first."},
    {Mutant::kEventLostOnRejoin, "event-lost-on-rejoin", "Moving a waitable to another set loses its pending event."},
    {Mutant::kCancelIgnoresCancellable, "cancel-ignores-cancellable",
     "A cancellation is delivered to a thread that did not wait cancellably."},
    {Mutant::kCancelIgnoresExclusive, "cancel-ignores-exclusive",
     "A cancellation is delivered to a callback task while another task runs exclusively."},
    {Mutant::kMayLeaveNotRestored, "may-leave-not-restored", "After post-return the instance still may not leave."},
    {Mutant::kExclusiveKeptAtExit, "exclusive-kept-at-exit",
     "A task that ran exclusively is still the exclusive thread after it has exited."},
    {Mutant::kResultWrittenAtDelivery, "result-written-at-delivery",
     "The result of an async call is written when its event is delivered, not when the callee returns."},
    {Mutant::kGateIgnoresWaiters, "gate-ignores-waiters",
     "A new call enters without queueing, although others already wait to enter."},
    {Mutant::kStaleStartingRecord, "stale-starting-record",
     "A call that is cancelled before it started still counts as waiting to enter."},
    {Mutant::kReallocSlotsNotZeroed, "realloc-slots-not-zeroed", "realloc starts with the slots of whoever caused it."},
    {Mutant::kReallocSlotsLeak, "realloc-slots-leak",
     "Context slot 1 of a realloc is that of whoever caused it, afterwards."},
    {Mutant::kPostReturnSeesCallersSlots, "post-return-sees-callers-slots",
     "Post-return starts with its caller's slot 0 instead of the body's."},
    {Mutant::kReallocMayLeave, "realloc-may-leave", "An instance may leave while its realloc runs."},
    {Mutant::kCopyInPostReturn, "copy-in-post-return",
     "Streams and futures may be read and written where the instance may not leave."},
    {Mutant::kPartialProgressLost, "partial-progress-lost",
     "The event of a copy that was done in part says that nothing was copied."},
    {Mutant::kCancelForgetsProgress, "cancel-forgets-progress",
     "Cancelling a copy that was done in part says CANCELLED instead of COMPLETED."},
    {Mutant::kFutureWriteNotDone, "future-write-not-done",
     "A write of a future that ended because the readable end was dropped may be done again."},
    {Mutant::kUnwrittenFutureDropped, "unwritten-future-dropped",
     "The writable end of a future may be dropped unwritten once the readable end is gone."},
    {Mutant::kZeroLengthWriteEndsRead, "zero-length-write-ends-read",
     "A write of no elements ends a read of no elements and waits for the next."},
    {Mutant::kDropDoesNotNotify, "drop-does-not-notify", "Dropping an end leaves the copy of the other end waiting."},
    {Mutant::kSyncCopyInSet, "sync-copy-in-set",
     "An end that is in a waitable set may be read and written synchronously."},
    {Mutant::kCancelledFutureDone, "cancelled-future-done",
     "A future whose read or write was cancelled cannot be read or written again."},
    {Mutant::kDroppedEndStaysInSet, "dropped-end-stays-in-set",
     "A waitable set goes on counting an end that was dropped."},
    {Mutant::kEndTravelsInSet, "end-travels-in-set", "A readable end may be passed on while it is in a waitable set."},
    {Mutant::kHostCopyReportedTwice, "host-copy-reported-twice", "A host is told twice of a copy that has ended."},
    {Mutant::kBorrowNotCounted, "borrow-not-counted",
     "A borrowed handle does not count for the task that has to drop it."},
    {Mutant::kLendNotReturned, "lend-not-returned", "A handle that was lent to a call still counts as lent after it."},
    {Mutant::kDestructorInWrongInstance, "destructor-in-wrong-instance",
     "A destructor runs as a task of the instance that drops the handle."},
    {Mutant::kNewThreadInheritsSlots, "new-thread-inherits-slots",
     "A new thread starts with the slots of the one that made it."},
    {Mutant::kYieldThenResumeSuspends, "yield-then-resume-suspends",
     "thread.yield-then-resume suspends its caller instead of leaving it ready."},
    {Mutant::kSuspendedForGood, "suspended-for-good",
     "A thread that suspended itself in favour of another cannot be cancelled."},
    {Mutant::kImplicitThreadHasToReturn, "implicit-thread-has-to-return",
     "A task traps if its implicit thread ends before it has returned, even if others are left."},
    {Mutant::kThreadExitEndsExclusive, "thread-exit-ends-exclusive",
     "The end of an explicit thread lets others in that wait for the exclusive lock."},
}};

}  // namespace

const MutantInfo& info(Mutant mutant) { return kMutants[static_cast<size_t>(mutant)]; }

std::optional<Mutant> mutant_from_name(std::string_view wanted) {
  for (const MutantInfo& m : kMutants)
    if (m.name == wanted) return m.mutant;
  return std::nullopt;
}

}  // namespace lockstep::optimized
