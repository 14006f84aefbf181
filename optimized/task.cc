// Threads: where they go when what they wait for has happened.
#include "optimized/task.h"

#include "optimized/assert.h"
#include "optimized/instance.h"

namespace lockstep::optimized {

bool Thread::ready() const { return bag != nullptr && bag->open(); }

void Thread::enlist() {
  if (bag != nullptr || abandoned) return;
  switch (wait) {
    case Wait::kNothing:
      break;
    case Wait::kAlwaysReady:
    case Wait::kResolution:
    case Wait::kEvent:
    case Wait::kSetEvent:
      return instance->always.add(*this);
    case Wait::kCallbackYield:
    case Wait::kCallbackEvent:
      return instance->exclusive_free.add(*this);
    case Wait::kEntry:
      return instance->entry.add(*this);
    case Wait::kEntryExclusive:
      return instance->entry_exclusive.add(*this);
  }
  OPTIMIZED_ASSERT(!"a running thread was woken");
}

void Thread::delist() {
  if (bag != nullptr) bag->remove(*this);
}

void Thread::set_cancellable(bool value) {
  if (!is_implicit() && value != cancellable) {
    if (task->cancellable_threads == nullptr) task->cancellable_threads = std::make_unique<CancellableThreads>();
    value ? task->cancellable_threads->add(*this) : task->cancellable_threads->remove(*this);
  }
  cancellable = value;
}

const CancellableThreads& Task::cancellable() const {
  static const CancellableThreads none;
  return cancellable_threads != nullptr ? *cancellable_threads : none;
}

// Writes only what may have been used: the rest would be a cache line more.
void Task::reinitialise() {
  if (is_native()) frame = PromotedFrame();
  thread = Thread();
  function = nullptr;
  subtask = nullptr;
  invocation = nullptr;
  waits_to_enter = exited = in_frame = false;
  next_k = 1;
  threads.clear();
  sibling_link = {};
  children.clear();
  if (cancellable_threads != nullptr) cancellable_threads->clear();
}

void CancellableThreads::add(Thread& thread) {
  thread.cancellable_position = count();
  threads_.push_back(&thread);
  hash_ += hash_of(thread.id());
}

void CancellableThreads::remove(Thread& thread) {
  OPTIMIZED_ASSERT(thread.cancellable_position < count() && threads_[thread.cancellable_position] == &thread);
  threads_[thread.cancellable_position] = threads_.back();
  threads_.back()->cancellable_position = thread.cancellable_position;
  threads_.pop_back();
  hash_ -= hash_of(thread.id());
}

void CancellableThreads::clear() {
  threads_.clear();
  hash_ = 0;
}

}  // namespace lockstep::optimized
