#!/usr/bin/env python3
"""Checks what a sync-to-sync adapter costs: compiles optimized/adapter_shapes.cc and counts instructions.

Each function is compared with the plain call of the same callee, along its fast path: the way from its entry to a
return that no trap, no promotion and no exception leaves. Bounds hold for g++ and clang++ at -O2; a compiler that is not
there is named. `--table` prints what was counted.
"""

import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "optimized/adapter_shapes.cc"
COMPILERS = ("g++", "clang++")

Cost = collections.namedtuple("Cost", "instructions loads stores saves")
Shape = collections.namedtuple("Shape", "name plain what bound")

# The most that each shape may have more than its plain call. `saves` are registers that are pushed, which includes the
# alignment of the stack for the call of a trap; each is popped again.
SHAPES = [
    Shape("inlined_static", "inlined", "inlined, flags static", Cost(0, 0, 0, 0)),
    Shape("inlined_slots", "inlined", "… sets and gets its context slots", Cost(0, 0, 0, 0)),
    Shape("inlined_nested", "inlined", "… calls another through an adapter", Cost(0, 0, 0, 0)),
    Shape("inlined_post_return", "inlined", "… has a post-return", Cost(0, 0, 0, 0)),
    Shape("inlined_realloc", "inlined_bump", "… its realloc gives memory", Cost(0, 0, 0, 0)),
    Shape("inlined_may_leave", "inlined", "inlined, `may_leave` checked", Cost(4, 1, 0, 1)),
    Shape("inlined_may_enter", "inlined", "inlined, one `may_enter` tested, cleared and set", Cost(5, 1, 1, 1)),
    Shape("inlined_both", "inlined", "inlined, both", Cost(7, 2, 1, 1)),
    Shape("opaque_static", "opaque_plain", "opaque, flags static", Cost(20, 3, 7, 2)),
    Shape("opaque_may_leave", "opaque_plain", "opaque, `may_leave` checked", Cost(22, 4, 7, 2)),
    Shape("opaque_may_enter", "opaque_plain", "opaque, one `may_enter` tested, cleared and set", Cost(27, 4, 9, 3)),
    Shape("opaque_both", "opaque_plain", "opaque, both", Cost(29, 5, 9, 3)),
]

# What no function may refer to, not even off its fast path.
NEVER = re.compile(r"assertion_failed|_Znwm|malloc|__cxa_allocate|\block\b|\bxchg\b.*\(|call +\*")
SLOW = re.compile(r"4trapE|unwind_native_frame|finish_promoted_frame|__cxa_|_Unwind_|terminate|\.text\.unlikely|\.cold")

Instruction = collections.namedtuple("Instruction", "address text target")


def disassemble(compiler, folder):
    """Returns the functions of the source as {name: [Instruction]}."""
    obj = folder / "shapes.o"
    subprocess.run(
        [compiler, "-std=c++20", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
         "-c", f"-I{ROOT}", "-o", obj, SOURCE], check=True,
    )
    listing = subprocess.run(["objdump", "-dr", "--no-show-raw-insn", obj], check=True, capture_output=True, text=True)
    functions, current = {}, None
    for line in listing.stdout.splitlines():
        if match := re.match(r"[0-9a-f]+ <(\w+)(\.cold)?>:$", line):
            current = functions.setdefault(match[1], [])
            in_cold = bool(match[2])
        elif match := re.match(r"\s+[0-9a-f]+: R_\w+\s+(\S+)", line):
            if current:
                current[-1] = current[-1]._replace(target=match[1])
        elif match := re.match(r"\s*([0-9a-f]+):\t(.*)$", line):
            text = re.sub(r"\s*[<#].*$", "", match[2]).strip()
            # Cold parts follow in the list, at addresses that no jump of the fast path names.
            current.append(Instruction(-1 if in_cold else int(match[1], 16), text, None))
    return functions


def fast_path(function):
    """Returns the instructions from the entry to a return, without a slow call; straight on where there is a choice."""
    at = {i.address: n for n, i in enumerate(function) if i.address >= 0}

    def go(n, seen):
        path = []
        while n not in seen:
            seen = seen | {n}
            instruction = function[n]
            op = instruction.text.split()[0]
            if instruction.target and SLOW.search(instruction.target):
                if not op.startswith("j") or op == "jmp":
                    return None
                path, n = path + [instruction], n + 1
                continue
            if op == "nop" or op.startswith("nop") or instruction.text.startswith(("data16", "cs nop", "xchg %ax,%ax")):
                n += 1
                continue
            path.append(instruction)
            if op == "ret" or (op == "jmp" and instruction.target):
                return path
            if op.startswith("j") and not instruction.target:
                jump = at[int(instruction.text.split()[1], 16)]
                if op == "jmp":
                    n = jump
                    continue
                for following in (n + 1, jump):
                    rest = go(following, seen)
                    if rest is not None:
                        return path + rest
                return None
            n += 1
        return None

    return go(0, frozenset())


def accesses(text):
    """Returns (loads, stores, saves) of one instruction."""
    op, _, operands = text.partition(" ")
    if op == "push":
        return 0, 0, 1
    if "(" not in operands or op.startswith(("lea", "nop", "call", "pop")):
        return 0, 0, 0
    parts = re.findall(r"[^,(]*\([^)]*\)|[^,]+", operands.strip())
    to_memory = "(" in parts[-1]
    if op.startswith(("cmp", "test")):
        return 1, 0, 0
    if not to_memory:
        return 1, 0, 0
    return (0, 1, 0) if op.startswith("mov") else (1, 1, 0)


def cost(function):
    path = fast_path(function)
    loads, stores, saves = (sum(column) for column in zip(*(accesses(i.text) for i in path)))
    return Cost(len(path), loads, stores, saves)


def extra(functions, shape):
    return Cost(*(a - b for a, b in zip(cost(functions[shape.name]), cost(functions[shape.plain]))))


def problems_of(functions, compiler):
    for shape in SHAPES:
        more = extra(functions, shape)
        for what, most, found in zip(Cost._fields, shape.bound, more):
            if found > most:
                yield f"{shape.name} ({compiler}): {found} {what} more than {shape.plain}, at most {most} are meant to be"
    for name, function in functions.items():
        for instruction in function:
            if NEVER.search(f"{instruction.text} {instruction.target or ''}"):
                yield f"{name} ({compiler}): {instruction.text} {instruction.target or ''}"


def main():
    there = [c for c in COMPILERS if shutil.which(c)]
    not_there = [c for c in COMPILERS if c not in there]
    if not shutil.which("objdump") or not there:
        print("needs objdump, and g++ or clang++")
        return 77
    counted, failed = {}, False
    for compiler in there:
        with tempfile.TemporaryDirectory() as folder:
            functions = disassemble(compiler, pathlib.Path(folder))
        for problem in problems_of(functions, compiler):
            print(f"optimized/adapter_shapes.cc:1: {problem}")
            failed = True
        counted[compiler] = {shape.name: extra(functions, shape) for shape in SHAPES}
    if "--table" in sys.argv:
        print("| callee | " + " | ".join(there) + " |\n|---|" + "---|" * len(there))
        for shape in SHAPES:
            cells = (f"{c.instructions}: {c.loads}, {c.stores}, {c.saves}" for c in (counted[t][shape.name] for t in there))
            print(f"| {shape.what} | " + " | ".join(cells) + " |")
    if not failed and not_there:
        print(f"{', '.join(not_there)} is not installed; held for {', '.join(there)}")
        return 77
    return failed


if __name__ == "__main__":
    sys.exit(main())
