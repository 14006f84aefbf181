// definitions.py "### 🔀 `canon {stream,future}.new`" to "### 🔀 `canon {stream,future}.drop-{readable,writable}`"
//
// The built-ins of streams and futures. Types are those of the stream or future; options and types must live as long as
// the store, since a copy goes on after the built-in has returned.
#pragma once

#include <cstdint>

#include "model/options.h"
#include "model/types.h"

namespace lockstep::model {

// The readable end, and the writable end shifted by 32.
uint64_t canon_stream_new(const ValType& stream_t);
uint64_t canon_future_new(const ValType& future_t);
// The result of the copy (with streams, the number of elements above it), or BLOCKED.
uint32_t canon_stream_read(const ValType& stream_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr, CoreVal n);
uint32_t canon_stream_write(const ValType& stream_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr, CoreVal n);
uint32_t canon_future_read(const ValType& future_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr);
uint32_t canon_future_write(const ValType& future_t, const CanonicalOptions& opts, uint32_t i, CoreVal ptr);
uint32_t canon_stream_cancel_read(const ValType& stream_t, bool async_, uint32_t i);
uint32_t canon_stream_cancel_write(const ValType& stream_t, bool async_, uint32_t i);
uint32_t canon_future_cancel_read(const ValType& future_t, bool async_, uint32_t i);
uint32_t canon_future_cancel_write(const ValType& future_t, bool async_, uint32_t i);
void canon_stream_drop_readable(const ValType& stream_t, uint32_t i);
void canon_stream_drop_writable(const ValType& stream_t, uint32_t hi);
void canon_future_drop_readable(const ValType& future_t, uint32_t i);
void canon_future_drop_writable(const ValType& future_t, uint32_t hi);

}  // namespace lockstep::model
