// Types and component-level values, between the vocabulary and model/.
#pragma once

#include <functional>
#include <vector>

#include "model/types.h"
#include "model/value.h"
#include "traces/scenario.h"

namespace lockstep::diff {

class ModelValues {
 public:
  // The resource types stand in the order of the scenario's.
  explicit ModelValues(const std::vector<model::ResourceType*>& resource_types) : resource_types_(resource_types) {}

  model::ValType type(const traces::ValueType&) const;
  std::vector<model::ValType> types(std::span<const traces::ValueType>) const;
  std::vector<model::ValType> result(const std::optional<traces::ValueType>&) const;
  model::FuncType type(const traces::FuncType&) const;

  // Ends are looked up, or given a name, by the caller.
  using TakeEnd = std::function<model::SharedBase*(traces::ThreadId)>;
  using NameEnd = std::function<traces::ThreadId(model::SharedBase*, const traces::ValueType&)>;
  static model::Value to_model(const traces::Value&, const traces::ValueType&, const TakeEnd&);
  static traces::Value from_model(const model::Value&, const traces::ValueType&, const NameEnd&);

 private:
  const std::vector<model::ResourceType*>& resource_types_;
};

}  // namespace lockstep::diff
