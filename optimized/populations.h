// For growth_main.cc, growth_test.cc and growth_bench.cc: stores that hold many of one thing, made and driven by real
// guests, and three operations on each. What one operation costs must not depend on how many there are.
//
//   wake    makes one thread ready: a host call ends, backpressure goes, something is written …
//   tick    lets what is ready go on until as much waits as before
//   cancel  asks one call to cancel, which it does
//
// A `Population` is in the same state after wake and tick as before, and after cancel and restore.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "optimized/adapter.h"
#include "optimized/store.h"

namespace lockstep::optimized::growth {

using Args = std::span<const uint64_t>;

constexpr uint32_t kExit = 0;
constexpr uint32_t kYield = 1;
constexpr uint32_t wait_on(uint32_t set) { return 2 | set << 4; }

// In which order things are woken, let go on and cancelled.
enum class Order {
  kInTurn,    // whatever has waited longest comes next: an embedder whose calls take about the same time
  kAtRandom,  // without locality
};

// A walk over 0 … n-1 that visits each once a round.
class Walk {
 public:
  Walk(uint32_t n, Order order) : n_(n) {
    if (order == Order::kInTurn) return;
    step_ = static_cast<uint32_t>(n * 0.618) | 1;
    while (gcd(step_, n_) != 1) step_ += 2;
  }
  uint32_t next() { return at_ = static_cast<uint32_t>((uint64_t{at_} + step_) % n_); }

 private:
  static uint32_t gcd(uint32_t a, uint32_t b) { return b == 0 ? a : gcd(b, a % b); }
  uint32_t n_;
  uint32_t step_ = 1;
  uint32_t at_ = 0;
};

// An embedder that decides by position, without looking at all candidates, and a store with what every guest needs.
class Population : public Choices {
 public:
  explicit Population(uint32_t n) : size(n), calls_(n), arguments_(n), pending_(n), walk_(n, order_) {}
  Population(const Population&) = delete;
  Population& operator=(const Population&) = delete;
  ~Population() override { store.reset(); }

  virtual void wake() = 0;
  virtual void tick() { OPTIMIZED_ASSERT(store.tick()); }
  virtual void cancel() = 0;
  virtual void restore() {}

  void visit(Order order) {
    order_ = order;
    walk_ = Walk(size, order);
  }

  // Thread.wait_until waits, so that there is something to wake.
  bool go_on(Id) override { return false; }
  bool use_debug_message(Id) override { return true; }
  Candidate choose(ChoicePoint, Id, const CandidateSet& candidates) override {
    const uint32_t count = candidates.count();
    if (order_ == Order::kInTurn) return candidates.nth(turn_++ % count);
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return candidates.nth(static_cast<uint32_t>((random_ >> 32) * count >> 32));
  }
  uint32_t name_task(const Instance&, TaskOrigin) override { return kOtherCalls; }

  const uint32_t size;

 protected:
  static constexpr uint32_t kOtherCalls = 0x8000'0000;
  static constexpr uint64_t kResultArea = 16;

  template <auto kMethod, typename P>
  static CoreFunc code(P* population) {
    return {[](void* data, Args args) -> uint64_t { return (static_cast<P*>(data)->*kMethod)(args); }, population};
  }
  // A function (u32) -> u32.
  Function& define(Instance& i, Lift lift, bool async_, CoreFunc body, CoreFunc callback = {}) {
    Function& f = functions_.emplace_back();
    f.instance = &i;
    f.type = FuncType({Type::u32()}, Type::u32(), async_);
    f.lift = lift;
    f.memory = &memory;
    f.body = body;
    f.callback = callback;
    return f;
  }
  const Import& lower(Instance& i, const Function& callee) {
    return imports_.emplace_back(make_import(i, callee, {callee.type.async_, &memory}));
  }
  // An import of a host function that always blocks; it answers a cancellation at once.
  const Import& lower_work(Instance& i) {
    host_work_.type = FuncType({Type::u32()}, Type::u32(), true);
    host_work_.code = [](void* data, HostCall& call) {
      auto& self = *static_cast<Population*>(data);
      const auto token = static_cast<uint32_t>(call.start()[0].number());
      self.pending_[token] = &call.block(
          [](void* s, Subtask& subtask) { static_cast<Store*>(s)->resolve_cancelled(subtask); }, &self.store);
    };
    host_work_.data = this;
    return imports_.emplace_back(make_import(i, host_work_, {true, &memory}));
  }

