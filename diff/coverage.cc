#include "diff/coverage.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "diff/verbs.h"
#include "traces/files.h"
#include "traces/json.h"
#include "traces/sites.h"

namespace lockstep::diff {

namespace fs = std::filesystem;
using traces::Context;
using traces::Json;
using traces::Op;
using traces::RecordKind;
using traces::RecordView;

namespace {

// The task side of definitions.py: everything after `# START` but what lies between despecialization and lifting.
constexpr uint32_t kTaskSide = 187;
constexpr uint32_t kEndOfTaskSide = 1190;
constexpr uint32_t kTaskSideAgain = 2154;
bool on_task_side(uint32_t line) { return (line >= kTaskSide && line <= kEndOfTaskSide) || line >= kTaskSideAgain; }

// Lines and branches of the task side that nothing reaches, each because of another line.
struct Unreachable {
  uint32_t line;
  std::string_view text;  // of the branch; "" for the line itself
  std::string_view reason;
};
constexpr Unreachable kUnreachable[] = {
#include "diff/unreachable.inc"
};

const Unreachable* unreachable(uint32_t line, std::string_view text) {
  const auto it = std::find_if(std::begin(kUnreachable), std::end(kUnreachable),
                               [&](const Unreachable& u) { return u.line == line && u.text == text; });
  return it == std::end(kUnreachable) ? nullptr : it;
}

std::string copy_outcome(uint32_t packed, bool future) {
  static constexpr std::string_view kResults[] = {"COMPLETED", "DROPPED", "CANCELLED"};
  if (packed == 0xffff'ffff) return "BLOCKED";
  const uint32_t result = packed & 0xf;
  std::string out(result < 3 ? kResults[result] : "?");
  if (!future) out += packed >> 4 != 0 ? " after some" : " after none";
  return out;
}

// What an operation gave, by class.
std::string outcome_of_end(Op op, const traces::Canon* canon, std::span<const uint32_t> result) {
  static constexpr std::string_view kStates[] = {"STARTING", "STARTED", "RETURNED", "CANCELLED_BEFORE_STARTED",
                                                 "CANCELLED_BEFORE_RETURNED"};
  // Core values are two words each.
  const auto value = [&](size_t i) { return result[1 + 2 * i]; };
  if (result[0] == 0) return "done";
  switch (op) {
    case Op::kCall:
      if (canon == nullptr || !canon->async_) return "done";
      return std::string(kStates[value(0) & 0xf]);
    case Op::kSubtaskCancel:
      return value(0) == 0xffff'ffff ? "BLOCKED" : std::string(kStates[value(0)]);
    case Op::kWaitableSetWait:
    case Op::kWaitableSetPoll:
      return fmt::format("event {}", value(0));
    case Op::kStreamRead:
    case Op::kStreamWrite:
    case Op::kStreamCancelRead:
    case Op::kStreamCancelWrite:
      return copy_outcome(value(0), false);
    case Op::kFutureRead:
    case Op::kFutureWrite:
    case Op::kFutureCancelRead:
    case Op::kFutureCancelWrite:
      return copy_outcome(value(0), true);
    case Op::kThreadYield:
    case Op::kThreadSuspend:
    case Op::kThreadSuspendThenResume:
    case Op::kThreadYieldThenResume:
    case Op::kThreadSuspendThenPromote:
    case Op::kThreadYieldThenPromote:
      return value(0) == 0 ? "FALSE" : "TRUE";
    default:
      return "done";
  }
}

}  // namespace

std::string to_string(const Cell& c) { return fmt::format("{} in {}: {}", name(c.op), name(c.context), c.outcome); }

void Cells::add(std::span<const uint32_t> stream, const traces::Scenario& scenario) {
  struct Where {
    Context context = Context::kBody;
    uint32_t instance = 0;
    Op op = Op::kCall;
    uint32_t canon = traces::kNone;
  };
  std::map<traces::ThreadId, Where> threads;
  const Where* last = nullptr;
  for (size_t at = 0; at < stream.size();) {
    const RecordView r = traces::record_at(stream, at);
    at = traces::next(r);
    switch (r.kind) {
      case RecordKind::kEnter: {
        Where& w = threads[{r.words[0], r.words[1]}];
        w.instance = r.words[2];
        w.context = static_cast<Context>(r.words[3]);
        break;
      }
      case RecordKind::kBegin: {
        Where& w = threads[{r.words[0], r.words[1]}];
        w.op = static_cast<Op>(r.words[3]);
        w.canon = r.words[4];
        last = &w;
        if (traces::ends_segment(w.op)) ++counts_[{w.op, w.context, "done"}];
        break;
      }
      case RecordKind::kEnd: {
        const Where& w = threads[{r.words[0], r.words[1]}];
        const std::vector<traces::Canon>& canons = scenario.instances[w.instance].canons;
        const traces::Canon* canon = is_builtin(w.op) && w.canon < canons.size() ? &canons[w.canon] : nullptr;
        ++counts_[{w.op, w.context, outcome_of_end(w.op, canon, r.words.subspan(2))}];
        break;
      }
      case RecordKind::kTrapped:
        if (last != nullptr) ++counts_[{last->op, last->context, std::string(traces::site(r.words[0]).name)}];
        last = nullptr;
        break;
      case RecordKind::kOutcome:
        if (static_cast<traces::Outcome>(r.words[0]) == traces::Outcome::kSpecUndefined && last != nullptr)
          ++counts_[{last->op, last->context, std::string(traces::site(r.words[1]).name)}];
        break;
      default:
        break;
    }
  }
}

namespace {

struct Reached {
  uint64_t reached = 0;
  uint64_t never = 0;  // nothing can reach them
  uint64_t all = 0;
  std::vector<std::string> missing;
};

// The file that diff/peers/coverage.py writes.
class DefinitionsCoverage {
 public:
  DefinitionsCoverage(const std::string& file, const std::string& definitions) {
    std::istringstream source(traces::read_file(definitions));
    for (std::string line; std::getline(source, line);) source_.push_back(line);
    const Json j = traces::parse_json(traces::read_file(file));
    for (const Json& p : j.at("points")) {
      const uint32_t line = p.at(1).get<uint32_t>();
      if (!on_task_side(line)) continue;
      const bool branch = p.at(0) == "branch";
      const std::string text = p.at(2).get<std::string>();
      count(branch ? branches : lines, line, text, p.at(3) == 1);
    }
    for (const traces::Site& s : traces::sites()) {
      if (s.assertion || !on_task_side(s.line)) continue;
      const bool fired = j.at("traps").contains(std::string(s.name));
      ++sites.all;
      if (fired)
        ++sites.reached;
      else if (s.unreached.empty())
        sites.missing.push_back(fmt::format("{} (line {})", s.name, s.line));
      else
        except(sites, fmt::format("{} (line {})", s.name, s.line), s.unreached);
    }
  }

