"""
A mapping tried out on sample values: what of it can be known to miss the contract before it is used.

A sample has values of no meaning, so what schemas say of values (patterns, code lists, lengths) is told of
constants only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hub.adapters.rest.trial import Miss
from hub.adapters.shape import misfits
from hub.adapters.soap.call import SoapCall
from hub.adapters.wire import Context, Misfit
from hub.config.models import OperationFile
from hub.expressions import ExpressionFailed


def misses(call: SoapCall, file: OperationFile, context: Context, now: datetime) -> Iterator[Miss]:
    """Where a request from a whole sample is known to miss the contract. Raises ExpressionFailed."""
    try:
        _, violations = call.attempt(context, now)
    except Misfit as wrong:
        yield Miss((), f"the request cannot be written: {wrong}", "correct the mapping")
        return
    trees: dict[str, Any] = {"request": file.request, "soap_header": file.soap_header}
    for each in violations:
        if each.structural or _is_constant(trees[each.within], each.path):
            yield Miss((each.within, *each.path), str(each), "write the request as the contract has it")


def header_misses(call: SoapCall, file: OperationFile, context: Context) -> Iterator[Miss]:
    """Where the header parts miss the contract, or their expressions fail."""
    try:
        given = call.header_arguments(context)
    except ExpressionFailed as failed:
        key = ("soap_header", *(step for step in failed.key if isinstance(step, str)))
        yield Miss(key, f"{failed.text} fails: {failed.reason}", "ask whether it is there")
        return
    for at, what in misfits(given, call.header_shape):
        names = tuple(step for step in at if isinstance(step, str))
        yield Miss(
            ("soap_header", *names) if file.soap_header else ("soap_header",),
            f"{'.'.join(names) or 'the header'} {what}",
            "give the header parts by name, as the contract has them",
        )


def _is_constant(tree: Any, path: tuple[str, ...]) -> bool:
    """Whether the mapping has a fixed value there, and not an expression's."""
    for place, step in enumerate(path):
        if isinstance(tree, list):
            return bool(tree) and all(_is_constant(one, path[place:]) for one in tree)
        if not isinstance(tree, Mapping) or step not in tree:
            return False
        tree = tree[step]
    if isinstance(tree, Mapping | list) or tree is None:
        return False
    return not (isinstance(tree, str) and tree.startswith("=") and not tree.startswith("=="))
