// definitions.py "## Despecialization"
//
// Tuple, option and result are records and variants.
#pragma once

#include "model/types.h"

namespace lockstep::model {

ValType despecialize(const ValType& t);

}  // namespace lockstep::model
