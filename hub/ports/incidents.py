"""What the early warning has found."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hub.domain.model import Model, UtcDatetime


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"
    """Cargo stands still, or is about to."""


class IncidentKind(StrEnum):
    """What is wrong. Each has its section in the runbook, `docs/operations.md#{kind with hyphens}`."""

    AGENCY_FAILING = "agency_failing"
    AGENCY_SLOW = "agency_slow"
    AGENCY_PAUSED = "agency_paused"
    AGENCY_NOT_UNDERSTOOD = "agency_not_understood"
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


class Incident(Model):
    """One thing that is wrong, from when it was found until it is over."""

    id: int
    kind: IncidentKind
    subject: str = ""
    """The agency, the process, the database: one incident is open for each kind and subject."""
    severity: Severity
    opened_at: UtcDatetime
    updated_at: UtcDatetime
    closed_at: UtcDatetime | None = None
    evidence: dict[str, str] = Field(default_factory=dict)
    """What was measured, by name, in words: `p90: 4.2 s, usually 0.3 s`."""
