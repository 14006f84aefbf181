#include "model/lift_lower_context.h"

#include "model/canon_lift.h"
#include "model/component_instance.h"
#include "model/store.h"
#include "model/trap.h"

namespace lockstep::model {

uint64_t LiftLowerContext::reallocate(uint64_t old, uint64_t old_byte_length, uint64_t alignment,
                                      uint64_t new_byte_length) const {
  spec_assert(inst->may_leave, "LiftLowerContext.reallocate#1");
  inst->may_leave = false;
  const ValType ptrt = memory().ptr_type() == CoreType::i32 ? U32Type() : U64Type();
  const FuncType ft{{ptrt, ptrt, ptrt, ptrt}, {ptrt}, /*async_=*/false};
  static const CanonicalOptions sync_opts;
  auto on_start = [&] {
    return Values{number(old), number(old_byte_length), number(alignment), number(new_byte_length)};
  };
  std::optional<uint64_t> ptr;
  auto on_resolve = [&ptr](const std::optional<Values>& result) { ptr = result->at(0).bits; };
  inst->store->name_next_call(inst, TaskOrigin::realloc);
  canon_lift(opts->realloc, ft, sync_opts, inst, on_start, on_resolve);
  spec_assert(ptr.has_value(), "LiftLowerContext.reallocate#2");
  inst->may_leave = true;
  return *ptr;
}

uint64_t LiftLowerContext::allocate(uint64_t alignment, uint64_t byte_length) const {
  return reallocate(0, 0, alignment, byte_length);
}

MemInst& LiftLowerContext::memory() const {
  LOCKSTEP_ASSERT(opts->memory != nullptr);
  return *opts->memory;
}

}  // namespace lockstep::model
