// definitions.py "### Stream State"
//
// What the two ends of a stream share, and the ends as a guest holds them. A host holds an end by calling `read` or
// `write`, `cancel` and `drop` of the shared state itself, with null for the instance.
#pragma once

#include <cstdint>
#include <functional>

#include "model/buffer.h"
#include "model/component_instance.h"
#include "model/types.h"
#include "model/waitable.h"

namespace lockstep::model {

enum class CopyResult : uint32_t { COMPLETED = 0, DROPPED = 1, CANCELLED = 2 };

using ReclaimBuffer = std::function<void()>;
using OnCopy = std::function<void(ReclaimBuffer)>;
using OnCopyDone = std::function<void(CopyResult)>;

class SharedBase {
 public:
  ValType t;  // null: nothing but the fact

  explicit SharedBase(ValType t_) : t(std::move(t_)) {}
  virtual ~SharedBase() = default;
  SharedBase(const SharedBase&) = delete;
  SharedBase& operator=(const SharedBase&) = delete;

  virtual void cancel() = 0;
  virtual void drop() = 0;
};

class ReadableStream : public virtual SharedBase {
 public:
  virtual void read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopy on_copy, OnCopyDone on_copy_done) = 0;
};

class WritableStream : public virtual SharedBase {
 public:
  virtual void write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopy on_copy, OnCopyDone on_copy_done) = 0;
};

class SharedStreamImpl : public ReadableStream, public WritableStream {
 public:
  bool dropped = false;
  ComponentInstance* pending_inst = nullptr;
  Buffer* pending_buffer = nullptr;
  OnCopy pending_on_copy;
  OnCopyDone pending_on_copy_done;

  explicit SharedStreamImpl(const ValType& t_) : SharedBase(t_) {}

  void reset_pending();
  void set_pending(ComponentInstance* inst, Buffer* buffer, OnCopy on_copy, OnCopyDone on_copy_done);
  void reset_and_notify_pending(CopyResult result);
  void cancel() override;
  void drop() override;
  void read(ComponentInstance* inst, WritableBuffer* dst_buffer, OnCopy on_copy, OnCopyDone on_copy_done) override;
  void write(ComponentInstance* inst, ReadableBuffer* src_buffer, OnCopy on_copy, OnCopyDone on_copy_done) override;
};

bool none_or_number_type(const ValType& t);

enum class CopyState : uint8_t { IDLE = 1, COPYING = 2, CANCELLING_COPY = 3, DONE = 4 };

class CopyEnd : public Waitable {
 public:
  CopyState state = CopyState::IDLE;
  SharedBase* shared;

  explicit CopyEnd(SharedBase* shared_) : shared(shared_) {}

  bool copying() const;
  void drop();
};

class ReadableStreamEnd : public CopyEnd {
 public:
  using CopyEnd::CopyEnd;
  void copy(ComponentInstance* inst, WritableBuffer* dst, OnCopy on_copy, OnCopyDone on_copy_done);
};

class WritableStreamEnd : public CopyEnd {
 public:
  using CopyEnd::CopyEnd;
  void copy(ComponentInstance* inst, ReadableBuffer* src, OnCopy on_copy, OnCopyDone on_copy_done);
};

}  // namespace lockstep::model
