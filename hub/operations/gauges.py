"""What is counted in the store for whoever watches the hub from outside: the same at each process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.domain.stuck import StuckKind
from hub.ports import Clock, Controls, ControlState, Histories, QueryStore
from hub.ports.attention import Attention, StuckFilter
from hub.ports.incidents import Incident, IncidentKind, Outboxes

_ANSWERS_FOR = 300.0
"""Seconds for which the answer times of 90 days are as good as new."""


Values = dict[tuple[str, ...], float]
"""By its labels' values, in their order."""


@dataclass(frozen=True)
class Measured:
    """One gauge: what it is called, what it says, and its values by its labels."""

    name: str
    words: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]


class Watched(Protocol):
    """What the early warning keeps. Blocking."""

    def open_incidents(self) -> list[Incident]: ...

    def outboxes(self) -> Outboxes: ...


class Gauges:
    """Blocking. Every query is answered by an index, however many declarations there are."""

    def __init__(
        self,
        queries: QueryStore,
        controls: Controls,
        watched: Watched,
        attention: Attention,
        histories: Histories,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queries = queries
        self._controls = controls
        self._watched = watched
        self._attention = attention
        self._histories = histories
        self._clock = clock
        self._monotonic = monotonic
        self._answers: tuple[float, Measured] | None = None

    def read(self) -> Iterator[Measured]:
        """All of them. Raises what the store raises when it is away."""
        now = self._clock()
        yield from self._counts()
        yield from self._of_agencies()
        yield from self._of_watch(now)
        yield self._usual(now)

    def _counts(self) -> Iterator[Measured]:
        counts = self._queries.counts()
        outcomes: Values = {
            (name.partition(".")[2],): float(count)
            for name, count in counts.items()
            if name.startswith("declarations.")
        }
        yield Measured("hub_declarations", "Declarations by outcome now.", ("outcome",), outcomes)
        for name, count in counts.items():
            if "." not in name:
                yield Measured(f"hub_{name}", f"As the store counts: {name}.", (), {(): float(count)})

    def _of_agencies(self) -> Iterator[Measured]:
        waiting: Values = {
            (agency,): float(count) for agency, count in self._queries.open_referrals().items()
        }
        yield Measured("hub_open_referrals", "Referrals that wait for an agency.", ("agency",), waiting)
        controls = self._controls.controls()
        states: Values = {
            (agency, state.value): float(control.state is state)
            for agency, control in controls.items()
            for state in ControlState
            if state is not ControlState.OPEN
        }
        yield Measured(
            "hub_agency_controlled",
            "1 for the state of an agency that is not asked as usual; agencies that are, are not shown.",
            ("agency", "state"),
            states,
        )
        queued: Values = {(agency,): float(control.queued) for agency, control in controls.items()}
        words = "Referrals that wait until their agency is asked again."
        yield Measured("hub_agency_queue_length", words, ("agency",), queued)

    def _of_watch(self, now: datetime) -> Iterator[Measured]:
        incidents: Values = {(kind.value,): 0.0 for kind in IncidentKind}
        for incident in self._watched.open_incidents():
            incidents[incident.kind.value,] += 1
        yield Measured("hub_incidents_open", "Incidents that are open.", ("kind",), incidents)
        stuck: Values = {(kind.value,): 0.0 for kind in StuckKind}
        for kind, count in self._attention.stuck_counts(StuckFilter(), now).by_kind.items():
            stuck[kind.value,] = float(count)
        yield Measured("hub_stuck", "Referrals and declarations that are stuck, by why.", ("kind",), stuck)
        boxes = self._watched.outboxes()
        ages = {
            "not_started": boxes.not_started,
            "decisions": boxes.untold_decision,
            "news": boxes.untold_news,
            "notices": boxes.unsent_notice,
            "messages": boxes.unmatched_message,
        }
        waits: Values = {
            (name,): 0.0 if since is None else max((now - since).total_seconds(), 0.0)
            for name, since in ages.items()
        }
        yield Measured(
            "hub_outbox_oldest_age_seconds",
            "For how long the oldest has waited to be told, sent or matched; 0 when nothing waits.",
            ("outbox",),
            waits,
        )

    def _usual(self, now: datetime) -> Measured:
        if self._answers is None or self._monotonic() - self._answers[0] > _ANSWERS_FOR:
            values: Values = {}
            for service, usual in self._histories.usual(now).items():
                for quantile, time_taken in (
                    ("0.5", usual.half),
                    ("0.9", usual.nine_in_ten),
                    ("0.99", usual.nearly_all),
                ):
                    values[service, quantile] = time_taken.total_seconds()
            words = "How long a service has taken to decide in the last 90 days, without stops of the clock."
            answers = Measured("hub_service_answer_time_seconds", words, ("service", "quantile"), values)
            self._answers = (self._monotonic(), answers)
        return self._answers[1]
