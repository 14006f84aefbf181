// The fast path: a call between two components whose lowering, lifting and type are all synchronous, as inline code
// that a compiler of adapters would write. It needs no store and no table, only what vm.h pins.
//
// The task is a local variable. It is linked into the current chain, the callee runs, it is unlinked. If anything in
// between needed more than that, `frame.kind` says so afterwards, and the slow exit in promote.cc finishes the call;
// the same holds for exceptions. On the fast path there is no allocation, no virtual call, no atomic and no check of an
// invariant, and nothing is set up for exceptions beyond what the unwinding tables give.
//
// What a compiler knows takes instructions away: `Topology` says which flags are static. Around a callee that is
// inlined and touches nothing of its task, nothing is left but the checks of the other flags (.ci/check_adapter).
//
// Threads in native frames are *virtual*: registered, with an index that nobody writes down and nobody counts.
// Store::virtual_threads finds them when somebody asks, by walking the chain. Whether there is room for one more in
// the instance's thread table is not asked here: each takes a part of a native stack, or a heap record, and memory ends
// long before 2^28-1 of them. Promotion enters them into the table, and traps if they do not fit. Whoever wants a
// smaller limit to hold at the call, or to see how long the table has become, asks for it with `Hooks`.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "optimized/instance.h"
#include "optimized/trap.h"
#include "optimized/vm.h"

namespace lockstep::optimized {

// The slow ways out (promote.cc). The first is for a catch block: it throws, unless the frame was promoted.
[[gnu::cold]] void unwind_native_frame(VMContext&, VMAsyncTask& frame);
[[gnu::cold]] void finish_promoted_frame(VMContext&, VMAsyncTask& frame);

// What is known of the two instances when an adapter is compiled.
struct Topology {
  static constexpr int kFoundAtRunTime = -1;

  // The caller's instance has no realloc and no post-return among its canonical options. Nothing ever clears its
  // may_leave flag, so it is not looked at.
  bool caller_always_may_leave = false;

  // How many may_enter flags the call tests, clears and sets, from the callee's outwards: those of the callee and its
  // ancestors that the caller is not inside of already (ComponentInstance.entering_set), without the children of a
  // component that has no `canon lower`, whose flags nobody needs. 0: the callee is the caller's ancestor, or the two
  // are children of such a component. If it is found at run time, `Adapter::common` says where to stop.
  int instances_entered = kFoundAtRunTime;
};

// What an engine instruments its adapters with: nothing. scripted.h has what the tester does.
struct NoHooks {
  void calling() const {}            // Adapter: the checks have been passed
  void entering(Instance&) const {}  // before a native frame is made
  void linked(VMAsyncTask&) const {}
  void unlinked(VMAsyncTask&) const {}
  void before_post_return(Instance&) const {}
  void after_post_return(Instance&) const {}
  void before_realloc(Instance&) const {}
};

// Runs `body(frame)` as a task of the instance. Returns whether it was never promoted.
template <typename Hooks, typename Body>
[[gnu::always_inline]] inline bool run_in_native_frame(VMContext& vm, Instance& instance, uint32_t call_id,
                                                       TaskOrigin origin, const Hooks& hooks, Body&& body) {
  hooks.entering(instance);
  VMAsyncTask frame;
  frame.kind = TaskKind::kNative;
  frame.state = TaskState::kStarted;
  frame.origin = origin;
  frame.may_block = 0;
  frame.call_id = call_id;
  frame.slots[0] = frame.slots[1] = 0;
  frame.k = 0;
  frame.num_borrows = 0;
  frame.parent = vm.current;
  frame.instance = &instance;
  hooks.linked(frame);
  vm.current = &frame;

  try {
    body(frame);
  } catch (...) {
    unwind_native_frame(vm, frame);
  }

  if (frame.kind != TaskKind::kNative) [[unlikely]] {
    finish_promoted_frame(vm, frame);
    return false;
  }
  // The parent of a frame that is native still has not been promoted since it was taken.
  vm.current = frame.parent;
  hooks.unlinked(frame);
  return true;
}

// canon_lift's call of post-return: the instance may not leave meanwhile. The flag is written back as it was found, not
// as the constant that it always is: a store of what was loaded can go.
template <typename Hooks, typename PostReturn>
[[gnu::always_inline]] inline void run_post_return(Instance& instance, const Hooks& hooks, PostReturn&& post_return) {
  const bool may_leave = instance.may_leave;
  instance.may_leave = false;
  hooks.before_post_return(instance);
  post_return();
  instance.may_leave = may_leave;
  hooks.after_post_return(instance);
}

// LiftLowerContext.reallocate: `body(frame)` runs as a sync task of the instance, which may not leave meanwhile.
template <typename Hooks, typename Body>
[[gnu::always_inline]] inline void run_realloc(VMContext& vm, Instance& instance, uint32_t call_id, const Hooks& hooks,
                                               Body&& body) {
  const bool may_leave = instance.may_leave;
  instance.may_leave = false;
  hooks.before_realloc(instance);
  run_in_native_frame(vm, instance, call_id, TaskOrigin::kRealloc, hooks, body);
  instance.may_leave = may_leave;
}

// One call through an import: canon_lower, Store.lift and canon_lift in one. Made where it is used; an optimizer leaves
// nothing of the object.
//
// Guests are C++ functions, or anything that can be called. A flat value becomes the type of the function's parameter
// as C++ converts numbers, which is what lifting and lowering do with an i32 that stands for a bool or a narrow
// integer.
template <Topology kTopology = Topology{}, typename Hooks = NoHooks>
struct Adapter {
  VMContext& vm;
  Instance& caller;
  Instance& callee;
  const Instance* common = nullptr;  // Instance::common_ancestor of the two, if the topology does not know
  uint32_t call_id = 0;              // see VMAsyncTask
  [[no_unique_address]] Hooks hooks = {};

