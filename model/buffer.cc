#include "model/buffer.h"

#include <algorithm>

#include "model/alignment.h"
#include "model/elem_size.h"
#include "model/loading.h"
#include "model/storing.h"
#include "model/trap.h"

namespace lockstep::model {

BufferGuestImpl::BufferGuestImpl(const ValType& t_, const LiftLowerContext& cx_, uint64_t ptr_, uint64_t length_)
    : Buffer(t_), cx(cx_), ptr(ptr_), length(length_) {
  trap_if(length > Buffer::MAX_LENGTH, TrapSite::kBufferGuestImplInit1);
  if (t && length > 0) {
    const CoreType ptr_type = cx.memory().ptr_type();
    trap_if(ptr != align_to(ptr, alignment(t, ptr_type)), TrapSite::kBufferGuestImplInit2);
    trap_if(uint128{ptr} + uint128{length} * elem_size(t, ptr_type) > cx.memory().length,
            TrapSite::kBufferGuestImplInit3);
  }
}

uint64_t BufferGuestImpl::remain() const { return length - progress; }

bool BufferGuestImpl::is_zero_length() const { return length == 0; }

Values ReadableBufferGuestImpl::read(uint64_t n) {
  spec_assert(n <= remain(), "ReadableBufferGuestImpl.read#1");
  Values vs;
  if (t) {
    vs = load_list_from_valid_range(cx, ptr, n, t);
    ptr += n * elem_size(t, cx.memory().ptr_type());
  } else {
    vs.resize(n);
  }
  progress += n;
  return vs;
}

void WritableBufferGuestImpl::write(const Values& vs) {
  spec_assert(vs.size() <= remain(), "WritableBufferGuestImpl.write#1");
  if (t) {
    store_list_into_valid_range(cx, vs, ptr, t);
    ptr += vs.size() * elem_size(t, cx.memory().ptr_type());
  } else {
    spec_assert(std::all_of(vs.begin(), vs.end(), [](const Value& v) { return v == Value{}; }),
                "WritableBufferGuestImpl.write#2");
  }
  progress += vs.size();
}

}  // namespace lockstep::model
