"""How hard one agency may be pushed, whatever number of versions of its file are open."""

from __future__ import annotations

from dataclasses import dataclass

from hub.adapters.limits import Breaker, Pause, Slots, TokenBucket
from hub.config.models import ChannelFile
from hub.domain.deadlines import parse_duration


@dataclass(frozen=True)
class Bounds:
    """Slots, rate and breaker of one agency, and the pause it has asked for."""

    slots: Slots
    bucket: TokenBucket | None
    breaker: Breaker
    pause: Pause

    @classmethod
    def of(cls, channel: ChannelFile) -> Bounds:
        """For an agency that was not spoken to before."""
        limits = channel.limits
        rate = limits.per_second
        return cls(
            slots=Slots(limits.concurrency),
            bucket=None if rate is None else TokenBucket(rate, rate),
            breaker=Breaker(limits.breaker_failures, parse_duration(limits.breaker_pause).total_seconds()),
            pause=Pause(),
        )

    def changed(self, before: ChannelFile, now: ChannelFile) -> Bounds:
        """
        The same for a changed file. What is under way goes on counting.

        Slots that are taken stay taken, rate and breaker go on where they stand, unless the file says other
        numbers. A breaker that opened on another address says nothing about the new one.
        """
        fresh = Bounds.of(now)
        self.slots.resize(now.limits.concurrency)
        same_breaker = (before.endpoint, before.limits.breaker_failures, before.limits.breaker_pause) == (
            now.endpoint,
            now.limits.breaker_failures,
            now.limits.breaker_pause,
        )
        return Bounds(
            slots=self.slots,
            bucket=self.bucket if before.limits.per_second == now.limits.per_second else fresh.bucket,
            breaker=self.breaker if same_breaker else fresh.breaker,
            pause=self.pause if before.endpoint == now.endpoint else fresh.pause,
        )
