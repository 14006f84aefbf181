// For the tests of this folder: guest code as lambdas, choices by list, and calls of the host that remember their end.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "optimized/inspector.h"
#include "optimized/scripted.h"
#include "optimized/store.h"

namespace lockstep::optimized::testing {

// Takes the smallest candidate and waits, unless told otherwise; writes down what it was asked.
class ListedChoices : public Choices {
 public:
  std::deque<bool> go_on_answers;
  std::deque<Id> picks;
  std::vector<std::string> asked;
  bool give_up = false;  // throws instead of answering
  struct GivenUp {};

  bool go_on(Id thread) override {
    if (give_up) throw GivenUp();
    asked.push_back("wait-until " + std::to_string(thread.first));
    if (go_on_answers.empty()) return false;
    const bool answer = go_on_answers.front();
    go_on_answers.pop_front();
    return answer;
  }

  bool use_debug_message(Id thread) override {
    asked.push_back("use-debug-message " + std::to_string(thread.first));
    return keep_messages;
  }
  bool keep_messages = true;

  // Tasks that no call names are 1001, 1002, …
  uint32_t name_task(const Instance& instance, TaskOrigin origin) override {
    named.push_back(std::to_string(++last_named_) +
                    (origin == TaskOrigin::kRealloc      ? " realloc "
                     : origin == TaskOrigin::kDestructor ? " destructor "
                                                         : " call ") +
                    std::to_string(instance.id));
    return last_named_;
  }
  std::vector<std::string> named;

  Candidate choose(ChoicePoint point, Id subject, const CandidateSet& candidates) override {
    if (give_up) throw GivenUp();
    static constexpr std::array<const char*, 4> kNames = {"request-cancellation", "tick", "event", "sync-loop"};
    std::vector<Id> ids;
    candidates.append_to(ids);
    std::sort(ids.begin(), ids.end());
    std::string line = kNames[static_cast<size_t>(point)] + (" " + std::to_string(subject.first)) + ":";
    uint64_t hash = 0;
    for (Id id : ids) {
      line += " " + std::to_string(point == ChoicePoint::kGetPendingEvent ? id.second : id.first);
      hash += hash_of(id);
    }
    asked.push_back(line);
    if (hash != candidates.hash()) asked.push_back("wrong hash");
    if (!picks.empty() && candidates.find(picks.front())) {
      const Id pick = picks.front();
      picks.pop_front();
      return *candidates.find(pick);
    }
    return *candidates.find(ids.front());
  }

 private:
  uint32_t last_named_ = 1000;
};

// A type of u32 parameters, and a u32 result or none.
inline FuncType words(uint32_t num_params, bool has_result, bool async_) {
  return {std::vector<Type>(num_params, Type::u32()), has_result ? Type::u32() : Type(), async_};
}

using Args = std::span<const uint64_t>;
using Code = std::function<uint64_t(Args)>;

// A call that the host makes.
struct HostInvocation : Invocation {
  std::vector<Value> values;
  int started = 0;
  int resolved = 0;
  bool was_cancelled = false;
  uint64_t value = 0;  // the number of the result
  Value result;

  HostInvocation(uint32_t id, std::vector<Value> parameters) : values(std::move(parameters)) {
    call_id = id;
    args = values;
    on_start = [](Invocation& i) { ++static_cast<HostInvocation&>(i).started; };
    on_resolve = [](Invocation& i, bool cancelled, Value value_of_call) {
      auto& self = static_cast<HostInvocation&>(i);
      ++self.resolved;
      self.was_cancelled = cancelled;
      self.value = value_of_call.number();
      self.result = std::move(value_of_call);
    };
  }
  HostInvocation(const HostInvocation&) = delete;
  HostInvocation& operator=(const HostInvocation&) = delete;
};

// A store with everything defined in it.
class World {
 public:
  ListedChoices choices;
  Store store;
  std::array<uint8_t, 256> bytes = {};
  Memory memory{bytes};

  explicit World(StoreOptions options = {}) : store(choices, options) {}
  ~World() { store.reset(); }  // before the calls and the code that it knows

  Instance& instance(Instance* parent = nullptr) { return store.add_instance(++instances_, parent); }

