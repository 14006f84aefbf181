// Instances: gates, thread indices and the entering rule.
#include "optimized/instance.h"

#include <algorithm>

#include "optimized/store.h"

namespace lockstep::optimized {

void Instance::set_up(Store& owner, uint32_t number, Instance* parent_instance) {
  parent = parent_instance;
  may_enter = may_leave = true;
  in_chain = false;
  id = number;
  depth = parent != nullptr ? parent->depth + 1 : 0;
  store = &owner;
  backpressure = num_waiting_to_enter = 0;
  exclusive = nullptr;
  handles.reinitialise(owner.table_limit(), owner.is(Mutant::kFreeListFifo));
  threads_.reinitialise(owner.table_limit(), owner.is(Mutant::kFreeListFifo));
  thread_room = threads_.free();
  thread_entries_.clear();
  for (Bag* bag : {&always, &exclusive_free, &entry, &entry_exclusive}) bag->reinitialise(&owner.ready(), true);
}

void Instance::set_exclusive(Task* task) {
  exclusive = task;
  exclusive_free.set_open(task == nullptr);
  entry_exclusive.set_open(!has_backpressure(true));
}

void Instance::set_backpressure(uint32_t count) {
  backpressure = count;
  entry.set_open(!has_backpressure(false));
  entry_exclusive.set_open(!has_backpressure(true));
}

void Instance::grow_thread_table() {
  threads_.grow();
  thread_room = threads_.free();
}

uint32_t Instance::add_thread(Thread& thread) {
  const uint32_t index = threads_.add();
  if (index >= thread_entries_.size()) thread_entries_.resize(index + 1);
  thread_entries_[index] = &thread;
  thread_room = threads_.free();
  return index;
}

void Instance::remove_thread(uint32_t index) {
  threads_.remove(index);
  thread_entries_[index] = nullptr;
  thread_room = threads_.free();
}

Instance* Instance::common_ancestor(Instance* other) {
  Instance* mine = this;
  while (mine != other) {
    if (other == nullptr) return nullptr;
    if (mine->depth >= other->depth) {
      mine = mine->parent;
    } else {
      other = other->parent;
    }
    if (mine == nullptr) return nullptr;
  }
  return mine;
}

}  // namespace lockstep::optimized
