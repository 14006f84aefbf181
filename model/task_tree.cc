#include "model/task_tree.h"

#include <algorithm>

#include "model/component_instance.h"
#include "model/store.h"
#include "model/task.h"
#include "model/thread.h"

namespace lockstep::model {

bool TaskTree::is_node(const Task& task) { return task.origin != TaskOrigin::realloc; }

void TaskTree::created(Task& task) {
  if (const Thread* caller = current_thread_or_null()) task.parent = caller->task;
  tasks.push_back(&task);
}

std::vector<Task*> TaskTree::call_stack() {
  std::vector<Task*> stack;
  if (const Thread* thread = current_thread_or_null())
    for (Task* task = thread->task; task != nullptr; task = task->parent)
      if (is_node(*task)) stack.push_back(task);
  return stack;
}

TaskTree::ThreadScope::~ThreadScope() {
  Task& task = *thread_.task;
  std::erase(task.live_threads, &thread_);
  if (task.live_threads.empty()) task.inst->store->tree.exited(task);
}

void TaskTree::exited(Task& task) {
  std::erase(tasks, &task);
  for (Task* child : tasks)
    if (child->parent == &task) child->parent = task.parent;
}

}  // namespace lockstep::model
