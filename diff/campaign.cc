#include "diff/campaign.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <deque>

#include "diff/chooser.h"
#include "diff/coverage.h"
#include "diff/model_engine.h"
#include "diff/summary.h"
#include "traces/files.h"
#include "traces/validate.h"

namespace lockstep::diff {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

// Cases that an engine in another process has at once.
constexpr size_t kUnderWay = 16;
constexpr uint64_t kChooserSalt = 0x6368'6f6f'7365'7221;
constexpr uint64_t kTopologySalt = 0x746f'706f'6c6f'6779;

std::vector<std::unique_ptr<Contestant>> make_contestants(const CampaignOptions& options) {
  std::vector<std::unique_ptr<Contestant>> out;
  for (const std::string& name : options.against) out.push_back(Contestant::make(name, options.case_time));
  return out;
}

// What cases are made of: if asked for, only of what all engines support.
GeneratorOptions generator_options(const CampaignOptions& options,
                                   const std::vector<std::unique_ptr<Contestant>>& contestants) {
  GeneratorOptions out = options.generator;
  if (options.supported)
    for (const auto& c : contestants) restrict_to(out, c->support());
  return out;
}

void print_header(const CampaignOptions& options, const std::vector<std::unique_ptr<Contestant>>& contestants) {
  fmt::print("lockstep run: seed {}, {}{}, against {}\n", options.seed,
             options.cases ? fmt::format("{} cases", *options.cases)
                           : fmt::format("for {} s", std::chrono::duration_cast<std::chrono::seconds>(
                                                         options.time.value_or(std::chrono::seconds(0)))
                                                         .count()),
             options.shards > 1 ? fmt::format(", shard {}/{}", options.shard, options.shards) : "",
             fmt::join(options.against, ","));
  fmt::print(
      "  reference model at specification {}; at most {} operations a case, {} % sloppy guests{}; failures to {}\n",
      traces::kSpecificationCommit, options.generator.max_operations, options.generator.sloppy_percent,
      options.generator.topology.recursion_percent > 0
          ? fmt::format(", {} % recursive topologies", options.generator.topology.recursion_percent)
          : "",
      options.out.string());
  for (const auto& c : contestants) fmt::print("  {}: {}\n", c->name(), c->version());
  std::fflush(stdout);
}

class Campaign {
 public:
  Campaign(const CampaignOptions& options, const Style& style, Beacon* beacon)
      : options_(options),
        style_(style),
        beacon_(beacon),
        contestants_(make_contestants(options)),
        generator_(generator_options(options, contestants_)) {}

  CampaignResult run() {
    if (options_.progress == nullptr) print_header(options_, contestants_);
    read_known();
    start_ = Clock::now();
    last_progress_ = start_;
    for (uint64_t index = options_.shard - 1; !done(index); index += options_.shards) one_case(index);
    for (const auto& c : contestants_)
      while (c->under_way() > 0) settle(*c);
    result_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    result_.interrupted = interrupted;
    for (const auto& c : contestants_) result_.counters += c->counters();
    clear_progress();
    return std::move(result_);
  }

 private:
  bool done(uint64_t index) const {
    if (interrupted || result_.failures.size() >= options_.max_failures) return true;
    if (options_.cases) return index >= *options_.cases;
    return Clock::now() - start_ >= *options_.time;
  }

  void one_case(uint64_t index) {
    auto c = std::make_shared<Case>(generate_case(options_.seed, index, generator_));
    result_.statistics.add(c->expected);
    if (options_.cells != nullptr) options_.cells->add(c->expected, c->scenario);
    for (uint32_t i = 0; i < contestants_.size(); ++i) {
      const auto& contestant = contestants_[i];
      const bool watched = beacon_ != nullptr && !contestant->is_peer();
      if (watched) beacon_->enter(index, i);
      contestant->begin(c);
      if (watched) beacon_->leave();
      while (contestant->under_way() > (contestant->is_peer() ? kUnderWay : 0)) settle(*contestant);
    }
    progress();
  }

