"""What store, engine, inbox and outbox disagree about, and what mends it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from hub.console.findings import FINDINGS, REPAIRS
from hub.console.i18n import _
from hub.console.parts import Parts
from hub.console.problems import PageProblem, forbidden
from hub.console.security import CheckedForm
from hub.console.shell import Operating, Staff, Supervising, go, page
from hub.operations.doctor import Doctor
from hub.ports import doctor as ports
from hub.ports.doctor import FindingKind

router = APIRouter(prefix="/console/doctor")

_PATH = "/console/doctor"
_SHOWN = 10
_LONGEST_REASON = 1000


@router.get("")
async def doctor(request: Request, parts: Parts, user: Staff) -> Response:
    """What was found last, by whichever process, and what is under way here. It is about everybody's."""
    if user.agency is not None:
        raise forbidden()
    return await _page(request, _doctor(parts))


@router.post("/examine")
async def examine(request: Request, parts: Parts, user: Operating, form: CheckedForm) -> Response:
    """Look at everything, beside this page."""
    if not _doctor(parts).begin_examination(user.name):
        return await _page(request, _doctor(parts), status=409, faults={"examine": _BUSY})
    return go(_PATH)


@router.post("/repair")
async def repair(request: Request, parts: Parts, user: Supervising, form: CheckedForm) -> Response:
    """Mend what was chosen."""
    chosen = {kind for kind in ports.REPAIRS if form.text(kind)}
    reason = form.text("reason")
    faults = {}
    if not chosen:
        faults["chosen"] = _("Choose what is to be mended.")
    if not reason:
        faults["reason"] = _("Say why: it stands in the audit.")
    elif len(reason) > _LONGEST_REASON:
        faults["reason"] = _("That is too long.")
    if faults:
        return await _page(request, _doctor(parts), status=422, faults=faults, chosen=chosen, reason=reason)
    if not _doctor(parts).begin_repair(chosen, user.name, user.role, reason):
        faults["chosen"] = _BUSY
        return await _page(request, _doctor(parts), status=409, faults=faults, chosen=chosen, reason=reason)
    return go(_PATH)


_BUSY = _("Something is under way already; wait until it has ended.")


def _doctor(parts: Parts) -> Doctor:
    if parts.doctor is None:
        raise PageProblem(
            503, _("There is no engine that could be looked at"), _("Ask whoever has set up this hub.")
        )
    return parts.doctor


async def _page(
    request: Request,
    doctor: Doctor,
    *,
    status: int = 200,
    faults: dict[str, str] | None = None,
    chosen: set[FindingKind] | None = None,
    reason: str = "",
) -> Response:
    last = await doctor.last()
    shown: dict[str, Any] = {
        "last": last,
        "busy": doctor.is_busy,
        "repaired": doctor.repaired,
        "trouble": doctor.trouble,
        "faults": faults or {},
        "chosen": chosen or set(),
        "reason": reason,
        "most": _SHOWN,
        "FINDINGS": FINDINGS,
        "REPAIRS": REPAIRS,
        "can_mend": any(finding.repair for finding in last.findings) if last else False,
        "longest_reason": _LONGEST_REASON,
    }
    return page(request, "doctor/doctor.html", status=status, **shown)
