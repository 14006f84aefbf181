// Engines in another process, and what becomes of a campaign when they misbehave: each death, hang or nonsense is a
// failure of that one case, with what the engine said, and a fresh engine goes on with the next.
#include <gtest/gtest.h>

#include "diff/peer_engine.h"
#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Json;

constexpr std::chrono::milliseconds kShort{400};  // for engines that hang

// Plays back one line of a file for each case; a line that begins with "!" is Python and does worse.
constexpr const char* kPlayback = R"(
import json, os, signal, sys
with open(sys.argv[1]) as file:
    lines = file.read().split("\n")
print(lines[0], flush=True)
for request in sys.stdin:
    line = lines[1 + json.loads(request)["case"]]
    if line.startswith("!"):
        exec(line[1:])
    else:
        print(line, flush=True)
)";

constexpr const char* kHello =
    R"({"lockstep":"1","name":"test 1","capabilities":["choices","snapshot","tree","aftermath"]})";

// An engine that answers the first cases of seed 1 rightly, but one of them as the test says.
class Playback {
 public:
  static constexpr size_t kCases = 6;
  static constexpr size_t kBad = 2;

  explicit Playback(const std::string& bad_line = "", const std::string& hello = kHello) {
    std::string lines = hello + "\n";
    for (size_t i = 0; i < kCases; ++i) {
      cases_.push_back(std::make_shared<const Case>(generate_case(1, i, {})));
      lines += (i == kBad && !bad_line.empty() ? bad_line : right_answer(i).dump()) + "\n";
    }
    traces::write_file(folder_.file("lines"), lines);
    traces::write_file(folder_.file("engine.py"), kPlayback);
  }

  Json right_answer(size_t i) const {
    Json answer{{"case", i}};
    answer["events"] = traces::events_to_json(cases_[i]->expected);
    return answer;
  }
  std::string name() const {
    return "exec:/usr/bin/python3 " + folder_.file("engine.py") + " " + folder_.file("lines");
  }
  const std::shared_ptr<const Case>& at(size_t i) const { return cases_[i]; }

 private:
  Folder folder_;
  std::vector<std::shared_ptr<const Case>> cases_;
};

// The verdict on the bad case; all others must agree, also those that were under way when it failed.
Verdict verdict_on(const std::string& bad_line, uint64_t restarts, std::chrono::milliseconds limit = kCaseTime) {
  const Playback p(bad_line);
  const auto engine = Contestant::make(p.name(), limit);
  for (size_t i = 0; i < Playback::kCases; ++i) engine->begin(p.at(i));
  Verdict bad;
  for (size_t i = 0; i < Playback::kCases; ++i) {
    auto [c, verdict] = engine->finish();
    EXPECT_EQ(c, p.at(i));
    if (i == Playback::kBad)
      bad = std::move(verdict);
    else
      EXPECT_EQ(verdict.kind, Verdict::Kind::kAgrees) << "case " << i << ": " << verdict.bucket();
  }
  EXPECT_EQ(engine->restarts(), restarts);
  return bad;
}

void expect_failure(const std::string& bad_line, const std::string& text, std::chrono::milliseconds limit = kCaseTime) {
  const Verdict v = verdict_on(bad_line, 1, limit);
  EXPECT_EQ(v.kind, Verdict::Kind::kFailed) << bad_line;
  EXPECT_TRUE(contains(v.text, text)) << bad_line << "\n" << v.text;
  EXPECT_TRUE(v.bucket().starts_with("engine failed: ")) << v.bucket();
}

TEST(Peer, ThatAnswersRightlyAgrees) {
  const Verdict v = verdict_on("", 0);
  EXPECT_EQ(v.kind, Verdict::Kind::kAgrees) << v.bucket();
}

TEST(Peer, ThatDiesInACaseFailsThereAndGoesOnAfresh) {
  expect_failure("!sys.exit(3)", "ended with exit code 3");
  expect_failure("!os.kill(os.getpid(), signal.SIGSEGV)", "died of signal 11");
}

