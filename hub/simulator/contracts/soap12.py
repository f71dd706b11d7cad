"""soap12.wsdl: SOAP 1.2; judged in the answer, or later by a Verdict message. The report key counts once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting, now
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Case, Ruling
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, build, every, required, text

_PROBLEMS: dict[type[Trouble], str] = {
    Invalid: "SC-SCHEMA",
    NotKnown: "SC-UNKNOWN",
    Closed: "SC-RETRACTED",
    Rejected: "SC-REFUSED",
    Unavailable: "SC-RETRY",
}


class StandardClearance(SoapContract):
    repeatable = True

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "Report": ("ReportAnswer", self._submit),
            "Correct": ("CorrectionAnswer", self._amend),
            "Retract": ("RetractionAnswer", self._withdraw),
            "Remind": ("ReminderAnswer", self._remind),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        taken = await agency.submit(_report(request))
        return _answer(taken.case, taken.ruling, agency.zone)

    async def _amend(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        report, number = _report(required(request, "Report")), int(request.get("number", "0"))
        taken = await agency.amend(report, number)
        return _answer(taken.case, taken.ruling, agency.zone)

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        key, result = text(request, "ReportKey"), "RETRACTED"
        try:
            await agency.withdraw(
                reference=key, reason=text(request, "Ground"), words=text(request, "Explanation")
            )
        except Closed:
            result = "BEFORE"
        except NotKnown:
            result = "UNKNOWN"
        return [("ReportKey", key), ("Result", result)]

    async def _remind(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case = await agency.remind(text(request, "AcceptanceNumber"))
        return _answer(case, case.ruling(now()), agency.zone)

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


def _report(element: etree._Element) -> Application:
    return Application(
        reference=text(element, "ReportKey"),
        service=text(element, "ReportType"),
        mrn=text(element, "DeclarationNumber"),
        ucr=text(element, "ConsignmentReference"),
        items=tuple(int(product.get("line", "0")) for product in every(element, "Product")),
        masses=tuple(text(product, "NetWeight") for product in every(element, "Product")),
    )


def _answer(case: Case, ruling: Ruling | None, zone: tzinfo) -> Reply:
    return [
        ("AcceptanceNumber", case.receipt),
        ("Standing", "RECEIVED" if ruling is None else "JUDGED"),
        ("Judgement", None if ruling is None else _judgement(ruling, zone)),
    ]


def _judgement(ruling: Ruling, zone: tzinfo) -> list[Child]:
    return [
        ("Serial", ruling.id),
        ("Outcome", ruling.word),
        ("ReportNumber", ruling.certificate),
        ("Comment", ruling.remarks or None),
        ("JudgedAt", ruling.due_at.astimezone(zone)),
        ("CorrectionNumber", ruling.revision),
        *[("Line", number) for number in ruling.items],
    ]
