// --known: a CI stays green over failures that somebody deals with, and hears when one is gone.
#include <gtest/gtest.h>

#include "diff/testing.h"

namespace lockstep::diff::testing {
namespace {

using traces::Json;

constexpr const char* kMutant = "optimized:free-list-fifo";
constexpr const char* kLink = "https://example.org/issues/1";

class Known : public ::testing::Test {
 protected:
  // The first failure of seed 1; a campaign that ends with its case finds nothing else.
  Known() : mutant_(Contestant::make(kMutant, kCaseTime)), found_(first_failure(*mutant_, 1, 2000).value()) {
    std::filesystem::create_directory(known());
  }
  std::string known() const { return folder_.file("known"); }
  Output run(const std::string& against) const {
    return lockstep({"run", "--seed", "1", "--cases", std::to_string(found_.c.index + 1), "--against", against, "--out",
                     folder_.file("out"), "--known", known(), "--json", folder_.file("j.json")});
  }

  Folder folder_;
  std::unique_ptr<Contestant> mutant_;
  Found found_;
};

TEST_F(Known, AFailureThatNobodyKnowsIsExitCodeOne) { EXPECT_EQ(run(kMutant).exit_code, 1); }

TEST_F(Known, AFailureWithALinkKeepsTheExitCodeZero) {
  write_trace(folder_, "known/slots.json", found_.c, kLink);
  const Output o = run(kMutant);
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, "1 divergences (1 known)")) << o.out;
  const Json engine = read_json(folder_.file("j.json")).at("engines").at(kMutant);
  EXPECT_EQ(engine.at("known"), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("out"))) << "it is not saved again";
}

TEST_F(Known, AFailureWithoutALinkIsRefused) {
  const std::string file = write_trace(folder_, "known/slots.json", found_.c);
  const Output o = run(kMutant);
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_EQ(lines_of(o.err).size(), 1u) << o.err;
  EXPECT_TRUE(o.err.starts_with("lockstep: " + file + ": a known failure needs a \"link\"")) << o.err;
}

TEST_F(Known, AFailureThatNoLongerFailsIsReported) {
  const std::string file = write_trace(folder_, "known/slots.json", found_.c, kLink);
  const Output o = run("optimized");
  EXPECT_EQ(o.exit_code, 0) << o.out << o.err;
  EXPECT_TRUE(contains(o.out, file + " no longer fails (" + kLink + ")")) << o.out;
  EXPECT_EQ(read_json(folder_.file("j.json")).at("no_longer_failing"), Json::array({file}));
}

TEST_F(Known, AFailureOfAnotherEngineIsNotThisOnes) {
  write_trace(folder_, "known/slots.json", found_.c, kLink);
  // The same failures, but of an engine in which the known trace does not fail.
  const Output o = run("optimized:free-list-fifo," + std::string(kMutant));
  const Json engines = read_json(folder_.file("j.json")).at("engines");
  EXPECT_EQ(engines.at(kMutant).at("known"), engines.at(kMutant).at("divergences"));
  const Json& other = engines.at("optimized:free-list-fifo");
  EXPECT_EQ(o.exit_code, other.at("divergences") == other.at("known") ? 0 : 1);
}

TEST_F(Known, AFolderThatIsNotThereIsRefused) {
  std::filesystem::remove(known());
  const Output o = run(kMutant);
  EXPECT_EQ(o.exit_code, 2);
  EXPECT_TRUE(o.err.starts_with("lockstep: " + known() + ": not a folder")) << o.err;
}

}  // namespace
}  // namespace lockstep::diff::testing
