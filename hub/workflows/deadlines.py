"""What time brings about: deadlines that pass, reminders, questions not answered, appointments not taken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from temporalio import workflow

from hub.activities.errands import ErrandActivities
from hub.activities.messages import ArrangeInspections, ExpireQuestions, ExpireReferrals, RemindAgency
from hub.activities.news import NewsActivities
from hub.activities.referrals import ReferralActivities
from hub.domain.case import Case, Referral
from hub.domain.errands import Due, DueKind, awaits_agency, due_now, next_due
from hub.domain.referral import ReferralState
from hub.domain.settling import awaits_decision, is_live
from hub.workflows.effects import LONG, SHORT
from hub.workflows.hearing import put
from hub.workflows.tasks import Tasks

_TIMER = "deadlines"
_PAUSE = timedelta(seconds=10)
"""Before it is looked again when what has fallen due was seen to, and nothing has come of it."""


class Changed(Protocol):
    def __call__(self, case: Case, *, unread: bool) -> None:
        """Time has made this of the case; `unread`: what was recorded is to be read."""


class Deadlines:
    """One timer at a time, for whatever falls due next."""

    def __init__(self, tasks: Tasks, case: Callable[[], Case], changed: Changed) -> None:
        self._tasks = tasks
        self._case = case
        self._changed = changed
        self._wakes_at: datetime | None = None
        """None while it does not sleep."""
        self._seen_to: frozenset[Due] = frozenset()
        self._put_off: dict[str, datetime] = {}
        """By service, until when its agency is listened to beyond its time."""

    def watch(self) -> None:
        """Wait for what falls due next; when that is earlier than what is waited for, for that."""
        next_at = self._next_at()
        if next_at is None:
            return
        if _TIMER in self._tasks and self._wakes_at is not None and next_at < self._wakes_at:
            self._tasks.cancel(_TIMER)
        if _TIMER not in self._tasks:
            self._tasks.begin(_TIMER, self._mind_the_time())

    def awaited(self) -> list[Referral]:
        """The referrals whose agency is to decide."""
        case = self._case()
        return [r for r in case.referrals if awaits_agency(case, r) or self._had_a_deadline(r)]

    async def _mind_the_time(self) -> None:
        while (next_at := self._next_at()) is not None:
            self._wakes_at = next_at
            pause = max(next_at - workflow.now(), timedelta(0))
            await workflow.sleep(pause, summary=f"next due {next_at:%Y-%m-%d %H:%M}Z")
            self._wakes_at = None
            await self._see_to_what_is_due()

    def _next_at(self) -> datetime | None:
        case = self._case()
        moments = [r.terms.due_at for r in case.referrals if self._had_a_deadline(r)]
        if (due := next_due(case, self._put_off)) is not None:
            moments.append(due.at)
        return min(moments, default=None)

    def _had_a_deadline(self, referral: Referral) -> bool:
        """What was turned down by the agency's system is not awaited; until there was life, it was."""
        if referral.state is not ReferralState.UNDELIVERABLE or not is_live(referral):
            return False
        return awaits_decision(referral) and not workflow.patched("undeliverable-is-not-awaited")

    async def _see_to_what_is_due(self) -> None:
        case, now = self._case(), workflow.now()
        dues = due_now(case, now, self._put_off)
        late = [due.service for due in dues if due.kind is DueKind.DEADLINE]
        late += [r.terms.service for r in case.referrals if self._had_a_deadline(r) and r.terms.due_at <= now]
        for due in dues:
            if due.kind is DueKind.REMINDER:
                self._remind(due)
        questions = tuple(
            (due.service, due.question)
            for due in dues
            if due.kind is DueKind.INFORMATION and due.question is not None
        )
        if questions:
            await workflow.execute_local_activity_method(
                NewsActivities.expire_questions,
                ExpireQuestions(mrn=case.mrn, questions=questions),
                **SHORT,
            )
            self._changed(self._case(), unread=True)
        if any(due.kind is DueKind.APPOINTMENT for due in dues):
            await workflow.execute_local_activity_method(
                NewsActivities.arrange_inspections, ArrangeInspections(mrn=case.mrn), **SHORT
            )
            self._changed(self._case(), unread=True)
        if late:
            await self._expire(late)
        if dues and frozenset(dues) == self._seen_to:
            # The store sees it otherwise: it holds something that has not been heard here.
            await workflow.sleep(_PAUSE, summary="what is due is not due in the store")
        self._seen_to = frozenset(dues)

    async def _expire(self, late: list[str]) -> None:
        expired = await workflow.execute_local_activity_method(
            ReferralActivities.expire_referrals,
            ExpireReferrals(mrn=self._case().mrn, services=tuple(late)),
            **SHORT,
        )
        gone = late if expired is None else expired.services
        put_off = {} if expired is None else expired.put_off
        self._put_off |= put_off
        case = self._case()
        for referral in case.referrals:
            if referral.terms.service in gone:
                case = put(case, referral.model_copy(update={"state": ReferralState.EXPIRED}))
        self._changed(case, unread=len(gone) + len(put_off) < len(late))

    def _remind(self, due: Due) -> None:
        """Begin it, and wait for the next one: that it is under way is known here alone."""
        case = self._case()
        referral = case.referral(due.service)
        self._changed(put(case, referral.model_copy(update={"reminded": due.number})), unread=False)
        name = f"remind {due.service}"
        self._tasks.cancel(name)
        self._tasks.begin(name, self._remind_until_told(due))

    async def _remind_until_told(self, due: Due) -> None:
        mrn = self._case().mrn
        await workflow.execute_activity_method(
            ErrandActivities.remind_agency,
            RemindAgency(mrn=mrn, service=due.service, number=due.number),
            **LONG,
        )
        self._changed(self._case(), unread=True)
