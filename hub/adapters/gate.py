"""The gate before the agencies: who may be asked now, as every process knows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from hub.adapters.reading import Kind
from hub.config.models import AgencyFile
from hub.domain.deadlines import parse_duration
from hub.domain.errors import AgencyUnavailable, ChannelError, InDoubt
from hub.domain.referral import ReferralTerms
from hub.ports import AgencyControl, Clock, Controls, ControlState, Pace

_LOOK_EVERY = 1.0
"""Seconds. So long one process may go on as it did when another has found that an agency fails."""
_ASKED_WHILE_DRAINING = frozenset({Kind.POLL, Kind.PULL, Kind.ACKNOWLEDGE})
"""What stands in no queue, and has a pace of its own."""
_TOO_MANY_WHILE_DRAINING = 3
"""
Failures in a row. One may be about what was asked and not about the agency, and to shut the gate for it would
have the whole queue wait; who is truly away fails the next ones, too.
"""
_SERVES = 5
"""Answers while its queue goes out, after which an agency has been back, however soon it fails again."""

log = structlog.get_logger(__name__)


@dataclass
class _Drain:
    """What this process has seen of an agency since its queue began to go out."""

    served: int = 0
    """Requests that it has answered."""
    failed: int = 0
    """Requests that have failed, in a row."""


class LiveGate:
    """
    Implements `hub.ports.Gate`; as a relay it looks at the controls every second.

    For an agency that is open nothing is asked of the store. Where it is not, the store is asked each time:
    what may go changes from one request to the next, and few are made.
    """

    name = "gate"

    def __init__(
        self,
        controls: Controls,
        clock: Clock,
        file_of: Callable[[str], AgencyFile | None],
        forgive: Callable[[str], None],
    ) -> None:
        """`forgive` closes the breakers of this process for an agency that is to be asked again."""
        self.forgive = forgive
        self._controls = controls
        self._clock = clock
        self._file_of = file_of
        self._known: dict[str, AgencyControl] = {}
        self._drains: dict[str, _Drain] = {}
        """By agency; of those that drain."""

    async def go_round(self) -> float:
        await self.look()
        return _LOOK_EVERY

    async def look(self) -> None:
        """See how agencies are controlled now. Raises what the store raises."""
        now = await asyncio.to_thread(partial(self._controls.controls, counted=False))
        for agency, was in self._known.items():
            is_asked = agency not in now or now[agency].state is ControlState.DRAINING
            if is_asked and was.state not in (ControlState.OPEN, ControlState.DRAINING):
                # What this process has seen of it is of before.
                self.forgive(agency)
        self._known = now
        draining = [agency for agency, control in now.items() if control.state is ControlState.DRAINING]
        self._drains = {agency: self._drains.get(agency) or _Drain() for agency in draining}

    def control(self, agency: str) -> AgencyControl | None:
        """How it is controlled, as last looked at; None when it is open. Never blocks."""
        return self._known.get(agency)

    def shut(self) -> dict[str, int]:
        """Of agencies that are not simply open: how many may ask at once what stands in no queue."""
        return {a: int(c.state is ControlState.DRAINING) for a, c in self._known.items()}

    def pace(self, agency: str) -> Pace:
        """How it is tried, and how fast its queue goes out: as its file says."""
        file = self._file_of(agency)
        if file is None:
            return Pace()
        limits = file.channel.limits
        # Nobody says how much it can take: as much as its slots could if each request took a second.
        fastest = limits.per_second or float(limits.concurrency)
        pause = parse_duration(limits.breaker_pause)
        return Pace(
            first_pause=min(Pace().first_pause, pause),
            longest_pause=max(Pace().longest_pause, pause),
            slowest=min(fastest, max(1.0, fastest / 2)),
            fastest=fastest,
            at_once=limits.concurrency,
        )

    async def lets_through(self, agency: str, kind: Kind, terms: ReferralTerms | None) -> bool:
        """Whether this may be asked of an agency that is controlled."""
        control = self.control(agency)
        if control is None:
            return True
        if control.state is ControlState.DRAINING and kind in _ASKED_WHILE_DRAINING:
            return True
        if control.state is ControlState.PAUSED or terms is None:
            return False
        return await asyncio.to_thread(
            self._controls.is_let_through, terms.mrn, terms.service, agency, self._clock()
        )

    async def answered(self, control: AgencyControl) -> None:
        """An agency that was let be asked under this control has answered, whatever it said."""
        drain = self._drains.get(control.agency)
        if drain is not None:
            drain.served += 1
            drain.failed = 0
        if control.state is not ControlState.FAILING:
            return
        agency, rate = control.agency, self.pace(control.agency).slowest
        if await asyncio.to_thread(self._controls.recovered, agency, self._clock(), rate):
            log.info("agency.draining", agency=agency, rate=rate)
        await self.look()

    async def failed(self, agency: str, control: AgencyControl | None, error: ChannelError) -> None:
        """
        A request has failed that was let through: of an open agency (None), whose breaker is open now; of one
        that drains; or the probe.
        """
        pace, at, reason = self.pace(agency), self._clock(), str(error)
        if control is not None and control.state is ControlState.FAILING:
            least = min(timedelta(seconds=error.retry_after or 0.0), pace.longest_pause)
            if await asyncio.to_thread(
                self._controls.probe_failed,
                agency,
                reason=reason,
                at=at,
                longest=pace.longest_pause,
                least=least,
            ):
                log.info("agency.probe_failed", agency=agency, reason=reason)
        elif error.failing or self._fails_again(agency, error):
            drain = self._drains.get(agency)
            if await asyncio.to_thread(
                self._controls.fails,
                agency,
                reason=reason,
                at=at,
                pause=pace.first_pause,
                served=drain is not None and drain.served >= _SERVES,
            ):
                log.warning("agency.failing", agency=agency, reason=reason)
        else:
            return
        await self.look()

    def _fails_again(self, agency: str, error: ChannelError) -> bool:
        drain = self._drains.get(agency)
        if drain is None or not error.exchanges:
            return False  # where nothing was sent, it says nothing about the agency
        drain.failed += 1
        return drain.failed >= _TOO_MANY_WHILE_DRAINING


def is_a_failure(error: ChannelError) -> bool:
    """Whether the agency has not answered, in whatever words."""
    return isinstance(error, AgencyUnavailable | InDoubt)
