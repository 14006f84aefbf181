// Work in a child process, so that an engine of this process that dies or hangs takes nothing else with it.
//
// The child says through a beacon (shared memory) which case it is in; if it dies there, or stays there too long, the
// parent knows what to blame.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace lockstep::diff {

// Set by the handler of SIGINT and SIGTERM: what is under way comes to its end, with what it has.
extern std::atomic<bool> interrupted;

// From now on SIGINT and SIGTERM set `interrupted`.
void end_on_signals();

// Until one of these children is over, or the time is; true in the first case. It is not reaped.
bool wait_for_exit(std::span<const pid_t> children, std::chrono::milliseconds time);
inline bool wait_for_exit(pid_t child, std::chrono::milliseconds time) { return wait_for_exit({&child, 1}, time); }

struct Beacon {
  std::atomic<uint64_t> serial = 0;  // changes with every case and engine; odd while an engine of this process runs
  std::atomic<uint64_t> index = 0;   // of the case
  std::atomic<uint32_t> engine = 0;  // which of the engines

  void enter(uint64_t case_index, uint32_t engine_number) {
    index.store(case_index, std::memory_order_relaxed);
    engine.store(engine_number, std::memory_order_relaxed);
    serial.fetch_add(1, std::memory_order_release);
  }
  void leave() { serial.fetch_add(1, std::memory_order_release); }
};

struct UnmapBeacon {
  void operator()(Beacon*) const;
};
using SharedBeacon = std::unique_ptr<Beacon, UnmapBeacon>;
SharedBeacon make_beacon();

struct WorkerEnd {
  int exit_code = 0;
  std::string failure;  // "died of signal 11 (Segmentation fault)", "hung: …"; empty if it exited by itself
};

// Runs `work` in a child and waits for it; its result is the child's exit code. SIGINT and SIGTERM are passed on. The
// child is killed when it has been in one engine (odd serial) for longer than `time_limit`.
WorkerEnd supervise(const std::function<int()>& work, Beacon& beacon, std::chrono::milliseconds time_limit);

}  // namespace lockstep::diff
