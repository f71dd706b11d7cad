"""rest-labs.yaml: JSON in, the result by callback in XML. The Idempotency-Key counts once."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Trouble, Unavailable
from hub.simulator.http import Answer, json_answer
from hub.simulator.ledger import Application
from hub.simulator.rest import STATUS, Asked, Handler, RestContract


class CertificateChecks(RestContract):
    repeatable = True

    def handlers(self) -> Mapping[str, Handler]:
        return {"check": self._submit}

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
            )
        )
        opened = taken.case.opened_at.astimezone(agency.zone).isoformat()
        return json_answer(201, {"check_number": taken.case.receipt, "opened_at": opened})

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
        return "application/xml", etree.tostring(result, encoding="utf-8", xml_declaration=True)
