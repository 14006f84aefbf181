// The one contract between the tester and whatever runs scenarios.
//
// An engine pulls operations from a ScriptSource (so that the generator can grow a scenario while the first engine
// runs it), asks a Chooser at every nondeterministic line of the specification, and reports to a Recorder. What the
// guest and the host do in between is the same for all (diff/PROTOCOL.md); in-process engines share diff/world.h for
// it.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "diff/recorder.h"
#include "traces/scenario.h"
#include "traces/trace.h"

namespace lockstep::diff {

// What an engine can report; the rest is not compared, and counted as such.
struct Capabilities {
  bool choices = true;    // takes and reports choices
  bool snapshot = true;   // reports state
  bool tree = true;       // the task tree and the call stack
  bool aftermath = true;  // goes on after a trap
  bool operator==(const Capabilities&) const = default;
};

class Chooser {
 public:
  virtual ~Chooser() = default;
  // `candidates` is sorted and not empty; returns an index into it.
  virtual size_t choose(traces::ChoicePoint, traces::ThreadId subject,
                        std::span<const traces::ThreadId> candidates) = 0;
};

// Which piece of guest code runs.
struct Activation {
  traces::Token token = 0;  // as received
  uint32_t instance = 0;
  uint32_t function = 0;
  traces::Context context = traces::Context::kBody;
  uint32_t entry = 0;      // of this segment
  uint32_t position = 0;   // operations begun
  bool returned = false;   // its task has
  bool cancelled = false;  // its task was told so
  uint32_t last_event = traces::kNone;
  std::array<uint64_t, traces::kMaxFlatParams> args = {};  // core parameters of this segment
  uint32_t num_args = 0;
};

// By what the script of an activation is found, if it is neither a body nor a callback (EntryScript::entry).
inline uint32_t entry_of(const Activation& a) {
  return a.context == traces::Context::kDestructor || a.context == traces::Context::kThread ? a.token : a.entry;
}

// What a guest knows of an end of a stream or future.
enum class EndKnowledge : uint8_t { kIdle, kCopying, kDone };

// What an instance's own code knows, for sources that decide as they go.
class GuestView {
 public:
  virtual ~GuestView() = default;
  virtual uint32_t register_value(uint32_t instance, uint32_t index) const = 0;
  // The state last seen of the subtask behind a handle; nullopt if it is not known to be one.
  virtual std::optional<uint32_t> subtask_state(uint32_t instance, uint32_t handle) const = 0;
  virtual bool joined(uint32_t instance, uint32_t handle) const = 0;
  // The same for ends of streams and futures, and for threads by their index.
  virtual std::optional<EndKnowledge> end_state(uint32_t instance, uint32_t handle) const = 0;
  virtual bool suspended(uint32_t instance, uint32_t thread) const = 0;
  // An end that the host holds: nullopt if it does not.
  virtual std::optional<EndKnowledge> host_end(traces::ThreadId end) const = 0;
  virtual bool pressure(uint32_t instance) const = 0;
};

class ScriptSource {
 public:
  virtual ~ScriptSource() = default;
  // Called before anything else; the view lives as long as the run.
  virtual void attach(const GuestView&) {}
  // True if there is a script for this segment; else it runs the default.
  virtual bool begin_segment(const Activation&) = 0;
  // The i-th operation of this segment (i counts up from 0), or null at its end. Stays valid until the case ends.
  virtual const traces::Operation* operation(const Activation&, size_t i) = 0;
  // The same for the host's program, its aftermath, and a host function called with this token (null: no script).
  virtual const traces::HostOperation* program(size_t i) = 0;
  virtual const traces::HostOperation* aftermath(size_t i) = 0;
  virtual const traces::HostOperation* on_call(uint32_t host_function, traces::Token, size_t i) = 0;
  virtual std::pair<traces::OnCancel, traces::Value> on_cancel(uint32_t host_function, traces::Token) = 0;
};

// One run of one case.
struct Run {
  const traces::Scenario& scenario;  // topology; the source has the scripts
  ScriptSource& source;
  Chooser& chooser;
  Recorder& recorder;
};

// How often a stack-promoting engine promoted, and how often it did not have to.
struct EngineCounters {
  std::map<std::string, uint64_t> promotions;  // by reason
  uint64_t sync_calls = 0;                     // sync-to-sync calls
  uint64_t sync_calls_unpromoted = 0;          // of these, unpromoted to the end
  // The same without the cases that are leaves only: where no sync-typed function that was called has called anything
  // itself, or used a built-in that can promote.
  uint64_t sync_calls_beyond_leaves = 0;
  uint64_t sync_calls_beyond_leaves_unpromoted = 0;

  EngineCounters& operator+=(const EngineCounters& other) {
    for (const auto& [reason, n] : other.promotions) promotions[reason] += n;
    sync_calls += other.sync_calls;
    sync_calls_unpromoted += other.sync_calls_unpromoted;
    sync_calls_beyond_leaves += other.sync_calls_beyond_leaves;
    sync_calls_beyond_leaves_unpromoted += other.sync_calls_beyond_leaves_unpromoted;
    return *this;
  }
};

class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
  virtual std::string version() const = 0;
  virtual Capabilities capabilities() const { return {}; }
  // Runs the case to its outcome record, or until the recorder asks to stop. Never throws for what the case does.
  virtual void run(Run&) = 0;
  // What it counted since it was made; all zero if it does not count.
  virtual EngineCounters counters() const { return {}; }
};

}  // namespace lockstep::diff
