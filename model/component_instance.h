// definitions.py "## Component Instances"
//
// A component instance: its two tables, the flags that guard entering and leaving it, and backpressure.
#pragma once

#include <cstdint>
#include <vector>

#include "model/table.h"

namespace lockstep::model {

class Store;
class Thread;

class ComponentInstance {
 public:
  Store* store;
  ComponentInstance* parent;
  Table<HandleEntry> handles;
  Table<Thread> threads;
  bool may_enter = true;
  bool may_leave = true;
  int64_t backpressure = 0;
  uint32_t num_waiting_to_enter = 0;
  Thread* exclusive_thread = nullptr;

  explicit ComponentInstance(Store* store_, ComponentInstance* parent_ = nullptr);

  bool may_enter_from(const ComponentInstance* caller);
  void enter_from(const ComponentInstance* caller);
  void leave_to(const ComponentInstance* caller);
  // Innermost first. Its order has no meaning.
  std::vector<ComponentInstance*> entering_set(const ComponentInstance* caller);
  std::vector<ComponentInstance*> self_and_ancestors();
};

}  // namespace lockstep::model
