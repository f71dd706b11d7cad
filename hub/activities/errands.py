"""What agencies are told after a referral: that it is amended or withdrawn, an answer, a reminder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from hub.activities.heartbeats import with_heartbeats
from hub.activities.messages import LeftToPeople, RemindAgency, TellAgency, Told, WithdrawReferrals
from hub.activities.queueing import Queue
from hub.activities.under_way import UnderWay
from hub.domain.case import Change, Referral
from hub.domain.deadlines import WorkingCalendar, new_deadline
from hub.domain.errors import AgencyPaused, AgencyRefused, AgencyUnavailable, ChannelError, InDoubt
from hub.domain.event_data import Found
from hub.domain.events import NewEvent
from hub.domain.exchange import Answer, Asked, Enclosure, Exchange, InformationContent, Message, Submission
from hub.domain.information import InformationRequest
from hub.domain.names import referral_id
from hub.domain.referral import Answers, Decision, ReferralState, ReferralTerms, Via
from hub.domain.steps import following, reviving
from hub.domain.steps.informing import BY_CHANNEL, BY_DOOR, passed_on
from hub.ports import AgencyGateway, CaseStore, Clock, DeclarationView, HandOver, ReferralFile

_LONG_PAUSE = timedelta(hours=1)
"""After an agency's system has turned something down: a person must look, and it is tried again meanwhile."""
_PAUSE_OF_REMINDERS = timedelta(minutes=5)
"""A reminder stands in no queue: it is looked after now and then, until its agency is asked again."""
_STILL_IN_DOUBT = "sent without an answer; the agency does not show it yet, and may still take it"


class _Queued(Exception):
    """Its agency is not to be asked now: it stands in the queue."""


class _NothingToSay(Exception):
    """Its agency has been told, or is to be told something else, which another errand does."""


class _AskedAnew(Exception):
    """People have asked since: a later order has taken the place of this one."""


