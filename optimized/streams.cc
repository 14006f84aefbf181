// Streams and futures: the canon built-ins of guests, the ends that the host holds, and how they travel as values.
#include "optimized/streams.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "optimized/assert.h"
#include "optimized/store.h"

namespace lockstep::optimized {
namespace {

const TypeNode* node_of(const Type& t) { return t ? &*t : nullptr; }

// The places where the same check stands in stream_copy and future_copy.
struct CopySites {
  TrapSite may_not_leave, other_kind, other_type, not_idle, in_set;
};
constexpr CopySites kStreamCopy = {TrapSite::kStreamCopy1, TrapSite::kStreamCopy2, TrapSite::kStreamCopy3,
                                   TrapSite::kStreamCopy4, TrapSite::kStreamCopy5};
constexpr CopySites kFutureCopy = {TrapSite::kFutureCopy1, TrapSite::kFutureCopy2, TrapSite::kFutureCopy3,
                                   TrapSite::kFutureCopy4, TrapSite::kFutureCopy5};

TrapSite same_instance_site(EndKind kind) {
  switch (kind) {
    case EndKind::kReadableStream:
      return TrapSite::kSharedStreamImplRead1;
    case EndKind::kWritableStream:
      return TrapSite::kSharedStreamImplWrite1;
    case EndKind::kReadableFuture:
      return TrapSite::kSharedFutureImplRead1;
    case EndKind::kWritableFuture:
      break;
  }
  return TrapSite::kSharedFutureImplWrite1;
}

EventCode event_code(EndKind kind) {
  return static_cast<EventCode>(static_cast<uint32_t>(EventCode::kStreamRead) + static_cast<uint32_t>(kind));
}
static_assert(static_cast<uint32_t>(EventCode::kFutureWrite) ==
              static_cast<uint32_t>(EventCode::kStreamRead) + static_cast<uint32_t>(EndKind::kWritableFuture));

uint64_t next_address(const CopyEnd& e, const Type& element) {
  return e.address + uint64_t{e.progress} * element->in(e.context.address_type()).size;
}

// The elements that a writer gives and a reader takes, as values.
std::vector<Value> take_values(CopyEnd& writer, uint32_t n, const Type& element) {
  if (!writer.held_by_host()) return load_elements(writer.context, next_address(writer, element), n, *element);
  const auto first = writer.values.begin() + writer.progress;
  return {std::make_move_iterator(first), std::make_move_iterator(first + n)};
}

void put_values(CopyEnd& reader, std::vector<Value> values, const Type& element) {
  if (!reader.held_by_host()) return store_elements(reader.context, values, next_address(reader, element), *element);
  reader.values.insert(reader.values.end(), std::make_move_iterator(values.begin()),
                       std::make_move_iterator(values.end()));
}

// dst.write(src.read(n)). Numbers look the same in all memories.
void move_elements(CopyEnd& writer, CopyEnd& reader, uint32_t n, const Type& element) {
  OPTIMIZED_ASSERT(n <= writer.remain() && n <= reader.remain());
  if (element && element.is_number() && !writer.held_by_host() && !reader.held_by_host()) {
    const size_t bytes = size_t{n} * element->in(AddressType::kI32).size;
    std::memmove(reader.context.memory->bytes.data() + next_address(reader, element),
                 writer.context.memory->bytes.data() + next_address(writer, element), bytes);
    writer.progress += n;
  } else {
    // The reader's realloc may look: what has been read is no longer there.
    std::vector<Value> values;
    if (element) values = take_values(writer, n, element);
    writer.progress += n;
    if (element) put_values(reader, std::move(values), element);
  }
  reader.progress += n;
}

}  // namespace

// ---- guests

uint64_t Store::new_copy_ends(bool future, const Type& element) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, future ? TrapSite::kCanonFutureNew1 : TrapSite::kCanonStreamNew1);
  SharedStream& shared = new_shared(future, element);
  const uint64_t readable = add_copy_end(instance, shared, true).index;
  return readable | uint64_t{add_copy_end(instance, shared, false).index} << 32;
}

