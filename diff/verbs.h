// What the program can do, a function a verb. Each returns its exit code: 0 agree, 1 divergence, 2 bad input or usage,
// 3 internal error, 4 undecided.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "diff/campaign.h"

namespace lockstep::diff {

enum ExitCode : int { kAgree = 0, kDiverged = 1, kBadInput = 2, kInternal = 3, kUndecided = 4 };

struct ReplayOptions {
  std::vector<std::string> paths;  // files or folders
  std::vector<std::string> against = {"optimized"};
  std::chrono::milliseconds case_time{10'000};
  std::string json_file;
  std::string junit_file;
};
struct ShrinkOptions {
  std::string path;
  std::string against = "optimized";
  std::string out;  // empty: next to the trace, ".small.json"
};
struct RecordOptions {
  std::string definitions;         // path of definitions.py; empty: the model records
  std::vector<std::string> paths;  // traces to record anew, in place
  std::string check;               // a folder to record again and compare, byte for byte
  std::string out;                 // a folder for random traces
  uint64_t seed = 1;
  uint64_t cases = 0;
};

int verb_run(const CampaignOptions&, const Style&);
// Runs the campaign in a child, so that an engine of this process that dies or hangs there is a divergence like any
// other. `report` is called with the result, in the child, or here if the child died; what it gives is the exit code.
int supervised_campaign(const CampaignOptions&, const Style&, const std::function<int(const CampaignResult&)>& report);
int verb_replay(const ReplayOptions&, const Style&);
int verb_shrink(const ShrinkOptions&, const Style&);
int verb_show(const std::vector<std::string>& paths, const Style&);
int verb_record(const RecordOptions&);
int verb_list(const std::string& what);
int verb_explain(const std::string& trap);

// The exit code of `verb`; what it throws becomes one line on standard error and the code for it.
int guarded_exit_code(const std::function<int()>& verb);

// The trace files that these paths name: files as they are, folders with all *.json below them, sorted. InputError for
// a path that does not exist and for a folder without traces.
std::vector<std::string> trace_files(const std::vector<std::string>& paths);

// Splits "optimized,definitions:PATH" at commas before an engine's name.
std::vector<std::string> split_engines(const std::string& list);

}  // namespace lockstep::diff
