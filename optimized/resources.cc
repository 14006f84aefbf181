// canon resource.* and error-context.*: handles that nobody waits for.
#include "optimized/assert.h"
#include "optimized/scripted.h"

namespace lockstep::optimized {

uint32_t Store::add_resource(Instance& instance, const ResourceType& type, uint32_t rep, VMAsyncTask* borrow_scope) {
  ResourceHandle& h = resources_.acquire();
  h.type = &type;
  h.rep = rep;
  h.own = borrow_scope == nullptr;
  h.borrow_scope = borrow_scope;
  return instance.handles.add({HandleKind::kResource, &h});
}

uint32_t Store::resource_new(const ResourceType& type, uint32_t rep) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonResourceNew1);
  return add_resource(instance, type, rep, nullptr);
}

// Even without a destructor, an own handle can only be dropped where the defining instance may be entered.
void Store::resource_drop(const ResourceType& type, uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonResourceDrop1);
  ResourceHandle* h = instance.handles.remove(index).resource();
  trap_if(h == nullptr, TrapSite::kCanonResourceDrop2);
  trap_if(h->type != &type, TrapSite::kCanonResourceDrop3);
  trap_if(h->num_lends != 0, TrapSite::kCanonResourceDrop4);
  const uint64_t rep = h->rep;
  const bool own = h->own;
  VMAsyncTask* const borrower = live(h->borrow_scope);
  release(*h);
  if (!own) {
    if (borrower != nullptr) --borrower->num_borrows;
    return;
  }
  const Function& f = type.destructor;
  Instance& impl = *f.instance;
  Instance* const common = impl.common_ancestor(&instance);
  const uint32_t call_id = choices_.name_task(impl, TaskOrigin::kDestructor);
  trap_if(!impl.may_enter_below(common), TrapSite::kStoreLiftFuncInst1);
  impl.enter_below(common);
  ++counters_.sync_calls;
  Instance& runs = is(Mutant::kDestructorInWrongInstance) ? instance : impl;
  const bool unpromoted = run_task(runs, call_id, TaskOrigin::kDestructor, [&](VMAsyncTask&) {
    if (f.body) f.body(std::span(&rep, 1));
  });
  counters_.sync_calls_unpromoted += unpromoted ? 1 : 0;
  impl.leave_below(common);
}

uint32_t Store::resource_rep(const ResourceType& type, uint32_t index) {
  const ResourceHandle* h = current_instance().handles.get(index).resource();
  trap_if(h == nullptr, TrapSite::kCanonResourceRep1);
  trap_if(h->type != &type, TrapSite::kCanonResourceRep2);
  return h->rep;
}

uint32_t Store::error_context_new(const Memory& memory, uint64_t pointer, uint64_t bytes) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonErrorContextNew1);
  std::string message;
  if (choices_.use_debug_message(named_thread()))
    message = load_text({&instance, &memory, {}, nullptr, nullptr}, pointer, bytes);
  ErrorContext& e = error_contexts_.acquire();
  e.debug_message = std::move(message);
  return instance.handles.add({HandleKind::kErrorContext, &e});
}

// The specification does not check the pointer: a bad one is like a failed assertion.
void Store::error_context_debug_message(const Memory& memory, CoreFunc realloc, uint32_t index, uint64_t pointer) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonErrorContextDebugMessage1);
  const ErrorContext* e = instance.handles.get(index).error_context();
  trap_if(e == nullptr, TrapSite::kCanonErrorContextDebugMessage2);
  const uint32_t word = memory.address_type == AddressType::kI32 ? 4 : 8;
  const uint64_t address = store_text({&instance, &memory, realloc, nullptr, nullptr}, e->debug_message);
  store_number(memory, address, pointer, word);
  store_number(memory, e->debug_message.size(), pointer + word, word);
}

void Store::error_context_drop(uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCanonErrorContextDrop1);
  ErrorContext* e = instance.handles.remove(index).error_context();
  trap_if(e == nullptr, TrapSite::kCanonErrorContextDrop2);
  error_contexts_.release(*e);
}

}  // namespace lockstep::optimized
