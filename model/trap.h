// The two ways in which the specification stops: a trap (the guest did wrong: an observable result) and a failed
// assertion (definitions.py has no answer: outcome spec-undefined). Never one for the other.
//
// Trap sites are named after definitions.py: the qualified function and the number of the `trap_if` or `trap` in it.
// Assertion sites are the same with the number of the `assert`. LOCKSTEP_ASSERT is for this model's own invariants.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lockstep::model {

// X(name of the enumerator, site)
#define LOCKSTEP_MODEL_TRAP_SITES(X)                                       \
  X(TaskUnregisterThread1, "Task.unregister_thread#1")                     \
  X(TaskReturn1, "Task.return_#1")                                         \
  X(TaskReturn2, "Task.return_#2")                                         \
  X(TaskCancel1, "Task.cancel#1")                                          \
  X(TaskCancel2, "Task.cancel#2")                                          \
  X(StoreLiftFuncInst1, "Store.lift.func_inst#1")                          \
  X(TableGet1, "Table.get#1")                                              \
  X(TableGet2, "Table.get#2")                                              \
  X(TableAdd1, "Table.add#1")                                              \
  X(WaitableSetDrop1, "WaitableSet.drop#1")                                \
  X(WaitableSetDrop2, "WaitableSet.drop#2")                                \
  X(SubtaskDrop1, "Subtask.drop#1")                                        \
  X(BufferGuestImplInit1, "BufferGuestImpl.__init__#1")                    \
  X(BufferGuestImplInit2, "BufferGuestImpl.__init__#2")                    \
  X(BufferGuestImplInit3, "BufferGuestImpl.__init__#3")                    \
  X(SharedStreamImplRead1, "SharedStreamImpl.read#1")                      \
  X(SharedStreamImplWrite1, "SharedStreamImpl.write#1")                    \
  X(CopyEndDrop1, "CopyEnd.drop#1")                                        \
  X(SharedFutureImplRead1, "SharedFutureImpl.read#1")                      \
  X(SharedFutureImplWrite1, "SharedFutureImpl.write#1")                    \
  X(WritableFutureEndDrop1, "WritableFutureEnd.drop#1")                    \
  X(LoadStringFromRange1, "load_string_from_range#1")                      \
  X(LoadStringFromRange2, "load_string_from_range#2")                      \
  X(LoadStringFromRange3, "load_string_from_range#3")                      \
  X(LoadStringFromRange4, "load_string_from_range#4")                      \
  X(LiftErrorContext1, "lift_error_context#1")                             \
  X(LoadListFromRange1, "load_list_from_range#1")                          \
  X(LoadListFromRange2, "load_list_from_range#2")                          \
  X(LoadListFromRange3, "load_list_from_range#3")                          \
  X(LoadVariant1, "load_variant#1")                                        \
  X(LiftOwn1, "lift_own#1")                                                \
  X(LiftOwn2, "lift_own#2")                                                \
  X(LiftOwn3, "lift_own#3")                                                \
  X(LiftOwn4, "lift_own#4")                                                \
  X(LiftBorrow1, "lift_borrow#1")                                          \
  X(LiftBorrow2, "lift_borrow#2")                                          \
  X(LiftAsyncValue1, "lift_async_value#1")                                 \
  X(LiftAsyncValue2, "lift_async_value#2")                                 \
  X(LiftAsyncValue3, "lift_async_value#3")                                 \
  X(LiftAsyncValue4, "lift_async_value#4")                                 \
  X(StoreStringCopy1, "store_string_copy#1")                               \
  X(StoreStringCopy2, "store_string_copy#2")                               \
  X(StoreListIntoRange1, "store_list_into_range#1")                        \
  X(StoreListIntoRange2, "store_list_into_range#2")                        \
  X(LiftFlatVariant1, "lift_flat_variant#1")                               \
  X(LiftFlatValues1, "lift_flat_values#1")                                 \
  X(LiftFlatValues2, "lift_flat_values#2")                                 \
  X(LowerFlatValues1, "lower_flat_values#1")                               \
  X(LowerFlatValues2, "lower_flat_values#2")                               \
  X(CanonLiftThreadFunc1, "canon_lift.thread_func#1")                      \
  X(CanonLiftThreadFunc2, "canon_lift.thread_func#2")                      \
  X(CanonLift1, "canon_lift#1")                                            \
  X(UnpackCallbackResult1, "unpack_callback_result#1")                     \
  X(CallAndTrapOnThrow1, "call_and_trap_on_throw#1")                       \
  X(CanonLower1, "canon_lower#1")                                          \
  X(CanonResourceNew1, "canon_resource_new#1")                             \
  X(CanonResourceDrop1, "canon_resource_drop#1")                           \
  X(CanonResourceDrop2, "canon_resource_drop#2")                           \
  X(CanonResourceDrop3, "canon_resource_drop#3")                           \
  X(CanonResourceDrop4, "canon_resource_drop#4")                           \
  X(CanonResourceRep1, "canon_resource_rep#1")                             \
  X(CanonResourceRep2, "canon_resource_rep#2")                             \
  X(CanonBackpressureInc1, "canon_backpressure_inc#1")                     \
  X(CanonBackpressureDec1, "canon_backpressure_dec#1")                     \
  X(CanonTaskReturn1, "canon_task_return#1")                               \
  X(CanonTaskReturn2, "canon_task_return#2")                               \
  X(CanonTaskReturn3, "canon_task_return#3")                               \
  X(CanonTaskReturn4, "canon_task_return#4")                               \
  X(CanonTaskCancel1, "canon_task_cancel#1")                               \
  X(CanonTaskCancel2, "canon_task_cancel#2")                               \
  X(CanonWaitableSetNew1, "canon_waitable_set_new#1")                      \
  X(CanonWaitableSetWait1, "canon_waitable_set_wait#1")                    \
  X(CanonWaitableSetWait2, "canon_waitable_set_wait#2")                    \
  X(CanonWaitableSetPoll1, "canon_waitable_set_poll#1")                    \
  X(CanonWaitableSetPoll2, "canon_waitable_set_poll#2")                    \
  X(CanonWaitableSetDrop1, "canon_waitable_set_drop#1")                    \
  X(CanonWaitableSetDrop2, "canon_waitable_set_drop#2")                    \
  X(CanonWaitableJoin1, "canon_waitable_join#1")                           \
  X(CanonWaitableJoin2, "canon_waitable_join#2")                           \
  X(CanonWaitableJoin3, "canon_waitable_join#3")                           \
  X(CanonWaitableJoin4, "canon_waitable_join#4")                           \
  X(CanonSubtaskCancel1, "canon_subtask_cancel#1")                         \
  X(CanonSubtaskCancel2, "canon_subtask_cancel#2")                         \
  X(CanonSubtaskCancel3, "canon_subtask_cancel#3")                         \
  X(CanonSubtaskCancel4, "canon_subtask_cancel#4")                         \
  X(CanonSubtaskCancel5, "canon_subtask_cancel#5")                         \
  X(CanonSubtaskDrop1, "canon_subtask_drop#1")                             \
  X(CanonSubtaskDrop2, "canon_subtask_drop#2")                             \
  X(CanonStreamNew1, "canon_stream_new#1")                                 \
  X(CanonFutureNew1, "canon_future_new#1")                                 \
  X(StreamCopy1, "stream_copy#1")                                          \
  X(StreamCopy2, "stream_copy#2")                                          \
  X(StreamCopy3, "stream_copy#3")                                          \
  X(StreamCopy4, "stream_copy#4")                                          \
  X(StreamCopy5, "stream_copy#5")                                          \
  X(FutureCopy1, "future_copy#1")                                          \
  X(FutureCopy2, "future_copy#2")                                          \
  X(FutureCopy3, "future_copy#3")                                          \
  X(FutureCopy4, "future_copy#4")                                          \
  X(FutureCopy5, "future_copy#5")                                          \
  X(CancelCopy1, "cancel_copy#1")                                          \
  X(CancelCopy2, "cancel_copy#2")                                          \
  X(CancelCopy3, "cancel_copy#3")                                          \
  X(CancelCopy4, "cancel_copy#4")                                          \
  X(CancelCopy5, "cancel_copy#5")                                          \
  X(Drop1, "drop#1")                                                       \
  X(Drop2, "drop#2")                                                       \
  X(Drop3, "drop#3")                                                       \
  X(CanonThreadIndex1, "canon_thread_index#1")                             \
  X(CanonThreadNewIndirect1, "canon_thread_new_indirect#1")                \
  X(CanonThreadNewIndirect2, "canon_thread_new_indirect#2")                \
  X(CanonThreadResumeLater1, "canon_thread_resume_later#1")                \
  X(CanonThreadResumeLater2, "canon_thread_resume_later#2")                \
  X(CanonThreadSuspend1, "canon_thread_suspend#1")                         \
  X(CanonThreadYield1, "canon_thread_yield#1")                             \
  X(CanonThreadSuspendThenResume1, "canon_thread_suspend_then_resume#1")   \
  X(CanonThreadSuspendThenResume2, "canon_thread_suspend_then_resume#2")   \
  X(CanonThreadYieldThenResume1, "canon_thread_yield_then_resume#1")       \
  X(CanonThreadYieldThenResume2, "canon_thread_yield_then_resume#2")       \
  X(CanonThreadSuspendThenPromote1, "canon_thread_suspend_then_promote#1") \
  X(CanonThreadYieldThenPromote1, "canon_thread_yield_then_promote#1")     \
  X(CanonErrorContextNew1, "canon_error_context_new#1")                    \
  X(CanonErrorContextDebugMessage1, "canon_error_context_debug_message#1") \
  X(CanonErrorContextDebugMessage2, "canon_error_context_debug_message#2") \
  X(CanonErrorContextDrop1, "canon_error_context_drop#1")                  \
  X(CanonErrorContextDrop2, "canon_error_context_drop#2")                  \
  X(GuestUnreachable1, "guest.unreachable#1")                              \
  X(GuestLoad1, "guest.load#1")                                            \
  X(GuestStore1, "guest.store#1")

