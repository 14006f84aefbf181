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
