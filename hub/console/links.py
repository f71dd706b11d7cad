"""Where pages are: every path under /console that one area's pages link to in another's."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from hub.ports.actions import ActionKind


def act_url(
    kind: ActionKind,
    *,
    mrn: str | None = None,
    service: str | None = None,
    agency: str | None = None,
    back: str | None = None,
) -> str:
    """
    The preview of an action, with its form: of a referral (`mrn` and `service`), of a declaration (`mrn`), or
    of an agency. `back` is the page to which it leads back, a path of this console.
    """
    return _with(
        f"/console/act/{quote(kind.value)}", {"mrn": mrn, "service": service, "agency": agency, "back": back}
    )


def approvals_url() -> str:
    """Decisions by hand that wait for a second person."""
    return "/console/approvals"


def approval_url(proposal: str) -> str:
    """One of them."""
    return f"/console/approvals/{quote(proposal, safe='')}"


def bulks_url() -> str:
    """Bulk actions, the newest first."""
    return "/console/bulks"


def bulk_url(bulk: str) -> str:
    """The progress of one bulk action, with its stop button."""
    return f"/console/bulks/{quote(bulk, safe='')}"


def new_bulk_url(kind: ActionKind, filter: Mapping[str, str | None]) -> str:
    """
    The preview of a bulk action: the count first. `filter` are the parameters of the page "Stuck work", as in
    its address. For rows that were chosen, a form (GET) leads to `/console/bulks/new` with `action` and, for
    each row, `pick` with the value `{mrn}/{service}`.
    """
    return _with("/console/bulks/new", {"action": kind.value, **filter})


def audit_url(
    *,
    user: str | None = None,
    action: str | None = None,
    mrn: str | None = None,
    agency: str | None = None,
) -> str:
    """Who did what."""
    return _with("/console/audit", {"user": user, "action": action, "mrn": mrn, "agency": agency})


def acted_url(request: str, back: str | None = None) -> str:
    """What an action came to, by the id under which it was asked for."""
    return _with("/console/acted", {"request": request, "back": back})


def declaration_url(mrn: str) -> str:
    """A declaration: its timeline, exchanges and decisions."""
    return f"/console/declarations/{quote(mrn, safe='')}"


def stuck_url(**filter: str | None) -> str:
    """The page "Stuck work"; its parameters are the fields of `hub.ports.attention.StuckFilter`."""
    return _with("/console/stuck", filter)


def incidents_url() -> str:
    """What the early warning has found."""
    return "/console/incidents"


def incident_url(id: int) -> str:
    """One incident, with its story."""
    return f"/console/incidents/{id}"


def agencies_url() -> str:
    """All agencies, as a table."""
    return "/console/agencies"


def agency_url(agency: str) -> str:
    """One agency: its answer times, errors, control and configuration."""
    return f"/console/agencies/{quote(agency, safe='')}"


def _with(path: str, parameters: Mapping[str, str | None]) -> str:
    given = {name: value for name, value in parameters.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
