/* The C interface of an engine in a shared library: `plugin:./lib.so`.
 *
 * The library is the engine: tasks, threads, calls between components, built-ins. lockstep is what surrounds it: core
 * code, the host, and whoever chooses a schedule. Both call each other: lockstep calls the functions of
 * `lockstep_plugin`, and these call back through `lockstep_host`, which may call `lockstep_plugin` again, to any depth:
 *
 *   invoke (the host calls a function of a component)         lockstep -> engine
 *     body (its core code runs)                               engine   -> lockstep
 *       perform (that code calls a built-in, or an import)    lockstep -> engine
 *         body (of the callee)                                engine   -> lockstep
 *
 * Everything runs on one operating system thread. Core code runs on the stack on which the engine calls `body`: an
 * engine may have stacks of its own and switch between them inside any of its functions. What one function starts need
 * not be over when another is called, but each function returns on the stack on which it was called. lockstep itself
 * needs 64 KiB of a stack for each core function that is active on it.
 *
 * STATUS. Whatever runs core code, or is called by it, returns a `lockstep_status`. One that is not LOCKSTEP_OK is
 * passed on: a function that gets it from the other side does no more than its own cleaning up and returns it in turn,
 * with one exception, a trap that the specification makes of a core exception. So traps travel through frames of both
 * sides without a C++ exception or longjmp ever crossing the boundary; an engine whose traps are non-local exits
 * catches them where it was entered, returns the status, and raises them again where a callback returned one.
 *
 *   > 0                        a trap: the number of its site (`site`). It unwinds the chain of resumers to the nearest
 *                              function of `lockstep_plugin` that the host called (invoke, start, tick, resolve,
 * cancel, …). The store is as the trap leaves it; the current thread is again the one of before.
 *   LOCKSTEP_CORE_EXCEPTION    from body, callback, … only: a core exception left the core function
 *                              (call_and_trap_on_throw).
 *   LOCKSTEP_STOP              from callbacks: this case is over, for instance since something differed. All that is
 *                              under way returns LOCKSTEP_STOP; then `destroy` is called, and nothing else.
 *   LOCKSTEP_UNSUPPORTED       from the engine, after it has said what (`unsupported`): the case is counted as skipped.
 *
 * A stack that is suspended when the store is destroyed holds frames of lockstep: it is resumed, once, with
 * LOCKSTEP_STOP as the result of what it waited in, so that these frames end. Thrown away instead, they leak.
 *
 * NAMES. A task is known by its token, a thread by its task and k, the k-th thread of its task (0 the implicit one), a
 * handle by its instance and index. An engine keeps these with its own things only to report them. No thread is (0, 0).
 * All names, values and numbers are those of diff/PROTOCOL.md and of definitions.py, to which this file refers.
 *
 * VERSIONS. The library exports `lockstep_plugin_entry`. lockstep calls it with the version that it speaks, and the
 * library returns NULL if it does not know that one. The two tables begin with their size in bytes: later ones of the
 * same version may be longer, and members beyond the size of the one at hand are not there. Everything else changes
 * only with the version.
 *
 * A pointer that is passed lives until the function returns, unless it says otherwise; `lockstep_component` and all it
 * points to, memories too, live as long as the store. Strings are UTF-8, and end with a zero byte where no length
 * stands beside them. Compiles as C11 and as C++. */
#ifndef LOCKSTEP_DIFF_PLUGIN_H_
#define LOCKSTEP_DIFF_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOCKSTEP_PLUGIN_VERSION 1u
#define LOCKSTEP_NONE 0xffffffffu /* no instance, function, memory, … */

typedef int32_t lockstep_status;
#define LOCKSTEP_OK 0
#define LOCKSTEP_CORE_EXCEPTION (-1)
#define LOCKSTEP_STOP (-2)
#define LOCKSTEP_UNSUPPORTED (-3)

/* A thread (token, k), a handle (instance, index), or an end that the host holds (token, k). */
typedef struct lockstep_id {
  uint32_t task;
  uint32_t k;
} lockstep_id;

/* ---- types and values: definitions.py "class Type" and below */

