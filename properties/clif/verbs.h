// The verbs about CLIF, a function a verb: verify, elide, prove. Each returns its exit code: 0 proved, 1 refuted, 2 bad
// input, 3 internal error (a proof that a run contradicts), 4 undecided.
#pragma once

#include <string>
#include <vector>

#include "diff/report.h"
#include "properties/clif/verify_pair.h"

namespace lockstep::refinement {

struct VerifyCommand {
  std::vector<std::string> paths;  // BEFORE AFTER, or filetests and folders
  VerifyOptions options;
  std::string assume;  // a file of promises; empty: none
  bool cross_check = false;
  bool reduce = false;
  std::string json_file;
  bool all = false;  // a line for what is identical, too
};
int verb_verify(VerifyCommand, const diff::Style&);

struct ElideCommand {
  std::string path;
  std::string out;  // -o; empty: standard output
  VerifyOptions options;
  std::string assume;
  bool table = false;  // stores and loads of every function, as Markdown, instead of text
  std::string json_file;
};
int verb_elide(ElideCommand, const diff::Style&);

// One pair of a file or folder.
struct NamedPair {
  std::string name;  // "dead-store-chain.clif %chain"
  Function before, after;
};
// All pairs that these paths name, in the order of the paths and of the names in folders. InputError.
struct Pairs {
  std::vector<NamedPair> list;
  size_t other_files = 0;                // CLIF files in folders that are no pairs
  std::vector<std::string> only_before;  // functions that AFTER does not have
};
Pairs read_pairs(const std::vector<std::string>& paths);
// All functions of a file; what the reader says of a wrong one has the file's name in front. InputError.
std::vector<Function> read_clif(const std::string& path);
Promises read_assumptions(const std::string& path);

}  // namespace lockstep::refinement
