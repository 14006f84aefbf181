// What happens to a divergence: it is saved, run again in a fresh process, made small, saved again, and printed with
// the one command that replays it.
#pragma once

#include <filesystem>
#include <string>

#include "diff/contestant.h"
#include "diff/report.h"

namespace lockstep::diff {

struct Failure {
  std::string engine;
  std::string bucket;
  std::filesystem::path file;  // the minimised trace
  uint64_t index = 0;
  uint64_t seed = 0;
  bool confirmed = false;  // a fresh process saw it too
  size_t lines_before = 0;
  size_t lines = 0;
  std::string text;  // the report
};

// Prints progress and the report to standard output.
Failure handle_failure(const Case&, const Verdict&, Contestant&, const std::filesystem::path& out_dir, const Style&);

traces::Trace trace_of(const Case&, const std::string& description);
// "optimized:slots-not-saved" in a shell, quoted if it has to be.
std::string shell_quote(const std::string&);
// The path of this program, to run it again.
std::string self_path();

}  // namespace lockstep::diff
