#!/usr/bin/python3
"""An example for whoever wants to plug in an engine: ./lockstep run --against "exec:python3 diff/peers/example_engine.py"

It runs, by itself, the part of the Component Model in which nothing ever waits: synchronous calls between instances,
context slots, the backpressure counter, waitable sets as table entries, host functions that return at once. Whatever
else a scenario does is answered "unsupported", and lockstep counts the case as skipped. All rules are in
diff/PROTOCOL.md; a method here is named after the paragraph that it follows. An engine of your own would put calls
into your runtime where this one has `Instance` and `enter`.
"""
import json
import sys


TABLE_LIMIT = 2**28 - 1


class Unsupported(Exception):
    """The scenario does something that this engine lacks."""


class Trap(Exception):
    """A trap; its text is the site, a name from `./lockstep list traps`."""


class Instance:
    """A component instance, and what its core code holds. Memories are sizes: nothing here writes to them."""

    def __init__(self, description, instances):
        parent = description.get("parent")
        self.ancestors = {self} if parent is None else {self} | instances[parent].ancestors
        self.registers = [0] * description.get("registers", 8)
        self.memories = [65536 * memory.get("pages", 1) for memory in description.get("memories", [])]
        self.canons = description.get("canons", [])
        self.may_enter = True
        self.backpressure = 0
        self.handles = [None]  # a table: indices start at 1, and the one freed last is given next
        self.free = []


class Case:
    def __init__(self, scenario):
        self.scenario = scenario
        self.scripts = {script["token"]: script for script in scenario.get("scripts", [])}
        self.host_calls = {call["token"]: call["on-call"] for call in scenario.get("host-calls", [])}
        self.instances = []
        for description in scenario["instances"]:
            self.instances.append(Instance(description, self.instances))
        self.used_tokens = set()
        self.events = []
        self.check()

    def check(self):
        """What the rest of this engine takes for granted."""
        if self.scenario.get("table-limit", TABLE_LIMIT) < TABLE_LIMIT:
            raise Unsupported("table-limit")
        for function in self.scenario.get("functions", []) + self.scenario.get("host-functions", []):
            for value_type in [*function["type"].get("params", []), function["type"].get("result") or "u32"]:
                if value_type != "u32":
                    raise Unsupported(json.dumps(value_type))
        for instance in self.scenario["instances"]:
            if instance.get("start"):
                raise Unsupported("start")
            if any(canon.get("index") == "i64" for canon in instance.get("canons", [])):
                raise Unsupported("i64")

    def report(self, **event):
        """Field names have hyphens in JSON. The first field names the kind of event."""
        self.events.append({name.rstrip("_").replace("_", "-"): value for name, value in event.items()})

    def run(self):
        try:
            for op in [*self.scenario.get("program", []), {"op": "run"}]:
                self.host_operation(op)
            self.report(outcome="done")
        except Trap as trap:
            self.report(trapped=str(trap))
            self.report(outcome="trap", site=str(trap))
        return self.events

    def host_operation(self, op):
        fields = {name: op[name] for name in ("function", "token", "args") if name in op}
        self.report(host_begin=0, op=op["op"], **fields)
        match op["op"]:
            case "invoke":
                result = self.invoke(**fields)
            case "tick":
                result = 0  # there is never a thread that waits
            case "run":
                self.report(back=0)
                result = 0
            case other:
                raise Unsupported(other)
        self.report(host_end=0, result=[result])

    def invoke(self, function, token, args=()):
        if token in self.used_tokens:
            return 0
        self.used_tokens.add(token)
        result = self.call(function, [token, *args], caller=None)
        self.report(resolved=token, result=result)
        return 1

    def call(self, index, args, caller):
        """canon_lift and canon_lower between them: enters the callee's instance and those around it, and leaves."""
        function = self.scenario["functions"][index]
        if function["type"].get("async") or function.get("post-return"):
            raise Unsupported("async" if function["type"].get("async") else "post-return")
        instance = self.instances[function["instance"]]
        entering = instance.ancestors - (caller.ancestors if caller else set())
        if not all(each.may_enter for each in entering):
            raise Trap("Store.lift.func_inst#1")
        for each in entering:
            each.may_enter = False
        if caller is None:
            self.report(started=args[0])
        result = Activation(self, instance, index, args).run()
        for each in entering:
            each.may_enter = True
        return result if function["type"].get("result") else []

    def call_host_function(self, index, args, thread):
        function_type = self.scenario["host-functions"][index]["type"]
        token, *others = args
        self.report(host_call=thread, function=index, token=token, args=others)
        *before, last = self.host_calls.get(token, [{"op": "return"}])
        if before or (last["op"] == "block" and function_type.get("async")):
            raise Unsupported("a host function that does more than return")
        result = (last.get("args") or [0]) if function_type.get("result") else []
        self.report(host_result=token, result=result)
        return result


