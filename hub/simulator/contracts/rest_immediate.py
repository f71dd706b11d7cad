"""rest-immediate.yaml: the finding stands in the reply; later ones are posted. The reference counts once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application, Ruling
from hub.simulator.rest import Asked, Handler, RestContract


class ConformityReview(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"review": self._submit}

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=body["reference"],
                service=body["service"],
                mrn=body["declaration"]["number"],
                ucr=body["declaration"]["ucr"],
                items=tuple(goods["line"] for goods in body["goods"]),
            )
        )
        told = {"review_id": taken.case.receipt, "reference": body["reference"]}
        if taken.ruling is not None:
            told |= _finding(taken.ruling, agency.zone)
        return json_answer(200, told)

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        return {
            "message_id": waiting.told.id,
            "review_id": waiting.case.receipt,
            "reference": waiting.entry.application.reference,
            **_finding(waiting.ruling, agency.zone),
        }


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
