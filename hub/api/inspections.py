"""Inspections: what is offered, confirmed, reported; and the diary of an office."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from hub.api.access import Caller, Mrn, Seeing, declaration_seen, refuse_unless_of
from hub.api.asked import AppointmentConfirmed, InspectionReport
from hub.api.asking import BODY_PROBLEMS, body_of, read_asked
from hub.api.changing import change, refusal
from hub.api.controlling import DecisionTaken, referral_seen, take
from hub.api.parameters import Cursor
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.domain.inspection import Inspection, InspectionState
from hub.domain.model import Model, UtcDatetime
from hub.domain.names import CUSTOMS
from hub.domain.steps import StepRefused
from hub.domain.steps.inspecting import OPEN, confirm, offer, reported, result
from hub.operations.sight import Sight
from hub.ports import DeclarationFilter, DeclarationView, Role

router = APIRouter(tags=["offices"])

Id = Annotated[str, Path(description="Of the inspection.", max_length=20, examples=["I1"])]


class InspectingOffice(Model):
    """An office that attends."""

    service: str
    agency: str
    items: tuple[int, ...] = Field(description="Numbers of the goods items it wants presented.")
    reported: bool


class Appointment(Model):
    """One inspection, with everybody who attends."""

    mrn: str
    id: str = Field(examples=["I1"])
    state: InspectionState
    opens_at: UtcDatetime = Field(description="The declarant confirms a time between this one ...")
    closes_at: UtcDatetime = Field(description="... and this one.")
    at: UtcDatetime | None = Field(description="The time that was confirmed.")
    place: str = Field(description="Where the goods are, as declared.")
    items: tuple[int, ...] = Field(description="Numbers of the goods items to be presented.")
    offices: tuple[InspectingOffice, ...]


class Appointments(Model):
    """The inspections of a declaration, in the order in which they were called for."""

    mrn: str
    inspections: tuple[Appointment, ...]


class Diary(Model):
    """Open appointments of an office; `cursor` asks for the next page, null at the end."""

    agency: str
    inspections: tuple[Appointment, ...]
    cursor: str | None


def appointments_of(view: DeclarationView, sight: Sight) -> tuple[Appointment, ...]:
    """The inspections that this client may see: an agency, those that it attends, with who else does."""
    return tuple(
        _appointment(view.acceptance.mrn, inspection)
        for inspection in sorted(view.case.inspections, key=lambda i: int(i.id[1:]))
        if any(sight.may_see_agency(party.agency) for party in inspection.parties)
    )


@router.get(
    "/v1/declarations/{mrn}/inspections",
    response_model=Appointments,
    summary="When and where the goods are inspected, and by whom",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def list_appointments(mrn: Mrn, parts: Parts, sight: Seeing) -> Appointments:
    """Inspections that several offices want may be one appointment. An agency sees those it attends."""
    view = await declaration_seen(mrn, parts, sight)
    return Appointments(mrn=mrn, inspections=appointments_of(view, sight))


@router.put(
    "/v1/declarations/{mrn}/inspections/{id}/confirmation",
    response_model=Appointment,
    summary="Confirm the time of an inspection",
    responses=problem_responses(
        *BODY_PROBLEMS,
        "unauthenticated",
        "forbidden",
        "not-found",
        "already-released",
        "already-withdrawn",
        "closed",
        "appointment-over",
        "outside-window",
    ),
    openapi_extra=body_of(AppointmentConfirmed, {"at": "2026-11-24T10:00:00+09:00"}),
)
async def confirm_appointment(
    mrn: Mrn, id: Id, request: Request, parts: Parts, client: Caller, sight: Seeing
) -> Appointment:
    """
    By the declarant, or by customs; within the window, while all offices work. It may be moved until it
    comes. Where the window has passed, the inspection is offered anew, and the answer tells the new window.
    """
    view = await declaration_seen(mrn, parts, sight)
    if client.role not in (Role.CUSTOMS, Role.ADMIN) or sight.agency is not None:
        raise ApiProblem("forbidden", "the declarant, or customs, confirms an inspection")
    found = _inspection(view, id, sight)
    asked = await read_asked(request, parts, AppointmentConfirmed)
    at = parts.clock()
    if found.state is InspectionState.OFFERED and found.closes_at <= at:
        await change(parts, mrn, partial(offer, calendars=parts.calendar, at=at))
    step = partial(confirm, inspection=id, when=asked.at, calendars=parts.calendar, by=client.id, at=at)
    await change(parts, mrn, step)
    return await _now(parts, mrn, id, sight)


@router.post(
    "/v1/declarations/{mrn}/inspections/{id}/reports",
    status_code=202,
    response_model=DecisionTaken,
    summary="An office reports what it found",
    responses={
        202: {"description": "On record, once, as the office's decision; sent again it changes nothing."},
        **problem_responses(
            *BODY_PROBLEMS,
            "unauthenticated",
            "forbidden",
            "not-found",
            "already-released",
            "already-withdrawn",
            "closed",
            "referral-withdrawn",
            "amended-meanwhile",
            "appointment-over",
            "message-id-already-used",
        ),
    },
    openapi_extra=body_of(
        InspectionReport,
        {"service": "apqa-animal-import", "verdict": "approved", "remarks": "Seals and weights as declared"},
    ),
)
async def report(
    mrn: Mrn, id: Id, request: Request, parts: Parts, client: Caller, sight: Seeing
) -> DecisionTaken:
    """
    Each office that attends reports once, by its own client; customs for its own control. What it found is
    its decision on the goods items that it had presented; it may correct it later, by deciding by hand.
    """
    view = await declaration_seen(mrn, parts, sight)
    _inspection(view, id, sight)
    asked = await read_asked(request, parts, InspectionReport)
    referral = referral_seen(view, asked.service, sight)
    refuse_unless_of(referral.terms.agency, client, sight)
    at = parts.clock()
    try:
        decision = result(
            view,
            id,
            asked.service,
            verdict=asked.verdict,
            items=asked.items,
            remarks=asked.remarks,
            by=client.id,
            at=at,
        )
    except StepRefused as refused:
        raise refusal(refused) from refused
    taken = await take(parts, view, referral, decision, asked)
    step = partial(reported, inspection=id, service=asked.service, decision=decision.id, at=at)
    await change(parts, mrn, step)
    return taken


@router.get(
    "/v1/inspections",
    response_model=Diary,
    summary="The diary of an office",
    responses=problem_responses("bad-cursor", "unauthenticated", "forbidden", "invalid-parameters"),
)
async def show_diary(
    parts: Parts,
    sight: Seeing,
    agency: Annotated[
        str | None,
        Query(
            max_length=64, pattern=r"^[a-z0-9-]+$", description="Its own for an agency; customs unless said."
        ),
    ] = None,
    from_: Annotated[
        UtcDatetime | None, Query(alias="from", description="What is over by then is left out.")
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[
        int, Query(ge=1, le=200, description="Of declarations that are looked at; a page may hold fewer.")
    ] = 200,
) -> Diary:
    """Open appointments at which the office has still to report, of the newest declarations first."""
    if sight.sees_nothing or sight.declarant is not None:
        raise ApiProblem("forbidden", "an office's diary is for the office")
    if sight.agency is not None and agency not in (None, sight.agency):
        raise ApiProblem("forbidden", f"this client sees the diary of {sight.agency} only")
    whose = agency or sight.agency or CUSTOMS

    def looked_up() -> Diary:
        page = parts.queries.page(DeclarationFilter(pending_agency=whose), cursor, limit)
        views = (parts.queries.view(row.mrn) for row in page.rows)
        found = (
            appointment
            for view in views
            if view is not None and view.case.inspections
            for appointment in appointments_of(view, sight)
            if _awaits(appointment, whose)
            and (from_ is None or (appointment.at or appointment.closes_at) >= from_)
        )
        return Diary(agency=whose, inspections=tuple(found), cursor=page.cursor)

    return await to_thread.run_sync(looked_up)


def _awaits(appointment: Appointment, agency: str) -> bool:
    mine = (office for office in appointment.offices if office.agency == agency)
    return appointment.state in OPEN and any(not office.reported for office in mine)


def _inspection(view: DeclarationView, id: str, sight: Sight) -> Inspection:
    for inspection in view.case.inspections:
        if inspection.id == id and any(sight.may_see_agency(party.agency) for party in inspection.parties):
            return inspection
    raise ApiProblem("not-found", f"there is no inspection {id} of declaration {view.acceptance.mrn}")


async def _now(parts: ApiParts, mrn: str, id: str, sight: Sight) -> Appointment:
    view = await to_thread.run_sync(parts.queries.view, mrn)
    assert view is not None
    return _appointment(mrn, _inspection(view, id, sight))


def _appointment(mrn: str, inspection: Inspection) -> Appointment:
    return Appointment(
        mrn=mrn,
        id=inspection.id,
        state=inspection.state,
        opens_at=inspection.opens_at,
        closes_at=inspection.closes_at,
        at=inspection.at,
        place=inspection.place,
        items=inspection.items,
        offices=tuple(
            InspectingOffice(
                service=party.service,
                agency=party.agency,
                items=party.items,
                reported=party.reported is not None,
            )
            for party in inspection.parties
        ),
    )
