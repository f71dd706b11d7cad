"""What is appended and never changed: the events of declarations, and what was exchanged with agencies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert

from hub.domain.clearance import Clearance
from hub.domain.events import Event, NewEvent
from hub.domain.exchange import Exchange
from hub.domain.life import NEWS
from hub.store.engine import Recorded, recorded_in
from hub.store.statements import Statement
from hub.store.tables import events, exchanges, untold_news

_JSON = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


def to_json(value: object) -> str:
    """Plain data as compact JSON."""
    return _JSON.encode(value)


def rfc3339(moment: datetime) -> str:
    """An instant as events show it: UTC, `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def append_events(
    connection: Connection,
    mrn: str,
    last_seq: int,
    new: Sequence[NewEvent],
    agency_of: Callable[[str], str | None],
) -> list[Event]:
    """
    Write events after `last_seq`, and have them told. The declaration must be locked, or new in this
    transaction. `agency_of` is asked for the agency of a service where an event does not say it.
    """
    if not new:
        return []
    recorded = [numbered(event, mrn, seq) for seq, event in enumerate(new, last_seq + 1)]
    _INSERT_EVENT.run_each(
        connection,
        [
            {
                "mrn": mrn,
                "seq": event.seq,
                "at": event.at,
                "type": event.type.value,
                "service": event.service,
                "data": to_json(event.data),
            }
            for event in recorded
        ],
    )
    news = [event for event in recorded if event.type in NEWS]
    if news:
        _INSERT_NEWS.run_each(connection, [{"mrn": mrn, "seq": e.seq, "at": e.at} for e in news])
    told = recorded_in(connection)
    for event in recorded:
        agency = event.data.get("agency")
        if agency is None and event.service is not None:
            agency = agency_of(event.service)
        told.append(Recorded(event, agency))
    return recorded


def numbered(event: NewEvent, mrn: str, seq: int) -> Event:
    return Event(at=event.at, type=event.type, service=event.service, data=event.data, mrn=mrn, seq=seq)


def record_exchanges(connection: Connection, took_place: Sequence[Exchange]) -> None:
    """Write exchanges down; one that is there already stays as it is."""
    if took_place:
        _INSERT_EXCHANGE.run_each(
            connection,
            [
                {
                    "id": exchange.id,
                    "mrn": exchange.mrn,
                    "agency": exchange.agency,
                    "started_at": exchange.started_at,
                    "document": exchange.model_dump_json(),
                }
                for exchange in took_place
            ],
        )


def settled_data(clearance: Clearance, pending: Sequence[str], through: int | None = None) -> dict[str, Any]:
    """The data of `clearance.settled`: the whole of it, since the next outcome takes its place."""
    data: dict[str, Any] = {
        "outcome": clearance.outcome.value,
        "final": clearance.final,
        "reasons": [r.model_dump(mode="json", exclude_none=True) for r in clearance.reasons],
        "pending_agencies": list(pending),
    }
    if clearance.released_items:
        data["released_items"] = list(clearance.released_items)
    if through is not None:
        data["through"] = through
    return data


_INSERT_EVENT = Statement(insert(events))
_INSERT_NEWS = Statement(insert(untold_news))
_INSERT_EXCHANGE = Statement(lambda insert: insert(exchanges).on_conflict_do_nothing())