  // ---- guests
  uint32_t start(const Import& import, uint32_t token) {
    const uint64_t args[] = {token, kResultArea};
    return static_cast<uint32_t>(store.call(import, token + 1, args)) >> 4;
  }
  void end_call(uint32_t subtask) {
    store.waitable_join(subtask, 0);
    store.subtask_cancel(false, subtask);
    store.subtask_drop(subtask);
  }
  void return_() {
    const uint64_t value = 1;
    store.task_return({Type::u32(), &memory, Encoding::kUtf8}, std::span(&value, 1));
  }

  // ---- the host
  void invoke(const Function& f, uint32_t token) {
    Invocation& call = calls_[token];
    call = {};
    call.call_id = token + 1;
    arguments_[token] = Value(token);
    call.args = std::span(&arguments_[token], 1);
    store.invoke(f, call);
  }
  // A sync-typed function runs from its beginning to its end.
  void run(const Function& f, uint32_t token) {
    const Value arg(token);
    Invocation call;
    call.call_id = kOtherCalls;
    call.args = std::span(&arg, 1);
    store.invoke(f, call);
  }
  void cancel(uint32_t token) { store.cancel(calls_[token]); }
  void finish_work(uint32_t token) { store.resolve(*pending_[token], 1); }
  uint32_t next() { return walk_.next(); }

  std::array<uint8_t, 256> bytes = {};
  Memory memory{bytes};

 private:
  std::deque<Function> functions_;
  std::deque<Import> imports_;
  HostFunction host_work_;
  std::vector<Invocation> calls_;
  std::vector<Value> arguments_;
  std::vector<Subtask*> pending_;  // by token: the call of the host's work
  Order order_ = Order::kAtRandom;
  Walk walk_;
  uint32_t turn_ = 0;
  uint64_t random_ = 1;

 public:
  Store store{*this};
};

// ---- tasks

// Tasks that wait, each for work of its host in a set of its own: between callbacks, or with a stack.
class Waiting : public Population {
 public:
  Waiting(uint32_t n, Lift lift)
      : Population(n),
        work_(lower_work(instance_)),
        f_(define(instance_, lift, true,
                  lift == Lift::kCallback ? code<&Waiting::begin>(this) : code<&Waiting::loop>(this),
                  code<&Waiting::on_event>(this))),
        sets_(n),
        works_(n) {
    for (uint32_t i = 0; i < n; ++i) invoke(f_, i);
  }
  void wake() override { finish_work(next()); }
  void cancel() override { Population::cancel(cancelled_ = next()); }
  void restore() override { invoke(f_, cancelled_); }

 private:
  void start_work(uint32_t token) {
    works_[token] = start(work_, token);
    store.waitable_join(works_[token], sets_[token]);
  }
  void give_up(uint32_t token) {
    end_call(works_[token]);
    store.waitable_set_drop(sets_[token]);
    store.task_cancel();
  }
  uint64_t begin(Args args) {
    const auto token = static_cast<uint32_t>(args[0]);
    store.context_set(0, token);
    sets_[token] = store.waitable_set_new();
    start_work(token);
    return wait_on(sets_[token]);
  }
  uint64_t on_event(Args event) {
    const auto token = static_cast<uint32_t>(store.context_get(0));
    if (event[0] == static_cast<uint64_t>(EventCode::kTaskCancelled)) {
      give_up(token);
      return kExit;
    }
    store.subtask_drop(static_cast<uint32_t>(event[1]));
    start_work(token);
    return wait_on(sets_[token]);
  }
  uint64_t loop(Args args) {
    const auto token = static_cast<uint32_t>(args[0]);
    begin(args);
    for (;;) {
      const uint32_t event = store.waitable_set_wait(true, memory, sets_[token], 0);
      if (event == static_cast<uint32_t>(EventCode::kTaskCancelled)) break;
      store.subtask_drop(works_[token]);
      start_work(token);
    }
    give_up(token);
    return 0;
  }

