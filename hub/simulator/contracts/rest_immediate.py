"""
rest-immediate.yaml: the finding stands in the reply; later ones are posted. The reference counts once.

A review is not changed: it is cancelled, and asked for anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hub.simulator.agency import SimulatedAgency, Taken, Waiting
from hub.simulator.enclosures import enclosed
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application, Ruling, Supplement
from hub.simulator.rest import Asked, Handler, RestContract


class ConformityReview(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"review": self._submit, "cancel": self._withdraw, "supplement": self._inform}

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=body["reference"],
                service=body["service"],
                mrn=body["declaration"]["number"],
                ucr=body["declaration"]["ucr"],
                items=tuple(goods["line"] for goods in body["goods"]),
                masses=tuple(str(goods.get("net_mass_kg", "")) for goods in body["goods"]),
            )
        )
        return json_answer(200, _standing(taken, body["reference"], agency.zone))

    async def _withdraw(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        case = await agency.withdraw(
            reference=body["reference"], reason=body["reason"], words=body.get("note", "")
        )
        assert case.withdrawn_at is not None
        cancelled_at = case.withdrawn_at.astimezone(agency.zone).isoformat()
        told = {"review_id": case.receipt, "reference": body["reference"], "cancelled_at": cancelled_at}
        return json_answer(200, told)

    async def _inform(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        supplement = Supplement(
            id=body["supplement_id"],
            question=body.get("finding_id", ""),
            text=body["text"],
            enclosures=tuple(
                enclosed(
                    name=file["name"],
                    media_type=file["media_type"],
                    content=file["data"],
                    sha256=file["sha256"],
                )
                for file in body.get("files", ())
            ),
        )
        taken = await agency.inform(asked.parts["review_id"], supplement)
        return json_answer(200, _standing(taken, taken.reference, agency.zone))

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        return {
            "message_id": waiting.told.id,
            "review_id": waiting.case.receipt,
            "reference": waiting.entry.application.reference,
            **_finding(waiting.ruling, agency.zone),
        }


def _standing(taken: Taken, reference: str, zone: tzinfo) -> dict[str, Any]:
    told: dict[str, Any] = {"review_id": taken.case.receipt, "reference": reference}
    return told if taken.ruling is None else told | _finding(taken.ruling, zone)


def _finding(ruling: Ruling, zone: tzinfo) -> dict[str, Any]:
    told: dict[str, Any] = {
        "finding_id": ruling.id,
        "finding": ruling.word,
        "decided_at": ruling.due_at.astimezone(zone).isoformat(),
        "lines": list(ruling.items),
    }
    if ruling.certificate:
        told["certificate"] = ruling.certificate
    if ruling.remarks:
        told["remarks"] = ruling.remarks
    return told
