"""Ask the agencies that answer when asked: a due-table in the store, worked in batches."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from hub.domain.errors import AgencyPaused, ChannelError, NotUnderstood
from hub.domain.exchange import Answer, Message
from hub.domain.referral import Via
from hub.ports import AgencyGateway, CaseStore, Clock, Engine, Gate, OpenPoll
from hub.relays.inbox import take_in

_LEASE = timedelta(seconds=10)
"""
So long nobody else asks the same; it is leased again while a request runs on. A process that died keeps its
polls no longer.
"""
_BATCH = 50
_IDLE = 0.5
_PER_AGENCY = 8
"""Polls of one agency under way at once; one that hangs costs the others nothing."""

log = structlog.get_logger(__name__)


class PollRelay:
    """
    Polling kept out of the engine's history: one row per open poll, no timers, no activities.

    Each poll is a task of its own, so that an agency that hangs holds up only its own polls.

    A referral may be asked about thousands of times before it is decided, so not every exchange is recorded:
    the first is, each that brought a decision not known before, each that failed, and the one that follows a
    failure. The others said what the one before them said.
    """

    name = "polls"

    def __init__(
        self,
        store: CaseStore,
        gateway: AgencyGateway,
        engine: Engine,
        clock: Clock,
        every: Callable[[str], timedelta],
        gate: Gate | None = None,
    ) -> None:
        """`gate` knows the agencies that are not to be asked, if some may be."""
        self._gate = gate
        self._store = store
        self._gateway = gateway
        self._engine = engine
        self._clock = clock
        self._every = every
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """By referral."""
        self._agencies: Counter[str] = Counter()

    async def go_round(self) -> float:
        shut = {} if self._gate is None else self._gate.shut()
        busy = [agency for agency, polls in self._agencies.items() if polls >= _PER_AGENCY]
        busy += [agency for agency in shut if agency not in busy]
        now = self._clock()
        leased = await asyncio.to_thread(self._store.lease_polls, now, _LEASE, _BATCH, busy)
        for poll in (*leased, *await self._of_shut(shut, now)):
            terms = poll.dossier.terms
            if terms.id in self._under_way:
                continue
            self._agencies[terms.agency] += 1
            task = asyncio.create_task(self._ask(poll))
            self._under_way[terms.id] = task
            task.add_done_callback(partial(self._finished, terms.agency, terms.id))
        if len(leased) == _BATCH:
            return 0.0
        next_at = await asyncio.to_thread(self._store.next_poll_at, busy)
        if next_at is None:
            return _IDLE
        return min(_IDLE, max(0.02, (next_at - self._clock()).total_seconds()))

    async def _of_shut(self, shut: Mapping[str, int], now: datetime) -> list[OpenPoll]:
        """Of agencies that are not simply open as many as each may be asked."""
        leased: list[OpenPoll] = []
        for agency, most in shut.items():
            if (free := most - self._agencies[agency]) > 0:
                leased += await asyncio.to_thread(self._store.lease_polls, now, _LEASE, free, (), only=agency)
        return leased

    async def finish(self) -> None:
        """Wait for the polls that are under way."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _finished(self, agency: str, referral: str, task: asyncio.Task[None]) -> None:
        del self._under_way[referral]
        self._agencies[agency] -= 1
        if not task.cancelled() and (error := task.exception()):
            # The lease runs out and the poll is asked again.
            log.error("poll.failed", agency=agency, exc_info=error)

    async def _ask(self, poll: OpenPoll) -> None:
        terms = poll.dossier.terms
        trouble = not_understood_at = None
        tells = poll.attempts == 0 or poll.trouble is not None
        pause = self._every(terms.agency)
        try:
            answer = await self._gateway.poll(poll.dossier)
        except AgencyPaused:
            # It was shut a moment ago: that says nothing of this referral.
            answer, trouble, tells = Answer(), poll.trouble, False
        except ChannelError as error:
            answer = Answer(exchanges=error.exchanges)
            trouble = str(error)
            tells = True
            pause = max(pause, timedelta(seconds=error.retry_after or 0.0))
            if isinstance(error, NotUnderstood):
                not_understood_at = self._clock()
            if trouble != poll.trouble:
                # Asked every few minutes, for days: the same trouble again is no news.
                log.warning("poll.failed", mrn=terms.mrn, agency=terms.agency, reason=trouble)
        digests = {exchange.id: exchange.digest() for exchange in answer.exchanges if answer.decisions}
        for decision in answer.decisions:
            key = f"poll {terms.id} {decision.id}"
            message = Message(
                agency=terms.agency,
                message_id=hashlib.sha256(key.encode()).hexdigest(),
                referral=terms.id,
                decisions=(decision,),
                raw="",
                via=Via.POLL,
                received_at=decision.received_at,
                evidence=digests.get(decision.exchange or ""),
            )
            tells |= await take_in(self._store, self._engine, message)
        # The store ends the poll of a referral that is decided; one that asks for information is asked on.
        await asyncio.to_thread(
            self._store.finish_poll,
            terms.id,
            next_at=self._clock() + pause,
            exchanges=answer.exchanges if tells else (),
            trouble=trouble,
            not_understood_at=not_understood_at,
        )
