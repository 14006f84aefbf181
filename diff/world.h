// The world around an in-process engine: what guest code and the host do, by diff/PROTOCOL.md. An adaptor derives from
// Backend to say how each thing is done with its engine; World does the rest: scripts, registers, memories, what
// guests know, and the event stream.
//
// Exceptions are the engine's own: the adaptor raises a trap with its type, and `guarded` catches that type. No engine
// code is called inside a catch block, since engines switch stacks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "diff/engine.h"
#include "diff/guest_memory.h"
#include "traces/record.h"
#include "traces/sites.h"

namespace lockstep::diff {

// Calls back without owning.
class FunctionRef {
 public:
  template <typename F>
  explicit FunctionRef(F& f) : object_(&f), call_([](void* o) { (*static_cast<F*>(o))(); }) {}
  void operator()() const { call_(object_); }

 private:
  void* object_;
  void (*call_)(void*);
};

// A built-in about to be performed.
struct BuiltinCall {
  traces::Op op;
  uint32_t instance;
  uint32_t canon_index;
  const traces::Canon& canon;
  traces::Token token;             // kCall; fresh
  std::span<const uint64_t> args;  // core values, as the core function gets them
};

// A T for each of the things of a kind that a topology defines, by their index. A case uses a few of them: each is made
// when it is first used, and stays where it is.
template <typename T>
class MadeOnUse {
 public:
  // make(t) completes a new one.
  template <typename Make>
  T& get(size_t i, Make&& make) {
    if (i >= made_.size()) made_.resize(i + 1);
    std::unique_ptr<T>& t = made_[i];
    if (t == nullptr) make(*(t = std::make_unique<T>()));
    return *t;
  }

 private:
  std::vector<std::unique_ptr<T>> made_;
};
// The same for things that each instance has.
template <typename T>
using MadeOnUseByInstance = std::vector<MadeOnUse<T>>;

// Whether the instance belongs to one of these roots (a bit each).
inline bool is_locked(const traces::Scenario& s, uint32_t instance, uint64_t locked_roots) {
  return locked_roots != 0 && (locked_roots >> traces::root_of(s, instance) & 1) != 0;
}

// What differs from engine to engine.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual traces::ThreadId current_thread() = 0;
  // The core value that the built-in returns; 0 if none. For waits the event code.
  virtual uint64_t perform(const BuiltinCall&) = 0;
  // Both leave by an exception of the engine.
  [[noreturn]] virtual void raise_trap(traces::SiteId) = 0;
  [[noreturn]] virtual void throw_core_exception() = 0;
  // Runs f; the site if it ended in a trap, with the host's own state as before. Other exceptions pass.
  virtual std::optional<traces::SiteId> guarded(FunctionRef f) = 0;

  // The host's side.
  // `args` are the parameters after the token.
  virtual void invoke(uint32_t function, traces::Token, std::span<const traces::Value> args) = 0;
  // Runs the start function of an instance: a synchronous task without a caller.
  virtual void start(uint32_t instance) = 0;
  virtual bool tick() = 0;
  // on_resolve of a blocked host function: with a value (any, if the type has no result), or none for "cancelled".
  virtual void resolve(traces::Token, std::optional<traces::Value> value) = 0;
  virtual void cancel(traces::Token) = 0;
  virtual std::vector<uint32_t> call_stack() = 0;
  // Ends that the host holds, under names that World gives (`end_received`, or the two of a new stream or future).
  // Taking one as a value (an argument, a result, what is written) removes it from the host.
  virtual void new_stream(traces::ThreadId readable, traces::ThreadId writable, const traces::ValueType& element) = 0;
  virtual void new_future(traces::ThreadId readable, traces::ThreadId writable, const traces::ValueType& element) = 0;
  // World::host_copy says what came of it, then or later.
  virtual void read(traces::ThreadId end, uint32_t count) = 0;
  virtual void write(traces::ThreadId end, std::span<const traces::Value>) = 0;
  virtual void cancel_copy(traces::ThreadId end) = 0;
  virtual void drop_end(traces::ThreadId end) = 0;
  // Flags of an instance. Only a root's may_enter means anything (Store.lift.enter_guest, canon_lower).
  virtual bool may_enter(uint32_t instance) = 0;
  virtual bool may_leave(uint32_t instance) = 0;
  // What is left of the state, without locked roots. Sorted as traces/record.h says.
  virtual void snapshot(traces::SnapshotWriter&, uint64_t locked_roots) = 0;
  // Tokens of tasks that still exist outside locked roots, sorted.
  virtual std::vector<uint32_t> live_tasks(uint64_t locked_roots) = 0;
};

