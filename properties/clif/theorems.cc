// See theorems.h. The callee is a call: an unknown function of all that it may look at, which changes all that it may
// change. What it has no access to is said by promises, so what is proved holds for every callee that keeps them.
#include "properties/clif/theorems.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "diff/verbs.h"
#include "optimized/clif/reader.h"
#include "traces/files.h"

namespace lockstep::refinement {
namespace {

// What an adapter does around its callee, and what a control adds to that.
struct Adapter {
  bool save = true;          // loads the current task before the call
  bool link = true;          // makes the frame the current task and restores it
  bool frame = true;         // writes the task's fields
  bool pass_frame = false;   // hands the task's address to the callee
  bool trap_inside = false;  // traps under a condition while the task is linked
};

std::string text_of(const Adapter& a) {
  std::string s =
      "function %adapter(i64 vmctx, i64, i32) -> i64 {\n"
      "    ss0 = explicit_slot 32\n"
      "    region0 = 0 \"current task\"\n"
      "    region1 = 1 \"task\"\n"
      "    fn0 = %callee(i64 vmctx, i64) -> i64\n"
      "block0(v0: i64, v1: i64, v2: i32):\n"
      "    v3 = stack_addr.i64 ss0\n";
  if (a.save) s += "    v4 = load.i64 notrap aligned region0 v0+64\n";
  if (a.frame) {
    s += "    v5 = iconst.i32 1\n"
         "    v6 = iconst.i32 0\n"
         "    store notrap aligned region1 v5, v3\n"                  // kind
         "    store notrap aligned region1 v6, v3+4\n"                // may block
         "    store notrap aligned region1 v6, v3+8\n"                // context slot 0
         "    store notrap aligned region1 v6, v3+12\n";              // context slot 1
    if (a.save) s += "    store notrap aligned region1 v4, v3+16\n";  // parent
  }
  if (a.link) s += "    store notrap aligned region0 v3, v0+64\n";
  if (a.trap_inside) s += "    trapz v2, user1\n";
  s += a.pass_frame ? "    v7 = call fn0(v0, v3)\n" : "    v7 = call fn0(v0, v1)\n";
  if (a.link) s += "    store notrap aligned region0 v4, v0+64\n";
  return s + "    return v7\n}\n";
}

constexpr const char* kNoAccess =
    "call %callee never-reads \"current task\"\n"
    "call %callee never-writes \"current task\"\n"
    "call %callee never-traps\n";
constexpr const char* kMayTrap =
    "call %callee never-reads \"current task\"\n"
    "call %callee never-writes \"current task\"\n";
constexpr const char* kMayRead =
    "call %callee never-writes \"current task\"\n"
    "call %callee never-traps\n";
constexpr const char* kMayWrite =
    "call %callee never-reads \"current task\"\n"
    "call %callee never-traps\n";
constexpr const char* kNobodyLooksAfterTraps =
    "call %callee never-reads \"current task\"\n"
    "call %callee never-writes \"current task\"\n"
    "trap never-reads \"current task\"\n";

std::vector<Theorem> make_theorems() {
  const Adapter full{};
  Adapter unlinked = full;
  unlinked.link = false;
  Adapter frameless = full;
  frameless.frame = false;
  Adapter saved_only = unlinked;
  saved_only.frame = false;
  Adapter nothing = saved_only;
  nothing.save = false;
  const auto with = [](Adapter a, bool Adapter::*what) {
    a.*what = true;
    return text_of(a);
  };
  const auto claim = [](std::string name, std::string sentence, std::string before, std::string after,
                        std::string promises) {
    return Claim{std::move(name), std::move(sentence), std::move(before), std::move(after), std::move(promises)};
  };
  const auto controls = [&](const Adapter& before, const Adapter& after) {
    return std::vector<Claim>{
        claim("callee-calls-the-host", "the callee may look at the current task, as the host does when it is called",
              text_of(before), text_of(after), kMayRead),
        claim("callee-may-trap", "the callee may trap, and whoever looks then sees the current task", text_of(before),
              text_of(after), kMayTrap),
        claim("host-looks-after-a-trap", "the adapter itself traps while the task is linked",
              with(before, &Adapter::trap_inside), with(after, &Adapter::trap_inside), kNoAccess),
    };
  };

  std::vector<Theorem> list;
  {
    Theorem t;
    t.claim =
        claim("current-task-stores-are-dead",
              "Around a callee that neither looks at nor changes the current task and does not trap, the store of "
              "the frame's address and the store that restores the previous task are both dead.",
              text_of(full), text_of(unlinked), kNoAccess);
    t.controls = controls(full, unlinked);
    t.controls.push_back(claim("callee-changes-the-task", "the callee may leave another current task behind",
                               text_of(full), text_of(unlinked), kMayWrite));
    list.push_back(std::move(t));
  }
  {
    Theorem t;
    t.claim =
        claim("stack-task-stores-are-dead",
              "Around the same callee, even if it leaves another current task behind, all stores to the task in the "
              "stack frame are dead, although its address is stored while the callee runs.",
              text_of(full), text_of(frameless), kMayWrite);
    t.controls = controls(full, frameless);
    t.controls.erase(t.controls.begin() + 2);  // slots are nobody's business after a trap: see the next but one
    t.controls.push_back(claim("callee-reads-the-slot", "the callee is handed the task's address",
                               with(full, &Adapter::pass_frame), with(frameless, &Adapter::pass_frame), kNoAccess));
    t.controls.push_back(claim("task-address-escapes",
                               "the task's address is stored where the callee may look: into the current task",
                               text_of(full), text_of(frameless), kMayRead));
    list.push_back(std::move(t));
  }
  {
    Theorem t;
    t.claim = claim("the-load-is-dead",
                    "When the stores are gone, the load of the current task is dead: nobody uses what it gives, and it "
                    "cannot trap.",
                    text_of(saved_only), text_of(nothing), "");
    std::string may_trap = text_of(saved_only);
    may_trap.replace(may_trap.find("load.i64 notrap"), 15, "load.i64");
    t.controls.push_back(claim("the-load-may-trap", "the load is not `notrap`: without it the trap is gone", may_trap,
                               text_of(nothing), ""));
    std::string used = text_of(saved_only), unused = text_of(nothing);
    used.replace(used.find("return v7"), 9, "return v4");
    unused.replace(unused.find("return v7"), 9, "return v1");
    t.controls.push_back(claim("the-load-is-used", "what it gives is returned", used, unused, ""));
    list.push_back(std::move(t));
  }
  {
    Theorem t;
    t.claim =
        claim("the-adapter-is-the-call", "All three together: the adapter around such a callee is the plain call.",
              text_of(full), text_of(nothing), kNoAccess);
    t.controls = controls(full, nothing);
    t.controls.push_back(claim("task-address-escapes", "the task's address goes to the callee",
                               with(full, &Adapter::pass_frame), with(nothing, &Adapter::pass_frame), kNoAccess));
    list.push_back(std::move(t));
  }
  {
    Theorem t;
    t.claim = claim("also-if-it-traps",
                    "The same around a callee that may trap, if nobody looks at the current task after a trap.",
                    text_of(full), text_of(nothing), kNobodyLooksAfterTraps);
    t.controls.push_back(claim("host-looks-after-a-trap", "somebody does", text_of(full), text_of(nothing), kMayTrap));
    list.push_back(std::move(t));
  }
  return list;
}

struct Judged {
  PairResult z3;
  std::string cvc5;  // verdict of the second solver, terms not simplified
  std::chrono::microseconds cvc5_took{};
};

Judged judge(const Claim& claim, smt::Solver& first, smt::Solver* second) {
  const Function before = read_functions(claim.before).front();
  const Function after = read_functions(claim.after).front();
  VerifyOptions options;
  options.promises = read_promises(claim.promises);
  options.without_promises = false;
  Judged judged;
  judged.z3 = verify_pair(before, after, options, first);
  judged.cvc5 = "not installed";
  if (second != nullptr) {
    options.simplify = false;
    options.random_runs = 0;
    const PairResult r = verify_pair(before, after, options, *second);
    judged.cvc5 = name_of(r.verdict);
    judged.cvc5_took = r.took;
  }
  return judged;
}

}  // namespace

const std::vector<Theorem>& theorems() {
  static const std::vector<Theorem> list = make_theorems();
  return list;
}

int verb_prove(const ProveCommand& command, const diff::Style& style) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  const std::unique_ptr<smt::Solver> cvc5 = smt::make_cvc5();
  bool failed = false, undecided = false, found = false;
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  const auto milliseconds = [](std::chrono::microseconds t) {
    return fmt::format("{}.{} ms", t.count() / 1000, t.count() / 100 % 10);
  };
  if (command.markdown) {
    fmt::print("| theorem, or what is done against it | {} | time | {} | time |\n|---|---|---|---|---|\n", z3->name(),
               cvc5 ? cvc5->name() + ", terms not simplified" : "cvc5");
  }
  const auto report = [&](const Claim& claim, Verdict wanted, const std::string& indent) {
    const Judged judged = judge(claim, *z3, cvc5.get());
    const bool good = judged.z3.verdict == wanted && (!cvc5 || judged.cvc5 == name_of(wanted));
    const bool contradicted = judged.z3.verdict == Verdict::kProved || judged.z3.verdict == Verdict::kRefuted;
    failed = failed || (!good && contradicted);
    undecided = undecided || (!good && !contradicted);
    if (command.markdown) {
      fmt::print("| {}**{}**: {} | {} | {} | {} | {} |\n", indent.empty() ? "" : "&nbsp;&nbsp;but ", claim.name,
                 claim.sentence, name_of(judged.z3.verdict), milliseconds(judged.z3.took), judged.cvc5,
                 milliseconds(judged.cvc5_took));
    } else {
      const char* colour = !style.colour ? "" : good ? "\033[32m" : "\033[31m";
      fmt::print("{}{}{:<8}{} {}: {}\n{}         {} {}, {} {}{}\n", indent, colour, name_of(judged.z3.verdict),
                 style.colour ? "\033[0m" : "", claim.name, claim.sentence, indent, z3->name(),
                 milliseconds(judged.z3.took), cvc5 ? cvc5->name() + " " + judged.cvc5 : "cvc5 is not installed",
                 cvc5 ? milliseconds(judged.cvc5_took) : "",
                 good ? "" : fmt::format("  NOT AS IT SHOULD BE: {}", name_of(wanted)));
      if (!good && !judged.z3.reason.empty()) fmt::print("{}         {}\n", indent, judged.z3.reason);
    }
    if (command.show)
      fmt::print("--- before\n{}--- after\n{}--- promises\n{}", claim.before, claim.after, claim.promises);
    json.push_back({{"name", claim.name},
                    {"sentence", claim.sentence},
                    {"verdict", name_of(judged.z3.verdict)},
                    {"wanted", name_of(wanted)},
                    {"milliseconds", static_cast<double>(judged.z3.took.count()) / 1000},
                    {"cvc5", judged.cvc5},
                    {"cvc5_milliseconds", static_cast<double>(judged.cvc5_took.count()) / 1000}});
  };
  for (const Theorem& theorem : theorems()) {
    if (!command.name.empty() && theorem.claim.name != command.name) continue;
    found = true;
    report(theorem.claim, Verdict::kProved, "");
    for (const Claim& control : theorem.controls) report(control, Verdict::kRefuted, "    ");
  }
  if (!found) {
    std::string names;
    for (const Theorem& theorem : theorems()) names += (names.empty() ? "" : ", ") + theorem.claim.name;
    throw traces::InputError(command.name, "no such theorem; there are " + names);
  }
  if (!command.json_file.empty()) traces::write_file(command.json_file, json.dump(2) + "\n");
  return failed ? diff::kDiverged : undecided ? diff::kUndecided : diff::kAgree;
}

}  // namespace lockstep::refinement
