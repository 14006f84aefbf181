// Grows a random scenario while an engine runs it: each operation is drawn when the run asks for it, so that it can be
// one that makes sense there. The generator looks only at what the guest itself could know (GuestView) and at what it
// has drawn before, so that what comes out is an ordinary scenario that any engine can run.
//
// Operations that depend on what the guest knows carry a guard most of the time, so that they stay meaningful when a
// replay takes another schedule. Swarm options (which kinds of operation, how sloppy the guest, how patient the host)
// are drawn anew for each case.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "diff/engine.h"
#include "diff/random.h"
#include "diff/topology.h"

namespace lockstep::diff {

struct GeneratorOptions {
  TopologyOptions topology;
  // Operations after which a case comes to its end.
  uint32_t max_operations = 90;
  // Percent of cases whose guests make mistakes.
  uint32_t sloppy_percent = 22;
};

class Generator : public ScriptSource {
 public:
  Generator(uint64_t seed, const GeneratorOptions& options);

  // Topology only; scripts are added by `finish`.
  const traces::Scenario& topology() const { return scenario_; }
  // The whole scenario, after the run; once.
  traces::Scenario finish();

  void attach(const GuestView& view) override { view_ = &view; }
  bool begin_segment(const Activation&) override;
  const traces::Operation* operation(const Activation&, size_t i) override;
  const traces::HostOperation* program(size_t i) override;
  const traces::HostOperation* aftermath(size_t i) override;
  const traces::HostOperation* on_call(uint32_t host_function, traces::Token, size_t i) override;
  std::pair<traces::OnCancel, uint32_t> on_cancel(uint32_t host_function, traces::Token) override;

 private:
  using Ops = std::deque<traces::Operation>;
  struct GrowingSegment {
    Ops ops;
    uint32_t length = 0;  // how many it is to have before it ends
    bool ended = false;
  };
  struct GrowingScript {
    bool present = false;
    bool closed = false;  // gets no more segments
    uint32_t function = 0;
    std::deque<GrowingSegment> segments;
  };
  struct GrowingHostCall {
    std::deque<traces::HostOperation> on_call;
    traces::OnCancel on_cancel = traces::OnCancel::kNow;
    uint32_t cancel_value = 0;
  };
  // What the generator remembers of an instance.
  struct Memo {
    std::vector<uint32_t> areas;                          // addresses in use
    uint32_t async_calls = 0;                             // of its async-typed functions, so far
    std::set<uint32_t> live_sets;                         // registers that hold a waitable set
    std::set<std::pair<uint32_t, uint32_t>> set_members;  // (set register, subtask register)
  };
  // One kind of step that a guest can take here.
  using Step = bool (Generator::*)(const Activation&, traces::Operation&);

  // ---- guest operations; each fills in the operation and says if it could
  bool draw(const Activation&, GrowingSegment&);
  void end(const Activation&, GrowingSegment&);
  bool draw_call(const Activation&, traces::Operation&);
  bool draw_context_get(const Activation&, traces::Operation&);
  bool draw_context_set(const Activation&, traces::Operation&);
  bool draw_backpressure_inc(const Activation&, traces::Operation&);
  bool draw_backpressure_dec(const Activation&, traces::Operation&);
  bool draw_set_new(const Activation&, traces::Operation&);
  bool draw_set_wait(const Activation&, traces::Operation&);
  bool draw_set_poll(const Activation&, traces::Operation&);
  bool draw_set_drop(const Activation&, traces::Operation&);
  bool draw_join(const Activation&, traces::Operation&);
  bool draw_leave(const Activation&, traces::Operation&);
  bool draw_cancel(const Activation&, traces::Operation&);
  bool draw_drop(const Activation&, traces::Operation&);
  bool draw_thread_index(const Activation&, traces::Operation&);
  bool draw_thread_yield(const Activation&, traces::Operation&);
  bool draw_load(const Activation&, traces::Operation&);
  bool draw_repeat(const Activation&, traces::Operation&);
  bool draw_resolve(const Activation&, traces::Operation&);  // task.return or task.cancel
  bool draw_mistake(const Activation&, traces::Operation&);

  bool call_through(const Activation&, uint32_t canon, traces::Operation&, uint32_t times);
  uint32_t find_canon(uint32_t instance, traces::Op kind);
  uint32_t find_canon(uint32_t instance, traces::Op kind, bool traces::Canon::*flag, bool value);
  uint32_t matching_return(const traces::Function&);
  uint32_t area(uint32_t instance);
  uint32_t bad_area(uint32_t instance, uint32_t memory);
  void guard(traces::Operation&, traces::GuardKind, bool negated, uint32_t value = 0);
  // Registers by what they are used for.
  std::optional<uint32_t> subtask_register(uint32_t instance, bool resolved, std::optional<bool> joined);
  std::optional<uint32_t> set_register(uint32_t instance);
  std::optional<uint32_t> busy_set_register(uint32_t instance);
  traces::Operand some_value(uint32_t instance);
  bool may_block(const Activation&);

  traces::HostOperation draw_invoke(bool nested);
  void spend() { budget_ = budget_ == 0 ? 0 : budget_ - 1; }

  GeneratorOptions options_;
  Random random_;
  traces::Scenario scenario_;
  const GuestView* view_ = nullptr;

  std::map<traces::Token, GrowingScript> scripts_;
  std::map<std::pair<uint32_t, uint32_t>, GrowingScript> entries_;
  std::map<traces::Token, GrowingHostCall> host_calls_;
  std::deque<traces::HostOperation> program_;
  std::deque<traces::HostOperation> aftermath_;
  std::vector<Memo> memos_;

  std::vector<traces::Token> blocked_host_calls_;
  std::vector<traces::Token> host_invocations_;
  traces::Token next_token_ = 1;
  uint32_t budget_ = 0;
  uint32_t program_length_ = 0;
  uint32_t aftermath_length_ = 0;
  bool patient_host_ = false;     // finishes what it began before the program ends
  uint32_t mistake_percent_ = 0;  // of operations
  bool unguarded_ = false;
  bool deep_ = false;  // many instances, one behind the other
  std::vector<uint32_t> weights_;
};

}  // namespace lockstep::diff
