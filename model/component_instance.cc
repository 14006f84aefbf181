#include "model/component_instance.h"

#include <algorithm>

#include "model/trap.h"

namespace lockstep::model {

ComponentInstance::ComponentInstance(Store* store_, ComponentInstance* parent_) : store(store_), parent(parent_) {
  spec_assert(parent == nullptr || parent->store == store, "ComponentInstance.__init__#1");
}

bool ComponentInstance::may_enter_from(const ComponentInstance* caller) {
  for (const ComponentInstance* inst : entering_set(caller))
    if (!inst->may_enter) return false;
  return true;
}

void ComponentInstance::enter_from(const ComponentInstance* caller) {
  for (ComponentInstance* inst : entering_set(caller)) {
    spec_assert(inst->may_enter, "ComponentInstance.enter_from#1");
    inst->may_enter = false;
  }
}

void ComponentInstance::leave_to(const ComponentInstance* caller) {
  for (ComponentInstance* inst : entering_set(caller)) {
    spec_assert(!inst->may_enter, "ComponentInstance.leave_to#1");
    inst->may_enter = true;
  }
}

std::vector<ComponentInstance*> ComponentInstance::entering_set(const ComponentInstance* caller) {
  std::vector<ComponentInstance*> set = self_and_ancestors();
  for (; caller != nullptr; caller = caller->parent) std::erase(set, caller);
  return set;
}

std::vector<ComponentInstance*> ComponentInstance::self_and_ancestors() {
  std::vector<ComponentInstance*> s;
  for (ComponentInstance* i = this; i != nullptr; i = i->parent) s.push_back(i);
  return s;
}

}  // namespace lockstep::model
