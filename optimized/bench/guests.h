// The loops that are measured and the guests that they call. Each loop makes `calls` calls of the same function with
// the same arguments, in the program's one store, as a task of instance `a`; they differ in what lies in between.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "optimized/choices.h"
#include "optimized/scripted.h"

namespace lockstep::optimized::bench {

// 3 * x + y. Defined in guests.cc, where no loop is: to a loop it is a call and nothing else.
uint32_t guest(uint32_t x, uint32_t y);
uint32_t guest_with_vm(VMContext&, uint32_t x, uint32_t y);
// Makes its task a heap task (thread.index).
uint32_t promoting_guest(VMContext&, uint32_t x, uint32_t y);
// The body of an async-typed function with the type of `guest`.
uint64_t async_guest(void* store, std::span<const uint64_t> args);
// guest() as a CoreFunc.
uint64_t scripted_guest(void*, std::span<const uint64_t> args);

// Takes what comes first; there is never a choice here.
class NoChoices : public Choices {
 public:
  bool go_on(Id) override { return true; }
  bool use_debug_message(Id) override { return true; }
  Candidate choose(ChoicePoint, Id, const CandidateSet& candidates) override { return candidates.nth(0); }
  uint32_t name_task(const Instance&, TaskOrigin) override { return ++last_; }

 private:
  uint32_t last_ = 1'000'000;
};

class World {
 public:
  World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World() { store.reset(); }

  // Runs `loop(*this, calls)` as a task of `a`.
  using Loop = uint32_t (*)(World&, uint32_t calls);
  uint32_t run(Loop loop, uint32_t calls);

  NoChoices choices;
  Store store;
  VMContext& vm = store.vm();
  Instance& a = store.add_instance(1);
  Instance& b = store.add_instance(2);
  Function async_function;
  Function scripted_function;
  Import async_import;
  Import scripted_import;

 private:
  Loop loop_ = nullptr;
  uint32_t calls_ = 0;
  uint32_t result_ = 0;
};

struct Row {
  std::string_view name;
  World::Loop loop;
  uint32_t depth;  // adapters that one call goes through
  std::string_view what;
};
std::span<const Row> rows();

}  // namespace lockstep::optimized::bench
