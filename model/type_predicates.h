// definitions.py "## Type Predicates"
//
// What a type contains.
#pragma once

#include <functional>

#include "model/types.h"

namespace lockstep::model {

bool contains_borrow(const ValType& t);
bool contains_async_value(const ValType& t);
bool contains(const ValType& t, const std::function<bool(const ValType&)>& p);

}  // namespace lockstep::model
