// What one wake-up with its tick, and one cancellation, take while ever more waits. The instructions are the same
// (.ci/check_growth); what grows is the time to fetch records that the caches do not hold, in an order without
// locality.
#include <benchmark/benchmark.h>

#include "optimized/populations.h"

namespace lockstep::optimized::growth {
namespace {

void wake_and_tick(benchmark::State& state, const Kind& kind) {
  const std::unique_ptr<Population> p = kind.make(static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    p->wake();
    p->tick();
  }
}

void cancel_and_restore(benchmark::State& state, const Kind& kind) {
  const std::unique_ptr<Population> p = kind.make(static_cast<uint32_t>(state.range(0)));
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
      auto* b = benchmark::RegisterBenchmark((name + operation).c_str(),
                                             [&kind, run = run](benchmark::State& state) { run(state, kind); });
      b->Arg(10)->Arg(1'000)->Arg(kind.largest);
    }
  }
  return true;
}();

}  // namespace
}  // namespace lockstep::optimized::growth
