// Deliberate bugs. A tester that is any good finds each of them; `Store` is given at most one when it is made. Each is
// one changed line at the place that its sentence describes, found by searching for its enumerator. They behave wrongly
// or end in an AssertionFailure, but do not corrupt memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lockstep::optimized {

enum class Mutant : uint8_t {
  kNone,
  kSlotsNotSaved,
  kSlotsNotZeroed,
  kCurrentNotRestoredOnReturn,
  kCurrentNotRestoredOnTrap,
  kPromoteInnermostFirst,
  kExitIgnoresPromotion,
  kLostWakeUp,
  kWrongParentOnReparenting,
  kBackpressureOnWrongInstance,
  kBlockingDecidedByCallersType,
  kFreeListFifo,
  kEventLostOnRejoin,
  kCancelIgnoresCancellable,
  kCancelIgnoresExclusive,
  kMayLeaveNotRestored,
  kExclusiveKeptAtExit,
  kResultWrittenAtDelivery,
  kGateIgnoresWaiters,
  kStaleStartingRecord,
  kReallocSlotsNotZeroed,
  kReallocSlotsLeak,
  kPostReturnSeesCallersSlots,
  kReallocMayLeave,
  kCopyInPostReturn,
  kPartialProgressLost,
  kCancelForgetsProgress,
  kFutureWriteNotDone,
  kUnwrittenFutureDropped,
  kZeroLengthWriteEndsRead,
  kDropDoesNotNotify,
  kSyncCopyInSet,
  kCancelledFutureDone,
  kDroppedEndStaysInSet,
  kEndTravelsInSet,
  kHostCopyReportedTwice,
  kBorrowNotCounted,
  kLendNotReturned,
  kDestructorInWrongInstance,
  kNewThreadInheritsSlots,
  kYieldThenResumeSuspends,
  kSuspendedForGood,
  kImplicitThreadHasToReturn,
  kThreadExitEndsExclusive,
};
inline constexpr size_t kMutantCount = static_cast<size_t>(Mutant::kThreadExitEndsExclusive) + 1;

struct MutantInfo {
  Mutant mutant;
  std::string_view name;
  std::string_view description;
};

// kNone has an entry too, named "none".
const MutantInfo& info(Mutant);
std::optional<Mutant> mutant_from_name(std::string_view);

}  // namespace lockstep::optimized
