"""soap11-wrapped.wsdl: document/literal wrapped; every submission opens a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting, now
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Case, Ruling, Supplement
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, build, every, first, required, text

_CODES: dict[type[Trouble], str] = {
    Invalid: "E400",
    NotKnown: "E404",
    Closed: "E409",
    Rejected: "E422",
    Unavailable: "E503",
}


class RequirementConfirmation(SoapContract):
    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "RequestConfirmation": ("RequestConfirmationResponse", self._submit),
            "GetResult": ("GetResultResponse", self._poll),
            "FindByRequestNo": ("FindByRequestNoResponse", self._look_up),
            "AmendConfirmation": ("AmendConfirmationResponse", self._amend),
            "CancelConfirmation": ("CancelConfirmationResponse", self._withdraw),
            "SubmitSupplement": ("SubmitSupplementResponse", self._inform),
            "RequestExpedite": ("RequestExpediteResponse", self._remind),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        taken = await agency.submit(_application(request))
        return [
            ("ReceiptNo", taken.case.receipt),
            ("ReceiptDt", taken.case.opened_at.astimezone(agency.zone)),
        ]

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case, ruling = await agency.poll(text(request, "ReceiptNo"))
        return [("ReceiptNo", case.receipt), *_standing(case, ruling, agency.zone)]

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        found = await agency.look_up(text(request, "RequestNo"))
        if not found:
            return [("FoundYn", "N")]
        case, ruling = found[0]
        return [("FoundYn", "Y"), ("ReceiptNo", case.receipt), *_standing(case, ruling, agency.zone)]

    async def _amend(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        amended, number = required(request, "Amended"), text(request, "AmendNo")
        taken = await agency.amend(_application(amended), int(number), receipt=text(request, "ReceiptNo"))
        return [("ReceiptNo", taken.case.receipt), ("AmendNo", number)]

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case = await agency.withdraw(
            reference=text(request, "RequestNo"),
            reason=text(request, "CancelCd"),
            words=text(request, "CancelReason"),
        )
        assert case.withdrawn_at is not None
        return [("ReceiptNo", case.receipt), ("CancelDt", case.withdrawn_at.astimezone(agency.zone))]

    async def _inform(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        files = first(request, "Files")
        supplement = Supplement(
            id=text(request, "SupplementNo"),
            question=text(request, "ResultId"),
            text=text(request, "Answer"),
            enclosures=tuple(
                enclosed(
                    name=text(file, "FileNm"),
                    media_type=text(file, "MimeType"),
                    content=text(file, "Content"),
                    sha256=text(file, "Sha256"),
                )
                for file in (every(files, "File") if files is not None else ())
            ),
        )
        taken = await agency.inform(text(request, "ReceiptNo"), supplement)
        return [("ReceiptNo", taken.case.receipt), ("SupplementNo", supplement.id)]

    async def _remind(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case = await agency.remind(text(request, "ReceiptNo"))
        return [("ReceiptNo", case.receipt), ("State", "DECIDED" if case.made(now()) else "UNDER_REVIEW")]

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


def _application(request: etree._Element) -> Application:
    return Application(
        reference=text(request, "RequestNo"),
        service=text(request, "ServiceCd"),
        mrn=text(request, "DeclNo"),
        ucr=text(request, "Ucr"),
        items=tuple(int(text(item, "No")) for item in every(required(request, "Items"), "Item")),
        masses=tuple(text(item, "NetKg") for item in every(required(request, "Items"), "Item")),
    )


def _standing(case: Case, ruling: Ruling | None, zone: tzinfo) -> list[Child]:
    if not case.live:
        return [("State", "CANCELLED")]
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
        ("AmendNo", ruling.revision),
    ]
