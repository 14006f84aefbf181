// What an engine can run: the built-ins and the parts of the vocabulary that a scenario may use. What goes beyond it is
// skipped and counted, or not even generated (`run --supported`).
//
// Engines in another process say it in their hello (diff/PROTOCOL.md), plug-ins in their table (diff/plugin.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "traces/scenario.h"

namespace lockstep::diff {

struct GeneratorOptions;

// Besides built-ins and synchronous functions of u32. The numbers are those of diff/plugin.h.
enum class Need : uint32_t {
  kAsync,         // functions of async type, async lifts, async lowering
  kValues,        // other types, parameters in memory, realloc
  kResources,     // own and borrow in types
  kStreams,       // streams in types, and ends of them that the host holds
  kFutures,       // the same
  kI64,           // memories, slots and arguments of threads of 64 bits
  kTableLimit,    // a Table.MAX_LENGTH that can be reached
  kStart,         // start functions
  kPostReturn,    // post-return functions
  kExceptions,    // core exceptions
  kRecursion,     // calls within an instance and between child and ancestor
  kNestedInvoke,  // host functions that invoke
};
inline constexpr size_t kNeedCount = static_cast<size_t>(Need::kNestedInvoke) + 1;
std::string_view name(Need);

struct Support {
  uint64_t builtins = ~uint64_t{0};  // 1 << Op
  uint32_t needs = ~uint32_t{0};     // 1 << Need

  bool has(traces::Op op) const { return (builtins >> static_cast<uint32_t>(op) & 1) != 0; }
  bool has(Need n) const { return (needs >> static_cast<uint32_t>(n) & 1) != 0; }
  bool everything() const { return *this == Support{}; }
  bool operator==(const Support&) const = default;
};

// Everything that both support.
Support operator&(const Support&, const Support&);

// From the names of built-ins and needs. Throws InputError.
Support support_from_names(const std::vector<std::string>& names, const std::string& place);
std::vector<std::string> names_of(const Support&);

// What the scenario uses that is not supported: a name, the first there is; empty if there is none. Definitions that no
// script and no call uses do not count.
std::string lacking(const traces::Scenario&, const Support&);
// Whether an operation of a script of this instance, with its body, is supported.
bool supports(const Support&, const traces::Operation&, const traces::Instance&);

// Takes out of the options what is not supported, so that cases are made of the rest.
void restrict_to(GeneratorOptions&, const Support&);

}  // namespace lockstep::diff
