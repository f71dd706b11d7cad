"""From text to a compiled expression, and from the library's complaints to words for an agency's engineer."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches

from cel_expr_python import cel

from hub.expressions.faults import ExpressionFault
from hub.expressions.syntax import Syntax

_COMPLAINT = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_STATUS = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")
_UNDECLARED = re.compile(r"undeclared reference to '(.*)' \(in container")
_NO_OVERLOAD = re.compile(r"found no matching overload for '(.*)' applied to '(.*)'$")
_NO_OVERLOAD_AT_RUN_TIME = re.compile(r"No matching overloads found : ([^(]+)(\(.*\))?$")
_NO_KEY = re.compile(r"Key not found in map : (.*)$")
_NOTHING_INSIDE = re.compile(r"Applying SELECT to non-message type|Invalid container type: 'null_type'")
_NO_ELEMENT = re.compile(r"Index error: index=(-?\d+) size=(\d+)")
_SYNTAX = re.compile(r"Syntax error: (.*?)(?: expecting .*)?$")
_NOT_EXPECTED = re.compile(r"(?:mismatched|extraneous) input '(.*)'|no viable alternative at input '(.*)'")
_NO_TOKEN = re.compile(r"token recognition error at: '(.*)'$")
_MISSING = re.compile(r"missing '(.*)' at ")
# As other languages write it, and as CEL does.
_WRITTEN_SO = {"=": "==", "and": "&&", "or": "||", "not": "!", "&": "&&", "|": "||", "<>": "!=", "is": "=="}
# `list` is also a type of CEL, so that an unknown code list is a selection from a type.
_TYPE_SELECTED = re.compile(r"type 'type\(list.*cannot be the operand of a select")
_WORD = re.compile(r"\.\s*(\w+)")
_CONSEQUENCE = "'*error*'"
_TOO_DEEP = re.compile(r"recursion (?:limit exceeded|depth)")

# How CEL calls an operator inside, and how it is written.
_OPERATORS = {"@in": "in", "_?_:_": "? :", "_[_]": "[ ]"}
_TYPE_WORDS = {
    "double": "number",
    "int": "whole number",
    "int64": "whole number",
    "uint": "whole number",
    "uint64": "whole number",
    "string": "text",
    "bool": "true or false",
    "null_type": "null",
    "dyn": "anything",
    "*opaque*": "optional value",
}
_MANY = 5


def compile_checked(env: cel.Env, text: str, known: Collection[str]) -> tuple[cel.Expression, Syntax]:
    """
    Compile an expression and look through it. Raises ExpressionFault.

    `known` are the names it might have meant, for suggestions.
    """
    try:
        compiled = env.compile(text)
    except RuntimeError as complaint:
        raise _fault(str(complaint), text, known) from None
    except TypeError:  # text that is not Unicode, as "\ud800"
        raise ExpressionFault("it holds a character that does not exist in Unicode") from None
    syntax = Syntax(compiled.serialize())
    stray = syntax.stray_optional()
    if stray is not None:
        # The library crashes the process on an optional value in a result, so none gets that far.
        before = text[:stray]
        raise ExpressionFault(
            "a value that may be missing is used as if it were there",
            line=before.count("\n") + 1,
            column=stray - (before.rfind("\n") + 1) + 1,
            cure='end it with .orValue("") or whatever stands for nothing',
        )
    return compiled, syntax


def run_time_reason(complaint: str) -> str:
    """The reason of a failed evaluation, in plain words."""
    reason = _STATUS.sub("", complaint)
    if found := _NO_KEY.search(reason):
        return f"no key {found[1]}"
    if found := _NO_OVERLOAD_AT_RUN_TIME.search(reason):
        return _does_not_go(found[1].strip(), found[2] or "")
    if _NOTHING_INSIDE.search(reason):
        return "a part is read of what has no parts, or is null"
    if found := _NO_ELEMENT.search(reason):
        return f"a list of {found[2]} has no element {found[1]}"
    return reason


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word most like this one, if any is."""
    return next(iter(get_close_matches(word, known, n=1, cutoff=0.6)), None)


