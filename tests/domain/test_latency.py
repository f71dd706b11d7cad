"""Lengths of time on a ladder: what adds up, and how near a percentile of them is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.domain import latency

SOME = st.lists(st.integers(0, 300_000), min_size=1, max_size=40)


@given(SOME, SOME)
def test_ladders_add_up(one: list[int], other: list[int]) -> None:
    """Counted apart or together, it comes to the same."""

    def counted(times: list[int]) -> tuple[int, ...]:
        return latency.together(latency.one(ms) for ms in times)

    assert latency.together([counted(one), counted(other)]) == counted(one + other)
    assert sum(counted(one)) == len(one)


@given(SOME, st.floats(0.01, 1.0))
def test_a_percentile_lies_on_the_step_of_the_true_one(times: list[int], share: float) -> None:
    """So it is never further off than one step, and never beyond the slowest."""
    ladder = latency.together(latency.one(ms) for ms in times)
    found = latency.percentile(ladder, share, max(times))
    true = next(ms for place, ms in enumerate(sorted(times), 1) if place >= share * len(times))
    assert found is not None
    assert found <= max(times)
    step = latency.step_of(true)
    low = latency.BOUNDS[step - 1] if step else 0
    high = latency.BOUNDS[step] if step < len(latency.BOUNDS) else max(times)
    assert low <= found <= high


def test_of_nothing_there_is_no_percentile() -> None:
    assert latency.percentile(latency.together([]), 0.5, 0) is None
