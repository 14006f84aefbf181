// See verbs.h.
#include "properties/clif/verbs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "diff/verbs.h"
#include "optimized/clif/elide.h"
#include "optimized/clif/printer.h"
#include "optimized/clif/reader.h"
#include "traces/files.h"

namespace lockstep::refinement {
namespace {

namespace fs = std::filesystem;
using diff::ExitCode;
using traces::InputError;

std::string milliseconds(std::chrono::microseconds t) {
  return fmt::format("{}.{} ms", t.count() / 1000, t.count() / 100 % 10);
}

std::string read_text(const std::string& path) { return traces::read_file(path); }

template <class Read>
auto with_place(const std::string& path, Read read) {
  try {
    return read(read_text(path));
  } catch (const ReadError& e) {
    throw InputError(path, e.what());
  } catch (const PromiseError& e) {
    throw InputError(path, e.what());
  }
}

// Functions of the same name, the n-th with the n-th.
void match(const std::string& label, const std::vector<Function>& before, const std::vector<Function>& after,
           Pairs& pairs) {
  std::map<std::string, std::vector<const Function*>> by_name;
  for (const Function& f : after) by_name[f.name].push_back(&f);
  std::map<std::string, size_t> taken;
  for (const Function& f : before) {
    const size_t n = taken[f.name]++;
    if (n < by_name[f.name].size()) {
      pairs.list.push_back({label + f.name, f, *by_name[f.name][n]});
    } else {
      pairs.only_before.push_back(label + f.name);
    }
  }
}

// Adds the pairs of a file that is its own pair. False: it is no such file.
bool add_filetest(const std::string& path, const std::string& label, Pairs& pairs) {
  const FileTest test = with_place(path, [](const std::string& text) { return read_filetest(text); });
  if (!test.is_precise_optimize()) return false;
  for (const auto& [before, after] : test.pairs) pairs.list.push_back({label + before.name, before, after});
  return true;
}

// What a folder's naming says about which file is the other side of `name`: empty if it is not a "before".
std::string partner_of(const std::string& name) {
  if (name.ends_with(".before.clif")) return name.substr(0, name.size() - 12) + ".after.clif";
  if (name.starts_with("O0-")) return "O2-" + name.substr(3);
  return "";
}
bool is_partner(const std::string& name) { return name.ends_with(".after.clif") || name.starts_with("O2-"); }

void add_folder(const std::string& path, Pairs& pairs) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file() && entry.path().extension() == ".clif") files.push_back(entry.path());
  }
  if (files.empty()) throw InputError(path, "a folder without CLIF (*.clif)");
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const std::string name = file.filename().string();
    const std::string label = fs::relative(file, path).string() + " ";
    const std::string partner = partner_of(name);
    if (!partner.empty() && fs::exists(file.parent_path() / partner)) {
      match(label, read_clif(file.string()), read_clif((file.parent_path() / partner).string()), pairs);
    } else if (is_partner(name)) {
      continue;
    } else if (!add_filetest(file.string(), label, pairs)) {
      ++pairs.other_files;
    }
  }
}

nlohmann::ordered_json to_json(const std::string& name, const PairResult& r) {
  nlohmann::ordered_json j = {{"name", name}, {"verdict", name_of(r.verdict)}};
  if (r.verdict == Verdict::kBounded) j["bound"] = r.bound;
  if (!r.reason.empty()) j["reason"] = r.reason;
  j["milliseconds"] = static_cast<double>(r.took.count()) / 1000.0;
  j["queries"] = r.queries;
  j["loops_cut"] = r.loops_cut;
  j["assumptions"] = r.assumptions;
  j["warnings"] = r.warnings;
  j["facts_to_teach"] = r.facts_to_teach;
  j["random_runs"] = r.random_runs;
  j["stores"] = {r.stores_before, r.stores_after};
  j["loads"] = {r.loads_before, r.loads_after};
  if (r.cross != PairResult::kNotAsked) {
    j["cross_check"] = r.cross == PairResult::kAgrees      ? "agrees"
                       : r.cross == PairResult::kUndecided ? "undecided"
                                                           : "contradicts";
  }
  if (r.counterexample) {
    nlohmann::ordered_json arguments;
    for (const auto& [value, bits] : r.counterexample->arguments) {
      arguments[fmt::format("v{}", value)] =
          bits.hi == 0 ? fmt::format("{:#x}", bits.lo) : fmt::format("{:#x}{:016x}", bits.hi, bits.lo);
    }
    j["counterexample"] = {{"difference", r.counterexample->difference},
                           {"arguments", arguments},
                           {"world", r.counterexample->world},
                           {"bytes", r.counterexample->bytes},
                           {"before_path", r.counterexample->before.path},
                           {"after_path", r.counterexample->after.path}};
  }
  return j;
}

