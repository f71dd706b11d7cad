"""Alerts put together into one bulletin: a subject that says it, and text for mail; the same for machines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hub.operations.watch.words import SEVERITIES, STEPS, TITLES, evidence_words, head, said, subject_words
from hub.ports import Alert, Bulletin, IncidentStep, Receiver

_MOST_LINES = 50
"""Incidents that are told in full; the console has them all."""


def compose(
    alerts: Sequence[Alert], receiver: Receiver, now: datetime, *, console_url: str | None, runbook_url: str
) -> Bulletin:
    """
    One bulletin of several alerts, the most serious first. Of one incident its last step is told.

    `console_url` is where the console's incidents are, for links; `runbook_url`, the document with a section
    for each kind. The id is new; sending it again is for who keeps it.
    """
    latest: dict[tuple[str, str], Alert] = {}
    for alert in alerts:
        latest[alert.incident.kind, alert.incident.subject] = alert
    told = sorted(latest.values(), key=_order)
    language = receiver.language
    lines = [head("greeting", language), ""]
    for alert in told[:_MOST_LINES]:
        lines += _lines(alert, language, console_url, runbook_url)
    if len(told) > _MOST_LINES:
        lines.append(head("more", language, count=len(told) - _MOST_LINES))
    worst = max((alert.incident.severity for alert in told), key=lambda one: one.rank)
    return Bulletin(
        id=uuid.uuid4().hex,
        receiver=receiver.name,
        created_at=now,
        subject=_subject(told, language),
        text="\n".join(lines) + "\n",
        data={
            "at": now.isoformat(),
            "severity": worst.value,
            "incidents": [_data(alert, console_url, runbook_url) for alert in told],
        },
        severity=worst,
    )


def _order(alert: Alert) -> tuple[bool, int, datetime]:
    is_over = alert.step is IncidentStep.CLOSED
    return is_over, -alert.incident.severity.rank, alert.incident.opened_at


def _subject(told: Sequence[Alert], language: str) -> str:
    first = told[0]
    title = _title(first, language)
    if first.step is IncidentStep.CLOSED:
        line = head("all_over", language, title=title)
    else:
        severity = said(SEVERITIES[first.incident.severity], language)
        line = f"{severity}: {title}"
    if len(told) > 1:
        line += f" ({head('more', language, count=len(told) - 1)})"
    # A header is one line, whatever a subject holds.
    return " ".join(f"[hub] {line}".split())


def _title(alert: Alert, language: str) -> str:
    incident = alert.incident
    title = said(TITLES[incident.kind], language)
    return f"{title} - {subject_words(incident.subject, language)}" if incident.subject else title


def _lines(alert: Alert, language: str, console_url: str | None, runbook_url: str) -> list[str]:
    incident = alert.incident
    severity = said(SEVERITIES[incident.severity], language)
    opened = head("since", language, at=f"{incident.opened_at:%Y-%m-%d %H:%M} UTC")
    lines = [
        f"{severity} / {said(STEPS[alert.step], language)}: {_title(alert, language)}",
        f"  {opened}",
        *(f"  {name}: {value}" for name, value in evidence_words(incident.evidence, language)),
    ]
    if console_url is not None:
        lines.append(f"  {head('details', language)}: {console_url}/{incident.id}")
    if alert.step is not IncidentStep.CLOSED:
        lines.append(f"  {head('runbook', language)}: {runbook_url}#{incident.kind.anchor}")
    return [*lines, ""]


def _data(alert: Alert, console_url: str | None, runbook_url: str) -> dict[str, Any]:
    incident = alert.incident
    return {
        "id": incident.id,
        "step": alert.step.value,
        "kind": incident.kind.value,
        "subject": incident.subject,
        "severity": incident.severity.value,
        "opened_at": incident.opened_at.isoformat(),
        "closed_at": None if incident.closed_at is None else incident.closed_at.isoformat(),
        "evidence": incident.evidence,
        "runbook": f"{runbook_url}#{incident.kind.anchor}",
        "url": None if console_url is None else f"{console_url}/{incident.id}",
    }
