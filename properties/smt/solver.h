// Asking a solver: a query is written as SMT-LIB text and answered by a child process under hard limits.
//
// Z3 runs as a library in a child that is kept for the next query and killed when it takes too long; cvc5 is started as
// a program, once for each query. Both get the same text, which is also what --dump-smt writes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "properties/smt/term.h"

namespace lockstep::smt {

// The text that asks whether all of `assertions` can be true together, and for the values of every function
// application in them if they can. Numbers in it do not depend on anything but the terms.
struct Query {
  std::string text;
  std::vector<Term> asked;  // the applications whose values are asked for, in the order of the text
};
Query make_query(const Terms&, const std::vector<Term>& assertions);
// The same with what is put together from neighbouring bytes of one memory as an unknown of its own, a function of the
// first address. What cannot be true then, cannot; an answer that it can says nothing, and no values are asked for.
// Solvers find that pointers loaded from the same place are equal much sooner.
Query make_query_of_words(const Terms&, const std::vector<Term>& assertions);

struct Answer {
  enum Kind { kUnsat, kSat, kUnknown };
  Kind kind = kUnknown;
  std::string reason;  // kUnknown: "timeout after 10.0 s", "out of memory", "the solver died", or what it printed
  Model model;         // kSat
  std::chrono::microseconds took{};
};

struct Limits {
  std::chrono::milliseconds time{10'000};  // of one query
  size_t memory_mib = 2048;                // of the solver's process
};

class Solver {
 public:
  virtual ~Solver() = default;
  virtual std::string name() const = 0;  // "Z3 4.8.12"
  virtual Answer ask(const Terms&, const Query&, const Limits&) = 0;
};

std::unique_ptr<Solver> make_z3();
// nullptr if there is no program `cvc5` in the path.
std::unique_ptr<Solver> make_cvc5();

}  // namespace lockstep::smt
