// Names of the vocabulary, in the order of its enumerations.
#include "traces/vocabulary.h"

#include <array>

namespace lockstep::traces {
namespace {

constexpr std::string_view kOpNames[] = {"call",
                                         "context.get",
                                         "context.set",
                                         "backpressure.inc",
                                         "backpressure.dec",
                                         "task.return",
                                         "task.cancel",
                                         "waitable-set.new",
                                         "waitable-set.wait",
                                         "waitable-set.poll",
                                         "waitable-set.drop",
                                         "waitable.join",
                                         "subtask.cancel",
                                         "subtask.drop",
                                         "thread.index",
                                         "thread.yield",
                                         "resource.new",
                                         "resource.drop",
                                         "resource.rep",
                                         "stream.new",
                                         "stream.read",
                                         "stream.write",
                                         "stream.cancel-read",
                                         "stream.cancel-write",
                                         "stream.drop-readable",
                                         "stream.drop-writable",
                                         "future.new",
                                         "future.read",
                                         "future.write",
                                         "future.cancel-read",
                                         "future.cancel-write",
                                         "future.drop-readable",
                                         "future.drop-writable",
                                         "thread.new-indirect",
                                         "thread.resume-later",
                                         "thread.suspend",
                                         "thread.suspend-then-resume",
                                         "thread.yield-then-resume",
                                         "thread.suspend-then-promote",
                                         "thread.yield-then-promote",
                                         "error-context.new",
                                         "error-context.debug-message",
                                         "error-context.drop",
                                         "load",
                                         "store",
                                         "param",
                                         "unreachable",
                                         "throw",
                                         "repeat",
                                         "return",
                                         "exit",
                                         "yield",
                                         "wait",
                                         "code"};
static_assert(std::size(kOpNames) == kOpCount);

constexpr std::string_view kHostOpNames[] = {
    "invoke", "run",        "tick",       "resolve", "confirm", "cancel",      "drop",     "call-stack", "return",
    "block",  "new-stream", "new-future", "read",    "write",   "cancel-copy", "drop-end", "instantiate"};
static_assert(std::size(kHostOpNames) == kHostOpCount);

constexpr std::string_view kContextNames[] = {"body",       "callback", "post-return", "realloc",
                                              "destructor", "start",    "thread"};
static_assert(std::size(kContextNames) == kContextCount);

constexpr std::string_view kChoicePointNames[] = {"wait-until", "request-cancellation", "tick", "get-pending-event",
                                                  "sync-loop",  "debug-message"};
static_assert(std::size(kChoicePointNames) == kChoicePointCount);

constexpr std::string_view kLiftNames[] = {"sync", "callback", "stackful"};
constexpr std::string_view kEncodingNames[] = {"utf8", "utf16", "latin1+utf16"};
constexpr std::string_view kIndexTypeNames[] = {"i32", "i64"};

constexpr std::string_view kGuardNames[] = {"returned", "cancelled", "event", "resolved", "live",     "nonzero",
                                            "joined",   "pressure",  "idle",  "copying",  "suspended"};
static_assert(std::size(kGuardNames) == kGuardKindCount);

constexpr std::string_view kOnCancelNames[] = {"now", "later", "ignore", "return"};

constexpr std::string_view kOutcomeNames[] = {"done",           "stuck",          "trap",
                                              "spec-undefined", "internal-error", "unsupported"};
static_assert(std::size(kOutcomeNames) == kOutcomeCount);

template <typename Enum, size_t N>
std::optional<Enum> lookup(const std::string_view (&names)[N], std::string_view wanted) {
  for (size_t i = 0; i < N; ++i)
    if (names[i] == wanted) return static_cast<Enum>(i);
  return std::nullopt;
}

}  // namespace

#define LOCKSTEP_NAMES(Enum, table)                                       \
  std::string_view name(Enum e) { return table[static_cast<size_t>(e)]; } \
  template <>                                                             \
  std::optional<Enum> from_name<Enum>(std::string_view wanted) {          \
    return lookup<Enum>(table, wanted);                                   \
  }

LOCKSTEP_NAMES(Op, kOpNames)
LOCKSTEP_NAMES(HostOp, kHostOpNames)
LOCKSTEP_NAMES(Context, kContextNames)
LOCKSTEP_NAMES(ChoicePoint, kChoicePointNames)
LOCKSTEP_NAMES(Lift, kLiftNames)
LOCKSTEP_NAMES(Encoding, kEncodingNames)
LOCKSTEP_NAMES(IndexType, kIndexTypeNames)
LOCKSTEP_NAMES(GuardKind, kGuardNames)
LOCKSTEP_NAMES(OnCancel, kOnCancelNames)
LOCKSTEP_NAMES(Outcome, kOutcomeNames)

}  // namespace lockstep::traces
