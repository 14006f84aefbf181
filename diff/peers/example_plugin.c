/* An example for whoever proposes a fast path: ./lockstep run --supported --against plugin:./example_plugin.so
 *
 *   cc -shared -fPIC -O2 -I. diff/peers/example_plugin.c -o example_plugin.so
 *
 * It is the fast path of https://github.com/bytecodealliance/wasmtime/issues/12311 and nothing else: the task of a
 * synchronous call is a `frame` in the native stack of the adapter that makes the call, linked to its caller's and
 * unlinked when the call returns. Nothing is allocated for a call. There is no slow path to be promoted to, so whatever
 * can block is not supported, which `features` and `builtins` at the end say; lockstep skips such cases.
 *
 * diff/plugin.h is the contract; names are those of definitions.py. */
#include <stdlib.h>
#include <string.h>

#include "diff/plugin.h"

#define MAX_PARAMS 16
#define MAX_BACKPRESSURE 65536u

enum task_state { INITIAL = 1, STARTED = 2, RESOLVED = 5 };

/* A Task and its only thread. */
struct frame {
  struct frame* parent; /* who called, also through the host; NULL: the host itself */
  uint32_t token;
  uint32_t instance;
  uint32_t state;
  uint32_t index; /* of the thread, in the instance's table */
  uint64_t slots[2];
};

/* What a ComponentInstance needs where nothing blocks. Threads come and go like a stack, and so do their indices. */
struct instance {
  uint32_t may_enter, may_leave, backpressure, num_threads;
};

struct store {
  const lockstep_component* component;
  const lockstep_host* host;
  struct frame* current;
  struct instance* instances;
  /* Numbers of trap sites. */
  lockstep_status cannot_leave, cannot_enter, threw, inc_overflow, dec_underflow, index_in_post_return;
};

/* ---- entering and leaving: ComponentInstance.entering_set */

/* Not the caller itself, nor one around it. */
static int is_entered(const struct store* s, uint32_t i, uint32_t caller) {
  for (; caller != LOCKSTEP_NONE; caller = s->component->instances[caller].parent)
    if (caller == i) return 0;
  return 1;
}

static int may_enter_from(const struct store* s, uint32_t callee, uint32_t caller) {
  for (uint32_t i = callee; i != LOCKSTEP_NONE; i = s->component->instances[i].parent)
    if (is_entered(s, i, caller) && !s->instances[i].may_enter) return 0;
  return 1;
}

static void set_may_enter(struct store* s, uint32_t callee, uint32_t caller, uint32_t value) {
  for (uint32_t i = callee; i != LOCKSTEP_NONE; i = s->component->instances[i].parent)
    if (is_entered(s, i, caller)) s->instances[i].may_enter = value;
}

/* ---- calls */

/* Runs `run` in a task of its own, on this stack. After a trap its frame is still linked, until `from_host`. */
typedef lockstep_status run_function(struct store* s, struct frame* f, void* data);

static lockstep_status run_task(struct store* s, uint32_t instance, uint32_t token, uint32_t caller, run_function* run,
                                void* data) {
  struct instance* inst = &s->instances[instance];
  struct frame f = {s->current, token, instance, INITIAL, inst->num_threads + 1, {0, 0}};
  lockstep_status status;
  if (!may_enter_from(s, instance, caller)) return s->cannot_enter;
  set_may_enter(s, instance, caller, 0);
  ++inst->num_threads;
  s->current = &f;
  status = run(s, &f, data);
  if (status != LOCKSTEP_OK) return status;
  --inst->num_threads;
  s->current = f.parent;
  set_may_enter(s, instance, caller, 1);
  return LOCKSTEP_OK;
}

/* A trap ends at the host, whose current task is the one of before. */
static lockstep_status from_host(struct store* s, uint32_t instance, uint32_t token, run_function* run, void* data) {
  struct frame* const before = s->current;
  const lockstep_status status = run_task(s, instance, token, LOCKSTEP_NONE, run, data);
  s->current = before;
  return status;
}

struct call {
  uint32_t function;
  size_t num_args;
  const uint64_t* args; /* the token is the first */
  int by_host;
  uint64_t result;
};

static lockstep_status threw_or(const struct store* s, lockstep_status status) {
  return status == LOCKSTEP_CORE_EXCEPTION ? s->threw : status;
}

