"""
The least that an answer may hold by its contract, and whether a mapping can read that much.

An answer with every optional part is what a dry run reads gladly; agencies mostly send less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.adapters.shape import Part, Path, Shape
from hub.adapters.wire import Context, Plain
from hub.expressions import Expression, ExpressionFailed, ExpressionFault

_TELLING = ("no key", "a part is read", "a list of")
"""Reasons that come from what is missing; any other comes from a sample whose values mean nothing."""


def least(shape: Shape | None, *, nulls: bool) -> Plain:
    """
    An answer of this shape with only what it must hold: one of a required list, nothing optional. Of
    alternatives it holds each, for a mapping may well read one and leave the others to `errors`.

    With `nulls` what is absent is null, and an empty list where there may be many, as answers in XML are
    read; without, it is not there at all, as in JSON.
    """
    held = _least(shape, nulls, frozenset())
    return [held] if shape is not None and shape.many else held


def unreadable(texts: Iterable[tuple[Path, str]], context: Context) -> Iterator[tuple[Path, str]]:
    """Where an expression fails for want of something that the contract does not promise, and the reason."""
    for at, text in texts:
        try:
            Expression(text, frozenset(context)).evaluate(context)
        except ExpressionFailed as failed:
            if failed.reason.startswith(_TELLING):
                yield at, failed.reason
        except ExpressionFault:
            continue  # loading tells of it


def holds(condition: str, context: Context) -> bool | None:
    """Whether a condition holds; None where it cannot be said."""
    try:
        return Expression(condition, frozenset(context)).evaluate(context) is True
    except (ExpressionFailed, ExpressionFault):
        return None


def _least(shape: Shape | None, nulls: bool, inside: frozenset[int]) -> Plain:
    if shape is None:
        return "1"
    if id(shape) in inside:
        return {}  # a type that contains itself
    held: dict[str, Plain] = {}
    for name, part in shape.parts.items():
        if part.required or part.promised or part.choice:
            inner = part.inner
            value = _value(part) if inner is None else _least(inner, nulls, inside | {id(shape)})
            held[name] = [value] if part.many else value
        elif nulls:
            held[name] = [] if part.many else _absent(part)
    return held


def _value(part: Part) -> Plain:
    """A number is zero: where nothing optional is there, a count of it counts nothing."""
    number = isinstance(part.sample, int | float) and not isinstance(part.sample, bool)
    return 0 if number else part.sample


def _absent(part: Part) -> Plain:
    """As `hub.adapters.soap.reading` has it: an element that only wraps a list is an empty list."""
    shape = part.inner
    if shape is not None and len(shape.parts) == 1 and not shape.open:
        [inner] = shape.parts.values()
        if inner.many:
            return {inner.name: []}
    return None
