"""The core code of the guests: what an engine's instances do where a real one would run Wasm.

A `GuestInstance` has what the code of one instance shares: registers, memories, tables, canon definitions, what it
knows (knowledge.py); and the core functions that belong to the instance alone. A `GuestFunction` is what definitions.py
enters for a lifted function (body, callback, post-return). All of them run scripts of the scenario, and an `Activation`
is one such run. The rules, in the same words, are in diff/PROTOCOL.md, "What guest code does".
"""
from functools import cached_property

import canons
import knowledge
from knowledge import InstanceKnowledge, TaskKnowledge
from specification import DESTRUCTOR, START, entry_of_task
from values import U32, cores

PAGE = 65536
FIRST_ALLOCATION, END_OF_ALLOCATIONS = 1 << 15, 1 << 16  # what guests without a script for their realloc hand out

# What an operation that ends its segment makes the core function return.
ENDINGS = {
    "return": lambda args: args,
    "exit": lambda args: [0],
    "yield": lambda args: [1],
    "wait": lambda args: [(2 | args[0] << 4) & U32],
    "code": lambda args: [args[0] & U32],
}


class GuestInstance:
    """A component instance and the guest's half of its state."""

    def __init__(self, case, index, description):
        module = case.spec.module
        parent = description.get("parent")
        self.case = case
        self.index = index
        self.entity = f"instance {index}"
        self.parent = None if parent is None else case.instances[parent]
        self.root = self.parent.root if self.parent else self
        self.inst = module.ComponentInstance(case.store, self.parent and self.parent.inst)
        self.inst.number = index
        self.registers = [0] * description.get("registers", 8)
        self.memories = [module.MemInst(bytearray(PAGE * memory.get("pages", 1)), memory.get("index", "i32"))
                         for memory in description.get("memories", ())]
        self.pins = [memoryview(memory.bytes) for memory in self.memories]  # while there is one, nobody can resize it
        self.table_descriptions = description.get("tables", ())
        self.tables = {}        # index -> Table; made when first used
        self.canon_descriptions = description.get("canons", ())
        self.canons = {}        # index -> core function; made when first used
        self.knows = InstanceKnowledge()
        self.post_returns = 0   # entered so far
        self.next_allocation = FIRST_ALLOCATION
        self.start_inst = None
        if description.get("start"):
            self.start_inst = case.store.lift(
                self.start, module.FuncType([], []), module.CanonicalOptions(), self.inst)

    def memory(self, index):
        return None if index is None else self.memories[index]

    def table(self, index):
        """A table of core functions that threads begin with; its first entry has index 0."""
        if index not in self.tables:
            module = self.case.spec.module
            self.tables[index] = table = module.Table()
            table.array = [
                entry and module.CoreFuncRef(module.CoreFuncType([entry], []), lambda args: self.thread(index, args))
                for entry in self.table_descriptions[index]]
        return self.tables[index]

    def core_function(self, index):
        if index not in self.canons:
            self.canons[index] = canons.core_function(self, self.canon_descriptions[index])
        return self.canons[index]

    def load(self, memory, address):
        if address + 4 > len(memory):
            raise self.case.spec.trap("guest.load#1")
        return int.from_bytes(memory[address:address + 4], "little")

    def store(self, memory, address, value):
        if address + 4 > len(memory):
            raise self.case.spec.trap("guest.store#1")
        memory[address:address + 4] = (value & U32).to_bytes(4, "little")

    # What definitions.py enters.

    def realloc(self, args):
        results = self.run_alone("realloc", None, self.named_entry(), args)
        if results is not None:
            return results or [0]
        alignment, size = max(args[2], 1), args[3]
        pointer = (self.next_allocation + alignment - 1) // alignment * alignment
        if pointer + size > END_OF_ALLOCATIONS:
            pointer = FIRST_ALLOCATION
        self.next_allocation = pointer + size
        return [pointer]

    def destructor(self, resource, args):
        self.run_alone("destructor", resource, self.named_entry(), args, script=args[0])
        return []

    def start(self, args):
        self.run_alone("start", None, self.named_entry(), args)
        return []

    def post_return(self, function, args):
        self.post_returns += 1
        self.run_alone("post-return", function, self.post_returns, args)
        return []

    def thread(self, table, args):
        task = self.case.spec.module.current_task()
        self.run_alone("thread", table, 0, args, script=args[0] & U32, knows=task_knowledge(task))
        return []

    def named_entry(self):
        return entry_of_task(self.case.spec.module.current_task().token)

    def run_alone(self, context, function, entry, args, script=None, knows=None):
        """Runs code that has an activation of its own. `script` is the entry of its script, if it is another one."""
        activation = Activation(self, self.case.spec.module.current_thread(), knows or TaskKnowledge())
        activation.enter(context, function, entry, args)
        return activation.run(self.case.entries.get((context, self.index, entry if script is None else script), ()))

    def run_start_function(self):
        self.case.spec.name_next_task(START, self.inst)
        self.case.store.invoke(self.start_inst, lambda: [], lambda result: None)


