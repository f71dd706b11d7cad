"""Many requests at once, as the proxy saw them: how many were under way, and how fast they came."""

from __future__ import annotations

from collections.abc import Sequence

from hub.workbench.certify.wire import Passage


def most_at_once(passed: Sequence[Passage]) -> int:
    """How many of them were under way at the same time, at most."""
    # One that ends at the very time another begins makes room for it.
    ends = [(one.began, 1) for one in passed] + [(one.ended or one.began, -1) for one in passed]
    under_way = most = 0
    for _, step in sorted(ends):
        under_way += step
        most = max(most, under_way)
    return most


def keeps_rate(passed: Sequence[Passage], rate: float, started: float) -> bool:
    """
    Whether no more came than one second's requests at once and `rate` a second from then on.

    `started` is when the first may have been sent. What is late on its way never makes a rate look faster.
    """
    began = sorted(one.began for one in passed)
    return all(came >= started + (place - rate) / rate for place, came in enumerate(began, 1))
