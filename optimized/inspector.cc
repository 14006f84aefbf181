// Views of the engine's records.
#include "optimized/inspector.h"

namespace lockstep::optimized {

InstanceView Inspector::instance(const Instance& i) const {
  return {i.may_enter,
          i.may_leave,
          i.backpressure,
          i.num_waiting_to_enter,
          i.exclusive != nullptr ? i.exclusive->thread.id() : Id{},
          i.handles.next_index(),
          store_.next_thread_index(i)};
}

SubtaskView Inspector::view(const Subtask& s) {
  return {s.index,
          s.call.call_id,
          s.call.state,
          s.cancellation_requested,
          s.resolve_delivered,
          s.pending_event,
          s.sync_waiter != nullptr,
          s.set != nullptr ? s.set->index : 0};
}

ResourceView Inspector::view(uint32_t index, const ResourceHandle& h) {
  const uint32_t borrower = h.borrow_scope != nullptr ? live(h.borrow_scope)->call_id : 0;
  return {index, h.type, h.rep, h.own, borrower, h.num_lends};
}

EndView Inspector::view(const CopyEnd& e) {
  const CopyEnd* pending = e.shared->pending;
  return {e.index,
          e.kind,
          e.state,
          e.pending_event,
          e.sync_waiter != nullptr,
          e.set != nullptr ? e.set->index : 0,
          e.shared->dropped,
          pending != nullptr,
          pending != nullptr ? pending->remain() : 0,
          e.copying() ? e.progress : 0,
          e.copying() ? e.length : 0};
}

ThreadView Inspector::view(const Thread& t) {
  return {
      t.id(), t.waiting(), t.suspended, t.ready(), !t.running() && t.cancellable, t.index, {t.slots[0], t.slots[1]}};
}

// A thread without an index waits to enter, or has ended.
TaskView Inspector::view(const Task& task) {
  const Thread& t = task.thread;
  const uint32_t parent = t.parent != nullptr ? t.parent->call_id : 0;
  const bool ended = t.index == 0 && t.state != TaskState::kInitial;
  return {t.call_id, t.instance, t.state, parent, false, ended, t.origin, t.num_borrows, view(t)};
}

// Frames are visited innermost first, so the first one of an instance has the last of its virtual indices.
TaskView Inspector::view(const VMAsyncTask& frame) {
  if (remaining_.empty()) {
    remaining_.resize(store_.instances_.size());
    store_.for_each_native_frame([&](const VMAsyncTask& f) { ++remaining_[f.instance->ordinal]; });
  }
  const uint32_t index = frame.instance->virtual_index(--remaining_[frame.instance->ordinal]);
  const uint32_t parent = frame.parent != nullptr ? frame.parent->call_id : 0;
  const ThreadView thread = {{frame.call_id, 0}, false, false, false, false, index, {frame.slots[0], frame.slots[1]}};
  return {frame.call_id, frame.instance, frame.state, parent, true, false, frame.origin, frame.num_borrows, thread};
}

}  // namespace lockstep::optimized