  // The callee's flat result, which is its result.
  template <typename Result, typename... Params, bool kNoexcept, typename... Flat>
  [[gnu::always_inline]] Result call(Result (&guest)(Params...) noexcept(kNoexcept), Flat... args) const {
    return call_with([&](VMAsyncTask&) { return guest(static_cast<Params>(args)...); });
  }
  // … of a function that is to be inlined.
  template <auto kGuest, typename... Flat>
  [[gnu::always_inline]] auto call(Flat... args) const {
    return call_with([&](VMAsyncTask&) { return call_as<kGuest>(kGuest, args...); });
  }
  template <typename Guest, typename... Flat>
  [[gnu::always_inline]] auto call(Guest&& guest, Flat... args) const {
    return call_with([&](VMAsyncTask&) { return guest(args...); });
  }

  // The same for a function with a post-return, which gets the result.
  template <typename Guest, typename PostReturn, typename... Flat>
  [[gnu::always_inline]] auto call_and_clean_up(Guest&& guest, PostReturn&& post_return, Flat... args) const {
    return call_with([&](VMAsyncTask& frame) {
      if constexpr (std::is_void_v<decltype(guest(args...))>) {
        guest(args...);
        clean_up(frame, post_return);
      } else {
        const auto result = guest(args...);
        clean_up(frame, [&] { post_return(result); });
        return result;
      }
    });
  }

  // `body(frame)` runs as the callee's task and does the lifting and lowering too; returns what it does.
  template <typename Body>
  [[gnu::always_inline]] auto call_with(Body&& body) const {
    using Result = decltype(body(std::declval<VMAsyncTask&>()));
    if constexpr (std::is_void_v<Result>) {
      run(body);
    } else {
      Result result{};
      run([&](VMAsyncTask& frame) { result = body(frame); });
      return result;
    }
  }

  // The same without a result. Returns whether the frame was never promoted.
  template <typename Body>
  [[gnu::always_inline]] bool run(Body&& body) const {
    if constexpr (!kTopology.caller_always_may_leave) trap_if(!caller.may_leave, TrapSite::kCanonLower1);
    if constexpr (kTopology.instances_entered == Topology::kFoundAtRunTime) {
      trap_if(!callee.may_enter_below(common), TrapSite::kStoreLiftFuncInst1);
      callee.enter_below(common);
      hooks.calling();
      const bool unpromoted = run_in_native_frame(vm, callee, call_id, TaskOrigin::kCall, hooks, body);
      callee.leave_below(common);
      return unpromoted;
    } else {
      constexpr int kCount = kTopology.instances_entered;
      trap_if(!may_enter<kCount>(callee), TrapSite::kStoreLiftFuncInst1);
      set_may_enter<kCount>(callee, false);
      hooks.calling();
      const bool unpromoted = run_in_native_frame(vm, callee, call_id, TaskOrigin::kCall, hooks, body);
      set_may_enter<kCount>(callee, true);
      return unpromoted;
    }
  }

  // For a body that lowers: memory from the callee's realloc, called as `realloc(old address, old size, alignment, new
  // size)`.
  template <typename Realloc, typename Address>
  [[gnu::always_inline]] Address reallocate(Realloc&& realloc, Address old_address, Address old_size, Address alignment,
                                            Address new_size) const {
    Address address{};
    run_realloc(vm, callee, 0, hooks,
                [&](VMAsyncTask&) { address = realloc(old_address, old_size, alignment, new_size); });
    return address;
  }

  // For a body: the callee's result has been passed on, and this is its post-return.
  template <typename PostReturn>
  [[gnu::always_inline]] void clean_up(VMAsyncTask& frame, PostReturn&& post_return) const {
    live(&frame)->state = TaskState::kResolved;
    run_post_return(callee, hooks, post_return);
  }

 private:
  template <auto kGuest, typename Result, typename... Params, bool kNoexcept, typename... Flat>
  [[gnu::always_inline]] static Result call_as(Result (*)(Params...) noexcept(kNoexcept), Flat... args) {
    return kGuest(static_cast<Params>(args)...);
  }

  // The flags of an instance and its ancestors, kCount of them.
  template <int kCount>
  [[gnu::always_inline]] static bool may_enter(const Instance& i) {
    if constexpr (kCount > 1) return i.may_enter && may_enter<kCount - 1>(*i.parent);
    if constexpr (kCount == 1) return i.may_enter;
    return true;
  }
  template <int kCount>
  [[gnu::always_inline]] static void set_may_enter(Instance& i, bool flag) {
    if constexpr (kCount > 0) i.may_enter = flag;
    if constexpr (kCount > 1) set_may_enter<kCount - 1>(*i.parent, flag);
  }
};

}  // namespace lockstep::optimized
