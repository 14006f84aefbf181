#include "diff/supervise.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>

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

bool wait_for_exit(pid_t pid, std::chrono::milliseconds time) {
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0 && errno == ESRCH) return true;  // and reaped
  if (pidfd < 0) {                               // a kernel without it: look now and then
    const Clock::time_point end = Clock::now() + time;
    siginfo_t info{};
    do {
      poll(nullptr, 0, 20);
      if (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid)
        return true;
    } while (Clock::now() < end);
    return false;
  }
  pollfd fd{pidfd, POLLIN, 0};
  const bool over = poll(&fd, 1, static_cast<int>(time.count())) > 0;
  close(pidfd);
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