class Activation:
    """One run of a function body; the thread that runs it."""

    def __init__(self, case, instance, function, args):
        self.case = case
        self.instance = instance
        self.token = args[0]
        self.thread = f"{self.token}.0"
        self.slots = [0, 0]
        self.position = 0
        self.script = case.scripts.get(self.token)
        if self.script and self.script["function"] != function:
            self.script = None
        case.report(enter=self.thread, instance=case.instances.index(instance), context="body", function=function, args=args)

    def run(self):
        """The flat result of the function: what `return` gives, else 0."""
        result = self.run_ops(self.script["segments"][0] if self.script and self.script["segments"] else [], 0)
        return [0] if result is None else result

    def run_ops(self, ops, round):
        for op in ops:
            if "if" in op and not self.holds(op["if"]):
                continue
            if op["op"] == "repeat":
                results = (self.run_ops(op["body"], i) for i in range(op["times"]))
                result = next((result for result in results if result is not None), None)
            else:
                result = self.operation(op, round)
            if result is not None:
                return result
        return None

    def holds(self, guard):
        """Guards about events, subtasks and tasks that return never hold where there are none."""
        words = guard.split()
        negated = words[0] == "not"
        kind = words[1] if negated else words[0]
        holds = (kind == "nonzero" and self.value(words[-1]) != 0) or (kind == "pressure" and self.instance.backpressure > 0)
        return holds != negated

    def value(self, operand):
        return self.instance.registers[int(operand[1:])] if isinstance(operand, str) else operand

    def operation(self, op, round):
        """Begin, perform, end. The result of the function if the operation ends it."""
        token = op["token"] + round if op["op"] == "call" else 0
        if token in self.case.used_tokens:
            return None
        if token:
            self.case.used_tokens.add(token)
        args = [self.value(operand) for operand in op.get("args", [])]
        canon = {"canon": op["canon"]} if "canon" in op else {"canon": op["memory"]} if op["op"] == "load" else {}
        self.case.report(begin=self.thread, position=self.position, op=op["op"], **canon, token=token, args=args)
        self.position += 1
        if op["op"] == "return":
            return args
        result = self.perform(op, token, args)
        self.case.report(end=self.thread, result=result)
        if "to" in op:
            self.instance.registers[int(op["to"][1:])] = result[0]
        return None

    def perform(self, op, token, args):
        instance = self.instance
        canon = instance.canons[op["canon"]] if "canon" in op else None
        match op["op"]:
            case "call" if canon.get("async"):
                raise Unsupported("an async call")
            case "call" if "function" in canon:
                return self.case.call(canon["function"], [token, *args], instance)
            case "call":
                return self.case.call_host_function(canon["host-function"], [token, *args], self.thread)
            case "context.get":
                return [self.slots[canon["slot"]]]
            case "context.set":
                self.slots[canon["slot"]] = args[0]
            case "backpressure.inc":
                instance.backpressure += 1
                if instance.backpressure == 2**16:
                    raise Trap("canon_backpressure_inc#1")
            case "backpressure.dec":
                instance.backpressure -= 1
                if instance.backpressure < 0:
                    raise Trap("canon_backpressure_dec#1")
            case "waitable-set.new":
                index = instance.free.pop() if instance.free else len(instance.handles)
                instance.handles[index:index + 1] = ["waitable set"]
                return [index]
            case "waitable-set.drop":
                if args[0] >= len(instance.handles):
                    raise Trap("Table.get#1")
                if instance.handles[args[0]] is None:
                    raise Trap("Table.get#2")
                instance.handles[args[0]] = None
                instance.free.append(args[0])
            case "load":
                if args[0] + 4 > instance.memories[op["memory"]]:
                    raise Trap("guest.load#1")
                return [0]
            case "unreachable":
                raise Trap("guest.unreachable#1")
            case other:
                raise Unsupported(other)
        return []


def main():
    # No "snapshot": state is not reported. "choices" may be claimed, because where nothing waits nothing is chosen.
    print(json.dumps({"lockstep": "1", "name": "example", "capabilities": ["choices"]}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = {"case": request["case"]}
        try:
            answer["events"] = Case(request["scenario"]).run()
        except Unsupported as what:
            answer["unsupported"] = str(what)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
