"""What carriers and warehouses report, and the declarations it is about."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select, text

from hub.domain.cargo import CargoEvent, CargoStep
from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.store.casefile import OpenCase
from hub.store.part import Part
from hub.store.statements import insert_of
from hub.store.tables import cargo_events, declarations
from hub.store.types import key

_TYPE = {
    CargoStep.ARRIVAL: EventType.CARGO_ARRIVED,
    CargoStep.UNLOADING: EventType.CARGO_UNLOADED,
    CargoStep.STORAGE: EventType.CARGO_STORED,
    CargoStep.BONDED_TRANSPORT: EventType.CARGO_MOVED_IN_BOND,
    CargoStep.RELEASE: EventType.CARGO_LET_GO,
    CargoStep.GATE_OUT: EventType.CARGO_GATED_OUT,
}


class Cargo(Part):
    """`hub.ports.CargoStore`."""

    def record_cargo(self, event: CargoEvent) -> list[str]:
        """
        Write an event down once, and note it with every declaration of its cargo; the mrns of these. Raises
        ValueError for the same message id with other content.
        """
        number = event.cargo_management_number
        with self._database.write() as connection:
            lock_cargo(connection, number)
            new = insert_of(connection)(cargo_events).on_conflict_do_nothing().returning(cargo_events.c.at)
            values = {
                "reporter": event.reporter,
                "message_id": event.message_id,
                "cargo_management_number": number,
                "at": event.at,
                "document": event.model_dump_json(),
            }
            if connection.execute(new, values).one_or_none() is None:
                _refuse_other_content(connection, event)
                return []
            about = (
                select(declarations.c.mrn)
                .where(declarations.c.cargo_management_number == number)
                .order_by(declarations.c.mrn)
            )
            mrns = list(connection.scalars(about))
            for mrn in mrns:
                case = OpenCase.open(connection, mrn)
                note_cargo(case, [event])
                case.save()
        return mrns

    def cargo_events(self, cargo_management_number: str) -> list[CargoEvent]:
        """In the order in which they took place."""
        with self._database.read() as connection:
            return reported(connection, cargo_management_number)


def lock_cargo(connection: Connection, number: str | None) -> None:
    """
    Keep others from what is reported of this cargo until the transaction ends.

    An event and the declaration it is about may be written at the same time, and neither would see the
    other. Taken before any declaration is locked, so that nobody waits in a circle. SQLite has one writer at
    a time anyway.
    """
    if number is not None and connection.dialect.name == "postgresql":
        connection.execute(_LOCK_CARGO, {"number": f"cargo {key(number)}"})


def reported(connection: Connection, number: str) -> list[CargoEvent]:
    """What has been reported of this cargo, in the order in which it took place."""
    found = connection.scalars(_REPORTED, {"number_": number})
    return [CargoEvent.model_validate_json(document) for document in found]


def note_cargo(case: OpenCase, took_place: Iterable[CargoEvent]) -> None:
    """
    Note events of the cargo with a declaration. Cargo that leaves before the hub has released any of it is
    noted once more, for customs to look at; of a partial release nobody can tell which goods have left.
    """
    for event in took_place:
        case.record(_noted(_TYPE[event.step], event))
        released = case.outcome in (Outcome.RELEASE, Outcome.PARTIAL_RELEASE) or case.case.released
        if event.step is CargoStep.GATE_OUT and not released:
            case.record(_noted(EventType.CARGO_LEFT_UNRELEASED, event))


def _noted(kind: EventType, event: CargoEvent) -> NewEvent:
    said = event.model_dump(mode="json", exclude_none=True, exclude={"step", "received_at"})
    return NewEvent(at=event.received_at, type=kind, data=said)


def _refuse_other_content(connection: Connection, event: CargoEvent) -> None:
    known = connection.execute(
        select(cargo_events.c.document).where(
            cargo_events.c.reporter == event.reporter, cargo_events.c.message_id == event.message_id
        )
    ).scalar_one()
    first = CargoEvent.model_validate_json(known)
    if first.model_copy(update={"received_at": event.received_at}) != event:
        raise ValueError(f"message id {event.message_id} was used before with other content")


_REPORTED = (
    select(cargo_events.c.document)
    .where(cargo_events.c.cargo_management_number == bindparam("number_"))
    .order_by(cargo_events.c.at, cargo_events.c.reporter, cargo_events.c.message_id)
)
_LOCK_CARGO = text("SELECT pg_advisory_xact_lock(hashtextextended(:number, 0))")
