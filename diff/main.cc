// The command line: verbs, options, exit codes.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "diff/coverage.h"
#include "diff/verbs.h"
#include "properties/clif/theorems.h"
#include "properties/clif/verbs.h"
#include "traces/files.h"

namespace {

using namespace std::chrono_literals;
namespace diff = lockstep::diff;

// "30s", "500ms", "10m".
std::chrono::milliseconds parse_duration(const char* option, const std::string& text) {
  size_t digits = 0;
  while (digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const std::string unit = text.substr(digits);
  const auto n = digits == 0 ? 0 : std::stoll(text.substr(0, digits));
  if (n == 0)
    throw lockstep::traces::InputError(option, "not a time above 0, like 500ms, 30s or 10m: \"" + text + "\"");
  if (unit == "ms") return std::chrono::milliseconds(n);
  if (unit == "s") return std::chrono::seconds(n);
  if (unit == "m") return std::chrono::minutes(n);
  throw lockstep::traces::InputError(option, "not a time above 0, like 500ms, 30s or 10m: \"" + text + "\"");
}

void parse_shard(const std::string& text, diff::CampaignOptions& options) {
  unsigned long long k = 0;
  unsigned long long n = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%llu/%llu%c", &k, &n, &rest) != 2 || k < 1 || k > n)
    throw lockstep::traces::InputError("--shard", "not K/N with 1 <= K <= N: \"" + text + "\"");
  options.shard = k;
  options.shards = n;
}

int run(int argc, char** argv) {
  CLI::App app{
      "lockstep: the Component Model's tasks, specification and implementations side by side.\n"
      "Also: ./lockstep test builds and runs all tests; --offline as first argument never installs packages.\n"
      "Exit codes: 0 agree, 1 divergence, 2 bad input or usage, 3 internal error, 4 undecided."};
  app.name("lockstep");
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("lockstep 0.1, specification WebAssembly/component-model {}",
                                                lockstep::traces::kSpecificationCommit));
  app.failure_message(CLI::FailureMessage::simple);

  diff::CampaignOptions campaign;
  std::string duration;
  std::string shard;
  std::string engines = "optimized";
  std::string time_limit = "10s";
  uint64_t cases = 0;
  auto* run_verb = app.add_subcommand("run", "random campaign: model and engines side by side");
  // Without the checks CLI11 takes -1 for 2^64 - 1.
  run_verb->add_option("--seed", campaign.seed, "seed of the campaign (default 1)")->check(CLI::NonNegativeNumber);
  auto* for_option = run_verb->add_option("--for", duration, "how long, like 30s (default)");
  auto* cases_option =
      run_verb->add_option("--cases", cases, "how many cases")->excludes(for_option)->check(CLI::NonNegativeNumber);
  run_verb->add_option("--against", engines,
                       "engines, separated by commas; `list engines` names them (default optimized)");
  run_verb->add_flag("--supported", campaign.supported, "only cases that all of these engines support, as they say");
  run_verb->add_option("--time-limit", time_limit, "how long an engine may take for a case (default 10s)");
  run_verb->add_option("--jobs", campaign.jobs, "run that many processes at once, on the same cases (default 1)")
      ->check(CLI::Range(1, 256));
  run_verb->add_option("--shard", shard, "K/N: only each N-th case, beginning with the K-th");
  run_verb->add_option("--out", campaign.out, "folder for failures (default out)");
  run_verb->add_option("--known", campaign.known, "folder with traces of known failures; each needs a \"link\"");
  run_verb->add_option("--max-failures", campaign.max_failures, "stop after so many different failures (default 1)")
      ->check(CLI::PositiveNumber);
  run_verb
      ->add_option("--recursion", campaign.generator.topology.recursion_percent,
                   "percent of cases with calls within an instance and between child and ancestor (default 0)")
      ->check(CLI::Range(0, 100));
  run_verb->add_option("--json", campaign.json_file, "write the summary as JSON");
  run_verb->add_option("--junit", campaign.junit_file, "write the result as JUnit XML");

  diff::ReplayOptions replay;
  auto* replay_verb = app.add_subcommand("replay", "run kept traces, on the model and on engines");
  replay_verb->add_option("trace", replay.paths, "trace files or folders")->required();
  replay_verb->add_option("--against", engines, "engines (default optimized)");
  replay_verb->add_option("--time-limit", time_limit, "how long an engine may take for a case (default 10s)");
  replay_verb->add_option("--json", replay.json_file, "write the verdicts as JSON");
  replay_verb->add_option("--junit", replay.junit_file, "write the verdicts as JUnit XML");

  diff::ShrinkOptions shrink;
  auto* shrink_verb = app.add_subcommand("shrink", "make a failing trace small");
  shrink_verb->add_option("trace", shrink.path, "a trace")->required();
  shrink_verb->add_option("--against", shrink.against, "the engine in which it fails (default optimized)");
  shrink_verb->add_option("-o,--out", shrink.out, "file to write (default: next to the trace)");

  std::vector<std::string> show_paths;
  auto* show_verb = app.add_subcommand("show", "print a trace for people");
  show_verb->add_option("trace", show_paths, "trace files or folders")->required();

  diff::RecordOptions record;
  auto* record_verb = app.add_subcommand("record", "record traces from the real definitions.py, or from the model");
  record_verb->add_option("trace", record.paths, "traces to record anew, in place; their choices are hints");
  record_verb->add_option("--definitions", record.definitions, "path of definitions.py (default: the model records)");
  record_verb->add_option("--check", record.check, "record every trace of this folder again and compare the bytes");
  record_verb->add_option("--seed", record.seed, "seed of random traces (default 1)")->check(CLI::NonNegativeNumber);
  auto* record_cases = record_verb->add_option("--cases", record.cases, "how many random traces to write")
                           ->check(CLI::NonNegativeNumber);
  record_verb->add_option("--out", record.out, "folder for random traces")->needs(record_cases);
  record_cases->needs("--out");

  diff::CoverageOptions coverage;
  auto* coverage_verb = app.add_subcommand("coverage", "what campaigns reach in definitions.py and in the model");
  coverage_verb->add_option("--definitions", coverage.definitions, "path of definitions.py (default: the model only)");
  coverage_verb->add_option("--seed", coverage.seed, "seed of the campaign (default 1)")->check(CLI::NonNegativeNumber);
  coverage_verb->add_option("--cases", coverage.cases, "how many cases (default 20000)")->check(CLI::PositiveNumber);
  coverage_verb->add_option("--cells", coverage.cells_file, "file with the cells of the model that must be reached");
  coverage_verb->add_flag("--write-cells", coverage.write_cells, "write that file instead");
  coverage_verb->add_option("--json", coverage.json_file, "write the result as JSON");

  std::string list_what;
  auto* list_verb = app.add_subcommand("list", "list engines, operations or traps");
  list_verb->add_option("what", list_what, "engines | operations | traps")->required();

  std::string trap;
  auto* explain_verb = app.add_subcommand("explain", "say what a trap means and where the specification has it");
  explain_verb->add_option("trap", trap, "a site, as `list traps` names it")->required();

  lockstep::refinement::VerifyCommand verify;
  bool no_trust_regions = false;
  uint64_t solver_megabytes = 2048;
  std::string solver_time = "10s";
  auto* verify_verb =
      app.add_subcommand("verify", "prove that one CLIF function refines another, or show a run that differs");
  verify_verb->add_option("path", verify.paths, "BEFORE AFTER, or precise-output filetests, or folders of pairs")
      ->required();
  auto* elide_verb = app.add_subcommand("elide", "remove stores that nobody can see from CLIF, and prove the result");
  lockstep::refinement::ElideCommand elide;
  elide_verb->add_option("file", elide.path, "a CLIF file; with --table, a folder of pairs")->required();
  elide_verb->add_flag("--table", elide.table,
                       "instead: a table of stores and loads for a folder of pairs, as Markdown");
  elide_verb->add_option("-o,--out", elide.out, "file to write (default: standard output)");
  for (auto* verb : {verify_verb, elide_verb}) {
    verb->add_option("--assume", verify.assume, "a file of promises of the producer (optimized/clif/promises.h)");
    verb->add_flag("--no-trust-regions", no_trust_regions, "do not take it that bytes of different regions are apart");
    verb->add_option("--time-limit", solver_time, "how long the solver may take for a question (default 10s)");
    verb->add_option("--memory", solver_megabytes, "how much memory, in MiB (default 2048)")
        ->check(CLI::Range(64, 1 << 20));
    verb->add_option("--seed", verify.options.seed, "seed of the random runs (default 1)")
        ->check(CLI::NonNegativeNumber);
    verb->add_option("--runs", verify.options.random_runs, "random runs of what is proved (default 1000)")
        ->check(CLI::Range(0, 10'000'000));
    verb->add_option("--json", verify.json_file, "write the verdicts as JSON");
  }
  verify_verb
      ->add_option("--unroll", verify.options.unroll, "how often a loop goes round that cannot be cut (default 3)")
      ->check(CLI::Range(1, 50));
  verify_verb->add_option("--dump-smt", verify.options.dump, "folder for every question to the solver, as SMT-LIB");
  verify_verb->add_flag("--cross-check", verify.cross_check, "ask cvc5 the same questions");
  verify_verb->add_flag("--reduce", verify.reduce, "make refuted pairs small and print them");

  lockstep::refinement::ProveCommand prove;
  auto* prove_verb =
      app.add_subcommand("prove", "the theorems about adapters and their negative controls, by both solvers");
  prove_verb->add_option("name", prove.name, "one theorem (default: all)");
  prove_verb->add_flag("--markdown", prove.markdown, "as the table of properties/README.md");
  prove_verb->add_flag("--show", prove.show, "with CLIF and promises");
  prove_verb->add_option("--json", prove.json_file, "write the verdicts as JSON");

  if (argc < 2) {
    fmt::print(stderr, "{}", app.help());
    return diff::kBadInput;
  }
  const auto is_verb = [&](const CLI::App* verb) { return verb->get_name() == argv[1]; };
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  if (argv[1][0] != '-' && std::none_of(verbs.begin(), verbs.end(), is_verb))
    throw lockstep::traces::InputError(argv[1], "no such verb; `lockstep --help` lists them");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int code = app.exit(e);
    return code == 0 ? 0 : diff::kBadInput;
  }

