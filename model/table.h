// definitions.py "### Table State"
//
// A table of handles or threads: index 0 is never used, freed indices are reused last in, first out.
#pragma once

#include <cstdint>
#include <vector>

#include "model/trap.h"

namespace lockstep::model {

// What a handle table holds: ResourceHandle, Waitable (and so Subtask and CopyEnd), WaitableSet or ErrorContext; told
// apart by dynamic_cast, as isinstance.
class HandleEntry {
 public:
  virtual ~HandleEntry() = default;
};

template <typename T>
class Table {
 public:
  std::vector<T*> array{nullptr};
  std::vector<uint32_t> free;

  static constexpr uint32_t MAX_LENGTH = (1u << 28) - 1;
  uint32_t max_length = MAX_LENGTH;  // lower in scenarios that want to see a full table

  T* get(uint64_t i) const {
    trap_if(i >= array.size(), TrapSite::kTableGet1);
    trap_if(array[i] == nullptr, TrapSite::kTableGet2);
    return array[i];
  }

  uint32_t add(T* e) {
    uint32_t i;
    if (!free.empty()) {
      i = free.back();
      free.pop_back();
      spec_assert(array[i] == nullptr, "Table.add#1");
      array[i] = e;
    } else {
      i = static_cast<uint32_t>(array.size());
      trap_if(i > max_length, TrapSite::kTableAdd1);
      array.push_back(e);
    }
    return i;
  }

  T* remove(uint64_t i) {
    T* e = get(i);
    array[i] = nullptr;
    free.push_back(static_cast<uint32_t>(i));
    return e;
  }
};

}  // namespace lockstep::model