std::string counted(size_t n, const std::string& one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

std::string path_text(const Run& run) {
  std::string text;
  size_t shown = 0;
  for (const BlockId block : run.path) {
    if (++shown > 40) return text + " …";
    text += (text.empty() ? "block" : " block") + std::to_string(block);
  }
  return text;
}

void print_result(const std::string& name, const PairResult& r, const diff::Style& style,
                  const VerifyCommand& command) {
  const bool good = r.verdict == Verdict::kProved || r.verdict == Verdict::kIdentical;
  std::string verdict(name_of(r.verdict));
  if (r.verdict == Verdict::kBounded) verdict += "(" + std::to_string(r.bound) + ")";
  const char* colour = !style.colour                    ? ""
                       : good                           ? "\033[32m"
                       : r.verdict == Verdict::kRefuted ? "\033[31m"
                                                        : "\033[33m";
  std::string rest;
  if (r.verdict != Verdict::kIdentical) {
    rest = milliseconds(r.took);
    if (r.random_runs != 0)
      rest += ", " + counted(r.random_runs, "random run") + (r.random_runs == 1 ? " agrees" : " agree");
    if (r.loops_cut && r.verdict == Verdict::kProved) rest += ", loops by cut-points";
    if (r.stores_before != r.stores_after) rest += fmt::format(", stores {} -> {}", r.stores_before, r.stores_after);
    if (r.cross == PairResult::kAgrees) rest += ", cross-checked";
    if (r.cross == PairResult::kUndecided) rest += ", not cross-checked (undecided)";
  }
  fmt::print("{}{:<11}{} {}{}\n", colour, verdict, style.colour ? "\033[0m" : "", name,
             rest.empty() ? "" : "  (" + rest + ")");
  if (!r.reason.empty()) fmt::print("    {}\n", r.reason);
  if (!r.internal_error.empty()) fmt::print("    INTERNAL ERROR: {}\n", r.internal_error);
  for (const std::string& s : r.assumptions) fmt::print("    assumes: {}\n", s);
  for (const std::string& s : r.facts_to_teach)
    fmt::print("    refuted without, so this is the fact to teach: {}\n", s);
  for (const std::string& s : r.warnings) fmt::print("    warning: {}\n", s);
  if (!r.random_note.empty()) fmt::print("    {}\n", r.random_note);
  if (!r.counterexample) return;
  const Counterexample& c = *r.counterexample;
  std::string arguments;
  for (const auto& [value, bits] : c.arguments) {
    arguments += fmt::format("{}v{} = {:#x}", arguments.empty() ? "" : ", ", value, bits.lo);
    if (bits.hi != 0) arguments += fmt::format(" (high half {:#x})", bits.hi);
  }
  fmt::print("    {}\n    arguments: {}\n", c.difference, arguments.empty() ? "none" : arguments);
  for (const std::string& line : c.world) fmt::print("    {}\n", line);
  fmt::print("    before: {}\n    after:  {}\n", path_text(c.before), path_text(c.after));
  for (const std::string& line : c.bytes) fmt::print("    {}\n", line);
  (void)command;
}

}  // namespace

std::vector<Function> read_clif(const std::string& path) {
  std::vector<Function> list = with_place(path, [](const std::string& text) { return read_functions(text); });
  if (list.empty()) throw InputError(path, "no function in it");
  return list;
}

Promises read_assumptions(const std::string& path) {
  if (path.empty()) return {};
  return with_place(path, [](const std::string& text) { return read_promises(text); });
}

