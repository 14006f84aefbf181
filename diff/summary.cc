#include "diff/summary.h"

#include <fmt/format.h>

#include <algorithm>

#include "traces/json.h"
#include "traces/sites.h"

namespace lockstep::diff {

using traces::Json;

namespace {

template <typename Enum, size_t N>
std::string counts(const std::array<uint64_t, N>& n) {
  std::string out;
  for (size_t i = 0; i < N; ++i)
    if (n[i] != 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name(static_cast<Enum>(i)), n[i]);
  return out;
}

template <typename Enum, size_t N>
Json counts_json(const std::array<uint64_t, N>& n) {
  Json j = Json::object();
  for (size_t i = 0; i < N; ++i)
    if (n[i] != 0) j[std::string(name(static_cast<Enum>(i)))] = n[i];
  return j;
}

std::vector<std::string> missing_sites(const Statistics& s) {
  std::vector<std::string> out;
  const auto sites = traces::sites();
  for (uint32_t i = 1; i < sites.size(); ++i)
    if (!sites[i].assertion && sites[i].unreached.empty() && !s.sites.contains(i)) out.emplace_back(sites[i].name);
  return out;
}

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Other control characters are not allowed in XML at all.
        out += (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

void print_summary(const CampaignOptions& options, const CampaignResult& r) {
  const Statistics& s = r.statistics;
  fmt::print("summary{}\n", r.interrupted ? " (interrupted)" : "");
  fmt::print("  {} cases, {} steps (median {} a case)\n", s.cases, s.steps, s.median_steps());
  fmt::print("  time: {:.1f} s, {:.0f} steps/s\n", r.seconds, static_cast<double>(s.steps) / std::max(r.seconds, 1e-9));
  fmt::print("  outcomes: {}\n", counts<traces::Outcome>(s.outcomes));
  fmt::print("  two live tasks in {:.1f} % of cases, a blocked thread in {:.1f} %, chains eight deep in {:.1f} %\n",
             percent(s.cases_with_two_tasks, s.cases), percent(s.cases_with_blocked_thread, s.cases),
             percent(s.cases_with_eight_deep, s.cases));
  fmt::print("  operations (not trapped): {}\n", counts<traces::Op>(s.operations));
  fmt::print("  host operations: {}\n", counts<traces::HostOp>(s.host_operations));
  std::string choices;
  for (size_t i = 0; i < s.choices.size(); ++i)
    choices += fmt::format("{}{} {} of {}", choices.empty() ? "" : ", ", name(static_cast<traces::ChoicePoint>(i)),
                           s.open_choices[i], s.choices[i]);
  fmt::print("  choices (open of all): {}\n", choices);
  std::string traps;
  size_t fired = 0;
  for (const auto& [site, n] : s.sites) {
    traps += fmt::format("{}{} {}", traps.empty() ? "" : ", ", traces::site(site).name, n);
    fired += traces::site(site).assertion ? 0 : 1;
  }
  fmt::print("  traps: {} sites: {}\n", fired, traps);
  const std::vector<std::string> missing = missing_sites(s);
  if (missing.size() > 12) fmt::print("  {} trap sites not reached (--json names them)\n", missing.size());
  if (!missing.empty() && missing.size() <= 12) fmt::print("  trap sites not reached: {}\n", fmt::join(missing, ", "));
  if (const EngineCounters& c = r.counters; !c.promotions.empty()) {
    std::string text;
    for (const auto& [reason, n] : c.promotions) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", reason, n);
    fmt::print("  promotions: {}\n", text);
    fmt::print(
        "  sync-to-sync calls unpromoted to the end: {:.1f} % of {}; {:.1f} % of {} without cases of leaves only\n",
        percent(c.sync_calls_unpromoted, c.sync_calls), c.sync_calls,
        percent(c.sync_calls_beyond_leaves_unpromoted, c.sync_calls_beyond_leaves), c.sync_calls_beyond_leaves);
  }
  for (const std::string& engine : options.against) {
    const auto it = r.scores.find(engine);
    if (it == r.scores.end()) continue;
    const Score& score = it->second;
    fmt::print("  {}: {} cases compared ({:.0f} %), {} divergences{}\n", engine, score.compared,
               percent(score.compared, s.cases), score.divergences,
               score.known != 0 ? fmt::format(" ({} known)", score.known) : "");
    // The most frequent first: what to implement next.
    std::vector<std::pair<uint64_t, std::string>> skipped;
    for (const auto& [reason, n] : score.skipped) skipped.emplace_back(n, reason);
    std::stable_sort(skipped.begin(), skipped.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    for (const auto& [n, reason] : skipped) fmt::print("    {} cases skipped: {}\n", n, reason);
  }
  for (const Failure& f : r.failures)
    fmt::print("  failure: {}: {}\n    ./lockstep replay {} --against {}\n", f.engine, f.bucket,
               shell_quote(f.file.string()), shell_quote(f.engine));
  std::fflush(stdout);
}

std::string summary_json(const CampaignOptions& options, const CampaignResult& r) {
  const Statistics& s = r.statistics;
  Json j{{"seed", options.seed}, {"cases", s.cases}, {"steps", s.steps}};
  j["seconds"] = r.seconds;
  j["steps_per_second"] = static_cast<double>(s.steps) / std::max(r.seconds, 1e-9);
  j["divergences"] = r.divergences();
  j["outcomes"] = counts_json<traces::Outcome>(s.outcomes);
  j["operations"] = counts_json<traces::Op>(s.operations);
  j["host_operations"] = counts_json<traces::HostOp>(s.host_operations);
  Json& traps = j["traps"] = Json::object();
  for (const auto& [site, n] : s.sites) traps[std::string(traces::site(site).name)] = n;
  j["traps_not_reached"] = missing_sites(s);
  Json& choices = j["choices"] = Json::object();
  for (size_t i = 0; i < s.choices.size(); ++i)
    choices[std::string(name(static_cast<traces::ChoicePoint>(i)))] = {{"asked", s.choices[i]},
                                                                       {"open", s.open_choices[i]}};
  Json& promotions = j["promotions"] = Json::object();
  for (const auto& [reason, n] : r.counters.promotions) promotions[reason] = n;
  j["sync_to_sync_calls"] = r.counters.sync_calls;
  j["sync_to_sync_calls_unpromoted"] = r.counters.sync_calls_unpromoted;
  j["sync_to_sync_calls_beyond_leaves"] = r.counters.sync_calls_beyond_leaves;
  j["sync_to_sync_calls_beyond_leaves_unpromoted"] = r.counters.sync_calls_beyond_leaves_unpromoted;
  j["median_steps"] = s.median_steps();
  j["cases_with_two_live_tasks"] = s.cases_with_two_tasks;
  j["cases_with_blocked_thread"] = s.cases_with_blocked_thread;
  j["cases_with_chains_eight_deep"] = s.cases_with_eight_deep;
  Json& engines = j["engines"] = Json::object();
  for (const auto& [engine, score] : r.scores) {
    Json skipped = Json::object();
    for (const auto& [reason, n] : score.skipped) skipped[reason] = n;
    engines[engine] = {
        {"compared", score.compared}, {"divergences", score.divergences}, {"known", score.known}, {"skipped", skipped}};
  }
  Json& failures = j["failures"] = Json::array();
  for (const Failure& f : r.failures)
    failures.push_back({{"engine", f.engine},
                        {"bucket", f.bucket},
                        {"file", f.file.string()},
                        {"case", f.index},
                        {"seed", fmt::format("0x{:016x}", f.seed)},
                        {"confirmed", f.confirmed},
                        {"lines", f.lines}});
  j["no_longer_failing"] = r.no_longer_failing;
  j["interrupted"] = r.interrupted;
  return j.dump(1) + "\n";
}

std::string junit(const std::string& suite, const std::vector<JUnitCase>& cases) {
  size_t failures = 0;
  size_t skipped = 0;
  for (const JUnitCase& c : cases) {
    failures += c.failure.empty() ? 0 : 1;
    skipped += c.skipped.empty() ? 0 : 1;
  }
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  out += fmt::format("<testsuites>\n <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
                     escape(suite), cases.size(), failures, skipped);
  for (const JUnitCase& c : cases) {
    out += fmt::format("  <testcase classname=\"{}\" name=\"{}\"", escape(suite), escape(c.name));
    if (!c.failure.empty())
      out += fmt::format("><failure message=\"{}\">{}</failure></testcase>\n",
                         escape(c.failure.substr(0, c.failure.find('\n'))), escape(c.failure));
    else if (!c.skipped.empty())
      out += fmt::format("><skipped message=\"{}\"/></testcase>\n", escape(c.skipped));
    else
      out += "/>\n";
  }
  return out + " </testsuite>\n</testsuites>\n";
}

std::string summary_junit(const CampaignOptions& options, const CampaignResult& r) {
  std::vector<JUnitCase> cases;
  for (const std::string& engine : options.against) {
    const auto it = r.scores.find(engine);
    const bool compared = it != r.scores.end() && it->second.compared > 0;
    JUnitCase c{fmt::format("{} seed {}", engine, options.seed), "", compared ? "" : "no case was compared"};
    for (const Failure& f : r.failures)
      if (f.engine == engine) cases.push_back({fmt::format("{}: {}", engine, f.bucket), f.text, ""});
    if (!compared || it->second.divergences == it->second.known) cases.push_back(c);
  }
  return junit("lockstep run", cases);
}

}  // namespace lockstep::diff
