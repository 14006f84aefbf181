#include "model/flattening.h"

#include "model/alignment.h"
#include "model/despecialization.h"
#include "model/trap.h"

namespace lockstep::model {
namespace {

// The memory that validation has asked for.
CoreType memory_ptr_type(const LiftLowerOptions& opts) {
  LOCKSTEP_ASSERT(opts.memory != nullptr);
  return opts.memory->ptr_type();
}

void append(std::vector<CoreType>& to, const std::vector<CoreType>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

CoreFuncType flatten_functype(const CanonicalOptions& opts, const FuncType& ft, FlattenContext context) {
  std::vector<CoreType> flat_params = flatten_types(ft.param_types(), opts);
  std::vector<CoreType> flat_results = flatten_types(ft.result_type(), opts);
  if (!opts.async_) {
    if (flat_params.size() > MAX_FLAT_PARAMS) flat_params = {memory_ptr_type(opts)};
    if (flat_results.size() > MAX_FLAT_RESULTS) {
      switch (context) {
        case FlattenContext::lift:
          flat_results = {memory_ptr_type(opts)};
          break;
        case FlattenContext::lower:
          flat_params.push_back(memory_ptr_type(opts));
          flat_results = {};
          break;
      }
    }
    return {flat_params, flat_results};
  }
  switch (context) {
    case FlattenContext::lift:
      if (flat_params.size() > MAX_FLAT_PARAMS) flat_params = {memory_ptr_type(opts)};
      if (opts.callback)
        flat_results = {CoreType::i32};
      else
        flat_results = {};
      break;
    case FlattenContext::lower:
      if (flat_params.size() > MAX_FLAT_ASYNC_PARAMS) flat_params = {memory_ptr_type(opts)};
      if (!flat_results.empty()) flat_params.push_back(memory_ptr_type(opts));
      flat_results = {CoreType::i32};
      break;
  }
  return {flat_params, flat_results};
}

std::vector<CoreType> flatten_types(const std::vector<ValType>& ts, const LiftLowerOptions& opts) {
  std::vector<CoreType> flat;
  for (const ValType& t : ts) append(flat, flatten_type(t, opts));
  return flat;
}

std::vector<CoreType> flatten_type(const ValType& type, const LiftLowerOptions& opts) {
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
    case Kind::U8:
    case Kind::U16:
    case Kind::U32:
    case Kind::S8:
    case Kind::S16:
    case Kind::S32:
      return {CoreType::i32};
    case Kind::S64:
    case Kind::U64:
      return {CoreType::i64};
    case Kind::String:
      return {memory_ptr_type(opts), memory_ptr_type(opts)};
    case Kind::ErrorContext:
      return {CoreType::i32};
    case Kind::List:
      return flatten_list(opts);
    case Kind::Record:
      return flatten_record(t->fields, opts);
    case Kind::Variant:
      return flatten_variant(t->cases, opts);
    case Kind::Own:
    case Kind::Borrow:
    case Kind::Stream:
    case Kind::Future:
      return {CoreType::i32};
    default:
      LOCKSTEP_ASSERT(false);
  }
}

std::vector<CoreType> flatten_list(const LiftLowerOptions& opts) {
  return {memory_ptr_type(opts), memory_ptr_type(opts)};
}

std::vector<CoreType> flatten_record(const std::vector<FieldType>& fields, const LiftLowerOptions& opts) {
  std::vector<CoreType> flat;
  for (const FieldType& f : fields) append(flat, flatten_type(f.t, opts));
  return flat;
}

std::vector<CoreType> flatten_variant(const std::vector<CaseType>& cases, const LiftLowerOptions& opts) {
  std::vector<CoreType> payload;
  for (const CaseType& c : cases) {
    if (!c.t) continue;
    const std::vector<CoreType> of_case = flatten_type(c.t, opts);
    for (size_t i = 0; i < of_case.size(); ++i) {
      if (i < payload.size())
        payload[i] = join(payload[i], of_case[i]);
      else
        payload.push_back(of_case[i]);
    }
  }
  std::vector<CoreType> flat = flatten_type(discriminant_type(cases), opts);
  append(flat, payload);
  return flat;
}

CoreType join(CoreType a, CoreType b) { return a == b ? a : CoreType::i64; }

}  // namespace lockstep::model
