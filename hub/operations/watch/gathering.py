"""Gathers what one round judges: each measurement by itself, so that one that fails takes none with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog

from hub.domain import latency
from hub.domain.stuck import StuckKind
from hub.operations.watch.pace import AS_USUAL, Pace
from hub.operations.watch.vitals import Duplicates, StuckWork, Vitals
from hub.ports import (
    CallCount,
    CallResult,
    CertificateEnd,
    Clock,
    Controls,
    DatabaseState,
    EngineState,
    Histories,
    RefusedFile,
    Tallied,
    Thresholds,
    WatchStore,
)
from hub.ports.attention import Attention, StuckFilter
from hub.ports.doctor import Finding, FindingKind

T = TypeVar("T")

AWAITED = "awaited"
"""What is sampled: referrals that wait, by agency."""

_CALLS = timedelta(minutes=15)
_USUAL = timedelta(days=3)
_USUAL_LEAST = 20
_SAMPLED_EVERY = timedelta(minutes=5)
_AGAINST = timedelta(hours=6)
_NOT_THE_LAST = timedelta(hours=1)
_SAMPLES_LEAST = 6
_FAILED_WITHIN = timedelta(hours=1)
_FAILED_MOST = 20
_FORGET_EVERY = timedelta(hours=1)
_ELSEWHERE = frozenset(
    {
        FindingKind.NOT_STARTED,
        FindingKind.DECISIONS_UNTOLD,
        FindingKind.NEWS_UNTOLD,
        FindingKind.NOTICES_UNSENT,
        FindingKind.ENGINE_UNREACHABLE,
        FindingKind.WORKFLOW_FAILING,
    }
)
"""What the doctor's quick look finds and is judged here by other means."""

log = structlog.get_logger(__name__)


class EngineWatch(Protocol):
    """The engine, as far as the early warning looks at it."""

    async def state(self) -> EngineState:
        """How it does. Raises nothing: one that does not answer is not reachable."""

    async def still_failing(self, runs: Sequence[str]) -> list[str]:
        """Those of these runs of workflows whose newest task has failed, as ids of workflows."""


@dataclass(frozen=True)
class Arrival:
    """How a round that the engine has scheduled came to be."""

    waited: timedelta
    """Between being scheduled and being begun."""
    skew_seconds: float
    """How far our clock is ahead of the engine's."""


@dataclass
class _Kept:
    """A measurement that is not made with every round."""

    at: datetime
    value: Any


