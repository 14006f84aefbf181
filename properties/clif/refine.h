// Whether one function refines another: the product of two symbolic runs that are kept in step.
//
// Both sides run from one point where something can be seen (a call, an atomic, a loop's head) to the next. There they
// must agree: on what is seen, with which operands, and on all bytes of memory that are anybody's business. What the
// outside then answers is the same unknown for both. The conditions under which they would disagree are collected, and
// one question goes to the solver: can any of them hold? What the producer promises (flags, regions) is given to the
// solver only as far as an answer breaks it: leaving a promise out can only make the question harder to answer with no.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "properties/clif/symbolic.h"
#include "properties/smt/solver.h"

namespace lockstep::refinement {

// Where and how the sides would disagree.
struct Disagreement {
  enum Kind { kEnding, kOperands, kMemory, kPromise };
  Kind kind{};
  Term condition{};
  std::string text;  // "before returns, after traps with user1"
  // kMemory: the bytes and where each side last wrote them.
  Term address{};
  uint32_t bytes = 0;
};

// One point where both sides are in step, as a counterexample needs it: what the outside answered there.
struct Step {
  std::string key;             // "call %g(i64)"
  const Inst* inst = nullptr;  // in before
  Term guard{};                // the run comes by here
  Term returns{};              // and comes back
  uint64_t order = 0;
  FunctionId memory = 0;      // bytes after it
  FunctionId accessible = 0;  // and which of them can be accessed
  std::vector<Term> results;
  Term way{};  // of a call that can throw; Term{0} otherwise
  std::vector<Term> payload;
};

struct RefinementOptions {
  bool trust_regions = true;
  uint32_t unroll = 3;
  smt::Limits limits;
  bool simplify = true;  // of terms as they are made; without, the solver gets everything as it is
};

struct Refinement {
  enum Kind { kProved, kBounded, kRefuted, kUnknown };
  Kind kind = kUnknown;
  std::string reason;         // kUnknown
  bool cut_loops = false;     // loops were proved by cut-points
  bool regions_used = false;  // the verdict rests on regions being apart
  std::vector<const Promise*> promises_used;
  std::vector<const char*> flags_used;  // "notrap", "aligned", "readonly": promises that the solver needed

  // kRefuted: a model, and what is needed to make a world of it.
  std::optional<smt::Model> model;
  std::optional<Disagreement> disagreement;
  std::vector<Step> steps;
  std::vector<Outside::Forced> forced;
  // The accesses of both sides: what their bytes belong to ("VMContext", "ss0", "no region").
  struct Touched {
    Place place;
    Term guard{};
    std::string name;
  };
  std::vector<Touched> touched;

  // Every question that was asked, for --dump-smt and --cross-check, with the answer it got.
  struct Asked {
    smt::Query query;
    smt::Answer::Kind answer;
  };
  std::vector<Asked> asked;
};

class Refiner {
 public:
  // The terms belong to the caller: a model's meaning depends on them.
  Refiner(const Function& before, const Function& after, const Promises&, RefinementOptions, smt::Solver&);
  ~Refiner();
  // Throws UnsupportedOperation.
  Refinement check();
  // After check() gave a model in whose world the sides do the same: the next one, of other disagreements, paths or
  // arguments; nullopt after a few. All together get half of a question's time.
  std::optional<Refinement> another();
  // After check(): whether there is an input on which before keeps its promises, and one on which it then comes to a
  // store that after does not make there. nullopt: not decided.
  struct Vacuity {
    std::optional<bool> promises_can_hold, elided_store_is_reached;
  };
  Vacuity vacuity();
  const Terms& terms() const;
  const Outside& outside() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lockstep::refinement
