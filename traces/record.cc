// The schema tables of traces/record.h and the code that follows them.
#include "traces/record.h"

#include <array>

namespace lockstep::traces {
namespace {

using enum FieldType;

constexpr Field kEnterFields[] = {{"thread", kThread}, {"instance", kWord}, {"context", FieldType::kContext},
                                  {"function", kWord}, {"entry", kWord},    {"args", kCores}};
constexpr Field kBeginFields[] = {{"thread", kThread}, {"position", kWord}, {"op", FieldType::kOp},
                                  {"canon", kWord},    {"token", kWord},    {"args", kCores}};
constexpr Field kEndFields[] = {{"thread", kThread}, {"result", kCores}};
constexpr Field kChoiceFields[] = {{"point", kPoint}, {"subject", kThread}, {"candidates", kIds}, {"taken", kThread}};
constexpr Field kHostCallFields[] = {{"thread", kThread}, {"function", kWord}, {"token", kWord}, {"args", kValues}};
constexpr Field kHostResultFields[] = {{"token", kWord}, {"blocked", kFlag}, {"result", kValues}};
constexpr Field kHostCancelFields[] = {{"token", kWord}};
constexpr Field kStartedFields[] = {{"token", kWord}};
constexpr Field kResolvedFields[] = {{"token", kWord}, {"cancelled", kFlag}, {"result", kValues}};
constexpr Field kHostBeginFields[] = {{"during", kWord}, {"op", FieldType::kHostOp}, {"function", kWord},
                                      {"token", kWord},  {"end", kThread},           {"count", kWord},
                                      {"args", kValues}};
constexpr Field kHostEndFields[] = {{"during", kWord}, {"result", kWords}};
constexpr Field kBackFields[] = {{"ran", kFlag}};
constexpr Field kStackFields[] = {{"tasks", kWords}};
constexpr Field kTrappedFields[] = {{"site", kSite}};
constexpr Field kOutcomeFields[] = {{"outcome", FieldType::kOutcome}, {"site", kSite}, {"blocked", kWords}};
constexpr Field kHostCopyFields[] = {{"end", kThread}, {"result", kWord}, {"progress", kWord}, {"values", kValues}};
constexpr Field kMemoryFields[] = {{"instance", kWord}, {"index", kWord}, {"words", kWords}};

constexpr RecordSchema kRecords[] = {
    {RecordKind::kEnter, "enter", kEnterFields},
    {RecordKind::kBegin, "begin", kBeginFields},
    {RecordKind::kEnd, "end", kEndFields},
    {RecordKind::kChoice, "choice", kChoiceFields},
    {RecordKind::kHostCall, "host-call", kHostCallFields},
    {RecordKind::kHostResult, "host-result", kHostResultFields},
    {RecordKind::kHostCancel, "host-cancel", kHostCancelFields},
    {RecordKind::kStarted, "started", kStartedFields},
    {RecordKind::kResolved, "resolved", kResolvedFields},
    {RecordKind::kHostBegin, "host-begin", kHostBeginFields},
    {RecordKind::kHostEnd, "host-end", kHostEndFields},
    {RecordKind::kBack, "back", kBackFields},
    {RecordKind::kStack, "stack", kStackFields},
    {RecordKind::kTrapped, "trapped", kTrappedFields},
    {RecordKind::kOutcome, "outcome", kOutcomeFields},
    {RecordKind::kHostCopy, "host-copy", kHostCopyFields},
    {RecordKind::kMemory, "memory", kMemoryFields},
    {RecordKind::kState, "state", {}},
};

constexpr Field kInstanceFields[] = {{"locked", kFlag},       {"may-enter", kFlag},        {"may-leave", kFlag},
                                     {"backpressure", kWord}, {"waiting-to-enter", kWord}, {"exclusive", kThread},
                                     {"next-handle", kWord},  {"next-thread", kWord}};
constexpr Field kSubtaskFields[] = {{"call", kWord},
                                    {"state", kWord},
                                    {"cancellation-requested", kFlag},
                                    {"resolve-delivered", kFlag},
                                    {"pending-event", kFlag},
                                    {"sync-waiter", kFlag},
                                    {"set", kWord}};
constexpr Field kWaitableSetFields[] = {{"num-waiting", kWord}};
constexpr Field kEndEntityFields[] = {{"kind", kWord},        {"state", kWord},    {"pending-event", kFlag},
                                      {"sync-waiter", kFlag}, {"set", kWord},      {"dropped", kFlag},
                                      {"pending", kFlag},     {"remaining", kWord}};
constexpr Field kResourceFields[] = {
    {"type", kWord}, {"rep", kWord}, {"own", kFlag}, {"scope", kWord}, {"lends", kWord}};
constexpr Field kErrorContextFields[] = {{"length", kWord}};
constexpr Field kTaskFields[] = {{"instance", kWord}, {"state", kWord}, {"borrows", kWord}};
constexpr Field kThreadFields[] = {{"state", kWord}, {"ready", kFlag}, {"cancellable", kFlag}, {"index", kWord},
                                   {"slot0", kWord}, {"slot1", kWord}, {"slot0-high", kWord},  {"slot1-high", kWord}};
constexpr Field kTreeFields[] = {{"parent", kWord}};

constexpr EntitySchema kEntities[] = {
    {EntityKind::kInstance, "instance", 1, kInstanceFields},
    {EntityKind::kSubtask, "subtask", 2, kSubtaskFields},
    {EntityKind::kWaitableSet, "set", 2, kWaitableSetFields},
    {EntityKind::kEnd, "end", 2, kEndEntityFields},
    {EntityKind::kResource, "resource", 2, kResourceFields},
    {EntityKind::kErrorContext, "error-context", 2, kErrorContextFields},
    {EntityKind::kTask, "task", 1, kTaskFields},
    {EntityKind::kThread, "thread", 2, kThreadFields},
    {EntityKind::kTree, "tree", 1, kTreeFields},
};

static_assert(std::size(kRecords) == kRecordKindCount);
static_assert(std::size(kEntities) == kEntityKindCount);

}  // namespace

const RecordSchema& schema(RecordKind kind) { return kRecords[static_cast<size_t>(kind)]; }
const EntitySchema& schema(EntityKind kind) { return kEntities[static_cast<size_t>(kind)]; }

RecordView record_at(std::span<const uint32_t> stream, size_t offset) {
  const uint32_t head = stream[offset];
  return {static_cast<RecordKind>(head >> 24), stream.subspan(offset + 1, head & 0xff'ffff), offset};
}

void SnapshotWriter::instance(uint32_t index, const Instance& i) {
  out_.insert(out_.end(),
              {header(EntityKind::kInstance, 10), index, 0, uint32_t{i.may_enter}, uint32_t{i.may_leave},
               i.backpressure, i.waiting_to_enter, i.exclusive.task, i.exclusive.k, i.next_handle, i.next_thread});
}

void SnapshotWriter::locked_instance(uint32_t index) {
  out_.insert(out_.end(), {header(EntityKind::kInstance, 10), index, 1, 0, 0, 0, 0, 0, 0, 0, 0});
}

void SnapshotWriter::subtask(uint32_t instance, uint32_t index, const Subtask& s) {
  out_.insert(out_.end(),
              {header(EntityKind::kSubtask, 9), instance, index, s.call, s.state, uint32_t{s.cancellation_requested},
               uint32_t{s.resolve_delivered}, uint32_t{s.pending_event}, uint32_t{s.sync_waiter}, s.set});
}

void SnapshotWriter::waitable_set(uint32_t instance, uint32_t index, uint32_t num_waiting) {
  out_.insert(out_.end(), {header(EntityKind::kWaitableSet, 3), instance, index, num_waiting});
}

void SnapshotWriter::end(uint32_t instance, uint32_t index, const End& e) {
  out_.insert(out_.end(), {header(EntityKind::kEnd, 10), instance, index, e.kind, e.state, uint32_t{e.pending_event},
                           uint32_t{e.sync_waiter}, e.set, uint32_t{e.dropped}, uint32_t{e.pending}, e.remaining});
}

void SnapshotWriter::resource(uint32_t instance, uint32_t index, const Resource& r) {
  out_.insert(out_.end(),
              {header(EntityKind::kResource, 7), instance, index, r.type, r.rep, uint32_t{r.own}, r.scope, r.lends});
}

void SnapshotWriter::error_context(uint32_t instance, uint32_t index, uint32_t length) {
  out_.insert(out_.end(), {header(EntityKind::kErrorContext, 3), instance, index, length});
}

void SnapshotWriter::task(uint32_t token, uint32_t instance, uint32_t state, uint32_t borrows) {
  out_.insert(out_.end(), {header(EntityKind::kTask, 4), token, instance, state, borrows});
}

void SnapshotWriter::thread(ThreadId id, const Thread& t) {
  out_.insert(out_.end(),
              {header(EntityKind::kThread, 10), id.task, id.k, t.state, uint32_t{t.ready}, uint32_t{t.cancellable},
               t.index, static_cast<uint32_t>(t.slot0), static_cast<uint32_t>(t.slot1),
               static_cast<uint32_t>(t.slot0 >> 32), static_cast<uint32_t>(t.slot1 >> 32)});
}

void SnapshotWriter::tree(uint32_t token, uint32_t parent) {
  out_.insert(out_.end(), {header(EntityKind::kTree, 2), token, parent});
}

std::vector<EntityView> entities(std::span<const uint32_t> snapshot) {
  std::vector<EntityView> out;
  for (size_t at = 0; at < snapshot.size();) {
    const auto kind = static_cast<EntityKind>(snapshot[at] >> 24);
    const size_t length = snapshot[at] & 0xff'ffff;
    const size_t key = schema(kind).key_words;
    out.push_back({kind, snapshot.subspan(at + 1, key), snapshot.subspan(at + 1 + key, length - key)});
    at += 1 + length;
  }
  return out;
}

Words without(std::span<const uint32_t> snapshot, EntityKind kind) {
  Words out;
  out.reserve(snapshot.size());
  for (size_t at = 0; at < snapshot.size();) {
    const size_t length = 1 + (snapshot[at] & 0xff'ffff);
    if (static_cast<EntityKind>(snapshot[at] >> 24) != kind)
      out.insert(out.end(), snapshot.begin() + static_cast<ptrdiff_t>(at),
                 snapshot.begin() + static_cast<ptrdiff_t>(at + length));
    at += length;
  }
  return out;
}

}  // namespace lockstep::traces
