"""The life of one declaration, from acceptance to release, refusal or withdrawal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from hub.activities.clearances import ClearanceActivities
from hub.activities.messages import (
    ArrangeInspections,
    ClearanceOrder,
    CloseCase,
    Closed,
    Concluded,
    Conclusion,
    HandedOver,
    ReadNews,
    ReferAll,
    Resumed,
    Standing,
    TellCargo,
)
from hub.activities.news import NewsActivities
from hub.activities.referrals import ReferralActivities
from hub.domain import names
from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Outcome
from hub.domain.deadlines import parse_duration
from hub.domain.errands import ErrandKind, errands, is_unreached, submission
from hub.domain.events import EventType
from hub.domain.intake import question_due
from hub.domain.life import state_after_decisions, with_decision
from hub.domain.referral import Decision, ReferralState, Verdict
from hub.domain.settling import nothing_is_awaited, settle
from hub.domain.steps.inspecting import is_to_be_arranged
from hub.domain.telling import worth_knowing
from hub.workflows.deadlines import Deadlines
from hub.workflows.effects import SHORT, TELL
from hub.workflows.errands import Errands
from hub.workflows.hearing import heard, put
from hub.workflows.tasks import Tasks

BURST_BUDGET = timedelta(seconds=1.5)
"""How long the first burst waits: most agencies answer within it, and it stays below a workflow task."""
_UNHEARD_PAUSE = timedelta(seconds=10)
"""Before what the store did not take is offered to it again, when nothing new was there to be heard."""

OUTCOME = SearchAttributeKey.for_keyword(names.SEARCH_OUTCOME)
PENDING_AGENCIES = SearchAttributeKey.for_keyword_list(names.SEARCH_PENDING_AGENCIES)
DUE_AT = SearchAttributeKey.for_datetime(names.SEARCH_DUE_AT)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class ClearanceWorkflow:
    """
    Take one declaration from acceptance to release, refusal or withdrawal.

    Every agency is asked at once and answers in its own time. What people do to the declaration meanwhile is
    on record in the store, and is heard from there. A hold is not the end: a late approval lifts it.
    """

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        self._case: Case = order.case
        self._clearance: Clearance | None = None
        self._concluded: object = None
        self._noticed: object = None
        self._notices = 0
        self._news = True
        """Something has changed since it was settled."""
        self._unread = False
        """The store holds something that has not been read."""
        self._through = 0
        """Number of the last event that was read."""
        self._offered_through = -1
        """The same, as it was when the store last found it behind."""
        self._tasks = Tasks()
        self._errands = Errands(self._tasks, self._handed_over, self._has_news)
        self._deadlines = Deadlines(self._tasks, lambda: self._case, self._changed_by_time)
        self._refusal_ends: datetime | None = None
        self._closing = False
        self._closed = False
        """With its last outcome; nothing is left to be seen to."""
        self._weighed: frozenset[str] = frozenset()
        self._shown: tuple[Outcome, tuple[str, ...]] | None = None
        self._arranged: object = None

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        if order.resumed is None:
            await self._refer_to_all(order.case)
        else:
            await self._go_on(order.resumed)
        while True:
            await self._settle_record_and_tell()
            if self._closed and self._all_is_weighed():
                self._show_to_operations()
                return self._settled.outcome
            if self._over():
                if await self._close():
                    return self._settled.outcome
                continue
            self._errands.follow(self._case)
            self._deadlines.watch()
            self._watch_refusal()
            self._show_to_operations()
            await self._arrange_inspections()
            await workflow.wait_condition(lambda: self._news)

    @workflow.signal(name=names.SIGNAL_DECISIONS_RECEIVED)
    def decisions_received(self, decisions: list[Decision]) -> None:
        """Agencies have decided; the decisions are in the store already."""
        for decision in decisions:
            _, service = names.split_referral_id(decision.referral)
            self._add_decisions(service, [decision])

    @workflow.signal(name=names.SIGNAL_NEWS_RECORDED)
    def news_recorded(self) -> None:
        """The store holds what has not been heard here."""
        self._has_news()

    @workflow.signal(name=names.SIGNAL_GO_ON)
    def go_on(self, services: list[str]) -> None:
        """The agencies of these services are asked again."""
        self._errands.go_on(services)
        self._news = True

    @workflow.query(name=names.QUERY_CLEARANCE)
    def clearance(self) -> Clearance | None:
        """The outcome as it stands, with the reasons."""
        return self._clearance

    # --- going on ---------------------------------------------------------------------------------------

    async def _go_on(self, resumed: Resumed) -> None:
        """Take up what another workflow has left: what it knew is on record."""
        self._unread = True
        await self._read_news()
        self._notices, self._noticed = resumed.notices, resumed.noticed
        # Whether the outcome on record is still the right one is seen by having it recorded once more.
        self._concluded = resumed
        if resumed.refused_at is not None:
            self._refusal_ends = resumed.refused_at + parse_duration(self._case.policy.refusal_open_for)
        if resumed.unsent:
            self._tasks.begin("tell", self._tell_until_acknowledged())
        for referral in self._case.referrals:
            # Its time has passed while it was still being tried, which does not end with it.
            if referral.state is ReferralState.EXPIRED and is_unreached(referral):
                self._errands.submit(self._case.mrn, submission(referral))

    # --- referring --------------------------------------------------------------------------------------

    async def _refer_to_all(self, case: Case) -> None:
        # As it was accepted: a decision may have come in by now, and its receipt is wanted all the same.
        first = {e.service: e for e in errands(case) if e.kind is ErrandKind.SUBMIT}
        if not first:
            return
        results = await workflow.execute_local_activity_method(
            ReferralActivities.refer_all,
            ReferAll(mrn=case.mrn, services=tuple(first), budget=BURST_BUDGET),
            **SHORT,
        )
        for result in results:
            self._handed_over(result)
            if result.queued:
                self._errands.put_off(first[result.service])
            elif result.state is ReferralState.PENDING:
                self._errands.submit(case.mrn, first[result.service])

    def _handed_over(self, result: HandedOver) -> None:
        self._news = True
        referral = self._find(result.service)
        if referral is None or result.referral not in (None, referral.terms.id):
            self._has_news()
            return
        if result.revision != 1 or result.state is ReferralState.WITHDRAWN:
            # How it came to stand so is on record.
            self._has_news()
        stays = referral.state in (ReferralState.EXPIRED, ReferralState.WITHDRAWN)
        state = referral.state if stays else result.state
        update: dict[str, Any] = {
            "state": state,
            "receipt": result.receipt or referral.receipt,
            "trouble": result.trouble,
        }
        if result.receipt is not None and result.revision:
            update["delivered_revision"] = max(result.revision, referral.delivered_revision)
            update["delivered_at"] = referral.delivered_at or result.receipt.received_at
        self._case = put(self._case, referral.model_copy(update=update))
        self._add_decisions(result.service, result.decisions)

    def _find(self, service: str) -> Referral | None:
        return next((r for r in self._case.referrals if r.terms.service == service), None)

    # --- hearing ----------------------------------------------------------------------------------------

    def _has_news(self) -> None:
        self._unread = self._news = True

    def _changed_by_time(self, case: Case, *, unread: bool) -> None:
        self._case = case
        self._news = True
        self._unread = self._unread or unread

    def _add_decisions(self, service: str, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            referral = self._find(service)
            if referral is None or decision.revision > referral.terms.revision:
                # About content that has not been heard of yet: it is read with that, from the store.
                self._has_news()
                continue
            if any(known.id == decision.id for known in referral.decisions):
                continue
            self._case = put(self._case, self._with_decision(referral, decision))
            self._news = True

    def _with_decision(self, referral: Referral, decision: Decision) -> Referral:
        asks = decision.verdict is Verdict.INFORMATION_REQUIRED
        if asks and not workflow.patched("a-question-stops-the-clock"):
            # Begun before there were questions: the agency's clock goes on, as it did then.
            referral = referral.model_copy(update={"decisions": (*referral.decisions, decision)})
            return referral.model_copy(update={"state": state_after_decisions(referral)})
        due_at = question_due(self._case.policy, decision.decided_at) if asks else None
        return with_decision(referral, decision, due_at)

    async def _read_news(self) -> None:
        """Hear what is on record, in order; the case is the store's then."""
        while self._unread:
            self._unread = False
            news = await workflow.execute_local_activity_method(
                NewsActivities.read_news, ReadNews(mrn=self._case.mrn, after=self._through), **SHORT
            )
            self._case = heard(self._case, news.events)
            self._through = news.through
            if news.events:
                self._errands.allow_again()
            if any(event.type is EventType.DECLARATION_AMENDED for event in news.events):
                self._tasks.cancel("refusal")
                self._refusal_ends = None

    # --- settling ---------------------------------------------------------------------------------------

    @property
    def _settled(self) -> Clearance:
        assert self._clearance is not None
        return self._clearance

    async def _settle_record_and_tell(self) -> None:
        """Settle, and when something worth knowing has changed record it and tell the cargo system."""
        while True:
            self._news = False
            await self._read_news()
            case = self._case
            self._clearance = settle(case)
            self._weighed = frozenset(d.id for r in case.referrals for d in r.decisions)
            known = worth_knowing(self._clearance)
            if known == self._concluded:
                return
            if self._concluded is None and self._clearance.outcome is Outcome.IN_PROGRESS:
                return
            if await self._conclude(case, self._clearance):
                self._concluded = known
                return
            await self._hear_more()

    async def _conclude(self, case: Case, clearance: Clearance) -> bool:
        """Record it; False when the store holds more than was heard here, and has not taken it."""
        outcome = (clearance.outcome, clearance.released_items)
        number = None
        if clearance.outcome is not Outcome.IN_PROGRESS and outcome != self._noticed:
            number = self._notices + 1
        concluded: Concluded = await workflow.execute_local_activity_method(
            ClearanceActivities.conclude,
            Conclusion(
                mrn=case.mrn,
                outcome=clearance.outcome,
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
                through=self._through,
                released_items=clearance.released_items,
                closes=self._over(),
            ),
            **SHORT,
        )
        if concluded.unheard:
            return False
        self._closed = concluded.closed
        if number is not None:
            self._notices, self._noticed = concluded.notice_number or number, outcome
        gone = {*self._case.released, *clearance.released_items}
        self._case = self._case.model_copy(update={"released": tuple(sorted(gone))})
        if number is not None and not concluded.told and "tell" not in self._tasks:
            self._tasks.begin("tell", self._tell_until_acknowledged())
        return True

    async def _hear_more(self) -> None:
        """Read once more before the store is asked again; where nothing was there, not at once."""
        if self._offered_through == self._through:
            await workflow.sleep(_UNHEARD_PAUSE, summary="the store holds more than can be read yet")
        self._offered_through = self._through
        self._has_news()

    async def _tell_until_acknowledged(self) -> None:
        while True:
            written = self._notices
            await workflow.execute_activity_method(
                ClearanceActivities.tell_cargo, TellCargo(mrn=self._case.mrn), **TELL
            )
            # One that was written meanwhile was left to this activity, which may have looked before that.
            if self._notices == written or not workflow.patched("what-is-written-meanwhile-is-told"):
                break
        self._news = True

    # --- waiting ----------------------------------------------------------------------------------------

    def _over(self) -> bool:
        """
        Whether nothing an agency may still say can change the outcome, the cargo system knows it, and so do
        the agencies that are asked no more.
        """
        if "tell" in self._tasks or not (self._settled.final or self._closing):
            return False
        return not any(errand.kind is ErrandKind.WITHDRAW for errand in errands(self._case))

    async def _arrange_inspections(self) -> None:
        """Have appointments offered for what is to be inspected, and taken back where nobody wants them."""
        if not is_to_be_arranged(self._case) or not workflow.patched("inspections-are-arranged"):
            return
        # The appointments as they are now have been looked at: nothing else comes of looking again.
        wanted = (self._case.inspections, self._weighed, self._case.version, self._case.withdrawal)
        if wanted == self._arranged:
            return
        self._arranged = wanted
        await workflow.execute_local_activity_method(
            NewsActivities.arrange_inspections, ArrangeInspections(mrn=self._case.mrn), **SHORT
        )
        self._has_news()

    def _show_to_operations(self) -> None:
        """Keep the search attributes true, so that the engine's own tools answer questions."""
        outcome = self._settled.outcome
        waiting = self._deadlines.awaited()
        shown = (outcome, tuple(sorted({r.terms.agency for r in waiting})))
        if shown == self._shown:
            return
        self._shown = shown
        updates: list[SearchAttributeUpdate[Any]] = [
            OUTCOME.value_set(outcome),
            PENDING_AGENCIES.value_set(list(shown[1])),
        ]
        if waiting:
            updates.append(DUE_AT.value_set(min(r.deadline or r.terms.due_at for r in waiting)))
        workflow.upsert_search_attributes(updates)

    def _watch_refusal(self) -> None:
        if nothing_is_awaited(self._settled) and "refusal" not in self._tasks:
            self._tasks.begin("refusal", self._close_refusal())

    async def _close_refusal(self) -> None:
        """A refusal stands once the time in which an agency may change its mind has passed."""
        now = workflow.now()
        if self._refusal_ends is None:
            self._refusal_ends = now + parse_duration(self._case.policy.refusal_open_for)
        await workflow.sleep(max(self._refusal_ends - now, timedelta(0)), summary="refusal may be revised")
        self._refusal_ends = None
        if nothing_is_awaited(self._settled):
            self._closing = True
            self._news = True

    # --- ending -----------------------------------------------------------------------------------------

    async def _close(self) -> bool:
        """End it; False when the store holds more than was heard here, and it goes on."""
        self._tasks.cancel_all()
        self._show_to_operations()
        while True:
            late = [
                decision.brief()
                for referral in self._case.referrals
                for decision in referral.decisions
                if decision.id not in self._weighed
            ]
            self._weighed |= {decision.id for decision in late}
            closed: Closed | None = await workflow.execute_local_activity_method(
                ClearanceActivities.close_case,
                CloseCase(mrn=self._case.mrn, late=tuple(late), through=self._through),
                **SHORT,
            )
            if closed is not None and closed.unheard:
                await self._hear_more()
                return False
            if self._all_is_weighed():
                return True

    def _all_is_weighed(self) -> bool:
        return all(d.id in self._weighed for r in self._case.referrals for d in r.decisions)