  Instance& instance_ = store.add_instance(1);
  const Import& work_;
  const Function& f_;
  std::vector<uint32_t> sets_;   // in the guest's memory, by token
  std::vector<uint32_t> works_;  // likewise: the subtask
  uint32_t cancelled_ = 0;
};

// Tasks that wait between callbacks, all on one set. An event in it makes all of them ready until one has taken it.
class WaitingTogether : public Population {
 public:
  explicit WaitingTogether(uint32_t n) : Population(n) {
    run(prepare_, 0);
    for (uint32_t i = 0; i < n; ++i) invoke(f_, i);
  }
  void wake() override { finish_work(0); }
  void cancel() override { Population::cancel(cancelled_ = next()); }
  void restore() override { invoke(f_, cancelled_); }

 private:
  uint64_t prepare(Args) {
    set_ = store.waitable_set_new();
    store.waitable_join(start(work_, 0), set_);
    return 0;
  }
  uint64_t begin(Args) { return wait_on(set_); }
  uint64_t on_event(Args event) {
    if (event[0] == static_cast<uint64_t>(EventCode::kTaskCancelled)) {
      store.task_cancel();
      return kExit;
    }
    store.subtask_drop(static_cast<uint32_t>(event[1]));
    store.waitable_join(start(work_, 0), set_);
    return wait_on(set_);
  }

  Instance& instance_ = store.add_instance(1);
  const Import& work_ = lower_work(instance_);
  const Function& prepare_ = define(instance_, Lift::kSync, false, code<&WaitingTogether::prepare>(this));
  const Function& f_ = define(instance_, Lift::kCallback, true, code<&WaitingTogether::begin>(this),
                              code<&WaitingTogether::on_event>(this));
  uint32_t set_ = 0;
  uint32_t cancelled_ = 0;
};

// Tasks behind backpressure (STARTING). Waking opens the gate for all; the one that enters closes it behind it.
class Starting : public Population {
 public:
  explicit Starting(uint32_t n) : Population(n) {
    run(close_, 0);
    for (uint32_t i = 0; i < n; ++i) invoke(f_, i);
  }
  void wake() override { run(open_, 0); }
  void tick() override {
    Population::tick();
    invoke(f_, entered_);
  }
  void cancel() override { Population::cancel(cancelled_ = next()); }
  void restore() override { invoke(f_, cancelled_); }

 private:
  uint64_t open(Args) {
    store.backpressure_dec();
    return 0;
  }
  uint64_t close(Args) {
    store.backpressure_inc();
    return 0;
  }
  uint64_t begin(Args args) {
    entered_ = static_cast<uint32_t>(args[0]);
    store.backpressure_inc();
    return_();
    return kExit;
  }

  Instance& instance_ = store.add_instance(1);
  const Function& open_ = define(instance_, Lift::kSync, false, code<&Starting::open>(this));
  const Function& close_ = define(instance_, Lift::kSync, false, code<&Starting::close>(this));
  const Function& f_ = define(instance_, Lift::kCallback, true, code<&Starting::begin>(this));
  uint32_t entered_ = 0;
  uint32_t cancelled_ = 0;
};

// Tasks that have yielded between callbacks, all of them ready, in one instance or in many.
class Yielded : public Population {
 public:
  Yielded(uint32_t n, uint32_t instances) : Population(n) {
    for (uint32_t i = 0; i < instances; ++i)
      functions_.push_back(&define(store.add_instance(i + 1), Lift::kCallback, true, code<&Yielded::begin>(this),
                                   code<&Yielded::on_event>(this)));
    for (uint32_t i = 0; i < n; ++i) start_call(i);
  }
  void wake() override {}
  void cancel() override { Population::cancel(cancelled_ = next()); }
  void restore() override { start_call(cancelled_); }

 private:
  void start_call(uint32_t i) { invoke(*functions_[i % functions_.size()], i); }
  uint64_t begin(Args) { return kYield; }
  uint64_t on_event(Args event) {
    if (event[0] != static_cast<uint64_t>(EventCode::kTaskCancelled)) return kYield;
    store.task_cancel();
    return kExit;
  }

