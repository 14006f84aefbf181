// Promotion: from native frames to heap tasks, and the slow way out of a promoted frame.
//
// The invariant is that the promoted tasks of a chain are a prefix of it, seen from the outside: the parent of a heap
// task is a heap task. So whatever needs the current task on the heap promotes all native frames below it too,
// outermost first, which also gives each thread the index that it would have got when it was called. The bottom of a
// chain is the host, or a heap thread on whose fiber the chain lies.
//
// That index is right only as long as the instance's thread table has not changed since. Within the current chain it
// cannot: every heap task made above it promotes it first. But a chain can be suspended, unpromoted, while
// subtask.cancel runs another thread; if that one adds to or removes from the thread table of an instance that has a
// virtual thread further out (which takes a call within an instance, or from a descendant), everything is promoted
// before (reason `recursion`).
//
// Nobody counts native frames while they come and go. They are counted here, along the chain, when something depends on
// it; each promotion, and each question, takes time in proportion to the frames that are not promoted yet.
#include <algorithm>
#include <utility>

#include "optimized/adapter.h"
#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

// Without `task`, which a native frame has never written.
VMAsyncTask copy_of_native(const VMAsyncTask& frame) {
  return {.kind = frame.kind,
          .state = frame.state,
          .origin = frame.origin,
          .may_block = frame.may_block,
          .call_id = frame.call_id,
          .slots = {frame.slots[0], frame.slots[1]},
          .k = frame.k,
          .num_borrows = frame.num_borrows,
          .parent = frame.parent,
          .task = nullptr,
          .instance = frame.instance};
}

}  // namespace

// Makes the current task a heap task, if it is not yet.
void Store::promote(PromotionReason reason) {
  if (vm_.current == nullptr || vm_.current->kind != TaskKind::kNative) return;
  collected_frames_.clear();
  collect_frames(vm_.current, fiber_);
  if (shares_instances_with_outer_frames()) {
    promote_everything();
  } else {
    promote_collected(reason);
  }
}

// Promotes the chains of all suspended resumers too.
void Store::promote_everything() {
  collected_frames_.clear();
  collect_frames(vm_.current, fiber_);
  for (Resumption* r = innermost_; r != nullptr && r->over_native; r = r->outer) {
    collect_frames(live(r->current), r->fiber);
    r->over_native = false;
  }
  promote_collected(PromotionReason::kRecursion);
}

void Store::before_thread_table_changes(Instance& instance) {
  if (virtual_threads(instance) > 0) promote_everything();
}

// How many threads of the instance are in unpromoted native frames.
uint32_t Store::virtual_threads(const Instance& instance) const {
  uint32_t n = 0;
  for_each_native_frame([&](const VMAsyncTask& frame) { n += frame.instance == &instance ? 1 : 0; });
  return n;
}

uint32_t Store::next_thread_index(const Instance& instance) const {
  return instance.virtual_index(virtual_threads(instance));
}

// The thread at an index, or the trap of Table.get. Null for the thread of an unpromoted native frame: it runs, or has
// resumed the one that runs.
Thread* Store::get_thread(const Instance& instance, uint32_t index) const {
  if (Thread* thread = instance.find_thread(index)) return thread;
  const uint32_t count = virtual_threads(instance);
  for (uint32_t n = 0; n < count; ++n)
    if (instance.virtual_index(n) == index) return nullptr;
  trap_if(index >= instance.thread_table_length(), TrapSite::kTableGet1);
  trap(TrapSite::kTableGet2);
}

void Store::collect_frames(VMAsyncTask* current, Fiber* fiber) {
  // Room is made once: a deep chain is copied nowhere.
  size_t n = collected_frames_.size();
  for (const VMAsyncTask* f = current; f != nullptr && f->kind == TaskKind::kNative; f = f->parent) ++n;
  if (n > collected_frames_.capacity()) collected_frames_.reserve(std::max(n, 2 * collected_frames_.capacity()));
  for (; current != nullptr && current->kind == TaskKind::kNative; current = current->parent)
    collected_frames_.push_back({current, fiber});
}

// Whether an instance of the collected frames has virtual threads beyond them.
bool Store::shares_instances_with_outer_frames() const {
  if (innermost_ == nullptr || !innermost_->over_native) return false;
  bool shares = false;
  for (const CollectedFrame& c : collected_frames_) c.frame->instance->in_chain = true;
  for_each_suspended_frame([&](const VMAsyncTask& frame) { shares |= frame.instance->in_chain; });
  for (const CollectedFrame& c : collected_frames_) c.frame->instance->in_chain = false;
  return shares;
}

