// What one wake-up with its tick, and one cancellation, take while ever more waits. The instructions are the same
// (.ci/check_growth); what grows is the time to fetch records that the caches do not hold: in turn, and at random.
#include <benchmark/benchmark.h>

#include "optimized/populations.h"

namespace lockstep::optimized::growth {
namespace {

void wake_and_tick(benchmark::State& state, const Kind& kind, Order order) {
  const std::unique_ptr<Population> p = kind.make(static_cast<uint32_t>(state.range(0)));
  p->visit(order);
  for (auto _ : state) {
    p->wake();
    p->tick();
  }
}

void cancel_and_restore(benchmark::State& state, const Kind& kind, Order order) {
  const std::unique_ptr<Population> p = kind.make(static_cast<uint32_t>(state.range(0)));
  p->visit(order);
  for (auto _ : state) {
    p->cancel();
    p->restore();
  }
}

const bool registered = [] {
  for (const Kind& kind : kKinds) {
    const std::string name = std::string("growth/") + kind.name;
    for (const auto& [operation, run] :
         {std::pair{"/wake-and-tick", &wake_and_tick}, std::pair{"/cancel-and-restore", &cancel_and_restore}}) {
      if (name == "growth/ready-threads" && run == &cancel_and_restore) continue;  // there, restoring is the work
      for (const auto& [suffix, order] : {std::pair{"", Order::kInTurn}, std::pair{"-at-random", Order::kAtRandom}}) {
        auto* b = benchmark::RegisterBenchmark(
            (name + operation + suffix).c_str(),
            [&kind, run = run, order = order](benchmark::State& state) { run(state, kind, order); });
        b->Arg(10)->Arg(1'000)->Arg(kind.largest);
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace lockstep::optimized::growth