@dataclass
class Gatherer:
    """Measures. Blocking sources are called in threads."""

    store: WatchStore
    histories: Histories
    controls: Controls
    attention: Attention
    engine: EngineWatch
    certificates: Callable[[], Sequence[CertificateEnd]]
    """Of the agencies' files in force, those that end within the longest time that matters."""
    refused_files: Callable[[], Sequence[RefusedFile]]
    quick_look: Callable[[], Awaitable[Sequence[Finding]]]
    """The doctor's."""
    clock: Clock
    pace: Pace = AS_USUAL
    _kept: dict[str, _Kept] = field(default_factory=dict)

    async def gather(
        self, thresholds: Thresholds, database: DatabaseState | None, arrival: Arrival | None
    ) -> Vitals:
        """
        One round's measurements. `database` is how it took this process's last beat; without `arrival` the
        round was not scheduled by the engine.
        """
        now = self.clock()
        engine, looked = await asyncio.gather(
            self._engine(arrival), self._every("quick_look", 30, now, self.quick_look)
        )
        vitals = await asyncio.to_thread(self._of_the_store, now, thresholds)
        failing = await self._failing_workflows(now, looked)
        disagreements = None
        if looked is not None and not any(one.kind is FindingKind.ENGINE_UNREACHABLE for one in looked):
            disagreements = {one.kind.value: one.count for one in looked if one.kind not in _ELSEWHERE}
        is_slow = database is not None and database.seconds >= thresholds.database_seconds.total_seconds()
        return replace(
            vitals,
            # Where a small write takes so long, a sign of life that is late is the database's doing.
            beats=None if is_slow else vitals.beats,
            engine=engine,
            database=database,
            failing_workflows=failing,
            disagreements=disagreements,
        )

    async def _engine(self, arrival: Arrival | None) -> EngineState:
        state = await self.engine.state()
        if arrival is None:
            return state
        waiting = arrival.waited if state.waiting is None else max(state.waiting, arrival.waited)
        return replace(state, waiting=waiting, skew_seconds=arrival.skew_seconds)

    async def _failing_workflows(
        self, now: datetime, looked: Sequence[Finding] | None
    ) -> Sequence[str] | None:
        """By what workers have told, and by what the engine tells of itself, which is late."""
        try:
            told = await asyncio.to_thread(self.store.tallied, Tallied.WORKFLOW_FAILED, now - _FAILED_WITHIN)
            failing = await self.engine.still_failing(sorted(told)[:_FAILED_MOST]) if told else []
        except Exception:
            log.exception("watch.not_measured", what="failing_workflows")
            return None
        known = [
            place.mrn or place.subject or ""
            for one in looked or ()
            if one.kind is FindingKind.WORKFLOW_FAILING
            for place in one.places
        ]
        return sorted({*failing, *known} - {""})

    def _of_the_store(self, now: datetime, thresholds: Thresholds) -> Vitals:
        store, measured = self.store, self._measured
        kept = self._every_blocking
        awaited = kept("awaited", 30, now, store.open_referrals)
        if awaited is not None:
            kept("sample", _SAMPLED_EVERY.total_seconds(), now, lambda: self._sample(awaited, now))
        kept("forget", _FORGET_EVERY.total_seconds(), now, lambda: store.forget(now))
        return Vitals(
            at=now,
            calls=measured("calls", lambda: _by_agency(self.histories.calls(None, now - _CALLS))),
            usual_p90_ms=kept("usual_p90", 900, now, lambda: self._usual_p90(now)),
            controls=measured("controls", self.controls.controls),
            stuck=kept("stuck", 15, now, lambda: self._stuck(now)),
            awaited=awaited,
            awaited_before=kept("awaited_before", 60, now, lambda: self._awaited_before(now)),
            outboxes=measured("outboxes", store.outboxes),
            doors=measured("doors", lambda: store.doors(now - thresholds.not_understood_within)),
            forged=measured(
                "forged", lambda: store.doors(now - thresholds.refused_callbacks_within).refused_callbacks
            ),
            beats=measured("beats", store.beats),
            certificates=kept("certificates", 30, now, self.certificates),
            refused_files=measured("refused_files", self.refused_files),
            duplicates=measured("duplicates", lambda: self._duplicates(now)),
        )

    def _usual_p90(self, now: datetime) -> dict[str, float]:
        found = {}
        until = now - _NOT_THE_LAST
        for agency, calls in _by_agency(self.histories.calls_by_hour(None, now - _USUAL)).items():
            answered = [one for one in calls if one.result == CallResult.ANSWERED and one.minute < until]
            if sum(one.count for one in answered) < _USUAL_LEAST:
                continue
            slowest = max(one.slowest_ms for one in answered)
            p90 = latency.percentile(latency.together(one.ladder for one in answered), 0.9, slowest)
            if p90 is not None:
                found[agency] = float(p90)
        return found

    def _stuck(self, now: datetime) -> StuckWork:
        def count(kind: StuckKind) -> Mapping[str, int]:
            return self.attention.stuck_counts(StuckFilter(kind=kind), now).by_agency

        return StuckWork(
            slow=count(StuckKind.SLOW),
            undeliverable=count(StuckKind.UNDELIVERABLE),
            due_soon=count(StuckKind.DUE_SOON),
            expired=count(StuckKind.EXPIRED),
        )

    def _sample(self, awaited: Mapping[str, int], now: datetime) -> None:
        every = _SAMPLED_EVERY.total_seconds()
        at = datetime.fromtimestamp(now.timestamp() // every * every, now.tzinfo)
        self.store.sample(AWAITED, {agency: float(count) for agency, count in awaited.items()}, at)

    def _awaited_before(self, now: datetime) -> dict[str, list[float]]:
        until = now - _NOT_THE_LAST
        found = {
            agency: [value for at, value in values if at < until]
            for agency, values in self.store.samples(AWAITED, now - _AGAINST).items()
        }
        return {agency: values for agency, values in found.items() if len(values) >= _SAMPLES_LEAST}

    def _duplicates(self, now: datetime) -> Duplicates:
        since = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
        return Duplicates(
            declarations=self.store.tallied(Tallied.LODGED_AGAIN, since),
            messages=self.store.tallied(Tallied.MESSAGE_AGAIN, since),
        )

    def _measured(self, what: str, measure: Callable[[], T]) -> T | None:
        try:
            return measure()
        except Exception:
            # Nothing is concluded from what could not be measured; the next round tries again.
            log.exception("watch.not_measured", what=what)
            return None

    def _every_blocking(self, what: str, seconds: float, now: datetime, measure: Callable[[], T]) -> T | None:
        kept = self._kept.get(what)
        if kept is not None and timedelta() <= now - kept.at < self.pace.scaled(seconds):
            value: T = kept.value
            return value
        found = self._measured(what, measure)
        if found is not None:
            self._kept[what] = _Kept(now, found)
        return found

    async def _every(
        self, what: str, seconds: float, now: datetime, measure: Callable[[], Awaitable[T]]
    ) -> T | None:
        kept = self._kept.get(what)
        if kept is not None and timedelta() <= now - kept.at < self.pace.scaled(seconds):
            value: T = kept.value
            return value
        try:
            found = await measure()
        except Exception:
            log.exception("watch.not_measured", what=what)
            return None
        self._kept[what] = _Kept(now, found)
        return found


def _by_agency(calls: Iterable[CallCount]) -> dict[str, list[CallCount]]:
    found: dict[str, list[CallCount]] = {}
    for one in calls:
        found.setdefault(one.agency, []).append(one)
    return found