TEST(Peer, ThatHangsFailsAfterItsTimeAndGoesOnAfresh) {
  expect_failure("!signal.pause()", "gave no answer within 400 ms", kShort);
}

TEST(Peer, ThatHangsInTheMiddleOfALineFailsAfterItsTime) {
  expect_failure(R"(!sys.stdout.write('{"case":2,'); sys.stdout.flush(); signal.pause())",
                 "gave no answer within 400 ms", kShort);
}

TEST(Peer, ThatAnswersGarbageFails) {
  expect_failure("garbage", "answered nonsense: line 1, column 1: not JSON");
  expect_failure("[]", "answered nonsense");
  expect_failure("{}", "answered nonsense");
}

TEST(Peer, ThatAnswersAnotherCaseFails) {
  expect_failure(R"({"case":3,"events":[{"outcome":"done"}]})", "/case: expected 2");
}

TEST(Peer, ThatAnswersTwiceFailsInTheNextCase) {
  // The second line is taken for the answer to the next case, which it is not.
  const Playback p(R"(!print('{"case":2,"unsupported":"x"}\n{"case":2,"unsupported":"x"}', flush=True))");
  const auto engine = Contestant::make(p.name(), kCaseTime);
  for (size_t i = 0; i < 5; ++i) engine->begin(p.at(i));
  std::vector<Verdict::Kind> kinds;
  for (size_t i = 0; i < 5; ++i) kinds.push_back(engine->finish().second.kind);
  using enum Verdict::Kind;
  EXPECT_EQ(kinds, (std::vector<Verdict::Kind>{kAgrees, kAgrees, kSkipped, kFailed, kAgrees}));
}

TEST(Peer, ThatReportsWhatTheSchemaDoesNotHaveFails) {
  expect_failure(R"({"case":2,"events":[{"fly":1},{"outcome":"done"}]})", "/events/0: unknown event \"fly\"");
  expect_failure(R"({"case":2,"events":[{"outcome":"done","x":1}]})", "unknown field \"x\"");
  expect_failure(R"({"case":2,"events":[{"outcome":"fine"}]})", "\"fine\" is not known");
  expect_failure(R"({"case":2,"events":[]})", "there is no outcome");
  expect_failure(R"({"case":2,"event":[]})", "\"events\" is missing");
  expect_failure(R"({"case":2,"events":[{"outcome":"done"}],"x":1})", "unknown field \"x\"");
}

TEST(Peer, ThatSaysWhatItSupportsGetsNothingElse) {
  const auto hello = [](const std::string& supports) {
    return R"({"lockstep":"1","name":"test 1","capabilities":["choices","snapshot","tree","aftermath"],"supports":)" +
           supports + "}";
  };
  const Playback nothing("", hello("[]"));
  const auto engine = Contestant::make(nothing.name(), kCaseTime);
  for (size_t i = 0; i < Playback::kCases; ++i) {
    const Verdict v = engine->judge(*nothing.at(i));
    EXPECT_EQ(v.kind, Verdict::Kind::kSkipped) << i;
    EXPECT_TRUE(v.text.starts_with("the engine does not support ")) << v.text;
  }
  const Playback all("", hello(Json(names_of(Support{})).dump()));
  EXPECT_EQ(Contestant::make(all.name(), kCaseTime)->judge(*all.at(0)).kind, Verdict::Kind::kAgrees);
  const Playback wrong("", hello(R"(["flying"])"));
  EXPECT_TRUE(contains(complaint_of([&] { Contestant::make(wrong.name(), kCaseTime); }), "\"flying\""));
  const Playback number("", hello("7"));
  EXPECT_TRUE(contains(complaint_of([&] { Contestant::make(number.name(), kCaseTime); }), "wrong type"));
}

TEST(Peer, ThatNestsTooDeepFails) { expect_failure("!print('[' * 100000, flush=True)", "nested deeper than"); }

TEST(Peer, ThatClosesItsOutputFails) { expect_failure("!os.close(1); signal.pause()", "closed its output"); }

TEST(Peer, ThatNeverEndsItsAnswerFails) { expect_failure("!while True: sys.stdout.write('x' * 65536)", "", kShort); }

