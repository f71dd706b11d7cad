"""rest-ticket.yaml: decided at once or by ticket; errors have status 200; every POST is an application."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application, Case, Ruling, Supplement
from hub.simulator.rest import Asked, Handler, RestContract

_CODES: dict[type[Trouble], str] = {
    Invalid: "V001",
    Rejected: "V100",
    Unauthorised: "A001",
    NotKnown: "N001",
    Closed: "C001",
    Unavailable: "S001",
}


class ApplicationDesk(RestContract):
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "apply": self._submit,
            "ask": self._poll,
            "find": self._look_up,
            "amend": self._amend,
            "withdraw": self._withdraw,
            "supplement": self._inform,
            "remind": self._remind,
        }

    def trouble(self, trouble: Trouble) -> Answer:
        return json_answer(200, {"errorCode": _CODES[type(trouble)], "message": str(trouble)})

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        taken = await agency.submit(_application(asked.body))
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

    async def _amend(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        application = _application(asked.body["application"])
        taken = await agency.amend(application, asked.body["amendmentNo"], receipt=asked.parts["ticket"])
        return json_answer(200, _standing(taken.case, taken.ruling, agency.zone))

    async def _withdraw(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        case = await agency.withdraw(
            receipt=asked.parts["ticket"], reason=body["reasonCode"], words=body.get("remark", "")
        )
        return json_answer(200, _standing(case, None, agency.zone))

    async def _inform(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        supplement = Supplement(
            id=body["supplementNo"],
            question=body.get("decisionId", ""),
            text=body["text"],
            enclosures=tuple(
                enclosed(
                    name=attachment["fileName"],
                    media_type=attachment["contentType"],
                    content=attachment["data"],
                    sha256=attachment["sha256"],
                )
                for attachment in body.get("attachments", ())
            ),
        )
        taken = await agency.inform(asked.parts["ticket"], supplement)
        return json_answer(200, _standing(taken.case, taken.ruling, agency.zone))

    async def _remind(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        case = await agency.remind(asked.parts["ticket"])
        return json_answer(200, _standing(case, None, agency.zone))

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        return {
            "noticeId": waiting.told.id,
            "clientReference": waiting.entry.application.reference,
            "ticket": waiting.case.receipt,
            "decision": _decision(waiting.ruling, agency.zone),
        }


def _application(body: dict[str, Any]) -> Application:
    return Application(
        reference=body["clientReference"],
        service=body["programme"],
        mrn=body["customs"]["declarationNo"],
        ucr=body["customs"]["ucr"],
        items=tuple(item["no"] for item in body["items"]),
        masses=tuple(str(item.get("netKg", "")) for item in body["items"]),
    )


def _standing(case: Case, ruling: Ruling | None, zone: tzinfo) -> dict[str, Any]:
    if not case.live:
        return {"ticket": case.receipt, "state": "WITHDRAWN"}
    if ruling is None:
        return {"ticket": case.receipt, "state": "PENDING"}
    return {"ticket": case.receipt, "state": "DECIDED", "decision": _decision(ruling, zone)}


def _decision(ruling: Ruling, zone: tzinfo) -> dict[str, Any]:
    told: dict[str, Any] = {
        "decisionId": ruling.id,
        "result": ruling.word,
        "decidedAt": ruling.due_at.astimezone(zone).isoformat(),
        "amendmentNo": ruling.revision,
        "itemNos": list(ruling.items),
    }
    if ruling.certificate:
        told["certificateNo"] = ruling.certificate
    if ruling.remarks:
        told["opinion"] = ruling.remarks
    return told