// BufferGuestImpl.__init__
void Store::set_buffer(CopyEnd& e, const CopyOptions& o, uint64_t address, uint64_t length) {
  trap_if(length > kMaxBufferLength, TrapSite::kBufferGuestImplInit1);
  if (o.element && length > 0) {
    const Layout& layout = o.element->in(o.memory->address_type);
    trap_if(address % layout.alignment != 0, TrapSite::kBufferGuestImplInit2);
    trap_if(!in_bounds(*o.memory, address, length * layout.size), TrapSite::kBufferGuestImplInit3);
  }
  e.context = {e.instance, o.memory, o.realloc, nullptr, nullptr};
  e.address = address;
  e.progress = 0;
  e.length = static_cast<uint32_t>(length);
}

// stream_copy and future_copy
uint32_t Store::copy_of_guest(EndKind kind, const CopyOptions& o, uint32_t index, uint64_t address, uint64_t length) {
  Instance& instance = current_instance();
  const CopySites& sites = is_future(kind) ? kFutureCopy : kStreamCopy;
  trap_if(!instance.may_leave && !is(Mutant::kCopyInPostReturn), sites.may_not_leave);
  CopyEnd* e = instance.handles.get(index).copy_end();
  trap_if(e == nullptr || e->kind != kind, sites.other_kind);
  trap_if(!(e->shared->element == o.element), sites.other_type);
  trap_if(e->state != CopyState::kIdle, sites.not_idle);
  trap_if(e->set != nullptr && !o.async_ && !is(Mutant::kSyncCopyInSet), sites.in_set);
  set_buffer(*e, o, address, length);
  e->state = CopyState::kCopying;
  copy(*e);
  return answer_of_copy(*e, o.async_);
}

uint32_t Store::cancel_copy(EndKind kind, const Type& element, bool async_, uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kCancelCopy1);
  CopyEnd* e = instance.handles.get(index).copy_end();
  trap_if(e == nullptr || e->kind != kind, TrapSite::kCancelCopy2);
  trap_if(!(e->shared->element == element), TrapSite::kCancelCopy3);
  trap_if(e->state != CopyState::kCopying || e->sync_waiter != nullptr, TrapSite::kCancelCopy4);
  trap_if(e->set != nullptr && !async_, TrapSite::kCancelCopy5);
  e->state = CopyState::kCancellingCopy;
  if (!e->pending_event || (is(Mutant::kCancelForgetsProgress) && e->reclaim))
    end_pending(*e->shared, CopyResult::kCancelled);
  return answer_of_copy(*e, async_);
}

// What a read, write or cancellation returns: the event that is there, or the one that is waited for.
uint32_t Store::answer_of_copy(CopyEnd& e, bool async_) {
  if (!e.pending_event) {
    if (async_) return kBlocked;
    OPTIMIZED_ASSERT(e.set == nullptr && e.sync_waiter == nullptr);
    wait_until(Wait::kEvent, false, PromotionReason::kCopyWait, &e, nullptr);
  }
  return take_event(e).p2;
}

void Store::drop_copy_end(EndKind kind, const Type& element, uint32_t index) {
  Instance& instance = current_instance();
  trap_if(!instance.may_leave, TrapSite::kDrop1);
  CopyEnd* e = instance.handles.remove(index).copy_end();
  trap_if(e == nullptr || e->kind != kind, TrapSite::kDrop2);
  trap_if(!(e->shared->element == element), TrapSite::kDrop3);
  const bool no_reader = is(Mutant::kUnwrittenFutureDropped) && e->shared->dropped;
  trap_if(kind == EndKind::kWritableFuture && e->state != CopyState::kDone && !no_reader,
          TrapSite::kWritableFutureEndDrop1);
  trap_if(e->copying(), TrapSite::kCopyEndDrop1);
  drop_shared(*e->shared);
  OPTIMIZED_ASSERT(!e->pending_event && e->sync_waiter == nullptr);
  if (is(Mutant::kDroppedEndStaysInSet) && e->set != nullptr) ++e->set->num_elements;
  e->join(nullptr);
  copy_ends_.release(*e);
}

