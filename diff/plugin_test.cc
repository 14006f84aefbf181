// Engines in a shared library: the example, which agrees with the model wherever it is asked, and one that goes wrong
// in every way that there is. Each death, hang or nonsense is a failure of that one case, and a fresh child goes on
// with the next.
#include <gtest/gtest.h>

#include "diff/plugin_engine.h"
#include "diff/support.h"
#include "diff/testing.h"

// A namespace of its own: files of tests are compiled together.
namespace lockstep::diff::testing::plugin {
namespace {

constexpr std::chrono::milliseconds kShort{1000};  // for engines that hang

std::string library(const std::string& name) {
  return "plugin:" + std::filesystem::path(program()).replace_filename(name + ".so").string();
}
std::string example() { return library("example_plugin"); }
std::string broken() { return library("broken_plugin"); }

// What the broken plug-in does wrong, for as long as this lives.
class Wrong {
 public:
  explicit Wrong(const std::string& how) { setenv("LOCKSTEP_BROKEN_PLUGIN", how.c_str(), 1); }
  ~Wrong() { unsetenv("LOCKSTEP_BROKEN_PLUGIN"); }
};

GeneratorOptions supported_by(const Contestant& engine) {
  GeneratorOptions options;
  restrict_to(options, engine.support());
  return options;
}

bool has_backpressure(const Case& c) {
  for (size_t at = 0; at < c.expected.size();) {
    const traces::RecordView r = traces::record_at(c.expected, at);
    if (r.kind == traces::RecordKind::kBegin && r.words[3] == static_cast<uint32_t>(traces::Op::kBackpressureInc))
      return true;
    at = traces::next(r);
  }
  return false;
}

// Four cases of which the second is where the broken plug-in goes wrong.
std::vector<std::shared_ptr<const Case>> four_cases(const Contestant& engine) {
  std::vector<std::shared_ptr<const Case>> out;
  for (uint64_t i = 0; out.size() < 4; ++i) {
    Case c = generate_case(1, i, supported_by(engine));
    if (has_backpressure(c) == (out.size() == 1)) out.push_back(std::make_shared<const Case>(std::move(c)));
  }
  return out;
}

// The verdict on the case in which it goes wrong; all others must agree, though they are under way by then.
Verdict verdict_if(const std::string& how, uint64_t restarts, std::chrono::milliseconds limit = kCaseTime) {
  const Wrong wrong(how);
  const auto engine = Contestant::make(broken(), limit);
  const auto cases = four_cases(*engine);
  for (const auto& c : cases) engine->begin(c);
  Verdict bad;
  for (size_t i = 0; i < cases.size(); ++i) {
    Verdict v = engine->finish().second;
    if (i == 1)
      bad = std::move(v);
    else
      EXPECT_EQ(v.kind, Verdict::Kind::kAgrees) << how << ", case " << i << ": " << v.bucket();
  }
  EXPECT_EQ(engine->restarts(), restarts) << how;
  return bad;
}

TEST(Plugin, ExampleAgreesWithTheGoldenTracesThatItSupports) {
  const auto engine = Contestant::make(example(), kCaseTime);
  EXPECT_TRUE(contains(engine->version(), "example plug-in"));
  size_t agreed = 0;
  size_t skipped = 0;
  std::vector<std::string> files;
  for (const char* folder : {"conformance", "golden", "seed"})
    for (std::string& file : trace_files({std::string(LOCKSTEP_ROOT) + "/traces/" + folder}))
      files.push_back(std::move(file));
  for (const std::string& file : files) {
    const traces::Trace t = traces::read_trace_file(file);
    const Verdict v = engine->judge(run_reference(t.scenario, t.choices, false));
    EXPECT_FALSE(v.bad()) << file << ": " << v.bucket();
    ++(v.kind == Verdict::Kind::kAgrees ? agreed : skipped);
  }
  EXPECT_GE(agreed, 50u);
  EXPECT_GE(skipped, 1u);
}

TEST(Plugin, CampaignOfWhatItSupportsComparesEveryCase) {
  const Folder folder;
  CampaignOptions options;
  options.cases = 400;
  options.against = {example()};
  options.supported = true;
  options.out = folder.file("out");
  const CampaignResult r = run_campaign(options, Style{});
  const Score& score = r.scores.at(example());
  EXPECT_EQ(score.compared, 400u);
  EXPECT_EQ(score.divergences, 0u);
  EXPECT_TRUE(score.skipped.empty()) << score.skipped.begin()->first;
  // There is something in these cases.
  const auto count = [&](traces::Op op) { return r.statistics.operations[static_cast<size_t>(op)]; };
  EXPECT_GT(count(traces::Op::kCall), 1000u);
  EXPECT_GT(count(traces::Op::kContextGet), 500u);
  EXPECT_GT(count(traces::Op::kBackpressureInc), 100u);
  EXPECT_GT(count(traces::Op::kThreadIndex), 100u);
  EXPECT_EQ(count(traces::Op::kWaitableSetNew), 0u);
  EXPECT_GT(r.statistics.outcomes[static_cast<size_t>(traces::Outcome::kTrap)], 10u);
}

TEST(Plugin, WhatItDoesNotSupportIsSkippedByName) {
  const auto engine = Contestant::make(example(), kCaseTime);
  size_t skipped = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    const Verdict v = engine->judge(generate_case(1, i, {}));
    EXPECT_FALSE(v.bad()) << v.bucket();
    if (v.kind != Verdict::Kind::kSkipped) continue;
    ++skipped;
    EXPECT_TRUE(v.text.starts_with("the engine does not support ")) << v.text;
  }
  EXPECT_GE(skipped, 20u);
}

TEST(Plugin, ThatIsNotBrokenAgrees) { EXPECT_EQ(verdict_if("", 0).kind, Verdict::Kind::kAgrees); }

TEST(Plugin, ThatDiesFailsThereAndGoesOnAfresh) {
  const Verdict crash = verdict_if("crash", 1);
  EXPECT_EQ(crash.kind, Verdict::Kind::kFailed);
  EXPECT_TRUE(contains(crash.text, "died of signal 6")) << crash.text;
  EXPECT_TRUE(contains(crash.text, "about to crash")) << crash.text;  // what it printed is shown, and does no harm
  EXPECT_TRUE(contains(verdict_if("exit", 1).text, "ended with exit code 7"));
}

TEST(Plugin, ThatHangsFailsAfterItsTimeAndGoesOnAfresh) {
  const Verdict v = verdict_if("hang", 1, kShort);
  EXPECT_EQ(v.kind, Verdict::Kind::kFailed);
  EXPECT_TRUE(contains(v.text, "gave no answer within 1000 ms")) << v.text;
}

TEST(Plugin, ThatAnswersNonsenseFailsWithWhatItDid) {
  const std::pair<const char*, const char*> kNonsense[] = {
      {"status", "answered nonsense: a status from perform that is no trap\n  status 1000000"},
      {"stop", "answered nonsense: LOCKSTEP_STOP from perform, though the case was to go on"},
      {"exception", "answered nonsense: a status from perform that is no trap\n  status -1"},
      {"unsaid", "answered nonsense: LOCKSTEP_UNSUPPORTED from perform, but not what"},
      {"invariant", "failed an invariant of its own: backpressure is not what it was"},
      {"function", "answered nonsense: a function that there is not\n  number 1000 of "},
      {"parameters", "answered nonsense: a wrong number of parameters for a function\n  0 for function 0"},
      {"host-function", "answered nonsense: a host function that there is not\n  number 1000 of "},
      {"instance", "answered nonsense: an instance that there is not\n  number 1000 of "},
      {"choice-point", "answered nonsense: a choice point that there is not\n  1000"},
      {"no-candidates", "answered nonsense: a choice among no candidates"},
      {"swallowed-stop", "answered nonsense: a function that there is not\n  number 1000 of "}};
  for (const auto& [how, text] : kNonsense) {
    const Verdict v = verdict_if(how, 1);
    EXPECT_EQ(v.kind, Verdict::Kind::kFailed) << how;
    EXPECT_TRUE(contains(v.text, text)) << how << ": " << v.text;
    EXPECT_TRUE(v.bucket().starts_with("engine failed: ")) << v.bucket();
  }
}

TEST(Plugin, ThatReportsImpossibleStateFails) {
  for (const auto& [how, text] : {std::pair("entity", "an entity of the state of no known kind\n  1000"),
                                  std::pair("twice", "an entity of the state that stands twice")}) {
    const Wrong wrong(how);
    const auto engine = Contestant::make(broken(), kCaseTime);
    const Verdict v = engine->judge(generate_case(1, 0, supported_by(*engine)));
    EXPECT_EQ(v.kind, Verdict::Kind::kFailed) << how;
    EXPECT_TRUE(contains(v.text, text)) << v.text;
  }
}

TEST(Plugin, ThatSaysLateThatItLacksSomethingIsSkipped) {
  const Verdict v = verdict_if("unsupported", 0);
  EXPECT_EQ(v.kind, Verdict::Kind::kSkipped);
  EXPECT_EQ(v.text, "the engine does not support backpressure after all");
}

TEST(Plugin, ThatDoesSomethingElseDiffers) {
  const Verdict v = verdict_if("wrong", 0);
  EXPECT_EQ(v.kind, Verdict::Kind::kDiffers);
  EXPECT_TRUE(v.bucket().starts_with("backpressure.inc: expected state, got state")) << v.bucket();
}

TEST(Plugin, ThatCannotBeLoadedIsRefused) {
  const auto refused = [](const std::string& name) { return complaint_of([&] { Contestant::make(name, kCaseTime); }); };
  EXPECT_TRUE(contains(refused("plugin:./there-is-none.so"), "there-is-none.so: cannot open shared object file"));
  EXPECT_TRUE(contains(refused("plugin:" + program()), program()));
  for (const auto& [how, text] : {std::pair("version", "it does not speak version 1"),
                                  std::pair("size", "its table has 8 bytes, that of version 1 has "),
                                  std::pair("no-function", "a function is missing in its table")}) {
    const Wrong wrong(how);
    EXPECT_TRUE(contains(refused(broken()), text)) << how;
  }
  expect_refused(lockstep({"run", "--cases", "1", "--against", "plugin:./there-is-none.so"}),
                 "plugin:./there-is-none.so");
}

TEST(Plugin, CampaignGoesOnAfterEachFailure) {
  const Folder folder;
  const Wrong wrong("crash");
  const Output o = lockstep({"run", "--seed", "1", "--cases", "60", "--supported", "--max-failures", "9", "--against",
                             broken(), "--out", folder.file("out"), "--json", folder.file("json")});
  EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "DIVERGENCE in " + broken() + ": engine failed: died of signal 6")) << o.out;
  EXPECT_TRUE(contains(o.out, "seen again in a fresh process")) << o.out;
  const traces::Json summary = read_json(folder.file("json"));
  EXPECT_EQ(summary.at("engines").at(broken()).at("compared"), 60);
  EXPECT_GT(summary.at("engines").at(broken()).at("divergences"), 5);
  // The trace that was kept is small, and does it again.
  const traces::Json& failure = summary.at("failures").at(0);
  EXPECT_LE(failure.at("lines"), 2);
  const std::string file = failure.at("file");
  EXPECT_EQ(lockstep({"replay", file, "--against", broken()}).exit_code, 1);
  EXPECT_EQ(lockstep({"replay", file, "--against", example()}).exit_code, 0);
  const Output shrunk = lockstep({"shrink", file, "--against", broken(), "-o", folder.file("small.json")});
  EXPECT_EQ(shrunk.exit_code, 1) << shrunk.err;
}