  Reached lines;
  Reached branches;
  Reached sites;
  std::map<std::string, std::vector<std::string>> exceptions;  // by reason

 private:
  void except(Reached& r, const std::string& what, std::string_view reason) {
    ++r.never;
    std::string text(reason);
    if (const std::string never = "never: "; text.starts_with(never)) text = text.substr(never.size());
    exceptions[text].push_back(what);
  }
  void count(Reached& r, uint32_t line, const std::string& text, bool reached) {
    ++r.all;
    if (reached) {
      ++r.reached;
      return;
    }
    const std::string what = fmt::format("line {}{}{}: {}", line, text.empty() ? "" : ", ", text, source(line));
    if (const Unreachable* u = unreachable(line, text))
      except(r, what, u->reason);
    else
      r.missing.push_back(what);
  }
  std::string source(uint32_t line) const {
    const std::string& text = source_.at(line - 1);
    return text.substr(std::min(text.find_first_not_of(' '), text.size()));
  }

  std::vector<std::string> source_;
};

void print_reached(const char* what, const Reached& r) {
  const auto percent = [](uint64_t n, uint64_t of) {
    return of == 0 ? 100.0 : 100.0 * static_cast<double>(n) / static_cast<double>(of);
  };
  fmt::print("  {:10} {} of {} ({:.2f} %), {:.2f} % of those that can be reached\n", what, r.reached, r.all,
             percent(r.reached, r.all), percent(r.reached, r.all - r.never));
}

}  // namespace

std::set<std::string> read_cells(const std::string& file) {
  std::set<std::string> out;
  std::istringstream text(traces::read_file(file));
  for (std::string line; std::getline(text, line);)
    if (!line.empty() && line[0] != '#') out.insert(line);
  return out;
}

int verb_coverage(const CoverageOptions& options, const Style& style) {
  CampaignOptions campaign;
  campaign.seed = options.seed;
  campaign.cases = options.cases;
  Cells cells;
  campaign.cells = &cells;
  std::string file;
  if (!options.definitions.empty()) {
    campaign.against.push_back("definitions:" + options.definitions);
    campaign.case_time = std::chrono::seconds(60);  // with marks a case of 65,536 steps takes its time
    file = (fs::temp_directory_path() / fmt::format("lockstep-coverage-{}.json", getpid())).string();
    setenv("LOCKSTEP_COVERAGE", file.c_str(), 1);
  }
  const CampaignResult result = run_campaign(campaign, style);
  if (result.exit_code() != 0) return result.exit_code();

  bool complete = true;
  Json json = Json::object();
  if (!options.definitions.empty()) {
    const DefinitionsCoverage c(file, options.definitions);
    fs::remove(file);
    fmt::print("definitions.py, task side (lines {} to {} and from {})\n", kTaskSide, kEndOfTaskSide, kTaskSideAgain);
    print_reached("lines", c.lines);
    print_reached("branches", c.branches);
    print_reached("trap sites", c.sites);
    for (const auto& [reason, what] : c.exceptions)
      fmt::print("  never, since {}:\n    {}\n", reason, fmt::join(what, "\n    "));
    for (const Reached* r : {&c.lines, &c.branches, &c.sites}) {
      for (const std::string& m : r->missing) fmt::print("  not reached: {}\n", m);
      complete &= r->missing.empty();
    }
    for (const auto& [name, r] : {std::pair{"lines", &c.lines}, {"branches", &c.branches}, {"trap_sites", &c.sites}})
      json[name] = {{"reached", r->reached}, {"all", r->all}, {"missing", r->missing}};
  }

  const std::string list =
      options.cells_file.empty() ? std::string(LOCKSTEP_ROOT) + "/diff/cells.txt" : options.cells_file;
  std::set<std::string> reached;
  for (const auto& [cell, n] : cells.counts()) reached.insert(to_string(cell));
  if (options.write_cells) {
    std::string text =
        "# What random campaigns must reach in the model: operation, guest context, outcome. `./lockstep coverage` "
        "and\n"
        "# diff/coverage_slow_test.cc compare. The list is what `./lockstep coverage --write-cells --cells FILE` "
        "writes\n"
        "# with each of a few seeds: the lines that are in all of these files.\n";
    for (const std::string& c : reached) text += c + "\n";
    traces::write_file(list, text);
    fmt::print("{} cells written to {}\n", reached.size(), list);
    return kAgree;
  }
  const std::set<std::string> wanted = read_cells(list);
  std::vector<std::string> missing;
  std::set_difference(wanted.begin(), wanted.end(), reached.begin(), reached.end(), std::back_inserter(missing));
  fmt::print("model: {} cells reached (operation, context, outcome), {} of the {} listed\n", reached.size(),
             wanted.size() - missing.size(), wanted.size());
  for (const std::string& m : missing) fmt::print("  not reached: {}\n", m);
  json["cells"] = {{"reached", reached.size()}, {"listed", wanted.size()}, {"missing", missing}};
  if (!options.json_file.empty()) traces::write_file(options.json_file, json.dump(1) + "\n");
  return complete && missing.empty() ? kAgree : kDiverged;
}

}  // namespace lockstep::diff
