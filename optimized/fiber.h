// Native stacks of their own, for tasks that can outlive their caller's wait. Stacks are mapped once, with a guard page
// below, and shared by all stores of the process.
//
// Debian's Boost.Context has the fcontext back end only, so AddressSanitizer is told about every switch by hand. It
// follows that no switch may happen inside a catch block or a destructor: the C++ runtime keeps the exceptions being
// handled per operating system thread, not per stack. switch.cc keeps to that.
#pragma once

#include <cstddef>

namespace lockstep::optimized {

class Fiber {
 public:
  // The first function on the stack. It must not return, but end with leave_for().
  using Main = void (*)(void* argument);

  // A fiber for a stack that exists already: that of the host.
  Fiber() = default;
  // A fiber with a stack of its own.
  explicit Fiber(size_t stack_bytes);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next switch to this fiber calls `main(argument)` on an empty stack.
  void prepare(Main main, void* argument);

  // Goes to the other fiber; returns when some fiber switches to this one.
  void switch_to(Fiber& other);
  // Goes to the other fiber for good. The stack may be prepared again once the other runs.
  [[noreturn]] void leave_for(Fiber& other);

 private:
  friend struct FiberEntry;
  friend class FiberPool;
  friend class FiberCache;
  void arrive(void* left_context);

  void* context_ = nullptr;     // where to go on
  Fiber* came_from_ = nullptr;  // who switched here last
  void* mapping_ = nullptr;     // guard page and stack
  size_t mapping_bytes_ = 0;
  Main main_ = nullptr;
  void* argument_ = nullptr;
  Fiber* next_free_ = nullptr;
  const void* stack_bottom_ = nullptr;  // as AddressSanitizer wants to know it
  size_t stack_bytes_ = 0;
  void* fake_stack_ = nullptr;
};

// The free fibers of one store; it borrows from the pool of the process and gives everything back when it goes.
class FiberCache {
 public:
  FiberCache() = default;
  ~FiberCache();
  FiberCache(const FiberCache&) = delete;
  FiberCache& operator=(const FiberCache&) = delete;

  Fiber& acquire(Fiber::Main main, void* argument);
  // Also for the fiber that is running and about to leave for good: nothing acquires before it has left.
  void release(Fiber&);

 private:
  Fiber* free_ = nullptr;
};

}  // namespace lockstep::optimized
