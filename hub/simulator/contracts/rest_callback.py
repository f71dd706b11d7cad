"""rest-callback.yaml: a receipt, and the decision by callback; what is there already is a 409."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application
from hub.simulator.rest import STATUS, Asked, Handler, RestContract

_CODES: dict[type[Trouble], str] = {
    Invalid: "INVALID",
    NotKnown: "INVALID",
    Rejected: "REJECTED",
    Unauthorised: "UNAUTHORISED",
    Unavailable: "BUSY",
}


class SubmissionBox(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"submit": self._submit}

    def trouble(self, trouble: Trouble) -> Answer:
        return json_answer(
            STATUS[type(trouble)],
            {"code": _CODES[type(trouble)], "message": str(trouble)},
            headers={"Retry-After": "1"} if isinstance(trouble, Unavailable) else {},
        )

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=body["submissionId"],
                service=body["serviceCode"],
                mrn=body["mrn"],
                ucr=body["ucr"],
                items=tuple(goods["sequence"] for goods in body["goodsItems"]),
            )
        )
        if taken.again:
            told = {"code": "DUPLICATE", "message": "received before", "receiptNo": taken.case.receipt}
            return json_answer(409, told)
        received = taken.case.opened_at.astimezone(agency.zone).isoformat()
        return json_answer(202, {"receiptNo": taken.case.receipt, "receivedAt": received})

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        ruling = waiting.ruling
        decision: dict[str, Any] = {
            "code": ruling.word,
            "madeAt": ruling.due_at.astimezone(agency.zone).isoformat(),
            "goodsItems": list(ruling.items),
        }
        if ruling.certificate:
            decision["certificateNumber"] = ruling.certificate
        if ruling.remarks:
            decision["remarks"] = ruling.remarks
        return {
            "messageId": waiting.told.id,
            "receiptNo": waiting.case.receipt,
            "submissionId": waiting.entry.application.reference,
            "decision": decision,
        }
