"""
rest-labs.yaml: JSON in, the result by callback in XML. The Idempotency-Key counts once.

What cannot be cancelled is told inside a 200.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Closed, NotKnown, Trouble, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application
from hub.simulator.rest import STATUS, Asked, Handler, RestContract


class CertificateChecks(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"check": self._submit, "cancel": self._withdraw}

    def trouble(self, trouble: Trouble) -> Answer:
        return json_answer(
            STATUS[type(trouble)], {"error": str(trouble), "retry": isinstance(trouble, Unavailable)}
        )

    async def _submit(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        taken = await agency.submit(
            Application(
                reference=asked.headers["idempotency-key"],
                service=body["scheme"],
                mrn=body["customs_declaration"],
                ucr=body["consignment"],
                items=tuple(model["line"] for model in body["models"]),
                masses=tuple(str(model.get("net_kg", "")) for model in body["models"]),
            )
        )
        opened = taken.case.opened_at.astimezone(agency.zone).isoformat()
        return json_answer(201, {"check_number": taken.case.receipt, "opened_at": opened})

    async def _withdraw(self, agency: SimulatedAgency, asked: Asked) -> Answer:
        body = asked.body
        try:
            case = await agency.withdraw(
                reference=body["key"], reason=str(body["why"]), words=body.get("comment", "")
            )
        except NotKnown:
            return json_answer(200, {"cancelled": False, "because": "no_such_check"})
        except Closed:
            return json_answer(200, {"cancelled": False, "because": "cancelled_before"})
        return json_answer(200, {"cancelled": True, "check_number": case.receipt})

    def notice(self, waiting: Waiting, agency: SimulatedAgency) -> tuple[str, bytes]:
        ruling = waiting.ruling
        result = etree.Element("CheckResult")
        for name, content in (
            ("ResultId", waiting.told.id),
            ("CheckNumber", waiting.case.receipt),
            ("Key", waiting.entry.application.reference),
            ("Word", ruling.word),
            ("Certificate", ruling.certificate),
            ("Comment", ruling.remarks),
            ("At", ruling.due_at.astimezone(agency.zone).isoformat()),
        ):
            if content:
                etree.SubElement(result, name).text = content
        for number in ruling.items:
            etree.SubElement(result, "Line").text = str(number)
        return "application/xml", etree.tostring(result, encoding="utf-8", xml_declaration=True)