class ErrandActivities:
    """
    Tell agencies what has become of what they were asked.

    Everything starts from how the referral stands in the store, and may be repeated: an attempt that was
    broken off anywhere is made up for by the next. Where it is not known whether the agency has the referral
    at all, that is found out first. A submission that is under way in this process is waited for.
    """

    def __init__(
        self,
        store: CaseStore,
        gateway: AgencyGateway,
        clock: Clock,
        calendars: Callable[[str], WorkingCalendar],
        submissions: UnderWay[HandOver] | None = None,
        queue: Queue | None = None,
    ) -> None:
        """
        `calendars` knows each agency's; `submissions` are those that are under way in this process; `queue`
        is where referrals wait whose agency is paused, if agencies may be.
        """
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._calendars = calendars
        self._submissions = UnderWay[HandOver]() if submissions is None else submissions
        self._under_way = UnderWay[bool]()
        self._queue = queue

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [
            self.amend_referral,
            self.withdraw_referrals,
            self.inform_agency,
            self.remind_agency,
            self.look_up_referral,
        ]

    @activity.defn
    async def amend_referral(self, order: TellAgency) -> Told | None:
        """
        Give an agency the new content of what it has. Raises a retryable ApplicationError until it has it, or
        it is known never to have had the old.
        """
        return await self._tell_one(order, self._amend)

    @activity.defn
    async def withdraw_referrals(self, order: WithdrawReferrals) -> LeftToPeople:
        """
        Tell each of these agencies that it is asked no more. One that cannot be told keeps none of the others
        from being told. Raises a retryable ApplicationError until all of them have been; those whose channel
        cannot say it are left to people, and those whose agency is not to be asked now wait in its queue.
        """
        left: list[str] = []
        queued: list[str] = []
        failed: list[ApplicationError] = []
        asked_again = order.asked_again or (0,) * len(order.services)
        for service, asked in zip(order.services, asked_again, strict=True):
            try:
                if not await self._one(order.mrn, service, self._withdraw, asked_again=asked):
                    left.append(service)
            except _Queued:
                queued.append(service)
            except _AskedAnew:
                # Whoever has taken this one over has been given the others too.
                return LeftToPeople()
            except ApplicationError as error:
                failed.append(error)
        if failed:
            raise _soonest(failed)
        return LeftToPeople(services=tuple(left), queued=tuple(queued))

    @activity.defn
    async def inform_agency(self, order: TellAgency) -> Told | None:
        """
        Pass on what the declarant has answered to an agency's questions. Raises a retryable ApplicationError
        until the agency has it.
        """
        return await self._tell_one(order, self._inform)

    @activity.defn
    async def look_up_referral(self, order: TellAgency) -> Told | None:
        """
        Ask an agency by our reference how a referral stands, since a person asks. Raises a retryable
        ApplicationError while the agency cannot be reached.
        """
        return await self._tell_one(order, self._look_up)

    @activity.defn
    async def remind_agency(self, order: RemindAgency) -> None:
        """
        Remind an agency, or have it see at the hub that it is reminded. Raises a retryable ApplicationError
        while the agency cannot be reached.
        """

        async def remind(file: ReferralFile) -> bool:
            return await self._remind(file, order.number)

        about = f"remind {order.mrn}/{order.service}"
        try:
            await self._one(order.mrn, order.service, remind, about=about)
        except _Queued as error:
            raise ApplicationError(
                str(error),
                type=AgencyPaused.__name__,
                category=ApplicationErrorCategory.BENIGN,
                next_retry_delay=_PAUSE_OF_REMINDERS,
            ) from error

    # --- one errand -------------------------------------------------------------------------------------

    async def _tell_one(
        self, order: TellAgency, errand: Callable[[ReferralFile], Coroutine[Any, Any, bool]]
    ) -> Told | None:
        """As `_one`; None when there is nothing to be said of it, as in what was recorded before queues."""
        try:
            await self._one(order.mrn, order.service, errand, asked_again=order.asked_again)
        except _Queued:
            return Told(queued=True)
        except _AskedAnew:
            return None
        return None

    async def _one(
        self,
        mrn: str,
        service: str,
        errand: Callable[[ReferralFile], Coroutine[Any, Any, bool]],
        *,
        about: str | None = None,
        asked_again: int | None = None,
    ) -> bool:
        """
        Carry out an errand, after whatever is under way about this referral. The engine may cancel this
        attempt or time it out; the request goes on, and the next attempt waits for it. Raises
        ApplicationError; _Queued while the agency is not to be asked; _AskedAnew when people have asked more
        often than `asked_again`.
        """
        about = about or referral_id(mrn, service)

        async def carry_out() -> bool:
            file = await asyncio.to_thread(self._store.referral_file, mrn, service)
            if asked_again is not None and asked_again < file.referral.asked_again:
                raise _AskedAnew
            queue = self._queue if asked_again is not None else None
            leaves_queue = True
            try:
                return await errand(file)
            except _NothingToSay:
                # What stands in the queue may be the errand that has taken the place of this one.
                leaves_queue = False
                return True
            except _Queued:
                leaves_queue = False
                if queue is not None:
                    await queue.wait(file.referral, self._clock())
                raise
            finally:
                if queue is not None and leaves_queue:
                    await queue.tried([file.referral.terms])

        while (before := self._submissions.about(about) or self._under_way.about(about)) is not None:
            await with_heartbeats(asyncio.ensure_future(asyncio.wait([before])))
        return await with_heartbeats(asyncio.shield(self._under_way.begin(about, carry_out())))

    async def _amend(self, file: ReferralFile) -> bool:
        terms = file.referral.terms
        if file.referral.change is not Change.AMEND:
            raise _NothingToSay
        if not await self._has_it(file):
            await self._never_had_it(file)
            return True
        file = await self._again(file)
        if file.referral.change is not Change.AMEND:
            raise _NothingToSay
        # The agency may decide on the new content while the answer is on its way.
        sent_at = self._clock()
        try:
            submission = await self._gateway.amend(file.dossier)
        except ChannelError as error:
            raise await self._trouble(file, error) from error
        await self._change(
            file,
            lambda view: following.amended(
                view.case, terms.service, file.referral.terms.revision, submission.receipt, sent_at
            ),
            submission.exchanges,
            submission.decisions,
        )
        return True

    async def _withdraw(self, file: ReferralFile) -> bool:
        referral = file.referral
        if referral.state is ReferralState.WITHDRAWN:
            raise _NothingToSay
        if referral.change not in (Change.WITHDRAW, Change.RESUBMIT):
            raise _NothingToSay
        if not await self._has_it(file):
            await self._never_had_it(file)
            return True
        file = await self._again(file)
        terms = file.referral.terms
        if not await self._can(file, Asked.WITHDRAW):
            words = f"{terms.agency} has no way of being told by its channel: tell it, and record it"
            await self._change(
                file, lambda view: following.troubled(view.case, terms.service, words, self._clock())
            )
            return False
        try:
            exchanges = await self._gateway.withdraw(file.dossier, file.withdrawal)
        except ChannelError as error:
            raise await self._trouble(file, error) from error
        await self._change(
            file,
            lambda view: following.withdrawn(
                view.case, terms.service, terms.id, following.BY_CHANNEL, self._clock()
            ),
            exchanges,
        )
        return True

    async def _inform(self, file: ReferralFile) -> bool:
        answered = [q for q in file.referral.questions if q.answer is not None and q.passed_on_at is None]
        if not answered:
            raise _NothingToSay
        for question in answered:
            if file.referral.terms.answers is Answers.DOOR or not await self._can(file, Asked.INFORM):
                await self._passed_on(file, question, BY_DOOR)
                continue
            content = await self._content(file, question)
            try:
                answer = await self._gateway.inform(file.dossier, content)
            except ChannelError as error:
                raise await self._trouble(file, error) from error
            await self._passed_on(file, question, BY_CHANNEL, answer)
        return True

    async def _remind(self, file: ReferralFile, number: int) -> bool:
        referral = file.referral
        terms = referral.terms
        if referral.state is not ReferralState.DELIVERED or referral.reminded >= number:
            return True
        by = following.BY_DOOR
        exchanges: tuple[Exchange, ...] = ()
        if terms.answers is not Answers.DOOR and await self._can(file, Asked.REMIND):
            try:
                exchanges = await self._gateway.remind(file.dossier)
                by = following.BY_CHANNEL
            except AgencyPaused as error:
                raise _Queued(str(error)) from error
            except (AgencyUnavailable, InDoubt) as error:
                raise await self._trouble(file, error) from error
            except ChannelError as error:
                # Its system takes no reminders: its people see at the hub what is due.
                exchanges = error.exchanges
        await self._change(
            file,
            lambda view: following.reminded(view.case, terms.service, number, by, self._clock()),
            exchanges,
        )
        return True

    # --- a look, since a person asks ------------------------------------------------------------------------

    async def _look_up(self, file: ReferralFile) -> bool:
        referral = file.referral
        if referral.looked_up >= referral.look_up or referral.change is not Change.NONE:
            raise _NothingToSay
        if referral.state in (ReferralState.DECIDED, ReferralState.WITHDRAWN):
            await self._looked_up(file, Found.DECIDED)
            return True
        sent_at = file.sent_at or self._clock()
        try:
            found = await self._gateway.look_up(file.dossier, sent_at)
            if found.submission is None and not found.exchanges:
                await self._poll(file)
                return True
        except (AgencyUnavailable, InDoubt) as error:
            raise await self._trouble(file, error) from error
        except ChannelError as error:
            await self._looked_up(file, Found.NOT_UNDERSTOOD, error.exchanges, trouble=str(error))
            return True
        if found.submission is None:
            await self._looked_up(file, Found.NOT_FOUND, found.exchanges)
            return True
        decisions = found.submission.decisions
        await self._record(file, found.submission, found.exchanges, referral.terms.revision)
        await self._looked_up(file, Found.DECIDED if decisions else Found.HAS_IT)
        return True

    async def _poll(self, file: ReferralFile) -> None:
        """Its contract has no operation for looking up; one for polling serves too. Raises ChannelError."""
        if file.referral.terms.answers is not Answers.POLL or not is_delivered(file.referral):
            await self._looked_up(file, Found.NO_WAY)
            return
        answer = await self._gateway.poll(file.dossier)
        found = Found.DECIDED if answer.decisions else Found.HAS_IT
        await self._looked_up(file, found, answer.exchanges, decisions=answer.decisions)

    async def _looked_up(
        self,
        file: ReferralFile,
        found: Found,
        exchanges: Sequence[Exchange] = (),
        trouble: str | None = None,
        decisions: Sequence[Decision] = (),
    ) -> None:
        terms, number = file.referral.terms, file.referral.look_up

        def step(view: DeclarationView) -> Sequence[NewEvent]:
            return reviving.looked_up(view, terms.service, number, found, trouble, self._clock())

        await self._change(file, step, exchanges, decisions)

    # --- whether the agency has it ----------------------------------------------------------------------

    async def _has_it(self, file: ReferralFile) -> bool:
        """
        Whether the agency has the referral, found out at the agency where it is in doubt. What is found is
        recorded. Raises ApplicationError while it cannot be found out.
        """
        if is_delivered(file.referral):
            if file.referral.receipt is None and file.sent_at is not None:
                await self._have_receipt(file, file.sent_at)
            return True
        # Whom nothing can have reached is never told of a change. So what was not sent was turned down, or
        # its answer could not be read: it may have been kept. An amendment since then hides that state.
        was_refused = file.sent_at is None or file.referral.state is ReferralState.UNDELIVERABLE
        sent_at = file.sent_at or self._clock()
        try:
            found = await self._gateway.look_up(file.dossier, sent_at)
            submission, exchanges = found.submission, found.exchanges
            if submission is None and found.exchanges:
                wait = found.resend_from - self._clock()
                if wait > timedelta(0) and not was_refused:
                    raise await self._later(file, _STILL_IN_DOUBT, exchanges, wait)
                await self._change(file, lambda view: (), exchanges)
                return False
            if submission is None and was_refused:
                return False
            if submission is None:
                # Nothing can be looked up there: our reference is a key, and what was sent under it is
                # answered again as it was.
                referral = file.dossier.terms.id
                await asyncio.to_thread(self._store.mark_resent, referral, self._clock())
                submission = await self._gateway.submit(file.dossier)
        except AgencyRefused as error:
            goes_on = file.referral.change is not Change.WITHDRAW
            if (goes_on and was_refused) or (not goes_on and file.referral.terms.revision == 1):
                # It was turned down then, too: the very request that was sent before, or what asks for it.
                await self._change(file, lambda view: (), error.exchanges)
                return False
            raise await self._trouble(file, error) from error
        except ChannelError as error:
            raise await self._trouble(file, error) from error
        # That of before the amendment: no decision in it is about the new content.
        await self._record(file, submission, exchanges, max(file.referral.terms.revision - 1, 1))
        return True

    async def _have_receipt(self, file: ReferralFile, sent_at: datetime) -> None:
        """
        Have the receipt of what its agency has decided while the answer to the submission was lost: what it
        is told now may need the number in it. Raises ApplicationError while it cannot be had.
        """
        try:
            found = await self._gateway.look_up(file.dossier, sent_at)
            submission = found.submission
            if submission is None and not found.exchanges:
                submission = await self._gateway.submit(file.dossier)  # our reference is a key
        except ChannelError as error:
            raise await self._trouble(file, error) from error
        if submission is not None:
            before = max(file.referral.terms.revision - 1, 1)
            await self._record(file, submission, found.exchanges, before)

    async def _record(
        self, file: ReferralFile, submission: Submission, exchanges: Sequence[Exchange], revision: int
    ) -> None:
        result = HandOver(
            referral=file.dossier.terms.id,
            state=ReferralState.DECIDED if submission.decisions else ReferralState.DELIVERED,
            receipt=submission.receipt,
            decisions=submission.decisions,
            exchanges=(*exchanges, *submission.exchanges),
            revision=revision,
        )
        mrn = file.dossier.terms.mrn
        await asyncio.to_thread(self._store.record_hand_overs, mrn, [result], self._clock())

    async def _never_had_it(self, file: ReferralFile) -> None:
        terms = file.referral.terms

        def step(view: DeclarationView) -> Sequence[NewEvent]:
            [now] = [r for r in view.referrals if r.terms.service == terms.service]
            if now.sent_at != file.sent_at or is_delivered(view.case.referral(terms.service)):
                return ()  # somebody was quicker: the agency may have it after all
            return following.withdrawn(
                view.case, terms.service, terms.id, following.NEVER_HAD_IT, self._clock()
            )

        if await self._change(file, step):
            return
        now = (await self._again(file)).referral
        if now.change is not Change.NONE and now.terms == terms:
            raise await self._later(file, _STILL_IN_DOUBT, (), timedelta(seconds=1))

    # --- parts ------------------------------------------------------------------------------------------

    async def _again(self, file: ReferralFile) -> ReferralFile:
        """The same referral as it stands now."""
        terms = file.referral.terms
        return await asyncio.to_thread(self._store.referral_file, terms.mrn, terms.service)

    async def _can(self, file: ReferralFile, asked: Asked) -> bool:
        terms = file.referral.terms
        try:
            return asked in await self._gateway.abilities(terms.agency, terms.config_version)
        except ChannelError as error:
            raise await self._trouble(file, error) from error

    async def _change(
        self,
        file: ReferralFile,
        step: Callable[[DeclarationView], Sequence[NewEvent]],
        exchanges: Sequence[Exchange] = (),
        decisions: Sequence[Decision] = (),
    ) -> bool:
        """
        Record what a step says, what was said, and the decisions in it; whether the step says that anything
        has happened. All at once: who has been told of something is not told again, so that what he has
        answered would be lost.
        """
        write = partial(
            self._store.change,
            file.referral.terms.mrn,
            step,
            exchanges=exchanges,
            messages=_messages(file.referral.terms, decisions, exchanges),
        )
        return bool(await asyncio.to_thread(write))

    async def _passed_on(
        self, file: ReferralFile, question: InformationRequest, by: str, answer: Answer | None = None
    ) -> None:
        terms = file.referral.terms
        at = self._clock()
        calendar = self._calendars(terms.agency)

        def step(view: DeclarationView) -> Sequence[NewEvent]:
            now = view.case.referral(terms.service)
            due_at, remind_at = new_deadline(calendar, now.terms, now.stops, at=at, not_before=now.due_at)
            return passed_on(view.case, terms.service, question.id, by, due_at, remind_at, at)

        await self._change(file, step, answer.exchanges if answer else (), answer.decisions if answer else ())

    async def _content(self, file: ReferralFile, question: InformationRequest) -> InformationContent:
        """The answer to a question, with its documents. Raises KeyError when the store has lost one."""
        terms = file.referral.terms
        known = await asyncio.to_thread(self._store.information, terms.mrn, terms.service)
        [given] = [one for one in known if one.id == question.answer]
        enclosures = []
        for document in given.documents:
            content = await asyncio.to_thread(self._store.document, terms.mrn, document.sha256)
            if content is None:
                raise KeyError(f"no document {document.sha256} of {terms.mrn}")
            enclosures.append(
                Enclosure(
                    name=document.name,
                    media_type=document.media_type,
                    sha256=document.sha256,
                    content=content,
                )
            )
        [asked] = [d for d in file.referral.decisions if d.id == question.id]
        return InformationContent(
            id=given.id,
            request=question.id,
            request_reference=asked.reference,
            text=given.text,
            given_at=given.given_at,
            enclosures=tuple(enclosures),
        )

    async def _trouble(self, file: ReferralFile, error: ChannelError) -> Exception:
        """What to raise for an error of the agency, which is on record then."""
        if isinstance(error, AgencyPaused):
            await self._delayed(file, str(error), error.exchanges)
            return _Queued(str(error))
        pause = timedelta(seconds=error.retry_after) if error.retry_after else None
        if not isinstance(error, AgencyUnavailable | InDoubt):
            pause = _LONG_PAUSE
        return await self._later(file, str(error), error.exchanges, pause, kind=type(error).__name__)

    async def _later(
        self,
        file: ReferralFile,
        trouble: str,
        exchanges: Sequence[Exchange],
        pause: timedelta | None,
        kind: str = InDoubt.__name__,
    ) -> ApplicationError:
        await self._delayed(file, trouble, exchanges)
        return ApplicationError(
            trouble,
            type=kind,
            category=ApplicationErrorCategory.BENIGN,  # told by an event, not by a traceback
            next_retry_delay=pause,
        )

    async def _delayed(self, file: ReferralFile, trouble: str, exchanges: Sequence[Exchange]) -> None:
        terms = file.referral.terms
        at: datetime = self._clock()
        await self._change(
            file, lambda view: following.troubled(view.case, terms.service, trouble, at), exchanges
        )