// stream_event and future_event
Event Store::take_copy_event(CopyEnd& e) {
  OPTIMIZED_ASSERT(e.copying());
  if (std::exchange(e.reclaim, false)) {
    OPTIMIZED_ASSERT(e.shared->pending == &e);
    e.shared->pending = nullptr;
  }
  auto payload = static_cast<uint32_t>(e.result);
  const bool future = is_future(e.kind);
  if (future) {
    OPTIMIZED_ASSERT((e.remain() == 0) == (e.result == CopyResult::kCompleted));
  } else {
    payload |= (is(Mutant::kPartialProgressLost) && e.remain() > 0 ? 0 : e.progress) << 4;
  }
  const bool done = (e.result == CopyResult::kDropped && !(is(Mutant::kFutureWriteNotDone) && future)) ||
                    (future && (e.result == CopyResult::kCompleted || is(Mutant::kCancelledFutureDone)));
  e.state = done ? CopyState::kDone : CopyState::kIdle;
  return {event_code(e.kind), e.index, payload};
}

// ---- what the ends share

SharedStream& Store::new_shared(bool future, const Type& element) {
  SharedStream& shared = shared_streams_.acquire();
  shared.element = element;
  shared.future = future;
  return shared;
}

CopyEnd& Store::new_copy_end(SharedStream& shared, bool readable) {
  CopyEnd& e = copy_ends_.acquire();
  e.shared = &shared;
  e.kind = static_cast<EndKind>((shared.future ? 2 : 0) + (readable ? 0 : 1));
  return e;
}

CopyEnd& Store::add_copy_end(Instance& instance, SharedStream& shared, bool readable) {
  CopyEnd& e = new_copy_end(shared, readable);
  e.instance = &instance;
  e.index = instance.handles.add({HandleKind::kCopyEnd, &e});
  return e;
}

// SharedStreamImpl.read and write, SharedFutureImpl.read and write: the end has a buffer.
void Store::copy(CopyEnd& e) {
  SharedStream& shared = *e.shared;
  if (shared.dropped) {
    OPTIMIZED_ASSERT(e.kind != EndKind::kReadableFuture);
    return end_copy(e, CopyResult::kDropped);
  }
  if (shared.pending == nullptr) {
    shared.pending = &e;
    return;
  }
  CopyEnd& other = *shared.pending;
  const bool reads = is_readable(e.kind);
  OPTIMIZED_ASSERT(reads != is_readable(other.kind));
  trap_if(e.instance == other.instance && shared.element && !shared.element.is_number(), same_instance_site(e.kind));
  CopyEnd& writer = reads ? other : e;
  CopyEnd& reader = reads ? e : other;
  if (shared.future) {
    move_elements(writer, reader, 1, shared.element);
    end_pending(shared, CopyResult::kCompleted);
    return end_copy(e, CopyResult::kCompleted);
  }
  if (other.remain() > 0) {
    if (e.remain() > 0) {
      move_elements(writer, reader, std::min(e.remain(), other.remain()), shared.element);
      progress_pending(shared);
    }
    return end_copy(e, CopyResult::kCompleted);
  }
  // The other has had all it wanted, or wants nothing: it only asks whether this end is ready.
  if (!reads && e.length == 0 && other.length == 0 && !is(Mutant::kZeroLengthWriteEndsRead))
    return end_copy(e, CopyResult::kCompleted);
  end_pending(shared, CopyResult::kCompleted);
  shared.pending = &e;
}

// on_copy: a guest takes its buffer back when the event is delivered, a host at once.
void Store::progress_pending(SharedStream& shared) {
  CopyEnd& e = *shared.pending;
  if (e.held_by_host()) return end_pending(shared, CopyResult::kCompleted);
  e.result = CopyResult::kCompleted;
  e.reclaim = true;
  e.set_pending_event();
}

// reset_and_notify_pending
void Store::end_pending(SharedStream& shared, CopyResult result) {
  OPTIMIZED_ASSERT(shared.pending != nullptr);
  end_copy(*std::exchange(shared.pending, nullptr), result);
}

// on_copy_done
void Store::end_copy(CopyEnd& e, CopyResult result) {
  e.result = result;
  e.reclaim = false;
  if (!e.held_by_host()) return e.set_pending_event();
  const bool done = result == CopyResult::kDropped || (is_future(e.kind) && result == CopyResult::kCompleted);
  e.state = done ? CopyState::kDone : CopyState::kIdle;
  std::vector<Value> values = std::exchange(e.values, {});
  if (!is_readable(e.kind)) values.clear();
  const int times = is(Mutant::kHostCopyReportedTwice) ? 2 : 1;
  for (int i = 0; i < times && e.host_copy.done != nullptr; ++i)
    e.host_copy.done(e.host_copy.data, e, result, e.progress, values);
}

