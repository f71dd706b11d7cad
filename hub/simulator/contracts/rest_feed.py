"""rest-feed.yaml: a register to put requests into, and an outbox to take decisions from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application
from hub.simulator.rest import Asked, Handler, RestContract

_PAGE = 100


class RequestRegister(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"enter": self._submit, "take": self._take, "acknowledge": self._acknowledge}

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=body["requestReference"],
                service=body["kind"],
                mrn=body["declarationNumber"],
                ucr=body["consignment"],
                items=tuple(specimen["item"] for specimen in body["specimens"]),
            )
        )
        entered = taken.case.opened_at.astimezone(agency.zone).isoformat()
        return json_answer(202, {"registerNumber": taken.case.receipt, "enteredAt": entered})

    async def _take(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        limit = int(asked.query.get("limit", _PAGE))
        after = asked.query.get("after", "")
        waiting = agency.feed(after, limit + 1)
        page = waiting[:limit]
        return json_answer(
            200,
            {
                "entries": [_entry(one, agency) for one in page],
                "cursor": page[-1].told.id if page else after,
                "more": len(waiting) > limit,
            },
        )

    async def _acknowledge(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        agency.acknowledge(asked.body["entryIds"])
        return Answer(204)


def _entry(waiting: Waiting, agency: SimulatedAgency) -> dict[str, Any]:
    ruling = waiting.ruling
    told: dict[str, Any] = {
        "entryId": waiting.told.id,
        "registerNumber": waiting.case.receipt,
        "requestReference": waiting.entry.application.reference,
        "outcome": ruling.word,
        "decidedAt": ruling.due_at.astimezone(agency.zone).isoformat(),
        "items": list(ruling.items),
    }
    if ruling.certificate:
        told["certificate"] = ruling.certificate
    if ruling.remarks:
        told["note"] = ruling.remarks
    return told
