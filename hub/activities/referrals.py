"""Handing referrals over to agencies: the first burst to all of them, and one at a time after that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from hub.activities.heartbeats import with_heartbeats
from hub.activities.messages import Expired, ExpireReferrals, HandedOver, ReferAll, SubmitReferral
from hub.activities.queueing import Queue
from hub.activities.under_way import UnderWay
from hub.domain.case import Change
from hub.domain.errors import AgencyPaused, AgencyRefused, AgencyUnavailable, InDoubt, NotUnderstood
from hub.domain.exchange import Exchange, Submission
from hub.domain.names import referral_id, split_referral_id
from hub.domain.referral import Receipt, ReferralState
from hub.ports import AgencyGateway, CaseStore, Clock, HandOver, HandOverMark

_QUIET = 0.3
"""Seconds without a further answer after which what has been said in a burst is written down, and shown."""
_MOST_BUDGETS = 3
_STILL_IN_DOUBT = "sent without an answer; the agency does not show it yet, and may still take it"


def _not_at_all(agency: str) -> timedelta:
    return timedelta(0)


class ReferralActivities:
    """
    Hand referrals over.

    A request once begun is never abandoned: when the burst's budget runs out the request goes on, and the
    activity that follows joins it. A crash leaves a mark in the store instead, and the next attempt looks
    the referral up at the agency before it sends anything.
    """

    def __init__(
        self,
        store: CaseStore,
        gateway: AgencyGateway,
        clock: Clock,
        under_way: UnderWay[HandOver] | None = None,
        queue: Queue | None = None,
        left_alone: Callable[[str], timedelta] = _not_at_all,
    ) -> None:
        """
        `under_way` is shared with whoever must wait for a submission before it speaks to the agency; `queue`
        is where referrals wait whose agency is paused, if agencies may be; `left_alone` says how long an
        agency that has just been given a referral is not asked about it.
        """
        self._left_alone = left_alone
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._under_way = UnderWay[HandOver]() if under_way is None else under_way
        self._queue = queue

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.refer_all, self.submit_referral, self.expire_referrals]

    @activity.defn
    async def refer_all(self, order: ReferAll) -> list[HandedOver]:
        """
        Ask every agency at once; say how each hand-over stands when the budget is used up. As long as answers
        come in one after the other it is this process that is busy, not an agency that is slow: they are
        waited for, up to three times as long, since each that goes on by itself costs the engine more.
        """
        marks = await asyncio.to_thread(self._store.begin_hand_over, order.mrn, order.services, self._clock())
        attempts: dict[asyncio.Task[HandOver], HandOverMark] = {}
        results: list[HandedOver] = []
        for mark in marks:
            # What an earlier, interrupted burst began is looked up by the single activity, not raced with.
            if _is_to_be_sent(mark) and not mark.sent_before:
                attempts[asyncio.create_task(self._attempt(mark))] = mark
            else:
                results.append(_as_known(mark))
        clock, budget = asyncio.get_running_loop().time, order.budget.total_seconds()
        ends, ends_at_the_latest = clock() + budget, clock() + _MOST_BUDGETS * budget
        ended: list[asyncio.Task[HandOver]] = []
        answered, slow = set[asyncio.Task[HandOver]](), set(attempts)
        while slow and (left := (ends_at_the_latest if answered else ends) - clock()) > 0:
            answered, slow = await asyncio.wait(
                slow, timeout=min(left, _QUIET), return_when=asyncio.FIRST_COMPLETED
            )
            ended += answered
            if not answered:
                # An agency that hangs does not keep back what the others have said.
                results += await self._recorded(order.mrn, attempts, ended)
                ended = []
        results += await self._recorded(order.mrn, attempts, ended)
        for task in slow:
            terms = attempts[task].dossier.terms
            about = referral_id(order.mrn, terms.service)
            self._under_way.begin(about, self._finish(attempts[task], task))
            results.append(HandedOver(service=terms.service, state=ReferralState.PENDING))
        return results

    @activity.defn
    async def submit_referral(self, order: SubmitReferral) -> HandedOver:
        """
        Put one referral to its agency. Raises a retryable ApplicationError while the agency cannot be
        reached; the delay it asks for is passed on to the engine. Ends while the agency is not to be asked,
        and where a later order has taken the place of this one.
        """
        referral = referral_id(order.mrn, order.service)
        while True:
            under_way = self._under_way.about(referral)
            task = under_way or self._under_way.begin(referral, self._single(order))
            # The engine may time this attempt out; the request itself goes on and the next attempt joins it.
            result = await with_heartbeats(asyncio.shield(task))
            if under_way is None or result.revision:
                break
            # It was an earlier order's, which has left it to this one.
        if _is_undelivered(result.state, result.receipt) and result.revision and not result.queued:
            raise ApplicationError(
                result.trouble or "not handed over yet",
                type="AgencyUnavailable",
                category=ApplicationErrorCategory.BENIGN,  # told by an event, not by a traceback
                next_retry_delay=result.retry_in,
            )
        return _handed_over(result)

    @activity.defn
    async def expire_referrals(self, order: ExpireReferrals) -> Expired | None:
        """
        Record that the time of these services has passed: of those that it has passed for, as the store has
        it. None stands for all of them in what was recorded before a clock could be stopped.
        """
        now = self._clock()
        put_off = await asyncio.to_thread(self._store.record_expired, order.mrn, order.services, now)
        files = [
            await asyncio.to_thread(self._store.referral_file, order.mrn, service)
            for service in order.services
        ]
        expired = [file.referral for file in files if file.referral.state is ReferralState.EXPIRED]
        return Expired(services=tuple(r.terms.service for r in expired), put_off=put_off)

    async def _finish(self, mark: HandOverMark, attempt: asyncio.Task[HandOver]) -> HandOver:
        [recorded] = await self._record(mark.dossier.terms.mrn, [(mark, await attempt)])
        return recorded

    async def _single(self, order: SubmitReferral) -> HandOver:
        now = self._clock()
        [mark] = await asyncio.to_thread(
            self._store.begin_hand_over, order.mrn, [order.service], now, order.asked_again
        )
        if not _is_to_be_sent(mark) or order.asked_again < mark.asked_again:
            return _known(mark)
        [recorded] = await self._record(order.mrn, [(mark, await self._attempt(mark))])
        return recorded

    async def _recorded(
        self,
        mrn: str,
        attempts: Mapping[asyncio.Task[HandOver], HandOverMark],
        ended: Sequence[asyncio.Task[HandOver]],
    ) -> list[HandedOver]:
        recorded = await self._record(mrn, [(attempts[task], task.result()) for task in ended])
        return [_handed_over(result) for result in recorded]

    async def _record(self, mrn: str, ended: Sequence[tuple[HandOverMark, HandOver]]) -> list[HandOver]:
        if not ended:
            return []
        results = [result for _, result in ended]
        recorded = await asyncio.to_thread(self._store.record_hand_overs, mrn, results, self._clock())
        if self._queue is not None:
            await self._queue.tried(mark.dossier.terms for mark, result in ended if not result.queued)
        delays = {result.referral: result.retry_in for result in results}
        return [result.model_copy(update={"retry_in": delays[result.referral]}) for result in recorded]

    async def _attempt(self, mark: HandOverMark) -> HandOver:
        """One attempt, every way it may end told as a state. Store and programming errors still raise."""
        result = await self._try(mark)
        terms = mark.dossier.terms
        # What was sent before may have been decided long ago.
        left_alone = timedelta(0) if mark.sent_before else self._left_alone(terms.agency)
        return result.model_copy(update={"revision": terms.revision, "left_alone": left_alone})

    async def _try(self, mark: HandOverMark) -> HandOver:
        referral = mark.dossier.terms.id
        exchanges: tuple[Exchange, ...] = ()
        try:
            submission: Submission | None = None
            if mark.sent_before:
                sent_at = mark.sent_at or self._clock()
                found = await self._gateway.look_up(mark.dossier, sent_at)
                exchanges = found.exchanges
                submission = found.submission
                wait = found.resend_from - self._clock()
                if submission is None and wait > timedelta(0):
                    return HandOver(
                        referral=referral,
                        state=ReferralState.PENDING,
                        trouble=_STILL_IN_DOUBT,
                        exchanges=found.exchanges,
                        sent=True,
                        retry_in=wait,
                    )
                if submission is None:
                    await asyncio.to_thread(self._store.mark_resent, referral, self._clock())
            if submission is None:
                submission = await self._gateway.submit(mark.dossier)
        except AgencyPaused as error:
            return HandOver(
                referral=referral,
                state=ReferralState.PENDING,
                trouble=str(error),
                exchanges=exchanges,
                sent=mark.sent_before and not exchanges,
                queued=True,
            )
        except AgencyUnavailable as error:
            delay = timedelta(seconds=error.retry_after) if error.retry_after else None
            return HandOver(
                referral=referral,
                state=ReferralState.PENDING,
                trouble=str(error),
                exchanges=(*exchanges, *error.exchanges),
                # A look-up that failed has settled nothing: the doubt remains.
                sent=mark.sent_before and not exchanges,
                retry_in=delay,
            )
        except InDoubt as error:
            return HandOver(
                referral=referral,
                state=ReferralState.PENDING,
                trouble=str(error),
                exchanges=(*exchanges, *error.exchanges),
                sent=True,
            )
        except (AgencyRefused, NotUnderstood) as error:
            return HandOver(
                referral=referral,
                state=ReferralState.UNDELIVERABLE,
                trouble=str(error),
                exchanges=(*exchanges, *error.exchanges),
            )
        return HandOver(
            referral=referral,
            state=ReferralState.DECIDED if submission.decisions else ReferralState.DELIVERED,
            receipt=submission.receipt,
            decisions=submission.decisions,
            exchanges=(*exchanges, *submission.exchanges),
        )


def _is_to_be_sent(mark: HandOverMark) -> bool:
    """One that is to be amended or withdrawn is not submitted any more: its doubt is settled otherwise."""
    return _is_undelivered(mark.state, mark.dossier.receipt) and mark.change is Change.NONE


def _is_undelivered(state: ReferralState, receipt: Receipt | None) -> bool:
    """Also when its time has passed: what the agency says late may still lift the hold."""
    return state is ReferralState.PENDING or (state is ReferralState.EXPIRED and receipt is None)


def _known(mark: HandOverMark) -> HandOver:
    return HandOver(
        referral=mark.dossier.terms.id,
        state=mark.state,
        receipt=mark.dossier.receipt,
        decisions=mark.decisions,
        revision=0,
    )


def _as_known(mark: HandOverMark) -> HandedOver:
    return _handed_over(_known(mark))


def _handed_over(result: HandOver) -> HandedOver:
    return HandedOver(
        service=split_referral_id(result.referral)[1],
        state=result.state,
        receipt=result.receipt,
        decisions=tuple(decision.brief() for decision in result.decisions),
        trouble=result.trouble,
        referral=result.referral,
        revision=result.revision,
        queued=result.queued and _is_undelivered(result.state, result.receipt),
    )
