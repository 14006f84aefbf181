// definitions.py "### Waitable State"
//
// Waitables have at most one pending event; waitable sets let a thread wait for an event of any of several.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/table.h"

namespace lockstep::model {

enum class EventCode : uint32_t {
  NONE = 0,
  SUBTASK = 1,
  STREAM_READ = 2,
  STREAM_WRITE = 3,
  FUTURE_READ = 4,
  FUTURE_WRITE = 5,
  TASK_CANCELLED = 6,
};

struct EventTuple {
  EventCode code;
  uint32_t p1;
  uint32_t p2;
};

class WaitableSet;

class Waitable : public HandleEntry {
 public:
  std::function<EventTuple()> pending_event;
  WaitableSet* wset = nullptr;
  bool has_sync_waiter = false;

  void set_pending_event(std::function<EventTuple()> event);
  bool has_pending_event() const;
  bool in_waitable_set() const;
  void wait_for_pending_event();
  EventTuple get_pending_event();
  void join(WaitableSet* set);
  void drop();
};

class WaitableSet : public HandleEntry {
 public:
  std::vector<Waitable*> elems;
  uint32_t num_waiting = 0;

  bool has_pending_event() const;
  EventTuple get_pending_event();
  EventTuple wait_for_event_and(const std::function<bool()>& ready_func, bool cancellable);
  EventTuple wait_for_event(bool cancellable);
  EventTuple poll(bool cancellable);
  void drop();
};

}  // namespace lockstep::model