enum lockstep_type_kind {
  LOCKSTEP_NO_TYPE, /* the payload of a case, stream or future without one; a function without result */
  LOCKSTEP_BOOL,
  LOCKSTEP_U8,
  LOCKSTEP_U16,
  LOCKSTEP_U32,
  LOCKSTEP_U64,
  LOCKSTEP_S8,
  LOCKSTEP_S16,
  LOCKSTEP_S32,
  LOCKSTEP_S64,
  LOCKSTEP_STRING,
  LOCKSTEP_LIST,    /* children: the element */
  LOCKSTEP_TUPLE,   /* children: one or more */
  LOCKSTEP_RECORD,  /* the same */
  LOCKSTEP_OPTION,  /* children: the payload */
  LOCKSTEP_RESULT,  /* children: ok and error, each may be no type */
  LOCKSTEP_VARIANT, /* children: a payload for each case, may be no type */
  LOCKSTEP_OWN,
  LOCKSTEP_BORROW,
  LOCKSTEP_STREAM, /* children: the element, may be no type */
  LOCKSTEP_FUTURE
};

typedef struct lockstep_type {
  uint32_t kind;
  uint32_t resource; /* own, borrow: an index of lockstep_component.resources */
  size_t num_children;
  const struct lockstep_type* children;
} lockstep_type;

enum lockstep_value_kind {
  LOCKSTEP_INTEGER,  /* bits, in 64-bit two's complement; also a bool */
  LOCKSTEP_NEGATIVE, /* the same, of a signed type and below zero */
  LOCKSTEP_TEXT,     /* text: a string */
  LOCKSTEP_SEQUENCE, /* children: a list, tuple or record */
  LOCKSTEP_CASE,     /* index, and one child if there is a payload: an option, result or variant */
  LOCKSTEP_REP,      /* bits: the representation behind an own or borrow */
  LOCKSTEP_END       /* end: the readable end of a stream or future that the host holds */
};

/* A component-level value: what the host passes and gets. Which type it has is known from where it stands. */
typedef struct lockstep_value {
  uint32_t kind;
  uint32_t index;
  uint64_t bits;
  lockstep_id end;
  const char* text;
  size_t text_bytes;
  size_t num_children;
  const struct lockstep_value* children;
} lockstep_value;

/* ---- the component: what is fixed before anything runs */

enum lockstep_index_type { LOCKSTEP_I32, LOCKSTEP_I64 };
enum lockstep_lift { LOCKSTEP_LIFT_SYNC, LOCKSTEP_LIFT_CALLBACK, LOCKSTEP_LIFT_STACKFUL };
enum lockstep_encoding { LOCKSTEP_UTF8, LOCKSTEP_UTF16, LOCKSTEP_LATIN1_UTF16 };
enum lockstep_table_entry { LOCKSTEP_NULL_ENTRY, LOCKSTEP_ENTRY_I32, LOCKSTEP_ENTRY_I64 };

/* The built-ins that core code calls, `call` being a lowered import. Their order is that of `lockstep list operations`.
 */
enum lockstep_builtin_kind {
  LOCKSTEP_CALL,
  LOCKSTEP_CONTEXT_GET,
  LOCKSTEP_CONTEXT_SET,
  LOCKSTEP_BACKPRESSURE_INC,
  LOCKSTEP_BACKPRESSURE_DEC,
  LOCKSTEP_TASK_RETURN,
  LOCKSTEP_TASK_CANCEL,
  LOCKSTEP_WAITABLE_SET_NEW,
  LOCKSTEP_WAITABLE_SET_WAIT,
  LOCKSTEP_WAITABLE_SET_POLL,
  LOCKSTEP_WAITABLE_SET_DROP,
  LOCKSTEP_WAITABLE_JOIN,
  LOCKSTEP_SUBTASK_CANCEL,
  LOCKSTEP_SUBTASK_DROP,
  LOCKSTEP_THREAD_INDEX,
  LOCKSTEP_THREAD_YIELD,
  LOCKSTEP_RESOURCE_NEW,
  LOCKSTEP_RESOURCE_DROP,
  LOCKSTEP_RESOURCE_REP,
  LOCKSTEP_STREAM_NEW,
  LOCKSTEP_STREAM_READ,
  LOCKSTEP_STREAM_WRITE,
  LOCKSTEP_STREAM_CANCEL_READ,
  LOCKSTEP_STREAM_CANCEL_WRITE,
  LOCKSTEP_STREAM_DROP_READABLE,
  LOCKSTEP_STREAM_DROP_WRITABLE,
  LOCKSTEP_FUTURE_NEW,
  LOCKSTEP_FUTURE_READ,
  LOCKSTEP_FUTURE_WRITE,
  LOCKSTEP_FUTURE_CANCEL_READ,
  LOCKSTEP_FUTURE_CANCEL_WRITE,
  LOCKSTEP_FUTURE_DROP_READABLE,
  LOCKSTEP_FUTURE_DROP_WRITABLE,
  LOCKSTEP_THREAD_NEW_INDIRECT,
  LOCKSTEP_THREAD_RESUME_LATER,
  LOCKSTEP_THREAD_SUSPEND,
  LOCKSTEP_THREAD_SUSPEND_THEN_RESUME,
  LOCKSTEP_THREAD_YIELD_THEN_RESUME,
  LOCKSTEP_THREAD_SUSPEND_THEN_PROMOTE,
  LOCKSTEP_THREAD_YIELD_THEN_PROMOTE,
  LOCKSTEP_ERROR_CONTEXT_NEW,
  LOCKSTEP_ERROR_CONTEXT_DEBUG_MESSAGE,
  LOCKSTEP_ERROR_CONTEXT_DROP,
  LOCKSTEP_NUM_BUILTINS
};

