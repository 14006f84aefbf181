#include "diff/failure.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "diff/shrink.h"
#include "traces/files.h"

namespace lockstep::diff {

namespace fs = std::filesystem;

namespace {

std::string slug(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    const char c = static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
    if (out.size() == 60) break;
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

// A file name that nobody has yet.
fs::path fresh_name(const fs::path& dir, const std::string& stem) {
  for (int n = 1;; ++n) {
    const fs::path p = dir / (n == 1 ? stem + ".json" : fmt::format("{}-{}.json", stem, n));
    if (!fs::exists(p) && !fs::exists(fs::path(p).replace_extension(".full.json"))) return p;
  }
}

// True if `replay` in a new process diverges too.
bool diverges_in_fresh_process(const fs::path& file, const Contestant& engine) {
  const std::string limit = fmt::format("{}ms", engine.time_limit().count());
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr)
      _exit(3);
    const std::string self = self_path();
    execl(self.c_str(), self.c_str(), "replay", file.c_str(), "--against", engine.name().c_str(), "--time-limit",
          limit.c_str(), static_cast<char*>(nullptr));
    _exit(3);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

std::string describe(const Verdict& v, const Case& c, const std::string& engine, const Style& style) {
  if (v.kind == Verdict::Kind::kFailed) return "  the engine " + v.text + "\n";
  return show_difference(*v.difference, c.scenario, engine, style);
}

}  // namespace

std::string self_path() { return fs::read_symlink("/proc/self/exe").string(); }

std::string shell_quote(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./:,=+").find(c) != std::string_view::npos;
  });
  if (plain) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

traces::Trace trace_of(const Case& c, const std::string& description) {
  traces::Trace t;
  t.description = description;
  t.engines = {{"model", std::string(traces::kSpecificationCommit)}};
  if (c.seed != 0) t.seed = fmt::format("0x{:016x}", c.seed);
  t.scenario = c.scenario;
  t.choices = c.choices;
  t.events = c.expected;
  return t;
}

Failure handle_failure(const Case& c, const Verdict& v, Contestant& engine, const fs::path& out_dir,
                       const Style& style) {
  Failure f;
  f.engine = engine.name();
  f.bucket = v.bucket();
  f.index = c.index;
  f.seed = c.seed;
  f.lines_before = script_lines(c.scenario);

  fs::create_directories(out_dir);
  f.file = fresh_name(out_dir, slug(engine.name()) + "-" + slug(f.bucket.substr(0, f.bucket.find(", got"))));
  const fs::path full = fs::path(f.file).replace_extension(".full.json");
  traces::Trace t = trace_of(c, fmt::format("{} differs from the model. {}", engine.name(), f.bucket));
  t.engines.emplace_back(engine.name(), engine.version());
  traces::write_file(full.string(), traces::to_text(t));
  f.confirmed = diverges_in_fresh_process(full, engine);

  const ShrinkResult small = shrink(c, v, engine);
  f.lines = script_lines(small.smallest.scenario);
  traces::Trace s = trace_of(small.smallest, t.description);
  s.engines = t.engines;
  s.seed = t.seed;
  traces::write_file(f.file.string(), traces::to_text(s));

  const std::string command =
      fmt::format("./lockstep replay {} --against {}", shell_quote(f.file.string()), shell_quote(engine.name()));
  f.text = fmt::format("DIVERGENCE in {}: {}\n", engine.name(), f.bucket);
  f.text +=
      fmt::format("  case {} (seed 0x{:016x}), {}; shrunk from {} to {} script and host lines in {} attempts\n\n",
                  f.index, f.seed, f.confirmed ? "seen again in a fresh process" : "NOT seen again in a fresh process",
                  f.lines_before, f.lines, small.attempts);
  f.text += show_scenario(small.smallest.scenario) + "\n";
  f.text += describe(small.verdict, small.smallest, engine.name(), style);
  f.text += fmt::format("\nreplay it with:\n  {}\n", command);
  return f;
}

}  // namespace lockstep::diff
