// definitions.py "### `canon resource.new`" to "### `canon resource.rep`"
//
// The built-ins of resources.
#pragma once

#include <cstdint>

#include "model/resource.h"
#include "model/types.h"

namespace lockstep::model {

uint32_t canon_resource_new(ResourceType* rt, CoreVal rep);
// Runs the destructor, if the handle owns.
void canon_resource_drop(ResourceType* rt, uint32_t i);
CoreVal canon_resource_rep(ResourceType* rt, uint32_t i);

}  // namespace lockstep::model
