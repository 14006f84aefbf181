#include "model/flat_values.h"

#include "model/alignment.h"
#include "model/elem_size.h"
#include "model/flat_lowering.h"
#include "model/flattening.h"
#include "model/loading.h"
#include "model/storing.h"
#include "model/trap.h"

namespace lockstep::model {

Values lift_flat_values(const LiftLowerContext& cx, size_t max_flat, CoreValueIter& vi,
                        const std::vector<ValType>& ts) {
  const std::vector<CoreType> flat_types = flatten_types(ts, *cx.opts);
  if (flat_types.size() > max_flat) {
    const CoreType ptr_type = cx.memory().ptr_type();
    const CoreVal ptr = vi.next(ptr_type);
    const ValType tuple_type = TupleType(ts);
    trap_if(ptr != align_to(ptr, alignment(tuple_type, ptr_type)), TrapSite::kLiftFlatValues1);
    trap_if(uint128{ptr} + elem_size(tuple_type, ptr_type) > cx.memory().length, TrapSite::kLiftFlatValues2);
    return load(cx, ptr, tuple_type).children;
  }
  Values values;
  for (const ValType& t : ts) values.push_back(lift_flat(cx, vi, t));
  return values;
}

CoreValues lower_flat_values(const LiftLowerContext& cx, size_t max_flat, const Values& vs,
                             const std::vector<ValType>& ts, CoreValueIter* out_param) {
  const std::vector<CoreType> flat_types = flatten_types(ts, *cx.opts);
  CoreValues flat_vals;
  if (flat_types.size() > max_flat) {
    const CoreType ptr_type = cx.memory().ptr_type();
    const ValType tuple_type = TupleType(ts);
    Value tuple_value;
    tuple_value.children = vs;
    CoreVal ptr = 0;
    if (out_param == nullptr) {
      ptr = cx.allocate(alignment(tuple_type, ptr_type), elem_size(tuple_type, ptr_type));
      flat_vals = {ptr};
    } else {
      ptr = out_param->next(ptr_type);
    }
    trap_if(ptr != align_to(ptr, alignment(tuple_type, ptr_type)), TrapSite::kLowerFlatValues1);
    trap_if(uint128{ptr} + elem_size(tuple_type, ptr_type) > cx.memory().length, TrapSite::kLowerFlatValues2);
    store(cx, tuple_value, tuple_type, ptr);
  } else {
    LOCKSTEP_ASSERT(vs.size() == ts.size());
    for (size_t i = 0; i < vs.size(); ++i) {
      const CoreValues flat = lower_flat(cx, vs[i], ts[i]);
      flat_vals.insert(flat_vals.end(), flat.begin(), flat.end());
    }
  }
  return flat_vals;
}

}  // namespace lockstep::model