/* FuncType. The first parameter is always the token, a u32. */
typedef struct lockstep_func_type {
  uint32_t is_async;
  size_t num_params;
  const lockstep_type* params;
  lockstep_type result; /* LOCKSTEP_NO_TYPE: none */
} lockstep_func_type;

/* MemInst. It never grows. */
typedef struct lockstep_memory {
  uint32_t index_type;
  uint64_t bytes;
  uint8_t* base;
} lockstep_memory;

/* A table of functions that threads begin with. */
typedef struct lockstep_table {
  size_t num_entries;
  const uint32_t* entries; /* lockstep_table_entry: the type of the function's parameter */
} lockstep_table;

/* A canon definition of an instance, with its immediates. What its kind does not have is 0, or LOCKSTEP_NONE. */
typedef struct lockstep_canon {
  uint32_t kind;          /* lockstep_builtin_kind */
  uint32_t function;      /* call: of a component; or */
  uint32_t host_function; /* of the host: exactly one of the two is set */
  uint32_t is_async;      /* call, subtask.cancel, read, write, cancel-read, cancel-write */
  uint32_t cancellable;   /* wait, poll, all that yields or suspends */
  uint32_t slot;          /* context.get, context.set: 0 or 1 */
  uint32_t index_type;    /* context.get, context.set, thread.new-indirect */
  uint32_t resource;      /* resource.* */
  uint32_t table;         /* thread.new-indirect: of the instance */
  uint32_t memory;        /* of the instance */
  uint32_t encoding;
  uint32_t has_realloc;
  lockstep_type type; /* task.return: the result; streams and futures: the element */
} lockstep_canon;

typedef struct lockstep_instance {
  uint32_t parent; /* an earlier instance; LOCKSTEP_NONE: a root */
  size_t num_memories;
  const lockstep_memory* memories;
  size_t num_tables;
  const lockstep_table* tables;
  size_t num_canons;
  const lockstep_canon* canons;
} lockstep_instance;

/* A resource type; `instance` defines it and has its destructor. */
typedef struct lockstep_resource {
  uint32_t instance;
  uint32_t has_destructor;
} lockstep_resource;

/* canon_lift's arguments but the callee, which is `body` with the function's index. */
typedef struct lockstep_function {
  uint32_t instance;
  uint32_t lift; /* lockstep_lift */
  uint32_t memory;
  uint32_t encoding;
  uint32_t has_realloc;
  uint32_t has_post_return;
  lockstep_func_type type;
} lockstep_function;

typedef struct lockstep_component {
  uint32_t table_limit; /* Table.MAX_LENGTH */
  size_t num_instances;
  const lockstep_instance* instances;
  size_t num_functions;
  const lockstep_function* functions;
  size_t num_host_functions;
  const lockstep_func_type* host_functions;
  size_t num_resources;
  const lockstep_resource* resources;
} lockstep_component;

/* ---- state, for snapshots: diff/PROTOCOL.md "Snapshots" has the meaning of each field */

