// Grows a random scenario while an engine runs it: each operation is drawn when the run asks for it, so that it can be
// one that makes sense there. The generator looks only at what the guest itself could know (GuestView, and the core
// parameters that its code got) and at what it has drawn before, so that what comes out is an ordinary scenario that
// any engine can run.
//
// Operations that depend on what the guest knows carry a guard most of the time, so that they stay meaningful when a
// replay takes another schedule. Swarm options (which kinds of operation, how sloppy the guest, how patient the host)
// are drawn anew for each case.
//
// generator.cc            segments: which step comes next, and how a segment ends
// generator_tasks.cc      steps: calls, subtasks, waitable sets, slots, backpressure, task.return
// generator_handles.cc    steps: streams, futures, resources, threads, error contexts, memory
// generator_mistakes.cc   steps that a careful guest would not take
// generator_values.cc     values as operands and in memory; handles that arrive
// generator_host.cc       the host: program, aftermath, host functions
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <tuple>

#include "diff/engine.h"
#include "diff/random.h"
#include "diff/registers.h"
#include "diff/support.h"
#include "diff/topology.h"

namespace lockstep::diff {

struct GeneratorOptions {
  TopologyOptions topology;
  // Operations after which a case comes to its end.
  uint32_t max_operations = 90;
  // Percent of cases whose guests make mistakes.
  uint32_t sloppy_percent = 22;
  // What scripts and host functions may use; `restrict_to` keeps it and the topology in step.
  Support support;
};

class Generator : public ScriptSource {
 public:
  Generator(uint64_t seed, const GeneratorOptions& options, traces::Scenario topology);

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
  std::pair<traces::OnCancel, traces::Value> on_cancel(uint32_t host_function, traces::Token) override;

 private:
  struct GrowingSegment {
    std::deque<traces::Operation> ops;
    uint32_t length = 0;   // how many it is to have before it ends
    bool fetched = false;  // what arrived as parameters
    bool ended = false;
  };
  struct GrowingScript {
    bool present = false;
    bool closed = false;  // gets no more segments
    uint32_t function = 0;
    std::deque<GrowingSegment> segments;
  };
  struct GrowingHostCall {
    uint32_t function = 0;
    std::deque<traces::HostOperation> on_call;
    traces::OnCancel on_cancel = traces::OnCancel::kNow;
    traces::Value cancel_value;
  };
  // Context, instance, entry: code that has no token.
  using EntryKey = std::tuple<traces::Context, uint32_t, uint32_t>;

  // What a register is believed to hold, besides subtasks and sets.
  struct Holding {
    enum class Kind : uint8_t { kReadable, kWritable, kOwn, kBorrow, kThread, kErrorContext };
    Kind kind = Kind::kReadable;
    traces::ValueType type;  // of an end: the stream or future
    uint32_t resource = traces::kNone;
    uint32_t pair = 0;                 // of an end: the same number for both ends of one; 0 if it came from elsewhere
    traces::Token owner = 0;           // of a borrow: the task that has to drop it
    uint32_t lent_to = traces::kNone;  // the register of the subtask to which it was lent
    bool parked = false;               // a thread that has suspended itself
    bool started = false;              // a thread that was resumed since it was made
  };
  // What will be in memory when a call returns (`subtask`) or a copy is over (`end`).
  struct Arrival {
    uint32_t subtask = traces::kNone;  // a register
    uint32_t end = traces::kNone;
    uint32_t memory = 0;
    uint32_t address = 0;
    traces::ValueType type;
  };
  // What the generator remembers of an instance.
  struct Memo {
    std::vector<std::pair<uint32_t, uint32_t>> areas;     // (memory, address) in use
    uint32_t async_calls = 0;                             // of its async-typed functions, so far
    std::set<uint32_t> live_sets;                         // registers that hold a waitable set
    std::set<std::pair<uint32_t, uint32_t>> set_members;  // (set register, register of a subtask or end)
    std::map<uint32_t, Holding> held;                     // by register
    std::vector<Arrival> arrivals;
    // Registers whose end a thread waits for in the operation that it is in: known by the segment that has it. Lookups
    // only.
    std::map<uint32_t, const GrowingSegment*> busy;
  };
  // One step of a guest: an operation with those that prepare it and follow up on it, and what changes hands.
  struct Draft {
    std::vector<traces::Operation> before;
    traces::Operation op;
    std::vector<traces::Operation> after;
    std::vector<uint32_t> taken;                    // registers whose handle goes away
    std::vector<uint32_t> lent;                     // registers lent to the call
    std::vector<std::pair<uint32_t, Holding>> got;  // registers that hold something from now on
  };
  // A memory of an instance.
  struct Place {
    uint32_t instance;
    uint32_t memory;
    traces::IndexType pointers;
  };
  // One kind of step that a guest can take here: fills in the draft and says if it could.
  using Step = bool (Generator::*)(const Activation&, Draft&);
  using Operands = std::vector<traces::Operand>;

