// For the tests of this folder: the built program run as a user does, cases that were generated, engines that are
// shell or Python scripts.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "diff/campaign.h"
#include "diff/contestant.h"
#include "diff/failure.h"
#include "diff/verbs.h"
#include "traces/json.h"
#include "traces/testing.h"
#include "traces/trace.h"

namespace lockstep::diff::testing {

using traces::testing::complaint_of;
using traces::testing::Folder;

struct Output {
  int exit_code = -1;  // 128 + n if it died of signal n
  std::string out;
  std::string err;
};

// A program that runs beside the test; its working directory is the root of the checkout.
class Process {
 public:
  explicit Process(const std::vector<std::string>& command) {
    int from[2];
    if (pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    std::vector<std::string> words = command;
    std::vector<char*> argv;
    for (std::string& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    const std::string errors = folder_.file("stderr");
    pid_ = fork();
    if (pid_ == 0) {
      dup2(from[1], 1);
      dup2(open(errors.c_str(), O_CREAT | O_WRONLY, 0600), 2);
      execvp(argv[0], argv.data());
      _exit(127);
    }
    close(from[1]);
    out_fd_ = from[0];
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(out_fd_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads its output until it contains this.
  void wait_for(const std::string& text) {
    while (output_.out.find(text) == std::string::npos && read_some()) {
    }
  }
  void send(int signal) { kill(pid_, signal); }
  Output finish() {
    while (read_some()) {
    }
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    output_.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    output_.err = traces::read_file(folder_.file("stderr"));
    return std::move(output_);
  }

 private:
  bool read_some() {
    char buffer[1 << 14];
    const ssize_t n = read(out_fd_, buffer, sizeof buffer);
    if (n > 0) output_.out.append(buffer, static_cast<size_t>(n));
    return n > 0 || (n < 0 && errno == EINTR);
  }

  Folder folder_;
  pid_t pid_ = -1;
  int out_fd_ = -1;
  Output output_;
};

// The program that was built beside this test.
inline std::string program() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lockstep").string();
}

inline Output lockstep(std::vector<std::string> args) {
  args.insert(args.begin(), program());
  return Process(args).finish();
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Bad input or usage: exit code 2, one line that begins with the place, and nothing else said.
inline void expect_refused(const Output& o, const std::string& place) {
  EXPECT_EQ(o.exit_code, 2) << o.out << o.err;
  EXPECT_EQ(o.out, "");
  EXPECT_EQ(lines_of(o.err).size(), 1u) << o.err;
  EXPECT_TRUE(o.err.starts_with("lockstep: " + place)) << o.err;
}

inline traces::Json read_json(const std::string& path) { return traces::parse_json(traces::read_file(path)); }

// The small trace's scenario, as the model runs it.
inline Case small_case() {
  return run_reference(traces::trace_from_text(traces::testing::kSmallTrace).scenario, {}, false);
}

inline std::string write_trace(const Folder& folder, const std::string& name, const Case& c,
                               const std::string& link = "") {
  traces::Trace t = trace_of(c, "A trace of a test.");
  t.link = link;
  traces::write_file(folder.file(name), traces::to_text(t));
  return folder.file(name);
}

constexpr std::chrono::milliseconds kCaseTime{10'000};

// The first case of a campaign that fails in this engine.
struct Found {
  Case c;
  Verdict verdict;
};
inline std::optional<Found> first_failure(Contestant& engine, uint64_t seed, uint64_t max_cases) {
  for (uint64_t i = 0; i < max_cases; ++i) {
    Case c = generate_case(seed, i, {});
    Verdict v = engine.judge(c);
    if (v.bad()) return Found{std::move(c), std::move(v)};
  }
  return std::nullopt;
}

}  // namespace lockstep::diff::testing