TEST(Plugin, SameSeedSaysTheSame) {
  const auto run = [](const std::string& out) {
    const Wrong wrong("wrong");
    Output o = lockstep({"run", "--seed", "3", "--cases", "40", "--supported", "--against", broken(), "--out", out});
    std::string text;
    for (const std::string& line : lines_of(o.out))
      if (!contains(line, "time: ")) text += line + "\n";
    return text;
  };
  const Folder one;
  const Folder two;
  std::string first = run(one.file("out"));
  std::string second = run(two.file("out"));
  for (auto* text : {&first, &second})
    for (const Folder* f : {&one, &two})
      for (size_t at = 0; (at = text->find(f->file("out"), at)) != std::string::npos;)
        text->replace(at, f->file("out").size(), "OUT");
  EXPECT_EQ(first, second);
  EXPECT_TRUE(contains(first, "DIVERGENCE")) << first;
}

// ---- what engines support

TEST(Support, HasNamesForAll) {
  const std::vector<std::string> names = names_of(Support{});
  EXPECT_GT(names.size(), 50u);
  const Support back = support_from_names(names, "here");
  for (uint32_t i = 0; i < kNeedCount; ++i) EXPECT_TRUE(back.has(static_cast<Need>(i)));
  EXPECT_TRUE(back.has(traces::Op::kErrorContextDrop));
  EXPECT_EQ(names_of(back), names);
  EXPECT_EQ(names_of({0, 0}), std::vector<std::string>());
  EXPECT_TRUE(contains(complaint_of([] {
                         support_from_names({"call", "flying"}, "here");
                       }),
                       "here: neither a built-in nor a part of the vocabulary: \"flying\""));
}