  std::vector<const Function*> functions_;
  uint32_t cancelled_ = 0;
};

// ---- threads

// Explicit threads of a few tasks, all of them ready; they have not run yet and hold no stack.
class ReadyThreads : public Population {
 public:
  explicit ReadyThreads(uint32_t n) : Population(n), owners_(std::min(n, kOwners)), table_{{&entry_, 1}} {
    for (uint32_t i = 0; i < owners_; ++i) invoke(f_, i);
  }
  void wake() override { run(wake_, 0); }
  void cancel() override { Population::cancel(cancelled_ = (cancelled_ + 1) % owners_); }
  void restore() override {
    if (++num_cancelled_ < owners_) return;
    draining_ = true;
    while (store.tick()) {
    }
    draining_ = false;
    for (uint32_t i = 0; i < owners_; ++i) invoke(f_, i);
    num_cancelled_ = 0;
  }

 private:
  static constexpr uint32_t kOwners = 20;

  // A task makes its share of threads and waits for its cancellation. One thread stays suspended, to be woken.
  uint64_t own(Args) {
    for (uint32_t i = 0; i < size / owners_; ++i)
      store.thread_resume_later(store.thread_new_indirect(AddressType::kI32, table_, 0, 1));
    spare_ = store.thread_new_indirect(AddressType::kI32, table_, 0, 1);
    store.thread_suspend(true);
    store.task_cancel();
    return 0;
  }
  uint64_t thread(Args) {
    if (!draining_) spare_ = store.thread_new_indirect(AddressType::kI32, table_, 0, 1);
    return 0;
  }
  uint64_t resume_spare(Args) {
    store.thread_resume_later(spare_);
    return 0;
  }

  const uint32_t owners_;
  Instance& instance_ = store.add_instance(1);
  const Function& f_ = define(instance_, Lift::kStackful, true, code<&ReadyThreads::own>(this));
  const Function& wake_ = define(instance_, Lift::kSync, false, code<&ReadyThreads::resume_spare>(this));
  const FuncRef entry_ = {code<&ReadyThreads::thread>(this), AddressType::kI32};
  const FuncTable table_;
  uint32_t spare_ = 0;
  uint32_t cancelled_ = 0;
  uint32_t num_cancelled_ = 0;
  bool draining_ = false;
};

// ---- waitables

// Calls of a host by one task, joined in one set, on which the task waits; or each in a set of its own, which are
// polled.
class Waitables : public Population {
 public:
  Waitables(uint32_t n, bool one_set) : Population(n), one_set_(one_set), sets_(n), works_(n) {
    run(prepare_, 0);
    if (one_set) invoke(f_, 0);
  }
  void wake() override { finish_work(woken_ = next()); }
  void tick() override {
    if (one_set_) return Population::tick();
    run(poll_, woken_);
  }
  void cancel() override { run(cancel_, next()); }

 private:
  void start_work(uint32_t token) {
    works_[token] = start(work_, token);
    by_handle_.resize(std::max<size_t>(by_handle_.size(), works_[token] + 1));
    by_handle_[works_[token]] = token;
    store.waitable_join(works_[token], sets_[token]);
  }
  void on_subtask(uint32_t subtask) {
    const uint32_t token = by_handle_[subtask];
    store.subtask_drop(subtask);
    start_work(token);
  }
  uint64_t prepare(Args) {
    const uint32_t set = store.waitable_set_new();
    for (uint32_t i = 0; i < size; ++i) {
      sets_[i] = one_set_ || i == 0 ? set : store.waitable_set_new();
      start_work(i);
    }
    return 0;
  }
  uint64_t begin(Args) { return wait_on(sets_[0]); }
  uint64_t on_event(Args event) {
    on_subtask(static_cast<uint32_t>(event[1]));
    return wait_on(sets_[0]);
  }
  uint64_t poll(Args args) {
    store.waitable_set_poll(false, memory, sets_[args[0]], 0);
    on_subtask(works_[args[0]]);
    return 0;
  }
  uint64_t cancel_one(Args args) {
    const auto token = static_cast<uint32_t>(args[0]);
    end_call(works_[token]);
    start_work(token);
    return 0;
  }

