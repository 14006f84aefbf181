"""Which lines, branches and trap sites of definitions.py a campaign reaches: `./lockstep coverage --definitions PATH`.

The source is not changed: its syntax tree gets marks before it is compiled, an assignment `__reached__[k] = 1` each, at
the line of what it marks (so that trap sites keep their lines). Marked are

  line    every statement inside a function
  branch  both ways out of `if`, `while` and `for`, each case of `match`, and no case if none always matches

`Coverage.write` merges into the file what this process has reached; several processes may run one after the other.
"""
import ast
import json
import os


class Coverage:
    def __init__(self, tree):
        self.points = []  # (kind, line, text)
        self.traps = {}   # site -> times
        marker = Marker(self)
        self.tree = ast.fix_missing_locations(marker.visit(tree))
        self.reached = bytearray(len(self.points))

    def point(self, kind, line, text=""):
        self.points.append((kind, line, text))
        return len(self.points) - 1

    def trapped(self, site):
        self.traps[site] = self.traps.get(site, 0) + 1

    def write(self, path):
        before = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                before = json.load(file)
        old_points = before.get("points", [[kind, line, text, 0] for kind, line, text in self.points])
        points = [[kind, line, text, hit | old[3]]
                  for (kind, line, text), hit, old in zip(self.points, self.reached, old_points)]
        traps = before.get("traps", {})
        for site, times in self.traps.items():
            traps[site] = traps.get(site, 0) + times
        self.traps = {}
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump({"points": points, "traps": traps}, file)
        os.replace(path + ".new", path)


class Marker(ast.NodeTransformer):
    """Adds the marks. Works on whole bodies, so that a mark stands before the statement it is for."""

    def __init__(self, coverage):
        self.coverage = coverage
        self.depth = 0  # of functions

    def mark(self, kind, node, text=""):
        line = node if isinstance(node, int) else node.lineno
        k = self.coverage.point(kind, line, text)
        mark = ast.parse(f"__reached__[{k}] = 1").body[0]
        for part in ast.walk(mark):
            part.lineno = part.end_lineno = line
            part.col_offset = part.end_col_offset = 0
        return mark

    def visit_FunctionDef(self, node):
        self.depth += 1
        node.body = self.body(node.body)
        self.depth -= 1
        return node

    def visit_ClassDef(self, node):
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def body(self, statements):
        out = []
        for statement in statements:
            if self.depth and not isinstance(statement, (ast.Nonlocal, ast.Global)):
                out.append(self.mark("line", statement))
            out.append(self.visit(statement))
        return out

    def two_ways(self, node, into, past):
        """Marks the body and, adding it where there is none, the `else` of an `if` or a loop."""
        if not self.depth:
            return node
        node.body = [self.mark("branch", node, into), *self.body(node.body)]
        node.orelse = [self.mark("branch", node, past), *self.body(node.orelse)]
        return node

    def visit_If(self, node):
        return self.two_ways(node, "true", "false")

    def visit_While(self, node):
        return self.two_ways(node, "round", "end")

    def visit_For(self, node):
        return self.two_ways(node, "round", "end")

    def visit_Try(self, node):
        node.body = self.body(node.body)
        for handler in node.handlers:
            handler.body = self.body(handler.body)
        return node

    def visit_Match(self, node):
        if not self.depth:
            return node
        for case in node.cases:
            case.body = [self.mark("branch", case.pattern, "case " + ast.unparse(case.pattern)), *self.body(case.body)]
        if not any(is_irrefutable(case) for case in node.cases):
            other = ast.match_case(ast.MatchAs(), None, [self.mark("branch", node, "no case")])
            node.cases.append(other)
        return node


def is_irrefutable(case):
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