class World : public GuestView {
 public:
  World(Run& run, Backend& backend);

  uint32_t register_value(uint32_t instance, uint32_t index) const override {
    return guests_[instance].registers[index];
  }
  std::optional<uint32_t> subtask_state(uint32_t instance, uint32_t handle) const override;
  bool joined(uint32_t instance, uint32_t handle) const override { return guests_[instance].joined.contains(handle); }
  bool pressure(uint32_t instance) const override { return guests_[instance].pressure > 0; }
  std::optional<EndKnowledge> end_state(uint32_t instance, uint32_t handle) const override;
  bool suspended(uint32_t instance, uint32_t thread) const override {
    return guests_[instance].suspended.contains(thread);
  }
  std::optional<EndKnowledge> host_end(traces::ThreadId end) const override;

  // Runs program, aftermath and outcome.
  void run_case();

  // ---- what adaptors call back

  // Core code of a lifted function; `args` are flat. The flat results: value, packed code, or none.
  std::optional<uint64_t> body(uint32_t function, std::span<const uint64_t> args);
  uint32_t callback(uint32_t function, uint32_t code, uint32_t p1, uint32_t p2);
  void post_return(uint32_t function, std::span<const uint64_t> flat_results);
  // Other core code of an instance: its realloc (old, old size, alignment, new size: the pointer, of this type), the
  // destructor of a resource type, its start function, and a function that threads begin with.
  uint64_t realloc(uint32_t instance, traces::IndexType pointers, std::span<const uint64_t> args);
  void destructor(uint32_t resource, uint32_t rep);
  void start(uint32_t instance);
  void thread(uint32_t instance, uint32_t table, uint64_t argument);
  // The name of a task that no call names, asked for when it is made: for kRealloc and kDestructor.
  traces::Token name_task(uint32_t instance, traces::Context);

  // A host function was called; it has taken its arguments, `args` after the token. Nothing if it blocked, else its
  // result (any value, if its type has none).
  std::optional<traces::Value> host_called(uint32_t host_function, traces::Token token,
                                           std::span<const traces::Value> args);
  struct Cancelled {
    bool resolve = false;                // now
    std::optional<traces::Value> value;  // none: cancelled
  };
  Cancelled host_cancelled(uint32_t host_function, traces::Token token);
  // For calls that the host made.
  void started(traces::Token token);
  void resolved(traces::Token token, const std::optional<traces::Value>& value, bool has_result);
  // The host receives a readable end of this type (a stream or a future) in a value of the call with this token, or in
  // an element read (then the token is `read_token`): how it is named from now on.
  traces::ThreadId end_received(traces::Token token, const traces::ValueType& type);
  traces::Token read_token(traces::ThreadId end) const;
  // What came of a copy of an end that the host holds. `result` is a CopyResult; `values` what was read.
  void host_copy(traces::ThreadId end, uint32_t result, uint32_t progress, std::span<const traces::Value> values);

  size_t choose(traces::ChoicePoint point, traces::ThreadId subject, std::span<const traces::ThreadId> candidates);
  // A choice between no (the first candidate) and yes.
  bool decide(traces::ChoicePoint point, traces::ThreadId subject);

  // To be asked for when it is first needed: most are not.
  std::span<uint8_t> memory(uint32_t instance, uint32_t index) { return guests_[instance].memories[index].bytes(); }
  uint64_t locked_roots() const { return locked_; }

  void finish(traces::Outcome outcome, traces::SiteId site = 0, std::span<const uint32_t> blocked = {});
  // The engine's own invariant failed.
  void fail(const std::string& what);

 private:
  // The allocator of guests without a script for their realloc hands out this part of memory, again and again.
  static constexpr uint64_t kFirstAllocation = 1 << 15;
  static constexpr uint64_t kEndOfAllocations = 1 << 16;

