#include "model/canon_resource.h"

#include "model/component_instance.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/task.h"
#include "model/trap.h"

namespace lockstep::model {

uint32_t canon_resource_new(ResourceType* rt, CoreVal rep) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonResourceNew1);
  auto* h = inst->store->make<ResourceHandle>(rt, rep, /*own_=*/true);
  return inst->handles.add(h);
}

void canon_resource_drop(ResourceType* rt, uint32_t i) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonResourceDrop1);
  auto* h = dynamic_cast<ResourceHandle*>(inst->handles.remove(i));
  trap_if(h == nullptr, TrapSite::kCanonResourceDrop2);
  trap_if(h->rt != rt, TrapSite::kCanonResourceDrop3);
  trap_if(h->num_lends != 0, TrapSite::kCanonResourceDrop4);
  if (h->own) {
    spec_assert(h->borrow_scope == nullptr, "canon_resource_drop#1");
    static const CanonicalOptions opts;
    const FuncType ft{{U32Type()}, {}, /*async_=*/false};
    const CoreFunc dtor = rt->dtor ? rt->dtor : [](const CoreValues&) { return CoreValues{}; };
    const FuncInst callee = inst->store->lift(dtor, ft, opts, rt->impl);
    const CoreFunc caller = inst->store->lower(callee, ft, opts, inst);
    inst->store->name_next_call(rt->impl, TaskOrigin::destructor);
    caller({h->rep});
  } else {
    h->borrow_scope->num_borrows -= 1;
  }
}

CoreVal canon_resource_rep(ResourceType* rt, uint32_t i) {
  auto* h = dynamic_cast<ResourceHandle*>(current_instance()->handles.get(i));
  trap_if(h == nullptr, TrapSite::kCanonResourceRep1);
  trap_if(h->rt != rt, TrapSite::kCanonResourceRep2);
  return h->rep;
}

}  // namespace lockstep::model
