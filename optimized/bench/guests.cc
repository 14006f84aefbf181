// What is called: nothing of it can be inlined into a loop.
#include "optimized/bench/guests.h"

namespace lockstep::optimized::bench {

uint32_t guest(uint32_t x, uint32_t y) { return 3 * x + y; }

uint32_t guest_with_vm(VMContext&, uint32_t x, uint32_t y) { return 3 * x + y; }

uint32_t promoting_guest(VMContext& vm, uint32_t x, uint32_t y) {
  vm.store->thread_index();
  return 3 * x + y;
}

uint64_t async_guest(void* store, std::span<const uint64_t> args) {
  const uint64_t result = guest(static_cast<uint32_t>(args[0]), static_cast<uint32_t>(args[1]));
  static_cast<Store*>(store)->task_return({Type::u32(), nullptr, Encoding::kUtf8}, std::span(&result, 1));
  return 0;
}

uint64_t scripted_guest(void*, std::span<const uint64_t> args) {
  return guest(static_cast<uint32_t>(args[0]), static_cast<uint32_t>(args[1]));
}

World::World() : store(choices) {
  const FuncType sync_type = {{Type::u32(), Type::u32()}, Type::u32(), false};
  const FuncType async_type = {{Type::u32(), Type::u32()}, Type::u32(), true};
  async_function = {&b, async_type, Lift::kStackful, nullptr, Encoding::kUtf8, {&async_guest, &store}, {}, {}, {}};
  scripted_function = {&b, sync_type, Lift::kSync, nullptr, Encoding::kUtf8, {&scripted_guest, nullptr}, {}, {}, {}};
  async_import = make_import(a, async_function);
  scripted_import = make_import(a, scripted_function);
}

uint32_t World::run(Loop loop, uint32_t calls) {
  loop_ = loop;
  calls_ = calls;
  const CoreFunc body = {[](void* world, std::span<const uint64_t>) {
                           auto& self = *static_cast<World*>(world);
                           self.result_ = self.loop_(self, self.calls_);
                           return uint64_t{0};
                         },
                         this};
  const Function entry = {&a, {{}, {}, false}, Lift::kSync, nullptr, Encoding::kUtf8, body, {}, {}, {}};
  Invocation invocation = {.call_id = 1, .args = {}};
  store.invoke(entry, invocation);
  return result_;
}

}  // namespace lockstep::optimized::bench