TEST(Peer, WhatItWroteToStandardErrorIsInTheReport) {
  expect_failure("!sys.stderr.write('help, I am ill\\n'); sys.stderr.flush(); sys.exit(4)", "help, I am ill");
  expect_failure("!sys.stderr.write('help, I hang\\n'); sys.stderr.flush(); signal.pause()", "help, I hang", kShort);
  expect_failure("!sys.stderr.write('x' * 1000000 + 'the end\\n'); sys.stderr.flush(); sys.exit(4)", "the end");
}

TEST(Peer, BytesThatAreNoTextAreMadeTextInTheReport) {
  for (const char* line : {R"(!sys.stderr.buffer.write(b'\xff\xfe ill\n'); sys.stderr.flush(); sys.exit(4))",
                           R"(!sys.stdout.buffer.write(b'\xff\xfe ill\n'); sys.stdout.flush())"}) {
    const Verdict v = verdict_on(line, 1);
    EXPECT_EQ(v.kind, Verdict::Kind::kFailed);
    // The report goes into JSON and XML files.
    EXPECT_NO_THROW(Json(v.text).dump()) << line;
  }
}

TEST(Peer, ThatReportsSomethingElseDiffers) {
  const Playback p;
  Json answer = p.right_answer(Playback::kBad);
  answer["events"].erase(answer["events"].size() - 1);
  answer["events"].push_back({{"outcome", "internal-error"}});
  const Verdict v = verdict_on(answer.dump(), 0);
  EXPECT_EQ(v.kind, Verdict::Kind::kDiffers);
}

TEST(Peer, ThatDoesNotSupportACaseIsSkippedWithTheReason) {
  const Verdict v = verdict_on(R"({"case":2,"unsupported":"subtask.cancel"})", 0);
  EXPECT_EQ(v.kind, Verdict::Kind::kSkipped);
  EXPECT_EQ(v.text, "the engine does not support subtask.cancel");
}

TEST(Peer, WithoutChoicesIsOnlyGivenCasesInWhichNothingIsOpen) {
  const Playback p("", R"({"lockstep":"1","name":"test 1","capabilities":[]})");
  const auto engine = Contestant::make(p.name(), kCaseTime);
  size_t open = 0;
  for (uint64_t i = 0; i < 100 && open == 0; ++i) {
    const Case c = generate_case(1, i, {});
    if (!has_open_choice(c.expected)) continue;
    ++open;
    const Verdict v = engine->judge(c);
    EXPECT_EQ(v.kind, Verdict::Kind::kSkipped);
    EXPECT_TRUE(contains(v.text, "takes its own")) << v.text;
  }
  EXPECT_EQ(open, 1u);
}

TEST(Hello, SaysNameAndCapabilities) {
  const Playback p("", R"({"lockstep":"1","name":"mine 0.1","capabilities":["snapshot","choices"]})");
  const auto engine = Contestant::make(p.name(), kCaseTime);
  EXPECT_EQ(engine->version(), "mine 0.1");
  EXPECT_EQ(engine->capabilities(), (Capabilities{true, true, false, false}));
}

TEST(Hello, ThatIsNoneOrNotOursIsRefused) {
  const auto refused = [](const std::string& command) {
    const std::string name = "exec:" + command;
    const std::string c = complaint_of([&] { Contestant::make(name, kCaseTime); });
    EXPECT_TRUE(c.starts_with(name + ": ")) << c;
    return c;
  };
  EXPECT_TRUE(contains(refused("/bin/false"), "said no hello"));
  EXPECT_TRUE(contains(refused("/bin/sh -c 'echo I am broken >&2; exit 1'"), "I am broken"));
  EXPECT_TRUE(contains(refused("echo good morning"), "not JSON"));
  EXPECT_TRUE(contains(refused(R"(echo '{"lockstep":"2","name":"x"}')"), "not a hello of protocol version 1"));
  EXPECT_TRUE(contains(refused(R"(echo '{"lockstep":1}')"), "wrong type"));
  EXPECT_TRUE(contains(refused("echo '[]'"), "not a hello"));
  EXPECT_TRUE(
      contains(refused(R"(echo '{"lockstep":"1","name":"x","capabilities":["fly"]}')"), "unknown capability \"fly\""));
  EXPECT_TRUE(contains(refused("'unbalanced"), "not a command"));
}