  // ---- segments
  GrowingSegment& segment_of(const Activation&);
  bool draw(const Activation&, GrowingSegment&);
  bool draw_step(const Activation&, GrowingSegment&, Draft&);
  bool supported(uint32_t instance, const Draft&) const;
  Step step_with_holding(const Activation&);
  void end(const Activation&, GrowingSegment&);
  void end_body(const Activation&, GrowingSegment&);
  void add(uint32_t instance, GrowingSegment&, Draft);

  // ---- steps: tasks
  bool draw_call(const Activation&, Draft&);
  bool draw_context_get(const Activation&, Draft&);
  bool draw_context_set(const Activation&, Draft&);
  bool draw_backpressure_inc(const Activation&, Draft&);
  bool draw_backpressure_dec(const Activation&, Draft&);
  bool draw_set_new(const Activation&, Draft&);
  bool draw_set_wait(const Activation&, Draft&);
  bool draw_set_poll(const Activation&, Draft&);
  bool draw_set_drop(const Activation&, Draft&);
  bool draw_join(const Activation&, Draft&);
  bool draw_leave(const Activation&, Draft&);
  bool draw_cancel(const Activation&, Draft&);
  bool draw_drop(const Activation&, Draft&);
  bool draw_thread_index(const Activation&, Draft&);
  bool draw_thread_yield(const Activation&, Draft&);
  bool draw_repeat(const Activation&, Draft&);
  bool draw_resolve(const Activation&, Draft&);  // task.return or task.cancel
  bool call_through(const Activation&, uint32_t canon, Draft&, uint32_t times);
  bool call_next_in_line(const Activation&, Draft&);
  void probe_slot(uint32_t instance, Draft&);
  void drop_borrows(const Activation&, Draft&);

  // ---- steps: handles and memory
  bool draw_end_new(const Activation&, Draft&);
  bool draw_copy(const Activation&, Draft&);
  bool draw_cancel_copy(const Activation&, Draft&);
  bool draw_drop_end(const Activation&, Draft&);
  bool draw_resource_new(const Activation&, Draft&);
  bool draw_resource_rep(const Activation&, Draft&);
  bool draw_resource_drop(const Activation&, Draft&);
  bool draw_thread_new(const Activation&, Draft&);
  bool draw_thread_resume(const Activation&, Draft&);
  bool draw_thread_suspend(const Activation&, Draft&);
  bool draw_thread_promote(const Activation&, Draft&);
  bool draw_thread_pair(const Activation&, Draft&);
  bool draw_thread_block(const Activation&, Draft&);
  bool draw_error_context(const Activation&, Draft&);
  bool draw_load(const Activation&, Draft&);
  bool draw_store(const Activation&, Draft&);
  bool draw_param(const Activation&, Draft&);
  bool copy_through(const Activation&, uint32_t canon, uint32_t end, Draft&);
  void park(const Activation&, Draft&);

