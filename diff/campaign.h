// A random campaign: cases from a seed, the reference and all engines on each, what was covered, what diverged.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "diff/contestant.h"
#include "diff/failure.h"
#include "diff/generator.h"
#include "diff/statistics.h"
#include "diff/supervise.h"

namespace lockstep::diff {

class Cells;

// How far a campaign is, for a process that watches it: in shared memory.
struct JobProgress {
  std::atomic<uint64_t> cases = 0;
  std::atomic<uint64_t> steps = 0;
  std::atomic<uint64_t> divergences = 0;
};

struct CampaignOptions {
  uint64_t seed = 1;
  std::optional<uint64_t> cases;
  std::optional<std::chrono::milliseconds> time;
  std::vector<std::string> against = {"optimized"};
  uint64_t shard = 1;  // K of N: the cases whose index is K - 1 modulo N
  uint64_t shards = 1;
  uint64_t jobs = 1;  // processes (jobs.h)
  std::filesystem::path out = "out";
  std::filesystem::path known;  // a folder of traces of known failures; empty: none
  size_t max_failures = 1;
  std::chrono::milliseconds case_time{10'000};
  GeneratorOptions generator;
  bool supported = false;           // only cases that all engines support
  Cells* cells = nullptr;           // counts what the reference reaches, if there is one (coverage.h)
  JobProgress* progress = nullptr;  // somebody else prints header and progress, and reads them here
  std::string json_file;
  std::string junit_file;
};

// How one engine fared.
struct Score {
  uint64_t compared = 0;
  uint64_t divergences = 0;
  uint64_t known = 0;
  std::map<std::string, uint64_t> skipped;  // by reason
};

struct CampaignResult {
  Statistics statistics;
  std::map<std::string, Score> scores;  // by engine
  std::vector<Failure> failures;
  EngineCounters counters;                     // of all engines of this process
  std::vector<std::string> no_longer_failing;  // files of the known folder
  double seconds = 0;
  bool interrupted = false;
  uint64_t divergences() const;  // of all engines
  int exit_code() const;
};

// On a terminal a bar, of which `part` (0 to 1) is full, over the last one; else a line.
void print_progress(const std::string& line, double part);
void clear_progress();

// The first lines: seed, options, engines with their versions.
void print_campaign_header(const CampaignOptions&);

// `beacon`, if there is one, is told which case and engine is running.
CampaignResult run_campaign(const CampaignOptions&, const Style&, Beacon* beacon = nullptr);

// What remains to be done when an engine took the campaign's process with it in this case: the failure is treated like
// any other. Prints its report.
CampaignResult after_death(const CampaignOptions&, uint64_t index, const std::string& engine,
                           const std::string& failure, const Style&);

// So many cases in a row, beginning with the first, have the same topology: making one takes as long as a few dozen
// steps.
inline constexpr uint64_t kCasesPerTopology = 8;

// The case with this index, as the generator and the reference make it.
Case generate_case(uint64_t seed, uint64_t index, const GeneratorOptions&);

}  // namespace lockstep::diff
