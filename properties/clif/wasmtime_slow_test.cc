// Real input: what Wasmtime wrote for our components (traces/clif).
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "optimized/clif/elide.h"
#include "properties/clif/verbs.h"

namespace lockstep::refinement {
namespace {

const std::string kFolder = std::string(LOCKSTEP_ROOT) + "/traces/clif";

Function function_of(const std::string& file, const std::string& name) {
  for (Function& f : read_clif(kFolder + "/" + file)) {
    if (f.name == name) return std::move(f);
  }
  throw std::runtime_error(file + " has no " + name);
}
Promises wasmtime() { return read_assumptions(kFolder + "/wasmtime.assume"); }

Function elided(const Function& before, const Promises& promises) {
  ElideOptions options;
  options.promises = promises;
  return elide(before, options);
}

VerifyOptions with(Promises promises) {
  VerifyOptions options;
  options.promises = std::move(promises);
  options.without_promises = false;
  options.random_runs = 200;
  return options;
}

// What Wasmtime's optimizer did is right in every function, and nothing stays undecided. In two halves, for two cores.
class EveryPair : public ::testing::TestWithParam<size_t> {};

TEST_P(EveryPair, IsProved) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  const Pairs pairs = read_pairs({kFolder});
  EXPECT_GE(pairs.list.size(), 400U);
  EXPECT_TRUE(pairs.only_before.empty());
  std::map<std::string, size_t> verdicts;
  VerifyOptions options = with({});
  options.random_runs = 20;
  options.limits.time = std::chrono::seconds(60);  // a few seconds at most, but machines can be busy
  for (size_t i = GetParam(); i < pairs.list.size(); i += 2) {
    const NamedPair& pair = pairs.list[i];
    const PairResult r = verify_pair(pair.before, pair.after, options, *z3);
    ++verdicts[std::string(name_of(r.verdict))];
    EXPECT_TRUE(r.verdict == Verdict::kProved || r.verdict == Verdict::kIdentical)
        << pair.name << ": " << name_of(r.verdict) << " " << r.reason;
    EXPECT_EQ(r.internal_error, "") << pair.name;
    EXPECT_TRUE(r.warnings.empty()) << pair.name << ": " << r.warnings.front();
  }
  EXPECT_GE(verdicts["PROVED"], 150U);
}

INSTANTIATE_TEST_SUITE_P(Halves, EveryPair, ::testing::Values(0, 1));

struct Row {
  const char* adapter;
  bool promises;
  size_t hot_stores;  // at most, on the way to the return
};

// The three adapters of the seed's problem: around a trivial callee, one that uses its context slot, one that calls the
// host on a cold path.
TEST(Wasmtime, NothingIsLeftOnTheHotPathOfTheseAdapters) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  const Row rows[] = {{"adds-a-constant", false, 0},
                      {"context-folds-to-a-constant", false, 2},
                      {"context-folds-to-a-constant", true, 0},
                      {"host-call-on-a-cold-path", false, 0},
                      {"backpressure-on-a-cold-path", false, 0}};
  for (const char* version : {"48.0.0", "50.0.1"}) {
    for (const Row& row : rows) {
      const std::string file = std::string(version) + "/" + row.adapter + "/O2-inline.clif";
      const Function before = function_of(file, "u1:0");
      const Promises promises = row.promises ? wasmtime() : Promises{};
      const Function after = elided(before, promises);
      ASSERT_TRUE(count_hot_path(after).has_value()) << file;
      EXPECT_LE(count_hot_path(after)->stores, row.hot_stores) << file;
      const PairResult r = verify_pair(before, after, with(promises), *z3);
      EXPECT_EQ(name_of(r.verdict), "PROVED") << file << " " << r.reason;
      EXPECT_EQ(r.internal_error, "") << file;
    }
  }
}

// Without the promise the same elision is wrong, and the report says which fact it needs. A promise in
// wasmtime.assume that changes no verdict has no place there.
TEST(Wasmtime, EveryPromiseChangesAVerdict) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  const Promises all = wasmtime();
  std::vector<std::pair<Function, Function>> pairs;
  for (const char* version : {"48.0.0", "50.0.1"}) {
    const Function before = function_of(std::string(version) + "/context-folds-to-a-constant/O2-inline.clif", "u1:0");
    pairs.emplace_back(before, elided(before, all));
    VerifyOptions options = with(all);
    options.without_promises = true;
    const PairResult r = verify_pair(pairs.back().first, pairs.back().second, options, *z3);
    EXPECT_EQ(name_of(r.verdict), "PROVED") << version;
    EXPECT_EQ(r.facts_to_teach.size(), 1U) << version;
  }
  ASSERT_FALSE(all.list.empty());
  for (size_t i = 0; i < all.list.size(); ++i) {
    EXPECT_FALSE(all.list[i].source.empty()) << all.list[i].text << " has no source";
    Promises fewer = all;
    fewer.list.erase(fewer.list.begin() + static_cast<std::ptrdiff_t>(i));
    bool refuted = false;
    for (const auto& [before, after] : pairs) {
      refuted = refuted || verify_pair(before, after, with(fewer), *z3).verdict == Verdict::kRefuted;
    }
    EXPECT_TRUE(refuted) << all.list[i].text << " changes nothing";
  }
}

}  // namespace
}  // namespace lockstep::refinement
