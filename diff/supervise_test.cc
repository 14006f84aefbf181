// Work in a child process: its exit code comes back, its death and its hanging are told apart, signals are passed on.
#include "diff/supervise.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace lockstep::diff {
namespace {

using namespace std::chrono_literals;

constexpr auto kLong = 60s;  // for work that ends by itself

TEST(Supervise, GivesBackTheExitCodeOfTheWork) {
  const SharedBeacon beacon = make_beacon();
  const WorkerEnd end = supervise([] { return 7; }, *beacon, kLong);
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.failure, "");
}

TEST(Supervise, SaysWhatTheWorkDiedOf) {
  const SharedBeacon beacon = make_beacon();
  const WorkerEnd end = supervise([] { return raise(SIGKILL); }, *beacon, kLong);
  EXPECT_EQ(end.failure.rfind("died of signal 9", 0), 0u) << end.failure;
}

TEST(Supervise, EndsWorkThatStaysInAnEngineAndKnowsInWhich) {
  const SharedBeacon beacon = make_beacon();
  const WorkerEnd end = supervise(
      [&] {
        beacon->enter(3, 1);
        while (true) pause();
        return 0;
      },
      *beacon, 200ms);
  EXPECT_EQ(end.failure, "hung: no end after 200 ms");
  EXPECT_EQ(beacon->index.load(), 3u);
  EXPECT_EQ(beacon->engine.load(), 1u);
}

TEST(Supervise, PassesSignalsOnToTheWork) {
  for (const int signal : {SIGINT, SIGTERM}) {
    // Harmless until supervise listens.
    const auto before = ::signal(signal, [](int) {});
    const SharedBeacon beacon = make_beacon();
    interrupted = false;
    const WorkerEnd end = supervise(
        [signal] {
          ::signal(signal, [](int) { interrupted = true; });
          while (!interrupted) kill(getppid(), signal);  // until it comes back
          return 5;
        },
        *beacon, kLong);
    EXPECT_EQ(end.exit_code, 5);
    EXPECT_EQ(end.failure, "");
    ::signal(signal, before);
  }
}

}  // namespace
}  // namespace lockstep::diff
