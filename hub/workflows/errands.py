"""What agencies are still to be told: one thing at a time for each service, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any

from temporalio import workflow

from hub.activities.errands import ErrandActivities
from hub.activities.messages import (
    HandedOver,
    LeftToPeople,
    SubmitReferral,
    TellAgency,
    Told,
    WithdrawReferrals,
)
from hub.activities.referrals import ReferralActivities
from hub.domain.case import Case
from hub.domain.errands import Errand, ErrandKind, errands, is_unreached
from hub.domain.referral import ReferralState
from hub.workflows.effects import LONG, LONG_FOR_SEVERAL
from hub.workflows.tasks import Tasks


class Errands:
    """
    The errands that are under way.

    What is to be told is derived from the case, again and again; so one that is not wanted any more is let
    go, and one that came to nothing is begun again when something else has happened, not before.
    """

    def __init__(
        self, tasks: Tasks, handed_over: Callable[[HandedOver], None], has_news: Callable[[], None]
    ) -> None:
        """`handed_over` hears how a submission ended; `has_news`, that there is something to be read."""
        self._tasks = tasks
        self._handed_over = handed_over
        self._has_news = has_news
        self._under_way: dict[str, tuple[Errand, str]] = {}
        """By service, with the name of the task."""
        self._ended: dict[str, Errand] = {}
        """By service: the last that came to its end, since anything else has happened."""
        self._put_off: dict[str, Errand] = {}
        """By service: those that stand in the queue of their agency."""
        self._called: set[str] = set()
        """Services that may go on, since anything about them was begun last."""
        self._begun: Counter[str] = Counter()
        """How many of a name have been begun: no two activities have the same id."""

    def follow(self, case: Case) -> None:
        """Begin what is to be done now, and let go of what is not to be done any more."""
        wanted = self._wanted(case)
        self._let_go(case, wanted)
        new = [
            errand
            for service, errand in wanted.items()
            if service not in self._under_way
            and self._ended.get(service) != errand
            and (self._put_off.get(service) != errand or service in self._called)
        ]
        if case.withdrawal is not None:
            if new:
                self._withdraw(case.mrn, new)
            return
        for errand in new:
            match errand.kind:
                case ErrandKind.SUBMIT:
                    self.submit(case.mrn, errand)
                case ErrandKind.AMEND:
                    self._tell(case.mrn, errand, ErrandActivities.amend_referral)
                case ErrandKind.INFORM:
                    self._tell(case.mrn, errand, ErrandActivities.inform_agency)
                case ErrandKind.WITHDRAW:
                    self._withdraw(case.mrn, [errand])
                case ErrandKind.LOOK_UP:
                    self._tell(case.mrn, errand, ErrandActivities.look_up_referral)

    def submit(self, mrn: str, errand: Errand) -> None:
        """Hand one referral over, however long it takes: not being reached is a state, not an error."""

        async def hand_over(name: str) -> Collection[str]:
            result = await workflow.execute_activity_method(
                ReferralActivities.submit_referral,
                SubmitReferral(mrn=mrn, service=errand.service, asked_again=errand.asked_again),
                activity_id=name,
                **LONG,
            )
            self._handed_over(result)
            return [errand.service] if result.queued else ()

        self._begin(f"submit {errand.service}", [errand], hand_over)

    def allow_again(self) -> None:
        """Something has happened: what came to nothing may be tried once more."""
        self._ended.clear()

    def put_off(self, errand: Errand) -> None:
        """It stands in the queue of its agency: it is begun when it may go on, or is another."""
        self._put_off[errand.service] = errand

    def go_on(self, services: Sequence[str]) -> None:
        """The agencies of these services are asked again: what was put off is begun."""
        self._called.update(services)

    def _wanted(self, case: Case) -> dict[str, Errand]:
        """What is to be told; with what was begun, or put off, before its time had passed."""
        wanted = {errand.service: errand for errand in errands(case)}
        begun = [errand for errand, _ in self._under_way.values()]
        for errand in (*begun, *self._put_off.values()):
            if errand.kind is not ErrandKind.SUBMIT or errand.service in wanted:
                continue
            referral = next((r for r in case.referrals if r.terms.service == errand.service), None)
            if referral is not None and is_unreached(referral) and referral.terms.id == errand.referral:
                again = {"asked_again": referral.asked_again}
                wanted[errand.service] = errand.model_copy(update=again)
        return wanted

    def _tell(self, mrn: str, errand: Errand, activity: Callable[..., Any]) -> None:
        async def tell(name: str) -> Collection[str]:
            order = TellAgency(mrn=mrn, service=errand.service, asked_again=errand.asked_again)
            told: Told | None = await workflow.execute_activity_method(
                activity, order, activity_id=name, **LONG
            )
            return [errand.service] if told is not None and told.queued else ()

        self._begin(f"{errand.kind} {errand.service}", [errand], tell)

    def _withdraw(self, mrn: str, new: Sequence[Errand]) -> None:
        """In one activity, which tells them in this order; none waits for another that cannot be told."""

        async def withdraw(name: str) -> Collection[str]:
            left: LeftToPeople = await workflow.execute_activity_method(
                ErrandActivities.withdraw_referrals,
                WithdrawReferrals(
                    mrn=mrn,
                    services=tuple(errand.service for errand in new),
                    asked_again=tuple(errand.asked_again for errand in new),
                ),
                activity_id=name,
                **LONG_FOR_SEVERAL,
            )
            return left.queued

        about = new[0].service if len(new) == 1 else f"{len(new)} services"
        self._begin(f"{ErrandKind.WITHDRAW} {about}", new, withdraw)

    def _begin(
        self,
        name: str,
        new: Sequence[Errand],
        work: Callable[[str], Coroutine[Any, Any, Collection[str]]],
    ) -> None:
        """`work` says which of the services were put off."""
        self._begun[name] += 1
        task = name if self._begun[name] == 1 else f"{name} ({self._begun[name]})"
        self._under_way |= {errand.service: (errand, task) for errand in new}
        for errand in new:
            self._put_off.pop(errand.service, None)
            self._called.discard(errand.service)

        async def run() -> None:
            try:
                queued = await work(task)
                called = self._called & {errand.service for errand in new}
                for errand in new:
                    if errand.service in queued:
                        self.put_off(errand)
                    else:
                        self._ended[errand.service] = errand
                if new[0].kind is not ErrandKind.SUBMIT and (called or len(queued) < len(new)):
                    # What came of it is on record, as any event.
                    self._has_news()
            finally:
                self._forget(task)

        self._tasks.begin(task, run())

    def _let_go(self, case: Case, wanted: dict[str, Errand]) -> None:
        gone = {r.terms.service for r in case.referrals if r.state is ReferralState.WITHDRAWN}
        idle: dict[str, bool] = {}
        asked: set[str] = set()
        for service, (errand, task) in self._under_way.items():
            now = wanted.get(service)
            if now is not None and now.asked_again > errand.asked_again:
                # People want it tried now: it is begun anew, with whatever it was begun with.
                asked.add(task)
            if errand.kind is not ErrandKind.SUBMIT:
                is_idle = now != errand
            elif now is None:
                # What was decided before its receipt came still waits for the receipt.
                is_idle = service in gone
            else:
                is_idle = (now.kind, now.referral) != (errand.kind, errand.referral)
            idle[task] = idle.get(task, True) and is_idle
        for task in [task for task, is_idle in idle.items() if is_idle or task in asked]:
            self._tasks.cancel(task)
            self._forget(task)

    def _forget(self, task: str) -> None:
        self._under_way = {s: under_way for s, under_way in self._under_way.items() if under_way[1] != task}
