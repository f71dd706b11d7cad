"""soap11-oneway.wsdl: nothing is answered; the result is a message of its own. A document id counts once."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import ClassVar

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unavailable
from hub.simulator.ledger import Application
from hub.simulator.soap import Handler, Reply, SoapContract
from hub.simulator.xml import build, every, required, text


class NotificationExchange(SoapContract):
    repeatable = True
    codes: ClassVar[Mapping[type[Trouble], tuple[str, str]]] = {
        Invalid: ("", "NX400"),
        NotKnown: ("", "NX404"),
        Closed: ("", "NX410"),
        Rejected: ("", "NX422"),
        Unavailable: ("", "NX503"),
    }

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        return {
            "ImportNotice": ("", self._submit),
            "CorrectedNotice": ("", self._amend),
            "CancelledNotice": ("", self._withdraw),
        }

    async def _submit(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        await agency.submit(_application(request))
        return ()

    async def _amend(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        await agency.amend(_application(required(request, "Notice")), int(text(request, "Issue")))
        return ()

    async def _withdraw(self, agency: SimulatedAgency, request: etree._Element) -> Reply:
        # What was cancelled before stays so: there is no answer to say more in.
        with contextlib.suppress(Closed):
            await agency.withdraw(
                reference=text(request, "DocumentId"),
                reason=text(request, "Cause"),
                words=text(request, "Remarks"),
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
                ("Issue", ruling.revision),
                *[("LineNo", number) for number in ruling.items],
            ],
        )


def _application(notice: etree._Element) -> Application:
    return Application(
        reference=text(notice, "DocumentId"),
        service=text(notice, "Programme"),
        mrn=text(notice, "Mrn"),
        ucr=text(notice, "Ucr"),
        items=tuple(int(text(line, "LineNo")) for line in every(notice, "Line")),
        masses=tuple(text(line, "NetMassKg") for line in every(notice, "Line")),
    )
