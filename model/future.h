// definitions.py "### Future State"
//
// What the two ends of a future share, and the ends as a guest holds them; a host as with streams.
#pragma once

#include "model/stream.h"

namespace lockstep::model {

class ReadableFuture : public virtual SharedBase {
 public:
  virtual void read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopyDone on_copy_done) = 0;
};

class WritableFuture : public virtual SharedBase {
 public:
  virtual void write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopyDone on_copy_done) = 0;
};

class SharedFutureImpl : public ReadableFuture, public WritableFuture {
 public:
  bool dropped = false;
  ComponentInstance* pending_inst = nullptr;
  Buffer* pending_buffer = nullptr;
  OnCopyDone pending_on_copy_done;

  explicit SharedFutureImpl(const ValType& t_) : SharedBase(t_) {}

  void reset_pending();
  void set_pending(ComponentInstance* inst, Buffer* buffer, OnCopyDone on_copy_done);
  void reset_and_notify_pending(CopyResult result);
  void cancel() override;
  void drop() override;
  void read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopyDone on_copy_done) override;
  void write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopyDone on_copy_done) override;
};

class ReadableFutureEnd : public CopyEnd {
 public:
  using CopyEnd::CopyEnd;
  void copy(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopyDone on_copy_done);
};

class WritableFutureEnd : public CopyEnd {
 public:
  using CopyEnd::CopyEnd;
  void copy(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopyDone on_copy_done);
  void drop();
};

}  // namespace lockstep::model
