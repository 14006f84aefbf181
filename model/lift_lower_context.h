// definitions.py "## Lifting and Lowering Context"
//
// What lifting and lowering of values need to know, and how they get memory from the guest.
#pragma once

#include <cstdint>
#include <variant>

#include "model/options.h"

namespace lockstep::model {

class ComponentInstance;
class Subtask;
class Task;

class LiftLowerContext {
 public:
  using BorrowScope = std::variant<std::monostate, Task*, Subtask*>;  // Optional[Task|Subtask]

  const LiftLowerOptions* opts;
  ComponentInstance* inst;
  BorrowScope borrow_scope;

  // `opts_` must live as long as the context.
  LiftLowerContext(const LiftLowerOptions& opts_, ComponentInstance* inst_, BorrowScope borrow_scope_ = {})
      : opts(&opts_), inst(inst_), borrow_scope(borrow_scope_) {}

  uint64_t reallocate(uint64_t old, uint64_t old_byte_length, uint64_t alignment, uint64_t new_byte_length) const;
  uint64_t allocate(uint64_t alignment, uint64_t byte_length) const;

  // The memory that validation has asked for.
  MemInst& memory() const;
};

}  // namespace lockstep::model
