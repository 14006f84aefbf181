// definitions.py "## Canonical ABI Options", and of the value side what a u32 needs: lifting and lowering of flat
// values with their parameter and result areas in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace lockstep::model {

using Values = std::vector<uint32_t>;
using CoreFunc = std::function<Values(const Values&)>;

enum class ValType : uint8_t { U32 };

struct FuncType {
  std::vector<ValType> params;
  std::vector<ValType> result;  // none or one
  bool async_ = false;
};

struct MemInst {
  uint8_t* bytes = nullptr;
  uint64_t length = 0;
};

enum class StringEncoding : uint8_t { utf8, utf16, latin1_utf16 };

struct LiftOptions {
  StringEncoding string_encoding = StringEncoding::utf8;
  MemInst* memory = nullptr;

  static bool equal(const LiftOptions& lhs, const LiftOptions& rhs) {
    return lhs.string_encoding == rhs.string_encoding && lhs.memory == rhs.memory;
  }
};

struct CanonicalOptions : LiftOptions {
  CoreFunc post_return;
  bool async_ = false;
  CoreFunc callback;
};

inline constexpr size_t MAX_FLAT_PARAMS = 16;
inline constexpr size_t MAX_FLAT_ASYNC_PARAMS = 4;
inline constexpr size_t MAX_FLAT_RESULTS = 1;

// Takes core values one after the other.
class CoreValueIter {
 public:
  explicit CoreValueIter(Values values) : values_(std::move(values)) {}
  uint32_t next() { return values_.at(i_++); }

 private:
  Values values_;
  size_t i_ = 0;
};

void store_u32(const MemInst& memory, uint32_t value, uint32_t ptr);
Values lift_flat_values(const LiftOptions& opts, size_t max_flat, CoreValueIter& vi, const std::vector<ValType>& ts);
// `out_param` is where the address of a result area comes from.
Values lower_flat_values(const LiftOptions& opts, size_t max_flat, const Values& vs, const std::vector<ValType>& ts,
                         CoreValueIter* out_param);

}  // namespace lockstep::model
