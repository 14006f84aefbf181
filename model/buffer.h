// definitions.py "### Buffer State"
//
// Where values of a stream or future come from or go to. A host implements ReadableBuffer and WritableBuffer itself; a
// guest's are in its memory.
#pragma once

#include <cstdint>

#include "model/lift_lower_context.h"
#include "model/types.h"
#include "model/value.h"

namespace lockstep::model {

class Buffer {
 public:
  static constexpr uint64_t MAX_LENGTH = (1u << 28) - 1;
  ValType t;

  explicit Buffer(ValType t_) : t(std::move(t_)) {}
  virtual ~Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  virtual uint64_t remain() const = 0;
  virtual bool is_zero_length() const = 0;
};

class ReadableBuffer : public virtual Buffer {
 public:
  virtual Values read(uint64_t n) = 0;
};

class WritableBuffer : public virtual Buffer {
 public:
  virtual void write(const Values& vs) = 0;
};

class BufferGuestImpl : public virtual Buffer {
 public:
  LiftLowerContext cx;
  uint64_t ptr;
  uint64_t progress = 0;
  uint64_t length;

  BufferGuestImpl(const ValType& t_, const LiftLowerContext& cx_, uint64_t ptr_, uint64_t length_);

  uint64_t remain() const override;
  bool is_zero_length() const override;
};

class ReadableBufferGuestImpl : public BufferGuestImpl, public ReadableBuffer {
 public:
  ReadableBufferGuestImpl(const ValType& t_, const LiftLowerContext& cx_, uint64_t ptr_, uint64_t length_)
      : Buffer(t_), BufferGuestImpl(t_, cx_, ptr_, length_) {}
  Values read(uint64_t n) override;
};

class WritableBufferGuestImpl : public BufferGuestImpl, public WritableBuffer {
 public:
  WritableBufferGuestImpl(const ValType& t_, const LiftLowerContext& cx_, uint64_t ptr_, uint64_t length_)
      : Buffer(t_), BufferGuestImpl(t_, cx_, ptr_, length_) {}
  void write(const Values& vs) override;
};

}  // namespace lockstep::model
