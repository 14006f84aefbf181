// definitions.py "## Element Size"
//
// How many bytes a value takes in memory.
#pragma once

#include <cstdint>
#include <vector>

#include "model/types.h"

namespace lockstep::model {

uint64_t elem_size(const ValType& t, CoreType ptr_type);
uint64_t elem_size_list(CoreType ptr_type);
uint64_t elem_size_record(const std::vector<FieldType>& fields, CoreType ptr_type);
uint64_t align_to(uint64_t ptr, uint64_t alignment);
uint64_t elem_size_variant(const std::vector<CaseType>& cases, CoreType ptr_type);

}  // namespace lockstep::model
