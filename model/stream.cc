#include "model/stream.h"

#include <algorithm>

#include "model/trap.h"

namespace lockstep::model {

void SharedStreamImpl::reset_pending() { set_pending(nullptr, nullptr, nullptr, nullptr); }

void SharedStreamImpl::set_pending(ComponentInstance* inst, Buffer* buffer, OnCopy on_copy, OnCopyDone on_copy_done) {
  pending_inst = inst;
  pending_buffer = buffer;
  pending_on_copy = std::move(on_copy);
  pending_on_copy_done = std::move(on_copy_done);
}

void SharedStreamImpl::reset_and_notify_pending(CopyResult result) {
  const OnCopyDone on_copy_done = pending_on_copy_done;
  LOCKSTEP_ASSERT(on_copy_done);
  reset_pending();
  on_copy_done(result);
}

void SharedStreamImpl::cancel() { reset_and_notify_pending(CopyResult::CANCELLED); }

void SharedStreamImpl::drop() {
  if (!dropped) {
    dropped = true;
    if (pending_buffer != nullptr) reset_and_notify_pending(CopyResult::DROPPED);
  }
}

void SharedStreamImpl::read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopy on_copy,
                            OnCopyDone on_copy_done) {
  if (dropped) {
    on_copy_done(CopyResult::DROPPED);
  } else if (pending_buffer == nullptr) {
    set_pending(inst, dst_buffer, std::move(on_copy), std::move(on_copy_done));
  } else {
    spec_assert(t == dst_buffer->t && dst_buffer->t == pending_buffer->t, "SharedStreamImpl.read#1");
    trap_if(inst == pending_inst && !none_or_number_type(t), TrapSite::kSharedStreamImplRead1);
    if (pending_buffer->remain() > 0) {
      if (dst_buffer->remain() > 0) {
        const uint64_t n = std::min(dst_buffer->remain(), pending_buffer->remain());
        auto* src_buffer = dynamic_cast<ReadableBuffer*>(pending_buffer);
        LOCKSTEP_ASSERT(src_buffer != nullptr);
        dst_buffer->write(src_buffer->read(n));
        const OnCopy notify = pending_on_copy;
        notify([this] { reset_pending(); });
      }
      on_copy_done(CopyResult::COMPLETED);
    } else {
      reset_and_notify_pending(CopyResult::COMPLETED);
      set_pending(inst, dst_buffer, std::move(on_copy), std::move(on_copy_done));
    }
  }
}

void SharedStreamImpl::write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopy on_copy,
                             OnCopyDone on_copy_done) {
  if (dropped) {
    on_copy_done(CopyResult::DROPPED);
  } else if (pending_buffer == nullptr) {
    set_pending(inst, src_buffer, std::move(on_copy), std::move(on_copy_done));
  } else {
    spec_assert(t == src_buffer->t && src_buffer->t == pending_buffer->t, "SharedStreamImpl.write#1");
    trap_if(inst == pending_inst && !none_or_number_type(t), TrapSite::kSharedStreamImplWrite1);
    if (pending_buffer->remain() > 0) {
      if (src_buffer->remain() > 0) {
        const uint64_t n = std::min(src_buffer->remain(), pending_buffer->remain());
        auto* dst_buffer = dynamic_cast<WritableBuffer*>(pending_buffer);
        LOCKSTEP_ASSERT(dst_buffer != nullptr);
        dst_buffer->write(src_buffer->read(n));
        const OnCopy notify = pending_on_copy;
        notify([this] { reset_pending(); });
      }
      on_copy_done(CopyResult::COMPLETED);
    } else if (src_buffer->is_zero_length() && pending_buffer->is_zero_length()) {
      on_copy_done(CopyResult::COMPLETED);
    } else {
      reset_and_notify_pending(CopyResult::COMPLETED);
      set_pending(inst, src_buffer, std::move(on_copy), std::move(on_copy_done));
    }
  }
}

bool none_or_number_type(const ValType& t) {
  if (!t) return true;
  switch (t->kind) {
    case Kind::U8:
    case Kind::U16:
    case Kind::U32:
    case Kind::U64:
    case Kind::S8:
    case Kind::S16:
    case Kind::S32:
    case Kind::S64:
      return true;
    default:
      return false;
  }
}

bool CopyEnd::copying() const {
  switch (state) {
    case CopyState::IDLE:
    case CopyState::DONE:
      return false;
    case CopyState::COPYING:
    case CopyState::CANCELLING_COPY:
      return true;
  }
  spec_assert(false, "CopyEnd.copying#1");
  return false;
}

void CopyEnd::drop() {
  trap_if(copying(), TrapSite::kCopyEndDrop1);
  shared->drop();
  Waitable::drop();
}

void ReadableStreamEnd::copy(ComponentInstance* inst, WritableBuffer* dst, OnCopy on_copy, OnCopyDone on_copy_done) {
  dynamic_cast<ReadableStream&>(*shared).read(inst, dst, std::move(on_copy), std::move(on_copy_done));
}

void WritableStreamEnd::copy(ComponentInstance* inst, ReadableBuffer* src, OnCopy on_copy, OnCopyDone on_copy_done) {
  dynamic_cast<WritableStream&>(*shared).write(inst, src, std::move(on_copy), std::move(on_copy_done));
}

}  // namespace lockstep::model
