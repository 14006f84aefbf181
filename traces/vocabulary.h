// The words that every side of lockstep speaks: operations, built-ins, contexts, choice points, outcomes. Everything
// here has one number (used in the flat event stream) and one name (used in JSON, on the command line and in reports).
//
// The numbers are lockstep's own; ABI numbers (event codes, subtask states, callback codes) are written out in
// model/ and optimized/ separately, so that a slip in one of them shows up as a divergence.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace lockstep::traces {

inline constexpr std::string_view kSchema = "lockstep-trace/1";
inline constexpr std::string_view kSpecificationCommit = "6d28164";

// What a script can say. The first group are Component Model built-ins (each names a canon definition of its
// instance), the second what core code does by itself.
enum class Op : uint8_t {
  kCall,  // canon lower
  kContextGet,
  kContextSet,
  kBackpressureInc,
  kBackpressureDec,
  kTaskReturn,
  kTaskCancel,
  kWaitableSetNew,
  kWaitableSetWait,
  kWaitableSetPoll,
  kWaitableSetDrop,
  kWaitableJoin,
  kSubtaskCancel,
  kSubtaskDrop,
  kThreadIndex,
  kThreadYield,
  kResourceNew,
  kResourceDrop,
  kResourceRep,
  kStreamNew,
  kStreamRead,
  kStreamWrite,
  kStreamCancelRead,
  kStreamCancelWrite,
  kStreamDropReadable,
  kStreamDropWritable,
  kFutureNew,
  kFutureRead,
  kFutureWrite,
  kFutureCancelRead,
  kFutureCancelWrite,
  kFutureDropReadable,
  kFutureDropWritable,
  kThreadNewIndirect,
  kThreadResumeLater,
  kThreadSuspend,
  kThreadSuspendThenResume,
  kThreadYieldThenResume,
  kThreadSuspendThenPromote,
  kThreadYieldThenPromote,
  kErrorContextNew,
  kErrorContextDebugMessage,
  kErrorContextDrop,
  // Core code.
  kLoad,         // i32.load of guest memory
  kStore,        // i32.store to guest memory
  kParam,        // a core parameter of this activation
  kUnreachable,  // core trap
  kThrow,        // core exception that leaves the function
  kRepeat,       // a counted loop; not an operation of its own, its body is
  kReturn,       // end of a function body (value of a synchronous lift, if its type has one)
  kExit,         // callback codes: end of a callback segment
  kYield,
  kWait,
  kCode,  // a raw packed callback result
};
inline constexpr size_t kOpCount = static_cast<size_t>(Op::kCode) + 1;

// What the host does: in the program, in the aftermath of a trap, or inside an imported host function.
enum class HostOp : uint8_t {
  kInvoke,     // Store.invoke of a lifted function
  kRun,        // tick until nothing is ready
  kTick,       // one Store.tick
  kResolve,    // a blocked host function finishes with a value
  kConfirm,    // a blocked host function that was asked to cancel confirms that it was cancelled
  kCancel,     // the host cancels a call that it made
  kDrop,       // the host forgets a call that it made, without cancelling it
  kCallStack,  // the host asks for the call stack (task tree extension)
  kReturn,     // only in a host function: return now
  kBlock,      // only in a host function: return later
  // Ends of streams and futures that the host holds.
  kNewStream,  // makes one: the host holds both ends
  kNewFuture,
  kRead,        // of a readable end
  kWrite,       // of a writable end
  kCancelCopy,  // of either
  kDropEnd,
  kInstantiate,  // never in a scenario: how the start function of an instance is reported
};
inline constexpr size_t kHostOpCount = static_cast<size_t>(HostOp::kInstantiate) + 1;

// Where guest code runs. A script is attached to one of these.
enum class Context : uint8_t { kBody, kCallback, kPostReturn, kRealloc, kDestructor, kStart, kThread };
inline constexpr size_t kContextCount = static_cast<size_t>(Context::kThread) + 1;

// The nondeterministic lines of the specification: five choose a schedule, one a value.
enum class ChoicePoint : uint8_t {
  kWaitUntil,            // Thread.wait_until: 0 wait, 1 go on
  kRequestCancellation,  // Task.request_cancellation: which thread
  kTick,                 // Store.tick: which thread
  kGetPendingEvent,      // WaitableSet.get_pending_event: which waitable (by handle index)
  kSyncLoop,             // canon_lift's loop for functions that may not block: which thread
  kDebugMessage,         // canon_error_context_new: 0 forget the message, 1 keep it
};
inline constexpr size_t kChoicePointCount = static_cast<size_t>(ChoicePoint::kDebugMessage) + 1;

enum class Lift : uint8_t { kSync, kCallback, kStackful };
enum class Encoding : uint8_t { kUtf8, kUtf16, kLatin1Utf16 };
enum class IndexType : uint8_t { kI32, kI64 };

// What a guest can know, and so what a guard may ask.
enum class GuardKind : uint8_t {
  kReturned,   // this task has returned or confirmed its cancellation
  kCancelled,  // this task has been told that it is cancelled
  kEvent,      // the event that this activation got last has this code
  kResolved,   // the subtask in this register is known to be resolved
  kLive,       // the handle in this register is a subtask that was not dropped
  kNonzero,    // this register is not zero
  kJoined,     // the waitable in this register is known to be in a waitable set
  kPressure,   // this instance has more backpressure.inc than backpressure.dec behind it
  kIdle,       // the stream or future end in this register is known, and no copy of it is pending
  kCopying,    // the stream or future end in this register has a copy pending
  kSuspended,  // the thread whose index is in this register is known to be suspended
};
inline constexpr size_t kGuardKindCount = static_cast<size_t>(GuardKind::kSuspended) + 1;
// True for guards about a register.
constexpr bool is_about_register(GuardKind g) {
  return (g >= GuardKind::kResolved && g <= GuardKind::kJoined) || g >= GuardKind::kIdle;
}

// How a blocked host function answers a request to cancel it.
enum class OnCancel : uint8_t { kNow, kLater, kIgnore, kReturn };

enum class Outcome : uint8_t {
  kDone,           // nothing waits
  kStuck,          // threads wait, none is ready, the host has nothing left to do
  kTrap,           // a trap reached the outermost host frame
  kSpecUndefined,  // definitions.py has no answer: one of its assertions failed
  kInternalError,  // the engine's own invariant failed, or it died
  kUnsupported,    // the engine cannot run this scenario
};
inline constexpr size_t kOutcomeCount = static_cast<size_t>(Outcome::kUnsupported) + 1;

std::string_view name(Op);
std::string_view name(HostOp);
std::string_view name(Context);
std::string_view name(ChoicePoint);
std::string_view name(Lift);
std::string_view name(Encoding);
std::string_view name(IndexType);
std::string_view name(GuardKind);
std::string_view name(OnCancel);
std::string_view name(Outcome);

// The value with this name; nullopt if there is none.
template <typename Enum>
std::optional<Enum> from_name(std::string_view);

// True for operations that name a canon definition (the first group and those to come).
constexpr bool is_builtin(Op op) { return op < Op::kLoad; }
constexpr bool is_stream_or_future(Op op) { return op >= Op::kStreamNew && op <= Op::kFutureDropWritable; }
// True for operations after which a segment cannot go on.
constexpr bool ends_segment(Op op) { return op == Op::kUnreachable || op == Op::kThrow || op >= Op::kReturn; }

}  // namespace lockstep::traces
