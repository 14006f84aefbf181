#include "diff/contestant.h"

#include <wordexp.h>

#include "diff/chooser.h"
#include "diff/model_engine.h"
#include "diff/optimized_engine.h"
#include "diff/plugin_engine.h"
#include "diff/scenario_source.h"
#include "diff/supervise.h"
#include "traces/files.h"

namespace lockstep::diff {

using traces::InputError;
using traces::Words;

namespace {

constexpr std::string_view kDefinitions = "definitions:";
constexpr std::string_view kExec = "exec:";
constexpr std::string_view kOptimized = "optimized:";
constexpr std::string_view kPlugin = "plugin:";

std::string peers() { return std::string(LOCKSTEP_ROOT) + "/diff/peers/"; }

// The python3 that has greenlet: Debian's, where there is one.
std::string python() { return access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3"; }

// Splits like a shell, without running anything.
std::vector<std::string> split_command(const std::string& command) {
  wordexp_t words;
  if (wordexp(command.c_str(), &words, WRDE_NOCMD | WRDE_UNDEF) != 0 || words.we_wordc == 0)
    throw InputError("exec:" + command, "not a command");
  std::vector<std::string> out(words.we_wordv, words.we_wordv + words.we_wordc);
  wordfree(&words);
  return out;
}

}  // namespace

std::string Verdict::bucket() const {
  switch (kind) {
    case Kind::kAgrees:
      return "";
    case Kind::kDiffers:
      return difference->bucket;
    case Kind::kFailed:
      return "engine failed: " + text.substr(0, text.find('\n'));
    case Kind::kSkipped:
      return "skipped: " + text;
  }
  return "";
}

std::unique_ptr<Contestant> Contestant::make(const std::string& name, std::chrono::milliseconds time_limit) {
  if (name == "model")
    return std::unique_ptr<Contestant>(new Contestant(name, std::make_unique<ModelEngine>(), time_limit));
  if (name == "optimized" || name.starts_with(kOptimized)) {
    const std::string mutant = name == "optimized" ? "" : name.substr(kOptimized.size());
    auto engine = make_optimized_engine(mutant);
    if (engine == nullptr) throw InputError(name, "no such engine; `lockstep list engines` names them");
    return std::unique_ptr<Contestant>(new Contestant(name, std::move(engine), time_limit));
  }
  if (name.starts_with(kPlugin)) {
    const auto serve = [path = name.substr(kPlugin.size())] { return serve_plugin(path); };
    return std::unique_ptr<Contestant>(
        new Contestant(name, std::make_unique<PeerEngine>(name, serve, time_limit), time_limit));
  }
  std::vector<std::string> command;
  if (name.starts_with(kDefinitions)) {
    const std::string path = name.substr(kDefinitions.size());
    if (access(path.c_str(), R_OK) != 0) throw InputError(name, "no definitions.py can be read at \"" + path + "\"");
    command = {python(), peers() + "definitions.py", path};
  } else if (name.starts_with(kExec)) {
    command = split_command(name.substr(kExec.size()));
  } else {
    throw InputError(name, "no such engine; `lockstep list engines` names them");
  }
  return std::unique_ptr<Contestant>(
      new Contestant(name, std::make_unique<PeerEngine>(name, command, time_limit), time_limit));
}

std::string Contestant::version() const { return peer_ ? peer_->version() : engine_->version(); }
Capabilities Contestant::capabilities() const { return peer_ ? peer_->capabilities() : engine_->capabilities(); }
EngineCounters Contestant::counters() const { return engine_ ? engine_->counters() : EngineCounters(); }

Verdict Contestant::judge(const Case& c) {
  if (peer_) {
    begin(std::make_shared<const Case>(c));
    return finish().second;
  }
  ScenarioSource source(c.scenario);
  ScriptedChooser chooser(c.choices);
  recorder_.start(true, c.expected);
  Run run{c.scenario, source, chooser, recorder_};
  engine_->run(run);
  Verdict v;
  // A run that was asked to stop where the specification has no answer is a prefix.
  if (recorder_.stopped() && !recorder_.differs()) return v;
  v.difference = compare(c.expected, recorder_.words(), engine_->capabilities());
  if (v.difference) v.kind = Verdict::Kind::kDiffers;
  if (v.difference && !recorder_.failure().empty()) v.difference->fields.push_back(recorder_.failure());
  return v;
}

Verdict Contestant::judge_safely(const Case& c) {
  if (!peer_) {
    const SharedBeacon beacon = make_beacon();
    const WorkerEnd end = supervise(
        [&] {
          beacon->enter(0, 0);
          judge(c);
          return 0;
        },
        *beacon, time_limit_);
    if (!end.failure.empty()) return {Verdict::Kind::kFailed, {}, end.failure};
  }
  return judge(c);
}

Words Contestant::record(const traces::Scenario& scenario, const std::vector<traces::TakenChoice>& choices) {
  if (peer_) {
    peer_->send(scenario, choices);
    const PeerAnswer answer = peer_->collect();
    if (!answer.failure.empty()) throw InputError(name_, answer.failure);
    if (!answer.unsupported.empty()) throw InputError(name_, "does not support " + answer.unsupported);
    return answer.events;
  }
  ScenarioSource source(scenario);
  ScriptedChooser chooser(choices);
  recorder_.start(false, {});
  Run run{scenario, source, chooser, recorder_};
  engine_->run(run);
  return recorder_.words();
}

std::optional<Verdict> Contestant::skip(const Case& c) const {
  if (peer_ && !peer_->capabilities().choices && has_open_choice(c.expected))
    return Verdict{Verdict::Kind::kSkipped, {}, "the schedule is open and the engine takes its own"};
  if (const std::string what = lacking(c.scenario, support()); !what.empty())
    return Verdict{Verdict::Kind::kSkipped, {}, "the engine does not support " + what};
  return std::nullopt;
}

void Contestant::begin(std::shared_ptr<const Case> c) {
  std::optional<Verdict> early = peer_ ? skip(*c) : judge(*c);
  if (!early) peer_->send(c->scenario, c->choices, c->expected);
  waiting_.push_back(std::move(c));
  early_.push_back(std::move(early));
}

std::pair<std::shared_ptr<const Case>, Verdict> Contestant::finish() {
  std::shared_ptr<const Case> c = std::move(waiting_.front());
  waiting_.pop_front();
  std::optional<Verdict> verdict = std::move(early_.front());
  early_.pop_front();
  if (!verdict) verdict = verdict_of(*c, peer_->collect());
  return {std::move(c), std::move(*verdict)};
}

Verdict Contestant::verdict_of(const Case& c, const PeerAnswer& answer) const {
  if (!answer.failure.empty()) return {Verdict::Kind::kFailed, {}, answer.failure};
  if (!answer.unsupported.empty())
    return {Verdict::Kind::kSkipped, {}, "the engine does not support " + answer.unsupported};
  Verdict v;
  if (answer.agrees) return v;
  v.difference = compare(c.expected, answer.events, peer_->capabilities());
  if (v.difference) v.kind = Verdict::Kind::kDiffers;
  return v;
}

std::vector<EngineInfo> known_engines() {
  std::vector<EngineInfo> out = {
      {"model", "the specification in C++ (reference of every comparison)"},
      {"optimized", "tasks in native frames, promoted to the heap when something needs it"},
  };
  for (const auto& [mutant, text] : optimized_mutants())
    out.push_back({"optimized:" + mutant, "deliberate bug: " + text});
  out.push_back({"definitions:PATH", "the specification's own definitions.py, unmodified"});
  out.push_back({"plugin:LIBRARY", "a shared library that implements diff/plugin.h, in a child process"});
  out.push_back({"exec:COMMAND", "any program that speaks the protocol of diff/PROTOCOL.md"});
  return out;
}

Case run_reference(const traces::Scenario& scenario, const std::vector<traces::TakenChoice>& choices, bool lenient) {
  static ModelEngine model;
  Recorder recorder;
  recorder.start(false, {});
  ScenarioSource source(scenario);
  ScriptedChooser chooser(choices, lenient);
  Run run{scenario, source, chooser, recorder};
  model.run(run);
  if (!recorder.failure().empty()) throw std::runtime_error("the model failed: " + recorder.failure());
  return {scenario, traces::choices_of(recorder.words()), recorder.words(), 0, 0};
}

}  // namespace lockstep::diff
