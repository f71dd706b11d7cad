"""What waits because its agency is paused or fails: put into the queue, and taken out once it was tried."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from hub.domain.case import Referral
from hub.domain.referral import ReferralTerms
from hub.ports import Controls, Gate, QueuedReferral


class Queue:
    """The queues of all agencies. While an agency is simply asked, nothing is looked up for it."""

    def __init__(self, controls: Controls, gate: Gate) -> None:
        self._controls = controls
        self._gate = gate

    async def wait(self, referral: Referral, at: datetime) -> None:
        """It waits until its agency is asked again."""
        terms = referral.terms
        waits = QueuedReferral(
            mrn=terms.mrn, service=terms.service, agency=terms.agency, queued_at=at, due_at=referral.deadline
        )
        await asyncio.to_thread(self._controls.queue, waits)

    async def tried(self, terms: Iterable[ReferralTerms]) -> None:
        """An attempt has been made, well or ill: none of these stands in a queue any more."""
        for one in terms:
            if self._gate.control(one.agency) is not None:
                await asyncio.to_thread(self._controls.unqueue, one.mrn, one.service)
