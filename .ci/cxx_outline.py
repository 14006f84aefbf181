"""Lists the functions and classes that a C++ file declares, without a compiler.

Enough of C++ for the headers and sources of this project: statements are cut at `;` and `{`, brackets are skipped as a
whole, and the name of a function is what stands before the first parenthesis outside of template arguments.
"""

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"""(?P<skip> //[^\n]* | /\*.*?\*/ | ^[ \t]*\#(?:\\\n|[^\n])* | \s+ )
      | R"(?P<raw>[^(]*)\(.*?\)(?P=raw)" | "(?:\\.|[^"\\])*"
      | \d(?:'?[\w.])* | '(?:\\.|[^'\\])+'
      | [A-Za-z_]\w* | :: | -> | <=> | [<>=!]= | .""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
CLOSING = {"(": ")", "[": "]", "{": "}"}
GROUP = {"(": "()", "[": "[]", "{": "{}"}  # what a skipped bracket leaves in a statement
ACCESS = {"public", "private", "protected"}
NOT_DECLARING = {"using", "typedef", "friend", "static_assert"}
NOT_A_NAME = {"decltype", "alignas", "noexcept", "requires", "explicit"}


@dataclass(frozen=True)
class Name:
    """A declared function or class: `Thread.resume` for a member of a class."""

    line: int
    text: str
    is_local: bool = False  # in an unnamed namespace
    is_constructor: bool = False


def is_identifier(text):
    return text[0].isalpha() or text[0] == "_"


def skip_angles(statement, i):
    """Returns the index after the template arguments that open at `i`."""
    depth = 0
    while i < len(statement):
        depth += {"<": 1, ">": -1}.get(statement[i], 0)
        i += 1
        if depth == 0:
            break
    return i


def without_prefix(statement):
    """Returns a statement without `template <…>` and attributes in front."""
    i = 0
    while i < len(statement) and statement[i] in ("template", "[]", "inline", "static", "constexpr"):
        i = skip_angles(statement, i + 1) if statement[i] == "template" else i + 1
    return statement[i:]


def class_name(statement):
    """Returns the name that a class or enum statement declares."""
    name = ""
    for text in without_prefix(statement)[1:]:
        if text in (":", "<", "final"):
            break
        if is_identifier(text) and text not in ("class", "struct", "alignas"):
            name = text
    return name


def function_name(statement):
    """Returns (qualified name as a list, index of its parameters) of a function statement, or None.

    The name is empty for what has none to list: operators and destructors.
    """
    start = len(statement) - len(without_prefix(statement))
    i = start
    while i < len(statement):
        text = statement[i]
        if text == "=":
            return None
        if text == "operator":
            return [], len(statement)
        if text == "<":
            i = skip_angles(statement, i)
            continue
        if text == "()" and i > start and is_identifier(statement[i - 1]) and statement[i - 1] not in NOT_A_NAME:
            break
        i += 1
    else:
        return None

    name = [statement[i - 1]]
    before = i - 2
    if before >= 0 and statement[before] == "~":
        return [], i
    while before > start and statement[before] == "::":
        before -= 1
        if statement[before] == ">":  # Table<T>::get
            while statement[before] != "<":
                before -= 1
            before -= 1
        name.insert(0, statement[before])
        before -= 1
    return name, i


class Outline:
    """Walks over the tokens of one file, scope by scope."""

    def __init__(self, text):
        self.tokens = []  # (text, line)
        line = 1
        for match in TOKEN.finditer(text):
            if match["skip"] is None:
                self.tokens.append((match[0], line))
            line += match[0].count("\n")
        self.position = 0
        self.names = []
        while self.position < len(self.tokens):
            self.scope([], False)

    def skip_group(self):
        """Skips what is in the bracket that was just read."""
        closing = [CLOSING[self.tokens[self.position - 1][0]]]
        while closing and self.position < len(self.tokens):
            text = self.tokens[self.position][0]
            self.position += 1
            if text in CLOSING:
                closing.append(CLOSING[text])
            elif text == closing[-1]:
                closing.pop()

    def skip_to_semicolon(self):
        while self.position < len(self.tokens) and self.tokens[self.position][0] != ";":
            self.position += 1

    def scope(self, classes, is_local):
        """Reads one scope: the file, a namespace or a class, up to its closing brace."""
        statement, line = [], 0
        while self.position < len(self.tokens):
            text, at = self.tokens[self.position]
            self.position += 1
            line = line if statement else at
            if text == "}":
                return
            if text == ";":
                self.function(statement, line, classes, is_local)
                statement = []
            elif text == "{":
                statement = self.block(statement, line, classes, is_local)
            elif text == ":" and statement and statement[-1] in ACCESS:
                statement = []
            elif text in ("(", "["):
                self.skip_group()
                statement.append(GROUP[text])
            else:
                statement.append(text)

    def block(self, statement, line, classes, is_local):
        """Handles what opens with a brace. Returns the statement as far as it goes on afterwards."""
        head = without_prefix(statement)
        first = head[0] if head else ""
        if first == "namespace":
            self.scope(classes, is_local or len(head) == 1)
        elif first == "extern" and "()" not in head:
            self.scope(classes, is_local)
        elif first in ("class", "struct", "union"):
            inner = [*classes, class_name(statement)]
            self.names.append(Name(line, ".".join(inner), is_local))
            self.scope(inner, is_local)
            self.skip_to_semicolon()
        elif first == "enum":
            self.names.append(Name(line, ".".join([*classes, class_name(statement)]), is_local))
            self.skip_group()
            self.skip_to_semicolon()
        elif function := function_name(statement):
            self.skip_group()
            following = self.tokens[self.position][0] if self.position < len(self.tokens) else ""
            if ":" in statement[function[1]:] and following in (",", "{"):
                return [*statement, "{}"]  # a member of a constructor's initializer list
            self.function(statement, line, classes, is_local)
        else:
            self.skip_group()
            return [*statement, "{}"]  # a variable with an initializer
        return []

    def function(self, statement, line, classes, is_local):
        """Notes the function that a statement declares or defines, if it does."""
        if not statement or statement[0] in NOT_DECLARING:
            return
        name, parameters = function_name(statement) or ([], 0)
        if not name:
            return
        name = [*classes, *name]
        is_constructor = len(name) > 1 and name[-1] == name[-2]
        if parameters == 1 and not is_constructor:
            return  # a macro
        self.names.append(Name(line, ".".join(name), is_local, is_constructor))


def outline(text):
    """Returns the names that the C++ source `text` declares, in its order."""
    return Outline(text).names
