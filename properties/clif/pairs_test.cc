// The corpus in pairs/: every pair gets the verdict that its first lines state, and what stands behind a verdict holds.
//
// NAME.before.clif begins with a sentence that says what the pair is about, then `; verdict: REFUTED` (or another
// verdict), then perhaps `; assume: FILE` (a file of promises beside it) and `; options: --no-trust-regions`. Where
// there is a NAME.right.before.clif, that pair is right and NAME is not, and one instruction is all that they differ
// in.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "optimized/clif/printer.h"
#include "properties/clif/verbs.h"
#include "properties/clif/verify_pair.h"
#include "properties/clif/world.h"

namespace lockstep::refinement::corpus {
namespace {

namespace fs = std::filesystem;

const fs::path& folder() {
  static const fs::path path = fs::path(LOCKSTEP_ROOT) / "properties/clif/pairs";
  return path;
}

struct Pair {
  std::string stem;
  std::string sentence;
  std::string verdict;
  VerifyOptions options;
  Function before, after;
};

// What behind `; KEY: ` stands in the first lines of a file.
std::string header(const std::vector<std::string>& lines, const std::string& key) {
  for (const std::string& line : lines) {
    if (line.starts_with("; " + key + ": ")) return line.substr(key.size() + 4);
  }
  return "";
}

Function only_function(const fs::path& path) {
  std::vector<Function> list = read_clif(path.string());
  EXPECT_EQ(list.size(), 1u) << path;
  return std::move(list.at(0));
}

Pair read_pair(const std::string& stem) {
  Pair pair;
  pair.stem = stem;
  std::ifstream in(folder() / (stem + ".before.clif"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line) && line.starts_with(";");) lines.push_back(line);
  pair.sentence = lines.empty() ? "" : lines[0].substr(1);
  pair.verdict = header(lines, "verdict");
  const std::string assume = header(lines, "assume");
  if (!assume.empty()) pair.options.promises = read_assumptions((folder() / assume).string());
  const std::string options = header(lines, "options");
  EXPECT_TRUE(options.empty() || options == "--no-trust-regions") << stem << ": " << options;
  pair.options.trust_regions = options.empty();
  pair.options.random_runs = 40;
  pair.before = only_function(folder() / (stem + ".before.clif"));
  pair.after = only_function(folder() / (stem + ".after.clif"));
  return pair;
}

std::vector<std::string> stems() {
  std::vector<std::string> list;
  for (const auto& entry : fs::directory_iterator(folder())) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".before.clif")) list.push_back(name.substr(0, name.size() - 12));
  }
  std::sort(list.begin(), list.end());
  return list;
}

// One for all pairs of the process: a child is kept between questions.
smt::Solver& solver() {
  static const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  return *z3;
}

bool all_accesses_have_regions(const Function& f) {
  for (const Block& block : f.blocks) {
    for (const Inst& inst : block.insts) {
      const bool accesses = inst.reads_memory() || inst.writes_memory() || inst.is_atomic();
      if (accesses && inst.access_bytes() != 0 && !inst.flags.region) return false;
    }
  }
  return true;
}

// "0x10 (Heap): before 0x1, after 0x0" says where, whose and what; what must differ.
void expect_names_bytes(const Pair& pair, const Counterexample& c) {
  ASSERT_FALSE(c.bytes.empty()) << c.difference;
  const bool regions = all_accesses_have_regions(pair.before) && all_accesses_have_regions(pair.after);
  for (const std::string& line : c.bytes) {
    const size_t open = line.find(" ("), close = line.find("): before 0x"), comma = line.find(", after 0x");
    ASSERT_TRUE(line.starts_with("0x") && open < close && close < comma && comma != std::string::npos) << line;
    const std::string owner = line.substr(open + 2, close - open - 2);
    EXPECT_FALSE(owner.empty()) << line;
    if (regions) {
      EXPECT_NE(owner, "no region") << line;
    }
    if (owner != "no region" && !owner.starts_with("ss")) {
      const auto is_owner = [&](const auto& r) { return pair.before.region_name(r.first) == owner; };
      EXPECT_TRUE(std::any_of(pair.before.regions.begin(), pair.before.regions.end(), is_owner)) << line;
    }
    EXPECT_NE(line.substr(close + 10, comma - close - 10), line.substr(comma + 8)) << line;
  }
}

void expect_counterexample(const Pair& pair, const PairResult& r) {
  ASSERT_TRUE(r.counterexample.has_value());
  const Counterexample& c = *r.counterexample;
  const std::optional<Difference> d = compare(c.before, c.after);
  ASSERT_TRUE(d.has_value());
  EXPECT_EQ(d->kind, Difference::kDiffers);
  EXPECT_EQ(d->what, c.difference);
  EXPECT_EQ(c.arguments.size(), pair.before.entry().params.size());
  if (r.reason.starts_with("found by run ")) return;  // in a world of chance
  if (c.difference.starts_with("at ")) expect_names_bytes(pair, c);

  ASSERT_NE(c.written, nullptr);
  WrittenWorld one = *c.written, two = *c.written;
  constexpr size_t kSteps = 100'000;
  const Run b = run(pair.before, one.arguments, one, kSteps, pair.options.trust_regions);
  const Run a = run(pair.after, two.arguments, two, kSteps, pair.options.trust_regions);
  const std::optional<Difference> again = compare(b, a);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->kind, Difference::kDiffers);
  EXPECT_EQ(again->what, c.difference);
}

class Corpus : public ::testing::TestWithParam<std::string> {};