  // ---- steps: mistakes
  bool draw_mistake(const Activation&, Draft&);
  bool mistake_in_code(const Activation&, Draft&);
  bool mistake_with_subtask(const Activation&, Draft&);
  bool mistake_with_end(const Activation&, Draft&);
  bool mistake_with_handle(const Activation&, Draft&);
  bool mistake_of_kind(const Activation&, Draft&);
  using Mistake = bool (Generator::*)(const Activation&, uint32_t which, Draft&);
  bool first_possible(const Activation&, Draft&, uint32_t count, Mistake);
  bool subtask_mistake(const Activation&, uint32_t which, Draft&);
  bool end_mistake(const Activation&, uint32_t which, Draft&);
  bool some_builtin(const Activation&, Draft&);
  traces::Operand some_handle(const Activation&);
  traces::Operand some_address(const Activation&, uint32_t memory);
  uint64_t bad_area(uint32_t instance, uint32_t memory);

  // ---- values
  // As flat operands, and as words of a memory from a byte offset on. They say if all the handles could be had.
  bool lower_flat(const Activation&, Place, const traces::ValueType&, Draft&, Operands& out);
  bool lower_words(const Activation&, Place, const traces::ValueType&, Draft&, Operands& words, uint32_t offset);
  bool lower_case(const Activation&, Place, const traces::ValueType&, Draft&, Operands& out);
  // The address and length of a string or list.
  std::optional<std::pair<uint32_t, uint64_t>> lower_range(const Activation&, Place, const traces::ValueType&, Draft&);
  std::optional<uint32_t> lower_handle(const Activation&, uint32_t instance, const traces::ValueType&, Draft&);
  // A value in memory at a place of its own: its address.
  std::optional<uint32_t> lower_tuple(const Activation&, Place, std::span<const traces::ValueType>, Draft&);
  void store_words(Place, uint32_t address, const Operands& words, Draft&);
  uint64_t some_bits(traces::ValueType::Kind);
  bool lower_result(const Activation&, const traces::ValueType&, Place, bool in_memory, Draft&);
  // Fetching handles that arrived as core parameters (from `index` on), or in memory.
  bool fetch_parameters(const Activation&, Draft&);
  void fetch_flat(const Activation&, Place, const traces::ValueType&, uint32_t& index, Draft&);
  void fetch_words(const Activation&, Place, const traces::ValueType&, uint32_t address, Draft&);
  bool draw_arrival(const Activation&, Draft&);
  Holding holding_of(const Activation&, const traces::ValueType&) const;
  // The register in which it is to be kept.
  uint32_t hold(uint32_t instance, Draft&, Holding);
  uint32_t buffer(uint32_t bytes);

  // ---- pieces
  template <typename Predicate>
  uint32_t find_canon(uint32_t instance, Predicate&& predicate);
  uint32_t find_canon(uint32_t instance, traces::Op kind);
  uint32_t find_canon(uint32_t instance, traces::Op kind, bool traces::Canon::*flag, bool value);
  uint32_t matching_return(const traces::Function&);
  Place place(uint32_t instance, uint32_t memory) const;
  uint32_t area(uint32_t instance, uint32_t memory);
  void guard(traces::Operation&, traces::GuardKind, bool negated, uint32_t value = 0);
  // Registers by what they are used for.
  std::optional<uint32_t> subtask_register(uint32_t instance, bool resolved, std::optional<bool> joined);
  std::optional<uint32_t> set_register(uint32_t instance);
  std::optional<uint32_t> busy_set_register(uint32_t instance);
  template <typename Predicate>
  std::optional<uint32_t> held_register(uint32_t instance, const Draft&, Predicate&& predicate);
  std::optional<uint32_t> copying_register(uint32_t instance, std::optional<bool> joined);
  uint32_t free_register(uint32_t instance, RegisterRange, const Draft&);
  bool is_lent(uint32_t instance, const Holding&) const;
  bool is_copying(uint32_t instance, uint32_t reg) const;
  bool is_idle(uint32_t instance, uint32_t reg) const;  // as far as is known
  uint32_t handle_in(uint32_t instance, uint32_t reg) const { return view_->register_value(instance, reg); }
  traces::Operand some_value();
  bool may_block(const Activation&);
  bool old_vocabulary() const { return options_.topology.features == 0; }
  // The function whose task this code belongs to; null for realloc, destructors, start functions and their threads.
  const traces::Function* function_of(const Activation&) const;
  traces::Token owner_of(const Activation&) const;

