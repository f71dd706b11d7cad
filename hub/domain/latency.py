"""How long requests took, as counts on a ladder of bounds: adds up over processes and over time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

BOUNDS: tuple[int, ...] = tuple(round(10 ** (1 + step / 4)) for step in range(17))
"""Milliseconds, four steps to a decade from 10 ms to 100 s. Never changed: what was counted is on them."""

STEPS = len(BOUNDS) + 1
"""The last step is for what took longer than every bound."""


def step_of(milliseconds: int) -> int:
    """The step of the ladder that a length of time falls on: the first whose bound it does not exceed."""
    return bisect_left(BOUNDS, milliseconds)


def one(milliseconds: int) -> tuple[int, ...]:
    """The ladder with one request on it."""
    step = step_of(milliseconds)
    return tuple(int(number == step) for number in range(STEPS))


def together(ladders: Iterable[Sequence[int]]) -> tuple[int, ...]:
    """Several ladders as one."""
    return tuple(map(sum, zip((0,) * STEPS, *ladders, strict=True)))


def percentile(ladder: Sequence[int], share: float, slowest: int) -> int | None:
    """
    The milliseconds that this share (0 to 1) of the requests did not exceed; None without any.

    Within a step it is taken by proportion, so it is right to within that step; `slowest` bounds it, and is
    where the last step ends.
    """
    count = sum(ladder)
    if not count:
        return None
    wanted = share * count
    below = 0
    for step, here in enumerate(ladder):
        if here and below + here >= wanted:
            low = BOUNDS[step - 1] if step else 0
            high = min(BOUNDS[step], slowest) if step < len(BOUNDS) else slowest
            return round(low + max(0, high - low) * max(0.0, wanted - below) / here)
        below += here
    return slowest
