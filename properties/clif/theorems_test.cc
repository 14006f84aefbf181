// Each theorem about adapters is proved, each negative control is refuted; by Z3 alone, so that it needs nothing else.
#include "properties/clif/theorems.h"

#include <gtest/gtest.h>

#include "optimized/clif/reader.h"

namespace lockstep::refinement {
namespace {

PairResult judge(const Claim& claim, smt::Solver& solver, bool simplify) {
  VerifyOptions options;
  options.promises = read_promises(claim.promises);
  options.without_promises = false;
  options.simplify = simplify;
  options.random_runs = 100;
  return verify_pair(read_functions(claim.before).front(), read_functions(claim.after).front(), options, solver);
}

TEST(Theorems, AreProvedAndTheirControlsRefuted) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  ASSERT_GE(theorems().size(), 3U);
  for (const Theorem& theorem : theorems()) {
    // With terms as they are, too: what simplification decides, the solver has to decide as well.
    for (const bool simplify : {true, false}) {
      EXPECT_EQ(name_of(judge(theorem.claim, *z3, simplify).verdict), "PROVED") << theorem.claim.name;
      EXPECT_GE(theorem.controls.size(), 1U) << theorem.claim.name;
      for (const Claim& control : theorem.controls) {
        const PairResult r = judge(control, *z3, simplify);
        EXPECT_EQ(name_of(r.verdict), "REFUTED") << theorem.claim.name << ", " << control.name << ": " << r.reason;
      }
    }
  }
}

TEST(Theorems, NeedEachOfTheirPromises) {
  const std::unique_ptr<smt::Solver> z3 = smt::make_z3();
  for (const Theorem& theorem : theorems()) {
    const Promises all = read_promises(theorem.claim.promises);
    for (size_t i = 0; i < all.list.size(); ++i) {
      VerifyOptions options;
      options.promises = all;
      options.promises.list.erase(options.promises.list.begin() + static_cast<std::ptrdiff_t>(i));
      options.random_runs = 0;
      options.without_promises = false;
      const PairResult r = verify_pair(read_functions(theorem.claim.before).front(),
                                       read_functions(theorem.claim.after).front(), options, *z3);
      EXPECT_NE(r.verdict, Verdict::kProved) << theorem.claim.name << " without '" << all.list[i].text << "'";
    }
  }
}

}  // namespace
}  // namespace lockstep::refinement