TEST(Support, OfEachThingIsMissedWhereItIsUsed) {
  // Every name that is missing is in the scenario, and without all that are in it nothing is missing.
  size_t checked = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    const Case c = generate_case(7, i, {});
    EXPECT_EQ(lacking(c.scenario, {}), "");
    std::vector<std::string> needed;
    for (std::string what; needed.size() < 100; ++checked) {
      what = lacking(c.scenario, support_from_names(needed, ""));
      if (what.empty()) break;
      needed.push_back(what);
    }
    for (const std::string& what : needed) {
      std::vector<std::string> all = names_of(Support{});
      std::erase(all, what);
      EXPECT_EQ(lacking(c.scenario, support_from_names(all, "")), what);
    }
  }
  EXPECT_GT(checked, 500u);
}

TEST(Support, RestrictedGeneratorKeepsToIt) {
  // One without each in turn: no case may use it.
  for (const std::string& name : names_of(Support{})) {
    if (name == "call") continue;  // nothing is left then
    std::vector<std::string> all = names_of(Support{});
    std::erase(all, name);
    const Support support = support_from_names(all, "");
    GeneratorOptions options;
    options.topology.recursion_percent = 30;
    restrict_to(options, support);
    size_t kept = 0;
    for (uint64_t i = 0; i < 25; ++i) kept += lacking(generate_case(5, i, options).scenario, support).empty() ? 1 : 0;
    EXPECT_EQ(kept, 25u) << name;
  }
}

TEST(PluginWords, RoundTrip) {
  EXPECT_EQ(to_hex(std::vector<uint32_t>{0x1234abcd, 0}), "1234abcd00000000");
  EXPECT_EQ(from_hex("1234abcd00000000"), (traces::Words{0x1234abcd, 0}));
  EXPECT_TRUE(contains(complaint_of([] { from_hex("1234"); }), "not words in hexadecimal"));
  EXPECT_TRUE(contains(complaint_of([] { from_hex("1234567g"); }), "not words in hexadecimal"));
}

}  // namespace
}  // namespace lockstep::diff::testing::plugin
