// The command line as a user meets it: verbs, exit codes, and complaints of one line.
#include <gtest/gtest.h>

#include "diff/testing.h"
#include "traces/sites.h"

namespace lockstep::diff::testing {
namespace {

TEST(CommandLine, HelpNamesEveryVerbAndTheExitCodes) {
  const Output o = lockstep({"--help"});
  EXPECT_EQ(o.exit_code, 0);
  for (const char* word : {"run", "replay", "shrink", "show", "record", "list", "explain", "0 agree", "1 divergence"})
    EXPECT_TRUE(contains(o.out, word)) << word;
  EXPECT_EQ(o.err, "");
}

TEST(CommandLine, HelpOfAVerbNamesItsOptions) {
  const Output o = lockstep({"run", "--help"});
  EXPECT_EQ(o.exit_code, 0);
  for (const char* option : {"--seed", "--for", "--cases", "--against", "--jobs", "--shard", "--out", "--known",
                             "--max-failures", "--json", "--junit"})
    EXPECT_TRUE(contains(o.out, option)) << option;
}

TEST(CommandLine, VersionGivesTheSpecificationCommit) {
  const Output o = lockstep({"--version"});
  EXPECT_EQ(o.exit_code, 0);
  EXPECT_TRUE(contains(o.out, std::string(traces::kSpecificationCommit))) << o.out;
}

// What the parser of the command line refuses is told apart from a divergence by its exit code.
TEST(CommandLine, WrongUsageIsExitCodeTwo) {
  const std::vector<std::vector<std::string>> wrong = {{},
                                                       {"fly"},
                                                       {"--fly"},
                                                       {"run", "--fly"},
                                                       {"run", "--seed", "x"},
                                                       {"run", "--cases", "5", "--for", "5s"},
                                                       {"run", "--cases", "-1"},
                                                       {"run", "--cases", "1", "--seed", "-1"},
                                                       {"run", "--for="},
                                                       {"run", "--shard="},
                                                       {"record", "--cases", "-1", "--out", "x"},
                                                       {"run", "--max-failures", "0"},
                                                       {"run", "--recursion", "101"},
                                                       {"replay"},
                                                       {"shrink"},
                                                       {"show"},
                                                       {"list"},
                                                       {"explain"},
                                                       {"record", "--cases", "5"},
                                                       {"record", "--out", "x"}};
  for (const auto& args : wrong) {
    const Output o = lockstep(args);
    std::string line;
    for (const std::string& a : args) line += " " + a;
    EXPECT_EQ(o.exit_code, 2) << line;
    EXPECT_NE(o.err, "") << line;
  }
}

TEST(CommandLine, WhatIsNotKnownIsRefusedInOneLine) {
  expect_refused(lockstep({"run", "--against", "nobody"}), "nobody: no such engine");
  expect_refused(lockstep({"run", "--against", "optimized:no-such-bug"}), "optimized:no-such-bug: no such engine");
  expect_refused(lockstep({"run", "--against", "optimized,definitions:/no/such/file"}), "definitions:/no/such/file: ");
  for (const char* time : {"0s", "5", "s", "5h", "-5s", "5 s", "1.5s"})
    expect_refused(lockstep({"run", std::string("--for=") + time}), "--for: ");
  for (const char* shard : {"1", "0/3", "4/3", "1/3x", "a/b", "-1/3"})
    expect_refused(lockstep({"run", "--cases=1", std::string("--shard=") + shard}), "--shard: ");
  expect_refused(lockstep({"run", "--cases", "0"}), "--cases: ");
  expect_refused(lockstep({"run", "--cases", "1", "--time-limit", "soon"}), "--time-limit: ");
  expect_refused(lockstep({"list", "birds"}), "list: ");
  expect_refused(lockstep({"explain", "no_such#1"}), "no_such#1: no such trap");
}

TEST(CommandLine, AnEngineThatCannotBeStartedIsRefusedWithWhatItSaid) {
  const Output o = lockstep({"run", "--against", "exec:/no/such/program"});
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_TRUE(o.err.starts_with("lockstep: exec:/no/such/program: said no hello")) << o.err;
  EXPECT_TRUE(contains(o.err, "No such file")) << o.err;
}

TEST(CommandLine, ListOfEnginesHasEveryDeliberateBug) {
  const Output o = lockstep({"list", "engines"});
  EXPECT_EQ(o.exit_code, 0);
  for (const EngineInfo& e : known_engines()) EXPECT_TRUE(contains(o.out, e.name)) << e.name;
  EXPECT_TRUE(contains(o.out, "optimized:slots-not-saved"));
}

TEST(CommandLine, ListOfOperationsHasEachWithWhoDoesIt) {
  const Output o = lockstep({"list", "operations"});
  EXPECT_EQ(o.exit_code, 0);
  const std::vector<std::string> lines = lines_of(o.out);
  ASSERT_EQ(lines.size(), traces::kOpCount + traces::kHostOpCount);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string word = lines[i].substr(0, lines[i].find(' '));
    const char* who = i >= traces::kOpCount                              ? " host"
                      : is_builtin(*traces::from_name<traces::Op>(word)) ? " built-in"
                                                                         : " core code";
    EXPECT_TRUE(lines[i].ends_with(who)) << lines[i];
  }
}

TEST(CommandLine, EveryListedTrapIsExplained) {
  size_t traps = 0;
  for (const std::string& line : lines_of(lockstep({"list", "traps"}).out)) {
    EXPECT_NE(traces::find_site(line.substr(0, line.find(' '))), 0u) << line;
    ++traps;
  }
  EXPECT_GT(traps, 90u);
  const Output o = lockstep({"explain", "canon_subtask_cancel#4"});
  EXPECT_EQ(o.exit_code, 0);
  EXPECT_TRUE(contains(o.out, "cancelled twice")) << o.out;
  EXPECT_TRUE(contains(o.out, "line 2")) << o.out;
}

TEST(CommandLine, EnginesAreSplitAtCommasThatBeginOne) {
  EXPECT_EQ(split_engines("optimized"), std::vector<std::string>{"optimized"});
  EXPECT_EQ(split_engines("optimized:x,model,exec:sh -c a,b,plugin:./a,b.so,definitions:p"),
            (std::vector<std::string>{"optimized:x", "model", "exec:sh -c a,b", "plugin:./a,b.so", "definitions:p"}));
}

}  // namespace
}  // namespace lockstep::diff::testing
