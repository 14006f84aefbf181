// adapter_bench: what a sync-to-sync call costs, by the way it is made.
//
//   adapter_bench [Google Benchmark's options]   times; with LOCKSTEP_WASMTIMES="NAME=PATH NAME=PATH …" (paths of
//                                                libwasmtime.so) the same loop in these too
//   adapter_bench --count ROW CALLS              runs one row's loop once, to be watched by callgrind
//   adapter_bench --rows                         name, adapters per call and description of each row
//
// Every iteration makes kCalls calls. `table.py` puts all of it into one table.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "optimized/bench/guests.h"
#include "optimized/bench/wasmtime.h"

namespace lockstep::optimized::bench {
namespace {

constexpr uint32_t kCalls = 10'000;

uint32_t expected(uint32_t calls) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < calls; ++i) sum = 3 * sum + i;
  return sum;
}

template <typename Run>
void measure(benchmark::State& state, Run run) {
  if (run(kCalls) != expected(kCalls)) return state.SkipWithError("wrong sum");
  for (auto _ : state) benchmark::DoNotOptimize(run(kCalls));
}

void add_rows() {
  for (const Row& row : rows()) {
    benchmark::RegisterBenchmark(std::string(row.name).c_str(), [loop = row.loop](benchmark::State& state) {
      World world;
      measure(state, [&](uint32_t calls) { return world.run(loop, calls); });
    });
  }
}

void add_wasmtimes(const char* list) {
  std::istringstream in(list);
  for (std::string item; in >> item;) {
    const size_t equals = item.find('=');
    if (equals == std::string::npos) throw std::runtime_error("LOCKSTEP_WASMTIMES: not NAME=PATH: " + item);
    for (int variant = 0; variant < 3; ++variant) {
      static constexpr const char* kVariants[] = {"no-concurrency", "concurrency", "context"};
      const WasmtimeOptions options = {item.substr(equals + 1), variant > 0, variant > 1};
      auto loop = std::make_shared<WasmtimeLoop>(options);
      const std::string name = "wasmtime/" + item.substr(0, equals) + "/" + kVariants[variant];
      benchmark::RegisterBenchmark(name.c_str(), [loop](benchmark::State& state) {
        measure(state, [&](uint32_t calls) { return loop->run(calls); });
      });
    }
  }
}

int count(const char* name, uint32_t calls) {
  for (const Row& row : rows()) {
    if (row.name != name) continue;
    World world;
    const uint32_t sum = world.run(row.loop, calls);
    return sum == expected(calls) ? 0 : 3;
  }
  std::fprintf(stderr, "there is no row %s\n", name);
  return 2;
}

int run(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--count") == 0)
    return count(argv[2], static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10)));
  if (argc == 2 && std::strcmp(argv[1], "--rows") == 0) {
    for (const Row& row : rows()) std::printf("%s\t%u\t%s\n", row.name.data(), row.depth, row.what.data());
    return 0;
  }
  add_rows();
  if (const char* list = std::getenv("LOCKSTEP_WASMTIMES")) add_wasmtimes(list);
  benchmark::AddCustomContext("calls", std::to_string(kCalls));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace lockstep::optimized::bench

int main(int argc, char** argv) {
  try {
    return lockstep::optimized::bench::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "adapter_bench: %s\n", e.what());
    return 2;
  }
}
