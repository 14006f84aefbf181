"""The event stream of a case, and the snapshots in it.

A snapshot is a dict from an entity's name to the tuple of its fields, read from the objects of definitions.py; an event
carries only the difference from the one before.
"""
import struct

from specification import NO_THREAD

FIELDS = {
    "instance": ("locked", "may-enter", "may-leave", "backpressure", "waiting-to-enter", "exclusive", "next-handle",
                 "next-thread"),
    "subtask": ("call", "state", "cancellation-requested", "resolve-delivered", "pending-event", "sync-waiter", "set"),
    "set": ("num-waiting",),
    "task": ("instance", "state"),
    "thread": ("state", "ready", "cancellable", "index", "slot0", "slot1"),
}
ZEROS = {kind: tuple(NO_THREAD if field == "exclusive" else 0 for field in fields) for kind, fields in FIELDS.items()}
LOCKED = (1, *ZEROS["instance"][1:])

CHUNK = struct.Struct("<256I")  # divides a page
ZERO_CHUNK = bytes(CHUNK.size)

RUNNING, WAITING, SUSPENDED = 0, 1, 2


class Report:
    def __init__(self, case):
        self.case = case
        self.events = []
        self.before = {}  # the last snapshot
        module = case.spec.module
        self.Subtask, self.WaitableSet = module.Subtask, module.WaitableSet

    def event(self, event):
        self.events.append(event)

    def observe(self, event):
        """An event after which a snapshot is due."""
        self.events.append(event)
        event["changed"] = self.changes()

    def begin(self, event):
        """A `begin`, which needs no snapshot right after an `end`."""
        if "end" in self.events[-1]:
            self.events.append(event)
        else:
            self.observe(event)

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
            if len(inst.handles.array) > 1:
                self.handles(instance.index, inst.handles.array, out)
        for thread in self.case.live_threads():
            task = thread.task
            out[f"task {task.token}"] = (task.inst.number, task.state.value)
            out["thread " + thread.name] = thread_fields(thread)
        return out

    def handles(self, number, array, out):
        for index, entry in enumerate(array):
            if isinstance(entry, self.Subtask):
                wset = entry.wset
                out[f"subtask {number}.{index}"] = (
                    entry.call, int(entry.state), 1 if entry.cancellation_requested else 0,
                    1 if entry.lenders is None else 0, 1 if entry.pending_event else 0,
                    1 if entry.has_sync_waiter else 0, array.index(wset) if wset else 0)
            elif isinstance(entry, self.WaitableSet):
                out[f"set {number}.{index}"] = (entry.num_waiting,)


def thread_fields(thread):
    index = thread.index or 0
    slot0, slot1 = thread.storage
    if thread.cont is None:
        return (RUNNING, 0, 0, index, slot0, slot1)
    cancellable = 1 if thread.cancellable else 0
    if thread.ready_func is None:
        return (SUSPENDED, 0, cancellable, index, slot0, slot1)
    return (WAITING, 1 if thread.ready_func() else 0, cancellable, index, slot0, slot1)


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
