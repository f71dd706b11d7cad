"""soap11-wssec.wsdl: document/literal wrapped behind a UsernameToken; every submission opens a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import ClassVar

from lxml import etree

from hub.simulator.agency import SimulatedAgency
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application, Case, Ruling, Supplement
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import Child, every, required, text


class ControlledGoods(SoapContract):
    codes: ClassVar[Mapping[type[Trouble], tuple[str, str]]] = {
        Invalid: ("Schema", ""),
        NotKnown: ("NoSuchCase", ""),
        Closed: ("CaseClosed", ""),
        Rejected: ("NotAccepted", ""),
        Unavailable: ("Busy", ""),
    }

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "SubmitLicenceCase": ("SubmitLicenceCaseResponse", self._submit),
            "GetLicenceCase": ("GetLicenceCaseResponse", self._poll),
            "FindLicenceCase": ("FindLicenceCaseResponse", self._look_up),
            "WithdrawLicenceCase": ("WithdrawLicenceCaseResponse", self._withdraw),
            "FurnishInformation": ("FurnishInformationResponse", self._inform),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        articles = every(required(request, "Articles"), "Article")
        taken = await agency.submit(
            Application(
                reference=text(request, "HubReference"),
                service=text(request, "LicenceType"),
                mrn=text(request, "MovementReference"),
                ucr=text(request, "Consignment"),
                items=tuple(int(text(article, "ItemNumber")) for article in articles),
                masses=tuple(text(article, "NetMass") for article in articles),
            )
        )
        return [("CaseId", taken.case.receipt), ("Phase", "pending")]

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case, ruling = await agency.poll(text(request, "CaseId"))
        return [("CaseId", case.receipt), *_standing(case, ruling, agency.zone)]

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        found = await agency.look_up(text(request, "HubReference"))
        if not found:
            return [("Matches", 0)]
        case, ruling = found[0]
        return [("Matches", len(found)), ("CaseId", case.receipt), *_standing(case, ruling, agency.zone)]

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case = await agency.withdraw(
            receipt=text(request, "CaseId"),
            reason=text(request, "Because"),
            words=text(request, "Explanation"),
        )
        return [("CaseId", case.receipt), *_standing(case, None, agency.zone)]

    async def _inform(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        supplement = Supplement(
            id=text(request, "FurnishingId"),
            question=text(request, "RulingId"),
            text=text(request, "Statement"),
            enclosures=tuple(
                enclosed(
                    name=text(exhibit, "Title"),
                    media_type=text(exhibit, "MediaType"),
                    content=text(exhibit, "Data"),
                    sha256=text(exhibit, "Sha256"),
                )
                for exhibit in every(request, "Exhibit")
            ),
        )
        taken = await agency.inform(text(request, "CaseId"), supplement)
        return [("CaseId", taken.case.receipt), ("Phase", "pending")]


def _standing(case: Case, ruling: Ruling | None, zone: tzinfo) -> list[Child]:
    if not case.live:
        return [("Phase", "withdrawn")]
    if ruling is None:
        return [("Phase", "pending")]
    told: list[Child] = [
        ("RulingId", ruling.id),
        ("Code", ruling.word),
        ("LicenceNo", ruling.certificate),
        ("Grounds", ruling.remarks or None),
        ("RuledAt", ruling.due_at.astimezone(zone)),
        *[("ItemNumber", number) for number in ruling.items],
    ]
    return [("Phase", "ruled"), ("Ruling", told)]
