"""What one round measures. A part that could not be measured is None, and nothing is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.ports import AgencyControl, Beat, CallCount, DatabaseState, Doors, Outboxes
from hub.ports.watch import CertificateEnd, EngineState, RefusedFile


@dataclass(frozen=True)
class Duplicates:
    """How often the same came again within the last minute or two, by whom."""

    declarations: Mapping[str, int]
    """By declarant."""
    messages: Mapping[str, int]
    """By agency."""


@dataclass(frozen=True)
class StuckWork:
    """How many referrals of each agency are stuck, by what matters here."""

    slow: Mapping[str, int]
    undeliverable: Mapping[str, int]
    due_soon: Mapping[str, int]
    expired: Mapping[str, int]


@dataclass(frozen=True)
class Vitals:
    """All of it."""

    at: datetime
    calls: Mapping[str, Sequence[CallCount]] | None = None
    """By agency, the minutes of the last quarter of an hour."""
    usual_p90_ms: Mapping[str, float] | None = None
    """By agency, over the last days: nine in ten requests took no longer."""
    controls: Mapping[str, AgencyControl] | None = None
    stuck: StuckWork | None = None
    awaited: Mapping[str, int] | None = None
    """Referrals that wait, by agency."""
    awaited_before: Mapping[str, Sequence[float]] | None = None
    """The same, as it was at times of the last hours."""
    outboxes: Outboxes | None = None
    doors: Doors | None = None
    forged: Mapping[str, int] | None = None
    """Callbacks that were not let in lately, by agency."""
    engine: EngineState | None = None
    failing_workflows: Sequence[str] | None = None
    """Declarations whose workflow's tasks fail; some of them where there are many."""
    beats: Sequence[Beat] | None = None
    database: DatabaseState | None = None
    certificates: Sequence[CertificateEnd] | None = None
    refused_files: Sequence[RefusedFile] | None = None
    duplicates: Duplicates | None = None
    disagreements: Mapping[str, int] | None = None
    """How many disagreements of each kind the doctor's quick look has found."""
