// definitions.py "### Resource State"
//
// Handles to resources, and resource types: who implements them and how they end.
#pragma once

#include <cstdint>

#include "model/table.h"
#include "model/types.h"

namespace lockstep::model {

class ComponentInstance;
class Task;

class ResourceHandle : public HandleEntry {
 public:
  ResourceType* rt;
  CoreVal rep;
  bool own;
  Task* borrow_scope;
  uint32_t num_lends = 0;

  ResourceHandle(ResourceType* rt_, CoreVal rep_, bool own_, Task* borrow_scope_ = nullptr)
      : rt(rt_), rep(rep_), own(own_), borrow_scope(borrow_scope_) {}
};

class ResourceType {
 public:
  ComponentInstance* impl;
  CoreFunc dtor;  // empty: None

  explicit ResourceType(ComponentInstance* impl_, CoreFunc dtor_ = {}) : impl(impl_), dtor(std::move(dtor_)) {}
};

}  // namespace lockstep::model
