"""Where the cargo is: carriers and warehouses report it, customs and the declarant see it."""

from __future__ import annotations

from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Request
from pydantic import Field

from hub.api.access import Caller, Seeing
from hub.api.asked import CargoReported
from hub.api.asking import BODY_PROBLEMS, body_of, invalid, read_asked
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import cargo_step
from hub.api.problems import ApiProblem, problem_responses
from hub.api.shapes import CargoStepSeen
from hub.domain.cargo import CargoEvent
from hub.domain.intake import Fault
from hub.domain.model import Model
from hub.operations.sight import Sight
from hub.ports import DeclarationFilter, Role

router = APIRouter(tags=["carriers"])
log = structlog.get_logger(__name__)

Cmn = Annotated[
    str,
    Path(
        description="Cargo management number, as the declaration names it; may hold slashes.",
        max_length=70,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        examples=["26EXMP00417I"],
    ),
]


class CargoWay(Model):
    """The way of the cargo of one number, in the order in which the steps took place."""

    cargo_management_number: str
    events: tuple[CargoStepSeen, ...]


class CargoTaken(Model):
    """The step is on record."""

    received: bool
    duplicate: bool = Field(description="It was there already, and counts once.")


@router.post(
    "/v1/cargo/{number:path}/events",
    status_code=202,
    response_model=CargoTaken,
    summary="A carrier or a warehouse reports where the cargo is",
    responses=problem_responses(
        *BODY_PROBLEMS, "unauthenticated", "forbidden", "message-id-already-used", "invalid-parameters"
    ),
    openapi_extra=body_of(
        CargoReported,
        {
            "message_id": "ICN-20261122-0031",
            "step": "unloading",
            "at": "2026-11-22T18:40:00+09:00",
            "place": "Incheon cold store 3",
        },
    ),
)
async def report_cargo(number: Cmn, request: Request, parts: Parts, client: Caller) -> CargoTaken:
    """
    Taken whether or not there is a declaration of that number yet. The same message again changes nothing.
    """
    if client.role not in (Role.CARGO, Role.ADMIN):
        raise ApiProblem("forbidden", f"carriers and warehouses report cargo; this client is {client.role}")
    asked = await read_asked(request, parts, CargoReported)
    at = parts.clock()
    if asked.at > at:
        raise invalid([Fault("/at", "lies in the future: only what has taken place is reported")])
    event = CargoEvent(
        cargo_management_number=number,
        step=asked.step,
        at=asked.at,
        place=asked.place,
        reporter=client.id,
        message_id=asked.message_id,
        remarks=asked.remarks,
        received_at=at,
    )

    def record() -> tuple[bool, list[str]]:
        known = parts.cargo.cargo_events(number)
        mrns = parts.cargo.record_cargo(event)
        return any((e.reporter, e.message_id) == (client.id, asked.message_id) for e in known), mrns

    try:
        duplicate, mrns = await to_thread.run_sync(record)
    except ValueError as error:
        raise ApiProblem("message-id-already-used", str(error)) from error
    log.info("cargo.reported", cargo=number, step=asked.step, declarations=len(mrns), duplicate=duplicate)
    return CargoTaken(received=True, duplicate=duplicate)


@router.get(
    "/v1/cargo/{number:path}/events",
    response_model=CargoWay,
    summary="Where the cargo is",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_cargo(number: Cmn, parts: Parts, client: Caller, sight: Seeing) -> CargoWay:
    """
    Customs and operators see every number; a declarant those of its own declarations; a carrier what it has
    reported itself.
    """
    events = await to_thread.run_sync(parts.cargo.cargo_events, number)
    if client.role is Role.CARGO:
        events = [event for event in events if event.reporter == client.id]
    elif not await to_thread.run_sync(_may_see, parts, number, sight):
        events = []
    if not events:
        raise ApiProblem("not-found", f"nothing is known of cargo {number}")
    return CargoWay(
        cargo_management_number=number,
        events=tuple(cargo_step(event, sight.is_customs or event.reporter == client.id) for event in events),
    )


def _may_see(parts: ApiParts, number: str, sight: Sight) -> bool:
    if sight.sees_nothing or sight.agency is not None:
        return False
    if sight.declarant is None:
        return True
    which = DeclarationFilter(declarant=sight.declarant, cargo_management_number=number)
    return bool(parts.queries.page(which, None, 1).rows)
