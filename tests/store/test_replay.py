"""What the store keeps of a case is what its events make of it, whatever happens and in whatever order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.domain.case import Case, Change
from hub.domain.clearance import Outcome
from hub.domain.duties import CoverKind, DutyCover
from hub.domain.errands import ErrandKind, errands
from hub.domain.event_data import DeadlineMoved, Found, InspectionReported
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.information import Information
from hub.domain.inspection import Inspection, InspectionParty, InspectionState
from hub.domain.intake import Acceptance
from hub.domain.life import replayed
from hub.domain.model import Model, Money
from hub.domain.names import referral_id
from hub.domain.referral import Answers, Receipt, ReferralState, Verdict
from hub.domain.settling import is_live, settle
from hub.domain.steps import StepRefused, following, informing, reviving
from hub.domain.steps.amending import amend
from hub.domain.steps.duties import assess
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.ports import DeclarationFilter, DeclarationView, HandOver, Polled
from hub.store import Store, create_store, upgrade
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

AGENCY = {PLANT: "apqa", FOOD: "mfds", RADIO: "rra"}
SERVICES = (PLANT, FOOD, RADIO)


@dataclass
class Life:
    """One declaration in the store, and things that may happen to it; time goes on with each."""

    store: Store
    mrn: str
    accepted: Acceptance
    now: datetime = T0
    notices: int = 0
    said: int = 0
    took_place: list[str] = field(default_factory=list)

    @property
    def view(self) -> DeclarationView:
        view = self.store.view(self.mrn)
        assert view is not None
        return view

    def change(self, step: Callable[[DeclarationView], Sequence[NewEvent]], **more: Acceptance) -> None:
        try:
            self.store.change(self.mrn, step, **more)
        except StepRefused as refused:
            self.took_place.append(f"refused: {refused.code}")

    def event(self, type: EventType, data: Model, service: str | None = None) -> None:
        new = NewEvent(
            at=self.now, type=type, service=service, data=data.model_dump(mode="json", exclude_none=True)
        )
        self.change(lambda view: [new])

    # --- agencies -------------------------------------------------------------------------------------

    def hand_over(self, service: str, number: int) -> None:
        if service not in {r.terms.service for r in self.view.referrals}:
            return
        [mark] = self.store.begin_hand_over(self.mrn, [service], self.now)
        terms = mark.dossier.terms
        results = (
            sample.delivered(self.mrn, service, reference=f"{terms.id} R", at=self.now),
            sample.failed(self.mrn, service, sent=bool(number % 2)),
            sample.failed(self.mrn, service, f"400 {number}", state=ReferralState.UNDELIVERABLE),
        )
        result = results[number % 3]
        update = {"referral": terms.id, "revision": terms.revision}
        self.store.record_hand_overs(self.mrn, [result.model_copy(update=update)], self.now)

    def decide(self, service: str, number: int) -> None:
        known = {r.terms.service: r for r in self.view.case.referrals}
        if service not in known:
            return
        self.said += 1
        referral = known[service]
        ids = (referral.terms.id, *referral.former)
        verdict = list(Verdict)[number % len(Verdict)]
        decision = sample.decision(
            self.mrn, service, verdict, items=(None, (1,), (2,))[number % 3], at=self.now
        ).model_copy(update={"referral": ids[number % len(ids)], "about": (None, 1, 2)[number // 2 % 3]})
        message = sample.message(decision, agency=AGENCY[service], message_id=f"{self.mrn} {self.said}")
        self.store.receive(message.model_copy(update={"received_at": self.now}))

    def expire(self, service: str, number: int) -> None:
        if service in {r.terms.service for r in self.view.referrals}:
            self.store.record_expired(self.mrn, [service], self.now)

    def tell_agencies(self, service: str, number: int) -> None:
        """Every errand is done; the agency may never have had what is withdrawn."""
        at = self.now
        for errand in errands(self.view.case):
            if errand.kind is ErrandKind.AMEND:
                receipt = Receipt(reference=f"{errand.referral} A", received_at=at) if number % 2 else None
                self.change(
                    lambda v, e=errand, r=receipt: following.amended(v.case, e.service, e.revision, r, at)
                )
            elif errand.kind is ErrandKind.WITHDRAW:
                told = following.NEVER_HAD_IT if number % 2 else following.BY_CHANNEL
                self.change(
                    lambda v, e=errand, t=told: following.withdrawn(v.case, e.service, e.referral, t, at)
                )
            elif errand.kind is ErrandKind.INFORM and errand.question is not None:
                self.change(
                    lambda v, e=errand: informing.passed_on(
                        v.case, e.service, e.question, "channel", at + 100 * SECOND, (at + 9 * SECOND,), at
                    )
                )

    def remind(self, service: str, number: int) -> None:
        if service in {r.terms.service for r in self.view.referrals}:
            self.change(lambda v: following.reminded(v.case, service, number, "channel", self.now))

    def trouble(self, service: str, number: int) -> None:
        if service in {r.terms.service for r in self.view.referrals}:
            self.change(lambda v: following.troubled(v.case, service, f"away {number}", self.now))

    def move_deadline(self, service: str, number: int) -> None:
        if service in {r.terms.service for r in self.view.referrals}:
            moved = DeadlineMoved(due_at=self.now + 50 * SECOND, reason="ill", by="customs")
            self.event(EventType.DEADLINE_MOVED, moved, service)

    def revive(self, service: str, number: int) -> None:
        """A person has it tried, looked up or submitted anew; a look-up is answered."""
        if service not in {r.terms.service for r in self.view.referrals}:
            return
        asks = {"by": "kim", "reason": "so", "at": self.now}
        steps: list[Callable[[DeclarationView], Sequence[NewEvent]]] = [
            lambda v: reviving.retry(v, service, **asks),  # type: ignore[arg-type]
            lambda v: reviving.look_up(v, service, **asks),  # type: ignore[arg-type]
            lambda v: reviving.resend(v, service, version=f"v{number}", **asks),  # type: ignore[arg-type]
            lambda v: reviving.looked_up(
                v, service, v.case.referral(service).look_up, Found.NOT_FOUND, None, self.now
            ),
        ]
        self.change(steps[number % 4])

    # --- the declarant --------------------------------------------------------------------------------

    def amend(self, service: str, number: int) -> None:
        view = self.view
        kept = tuple(s for place, s in enumerate(SERVICES) if number >> place & 1)
        lodged = sample.declaration(
            lrn=self.accepted.declaration.lrn, consignment={"ucr": f"6KR{number}-{view.case.version}"}
        )
        new = of_policy(
            sample.acceptance(*kept, lodged=lodged, mrn=self.mrn, at=self.now, answers=Answers.POLL),
            version=view.case.version + 1,
        )
        digests = {s: ("same", "same" if number & 8 and s == service else "other") for s in SERVICES}
        sent = {r.terms.service: r.sent_at is not None for r in view.referrals}
        abilities = {FOOD: ("amend",)}
        self.change(
            lambda v: amend(v, new, digests=digests, abilities=abilities, sent=sent),  # type: ignore[arg-type]
            acceptance=new,
        )

    def withdraw(self, service: str, number: int) -> None:
        withdrawal = Withdrawal(reason="sold", requested_at=self.now, by="customs")
        if number % 4 == 0:
            self.change(lambda v: withdraw(v, withdrawal))

    def answer(self, service: str, number: int) -> None:
        for referral in self.view.case.referrals:
            for question in referral.questions:
                said = Information(
                    id=f"A-{question.id}", request=question.id, text="so", given_at=self.now, by="customs"
                )
                name = referral.terms.service
                if number % 2:
                    self.store.put_information(self.mrn, name, said, {})
                    self.change(lambda v, s=name, i=said: informing.answer(v, s, i))
                else:
                    late = self.now + 1_000_000 * SECOND
                    self.change(lambda v, s=name, q=question, at=late: informing.expire(v.case, s, q.id, at))

    # --- customs --------------------------------------------------------------------------------------

    def inspect(self, service: str, number: int) -> None:
        party = InspectionParty(service=service, agency=AGENCY[service], items=(1,), decision="D")
        offered = Inspection(
            id=f"I{number % 2}",
            state=InspectionState.OFFERED,
            opens_at=self.now,
            closes_at=self.now + 10 * SECOND,
            place="",
            parties=(party,),
        )
        self.event(EventType.INSPECTION_OFFERED, offered)
        if number % 3:
            reported = InspectionReported(inspection=offered.id, decision="D-9")
            self.event(EventType.INSPECTION_REPORTED, reported, service)

    def cost(self, service: str, number: int) -> None:
        amount = Money(amount=Decimal(number), currency="KRW")
        self.change(lambda v: assess(v, amount, by="customs", at=self.now))
        if number % 2:
            cover = DutyCover(kind=CoverKind.PAYMENT, amount=amount, reference="P", at=self.now, by="customs")
            self.event(EventType.DUTIES_COVERED, cover)

    def conclude(self, service: str, number: int) -> None:
        """As the workflow would, hearing all there is."""
        view = self.view
        self.store.news(self.mrn, 0)
        self.store.mark_told(self.mrn, [d.id for r in view.referrals for d in r.decisions])
        if view.closed_at is None:
            self.store.record_clearance(
                self.mrn, settle(view.case), None, [], self.now, through=view.last_seq
            )

    def close(self, service: str, number: int) -> None:
        if number == 0:
            self.store.close_case(self.mrn, self.now)

    # --- laws -----------------------------------------------------------------------------------------

    def check(self) -> None:
        """What must be true after everything that happens."""
        view = self.view
        events = self.store.events(self.mrn, 0, 10_000)
        assert [event.seq for event in events] == list(range(1, view.last_seq + 1))
        assert without_words(view.case) == without_words(replayed(events)), self.took_place
        # A second hearing of the same events is no second event.
        assert without_words(replayed(twice(events))) == without_words(view.case)
        only = DeclarationFilter(lrn=self.accepted.declaration.lrn)
        [row] = self.store.page(only, None, 2).rows
        waiting = {
            r.terms.agency
            for r in view.case.referrals
            if view.closed_at is None and is_live(r) and r.state is not ReferralState.DECIDED
        }
        assert row.pending_agencies == tuple(sorted(waiting))
        for referral, kept in zip(view.case.referrals, view.referrals, strict=True):
            assert set(referral.decisions) <= set(kept.decisions)
            if referral.change is Change.RESUBMIT:
                assert referral.state is not ReferralState.WITHDRAWN


_ONCE = (
    EventType.DECISION_RECEIVED,
    EventType.DECLARATION_AMENDED,
    EventType.REFERRAL_RETRY_ASKED,
    EventType.REFERRAL_LOOK_UP_ASKED,
    EventType.REFERRAL_LOOKED_UP,
    EventType.REFERRAL_RESENT,
)


def twice(events: Sequence[Event]) -> Iterator[Event]:
    """Every event that changes nothing when it is heard again, heard again at once."""
    for event in events:
        yield event
        if event.type in _ONCE:
            yield event


def without_words(case: Case) -> Case:
    """
    The case without the troubles that are for people's eyes: how often the hub tries in vain is no event each
    time. Why a referral cannot be delivered is one.
    """
    return case.model_copy(
        update={
            "referrals": tuple(
                r if r.state is ReferralState.UNDELIVERABLE else r.model_copy(update={"trouble": None})
                for r in case.referrals
            )
        }
    )


def of_policy(accepted: Acceptance, version: int = 1) -> Acceptance:
    """With partial releases, and two days for the declarant to answer."""
    policy = accepted.case.policy.model_copy(update={"partial_release": True, "information_within": "2d"})
    case = accepted.case.model_copy(update={"policy": policy, "items": (1, 2), "version": version})
    return accepted.model_copy(update={"case": case, "clearance": settle(case)})


OPERATIONS = [
    Life.hand_over,
    Life.decide,
    Life.expire,
    Life.tell_agencies,
    Life.remind,
    Life.trouble,
    Life.move_deadline,
    Life.amend,
    Life.withdraw,
    Life.answer,
    Life.inspect,
    Life.cost,
    Life.conclude,
    Life.close,
    Life.revive,
]
_WEIGHTED = [*OPERATIONS, *[Life.hand_over, Life.decide, Life.tell_agencies, Life.amend, Life.revive] * 2]


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples: each has a declaration of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('replay') / 'hub.sqlite'}"
    upgrade(url)
    store = create_store(url, sync="normal")
    yield store
    store.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(_WEIGHTED), st.sampled_from(SERVICES), st.integers(0, 15)),
        min_size=4,
        max_size=14,
    )
)
def test_the_case_is_what_its_events_make_of_it(
    one_store: Store, steps: list[tuple[Callable[[Life, str, int], None], str, int]]
) -> None:
    """Hand-overs, decisions, amendments, questions, withdrawals, outcomes: after each, both agree."""
    accepted = of_policy(sample.acceptance(*SERVICES, answers=Answers.POLL))
    one_store.lodge(accepted)
    life = Life(one_store, accepted.mrn, accepted)
    for number, (operation, service, choice) in enumerate(steps, 1):
        life.now = T0 + number * SECOND
        life.took_place.append(f"{operation.__name__} {service} {choice}")
        operation(life, service, choice)
        life.check()


def test_a_whole_life_is_what_its_events_make_of_it(store: Store) -> None:
    """On each database: delivered, asked, answered, amended, resubmitted, decided in part, withdrawn."""
    accepted = of_policy(sample.acceptance(*SERVICES, answers=Answers.POLL))
    store.lodge(accepted)
    life = Life(store, accepted.mrn, accepted)
    question, approval, item_1 = 3, 0, 10
    for number, (operation, service, choice) in enumerate(
        [
            (Life.hand_over, PLANT, 0),
            (Life.hand_over, FOOD, 0),
            (Life.hand_over, RADIO, 2),
            (Life.decide, FOOD, question),
            (Life.answer, FOOD, 1),
            (Life.tell_agencies, FOOD, 0),
            (Life.remind, PLANT, 1),
            (Life.cost, PLANT, 3),
            (Life.amend, PLANT, 7),
            (Life.decide, PLANT, approval),
            (Life.tell_agencies, PLANT, 0),
            (Life.hand_over, PLANT, 0),
            (Life.decide, PLANT, approval),
            (Life.expire, RADIO, 0),
            (Life.inspect, FOOD, 1),
            (Life.conclude, PLANT, 0),
            (Life.decide, FOOD, item_1),
            (Life.amend, FOOD, 2),
            (Life.tell_agencies, FOOD, 0),
            (Life.amend, FOOD, 7),
            (Life.withdraw, PLANT, 0),
            (Life.tell_agencies, PLANT, 1),
            (Life.conclude, PLANT, 0),
            (Life.close, PLANT, 0),
            (Life.decide, PLANT, approval),
        ],
        1,
    ):
        life.now = T0 + number * SECOND
        life.took_place.append(f"{operation.__name__} {service} {choice}")
        operation(life, service, choice)
        life.check()
    view = life.view
    assert not [said for said in life.took_place if said.startswith("refused")]
    assert (view.clearance.outcome, view.case.version) == (Outcome.WITHDRAWN, 4)
    assert {r.state for r in view.case.referrals} == {ReferralState.WITHDRAWN}
    assert store.counts()["open_polls"] == 0
    kinds = {event.type for event in store.events(life.mrn, 0, 1000)}
    assert {EventType.DECISION_SUPERSEDED, EventType.DECISION_LATE, EventType.INFORMATION_PASSED_ON} <= kinds


def test_what_is_amended_while_it_is_handed_over_is_told_once_more(store: Store) -> None:
    """The agency has the content of before, and the amendment is still to be told."""
    accepted = of_policy(sample.acceptance(PLANT))
    store.lodge(accepted)
    life = Life(store, accepted.mrn, accepted)
    [mark] = store.begin_hand_over(life.mrn, [PLANT], T0)
    life.amend(FOOD, 1)
    result = sample.delivered(life.mrn, PLANT)
    store.record_hand_overs(life.mrn, [result], T0 + SECOND)
    referral = life.view.case.referral(PLANT)
    assert mark.dossier.terms.revision == 1
    assert (referral.terms.revision, referral.delivered_revision) == (2, 1)
    assert (referral.state, referral.change) == (ReferralState.DELIVERED, Change.RESUBMIT)
    life.check()


def test_a_result_of_an_application_that_was_withdrawn_delivers_nothing(store: Store) -> None:
    """An attempt that was thought dead ends late: what it says of another id is no receipt of this one."""
    accepted = of_policy(sample.acceptance(PLANT))
    store.lodge(accepted)
    life = Life(store, accepted.mrn, accepted)
    life.hand_over(PLANT, 0)
    life.amend(FOOD, 1)
    life.tell_agencies(PLANT, 0)
    late = HandOver(
        referral=referral_id(life.mrn, PLANT),
        state=ReferralState.DECIDED,
        receipt=Receipt(reference="R-9", received_at=T0),
        decisions=(sample.decision(life.mrn, PLANT, at=T0 + 99 * SECOND),),
    )
    store.record_hand_overs(life.mrn, [late], T0 + 99 * SECOND)
    referral = life.view.case.referral(PLANT)
    assert (referral.state, referral.receipt, referral.decisions) == (ReferralState.PENDING, None, ())
    assert store.events(life.mrn, 0, 100)[-1].type is EventType.DECISION_SUPERSEDED
    life.check()


def test_what_is_submitted_anew_is_looked_up_first_and_polled_from_its_receipt_on(store: Store) -> None:
    """By the newer version, from the columns to the dossier; nothing is asked in between."""
    accepted = of_policy(sample.acceptance(PLANT, answers=Answers.POLL))
    store.lodge(accepted)
    life = Life(store, accepted.mrn, accepted)
    life.hand_over(PLANT, 0)
    [poll] = store.lease_polls(T0, 60 * SECOND, 10, [])
    life.change(lambda v: reviving.resend(v, PLANT, version="v2", by="kim", reason="lost", at=T0 + SECOND))
    life.check()
    store.finish_polls(life.mrn, [Polled(referral=poll.dossier.terms.id, next_at=T0 + SECOND)])
    assert store.lease_polls(T0 + 600 * SECOND, 60 * SECOND, 10, []) == []
    [mark] = store.begin_hand_over(life.mrn, [PLANT], T0 + 2 * SECOND, 0)
    assert mark.asked_again == 1
    [mark] = store.begin_hand_over(life.mrn, [PLANT], T0 + 2 * SECOND, 1)
    assert (mark.state, mark.sent_before, mark.sent_at) == (ReferralState.PENDING, True, T0)
    assert (mark.dossier.receipt, mark.dossier.terms.config_version) == (None, "v2")
    life.now = T0 + 3 * SECOND
    life.hand_over(PLANT, 0)
    life.check()
    [poll] = store.lease_polls(life.now, 60 * SECOND, 10, [])
    assert poll.dossier.terms.config_version == "v2"
    assert store.served("apqa")["v2"].open == 1


def test_an_order_that_another_has_taken_the_place_of_marks_nothing(store: Store) -> None:
    """What is tried anew need not be looked up first for the sake of what was never sent."""
    accepted = of_policy(sample.acceptance(PLANT))
    store.lodge(accepted)
    life = Life(store, accepted.mrn, accepted)
    life.revive(PLANT, 0)
    [mark] = store.begin_hand_over(life.mrn, [PLANT], T0, 0)
    assert (mark.asked_again, mark.sent_before) == (1, False)
    assert life.view.referrals[0].sent_at is None
    store.begin_hand_over(life.mrn, [PLANT], T0, 1)
    assert life.view.referrals[0].sent_at == T0
