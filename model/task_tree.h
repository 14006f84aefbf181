// The task tree of Wasmtime issue #12311: an extension, not in definitions.py.
//
// A call's task has the task that is current at the call as its parent. When a task exits (its last thread is gone,
// by its end or because a trap unwound it), its children that have not exited get its own parent. Seen only through
// the call-stack query and the snapshots; nothing in the specification's own code depends on it.
#pragma once

#include <cstdint>
#include <vector>

namespace lockstep::model {

class Task;
class Thread;

// What made a task.
enum class TaskOrigin : uint8_t { call, realloc, destructor, start };

class TaskTree {
 public:
  // Every task that has not exited, in order of creation. Those that are no nodes are here too: see is_node.
  std::vector<Task*> tasks;

  // A realloc runs on behalf of the task that lifts or lowers, and is not shown.
  static bool is_node(const Task& task);

  void created(Task& task);

  // The current task and its ancestors, innermost first; empty at the host.
  static std::vector<Task*> call_stack();

  // Spans the life of a thread's function on its fiber, however it ends.
  class ThreadScope {
   public:
    explicit ThreadScope(Thread& thread) : thread_(thread) {}
    ~ThreadScope();
    ThreadScope(const ThreadScope&) = delete;
    ThreadScope& operator=(const ThreadScope&) = delete;

   private:
    Thread& thread_;
  };

 private:
  void exited(Task& task);
};

}  // namespace lockstep::model
