#include "model/options.h"

#include "model/trap.h"

namespace lockstep::model {
namespace {

constexpr uint32_t kU32Size = 4;  // and alignment

bool in_bounds(const MemInst& memory, uint64_t ptr, uint64_t size) { return ptr + size <= memory.length; }

uint32_t load_u32(const MemInst& memory, uint32_t ptr) {
  const uint8_t* b = memory.bytes + ptr;
  return uint32_t{b[0]} | uint32_t{b[1]} << 8 | uint32_t{b[2]} << 16 | uint32_t{b[3]} << 24;
}

}  // namespace

void store_u32(const MemInst& memory, uint32_t value, uint32_t ptr) {
  spec_assert(ptr % kU32Size == 0, "store#1");
  spec_assert(in_bounds(memory, ptr, kU32Size), "store#2");
  for (uint32_t i = 0; i < kU32Size; ++i) memory.bytes[ptr + i] = static_cast<uint8_t>(value >> (8 * i));
}

Values lift_flat_values(const LiftOptions& opts, size_t max_flat, CoreValueIter& vi, const std::vector<ValType>& ts) {
  Values values;
  if (ts.size() > max_flat) {
    const uint32_t ptr = vi.next();
    trap_if(ptr % kU32Size != 0, TrapSite::kLiftFlatValues1);
    trap_if(!in_bounds(*opts.memory, ptr, ts.size() * kU32Size), TrapSite::kLiftFlatValues2);
    for (uint32_t i = 0; i < ts.size(); ++i) values.push_back(load_u32(*opts.memory, ptr + i * kU32Size));
  } else {
    for (size_t i = 0; i < ts.size(); ++i) values.push_back(vi.next());
  }
  return values;
}

Values lower_flat_values(const LiftOptions& opts, size_t max_flat, const Values& vs, const std::vector<ValType>& ts,
                         CoreValueIter* out_param) {
  if (ts.size() <= max_flat) return vs;
  LOCKSTEP_ASSERT(out_param != nullptr);  // more than MAX_FLAT_PARAMS parameters need realloc
  const uint32_t ptr = out_param->next();
  trap_if(ptr % kU32Size != 0, TrapSite::kLowerFlatValues1);
  trap_if(!in_bounds(*opts.memory, ptr, ts.size() * kU32Size), TrapSite::kLowerFlatValues2);
  for (uint32_t i = 0; i < vs.size(); ++i) store_u32(*opts.memory, vs[i], ptr + i * kU32Size);
  return {};
}

}  // namespace lockstep::model