  void settle(Contestant& contestant) {
    auto [c, verdict] = contestant.finish();
    Score& score = result_.scores[contestant.name()];
    if (verdict.kind == Verdict::Kind::kSkipped) {
      ++score.skipped[verdict.text];
      return;
    }
    ++score.compared;
    if (!verdict.bad()) return;
    ++score.divergences;
    const std::string bucket = verdict.bucket();
    if (const auto it = known_.find({contestant.name(), bucket}); it != known_.end()) {
      ++score.known;
      return;
    }
    for (const Failure& f : result_.failures)
      if (f.engine == contestant.name() && f.bucket == bucket) return;  // the same failure once more
    if (result_.failures.size() >= options_.max_failures) return;
    clear_progress();
    // A peer has other cases under way: the failure is looked at by an engine of its own.
    std::unique_ptr<Contestant> own =
        contestant.is_peer() ? Contestant::make(contestant.name(), options_.case_time) : nullptr;
    result_.failures.push_back(handle_failure(*c, verdict, own ? *own : contestant, options_.out, style_));
    fmt::print("\n{}\n", result_.failures.back().text);
    std::fflush(stdout);
  }

  // Each known failure is replayed: what it looks like now is what is let through.
  void read_known() {
    if (options_.known.empty()) return;
    if (!fs::is_directory(options_.known)) throw traces::InputError(options_.known.string(), "not a folder");
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(options_.known))
      if (entry.path().extension() == ".json") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      const traces::Trace t = traces::read_trace_file(file.string());
      if (t.link.empty()) throw traces::InputError(file.string(), "a known failure needs a \"link\"");
      const Case c = run_reference(t.scenario, t.choices, false);
      bool fails = false;
      for (const auto& contestant : contestants_) {
        const Verdict v = contestant->judge(c);
        if (!v.bad()) continue;
        fails = true;
        known_.emplace(std::pair(contestant->name(), v.bucket()), file);
      }
      if (!fails) {
        result_.no_longer_failing.push_back(file.string());
        fmt::print("  known failure {} no longer fails ({})\n", file.string(), t.link);
      }
    }
  }

  // On a terminal a bar that moves; in a log a line now and then: after every tenth of a known number of cases, so that
  // two runs print the same lines, else every ten seconds.
  void progress() {
    const uint64_t n = result_.statistics.cases;
    if (options_.progress != nullptr) {
      options_.progress->cases.store(n, std::memory_order_relaxed);
      options_.progress->steps.store(result_.statistics.steps, std::memory_order_relaxed);
      options_.progress->divergences.store(result_.divergences(), std::memory_order_relaxed);
      return;
    }
    const uint64_t own = options_.cases ? (*options_.cases + options_.shards - options_.shard) / options_.shards : 0;
    const auto now = Clock::now();
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const bool terminal = isatty(1) != 0;
    if (!terminal && options_.cases) {
      constexpr uint64_t kWorthALine = 5000;
      if (own < kWorthALine || n % (own / 10) != 0) return;
    } else if (n % 64 != 0 ||
               now - last_progress_ < (terminal ? std::chrono::milliseconds(250) : std::chrono::seconds(10))) {
      return;
    }
    last_progress_ = now;
    const std::string line = fmt::format("{} cases, {} trap sites, {} divergences ({:.1f} s, {:.0f} steps/s)", n,
                                         result_.statistics.sites.size(), result_.divergences(), seconds,
                                         static_cast<double>(result_.statistics.steps) / seconds);
    print_progress(line, options_.cases ? static_cast<double>(n) / static_cast<double>(std::max<uint64_t>(own, 1))
                                        : seconds / std::chrono::duration<double>(*options_.time).count());
  }

  const CampaignOptions& options_;
  const Style style_;
  Beacon* const beacon_;
  std::vector<std::unique_ptr<Contestant>> contestants_;
  const GeneratorOptions generator_;
  std::map<std::pair<std::string, std::string>, fs::path> known_;
  CampaignResult result_;
  Clock::time_point start_;
  Clock::time_point last_progress_;
};

