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
#define LOCKSTEP_MODEL_TRAP_SITES(X)                    \
  X(TaskUnregisterThread1, "Task.unregister_thread#1")  \
  X(TaskReturn1, "Task.return_#1")                      \
  X(TaskReturn2, "Task.return_#2")                      \
  X(TaskCancel1, "Task.cancel#1")                       \
  X(TaskCancel2, "Task.cancel#2")                       \
  X(StoreLiftFuncInst1, "Store.lift.func_inst#1")       \
  X(TableGet1, "Table.get#1")                           \
  X(TableGet2, "Table.get#2")                           \
  X(TableAdd1, "Table.add#1")                           \
  X(WaitableSetDrop1, "WaitableSet.drop#1")             \
  X(WaitableSetDrop2, "WaitableSet.drop#2")             \
  X(SubtaskDrop1, "Subtask.drop#1")                     \
  X(LiftFlatValues1, "lift_flat_values#1")              \
  X(LiftFlatValues2, "lift_flat_values#2")              \
  X(LowerFlatValues1, "lower_flat_values#1")            \
  X(LowerFlatValues2, "lower_flat_values#2")            \
  X(CanonLiftThreadFunc1, "canon_lift.thread_func#1")   \
  X(CanonLiftThreadFunc2, "canon_lift.thread_func#2")   \
  X(CanonLift1, "canon_lift#1")                         \
  X(UnpackCallbackResult1, "unpack_callback_result#1")  \
  X(CallAndTrapOnThrow1, "call_and_trap_on_throw#1")    \
  X(CanonLower1, "canon_lower#1")                       \
  X(CanonBackpressureInc1, "canon_backpressure_inc#1")  \
  X(CanonBackpressureDec1, "canon_backpressure_dec#1")  \
  X(CanonTaskReturn1, "canon_task_return#1")            \
  X(CanonTaskReturn2, "canon_task_return#2")            \
  X(CanonTaskReturn3, "canon_task_return#3")            \
  X(CanonTaskReturn4, "canon_task_return#4")            \
  X(CanonTaskCancel1, "canon_task_cancel#1")            \
  X(CanonTaskCancel2, "canon_task_cancel#2")            \
  X(CanonWaitableSetNew1, "canon_waitable_set_new#1")   \
  X(CanonWaitableSetWait1, "canon_waitable_set_wait#1") \
  X(CanonWaitableSetWait2, "canon_waitable_set_wait#2") \
  X(CanonWaitableSetPoll1, "canon_waitable_set_poll#1") \
  X(CanonWaitableSetPoll2, "canon_waitable_set_poll#2") \
  X(CanonWaitableSetDrop1, "canon_waitable_set_drop#1") \
  X(CanonWaitableSetDrop2, "canon_waitable_set_drop#2") \
  X(CanonWaitableJoin1, "canon_waitable_join#1")        \
  X(CanonWaitableJoin2, "canon_waitable_join#2")        \
  X(CanonWaitableJoin3, "canon_waitable_join#3")        \
  X(CanonWaitableJoin4, "canon_waitable_join#4")        \
  X(CanonSubtaskCancel1, "canon_subtask_cancel#1")      \
  X(CanonSubtaskCancel2, "canon_subtask_cancel#2")      \
  X(CanonSubtaskCancel3, "canon_subtask_cancel#3")      \
  X(CanonSubtaskCancel4, "canon_subtask_cancel#4")      \
  X(CanonSubtaskCancel5, "canon_subtask_cancel#5")      \
  X(CanonSubtaskDrop1, "canon_subtask_drop#1")          \
  X(CanonSubtaskDrop2, "canon_subtask_drop#2")          \
  X(CanonThreadIndex1, "canon_thread_index#1")          \
  X(CanonThreadYield1, "canon_thread_yield#1")          \
  X(GuestUnreachable1, "guest.unreachable#1")           \
  X(GuestLoad1, "guest.load#1")

enum class TrapSite : uint8_t {
#define LOCKSTEP_X(name, site) k##name,
  LOCKSTEP_MODEL_TRAP_SITES(LOCKSTEP_X)
#undef LOCKSTEP_X
};

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