TEST_P(Corpus, GetsItsVerdict) {
  const Pair pair = read_pair(GetParam());
  const PairResult r = verify_pair(pair.before, pair.after, pair.options, solver());
  EXPECT_EQ(name_of(r.verdict), pair.verdict) << pair.sentence << "\n"
                                              << r.reason << (r.counterexample ? r.counterexample->difference : "");
  EXPECT_EQ(r.internal_error, "");
  switch (r.verdict) {
    case Verdict::kRefuted:
      expect_counterexample(pair, r);
      break;
    case Verdict::kBounded:
      EXPECT_EQ(r.bound, pair.options.unroll);
      break;
    case Verdict::kUnknown:
    case Verdict::kUnsupported:
      EXPECT_NE(r.reason, "");
      break;
    case Verdict::kProved:
    case Verdict::kIdentical:
      break;
  }
  EXPECT_EQ(r.counterexample.has_value(), r.verdict == Verdict::kRefuted);

  // Proved under promises: refuted without, and the promises are named.
  if (r.verdict == Verdict::kProved && !pair.options.promises.list.empty()) {
    EXPECT_FALSE(r.facts_to_teach.empty());
    for (const std::string& fact : r.facts_to_teach) {
      const auto& list = pair.options.promises.list;
      EXPECT_TRUE(std::any_of(list.begin(), list.end(), [&](const Promise& p) { return p.text == fact; })) << fact;
    }
    Pair alone = pair;
    alone.options.promises.list.clear();
    const PairResult without = verify_pair(alone.before, alone.after, alone.options, solver());
    EXPECT_EQ(without.verdict, Verdict::kRefuted) << without.reason;
    if (without.verdict == Verdict::kRefuted) expect_counterexample(alone, without);
  }
}

std::string test_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Pairs, Corpus, ::testing::ValuesIn(stems()), test_name);

std::vector<std::string> lines_of(const Function& f) {
  Function copy = f;
  copy.name = "%f";
  copy.comments.clear();
  std::vector<std::string> lines;
  std::istringstream in(print(copy));
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

// How many lines must be taken out, put in or replaced to get from one to the other.
size_t distance(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t k = 0; k <= b.size(); ++k) row[k] = k;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t k = 1; k <= b.size(); ++k) {
      const size_t above = row[k];
      row[k] = std::min({above + 1, row[k - 1] + 1, diagonal + (a[i - 1] == b[k - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

TEST(CorpusAsAWhole, RightAndWrongPairsDifferInOneInstruction) {
  size_t couples = 0;
  const std::vector<std::string> all = stems();
  for (const std::string& stem : all) {
    if (!stem.ends_with(".right")) continue;
    const std::string wrong_stem = stem.substr(0, stem.size() - 6);
    ASSERT_TRUE(std::binary_search(all.begin(), all.end(), wrong_stem)) << stem << " without a wrong one";
    const Pair right = read_pair(stem), wrong = read_pair(wrong_stem);
    EXPECT_EQ(right.verdict, "PROVED") << stem;
    EXPECT_EQ(wrong.verdict, "REFUTED") << stem;
    const size_t before = distance(lines_of(wrong.before), lines_of(right.before));
    const size_t after = distance(lines_of(wrong.after), lines_of(right.after));
    EXPECT_LE(before, 1u) << stem;
    EXPECT_LE(after, 1u) << stem;
    // Where both are the same, a promise makes the difference.
    EXPECT_TRUE(before + after != 0 || !right.options.promises.list.empty()) << stem;
    ++couples;
  }
  EXPECT_GE(couples, 150u);
}

TEST(CorpusAsAWhole, EveryPairSaysWhatItIsAbout) {
  std::map<std::string, size_t> verdicts;
  std::set<std::string> sentences, texts;
  for (const std::string& stem : stems()) {
    const Pair pair = read_pair(stem);
    EXPECT_TRUE(pair.sentence.ends_with(".") && pair.sentence.size() > 12) << stem << ":" << pair.sentence;
    EXPECT_TRUE(sentences.insert(pair.sentence).second) << stem << " says what another pair says";
    std::string text = print(pair.before) + print(pair.after) + (pair.options.trust_regions ? "" : "untrusted");
    for (const Promise& p : pair.options.promises.list) text += p.text;
    EXPECT_TRUE(texts.insert(text).second) << stem << " is another pair";
    EXPECT_NE(print(pair.before), print(pair.after)) << stem;
    ++verdicts[pair.verdict];
  }
  EXPECT_GE(verdicts["REFUTED"], 180u);
  EXPECT_GE(verdicts["PROVED"], 180u);
  for (const auto& [verdict, n] : verdicts) {
    EXPECT_TRUE(std::set<std::string>({"REFUTED", "PROVED", "BOUNDED", "UNKNOWN"}).contains(verdict)) << verdict;
  }
}

TEST(CorpusAsAWhole, TheFolderIsReadAsItsPairs) {
  const Pairs pairs = read_pairs({folder().string()});
  EXPECT_EQ(pairs.list.size(), stems().size());
  EXPECT_EQ(pairs.other_files, 0u);
  EXPECT_TRUE(pairs.only_before.empty());
}

TEST(CorpusAsAWhole, AFunctionIsIdenticalToItself) {
  for (const std::string& stem : stems()) {
    const Pair pair = read_pair(stem);
    EXPECT_EQ(verify_pair(pair.before, pair.before, pair.options, solver()).verdict, Verdict::kIdentical) << stem;
  }
}

}  // namespace
}  // namespace lockstep::refinement::corpus
