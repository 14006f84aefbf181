// Runs one function on concrete values: memory is what a World says, and so is everything that its callees do. What
// anybody could have observed on the way is written down, so that two functions can be compared on the same input.
//
// The meaning is that of the verifier (properties/clif): byte memory at 64-bit addresses that wrap around; accessible
// bytes are the same for loads and stores, and may change with every call; stack slots are private until their address
// escapes; calls, atomics, fences, traps and returns observe all other memory. Promises of the producer (notrap,
// aligned, readonly, regions, private slots) are checked: a run that breaks one says nothing about the function.
//
// Not run: pinned registers, more than 64 stack slots, arithmetic of vectors and of 16- and 128-bit floats (up to 128
// bits are moved about, and combined bit by bit). Such a run ends as kUnsupported and names the operation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "optimized/clif/ir.h"

namespace lockstep::clif {

// Up to 128 bits; those that a value's type does not have are zero.
struct Bits {
  uint64_t lo = 0, hi = 0;
  friend bool operator==(const Bits&, const Bits&) = default;
};

// What the interpreter has no meaning for; what() is its name.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Evaluated {
  std::vector<Bits> results;
  std::optional<TrapCode> trap;  // then there are no results
};
// Instructions that depend on nothing but their operands: constants, integers, floats, conversions, select. Floats that
// are computed and come out as NaN are the canonical one. Throws Unsupported for all others.
Evaluated evaluate(const Function& function, const Inst& inst, const std::vector<Bits>& args);

// One point at which somebody outside could look.
struct Event {
  // "return", "trap user1", "call %g", "call_indirect (i64) -> i32 tail", "try_call %g [tag0, default]",
  // "atomic_store.i32", "fence", "return_call %g"; "trap in call %g" if it was the callee that trapped.
  std::string what;
  // Arguments (of an indirect call: the callee, then the arguments; of a try_call the contexts behind them), returned
  // values, the operands of an atomic in the order of Inst::args.
  std::vector<Bits> values;
  // Visible bytes that differ from what World::byte says. Without private slots; at return, tail call and trap without
  // all slots.
  std::map<uint64_t, uint8_t> memory;
  BlockId block = 0;
  size_t inst = 0;  // in that block
};

// What a function meets. Both sides of a pair are run in the same world, so it must be deterministic: equal questions
// get equal answers.
class World {
 public:
  // What the callee (or the other threads) did.
  struct Reply {
    enum How {
      kReturn,
      kHandler,  // came back through a handler of try_call; on any other call the exception leaves the function
                 // (kNever)
      kTrap,
      kNever  // did not come back
    };
    How how = kReturn;
    size_t handler = 0;         // kHandler: which of Inst::handlers
    std::vector<Bits> results;  // kReturn: as many as the callee returns; kHandler: the payload; those missing are 0.
                                // Atomics: what was read; empty: what memory holds.
    std::map<uint64_t, uint8_t> writes;  // bytes that others have changed; private slots are out of their reach
  };

  virtual ~World() = default;
  // Memory at entry, stack slots included.
  virtual uint8_t byte(uint64_t address) = 0;
  // Asked for all bytes but those of stack slots. `epoch`: how many replies there have been.
  virtual bool accessible(uint64_t epoch, uint64_t address) = 0;
  virtual uint64_t slot_address(uint32_t slot) = 0;
  // The address of a function or symbol: "%g". Also asked for "get_frame_pointer", "get_stack_pointer" and
  // "get_return_address".
  virtual uint64_t symbol(const std::string& name) = 0;
  // A plain load is about to read from there; for worlds that keep promises about what loads give.
  virtual void loading(const Function&, const Inst&, uint64_t /*address*/) {}
  // Reply number n, to a call, atomic, fence, debugtrap or sequence_point (which need only `writes`, if anything).
  virtual Reply call(size_t n, const Event& event, const Function& function, const Inst& inst) = 0;
};

struct Run {
  enum End {
    kReturned,       // also by a tail call
    kTrapped,        // by itself or in a callee
    kNever,          // a callee did not come back
    kOutOfSteps,     // max_steps instructions have been executed
    kPromiseBroken,  // the function has broken a promise of its producer
    kUnsupported
  };
  End end = kReturned;
  std::string reason;  // of kPromiseBroken ("notrap load.i32 of inaccessible byte 0x10 in block2"), kUnsupported; of
                       // kTrapped the trap code
  std::vector<Event> events;
  std::vector<BlockId> path;  // the blocks that were entered
  size_t steps = 0;           // instructions executed
  size_t executed_loads = 0;
  size_t executed_stores = 0;
  // kPromiseBroken by loads only: the run went on with what memory holds, and this is how it ended. An optimized
  // function may load earlier than the original, on inputs where the original traps before it gets there.
  std::optional<End> despite;
  bool only_can_move = false;  // all these loads were `can_move`
};
// `args`: one for each parameter. Never throws for what the function does.
Run run(const Function& function, const std::vector<Bits>& args, World& world, size_t max_steps, bool trust_regions);

// Why a run of `after` is not one of `before`.
struct Difference {
  enum Kind {
    kDiffers,
    kUseless  // the input says nothing: `before` broke a promise, something is unsupported, or steps ran out
  };
  Kind kind = kDiffers;
  size_t event = 0;  // the first that differs; the number of equal ones if it is the end that differs
  std::string what;  // one line
};
// nullopt: both were seen to do the same.
std::optional<Difference> compare(const Run& before, const Run& after);

}  // namespace lockstep::clif