void Store::promote_collected(PromotionReason reason) {
  if (collected_frames_.empty()) return;
  ++counters_.promotions[static_cast<size_t>(reason)];
  const size_t n = collected_frames_.size();
  for (size_t i = 0; i < n; ++i) {
    const CollectedFrame c = collected_frames_[is(Mutant::kPromoteInnermostFirst) ? i : n - 1 - i];
    promote_frame(*c.frame, c.fiber);
  }
  vm_.current = live(vm_.current);
}

Task& Store::promote_frame(VMAsyncTask& frame, Fiber* fiber) {
  Instance& instance = *frame.instance;
  if (frame.call_id == 0) frame.call_id = choices_.name_task(instance, frame.origin);
  Task& task = tasks_.acquire();
  static_cast<VMAsyncTask&>(task.thread) = copy_of_native(frame);
  if (is(Mutant::kSlotsNotSaved)) task.thread.slots[1] = 0;
  task.thread.kind = TaskKind::kHeap;
  task.thread.task = &task;
  task.thread.parent = task_head(live(frame.parent));
  if (task.thread.parent != nullptr && task.thread.parent->kind == TaskKind::kNative) task.thread.parent = nullptr;
  task.in_frame = true;
  task.thread.fiber = fiber;
  task.frame.caller = frame.parent;
  task.thread.index = instance.add_thread(task.thread);
  task.threads.add(task.thread);
  if (Task* above = task.parent()) above->children.add(task);
  frame.kind = TaskKind::kPromoted;
  frame.task = &task;
  ++counters_.frames_promoted;
  return task;
}

// In a catch block: an exception leaves the callee of a native frame. An unpromoted frame is unlinked at once; for a
// promoted one the exception is kept for finish_promoted_frame, because it may have to go to another fiber.
void Store::unwind(VMAsyncTask& frame) {
  if (live(&frame)->num_borrows > 0) outlive_borrows(frame);
  std::exception_ptr error = current_exception_as_trap();
  if (frame.kind == TaskKind::kPromoted) {
    frame.task->frame.error = std::move(error);
    return;
  }
  vm_.current = live(frame.parent);
  if (is(Mutant::kCurrentNotRestoredOnTrap)) vm_.current = outlive_frame(frame);
  std::rethrow_exception(std::move(error));
}

// Handles that name this frame as their scope go on without it.
void Store::outlive_borrows(const VMAsyncTask& frame) {
  const HandleTable& handles = frame.instance->handles;
  for (uint32_t i = 1; i < handles.length(); ++i) {
    ResourceHandle* h = handles.at(i).resource();
    if (h != nullptr && h->borrow_scope == &frame)
      h->borrow_scope = frame.kind == TaskKind::kPromoted ? &frame.task->thread : nullptr;
  }
}

// The callee of a promoted frame has returned or thrown. Returns when the frame's native caller goes on.
void Store::finish_promoted(VMAsyncTask& frame) {
  VMAsyncTask* const caller = frame.parent;
  Task& task = *frame.task;
  Thread& thread = task.thread;
  std::exception_ptr error = std::move(task.frame.error);
  if (thread.abandoned) {  // what was thrown came from the loop, that is from the caller
    task.frame.caller = nullptr;
    vm_.current = live(caller);
    if (is(Mutant::kCurrentNotRestoredOnTrap)) vm_.current = &task.thread;
    std::rethrow_exception(std::move(error));
  }
  if (error == nullptr && thread.resumed_by == nullptr && is(Mutant::kExitIgnoresPromotion)) {
    vm_.current = caller;
    return;
  }
  if (error == nullptr) {
    task.thread.state = TaskState::kResolved;
    exit_task(task);
  } else {
    kill_thread(thread);
  }
  if (thread.resumed_by != nullptr) {
    hand_back(thread, std::move(error));
    OPTIMIZED_ASSERT(task.frame.loop.returned);
    error = std::move(task.frame.loop.error);
  }
  vm_.current = live(caller);
  task.frame.caller = nullptr;
  if (error != nullptr && is(Mutant::kCurrentNotRestoredOnTrap)) vm_.current = &task.thread;
  if (error != nullptr) std::rethrow_exception(std::move(error));
  task.in_frame = false;
  release_if_done(task);
}

// A copy of a native frame that lives as long as the store, for mutants that keep using it.
VMAsyncTask* Store::outlive_frame(const VMAsyncTask& frame) {
  return outliving_frames_.emplace_back(std::make_unique<VMAsyncTask>(copy_of_native(frame))).get();
}

void unwind_native_frame(VMContext& vm, VMAsyncTask& frame) { vm.store->unwind(frame); }

void finish_promoted_frame(VMContext& vm, VMAsyncTask& frame) { vm.store->finish_promoted(frame); }

}  // namespace lockstep::optimized