/* canon_lift of a synchronous function. All types are u32, so that lifting and lowering change nothing. */
static lockstep_status lifted(struct store* s, struct frame* f, void* data) {
  struct call* c = data;
  const lockstep_host* h = s->host;
  const lockstep_function* function = &s->component->functions[c->function];
  lockstep_status status;
  f->state = STARTED;
  if (c->by_host && (status = h->started(h->context, f->token)) != LOCKSTEP_OK) return status;
  status = h->body(h->context, c->function, c->args, c->num_args, &c->result);
  if (status != LOCKSTEP_OK) return threw_or(s, status);
  if (c->by_host) {
    const lockstep_value value = {.kind = LOCKSTEP_INTEGER, .bits = (uint32_t)c->result};
    if ((status = h->resolved(h->context, f->token, &value)) != LOCKSTEP_OK) return status;
  }
  f->state = RESOLVED;
  if (!function->has_post_return) return LOCKSTEP_OK;
  s->instances[f->instance].may_leave = 0;
  status = h->post_return(h->context, c->function, &c->result, function->type.result.kind != LOCKSTEP_NO_TYPE);
  if (status != LOCKSTEP_OK) return threw_or(s, status);
  s->instances[f->instance].may_leave = 1;
  return LOCKSTEP_OK;
}

static lockstep_status call_host(struct store* s, uint32_t host_function, const lockstep_builtin* b, uint64_t* result) {
  const lockstep_host* h = s->host;
  lockstep_value args[MAX_PARAMS] = {{0}};
  lockstep_answer answer;
  lockstep_status status;
  for (size_t i = 1; i < b->num_args; ++i) args[i - 1].bits = (uint32_t)b->args[i];
  status = h->host_call(h->context, host_function, (uint32_t)b->args[0], args, b->num_args - 1, &answer);
  if (status == LOCKSTEP_OK) *result = answer.result.bits;
  return status;
}

/* canon_lower. */
static lockstep_status lowered(struct store* s, const lockstep_canon* canon, const lockstep_builtin* b,
                               uint64_t* result) {
  struct call c = {canon->function, b->num_args, b->args, 0, 0};
  lockstep_status status;
  if (!s->instances[b->instance].may_leave) return s->cannot_leave;
  if (canon->host_function != LOCKSTEP_NONE) return call_host(s, canon->host_function, b, result);
  status = run_task(s, s->component->functions[c.function].instance, (uint32_t)b->args[0], b->instance, lifted, &c);
  *result = c.result;
  return status;
}

static lockstep_status perform(void* store, const lockstep_builtin* b, uint64_t* result) {
  struct store* s = store;
  struct instance* inst = &s->instances[b->instance];
  const lockstep_canon* canon = &s->component->instances[b->instance].canons[b->canon];
  switch (b->kind) {
    case LOCKSTEP_CALL:
      return lowered(s, canon, b, result);
    case LOCKSTEP_CONTEXT_GET:
      *result = s->current->slots[canon->slot];
      return LOCKSTEP_OK;
    case LOCKSTEP_CONTEXT_SET:
      s->current->slots[canon->slot] = b->args[0];
      return LOCKSTEP_OK;
    case LOCKSTEP_BACKPRESSURE_INC:
      return ++inst->backpressure == MAX_BACKPRESSURE ? s->inc_overflow : LOCKSTEP_OK;
    case LOCKSTEP_BACKPRESSURE_DEC:
      return inst->backpressure-- == 0 ? s->dec_underflow : LOCKSTEP_OK;
    case LOCKSTEP_THREAD_INDEX:
      *result = s->current->index;
      return inst->may_leave ? LOCKSTEP_OK : s->index_in_post_return;
    default:
      return s->host->unsupported(s->host->context, "this built-in");
  }
}

/* ---- the host's side */

static lockstep_status invoke(void* store, uint32_t function, uint32_t token, const lockstep_value* args, size_t n) {
  struct store* s = store;
  uint64_t flat[MAX_PARAMS];
  struct call c = {function, n + 1, flat, 1, 0};
  flat[0] = token;
  for (size_t i = 0; i < n; ++i) flat[i + 1] = args[i].bits;
  return from_host(s, s->component->functions[function].instance, token, lifted, &c);
}

static lockstep_status started_instance(struct store* s, struct frame* f, void* data) {
  (void)data;
  f->state = STARTED;
  return threw_or(s, s->host->start_function(s->host->context, f->instance));
}

static lockstep_status start(void* store, uint32_t instance, uint32_t token) {
  return from_host(store, instance, token, started_instance, NULL);
}

static lockstep_status tick(void* store, uint32_t* ran) {
  (void)store;
  *ran = 0; /* nothing ever waits */
  return LOCKSTEP_OK;
}

static lockstep_id current_thread(void* store) {
  const struct store* s = store;
  const lockstep_id id = {s->current == NULL ? 0 : s->current->token, 0};
  return id;
}

