// One CLIF function on symbolic values: from a point where both sides of a pair are in step to the next such point.
//
// Nothing is enumerated: the paths between two points are merged. Every block has the condition under which it is
// reached, block parameters are if-then-else over the edges that come in, and memory is one list of guarded stores in
// an order that all paths agree with, so the bytes at an address are read off the list from its end. What is left of
// memory where nobody has written is an unknown function of the address, a new one after every call.
//
// The meaning is that of properties/README.md, "What CLIF means here".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "optimized/clif/ir.h"
#include "optimized/clif/promises.h"
#include "properties/smt/term.h"

namespace lockstep::refinement {

using namespace clif;  // the functions that are talked about
using smt::Bits;       // not the interpreter's
using smt::FunctionId;
using smt::Term;
using smt::Terms;

// Something in a function that the verifier has no meaning for.
struct UnsupportedOperation : std::runtime_error {
  UnsupportedOperation(std::string operation, Location where)
      : std::runtime_error(operation), name(std::move(operation)), at(where) {}
  std::string name;
  Location at;
};

// The stack slots that a value's bits derive from: bit n for slot n; kElsewhere for whatever came from outside of the
// function, constants included. A value without kElsewhere is the address of its slot, with an index perhaps.
using Origins = uint64_t;
inline constexpr Origins kElsewhere = Origins{1} << 63;
inline constexpr uint32_t kMaxSlots = 62;

struct SymbolicValue {
  Term term{};  // Term{0}: there is none
  Origins origins = 0;
  bool valid() const { return term.id != 0; }
};
using Environment = std::vector<SymbolicValue>;  // by Value

// What an access goes through.
struct Place {
  Term address{};
  uint32_t bytes = 0;
  std::optional<uint32_t> region;
  int slot = kNoSlot;  // the slot that is accessed for certain
  bool aligned = false;
  const Inst* inst = nullptr;
  static constexpr int kNoSlot = -1;       // none that is private
  static constexpr int kPerhapsSlot = -2;  // the address was made from a slot's address and something else
};

struct Write {
  Place place;
  Term guard{};
  Term value{};  // as the bytes lie in memory, the first in the low bits
  Origins origins = 0;
  BlockId block = 0;
  // The bytes had this value before the earlier stores to them that this one covers: together they changed nothing.
  bool restores = false;
  // Grows from store to store. `since`: that of the first store which this one covers, as far back as `restores` goes.
  uint32_t order = 0;
  uint32_t since = 0;
};

// Memory as one side sees it: stores over unknown bytes.
struct Memory {
  std::vector<Write> writes;
  FunctionId base = 0;                       // unknown bytes of everything but
  std::map<uint32_t, FunctionId> kept;       // regions that calls leave alone (a promise), and
  std::map<uint32_t, FunctionId> slot_base;  // slots that nobody else has seen yet
};

// A plain access, for what the producer promises with its flags.
struct AccessRecord {
  Place place;
  MemFlags flags;
  bool is_store = false;
  Term guard{};       // reached, nothing having trapped before
  Term flow_guard{};  // the same if accesses to inaccessible bytes are taken not to trap
  BlockId block = 0;
  Term accessible{};  // the condition that the bytes can be accessed
};

// A place in a function where something can be seen, and where both sides must agree.
struct Position {
  uint32_t block_index = 0;  // in Function::blocks
  uint32_t inst = 0;
  uint32_t round = 0;  // which unrolled copy: an index into Executor's counters
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct Outcome {
  enum Kind { kReturn, kTrap, kObservation, kLoopHead, kBound };
  Kind kind{};
  std::string key;  // two sides are in step if the keys are equal: "return", "trap user1", "call %g", "loop 3"
  Term guard{};
  std::vector<Term> payload;  // returned values; arguments
  Origins origins = 0;        // of the payload
  Position at;
  const Inst* inst = nullptr;
  BlockId block = 0;
  Environment environment;               // kObservation, kLoopHead
  std::vector<SymbolicValue> arguments;  // kLoopHead: of its parameters
};

struct Segment {
  std::vector<Outcome> outcomes;
  Memory memory;  // with the stores of all paths
  std::vector<AccessRecord> accesses;
};

// What both sides share: unknowns of the outside world, equal on both sides because they are the same terms.
class Outside {
 public:
  Outside(Terms&, bool trust_regions, const Promises&);
  Terms& terms;
  const bool trust_regions;
  const Promises& promises;

