"""soap11-bare.wsdl: one document in, one out; errors stand in the answer's own header, with status 200."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from lxml import etree

from hub.simulator.agency import SimulatedAgency
from hub.simulator.errors import NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Ruling
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, every, text

_CODES: dict[type[Trouble], str] = {NotKnown: "0404", Rejected: "4100", Unavailable: "9100"}


class PermitDesk(SoapContract):
    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "Apply": ("permitApplicationResult", self._submit),
            "AskStatus": ("permitStatus", self._poll),
            "Search": ("permitSearchResult", self._look_up),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            taken = await agency.submit(
                Application(
                    reference=text(request, "applicationKey"),
                    service=text(request, "permitKind"),
                    mrn=text(request, "declarationNo"),
                    ucr=text(request, "cargoReference"),
                    items=tuple(int(goods.get("no", "0")) for goods in every(request, "goods")),
                )
            )
        except (Rejected, Unavailable) as trouble:
            return _error(trouble)
        return _good(taken.case.receipt, taken.ruling, agency.zone)

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            case, ruling = await agency.poll(text(request, "permitReceipt"))
        except (NotKnown, Rejected) as trouble:
            return _error(trouble)
        return _good(case.receipt, ruling, agency.zone)

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        try:
            found = await agency.look_up(text(request, "applicationKey"))
            if not found:
                raise NotKnown("no application has this key")
        except (NotKnown, Rejected) as trouble:
            return _error(trouble)
        case, ruling = found[0]
        return _good(case.receipt, ruling, agency.zone)


def _error(trouble: Trouble) -> Reply:
    return [("header", [("code", _CODES[type(trouble)]), ("text", str(trouble))])]


def _good(receipt: str, ruling: Ruling | None, zone: tzinfo) -> list[Child]:
    return [
        ("header", [("code", "0000"), ("text", "정상")]),
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
        *[("goodsNo", number) for number in ruling.items],
    ]
