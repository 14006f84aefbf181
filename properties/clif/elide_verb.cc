// `lockstep elide`: the pass, and no result without its proof.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "diff/verbs.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "properties/clif/verbs.h"
#include "traces/files.h"

namespace lockstep::refinement {

int verb_elide(ElideCommand command, const diff::Style&) {
  const std::vector<Function> functions = read_clif(command.path);
  command.options.promises = read_assumptions(command.assume);
  command.options.without_promises = false;
  const std::unique_ptr<smt::Solver> solver = smt::make_z3();
  ElideOptions how;
  how.trust_regions = command.options.trust_regions;
  how.promises = command.options.promises;

  std::string text;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  bool undecided = false, internal = false;
  for (const Function& before : functions) {
    const auto start = std::chrono::steady_clock::now();
    Function after = elide(before, how);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    const PairResult r = verify_pair(before, after, command.options, *solver);
    const bool proved = r.verdict == Verdict::kProved || r.verdict == Verdict::kIdentical;
    const auto hot = [](const Function& f) { return count_hot_path(f).value_or(AccessCount{}); };
    const AccessCount all_before = count_accesses(before), hot_before = hot(before);
    if (!proved) after = before;  // what is not proved is not printed
    const AccessCount all_after = count_accesses(after), hot_after = hot(after);
    fmt::print(
        stderr,
        "{}: {}, stores {} -> {} (hot path {} -> {}), loads {} -> {} (hot path {} -> {}); pass {} ms, proof {} ms\n",
        before.name, proved ? std::string(name_of(r.verdict)) : "left as it was: " + std::string(name_of(r.verdict)),
        all_before.stores, all_after.stores, hot_before.stores, hot_after.stores, all_before.loads, all_after.loads,
        hot_before.loads, hot_after.loads, took.count() / 1000, r.took.count() / 1000);
    if (!r.reason.empty()) fmt::print(stderr, "    {}\n", r.reason);
    for (const std::string& s : r.assumptions) fmt::print(stderr, "    assumes: {}\n", s);
    for (const std::string& s : r.warnings) fmt::print(stderr, "    warning: {}\n", s);
    if (r.counterexample) fmt::print(stderr, "    the pass was wrong: {}\n", r.counterexample->difference);
    if (!r.internal_error.empty()) fmt::print(stderr, "    INTERNAL ERROR: {}\n", r.internal_error);
    // A pass that is refuted is an error of ours, not of the input.
    internal = internal || r.verdict == Verdict::kRefuted || !r.internal_error.empty();
    undecided = undecided || !proved;
    text += (text.empty() ? "" : "\n") + print(after);
    json.push_back({{"name", before.name},
                    {"verdict", name_of(r.verdict)},
                    {"stores", {all_before.stores, all_after.stores}},
                    {"loads", {all_before.loads, all_after.loads}},
                    {"hot_stores", {hot_before.stores, hot_after.stores}},
                    {"hot_loads", {hot_before.loads, hot_after.loads}},
                    {"pass_milliseconds", static_cast<double>(took.count()) / 1000},
                    {"proof_milliseconds", static_cast<double>(r.took.count()) / 1000},
                    {"assumptions", r.assumptions}});
  }
  if (command.out.empty()) {
    fmt::print("{}", text);
  } else {
    traces::write_file(command.out, text);
  }
  if (!command.json_file.empty()) traces::write_file(command.json_file, json.dump(2) + "\n");
  return internal ? diff::kInternal : undecided ? diff::kUndecided : diff::kAgree;
}

}  // namespace lockstep::refinement
