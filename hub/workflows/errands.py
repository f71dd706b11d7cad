"""What agencies are still to be told: one thing at a time for each service, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from temporalio import workflow

from hub.activities.errands import ErrandActivities
from hub.activities.messages import HandedOver, SubmitReferral, TellAgency, WithdrawReferrals
from hub.activities.referrals import ReferralActivities
from hub.domain.case import Case
from hub.domain.errands import Errand, ErrandKind, errands
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
        self._begun: Counter[str] = Counter()
        """How many of a name have been begun: no two activities have the same id."""

    def follow(self, case: Case) -> None:
        """Begin what is to be done now, and let go of what is not to be done any more."""
        wanted = {errand.service: errand for errand in errands(case)}
        self._let_go(case, wanted)
        new = [
            errand
            for service, errand in wanted.items()
            if service not in self._under_way and self._ended.get(service) != errand
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

    def submit(self, mrn: str, errand: Errand) -> None:
        """Hand one referral over, however long it takes: not being reached is a state, not an error."""

        async def hand_over(name: str) -> None:
            result = await workflow.execute_activity_method(
                ReferralActivities.submit_referral,
                SubmitReferral(mrn=mrn, service=errand.service),
                activity_id=name,
                **LONG,
            )
            self._handed_over(result)

        self._begin(f"submit {errand.service}", [errand], hand_over)

    def allow_again(self) -> None:
        """Something has happened: what came to nothing may be tried once more."""
        self._ended.clear()

    def _tell(self, mrn: str, errand: Errand, activity: Callable[..., Any]) -> None:
        async def tell(name: str) -> None:
            await workflow.execute_activity_method(
                activity, TellAgency(mrn=mrn, service=errand.service), activity_id=name, **LONG
            )

        self._begin(f"{errand.kind} {errand.service}", [errand], tell)

    def _withdraw(self, mrn: str, new: Sequence[Errand]) -> None:
        """In one activity, which tells them in this order; none waits for another that cannot be told."""

        async def withdraw(name: str) -> None:
            await workflow.execute_activity_method(
                ErrandActivities.withdraw_referrals,
                WithdrawReferrals(mrn=mrn, services=tuple(errand.service for errand in new)),
                activity_id=name,
                **LONG_FOR_SEVERAL,
            )

        about = new[0].service if len(new) == 1 else f"{len(new)} services"
        self._begin(f"{ErrandKind.WITHDRAW} {about}", new, withdraw)

    def _begin(
        self, name: str, new: Sequence[Errand], work: Callable[[str], Coroutine[Any, Any, None]]
    ) -> None:
        self._begun[name] += 1
        task = name if self._begun[name] == 1 else f"{name} ({self._begun[name]})"
        self._under_way |= {errand.service: (errand, task) for errand in new}

        async def run() -> None:
            try:
                await work(task)
                self._ended |= {errand.service: errand for errand in new}
                if new[0].kind is not ErrandKind.SUBMIT:
                    # What came of it is on record, as any event.
                    self._has_news()
            finally:
                self._forget(task)

        self._tasks.begin(task, run())

    def _let_go(self, case: Case, wanted: dict[str, Errand]) -> None:
        gone = {r.terms.service for r in case.referrals if r.state is ReferralState.WITHDRAWN}
        idle: dict[str, bool] = {}
        for service, (errand, task) in self._under_way.items():
            now = wanted.get(service)
            if errand.kind is not ErrandKind.SUBMIT:
                is_idle = now != errand
            elif now is None:
                # What was decided before its receipt came still waits for the receipt.
                is_idle = service in gone
            else:
                is_idle = (now.kind, now.referral) != (errand.kind, errand.referral)
            idle[task] = idle.get(task, True) and is_idle
        for task in [task for task, is_idle in idle.items() if is_idle]:
            self._tasks.cancel(task)
            self._forget(task)

    def _forget(self, task: str) -> None:
        self._under_way = {s: under_way for s, under_way in self._under_way.items() if under_way[1] != task}
