// Campaigns as a user runs them: the same bytes for the same seed, shards that add up, and Ctrl-C.
#include "diff/campaign.h"

#include <gtest/gtest.h>

#include "diff/summary.h"
#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Json;

// Standard output without the one line that has times.
std::string without_times(const std::string& out) {
  std::string kept;
  for (const std::string& line : lines_of(out))
    if (!line.starts_with("  time: ")) kept += line + "\n";
  return kept;
}

Json summary_without_times(const std::string& path) {
  Json j = read_json(path);
  EXPECT_EQ(j.erase("seconds"), 1u);
  EXPECT_EQ(j.erase("steps_per_second"), 1u);
  return j;
}

TEST(Campaign, SameSeedAndCasesGiveTheSameBytesApartFromTimes) {
  const Folder folder;
  const auto run = [&](const std::string& seed, const std::string& json) {
    const Output o = lockstep({"run", "--seed", seed, "--cases", "200", "--json", folder.file(json)});
    EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
    return without_times(o.out);
  };
  const std::string first = run("7", "a.json");
  EXPECT_EQ(first, run("7", "b.json"));
  EXPECT_EQ(summary_without_times(folder.file("a.json")).dump(1), summary_without_times(folder.file("b.json")).dump(1));
  EXPECT_NE(first, run("8", "c.json"));
}

TEST(Campaign, AFailureIsTheSameEveryTime) {
  const auto run = [](const Folder& folder) {
    const Output o = lockstep({"run", "--seed", "1", "--cases", "2000", "--against", "optimized:free-list-fifo",
                               "--out", folder.file("out")});
    EXPECT_EQ(o.exit_code, 1) << o.out << o.err;
    std::string out = without_times(o.out);
    for (size_t at; (at = out.find(folder.path())) != std::string::npos;) out.erase(at, folder.path().size());
    return out;
  };
  const Folder a;
  const Folder b;
  EXPECT_EQ(run(a), run(b));
}

// Adds up what can be added up in a summary.
void add(Json& sum, const Json& part) {
  for (const auto& [key, value] : part.items()) {
    if (value.is_object()) {
      if (!sum.contains(key)) sum[key] = Json::object();
      add(sum[key], value);
    } else if (value.is_number() && key != "seed" && key != "median_steps") {
      sum[key] = (sum.contains(key) ? sum[key].get<uint64_t>() : 0) + value.get<uint64_t>();
    }
  }
}

// Independent of the order of keys.
nlohmann::json sorted(const Json& j) { return nlohmann::json::parse(j.dump()); }

TEST(Campaign, ShardsTogetherRunTheCasesOfTheWhole) {
  const Folder folder;
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> args = {"run", "--seed", "3", "--cases", "100", "--json", folder.file("j.json")};
    args.insert(args.end(), more.begin(), more.end());
    EXPECT_EQ(lockstep(args).exit_code, 0);
    return summary_without_times(folder.file("j.json"));
  };
  Json whole;
  add(whole, run({}));
  EXPECT_EQ(whole.at("cases"), 100u);
  Json shards;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    const Json part = run({"--shard", shard});
    EXPECT_EQ(part.at("cases"), std::string(shard) == "1/3" ? 34u : 33u);
    add(shards, part);
  }
  EXPECT_EQ(sorted(whole).dump(1), sorted(shards).dump(1));
}

TEST(Campaign, JobsTogetherRunTheCasesOfTheWhole) {
  const Folder folder;
  const auto run = [&](const std::string& jobs) {
    const std::string json = folder.file("j" + jobs + ".json");
    const Output o = lockstep({"run", "--seed", "3", "--cases", "150", "--jobs", jobs, "--json", json});
    EXPECT_EQ(o.exit_code, 0) << o.out;
    return summary_without_times(json).dump(1);
  };
  const std::string whole = run("1");
  EXPECT_EQ(run("2"), whole);
  EXPECT_EQ(run("7"), whole);
}

TEST(Campaign, JobsReportAFailureOnceAndStop) {
  const Folder folder;
  const Output o = lockstep({"run", "--seed", "1", "--cases", "1000000", "--jobs", "3", "--against",
                             "optimized:free-list-fifo", "--out", folder.file("out")});
  EXPECT_EQ(o.exit_code, 1) << o.out;
  size_t reports = 0;
  for (const std::string& line : lines_of(o.out)) reports += contains(line, "DIVERGENCE") ? 1 : 0;
  EXPECT_EQ(reports, 1u) << o.out;
  EXPECT_TRUE(contains(o.out, "  failure: optimized:free-list-fifo: ")) << o.out;
}