def task_knowledge(task):
    if task.knowledge is None:
        task.knowledge = TaskKnowledge()
    return task.knowledge


class Activation:
    """One run of a script: a function body with its callbacks, or any other core function."""

    def __init__(self, instance, thread, knows):
        self.instance = instance
        self.case = instance.case
        self.thread = thread.name
        self.task = knows
        self.token = 0
        self.position = 0
        self.callbacks = 0
        self.event = None  # the code of the last one
        self.args = ()     # core parameters

    def enter(self, context, function, entry, args):
        self.args = args
        event = {"enter": self.thread, "instance": self.instance.index, "context": context}
        if function is not None:
            event["function"] = function
        event["entry"] = entry
        event["args"] = cores(args)
        self.case.report.event(event)

    def run(self, ops, round=0):
        """Runs operations in order. What the core function returns; None if none of them said."""
        for op in ops:
            if "if" in op and not knowledge.holds(self, op["if"]):
                continue
            if op["op"] == "repeat":
                results = self.repeat(op)
            else:
                results = self.run_operation(op, round)
            if results is not None:
                return results
        return None

    def repeat(self, op):
        for round in range(op["times"]):
            results = self.run(op["body"], round)
            if results is not None:
                return results
        return None

    def run_operation(self, op, round):
        """One operation. What the core function returns if this ends it, else None."""
        kind = op["op"]
        token = 0
        if kind == "call":
            token = op["token"] + round
            if token in self.case.used_tokens:
                return None
            self.case.used_tokens.add(token)
        args = [self.operand(operand) for operand in op.get("args", ())]
        self.report_begin(op, token, args)
        if kind in ENDINGS:
            return ENDINGS[kind](args)
        if kind in knowledge.RESUMES:
            self.instance.knows.suspended.discard(args[0])
        result = self.perform(op, token, args)
        self.case.report.end({"end": self.thread, "result": cores(result)} if result else {"end": self.thread})
        value = result[0] if result else 0
        if kind == "call" and self.is_async_call(op):
            self.instance.knows.learn_call(value)
            value >>= 4
        elif kind in knowledge.LEARN:
            knowledge.LEARN[kind](self, args, result)
        if "to" in op:
            self.instance.registers[int(op["to"][1:])] = value & U32
        if "also" in op:
            self.instance.registers[int(op["also"][1:])] = result[1]
        return None

    def operand(self, operand):
        """A number, a register, or a number of 2^32 and more in hexadecimal."""
        if isinstance(operand, int):
            return operand
        return self.instance.registers[int(operand[1:])] if operand[0] == "r" else int(operand, 16)

    def report_begin(self, op, token, args):
        event = {"begin": self.thread, "position": self.position, "op": op["op"]}
        self.position += 1
        if op["op"] in ("load", "store"):
            event["canon"] = op.get("memory", 0)
        elif "canon" in op:
            event["canon"] = op["canon"]
        if token:
            event["token"] = token
        if args:
            event["args"] = cores(args)
        self.case.report.begin(event)

    def perform(self, op, token, args):
        """The list of results that `end` reports."""
        instance = self.instance
        match op["op"]:
            case "call":
                return instance.core_function(op["canon"])(token, *args)
            case "load":
                return [instance.load(instance.memories[op.get("memory", 0)], args[0])]
            case "store":
                instance.store(instance.memories[op.get("memory", 0)], *args)
                return []
            case "param":
                # A script for the n-th post-return may meet one of a function with fewer results.
                return [self.args[args[0]] if args[0] < len(self.args) else 0]
            case "unreachable":
                raise self.case.spec.trap("guest.unreachable#1")
            case "throw":
                raise self.case.spec.module.CoreWebAssemblyException()
            case "waitable-set.wait" | "waitable-set.poll":
                code = instance.core_function(op["canon"])(*args)
                memory = instance.memory(instance.canon_descriptions[op["canon"]]["memory"])
                return code + [instance.load(memory, args[1]), instance.load(memory, args[1] + 4)]
            case _:
                return instance.core_function(op["canon"])(*args)

    def is_async_call(self, op):
        return self.instance.canon_descriptions[op["canon"]].get("async", False)


