"""The core code of the guests: what an engine's instances do where a real one would run Wasm.

A `GuestFunction` is what definitions.py enters (body, callback, post-return); it runs the scripts of the scenario. A
`GuestInstance` has what the code of one instance shares: registers, memories, canon definitions, and what it has
learned. The rules, in the same words, are in diff/PROTOCOL.md, "What guest code does".
"""
from functools import partial

MAX_FLAT_ASYNC_PARAMS = 4
PAGE = 65536
U32 = 2**32 - 1
BLOCKED = 2**32 - 1
RESOLVED = 2  # the first resolved state of a subtask
SUBTASK, TASK_CANCELLED = 1, 6  # event codes

# What an operation that ends its segment makes the core function return.
ENDINGS = {
    "return": lambda args: args,
    "exit": lambda args: [0],
    "yield": lambda args: [1],
    "wait": lambda args: [(2 | args[0] << 4) & U32],
    "code": lambda args: args,
}


def func_type(module, description):
    """A FuncType, from its JSON form."""
    params = description.get("params", ["u32"])
    return module.FuncType([module.U32Type() for _ in params], result_type(module, description),
                           async_=description.get("async", False))


def result_type(module, description):
    return [module.U32Type()] if description.get("result") else []


class GuestInstance:
    """A component instance and the guest's half of its state."""

    def __init__(self, case, index, description):
        module = case.spec.module
        parent = description.get("parent")
        self.case = case
        self.index = index
        self.entity = f"instance {index}"
        self.inst = module.ComponentInstance(case.store, None if parent is None else case.instances[parent].inst)
        self.inst.number = index
        self.root = self if parent is None else case.instances[parent].root
        self.registers = [0] * description.get("registers", 8)
        self.memories = [module.MemInst(bytearray(PAGE * memory.get("pages", 1)), memory.get("index", "i32"))
                         for memory in description.get("memories", ())]
        self.canon_descriptions = description.get("canons", ())
        self.canons = {}        # index -> core function; made when first used
        self.post_returns = 0   # entered so far
        self.subtasks = {}      # handle -> state last seen
        self.joined = set()     # handles that were joined to a set
        self.pressure = 0       # backpressure.inc minus backpressure.dec

    def memory(self, index):
        return None if index is None else self.memories[index]

    def core_function(self, index):
        if index not in self.canons:
            self.canons[index] = self.define_canon(self.canon_descriptions[index])
        return self.canons[index]

    def define_canon(self, description):
        """The core function of a canon definition: takes its operands, returns the list of its results."""
        module = self.case.spec.module
        kind = description["canon"]
        memory = self.memory(description.get("memory"))
        cancellable = description.get("cancellable", False)
        match kind:
            case "call":
                return self.lower(description, memory)
            case "context.get" | "context.set":
                function = module.canon_context_get if kind == "context.get" else module.canon_context_set
                return partial(function, "i32", description.get("slot", 0))
            case "task.return":
                options = module.LiftOptions(description.get("encoding", "utf8"), memory)
                result = result_type(module, description)
                return lambda *flat_args: module.canon_task_return(result, options, list(flat_args))
            case "waitable-set.wait":
                return partial(module.canon_waitable_set_wait, cancellable, memory)
            case "waitable-set.poll":
                return partial(module.canon_waitable_set_poll, cancellable, memory)
            case "subtask.cancel":
                return partial(module.canon_subtask_cancel, description.get("async", False))
            case "thread.yield":
                return partial(module.canon_thread_yield, cancellable)
            case _:
                return getattr(module, "canon_" + kind.replace(".", "_").replace("-", "_"))

    def lower(self, description, memory):
        """The core function of a call: takes token and operands."""
        module, case = self.case.spec.module, self.case
        is_async = description.get("async", False)
        if "function" in description:
            callee = case.functions[description["function"]]
        else:
            callee = case.host.functions[description["host-function"]]
        options = module.CanonicalOptions(description.get("encoding", "utf8"), memory, async_=is_async)
        lowered = case.store.lower(callee.func_inst, callee.type, options, self.inst)
        parameters = len(callee.type.params)
        in_memory = is_async and parameters > MAX_FLAT_ASYNC_PARAMS

        def call(token, *operands):
            flat_args = [token, *operands]
            if in_memory:
                self.store_words(memory, flat_args[parameters], flat_args[:parameters])
                flat_args = flat_args[parameters:]
            case.spec.calling = token
            return lowered(flat_args)

        return call

    def store_words(self, memory, address, words):
        if address + 4 * len(words) <= len(memory):
            memory[address:address + 4 * len(words)] = b"".join(word.to_bytes(4, "little") for word in words)

    def load(self, memory, address):
        if address + 4 > len(memory):
            raise self.case.spec.trap("guest.load#1")
        return int.from_bytes(memory[address:address + 4], "little")

    def operand(self, operand):
        return operand if isinstance(operand, int) else self.registers[int(operand[1:])]


