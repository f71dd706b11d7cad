"""The page on which it stands who did what."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hub.console import acting
from hub.console.acting import local_moment
from hub.console.i18n import _
from hub.console.parts import Parts
from hub.console.problems import not_found
from hub.console.shell import Operating, page, query
from hub.ports import AuditFilter, BadCursor

router = APIRouter(prefix="/console/audit")

_FIELDS = ("user", "action", "mrn", "agency", "since", "before")


@router.get("")
async def audit(request: Request, parts: Parts, user: Operating, cursor: str | None = None) -> Response:
    """Lines, the newest first."""
    values = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    fault = ""
    since, before = None, None
    try:
        since = local_moment(values["since"], parts.zone)
        before = local_moment(values["before"], parts.zone)
    except ValueError:
        fault = _("A time is written as 2026-11-20T10:00. It was left out.")
    which = AuditFilter(
        **{name: values[name] or None for name in ("user", "action", "mrn", "agency")},
        since=since,
        before=before,
    )
    try:
        found = await parts.desk.audit.search(which, cursor)
    except BadCursor:
        raise not_found() from None
    return page(
        request,
        "acting/audit.html",
        found=found,
        values=values,
        any_filter=any(values.values()),
        older=query(**values, cursor=found.cursor),
        fault=fault,
        names=parts.agency_names(),
        ACTIONS=acting.ACTIONS,
        REFUSALS=acting.REFUSALS,
    )
