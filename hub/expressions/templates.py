"""Templates: trees and paths with expressions in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from hub.expressions.faults import ExpressionFailed, ExpressionFault, TreeFaults
from hub.expressions.functions import as_text
from hub.expressions.mapping import Expression
from hub.expressions.values import Values

_Key = tuple[str | int, ...]
_Filler = Callable[[Mapping[str, object]], Any]


class Ordered(dict[str, Any]):
    """A mapping as the file has it, whose order is meant; CEL keeps its own in no order."""


class TreeTemplate:
    """
    A YAML tree whose text leaves that begin with `=` are expressions; the rest stands for itself.

    A leaf that begins with `==` is text that begins with one `=`. Raises TreeFaults with every fault of
    every leaf. May be filled from several threads.
    """

    def __init__(self, tree: Any, variables: Collection[str]) -> None:
        faults: list[tuple[_Key, ExpressionFault]] = []
        self._leaves: dict[_Key, Expression] = {}
        self._fill = _filler(tree, variables, (), faults, self._leaves)
        if faults:
            raise TreeFaults(faults)

    @property
    def leaves(self) -> Mapping[tuple[str | int, ...], Expression]:
        """Its expressions, each by the way to it."""
        return self._leaves

    def fill(self, context: Mapping[str, object]) -> Any:
        """The tree with values in place of its expressions. Raises ExpressionFailed with the leaf's key."""
        return self._fill(Values.of(context))


def _filler(
    tree: Any,
    variables: Collection[str],
    key: _Key,
    faults: list[tuple[_Key, ExpressionFault]],
    leaves: dict[_Key, Expression],
) -> _Filler:
    if isinstance(tree, Mapping):
        entries = {
            name: _filler(part, variables, (*key, name), faults, leaves) for name, part in tree.items()
        }
        return lambda context: Ordered((name, fill(context)) for name, fill in entries.items())
    if isinstance(tree, list | tuple):
        elements = [
            _filler(part, variables, (*key, place), faults, leaves) for place, part in enumerate(tree)
        ]
        return lambda context: [fill(context) for fill in elements]
    if not isinstance(tree, str) or not tree.startswith("="):
        return lambda context: tree
    if tree.startswith("=="):
        return lambda context: tree[1:]
    try:
        leaves[key] = Expression(tree, variables)
        return _leaf(leaves[key], key)
    except ExpressionFault as fault:
        faults.append((key, fault))
        return lambda context: None


def _leaf(expression: Expression, key: _Key) -> _Filler:
    def fill(context: Mapping[str, object]) -> object:
        try:
            return expression.evaluate(context)
        except ExpressionFailed as failed:
            raise ExpressionFailed(failed.text, failed.reason, key=key) from None

    return fill


class PathTemplate:
    """
    A URL path in which `{expression}` stands for a value, as `/v1/applications/{referral.id}`.

    Every value is percent-encoded as one segment or less of one (RFC 3986, 3.3), so that no value can
    reach another resource. Raises TreeFaults with every fault; columns count in the path.
    """

    def __init__(self, path: str, variables: Collection[str]) -> None:
        self.text = path
        self._parts: list[str | Expression] = []
        faults: list[tuple[_Key, ExpressionFault]] = []
        for start, part, is_expression in _split(path, faults):
            if not is_expression:
                self._parts.append(part)
                continue
            try:
                self._parts.append(Expression(part, variables))
            except ExpressionFault as fault:
                column = fault.column + (start if fault.line == 1 else 0)
                placed = ExpressionFault(fault.message, line=fault.line, column=column, cure=fault.cure)
                faults.append(((), placed))
        if faults:
            raise TreeFaults(faults)

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """Its expressions, in the order of the path."""
        return tuple(part for part in self._parts if isinstance(part, Expression))

    @property
    def skeleton(self) -> str:
        """The path with `{}` for each value."""
        return "".join(part if isinstance(part, str) else "{}" for part in self._parts)

    def fill(self, context: Mapping[str, object]) -> str:
        """The path. Raises ExpressionFailed, also for a value that is empty, or no text and no number."""
        values = Values.of(context)
        filled = "".join(
            part if isinstance(part, str) else quote(_segment(part, values), safe="") for part in self._parts
        )
        # A client resolves dot segments before it sends (RFC 3986, 5.2.4): that would be another resource.
        if {".", ".."} & set(filled.split("/")):
            raise ExpressionFailed(self.text, f"the path {filled!r} has a segment of dots")
        return filled


def _segment(expression: Expression, context: Mapping[str, object]) -> str:
    value = expression.evaluate(context)
    if not isinstance(value, str | int | float):
        raise ExpressionFailed(expression.text, "only a text or a number can stand in a path")
    segment = as_text(value)
    if not segment:
        raise ExpressionFailed(expression.text, "it is empty, and a path has no empty parts")
    return segment


_TOKEN = re.compile(r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<open>\{)|(?P<close>\})|.""", re.S)


def _split(path: str, faults: list[tuple[_Key, ExpressionFault]]) -> Iterator[tuple[int, str, bool]]:
    """The literal parts and the expressions of a path, each with where it starts."""
    at = 0
    while at < len(path):
        brace = path.find("{", at)
        if brace < 0:
            yield at, path[at:], False
            return
        if brace > at:
            yield at, path[at:brace], False
        end = _closing(path, brace)
        if end is None:
            faults.append(((), ExpressionFault("a brace is not closed", column=brace + 1, cure="add `}`")))
            return
        yield brace + 1, path[brace + 1 : end], True
        at = end + 1


def _closing(path: str, brace: int) -> int | None:
    # An expression may hold braces and quoted braces of its own.
    depth = 0
    for token in _TOKEN.finditer(path, brace):
        if token["open"]:
            depth += 1
        elif token["close"]:
            depth -= 1
            if not depth:
                return token.start()
    return None
