#!/usr/bin/env python3
"""Checks that model/ has the functions and classes of definitions.py, by name and in its order.

  check_spec_order.py                                       the model against model/spec_order.txt
  check_spec_order.py --definitions PATH                    model/spec_order.txt against a real definitions.py
  check_spec_order.py --definitions PATH --print HEADING    the lines of one more section, to add to spec_order.txt

A pair of files NAME.h, NAME.cc of model/ says which sections it holds in a comment of one of them, once:

  // definitions.py "### Waitable State"
  // definitions.py "### `canon context.get`" to "### `canon thread.yield`"

In each file of the pair the names of these sections stand in the order of the list. Unnamed namespaces, constructors,
destructors and operators may stand anywhere. What spec_order.txt marks with - or + is explained in model/README.md.
"""

import argparse
import ast
import pathlib
import re
import sys
from dataclasses import dataclass, field

from cxx_outline import outline

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "model"
LIST = MODEL / "spec_order.txt"
README = MODEL / "README.md"

HEADING_COMMENT = re.compile(r'^\s*//\s*definitions\.py "(#+ [^"]+)"(?: to "(#+ [^"]+)")?')


@dataclass
class Entry:
    """One name of the list: " " as in definitions.py, "-" not in the model, "+" in the model only."""

    line: int
    mark: str
    name: str


@dataclass
class Section:
    """One heading of the list. A section in parts ("~") is not checked."""

    line: int
    heading: str
    in_parts: bool
    entries: list = field(default_factory=list)


def plain(heading):
    """Returns a heading without marks and symbols: `### 🔀 `canon task.cancel`` is `canon task.cancel`."""
    return " ".join(re.sub(r"[^\w.,{}/ -]", "", heading).split())


def read_list():
    """Returns the sections of spec_order.txt."""
    sections = []
    for number, line in enumerate(LIST.read_text(encoding="utf-8").splitlines(), 1):
        if match := re.match(r"(~ )?(##+ .*)", line):
            sections.append(Section(number, match[2], match[1] is not None))
        elif line.strip() and not line.startswith("#"):
            mark, name = (line[0], line[2:].strip()) if line[0] in "+-" else (" ", line.strip())
            sections[-1].entries.append(Entry(number, mark, name))
    return sections


