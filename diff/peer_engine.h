// Engines in another process: any program that speaks the line protocol of diff/PROTOCOL.md. Several cases are under
// way at once, so that both processes have work; answers come back in order.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "diff/engine.h"
#include "diff/support.h"
#include "traces/trace.h"

namespace lockstep::diff {

// What came back for one case.
struct PeerAnswer {
  traces::Words events;
  bool agrees = false;      // a child of ours found nothing that differs from what was expected; there are no events
  std::string unsupported;  // what the engine lacks; the case is skipped
  std::string failure;      // the engine died, hung or answered nonsense; with what it wrote to standard error
};

class PeerEngine {
 public:
  // `name` as on the command line; `command` is argv. Throws InputError if it cannot be started or says no hello.
  PeerEngine(std::string name, std::vector<std::string> command, std::chrono::milliseconds time_limit);
  // The same with a function that a forked child of this process runs: it serves on standard input and output, and
  // gives the exit code (diff/plugin_engine.h).
  PeerEngine(std::string name, std::function<int()> serve, std::chrono::milliseconds time_limit);
  ~PeerEngine();
  PeerEngine(const PeerEngine&) = delete;
  PeerEngine& operator=(const PeerEngine&) = delete;

  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const Capabilities& capabilities() const { return capabilities_; }
  const Support& support() const { return support_; }
  uint64_t restarts() const { return restarts_; }

  // `expected`, if there is any, tells a child of ours where to stop.
  void send(const traces::Scenario&, const std::vector<traces::TakenChoice>&, std::span<const uint32_t> expected = {});
  // Waits for the answer to the oldest case that was sent and not collected.
  PeerAnswer collect();
  size_t under_way() const { return pending_.size(); }

 private:
  using Clock = std::chrono::steady_clock;

  void start();
  void stop();
  void read_hello();
  // Moves bytes in both directions until a whole line is in or the deadline is over; false then, or if the engine died.
  bool exchange(Clock::time_point deadline, bool want_line);
  std::optional<std::string> take_line();
  PeerAnswer parse(const std::string& line, uint64_t number) const;
  std::string failure(const std::string& what);

  std::string name_;
  std::string version_;
  std::vector<std::string> command_;
  std::function<int()> serve_;  // instead of the command
  std::chrono::milliseconds time_limit_;
  Capabilities capabilities_;
  Support support_;
  int pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
  std::string to_write_;
  size_t written_ = 0;
  std::string read_;
  size_t line_start_ = 0;
  std::string errors_;
  struct Pending {
    uint64_t number;
    std::string line;
  };
  std::deque<Pending> pending_;
  uint64_t next_number_ = 0;
  uint64_t restarts_ = 0;
};

}  // namespace lockstep::diff
