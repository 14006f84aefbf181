// What follows from a scenario's topology.
#include "traces/scenario.h"

namespace lockstep::traces {

uint32_t root_of(const Scenario& scenario, uint32_t instance) {
  while (scenario.instances[instance].parent != kNone) instance = scenario.instances[instance].parent;
  return instance;
}

namespace {

void start_below(const Scenario& s, uint32_t instance, std::vector<uint32_t>& out) {
  for (uint32_t child = instance + 1; child < s.instances.size(); ++child)
    if (s.instances[child].parent == instance) start_below(s, child, out);
  if (s.instances[instance].start) out.push_back(instance);
}

}  // namespace

std::vector<uint32_t> start_order(const Scenario& s) {
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < s.instances.size(); ++i)
    if (s.instances[i].parent == kNone) start_below(s, i, out);
  return out;
}

const FuncType& callee_type(const Scenario& s, const Callee& c) {
  return c.function != kNone ? s.functions[c.function].type : s.host_functions[c.host_function].type;
}

bool returns_for(const Canon& c, const Function& f) {
  return c.kind == Op::kTaskReturn && c.result == f.type.result && c.memory == f.memory && c.encoding == f.encoding;
}

CallShape lowered_shape(const FuncType& type, bool async_, IndexType pointers) {
  CallShape shape;
  const size_t flat = flatten(type.params, pointers).size();
  shape.params_in_memory = flat > (async_ ? kMaxFlatAsyncParams : kMaxFlatParams);
  shape.flat_params = shape.params_in_memory ? 1 : static_cast<uint32_t>(flat);
  if (shape.params_in_memory) shape.area_words = (size(type.params, pointers) + 3) / 4;
  const size_t results = type.result ? flatten(*type.result, pointers).size() : 0;
  shape.result_area = results > (async_ ? 0 : kMaxFlatResults);
  shape.flat_results = async_ || results == 1 ? 1 : 0;
  return shape;
}

bool params_in_memory(const FuncType& type) { return flatten(type.params, IndexType::kI32).size() > kMaxFlatParams; }

uint32_t lifted_params(const FuncType& type, IndexType pointers) {
  const size_t flat = flatten(type.params, pointers).size();
  return flat > kMaxFlatParams ? 1 : static_cast<uint32_t>(flat);
}

uint32_t lifted_results(const FuncType& type) { return type.result ? 1 : 0; }

uint32_t returned_values(const std::optional<ValueType>& result, IndexType pointers) {
  if (!result) return 0;
  const size_t flat = flatten(*result, pointers).size();
  return flat > kMaxFlatParams ? 1 : static_cast<uint32_t>(flat);
}

IndexType index_type(const Scenario& s, uint32_t instance, uint32_t memory) {
  return memory == kNone ? IndexType::kI32 : s.instances[instance].memories[memory].index_type;
}

}  // namespace lockstep::traces