enum lockstep_entity_kind {
  LOCKSTEP_STATE_INSTANCE,
  LOCKSTEP_STATE_SUBTASK,
  LOCKSTEP_STATE_WAITABLE_SET,
  LOCKSTEP_STATE_END,
  LOCKSTEP_STATE_RESOURCE,
  LOCKSTEP_STATE_ERROR_CONTEXT,
  LOCKSTEP_STATE_TASK,
  LOCKSTEP_STATE_THREAD,
  LOCKSTEP_STATE_TREE
};

typedef struct lockstep_entity {
  uint32_t kind;
  lockstep_id key; /* instance (k 0); handle (instance, index); task (k 0); thread */
  union {
    struct {
      uint32_t may_enter, may_leave, backpressure, num_waiting_to_enter;
      lockstep_id exclusive_thread;
      uint32_t next_handle, next_thread; /* the index that each table would give next */
    } instance;
    struct {
      uint32_t call, state, cancellation_requested, resolve_delivered, pending_event, sync_waiter, set;
    } subtask;
    struct {
      uint32_t num_waiting;
    } waitable_set;
    struct {
      uint32_t kind, state, pending_event, sync_waiter, set, dropped, pending, remaining;
    } end;
    struct {
      uint32_t type, rep, own, scope, lends;
    } resource;
    struct {
      uint32_t length;
    } error_context;
    struct {
      uint32_t instance, state, num_borrows; /* Task.State, 1 to 5 */
    } task;
    struct {
      uint32_t state; /* 0 running, 1 waiting, 2 suspended */
      uint32_t ready, cancellable, index;
      uint64_t slots[2];
    } thread;
    struct {
      uint32_t parent; /* a token, or 0 */
    } tree;
  } fields;
} lockstep_entity;

/* ---- lockstep's side */

enum lockstep_choice_point {
  LOCKSTEP_WAIT_UNTIL,           /* Thread.wait_until; candidates (0, 0) wait, (1, 0) go on */
  LOCKSTEP_REQUEST_CANCELLATION, /* Task.request_cancellation; subject (task, 0), candidates threads */
  LOCKSTEP_TICK,                 /* Store.tick; subject (0, 0), candidates threads */
  LOCKSTEP_GET_PENDING_EVENT,    /* WaitableSet.get_pending_event; subject the thread, candidates handles */
  LOCKSTEP_SYNC_LOOP,            /* canon_lift's loop; subject (task, 0), candidates threads */
  LOCKSTEP_DEBUG_MESSAGE         /* canon_error_context_new; candidates (0, 0) empty, (1, 0) as given */
};

/* What a host function was asked, and answers. */
typedef struct lockstep_answer {
  uint32_t blocked;      /* call: 1 if it has not returned; cancel: 1 if it stays as it is */
  uint32_t cancelled;    /* cancel only: 1 if on_resolve(None) is to happen now */
  lockstep_value result; /* else its result; LOCKSTEP_INTEGER 0 if its type has none */
} lockstep_answer;

