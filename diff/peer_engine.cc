#include "diff/peer_engine.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "diff/plugin_engine.h"
#include "diff/supervise.h"
#include "traces/json.h"
#include "traces/json_reader.h"

namespace lockstep::diff {

using traces::InputError;
using traces::Json;

namespace {

constexpr size_t kErrorTail = 4096;  // bytes of standard error that are kept
constexpr size_t kMaxLine = 256 << 20;

// What an engine wrote goes into JSON and XML files: bytes that are no UTF-8 are replaced.
std::string as_utf8(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

PeerEngine::PeerEngine(std::string name, std::vector<std::string> command, std::chrono::milliseconds time_limit)
    : name_(std::move(name)), command_(std::move(command)), time_limit_(time_limit) {
  signal(SIGPIPE, SIG_IGN);
  start();
}

PeerEngine::PeerEngine(std::string name, std::function<int()> serve, std::chrono::milliseconds time_limit)
    : name_(std::move(name)), serve_(std::move(serve)), time_limit_(time_limit) {
  signal(SIGPIPE, SIG_IGN);
  start();
}

PeerEngine::~PeerEngine() { stop(); }

void PeerEngine::start() {
  int to[2];
  int from[2];
  int errors[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0)
    throw InputError(name_, std::string("no pipe: ") + std::strerror(errno));
  std::vector<char*> argv;
  for (std::string& a : command_) argv.push_back(a.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);  // else a child that is not another program could write it once more
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    dup2(errors[1], 2);
    setpgid(0, 0);                     // so that Ctrl-C reaches us first, and that all of it can be killed
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // an engine that hangs must not outlive us
    if (serve_) {
      close_range(3, ~0u, 0);  // pipes of other engines, which would not see our end
      for (const int s : {SIGINT, SIGTERM, SIGPIPE}) signal(s, SIG_DFL);
      _exit(serve_());
    }
    execvp(argv[0], argv.data());
    const std::string text = std::string(argv[0]) + ": " + std::strerror(errno) + "\n";
    [[maybe_unused]] const ssize_t n = write(2, text.data(), text.size());
    _exit(127);
  }
  if (pid_ > 0) setpgid(pid_, pid_);  // whoever of the two comes first
  close(to[0]);
  close(from[1]);
  close(errors[1]);
  if (pid_ < 0) throw InputError(name_, std::string("cannot be started: ") + std::strerror(errno));
  in_ = to[1];
  out_ = from[0];
  err_ = errors[0];
  for (const int fd : {in_, out_, err_}) set_nonblocking(fd);
  to_write_.clear();
  written_ = 0;
  read_.clear();
  line_start_ = 0;
  errors_.clear();
  try {
    read_hello();
  } catch (...) {
    stop();
    throw;
  }
  for (const Pending& p : pending_) to_write_ += p.line;
}

void PeerEngine::stop() {
  if (pid_ <= 0) return;
  for (const int fd : {in_, out_, err_}) close(fd);
  // At the end of its input an engine that owes nothing exits, and may have something to write before (coverage.py).
  if (pending_.empty()) wait_for_exit(pid_, std::chrono::milliseconds(500));
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void PeerEngine::read_hello() {
  // A program has to start first, however short the limit for a case is.
  const auto limit = std::max(time_limit_, std::chrono::milliseconds(5000));
  const auto deadline = Clock::now() + limit;
  if (!exchange(deadline, true)) {
    const bool late = Clock::now() >= deadline;
    throw InputError(name_, failure("said no hello" + (late ? " within " + std::to_string(limit.count()) + " ms"
                                                            : std::string(" and closed its output"))));
  }
  const std::string line = *take_line();
  try {
    const Json j = traces::parse_json(line);
    if (!j.is_object() || j.value("lockstep", "") != "1")
      throw InputError("", "not a hello of protocol version 1: " + line.substr(0, 200));
    if (serve_ && j.contains("refused")) throw InputError("", j.value("refused", ""));
    version_ = j.value("name", "");
    if (j.contains("sha256")) version_ += " sha256 " + j.value("sha256", "");
    capabilities_ = {false, false, false, false};
    traces::for_each(j.value("capabilities", Json::array()), "capabilities", [&](const Json& c, const std::string& at) {
      const std::string text = c.is_string() ? c.get<std::string>() : "";
      if (text == "choices")
        capabilities_.choices = true;
      else if (text == "snapshot")
        capabilities_.snapshot = true;
      else if (text == "tree")
        capabilities_.tree = true;
      else if (text == "aftermath")
        capabilities_.aftermath = true;
      else
        throw InputError(at, "unknown capability " + c.dump());
    });
    if (j.contains("supports")) support_ = support_from_names(j.at("supports"), "supports");
  } catch (const nlohmann::json::exception&) {
    throw InputError(name_, "its hello has fields of the wrong type: " + line.substr(0, 200));
  } catch (const InputError& e) {
    throw InputError(name_, e.what());
  }
}

bool PeerEngine::exchange(Clock::time_point deadline, bool want_line) {
  char buffer[1 << 16];
  while (true) {
    if (want_line && read_.find('\n', line_start_) != std::string::npos) return true;
    const bool writing = written_ < to_write_.size();
    if (!want_line && !writing) return true;
    pollfd fds[] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}, {writing ? in_ : -1, POLLOUT, 0}};
    // Rounded up: who waits less has not waited to the deadline, and would take a hang for a death.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    const int ready = poll(fds, 3, static_cast<int>(left));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (fds[1].revents != 0) {
      const ssize_t n = read(err_, buffer, sizeof buffer);
      if (n > 0) {
        errors_.append(buffer, static_cast<size_t>(n));
        if (errors_.size() > kErrorTail) errors_.erase(0, errors_.size() - kErrorTail);
      } else if (n == 0 && (fds[0].revents & POLLIN) == 0 && (fds[0].revents & POLLHUP) != 0) {
        return false;
      }
    }
    if (fds[0].revents != 0) {
      const ssize_t n = read(out_, buffer, sizeof buffer);
      if (n == 0) {  // it closed its output: what it said before it died is read, then it is over
        ssize_t e;
        while ((e = read(err_, buffer, sizeof buffer)) > 0) errors_.append(buffer, static_cast<size_t>(e));
        return false;
      }
      if (n > 0) read_.append(buffer, static_cast<size_t>(n));
      if (read_.size() - line_start_ > kMaxLine) return false;
    }
    if (fds[2].revents != 0) {
      const ssize_t n = write(in_, to_write_.data() + written_, to_write_.size() - written_);
      if (n > 0) written_ += static_cast<size_t>(n);
      if (n < 0 && errno == EPIPE) {
        to_write_.clear();
        written_ = 0;
      }
      if (written_ == to_write_.size()) {
        to_write_.clear();
        written_ = 0;
      }
    }
  }
}

