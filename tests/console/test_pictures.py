"""Pictures of figures: every value lies within them, and every axis says where."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.console.pictures import bars, plot, spark

SECONDS = st.floats(0.0005, 500 * 86400)
AT = datetime(2026, 3, 2, tzinfo=UTC)


def times(count: int) -> list[datetime]:
    return [AT + timedelta(hours=number) for number in range(count)]


@given(st.lists(st.none() | SECONDS, min_size=1, max_size=40))
def test_every_point_lies_within_the_plot(values: list[float | None]) -> None:
    """One that is known is drawn, in a line or by itself; the ticks of the axis rise and are told apart."""
    picture = plot(
        times(len(values)), [("half", values)], time_label=lambda at: f"{at:%H}", value_label=lambda v: f"{v}"
    )
    [curve] = picture.curves
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", curve.path)]
    points += [(x, y) for x, y in curve.dots]
    assert len(points) == sum(value is not None for value in values)
    for x, y in points:
        assert picture.left <= x <= picture.right
        assert picture.top - 0.1 <= y <= picture.bottom + 0.1
    levels = [tick.at for tick in picture.up]
    assert levels == sorted(levels, reverse=True)
    assert len({tick.label for tick in picture.up}) == len(picture.up) >= 2


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 100)), min_size=1, max_size=40))
def test_whatever_is_counted_is_seen_in_its_bar(counts: list[tuple[int, int]]) -> None:
    """However few they are among many."""
    picture = bars(
        times(len(counts)),
        [("answered", [one for one, _ in counts]), ("refused", [other for _, other in counts])],
        time_label=lambda at: f"{at:%H}",
        value_label=str,
    )
    assert len(picture.parts) == sum(bool(one) + bool(other) for one, other in counts)
    assert all(part.height >= 1 for part in picture.parts)
    assert picture.is_empty == (not picture.parts)


def test_nothing_is_an_empty_picture() -> None:
    assert spark([None, None]).is_empty
    assert plot([], [("half", [])], time_label=str, value_label=str).is_empty
    assert bars([], [], time_label=str, value_label=str).is_empty