/* What the engine calls; `context` is always the first argument. */
typedef struct lockstep_host {
  size_t size;
  void* context;

  /* Core code. The current thread is the one that runs it (`current_thread`). Args and results are flat core values.
   * `body`: canon_lift's callee. *result: its flat result (sync), its packed code (callback), else 0. */
  lockstep_status (*body)(void* context, uint32_t function, const uint64_t* args, size_t num_args, uint64_t* result);
  lockstep_status (*callback)(void* context, uint32_t function, uint32_t code, uint32_t p1, uint32_t p2,
                              uint32_t* packed);
  lockstep_status (*post_return)(void* context, uint32_t function, const uint64_t* results, size_t num_results);
  /* LiftLowerContext.reallocate's: the realloc that belongs to a memory of the instance. */
  lockstep_status (*reallocate)(void* context, uint32_t instance, uint32_t memory, uint64_t old, uint64_t old_bytes,
                                uint64_t alignment, uint64_t new_bytes, uint64_t* pointer);
  lockstep_status (*destructor)(void* context, uint32_t resource, uint32_t rep);
  lockstep_status (*start_function)(void* context, uint32_t instance);
  lockstep_status (*thread)(void* context, uint32_t instance, uint32_t table, uint64_t argument);
  /* The token of the task in which a realloc (0) or destructor (1) of this instance is about to run. Once for each,
   * when diff/PROTOCOL.md "Names" says. */
  uint32_t (*name_task)(void* context, uint32_t instance, uint32_t is_destructor);

  /* Host functions: FuncInst of the host. It has taken its arguments; `args` are those after the token. */
  lockstep_status (*host_call)(void* context, uint32_t host_function, uint32_t token, const lockstep_value* args,
                               size_t num_args, lockstep_answer* answer);
  /* The OnCancel of one that blocked. `answer->result` lives until the next call. */
  lockstep_status (*host_cancel)(void* context, uint32_t host_function, uint32_t token, lockstep_answer* answer);

  /* A call that the host made: its on_start, and its on_resolve (`result` NULL: on_resolve(None)). */
  lockstep_status (*started)(void* context, uint32_t token);
  lockstep_status (*resolved)(void* context, uint32_t token, const lockstep_value* result);

  /* The host gets a readable end of this type with a value of this call: the end's name from now on, for the value. */
  lockstep_id (*end_received)(void* context, uint32_t token, const lockstep_type* type);
  /* The token under which ends in elements that this end reads are received. */
  uint32_t (*read_token)(void* context, lockstep_id end);
  /* OnCopy (with its ReclaimBuffer called) and OnCopyDone of an end that the host holds. `result`: CopyResult.
   * `values`: the elements read, if they have a type. */
  lockstep_status (*host_copy)(void* context, lockstep_id end, uint32_t result, uint32_t progress,
                               const lockstep_value* values, size_t num_values);

  /* A nondeterministic line of the specification: *taken is an index into `candidates`, which are different, not none,
   * and in any order. Also when there is only one. */
  lockstep_status (*choose)(void* context, uint32_t point, lockstep_id subject, const lockstep_id* candidates,
                            size_t num_candidates, size_t* taken);

  /* The number of a trap's site, by its name in `lockstep list traps`; 0 if there is none. Also before `create`. */
  lockstep_status (*site)(const char* name);
  /* Says what the engine lacks, and returns LOCKSTEP_UNSUPPORTED. */
  lockstep_status (*unsupported)(void* context, const char* what);
  /* Says what invariant of the engine failed: the case fails with it. Returns LOCKSTEP_STOP. */
  lockstep_status (*failed)(void* context, const char* what);

  /* Answers to `snapshot`, `live_tasks` and `call_stack`. Entities may come in any order. */
  void (*state)(void* context, const lockstep_entity* entity);
  void (*task)(void* context, uint32_t token, uint32_t instance);
} lockstep_host;

/* ---- the engine's side */

/* A call of a built-in by core code of `instance`. */
typedef struct lockstep_builtin {
  uint32_t kind; /* lockstep_builtin_kind */
  uint32_t instance;
  uint32_t canon; /* of the instance */
  uint32_t token; /* call: the name of the call; else 0 */
  size_t num_args;
  const uint64_t* args; /* core values, as the core function gets them */
} lockstep_builtin;

/* What an engine can report (lockstep_plugin.reports). The rest is not compared. */
#define LOCKSTEP_REPORTS_CHOICES \
  1u /* asks lockstep for each choice; without it, it gets only cases that leave none open */
#define LOCKSTEP_REPORTS_SNAPSHOT 2u  /* `snapshot` */
#define LOCKSTEP_REPORTS_TREE 4u      /* `call_stack`, and LOCKSTEP_STATE_TREE */
#define LOCKSTEP_REPORTS_AFTERMATH 8u /* its store can be used after a trap */

/* What it supports besides synchronous functions of u32 with at most 16 parameters (lockstep_plugin.features). Cases
 * that use anything else are skipped and counted; `run --supported` makes only others. */
