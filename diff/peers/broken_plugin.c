/* For tests: the example plug-in with something wrong with it, which the environment variable LOCKSTEP_BROKEN_PLUGIN
 * names. It goes wrong in `backpressure.inc`, so that other cases are as they should be. */
#define lockstep_plugin_entry example_entry
#include "diff/peers/example_plugin.c"
#undef lockstep_plugin_entry

#include <stdio.h>
#include <unistd.h>

static const lockstep_plugin* example;

static int is(const char* what) {
  const char* wrong = getenv("LOCKSTEP_BROKEN_PLUGIN");
  return wrong != NULL && strcmp(wrong, what) == 0;
}

static lockstep_status broken_perform(void* store, const lockstep_builtin* b, uint64_t* result) {
  struct store* s = store;
  const lockstep_host* h = s->host;
  const lockstep_id candidate = {1, 0};
  size_t taken = 0;
  uint64_t ignored = 0;
  if (b->kind != LOCKSTEP_BACKPRESSURE_INC) return example->perform(store, b, result);
  if (is("crash")) {
    printf("about to crash\n");
    abort();
  }
  if (is("exit")) _exit(7);
  while (is("hang")) {
  }
  if (is("status")) return 1000000;
  if (is("stop")) return LOCKSTEP_STOP;
  if (is("exception")) return LOCKSTEP_CORE_EXCEPTION;
  if (is("unsupported")) return h->unsupported(h->context, "backpressure after all");
  if (is("unsaid")) return LOCKSTEP_UNSUPPORTED;
  if (is("invariant")) return h->failed(h->context, "backpressure is not what it was");
  if (is("function")) return h->body(h->context, 1000, b->args, b->num_args, result);
  if (is("parameters")) return h->body(h->context, 0, b->args, 0, &ignored);
  if (is("host-function")) return h->host_call(h->context, 1000, 1, NULL, 0, NULL);
  if (is("instance")) h->task(h->context, 1, 1000);
  if (is("choice-point")) return h->choose(h->context, 1000, candidate, &candidate, 1, &taken);
  if (is("no-candidates")) return h->choose(h->context, LOCKSTEP_TICK, candidate, &candidate, 0, &taken);
  if (is("swallowed-stop")) {
    (void)h->body(h->context, 1000, b->args, b->num_args, result);
    return LOCKSTEP_OK;
  }
  if (is("wrong")) return LOCKSTEP_OK; /* the counter stays as it was */
  return example->perform(store, b, result);
}

static void broken_snapshot(void* store) {
  lockstep_entity e;
  example->snapshot(store);
  if (!is("entity") && !is("twice")) return;
  memset(&e, 0, sizeof e);
  e.kind = is("entity") ? 1000 : LOCKSTEP_STATE_INSTANCE;
  ((struct store*)store)->host->state(((struct store*)store)->host->context, &e);
}

const lockstep_plugin* lockstep_plugin_entry(uint32_t version);
const lockstep_plugin* lockstep_plugin_entry(uint32_t version) {
  static lockstep_plugin broken;
  example = example_entry(version);
  if (example == NULL || is("version")) return NULL;
  broken = *example;
  broken.perform = broken_perform;
  broken.snapshot = broken_snapshot;
  if (is("size")) broken.size = 8;
  if (is("no-function")) broken.invoke = NULL;
  return &broken;
}
