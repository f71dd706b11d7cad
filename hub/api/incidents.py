"""What the early warning has found: for operators, and for the systems they watch with."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from hub.api.access import Operator
from hub.api.asked import NoteOnIncident
from hub.api.asking import BODY_PROBLEMS, body_of, read_asked
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.model import Model
from hub.ports import Incident, IncidentChange, IncidentFilter, IncidentKind, IncidentStore, Severity

router = APIRouter(tags=["operations"])

_MOST = 200
Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class IncidentList(Model):
    """Incidents, the newest first; those that are open alone, the most serious first."""

    incidents: tuple[Incident, ...]
    before: int | None = Field(description="Ask for the next page with it; null at the end.")


class IncidentStory(Model):
    """One incident, with everything that became of it."""

    incident: Incident
    changes: tuple[IncidentChange, ...]


@router.get(
    "/v1/incidents",
    response_model=IncidentList,
    summary="What is wrong, and what was",
    responses=problem_responses("unauthenticated", "forbidden", "invalid-parameters"),
)
async def list_incidents(
    parts: Parts,
    client: Operator,
    open: Annotated[
        bool | None, Query(description="only those that are open, or only those that are over")
    ] = None,
    kind: IncidentKind | None = None,
    subject: Annotated[str | None, Query(max_length=200)] = None,
    severity: Severity | None = None,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
) -> IncidentList:
    """An incident that could not be written down yet, since the database is away, has the id 0."""
    store = _store(parts)
    if open and before is None and kind is subject is severity is None:
        found = await to_thread.run_sync(store.open_incidents)
        return IncidentList(incidents=tuple(found), before=None)
    which = IncidentFilter(is_open=open, kind=kind, subject=subject, severity=severity)
    found = await to_thread.run_sync(store.incidents, which, before, limit + 1)
    return IncidentList(
        incidents=tuple(found[:limit]), before=found[limit - 1].id if len(found) > limit else None
    )


@router.get(
    "/v1/incidents/{id}",
    response_model=IncidentStory,
    summary="One incident, with its story",
    responses=problem_responses("unauthenticated", "forbidden", "not-found", "invalid-parameters"),
)
async def show_incident(parts: Parts, client: Operator, id: Id) -> IncidentStory:
    """From when it was found until it is over."""
    store = _store(parts)
    found = await to_thread.run_sync(store.incident, id)
    if found is None:
        raise ApiProblem("not-found", f"there is no incident {id}")
    return IncidentStory(incident=found, changes=tuple(await to_thread.run_sync(store.incident_changes, id)))


@router.post(
    "/v1/incidents/{id}/acknowledgement",
    response_model=Incident,
    summary="Somebody looks after it",
    openapi_extra=body_of(NoteOnIncident, {"note": "I am on it"}),
    responses=problem_responses(
        "unauthenticated", "forbidden", "not-found", "invalid-parameters", *BODY_PROBLEMS
    ),
)
async def acknowledge_incident(request: Request, parts: Parts, client: Operator, id: Id) -> Incident:
    """Nobody is reminded of it any more. The client's id is kept with it, and the note."""
    store = _store(parts)
    said = await read_asked(request, parts, NoteOnIncident)

    def acknowledge() -> Incident:
        return store.acknowledge_incident(id, by=f"client:{client.id}", note=said.note, at=parts.clock())

    try:
        return await to_thread.run_sync(acknowledge)
    except KeyError:
        raise ApiProblem("not-found", f"there is no incident {id}") from None


def _store(parts: ApiParts) -> IncidentStore:
    if parts.incidents is None:
        raise ApiProblem("not-found", "there is no early warning here")
    return parts.incidents
