"""What the early warning has found: a list, and each incident with its story and what to do about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from hub.console import links
from hub.console.findings import FINDINGS
from hub.console.i18n import Words, _
from hub.console.kinds import SEVERITY_NAMES, SEVERITY_STYLES, incident_names
from hub.console.measured import measured
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import not_found
from hub.console.runbook import section
from hub.console.security import CheckedForm
from hub.console.shell import Operating, SignedIn, go, in_thread, page, query, words_of
from hub.console.sign_in import audited
from hub.operations.watch.telling import ABOUT_AGENCIES
from hub.operations.watch.words import STEPS, SUBJECTS
from hub.ports import Incident, IncidentFilter, IncidentKind, Severity, User

router = APIRouter(prefix="/console/incidents")

_ROWS = 50
_LONGEST_NOTE = 1000

STATES = {
    "open": _("open"),
    "closed": _("over"),
    "all": _("open and over"),
}
SNOOZES = {1: _("for an hour"), 4: _("for four hours"), 8: _("for eight hours"), 24: _("for a day")}
"""Hours for which nobody is reminded."""


@router.get("")
async def incidents(request: Request, parts: Parts, user: SignedIn) -> Response:
    """The open ones, the most serious first; those that are over, the newest first."""
    values = {
        name: request.query_params.get(name, "").strip() for name in ("state", "kind", "severity", "subject")
    }
    state = values["state"] if values["state"] in STATES else "open"
    which = IncidentFilter(
        is_open={"open": True, "closed": False, "all": None}[state],
        kind=IncidentKind(values["kind"]) if values["kind"] in set(IncidentKind) else None,
        severity=Severity(values["severity"]) if values["severity"] in set(Severity) else None,
        subject=user.agency if user.agency is not None else values["subject"] or None,
    )
    found, older = await in_thread(_found, parts, which, state, request.query_params.get("before", ""))
    shown = [one for one in found if _may_see(user, one)]
    return page(
        request,
        "incidents/list.html",
        incidents=shown,
        state=state,
        values={**values, "state": state},
        is_filtered=bool(which.kind or which.severity or values["subject"]),
        older=query(**{**values, "state": state, "before": older}) if older is not None else None,
        states=STATES,
        **_words(parts, words_of(request)),
    )


def _found(
    parts: ConsoleParts, which: IncidentFilter, state: str, before: str
) -> tuple[list[Incident], int | None]:
    if state == "open":
        # All that is open is shown, the most serious first, with what is known in memory only.
        return [one for one in parts.incidents.open_incidents() if _fits(one, which)], None
    last = int(before) if before.isdecimal() and len(before) < 16 else None
    found = parts.incidents.incidents(which, last, _ROWS + 1)
    return found[:_ROWS], found[_ROWS - 1].id if len(found) > _ROWS else None


def _fits(one: Incident, which: IncidentFilter) -> bool:
    return (
        which.kind in (None, one.kind)
        and which.severity in (None, one.severity)
        and which.subject in (None, one.subject)
    )


@router.get("/{id}")
async def incident(request: Request, parts: Parts, user: SignedIn, id: int) -> Response:
    """One, with its story, what was measured, and what to do."""
    return await _page(request, parts, user, await _existing(parts, user, id))


@router.post("/{id}/acknowledge")
async def acknowledge(
    request: Request, parts: Parts, user: Operating, id: int, form: CheckedForm
) -> Response:
    """This user looks after it."""
    one = await _existing(parts, user, id)
    note = form.text("note")
    if len(note) > _LONGEST_NOTE:
        return await _page(request, parts, user, one, faults={"note": _TOO_LONG}, status=422)
    await in_thread(
        parts.incidents.acknowledge_incident, id, by=user.name, note=note or None, at=parts.clock()
    )
    await _audit(parts, user, "incident.acknowledged", one, note)
    return go(links.incident_url(id))


@router.post("/{id}/snooze")
async def snooze(request: Request, parts: Parts, user: Operating, id: int, form: CheckedForm) -> Response:
    """Nobody is reminded of it for a while."""
    one = await _existing(parts, user, id)
    hours = form.text("hours")
    if not hours.isdecimal() or int(hours) not in SNOOZES:
        return await _page(request, parts, user, one, faults={"hours": _CHOOSE}, status=422)
    until = parts.clock() + timedelta(hours=int(hours))
    await in_thread(
        parts.incidents.snooze_incident, id, until=until, by=user.name, note=None, at=parts.clock()
    )
    await _audit(parts, user, "incident.snoozed", one, "", hours=hours)
    return go(links.incident_url(id))


@router.post("/{id}/note")
async def note(request: Request, parts: Parts, user: Operating, id: int, form: CheckedForm) -> Response:
    """Something to be said about it."""
    one = await _existing(parts, user, id)
    said = form.text("said")
    if not said or len(said) > _LONGEST_NOTE:
        fault = _TOO_LONG if said else _("Write something.")
        return await _page(request, parts, user, one, faults={"said": fault}, status=422)
    await in_thread(parts.incidents.note_incident, id, by=user.name, note=said, at=parts.clock())
    await _audit(parts, user, "incident.noted", one, said)
    return go(links.incident_url(id))


_TOO_LONG = _("At most 1,000 characters.")
_CHOOSE = _("Choose for how long.")


async def _existing(parts: ConsoleParts, user: User, id: int) -> Incident:
    """Raises PageProblem (404) where there is none, also for those who may not see it."""
    found = await in_thread(parts.incidents.incident, id) if 0 < id < 2**31 else None
    if found is None or not _may_see(user, found):
        raise not_found()
    return found


def _may_see(user: User, one: Incident) -> bool:
    """Users who are bound to an agency see what is about it."""
    return user.agency is None or (one.kind in ABOUT_AGENCIES and one.subject == user.agency)


async def _page(
    request: Request,
    parts: ConsoleParts,
    user: User,
    one: Incident,
    *,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    changes = await in_thread(parts.incidents.incident_changes, one.id)
    return page(
        request,
        "incidents/incident.html",
        status=status,
        incident=one,
        changes=list(reversed(changes)),
        runbook=await in_thread(section, parts.runbook, one.kind.anchor),
        faults=faults or {},
        snoozes=SNOOZES,
        is_about_agency=one.kind in ABOUT_AGENCIES,
        **_words(parts, words_of(request)),
    )


async def _audit(parts: ConsoleParts, user: User, action: str, one: Incident, note: str, **more: str) -> None:
    line = audited(
        parts, user, action, reason=note or None, result="done", incident=str(one.id), name=one.kind, **more
    )
    await in_thread(parts.audit.note_audit, line)


def _words(parts: ConsoleParts, words: Words) -> dict[str, Any]:
    names = {slug: words.text_of(name) for slug, name in parts.agency_names().items()}
    return {
        "kinds": incident_names(words),
        "severities": SEVERITY_NAMES,
        "severity_styles": SEVERITY_STYLES,
        "measured": lambda evidence: measured(evidence, words),
        "step_names": {step: words.text_of(text) for step, text in STEPS.items()},
        "subjects": names
        | {name: words.text_of(text) for name, text in SUBJECTS.items()}
        | {kind.value: words.gettext(said) for kind, said in FINDINGS.items()},
        "agencies": names,
        "links": links,
    }
