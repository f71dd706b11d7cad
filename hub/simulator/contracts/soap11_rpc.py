"""soap11-rpc.wsdl: rpc/literal; times are written without an offset, by the agency's own clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import ClassVar

from lxml import etree

from hub.simulator.agency import SimulatedAgency
from hub.simulator.enclosures import enclosed
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, Door
from hub.simulator.ledger import Application, Case, Ruling, Supplement
from hub.simulator.soap import ENVELOPE_11, Handler, Reply, SoapContract, envelope, fault12
from hub.simulator.xml import Child, every, qualify, required, text


class ApprovalRegistry(SoapContract):
    codes: ClassVar[Mapping[type[Trouble], tuple[str, str]]] = {
        Invalid: ("Format", "AR-10"),
        NotKnown: ("Unknown", "AR-20"),
        Closed: ("Cancelled", "AR-25"),
        Rejected: ("Denied", "AR-30"),
        Unavailable: ("Closed", "AR-90"),
    }

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "register": ("registerResponse", self._submit),
            "inquire": ("inquireResponse", self._poll),
            "search": ("searchResponse", self._look_up),
            "cancel": ("cancelResponse", self._withdraw),
            "supply": ("supplyResponse", self._inform),
            "urge": ("urgeResponse", self._remind),
        }

    def turned_away(self, door: Door, wrong: Unauthorised) -> Answer:
        # A gateway in front answers as some do in the field: the fault of SOAP 1.2 in an envelope of 1.1.
        fault = fault12("Sender", "wsse:FailedAuthentication", str(wrong), None)
        return Answer(
            401,
            envelope(ENVELOPE_11, fault),
            "text/xml; charset=utf-8",
            {"WWW-Authenticate": door.http.challenge},
        )

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        application = required(request, "application")
        taken = await agency.submit(
            Application(
                reference=text(application, "sendNo"),
                service=text(application, "business"),
                mrn=text(application, "customsNo"),
                ucr=text(application, "consignmentNo"),
                items=tuple(int(text(goods, "serial")) for goods in every(application, "goods")),
                masses=tuple(text(goods, "kilograms") for goods in every(application, "goods")),
            )
        )
        return [("code", "00"), ("entry", self._entry(taken.case, taken.ruling, agency.zone))]

    async def _poll(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case, ruling = await agency.poll(text(request, "registerNo"))
        return [("code", "00"), ("entry", self._entry(case, ruling, agency.zone))]

    async def _look_up(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        found = await agency.look_up(text(request, "sendNo"))
        entries: list[Child] = [("entry", self._entry(case, ruling, agency.zone)) for case, ruling in found]
        return [("count", len(found)), ("entries", qualify(self.namespace, entries))]

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        code = "00"
        try:
            case = await agency.withdraw(
                receipt=text(request, "registerNo"),
                reason=text(request, "ground"),
                words=text(request, "words"),
            )
        except Closed as before:
            case, code = before.case, "05"
        return [("code", code), ("entry", self._entry(case, None, agency.zone))]

    async def _inform(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        supply = required(request, "supply")
        supplement = Supplement(
            id=text(supply, "supplyNo"),
            question=text(supply, "findingNo"),
            text=text(supply, "words"),
            enclosures=tuple(
                enclosed(
                    name=text(sheet, "title"),
                    media_type=text(sheet, "mediaType"),
                    content=text(sheet, "octets"),
                    sha256=text(sheet, "sha256"),
                )
                for sheet in every(supply, "sheet")
            ),
        )
        taken = await agency.inform(text(request, "registerNo"), supplement)
        return [("code", "00"), ("entry", self._entry(taken.case, taken.ruling, agency.zone))]

    async def _remind(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        case = await agency.remind(text(request, "registerNo"))
        return [("code", "00"), ("entry", self._entry(case, None, agency.zone))]

    def _entry(self, case: Case, ruling: Ruling | None, zone: tzinfo) -> list[Child]:
        # The parts stand in no namespace, what is inside them in that of their types.
        return qualify(
            self.namespace,
            [
                ("registerNo", case.receipt),
                ("enteredOn", case.opened_at.astimezone(zone)),
                ("finding", None if ruling is None else _finding(ruling, zone)),
                ("cancelledOn", case.withdrawn_at.astimezone(zone) if case.withdrawn_at else None),
            ],
        )


def _finding(ruling: Ruling, zone: tzinfo) -> list[Child]:
    return [
        ("findingNo", ruling.id),
        ("verdict", ruling.word),
        ("approvalNo", ruling.certificate),
        ("remark", ruling.remarks or None),
        ("date", ruling.due_at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="seconds")),
        ("serials", " ".join(map(str, ruling.items))),
    ]
