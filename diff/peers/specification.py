"""definitions.py of the specification, loaded unmodified, and everything that is touched in it from outside:

  random                    `Choices`: each nondeterministic line asks for a recorded choice instead of a die
  cont_new, resume, block   greenlets instead of OS threads: several times faster, and with OS threads a trap would kill
                            the thread that holds the handler's lock and hang everything
  trap, trap_if             the same, but the exception carries its site, "qualified function#ordinal"
  Thread.__init__           gives the thread its id (token, k) and enters it among the live threads
  Task.__init__             gives the task the token of the call that makes it: a task that waits at the backpressure gate
                            has no arguments yet, so `calling` is set just before the call
  Subtask.__init__          the same for subtasks
  LiftLowerContext          `reallocate` names the task that it is about to make: no call operation names it
    .reallocate
  Store.lift                names the task of a destructor, which canon_resource_drop is about to make with it
  Table.MAX_LENGTH          is the scenario's table-limit
  host_defined_             is missing in definitions.py, where canon_error_context_new calls it: the identity
    transformation
  new attributes            thread.id, thread.name, thread.entity, task.token, task.entity, task.threads_made,
                            task.knowledge, task.activation, subtask.call, instance.number, resource_type.number,
                            trap.site: what the objects are called in events, and what guests know; nothing in
                            definitions.py reads them
  thread_local_handler      its value is set by `resume`, and restored where a host function swallows a trap
  Store.nesting_depth       restored there too (`mark` and `recover`)
  __reached__, and marks    in coverage mode only (coverage.py); then `with_os_threads` gives a case that ran to its end
                            the functions of definitions.py itself back, so that they run too

DETERMINISTIC_PROFILE stays False. Memories are bytearrays that cannot be resized (guest.py), so that a write outside of
them, which canon_error_context_debug_message does not check, is an exception and not a larger memory.
"""
import ast
import hashlib
import sys
import types
from collections import Counter
from contextlib import contextmanager

from greenlet import getcurrent, greenlet

NO_THREAD = "0.0"

# Tasks that no call names are called by where they run and how many of them were named there before.
REALLOC, DESTRUCTOR, START = range(3)


def entry_of_task(token):
    """Which of them in its instance, counted from 1."""
    return token & 0xfffff


