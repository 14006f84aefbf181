// The handles of one component instance: definitions.py "### Table State".
#pragma once

#include <cstdint>
#include <vector>

#include "optimized/index_allocator.h"
#include "optimized/prefetch.h"
#include "optimized/resource.h"
#include "optimized/streams.h"
#include "optimized/waitable.h"

namespace lockstep::optimized {

enum class HandleKind : uint8_t { kEmpty, kSubtask, kWaitableSet, kCopyEnd, kResource, kErrorContext };

struct Handle {
  HandleKind kind = HandleKind::kEmpty;
  void* object = nullptr;

  Subtask* subtask() const { return kind == HandleKind::kSubtask ? static_cast<Subtask*>(object) : nullptr; }
  CopyEnd* copy_end() const { return kind == HandleKind::kCopyEnd ? static_cast<CopyEnd*>(object) : nullptr; }
  Waitable* waitable() const {
    if (Subtask* s = subtask()) return s;
    return copy_end();
  }
  WaitableSet* waitable_set() const {
    return kind == HandleKind::kWaitableSet ? static_cast<WaitableSet*>(object) : nullptr;
  }
  ResourceHandle* resource() const {
    return kind == HandleKind::kResource ? static_cast<ResourceHandle*>(object) : nullptr;
  }
  ErrorContext* error_context() const {
    return kind == HandleKind::kErrorContext ? static_cast<ErrorContext*>(object) : nullptr;
  }
};

class HandleTable {
 public:
  void reinitialise(uint32_t limit, bool fifo) {
    indices_.reinitialise(limit, fifo);
    entries_.assign(1, Handle());
  }

  uint32_t length() const { return indices_.length(); }
  uint32_t next_index() const { return indices_.peek(); }
  // The entry at an index that is known to be below length(); it may be empty.
  const Handle& at(uint32_t index) const { return entries_[index]; }

  Handle get(uint32_t index) const {
    trap_if(index >= entries_.size(), TrapSite::kTableGet1);
    trap_if(entries_[index].kind == HandleKind::kEmpty, TrapSite::kTableGet2);
    prefetch<2 * kCacheLine>(entries_[index].object);
    return entries_[index];
  }

  uint32_t add(Handle handle) {
    const uint32_t index = indices_.add();
    if (index == entries_.size()) entries_.emplace_back();
    entries_[index] = handle;
    return index;
  }

  Handle remove(uint32_t index) {
    const Handle handle = get(index);
    entries_[index] = Handle();
    indices_.remove(index);
    return handle;
  }

 private:
  IndexAllocator indices_;
  std::vector<Handle> entries_;
};

}  // namespace lockstep::optimized
