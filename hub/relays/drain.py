"""Try agencies that have failed, and let the queues of those go that are asked again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from hub.domain.errands import errands, is_unreached
from hub.domain.errors import AgencyPaused, ChannelError
from hub.domain.exchange import Dossier, Exchange
from hub.domain.referral import Answers, ReferralState
from hub.ports import (
    AgencyGateway,
    CaseStore,
    Clock,
    Controls,
    ControlState,
    DeclarationView,
    Engine,
    EngineUnavailable,
    Gate,
    QueryStore,
    QueuedReferral,
)

_LEASE = timedelta(minutes=2)
"""Longer than a probe takes on its way through the engine: while it runs nobody else tries."""
_BATCH = 100
_LOOK_EVERY = timedelta(seconds=15)
"""For queues that were left behind: it costs a look at all of them."""
_IDLE = 1.0
_DRAINING = 0.25
_SOONEST = timedelta(seconds=30)
_LATEST = timedelta(minutes=15)
"""Between two times of telling one workflow: each is kept in the engine's history, heard or not."""

log = structlog.get_logger(__name__)


class DrainRelay:
    """
    What waits in a queue waits for a signal of this relay.

    Written first, then told: a referral that was let go, and whose workflow did not hear of it, is told once
    more, and dropped when nothing is to be done about it any more. Any number of processes may do this.
    """

    name = "drain"

    def __init__(
        self,
        controls: Controls,
        cases: CaseStore,
        queries: QueryStore,
        gateway: AgencyGateway,
        engine: Engine,
        gate: Gate,
        clock: Clock,
    ) -> None:
        """`gateway` heeds the gate."""
        self._controls = controls
        self._cases = cases
        self._queries = queries
        self._gateway = gateway
        self._engine = engine
        self._gate = gate
        self._clock = clock
        self._asking: set[asyncio.Task[None]] = set()
        self._looked_at: datetime | None = None
        """When it was looked last whether a queue was left behind."""

    async def go_round(self) -> float:
        controls = await asyncio.to_thread(partial(self._controls.controls, counted=False))
        draining = False
        for agency, control in controls.items():
            if control.state is ControlState.FAILING:
                await self._probe(agency)
            elif control.state is ControlState.DRAINING:
                draining |= not await self._let_go(agency)
        await self._look_for_queues_left()
        shut = {a for a, c in controls.items() if c.state in (ControlState.PAUSED, ControlState.FAILING)}
        await self._tell_again(shut)
        return _DRAINING if draining else _IDLE

    async def finish(self) -> None:
        """Wait for what is being asked."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _probe(self, agency: str) -> None:
        probe = await asyncio.to_thread(self._controls.take_probe, agency, self._clock(), _LEASE)
        if probe is None:
            return
        about = probe.queued or (probe.known.terms if probe.known is not None else None)
        log.info("agency.probing", agency=agency, mrn=about.mrn if about is not None else None)
        if probe.queued is not None:
            if not await self._tell(probe.queued):
                await asyncio.to_thread(self._controls.end_probe, agency)
        elif probe.known is not None:
            task = asyncio.create_task(self._ask(probe.known))
            self._asking.add(task)
            task.add_done_callback(self._asked)
        else:
            await self._try_with_the_next(agency)

    async def _ask(self, known: Dossier) -> None:
        """Ask about a referral that the agency has, so that nothing need be put to it to see."""
        terms = known.terms
        exchanges: tuple[Exchange, ...] = ()
        try:
            found = await self._gateway.look_up(known, known.accepted_at)
            exchanges = found.exchanges
            if not exchanges and terms.answers is Answers.POLL:
                exchanges = (await self._gateway.poll(known)).exchanges
            elif not exchanges:
                await self._try_with_the_next(terms.agency)
        except AgencyPaused:
            return  # paused by a person, or the lease has ended: somebody else tries
        except ChannelError as error:
            exchanges = error.exchanges
        await asyncio.to_thread(self._cases.change, terms.mrn, _nothing, exchanges=exchanges)

    async def _try_with_the_next(self, agency: str) -> None:
        """It cannot be asked anything: what is put to it next shows how it is."""
        rate = self._gate.pace(agency).slowest
        if await asyncio.to_thread(self._controls.recovered, agency, self._clock(), rate):
            log.info("agency.draining", agency=agency, rate=rate)

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("agency.not_probed", exc_info=error)

    async def _let_go(self, agency: str) -> bool:
        """Whether the queue is empty, and the agency open."""
        pace = self._gate.pace(agency)
        gone = await asyncio.to_thread(self._controls.let_go, agency, self._clock(), pace)
        for referral in gone.referrals:
            await self._tell(referral)
        if gone.opened:
            log.info("agency.open", agency=agency)
        return gone.opened

    async def _look_for_queues_left(self) -> None:
        now = self._clock()
        if self._looked_at is not None and now < self._looked_at + _LOOK_EVERY:
            return
        self._looked_at = now
        for agency in await asyncio.to_thread(self._controls.queues_left):
            rate, words = self._gate.pace(agency).slowest, "it was queued as the agency was opened"
            await asyncio.to_thread(self._controls.resume, agency, by=None, reason=words, at=now, rate=rate)

    async def _tell_again(self, shut: set[str]) -> None:
        now = self._clock()
        for referral in await asyncio.to_thread(self._controls.untold, now - _SOONEST, _BATCH):
            if referral.agency in shut or not _is_due(referral, now):
                continue
            await asyncio.to_thread(self._controls.told_again, referral.mrn, referral.service, now)
            await self._tell(referral)

    async def _is_needed(self, referral: QueuedReferral) -> bool:
        """Whether its agency is still to be told anything."""
        view = await asyncio.to_thread(self._queries.view, referral.mrn)
        if view is None or view.closed_at is not None:
            return False
        if any(errand.service == referral.service for errand in errands(view.case)):
            return True
        standing = [r for r in view.case.referrals if r.terms.service == referral.service]
        return any(is_unreached(r) and r.state is ReferralState.EXPIRED for r in standing)

    async def _tell(self, referral: QueuedReferral) -> bool:
        """Whether its workflow is told to go on. One about which nothing is to be done waits no more."""
        try:
            if await self._is_needed(referral) and await self._engine.tell_to_go_on(
                referral.mrn, [referral.service]
            ):
                return True
        except EngineUnavailable as error:
            log.warning("referral.not_told", mrn=referral.mrn, service=referral.service, reason=str(error))
            await asyncio.to_thread(self._controls.queue, referral)
            return False
        await asyncio.to_thread(self._controls.unqueue, referral.mrn, referral.service)
        return False


def _is_due(referral: QueuedReferral, now: datetime) -> bool:
    told_at = referral.told_at
    return told_at is None or told_at + min(_SOONEST * 2 ** (referral.told - 1), _LATEST) <= now


def _nothing(view: DeclarationView) -> tuple[()]:
    """What is asked for a look changes nothing."""
    return ()
