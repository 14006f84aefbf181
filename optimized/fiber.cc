// Switching native stacks with Boost.Context, and the pool of stacks.
#include "optimized/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "optimized/assert.h"
#include "optimized/sanitizer.h"

#if defined(OPTIMIZED_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace lockstep::optimized {
namespace {

namespace context = boost::context::detail;

#if defined(OPTIMIZED_ASAN)
constexpr size_t kStackBytes = 1024 * 1024;  // instrumented frames are several times larger
void start_switch(void** fake_stack, const void* bottom, size_t bytes) {
  __sanitizer_start_switch_fiber(fake_stack, bottom, bytes);
}
void finish_switch(void* fake_stack, const void** old_bottom, size_t* old_bytes) {
  __sanitizer_finish_switch_fiber(fake_stack, old_bottom, old_bytes);
}
// A stack that was left for good still carries the red zones of its last frames.
void forget_frames(const void* stack, size_t bytes) { __asan_unpoison_memory_region(stack, bytes); }
#else
constexpr size_t kStackBytes = 256 * 1024;
void start_switch(void**, const void*, size_t) {}
void finish_switch(void*, const void**, size_t*) {}
void forget_frames(const void*, size_t) {}
#endif

}  // namespace

// Where a prepared fiber begins; a friend because the signature is Boost's.
struct FiberEntry {
  static void run(context::transfer_t transfer) {
    auto* fiber = static_cast<Fiber*>(transfer.data);
    fiber->arrive(transfer.fctx);
    fiber->main_(fiber->argument_);
    std::abort();  // main must leave, not return
  }
};

// All fibers of the process that no store holds.
class FiberPool {
 public:
  // Never destroyed, so that stores in static variables can still give back.
  static FiberPool& instance() {
    static FiberPool* pool = new FiberPool;
    return *pool;
  }

  Fiber& acquire() {
    {
      std::lock_guard lock(mutex_);
      if (free_ != nullptr) return *std::exchange(free_, free_->next_free_);
    }
    return *new Fiber(kStackBytes);
  }

  void release(Fiber& fiber) {
    std::lock_guard lock(mutex_);
    fiber.next_free_ = std::exchange(free_, &fiber);
  }

 private:
  std::mutex mutex_;
  Fiber* free_ = nullptr;
};

Fiber::Fiber(size_t stack_bytes) {
  const size_t guard = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapping_bytes_ = stack_bytes + guard;
  mapping_ = mmap(nullptr, mapping_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) throw std::bad_alloc();
  if (mprotect(mapping_, guard, PROT_NONE) != 0) {  // stacks grow down into it
    munmap(mapping_, mapping_bytes_);
    throw std::bad_alloc();  // a process may have some 65,000 mappings, and each stack is two
  }
  stack_bottom_ = static_cast<char*>(mapping_) + guard;
  stack_bytes_ = stack_bytes;
}

Fiber::~Fiber() {
  if (mapping_ != nullptr) munmap(mapping_, mapping_bytes_);
}

void Fiber::prepare(Main main, void* argument) {
  main_ = main;
  argument_ = argument;
  forget_frames(stack_bottom_, stack_bytes_);
  fake_stack_ = nullptr;
  char* top = static_cast<char*>(mapping_) + mapping_bytes_;
  context_ = context::make_fcontext(top, stack_bytes_, &FiberEntry::run);
}

void Fiber::switch_to(Fiber& other) {
  other.came_from_ = this;
  start_switch(&fake_stack_, other.stack_bottom_, other.stack_bytes_);
  const context::transfer_t transfer = context::jump_fcontext(other.context_, &other);
  arrive(transfer.fctx);
}

void Fiber::leave_for(Fiber& other) {
  other.came_from_ = this;
  context::fcontext_t const target = other.context_;
  start_switch(nullptr, other.stack_bottom_, other.stack_bytes_);
  context::jump_fcontext(target, &other);
  std::abort();  // nobody comes back here
}

// The first thing on this side of a switch: keeps what is needed to go back. The bounds matter for the host's stack,
// which we do not know otherwise.
void Fiber::arrive(void* left_context) {
  came_from_->context_ = left_context;
  finish_switch(fake_stack_, &came_from_->stack_bottom_, &came_from_->stack_bytes_);
}

FiberCache::~FiberCache() {
  while (free_ != nullptr) FiberPool::instance().release(*std::exchange(free_, free_->next_free_));
}

Fiber& FiberCache::acquire(Fiber::Main main, void* argument) {
  Fiber& fiber = free_ != nullptr ? *std::exchange(free_, free_->next_free_) : FiberPool::instance().acquire();
  fiber.prepare(main, argument);
  return fiber;
}

void FiberCache::release(Fiber& fiber) { fiber.next_free_ = std::exchange(free_, &fiber); }

}  // namespace lockstep::optimized