  // ---- the host
  // An end that the host holds. Its type is not known if it came inside a variant or a list.
  struct HostEnd {
    traces::ThreadId id;
    std::optional<traces::ValueType> type;
    bool writable = false;
  };
  // `caller`: the instance that called the host function in which this stands; kNone in the program.
  std::optional<traces::HostOperation> draw_invoke(uint32_t caller);
  bool draw_end_operation(traces::HostOperation&);
  bool draw_new_end(traces::HostOperation&);
  const traces::HostOperation* let_go();
  std::optional<traces::Value> host_value(const traces::ValueType&, bool may_have_ends,
                                          std::vector<traces::ThreadId>& taken);
  traces::Value host_result(uint32_t host_function);
  void receive(traces::Token, std::span<const traces::ValueType>);
  void spend() { budget_ = budget_ == 0 ? 0 : budget_ - 1; }

  GeneratorOptions options_;
  Random random_;
  traces::Scenario scenario_;
  const GuestView* view_ = nullptr;

  std::map<traces::Token, GrowingScript> scripts_;
  std::map<EntryKey, GrowingScript> entries_;
  std::map<traces::Token, GrowingHostCall> host_calls_;
  std::deque<traces::HostOperation> program_;
  std::deque<traces::HostOperation> aftermath_;
  std::vector<Memo> memos_;
  std::map<traces::Token, uint32_t> callers_;  // the instance that called a host function with this token
  // Of each thread argument, the function and the token of the task that made the thread.
  std::map<uint32_t, std::pair<uint32_t, traces::Token>> makers_;

  std::vector<traces::Token> blocked_host_calls_;
  std::vector<traces::Token> host_invocations_;
  std::vector<HostEnd> host_ends_;
  std::set<traces::ThreadId> last_reads_;     // of futures, before they are dropped
  std::vector<traces::ValueType> end_types_;  // streams and futures that occur
  traces::Token next_token_ = 1;
  uint32_t next_pair_ = 1;
  uint32_t next_key_ = 1;  // the rep of the next resource, or the argument of the next thread
  uint32_t budget_ = 0;
  uint32_t program_length_ = 0;
  uint32_t aftermath_length_ = 0;
  bool patient_host_ = false;     // finishes what it began before the program ends
  uint32_t mistake_percent_ = 0;  // of operations
  bool unguarded_ = false;
  bool rich_ = false;            // the case has one of the features
  bool deep_ = false;            // many instances, one behind the other
  bool flood_ = false;           // too much backpressure is still to come
  bool threads_ = false;         // explicit ones occur
  std::set<uint32_t> partners_;  // arguments of threads that begin by blocking
  std::vector<uint32_t> weights_;
};

// ---- templates

template <typename Predicate>
uint32_t Generator::find_canon(uint32_t instance, Predicate&& predicate) {
  const std::vector<traces::Canon>& canons = scenario_.instances[instance].canons;
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < canons.size(); ++i)
    if (predicate(canons[i])) found.push_back(i);
  return found.empty() ? traces::kNone : random_.pick(found);
}

template <typename Predicate>
std::optional<uint32_t> Generator::held_register(uint32_t instance, const Draft& d, Predicate&& predicate) {
  std::vector<uint32_t> found;
  for (const auto& [r, holding] : memos_[instance].held) {
    // One that another thread is busy with only by mistake.
    bool taken = handle_in(instance, r) == 0 || (mistake_percent_ == 0 && memos_[instance].busy.contains(r));
    for (const uint32_t t : d.taken) taken |= t == r;
    for (const auto& g : d.got) taken |= g.first == r;
    if (!taken && predicate(r, holding)) found.push_back(r);
  }
  return found.empty() ? std::nullopt : std::optional(random_.pick(found));
}

inline traces::Operand literal(uint64_t value) { return {false, value}; }
inline traces::Operand reg(uint32_t index) { return {true, index}; }

}  // namespace lockstep::diff
