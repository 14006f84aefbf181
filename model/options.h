// definitions.py "## Canonical ABI Options"
//
// A memory, and what a lifted or lowered function is told about the core side.
#pragma once

#include <cstdint>

#include "model/types.h"

namespace lockstep::model {

inline uint64_t ptr_size(CoreType ptr_type) { return ptr_type == CoreType::i32 ? 4 : 8; }

struct MemInst {
  uint8_t* bytes = nullptr;
  uint64_t length = 0;
  CoreType addrtype = CoreType::i32;

  CoreType ptr_type() const { return addrtype; }
  uint64_t ptr_size() const { return model::ptr_size(ptr_type()); }
};

enum class StringEncoding : uint8_t { utf8, utf16, latin1_utf16 };

struct LiftOptions {
  StringEncoding string_encoding = StringEncoding::utf8;
  MemInst* memory = nullptr;

  static bool equal(const LiftOptions& lhs, const LiftOptions& rhs) {
    return lhs.string_encoding == rhs.string_encoding && lhs.memory == rhs.memory;
  }
};

struct LiftLowerOptions : LiftOptions {
  CoreFunc realloc;
};

struct CanonicalOptions : LiftLowerOptions {
  CoreFunc post_return;
  bool async_ = false;
  CoreFunc callback;
};

}  // namespace lockstep::model
