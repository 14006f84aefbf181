#!/usr/bin/env python3
"""Runs the console blocks of README.md as written and compares what they print.

In a block ```console, a line "$ COMMAND" is run (in one folder for the whole file, with ./lockstep, diff, properties and traces in it), and the
lines after it are what it must print. A line "…" stands for any lines, "…" at the end of a line for its rest. "echo $?"
asks for the exit code of the command before. With LOCKSTEP_BLESS=1 nothing is compared and the output is printed.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def blocks(text):
    """(line number, command, expected lines) of every console block."""
    inside = False
    out = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            out.append((number, line[2:], []))
        elif inside and out:
            out[-1][2].append(line)
    return out


def matches(expected, printed):
    pattern = ""
    for line in expected:
        if line == "…":
            pattern += r"(?:.*\n)*"
        elif line.endswith("…"):
            pattern += re.escape(line[:-1]) + r".*\n"
        else:
            pattern += re.escape(line) + r"\n"
    return re.fullmatch(pattern, printed) is not None


def main():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        commands = blocks(f.read())
    failures = 0
    last_code = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("lockstep", "diff", "properties", "traces"):
            os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        for number, command, expected in commands:
            if command == "echo $?":
                printed = f"{last_code}\n"
            else:
                run = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=300,
                                     env={**os.environ, "LOCKSTEP_OFFLINE": "1"})
                last_code, printed = run.returncode, run.stdout
            if os.environ.get("LOCKSTEP_BLESS"):
                print(f"$ {command}\n{printed}", end="")
            elif not matches(expected, printed):
                failures += 1
                print(f"README.md:{number}: prints something else (LOCKSTEP_BLESS=1 shows what):\n{printed}", end="")
    if not commands:
        print("README.md: no console block to run")
    return 1 if failures or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
