"""Steps taken under lock: news they leave, versions they make, and what the workflow must have heard."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from hub.domain.clearance import Clearance, Outcome
from hub.domain.errors import CallbackRefused
from hub.domain.event_data import DutiesAssessed
from hub.domain.events import EventType, NewEvent
from hub.domain.intake import Acceptance
from hub.domain.life import NEWS, replayed
from hub.domain.model import Money
from hub.domain.names import referral_id
from hub.domain.referral import Answers, ReferralState, Verdict, Via
from hub.domain.settling import settle
from hub.domain.steps import StepRefused
from hub.domain.steps.amending import amend
from hub.domain.steps.duties import assess
from hub.domain.steps.following import amended as told_amended
from hub.domain.steps.following import withdrawn
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.ports import CaseOnRecord, DeclarationView, Recorded, Settled, Unheard
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

WON = Money(amount=Decimal(100), currency="KRW")
LATER = T0 + timedelta(days=1)


def lodge(store: Store, *services: str, answers: Answers = Answers.CALLBACK) -> Acceptance:
    accepted = sample.acceptance(*services, answers=answers)
    accepted = accepted.model_copy(update={"case": accepted.case.model_copy(update={"items": (1, 2)})})
    store.lodge(accepted)
    return accepted


def view_of(store: Store, mrn: str) -> DeclarationView:
    view = store.view(mrn)
    assert view is not None
    return view


def due(amount: Money = WON, at: int = 1) -> NewEvent:
    data = DutiesAssessed(amount=amount, by="customs").model_dump(mode="json")
    return NewEvent(at=T0 + at * SECOND, type=EventType.DUTIES_ASSESSED, data=data)


def version(
    accepted: Acceptance,
    number: int,
    *services: str,
    ucr: str = "6KRNEW",
    answers: Answers = Answers.CALLBACK,
) -> Acceptance:
    lodged = sample.declaration(lrn=accepted.declaration.lrn, consignment={"ucr": ucr})
    at = T0 + number * SECOND
    new = sample.acceptance(*services, lodged=lodged, mrn=accepted.mrn, at=at, answers=answers)
    return new.model_copy(
        update={"case": new.case.model_copy(update={"version": number, "items": (1, 2)}), "client": "broker"}
    )


def amended(
    store: Store, new: Acceptance, *, kept: Sequence[str] = (), abilities: Sequence[str] = ()
) -> None:
    digests = {r.terms.service: ("1", "1" if r.terms.service in kept else "2") for r in new.case.referrals}
    able = {r.terms.service: abilities for r in new.case.referrals}
    sent = {r.terms.service: r.sent_at is not None for r in view_of(store, new.mrn).referrals}
    store.change(
        new.mrn,
        lambda v: amend(v, new, digests=digests, abilities=able, sent=sent),  # type: ignore[arg-type]
        acceptance=new,
    )


# --- steps ----------------------------------------------------------------------------------------------


def test_a_step_sees_how_it_stands_and_its_events_are_recorded(store: Store) -> None:
    """And the case as they make it, at once."""
    mrn = lodge(store, PLANT).mrn
    seen: list[DeclarationView] = []

    def step(view: DeclarationView) -> list[NewEvent]:
        seen.append(view)
        return assess(view, WON, by="customs", at=T0 + SECOND)

    before = store.view(mrn)
    [event] = store.change(mrn, step)
    assert seen == [before]
    assert (event.seq, event.type, event.mrn) == (2, EventType.DUTIES_ASSESSED, mrn)
    assert store.events(mrn, 1, 10) == [event]
    duties = view_of(store, mrn).case.duties
    assert duties is not None
    assert duties.amount == WON
    assert store.change(mrn, step) == []
    assert view_of(store, mrn).last_seq == 2


def test_a_step_that_is_refused_leaves_no_trace(store: Store) -> None:
    """Neither events nor exchanges; what it raised is passed on."""
    mrn = lodge(store, PLANT).mrn

    def refuse(view: DeclarationView) -> list[NewEvent]:
        raise StepRefused("closed", "it is closed")

    with pytest.raises(StepRefused, match="closed"):
        store.change(mrn, refuse, exchanges=[sample.exchange(mrn, PLANT)])
    assert (view_of(store, mrn).last_seq, store.exchanges(mrn)) == (1, [])
    with pytest.raises(KeyError):
        store.change("none", lambda view: [])


def test_what_was_said_with_a_step_is_recorded_also_when_nothing_happens(store: Store) -> None:
    """An agency that was told twice was told twice."""
    mrn = lodge(store, PLANT).mrn
    told = sample.exchange(mrn, PLANT, kind="remind")
    store.change(mrn, lambda view: [], exchanges=[told])
    assert store.exchanges(mrn) == [told]


def test_steps_at_the_same_time_see_each_other(store: Store) -> None:
    """Eight threads each count one on: none is lost."""
    mrn = lodge(store, PLANT).mrn
    start = threading.Barrier(8)

    def count(_: int) -> None:
        def step(view: DeclarationView) -> list[NewEvent]:
            duties = view.case.duties
            amount = duties.amount.amount if duties and duties.amount else Decimal(0)
            return [due(Money(amount=amount + 1, currency="KRW"))]

        start.wait()
        for _ in range(3):
            store.change(mrn, step)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(8)))
    duties = view_of(store, mrn).case.duties
    assert duties is not None
    assert duties.amount == Money(amount=Decimal(24), currency="KRW")
    assert [e.seq for e in store.events(mrn, 0, 100)] == list(range(1, 26))


def test_a_decision_by_a_step_is_a_decision(store: Store) -> None:
    """It has its row, waits to be told, and names what it was read from."""
    mrn = lodge(store, PLANT).mrn
    read_from = sample.exchange(mrn, PLANT)
    data = {
        "decision": "D-9",
        "verdict": "refused",
        "word": "no",
        "decided_at": "2026-03-02T01:30:01Z",
        "received_at": "2026-03-02T01:30:01Z",
        "via": "inspection",
        "exchange": read_from.id,
    }
    said = NewEvent(at=T0 + SECOND, type=EventType.DECISION_RECEIVED, service=PLANT, data=data)
    [event] = store.change(mrn, lambda view: [said], exchanges=[read_from])
    assert event.data["evidence"] == read_from.digest()
    assert store.change(mrn, lambda view: [said]) == []
    [(told, [decision])] = store.untold_messages(T0 + 99 * SECOND, 10)
    assert (told, decision.id, decision.referral, decision.via) == (
        mrn,
        "D-9",
        referral_id(mrn, PLANT),
        Via.INSPECTION,
    )
    assert view_of(store, mrn).case.referral(PLANT).state is ReferralState.DECIDED


# --- news -----------------------------------------------------------------------------------------------


def test_news_is_told_once_they_are_read(store: Store) -> None:
    """In order, from any place on; a reader whose answer was lost reads them again."""
    mrn, other = lodge(store, PLANT).mrn, lodge(store, PLANT).mrn
    for at, one in ((1, mrn), (2, other), (3, mrn)):
        amount = Money(amount=Decimal(at), currency="KRW")
        store.change(one, lambda view, amount=amount, at=at: [due(amount, at)])
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    assert store.untold_news(LATER, 10) == [mrn, other]
    assert store.untold_news(LATER, 1) == [mrn]
    assert store.untold_news(T0 + 2 * SECOND, 10) == [mrn]
    assert [e.seq for e in store.news(mrn, 0)] == [2, 3]
    assert store.untold_news(LATER, 10) == [other]
    assert [e.seq for e in store.news(mrn, 0)] == [2, 3]
    assert [e.seq for e in store.news(mrn, 2)] == [3]
    assert all(e.type in NEWS for e in store.news(mrn, 0))
    store.drop_news(other)
    assert store.untold_news(LATER, 10) == []
    assert [e.seq for e in store.news(other, 0)] == [2]


def test_a_fact_that_comes_while_others_are_read_stays_untold(store: Store) -> None:
    """Only what a reader was given counts as told."""
    mrn = lodge(store, PLANT).mrn
    store.change(mrn, lambda view: [due()])
    store.change(mrn, lambda view: [due(Money(amount=Decimal(2), currency="KRW"))])
    # a reader that knows the first asks for what came after it, and is given the second
    assert [e.seq for e in store.news(mrn, 2)] == [3]
    store.change(mrn, lambda view: [due(Money(amount=Decimal(3), currency="KRW"))])
    assert store.news(mrn, 4) == []
    assert store.untold_news(LATER, 10) == []


def test_an_outcome_waits_until_every_fact_is_heard(store: Store) -> None:
    """Nothing is recorded; what is no news does not matter; without a number nobody looks."""
    mrn = lodge(store, PLANT).mrn
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    store.change(mrn, lambda view: [due()])
    hold, seq = sample.clearance(Outcome.HOLD), view_of(store, mrn).last_seq
    with pytest.raises(Unheard):
        store.record_clearance(mrn, hold, sample.notice(mrn, Outcome.HOLD), [], T0, through=seq - 1)
    with pytest.raises(Unheard):
        store.close_case(mrn, T0, through=seq - 1)
    view = view_of(store, mrn)
    assert (view.clearance.outcome, view.notice, view.closed_at, view.last_seq) == (
        Outcome.IN_PROGRESS,
        None,
        None,
        seq,
    )
    store.append_event(mrn, NewEvent(at=T0, type=EventType.NOTICE_DELAYED))
    store.record_clearance(mrn, hold, None, [], T0, through=seq)
    [settled] = store.events(mrn, seq + 1, 10)
    assert settled.data["through"] == seq
    store.change(mrn, lambda view: [due(Money(amount=Decimal(2), currency="KRW"))])
    store.record_clearance(mrn, sample.clearance(Outcome.REFUSAL), None, [], T0)
    store.close_case(mrn, T0)
    assert view_of(store, mrn).closed_at == T0


def test_an_outcome_waits_until_every_decision_is_told(store: Store) -> None:
    """A refusal on its way is not overtaken by a release."""
    mrn = lodge(store, PLANT).mrn
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    release, seq = settle(view_of(store, mrn).case), view_of(store, mrn).last_seq
    assert release.outcome is Outcome.RELEASE
    with pytest.raises(Unheard):
        store.record_clearance(mrn, release, None, [], T0, through=seq)
    store.mark_told(mrn, [d.id for r in view_of(store, mrn).referrals for d in r.decisions])
    store.record_clearance(mrn, release, None, [], T0, through=seq)
    assert view_of(store, mrn).clearance.outcome is Outcome.RELEASE


def test_what_is_settled_under_lock_is_recorded_as_it_was_settled(store: Store) -> None:
    """What settles sees the case as it stands; when it raises, nothing is recorded."""
    accepted = lodge(store, PLANT)
    mrn = accepted.mrn
    said = sample.decision(mrn, PLANT)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, said)], T0)
    last = view_of(store, mrn).last_seq
    notice = sample.notice(mrn, Outcome.RELEASE)

    def settled(on_record: CaseOnRecord) -> Settled:
        assert [decision.id for decision in on_record.case.referral(PLANT).decisions] == [said.id]
        assert on_record.ucr == accepted.declaration.consignment.ucr
        return Settled(clearance=settle(on_record.case), notice=notice, pending_agencies=())

    def refused(on_record: CaseOnRecord) -> Settled:
        raise RuntimeError("not reproduced")

    with pytest.raises(RuntimeError, match="not reproduced"):
        store.conclude(mrn, refused, T0, last)
    assert view_of(store, mrn).last_seq == last
    assert store.conclude(mrn, settled, T0, last) == Recorded(number=1, unsent=(notice,))
    view = view_of(store, mrn)
    assert (view.clearance.outcome, view.last_seq) == (Outcome.RELEASE, last + 1)
    assert store.unsent_notice(mrn) == notice
    with pytest.raises(KeyError):
        store.conclude("none", settled, T0, None)


def test_what_the_workflow_has_weighed_need_not_be_told(store: Store) -> None:
    """It concludes before it is noted that it was told: nothing is to be read, nor told, once more."""
    accepted = lodge(store, PLANT, FOOD)
    mrn = accepted.mrn
    said = {service: sample.decision(mrn, service) for service in (PLANT, FOOD)}
    store.receive(sample.message(said[PLANT]))
    store.receive(sample.message(said[FOOD], agency="mfds"))
    last = view_of(store, mrn).last_seq

    def settled(weighed: tuple[str, ...]) -> Callable[[CaseOnRecord], Settled]:
        return lambda on_record: Settled(
            clearance=settle(on_record.case),
            notice=None,
            pending_agencies=(),
            weighed=tuple((service, said[service].id) for service in weighed),
        )

    with pytest.raises(Unheard):
        store.conclude(mrn, settled((PLANT,)), T0, last)
    assert store.counts()["untold"] == 2
    store.conclude(mrn, settled((PLANT, FOOD)), T0, last)
    assert store.counts()["untold"] == 0
    # Whoever told it finds the workflow ended: it was heard all the same, and is not late.
    store.mark_told(mrn, [decision.id for decision in said.values()], late=True)
    assert view_of(store, mrn).last_seq == last + 1


def test_told_is_not_heard_yet(store: Store) -> None:
    """A refusal that was told while the release was on its way stops it all the same."""
    mrn = lodge(store, PLANT).mrn
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    release = settle(view_of(store, mrn).case)
    refusal = sample.decision(mrn, PLANT, Verdict.REFUSED, at=T0 + 2 * SECOND)
    store.receive(sample.message(refusal))
    view = view_of(store, mrn)
    store.mark_told(mrn, [d.id for r in view.referrals for d in r.decisions])
    with pytest.raises(Unheard):
        store.record_clearance(mrn, release, None, [], T0, through=view.last_seq)
    part = Clearance(outcome=Outcome.PARTIAL_RELEASE, final=False, reasons=(), released_items=(1,))
    with pytest.raises(Unheard):
        store.record_clearance(mrn, part, None, [], T0, through=view.last_seq)
    store.record_clearance(mrn, settle(view.case), None, [], T0, through=view.last_seq)
    assert view_of(store, mrn).clearance.outcome is Outcome.REFUSAL


# --- versions -------------------------------------------------------------------------------------------


def test_versions_are_kept(store: Store) -> None:
    """The newest is what is shown and put to agencies; lodging the first again is still the same."""
    accepted = lodge(store, PLANT)
    mrn = accepted.mrn
    [first] = store.versions_of(mrn)
    assert (first.version, first.by, first.lodged_at, first.declaration) == (
        1,
        "customs",
        T0,
        accepted.declaration,
    )
    second, third = version(accepted, 2, PLANT, ucr="6KR2"), version(accepted, 3, PLANT, FOOD, ucr="6KR3")
    amended(store, second)
    amended(store, third)
    versions = store.versions_of(mrn)
    assert [v.version for v in versions] == [1, 2, 3]
    assert versions[0] == first
    assert [v.declaration for v in versions[1:]] == [second.declaration, third.declaration]
    assert (versions[2].by, versions[2].lodged_at) == ("broker", T0 + 3 * SECOND)
    view = view_of(store, mrn)
    assert view.acceptance == third
    assert (view.case.version, [r.terms.service for r in view.referrals]) == (3, [PLANT, FOOD])
    [row] = store.page(sample.everything(), None, 10).rows
    assert (row.ucr, row.accepted_at, row.pending_agencies) == ("6KR3", T0, ("apqa", "mfds"))
    assert store.referral_file(mrn, FOOD).dossier.declaration == third.declaration
    again = store.lodge(accepted)
    assert again is not None
    assert again.same_content
    other = store.lodge(third.model_copy(update={"mrn": mrn}))
    assert other is not None
    assert not other.same_content
    with pytest.raises(KeyError):
        store.versions_of("none")


def test_what_an_amendment_leaves_out_is_asked_no_more(store: Store) -> None:
    """The consent of who is not concerned stands; lists show who is still awaited."""
    accepted = lodge(store, PLANT, FOOD, RADIO, answers=Answers.POLL)
    mrn = accepted.mrn
    results = [sample.delivered(mrn, s, reference=s) for s in (PLANT, FOOD)]
    store.record_hand_overs(mrn, results, T0)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    assert store.counts()["open_polls"] == 1
    amended(store, version(accepted, 2, PLANT), kept=[PLANT])
    case = view_of(store, mrn).case
    assert [(r.state.value, r.change.value) for r in case.referrals] == [
        ("decided", "none"),
        ("delivered", "withdraw"),
        ("withdrawn", "none"),
    ]
    assert (store.open_referrals(), store.counts()["open_polls"]) == ({}, 0)


def test_a_resubmitted_referral_begins_anew(store: Store) -> None:
    """Without what was sent, received and polled before; what is said of the old one counts for nothing."""
    accepted = lodge(store, PLANT, answers=Answers.POLL)
    mrn = accepted.mrn
    store.begin_hand_over(mrn, [PLANT], T0)
    result = sample.delivered(mrn, PLANT).model_copy(update={"sent": True})
    store.record_hand_overs(mrn, [result], T0)
    amended(store, version(accepted, 2, PLANT, answers=Answers.POLL))
    file = store.referral_file(mrn, PLANT)
    assert (file.referral.change.value, file.sent_at) == ("resubmit", T0)
    assert file.dossier.receipt is not None
    old = referral_id(mrn, PLANT)
    at = T0 + 3 * SECOND
    store.change(mrn, lambda v: withdrawn(v.case, PLANT, old, "channel", at))
    file = store.referral_file(mrn, PLANT)
    assert file.referral.terms.id == f"{old}.2"
    assert (file.referral.state, file.sent_at, file.dossier.receipt) == (ReferralState.PENDING, None, None)
    assert file.dossier.former == (old,)
    assert store.counts()["open_polls"] == 0
    crossed = sample.decision(mrn, PLANT, at=at)
    assert store.receive(sample.message(crossed, referral=old)).decisions == ()
    assert store.events(mrn, 0, 100)[-1].type is EventType.DECISION_SUPERSEDED
    [mark] = store.begin_hand_over(mrn, [PLANT], at)
    assert (mark.sent_before, mark.dossier.terms.id) == (False, f"{old}.2")
    anew = sample.delivered(mrn, PLANT, reference="R-2", at=at)
    store.record_hand_overs(
        mrn, [anew.model_copy(update={"referral": f"{old}.2", "revision": 2})], at + SECOND
    )
    assert store.next_poll_at() == at + SECOND
    new = sample.decision(mrn, PLANT, at=at + SECOND).model_copy(update={"referral": f"{old}.2"})
    assert [d.revision for d in store.receive(sample.message(new)).decisions] == [2]
    assert view_of(store, mrn).case.referral(PLANT).state is ReferralState.DECIDED


def test_an_id_that_a_referral_never_had_is_refused(store: Store) -> None:
    """A message about a revision that does not exist is about no referral of the agency."""
    mrn = lodge(store, PLANT).mrn
    stray = sample.decision(mrn, PLANT).model_copy(update={"referral": f"{referral_id(mrn, PLANT)}.7"})
    with pytest.raises(CallbackRefused):
        store.receive(sample.message(stray))


def test_what_is_withdrawn_is_awaited_no_more(store: Store) -> None:
    """Who never had it need not be told; what an agency decides after that is late."""
    mrn = lodge(store, PLANT, FOOD).mrn
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    withdrawal = Withdrawal(reason="sold", requested_at=T0 + SECOND, by="customs")
    store.change(mrn, lambda view: withdraw(view, withdrawal))
    file = store.referral_file(mrn, PLANT)
    assert (file.withdrawal, file.referral.change.value) == (withdrawal, "withdraw")
    assert view_of(store, mrn).case.referral(FOOD).state is ReferralState.WITHDRAWN
    assert store.open_referrals() == {}
    assert store.receive(sample.message(sample.decision(mrn, PLANT, at=T0 + 2 * SECOND))).decisions == ()
    assert store.events(mrn, 0, 100)[-1].type is EventType.DECISION_LATE
    assert store.untold_messages(LATER, 10) == []


def test_what_is_said_of_goods_that_have_gone_is_late(store: Store) -> None:
    """Of others it counts."""
    mrn = lodge(store, PLANT).mrn
    part = Clearance(outcome=Outcome.PARTIAL_RELEASE, final=False, reasons=(), released_items=(1,))
    store.record_clearance(mrn, part, sample.notice(mrn, Outcome.PARTIAL_RELEASE), [], T0)
    assert view_of(store, mrn).case.released == (1,)
    gone = sample.decision(mrn, PLANT, Verdict.REFUSED, items=(1,))
    assert store.receive(sample.message(gone)).decisions == ()
    here = sample.decision(mrn, PLANT, Verdict.REFUSED, items=(1, 2))
    assert len(store.receive(sample.message(here)).decisions) == 1
    kinds = [e.type for e in store.events(mrn, 2, 10)]
    assert kinds == [EventType.DECISION_LATE, EventType.DECISION_RECEIVED]


def test_customs_own_control_stands_from_the_first(store: Store) -> None:
    """What the risk channel calls for is a decision that is known and told with the acceptance."""
    accepted = sample.acceptance(PLANT, answers=Answers.DOOR)
    demand = sample.decision(accepted.mrn, PLANT, Verdict.INSPECTION_REQUIRED, via=Via.RISK)
    [referral] = accepted.case.referrals
    controlled = referral.model_copy(
        update={
            "state": ReferralState.DELIVERED,
            "decisions": (demand,),
            "delivered_revision": 1,
            "delivered_at": T0,
        }
    )
    case = accepted.case.model_copy(update={"referrals": (controlled,)})
    accepted = accepted.model_copy(update={"case": case, "clearance": settle(case)})
    store.lodge(accepted)
    view = view_of(store, accepted.mrn)
    assert (view.case, view.clearance.outcome) == (case, Outcome.HOLD)
    assert store.untold_messages(LATER, 10) == []
    assert store.open_referrals() == {"apqa": 1}


def test_a_decision_names_what_it_was_read_from(store: Store) -> None:
    """By its hash: of the message as it is kept, of the exchange, or of what the poll says."""
    mrn = lodge(store, PLANT, FOOD, RADIO).mrn
    reply = sample.exchange(mrn, PLANT)
    said = sample.decision(mrn, PLANT).model_copy(update={"exchange": reply.id})
    result = sample.delivered(mrn, PLANT, said).model_copy(update={"exchanges": (reply,)})
    store.record_hand_overs(mrn, [result], T0)
    raw = '{"결과": "\x00"}'
    store.receive(sample.message(sample.decision(mrn, FOOD), agency="mfds", raw=raw))
    polled = sample.message(sample.decision(mrn, RADIO), agency="rra", raw="")
    store.receive(polled.model_copy(update={"evidence": "ab" * 32}))
    events = [e for e in store.events(mrn, 0, 10) if e.type is EventType.DECISION_RECEIVED]
    kept = hashlib.sha256('{"결과": "\ufffd"}'.encode()).hexdigest()
    assert [e.data["evidence"] for e in events] == [reply.digest(), kept, "ab" * 32]
    [recorded] = store.exchanges(mrn)
    assert recorded.digest() == reply.digest()


def test_what_was_recorded_before_there_was_more_to_record_reads_on(database_url: str) -> None:
    """Rows without the newer columns stand as they stood, and what happens to them next is recorded."""
    store = create_store(database_url)
    mrn = lodge(store, PLANT, FOOD).mrn
    store.record_hand_overs(mrn, [sample.delivered(mrn, s, reference=s) for s in (PLANT, FOOD)], T0)
    store.receive(sample.message(sample.decision(mrn, PLANT, Verdict.REFUSED)))
    before = view_of(store, mrn)
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        for statement in (
            "UPDATE declarations SET life = NULL",
            "UPDATE referrals SET life = NULL",
            "UPDATE decisions SET seq = NULL, set_aside = NULL",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
    assert view_of(store, mrn) == before
    store.receive(sample.message(sample.decision(mrn, FOOD), agency="mfds"))
    store.change(mrn, lambda view: [due()])
    case = view_of(store, mrn).case
    assert [(r.state, len(r.decisions)) for r in case.referrals] == [(ReferralState.DECIDED, 1)] * 2
    assert (case.items, case.duties is not None) == ((1, 2), True)
    store.close()


# --- what a decision says it is about -----------------------------------------------------------------------


def hand_over(store: Store, mrn: str) -> None:
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0 + SECOND)


def test_a_decision_that_says_what_it_is_about_counts_whenever_the_amendment_is_known(store: Store) -> None:
    """
    The answer to the amendment is lost; the agency decides; the amendment is told once more. A word about the
    old content is kept and counts for nothing, also with a later time.
    """
    first = lodge(store, PLANT)
    hand_over(store, first.mrn)
    amended(store, version(first, 2, PLANT), abilities=("amend",))
    old = sample.decision(first.mrn, PLANT, at=T0 + 90 * SECOND).model_copy(update={"about": 1})
    new = sample.decision(first.mrn, PLANT, at=T0 + 9 * SECOND).model_copy(update={"about": 2})
    for said in (old, new):
        store.receive(sample.message(said, at=T0 + 9 * SECOND))
    referral = view_of(store, first.mrn).case.referral(PLANT)
    assert referral.state is ReferralState.DELIVERED
    store.change(first.mrn, lambda v: told_amended(v.case, PLANT, 2, None, T0 + 60 * SECOND))
    view = view_of(store, first.mrn)
    referral = view.case.referral(PLANT)
    assert referral.state is ReferralState.DECIDED
    assert [(d.id, d.revision, d.about) for d in referral.decisions] == [(new.id, 2, 2)]
    said_so = {
        e.data["decision"]: (e.type, e.data["about"])
        for e in store.events(first.mrn, 0, 99)
        if "about" in e.data
    }
    assert said_so == {
        old.id: (EventType.DECISION_SUPERSEDED, 1),
        new.id: (EventType.DECISION_RECEIVED, 2),
    }
    assert replayed(store.events(first.mrn, 0, 99)) == view.case


@pytest.mark.parametrize("by_reply", [False, True])
def test_a_decision_about_a_revision_that_nobody_was_told_of_counts_for_nothing(
    store: Store, by_reply: bool
) -> None:
    """In a message or in a reply, the referral says why it goes on waiting."""
    first = lodge(store, PLANT)
    said = sample.decision(first.mrn, PLANT, via=Via.REPLY if by_reply else Via.CALLBACK)
    said = said.model_copy(update={"about": 2})
    if by_reply:
        result = sample.delivered(first.mrn, PLANT).model_copy(update={"decisions": (said,)})
        store.record_hand_overs(first.mrn, [result], T0 + SECOND)
    else:
        hand_over(store, first.mrn)
        store.receive(sample.message(said))
    referral = view_of(store, first.mrn).case.referral(PLANT)
    assert (referral.state, referral.decisions) == (ReferralState.DELIVERED, ())
    assert "speaks of revision 2 of the application" in (referral.trouble or "")
    kinds = [event.type for event in store.events(first.mrn, 0, 99)]
    assert EventType.MESSAGE_NOT_UNDERSTOOD in kinds
    assert EventType.DECISION_RECEIVED not in kinds