class Activation:
    """One run of a script: a function body with its callbacks, or a post-return."""

    def __init__(self, token, thread):
        self.token = token
        self.thread = thread.name
        self.position = 0
        self.callbacks = 0
        self.returned = False
        self.cancelled = False
        self.event = None  # the code of the last one

    def learn_event(self, instance, code, p1, p2):
        self.event = code
        if code == SUBTASK:
            instance.subtasks[p1] = p2
        elif code == TASK_CANCELLED:
            self.cancelled = True


class GuestFunction:
    """A function that an instance lifts, and the interpreter of the scripts that it runs."""

    def __init__(self, case, index, description):
        module = case.spec.module
        self.case = case
        self.index = index
        self.instance = case.instances[description["instance"]]
        self.type = func_type(module, description.get("type", {}))
        self.lift = description.get("lift", "sync")
        self.memory = description.get("memory")
        self.encoding = description.get("encoding", "utf8")
        options = module.CanonicalOptions(
            self.encoding, self.instance.memory(self.memory), async_=self.lift != "sync",
            callback=self.callback if self.lift == "callback" else None,
            post_return=self.post_return if description.get("post-return") else None)
        self.func_inst = case.store.lift(self.body, self.type, options, self.instance.inst)

    # What definitions.py enters.

    def body(self, flat_args):
        thread = self.case.spec.module.current_thread()
        activation = thread.task.activation = Activation(flat_args[0], thread)
        self.enter(activation, "body", 0, flat_args)
        return self.run_script(activation, 0)

    def callback(self, flat_args):
        activation = self.case.spec.module.current_task().activation
        activation.callbacks += 1
        self.enter(activation, "callback", activation.callbacks, flat_args)
        activation.learn_event(self.instance, *flat_args)
        return self.run_script(activation, activation.callbacks)

    def post_return(self, flat_results):
        activation = Activation(0, self.case.spec.module.current_thread())
        self.instance.post_returns += 1
        entry = self.instance.post_returns
        self.enter(activation, "post-return", entry, flat_results)
        return self.run(activation, self.case.entries.get((self.instance.index, entry), ())) or []

    def enter(self, activation, context, entry, args):
        self.case.report.event({"enter": activation.thread, "instance": self.instance.index, "context": context,
                                "function": self.index, "entry": entry, "args": list(args)})

    # Scripts.

    def run_script(self, activation, segment):
        # The token is the one received: a caller may have overwritten it while its call waited to start.
        script = self.case.scripts.get(activation.token)
        segments = script["segments"] if script and script["function"] == self.index else ()
        ops = segments[segment] if segment < len(segments) else self.default_ops(activation)
        results = self.run(activation, ops)
        if results is not None:
            return results
        if self.lift == "sync":
            return [0] if self.type.result else []
        return [0] if self.lift == "callback" else []

    def default_ops(self, activation):
        """What a task does for which the scenario has no script: it returns, or confirms that it is cancelled."""
        if self.lift == "sync" or activation.returned:
            return []
        canons = self.instance.canon_descriptions
        if activation.cancelled:
            for index, canon in enumerate(canons):
                if canon["canon"] == "task.cancel":
                    return [{"op": "task.cancel", "canon": index}]
        index = next(index for index, canon in enumerate(canons) if self.is_its_task_return(canon))
        return [{"op": "task.return", "canon": index, "args": [0] if self.type.result else []}]

    def is_its_task_return(self, canon):
        return (canon["canon"] == "task.return" and bool(canon.get("result")) == bool(self.type.result)
                and canon.get("memory") == self.memory and canon.get("encoding", "utf8") == self.encoding)

    def run(self, activation, ops, round=0):
        """Runs operations in order. What the core function returns; None if none of them said."""
        for op in ops:
            if "if" in op and not self.holds(activation, op["if"]):
                continue
            if op["op"] == "repeat":
                results = self.repeat(activation, op)
            else:
                results = self.run_operation(activation, op, round)
            if results is not None:
                return results
        return None

    def repeat(self, activation, op):
        for round in range(op["times"]):
            results = self.run(activation, op["body"], round)
            if results is not None:
                return results
        return None

    def run_operation(self, activation, op, round):
        """One operation. What the core function returns if this ends it, else None."""
        kind = op["op"]
        token = 0
        if kind == "call":
            token = op["token"] + round
            if token in self.case.used_tokens:
                return None
            self.case.used_tokens.add(token)
        args = [self.instance.operand(operand) for operand in op.get("args", ())]
        self.report_begin(activation, op, token, args)
        if kind in ENDINGS:
            return ENDINGS[kind](args)
        result = self.perform(op, token, args)
        self.case.report.observe({"end": activation.thread, "result": result} if result else {"end": activation.thread})
        value = result[0] if result else 0
        if kind == "call" and self.is_async_call(op):
            self.learn_packed(value)
            value >>= 4
        if "to" in op:
            self.instance.registers[int(op["to"][1:])] = int(value)
        if kind in LEARN:
            LEARN[kind](self.instance, activation, args, result)
        return None

    def report_begin(self, activation, op, token, args):
        event = {"begin": activation.thread, "position": activation.position, "op": op["op"]}
        activation.position += 1
        if op["op"] == "load":
            event["canon"] = op.get("memory", 0)
        elif "canon" in op:
            event["canon"] = op["canon"]
        if token:
            event["token"] = token
        if args:
            event["args"] = args
        self.case.report.begin(event)

    def perform(self, op, token, args):
        """The list of results that `end` reports."""
        match op["op"]:
            case "call":
                return self.instance.core_function(op["canon"])(token, *args)
            case "load":
                return [self.instance.load(self.instance.memories[op.get("memory", 0)], args[0])]
            case "unreachable":
                raise self.case.spec.trap("guest.unreachable#1")
            case "throw":
                raise self.case.spec.module.CoreWebAssemblyException()
            case "waitable-set.wait" | "waitable-set.poll":
                code = self.instance.core_function(op["canon"])(*args)
                memory = self.instance.memory(self.instance.canon_descriptions[op["canon"]]["memory"])
                return code + [self.instance.load(memory, args[1]), self.instance.load(memory, args[1] + 4)]
            case _:
                return self.instance.core_function(op["canon"])(*args)

    def is_async_call(self, op):
        return self.instance.canon_descriptions[op["canon"]].get("async", False)

    def learn_packed(self, packed):
        handle = packed >> 4
        if handle:
            self.instance.subtasks[handle] = packed & 0xf
            self.instance.joined.discard(handle)

    def holds(self, activation, guard):
        words = guard.split()
        wanted = words[0] != "not"
        kind, *operand = words if wanted else words[1:]
        return GUARDS[kind](self.instance, activation, *operand) == wanted


