"""rest-ticket.yaml: decided at once or by ticket; errors have status 200; every POST is an application."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application, Case, Ruling
from hub.simulator.rest import Asked, Handler, RestContract

_CODES: dict[type[Trouble], str] = {
    Invalid: "V001",
    Rejected: "V100",
    Unauthorised: "A001",
    NotKnown: "N001",
    Unavailable: "S001",
}


class ApplicationDesk(RestContract):
    def handlers(self) -> Mapping[str, Handler]:
        return {"apply": self._submit, "ask": self._poll, "find": self._look_up}

    def trouble(self, trouble: Trouble) -> Answer:
        return json_answer(200, {"errorCode": _CODES[type(trouble)], "message": str(trouble)})

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=body["clientReference"],
                service=body["programme"],
                mrn=body["customs"]["declarationNo"],
                ucr=body["customs"]["ucr"],
                items=tuple(item["no"] for item in body["items"]),
            )
        )
        standing = _standing(taken.case, taken.ruling, agency.zone)
        if taken.ruling is not None:
            return json_answer(201, standing)
        return json_answer(202, standing, headers={"Location": f"/applications/{taken.case.receipt}"})

    async def _poll(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        case, ruling = await agency.poll(asked.parts["ticket"])
        return json_answer(200, _standing(case, ruling, agency.zone))

    async def _look_up(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        found = await agency.look_up(asked.query["clientReference"])
        standings = [_standing(case, ruling, agency.zone) for case, ruling in found]
        return json_answer(200, {"total": len(standings), "applications": standings})

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        return {
            "noticeId": waiting.told.id,
            "clientReference": waiting.entry.application.reference,
            "ticket": waiting.case.receipt,
            "decision": _decision(waiting.ruling, agency.zone),
        }


def _standing(case: Case, ruling: Ruling | None, zone: tzinfo) -> dict[str, Any]:
    if ruling is None:
        return {"ticket": case.receipt, "state": "PENDING"}
    return {"ticket": case.receipt, "state": "DECIDED", "decision": _decision(ruling, zone)}


def _decision(ruling: Ruling, zone: tzinfo) -> dict[str, Any]:
    told: dict[str, Any] = {
        "decisionId": ruling.id,
        "result": ruling.word,
        "decidedAt": ruling.due_at.astimezone(zone).isoformat(),
        "itemNos": list(ruling.items),
    }
    if ruling.certificate:
        told["certificateNo"] = ruling.certificate
    if ruling.remarks:
        told["opinion"] = ruling.remarks
    return told