  const bool one_set_;
  Instance& instance_ = store.add_instance(1);
  const Import& work_ = lower_work(instance_);
  const Function& prepare_ = define(instance_, Lift::kSync, false, code<&Waitables::prepare>(this));
  const Function& poll_ = define(instance_, Lift::kSync, false, code<&Waitables::poll>(this));
  const Function& cancel_ = define(instance_, Lift::kSync, false, code<&Waitables::cancel_one>(this));
  const Function& f_ =
      define(instance_, Lift::kCallback, true, code<&Waitables::begin>(this), code<&Waitables::on_event>(this));
  std::vector<uint32_t> sets_;
  std::vector<uint32_t> works_;
  std::vector<uint32_t> by_handle_;
  uint32_t woken_ = 0;
};

// Calls of one task to callback-lifted functions of another instance, each of which waits for its host.
class Subtasks : public Population {
 public:
  explicit Subtasks(uint32_t n) : Population(n), works_(n), sets_(n), calls_(n) { invoke(caller_, 0); }
  void wake() override { finish_work(next()); }
  void tick() override {
    Population::tick();  // the callee returns
    Population::tick();  // the caller hears of it, and calls again
  }
  void cancel() override { run(cancel_, next()); }

 private:
  void start_call(uint32_t token) {
    calls_[token] = start(import_, token);
    by_handle_.resize(std::max<size_t>(by_handle_.size(), calls_[token] + 1));
    by_handle_[calls_[token]] = token;
    store.waitable_join(calls_[token], set_);
  }
  uint64_t call_all(Args) {
    set_ = store.waitable_set_new();
    for (uint32_t i = 0; i < size; ++i) start_call(i);
    for (;;) {
      store.waitable_set_wait(false, memory, set_, 0);
      uint32_t subtask;
      std::memcpy(&subtask, bytes.data(), sizeof subtask);
      store.subtask_drop(subtask);
      start_call(by_handle_[subtask]);
    }
  }
  uint64_t cancel_one(Args args) {
    const auto token = static_cast<uint32_t>(args[0]);
    end_call(calls_[token]);
    start_call(token);
    return 0;
  }
  uint64_t begin(Args args) {
    const auto token = static_cast<uint32_t>(args[0]);
    store.context_set(0, token);
    sets_[token] = store.waitable_set_new();
    works_[token] = start(work_, token);
    store.waitable_join(works_[token], sets_[token]);
    return wait_on(sets_[token]);
  }
  uint64_t on_event(Args event) {
    const auto token = static_cast<uint32_t>(store.context_get(0));
    const bool cancelled = event[0] == static_cast<uint64_t>(EventCode::kTaskCancelled);
    if (cancelled) {
      end_call(works_[token]);
    } else {
      store.subtask_drop(works_[token]);
    }
    store.waitable_set_drop(sets_[token]);
    if (cancelled) {
      store.task_cancel();
    } else {
      return_();
    }
    return kExit;
  }

  Instance& a_ = store.add_instance(1);
  Instance& b_ = store.add_instance(2);
  const Import& work_ = lower_work(b_);
  const Function& callee_ =
      define(b_, Lift::kCallback, true, code<&Subtasks::begin>(this), code<&Subtasks::on_event>(this));
  const Import& import_ = lower(a_, callee_);
  const Function& caller_ = define(a_, Lift::kStackful, true, code<&Subtasks::call_all>(this));
  const Function& cancel_ = define(a_, Lift::kSync, false, code<&Subtasks::cancel_one>(this));
  std::vector<uint32_t> works_;
  std::vector<uint32_t> sets_;
  std::vector<uint32_t> calls_;
  std::vector<uint32_t> by_handle_;
  uint32_t set_ = 0;
};

// Streams with a read pending; a task waits for all of them.
class Streams : public Population {
 public:
  explicit Streams(uint32_t n) : Population(n), readable_(n), writable_(n) {
    run(prepare_, 0);
    invoke(f_, 0);
  }
  void wake() override { run(write_, next()); }
  void cancel() override { run(cancel_, next()); }

