"""Short names of what is stuck and of what is wrong, for lists in which every kind is named."""

from __future__ import annotations

from collections.abc import Mapping

from hub.console.i18n import Words, _
from hub.domain.stuck import StuckKind
from hub.operations.watch.words import TITLES
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


def incident_names(words: Words) -> dict[IncidentKind, str]:
    """What is wrong, as it is called in the mail that tells of it."""
    return {kind: words.text_of(title) for kind, title in TITLES.items()}
