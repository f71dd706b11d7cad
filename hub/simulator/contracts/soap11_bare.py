"""soap11-bare.wsdl: one document in, one out; errors stand in the answer's own header, with status 200."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Ruling, Supplement
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, every, required, text

_CODES: dict[type[Trouble], str] = {
    NotKnown: "0404",
    Closed: "0410",
    Rejected: "4100",
    Unavailable: "9100",
}
_TOLD = tuple(_CODES)
"""What is told in the answer's own header; the rest are faults."""


_GOOD: Child = ("header", [("code", "0000"), ("text", "정상")])


class PermitDesk(SoapContract):
    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "Apply": ("permitApplicationResult", self._submit),
            "AskStatus": ("permitStatus", self._poll),
            "Search": ("permitSearchResult", self._look_up),
            "Amend": ("permitAmendmentResult", self._amend),
            "Withdraw": ("permitWithdrawalResult", self._withdraw),
            "Supplement": ("permitSupplementResult", self._inform),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            taken = await agency.submit(_application(request))
        except _TOLD as trouble:
            return _error(trouble)
        return _good(taken.case.receipt, taken.ruling, agency.zone)

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            case, ruling = await agency.poll(text(request, "permitReceipt"))
        except _TOLD as trouble:
            return _error(trouble)
        return _good(case.receipt, ruling, agency.zone)

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            found = await agency.look_up(text(request, "applicationKey"))
            if not found:
                raise NotKnown("no application has this key")
        except _TOLD as trouble:
            return _error(trouble)
        case, ruling = found[0]
        return _good(case.receipt, ruling, agency.zone)

    async def _amend(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        application = _application(required(request, "application"))
        version, receipt = int(request.get("version", "0")), text(request, "permitReceipt")
        try:
            taken = await agency.amend(application, version, receipt=receipt)
        except _TOLD as trouble:
            return _error(trouble)
        return _good(taken.case.receipt, taken.ruling, agency.zone)

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            case = await agency.withdraw(
                receipt=text(request, "permitReceipt"),
                reason=text(request, "ground"),
                words=text(request, "groundText"),
            )
        except _TOLD as trouble:
            return _error(trouble)
        assert case.withdrawn_at is not None
        return [_GOOD, ("withdrawnAt", case.withdrawn_at.astimezone(agency.zone))]

    async def _inform(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        supplement = Supplement(
            id=text(request, "supplementNo"),
            question=text(request, "rulingNo"),
            text=text(request, "statement"),
            enclosures=tuple(
                enclosed(
                    name=paper.get("title", ""),
                    media_type=paper.get("type", ""),
                    content=text(paper),
                    sha256=paper.get("sha256", ""),
                )
                for paper in every(request, "paper")
            ),
        )
        try:
            taken = await agency.inform(text(request, "permitReceipt"), supplement)
        except _TOLD as trouble:
            return _error(trouble)
        return _good(taken.case.receipt, taken.ruling, agency.zone)


def _application(request: etree._Element) -> Application:
    return Application(
        reference=text(request, "applicationKey"),
        service=text(request, "permitKind"),
        mrn=text(request, "declarationNo"),
        ucr=text(request, "cargoReference"),
        items=tuple(int(goods.get("no", "0")) for goods in every(request, "goods")),
        masses=tuple(text(goods, "netMassKg") for goods in every(request, "goods")),
    )


def _error(trouble: Trouble) -> Reply:
    return [("header", [("code", _CODES[type(trouble)]), ("text", str(trouble))])]


def _good(receipt: str, ruling: Ruling | None, zone: tzinfo) -> list[Child]:
    return [
        _GOOD,
        ("permitReceipt", receipt),
        ("ruling", None if ruling is None else _ruling(ruling, zone)),
    ]


def _ruling(ruling: Ruling, zone: tzinfo) -> list[Child]:
    return [
        ("rulingNo", ruling.id),
        ("judgement", ruling.word),
        ("permitNo", ruling.certificate),
        ("reason", ruling.remarks or None),
        ("decidedAt", ruling.due_at.astimezone(zone)),
        ("version", ruling.revision),
        *[("goodsNo", number) for number in ruling.items],
    ]
