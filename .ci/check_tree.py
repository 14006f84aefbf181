#!/usr/bin/env python3
"""Checks what no file of the checkout may hold: a path of somebody's machine, the host of a package registry, 2 MB.

Looks at what git would commit; without git, at everything but build output.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LARGEST_BYTES = 2 * 1024 * 1024
NOT_SOURCE = {".git", "build", "out", "__pycache__"}

# The brackets keep the patterns from finding themselves.
FORBIDDEN = [
    (re.compile(r"(?<![\w./<>~$}-])/(wor[k]|roo[t]|hom[e])(?![\w-])"), "a path of one machine"),
    (
        re.compile(r"https?:/[/][^/\s]*(registry|artifact|mirror|proxy|pypi|pythonhosted|crates\.io|pkg\.dev|debian\.org)"),
        "the host of a package registry",
    ),
    (re.compile(r"\b(10\.\d+|192\.168|172\.(1[6-9]|2\d|3[01]))\.\d+\.\d+\b"), "an address of one network"),
]


def source_files():
    """Returns the files of the checkout, sorted."""
    try:
        listed = subprocess.run(
            ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True,
        ).stdout
        paths = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, folders, names in os.walk(ROOT):
            folders[:] = [name for name in folders if name not in NOT_SOURCE]
            paths += [pathlib.Path(folder) / name for name in names]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def problems_of(path):
    """Yields (line number, text) for each problem of a file."""
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        yield 1, f"{size} bytes: no file may have more than {LARGEST_BYTES}"
        return
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        for pattern, what in FORBIDDEN:
            if match := pattern.search(line):
                yield number, f"{what}: {match[0]}"


def main():
    failed = False
    for path in source_files():
        for number, text in problems_of(path):
            print(f"{path.relative_to(ROOT)}:{number}: {text}")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