class Specification:
    """The loaded module, and the state that the touches share during a case."""

    def __init__(self, path, mark=None):
        """`mark`, if there is one, is given the syntax tree and gives the Coverage of it."""
        with open(path, "rb") as file:
            source = file.read()
        self.path = path
        self.sha256 = hashlib.sha256(source).hexdigest()
        self.trap_sites, self.assert_sites = sites_by_line(ast.parse(source))
        self.module = types.ModuleType("specification_module")
        sys.modules[self.module.__name__] = self.module  # where dataclasses look it up
        tree = ast.parse(source)
        self.coverage = None
        if mark:
            self.coverage = mark(tree)
            self.module.__reached__ = self.coverage.reached
        exec(compile(tree, path, "exec", dont_inherit=True), vars(self.module))
        self.table_limit = self.module.Table.MAX_LENGTH
        self.calling = 0         # token of the call being made
        self.named = Counter()   # (REALLOC, DESTRUCTOR or START, number of instance) -> tasks named so far
        self.live_threads = {}   # Thread -> None, in order of creation, until its function returns
        self.touch_traps()
        self.touch_stack_switching()
        self.touch_ids()
        self.touch_names()
        self.module.host_defined_transformation = lambda string: string
        self.make_align_to_exact()
        sys.setrecursionlimit(1_000_000)

    def make_align_to_exact(self):
        """align_to divides as floating-point numbers, which rounds from 2^53 on (traces/spec-findings, 10)."""
        align_to = self.module.align_to
        self.module.align_to = lambda ptr, alignment: (
            align_to(ptr, alignment) if ptr < 1 << 53 else -(-ptr // alignment) * alignment
        )

    def begin_case(self, choices, table_limit):
        self.module.random = choices
        self.module.Table.MAX_LENGTH = table_limit
        self.named.clear()
        self.module.thread_local_handler.value = None
        self.live_threads.clear()

    def kill_threads(self):
        """Ends what is still blocked. Nothing catches GreenletExit on its way, so nothing is run or reported."""
        for thread in self.live_threads:
            if thread.cont is not None:
                thread.cont.parent = getcurrent()
                thread.cont.throw()

    def trap(self, site):
        trap = self.module.Trap()
        trap.site = site
        return trap

    def failure_site(self, failure):
        """The site of an exception that definitions.py itself raised; None if it was not raised there.

        An assertion is "assert:function#ordinal"; any other exception, such as calling None, has ordinal 0.
        """
        if isinstance(failure, (RecursionError, MemoryError)):
            return None
        at = failure.__traceback__
        # A failed access to memory is where it is asked for, not in a method of MemInst.
        while at.tb_next is not None and not at.tb_next.tb_frame.f_code.co_qualname.startswith("MemInst."):
            at = at.tb_next
        code = at.tb_frame.f_code
        if code.co_filename != self.path:
            return None
        if isinstance(failure, AssertionError):
            return "assert:" + self.assert_sites[at.tb_lineno]
        return "assert:" + code.co_qualname.replace(".<locals>", "") + "#0"

    def mark(self, store):
        """What `recover` needs to go on in a host function after a trap."""
        return store.nesting_depth, self.module.thread_local_handler.value

    def recover(self, store, mark):
        store.nesting_depth, self.module.thread_local_handler.value = mark

    def touch_traps(self):
        def trap_at(line):
            site = self.trap_sites[line]
            if self.coverage:
                self.coverage.trapped(site)
            raise self.trap(site)

        def trap():
            trap_at(sys._getframe(1).f_lineno)

        def trap_if(cond):
            if cond:
                trap_at(sys._getframe(1).f_lineno)

        self.module.trap = trap
        self.module.trap_if = trap_if

    def touch_stack_switching(self):
        """A continuation is a greenlet. Its parent is always its current resumer, so that a trap dies outward."""
        Handler = self.module.Handler
        thread_local_handler = self.module.thread_local_handler
        live_threads = self.live_threads

        def resume(cont, block_result, current_thread):
            outer = thread_local_handler.value
            handler = thread_local_handler.value = Handler()
            handler.current_thread = current_thread
            cont.parent = getcurrent()
            block_arg = cont.switch(block_result)
            # Not in a `finally`: after a trap `recover` does this, and a greenlet that is killed must not.
            thread_local_handler.value = outer
            if cont.dead:
                del live_threads[current_thread]
                return (None, block_arg)
            return (cont, block_arg)

        module = self.module
        self.original_stack_switching = module.cont_new, module.resume, module.block
        module.cont_new = greenlet
        module.resume = resume
        module.block = lambda switch_to: getcurrent().parent.switch(switch_to)

    @contextmanager
    def with_os_threads(self):
        """Lets definitions.py switch stacks itself. Only for a case of which it is known that it ends without a trap
        and leaves no thread behind: every other one would hang, or its threads would stay."""
        module = self.module
        greenlets = module.cont_new, module.resume, module.block
        cont_new, original_resume, block = self.original_stack_switching

        def resume(cont, block_result, current_thread):
            cont, block_arg = original_resume(cont, block_result, current_thread)
            if cont is None:
                del self.live_threads[current_thread]
            return cont, block_arg

        module.cont_new, module.resume, module.block = cont_new, resume, block
        yield
        module.cont_new, module.resume, module.block = greenlets

    def touch_ids(self):
        Task, Thread, Subtask = self.module.Task, self.module.Thread, self.module.Subtask
        task_init, thread_init, subtask_init = Task.__init__, Thread.__init__, Subtask.__init__

        def init_task(task, *args):
            task_init(task, *args)
            task.token = self.calling
            task.entity = f"task {task.token}"
            task.threads_made = 0
            task.knowledge = None

        def init_thread(thread, task, thread_func):
            thread_init(thread, task, thread_func)
            thread.id = (task.token, task.threads_made)
            thread.name = "%d.%d" % thread.id
            thread.entity = "thread " + thread.name
            task.threads_made += 1
            self.live_threads[thread] = None

        def init_subtask(subtask):
            subtask_init(subtask)
            subtask.call = self.calling

        Task.__init__, Thread.__init__, Subtask.__init__ = init_task, init_thread, init_subtask

    def touch_names(self):
        Store, LiftLowerContext = self.module.Store, self.module.LiftLowerContext
        store_lift, reallocate = Store.lift, LiftLowerContext.reallocate
        dropping = self.module.canon_resource_drop.__code__

        def lift(store, f, ft, opts, inst):
            if sys._getframe(1).f_code is dropping:
                self.name_next_task(DESTRUCTOR, inst)
            return store_lift(store, f, ft, opts, inst)

        def named_reallocate(cx, *args):
            self.name_next_task(REALLOC, cx.inst)
            return reallocate(cx, *args)

        Store.lift, LiftLowerContext.reallocate = lift, named_reallocate

    def name_next_task(self, which, inst):
        self.named[which, inst.number] += 1
        self.calling = 1 << 31 | which << 28 | inst.number << 20 | self.named[which, inst.number]


def sites_by_line(tree):
    """Two maps from line to "qualified function#ordinal": calls of trap and trap_if, and assert statements."""
    traps, asserts = {}, {}

    def note(sites, counts, node, names):
        counts[id(sites)] += 1
        for line in range(node.lineno, node.end_lineno + 1):
            sites[line] = f"{'.'.join(names)}#{counts[id(sites)]}"

    def visit(node, names, counts):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                visit(child, names + [child.name], Counter())
                continue
            if isinstance(child, ast.Assert):
                note(asserts, counts, child, names)
            elif isinstance(child, ast.Call) and getattr(child.func, "id", None) in ("trap", "trap_if"):
                note(traps, counts, child, names)
            visit(child, names, counts)

    visit(tree, [], Counter())
    return traps, asserts


class Choices:
    """Stands for the module `random`: gives the recorded choices, then the smallest candidate, and reports each."""

    POINTS = {"request_cancellation": "request-cancellation", "tick": "tick", "canon_lift": "sync-loop"}

    def __init__(self, spec, report, given):
        self.spec = spec
        self.report = report
        self.given = iter(given)
        self.ticked = False  # has Store.tick chosen a thread since this was cleared?

    def randint(self, low, high):
        """Thread.wait_until, asked only when the thread is ready; or whether canon_error_context_new forgets."""
        thread = self.spec.module.current_thread()
        if sys._getframe(1).f_code.co_name == "canon_error_context_new":
            return 1 - self.ask("debug-message", thread.name, ["0.0", "1.0"])
        return self.ask("wait-until", thread.name, ["0.0", "1.0"])

    def choice(self, threads):
        """Which thread: the function that asks tells which of the three points it is."""
        asking = sys._getframe(1)
        point = self.POINTS[asking.f_code.co_name]
        subject = NO_THREAD
        if point == "tick":
            self.ticked = True
        else:
            task = asking.f_locals["self" if point == "request-cancellation" else "task"]
            subject = f"{task.token}.0"
        threads.sort(key=lambda thread: thread.id)
        return threads[self.ask(point, subject, [thread.name for thread in threads])]

    def shuffle(self, elems):
        """WaitableSet.get_pending_event: of the order of `elems`, only which pending one comes first has an effect.
        Those that are not pending come before it, so that the loop goes past them."""
        thread = self.spec.module.current_thread()
        handles = thread.task.inst.handles.array
        pending = sorted((handles.index(w), w) for w in elems if w.has_pending_event())
        names = [f"{thread.task.inst.number}.{index}" for index, _ in pending]
        chosen = pending[self.ask("get-pending-event", thread.name, names)][1]
        elems.sort(key=lambda w: (w.has_pending_event(), w is not chosen))

    def ask(self, point, subject, candidates):
        """The position of the one to take in `candidates`, which are sorted."""
        _, wanted = next(self.given, (None, None))
        taken = candidates.index(wanted) if wanted in candidates else 0
        self.report.event({"choice": point, "subject": subject, "candidates": candidates, "taken": candidates[taken]})
        return taken
