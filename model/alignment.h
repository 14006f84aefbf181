// definitions.py "## Alignment"
//
// To which multiple of bytes a value in memory is aligned.
#pragma once

#include <cstdint>
#include <vector>

#include "model/types.h"

namespace lockstep::model {

uint64_t alignment(const ValType& t, CoreType ptr_type);
uint64_t alignment_list(CoreType ptr_type);
uint64_t alignment_record(const std::vector<FieldType>& fields, CoreType ptr_type);
uint64_t alignment_variant(const std::vector<CaseType>& cases, CoreType ptr_type);
ValType discriminant_type(const std::vector<CaseType>& cases);
uint64_t max_case_alignment(const std::vector<CaseType>& cases, CoreType ptr_type);

}  // namespace lockstep::model
