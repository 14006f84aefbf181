"""The host: the operations of the program, the functions that guests import from it, and the calls that it makes.
The ends of streams and futures that it holds are in ends.py.

The rules, in the same words, are in diff/PROTOCOL.md, "What the host does".
"""
from ends import Ends

RETURN_NOW = {"on-call": [{"op": "return"}]}


class Host:
    def __init__(self, case):
        self.case = case
        self.report = case.report
        self.functions = [HostFunction(self, i, f) for i, f in enumerate(case.scenario.get("host-functions", ()))]
        self.scripts = {script["token"]: script for script in case.scenario.get("host-calls", ())}
        self.invocations = {}  # token -> Invocation: calls that the host made
        self.calls = {}        # token -> HostCall: calls of host functions
        self.ends = Ends(case)

    def run_program(self):
        for instance in self.start_order():
            self.run_operation(0, {"op": "instantiate", "function": instance.index})
        for op in self.case.scenario.get("program", ()):
            self.run_operation(0, op)
        self.run_operation(0, {"op": "run"})

    def start_order(self):
        """Instances with a start function: roots in order, children before their parent."""
        def below(instance):
            for child in self.case.instances:
                if child.parent is instance:
                    yield from below(child)
            if instance is not None and instance.start_inst:
                yield instance
        return below(None)

    def run_operation(self, during, op):
        self.report_begin(during, op)
        # Only an invoke inside a host function can go on after a trap.
        swallows = during != 0 and op.get("swallow", False)
        if swallows:
            mark = self.case.spec.mark(self.case.store)
            enterable = self.enterable_roots()
        try:
            result = self.perform(op)
        except self.case.spec.module.Trap as trap:
            self.report.event({"trapped": trap.site})
            if not swallows:
                raise
            self.case.spec.recover(self.case.store, mark)
            self.case.locked |= enterable - self.enterable_roots()
            result = [2]
        event = {"host-end": during}
        if result:
            event["result"] = result
        self.report.observe(event)

    def report_begin(self, during, op):
        event = {"host-begin": during, "op": op["op"]}
        for field in ("function", "token", "end", "count", "args"):
            if field in op:
                event[field] = op[field]
        self.report.event(event)

    def enterable_roots(self):
        stuck = {instance.root for instance in self.case.instances
                 if not instance.inst.may_leave or (instance.root is instance and not instance.inst.may_enter)}
        return {instance for instance in self.case.instances if instance.root is instance} - stuck

    def perform(self, op):
        """What `host-end` reports."""
        match op["op"]:
            case "invoke":
                return [self.invoke(op["function"], op["token"], op.get("args", []))]
            case "tick":
                return [self.tick()]
            case "run":
                return [self.run()]
            case "resolve" | "confirm":
                call = self.calls.get(op["token"])
                is_confirm = op["op"] == "confirm"
                if call is None or not call.pending or is_confirm and not call.asked_to_cancel:
                    return [0]
                given = self.ends.give(op.get("args", ()))
                if given is None:
                    return [0]
                call.resolve(None if is_confirm else call.read_results(call.results(op), given))
                return [1]
            case "cancel":
                invocation = self.invocations.get(op["token"])
                return [1 if invocation and invocation.cancel() else 0]
            case "drop":
                invocation = self.invocations.get(op["token"])
                return [1 if invocation and invocation.drop() else 0]
            case "call-stack":
                return []  # definitions.py has no task tree
            case "new-stream" | "new-future":
                if op["token"] in self.case.used_tokens:
                    return [0]
                self.case.used_tokens.add(op["token"])
                self.ends.make(op["token"], op["op"] == "new-future", self.case.values.type(op.get("element")))
                return [1]
            case "read":
                return [1 if self.ends.read(op["end"], op.get("count", 0), op["token"]) else 0]
            case "write":
                return [1 if self.ends.write(op["end"], op.get("args", [])) else 0]
            case "cancel-copy":
                return [1 if self.ends.cancel_copy(op["end"]) else 0]
            case "drop-end":
                return [1 if self.ends.drop(op["end"]) else 0]
            case "instantiate":
                self.case.instances[op["function"]].run_start_function()
                return [1]

    def invoke(self, function, token, args):
        if token in self.case.used_tokens:
            return 0
        given = self.ends.give(args)
        if given is None:
            return 0
        self.case.used_tokens.add(token)
        callee = self.case.functions[function]
        _, *types = callee.type.param_types()
        values = [self.case.values.read(t, value, given.__getitem__) for t, value in zip(types, args)]
        invocation = Invocation(self, token, values, callee.type.result_type())
        self.case.spec.calling = token
        invocation.on_cancel = self.case.store.invoke(
            callee.func_inst, invocation.on_start, invocation.on_resolve)
        self.invocations[token] = invocation
        return 1

    def show(self, types, values, token):
        """Values that the host receives with this token, in JSON."""
        name = self.ends.name_for(token)
        return [self.case.values.show(t, value, name) for t, value in zip(types, values)]

    def tick(self):
        self.case.choices.ticked = False
        self.case.store.tick()
        return 1 if self.case.choices.ticked else 0

    def run(self):
        ticks = 0
        while True:
            ran = self.tick()
            self.report.observe({"back": ran})
            if not ran:
                return ticks
            ticks += 1


