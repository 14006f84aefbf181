#include "model/canon_stream_future.h"

#include "model/buffer.h"
#include "model/builtins.h"
#include "model/component_instance.h"
#include "model/future.h"
#include "model/stack_switching.h"
#include "model/store.h"
#include "model/stream.h"
#include "model/task.h"
#include "model/thread.h"
#include "model/trap.h"
#include "model/type_predicates.h"
#include "model/waitable.h"

namespace lockstep::model {
namespace {

uint64_t ends(uint32_t ri, uint32_t wi) { return ri | uint64_t{wi} << 32; }

template <typename EndT, typename BufferT>
uint32_t stream_copy(EventCode event_code, const ValType& stream_t, const CanonicalOptions& opts, uint32_t i,
                     CoreVal ptr, CoreVal n) {
  Thread* const thread = current_thread();
  ComponentInstance* const inst = thread->task->inst;
  trap_if(!inst->may_leave, TrapSite::kStreamCopy1);
  auto* const e = dynamic_cast<EndT*>(inst->handles.get(i));
  trap_if(e == nullptr, TrapSite::kStreamCopy2);
  trap_if(e->shared->t != stream_t->t, TrapSite::kStreamCopy3);
  trap_if(e->state != CopyState::IDLE, TrapSite::kStreamCopy4);
  trap_if(e->in_waitable_set() && !opts.async_, TrapSite::kStreamCopy5);

  spec_assert(!contains_borrow(stream_t), "stream_copy#2");
  const LiftLowerContext cx(opts, inst);
  auto* const buffer = inst->store->make<BufferT>(stream_t->t, cx, ptr, n);

  auto stream_event = [=](CopyResult result, const ReclaimBuffer& reclaim_buffer) {
    reclaim_buffer();
    spec_assert(e->copying(), "stream_copy.stream_event#1");
    if (result == CopyResult::DROPPED)
      e->state = CopyState::DONE;
    else
      e->state = CopyState::IDLE;
    spec_assert(static_cast<uint32_t>(result) < 1 << 4, "stream_copy.stream_event#2");
    spec_assert(buffer->progress <= Buffer::MAX_LENGTH, "stream_copy.stream_event#3");
    const uint32_t packed_result = static_cast<uint32_t>(result) | static_cast<uint32_t>(buffer->progress << 4);
    return EventTuple{event_code, i, packed_result};
  };

  auto on_copy = [=](const ReclaimBuffer& reclaim_buffer) {
    e->set_pending_event([=] { return stream_event(CopyResult::COMPLETED, reclaim_buffer); });
  };

  auto on_copy_done = [=](CopyResult result) { e->set_pending_event([=] { return stream_event(result, [] {}); }); };

  e->state = CopyState::COPYING;
  e->copy(inst, buffer, on_copy, on_copy_done);

  if (!e->has_pending_event()) {
    if (opts.async_) return BLOCKED;
    e->wait_for_pending_event();
  }
  const EventTuple event = e->get_pending_event();
  spec_assert(event.code == event_code && event.p1 == i && event.p2 != BLOCKED, "stream_copy#3");
  return event.p2;
}

template <typename EndT, typename BufferT>
uint32_t future_copy(EventCode event_code, const ValType& future_t, const CanonicalOptions& opts, uint32_t i,
                     CoreVal ptr) {
  Thread* const thread = current_thread();
  ComponentInstance* const inst = thread->task->inst;
  trap_if(!inst->may_leave, TrapSite::kFutureCopy1);
  auto* const e = dynamic_cast<EndT*>(inst->handles.get(i));
  trap_if(e == nullptr, TrapSite::kFutureCopy2);
  trap_if(e->shared->t != future_t->t, TrapSite::kFutureCopy3);
  trap_if(e->state != CopyState::IDLE, TrapSite::kFutureCopy4);
  trap_if(e->in_waitable_set() && !opts.async_, TrapSite::kFutureCopy5);

  spec_assert(!contains_borrow(future_t), "future_copy#1");
  const LiftLowerContext cx(opts, inst);
  auto* const buffer = inst->store->make<BufferT>(future_t->t, cx, ptr, 1);

  auto future_event = [=](CopyResult result) {
    spec_assert((buffer->remain() == 0) == (result == CopyResult::COMPLETED), "future_copy.future_event#1");
    spec_assert(e->copying(), "future_copy.future_event#2");
    if (result == CopyResult::DROPPED || result == CopyResult::COMPLETED)
      e->state = CopyState::DONE;
    else
      e->state = CopyState::IDLE;
    return EventTuple{event_code, i, static_cast<uint32_t>(result)};
  };

  auto on_copy_done = [=](CopyResult result) {
    spec_assert(result != CopyResult::DROPPED || event_code == EventCode::FUTURE_WRITE, "future_copy.on_copy_done#1");
    e->set_pending_event([=] { return future_event(result); });
  };

  e->state = CopyState::COPYING;
  e->copy(inst, buffer, on_copy_done);

  if (!e->has_pending_event()) {
    if (opts.async_) return BLOCKED;
    e->wait_for_pending_event();
  }
  const EventTuple event = e->get_pending_event();
  spec_assert(event.code == event_code && event.p1 == i, "future_copy#2");
  return event.p2;
}

template <typename EndT>
uint32_t cancel_copy(EventCode event_code, const ValType& stream_or_future_t, bool async_, uint32_t i) {
  Thread* const thread = current_thread();
  ComponentInstance* const inst = thread->task->inst;
  trap_if(!inst->may_leave, TrapSite::kCancelCopy1);
  auto* const e = dynamic_cast<EndT*>(inst->handles.get(i));
  trap_if(e == nullptr, TrapSite::kCancelCopy2);
  trap_if(e->shared->t != stream_or_future_t->t, TrapSite::kCancelCopy3);
  trap_if(e->state != CopyState::COPYING || e->has_sync_waiter, TrapSite::kCancelCopy4);
  trap_if(e->in_waitable_set() && !async_, TrapSite::kCancelCopy5);
  e->state = CopyState::CANCELLING_COPY;
  if (!e->has_pending_event()) {
    e->shared->cancel();
    if (!e->has_pending_event()) {
      if (async_) return BLOCKED;
      e->wait_for_pending_event();
    }
  }
  const EventTuple event = e->get_pending_event();
  spec_assert(!e->copying() && event.code == event_code && event.p1 == i, "cancel_copy#1");
  return event.p2;
}

template <typename EndT>
void drop(const ValType& stream_or_future_t, uint32_t hi) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kDrop1);
  auto* const e = dynamic_cast<EndT*>(inst->handles.remove(hi));
  trap_if(e == nullptr, TrapSite::kDrop2);
  trap_if(e->shared->t != stream_or_future_t->t, TrapSite::kDrop3);
  e->drop();
}

}  // namespace