  Function& sync_typed(Instance& i, Code body, Code post_return = nullptr) {
    return define(i, words(1, true, false), Lift::kSync, std::move(body), nullptr, std::move(post_return));
  }
  Function& sync_lifted(Instance& i, Code body) {
    return define(i, words(1, true, true), Lift::kSync, std::move(body), nullptr, nullptr);
  }
  Function& stackful(Instance& i, Code body) {
    return define(i, words(1, true, true), Lift::kStackful, std::move(body), nullptr, nullptr);
  }
  Function& callback(Instance& i, Code body, Code on_event) {
    return define(i, words(1, true, true), Lift::kCallback, std::move(body), std::move(on_event), nullptr);
  }
  Function& define(Instance& i, FuncType type, Lift lift, Code body, Code on_event, Code post_return) {
    Function& f = functions_.emplace_back();
    f = {&i,
         type,
         lift,
         &memory,
         Encoding::kUtf8,
         core(std::move(body)),
         core(std::move(on_event)),
         core(std::move(post_return)),
         {}};
    return f;
  }

  using Host = std::function<void(HostCall&)>;
  HostFunction& host(bool async_, Host code, uint32_t num_params = 1) {
    Host& kept = hosts_.emplace_back(std::move(code));
    auto run = [](void* data, HostCall& call) { (*static_cast<Host*>(data))(call); };
    return host_functions_.emplace_back(HostFunction{words(num_params, true, async_), run, &kept});
  }

  template <typename Callee>
  const Import& import_(Instance& i, const Callee& callee, bool async_ = false) {
    return imports_.emplace_back(make_import(i, callee, {async_, &memory}));
  }

  uint32_t call(const Import& import, uint64_t id) {
    const uint64_t args[] = {id};
    return static_cast<uint32_t>(store.call(import, static_cast<uint32_t>(id), args));
  }
  // An asynchronous call with a result area; the handle of the subtask, or 0 if it returned at once.
  uint32_t start(const Import& import, uint32_t id, uint32_t result_area = 128) {
    const uint64_t args[] = {id, result_area};
    last_packed = static_cast<uint32_t>(store.call(import, id, args));
    return last_packed >> 4;
  }
  uint32_t last_packed = 0;

  HostInvocation& invoke(const Function& f, uint32_t id) {
    return invoke(f, id, f.type.params.empty() ? std::vector<Value>() : std::vector<Value>{id});
  }
  HostInvocation& invoke(const Function& f, uint32_t id, std::vector<Value> values) {
    HostInvocation& call = invocations_.emplace_back(id, std::move(values));
    store.invoke(f, call);
    return call;
  }
  int run() {
    int ticks = 0;
    while (store.tick()) ++ticks;
    return ticks;
  }

  void return_(uint64_t value) { store.task_return({Type::u32(), &memory, Encoding::kUtf8}, std::span(&value, 1)); }
  uint64_t promotions(PromotionReason reason) const { return store.counters().promotions_for(reason); }
  uint64_t promotions() const {
    uint64_t sum = 0;
    for (uint64_t n : store.counters().promotions) sum += n;
    return sum;
  }
  std::vector<uint32_t> stack() const {
    std::vector<uint32_t> ids;
    store.call_stack(ids);
    return ids;
  }
  // The view of one task; call id 0 if there is none.
  TaskView task(uint32_t id) {
    TaskView found = {};
    Inspector(store).for_each_task([&](const TaskView& t) {
      if (t.call_id == id) found = t;
    });
    return found;
  }
  InstanceView view(const Instance& i) { return Inspector(store).instance(i); }
  SubtaskView subtask(const Instance& i, uint32_t index) {
    SubtaskView found = {};
    Inspector(store).for_each_handle(
        i, [&](const SubtaskView& s) { found = s.index == index ? s : found; }, [](const WaitableSetView&) {});
    return found;
  }
  // The site of the trap that the code ends in, or "".
  template <typename F>
  std::string trap_of(F code) {
    try {
      code();
    } catch (const Trap& t) {
      return t.what();
    }
    return "";
  }

 private:
  CoreFunc core(Code code) {
    if (!code) return {};
    Code& kept = codes_.emplace_back(std::move(code));
    return {[](void* data, Args args) { return (*static_cast<Code*>(data))(args); }, &kept};
  }

  uint32_t instances_ = 0;
  std::deque<Code> codes_;
  std::deque<Host> hosts_;
  std::deque<Function> functions_;
  std::deque<HostFunction> host_functions_;
  std::deque<Import> imports_;
  std::deque<HostInvocation> invocations_;
};

constexpr uint32_t kCodeExit = 0;
constexpr uint32_t kCodeYield = 1;
constexpr uint32_t code_wait(uint32_t set) { return 2 | set << 4; }

}  // namespace lockstep::optimized::testing
