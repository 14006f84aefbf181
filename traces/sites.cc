// The table of sites, and their explanation in words.
#include "traces/sites.h"

#include <algorithm>
#include <array>
#include <map>

#include "traces/vocabulary.h"

namespace lockstep::traces {
namespace {

constexpr Site kSites[] = {
    {"", 0, "", ""},
    {"guest.unreachable#1", 0, "unreachable", ""},
    {"guest.load#1", 0, "memory-out-of-bounds", ""},
    {"guest.store#1", 0, "memory-out-of-bounds", ""},
#define LOCKSTEP_TRAP(name, line, klass, unreached) {name, line, klass, unreached},
#define LOCKSTEP_SPEC_ASSERT(name, line) {"assert:" name, line, "spec-undefined", "", true},
#include "traces/sites.inc"
    // Where definitions.py stops with another exception than AssertionError.
    {"assert:Waitable.get_pending_event#0", 799, "spec-undefined", "", true},
    {"assert:other#0", 0, "spec-undefined", "", true},
#undef LOCKSTEP_TRAP
#undef LOCKSTEP_SPEC_ASSERT
};

struct ClassText {
  std::string_view klass;
  std::string_view text;
};

constexpr ClassText kTexts[] = {
    {"unreachable", "core code executed `unreachable`."},
    {"memory-out-of-bounds", "core code loaded from or stored to an address outside its memory."},
    {"cannot-leave", "the instance may not call out now: its post-return or realloc is running (may_leave is false)."},
    {"cannot-enter",
     "the callee's instance, or an ancestor of it that the caller is not in, is already entered (may_enter is false): "
     "a call into a busy instance, or into one that a trap left entered."},
    {"unknown-handle", "the index names no live entry of the instance's table."},
    {"wrong-handle-type", "the index names a handle of another type than the built-in works on."},
    {"table-full", "the table has reached its limit."},
    {"unaligned-pointer",
     "the address of a parameter or result area, list or buffer is not a multiple of its alignment."},
    {"pointer-out-of-bounds",
     "a parameter or result area, string, list or buffer does not lie inside the memory, or is too large for any."},
    {"invalid-utf8", "the bytes of a string are not UTF-8."},
    {"bad-case", "the discriminant of an option, result or variant is none of its cases."},
    {"borrow-still-held", "borrowed handles have not been dropped, or a lent handle is still lent."},
    {"uncaught-exception", "a core exception left the core function; at a component boundary that is a trap."},
    {"cannot-block",
     "a function whose type is not async blocked, and no other thread of its instance is ready to run in the "
     "meantime."},
    {"bad-callback-code",
     "a callback or an async function returned a code that is not EXIT (0), YIELD (1) or WAIT (2)."},
    {"backpressure-range", "the backpressure counter left the range 0 to 65,535."},
    {"task-state",
     "the task is in the wrong state: it returned twice, confirmed a cancellation that was not delivered, or its last "
     "thread ended before it returned."},
    {"task-return-mismatch",
     "task.return or task.cancel was called by a task that was not lifted async, or with another result type or other "
     "options than the function was lifted with."},
    {"set-in-use", "a waitable set was dropped with waitables in it or threads waiting on it."},
    {"subtask-state",
     "the subtask is in the wrong state: it was cancelled twice or after its end was delivered, cancelled "
     "synchronously while in a waitable set, or dropped before its end was delivered."},
    {"waitable-in-use", "the waitable is being waited on synchronously and cannot be moved to a waitable set."},
    {"thread-state", "the thread named is not suspended, or its function has another type."},
    {"copy-state", "a stream or future end is in the wrong state for this operation."},
    {"spec-undefined",
     "not a trap: an assertion of definitions.py failed, so the specification does not say what happens. The case ends "
     "there, and no engine is judged by it."},
};

}  // namespace

std::span<const Site> sites() { return kSites; }

const Site& site(SiteId id) { return kSites[id < std::size(kSites) ? id : std::size(kSites) - 1]; }

SiteId find_site(std::string_view name) {
  static const std::map<std::string_view, SiteId> by_name = [] {
    std::map<std::string_view, SiteId> m;
    for (SiteId i = 0; i < std::size(kSites); ++i) m.emplace(kSites[i].name, i);
    return m;
  }();
  const auto it = by_name.find(name);
  return it == by_name.end() ? 0 : it->second;
}

std::string explain(const Site& s) {
  std::string text(s.name);
  text += ": ";
  const auto* t =
      std::find_if(std::begin(kTexts), std::end(kTexts), [&](const ClassText& c) { return c.klass == s.klass; });
  if (t != std::end(kTexts)) text += t->text;
  text += "\n  class: ";
  text += s.klass;
  if (s.line != 0) {
    text += "\n  definitions.py (";
    text += kSpecificationCommit;
    text += "), line ";
    text += std::to_string(s.line);
  }
  if (!s.unreached.empty()) {
    text += "\n  not reached by this version's scenarios: ";
    text += s.unreached;
  }
  return text;
}

}  // namespace lockstep::traces
