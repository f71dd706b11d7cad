"""Ask the agencies that answer when asked: a due-table in the store, worked in batches."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from hub.domain.errors import AgencyPaused, ChannelError, NotUnderstood
from hub.domain.exchange import Answer, Dossier, Message
from hub.domain.referral import Answers, ReferralTerms, Via
from hub.ports import AgencyGateway, CaseStore, Clock, Engine, Gate, OpenPoll, Polled
from hub.relays.inbox import follow_up
from hub.relays.loop import Bell

_LEASE = timedelta(seconds=5)
"""
So long nobody else asks the same; it is leased again while a request runs on. A process that died keeps its
polls no longer.
"""
_BATCH = 50
_IDLE = 1.0
"""Seconds: what other processes have written down is seen no later. For what this one does it is called."""
_TOGETHER = 0.02
"""Seconds between two rounds: what falls due between them is asked together."""
_PER_AGENCY = 8
"""Polls of one agency under way at once; one that hangs costs the others nothing."""
_JOINED_WITHIN = 0.1
"""Seconds for which an answer waits for others about the same declaration, to be written down with them."""

log = structlog.get_logger(__name__)


class PollRelay:
    """
    Polling kept out of the engine's history: one row per open poll, no timers, no activities.

    Each poll is a task of its own, so that an agency that hangs holds up only its own polls. Those of one
    declaration that fall due together are written down together: what a transaction costs beside what is
    written is paid once for them.

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
        bell: Bell | None = None,
    ) -> None:
        """
        `gate` knows the agencies that are not to be asked, if some may be; `bell` calls to the next round,
        and is rung here too, when it is known when a referral is asked about next.
        """
        self._bell = bell
        self._gate = gate
        self._store = store
        self._gateway = gateway
        self._engine = engine
        self._clock = clock
        self._every = every
        self._under_way: set[str] = set()
        """Referrals that are asked about."""
        self._rounds: set[asyncio.Task[None]] = set()
        self._agencies: Counter[str] = Counter()

    async def go_round(self) -> float:
        shut = {} if self._gate is None else self._gate.shut()
        busy = [agency for agency, polls in self._agencies.items() if polls >= _PER_AGENCY]
        busy += [agency for agency in shut if agency not in busy]
        next_at = await asyncio.to_thread(self._store.next_poll_at, busy)
        now = self._clock()
        leased: list[OpenPoll] = []
        if next_at is not None and next_at <= now:
            leased = await asyncio.to_thread(self._store.lease_polls, now, _LEASE, _BATCH, busy)
        together: defaultdict[str, list[OpenPoll]] = defaultdict(list)
        for poll in (*leased, *await self._of_shut(shut, now)):
            terms = poll.dossier.terms
            if terms.id not in self._under_way:
                self._under_way.add(terms.id)
                self._agencies[terms.agency] += 1
                together[terms.mrn].append(poll)
        for mrn, polls in together.items():
            task = asyncio.create_task(self._ask_about(mrn, polls))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)
        if len(leased) == _BATCH:
            return 0.0
        if next_at is None:
            return _IDLE
        return min(_IDLE, max(_TOGETHER, (next_at - self._clock()).total_seconds()))

    async def _of_shut(self, shut: Mapping[str, int], now: datetime) -> list[OpenPoll]:
        """Of agencies that are not simply open as many as each may be asked."""
        leased: list[OpenPoll] = []
        for agency, most in shut.items():
            if (free := most - self._agencies[agency]) > 0:
                leased += await asyncio.to_thread(self._store.lease_polls, now, _LEASE, free, (), only=agency)
        return leased

    async def finish(self) -> None:
        """Wait for the polls that are under way."""
        await asyncio.gather(*self._rounds, return_exceptions=True)

    async def _ask_about(self, mrn: str, polls: Sequence[OpenPoll]) -> None:
        """
        Ask the agencies of one declaration at once. What they say is written down together, as far as it is
        there soon after the first of them has answered; the others are waited for, and keep nothing back.
        """
        asked = {asyncio.create_task(self._ask(poll)): poll for poll in polls}
        waiting = set(asked)
        while waiting:
            answered, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting:
                more, waiting = await asyncio.wait(waiting, timeout=_JOINED_WITHIN)
                answered |= more
            await self._write_down(mrn, {task: asked[task] for task in answered})

    async def _write_down(self, mrn: str, answered: Mapping[asyncio.Task[Polled], OpenPoll]) -> None:
        """What cannot be written down is asked again when its lease has run out."""
        said = []
        for task, poll in answered.items():
            terms = poll.dossier.terms
            # No later: once it is written down it may fall due, and would be leased and not asked about.
            self._under_way.discard(terms.id)
            self._agencies[terms.agency] -= 1
            if error := task.exception():
                log.error("poll.failed", agency=terms.agency, exc_info=error)
            else:
                said.append(task.result())
        if not said:
            return
        try:
            # The store ends the poll of a referral that is decided; who asks for information is asked on.
            received = await asyncio.to_thread(self._store.finish_polls, mrn, said)
            if self._bell is not None:
                self._bell.ring()
            messages = [message for polled in said for message in polled.messages]
            for message, became in zip(messages, received, strict=True):
                await follow_up(self._store, self._engine, message, became)
        except Exception:
            log.exception("poll.failed", mrn=mrn)

    async def _answer(self, dossier: Dossier) -> Answer:
        """
        What the agency says now. One that decides in its reply has no operation for it: it is looked up,
        since its reply was lost on the way, or did not say it.
        """
        terms = dossier.terms
        if terms.answers is not Answers.REPLY:
            return await self._gateway.poll(dossier)
        found = await self._gateway.look_up(dossier, dossier.accepted_at)
        if found.submission is None:
            lacks = "does not know it any more" if found.exchanges else "cannot be asked for it: no look_up"
            raise NotUnderstood(f"{terms.agency} has not decided, and {lacks}", exchanges=found.exchanges)
        return Answer(decisions=found.submission.decisions, exchanges=found.exchanges)

    async def _ask(self, poll: OpenPoll) -> Polled:
        terms = poll.dossier.terms
        trouble = not_understood_at = heard_at = None
        tells = poll.attempts == 0 or poll.trouble is not None
        every, began = self._every(terms.agency), self._clock()
        # From question to question; one that is slow to answer is left alone for half of that all the same.
        rest = every / 2
        try:
            answer = await self._answer(poll.dossier)
            heard_at = began
        except AgencyPaused:
            # It was shut a moment ago: that says nothing of this referral.
            answer, trouble, tells = Answer(), poll.trouble, False
        except ChannelError as error:
            answer = Answer(exchanges=error.exchanges)
            trouble = str(error)
            tells = True
            rest = max(every, timedelta(seconds=error.retry_after or 0.0))
            if isinstance(error, NotUnderstood):
                not_understood_at = self._clock()
            if trouble != poll.trouble:
                # Asked every few minutes, for days: the same trouble again is no news.
                log.warning("poll.failed", mrn=terms.mrn, agency=terms.agency, reason=trouble)
        return Polled(
            referral=terms.id,
            next_at=max(began + every, self._clock() + rest),
            messages=_messages(terms, answer),
            exchanges=answer.exchanges,
            says_something=tells,
            trouble=trouble,
            not_understood_at=not_understood_at,
            heard_at=heard_at,
        )


def _messages(terms: ReferralTerms, answer: Answer) -> tuple[Message, ...]:
    """One for each decision, under an id that is the same whenever it is read again."""
    digests = {exchange.id: exchange.digest() for exchange in answer.exchanges if answer.decisions}
    return tuple(
        Message(
            agency=terms.agency,
            message_id=hashlib.sha256(f"poll {terms.id} {decision.id}".encode()).hexdigest(),
            referral=terms.id,
            decisions=(decision,),
            raw="",
            via=Via.POLL,
            received_at=decision.received_at,
            evidence=digests.get(decision.exchange or ""),
        )
        for decision in answer.decisions
    )