  Term slot_address(uint32_t slot);
  Term symbol(const std::string& name, uint32_t width = 64);
  FunctionId operation(const std::string& name, const std::vector<uint32_t>& arguments, uint32_t width);
  FunctionId new_memory(const std::string& name);         // address -> byte
  FunctionId new_accessibility(const std::string& name);  // address -> truth
  Term same_value(const Promise&);                        // what all loads of the promise give
  // The pointer of an `apart` promise; a term that no address has if the function has no such parameter.
  Term pointer(const Function&, const PointerName&);
  // The values of the function's parameters: set once, before anything runs.
  std::vector<Term> parameters;
  const FunctionId initial_memory;
  // The bytes that loads of a `same-value` promise read: the world of a counterexample must have them.
  struct Forced {
    Term guard{}, address{}, value{};
    uint32_t bytes = 0;
  };
  std::vector<Forced> forced;
  std::set<const Promise*> used;  // promises that a simplification rested on
  bool regions_used = false;      // and whether one rested on regions

 private:
  std::map<uint32_t, Term> slots_;
  std::map<std::string, Term> symbols_;
  std::map<std::string, FunctionId> operations_;
  std::map<const Promise*, Term> same_values_;
};

class Executor {
 public:
  // unroll: how often a back edge may be taken before the path is given up (kBound); 0: loops are cut at their heads.
  Executor(const Function&, Outside&, uint32_t unroll);

  const Function& function() const { return function_; }
  Value max_value() const { return max_value_; }
  bool has_loops() const { return !heads_.empty(); }
  bool reducible() const { return reducible_; }
  const std::vector<uint32_t>& loop_heads() const { return heads_; }  // indices of blocks, in reverse post-order
  // A number that grows along every path that is not cut.
  uint64_t order_of(Position) const;
  bool in_loop(uint32_t head, uint32_t block) const { return loop_blocks_.at(head).contains(block); }
  bool loop_has_observation(uint32_t head) const { return loop_observes_.at(head); }

  struct Start {
    Position at;
    bool at_loop_head = false;  // the head itself is run, and cut when it is reached again
    Environment environment;
    Memory memory;
    Term guard{};
    Term flow_guard{};
    FunctionId accessible = 0;
    Origins escaped = 0;  // slots that others have seen
    // After a call that can throw: which way it went, and what it handed over.
    Term way{};
    std::vector<SymbolicValue> results;
    std::vector<SymbolicValue> payload;
  };
  Segment run(const Start&);

  // The bytes at a place, where `context` is known to hold.
  Term read(const Memory&, Term context, const Place&, Origins escaped, Origins* origins = nullptr) const;
  Term zero(Type) const;
  // Whether the access lies in this slot of the function.
  Term in_slot(const Place&, uint32_t slot) const;

 private:
  struct Edge {
    size_t to = 0;
    Term guard{}, flow_guard{};
    std::vector<SymbolicValue> arguments;
  };
  struct Node {
    uint32_t block = 0;
    uint32_t round = 0;
    std::vector<std::pair<size_t, size_t>> incoming;  // node, edge
    std::vector<Edge> edges;
    Environment environment;
    Term guard{}, flow_guard{};
  };
  struct Run;  // one call of run()

  // Whether an access at `place` touches bytes of one at `other`, and how far behind it begins then, if that is known.
  enum class Overlap { kNone, kKnown, kPerhaps };
  Overlap overlap(const Place& place, const Place& other, Origins escaped, int64_t& distance) const;

  void find_loops();
  std::optional<uint32_t> next_round(uint32_t from, uint32_t to, uint32_t round);

  const Function& function_;
  Outside& out_;
  Terms& t_;
  const uint32_t unroll_;
  std::map<BlockId, uint32_t> index_;              // of blocks
  std::vector<std::vector<uint32_t>> successors_;  // of blocks
  std::vector<uint32_t> order_;                    // reverse post-order number of each block
  std::vector<uint32_t> heads_;
  std::set<std::pair<uint32_t, uint32_t>> back_edges_;
  std::map<uint32_t, std::set<size_t>> loop_blocks_;
  std::map<uint32_t, bool> loop_observes_;
  bool reducible_ = true;
  std::vector<std::vector<uint32_t>> rounds_;  // how often each head was passed
  std::map<std::vector<uint32_t>, uint32_t> round_index_;
  Value max_value_ = 0;
};

// The value of a pure instruction, and the condition under which it traps with a code. Throws UnsupportedOperation.
struct PureResult {
  std::vector<Term> results;
  std::vector<std::pair<Term, TrapCode>> traps;  // in the order in which they are looked for
};
PureResult pure(Outside&, const Function&, const Inst&, const std::vector<Term>& arguments);
bool is_pure(Opcode);

}  // namespace lockstep::refinement