  const diff::Style style{isatty(1) != 0 && std::getenv("NO_COLOR") == nullptr};
  if (*run_verb) {
    if (cases_option->count() > 0 && cases == 0) throw lockstep::traces::InputError("--cases", "0 cases test nothing");
    campaign.against = diff::split_engines(engines);
    campaign.case_time = parse_duration("--time-limit", time_limit);
    if (cases_option->count() > 0)
      campaign.cases = cases;
    else
      campaign.time = duration.empty() ? 30s : parse_duration("--for", duration);
    if (!shard.empty()) parse_shard(shard, campaign);
    return diff::verb_run(campaign, style);
  }
  if (*replay_verb) {
    replay.against = diff::split_engines(engines);
    replay.case_time = parse_duration("--time-limit", time_limit);
    return diff::verb_replay(replay, style);
  }
  if (*shrink_verb) return diff::verb_shrink(shrink, style);
  if (*show_verb) return diff::verb_show(show_paths, style);
  if (*record_verb) return diff::verb_record(record);
  if (*coverage_verb) return diff::verb_coverage(coverage, style);
  if (*list_verb) return diff::verb_list(list_what);
  verify.options.trust_regions = !no_trust_regions;
  if (*verify_verb || *elide_verb) {
    verify.options.limits.time = parse_duration("--time-limit", solver_time);
    verify.options.limits.memory_mib = solver_megabytes;
  }
  if (*verify_verb) return lockstep::refinement::verb_verify(verify, style);
  if (*elide_verb) {
    elide.options = verify.options;
    elide.assume = verify.assume;
    elide.json_file = verify.json_file;
    return lockstep::refinement::verb_elide(elide, style);
  }
  if (*prove_verb) return lockstep::refinement::verb_prove(prove, style);
  if (*explain_verb) return diff::verb_explain(trap);
  return diff::kBadInput;
}

}  // namespace

int main(int argc, char** argv) {
  return diff::guarded_exit_code([&] { return run(argc, argv); });
}
