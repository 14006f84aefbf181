// The traces that are kept in traces/ replay on the model and on optimized without a divergence; the example engine
// passes those that a new engine passes first.
#include <gtest/gtest.h>

#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Json;

std::string kept(const std::string& folder) { return std::string(LOCKSTEP_ROOT) + "/traces/" + folder; }

// The lines of a replay: trace, engine, agrees, bucket.
Json replay(const std::string& folder, const std::string& against) {
  const Folder out;
  std::vector<std::string> command = {"replay", "--against", against, "--json", out.file("j.json")};
#ifdef __SANITIZE_ADDRESS__
  // A minute and a half with sanitizers: each fifth of many is enough there.
  const std::vector<std::string> files = trace_files({kept(folder)});
  for (size_t i = 0; i<files.size(); i += files.size()> 100 ? 5 : 1) command.push_back(files[i]);
#else
  command.push_back(kept(folder));
#endif
  const Output o = lockstep(command);
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  return o.exit_code == 0 || o.exit_code == 1 ? read_json(out.file("j.json")) : Json::array();
}

void expect_all_agree(const std::string& folder) {
  const Json lines = replay(folder, "model,optimized");
  EXPECT_FALSE(lines.empty()) << folder;
  for (const Json& line : lines) EXPECT_EQ(line.at("agrees"), true) << line;
}

TEST(KeptTraces, GoldenOnesReplay) { expect_all_agree("golden"); }
TEST(KeptTraces, OfTheTaskTreeReplay) { expect_all_agree("seed"); }
TEST(KeptTraces, OfFindingsAboutTheSpecificationReplay) { expect_all_agree("spec-findings"); }
TEST(KeptTraces, ForNewEnginesReplay) { expect_all_agree("conformance"); }

TEST(KeptTraces, EachSaysInASentenceWhatItShowsAndWhoRecordedIt) {
  for (const char* folder : {"golden", "seed", "spec-findings", "conformance"})
    for (const std::string& file : trace_files({kept(folder)})) {
      const traces::Trace t = traces::read_trace_file(file);
      EXPECT_TRUE(t.description.ends_with(".")) << file << ": " << t.description;
      EXPECT_FALSE(t.engines.empty()) << file;
      EXPECT_FALSE(t.events.empty()) << file;
      EXPECT_EQ(t.specification, traces::kSpecificationCommit) << file;
    }
}

TEST(KeptTraces, OfFindingsAreExplainedBesideThem) {
  const std::string readme = traces::read_file(kept("spec-findings/README.md"));
  size_t undefined = 0;
  for (const std::string& file : trace_files({kept("spec-findings")})) {
    EXPECT_TRUE(contains(readme, "`" + std::filesystem::path(file).stem().string() + "`")) << file;
    if (traces::outcome_of(traces::read_trace_file(file).events) == traces::Outcome::kSpecUndefined) ++undefined;
  }
  EXPECT_GE(undefined, 10u);
}

TEST(ExampleEngine, PassesTheTracesForNewEngines) {
  const std::string engine = "exec:/usr/bin/python3 " + std::string(LOCKSTEP_ROOT) + "/diff/peers/example_engine.py";
  const Json lines = replay("conformance", engine);
  size_t passed = 0;
  for (const Json& line : lines) {
    if (line.at("engine") != engine) continue;
    EXPECT_EQ(line.at("agrees"), true) << line;
    ++passed;
  }
  EXPECT_EQ(passed, trace_files({kept("conformance")}).size());
  EXPECT_GE(passed, 5u);
}

TEST(ExampleEngine, AgreesOnWhatItSupportsOfACampaign) {
  const Folder folder;
  const std::string engine = "exec:/usr/bin/python3 diff/peers/example_engine.py";
  const Output o = lockstep(
      {"run", "--cases", "400", "--against", engine, "--out", folder.file("out"), "--json", folder.file("j.json")});
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  const Json score = read_json(folder.file("j.json")).at("engines").at(engine);
  EXPECT_GT(score.at("compared").get<uint64_t>(), 0u) << score;
  EXPECT_FALSE(score.at("skipped").empty()) << "it lacks most of it, and must say so";
}

}  // namespace
}  // namespace lockstep::diff::testing
