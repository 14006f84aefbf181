// A component instance: its flags, its tables, and the bags of its ready threads behind their gates.
//
// Threads in unpromoted native frames are registered, but in no table: they are *virtual*. Their indices follow from
// the table and from their order; Store::virtual_threads says how many there are.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "optimized/bag.h"
#include "optimized/handle_table.h"
#include "optimized/index_allocator.h"
#include "optimized/task.h"
#include "optimized/vm.h"

namespace lockstep::optimized {

class Store;

struct Instance : VMInstance {
  Instance() : VMInstance{nullptr, true, true} {}

  uint32_t thread_room = 0;  // how many virtual threads fit into the table without making it longer
  uint32_t id = 0;           // the embedder's
  uint32_t depth = 0;
  uint32_t ordinal = 0;   // the n-th of its store
  bool in_chain = false;  // promote.cc's mark

  Store* store = nullptr;
  uint32_t backpressure = 0;
  uint32_t num_waiting_to_enter = 0;
  Task* exclusive = nullptr;  // whose implicit thread is the exclusive one
  HandleTable handles;

  Bag always;           // ready without further conditions
  Bag exclusive_free;   // callback tasks: open while there is no exclusive thread
  Bag entry;            // calls that wait to enter: open without backpressure
  Bag entry_exclusive;  // … that need to be exclusive: and without an exclusive thread

  void reinitialise() {}
  void set_up(Store& owner, uint32_t number, Instance* parent_instance);

  bool has_backpressure(bool needs_exclusive) const {
    return backpressure > 0 || (needs_exclusive && exclusive != nullptr);
  }
  void set_exclusive(Task*);
  void set_backpressure(uint32_t);

  // The index of the n-th (from 0, outermost first) virtual thread.
  uint32_t virtual_index(uint32_t n) const { return threads_.peek(n); }
  uint32_t add_thread(Thread&);
  // Makes room for one more virtual thread, or traps.
  void grow_thread_table();
  // The thread in the table at an index, or null.
  Thread* find_thread(uint32_t index) const {
    return index < thread_entries_.size() ? thread_entries_[index] : nullptr;
  }
  uint32_t thread_table_length() const { return threads_.length(); }
  void remove_thread(uint32_t index);

  // The nearest instance that is this one or an ancestor both of this and of the other; null if there is none.
  Instance* common_ancestor(Instance* other);

  // Entering from a caller: the instance and its ancestors up to, and without, `common`.
  bool may_enter_below(const Instance* common) const {
    for (const Instance* i = this; i != common; i = i->parent)
      if (!i->may_enter) return false;
    return true;
  }
  void enter_below(const Instance* common) {
    for (Instance* i = this; i != common; i = i->parent) i->may_enter = false;
  }
  void leave_below(const Instance* common) {
    for (Instance* i = this; i != common; i = i->parent) i->may_enter = true;
  }

 private:
  IndexAllocator threads_;
  std::vector<Thread*> thread_entries_;  // null: not used, or virtual
};

}  // namespace lockstep::optimized
