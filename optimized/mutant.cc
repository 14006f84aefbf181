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
}};

}  // namespace

const MutantInfo& info(Mutant mutant) { return kMutants[static_cast<size_t>(mutant)]; }

std::optional<Mutant> mutant_from_name(std::string_view wanted) {
  for (const MutantInfo& m : kMutants)
    if (m.name == wanted) return m.mutant;
  return std::nullopt;
}

}  // namespace lockstep::optimized
