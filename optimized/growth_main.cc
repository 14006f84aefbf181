// The program `growth`, which .ci/check_growth runs under callgrind: sets up many of one thing, at full speed, and has
// the instructions counted that one operation then takes.
//
//   valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=FILE growth [--table] [KIND…]
//
// Each count becomes a file FILE.N with a line "desc: Trigger: Client Request: KIND SIZE OPERATION". Sizes are 1,000
// and the largest, with --table all powers of ten from 10 on. Exit code 77: built without valgrind's header.
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "optimized/populations.h"

#if __has_include(<valgrind/callgrind.h>)
#pragma GCC diagnostic ignored "-Wconversion"
#include <valgrind/callgrind.h>

namespace lockstep::optimized::growth {
namespace {

constexpr uint32_t kRounds = 4;

template <typename Operation>
void count(const Kind& kind, uint32_t n, const char* name, Operation operation) {
  const std::string label = kind.name + (" " + std::to_string(n) + " ") + name;
  CALLGRIND_ZERO_STATS;
  operation();
  CALLGRIND_DUMP_STATS_AT(label.c_str());
}

void measure(const Kind& kind, uint32_t n) {
  const std::unique_ptr<Population> p = kind.make(n);
  for (uint32_t i = 0; i < kRounds; ++i) {  // what is made once is made
    p->wake();
    p->tick();
    p->cancel();
    p->restore();
  }
  CALLGRIND_START_INSTRUMENTATION;
  for (uint32_t i = 0; i < kRounds; ++i) {
    count(kind, n, "wake", [&] { p->wake(); });
    count(kind, n, "tick", [&] { p->tick(); });
    count(kind, n, "cancel", [&] { p->cancel(); });
    p->restore();
  }
  CALLGRIND_STOP_INSTRUMENTATION;
}

// The promotion of a whole chain, and its way out.
void measure_chain(const char* name, uint32_t depth, bool one_instance) {
  Chain chain(depth, one_instance);
  const std::string label = name + (" " + std::to_string(depth) + " ");
  const std::string labels[] = {label + "promote", label + "return"};
  chain.run(
      [](void* data, Chain& c) {
        const auto* text = static_cast<const std::string*>(data);
        CALLGRIND_START_INSTRUMENTATION;
        CALLGRIND_ZERO_STATS;
        c.store.thread_index();
        CALLGRIND_DUMP_STATS_AT(text[0].c_str());
        CALLGRIND_ZERO_STATS;
      },
      const_cast<std::string*>(labels));
  CALLGRIND_DUMP_STATS_AT(labels[1].c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
}

int main(std::vector<std::string> names) {
  const bool table = std::erase(names, "--table") != 0;
  for (const Kind& kind : kKinds) {
    if (!names.empty() && std::find(names.begin(), names.end(), kind.name) == names.end()) continue;
    for (uint32_t n = table ? 10 : 1'000; n <= kind.largest; n *= table ? 10 : kind.largest / 1'000) measure(kind, n);
  }
  for (const uint32_t depth : {1'000u, 10'000u}) {
    if (!names.empty()) break;
    measure_chain("chain-in-one-instance", depth, true);
    measure_chain("chain-of-instances", depth, false);
  }
  return 0;
}

}  // namespace
}  // namespace lockstep::optimized::growth

int main(int argc, char** argv) { return lockstep::optimized::growth::main({argv + 1, argv + argc}); }

#else

int main() {
  std::puts("built without <valgrind/callgrind.h>");
  return 77;
}

#endif
