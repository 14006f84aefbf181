#include "diff/verbs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "diff/jobs.h"
#include "diff/shrink.h"
#include "diff/summary.h"
#include "diff/supervise.h"
#include "traces/json.h"
#include "traces/sites.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

namespace lockstep::diff {

namespace fs = std::filesystem;
using traces::InputError;
using traces::Json;
using traces::Trace;
using traces::Words;

namespace {

// A trace says what its recorder could report by naming it first.
Capabilities recorded_capabilities(const Trace& t) {
  Capabilities c;
  if (!t.engines.empty() && t.engines.front().first == "definitions.py") c.tree = c.aftermath = false;
  return c;
}

struct ReplayLine {
  std::string file;
  std::string engine;
  Verdict verdict;
  std::string report;
};

// The trace's own events against the model, then each engine against the model.
std::vector<ReplayLine> replay_one(const std::string& file, const Trace& t,
                                   const std::vector<std::unique_ptr<Contestant>>& engines, const Style& style) {
  std::vector<ReplayLine> out;
  const Case c = run_reference(t.scenario, t.choices, false);
  if (!t.events.empty()) {
    Verdict v;
    // The trace is what was seen; the model is asked whether it still sees it.
    v.difference = compare(t.events, c.expected, recorded_capabilities(t));
    std::string report;
    if (v.difference) {
      v.kind = Verdict::Kind::kDiffers;
      report = "the model no longer does what the trace says (\"expected\" is the trace)\n" +
               show_difference(*v.difference, t.scenario, "model", style);
    }
    out.push_back({file, "model", std::move(v), std::move(report)});
  }
  for (const auto& engine : engines) {
    Verdict v = engine->judge_safely(c);
    std::string report;
    if (v.kind == Verdict::Kind::kDiffers) report = show_difference(*v.difference, t.scenario, engine->name(), style);
    if (v.kind == Verdict::Kind::kFailed) report = "  the engine " + v.text + "\n";
    out.push_back({file, engine->name(), std::move(v), std::move(report)});
  }
  return out;
}

std::vector<std::unique_ptr<Contestant>> make_all(const std::vector<std::string>& names,
                                                  std::chrono::milliseconds time_limit) {
  std::vector<std::unique_ptr<Contestant>> out;
  for (const std::string& name : names) out.push_back(Contestant::make(name, time_limit));
  return out;
}

// Records `t` anew: the model finds the choices (the old ones are hints), `recorder` the events.
Trace recorded(const Trace& t, Contestant* recorder, const std::string& place) {
  const Case c = run_reference(t.scenario, t.choices, /*lenient=*/true);
  Trace out = t;
  out.specification = std::string(traces::kSpecificationCommit);
  out.choices = c.choices;
  if (recorder == nullptr) {
    out.engines = {{"model", std::string(traces::kSpecificationCommit)}};
    out.events = c.expected;
    return out;
  }
  out.events = recorder->record(t.scenario, c.choices);
  out.choices = traces::choices_of(out.events);
  // "definitions.py sha256 …" becomes name and version.
  const std::string version = recorder->version();
  const size_t space = version.find(' ');
  out.engines = {{version.substr(0, space), space == std::string::npos ? "" : version.substr(space + 1)}};
  if (const auto d = compare(c.expected, out.events, recorder->capabilities()))
    throw InputError(place, recorder->name() + " and the model differ, nothing is recorded: " + d->bucket);
  return out;
}

// Before the work is done, not after it: that this file can be written.
void check_writable(const std::string& file) {
  const fs::path folder = fs::absolute(file).parent_path();
  if (!fs::is_directory(folder) || access(folder.c_str(), W_OK) != 0)
    throw InputError(file, "cannot be written: " + folder.string() + " is not a folder that we may write to");
}

void write_results(const CampaignOptions& options, const CampaignResult& result) {
  if (!options.json_file.empty()) traces::write_file(options.json_file, summary_json(options, result));
  if (!options.junit_file.empty()) traces::write_file(options.junit_file, summary_junit(options, result));
}

}  // namespace

int guarded_exit_code(const std::function<int()>& verb) {
  try {
    return verb();
  } catch (const InputError& e) {
    std::fflush(stdout);
    fmt::print(stderr, "lockstep: {}\n", e.what());
    return kBadInput;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    fmt::print(stderr, "lockstep: internal error: {}\n", e.what());
    return kInternal;
  }
}

std::vector<std::string> trace_files(const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    if (!fs::is_directory(path)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(path))
      if (entry.is_regular_file() && entry.path().extension() == ".json") found.push_back(entry.path().string());
    if (found.empty()) throw InputError(path, "a folder without traces (*.json)");
    std::sort(found.begin(), found.end());
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

std::vector<std::string> split_engines(const std::string& list) {
  static constexpr std::string_view kStarts[] = {"model", "optimized", "exec:", "plugin:", "definitions:"};
  std::vector<std::string> out{""};
  for (size_t i = 0; i < list.size(); ++i) {
    const bool starts = std::any_of(std::begin(kStarts), std::end(kStarts),
                                    [&](std::string_view s) { return list.compare(i + 1, s.size(), s) == 0; });
    if (list[i] == ',' && starts)
      out.emplace_back();
    else
      out.back() += list[i];
  }
  return out;
}

int supervised_campaign(const CampaignOptions& options, const Style& style,
                        const std::function<int(const CampaignResult&)>& report) {
  const SharedBeacon beacon = make_beacon();
  const auto campaign = [&] {
    int code = guarded_exit_code([&] { return report(run_campaign(options, style, beacon.get())); });
#ifdef __SANITIZE_ADDRESS__
    // The child ends with _exit, which leaves out the search for leaks.
    if (__lsan_do_recoverable_leak_check() != 0 && code == kAgree) code = kInternal;
#endif
    return code;
  };
  // The child inherits these; the parent passes signals on.
  end_on_signals();
  const WorkerEnd end = supervise(campaign, *beacon, options.case_time);
  if (end.failure.empty()) return end.exit_code;
  if (beacon->serial % 2 == 0) {
    fmt::print(stderr, "lockstep: internal error: the campaign {}, outside of any engine\n", end.failure);
    return kInternal;
  }
  const CampaignResult result =
      after_death(options, beacon->index, options.against.at(beacon->engine), end.failure, style);
  return report(result);
}

int verb_run(const CampaignOptions& options, const Style& style) {
  for (const std::string& file : {options.json_file, options.junit_file})
    if (!file.empty()) check_writable(file);
  const auto report = [&](const CampaignResult& result) {
    print_summary(options, result);
    write_results(options, result);
    return result.exit_code();
  };
  if (options.jobs == 1) return supervised_campaign(options, style, report);
  end_on_signals();
  return report(run_jobs(options, style));
}

int verb_replay(const ReplayOptions& options, const Style& style) {
  // Everything is read before anything is run: bad input leaves nothing behind.
  std::vector<std::pair<std::string, Trace>> all;
  for (const std::string& file : trace_files(options.paths)) all.emplace_back(file, traces::read_trace_file(file));
  const auto engines = make_all(options.against, options.case_time);

  std::vector<JUnitCase> cases;
  Json lines = Json::array();
  size_t agreed = 0;
  size_t bad = 0;
  size_t skipped = 0;
  std::vector<std::string> diverging;
  for (const auto& [file, trace] : all) {
    for (const ReplayLine& line : replay_one(file, trace, engines, style)) {
      const std::string what = fmt::format("{}: {}", file, line.engine);
      if (line.verdict.bad()) {
        ++bad;
        if (all.size() > 1) diverging.push_back(what);
        fmt::print("{}: DIVERGES: {}\n", what, line.verdict.bucket());
        if (!trace.description.empty()) fmt::print("  {}\n", trace.description);
        fmt::print("\n{}\n", line.report);
      } else if (line.verdict.kind == Verdict::Kind::kSkipped) {
        ++skipped;
        fmt::print("{}: skipped: {}\n", what, line.verdict.text);
      } else {
        ++agreed;
        if (all.size() <= 20) fmt::print("{}: agrees\n", what);
      }
      cases.push_back({what, line.verdict.bad() ? line.verdict.bucket() + "\n" + line.report : "",
                       line.verdict.kind == Verdict::Kind::kSkipped ? line.verdict.text : ""});
      lines.push_back({{"trace", file},
                       {"engine", line.engine},
                       {"agrees", !line.verdict.bad() && line.verdict.kind != Verdict::Kind::kSkipped},
                       {"bucket", line.verdict.bucket()}});
    }
  }
  for (const std::string& name : diverging) fmt::print("diverges: {}\n", name);
  fmt::print("{} traces, {} verdicts: {} agree, {} diverge, {} skipped\n", all.size(), agreed + bad + skipped, agreed,
             bad, skipped);
  if (!options.junit_file.empty()) traces::write_file(options.junit_file, junit("lockstep replay", cases));
  if (!options.json_file.empty()) traces::write_file(options.json_file, lines.dump(1) + "\n");
  return bad > 0 ? kDiverged : kAgree;
}

int verb_shrink(const ShrinkOptions& options, const Style& style) {
  const Trace t = traces::read_trace_file(options.path);
  const auto engine = Contestant::make(options.against, std::chrono::seconds(10));
  const Case c = run_reference(t.scenario, t.choices, false);
  const Verdict v = engine->judge_safely(c);
  if (!v.bad()) {
    fmt::print("{}: {} agrees with the model; there is nothing to shrink\n", options.path, options.against);
    return kAgree;
  }
  const ShrinkResult small = shrink(c, v, *engine);
  Trace out = trace_of(small.smallest, t.description);
  out.engines.emplace_back(engine->name(), engine->version());
  out.seed = t.seed;
  out.link = t.link;
  std::string path = options.out;
  if (path.empty()) {
    fs::path p(options.path);
    for (int n = 1; path.empty() || fs::exists(path); ++n)
      path = (p.parent_path() / fmt::format("{}.small{}.json", p.stem().string(), n == 1 ? "" : fmt::format("-{}", n)))
                 .string();
  }
  traces::write_file(path, traces::to_text(out));
  fmt::print("{}: {}\n  {} script and host lines, now {}; {} attempts\n\n{}\n", options.path, v.bucket(),
             script_lines(t.scenario), script_lines(small.smallest.scenario), small.attempts,
             show_scenario(small.smallest.scenario));
  if (small.verdict.difference)
    fmt::print("{}", show_difference(*small.verdict.difference, small.smallest.scenario, engine->name(), style));
  fmt::print("\nwritten to {}; replay it with:\n  ./lockstep replay {} --against {}\n", path, shell_quote(path),
             shell_quote(engine->name()));
  return kDiverged;
}

int verb_show(const std::vector<std::string>& paths, const Style& style) {
  for (const std::string& file : trace_files(paths)) {
    const Trace t = traces::read_trace_file(file);
    fmt::print("{}\n", file);
    if (!t.description.empty()) fmt::print("{}\n", t.description);
    fmt::print("specification {}", t.specification);
    for (const auto& [engine, version] : t.engines) fmt::print(", {} {}", engine, version);
    fmt::print("\n\n{}\n", show_scenario(t.scenario));
    fmt::print("{}", show_events(t.events.empty() ? run_reference(t.scenario, t.choices, false).expected : t.events,
                                 t.scenario, style));
  }
  return kAgree;
}

int verb_record(const RecordOptions& options) {
  std::unique_ptr<Contestant> recorder;
  if (!options.definitions.empty()) {
    recorder = Contestant::make("definitions:" + options.definitions, std::chrono::seconds(60));
    fmt::print("{}\n", recorder->version());
  }
  if (!options.check.empty()) {
    size_t same = 0;
    std::vector<std::string> different;
    for (const std::string& file : trace_files({options.check})) {
      const Trace t = traces::read_trace_file(file);
      if (traces::to_text(recorded(t, recorder.get(), file)) == traces::read_file(file)) {
        ++same;
      } else {
        different.push_back(file);
        fmt::print("{}: not what is recorded now\n", file);
      }
    }
    fmt::print("{} traces reproduced byte for byte, {} differ\n", same, different.size());
    return different.empty() ? kAgree : kDiverged;
  }
  for (const std::string& file : options.paths.empty() ? std::vector<std::string>() : trace_files(options.paths)) {
    traces::write_file(file, traces::to_text(recorded(traces::read_trace_file(file), recorder.get(), file)));
    fmt::print("{}: recorded\n", file);
  }
  for (uint64_t i = 0; i < options.cases; ++i) {
    const Case c = generate_case(options.seed, i, {});
    fs::create_directories(options.out);
    const std::string file = (fs::path(options.out) / fmt::format("seed-{}-case-{:05}.json", options.seed, i)).string();
    Trace t = trace_of(c, fmt::format("Case {} of seed {}.", i, options.seed));
    traces::write_file(file, traces::to_text(recorded(t, recorder.get(), file)));
  }
  if (options.cases > 0) fmt::print("{} traces written to {}\n", options.cases, options.out);
  return kAgree;
}

int verb_list(const std::string& what) {
  if (what == "engines") {
    for (const EngineInfo& e : known_engines()) fmt::print("{:44} {}\n", e.name, e.text);
  } else if (what == "operations") {
    for (size_t i = 0; i < traces::kOpCount; ++i) {
      const auto op = static_cast<traces::Op>(i);
      fmt::print("{:30} {}\n", name(op), is_builtin(op) ? "built-in" : "core code");
    }
    for (size_t i = 0; i < traces::kHostOpCount; ++i) fmt::print("{:30} host\n", name(static_cast<traces::HostOp>(i)));
  } else if (what == "traps") {
    for (const traces::Site& s : traces::sites()) {
      if (s.name.empty() || s.assertion) continue;
      fmt::print("{:36} {:24} {}{}\n", s.name, s.klass, s.line != 0 ? fmt::format("line {}", s.line) : "guest",
                 s.unreached.empty() ? "" : fmt::format(", not reached: {}", s.unreached));
    }
  } else {
    throw InputError("list", "engines, operations or traps, not \"" + what + "\"");
  }
  return kAgree;
}

int verb_explain(const std::string& trap) {
  const traces::SiteId id = traces::find_site(trap);
  if (id == 0) throw InputError(trap, "no such trap; `lockstep list traps` names them");
  fmt::print("{}\n", traces::explain(traces::site(id)));
  return kAgree;
}

}  // namespace lockstep::diff
