// The names of the trap sites, in the order of the enum.
#include "optimized/trap.h"

#include <cxxabi.h>

#include <array>
#include <typeinfo>

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
    "load_string_from_range#1",
    "load_string_from_range#3",
    "load_string_from_range#4",
    "load_list_from_range#1",
    "load_list_from_range#2",
    "load_list_from_range#3",
    "load_variant#1",
    "lift_own#1",
    "lift_own#2",
    "lift_own#3",
    "lift_own#4",
    "lift_borrow#1",
    "lift_borrow#2",
    "store_string_copy#2",
    "store_list_into_range#1",
    "store_list_into_range#2",
    "lift_flat_variant#1",
    "lift_flat_values#1",
    "lift_flat_values#2",
    "lower_flat_values#1",
    "lower_flat_values#2",
    "canon_lift.thread_func#1",
    "canon_lift#1",
    "unpack_callback_result#1",
    "call_and_trap_on_throw#1",
    "canon_lower#1",
    "canon_resource_new#1",
    "canon_resource_drop#1",
    "canon_resource_drop#2",
    "canon_resource_drop#3",
    "canon_resource_drop#4",
    "canon_resource_rep#1",
    "canon_resource_rep#2",
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
    "stream_copy#1",
    "stream_copy#2",
    "stream_copy#3",
    "stream_copy#4",
    "stream_copy#5",
    "future_copy#1",
    "future_copy#2",
    "future_copy#3",
    "future_copy#4",
    "future_copy#5",
    "cancel_copy#1",
    "cancel_copy#2",
    "cancel_copy#3",
    "cancel_copy#4",
    "cancel_copy#5",
    "drop#1",
    "drop#2",
    "drop#3",
    "CopyEnd.drop#1",
    "WritableFutureEnd.drop#1",
    "BufferGuestImpl.__init__#1",
    "BufferGuestImpl.__init__#2",
    "BufferGuestImpl.__init__#3",
    "SharedStreamImpl.read#1",
    "SharedStreamImpl.write#1",
    "SharedFutureImpl.read#1",
    "SharedFutureImpl.write#1",
    "lift_async_value#1",
    "lift_async_value#2",
    "lift_async_value#3",
    "lift_async_value#4",
    "canon_stream_new#1",
    "canon_future_new#1",
    "canon_thread_index#1",
    "canon_thread_yield#1",
    "canon_error_context_new#1",
    "canon_error_context_debug_message#1",
    "canon_error_context_debug_message#2",
    "canon_error_context_drop#1",
    "canon_error_context_drop#2",
    "canon_thread_new_indirect#1",
    "canon_thread_new_indirect#2",
    "canon_thread_resume_later#1",
    "canon_thread_resume_later#2",
    "canon_thread_suspend#1",
    "canon_thread_suspend_then_resume#1",
    "canon_thread_suspend_then_resume#2",
    "canon_thread_yield_then_resume#1",
    "canon_thread_yield_then_resume#2",
    "canon_thread_suspend_then_promote#1",
    "canon_thread_yield_then_promote#1",
};
static_assert(kNames.back() != nullptr, "a trap site without a name");

}  // namespace

std::string_view name(TrapSite site) { return kNames[static_cast<size_t>(site)]; }

const char* Trap::what() const noexcept { return kNames[static_cast<size_t>(site_)]; }

void trap(TrapSite site) { throw Trap(site); }

std::exception_ptr current_exception_as_trap() {
  // Throwing it again to look at it would take as long as unwinding three frames.
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type != nullptr && *type == typeid(CoreException))
    return std::make_exception_ptr(Trap(TrapSite::kCallAndTrapOnThrow1));
  return std::current_exception();
}

}  // namespace lockstep::optimized