// A shell script that answers "unsupported", and does its worst when a guest cancels a subtask.
constexpr const char* kFragile = R"(#!/bin/sh
echo '{"lockstep":"1","name":"fragile","capabilities":["choices"]}'
while read -r line; do
  case $1,$line in
    dies,*'"op":"subtask.cancel"'*) echo "no cancelling here" >&2; exit 3 ;;
    hangs,*'"op":"subtask.cancel"'*) kill -STOP $$ ;;
  esac
  number=${line#*:}
  echo "{\"case\":${number%%,*},\"unsupported\":\"anything\"}"
done
)";

class PeerCampaign : public ::testing::Test {
 protected:
  std::string engine(const std::string& how) const {
    traces::write_file(folder_.file("fragile.sh"), kFragile);
    return "exec:/bin/sh " + folder_.file("fragile.sh") + " " + how;
  }
  Output run(const std::string& against, const std::string& cases, std::vector<std::string> more = {}) const {
    std::vector<std::string> args = {
        "run",   "--cases",           cases,    "--max-failures",       "9",       "--against",          against,
        "--out", folder_.file("out"), "--json", folder_.file("j.json"), "--junit", folder_.file("j.xml")};
    args.insert(args.end(), more.begin(), more.end());
    return lockstep(args);
  }
  Json summary() const { return read_json(folder_.file("j.json")); }
  std::string xml() const { return traces::read_file(folder_.file("j.xml")); }

  Folder folder_;
};

TEST_F(PeerCampaign, GoesOnAfterADeathAndCountsFailuresAndSkips) {
  const Output o = run(engine("dies"), "40");
  EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "engine failed: ended with exit code 3")) << o.out;
  EXPECT_TRUE(contains(o.out, "no cancelling here")) << o.out;
  EXPECT_TRUE(contains(o.out, "seen again in a fresh process")) << o.out;
  EXPECT_TRUE(contains(o.out, "cases skipped: the engine does not support anything")) << o.out;
  const Json j = summary();
  EXPECT_EQ(j.at("failures").size(), 1u) << "deaths of one kind are one failure";
  const Json& score = j.at("engines").at(engine("dies"));
  EXPECT_GT(score.at("divergences").get<uint64_t>(), 1u);
  EXPECT_EQ(score.at("divergences"), score.at("compared"));
  const auto skipped = score.at("skipped").at("the engine does not support anything").get<uint64_t>();
  EXPECT_EQ(score.at("compared").get<uint64_t>() + skipped, 40u);
  EXPECT_TRUE(contains(xml(), "<failure")) << o.out;
}

TEST_F(PeerCampaign, GoesOnAfterAHang) {
  const Output o = run(engine("hangs"), "40", {"--time-limit", "100ms"});
  EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "gave no answer within 100 ms")) << o.out;
  const Json score = summary().at("engines").at(engine("hangs"));
  EXPECT_GT(score.at("divergences").get<uint64_t>(), 1u);
  EXPECT_FALSE(score.at("skipped").empty());
}

TEST_F(PeerCampaign, WithNothingButSkipsIsNotAFailureAndSaysSo) {
  const Output o = run(engine("skips"), "5");
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "5 cases skipped: the engine does not support anything")) << o.out;
  EXPECT_EQ(summary().at("engines").at(engine("skips")).at("compared"), 0u);
  EXPECT_TRUE(contains(xml(), "no case was compared"));
}

TEST_F(PeerCampaign, JudgesEachEngineOnItsOwn) {
  const Output o = run("optimized," + engine("dies"), "40");
  EXPECT_EQ(o.exit_code, 1);
  EXPECT_EQ(summary().at("engines").at("optimized").at("compared"), 40u);
  EXPECT_EQ(summary().at("engines").at("optimized").at("divergences"), 0u);
}

}  // namespace
}  // namespace lockstep::diff::testing
