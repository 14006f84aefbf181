// definitions.py "### Stack Switching"
//
// Continuations on top of Boost.Context's fcontext. definitions.py gives every continuation a Python thread and hands
// a lock around; here it is a fiber. What happens to `handler`, `cont` and `block_arg` is the same.
//
// Departures (each also in model/README.md):
// * An exception that leaves the function of a continuation is carried to its resumer and thrown there, so that a trap
//   unwinds the chain of resumers. It is caught at the fiber's base and travels as a value, because C++ must not
//   switch stacks inside a catch block.
// * A continuation that is not wanted any more is unwound by `discard`.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <exception>
#include <functional>
#include <utility>

namespace lockstep::model {

class ComponentInstance;
class Task;
class Thread;

enum class Cancelled : uint8_t { FALSE = 0, TRUE = 1 };

struct Handler;

// A suspended computation; used once, by `resume` or `discard`.
class Continuation {
 public:
  Handler* handler = nullptr;
  Cancelled block_result = Cancelled::FALSE;

  std::function<Thread*(Cancelled)> f;
  boost::context::detail::fcontext_t context = nullptr;
  void* stack = nullptr;
  bool discarded = false;
  void* fake_stack = nullptr;  // AddressSanitizer's
};

struct Handler {
  Thread* current_thread = nullptr;
  Continuation* cont = nullptr;
  Thread* block_arg = nullptr;

  Continuation* running = nullptr;
  boost::context::detail::fcontext_t resumer = nullptr;
  std::exception_ptr failure;
  const void* resumer_stack = nullptr;  // AddressSanitizer's
  size_t resumer_stack_size = 0;
};

Continuation* cont_new(std::function<Thread*(Cancelled)> f);

// Runs `cont` until it blocks or ends: (how it goes on, or null; which thread it asked to switch to, or null).
std::pair<Continuation*, Thread*> resume(Continuation* cont, Cancelled block_result, Thread* current_thread);

// Suspends the current continuation and gives control back to its resumer.
Cancelled block(Thread* switch_to);

// Unwinds a suspended continuation and frees its stack. Not in definitions.py, which leaves this to the collector.
void discard(Continuation* cont);

// Null at the host, where definitions.py has no current thread.
Thread* current_thread_or_null();
Thread* current_thread();
Task* current_task();
ComponentInstance* current_instance();

}  // namespace lockstep::model
