#include "diff/supervise.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <vector>

namespace lockstep::diff {

using Clock = std::chrono::steady_clock;

std::atomic<bool> interrupted = false;

namespace {

volatile sig_atomic_t child_pid = 0;

void pass_on(int signal) {
  if (child_pid > 0) kill(child_pid, signal);
}

}  // namespace

void end_on_signals() {
  std::signal(SIGINT, [](int) { interrupted = true; });
  std::signal(SIGTERM, [](int) { interrupted = true; });
}

bool wait_for_exit(std::span<const pid_t> children, std::chrono::milliseconds time) {
  const auto is_over = [](pid_t pid) {  // also one that has been reaped
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
  };
  const auto any_over = [&] { return std::any_of(children.begin(), children.end(), is_over); };
  std::vector<pollfd> ends;
  for (const pid_t pid : children) ends.push_back({static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), POLLIN, 0});
  const bool watched = std::all_of(ends.begin(), ends.end(), [](const pollfd& end) { return end.fd >= 0; });
  bool over = any_over();
  if (!over && watched) {
    over = poll(ends.data(), ends.size(), static_cast<int>(time.count())) > 0;
  } else if (!over) {  // a kernel without pidfd_open: look now and then
    for (const Clock::time_point end = Clock::now() + time; !over && Clock::now() < end; over = any_over())
      poll(nullptr, 0, 20);
  }
  for (const pollfd& end : ends)
    if (end.fd >= 0) close(end.fd);
  return over;
}

void UnmapBeacon::operator()(Beacon* b) const { munmap(b, sizeof(Beacon)); }

SharedBeacon make_beacon() {
  void* memory = mmap(nullptr, sizeof(Beacon), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  return SharedBeacon(new (memory) Beacon());
}

WorkerEnd supervise(const std::function<int()>& work, Beacon& beacon, std::chrono::milliseconds time_limit) {
  std::fflush(nullptr);
  // Signals wait until both sides are ready for them; else one that comes early would end the parent alone.
  sigset_t ours;
  sigset_t before;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigprocmask(SIG_BLOCK, &ours, &before);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    sigprocmask(SIG_SETMASK, &before, nullptr);
    const int code = work();
    std::fflush(nullptr);
    _exit(code);
  }
  child_pid = pid;
  struct sigaction forward {};
  forward.sa_handler = pass_on;
  struct sigaction old_int {};
  struct sigaction old_term {};
  sigaction(SIGINT, &forward, &old_int);
  sigaction(SIGTERM, &forward, &old_term);
  sigprocmask(SIG_SETMASK, &before, nullptr);

  uint64_t last_serial = beacon.serial.load(std::memory_order_acquire);
  Clock::time_point since = Clock::now();
  bool hung = false;
  while (!wait_for_exit(pid, std::chrono::milliseconds(100))) {
    const uint64_t serial = beacon.serial.load(std::memory_order_acquire);
    const Clock::time_point now = Clock::now();
    if (serial != last_serial || serial % 2 == 0) {
      last_serial = serial;
      since = now;
    } else if (now - since > time_limit && !hung) {
      hung = true;
      kill(pid, SIGKILL);
    }
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  child_pid = 0;
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);

  if (hung) return {0, fmt::format("hung: no end after {} ms", time_limit.count())};
  if (WIFSIGNALED(status))
    return {0, fmt::format("died of signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))};
  return {WEXITSTATUS(status), ""};
}

}  // namespace lockstep::diff
