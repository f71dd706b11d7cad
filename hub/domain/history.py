"""How long something usually takes, from how long it took before."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import Field

from hub.domain.deadlines import joined
from hub.domain.information import ClockStop
from hub.domain.model import Model

BOUNDS: tuple[timedelta, ...] = tuple(timedelta(seconds=round(10 ** (step / 10), 3)) for step in range(73))
"""
Ten steps to a decade, from a second to half a year. Never changed: what has been counted is counted by them.
"""

_SECONDS = (0.0, *(bound.total_seconds() for bound in BOUNDS), BOUNDS[-1].total_seconds())
"""Where each bucket begins, and at the end where the last one does: it has no end of its own."""

BUCKETS = len(BOUNDS) + 1
"""The last one is for what took longer than every bound."""

TELLING = 20
"""From how many on it is told what is usual; fewer tell little."""


class Usual(Model):
    """How long a service has taken: half, nine in ten and 99 in 100 took no longer."""

    count: int
    """From how many; a few tell little."""
    half: timedelta
    nine_in_ten: timedelta
    nearly_all: timedelta
    """99 in 100."""


class AnswerTimes(Model):
    """How long answers took: how many in each bucket. Adds up, over services and over days."""

    counts: tuple[int, ...] = Field(default=(0,) * BUCKETS, min_length=BUCKETS, max_length=BUCKETS)

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def tells(self) -> bool:
        """Whether they are enough to speak of what is usual."""
        return self.count >= TELLING

    def within(self, length: timedelta) -> float:
        """The share, 0 to 1, that took no longer; by proportion within a bucket. 0 where nothing is known."""
        count = self.count
        bucket = bucket_of(length)
        if not count or length < timedelta(0):
            return 0.0
        below = sum(self.counts[:bucket])
        here = self.counts[bucket]
        low, high = bounds_of(bucket)
        part = (length - low) / (high - low) if high > low else 0.0
        return (below + here * part) / count

    def percentile(self, share: float) -> timedelta:
        """
        What this share (0 to 1) took no longer than, right to within its bucket. What took longer than every
        bound is told as the last bound. Raises ValueError where nothing is known.
        """
        [length] = self.percentiles(share)
        return length

    def percentiles(self, *shares: float) -> list[timedelta]:
        """Of each of these shares, which must not fall."""
        there = [(bucket, count) for bucket, count in enumerate(self.counts) if count]
        if not there:
            raise ValueError("nothing is known of how long it takes")
        total, below, place = self.count, 0, 0
        lengths = []
        for share in shares:
            wanted = share * total
            while place + 1 < len(there) and below + there[place][1] < wanted:
                below += there[place][1]
                place += 1
            bucket, here = there[place]
            low = _SECONDS[bucket]
            part = min(max(0.0, wanted - below) / here, 1.0)
            lengths.append(timedelta(seconds=low + (_SECONDS[bucket + 1] - low) * part))
        return lengths

    def left(self, waited: timedelta, share: float) -> timedelta | None:
        """
        How much longer it takes at most in this share of the cases that have taken `waited` already. None
        where hardly any took so long: then nothing can be told from them.
        """
        gone = self.within(waited)
        if (1 - gone) * self.count < 1:
            return None
        return max(self.percentile(gone + share * (1 - gone)) - waited, timedelta(0))

    def usual(self) -> Usual:
        """Raises ValueError where nothing is known."""
        half, nine_in_ten, nearly_all = self.percentiles(0.5, 0.9, 0.99)
        return Usual(count=self.count, half=half, nine_in_ten=nine_in_ten, nearly_all=nearly_all)


def bucket_of(length: timedelta) -> int:
    """The first bucket whose bound it does not exceed."""
    return bisect_left(BOUNDS, length)


def bounds_of(bucket: int) -> tuple[timedelta, timedelta]:
    """Between which lengths a bucket lies; the last has no end, and is told as where it begins."""
    low = BOUNDS[bucket - 1] if bucket else timedelta(0)
    return low, BOUNDS[bucket] if bucket < len(BOUNDS) else low


def together(times: Iterable[AnswerTimes]) -> AnswerTimes:
    """All of them as one."""
    total = [0] * BUCKETS
    for one in times:
        for bucket, count in enumerate(one.counts):
            total[bucket] += count
    return AnswerTimes(counts=tuple(total))


def time_run(begin: datetime, end: datetime, stops: Iterable[ClockStop] = ()) -> timedelta:
    """How long a clock has run; while it stood still it did not. Nothing where it ends before it begins."""
    ended = [(stop.from_, min(stop.until or end, end)) for stop in stops]
    stood = sum((until - since for since, until in joined(ended, begin)), timedelta(0))
    return max(end - begin - stood, timedelta(0))