TEST(Campaign, JobsThatCannotWorkEndWithTheirExitCode) {
  const Folder folder;
  const Output o = lockstep({"run", "--cases", "10", "--jobs", "2", "--against", "exec:/bin/false"});
  EXPECT_EQ(o.exit_code, 2) << o.out << o.err;
}

TEST(Campaign, SaysSeedAndOptionsFirst) {
  const Output o = lockstep({"run", "--seed", "5", "--cases", "1", "--shard", "1/2", "--recursion", "30"});
  const std::string first = lines_of(o.out).at(0);
  for (const char* part : {"seed 5", "1 cases", "shard 1/2", "against optimized"}) EXPECT_TRUE(contains(first, part));
  EXPECT_TRUE(contains(lines_of(o.out).at(1), "30 % recursive")) << o.out;
}

TEST(Campaign, EndsAfterItsTime) {
  const Output o = lockstep({"run", "--for", "200ms"});
  EXPECT_EQ(o.exit_code, 0) << o.err;
  EXPECT_TRUE(contains(o.out, "summary\n")) << o.out;
}

TEST(Campaign, AnInterruptedOneEndsWithItsSummary) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const Folder folder;
    Process p({program(), "run", "--for", "10m", "--json", folder.file("j.json")});
    p.wait_for("  optimized: ");
    p.send(signal);
    const Output o = p.finish();
    EXPECT_EQ(o.exit_code, 130) << o.out << o.err;
    EXPECT_TRUE(contains(o.out, "summary (interrupted)")) << o.out;
    EXPECT_EQ(read_json(folder.file("j.json")).at("interrupted"), true);
  }
}

TEST(Campaign, AnInterruptedOneThatFoundSomethingSaysThatByItsExitCode) {
  CampaignResult r;
  r.interrupted = true;
  EXPECT_EQ(r.exit_code(), 130);
  r.scores["x"].divergences = 2;
  EXPECT_EQ(r.exit_code(), 1);
  r.scores["x"].known = 2;
  EXPECT_EQ(r.exit_code(), 130);
  r.interrupted = false;
  EXPECT_EQ(r.exit_code(), 0);
}

TEST(Campaign, AFoundFailureIsSavedAndItsReplayLineShowsItAgain) {
  const Folder folder;
  const Output o =
      lockstep({"run", "--cases", "2000", "--against", "optimized:free-list-fifo", "--out", folder.file("out")});
  EXPECT_EQ(o.exit_code, 1) << o.err;
  EXPECT_TRUE(contains(o.out, "seen again in a fresh process")) << o.out;
  // The line after "replay it with:", as it would be pasted, but for the launcher.
  const std::vector<std::string> lines = lines_of(o.out);
  const auto at = std::find(lines.begin(), lines.end(), "replay it with:");
  ASSERT_LT(at + 1, lines.end()) << o.out;
  std::string command = *(at + 1);
  ASSERT_TRUE(command.starts_with("  ./lockstep replay ")) << command;
  command.replace(0, std::string("  ./lockstep").size(), program());
  const Output replay = Process({"/bin/sh", "-c", command}).finish();
  EXPECT_EQ(replay.exit_code, 1) << replay.out;
  EXPECT_TRUE(contains(replay.out, "DIVERGES")) << replay.out;
}

TEST(Campaign, FailuresNeverOverwriteEachOther) {
  const Folder folder;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(
        lockstep({"run", "--cases", "2000", "--against", "optimized:free-list-fifo", "--out", folder.path()}).exit_code,
        1);
  EXPECT_EQ(trace_files({folder.path()}).size(), 4u) << folder.listing();  // each small and full
}

TEST(Campaign, SeveralFailuresAreDifferentFailures) {
  const Folder folder;
  const Output o = lockstep({"run", "--cases", "1500", "--against", "optimized:exit-ignores-promotion", "--out",
                             folder.file("out"), "--max-failures", "2", "--json", folder.file("j.json")});
  EXPECT_EQ(o.exit_code, 1);
  const Json failures = read_json(folder.file("j.json")).at("failures");
  EXPECT_EQ(failures.size(), 2u) << failures.dump();
  std::set<std::string> buckets;
  for (const Json& f : failures) EXPECT_TRUE(buckets.insert(f.at("bucket")).second) << f;
}

}  // namespace
}  // namespace lockstep::diff::testing
