#include "model/error_context.h"

#include "model/component_instance.h"
#include "model/loading.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/storing.h"
#include "model/trap.h"

namespace lockstep::model {

uint32_t canon_error_context_new(const LiftLowerOptions& opts, CoreVal ptr, CoreVal tagged_code_units) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonErrorContextNew1);
  std::string s;
  if (inst->store->chooser->use_debug_message(*current_thread())) {
    const LiftLowerContext cx(opts, inst);
    s = load_string_from_range(cx, ptr, tagged_code_units).string;
  }
  return inst->handles.add(inst->store->make<ErrorContext>(s));
}

void canon_error_context_debug_message(const LiftLowerOptions& opts, uint32_t i, CoreVal ptr) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonErrorContextDebugMessage1);
  auto* errctx = dynamic_cast<ErrorContext*>(inst->handles.get(i));
  trap_if(errctx == nullptr, TrapSite::kCanonErrorContextDebugMessage2);
  const LiftLowerContext cx(opts, inst);
  Value debug_message;
  debug_message.string = errctx->debug_message;
  store_string(cx, debug_message, ptr);
}

void canon_error_context_drop(uint32_t i) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonErrorContextDrop1);
  auto* errctx = dynamic_cast<ErrorContext*>(inst->handles.remove(i));
  trap_if(errctx == nullptr, TrapSite::kCanonErrorContextDrop2);
}

}  // namespace lockstep::model