Pairs read_pairs(const std::vector<std::string>& paths) {
  Pairs pairs;
  const auto is_file = [](const std::string& path) {
    if (!fs::exists(path)) throw InputError(path, "no such file or folder");
    return !fs::is_directory(path);
  };
  if (paths.size() == 2 && is_file(paths[0]) && is_file(paths[1])) {
    // BEFORE AFTER, unless each is its own pair.
    Pairs each;
    bool filetests = true;
    for (const std::string& path : paths) {
      filetests = filetests && add_filetest(path, fs::path(path).filename().string() + " ", each);
    }
    if (filetests) return each;
    match("", read_clif(paths[0]), read_clif(paths[1]), pairs);
    if (pairs.list.empty()) throw InputError(paths[1], "has no function of a name that is in " + paths[0]);
    return pairs;
  }
  for (const std::string& path : paths) {
    if (!is_file(path)) {
      add_folder(path, pairs);
    } else if (!add_filetest(path, fs::path(path).filename().string() + " ", pairs)) {
      throw InputError(path, "is no pair: give BEFORE AFTER, a `test optimize precise-output` file, or a folder");
    }
  }
  if (pairs.list.empty()) throw InputError(paths.front(), "no pairs of functions in it");
  return pairs;
}

int verb_verify(VerifyCommand command, const diff::Style& style) {
  const Pairs pairs = read_pairs(command.paths);
  command.options.promises = read_assumptions(command.assume);
  const std::unique_ptr<smt::Solver> solver = smt::make_z3();
  std::unique_ptr<smt::Solver> second;
  if (command.cross_check) {
    second = smt::make_cvc5();
    if (!second) throw InputError("--cross-check", "there is no program cvc5; on Debian: apt-get install cvc5");
    command.options.cross_check = second.get();
  }
  fmt::print(
      "lockstep verify: {}, {}{}, regions {}, {} a question, seed {}\n", counted(pairs.list.size(), "pair"),
      solver->name(), second ? " and " + second->name() : "", command.options.trust_regions ? "trusted" : "not trusted",
      fmt::format("{} s", static_cast<double>(command.options.limits.time.count()) / 1000), command.options.seed);
  for (const Promise& p : command.options.promises.list) {
    fmt::print("  assuming: {}{}\n", p.text, p.source.empty() ? "" : "  (" + p.source + ")");
  }

  std::map<std::string, size_t> counts;
  std::vector<std::chrono::microseconds> times;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  bool refuted = false, undecided = false, internal = false;
  const std::string dump = command.options.dump;
  for (const NamedPair& pair : pairs.list) {
    if (!dump.empty()) {
      // A folder of its own for each pair: names repeat.
      std::string folder = pair.name;
      std::replace_if(
          folder.begin(), folder.end(), [](char c) { return c == '/' || c == ' ' || c == '%' || c == ':'; }, '_');
      command.options.dump = dump + "/" + folder;
    }
    const PairResult r = verify_pair(pair.before, pair.after, command.options, *solver);
    ++counts[std::string(name_of(r.verdict))];
    if (r.verdict != Verdict::kIdentical) times.push_back(r.took);
    refuted = refuted || r.verdict == Verdict::kRefuted;
    undecided = undecided || r.verdict == Verdict::kUnknown || r.verdict == Verdict::kUnsupported ||
                r.verdict == Verdict::kBounded;
    internal = internal || !r.internal_error.empty();
    print_result(pair.name, r, style, command);
    if (command.reduce && r.verdict == Verdict::kRefuted) {
      const auto [before, after] = reduce_pair(pair.before, pair.after, command.options, *solver);
      fmt::print("--- before, reduced\n{}--- after, reduced\n{}", print(before), print(after));
    }
    if (!command.json_file.empty()) json.push_back(to_json(pair.name, r));
    std::fflush(stdout);
  }
  for (const std::string& name : pairs.only_before) fmt::print("not compared: {} has no counterpart\n", name);
  if (pairs.other_files != 0) {
    fmt::print("not compared: {}\n", pairs.other_files == 1
                                         ? "1 file that is no pair"
                                         : fmt::format("{} files that are no pairs", pairs.other_files));
  }
  std::string summary;
  for (const auto& [verdict, n] : counts) summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", n, verdict);
  std::sort(times.begin(), times.end());
  if (!times.empty()) {
    summary +=
        fmt::format("; median {}, longest {}", milliseconds(times[times.size() / 2]), milliseconds(times.back()));
  }
  fmt::print("{}: {}\n", counted(pairs.list.size(), "pair"), summary);
  if (!command.json_file.empty()) traces::write_file(command.json_file, json.dump(2) + "\n");
  if (internal) return ExitCode::kInternal;
  return refuted ? ExitCode::kDiverged : undecided ? ExitCode::kUndecided : ExitCode::kAgree;
}

}  // namespace lockstep::refinement