static uint32_t may_enter(void* store, uint32_t i) { return ((struct store*)store)->instances[i].may_enter; }
static uint32_t may_leave(void* store, uint32_t i) { return ((struct store*)store)->instances[i].may_leave; }

static void report_tasks(void* store) {
  const struct store* s = store;
  for (const struct frame* f = s->current; f != NULL; f = f->parent)
    s->host->task(s->host->context, f->token, f->instance);
}

static lockstep_entity entity(uint32_t kind, uint32_t key) {
  const lockstep_entity e = {.kind = kind, .key = {key, 0}};
  return e;
}

static void snapshot(void* store) {
  const struct store* s = store;
  lockstep_entity e;
  for (uint32_t i = 0; i < s->component->num_instances; ++i) {
    const struct instance* inst = &s->instances[i];
    e = entity(LOCKSTEP_STATE_INSTANCE, i);
    e.fields.instance.may_enter = inst->may_enter;
    e.fields.instance.may_leave = inst->may_leave;
    e.fields.instance.backpressure = inst->backpressure;
    e.fields.instance.next_handle = 1;
    e.fields.instance.next_thread = inst->num_threads + 1;
    s->host->state(s->host->context, &e);
  }
  for (const struct frame* f = s->current; f != NULL; f = f->parent) {
    e = entity(LOCKSTEP_STATE_TASK, f->token);
    e.fields.task.instance = f->instance;
    e.fields.task.state = f->state;
    s->host->state(s->host->context, &e);
    e = entity(LOCKSTEP_STATE_THREAD, f->token);
    e.fields.thread.index = f->index;
    memcpy(e.fields.thread.slots, f->slots, sizeof f->slots);
    s->host->state(s->host->context, &e);
    e = entity(LOCKSTEP_STATE_TREE, f->token);
    e.fields.tree.parent = f->parent == NULL ? 0 : f->parent->token;
    s->host->state(s->host->context, &e);
  }
}

static void* create(const lockstep_component* component, const lockstep_host* host) {
  struct store* s = calloc(1, sizeof *s);
  s->component = component;
  s->host = host;
  s->instances = calloc(component->num_instances, sizeof *s->instances);
  for (size_t i = 0; i < component->num_instances; ++i) s->instances[i].may_enter = s->instances[i].may_leave = 1;
  s->cannot_leave = host->site("canon_lower#1");
  s->cannot_enter = host->site("Store.lift.func_inst#1");
  s->threw = host->site("call_and_trap_on_throw#1");
  s->inc_overflow = host->site("canon_backpressure_inc#1");
  s->dec_underflow = host->site("canon_backpressure_dec#1");
  s->index_in_post_return = host->site("canon_thread_index#1");
  return s;
}

static void destroy(void* store) {
  free(((struct store*)store)->instances);
  free(store);
}

#define BUILTIN(kind) ((uint64_t)1 << (kind))

const lockstep_plugin* lockstep_plugin_entry(uint32_t version) {
  static const lockstep_plugin plugin = {
      .size = sizeof plugin,
      .name = "example plug-in: tasks in native frames",
      .reports =
          LOCKSTEP_REPORTS_CHOICES | LOCKSTEP_REPORTS_SNAPSHOT | LOCKSTEP_REPORTS_TREE | LOCKSTEP_REPORTS_AFTERMATH,
      .features = LOCKSTEP_FEATURE_I64 | LOCKSTEP_FEATURE_START | LOCKSTEP_FEATURE_POST_RETURN |
                  LOCKSTEP_FEATURE_EXCEPTIONS | LOCKSTEP_FEATURE_RECURSION | LOCKSTEP_FEATURE_NESTED_INVOKE,
      .builtins = BUILTIN(LOCKSTEP_CALL) | BUILTIN(LOCKSTEP_CONTEXT_GET) | BUILTIN(LOCKSTEP_CONTEXT_SET) |
                  BUILTIN(LOCKSTEP_BACKPRESSURE_INC) | BUILTIN(LOCKSTEP_BACKPRESSURE_DEC) |
                  BUILTIN(LOCKSTEP_THREAD_INDEX),
      .create = create,
      .destroy = destroy,
      .invoke = invoke,
      .start = start,
      .tick = tick,
      .perform = perform,
      .current_thread = current_thread,
      .may_enter = may_enter,
      .may_leave = may_leave,
      .live_tasks = report_tasks,
      .call_stack = report_tasks,
      .snapshot = snapshot,
  };
  return version == LOCKSTEP_PLUGIN_VERSION ? &plugin : NULL;
}