def learn_join(instance, activation, args, result):
    handle, wset = args
    if wset:
        instance.joined.add(handle)
    else:
        instance.joined.discard(handle)


def learn_cancel(instance, activation, args, result):
    if result[0] != BLOCKED:
        instance.subtasks[args[0]] = result[0]


def learn_pressure(change, instance, activation, args, result):
    instance.pressure += change


def learn_yield(instance, activation, args, result):
    if result[0]:
        activation.cancelled = True


def learn_returned(instance, activation, args, result):
    activation.returned = True


def learn_event(instance, activation, args, result):
    activation.learn_event(instance, *result)


def learn_drop(instance, activation, args, result):
    instance.subtasks.pop(args[0], None)
    instance.joined.discard(args[0])


# What the guest knows after an operation that did not trap.
LEARN = {
    "waitable-set.wait": learn_event,
    "waitable-set.poll": learn_event,
    "waitable.join": learn_join,
    "subtask.cancel": learn_cancel,
    "subtask.drop": learn_drop,
    "thread.yield": learn_yield,
    "task.return": learn_returned,
    "task.cancel": learn_returned,
    "backpressure.inc": partial(learn_pressure, 1),
    "backpressure.dec": partial(learn_pressure, -1),
}

GUARDS = {
    "returned": lambda instance, activation: activation.returned,
    "cancelled": lambda instance, activation: activation.cancelled,
    "event": lambda instance, activation, code: activation.event == int(code),
    "resolved": lambda instance, activation, r: instance.subtasks.get(instance.operand(r), 0) >= RESOLVED,
    "live": lambda instance, activation, r: instance.operand(r) in instance.subtasks,
    "joined": lambda instance, activation, r: instance.operand(r) in instance.joined,
    "nonzero": lambda instance, activation, r: instance.operand(r) != 0,
    "pressure": lambda instance, activation: instance.pressure > 0,
}