// The topology of a case. That of the last case is kept: it is often the same.
const traces::Scenario& topology_of(uint64_t seed, uint64_t index, const TopologyOptions& options) {
  struct Made {
    uint64_t seed = 0;
    TopologyOptions options;
    traces::Scenario topology;
  };
  static std::optional<Made> last;
  const uint64_t topology_seed = case_seed(seed ^ kTopologySalt, index / kCasesPerTopology);
  if (!last || last->seed != topology_seed || last->options != options) {
    Random random(topology_seed);
    last = Made{topology_seed, options, random_topology(random, options)};
  }
  return last->topology;
}

}  // namespace

Case generate_case(uint64_t seed, uint64_t index, const GeneratorOptions& options) {
  static ModelEngine model;
  static Recorder recorder;
  Case c;
  c.index = index;
  c.seed = case_seed(seed, index);
  Generator generator(c.seed, options, topology_of(seed, index, options.topology));
  RandomChooser chooser(c.seed ^ kChooserSalt);
  recorder.start(false, {});
  Run run{generator.topology(), generator, chooser, recorder};
  const auto where = [&] { return fmt::format("case {} of seed {}: ", index, seed); };
  try {
    model.run(run);
  } catch (const std::exception& e) {
    throw std::runtime_error(where() + e.what());
  }
  if (!recorder.failure().empty()) throw std::runtime_error(where() + "the model failed: " + recorder.failure());
  c.scenario = generator.finish();
  c.choices = traces::choices_of(recorder.words());
  c.expected = recorder.words();
  // That the generator makes valid scenarios is a property of its own; here it is looked at now and then.
  if (index % 512 == 0) traces::validate(c.scenario, fmt::format("generated case {} of seed {}", index, seed));
  return c;
}

int CampaignResult::exit_code() const {
  for (const auto& [engine, score] : scores)
    if (score.divergences > score.known) return 1;
  return interrupted ? 130 : 0;
}

void print_progress(const std::string& line, double part) {
  if (isatty(1) != 0) {
    const auto full = static_cast<size_t>(std::min(part, 1.0) * 20);
    fmt::print("\r[{}{}] {}\033[K", std::string(full, '#'), std::string(20 - full, '.'), line);
  } else {
    fmt::print("  {}\n", line);
  }
  std::fflush(stdout);
}

void clear_progress() {
  if (isatty(1) != 0) fmt::print("\r\033[K");
  std::fflush(stdout);
}

uint64_t CampaignResult::divergences() const {
  uint64_t sum = 0;
  for (const auto& [engine, score] : scores) sum += score.divergences;
  return sum;
}

void print_campaign_header(const CampaignOptions& options) { print_header(options, make_contestants(options)); }

CampaignResult run_campaign(const CampaignOptions& options, const Style& style, Beacon* beacon) {
  return Campaign(options, style, beacon).run();
}

CampaignResult after_death(const CampaignOptions& options, uint64_t index, const std::string& engine,
                           const std::string& failure, const Style& style) {
  const auto contestant = Contestant::make(engine, options.case_time);
  // What the engines support is asked for only where it matters: it takes starting them.
  std::vector<std::unique_ptr<Contestant>> contestants;
  if (options.supported) contestants = make_contestants(options);
  const Case c = generate_case(options.seed, index, generator_options(options, contestants));
  CampaignResult result;
  result.scores[engine].divergences = 1;
  result.failures.push_back(handle_failure(c, {Verdict::Kind::kFailed, {}, failure}, *contestant, options.out, style));
  fmt::print("\n{}\n", result.failures.back().text);
  return result;
}

}  // namespace lockstep::diff
