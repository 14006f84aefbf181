#include "model/flat_lifting.h"

#include "model/despecialization.h"
#include "model/flattening.h"
#include "model/loading.h"
#include "model/trap.h"

namespace lockstep::model {

CoreVal CoreValueIter::next(CoreType t) {
  const CoreVal v = values.at(i);
  i += 1;
  spec_assert(t == CoreType::i64 || v < uint64_t{1} << 32, "CoreValueIter.next#1");
  return v;
}

Value lift_flat(const LiftLowerContext& cx, CoreValueIter& vi, const ValType& type) {
  const ValType t = despecialize(type);
  switch (t->kind) {
    case Kind::Bool:
      return number(convert_int_to_bool(vi.next(CoreType::i32)));
    case Kind::U8:
      return number(lift_flat_unsigned(vi, 32, 8));
    case Kind::U16:
      return number(lift_flat_unsigned(vi, 32, 16));
    case Kind::U32:
      return number(lift_flat_unsigned(vi, 32, 32));
    case Kind::U64:
      return number(lift_flat_unsigned(vi, 64, 64));
    case Kind::S8:
      return number(lift_flat_signed(vi, 32, 8));
    case Kind::S16:
      return number(lift_flat_signed(vi, 32, 16));
    case Kind::S32:
      return number(lift_flat_signed(vi, 32, 32));
    case Kind::S64:
      return number(lift_flat_signed(vi, 64, 64));
    case Kind::String:
      return lift_flat_string(cx, vi);
    case Kind::ErrorContext:
      return lift_error_context(cx, vi.next(CoreType::i32));
    case Kind::List:
      return lift_flat_list(cx, vi, t->t);
    case Kind::Record:
      return lift_flat_record(cx, vi, t->fields);
    case Kind::Variant:
      return lift_flat_variant(cx, vi, t->cases);
    case Kind::Own:
      return lift_own(cx, vi.next(CoreType::i32), t);
    case Kind::Borrow:
      return lift_borrow(cx, vi.next(CoreType::i32), t);
    case Kind::Stream:
      return lift_stream(cx, vi.next(CoreType::i32), t->t);
    case Kind::Future:
      return lift_future(cx, vi.next(CoreType::i32), t->t);
    default:
      LOCKSTEP_ASSERT(false);
  }
}

uint64_t lift_flat_unsigned(CoreValueIter& vi, uint32_t core_width, uint32_t t_width) {
  const uint64_t i = vi.next(core_width == 32 ? CoreType::i32 : CoreType::i64);
  spec_assert(i < uint128{1} << core_width, "lift_flat_unsigned#1");
  return i << (64 - t_width) >> (64 - t_width);
}

// Sign-extended to 64 bits.
uint64_t lift_flat_signed(CoreValueIter& vi, uint32_t core_width, uint32_t t_width) {
  const uint64_t i = vi.next(core_width == 32 ? CoreType::i32 : CoreType::i64);
  spec_assert(i < uint128{1} << core_width, "lift_flat_signed#1");
  return static_cast<uint64_t>(static_cast<int64_t>(i << (64 - t_width)) >> (64 - t_width));
}

Value lift_flat_string(const LiftLowerContext& cx, CoreValueIter& vi) {
  const CoreVal ptr = vi.next(cx.memory().ptr_type());
  const CoreVal packed_length = vi.next(cx.memory().ptr_type());
  return load_string_from_range(cx, ptr, packed_length);
}

Value lift_flat_list(const LiftLowerContext& cx, CoreValueIter& vi, const ValType& elem_type) {
  const CoreVal ptr = vi.next(cx.memory().ptr_type());
  const CoreVal length = vi.next(cx.memory().ptr_type());
  return load_list_from_range(cx, ptr, length, elem_type);
}

Value lift_flat_record(const LiftLowerContext& cx, CoreValueIter& vi, const std::vector<FieldType>& fields) {
  Value record;
  for (const FieldType& f : fields) record.children.push_back(lift_flat(cx, vi, f.t));
  return record;
}

Value lift_flat_variant(const LiftLowerContext& cx, CoreValueIter& vi, const std::vector<CaseType>& cases) {
  std::vector<CoreType> flat_types = flatten_variant(cases, *cx.opts);
  spec_assert(flat_types.at(0) == CoreType::i32, "lift_flat_variant#1");
  flat_types.erase(flat_types.begin());
  const CoreVal case_index = vi.next(CoreType::i32);
  trap_if(case_index >= cases.size(), TrapSite::kLiftFlatVariant1);
  class CoerceValueIter : public CoreValueIter {
   public:
    CoerceValueIter(CoreValueIter& vi_, std::vector<CoreType>& flat_types_)
        : CoreValueIter({}), vi(vi_), flat_types(flat_types_) {}
    CoreVal next(CoreType want) override {
      const CoreType have = flat_types.at(0);
      flat_types.erase(flat_types.begin());
      const CoreVal x = vi.next(have);
      if (have == CoreType::i64 && want == CoreType::i32) return wrap_i64_to_i32(x);
      spec_assert(have == want, "lift_flat_variant.CoerceValueIter.next#1");
      return x;
    }

   private:
    CoreValueIter& vi;
    std::vector<CoreType>& flat_types;
  };
  const CaseType& c = cases[case_index];
  Value v;
  v.case_index = static_cast<uint32_t>(case_index);
  if (c.t) {
    CoerceValueIter coerce(vi, flat_types);
    v.children.push_back(lift_flat(cx, coerce, c.t));
  }
  for (const CoreType have : flat_types) vi.next(have);
  return v;
}

CoreVal wrap_i64_to_i32(CoreVal i) { return i & 0xffff'ffff; }

}  // namespace lockstep::model
