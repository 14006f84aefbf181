// The seed's three hopes about the compiler, as theorems: an adapter that makes its task in its own stack frame and
// calls a callee that has no access to the task. Each has negative controls: what the callee or the host must not do,
// done, and the theorem falls.
#pragma once

#include <string>
#include <vector>

#include "diff/report.h"
#include "properties/clif/verify_pair.h"

namespace lockstep::refinement {

struct Claim {
  std::string name;
  std::string sentence;
  std::string before, after;  // CLIF
  std::string promises;       // in the language of --assume
};
struct Theorem {
  Claim claim;                  // must come out PROVED
  std::vector<Claim> controls;  // must come out REFUTED
};
const std::vector<Theorem>& theorems();

struct ProveCommand {
  std::string name;  // of one theorem; empty: all
  bool markdown = false;
  bool show = false;  // print the CLIF and the promises
  std::string json_file;
};
// 0: every theorem proved and every control refuted; 1: not so; 4: undecided.
int verb_prove(const ProveCommand&, const diff::Style&);

}  // namespace lockstep::refinement
