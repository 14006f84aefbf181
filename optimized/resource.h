// definitions.py "### Resource State", and error contexts: what handles that are not waitable lead to.
#pragma once

#include <cstdint>
#include <string>

#include "optimized/types.h"

namespace lockstep::optimized {

struct VMAsyncTask;

struct ResourceHandle {
  const ResourceType* type = nullptr;
  uint32_t rep = 0;
  bool own = false;
  uint32_t num_lends = 0;
  // Of a borrow: the task that must drop it, as it was when it borrowed; see live(). Null if a trap has ended the task.
  VMAsyncTask* borrow_scope = nullptr;

  void reinitialise() { *this = ResourceHandle(); }
};

struct ErrorContext {
  std::string debug_message;

  void reinitialise() { debug_message.clear(); }
};

}  // namespace lockstep::optimized
