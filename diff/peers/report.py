"""The event stream of a case, and the snapshots in it.

A snapshot is a dict from an entity's name to the tuple of its fields, read from the objects of definitions.py; an event
carries only the difference from the one before.
"""
import struct
from functools import cache

from specification import NO_THREAD

FIELDS = {
    "instance": ("locked", "may-enter", "may-leave", "backpressure", "waiting-to-enter", "exclusive", "next-handle",
                 "next-thread"),
    "subtask": ("call", "state", "cancellation-requested", "resolve-delivered", "pending-event", "sync-waiter", "set"),
    "set": ("num-waiting",),
    "end": ("kind", "state", "pending-event", "sync-waiter", "set", "dropped", "pending", "remaining"),
    "resource": ("type", "rep", "own", "scope", "lends"),
    "error-context": ("length",),
    "task": ("instance", "state", "borrows"),
    "thread": ("state", "ready", "cancellable", "index", "slot0", "slot1", "slot0-high", "slot1-high"),
}
ZEROS = {kind: tuple(NO_THREAD if field == "exclusive" else 0 for field in fields) for kind, fields in FIELDS.items()}
LOCKED = (1, *ZEROS["instance"][1:])

CHUNK = struct.Struct("<256I")  # divides a page
ZERO_CHUNK = bytes(CHUNK.size)

RUNNING, WAITING, SUSPENDED = 0, 1, 2
U32 = 2**32 - 1


class Report:
    def __init__(self, case):
        self.case = case
        self.events = []
        self.before = {}  # the last snapshot
        self.is_after_end = False  # the last event is an `end`, and has a snapshot
        self.handles = handles(case.spec.module)

    def event(self, event):
        self.events.append(event)
        self.is_after_end = False

    def observe(self, event):
        """An event after which a snapshot is due."""
        self.events.append(event)
        self.is_after_end = False
        event["changed"] = self.changes()

    def begin(self, event):
        """A `begin`, which needs no snapshot right after an `end`."""
        if self.is_after_end:
            self.event(event)
        else:
            self.observe(event)

    def end(self, event):
        self.observe(event)
        self.is_after_end = True

    def memories(self):
        for instance in self.case.instances:
            if instance.root in self.case.locked:
                continue
            for index, memory in enumerate(instance.memories):
                words = nonzero_words(memory.bytes)
                if words:
                    which = {"index": index} if index else {}
                    self.event({"memory": instance.index, **which, "words": words})

    def changes(self):
        before, now = self.before, self.snapshot()
        self.before = now
        changed = {}
        for name, values in now.items():
            old = before.get(name)
            if old != values:
                kind = name.partition(" ")[0]
                rows = zip(FIELDS[kind], old or ZEROS[kind], values)
                changed[name] = {field: new for field, was, new in rows if was != new}
        if not before.keys() <= now.keys():
            for name in before:
                if name not in now:
                    changed[name] = None
        return changed

    def snapshot(self):
        out = {}
        for instance in self.case.instances:
            if instance.root in self.case.locked:
                out[instance.entity] = LOCKED
                continue
            inst = instance.inst
            exclusive = inst.exclusive_thread
            out[instance.entity] = (
                0, 1 if inst.may_enter else 0, 1 if inst.may_leave else 0, inst.backpressure, inst.num_waiting_to_enter,
                exclusive.name if exclusive else NO_THREAD, next_index(inst.handles), next_index(inst.threads))
            array = inst.handles.array
            if len(array) > 1:
                for index, entry in enumerate(array):
                    if entry is not None:
                        kind, fields = self.handles[type(entry)]
                        out[f"{kind} {instance.index}.{index}"] = fields(entry, array)
        for thread in self.case.live_threads():
            task = thread.task
            out[task.entity] = (task.inst.number, task.state._value_, task.num_borrows)
            out[thread.entity] = thread_fields(thread)
        return out


@cache
def handles(module):
    """By class of what is in a table of handles: the kind of entity, and what gives its fields."""
    return {
        module.Subtask: ("subtask", subtask_fields),
        module.WaitableSet: ("set", lambda wset, array: (wset.num_waiting,)),
        module.ReadableStreamEnd: ("end", end_fields(0)),
        module.WritableStreamEnd: ("end", end_fields(1)),
        module.ReadableFutureEnd: ("end", end_fields(2)),
        module.WritableFutureEnd: ("end", end_fields(3)),
        module.ResourceHandle: ("resource", resource_fields),
        module.ErrorContext: ("error-context", lambda context, array: (len(context.debug_message[0].encode()),)),
    }


def subtask_fields(subtask, array):
    wset = subtask.wset
    return (subtask.call, subtask.state._value_, 1 if subtask.cancellation_requested else 0,
            1 if subtask.lenders is None else 0, 1 if subtask.pending_event else 0,
            1 if subtask.has_sync_waiter else 0, array.index(wset) if wset else 0)


def end_fields(kind):
    def fields(end, array):
        wset, shared = end.wset, end.shared
        buffer = shared.pending_buffer
        return (kind, end.state._value_, 1 if end.pending_event else 0, 1 if end.has_sync_waiter else 0,
                array.index(wset) if wset else 0, 1 if shared.dropped else 0, 1 if buffer else 0,
                buffer.remain() if buffer else 0)
    return fields


def resource_fields(handle, array):
    scope = handle.borrow_scope
    return handle.rt.number, handle.rep, 1 if handle.own else 0, scope.token if scope else 0, handle.num_lends


def thread_fields(thread):
    index = thread.index or 0
    slot0, slot1 = thread.storage
    low0, low1, high0, high1 = (
        (slot0, slot1, 0, 0) if slot0 <= U32 and slot1 <= U32 else (slot0 & U32, slot1 & U32, slot0 >> 32, slot1 >> 32))
    if thread.cont is None:
        return RUNNING, 0, 0, index, low0, low1, high0, high1
    cancellable = 1 if thread.cancellable else 0
    if thread.ready_func is None:
        return SUSPENDED, 0, cancellable, index, low0, low1, high0, high1
    return WAITING, 1 if thread.ready_func() else 0, cancellable, index, low0, low1, high0, high1


def next_index(table):
    return table.free[-1] if table.free else len(table.array)


def nonzero_words(memory):
    """Address and value of each word that is not 0, in one list."""
    words = []
    for start in range(0, len(memory), CHUNK.size):
        chunk = memory[start:start + CHUNK.size]
        if chunk != ZERO_CHUNK:
            for i, word in enumerate(CHUNK.unpack(chunk)):
                if word:
                    words += (start + 4 * i, word)
    return words
