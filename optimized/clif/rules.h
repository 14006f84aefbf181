// What Cranelift demands of the types of each instruction: which type controls it, how that type is found, and how the
// types of the operands and results follow from it. One table for the reader (which infers types), verify.h (which
// checks them) and the printer (which must know when a type suffix is needed).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// Where an instruction's controlling type comes from.
enum class Control : uint8_t {
  kNone,     // it has no type, or always the same: a suffix is an error
  kSuffix,   // only from the suffix, which must be there
  kOperand,  // from an operand; the suffix may say it too
};

// Which types may control it.
enum class TypeSet : uint8_t {
  kEmpty,
  kAny,          // every scalar and vector
  kInt,          // integers and vectors of them
  kIntScalar,    // i8 … i128
  kNarrow,       // i8 … i64
  kSwappable,    // i16 … i128
  kAddress,      // i32, i64
  kExt8,         // i16 … i64
  kExt16,        // i32, i64
  kExt32,        // i64
  kFloat,        // floats and vectors of them
  kFloatScalar,  // f16 … f128
  kVector,
  kBytes,   // i8x16
  kSingle,  // f32
  kDouble,  // f64
};

// The types of operands and results, one letter each, C being the controlling type:
//   C it        b i8         3 i32       6 i64      a i32 or i64   s an integer scalar   M anything
//   L its lane  D twice its width  H half its width  n a narrower, w a wider integer  f a narrower, F a wider float
//   t what comparing it gives  g floats, i integers with as many lanes  V a vector
struct Rule {
  Opcode op{};
  Control control = Control::kNone;
  size_t operand = 0;  // kOperand: which
  TypeSet types = TypeSet::kEmpty;
  std::string_view args;  // of calls and return: only the callee's address, the rest is their signature's affair
  std::string_view results;
};
const Rule& rule_of(Opcode op);

bool contains(TypeSet set, Type type);
// In words: "an integer".
std::string_view name_of(TypeSet set);

// Whether `actual` is what `letter` asks for.
bool fits(char letter, Type controlling, Type actual);
// The type that `letter` stands for, for letters that say exactly one (those of results). Invalid: there is none.
Type meant_by(char letter, Type controlling);
// What `letter` asks for, in words.
std::string described(char letter, Type controlling);

// The type of an instruction whose rule has no controlling type: i8x16 of swizzle, f32 of f32const; often invalid.
Type fixed_type(Opcode op);

}  // namespace lockstep::clif
