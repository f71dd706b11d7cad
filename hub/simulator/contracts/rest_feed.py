"""rest-feed.yaml: a register to put requests into, and an outbox to take decisions from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting, now
from hub.simulator.errors import Closed
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application
from hub.simulator.rest import Asked, Handler, RestContract

_PAGE = 100


class RequestRegister(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "enter": self._submit,
            "replace": self._amend,
            "strike": self._withdraw,
            "remind": self._remind,
            "take": self._take,
            "acknowledge": self._acknowledge,
        }

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        taken = await agency.submit(_request(asked.body))
        entered = taken.case.opened_at.astimezone(agency.zone).isoformat()
        return json_answer(202, {"registerNumber": taken.case.receipt, "enteredAt": entered})

    async def _amend(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        request = _request(asked.body["request"])
        number = asked.parts["registerNumber"]
        await agency.amend(request, asked.body["edition"], receipt=number)
        entered = now().astimezone(agency.zone).isoformat()
        return json_answer(202, {"registerNumber": number, "enteredAt": entered})

    async def _withdraw(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        status = 201
        try:
            case = await agency.withdraw(
                reference=body["requestReference"], reason=body["ground"], words=body.get("note", "")
            )
        except Closed as before:
            case, status = before.case, 200
        assert case.withdrawn_at is not None
        struck = case.withdrawn_at.astimezone(agency.zone).isoformat()
        return json_answer(status, {"registerNumber": case.receipt, "struckAt": struck})

    async def _remind(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        await agency.remind(asked.parts["registerNumber"])
        return Answer(204)

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


def _request(body: dict[str, Any]) -> Application:
    return Application(
        reference=body["requestReference"],
        service=body["kind"],
        mrn=body["declarationNumber"],
        ucr=body["consignment"],
        items=tuple(specimen["item"] for specimen in body["specimens"]),
        masses=tuple(str(specimen.get("kilograms", "")) for specimen in body["specimens"]),
    )


def _entry(waiting: Waiting, agency: SimulatedAgency) -> dict[str, Any]:
    ruling = waiting.ruling
    told: dict[str, Any] = {
        "entryId": waiting.told.id,
        "registerNumber": waiting.case.receipt,
        "requestReference": waiting.entry.application.reference,
        "outcome": ruling.word,
        "decidedAt": ruling.due_at.astimezone(agency.zone).isoformat(),
        "edition": ruling.revision,
        "items": list(ruling.items),
    }
    if ruling.certificate:
        told["certificate"] = ruling.certificate
    if ruling.remarks:
        told["note"] = ruling.remarks
    return told
