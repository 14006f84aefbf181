// What a producer of CLIF promises and the text does not say: the language of --assume.
//
// One promise a line; `#` begins a comment, and a comment of the form `# source: …` is kept as the source of the
// promises below it, up to the next empty line. Regions are named by their description in quotation marks; "#123" is
// the region with the producer's number 123, whatever its description.
//
//   same-value load "VMContext"+8            every 8-byte load of this region at this offset, from whatever address,
//                                            gives one value as long as the function runs
//   same-value load.i32 "VMContext"+8        the same for another width (i8, i16, i32, i64)
//   apart param 0, param 1                   accesses whose address is one of these pointers plus a constant touch no
//   apart param 0, load "VMContext"+8        byte that is touched through the other
//   untagged-apart                           accesses without a region touch no byte that is accessed with one
//   untagged-apart "heap"                    … none that is accessed with this region
//   call %g never-reads "VMStoreContext"     the callee does not look at the bytes that this function accesses with the
//   call %g never-reads "VMStoreContext"+64  region (at this offset of the address), nor does whoever it calls;
//   call * never-writes "VMStoreContext"     does not change them. `*`: every call, atomics and fences included;
//   call indirect never-reads "R"            call_indirect and try_call_indirect
//   call %g never-traps                      the callee does not trap: nobody else looks while it runs. Without this
//                                            line or the next one, never-reads alone says nothing about a verdict
//   trap never-reads "VMStoreContext"        whoever looks after a trap, here or in a callee, does not look there
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// A place in a text that cannot be read. what() is "LINE:COLUMN: text".
struct PromiseError : std::runtime_error {
  PromiseError(Location at, const std::string& text);
  Location at;
};

// `load "VMContext"+8`
struct LoadShape {
  std::string region;  // the description
  int32_t offset = 0;
  uint32_t bytes = 8;
  friend bool operator==(const LoadShape&, const LoadShape&) = default;
};

// `param 0` or a load
struct PointerName {
  enum Kind : uint8_t { kParam, kLoad };
  Kind kind = kParam;
  uint32_t param = 0;
  LoadShape load;
};

// Whether a promise that says `name` means this region.
bool is_region_named(const Function&, uint32_t region, const std::string& name);

struct Promise {
  enum Kind : uint8_t {
    kSameValue,
    kApart,
    kUntaggedApart,
    kCallNeverReads,
    kCallNeverWrites,
    kCallNeverTraps,
    kTrapNeverReads
  };
  Kind kind{};
  LoadShape load;                 // kSameValue
  PointerName a, b;               // kApart
  std::string region;             // kUntaggedApart ("": every region), kCallNeverReads, kCallNeverWrites, kTrap…
  std::optional<int32_t> offset;  // kCallNever…: only accesses at this offset
  std::string callee;             // kCallNever…: "%g", "u0:7", "*", "indirect"
  std::string text;               // the line as it was written, without comment and outer blanks
  std::string source;             // of the `# source:` comment above
  Location at;
};

struct Promises {
  std::vector<Promise> list;

  // Whether the result of this load is the one of every other of the same promise: the promise, or nullptr.
  const Promise* same_value(const Function&, const Inst& load) const;
  // Whether an access without a region cannot touch what is accessed with this one.
  bool untagged_apart(const Function&, uint32_t region) const;
  // Whether nobody looks at what `access` touches while `call` runs: neither the callee nor, if it can trap, who comes
  // after the trap.
  bool never_reads(const Function&, const Inst& call, const Inst& access) const;
  // Whether `call` does not change what `access` touches.
  bool never_writes(const Function&, const Inst& call, const Inst& access) const;
  // Whether nobody looks at what `access` touches after a trap.
  bool trap_never_reads(const Function&, const Inst& access) const;
};

// Reads the text of an --assume file. Throws PromiseError.
Promises read_promises(std::string_view text);

}  // namespace lockstep::clif
