// For tests of the model alone: a store with one instance, a memory, and code that runs as a guest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/lift_lower_context.h"
#include "model/store.h"
#include "model/thread.h"
#include "model/trap.h"

namespace lockstep::model {

// Waits whenever it can, and takes the first candidate.
class FirstChooser : public Chooser {
 public:
  bool go_on(const Thread&) override { return false; }
  Thread* thread_to_cancel(const Task&, const std::vector<Thread*>& candidates) override { return candidates[0]; }
  Thread* thread_to_tick(const std::vector<Thread*>& candidates) override { return candidates[0]; }
  Waitable* waitable_to_deliver(const std::vector<Waitable*>& candidates) override { return candidates[0]; }
  Thread* thread_to_run(const Task&, const std::vector<Thread*>& candidates) override { return candidates[0]; }
  bool use_debug_message(const Thread&) override { return true; }
};

class World {
 public:
  FirstChooser chooser;
  std::vector<uint8_t> bytes = std::vector<uint8_t>(4096);
  MemInst memory;
  uint64_t next = 1024;  // what realloc gives
  CanonicalOptions opts;
  std::vector<FuncInst> functions;
  Store store{&chooser};
  ComponentInstance* inst;

  explicit World(CoreType addrtype = CoreType::i32) : memory{bytes.data(), bytes.size(), addrtype} {
    inst = new_instance();
    opts.memory = &memory;
    opts.realloc = [this](const CoreValues& args) {
      next = (next + args[2] - 1) / args[2] * args[2];
      const uint64_t ptr = next;
      next += args[3];
      return CoreValues{ptr};
    };
  }

  ComponentInstance* new_instance(ComponentInstance* parent = nullptr) {
    return store.instances.emplace_back(std::make_unique<ComponentInstance>(&store, parent)).get();
  }

  // Runs `code` in a task of the instance.
  void run(const std::function<void()>& code, bool async_ = false) {
    functions.push_back(store.lift(
        [code](const CoreValues&) {
          code();
          return CoreValues{};
        },
        {{}, {}, async_}, opts, inst));
    store.invoke(
        functions.back(), [] { return Values{}; }, [](const std::optional<Values>&) {});
  }
};

// The site of the trap (or of the assertion, with "assert:" in front) that `code` ends with; empty: none.
inline std::string site_of(const std::function<void()>& code) {
  try {
    code();
  } catch (const Trap& t) {
    return std::string(name(t.site));
  } catch (const SpecUndefined& e) {
    return "assert:" + std::string(e.site);
  }
  return "";
}

}  // namespace lockstep::model
