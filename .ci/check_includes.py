#!/usr/bin/env python3
"""Checks who includes whom: the folder rule of the design, paths from the root, own header first.

CMakeLists.txt holds the same rule for linking; headers are seen only here.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

MAY_INCLUDE = {
    "traces": {"traces"},
    "model": {"model"},
    "optimized": {"optimized"},
    "diff": {"traces", "model", "optimized", "diff"},
    "properties": {"traces", "model", "optimized", "diff", "properties"},
}
# Puts the program together, with the verbs that live in properties/.
ASSEMBLY = "diff/main.cc"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """Yields (line number, '<' or '"', included path) for each include of a file."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def problem_of(name, quote, included):
    """Returns what is wrong with one include of the file `name`, or None."""
    folder = included.split("/")[0]
    if quote == "<":
        return f'<{included}> is ours: write "{included}"' if folder in MAY_INCLUDE and "/" in included else None
    if ".." in included.split("/") or folder not in MAY_INCLUDE or not (ROOT / included).is_file():
        return f'"{included}" is not a path from the root of the checkout'
    allowed = MAY_INCLUDE[name.split("/")[0]]
    if folder not in allowed and name != ASSEMBLY:
        return f'{name.split("/")[0]}/ must not include "{included}"'
    return None


def problems_of(path):
    """Yields (line number, text) for each problem of a file."""
    name = path.relative_to(ROOT).as_posix()
    found = list(includes(path))
    for number, quote, included in found:
        if text := problem_of(name, quote, included):
            yield number, text
    own = path.with_suffix(".h")
    if path.suffix == ".cc" and own.is_file():
        own_name = own.relative_to(ROOT).as_posix()
        if not found or found[0][2] != own_name:
            yield (found[0][0] if found else 1), f'the first include must be "{own_name}"'


def main():
    failed = False
    for folder in MAY_INCLUDE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                for number, text in problems_of(path):
                    print(f"{path.relative_to(ROOT)}:{number}: {text}")
                    failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
