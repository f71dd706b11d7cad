"""rest-callback.yaml: a receipt, and the decision by callback; what is there already is a 409."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting, now
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application, Case, Supplement
from hub.simulator.rest import STATUS, Asked, Handler, RestContract

_CODES: dict[type[Trouble], str] = {
    Invalid: "INVALID",
    NotKnown: "NOT_FOUND",
    Closed: "GONE",
    Rejected: "REJECTED",
    Unauthorised: "UNAUTHORISED",
    Unavailable: "BUSY",
}


class SubmissionBox(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "submit": self._submit,
            "replace": self._amend,
            "delete": self._withdraw,
            "attach": self._inform,
            "remind": self._remind,
        }

    def trouble(self, trouble: Trouble) -> Answer:
        return json_answer(
            410 if isinstance(trouble, Closed) else STATUS[type(trouble)],
            {"code": _CODES[type(trouble)], "message": str(trouble)},
            headers={"Retry-After": "1"} if isinstance(trouble, Unavailable) else {},
        )

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        taken = await agency.submit(_submission(asked.body))
        if taken.again:
            told = {"code": "DUPLICATE", "message": "received before", "receiptNo": taken.case.receipt}
            return json_answer(409, told)
        return json_answer(202, _receipt(taken.case, taken.case.opened_at, agency))

    async def _amend(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        submission = _submission(asked.body["submission"])
        taken = await agency.amend(submission, asked.body["version"], receipt=asked.parts["receiptNo"])
        return json_answer(202, _receipt(taken.case, now(), agency))

    async def _withdraw(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        query = asked.query
        await agency.withdraw(
            reference=query["submissionId"], reason=query["cause"], words=query.get("remarks", "")
        )
        return Answer(204)

    async def _inform(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        supplement = Supplement(
            id=body["statementId"],
            question="",
            text=body["text"],
            enclosures=tuple(
                enclosed(
                    name=document["title"],
                    media_type=document["mediaType"],
                    content=document["base64"],
                    sha256=document["hash"].removeprefix("sha-256="),
                )
                for document in body.get("documents", ())
            ),
        )
        taken = await agency.inform(asked.parts["receiptNo"], supplement)
        return json_answer(201, _receipt(taken.case, now(), agency))

    async def _remind(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        await agency.remind(asked.parts["receiptNo"])
        return Answer(204)

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        ruling = waiting.ruling
        decision: dict[str, Any] = {
            "code": ruling.word,
            "madeAt": ruling.due_at.astimezone(agency.zone).isoformat(),
            "version": ruling.revision,
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


def _submission(body: dict[str, Any]) -> Application:
    return Application(
        reference=body["submissionId"],
        service=body["serviceCode"],
        mrn=body["mrn"],
        ucr=body["ucr"],
        items=tuple(goods["sequence"] for goods in body["goodsItems"]),
        masses=tuple(str(goods.get("netMass", {}).get("value", "")) for goods in body["goodsItems"]),
    )


def _receipt(case: Case, at: datetime, agency: SimulatedAgency) -> dict[str, Any]:
    return {"receiptNo": case.receipt, "receivedAt": at.astimezone(agency.zone).isoformat()}