std::optional<std::string> PeerEngine::take_line() {
  const size_t end = read_.find('\n', line_start_);
  if (end == std::string::npos) return std::nullopt;
  std::string line = read_.substr(line_start_, end - line_start_);
  line_start_ = end + 1;
  if (line_start_ > (1 << 20) || line_start_ == read_.size()) {
    read_.erase(0, line_start_);
    line_start_ = 0;
  }
  return line;
}

void PeerEngine::send(const traces::Scenario& scenario, const std::vector<traces::TakenChoice>& choices,
                      std::span<const uint32_t> expected) {
  Json list = Json::array();
  for (const traces::TakenChoice& c : choices)
    list.push_back(Json::array({traces::name(c.point), traces::to_string(c.taken)}));
  const uint64_t number = next_number_++;
  Json j{{"case", number}};
  j["scenario"] = traces::to_json(scenario);
  j["choices"] = std::move(list);
  if (serve_) j["expected"] = expected.size();
  pending_.push_back({number, j.dump() + "\n"});
  if (serve_) pending_.back().line.append(reinterpret_cast<const char*>(expected.data()), expected.size_bytes());
  to_write_ += pending_.back().line;
  // As much as goes without waiting; an engine that died is noticed by collect.
  pollfd fd{in_, POLLOUT, 0};
  if (poll(&fd, 1, 0) > 0 && written_ < to_write_.size()) {
    const ssize_t n = write(in_, to_write_.data() + written_, to_write_.size() - written_);
    if (n > 0) written_ += static_cast<size_t>(n);
  }
}

PeerAnswer PeerEngine::collect() {
  const uint64_t number = pending_.front().number;
  const auto deadline = Clock::now() + time_limit_;
  const bool in_time = exchange(deadline, true);
  PeerAnswer answer;
  if (in_time) {
    answer = parse(*take_line(), number);
  } else {
    answer.failure =
        failure(Clock::now() >= deadline ? "gave no answer within " + std::to_string(time_limit_.count()) + " ms" : "");
  }
  pending_.pop_front();
  if (!answer.failure.empty()) {
    // Answers to the cases behind it may be off by one now: a fresh engine gets them again. The old one is not waited
    // for.
    kill(-pid_, SIGKILL);
    stop();
    ++restarts_;
    start();
  }
  return answer;
}

PeerAnswer PeerEngine::parse(const std::string& line, uint64_t number) const {
  PeerAnswer answer;
  try {
    const Json j = traces::parse_json(line);
    traces::ObjectReader r(j, "");
    if (r.number("case") != number) throw InputError("/case", "expected " + std::to_string(number));
    answer.unsupported = r.text_or_empty("unsupported");
    if (serve_) {
      answer.failure = r.text_or_empty("failure");
      answer.agrees = r.flag("agrees");
      answer.events = from_hex(r.text_or_empty("words"));
      if (!answer.failure.empty() && !errors_.empty()) answer.failure += "\nits standard error:\n" + errors_;
    } else if (answer.unsupported.empty()) {
      answer.events = traces::events_from_json(r.required("events"));
      if (!traces::outcome_of(answer.events)) throw InputError("/events", "there is no outcome");
    }
    r.done();
  } catch (const InputError& e) {
    answer.events.clear();
    answer.failure = std::string("answered nonsense: ") + e.what();
    if (!errors_.empty()) answer.failure += "\nits standard error:\n" + errors_;
    answer.failure = as_utf8(answer.failure);
  }
  return answer;
}

std::string PeerEngine::failure(const std::string& what) {
  std::string text = what;
  if (text.empty() && read_.size() - line_start_ > kMaxLine) {
    text = "answered with a line of more than " + std::to_string(kMaxLine >> 20) + " MB";
  } else if (text.empty()) {
    int status = 0;
    // Its output is closed; it is given a moment to be gone, so that the report can say how.
    wait_for_exit(pid_, std::chrono::seconds(1));
    const pid_t gone = waitpid(pid_, &status, WNOHANG);
    text = gone == 0 ? "closed its output and went on running"
           : WIFSIGNALED(status)
               ? "died of signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")"
               : "ended with exit code " + std::to_string(WEXITSTATUS(status));
  }
  if (!errors_.empty()) text += "\nits standard error:\n" + errors_;
  return as_utf8(text);
}

}  // namespace lockstep::diff