// SharedStreamImpl.drop, SharedFutureImpl.drop. The other end keeps what they share.
void Store::drop_shared(SharedStream& shared) {
  if (!std::exchange(shared.dropped, true) && shared.pending != nullptr && !is(Mutant::kDropDoesNotNotify))
    end_pending(shared, CopyResult::kDropped);
  if (--shared.ends == 0) shared_streams_.release(shared);
}

// ---- values

// lift_async_value
SharedStream& Store::lift_copy_end(Instance& instance, uint32_t index, const TypeNode& t) {
  const EndKind kind = t.kind == TypeKind::kFuture ? EndKind::kReadableFuture : EndKind::kReadableStream;
  CopyEnd* e = instance.handles.remove(index).copy_end();
  trap_if(e == nullptr || e->kind != kind, TrapSite::kLiftAsyncValue1);
  trap_if(!Type::equal(node_of(e->shared->element), t.element.get()), TrapSite::kLiftAsyncValue2);
  trap_if(e->state != CopyState::kIdle, TrapSite::kLiftAsyncValue3);
  if (is(Mutant::kEndTravelsInSet)) e->join(nullptr);
  trap_if(e->set != nullptr, TrapSite::kLiftAsyncValue4);
  SharedStream& shared = *e->shared;
  copy_ends_.release(*e);
  return shared;
}

SharedStream* lift_copy_end(Instance& instance, uint32_t index, const TypeNode& t) {
  return &instance.store->lift_copy_end(instance, index, t);
}

// lower_stream and lower_future
uint32_t lower_copy_end(Instance& instance, SharedStream* shared, const TypeNode& t) {
  OPTIMIZED_ASSERT(shared != nullptr && shared->future == (t.kind == TypeKind::kFuture));
  return instance.store->add_copy_end(instance, *shared, true).index;
}

// ---- the host

HostEnds Store::host_new(bool future, const Type& element) {
  SharedStream& shared = new_shared(future, element);
  return {new_copy_end(shared, true), new_copy_end(shared, false)};
}

CopyEnd& Store::host_receive(const Value& v) {
  OPTIMIZED_ASSERT(v.shared() != nullptr);
  return new_copy_end(*v.shared(), true);
}

Value Store::host_give(CopyEnd& e) {
  OPTIMIZED_ASSERT(e.held_by_host() && is_readable(e.kind) && e.state == CopyState::kIdle);
  SharedStream* shared = e.shared;
  copy_ends_.release(e);
  return Value::shared(shared);
}

void Store::host_read(CopyEnd& e, uint32_t count, HostCopy host_copy) {
  OPTIMIZED_ASSERT(is_readable(e.kind));
  copy_of_host(e, count, {}, host_copy);
}

void Store::host_write(CopyEnd& e, std::vector<Value> values, HostCopy host_copy) {
  OPTIMIZED_ASSERT(!is_readable(e.kind));
  const auto count = static_cast<uint32_t>(values.size());
  copy_of_host(e, count, std::move(values), host_copy);
}

void Store::copy_of_host(CopyEnd& e, uint32_t count, std::vector<Value> values, HostCopy host_copy) {
  OPTIMIZED_ASSERT(e.held_by_host() && e.state == CopyState::kIdle && count <= kMaxBufferLength);
  OPTIMIZED_ASSERT(!is_future(e.kind) || count == 1);
  e.progress = 0;
  e.length = count;
  e.values = std::move(values);
  e.host_copy = host_copy;
  e.state = CopyState::kCopying;
  try {
    copy(e);
  } catch (...) {
    e.state = CopyState::kIdle;  // no copy has begun
    throw;
  }
}

void Store::host_cancel_copy(CopyEnd& e) {
  OPTIMIZED_ASSERT(e.held_by_host() && e.shared->pending == &e);
  end_pending(*e.shared, CopyResult::kCancelled);
}

void Store::host_drop(CopyEnd& e) {
  OPTIMIZED_ASSERT(e.held_by_host() && !e.copying());
  OPTIMIZED_ASSERT(e.kind != EndKind::kWritableFuture || e.state == CopyState::kDone);
  drop_shared(*e.shared);
  copy_ends_.release(e);
}

}  // namespace lockstep::optimized