def is_delivered(referral: Referral) -> bool:
    """Whether the agency is known to have the referral, in whatever revision."""
    if referral.state in (ReferralState.DELIVERED, ReferralState.DECIDED):
        return True
    return referral.receipt is not None or referral.delivered_revision > 0


def _messages(
    terms: ReferralTerms, decisions: Sequence[Decision], exchanges: Sequence[Exchange]
) -> list[Message]:
    """Decisions in an agency's reply, as any that comes in."""
    digests = {exchange.id: exchange.digest() for exchange in exchanges if decisions}
    return [
        Message(
            agency=terms.agency,
            message_id=hashlib.sha256(f"{Via.REPLY} {terms.id} {decision.id}".encode()).hexdigest(),
            referral=terms.id,
            decisions=(decision.model_copy(update={"revision": terms.revision}),),
            raw="",
            via=Via.REPLY,
            received_at=decision.received_at,
            evidence=digests.get(decision.exchange or ""),
        )
        for decision in decisions
    ]


def _soonest(errors: Sequence[ApplicationError]) -> ApplicationError:
    """One error for several, to be tried again when the first of them is; None is the engine's own pace."""
    pauses = [error.next_retry_delay for error in errors]
    known = [pause for pause in pauses if pause is not None]
    return ApplicationError(
        "; ".join(error.message for error in errors),
        type=errors[0].type,
        category=ApplicationErrorCategory.BENIGN,
        next_retry_delay=min(known) if len(known) == len(pauses) else None,
    )
