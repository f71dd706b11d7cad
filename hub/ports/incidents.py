"""What the early warning has found, and whom it has told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field

from hub.domain.model import Model, UtcDatetime


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    """Cargo stands still, or is about to."""

    @property
    def rank(self) -> int:
        """The more serious, the higher."""
        return list(Severity).index(self)


class IncidentKind(StrEnum):
    """What is wrong. Each has its section in the runbook, `docs/operations.md#{kind with hyphens}`."""

    AGENCY_FAILING = "agency_failing"
    AGENCY_SLOW = "agency_slow"
    AGENCY_PAUSED = "agency_paused"
    AGENCY_NOT_UNDERSTOOD = "agency_not_understood"
    """Its system answers, or sends, what the hub cannot read."""
    AGENCY_REFUSING = "agency_refusing"
    """Its system turns down what it is asked: a mapping that does not fit, or a fault on its side."""
    CALLBACKS_FORGED = "callbacks_forged"
    FEED_POISONED = "feed_poisoned"
    BACKLOG_GROWING = "backlog_growing"
    OUTBOX_LAGGING = "outbox_lagging"
    """The oldest that is unsent or untold."""
    CARGO_UNREACHABLE = "cargo_unreachable"
    ENGINE_UNREACHABLE = "engine_unreachable"
    ENGINE_SLOW = "engine_slow"
    """Work waits long between being scheduled and being begun: no worker, or too few."""
    WORKER_MISSING = "worker_missing"
    API_MISSING = "api_missing"
    WORKFLOW_FAILING = "workflow_failing"
    """Workflow tasks fail: a version that does not fit open declarations."""
    DATABASE_UNREACHABLE = "database_unreachable"
    DATABASE_SLOW = "database_slow"
    DISK_FULL = "disk_full"
    CLOCK_SKEWED = "clock_skewed"
    CERTIFICATE_ENDING = "certificate_ending"
    DEADLINES_THREATENED = "deadlines_threatened"
    DEADLINES_PASSED = "deadlines_passed"
    CONFIGURATION_REFUSED = "configuration_refused"
    DISAGREEMENT = "disagreement"
    """Store and engine disagree: work that no one is waiting for, or that nobody does."""
    DUPLICATE_STORM = "duplicate_storm"

    @property
    def anchor(self) -> str:
        """Of its section in the runbook."""
        return self.value.replace("_", "-")


Evidence = dict[str, str]
"""What was measured, by name, in figures: `{"p90": "4.2 s", "usually": "0.3 s"}`."""


class Finding(Model):
    """What one round of the early warning finds wrong."""

    kind: IncidentKind
    subject: str = ""
    severity: Severity
    evidence: Evidence = Field(default_factory=dict)


class Incident(Model):
    """One thing that is wrong, from when it was found until it is over."""

    id: int
    kind: IncidentKind
    subject: str = ""
    """The agency, the process, the database: one incident is open for each kind and subject."""
    severity: Severity
    """The worst it has been: it may rise, and does not fall before it is over."""
    opened_at: UtcDatetime
    updated_at: UtcDatetime
    closed_at: UtcDatetime | None = None
    evidence: Evidence = Field(default_factory=dict)
    clear_rounds: int = 0
    """For so many rounds in a row it has not been found again."""
    reopened: int = 0
    """How often it came back soon after it was over."""
    acknowledged_by: str | None = None
    """Who looks after it."""
    acknowledged_at: UtcDatetime | None = None
    snoozed_until: UtcDatetime | None = None
    """Nobody is reminded of it before."""
    reminded_at: UtcDatetime | None = None
    """When receivers were told of it last."""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class IncidentStep(StrEnum):
    """What became of an incident."""

    OPENED = "opened"
    RAISED = "raised"
    """It is more serious than it was."""
    REOPENED = "reopened"
    """It came back soon after it was over."""
    CLOSED = "closed"
    REMINDED = "reminded"
    """It is critical, and nobody has said that they look after it."""
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    NOTED = "noted"


class IncidentChange(Model):
    """One line of an incident's story."""

    at: UtcDatetime
    step: IncidentStep
    severity: Severity
    by: str | None = None
    """The user; None: the early warning itself."""
    note: str | None = None
    evidence: Evidence = Field(default_factory=dict)


class Alert(Model):
    """That one receiver is to be told of one step of an incident."""

    id: int = 0
    incident: Incident
    """As it was at that step."""
    step: IncidentStep
    receiver: str
    at: UtcDatetime


class Bulletin(Model):
    """What goes out to one receiver at once: every alert that came together in a window."""

    id: str
    """Stable: it is sent again under the same id, so that whoever has it already can tell."""
    receiver: str
    created_at: UtcDatetime
    subject: str
    text: str
    """Plain text, lines short enough for mail."""
    data: dict[str, Any]
    """The same for machines."""
    severity: Severity
    attempts: int = 0
    trouble: str | None = None


@dataclass(frozen=True)
class Advance:
    """What one round makes of one incident."""

    incident: Incident
    """As it is now; `id` 0 for a new one."""
    step: IncidentStep | None
    """None: it goes on as it was."""


@dataclass(frozen=True)
class Beat:
    """That a process of the hub lives, as it tells every few seconds."""

    process: str
    """`worker 4711 on host`."""
    role: str
    """api, worker."""
    version: str
    started_seconds_ago: float
    """By the database's clock, as `age_seconds`."""
    age_seconds: float
    """Since it was seen."""
    skew_seconds: float
    """How far the process's clock is ahead of the database's."""


