"""By what the early warning goes: thresholds, and who is told what. `watch.yaml`, once it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from hub.ports.incidents import Bulletin, IncidentKind, Severity


class Tallied(StrEnum):
    """What processes count, minute by minute, for the early warning."""

    LODGED_AGAIN = "lodged_again"
    """A declarant lodges what it has lodged, by declarant."""
    MESSAGE_AGAIN = "message_again"
    """An agency calls back with a message that is here already, by agency."""
    WORKFLOW_FAILED = "workflow_failed"
    """A workflow's task fails in a worker, by workflow."""


CountOne = Callable[[Tallied, str], None]
"""One more of these, by whom. From any thread; at once."""


def uncounted(what: Tallied, subject: str) -> None:
    """Where nobody counts, as in the workbench."""


@dataclass(frozen=True)
class Thresholds:
    """From when on something is wrong. Names and meanings are those of the keys in `watch.yaml`."""

    agency_failing_share: float = 0.5
    agency_failing_calls: int = 3
    agency_slow_times: float = 3.0
    agency_slow_least: timedelta = timedelta(seconds=2)
    agency_slow_calls: int = 5
    agency_slow_within: timedelta = timedelta(minutes=10)
    agency_slow_share: float = 0.1
    agency_slow_referrals: int = 5
    agency_paused_for: timedelta = timedelta(hours=4)
    not_understood: int = 3
    not_understood_within: timedelta = timedelta(minutes=10)
    refused_callbacks: int = 10
    refused_callbacks_within: timedelta = timedelta(minutes=5)
    backlog_times: float = 2.0
    backlog_least: int = 100
    outbox_oldest: timedelta = timedelta(seconds=30)
    cargo_oldest: timedelta = timedelta(seconds=30)
    unmatched_oldest: timedelta = timedelta(hours=1)
    engine_waiting: timedelta = timedelta(seconds=10)
    process_silent: timedelta = timedelta(seconds=20)
    database_seconds: timedelta = timedelta(seconds=1)
    disk_free_warning_mb: int = 2048
    disk_free_critical_mb: int = 512
    clock_skew: timedelta = timedelta(seconds=2)
    clock_skew_critical: timedelta = timedelta(seconds=60)
    certificate_warning: timedelta = timedelta(days=30)
    certificate_critical: timedelta = timedelta(days=7)
    deadlines_threatened: int = 10
    deadlines_passed: int = 1
    duplicates: int = 50


@dataclass(frozen=True)
class QuietHours:
    """When a receiver is to be left alone; over midnight where `until` is not after `start`."""

    start: time
    until: time
    zone: ZoneInfo
    critical: bool = True
    """What is critical is told all the same."""


@dataclass(frozen=True)
class Receiver:
    """Somebody who is told, by mail or by a webhook."""

    name: str
    email: str | None = None
    webhook: str | None = None
    secret: str | None = field(default=None, repr=False)
    """Signs what is posted to the webhook."""
    language: str = "en"
    least: Severity = Severity.WARNING
    agencies: frozenset[str] = frozenset()
    """Of incidents about agencies, only those about these; none: about all."""
    kinds: frozenset[IncidentKind] = frozenset()
    """None: all kinds."""
    quiet: QuietHours | None = None


@dataclass(frozen=True)
class WatchPolicy:
    """What the early warning goes by, as it is in force now."""

    thresholds: Thresholds = Thresholds()
    receivers: tuple[Receiver, ...] = ()
    grouping: timedelta = timedelta(seconds=30)
    """At most one bulletin for each receiver in this time."""
    remind_every: timedelta = timedelta(hours=1)
    clear_rounds: int = 4
    """For so many rounds in a row nothing must be found before an incident is over."""
    reopen_within: timedelta = timedelta(minutes=10)
    """What comes back so soon is the same incident."""

    def receiver(self, name: str) -> Receiver | None:
        return next((receiver for receiver in self.receivers if receiver.name == name), None)


@dataclass(frozen=True)
class EngineState:
    """How the engine does."""

    is_reachable: bool
    seconds: float | None = None
    """For one call."""
    waiting: timedelta | None = None
    """How long the oldest piece of work has waited for a worker, or this round itself has."""
    backlog: int | None = None
    skew_seconds: float | None = None
    """How far our clock is ahead of the engine's."""


@dataclass(frozen=True)
class CertificateEnd:
    """A certificate of an agency's file that ends soon, or has ended."""

    agency: str
    subject: str
    ends: datetime


@dataclass(frozen=True)
class RefusedFile:
    """A file of the configuration folder that has faults, and what is said about them."""

    file: str
    since: datetime
    fault: str
    """The first, with line, key and cure."""
    faults: int


class AlertNotSent(Exception):
    """The receiver's system did not take it; the message says why. It is tried again."""


class AlertSender(Protocol):
    """Sends one bulletin. Blocking."""

    def send(self, bulletin: Bulletin, receiver: Receiver) -> None:
        """Raises AlertNotSent."""
