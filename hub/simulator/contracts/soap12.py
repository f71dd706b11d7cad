"""soap12.wsdl: SOAP 1.2; judged in the answer, or later by a Verdict message. The report key counts once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Invalid, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Ruling
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, build, every, text

_PROBLEMS: dict[type[Trouble], str] = {Invalid: "SC-SCHEMA", Rejected: "SC-REFUSED", Unavailable: "SC-RETRY"}


class StandardClearance(SoapContract):
    repeatable = True

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {"Report": ("ReportAnswer", self._submit)}

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        taken = await agency.submit(
            Application(
                reference=text(request, "ReportKey"),
                service=text(request, "ReportType"),
                mrn=text(request, "DeclarationNumber"),
                ucr=text(request, "ConsignmentReference"),
                items=tuple(int(product.get("line", "0")) for product in every(request, "Product")),
            )
        )
        return [
            ("AcceptanceNumber", taken.case.receipt),
            ("Standing", "RECEIVED" if taken.ruling is None else "JUDGED"),
            ("Judgement", None if taken.ruling is None else _judgement(taken.ruling, agency.zone)),
        ]

    def detail(self, trouble: Trouble) -> etree._Element | None:
        code = _PROBLEMS.get(type(trouble))
        return None if code is None else build(self.namespace, "Problem", [("Code", code)])

    def notice_element(self, waiting: Waiting, agency: SimulatedAgency) -> etree._Element:
        return build(
            self.namespace,
            "Verdict",
            [
                ("MessageNumber", waiting.told.id),
                ("AcceptanceNumber", waiting.case.receipt),
                ("ReportKey", waiting.entry.application.reference),
                ("Judgement", _judgement(waiting.ruling, agency.zone)),
            ],
        )


def _judgement(ruling: Ruling, zone: tzinfo) -> list[Child]:
    return [
        ("Serial", ruling.id),
        ("Outcome", ruling.word),
        ("ReportNumber", ruling.certificate),
        ("Comment", ruling.remarks or None),
        ("JudgedAt", ruling.due_at.astimezone(zone)),
        *[("Line", number) for number in ruling.items],
    ]
