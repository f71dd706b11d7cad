"""watch.yaml: by what the early warning goes, and whom it tells."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hub.config.models.base import Duration, FileModel, Reference, TimeOfDay
from hub.domain.model import Slug
from hub.ports import IncidentKind, Severity

Share = Annotated[float, Field(gt=0, le=1, strict=True)]
Count = Annotated[int, Field(ge=1, strict=True)]
Times = Annotated[float, Field(gt=1, strict=True)]


class ThresholdsFile(FileModel):
    """From when on something is wrong."""

    agency_failing_share: Share = 0.5
    """Of an agency's newest requests, the share that fails; and that is refused."""
    agency_failing_calls: Count = 3
    """So many requests there must be before their share says anything."""
    agency_slow_times: Times = 3.0
    """Nine in ten requests take so many times as long as over the last three days ..."""
    agency_slow_least: Duration = "2s"
    """... and no less than this."""
    agency_slow_calls: Count = 5
    """So many requests there must be ..."""
    agency_slow_within: Duration = "10m"
    """... within this time; a quarter of an hour at most."""
    agency_slow_share: Share = 0.1
    """Of an agency's open referrals, the share that waits longer than 99 in 100 of its service did ..."""
    agency_slow_referrals: Count = 5
    """... and so many at least."""
    agency_paused_for: Duration = "4h"
    """An agency that is paused for longer may have been forgotten: a warning, no mere information."""
    not_understood: Count = 3
    """Answers and messages of an agency that cannot be read ..."""
    not_understood_within: Duration = "10m"
    """... within this time; a quarter of an hour at most."""
    refused_callbacks: Count = 10
    """Callbacks in an agency's name that are not let in ..."""
    refused_callbacks_within: Duration = "5m"
    """... within this time."""
    backlog_times: Times = 2.0
    """An agency's open referrals are so many times what they were in the last six hours ..."""
    backlog_least: Count = 100
    """... and so many at least."""
    outbox_oldest: Duration = "30s"
    """A declaration is not started, or a decision or other news not told, for so long."""
    cargo_oldest: Duration = "30s"
    """A notice is not acknowledged by the cargo system for so long."""
    unmatched_oldest: Duration = "1h"
    """A message bears a reference that nobody knows for so long."""
    engine_waiting: Duration = "10s"
    """Work waits so long for a worker."""
    process_silent: Duration = "20s"
    """A process has not been heard of for so long; more than the five seconds between two signs of life."""
    database_seconds: Duration = "1s"
    """A small read and a small write take so long together."""
    disk_free_warning_mb: Count = 2048
    """Less than so many megabytes are free on the disk of an SQLite database."""
    disk_free_critical_mb: Count = 512
    """The same, and it is critical."""
    clock_skew: Duration = "2s"
    """A clock is wrong by so much."""
    clock_skew_critical: Duration = "60s"
    """The same, and it is critical: signatures are no longer believed, deadlines fall at wrong times."""
    certificate_warning: Duration = "30d"
    """A certificate ends within this time; 30d at most."""
    certificate_critical: Duration = "7d"
    """The same, and it is critical."""
    deadlines_threatened: Count = 10
    """So many of an agency's referrals are near their deadline."""
    deadlines_passed: Count = 1
    """So many of an agency's referrals hold cargo past their deadline."""
    duplicates: Count = 50
    """The same declarant lodges again, or the same agency sends again, so often within a minute or two."""


class QuietFile(FileModel):
    """When a receiver is to be left alone; over midnight where `until` is not after `from`."""

    from_: TimeOfDay = Field(alias="from")
    """When it begins."""
    until: TimeOfDay
    """When it ends: what has waited is told then, in one bulletin."""
    zone: str = "Asia/Seoul"
    """IANA name of the zone of both."""
    critical: bool = True
    """What is critical is told all the same."""


class ReceiverFile(FileModel):
    """Somebody who is told: by mail, or by a webhook."""

    name: Slug
    """Alerts that wait are kept under it."""
    email: Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;:]+@[^@\s<>,;:]+$")] | None = None
    """Sent by the server of `HUB_SMTP_URL`."""
    webhook: str | None = None
    """URL, or `env:NAME`; JSON is posted there. https outside development."""
    secret: Reference | None = None
    """Signs what is posted to the webhook."""
    language: Literal["en", "ko"] = "en"
    """Of mails."""
    severity: Severity = Severity.WARNING
    """Told from this severity on."""
    agencies: list[Slug] = []
    """Of incidents about agencies, only those about these; without it, all."""
    kinds: list[IncidentKind] = []
    """Only these kinds of incidents; without it, all."""
    quiet: QuietFile | None = None
    """Left alone at these hours."""


class WatchFile(FileModel):
    """watch.yaml: by what the early warning goes, and whom it tells. The file need not be there."""

    thresholds: ThresholdsFile = ThresholdsFile()
    """From when on something is wrong."""
    receivers: list[ReceiverFile] = []
    """Who is told. Without any, incidents are in the console only."""
    grouping: Duration = "30s"
    """At most one bulletin for each receiver in this time; what comes meanwhile goes with the next."""
    remind_every: Duration = "1h"
    """What is critical, and nobody has said that they look after it, is told again so often."""
    clear_rounds: Annotated[int, Field(ge=1, le=240, strict=True)] = 4
    """For so many rounds in a row, of 15 seconds each, nothing must be found before an incident is over."""
    reopen_within: Duration = "10m"
    """What comes back so soon is the same incident, and is over after twice as many rounds."""
