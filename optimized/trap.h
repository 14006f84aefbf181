// What a guest did wrong. A trap names the place in definitions.py that forbids it, as "qualified function#n": the n-th
// trap_if or trap in that function. Traps are C++ exceptions; they unwind the chain of *resumers* to the nearest host
// frame, which is not always the order of native frames (see switch.cc).
#pragma once

#include <cstdint>
#include <exception>
#include <string_view>

namespace lockstep::optimized {

enum class TrapSite : uint8_t {
  kTaskUnregisterThread1,           // the last thread left before the task resolved
  kTaskReturn1,                     // returned twice
  kTaskReturn2,                     // borrowed handles left
  kTaskCancel1,                     // cancelled without having been asked to
  kTaskCancel2,                     // borrowed handles left
  kStoreLiftFuncInst1,              // the instance may not be entered
  kTableGet1,                       // index beyond the table
  kTableGet2,                       // empty entry
  kTableAdd1,                       // table full
  kWaitableSetDrop1,                // the set is not empty
  kWaitableSetDrop2,                // somebody waits on the set
  kSubtaskDrop1,                    // resolution not delivered yet
  kLoadStringFromRange1,            // longer than MAX_STRING_BYTE_LENGTH
  kLoadStringFromRange3,            // out of bounds
  kLoadStringFromRange4,            // not UTF-8
  kLoadListFromRange1,              // longer than MAX_LIST_BYTE_LENGTH
  kLoadListFromRange2,              // misaligned
  kLoadListFromRange3,              // out of bounds
  kLoadVariant1,                    // no such case
  kLiftOwn1,                        // not a resource
  kLiftOwn2,                        // of another type
  kLiftOwn3,                        // lent
  kLiftOwn4,                        // borrowed
  kLiftBorrow1,                     // not a resource
  kLiftBorrow2,                     // of another type
  kStoreStringCopy2,                // realloc gave something out of bounds
  kStoreListIntoRange1,             // realloc gave something misaligned
  kStoreListIntoRange2,             // realloc gave something out of bounds
  kLiftFlatVariant1,                // no such case
  kLiftFlatValues1,                 // misaligned parameters in memory
  kLiftFlatValues2,                 // parameters out of bounds
  kLowerFlatValues1,                // misaligned result area
  kLowerFlatValues2,                // result area out of bounds
  kCanonLiftThreadFunc1,            // a callback waits on something that is not a waitable set
  kCanonLift1,                      // a sync-typed function blocks and nothing can go on
  kUnpackCallbackResult1,           // unknown callback code
  kCallAndTrapOnThrow1,             // a core exception reached the component boundary
  kCanonLower1,                     // may not leave
  kCanonResourceNew1,               // may not leave
  kCanonResourceDrop1,              // may not leave
  kCanonResourceDrop2,              // not a resource
  kCanonResourceDrop3,              // of another type
  kCanonResourceDrop4,              // lent
  kCanonResourceRep1,               // not a resource
  kCanonResourceRep2,               // of another type
  kCanonBackpressureInc1,           // overflow
  kCanonBackpressureDec1,           // underflow
  kCanonTaskReturn1,                // may not leave
  kCanonTaskReturn2,                // lifted synchronously
  kCanonTaskReturn3,                // wrong result type
  kCanonTaskReturn4,                // wrong options
  kCanonTaskCancel1,                // may not leave
  kCanonTaskCancel2,                // lifted synchronously
  kCanonWaitableSetNew1,            // may not leave
  kCanonWaitableSetWait1,           // may not leave
  kCanonWaitableSetWait2,           // not a waitable set
  kCanonWaitableSetPoll1,           // may not leave
  kCanonWaitableSetPoll2,           // not a waitable set
  kCanonWaitableSetDrop1,           // may not leave
  kCanonWaitableSetDrop2,           // not a waitable set
  kCanonWaitableJoin1,              // may not leave
  kCanonWaitableJoin2,              // not a waitable
  kCanonWaitableJoin3,              // somebody waits for it synchronously
  kCanonWaitableJoin4,              // not a waitable set
  kCanonSubtaskCancel1,             // may not leave
  kCanonSubtaskCancel2,             // not a subtask
  kCanonSubtaskCancel3,             // resolution already delivered
  kCanonSubtaskCancel4,             // already cancelled
  kCanonSubtaskCancel5,             // synchronous, but in a waitable set
  kCanonSubtaskDrop1,               // may not leave
  kCanonSubtaskDrop2,               // not a subtask
  kStreamCopy1,                     // may not leave
  kStreamCopy2,                     // not an end of this kind
  kStreamCopy3,                     // of another element type
  kStreamCopy4,                     // busy, or done
  kStreamCopy5,                     // synchronous, but in a waitable set
  kFutureCopy1,                     // may not leave
  kFutureCopy2,                     // not an end of this kind
  kFutureCopy3,                     // of another element type
  kFutureCopy4,                     // busy, or done
  kFutureCopy5,                     // synchronous, but in a waitable set
  kCancelCopy1,                     // may not leave
  kCancelCopy2,                     // not an end of this kind
  kCancelCopy3,                     // of another element type
  kCancelCopy4,                     // no copy, or a synchronous one
  kCancelCopy5,                     // synchronous, but in a waitable set
  kDrop1,                           // may not leave
  kDrop2,                           // not an end of this kind
  kDrop3,                           // of another element type
  kCopyEndDrop1,                    // busy
  kWritableFutureEndDrop1,          // nothing written
  kBufferGuestImplInit1,            // too long
  kBufferGuestImplInit2,            // misaligned
  kBufferGuestImplInit3,            // out of bounds
  kSharedStreamImplRead1,           // both ends in one instance
  kSharedStreamImplWrite1,          // both ends in one instance
  kSharedFutureImplRead1,           // both ends in one instance
  kSharedFutureImplWrite1,          // both ends in one instance
  kLiftAsyncValue1,                 // not a readable end of this kind
  kLiftAsyncValue2,                 // of another element type
  kLiftAsyncValue3,                 // busy, or done
  kLiftAsyncValue4,                 // in a waitable set
  kCanonStreamNew1,                 // may not leave
  kCanonFutureNew1,                 // may not leave
  kCanonThreadIndex1,               // may not leave
  kCanonThreadYield1,               // may not leave
  kCanonErrorContextNew1,           // may not leave
  kCanonErrorContextDebugMessage1,  // may not leave
  kCanonErrorContextDebugMessage2,  // not an error context
  kCanonErrorContextDrop1,          // may not leave
  kCanonErrorContextDrop2,          // not an error context
  kCanonThreadNewIndirect1,         // may not leave
  kCanonThreadNewIndirect2,         // wrong core function type
  kCanonThreadResumeLater1,         // may not leave
  kCanonThreadResumeLater2,         // not suspended
  kCanonThreadSuspend1,             // may not leave
  kCanonThreadSuspendThenResume1,   // may not leave
  kCanonThreadSuspendThenResume2,   // not suspended
  kCanonThreadYieldThenResume1,     // may not leave
  kCanonThreadYieldThenResume2,     // not suspended
  kCanonThreadSuspendThenPromote1,  // may not leave
  kCanonThreadYieldThenPromote1,    // may not leave
};
inline constexpr size_t kTrapSiteCount = static_cast<size_t>(TrapSite::kCanonThreadYieldThenPromote1) + 1;

std::string_view name(TrapSite);

class Trap : public std::exception {
 public:
  explicit Trap(TrapSite site) : site_(site) {}
  TrapSite site() const { return site_; }
  const char* what() const noexcept override;

 private:
  TrapSite site_;
};

// A core WebAssembly exception. Guest code throws it; where it would leave the function that was lifted, it becomes the
// trap call_and_trap_on_throw#1.
struct CoreException final {};

[[noreturn, gnu::cold, gnu::noinline]] void trap(TrapSite);

inline void trap_if(bool condition, TrapSite site) {
  if (condition) [[unlikely]]
    trap(site);
}

// The exception that is being handled, with a core exception replaced by its trap. For use inside a catch block.
std::exception_ptr current_exception_as_trap();

}  // namespace lockstep::optimized
