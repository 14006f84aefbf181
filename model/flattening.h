// definitions.py "## Flattening"
//
// Which core values stand for a value, and for the parameters and results of a function.
#pragma once

#include <cstddef>
#include <vector>

#include "model/options.h"
#include "model/types.h"

namespace lockstep::model {

inline constexpr size_t MAX_FLAT_PARAMS = 16;
inline constexpr size_t MAX_FLAT_ASYNC_PARAMS = 4;
inline constexpr size_t MAX_FLAT_RESULTS = 1;

enum class FlattenContext { lift, lower };

CoreFuncType flatten_functype(const CanonicalOptions& opts, const FuncType& ft, FlattenContext context);
std::vector<CoreType> flatten_types(const std::vector<ValType>& ts, const LiftLowerOptions& opts);
std::vector<CoreType> flatten_type(const ValType& t, const LiftLowerOptions& opts);
std::vector<CoreType> flatten_list(const LiftLowerOptions& opts);
std::vector<CoreType> flatten_record(const std::vector<FieldType>& fields, const LiftLowerOptions& opts);
std::vector<CoreType> flatten_variant(const std::vector<CaseType>& cases, const LiftLowerOptions& opts);
CoreType join(CoreType a, CoreType b);

}  // namespace lockstep::model
