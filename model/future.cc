#include "model/future.h"

#include "model/trap.h"

namespace lockstep::model {

void SharedFutureImpl::reset_pending() { set_pending(nullptr, nullptr, nullptr); }

void SharedFutureImpl::set_pending(ComponentInstance* inst, Buffer* buffer, OnCopyDone on_copy_done) {
  pending_inst = inst;
  pending_buffer = buffer;
  pending_on_copy_done = std::move(on_copy_done);
}

void SharedFutureImpl::reset_and_notify_pending(CopyResult result) {
  const OnCopyDone on_copy_done = pending_on_copy_done;
  LOCKSTEP_ASSERT(on_copy_done);
  reset_pending();
  on_copy_done(result);
}

void SharedFutureImpl::cancel() { reset_and_notify_pending(CopyResult::CANCELLED); }

void SharedFutureImpl::drop() {
  if (!dropped) {
    dropped = true;
    if (pending_buffer != nullptr) {
      spec_assert(dynamic_cast<WritableBuffer*>(pending_buffer) != nullptr, "SharedFutureImpl.drop#1");
      reset_and_notify_pending(CopyResult::DROPPED);
    }
  }
}

void SharedFutureImpl::read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopyDone on_copy_done) {
  spec_assert(!dropped && dst_buffer->remain() == 1, "SharedFutureImpl.read#1");
  if (pending_buffer == nullptr) {
    set_pending(inst, dst_buffer, std::move(on_copy_done));
  } else {
    trap_if(inst == pending_inst && !none_or_number_type(t), TrapSite::kSharedFutureImplRead1);
    auto* src_buffer = dynamic_cast<ReadableBuffer*>(pending_buffer);
    LOCKSTEP_ASSERT(src_buffer != nullptr);
    dst_buffer->write(src_buffer->read(1));
    reset_and_notify_pending(CopyResult::COMPLETED);
    on_copy_done(CopyResult::COMPLETED);
  }
}

void SharedFutureImpl::write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopyDone on_copy_done) {
  spec_assert(src_buffer->remain() == 1, "SharedFutureImpl.write#1");
  if (dropped) {
    on_copy_done(CopyResult::DROPPED);
  } else if (pending_buffer == nullptr) {
    set_pending(inst, src_buffer, std::move(on_copy_done));
  } else {
    trap_if(inst == pending_inst && !none_or_number_type(t), TrapSite::kSharedFutureImplWrite1);
    auto* dst_buffer = dynamic_cast<WritableBuffer*>(pending_buffer);
    LOCKSTEP_ASSERT(dst_buffer != nullptr);
    dst_buffer->write(src_buffer->read(1));
    reset_and_notify_pending(CopyResult::COMPLETED);
    on_copy_done(CopyResult::COMPLETED);
  }
}

void ReadableFutureEnd::copy(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopyDone on_copy_done) {
  dynamic_cast<ReadableFuture&>(*shared).read(inst, dst_buffer, std::move(on_copy_done));
}

void WritableFutureEnd::copy(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopyDone on_copy_done) {
  dynamic_cast<WritableFuture&>(*shared).write(inst, src_buffer, std::move(on_copy_done));
}

void WritableFutureEnd::drop() {
  trap_if(state != CopyState::DONE, TrapSite::kWritableFutureEndDrop1);
  CopyEnd::drop();
}

}  // namespace lockstep::model