def _fault(complaint: str, text: str, known: Collection[str]) -> ExpressionFault:
    found = _COMPLAINT.findall(complaint)
    if not found or _TOO_DEEP.search(complaint):
        too_deep = _TOO_DEEP.search(complaint)
        return ExpressionFault(
            "it is nested too deeply" if too_deep else _STATUS.sub("", complaint),
            cure="split it, or use a comprehension or a list" if too_deep else "",
        )
    faults = [
        _one_fault(int(line), int(column), _STATUS.sub("", what), text, known)
        for line, column, what in found
        if _CONSEQUENCE not in what
    ]
    first = faults[0]
    # After a syntax error the rest is guesswork of the parser; type errors stand each for itself.
    rest = [] if _SYNTAX.search(found[0][2]) else faults[1:_MANY]
    message = "; ".join(dict.fromkeys([first.message, *(fault.message for fault in rest)]))
    cure = "; ".join(dict.fromkeys(fault.cure for fault in (first, *rest) if fault.cure))
    return ExpressionFault(message, line=first.line, column=first.column, cure=cure)


def _one_fault(line: int, column: int, what: str, text: str, known: Collection[str]) -> ExpressionFault:
    line, column = max(line, 1), max(column, 1)
    if found := _UNDECLARED.search(what):
        return _undeclared(found[1], line, column, text, known)
    if _TYPE_SELECTED.search(what):
        word = _WORD.match(text.split("\n")[line - 1], column - 1)
        name = f"list.{word[1]}" if word else "list"
        return _undeclared(name, line, column, text, known)
    if found := _NO_OVERLOAD.search(what):
        mixed = "double" in found[2] and "int" in found[2]
        return ExpressionFault(
            _does_not_go(found[1], found[2]),
            line=line,
            column=column,
            cure="write the number with a decimal point, as 5.0" if mixed else "",
        )
    if found := _SYNTAX.search(what):
        message, cure = _syntax_words(found[1])
        return ExpressionFault(message, line=line, column=column, cure=cure)
    return ExpressionFault(what, line=line, column=column)


def _undeclared(name: str, line: int, column: int, text: str, known: Collection[str]) -> ExpressionFault:
    rows = text.split("\n")
    row = rows[line - 1] if line <= len(rows) else ""
    if row[column - 1 : column] == "(":  # for a call the library points at its bracket
        return ExpressionFault(f"there is no function {name!r}", line=line, column=column)
    # For a dotted name it points at the last dot.
    start = column - 1 - len(name.rpartition(".")[0])
    if row[start : start + len(name)] == name:
        column = start + 1
    if known and not any("." in word for word in known):
        name = name.partition(".")[0]  # only roots are known here; the rest is looked up in the data
    like = nearest(name, known)
    cure = f"did you mean {like!r}?" if like else f"there are {', '.join(sorted(known))}"
    return ExpressionFault(f"there is no {name!r} here", line=line, column=column, cure=cure)


def _syntax_words(what: str) -> tuple[str, str]:
    """What is wrong with how it is written, and the cure."""
    if found := _NOT_EXPECTED.search(what):
        unexpected = found[1] or found[2] or ""
        if unexpected == "<EOF>":
            return "it ends too early", "complete it, and close every bracket and quote"
        # The library shows all it has read so far; the last word of it is what it stumbled over.
        written = _WRITTEN_SO.get((unexpected.split() or [""])[-1])
        return f"{unexpected!r} is not expected here", (
            f"write {written}"
            if written
            else "look before and after it: is an operator, a comma or a bracket missing?"
        )
    if found := _NO_TOKEN.search(what):
        stray = found[1].strip()
        if stray[:1] in ("'", '"'):
            return f"the text {stray} is not closed", f"end it with {stray[0]}"
        written = _WRITTEN_SO.get(stray)
        return f"{stray!r} means nothing here", f"write {written}" if written else "remove it, or quote it"
    if found := _MISSING.search(what):
        return f"{found[1]!r} is missing here", "add it"
    return what, 'write it as CEL has it, as in x.kind == "A" && x.mass > 5.0'


def _does_not_go(function: str, operands: str) -> str:
    written = _OPERATORS.get(function) or function.strip("_")
    types = [kind.strip() for kind in operands.strip("()").split(",") if kind.strip()]
    words = ", ".join(_TYPE_WORDS.get(kind, kind) for kind in types)
    return f"`{written}` does not go with ({words})"
