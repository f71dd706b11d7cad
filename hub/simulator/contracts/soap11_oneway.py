"""soap11-oneway.wsdl: nothing is answered; the result is a message of its own. A document id counts once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Invalid, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import build, every, text


class NotificationExchange(SoapContract):
    repeatable = True
    codes: ClassVar[Mapping[type[Trouble], tuple[str, str]]] = {
        Invalid: ("", "NX400"),
        Rejected: ("", "NX422"),
        Unavailable: ("", "NX503"),
    }

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {"ImportNotice": ("", self._submit)}

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        await agency.submit(
            Application(
                reference=text(request, "DocumentId"),
                service=text(request, "Programme"),
                mrn=text(request, "Mrn"),
                ucr=text(request, "Ucr"),
                items=tuple(int(text(line, "LineNo")) for line in every(request, "Line")),
            )
        )
        return ()

    def notice_element(self, waiting: Waiting, agency: SimulatedAgency) -> etree._Element:
        ruling = waiting.ruling
        return build(
            self.namespace,
            "ResultOfNotice",
            [
                ("MessageId", waiting.told.id),
                ("DocumentId", waiting.entry.application.reference),
                ("RegisteredAs", waiting.case.receipt),
                ("Disposition", ruling.word),
                ("CertificateNo", ruling.certificate),
                ("Remarks", ruling.remarks or None),
                ("ActionTime", ruling.due_at.astimezone(agency.zone)),
                *[("LineNo", number) for number in ruling.items],
            ],
        )