uint64_t canon_stream_new(const ValType& stream_t) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonStreamNew1);
  Store* const store = inst->store;
  auto* const shared = store->make<SharedStreamImpl>(stream_t->t);
  const uint32_t ri = inst->handles.add(store->make<ReadableStreamEnd>(shared));
  const uint32_t wi = inst->handles.add(store->make<WritableStreamEnd>(shared));
  return ends(ri, wi);
}

uint64_t canon_future_new(const ValType& future_t) {
  ComponentInstance* const inst = current_instance();
  trap_if(!inst->may_leave, TrapSite::kCanonFutureNew1);
  Store* const store = inst->store;
  auto* const shared = store->make<SharedFutureImpl>(future_t->t);
  const uint32_t ri = inst->handles.add(store->make<ReadableFutureEnd>(shared));
  const uint32_t wi = inst->handles.add(store->make<WritableFutureEnd>(shared));
  return ends(ri, wi);
}

uint32_t canon_stream_read(const ValType& stream_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr, CoreVal n) {
  return stream_copy<ReadableStreamEnd, WritableBufferGuestImpl>(EventCode::STREAM_READ, stream_t, opts, i, ptr, n);
}

uint32_t canon_stream_write(const ValType& stream_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr, CoreVal n) {
  return stream_copy<WritableStreamEnd, ReadableBufferGuestImpl>(EventCode::STREAM_WRITE, stream_t, opts, i, ptr, n);
}

uint32_t canon_future_read(const ValType& future_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr) {
  return future_copy<ReadableFutureEnd, WritableBufferGuestImpl>(EventCode::FUTURE_READ, future_t, opts, i, ptr);
}

uint32_t canon_future_write(const ValType& future_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr) {
  return future_copy<WritableFutureEnd, ReadableBufferGuestImpl>(EventCode::FUTURE_WRITE, future_t, opts, i, ptr);
}

uint32_t canon_stream_cancel_read(const ValType& stream_t, bool async_, uint32_t i) {
  return cancel_copy<ReadableStreamEnd>(EventCode::STREAM_READ, stream_t, async_, i);
}

uint32_t canon_stream_cancel_write(const ValType& stream_t, bool async_, uint32_t i) {
  return cancel_copy<WritableStreamEnd>(EventCode::STREAM_WRITE, stream_t, async_, i);
}

uint32_t canon_future_cancel_read(const ValType& future_t, bool async_, uint32_t i) {
  return cancel_copy<ReadableFutureEnd>(EventCode::FUTURE_READ, future_t, async_, i);
}

uint32_t canon_future_cancel_write(const ValType& future_t, bool async_, uint32_t i) {
  return cancel_copy<WritableFutureEnd>(EventCode::FUTURE_WRITE, future_t, async_, i);
}

void canon_stream_drop_readable(const ValType& stream_t, uint32_t i) { drop<ReadableStreamEnd>(stream_t, i); }

void canon_stream_drop_writable(const ValType& stream_t, uint32_t hi) { drop<WritableStreamEnd>(stream_t, hi); }

void canon_future_drop_readable(const ValType& future_t, uint32_t i) { drop<ReadableFutureEnd>(future_t, i); }

void canon_future_drop_writable(const ValType& future_t, uint32_t hi) { drop<WritableFutureEnd>(future_t, hi); }

}  // namespace lockstep::model
