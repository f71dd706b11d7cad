"""What is usual: laws of counted answer times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.history import (
    BOUNDS,
    BUCKETS,
    AnswerTimes,
    bounds_of,
    bucket_of,
    time_run,
    together,
)
from hub.domain.information import ClockStop

T0 = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=300))
SOME = st.lists(LENGTHS, min_size=1, max_size=60)
SHARES = st.floats(0, 1)


def times(lengths: list[timedelta]) -> AnswerTimes:
    counts = [0] * BUCKETS
    for length in lengths:
        counts[bucket_of(length)] += 1
    return AnswerTimes(counts=tuple(counts))


def hours(*lengths: float) -> AnswerTimes:
    return times([timedelta(hours=length) for length in lengths])


def test_the_bounds_are_never_changed() -> None:
    """What has been counted is counted by them."""
    assert len(BOUNDS) == 73
    assert [BOUNDS[step] for step in (0, 1, 10, 47, 72)] == [
        timedelta(seconds=s) for s in (1, 1.259, 10, 50118.723, 15848931.925)
    ]


@given(LENGTHS)
def test_a_length_lies_within_its_bucket(length: timedelta) -> None:
    bucket = bucket_of(length)
    low, high = bounds_of(bucket)
    assert low <= length
    assert length <= high or bucket == BUCKETS - 1


@given(SOME, SHARES, SHARES)
def test_percentiles_do_not_fall(lengths: list[timedelta], one: float, other: float) -> None:
    known = times(lengths)
    assert known.percentile(min(one, other)) <= known.percentile(max(one, other))


@given(SOME, st.integers(1, 100))
def test_a_percentile_is_right_to_within_its_bucket(lengths: list[timedelta], hundredths: int) -> None:
    """It lies in the bucket of the length that the share really did not exceed."""
    ordered = sorted(lengths)
    place = max(-(-hundredths * len(ordered) // 100), 1)
    low, high = bounds_of(bucket_of(ordered[place - 1]))
    told = times(lengths).percentile(place / len(ordered))
    assert low - timedelta(milliseconds=1) <= told <= high + timedelta(milliseconds=1)


@given(SOME, LENGTHS, LENGTHS)
def test_shares_grow_with_the_length(lengths: list[timedelta], one: timedelta, other: timedelta) -> None:
    known = times(lengths)
    assert 0 <= known.within(min(one, other)) <= known.within(max(one, other)) <= 1


@given(SOME, st.floats(0.01, 0.99))
def test_share_and_percentile_are_each_others_inverse(lengths: list[timedelta], share: float) -> None:
    known = times([min(length, BOUNDS[-1]) for length in lengths])
    assert known.within(known.percentile(share)) == pytest.approx(share, abs=0.001)


@given(SOME, SOME)
def test_together_is_the_sum(one: list[timedelta], other: list[timedelta]) -> None:
    assert together([times(one), times(other)]) == times(one + other)


@given(SOME, LENGTHS, st.floats(0, 1))
def test_what_has_waited_waits_on_for_no_less_than_nothing(
    lengths: list[timedelta], waited: timedelta, share: float
) -> None:
    left = times(lengths).left(waited, share)
    assert left is None or timedelta(0) <= left <= BOUNDS[-1]


def test_what_is_left_is_told_from_those_that_took_as_long() -> None:
    """Half are done within the hour; who has waited for two hours is not among them any more."""
    known = hours(*[0.5] * 50, *[10] * 50)
    fresh, waiting = known.left(timedelta(0), 0.5), known.left(timedelta(hours=2), 0.5)
    assert fresh is not None
    assert waiting is not None
    assert fresh < timedelta(hours=1)
    assert timedelta(hours=6) < waiting < timedelta(hours=9)


def test_nothing_is_told_of_what_hardly_ever_took_so_long() -> None:
    assert hours(*[1] * 99).left(timedelta(days=1), 0.9) is None


def test_a_few_tell_nothing() -> None:
    assert not hours(*[1] * 19).tells
    assert hours(*[1] * 20).tells


def test_nothing_is_usual_where_nothing_is_known() -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        AnswerTimes().usual()


def test_a_clock_runs_except_while_it_stands_still() -> None:
    """Stops may overlap, and one may go on; a clock that is behind has run no time."""
    hour = timedelta(hours=1)
    stops = [
        ClockStop(from_=T0 + hour, until=T0 + 3 * hour, request="q1"),
        ClockStop(from_=T0 + 2 * hour, until=T0 + 4 * hour, request="q2"),
        ClockStop(from_=T0 + 9 * hour, request="q3"),
    ]
    assert time_run(T0, T0 + 10 * hour, stops) == 6 * hour
    assert time_run(T0, T0 - hour) == timedelta(0)
