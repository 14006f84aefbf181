// Types and component-level values, between the vocabulary and optimized/.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "optimized/types.h"
#include "traces/scenario.h"

namespace lockstep::diff {

class OptimizedValues {
 public:
  // The resource types stand in the order of the scenario's.
  explicit OptimizedValues(const std::deque<optimized::ResourceType>& resource_types)
      : resource_types_(resource_types) {}

  optimized::Type type(const traces::ValueType&) const;
  optimized::Type type(const std::optional<traces::ValueType>& t) const { return t ? type(*t) : optimized::Type(); }
  optimized::FuncType type(const traces::FuncType&) const;

  // Ends are given away, or received and named, by the caller.
  using GiveEnd = std::function<optimized::Value(traces::ThreadId)>;
  using ReceiveEnd = std::function<traces::ThreadId(const optimized::Value&, const traces::ValueType&)>;
  static optimized::Value to_optimized(const traces::Value&, const traces::ValueType&, const GiveEnd&);
  static traces::Value from_optimized(const optimized::Value&, const traces::ValueType&, const ReceiveEnd&);

 private:
  const std::deque<optimized::ResourceType>& resource_types_;
};

}  // namespace lockstep::diff
