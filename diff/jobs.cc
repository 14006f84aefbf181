#include "diff/jobs.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <new>
#include <stdexcept>

#include "diff/supervise.h"
#include "diff/verbs.h"
#include "traces/json.h"

namespace lockstep::diff {
namespace {

using traces::Json;
using Clock = std::chrono::steady_clock;

// ---- a result on its way from a job

template <typename T, size_t N>
void add_array(std::array<T, N>& to, const Json& from) {
  for (size_t i = 0; i < N; ++i) to[i] += from.at(i).get<T>();
}

Json statistics_json(const Statistics& s) {
  Json sites = Json::array();
  for (const auto& [site, n] : s.sites) sites.push_back({site, n});
  return {{"cases", s.cases},
          {"steps", s.steps},
          {"outcomes", s.outcomes},
          {"operations", s.operations},
          {"host-operations", s.host_operations},
          {"sites", std::move(sites)},
          {"choices", s.choices},
          {"open-choices", s.open_choices},
          {"two-tasks", s.cases_with_two_tasks},
          {"blocked", s.cases_with_blocked_thread},
          {"eight-deep", s.cases_with_eight_deep},
          {"steps-per-case", s.steps_per_case}};
}

void add_statistics(Statistics& s, const Json& j) {
  s.cases += j.at("cases").get<uint64_t>();
  s.steps += j.at("steps").get<uint64_t>();
  add_array(s.outcomes, j.at("outcomes"));
  add_array(s.operations, j.at("operations"));
  add_array(s.host_operations, j.at("host-operations"));
  for (const Json& site : j.at("sites")) s.sites[site.at(0).get<uint32_t>()] += site.at(1).get<uint64_t>();
  add_array(s.choices, j.at("choices"));
  add_array(s.open_choices, j.at("open-choices"));
  s.cases_with_two_tasks += j.at("two-tasks").get<uint64_t>();
  s.cases_with_blocked_thread += j.at("blocked").get<uint64_t>();
  s.cases_with_eight_deep += j.at("eight-deep").get<uint64_t>();
  add_array(s.steps_per_case, j.at("steps-per-case"));
}

std::string result_text(const CampaignResult& r) {
  Json scores = Json::object();
  for (const auto& [engine, score] : r.scores)
    scores[engine] = {{"compared", score.compared},
                      {"divergences", score.divergences},
                      {"known", score.known},
                      {"skipped", score.skipped}};
  Json failures = Json::array();
  for (const Failure& f : r.failures)
    failures.push_back({{"engine", f.engine},
                        {"bucket", f.bucket},
                        {"file", f.file.string()},
                        {"index", f.index},
                        {"seed", f.seed},
                        {"confirmed", f.confirmed},
                        {"lines-before", f.lines_before},
                        {"lines", f.lines},
                        {"text", f.text}});
  const EngineCounters& c = r.counters;
  const Json j = {
      {"statistics", statistics_json(r.statistics)},
      {"scores", std::move(scores)},
      {"failures", std::move(failures)},
      {"promotions", c.promotions},
      {"sync-calls",
       {c.sync_calls, c.sync_calls_unpromoted, c.sync_calls_beyond_leaves, c.sync_calls_beyond_leaves_unpromoted}},
      {"no-longer-failing", r.no_longer_failing},
      {"interrupted", r.interrupted}};
  return j.dump();
}

void add_result(CampaignResult& r, const std::string& text) {
  const Json j = Json::parse(text);
  add_statistics(r.statistics, j.at("statistics"));
  for (const auto& [engine, score] : j.at("scores").items()) {
    Score& to = r.scores[engine];
    to.compared += score.at("compared").get<uint64_t>();
    to.divergences += score.at("divergences").get<uint64_t>();
    to.known += score.at("known").get<uint64_t>();
    for (const auto& [reason, n] : score.at("skipped").items()) to.skipped[reason] += n.get<uint64_t>();
  }
  for (const Json& f : j.at("failures"))
    r.failures.push_back({f.at("engine").get<std::string>(), f.at("bucket").get<std::string>(),
                          f.at("file").get<std::string>(), f.at("index").get<uint64_t>(), f.at("seed").get<uint64_t>(),
                          f.at("confirmed").get<bool>(), f.at("lines-before").get<size_t>(),
                          f.at("lines").get<size_t>(), f.at("text").get<std::string>()});
  const auto calls = j.at("sync-calls").get<std::vector<uint64_t>>();
  r.counters +=
      {j.at("promotions").get<std::map<std::string, uint64_t>>(), calls.at(0), calls.at(1), calls.at(2), calls.at(3)};
  // Each job has replayed all known failures.
  r.no_longer_failing = j.at("no-longer-failing").get<std::vector<std::string>>();
  r.interrupted |= j.at("interrupted").get<bool>();
}

// ---- the jobs

struct Job {
  pid_t pid = 0;  // 0: it has ended
  int file = -1;  // in memory: its result
};

void write_result(int file, const CampaignResult& result) {
  const std::string text = result_text(result);
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = write(file, text.data() + at, text.size() - at);
    if (n < 0 && errno != EINTR) throw std::runtime_error("cannot write the result of a job");
    if (n > 0) at += static_cast<size_t>(n);
  }
}

std::string read_result(int file) {
  std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = pread(file, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (n <= 0 && errno != EINTR) throw std::runtime_error("cannot read the result of a job");
    if (n > 0) at += static_cast<size_t>(n);
  }
  return text;
}

Job start_job(const CampaignOptions& options, const Style& style, uint64_t k, JobProgress& progress) {
  const int file = memfd_create("lockstep-job", MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error("cannot make a file in memory for a job");
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("cannot start a job");
  if (pid > 0) return {pid, file};
  // What it prints is in its result too, but for errors.
  if (std::freopen("/dev/null", "w", stdout) == nullptr) _exit(kInternal);
  CampaignOptions part = options;
  part.shard = options.shard + k * options.shards;
  part.shards = options.shards * options.jobs;
  part.progress = &progress;
  const int code = guarded_exit_code([&] {
    return supervised_campaign(part, style, [&](const CampaignResult& result) {
      write_result(file, result);
      return 0;
    });
  });
  std::fflush(nullptr);
  _exit(code);
}

void show_progress(const std::vector<JobProgress*>& jobs, const CampaignOptions& options, Clock::time_point start) {
  uint64_t cases = 0;
  uint64_t steps = 0;
  uint64_t divergences = 0;
  for (const JobProgress* p : jobs) {
    cases += p->cases.load(std::memory_order_relaxed);
    steps += p->steps.load(std::memory_order_relaxed);
    divergences += p->divergences.load(std::memory_order_relaxed);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double whole = options.cases ? static_cast<double>(*options.cases) / static_cast<double>(options.shards)
                                     : std::chrono::duration<double>(*options.time).count();
  print_progress(fmt::format("{} cases, {} divergences ({:.1f} s, {:.0f} steps/s, {} jobs)", cases, divergences,
                             seconds, static_cast<double>(steps) / seconds, options.jobs),
                 (options.cases ? static_cast<double>(cases) : seconds) / std::max(whole, 1e-9));
}

std::vector<pid_t> running(const std::vector<Job>& jobs) {
  std::vector<pid_t> out;
  for (const Job& job : jobs)
    if (job.pid != 0) out.push_back(job.pid);
  return out;
}

// The same failure may have been found in several jobs: the first case counts.
void sort_failures(CampaignResult& result, size_t most) {
  std::sort(result.failures.begin(), result.failures.end(),
            [](const Failure& a, const Failure& b) { return a.index < b.index; });
  std::vector<Failure> kept;
  for (Failure& f : result.failures) {
    const bool again = std::any_of(kept.begin(), kept.end(),
                                   [&](const Failure& k) { return k.engine == f.engine && k.bucket == f.bucket; });
    if (!again && kept.size() < most) kept.push_back(std::move(f));
  }
  result.failures = std::move(kept);
}

}  // namespace

CampaignResult run_jobs(const CampaignOptions& options, const Style& style) {
  void* const memory =
      mmap(nullptr, options.jobs * sizeof(JobProgress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  std::vector<JobProgress*> progress;
  for (uint64_t k = 0; k < options.jobs; ++k)
    progress.push_back(new (static_cast<char*>(memory) + k * sizeof(JobProgress)) JobProgress());

  print_campaign_header(options);
  const Clock::time_point start = Clock::now();
  std::vector<Job> jobs;
  for (uint64_t k = 0; k < options.jobs; ++k) jobs.push_back(start_job(options, style, k, *progress[k]));

  const bool terminal = isatty(1) != 0;
  CampaignResult result;
  bool told = false;    // the jobs were told to end
  bool enough = false;  // because one has found what was to be found
  int exit_code = 0;    // of a job that could not work
  Clock::time_point last_progress = start;
  for (std::vector<pid_t> left = running(jobs); !left.empty(); left = running(jobs)) {
    wait_for_exit(left, std::chrono::milliseconds(100));
    for (Job& job : jobs) {
      int status = 0;
      if (job.pid == 0 || waitpid(job.pid, &status, WNOHANG) != job.pid) continue;
      job.pid = 0;
      if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        add_result(result, read_result(job.file));
        enough |= result.failures.size() >= options.max_failures;
      } else {
        exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : kInternal;
      }
      close(job.file);
    }
    if (!told && (interrupted || enough || exit_code != 0)) {
      told = true;
      for (const pid_t pid : running(jobs)) kill(pid, SIGINT);
    }
    const auto now = Clock::now();
    if (now - last_progress < (terminal ? std::chrono::milliseconds(250) : std::chrono::milliseconds(10'000))) continue;
    last_progress = now;
    show_progress(progress, options, start);
  }
  munmap(memory, options.jobs * sizeof(JobProgress));
  clear_progress();
  if (exit_code != 0) {
    std::fflush(nullptr);
    _exit(exit_code);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  if (enough) result.interrupted = interrupted;
  sort_failures(result, options.max_failures);
  for (const Failure& f : result.failures) fmt::print("\n{}\n", f.text);
  return result;
}

}  // namespace lockstep::diff