  // What one instance's core code holds and knows.
  struct Guest {
    std::vector<uint32_t> registers;
    std::vector<GuestMemory> memories;
    std::unordered_map<uint32_t, uint32_t> subtask_state;  // by handle; lookups only
    std::unordered_set<uint32_t> joined;                   // handles; lookups only
    std::unordered_map<uint32_t, EndKnowledge> end_state;  // by handle; lookups only
    std::unordered_set<uint32_t> suspended;                // threads; lookups only
    int64_t pressure = 0;
    uint32_t post_returns = 0;
    std::array<uint32_t, 3> named = {};  // tasks of realloc, destructors and start functions
    uint64_t next_allocation = kFirstAllocation;
  };
  struct HostCallState {
    uint32_t function = 0;
    bool blocked = false;
    bool resolved = false;
    bool cancel_requested = false;
  };
  // An end that the host holds.
  struct HostEnd {
    bool future = false;
    bool writable = false;
    EndKnowledge state = EndKnowledge::kIdle;
    traces::Token reading = 0;  // of the read that is pending, or was last
  };
  struct HostInvocation {
    bool came_back = false;
    bool resolved = false;
    bool cancelled = false;
    bool dropped = false;
  };
  // Whether a segment has come to an end, and the value that core code returns then (0: also EXIT).
  struct End {
    bool ended = false;
    uint64_t value = 0;
  };

  void enter(Activation&, std::span<const uint64_t> args);
  // Runs code that has an activation of its own.
  End run_alone(Activation&, std::span<const uint64_t> args);
  End run_segment(Activation&);
  End run_operation(Activation&, const traces::Operation&, uint32_t round);
  End run_default(Activation&);
  bool holds(const Activation&, const traces::Guard&);
  // Performs an operation that is not the end of a segment.
  void perform(Activation&, const traces::Operation&, traces::Token, std::span<const uint64_t> args);
  uint64_t perform_call(const Activation&, const traces::Operation&, const traces::Canon&, const traces::CallShape&,
                        traces::Token, std::span<const uint64_t> args);
  void learn(Activation&, const traces::Operation&, const traces::Canon*, std::span<const uint64_t> args,
             std::span<const uint64_t> result);
  void learn_event(Activation&, uint32_t code, uint32_t p1, uint32_t p2);
  void learn_copy(uint32_t instance, uint32_t handle, bool future, uint32_t packed);
  void forget(uint32_t instance, uint32_t handle);
  // The activation that knows what the whole task knows: whether it has returned or was cancelled.
  Activation& current_task();
  const traces::CallShape& shape(uint32_t instance, uint32_t canon);
  uint32_t load(uint32_t instance, uint32_t memory_index, uint64_t address);
  bool store(uint32_t instance, uint32_t memory_index, uint64_t address, std::span<const uint64_t> words);

  // Whether the host can give away all ends in these values; if so they are gone.
  bool take_ends(std::span<const traces::Value>);
  // The site if a trap arrived that this frame does not keep.
  std::optional<traces::SiteId> host_operation(const traces::HostOperation&, uint32_t during);
  void report_memories();
  // A bit for each root instance (by index) that is entered, or has an instance that may not leave.
  uint64_t entered_roots();
  void lock_new_roots(uint64_t entered_before) { locked_ |= entered_roots() & ~entered_before; }

  void commit(bool with_state);
  void check_stop() {
    if (recorder_.stopped()) throw Abandon{};
  }

  const traces::Scenario& scenario_;
  ScriptSource& source_;
  Chooser& chooser_;
  Recorder& recorder_;
  Backend& backend_;
  std::vector<Guest> guests_;
  MadeOnUseByInstance<traces::CallShape> shapes_;         // of `call`, by canon
  std::unordered_map<uint64_t, Activation> activations_;  // by thread (key); lookups only
  std::unordered_set<traces::Token> used_tokens_;         // lookups only
  std::unordered_map<traces::Token, HostCallState> host_calls_;
  std::unordered_map<traces::Token, HostInvocation> invocations_;
  std::map<traces::ThreadId, HostEnd> host_ends_;
  std::unordered_map<traces::Token, uint32_t> ends_received_;  // by token; lookups only
  uint64_t locked_ = 0;
  bool after_end_ = false;  // the last record is the state of an `end`
};

}  // namespace lockstep::diff