 private:
  void read(uint32_t end) { store.stream_read(options_, end, 32, 1); }
  uint64_t prepare(Args) {
    set_ = store.waitable_set_new();
    for (uint32_t i = 0; i < size; ++i) {
      const uint64_t ends = store.stream_new(Type::u32());
      readable_[i] = static_cast<uint32_t>(ends);
      writable_[i] = static_cast<uint32_t>(ends >> 32);
      read(readable_[i]);
      store.waitable_join(readable_[i], set_);
    }
    return 0;
  }
  uint64_t write(Args args) {
    store.stream_write(options_, writable_[args[0]], 64, 1);
    return 0;
  }
  uint64_t begin(Args) { return wait_on(set_); }
  uint64_t on_event(Args event) {
    read(static_cast<uint32_t>(event[1]));
    return wait_on(set_);
  }
  uint64_t cancel_one(Args args) {
    const uint32_t end = readable_[args[0]];
    store.waitable_join(end, 0);
    store.cancel_copy(EndKind::kReadableStream, Type::u32(), false, end);
    read(end);
    store.waitable_join(end, set_);
    return 0;
  }

  Instance& instance_ = store.add_instance(1);
  const CopyOptions options_ = {Type::u32(), true, &memory, {}};
  const Function& prepare_ = define(instance_, Lift::kSync, false, code<&Streams::prepare>(this));
  const Function& write_ = define(instance_, Lift::kSync, false, code<&Streams::write>(this));
  const Function& cancel_ = define(instance_, Lift::kSync, false, code<&Streams::cancel_one>(this));
  const Function& f_ =
      define(instance_, Lift::kCallback, true, code<&Streams::begin>(this), code<&Streams::on_event>(this));
  std::vector<uint32_t> readable_;
  std::vector<uint32_t> writable_;
  uint32_t set_ = 0;
};

// ---- native frames

// A chain of sync-to-sync calls, in one instance or each in its own, with code of the test at its innermost end.
class Chain : public Population {
 public:
  Chain(uint32_t depth, bool one_instance) : Population(depth) {
    for (uint32_t i = 0; i < depth; ++i) {
      Instance& instance = i == 0 || !one_instance ? store.add_instance(i + 1) : *functions_.front()->instance;
      functions_.push_back(&define(instance, Lift::kSync, false, code<&Chain::call_next>(this)));
      if (i > 0) imports_.push_back(&lower(*functions_[i - 1]->instance, *functions_[i]));
    }
  }
  void run(void (*innermost)(void* data, Chain&), void* data) {
    innermost_ = innermost;
    data_ = data;
    Population::run(*functions_[0], 0);
  }
  void wake() override {}
  void cancel() override {}

 private:
  uint64_t call_next(Args args) {
    const uint64_t next[] = {args[0] + 1};
    if (next[0] == size) {
      innermost_(data_, *this);
      return 0;
    }
    return store.call(*imports_[args[0]], static_cast<uint32_t>(next[0]), next);
  }

  std::vector<const Function*> functions_;  // by depth
  std::vector<const Import*> imports_;      // to the next
  void (*innermost_)(void* data, Chain&) = nullptr;
  void* data_ = nullptr;
};

// ---- all of them

struct Kind {
  const char* name;
  uint32_t largest;  // size: each stack takes two mappings, of which a process has some 65,000
  std::unique_ptr<Population> (*make)(uint32_t n);
};

inline constexpr Kind kKinds[] = {
    {"waiting", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Waiting(n, Lift::kCallback)); }},
    {"waiting-with-stack", 10'000,
     [](uint32_t n) { return std::unique_ptr<Population>(new Waiting(n, Lift::kStackful)); }},
    {"waiting-together", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new WaitingTogether(n)); }},
    {"starting", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Starting(n)); }},
    {"yielded", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Yielded(n, 1)); }},
    {"yielded-in-many-instances", 100'000,
     [](uint32_t n) { return std::unique_ptr<Population>(new Yielded(n, n / 10)); }},
    {"ready-threads", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new ReadyThreads(n)); }},
    {"waitables-in-one-set", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Waitables(n, true)); }},
    {"waitables-in-many-sets", 100'000,
     [](uint32_t n) { return std::unique_ptr<Population>(new Waitables(n, false)); }},
    {"subtasks", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Subtasks(n)); }},
    {"streams", 100'000, [](uint32_t n) { return std::unique_ptr<Population>(new Streams(n)); }},
};

}  // namespace lockstep::optimized::growth
