"""The life of one declaration, from acceptance to release or refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributeUpdate

from hub.activities.clearances import ClearanceActivities
from hub.activities.messages import (
    ClearanceOrder,
    CloseCase,
    Concluded,
    Conclusion,
    ExpireReferrals,
    HandedOver,
    ReferAll,
    Standing,
    SubmitReferral,
    TellCargo,
)
from hub.activities.referrals import ReferralActivities
from hub.domain import names
from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Outcome, Rule
from hub.domain.deadlines import parse_duration
from hub.domain.referral import Decision, ReferralState
from hub.domain.settling import awaits_decision, settle

BURST_BUDGET = timedelta(seconds=1.5)
"""How long the first burst waits: most agencies answer within it, and it stays below a workflow task."""

# Short effects run inside the workflow task. The store being away is waited for, not an error.
_SHORT: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
}
# Reaching an agency or the cargo system may take days; a dead worker is noticed by its missing heartbeat.
_LONG: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=90),
    "heartbeat_timeout": timedelta(seconds=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
    ),
}
_TELL: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
    ),
}

OUTCOME = SearchAttributeKey.for_keyword(names.SEARCH_OUTCOME)
PENDING_AGENCIES = SearchAttributeKey.for_keyword_list(names.SEARCH_PENDING_AGENCIES)
DUE_AT = SearchAttributeKey.for_datetime(names.SEARCH_DUE_AT)

_QUIET = frozenset({Rule.AWAITED, Rule.CONSENTED, Rule.DEEMED_APPROVED, Rule.NO_AGENCY_NEEDED})
"""Rules whose coming and going is worth no record of its own: the decisions themselves are events."""


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class ClearanceWorkflow:
    """
    Take one declaration from acceptance to release or refusal.

    Every agency is asked at once and answers in its own time. A hold is not the end: a late approval
    lifts it.
    """

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        self._case: Case = order.case
        self._referrals: dict[str, Referral] = {r.terms.service: r for r in order.case.referrals}
        self._clearance: Clearance | None = None
        self._concluded: object = None
        self._noticed: Outcome | None = None
        self._notices = 0
        self._news = True
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refused_until: datetime | None = None
        self._closing = False
        self._weighed: frozenset[str] = frozenset()
        self._shown: tuple[Outcome, tuple[str, ...]] | None = None

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        await self._refer_to_all()
        while True:
            await self._settle_record_and_tell()
            if self._over():
                break
            self._watch_deadlines()
            self._watch_refusal()
            self._show_to_operations()
            await workflow.wait_condition(lambda: self._news)
        await self._close()
        return self._settled.outcome

    @workflow.signal(name=names.SIGNAL_DECISIONS_RECEIVED)
    def decisions_received(self, decisions: list[Decision]) -> None:
        """Agencies have decided; the decisions are in the store already."""
        for decision in decisions:
            _, service = names.split_referral_id(decision.referral)
            self._add_decisions(service, [decision])

    @workflow.query(name=names.QUERY_CLEARANCE)
    def clearance(self) -> Clearance | None:
        """The outcome as it stands, with the reasons."""
        return self._clearance

    # --- referring --------------------------------------------------------------------------------------

    async def _refer_to_all(self) -> None:
        if not self._referrals:
            return
        handed_over = await workflow.execute_local_activity_method(
            ReferralActivities.refer_all,
            ReferAll(mrn=self._case.mrn, services=tuple(self._referrals), budget=BURST_BUDGET),
            **_SHORT,
        )
        for result in handed_over:
            self._apply(result)
            if result.state is ReferralState.PENDING:
                self._spawn(f"refer {result.service}", self._refer(result.service))

    async def _refer(self, service: str) -> None:
        """Hand one referral over, however long it takes. Never raises: not being reached is a state."""
        self._apply(
            await workflow.execute_activity_method(
                ReferralActivities.submit_referral,
                SubmitReferral(mrn=self._case.mrn, service=service),
                activity_id=f"submit {service}",
                **_LONG,
            )
        )

    def _apply(self, result: HandedOver) -> None:
        referral = self._referrals[result.service]
        state = referral.state if referral.state is ReferralState.EXPIRED else result.state
        self._referrals[result.service] = referral.model_copy(
            update={
                "state": state,
                "receipt": result.receipt or referral.receipt,
                "trouble": result.trouble,
            }
        )
        self._add_decisions(result.service, result.decisions)
        self._news = True

    def _add_decisions(self, service: str, decisions: Sequence[Decision]) -> None:
        referral = self._referrals[service]
        known = {decision.id for decision in referral.decisions}
        new = [decision for decision in decisions if decision.id not in known]
        if new:
            self._referrals[service] = referral.model_copy(update={"decisions": (*referral.decisions, *new)})
            self._news = True

    # --- settling ---------------------------------------------------------------------------------------

    @property
    def _settled(self) -> Clearance:
        assert self._clearance is not None
        return self._clearance

    async def _settle_record_and_tell(self) -> None:
        """Settle, and when something worth knowing has changed record it and tell the cargo system."""
        self._news = False
        case = self._case.model_copy(update={"referrals": tuple(self._referrals.values())})
        self._clearance = settle(case)
        self._weighed = frozenset(d.id for r in case.referrals for d in r.decisions)
        outcome = self._clearance.outcome
        worth_knowing = (
            outcome,
            {(r.rule, r.item, r.service) for r in self._clearance.reasons if r.rule not in _QUIET},
        )
        if worth_knowing == self._concluded or (self._concluded is None and outcome is Outcome.IN_PROGRESS):
            return
        self._concluded = worth_knowing
        await self._conclude(case, outcome)

    async def _conclude(self, case: Case, outcome: Outcome) -> None:
        number = None
        if outcome not in (Outcome.IN_PROGRESS, self._noticed):
            self._notices += 1
            self._noticed = outcome
            number = self._notices
        concluded: Concluded = await workflow.execute_local_activity_method(
            ClearanceActivities.conclude,
            Conclusion(
                mrn=case.mrn,
                outcome=outcome,
                standings=tuple(
                    Standing(
                        service=r.terms.service,
                        state=r.state,
                        receipt=r.receipt,
                        decisions=tuple(d.id for d in r.decisions),
                    )
                    for r in case.referrals
                ),
                notice_number=number,
                tell="tell" not in self._tasks,
                issued_at=workflow.now(),
            ),
            **_SHORT,
        )
        if number is not None and not concluded.told and "tell" not in self._tasks:
            self._spawn("tell", self._tell_until_acknowledged())

    async def _tell_until_acknowledged(self) -> None:
        await workflow.execute_activity_method(
            ClearanceActivities.tell_cargo, TellCargo(mrn=self._case.mrn), **_TELL
        )
        self._news = True

    # --- waiting ----------------------------------------------------------------------------------------

    def _open(self, referral: Referral) -> bool:
        """Whether some goods item of a referral still waits for a decision."""
        if referral.state is ReferralState.EXPIRED:
            return False
        return awaits_decision(referral)

    def _watch_deadlines(self) -> None:
        """One timer at a time, for whatever falls due next."""
        if "deadlines" not in self._tasks and any(map(self._open, self._referrals.values())):
            self._spawn("deadlines", self._expire_what_falls_due())

    async def _expire_what_falls_due(self) -> None:
        while waiting := [r for r in self._referrals.values() if self._open(r)]:
            due_at = min(r.terms.due_at for r in waiting)
            await workflow.sleep(
                max(due_at - workflow.now(), timedelta(0)),
                summary=f"next answer due {due_at:%Y-%m-%d %H:%M}Z",
            )
            late = [
                r.terms.service
                for r in self._referrals.values()
                if self._open(r) and r.terms.due_at <= workflow.now()
            ]
            if late:
                await workflow.execute_local_activity_method(
                    ReferralActivities.expire_referrals,
                    ExpireReferrals(mrn=self._case.mrn, services=tuple(late)),
                    **_SHORT,
                )
                for service in late:
                    self._referrals[service] = self._referrals[service].model_copy(
                        update={"state": ReferralState.EXPIRED}
                    )
                self._news = True

    def _over(self) -> bool:
        """Whether nothing an agency may still say can change the outcome, and the cargo system knows it."""
        if "tell" in self._tasks:
            return False
        return self._settled.final or self._closing

    def _show_to_operations(self) -> None:
        """Keep the search attributes true, so that the engine's own tools answer questions."""
        outcome = self._settled.outcome
        waiting = [r for r in self._referrals.values() if self._open(r)]
        shown = (outcome, tuple(sorted({r.terms.agency for r in waiting})))
        if shown == self._shown:
            return
        self._shown = shown
        updates: list[SearchAttributeUpdate[Any]] = [
            OUTCOME.value_set(outcome),
            PENDING_AGENCIES.value_set(list(shown[1])),
        ]
        if waiting:
            updates.append(DUE_AT.value_set(min(r.terms.due_at for r in waiting)))
        workflow.upsert_search_attributes(updates)

    def _watch_refusal(self) -> None:
        if self._settled.outcome is Outcome.REFUSAL and "refusal" not in self._tasks:
            self._spawn("refusal", self._close_refusal())

    async def _close_refusal(self) -> None:
        """A refusal stands once the time in which an agency may change its mind has passed."""
        await workflow.sleep(
            parse_duration(self._case.policy.refusal_open_for), summary="refusal may be revised"
        )
        if self._settled.outcome is Outcome.REFUSAL:
            self._closing = True
            self._news = True

    # --- ending -----------------------------------------------------------------------------------------

    async def _close(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        self._show_to_operations()
        while True:
            late = [
                decision.brief()
                for referral in self._referrals.values()
                for decision in referral.decisions
                if decision.id not in self._weighed
            ]
            self._weighed |= {decision.id for decision in late}
            await workflow.execute_local_activity_method(
                ClearanceActivities.close_case, CloseCase(mrn=self._case.mrn, late=tuple(late)), **_SHORT
            )
            if all(d.id in self._weighed for r in self._referrals.values() for d in r.decisions):
                return

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run work beside the main line; it leaves the list when it ends, however it ends."""

        async def run() -> None:
            try:
                await work
            finally:
                del self._tasks[name]

        self._tasks[name] = asyncio.create_task(run())
