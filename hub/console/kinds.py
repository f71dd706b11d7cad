"""Short names of what is stuck and of what is wrong, for lists in which every kind is named."""

from __future__ import annotations

from collections.abc import Mapping

from hub.console.i18n import _
from hub.domain.stuck import StuckKind
from hub.ports.incidents import IncidentKind, Severity

STUCK_NAMES: Mapping[StuckKind, str] = {
    StuckKind.NOT_STARTED: _("not started"),
    StuckKind.UNREACHABLE: _("agency not reached"),
    StuckKind.PAUSED: _("agency not asked now"),
    StuckKind.IN_DOUBT: _("in doubt"),
    StuckKind.UNDELIVERABLE: _("undeliverable"),
    StuckKind.NOT_UNDERSTOOD: _("answer not understood"),
    StuckKind.SLOW: _("slower than usual"),
    StuckKind.DUE_SOON: _("time nearly over"),
    StuckKind.EXPIRED: _("time over"),
    StuckKind.CANNOT_BE_TOLD: _("cannot be told"),
    StuckKind.NOTICE_UNSENT: _("cargo system not told"),
    StuckKind.UNTOLD: _("workflow not told"),
}

INCIDENT_NAMES: Mapping[IncidentKind, str] = {
    IncidentKind.AGENCY_FAILING: _("Agency fails"),
    IncidentKind.AGENCY_SLOW: _("Agency is slow"),
    IncidentKind.AGENCY_PAUSED: _("Agency is paused"),
    IncidentKind.AGENCY_NOT_UNDERSTOOD: _("Answers are not understood"),
    IncidentKind.AGENCY_REFUSING: _("Agency turns requests down"),
    IncidentKind.CALLBACKS_FORGED: _("Callbacks are refused as forged"),
    IncidentKind.FEED_POISONED: _("Messages of the feed cannot be read"),
    IncidentKind.BACKLOG_GROWING: _("Backlog grows"),
    IncidentKind.OUTBOX_LAGGING: _("What is to be sent or told waits"),
    IncidentKind.CARGO_UNREACHABLE: _("Cargo system is not reached"),
    IncidentKind.ENGINE_UNREACHABLE: _("Engine is not reached"),
    IncidentKind.ENGINE_SLOW: _("Work waits for a worker"),
    IncidentKind.WORKER_MISSING: _("No worker is at work"),
    IncidentKind.API_MISSING: _("No API is at work"),
    IncidentKind.WORKFLOW_FAILING: _("Workflows fail"),
    IncidentKind.DATABASE_UNREACHABLE: _("Database is not reached"),
    IncidentKind.DATABASE_SLOW: _("Database is slow"),
    IncidentKind.DISK_FULL: _("Disk is nearly full"),
    IncidentKind.CLOCK_SKEWED: _("Clocks differ"),
    IncidentKind.CERTIFICATE_ENDING: _("Certificate is about to expire"),
    IncidentKind.DEADLINES_THREATENED: _("Deadlines are about to be missed"),
    IncidentKind.DEADLINES_PASSED: _("Deadlines have passed"),
    IncidentKind.CONFIGURATION_REFUSED: _("Configuration is refused"),
    IncidentKind.DISAGREEMENT: _("Store and engine disagree"),
    IncidentKind.DUPLICATE_STORM: _("The same comes again and again"),
}

SEVERITY_NAMES: Mapping[Severity, str] = {
    Severity.CRITICAL: _("critical"),
    Severity.WARNING: _("warning"),
    Severity.INFO: _("for information"),
}
SEVERITY_STYLES: Mapping[Severity, str] = {
    Severity.CRITICAL: "stop",
    Severity.WARNING: "wait",
    Severity.INFO: "quiet",
}
"""Classes of a `.state`."""