def read_definitions(path):
    """Returns {plain heading: [names]} of a definitions.py."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    headings = [(n, plain(line)) for n, line in enumerate(text.splitlines(), 1) if re.match(r"##+ ", line)]
    names = {heading: [] for _, heading in headings}

    def note(node, prefix):
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            return
        earlier = [heading for number, heading in headings if number < node.lineno]
        if earlier:
            names[earlier[-1]].append(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                note(member, f"{prefix}{node.name}.")

    for node in ast.parse(text).body:
        note(node, "")
    return names


def check_list(sections, path):
    """Yields (file, line, text) for each difference between the list and a definitions.py."""
    definitions = read_definitions(path)
    order = list(definitions)
    last = -1
    for section in sections:
        heading = plain(section.heading)
        if heading not in definitions:
            yield LIST, section.line, f"{path} has no heading '{section.heading}'"
            continue
        if order.index(heading) < last:
            yield LIST, section.line, f"'{section.heading}' stands earlier in {path}"
        last = order.index(heading)
        if section.in_parts:
            continue
        ours = [entry for entry in section.entries if entry.mark != "+"]
        theirs = definitions[heading]
        for entry in ours:
            if entry.name not in theirs:
                yield LIST, entry.line, f"{path} has no {entry.name} under '{section.heading}'"
        for name in theirs:
            if name not in [entry.name for entry in ours]:
                yield LIST, section.line, f"{name} is missing under '{section.heading}'"
        if sorted(theirs) == sorted(entry.name for entry in ours):
            for entry, name in zip(ours, theirs):
                if entry.name != name:
                    yield LIST, entry.line, f"{path} has {name} here, not {entry.name}"
                    break


def model_pairs():
    """Returns the files of model/ in pairs: {name without suffix: [paths]}, header first."""
    pairs = {}
    for path in sorted([*MODEL.glob("*.h"), *MODEL.glob("*.cc")], key=lambda path: (path.stem, path.suffix != ".h")):
        if not re.search(r"_(test|bench)$", path.stem):
            pairs.setdefault(path.stem, []).append(path)
    return pairs


class ModelCheck:
    """Compares model/ with the list. `problems` are (file, line, text)."""

    def __init__(self, sections):
        self.sections = sections
        self.problems = []
        self.files_of = {}  # line of a section in the list: where it was found
        for paths in model_pairs().values():
            held = [section for path in paths for section in self.sections_of(path)]
            if held:
                self.check_pair(paths, [section for section in held if not section.in_parts])
        for section in sections:
            if section.line not in self.files_of:
                self.problem(LIST, section.line, f"no file of model/ holds '{section.heading}'")
        self.check_readme()

    def problem(self, path, line, text):
        self.problems.append((path, line, text))

    def sections_of(self, path):
        """Returns the sections that the comments of a file name."""
        held = []
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if match := HEADING_COMMENT.match(line):
                indices = [self.index_of(path, number, heading) for heading in match.groups() if heading]
                if None not in indices:
                    held += self.sections[indices[0]:indices[-1] + 1]
        for section in held:
            if section.line in self.files_of:
                other = self.files_of[section.line].name
                self.problem(path, 1, f"'{section.heading}' is named in {other} already")
            self.files_of[section.line] = path
        return held

    def index_of(self, path, line, heading):
        for index, section in enumerate(self.sections):
            if plain(section.heading) == plain(heading):
                return index
        self.problem(path, line, f"model/spec_order.txt has no heading '{heading}'")
        return None

    def check_pair(self, paths, sections):
        entries = [entry for section in sections for entry in section.entries]
        listed = {entry.name: i for i, entry in enumerate(entries) if entry.mark != "+"}
        added = {entry.name for entry in entries if entry.mark == "+"}
        seen = set()
        for path in paths:
            seen |= self.check_file(path, listed, added) if sections else set()
        for entry in entries:
            is_there = entry.name in seen or entry.name.removesuffix("_") in seen
            if entry.mark == "-" and is_there:
                self.problem(LIST, entry.line, f"{entry.name} is in the model after all")
            elif entry.mark != "-" and not is_there and not entry.name.endswith(".__init__"):
                self.problem(LIST, entry.line, f"{entry.name} is missing in model/{paths[0].stem}")

    def check_file(self, path, listed, added):
        """Compares the names of one file with the list. Returns those that it has."""
        seen = set()
        last_name, last = "", -1
        for name in outline(path.read_text(encoding="utf-8")):
            text = name.text
            if text not in listed and text.endswith("_"):
                text = text.removesuffix("_")
            if name.is_constructor:
                continue
            if name.is_local:
                seen |= {text} & listed.keys()
            elif text in listed:
                seen.add(text)
                if listed[text] < last:
                    self.problem(path, name.line, f"{name.text} stands before {last_name} in definitions.py")
                elif listed[text] > last:
                    last_name, last = name.text, listed[text]
            elif covering := {a for a in added if text == a or text.startswith(a + ".")}:
                seen |= covering
            else:
                self.problem(path, name.line, f"{name.text} is not in this section of definitions.py")
        return seen

    def check_readme(self):
        """Each departure has its reason in the README of the model."""
        if not README.is_file():
            self.problem(README, 1, "is missing: it lists the departures from definitions.py")
            return
        text = README.read_text(encoding="utf-8")
        for section in self.sections:
            for entry in section.entries:
                if entry.mark != " " and not re.search(rf"\b{re.escape(entry.name.split('.')[-1])}\b", text):
                    self.problem(LIST, entry.line, f"{entry.name} is marked '{entry.mark}', but not in model/README.md")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--definitions", metavar="PATH", help="a definitions.py of the specification")
    parser.add_argument("--print", metavar="HEADING", help="print the names under HEADING and do nothing else")
    arguments = parser.parse_args()

    if arguments.print:
        if not arguments.definitions:
            parser.error("--print needs --definitions")
        print(*read_definitions(arguments.definitions)[plain(arguments.print)], sep="\n")
        return 0
    if arguments.definitions:
        problems = list(check_list(read_list(), arguments.definitions))
    elif model_pairs():
        problems = ModelCheck(read_list()).problems
    else:
        print("model/ is empty")
        return 77
    for path, line, text in problems:
        print(f"{path.relative_to(ROOT)}:{line}: {text}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
