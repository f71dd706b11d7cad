"""soap11-wrapped.wsdl: document/literal wrapped; every submission opens a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Invalid, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Ruling
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, build, every, first, text

_CODES: dict[type[Trouble], str] = {
    Invalid: "E400",
    NotKnown: "E404",
    Rejected: "E422",
    Unavailable: "E503",
}


class RequirementConfirmation(SoapContract):
    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "RequestConfirmation": ("RequestConfirmationResponse", self._submit),
            "GetResult": ("GetResultResponse", self._poll),
            "FindByRequestNo": ("FindByRequestNoResponse", self._look_up),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        items = first(request, "Items")
        taken = await agency.submit(
            Application(
                reference=text(request, "RequestNo"),
                service=text(request, "ServiceCd"),
                mrn=text(request, "DeclNo"),
                ucr=text(request, "Ucr"),
                items=tuple(int(text(item, "No")) for item in every(items, "Item"))
                if items is not None
                else (),
            )
        )
        return [
            ("ReceiptNo", taken.case.receipt),
            ("ReceiptDt", taken.case.opened_at.astimezone(agency.zone)),
        ]

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case, ruling = await agency.poll(text(request, "ReceiptNo"))
        return [("ReceiptNo", case.receipt), *_standing(ruling, agency.zone)]

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        found = await agency.look_up(text(request, "RequestNo"))
        if not found:
            return [("FoundYn", "N")]
        case, ruling = found[0]
        return [("FoundYn", "Y"), ("ReceiptNo", case.receipt), *_standing(ruling, agency.zone)]

    def detail(self, trouble: Trouble) -> etree._Element | None:
        code = _CODES.get(type(trouble))
        if code is None:
            return None
        said = str(trouble)[:2000]
        return build(self.namespace, "RequirementFault", [("Code", code), ("Message", said)])

    def notice_element(self, waiting: Waiting, agency: SimulatedAgency) -> etree._Element:
        return build(
            self.namespace,
            "ResultNotice",
            [
                ("NoticeId", waiting.told.id),
                ("RequestNo", waiting.entry.application.reference),
                ("ReceiptNo", waiting.case.receipt),
                ("Result", _result(waiting.ruling, agency.zone)),
            ],
        )


def _standing(ruling: Ruling | None, zone: tzinfo) -> list[Child]:
    if ruling is None:
        return [("State", "UNDER_REVIEW")]
    return [("State", "DECIDED"), ("Result", _result(ruling, zone))]


def _result(ruling: Ruling, zone: tzinfo) -> list[Child]:
    return [
        ("ResultId", ruling.id),
        ("ResultCd", ruling.word),
        ("CertNo", ruling.certificate),
        ("Opinion", ruling.remarks or None),
        ("ItemNos", [("No", number) for number in ruling.items]),
        ("ResultDt", ruling.due_at.astimezone(zone)),
    ]
