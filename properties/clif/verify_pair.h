// The verdict on one pair of functions, with everything that stands behind it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "optimized/clif/interpreter.h"
#include "optimized/clif/ir.h"
#include "optimized/clif/promises.h"
#include "properties/smt/solver.h"

namespace lockstep::refinement {

using namespace clif;

enum class Verdict {
  kProved,
  kIdentical,    // the text is the same: nothing was to be proved
  kBounded,      // no difference as long as no loop goes round more than `bound` times
  kRefuted,      // and seen to differ when both sides were run
  kUnknown,      // time or memory ran out, or a counterexample could not be confirmed
  kUnsupported,  // an operation without a meaning here
};
std::string_view name_of(Verdict);

struct VerifyOptions {
  bool trust_regions = true;
  Promises promises;
  uint32_t unroll = 3;
  smt::Limits limits;
  uint32_t random_runs = 1000;
  uint64_t seed = 1;
  smt::Solver* cross_check = nullptr;  // asked the same questions
  smt::Limits cross_limits{std::chrono::seconds(60), 4096};
  std::string dump;  // a folder for every question, as SMT-LIB; empty: none
  // Whether to find out which promises the verdict needs, by asking again without them.
  bool without_promises = true;
  bool simplify = true;  // of terms as they are made; without, the solver gets everything as it is
};

class WrittenWorld;

// Two runs that differ, of the same world.
struct Counterexample {
  std::vector<std::pair<Value, clif::Bits>> arguments;
  Run before, after;
  std::string difference;  // "at return, byte 0x10: before 0x34, after unchanged"
  // Bytes at entry, slots, symbols and replies of callees that matter, a line each.
  std::vector<std::string> world;
  // The bytes that differ at the point of observation: address, both values, and what the address belongs to.
  std::vector<std::string> bytes;
  // All of that world (world.h), to run both sides again; nullptr if it was one of chance.
  std::shared_ptr<const WrittenWorld> written;
};

struct PairResult {
  std::string name;  // "%f"
  Verdict verdict = Verdict::kUnknown;
  std::string reason;  // kUnknown, kUnsupported, kBounded: why
  uint32_t bound = 0;
  std::chrono::microseconds took{};  // of the solver and ours, without random runs
  size_t queries = 0;

  bool loops_cut = false;
  std::vector<std::string> assumptions;  // what the verdict rests on, a sentence each
  std::vector<std::string> warnings;
  std::optional<Counterexample> counterexample;
  // Refuted without the promises of --assume, proved with them: these.
  std::vector<std::string> facts_to_teach;

  uint32_t random_runs = 0;    // that kept all promises
  std::string random_note;     // why there were none
  std::string internal_error;  // the proof and a run contradict each other: exit code 3
  enum Cross { kNotAsked, kAgrees, kUndecided, kContradicts } cross = kNotAsked;

  size_t stores_before = 0, stores_after = 0, loads_before = 0, loads_after = 0;
};

PairResult verify_pair(const Function& before, const Function& after, const VerifyOptions&, smt::Solver&);

// Makes a refuted pair smaller as long as it is refuted the same way: instructions that both sides have are taken away
// together, those that one side has alone, alone.
std::pair<Function, Function> reduce_pair(const Function& before, const Function& after, const VerifyOptions&,
                                          smt::Solver&);

}  // namespace lockstep::refinement
