// One side of a comparison: an engine by its name on the command line, in this process or in another, and the verdict
// on it for one case.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diff/compare.h"
#include "diff/engine.h"
#include "diff/peer_engine.h"
#include "traces/trace.h"

namespace lockstep::diff {

// A case as the reference ran it.
struct Case {
  traces::Scenario scenario;
  std::vector<traces::TakenChoice> choices;
  traces::Words expected;
  uint64_t index = 0;  // in its campaign
  uint64_t seed = 0;
};

struct Verdict {
  enum class Kind { kAgrees, kDiffers, kFailed, kSkipped };
  Kind kind = Kind::kAgrees;
  std::optional<Difference> difference;  // kDiffers
  std::string text;                      // kFailed: how the engine died; kSkipped: why
  // What failures have in common that are one failure.
  std::string bucket() const;
  bool bad() const { return kind == Kind::kDiffers || kind == Kind::kFailed; }
};

class Contestant {
 public:
  // model, optimized, optimized:NAME, exec:COMMAND, plugin:LIBRARY, definitions:PATH. Throws InputError.
  static std::unique_ptr<Contestant> make(const std::string& name, std::chrono::milliseconds time_limit);

  const std::string& name() const { return name_; }
  std::chrono::milliseconds time_limit() const { return time_limit_; }
  std::string version() const;
  Capabilities capabilities() const;
  EngineCounters counters() const;
  // Cases that use more are skipped.
  Support support() const { return peer_ ? peer_->support() : Support(); }
  uint64_t restarts() const { return peer_ ? peer_->restarts() : 0; }

  // Judges this case now.
  Verdict judge(const Case&);
  // The same, but an engine of this process is tried in a child first, so that its death or hang is a verdict.
  Verdict judge_safely(const Case&);
  // The event stream of this case; InputError if the engine fails or lacks something.
  traces::Words record(const traces::Scenario&, const std::vector<traces::TakenChoice>&);

  // The same in two steps, for engines in another process: `begin` may return before the engine is done, verdicts come
  // back in order. An engine in this process is done at once.
  bool is_peer() const { return peer_ != nullptr; }
  void begin(std::shared_ptr<const Case>);
  size_t under_way() const { return waiting_.size(); }
  std::pair<std::shared_ptr<const Case>, Verdict> finish();

 private:
  Contestant(std::string name, std::unique_ptr<Engine> engine, std::chrono::milliseconds time_limit)
      : name_(std::move(name)), time_limit_(time_limit), engine_(std::move(engine)) {}
  Contestant(std::string name, std::unique_ptr<PeerEngine> peer, std::chrono::milliseconds time_limit)
      : name_(std::move(name)), time_limit_(time_limit), peer_(std::move(peer)) {}

  Verdict verdict_of(const Case&, const PeerAnswer&) const;
  std::optional<Verdict> skip(const Case&) const;

  std::string name_;
  std::chrono::milliseconds time_limit_{0};
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<PeerEngine> peer_;
  Recorder recorder_;
  std::deque<std::shared_ptr<const Case>> waiting_;
  std::deque<std::optional<Verdict>> early_;  // for each waiting case, its verdict if it was not sent
};

// Every name that `make` knows, with a sentence each.
struct EngineInfo {
  std::string name;
  std::string text;
};
std::vector<EngineInfo> known_engines();

// Runs the reference on a finished scenario. `lenient`: as the shrinker does.
Case run_reference(const traces::Scenario&, const std::vector<traces::TakenChoice>&, bool lenient);

}  // namespace lockstep::diff
