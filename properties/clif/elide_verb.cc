// `lockstep elide`: the pass, and no result without its proof.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "diff/verbs.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "properties/clif/verbs.h"
#include "traces/files.h"

namespace lockstep::refinement {
namespace {

// A function of the pass, as far as it was proved.
struct Elided {
  Function after;
  PairResult proof;
  std::chrono::microseconds took{};
  bool proved = false;
};

// What cannot be proved is tried again with less: without stores that pass through loops, then without copies of code.
Elided elide_and_prove(const Function& before, const VerifyOptions& options, smt::Solver& solver) {
  Elided e;
  for (int attempt = 0; attempt < 3 && !e.proved; ++attempt) {
    ElideOptions how;
    how.trust_regions = options.trust_regions;
    how.promises = options.promises;
    how.through_loops = attempt == 0;
    how.split_paths = attempt < 2;
    const auto start = std::chrono::steady_clock::now();
    Function after = elide(before, how);
    e.took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    if (attempt > 0 && print(after) == print(e.after)) continue;
    e.after = std::move(after);
    e.proof = verify_pair(before, e.after, options, solver);
    e.proved = e.proof.verdict == Verdict::kProved || e.proof.verdict == Verdict::kIdentical;
    // A wrong result is to be seen, not to be passed over.
    if (e.proof.verdict == Verdict::kRefuted || !e.proof.internal_error.empty()) break;
  }
  if (!e.proved) e.after = before;  // what is not proved is not printed
  return e;
}

std::string counts(AccessCount c) { return fmt::format("{}, {}", c.stores, c.loads); }
std::string hot_counts(const Function& f) {
  const std::optional<AccessCount> c = count_hot_path(f);
  return c ? counts(*c) : "-";
}

// The table of optimized/clif/README.md: every function of a folder of pairs, before and after the compiler that wrote
// it, and what the pass makes of the latter.
int print_table(const ElideCommand& command, smt::Solver& solver) {
  const Pairs pairs = read_pairs({command.path});
  VerifyOptions without = command.options;
  without.promises.list.clear();
  fmt::print(
      "| function | written | the compiler's | ours | ours, with promises | hot path: the compiler's | ours | with "
      "promises |\n"
      "|---|---|---|---|---|---|---|---|\n");
  size_t nothing_to_do = 0, unproved = 0;
  for (const NamedPair& pair : pairs.list) {
    if (count_accesses(pair.after).stores == 0) {
      ++nothing_to_do;
      continue;
    }
    const Elided alone = elide_and_prove(pair.after, without, solver);
    const Elided promised = elide_and_prove(pair.after, command.options, solver);
    unproved += (alone.proved ? 0U : 1U) + (promised.proved ? 0U : 1U);
    const auto mark = [](const Elided& e) { return e.proved ? "" : " (not proved, left)"; };
    fmt::print("| {} | {} | {} | {}{} | {}{} | {} | {} | {} |\n", pair.name, counts(count_accesses(pair.before)),
               counts(count_accesses(pair.after)), counts(count_accesses(alone.after)), mark(alone),
               counts(count_accesses(promised.after)), mark(promised), hot_counts(pair.after), hot_counts(alone.after),
               hot_counts(promised.after));
    std::fflush(stdout);
  }
  fmt::print("\nStores, loads. {} more {} no store left for the pass. Not proved in {} s: {}.\n", nothing_to_do,
             nothing_to_do == 1 ? "function has" : "functions have",
             static_cast<double>(command.options.limits.time.count()) / 1000, unproved);
  return unproved == 0 ? diff::kAgree : diff::kUndecided;
}

}  // namespace

int verb_elide(ElideCommand command, const diff::Style&) {
  command.options.promises = read_assumptions(command.assume);
  command.options.without_promises = false;
  const std::unique_ptr<smt::Solver> solver = smt::make_z3();
  if (command.table) return print_table(command, *solver);
  const std::vector<Function> functions = read_clif(command.path);

  std::string text;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  bool undecided = false, internal = false;
  for (const Function& before : functions) {
    const Elided e = elide_and_prove(before, command.options, *solver);
    const PairResult& r = e.proof;
    const Function& after = e.after;
    const auto took = e.took;
    const bool proved = e.proved;
    const auto hot = [](const Function& f) { return count_hot_path(f).value_or(AccessCount{}); };
    const AccessCount all_before = count_accesses(before), hot_before = hot(before);
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