class Invocation:
    """A call that the host made; among the host's invocations once Store.invoke came back."""

    def __init__(self, host, token, args, result_type):
        self.host = host
        self.token = token
        self.args = args
        self.result_type = result_type
        self.resolved = self.dropped = self.cancelled = False

    def on_start(self):
        self.host.report.event({"started": self.token})
        return [self.token, *self.args]

    def on_resolve(self, result):
        self.resolved = True
        shown = result and self.host.show(self.result_type, result, self.token)  # names ends, also for nobody to see
        if self.dropped:
            return
        event = {"resolved": self.token}
        if result is None:
            event["cancelled"] = 1
        elif result:
            event["result"] = shown
        self.host.report.event(event)

    def cancel(self):
        if self.resolved or self.dropped or self.cancelled:
            return False
        self.cancelled = True
        self.on_cancel(None)
        return True

    def drop(self):
        was_dropped, self.dropped = self.dropped, True
        return not was_dropped


class HostFunction:
    """A host function, in the shape of FuncInst: what it does in a call is that call's script, by token."""

    def __init__(self, host, index, description):
        self.host = host
        self.index = index
        self.type = host.case.values.func_type(description.get("type", {}))

    def func_inst(self, on_start, on_resolve, caller):
        token, *args = on_start()
        _, *types = self.type.param_types()
        thread = self.host.case.spec.module.current_thread()
        event = {"host-call": thread.name, "function": self.index, "token": token}
        if args:
            event["args"] = self.host.show(types, args, token)
        self.host.report.event(event)
        call = HostCall(self, token, on_resolve)
        if token in self.host.calls:
            # A guest sent this token before; a call must be known by its token, so this one ends at once.
            call.script = RETURN_NOW
        else:
            self.host.calls[token] = call
        call.run()
        return call.on_cancel


class HostCall:
    """One call of a host function."""

    def __init__(self, function, token, on_resolve):
        self.host = function.host
        self.type = function.type
        self.token = token
        self.on_resolve = on_resolve
        self.script = self.host.scripts.get(token, RETURN_NOW)
        self.pending = False  # blocked and not resolved
        self.asked_to_cancel = False

    def run(self):
        *before, last = self.script["on-call"]
        for op in before:
            self.host.run_operation(self.token, op)
        if last["op"] == "block" and self.type.async_:
            self.host.report.event({"host-result": self.token, "blocked": 1})
            self.pending = True
        else:
            result = self.results(last)
            self.host.report.event({"host-result": self.token, "result": result})
            self.resolve(self.read_results(result, {}))

    def results(self, op):
        """The result that a `return` or `resolve` gives, in JSON, if the type has one.

        Zero if it names none, or one of another type: a guest can send a token to another host function.
        """
        values = self.host.case.values
        given = op.get("args", ())
        return [given[0] if given and values.fits(t, given[0]) else values.zero(t) for t in self.type.result_type()]

    def read_results(self, results, given):
        read = self.host.case.values.read
        return [read(t, value, given.__getitem__) for t, value in zip(self.type.result_type(), results)]

    def resolve(self, result):
        """Finishes the call; a result of None confirms that it was cancelled."""
        self.pending = False
        self.on_resolve(result)

    def on_cancel(self, caller):
        self.host.report.event({"host-cancel": self.token})
        self.asked_to_cancel = True
        if not self.pending:
            return  # its end was reported already, though a trap kept the guest from seeing it
        match self.script.get("on-cancel", "now"):
            case "now":
                self.resolve(None)
            case "return":
                value = {"args": [self.script["cancel-value"]]} if "cancel-value" in self.script else {}
                self.resolve(self.read_results(self.results(value), {}))
