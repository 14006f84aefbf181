// Types and values between the vocabulary and diff/plugin.h.
#pragma once

#include <deque>
#include <span>
#include <vector>

#include "diff/plugin.h"
#include "traces/value.h"

namespace lockstep::diff {

inline traces::ThreadId from_c(lockstep_id id) { return {id.task, id.k}; }
inline lockstep_id to_c(traces::ThreadId id) { return {id.task, id.k}; }

// Keeps what the C structures point to. Values must outlive what is made of them.
class Arena {
 public:
  lockstep_type type(const traces::ValueType&);
  const lockstep_type* types(std::span<const traces::ValueType>);
  lockstep_value value(const traces::Value&);
  std::span<const lockstep_value> values(std::span<const traces::Value>);

 private:
  std::deque<std::vector<lockstep_type>> types_;
  std::deque<std::vector<lockstep_value>> values_;
};

traces::ValueType type_from_c(const lockstep_type&);
// Throws std::invalid_argument if it is of no known kind, or nested too deep. Whether it is of its type is not looked
// at.
traces::Value value_from_c(const lockstep_value&);

}  // namespace lockstep::diff
