#!/usr/bin/env python3
"""The engine that runs the specification itself: python3 diff/peers/definitions.py PATH/TO/definitions.py

It speaks the line protocol of diff/PROTOCOL.md. The flow, from the outside in:

  this file         reads a case, builds it, runs the host's program, answers; decides what the outcome is
  host.py           what the host does: operations of the program, host functions and their scripts
  ends.py           the ends of streams and futures that the host holds
  guest.py          what core code does: entering, scripts, operations
  knowledge.py      what it knows, and the guards that ask for it
  canons.py         the core functions of canon definitions
  values.py         types and values, between JSON and definitions.py
  specification.py  loads definitions.py unmodified; every touch on it is listed there, each with why
  coverage.py       with LOCKSTEP_COVERAGE=FILE in the environment: which parts of definitions.py the cases reach
  report.py         the event stream, and snapshots read from the specification's own objects

A call goes guest.py -> Store.lower -> canon_lower -> Store.lift -> canon_lift -> guest.py, all of it on greenlets.
Nothing here decides what a built-in means: whatever is between `begin` and `end` is the code of definitions.py.

How a case ends. definitions.py raises Trap: the host frame that it reaches reports it, and at the outermost one the case
is over (there is no aftermath: the specification has no store after a trap). definitions.py fails an assertion or any
other way: spec-undefined, at once. An exception of this engine's own is nobody's outcome: traceback, exit status 1.
"""
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import gc
import json
import os
from functools import partial

from coverage import Coverage
from guest import GuestFunction, GuestInstance
from host import Host
from report import Report
from specification import Choices, Specification
from values import Values


class Case:
    """One scenario under one list of choices: the store, the instances in it, and what all of them share."""

    def __init__(self, spec, scenario, choices):
        self.spec = spec
        self.scenario = scenario
        self.store = spec.module.Store()
        self.used_tokens = set()
        self.locked = set()  # root instances that a swallowed trap left entered
        self.scripts = {script["token"]: script for script in scenario.get("scripts", ())}
        self.entries = {
            (e["context"], e["instance"], e["entry"]): e["ops"] for e in scenario.get("entries", ())}
        self.report = Report(self)
        self.choices = Choices(spec, self.report, choices)
        spec.begin_case(self.choices, scenario.get("table-limit", spec.table_limit))
        self.instances = []
        for index, description in enumerate(scenario["instances"]):
            self.instances.append(GuestInstance(self, index, description))
        self.values = Values(spec.module, [
            self.resource_type(index, description) for index, description in enumerate(scenario.get("resources", ()))])
        self.functions = [GuestFunction(self, i, f) for i, f in enumerate(scenario.get("functions", ()))]
        self.host = Host(self)

    def resource_type(self, index, description):
        instance = self.instances[description["instance"]]
        destructor = partial(instance.destructor, index) if description.get("destructor") else None
        resource_type = self.spec.module.ResourceType(instance.inst, destructor)
        resource_type.number = index
        return resource_type

    def run(self):
        """The events of the case. Leaves no greenlet behind."""
        try:
            self.host.run_program()
            self.report.event(self.outcome_at_the_end())
            self.report.memories()
        except self.spec.module.Trap as trap:
            self.report.event({"outcome": "trap", "site": trap.site})
        except Exception as failure:
            site = self.spec.failure_site(failure)
            if site is None:
                raise
            self.report.event({"outcome": "spec-undefined", "site": site})
        self.spec.kill_threads()
        return self.report.events

    def outcome_at_the_end(self):
        blocked = sorted({thread.task.token for thread in self.live_threads()})
        return {"outcome": "stuck", "blocked": blocked} if blocked else {"outcome": "done"}

    def live_threads(self):
        """Those outside locked roots, in order of creation."""
        threads = self.spec.live_threads
        if not self.locked:
            return list(threads)
        locked = {instance.inst for instance in self.instances if instance.root in self.locked}
        return [thread for thread in threads if thread.task.inst not in locked]


# In coverage mode: each so many cases what was reached is written, and one is run on OS threads too.
WRITE_EVERY, OS_THREADS_EVERY = 500, 20


def run_on_os_threads(spec, request, events):
    """The same case once more, with the stack switching of definitions.py itself, if it can: nothing is left blocked and
    nothing has trapped."""
    if {"outcome": "done"} not in events or any("trapped" in event for event in events):
        return
    with spec.with_os_threads():
        again = Case(spec, request["scenario"], request.get("choices", ())).run()
    if again != events:
        raise AssertionError(f"case {request['case']}: other events on OS threads than on greenlets")


def main():
    coverage_file = os.environ.get("LOCKSTEP_COVERAGE")
    spec = Specification(sys.argv[1], mark=Coverage if coverage_file else None)
    gc.freeze()
    hello = {"lockstep": "1", "name": "definitions.py", "capabilities": ["choices", "snapshot"], "sha256": spec.sha256}
    print(json.dumps(hello), flush=True)
    for count, line in enumerate(sys.stdin, 1):
        request = json.loads(line)
        events = Case(spec, request["scenario"], request.get("choices", ())).run()
        if coverage_file and count % OS_THREADS_EVERY == 0:
            run_on_os_threads(spec, request, events)
        print(json.dumps({"case": request["case"], "events": events}, separators=(",", ":")), flush=True)
        if coverage_file and count % WRITE_EVERY == 0:
            spec.coverage.write(coverage_file)
    if coverage_file:
        spec.coverage.write(coverage_file)


if __name__ == "__main__":
    main()
