"""What guest code knows: what it learns from the operations that it performs, and the guards that ask for it.

The rules, in the same words, are in diff/PROTOCOL.md, "What guest code does".
"""
from functools import cache, partial

BLOCKED = 2**32 - 1
RESOLVED = 2  # the first resolved state of a subtask
DROPPED, CANCELLED = 1, 2  # results of copies
IDLE, COPYING, DONE = "idle", "copying", "done"
SUBTASK, TASK_CANCELLED = 1, 6  # event codes
STREAM_EVENTS, FUTURE_EVENTS = (2, 3), (4, 5)


class TaskKnowledge:
    """What all threads of a task share."""

    def __init__(self):
        self.returned = False
        self.cancelled = False


class InstanceKnowledge:
    """What all code of an instance shares."""

    def __init__(self):
        self.subtasks = {}      # handle -> state last seen
        self.ends = {}          # handle -> IDLE, COPYING or DONE
        self.joined = set()     # handles that were joined to a set
        self.suspended = set()  # indices of threads
        self.pressure = 0       # backpressure.inc minus backpressure.dec

    def forget(self, handle):
        self.subtasks.pop(handle, None)
        self.ends.pop(handle, None)
        self.joined.discard(handle)

    def learn_call(self, packed):
        handle = packed >> 4
        if handle:
            self.subtasks[handle] = packed & 0xf
            self.joined.discard(handle)

    def learn_stream_copy(self, end, packed):
        self.ends[end] = COPYING if packed == BLOCKED else DONE if packed & 0xf == DROPPED else IDLE

    def learn_future_copy(self, end, result):
        self.ends[end] = COPYING if result == BLOCKED else IDLE if result == CANCELLED else DONE


def learn_event(activation, code, p1, p2):
    activation.event = code
    knows = activation.instance.knows
    if code == SUBTASK:
        knows.subtasks[p1] = p2
    elif code in STREAM_EVENTS:
        knows.learn_stream_copy(p1, p2)
    elif code in FUTURE_EVENTS:
        knows.learn_future_copy(p1, p2)
    elif code == TASK_CANCELLED:
        activation.task.cancelled = True


def learn_wait(activation, args, result):
    learn_event(activation, *result)


def learn_join(activation, args, result):
    handle, wset = args
    if wset:
        activation.instance.knows.joined.add(handle)
    else:
        activation.instance.knows.joined.discard(handle)


def learn_cancel(activation, args, result):
    if result[0] != BLOCKED:
        activation.instance.knows.subtasks[args[0]] = result[0]


def learn_pressure(change, activation, args, result):
    activation.instance.knows.pressure += change


def learn_cancelled(activation, args, result):
    if result[0]:
        activation.task.cancelled = True


def learn_returned(activation, args, result):
    activation.task.returned = True


def learn_drop(activation, args, result):
    activation.instance.knows.forget(args[0])


def learn_ends(activation, args, result):
    for end in result:
        activation.instance.knows.forget(end)
        activation.instance.knows.ends[end] = IDLE


def learn_stream_copy(activation, args, result):
    activation.instance.knows.learn_stream_copy(args[0], result[0])


def learn_future_copy(activation, args, result):
    activation.instance.knows.learn_future_copy(args[0], result[0])


def learn_thread(activation, args, result):
    activation.instance.knows.suspended.add(result[0])


# What the guest knows after an operation that did not trap.
LEARN = {
    "waitable-set.wait": learn_wait,
    "waitable-set.poll": learn_wait,
    "waitable.join": learn_join,
    "subtask.cancel": learn_cancel,
    "subtask.drop": learn_drop,
    "task.return": learn_returned,
    "task.cancel": learn_returned,
    "backpressure.inc": partial(learn_pressure, 1),
    "backpressure.dec": partial(learn_pressure, -1),
    "stream.new": learn_ends,
    "stream.read": learn_stream_copy,
    "stream.write": learn_stream_copy,
    "stream.cancel-read": learn_stream_copy,
    "stream.cancel-write": learn_stream_copy,
    "stream.drop-readable": learn_drop,
    "stream.drop-writable": learn_drop,
    "future.new": learn_ends,
    "future.read": learn_future_copy,
    "future.write": learn_future_copy,
    "future.cancel-read": learn_future_copy,
    "future.cancel-write": learn_future_copy,
    "future.drop-readable": learn_drop,
    "future.drop-writable": learn_drop,
    "thread.new-indirect": learn_thread,
    "thread.yield": learn_cancelled,
    "thread.suspend": learn_cancelled,
    "thread.suspend-then-resume": learn_cancelled,
    "thread.yield-then-resume": learn_cancelled,
    "thread.suspend-then-promote": learn_cancelled,
    "thread.yield-then-promote": learn_cancelled,
}

# Operations that resume the thread whose index is their operand. It may run before they end.
RESUMES = {"thread.resume-later", "thread.suspend-then-resume", "thread.yield-then-resume",
           "thread.suspend-then-promote", "thread.yield-then-promote"}


def event(number):
    return lambda activation: activation.event == number


def about_register(holds):
    """A guard about the value of a register."""
    return lambda number: lambda activation: holds(activation.instance.knows, activation.instance.registers[number])


GUARDS = {
    "returned": lambda activation: activation.task.returned,
    "cancelled": lambda activation: activation.task.cancelled,
    "pressure": lambda activation: activation.instance.knows.pressure > 0,
}
GUARDS_WITH_NUMBER = {
    "event": event,
    "resolved": about_register(lambda knows, handle: knows.subtasks.get(handle, 0) >= RESOLVED),
    "live": about_register(lambda knows, handle: handle in knows.subtasks or handle in knows.ends),
    "joined": about_register(lambda knows, handle: handle in knows.joined),
    "nonzero": about_register(lambda knows, value: value != 0),
    "idle": about_register(lambda knows, handle: knows.ends.get(handle) == IDLE),
    "copying": about_register(lambda knows, handle: knows.ends.get(handle) == COPYING),
    "suspended": about_register(lambda knows, index: index in knows.suspended),
}


@cache
def parse(guard):
    """What a guard asks of an activation, and the answer that it wants."""
    words = guard.split()
    wanted = words[0] != "not"
    kind, *operand = words if wanted else words[1:]
    return GUARDS_WITH_NUMBER[kind](int(operand[0].removeprefix("r"))) if operand else GUARDS[kind], wanted


def holds(activation, guard):
    question, wanted = parse(guard)
    return question(activation) == wanted