class GuestFunction:
    """A function that an instance lifts."""

    def __init__(self, case, index, description):
        module = case.spec.module
        self.case = case
        self.index = index
        self.description = description
        self.instance = case.instances[description["instance"]]
        type_description = description.get("type", {})
        self.type = case.values.func_type(type_description)
        self.result = type_description.get("result")
        self.lift = description.get("lift", "sync")
        options = module.CanonicalOptions(
            **canons.realloc_options(self.instance, description), async_=self.lift != "sync",
            callback=self.callback if self.lift == "callback" else None,
            post_return=self.post_return if description.get("post-return") else None)
        self.options = options
        self.func_inst = case.store.lift(self.body, self.type, options, self.instance.inst)

    @cached_property
    def params_in_memory(self):
        flat_types = self.case.spec.module.flatten_types(self.type.param_types(), self.options)
        return len(flat_types) > canons.MAX_FLAT_PARAMS

    # What definitions.py enters.

    def body(self, flat_args):
        thread = self.case.spec.module.current_thread()
        activation = thread.task.activation = Activation(self.instance, thread, task_knowledge(thread.task))
        # The token is the one received: a caller may have overwritten it while its call waited to start.
        activation.token = flat_args[0]
        if self.params_in_memory:
            activation.token = self.instance.load(self.instance.memories[self.description["memory"]], flat_args[0])
        activation.enter("body", self.index, 0, flat_args)
        return self.run_segment(activation, 0)

    def callback(self, event):
        activation = self.case.spec.module.current_task().activation
        activation.callbacks += 1
        activation.enter("callback", self.index, activation.callbacks, event)
        knowledge.learn_event(activation, *event)
        return self.run_segment(activation, activation.callbacks)

    def post_return(self, flat_results):
        return self.instance.post_return(self.index, flat_results)

    def run_segment(self, activation, segment):
        script = self.case.scripts.get(activation.token)
        segments = script["segments"] if script and script["function"] == self.index else ()
        ops = segments[segment] if segment < len(segments) else self.default_ops(activation)
        results = activation.run(ops)
        if results is not None:
            return results
        if self.lift == "sync":
            return [] if self.result is None else [0]
        return [0] if self.lift == "callback" else []

    def default_ops(self, activation):
        """What a task does for which the scenario has no script: it returns, or confirms that it is cancelled."""
        if self.lift == "sync" or activation.task.returned:
            return []
        descriptions = self.instance.canon_descriptions
        if activation.task.cancelled:
            for index, canon in enumerate(descriptions):
                if canon["canon"] == "task.cancel":
                    return [{"op": "task.cancel", "canon": index}]
        index = next(index for index, canon in enumerate(descriptions) if self.is_its_task_return(canon))
        return [{"op": "task.return", "canon": index, "args": [0] * self.returned_values(descriptions[index])}]

    def is_its_task_return(self, canon):
        mine = self.description
        return (canon["canon"] == "task.return" and canon.get("result") == self.result
                and canon.get("memory") == mine.get("memory")
                and canon.get("encoding", "utf8") == mine.get("encoding", "utf8"))

    def returned_values(self, canon):
        """How many core values this task.return takes."""
        options = canons.lift_lower_options(self.instance, canon)
        values = len(self.case.spec.module.flatten_types(self.type.result_type(), options))
        return 1 if values > canons.MAX_FLAT_PARAMS else values
