"""Ends of streams and futures that the host holds, and what it does with them.

The host has a name for each, "token.k": of those that it made, and of those that it received in a value, numbered in
the order in which they came with the call, or the read, of this token. The rules, in the same words, are in
diff/PROTOCOL.md.
"""
from collections import Counter
from functools import cache

from knowledge import CANCELLED, COPYING, DONE, DROPPED, IDLE

COMPLETED = 0


@cache
def buffer_classes(module):
    """The host's buffers."""

    class Reading(module.WritableBuffer):
        """Takes up to `count` elements."""

        def __init__(self, t, count):
            self.t = t
            self.count = count
            self.values = []

        def remain(self):
            return self.count - len(self.values)

        def is_zero_length(self):
            return self.count == 0

        def write(self, values):
            self.values += values

        def progress(self):
            return len(self.values)

    class Writing(module.ReadableBuffer):
        """Gives out these elements."""

        def __init__(self, t, values):
            self.t = t
            self.values = values
            self.given = 0

        def remain(self):
            return len(self.values) - self.given

        def is_zero_length(self):
            return not self.values

        def read(self, n):
            start, self.given = self.given, self.given + n
            return self.values[start:self.given]

        def progress(self):
            return self.given

    return Reading, Writing


class HostEnd:
    def __init__(self, name, shared, is_future, is_writable):
        self.name = name
        self.shared = shared
        self.is_future = is_future
        self.is_writable = is_writable
        self.state = IDLE


class Ends:
    def __init__(self, case):
        module = case.spec.module
        self.case = case
        self.module = module
        self.Reading, self.Writing = buffer_classes(module)
        self.held = {}           # name -> HostEnd
        self.received = Counter()  # token -> ends named after it

    # Ends in values.

    def name_for(self, token):
        """Gives names to the ends that the host receives with this token."""
        def name(shared):
            name = f"{token}.{self.received[token]}"
            self.received[token] += 1
            self.held[name] = HostEnd(name, shared, isinstance(shared, self.module.SharedFutureImpl), False)
            return name
        return name

    def give(self, values):
        """Takes the ends in these values (JSON) from the host: {name: shared object}; None if one cannot be given."""
        names = [name for value in values for name in ends_in(value)]
        if len(set(names)) < len(names):
            return None
        for name in names:
            end = self.held.get(name)
            if end is None or end.is_writable or end.state != IDLE:
                return None
        return {name: self.held.pop(name).shared for name in names}

    # Operations of the host. Each says whether it is done.

    def make(self, token, is_future, element):
        shared = (self.module.SharedFutureImpl if is_future else self.module.SharedStreamImpl)(element)
        for k, is_writable in enumerate((False, True)):
            name = f"{token}.{k}"
            self.held[name] = HostEnd(name, shared, is_future, is_writable)

    def idle(self, name, is_writable, elements):
        """The end with this name, if a copy of so many elements can begin."""
        end = self.held.get(name)
        if end is None or end.is_writable != is_writable or end.state != IDLE or end.is_future and elements != 1:
            return None
        return end

    def read(self, name, count, token):
        end = self.idle(name, False, count)
        if end is None or token in self.case.used_tokens:
            return False
        self.case.used_tokens.add(token)
        self.begin_copy(end, end.shared.read, self.Reading(end.shared.t, count), token)
        return True

    def write(self, name, values):
        end = self.idle(name, True, len(values))
        given = end and self.give(values)
        if given is None:
            return False
        t = end.shared.t
        elements = [self.case.values.read(t, value, given.__getitem__) for value in values]
        self.begin_copy(end, end.shared.write, self.Writing(t, elements), None)
        return True

    def begin_copy(self, end, copy, buffer, token):
        end.state = COPYING

        def on_copy_done(result):
            self.end_copy(end, buffer, result, token)

        def on_copy(reclaim):
            reclaim()  # at once: the host never leaves a partly filled buffer there
            on_copy_done(COMPLETED)

        # The instance is None: the host is none.
        try:
            if end.is_future:
                copy(None, buffer, on_copy_done)
            else:
                copy(None, buffer, on_copy, on_copy_done)
        except self.module.Trap:
            end.state = IDLE  # no copy has begun
            raise

    def end_copy(self, end, buffer, result, token):
        is_done = result != CANCELLED if end.is_future else result == DROPPED
        end.state = DONE if is_done else IDLE
        values = []
        if not end.is_writable and buffer.t is not None:
            name = self.name_for(token)
            values = [self.case.values.show(buffer.t, value, name) for value in buffer.values]
        self.case.report.event(
            {"host-copy": end.name, "result": int(result), "progress": buffer.progress(), "values": values})

    def cancel_copy(self, name):
        end = self.held.get(name)
        if end is None or end.state != COPYING:
            return False
        end.shared.cancel()
        return True

    def drop(self, name):
        end = self.held.get(name)
        if end is None or end.state == COPYING or end.is_future and end.is_writable and end.state != DONE:
            return False
        del self.held[name]
        end.shared.drop()
        return True


def ends_in(value):
    """The names of the ends in a value in JSON, in order."""
    if isinstance(value, list):
        for element in value:
            yield from ends_in(element)
    elif isinstance(value, dict):
        if "end" in value:
            yield value["end"]
        elif "value" in value:
            yield from ends_in(value["value"])