@dataclass(frozen=True)
class IncidentFilter:
    """Which incidents to list; None: any."""

    is_open: bool | None = None
    kind: IncidentKind | None = None
    subject: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Outboxes:
    """What waits to be told or sent: how much, and since when the oldest does; None: nothing waits."""

    not_started: datetime | None
    untold_decision: datetime | None
    untold_news: datetime | None
    unsent_notice: datetime | None
    unsent_notice_trouble: str | None
    unmatched_message: datetime | None


@dataclass(frozen=True)
class Doors:
    """What has come in lately that was no use, by agency."""

    not_understood: Mapping[str, int]
    """Messages in the inbox that could not be read."""
    poisoned: Mapping[str, int]
    """Those of them that came by a feed."""
    refused_callbacks: Mapping[str, int]


@dataclass(frozen=True)
class DatabaseState:
    """How the database does."""

    seconds: float
    """For a read and a write, with their round trips."""
    skew_seconds: float
    """How far our clock is ahead of the database's."""
    size_bytes: int | None
    free_bytes: int | None
    """On the disk of an SQLite file; None: nobody here can tell."""
    disk_bytes: int | None


class IncidentStore(Protocol):
    """Incidents as people see them. Blocking."""

    def open_incidents(self) -> list[Incident]:
        """The most serious first, then the oldest."""

    def incidents(self, which: IncidentFilter, before: int | None, limit: int) -> list[Incident]:
        """The newest first; `before` is the id of the last one on the page before."""

    def incident(self, id: int) -> Incident | None: ...

    def incident_changes(self, id: int) -> list[IncidentChange]:
        """Its story, the earliest first."""

    def acknowledge_incident(self, id: int, *, by: str, note: str | None, at: datetime) -> Incident:
        """Somebody looks after it. Raises KeyError."""

    def snooze_incident(
        self, id: int, *, until: datetime, by: str, note: str | None, at: datetime
    ) -> Incident:
        """Nobody is reminded of it before that. Raises KeyError."""

    def note_incident(self, id: int, *, by: str, note: str, at: datetime) -> Incident:
        """Somebody has something to say about it. Raises KeyError."""


class WatchStore(IncidentStore, Protocol):
    """What the early warning writes and measures in the store. Blocking; each method is one transaction."""

    def beat(self, process: str, role: str, version: str, now: datetime) -> DatabaseState:
        """This process lives, and how the database took it. `now` is its own clock."""

    def end_beat(self, process: str) -> None:
        """It has been told to end."""

    def beats(self) -> list[Beat]:
        """Of every process that was seen within a day."""

    def lease_watch(self, process: str, *, idle: timedelta, lasts: timedelta) -> bool:
        """
        Whether this process may go a round now: nobody is at one, and none has ended for `idle`.

        By the database's clock. The lease lasts so long at most; a process that dies at it keeps nobody.
        """

    def end_watch(self, process: str, *, done: bool) -> None:
        """The round is over: done, or it failed and is anybody's to go again."""

    def watched_seconds_ago(self) -> float | None:
        """Since the last round ended, by the database's clock; None when there was none."""

    def recent_incidents(self, since: datetime) -> list[Incident]:
        """Those that are open, and those that were closed since."""

    def record_round(
        self,
        since: datetime,
        step: Callable[[Sequence[Incident]], Sequence[Advance]],
        whom_to_tell: Callable[[Sequence[Advance]], Sequence[Alert]],
        at: datetime,
    ) -> list[Advance]:
        """
        What a round makes of `recent_incidents(since)`, and whom that is to be told, as one transaction.

        `whom_to_tell` is given what has become of them, each with its id.
        """

    def waiting_alerts(self, receiver: str) -> list[Alert]:
        """What it is to be told and is in no bulletin yet, the earliest first."""

    def receivers_waiting(self) -> set[str]:
        """Who is to be told something that is in no bulletin yet."""

    def last_bulletin_at(self, receiver: str) -> datetime | None: ...

    def add_bulletin(self, bulletin: Bulletin, told: Sequence[int]) -> bool:
        """Put alerts into a bulletin that is to be sent. False, and nothing is done, if one is gone."""

    def drop_alerts(self, told: Sequence[int]) -> None:
        """Nobody is to be told these any more."""

    def lease_bulletins(self, now: datetime, until: datetime) -> list[Bulletin]:
        """What is to be sent now; before `until` nobody else is given it."""

    def renew_bulletins(self, ids: Sequence[str], leased_until: datetime, until: datetime) -> None:
        """Those of them that are leased until then stay leased, and nobody else is given them."""

    def unsent_bulletins(self, receiver: str) -> int: ...

    def finish_bulletin(
        self, id: str, *, sent_at: datetime | None, next_at: datetime | None, trouble: str | None
    ) -> None:
        """It was sent; or it was not, why, and when it is tried again. Neither: it is given up."""

    def outboxes(self) -> Outboxes: ...

    def doors(self, since: datetime) -> Doors: ...

    def tally(self, counts: Mapping[tuple[str, str], int], minute: datetime) -> None:
        """Add to what has been counted in that minute, by what and whom."""

    def tallied(self, what: str, since: datetime) -> dict[str, int]:
        """What has been counted, by whom."""

    def sample(self, what: str, values: Mapping[str, float], at: datetime) -> None:
        """Keep measurements, by subject."""

    def samples(self, what: str, since: datetime) -> dict[str, list[tuple[datetime, float]]]:
        """The earliest first, by subject."""

    def open_referrals(self) -> dict[str, int]:
        """How many referrals wait for each agency."""

    def forget(self, now: datetime) -> None:
        """Remove measurements, bulletins and beats that are too old to matter, and old closed incidents."""
