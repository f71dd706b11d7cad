"""
A mapping tried out on sample values: what of it can be known to miss the contract before it is used.

A sample has values of no meaning, so what a contract says of values (patterns, code lists, lengths) is told
of constants only; which members there are, and of what type, is told of everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.adapters.openapi import Violation
from hub.adapters.rest.call import RestCall
from hub.adapters.wire import Context, Misfit
from hub.config.models import OperationFile

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Miss:
    """What is wrong, at which key of the operation, and what to do."""

    key: tuple[str, ...]
    what: str
    cure: str


def misses(call: RestCall, file: OperationFile, context: Context) -> Iterator[Miss]:
    """
    Where one request, written from a whole sample, is known to miss the contract. Raises ExpressionFailed.
    """
    found = False
    trees: dict[str, Any] = {"request": file.request, "query": file.query, "headers": file.headers}
    for where, wrong in call.violations(context):
        if not _is_certain(trees.get(where), wrong):
            continue
        found = True
        names = tuple(step for step in wrong.place if isinstance(step, str))
        absent = wrong.what.startswith("is required")
        key = names if where == "request" or not absent else ()
        yield Miss(
            (where, *key),
            f"{'.'.join(names) or 'the ' + where} {wrong.what}",
            "fill it in" if absent else "write the request as the contract has it",
        )
    if found:
        return
    try:
        call.draft(context)
    except Misfit as wrong:
        yield Miss((), f"the request cannot be written: {wrong}", "correct the mapping")


def lacking(call: RestCall, file: OperationFile) -> Iterator[Miss]:
    """What the contract requires of every request, and the mapping does not have at all."""
    operation = call.operation
    if operation.body_required and file.request is None:
        yield Miss(("request",), "the contract requires a body", "write a request")
    for name in operation.required_parameters("cookie"):
        yield Miss(
            ("path",),
            f"the contract requires the cookie {name}, and the hub sends none",
            "ask the agency for another way; a session's token can stand in a header",
        )


def _is_certain(tree: Any, wrong: Violation) -> bool:
    if wrong.conditional and not _has_constant(tree, wrong.place):
        return False
    return not wrong.about_value or _is_constant(tree, wrong.place)


def _is_constant(tree: Any, place: Place) -> bool:
    """Whether the mapping has a fixed value there, and not an expression's."""
    for step in place:
        if _has(tree, step):
            tree = tree[step]
        elif isinstance(tree, Mapping | list) or isinstance(step, str):
            return False  # else a single value stands for a list of one
    if isinstance(tree, Mapping | list):
        parts = tree.values() if isinstance(tree, Mapping) else tree
        return all(_is_constant(part, ()) for part in parts)
    return tree is not None and not (
        isinstance(tree, str) and tree.startswith("=") and not tree.startswith("==")
    )


def _has_constant(tree: Any, place: Place) -> bool:
    """Whether a fixed value stands beside, or beside what it is in: it may be what chose the alternative."""
    for step in place:
        if isinstance(tree, Mapping) and any(
            _is_constant(part, ()) for part in tree.values() if not isinstance(part, Mapping | list)
        ):
            return True
        if not _has(tree, step):
            return False
        tree = tree[step]
    return False


def _has(tree: Any, step: str | int) -> bool:
    """Whether there is such a member or element."""
    if isinstance(tree, list):
        return isinstance(step, int) and step < len(tree)
    return isinstance(tree, Mapping) and step in tree
