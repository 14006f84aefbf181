// What campaigns reach: in the real definitions.py its lines, branches and trap sites; in the model each operation in
// each guest context with each of its outcomes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>

#include "diff/campaign.h"
#include "traces/record.h"

namespace lockstep::diff {

// One cell of the table: an operation, where its guest code ran, and what came of it: a trap or a failed assertion by
// its site, or a class of what it gave ("BLOCKED", "RETURNED", "event 2", "0", "done", …).
struct Cell {
  traces::Op op = traces::Op::kCall;
  traces::Context context = traces::Context::kBody;
  std::string outcome;
  auto operator<=>(const Cell&) const = default;
};

// "stream.read in callback: BLOCKED"
std::string to_string(const Cell&);

class Cells {
 public:
  // The whole event stream of a case. A trap belongs to the operation that began last.
  void add(std::span<const uint32_t> stream, const traces::Scenario&);
  const std::map<Cell, uint64_t>& counts() const { return counts_; }

 private:
  std::map<Cell, uint64_t> counts_;
};

// The list in a file, a cell a line.
std::set<std::string> read_cells(const std::string& file);

struct CoverageOptions {
  std::string definitions;  // path of definitions.py; empty: the model's table only
  uint64_t seed = 1;
  uint64_t cases = 20'000;
  std::string cells_file;    // the cells that must be reached, a line each; empty: those of the tree
  bool write_cells = false;  // write that file instead, from what was reached
  std::string json_file;
};

// Prints both tables and what is missing. 0: everything that can be reached was; 1: something was not.
int verb_coverage(const CoverageOptions&, const Style&);

}  // namespace lockstep::diff
