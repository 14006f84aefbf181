#include "model/stack_switching.h"

#include <sys/mman.h>

#include <memory>
#include <new>
#include <vector>

#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define LOCKSTEP_ASAN 1
#else
#define LOCKSTEP_ASAN 0
#endif

namespace lockstep::model {
namespace {

namespace ctx = boost::context::detail;

// Sanitizers widen frames several times over.
constexpr size_t kStackSize = LOCKSTEP_ASAN ? 1 << 20 : 128 << 10;

thread_local Handler* thread_local_handler = nullptr;

// Thrown on a fiber that is discarded, to run the destructors on it.
struct Discarded {};

class StackPool {
 public:
  ~StackPool() {
    for (void* s : free_) munmap(s, kStackSize);
  }
  void* take() {
    if (!free_.empty()) {
      void* s = free_.back();
      free_.pop_back();
      return s;
    }
    void* s = mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s == MAP_FAILED) throw std::bad_alloc();
    // The lowest page is never touched by a stack in bounds; one that is not stops here.
    if (mprotect(s, 4096, PROT_NONE) != 0) throw std::bad_alloc();
    return s;
  }
  void give(void* s) {
#if LOCKSTEP_ASAN
    __asan_unpoison_memory_region(static_cast<char*>(s) + 4096, kStackSize - 4096);
#endif
    free_.push_back(s);
  }

 private:
  std::vector<void*> free_;
};

StackPool& stack_pool() {
  thread_local StackPool pool;
  return pool;
}

// AddressSanitizer must be told of every switch: before it where it goes, after it where it came from.
void before_switch([[maybe_unused]] void** fake_stack, [[maybe_unused]] const void* bottom,
                   [[maybe_unused]] size_t size) {
#if LOCKSTEP_ASAN
  __sanitizer_start_switch_fiber(fake_stack, bottom, size);
#endif
}
void after_switch([[maybe_unused]] void* fake_stack, [[maybe_unused]] const void** bottom,
                  [[maybe_unused]] size_t* size) {
#if LOCKSTEP_ASAN
  __sanitizer_finish_switch_fiber(fake_stack, bottom, size);
#endif
}

void fiber_base(ctx::transfer_t from) {
  auto* cont = static_cast<Continuation*>(from.data);
  Handler* handler = cont->handler;
  after_switch(nullptr, &handler->resumer_stack, &handler->resumer_stack_size);
  handler->resumer = from.fctx;

  Thread* block_arg = nullptr;
  std::exception_ptr failure;
  try {
    block_arg = cont->f(cont->block_result);
  } catch (const Discarded&) {
  } catch (...) {
    failure = std::current_exception();
  }

  handler = thread_local_handler;  // the last resumer, not the first
  handler->cont = nullptr;
  handler->block_arg = block_arg;
  handler->failure = std::move(failure);
  const ctx::fcontext_t resumer = handler->resumer;
  before_switch(nullptr, handler->resumer_stack, handler->resumer_stack_size);
  ctx::jump_fcontext(resumer, nullptr);
  std::terminate();  // nobody resumes a finished fiber
}

// Switches to `cont` under `handler` and comes back when it blocks or ends. `cont` is freed if it ended.
void switch_to_continuation(Continuation* cont, Handler& handler) {
  Handler* const outer = thread_local_handler;
  thread_local_handler = &handler;
  handler.running = cont;
  void* fake_stack = nullptr;
  before_switch(&fake_stack, cont->stack, kStackSize);
  const ctx::transfer_t back = ctx::jump_fcontext(cont->context, cont);
  after_switch(fake_stack, nullptr, nullptr);
  thread_local_handler = outer;
  if (handler.cont != nullptr) {
    handler.cont->context = back.fctx;
  } else {
    stack_pool().give(cont->stack);
    delete cont;
  }
}

}  // namespace

Continuation* cont_new(std::function<Thread*(Cancelled)> f) {
  auto cont = std::make_unique<Continuation>();
  cont->f = std::move(f);
  cont->stack = stack_pool().take();
  cont->context = ctx::make_fcontext(static_cast<char*>(cont->stack) + kStackSize, kStackSize - 4096, fiber_base);
  return cont.release();
}

std::pair<Continuation*, Thread*> resume(Continuation* cont, Cancelled block_result, Thread* current_thread) {
  Handler handler;
  handler.current_thread = current_thread;
  cont->handler = &handler;
  cont->block_result = block_result;
  switch_to_continuation(cont, handler);
  if (handler.failure) std::rethrow_exception(std::move(handler.failure));
  return {handler.cont, handler.block_arg};
}

Cancelled block(Thread* switch_to) {
  Handler* handler = thread_local_handler;
  // The continuation object of a fiber is one and the same from block to block; only its handler changes.
  Continuation* cont = handler->running;
  handler->cont = cont;
  handler->block_arg = switch_to;
  const ctx::fcontext_t resumer = handler->resumer;
  before_switch(&cont->fake_stack, handler->resumer_stack, handler->resumer_stack_size);
  const ctx::transfer_t from = ctx::jump_fcontext(resumer, nullptr);
  handler = cont->handler;
  after_switch(cont->fake_stack, &handler->resumer_stack, &handler->resumer_stack_size);
  handler->resumer = from.fctx;
  if (cont->discarded) throw Discarded{};
  return cont->block_result;
}

void discard(Continuation* cont) {
  if (cont->handler == nullptr) {  // it never ran: nothing to unwind
    stack_pool().give(cont->stack);
    delete cont;
    return;
  }
  Handler handler;
  cont->discarded = true;
  cont->handler = &handler;
  switch_to_continuation(cont, handler);
  LOCKSTEP_ASSERT(handler.cont == nullptr);
}

Thread* current_thread_or_null() {
  return thread_local_handler == nullptr ? nullptr : thread_local_handler->current_thread;
}
Thread* current_thread() {
  LOCKSTEP_ASSERT(thread_local_handler != nullptr);
  return thread_local_handler->current_thread;
}
Task* current_task() { return current_thread()->task; }
ComponentInstance* current_instance() { return current_task()->inst; }

}  // namespace lockstep::model