#define LOCKSTEP_FEATURE_ASYNC 1u            /* functions of async type, async lifts, async lowering */
#define LOCKSTEP_FEATURE_VALUES 2u           /* other types, parameters in memory, realloc */
#define LOCKSTEP_FEATURE_RESOURCES 4u        /* own and borrow in types */
#define LOCKSTEP_FEATURE_STREAMS 8u          /* streams in types, and ends of them that the host holds */
#define LOCKSTEP_FEATURE_FUTURES 16u         /* the same */
#define LOCKSTEP_FEATURE_I64 32u             /* memories, slots and thread arguments of 64 bits */
#define LOCKSTEP_FEATURE_TABLE_LIMIT 64u     /* a Table.MAX_LENGTH that can be reached */
#define LOCKSTEP_FEATURE_START 128u          /* start functions */
#define LOCKSTEP_FEATURE_POST_RETURN 256u    /* post-return functions */
#define LOCKSTEP_FEATURE_EXCEPTIONS 512u     /* core exceptions */
#define LOCKSTEP_FEATURE_RECURSION 1024u     /* calls within an instance and between child and ancestor */
#define LOCKSTEP_FEATURE_NESTED_INVOKE 2048u /* host functions that invoke */

/* `store` is what `create` returned. What an engine does not support (`builtins`, `features`, `reports`) is never asked
 * of it: the function may be NULL where that is said. */
typedef struct lockstep_plugin {
  size_t size;
  const char* name; /* with its version, as shown in reports */
  uint32_t reports;
  uint32_t features;
  uint64_t builtins; /* 1 << lockstep_builtin_kind */

  /* A store for one case: Store, its ComponentInstances, lift and lower of all functions. NULL: it cannot be made. */
  void* (*create)(const lockstep_component* component, const lockstep_host* host);
  void (*destroy)(void* store);

  /* Store.invoke of a function; `args` are those after the token, which names the task. on_start and on_resolve are
   * `started` and `resolved`. */
  lockstep_status (*invoke)(void* store, uint32_t function, uint32_t token, const lockstep_value* args,
                            size_t num_args);
  /* Store.invoke of an instance's start function, a synchronous task with this token; not `started`, not `resolved`.
   * NULL without LOCKSTEP_FEATURE_START. */
  lockstep_status (*start)(void* store, uint32_t instance, uint32_t token);
  /* Store.tick. *ran: 1 if a thread ran. */
  lockstep_status (*tick)(void* store, uint32_t* ran);
  /* The canon_… of `call->kind`. *result: the core value that it returns, if any; stream.new and future.new: both
   * handles, as definitions.py packs them. */
  lockstep_status (*perform)(void* store, const lockstep_builtin* call, uint64_t* result);
  lockstep_id (*current_thread)(void* store);

  /* on_resolve of a host function that blocked (`result` NULL: None). NULL without LOCKSTEP_FEATURE_ASYNC. */
  lockstep_status (*resolve)(void* store, uint32_t token, const lockstep_value* result);
  /* The OnCancel that `invoke` gave. The call is not resolved. NULL without LOCKSTEP_FEATURE_ASYNC. */
  lockstep_status (*cancel)(void* store, uint32_t token);

  /* ComponentInstance.may_enter and may_leave, 0 or 1, also after a trap. */
  uint32_t (*may_enter)(void* store, uint32_t instance);
  uint32_t (*may_leave)(void* store, uint32_t instance);
  /* Calls `task` for each task that still exists. */
  void (*live_tasks)(void* store);
  /* Calls `task` for the current task and its ancestors, innermost first. NULL without LOCKSTEP_REPORTS_TREE. */
  void (*call_stack)(void* store);
  /* Calls `state` for all that there is. It must change nothing. NULL without LOCKSTEP_REPORTS_SNAPSHOT. */
  void (*snapshot)(void* store);

  /* Ends that the host holds, by names that lockstep gives; all NULL without streams and futures. Giving an end away,
   * as a value, removes it from the host. */
  lockstep_status (*new_ends)(void* store, lockstep_id readable, lockstep_id writable, uint32_t is_future,
                              const lockstep_type* element);
  lockstep_status (*host_read)(void* store, lockstep_id end, uint32_t count);
  lockstep_status (*host_write)(void* store, lockstep_id end, const lockstep_value* values, size_t num_values);
  lockstep_status (*host_cancel_copy)(void* store, lockstep_id end);
  lockstep_status (*host_drop)(void* store, lockstep_id end);
} lockstep_plugin;

/* The one symbol that a plug-in exports. The table lives as long as the library is loaded. */
#define LOCKSTEP_PLUGIN_ENTRY "lockstep_plugin_entry"
typedef const lockstep_plugin* lockstep_plugin_entry_function(uint32_t version);
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const lockstep_plugin*
lockstep_plugin_entry(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif
