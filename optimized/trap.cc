// The names of the trap sites, in the order of the enum.
#include "optimized/trap.h"

#include <array>

namespace lockstep::optimized {
namespace {

constexpr std::array<const char*, kTrapSiteCount> kNames = {
    "Task.unregister_thread#1",
    "Task.return_#1",
    "Task.return_#2",
    "Task.cancel#1",
    "Task.cancel#2",
    "Store.lift.func_inst#1",
    "Table.get#1",
    "Table.get#2",
    "Table.add#1",
    "WaitableSet.drop#1",
    "WaitableSet.drop#2",
    "Subtask.drop#1",
    "lift_flat_values#1",
    "lift_flat_values#2",
    "lower_flat_values#1",
    "lower_flat_values#2",
    "canon_lift.thread_func#1",
    "canon_lift#1",
    "unpack_callback_result#1",
    "call_and_trap_on_throw#1",
    "canon_lower#1",
    "canon_backpressure_inc#1",
    "canon_backpressure_dec#1",
    "canon_task_return#1",
    "canon_task_return#2",
    "canon_task_return#3",
    "canon_task_return#4",
    "canon_task_cancel#1",
    "canon_task_cancel#2",
    "canon_waitable_set_new#1",
    "canon_waitable_set_wait#1",
    "canon_waitable_set_wait#2",
    "canon_waitable_set_poll#1",
    "canon_waitable_set_poll#2",
    "canon_waitable_set_drop#1",
    "canon_waitable_set_drop#2",
    "canon_waitable_join#1",
    "canon_waitable_join#2",
    "canon_waitable_join#3",
    "canon_waitable_join#4",
    "canon_subtask_cancel#1",
    "canon_subtask_cancel#2",
    "canon_subtask_cancel#3",
    "canon_subtask_cancel#4",
    "canon_subtask_cancel#5",
    "canon_subtask_drop#1",
    "canon_subtask_drop#2",
    "canon_thread_index#1",
    "canon_thread_yield#1",
};
static_assert(kNames.back() != nullptr, "a trap site without a name");

}  // namespace

std::string_view name(TrapSite site) { return kNames[static_cast<size_t>(site)]; }

const char* Trap::what() const noexcept { return kNames[static_cast<size_t>(site_)]; }

void trap(TrapSite site) { throw Trap(site); }

std::exception_ptr current_exception_as_trap() {
  try {
    throw;
  } catch (const CoreException&) {
    return std::make_exception_ptr(Trap(TrapSite::kCallAndTrapOnThrow1));
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace lockstep::optimized
