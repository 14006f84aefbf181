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
          i.next_thread_index()};
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

TaskView Inspector::view(const Task& task) {
  const Thread& t = task.thread;
  const VMAsyncTask& vm = task.vm;
  return {vm.call_id,
          vm.instance,
          vm.state,
          vm.parent != nullptr ? vm.parent->call_id : 0,
          false,
          {t.id(),
           t.waiting(),
           t.ready(),
           t.waiting() && t.cancellable,
           t.index,
           {static_cast<uint32_t>(vm.slots[0]), static_cast<uint32_t>(vm.slots[1])}}};
}

// Frames are visited innermost first, so the first one of an instance has the last of its virtual indices.
TaskView Inspector::view(const VMAsyncTask& frame) {
  if (remaining_.empty())
    for (const Instance* i : store_.instances_) remaining_.push_back(i->virtual_threads);
  uint32_t& remaining = remaining_[frame.instance->ordinal];
  const uint32_t index = remaining > 0 ? frame.instance->virtual_index(--remaining) : 0;
  return {frame.call_id,
          frame.instance,
          frame.state,
          frame.parent != nullptr ? frame.parent->call_id : 0,
          true,
          {{frame.call_id, 0},
           false,
           false,
           false,
           index,
           {static_cast<uint32_t>(frame.slots[0]), static_cast<uint32_t>(frame.slots[1])}}};
}

}  // namespace lockstep::optimized