enum class TrapSite : uint8_t {
#define LOCKSTEP_X(name, site) k##name,
  LOCKSTEP_MODEL_TRAP_SITES(LOCKSTEP_X)
#undef LOCKSTEP_X
};

inline constexpr size_t kTrapSiteCount = 0
#define LOCKSTEP_X(name, site) +1
    LOCKSTEP_MODEL_TRAP_SITES(LOCKSTEP_X)
#undef LOCKSTEP_X
    ;

// The site's name, for instance "canon_subtask_cancel#3".
std::string_view name(TrapSite);

struct Trap {
  TrapSite site;
};

// A core WebAssembly exception on its way out of core code.
struct CoreWebAssemblyException {};

struct SpecUndefined {
  const char* site;  // without "assert:"
};

[[noreturn]] void trap(TrapSite site);

inline void trap_if(bool cond, TrapSite site) {
  if (cond) trap(site);
}

// An `assert` of definitions.py.
inline void spec_assert(bool cond, const char* site) {
  if (!cond) [[unlikely]]
    throw SpecUndefined{site};
}

class AssertionFailure : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// Only the last part of the path: the text must not depend on where the tree was built.
#define LOCKSTEP_FILE (std::string_view(__FILE__).substr(std::string_view(__FILE__).rfind('/') + 1))

#define LOCKSTEP_ASSERT(cond)                                                                                 \
  do {                                                                                                        \
    if (!(cond)) [[unlikely]]                                                                                 \
      throw ::lockstep::model::AssertionFailure(std::string(LOCKSTEP_FILE) + ":" + std::to_string(__LINE__) + \
                                                ": assertion failed: " #cond);                                \
  } while (false)

}  // namespace lockstep::model
