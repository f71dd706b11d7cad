"""Everything that may happen to a declaration under way, on a real engine that skips time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from hub.domain import names
from hub.domain.case import Change, OnInformationExpiry
from hub.domain.certificates import Certificate, CertificateKey, CertificateStanding
from hub.domain.clearance import Outcome
from hub.domain.duties import CoverKind, DutyCover
from hub.domain.errors import AgencyRefused, AgencyUnavailable, InDoubt, NotUnderstood
from hub.domain.event_data import DutiesAssessed
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked, Dossier, Exchange, Message, Submission
from hub.domain.model import Measure, Money
from hub.domain.referral import OnExpiry, ReferralState, Verdict, Via
from hub.domain.risk import Channel
from hub.domain.steps import informing
from hub.domain.withdrawal import Withdrawal
from hub.ports import DeclarationView
from tests.workflows.support import (
    Bench,
    acceptance,
    approves,
    decision,
    raises,
    receipt,
    says,
    takes,
    waits_for,
)

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


async def answers(bench: Bench, mrn: str, service: str, *, told: bool = True) -> None:
    """The declarant answers the one question of a service."""
    [question] = (await bench.case(mrn)).referral(service).questions
    given = informing.information_of(question.id, "the papers", (), bench.now(), "test")
    await asyncio.to_thread(bench.store.put_information, mrn, service, given, {})

    def step(view: DeclarationView) -> list[NewEvent]:
        return informing.answer(view, service, given)

    await asyncio.to_thread(bench.store.change, mrn, step)
    if told:
        await bench.nudge(mrn)


# --- questions and clocks -----------------------------------------------------------------------------------


async def test_a_question_stops_the_clock_and_the_answer_lets_it_go_on(bench: Bench) -> None:
    """Forty-eight hours are the agency's own: what the declarant takes is not counted."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    plant = f"{accepted.mrn}/plant-import"
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(10 * HOUR)
        await bench.receive(decision(plant, Verdict.INFORMATION_REQUIRED, id="q1", at=bench.now()))
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.sleep(10 * DAY)
        await answers(bench, accepted.mrn, "plant-import")
        await bench.until(accepted.mrn, lambda told: "information.passed_on:plant-import" in told)
        await bench.sleep(37 * HOUR)
        told = await bench.until(accepted.mrn, lambda told: True)
        assert "referral.expired:plant-import" not in told
        await bench.sleep(2 * HOUR)
        await bench.until(accepted.mrn, lambda told: "referral.expired:plant-import" in told)
        await bench.receive(decision(plant, id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    [informed] = bench.agencies.informed
    assert (informed.request, informed.text) == ("q1", "the papers")


async def test_an_agency_without_an_ear_reads_the_answer_at_the_hub(bench: Bench) -> None:
    """Its contract has no operation for it: the answer lies ready, and its clock goes on."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INFORMATION_REQUIRED)]}
    bench.agencies.can = frozenset()
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await answers(bench, accepted.mrn, "plant-import")
        await bench.until(accepted.mrn, lambda told: "information.passed_on:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.told == []


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [(OnInformationExpiry.HOLD, Outcome.HOLD), (OnInformationExpiry.REFUSE, Outcome.REFUSAL)],
)
async def test_a_question_that_is_not_answered_in_time(
    bench: Bench, policy: OnInformationExpiry, outcome: Outcome
) -> None:
    """It goes on holding, or refuses, as the policy says; a late answer is still passed on."""
    accepted = acceptance("010101", information_within="5d", on_information_expiry=policy)
    bench.agencies.scripts = {"plant-import": [says(Verdict.INFORMATION_REQUIRED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.sleep(5 * DAY + HOUR)
        await bench.until(accepted.mrn, lambda told: "information.expired:plant-import" in told)
        if outcome is Outcome.REFUSAL:
            await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await answers(bench, accepted.mrn, "plant-import")
        await bench.until(accepted.mrn, lambda told: "information.passed_on:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    was_refused = Outcome.REFUSAL in bench.cargo.outcomes
    assert was_refused is (outcome is Outcome.REFUSAL)
    assert bench.cargo.outcomes[-1] is Outcome.RELEASE


async def test_an_agency_is_reminded_before_its_time_has_passed(bench: Bench) -> None:
    """Twice, each time once; the second time it is away for a while."""
    accepted = acceptance("010101", remind_before=("24h", "4h"))
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(25 * HOUR)
        await bench.until(accepted.mrn, lambda told: told.count("referral.reminded:plant-import") == 1)
        bench.agencies.away = {"plant-import": 2}
        await bench.sleep(20 * HOUR)
        await bench.until(accepted.mrn, lambda told: told.count("referral.reminded:plant-import") == 2)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert [what for what, _, _ in bench.agencies.told] == ["remind"] * 4
    assert (await bench.case(accepted.mrn)).referral("plant-import").reminded == 2


# --- amendments ---------------------------------------------------------------------------------------------


async def test_an_amendment_asks_only_whom_it_concerns(bench: Bench) -> None:
    """By the contract's own operation; the other's consent stands."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {"animal-import": [takes]}
    animal = f"{accepted.mrn}/animal-import"
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:animal-import" in told)
        await bench.receive(decision(animal, Verdict.REFUSED, id="old", at=bench.now()))
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.amend(accepted, "010101", "020303")
        await bench.until(accepted.mrn, lambda told: "referral.amended:animal-import" in told)
        late = decision(animal, Verdict.REFUSED, id="late", at=bench.now() - HOUR)
        await bench.receive(late)
        await bench.until(accepted.mrn, lambda told: "decision.superseded:animal-import" in told)
        await bench.receive(decision(animal, id="new", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.told == [("amend", "animal-import", 2)]
    assert bench.agencies.submitted.count("plant-import") == 1


async def test_what_is_decided_in_the_reply_to_an_amendment_counts(bench: Bench) -> None:
    """Also when the agency's clock is a little behind."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.REFUSED)]}

    async def approves_a_minute_ago(dossier: Dossier) -> Submission:
        at = bench.now() - timedelta(minutes=1)
        said = decision(f"{accepted.mrn}/plant-import", id="amended", at=at)
        return Submission(receipt=receipt(), decisions=(said.model_copy(update={"via": Via.REPLY}),))

    bench.agencies.amends = approves_a_minute_ago
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.amend(accepted, "010101", mass=2)
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.REFUSAL, Outcome.RELEASE]


async def test_without_an_operation_it_is_withdrawn_and_submitted_anew(bench: Bench) -> None:
    """Under a reference of its own; what was decided under the old one counts no more."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    bench.agencies.can = frozenset({Asked.WITHDRAW})
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.amend(accepted, "010101", mass=2)
        await bench.until(accepted.mrn, lambda told: told.count("referral.delivered:plant-import") == 2)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="old", at=bench.now()))
        await bench.until(accepted.mrn, lambda told: "decision.superseded:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import.2", id="new", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.told == [("withdraw", "plant-import", 2)]
    assert bench.agencies.submitted == ["plant-import", "plant-import"]
    assert (await bench.case(accepted.mrn)).referral("plant-import").terms.id.endswith("/plant-import.2")


async def test_an_agency_that_was_never_reached_is_sent_the_new_content(bench: Bench) -> None:
    """It was never told the old: nothing is amended."""
    accepted = acceptance("010101")
    seen: list[tuple[str, Decimal | None]] = []
    is_open = asyncio.Event()

    async def notes(dossier: Dossier) -> Submission:
        if not is_open.is_set():
            raise AgencyUnavailable("closed")
        seen.append((dossier.terms.id, dossier.declaration.items[0].net_mass_kg))
        return await approves(dossier)

    bench.agencies.scripts = {"plant-import": [notes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.amend(accepted, "010101", mass=2)
        is_open.set()
        assert await handle.result() is Outcome.RELEASE
    # Under another id where the amendment found an attempt under way.
    assert [mass for _, mass in seen] == [Decimal(2)]
    assert bench.agencies.told == []


async def test_an_amendment_settles_a_doubt_first(bench: Bench) -> None:
    """Sent without an answer: the agency is found to have the old content, and is given the new."""
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, raises(InDoubt("no answer")))]}
    bench.agencies.looks_up = True
    bench.agencies.found = {"plant-import": Submission(receipt=receipt())}
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.amend(accepted, "010101", mass=2)
        gate.set()
        await bench.until(accepted.mrn, lambda told: "referral.amended:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import"]
    assert bench.agencies.told == [("amend", "plant-import", 2)]


async def test_a_receipt_that_a_decision_overtook_is_asked_for_before_the_agency_is_told(
    bench: Bench,
) -> None:
    """
    The answer to the submission was lost, and the decision came by itself: what the agency is told next is
    about a number that only its receipt tells. It is had by the key, as in doubt.
    """
    accepted = acceptance("010101")
    referral = f"{accepted.mrn}/plant-import"
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, raises(InDoubt("no answer"))), takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.receive(decision(referral, Verdict.REFUSED))
        gate.set()
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.amend(accepted, "010101", mass=2)
        await bench.until(accepted.mrn, lambda told: "referral.amended:plant-import" in told)
        await bench.receive(decision(referral, id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import", "plant-import"]
    assert bench.agencies.told == [("amend", "plant-import", 2)]
    assert (await bench.case(accepted.mrn)).referral("plant-import").receipt is not None


async def test_what_never_arrived_is_not_amended_but_submitted(bench: Bench) -> None:
    """Looked up, not found: the new content goes out under a reference of its own."""
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, raises(InDoubt("no answer"))), takes]}
    bench.agencies.looks_up = True
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.amend(accepted, "010101", mass=2)
        gate.set()
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import.2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.told == []
    assert bench.agencies.submitted == ["plant-import", "plant-import"]


async def test_what_an_agency_may_have_kept_is_looked_for_before_it_is_asked_anew(bench: Bench) -> None:
    """Its answer could not be read: it has the application, and is not to have a second one."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(NotUnderstood("a word that nobody knows"))]}
    bench.agencies.looks_up = True
    bench.agencies.found = {"plant-import": Submission(receipt=receipt())}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.undeliverable:plant-import" in told)
        await bench.amend(accepted, "010101", mass=2)
        await bench.until(accepted.mrn, lambda told: "referral.amended:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import"]
    assert bench.agencies.told == [("amend", "plant-import", 2)]


async def test_what_an_agency_turned_down_and_does_not_have_is_submitted_as_it_is_now(bench: Bench) -> None:
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(AgencyRefused("no such firm")), takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.undeliverable:plant-import" in told)
        await bench.amend(accepted, "010101", mass=2)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import.2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import", "plant-import"]
    assert bench.agencies.told == []


async def test_an_amendment_adds_and_removes_agencies(bench: Bench) -> None:
    """Who is not needed any more is told, and does not hold up the release; the workflow ends after it."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {"plant-import": [takes], "animal-import": [takes]}
    bench.agencies.away = {"animal-import": 5}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(
            accepted.mrn,
            lambda told: {"referral.delivered:plant-import", "referral.delivered:animal-import"} <= {*told},
        )
        await bench.amend(accepted, "010101", "030303")
        await bench.until(accepted.mrn, lambda told: "decision.received:food-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    case = await bench.case(accepted.mrn)
    assert case.referral("animal-import").state is ReferralState.WITHDRAWN
    assert bench.agencies.told[-1] == ("withdraw", "animal-import", 1)


# --- withdrawals --------------------------------------------------------------------------------------------


async def test_a_withdrawal_is_told_to_everybody_however_long_one_is_away(bench: Bench) -> None:
    """In the reverse order; the cargo system hears at once; nobody waits for who is away."""
    accepted = acceptance("010101", "020202", "030303")
    bench.agencies.scripts = {
        "plant-import": [takes],
        "animal-import": [takes],
        "food-import": [raises(AgencyUnavailable("closed"))],
    }
    bench.agencies.away = {"animal-import": 40}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(
            accepted.mrn,
            lambda told: {"referral.delivered:plant-import", "referral.delivered:animal-import"} <= {*told},
        )
        await bench.until(accepted.mrn, lambda told: "referral.delayed:food-import" in told)
        await bench.withdraw(accepted)
        told = await bench.until(accepted.mrn, lambda told: "referral.withdrawn:plant-import" in told)
        assert "referral.withdrawn:food-import" in told
        assert "referral.withdrawn:animal-import" not in told
        await bench.until(accepted.mrn, lambda told: "cargo.withdrawn" in told)
        assert await handle.result() is Outcome.WITHDRAWN
    assert bench.cargo.outcomes == [Outcome.WITHDRAWN]
    assert bench.agencies.told[:2] == [("withdraw", "animal-import", 1), ("withdraw", "plant-import", 1)]
    assert bench.agencies.told.count(("withdraw", "plant-import", 1)) == 1
    assert bench.agencies.told.count(("withdraw", "animal-import", 1)) == 41
    view = bench.store.view(accepted.mrn)
    assert view is not None
    assert view.closed_at is not None


async def test_a_withdrawal_and_a_release_do_not_both_win(bench: Bench) -> None:
    """On record before the approval, and not told: nothing is released."""
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, approves)]}
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.withdraw(accepted, told=False)
        gate.set()
        assert await handle.result() is Outcome.WITHDRAWN
    assert bench.cargo.outcomes == [Outcome.WITHDRAWN]
    assert bench.agencies.told == [("withdraw", "plant-import", 1)]


async def test_what_is_in_doubt_at_an_agency_without_look_up_is_settled_by_its_key(bench: Bench) -> None:
    """The first answer is had once more, and the application is withdrawn."""
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, raises(InDoubt("no answer"))), takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.withdraw(accepted)
        gate.set()
        assert await handle.result() is Outcome.WITHDRAWN
    assert bench.agencies.submitted == ["plant-import", "plant-import"]
    assert bench.agencies.told == [("withdraw", "plant-import", 1)]


async def test_an_agency_that_cannot_be_told_is_left_to_a_person(bench: Bench) -> None:
    """The hub says so once and waits; what the person records ends it."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    bench.agencies.can = frozenset()
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.withdraw(accepted)
        told = await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.sleep(3 * DAY)
        assert (await bench.case(accepted.mrn)).referral("plant-import").change is Change.WITHDRAW
        data = {"referral": f"{accepted.mrn}/plant-import", "told": "by_hand"}
        by_hand = NewEvent(
            at=bench.now(), type=EventType.REFERRAL_WITHDRAWN, service="plant-import", data=data
        )
        await bench.change(accepted, lambda view: [by_hand])
        assert await handle.result() is Outcome.WITHDRAWN
        told = await bench.until(accepted.mrn, lambda told: True)
        history = await handle.fetch_history()
    assert told.count("referral.delayed:plant-import") == 1
    begun = [e for e in history.events if e.HasField("activity_task_scheduled_event_attributes")]
    assert len(begun) <= 3


async def test_an_agency_that_turns_a_withdrawal_down_is_asked_again_in_an_hour(bench: Bench) -> None:
    """A person must look; it does not spin meanwhile."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    refusals = [AgencyRefused("too late"), AgencyRefused("too late")]

    async def withdraw(dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        if refusals:
            raise refusals.pop()
        return ()

    bench.agencies.withdraw = withdraw  # type: ignore[method-assign]
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.withdraw(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.sleep(3 * HOUR)
        assert await handle.result() is Outcome.WITHDRAWN
    assert refusals == []


# --- in parts, gates, inspections, certificates, control ------------------------------------------------


async def test_goods_go_in_parts_where_the_policy_lets_them(bench: Bench) -> None:
    """The cargo system is told of each part; what is refused after that is refused alone."""
    accepted = acceptance("010101", "020202", partial_release=True)
    bench.agencies.scripts = {"animal-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.partly_released" in told)
        await bench.receive(
            decision(f"{accepted.mrn}/animal-import", Verdict.INFORMATION_REQUIRED, id="q", at=bench.now())
        )
        await bench.until(accepted.mrn, lambda told: told.count("clearance.settled") >= 2)
        await bench.receive(decision(f"{accepted.mrn}/animal-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    notices = list(bench.cargo.notices.values())
    assert [(n.outcome, n.released_items) for n in notices] == [
        (Outcome.PARTIAL_RELEASE, (1,)),
        (Outcome.RELEASE, ()),
    ]


async def test_a_part_that_is_refused_ends_as_a_refusal_does(bench: Bench) -> None:
    """When the time in which the agency may change its mind has passed."""
    accepted = acceptance("010101", "020202", partial_release=True)
    bench.agencies.scripts = {"animal-import": [says(Verdict.REFUSED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.partly_released" in told)
        await bench.sleep(31 * DAY)
        assert await handle.result() is Outcome.PARTIAL_RELEASE


async def test_an_inspection_that_is_called_for_is_offered(bench: Bench) -> None:
    """Once; when the agency decides without it, it is taken back."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INSPECTION_REQUIRED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        told = await bench.until(accepted.mrn, lambda told: "inspection.offered" in told)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.receive(
            decision(f"{accepted.mrn}/plant-import", Verdict.REFUSED, id="d2", at=bench.now())
        )
        told = await bench.until(accepted.mrn, lambda told: "inspection.cancelled" in told)
        assert told.count("inspection.offered") == 1
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d3", at=bench.now() + HOUR))
        assert await handle.result() is Outcome.RELEASE


async def test_an_appointment_that_nobody_takes_is_offered_anew(bench: Bench) -> None:
    """When its window has passed, without anybody doing anything."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INSPECTION_REQUIRED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.until(accepted.mrn, lambda told: "inspection.offered" in told)
        await bench.sleep(8 * DAY)
        await bench.until(accepted.mrn, lambda told: told.count("inspection.offered") > 1)
        view = await asyncio.to_thread(bench.store.view, accepted.mrn)
        assert view is not None
        [inspection] = view.case.inspections
        assert inspection.opens_at > bench.now()
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now() + HOUR))
        assert await handle.result() is Outcome.RELEASE


async def test_nothing_goes_before_the_duties_are_covered(bench: Bench) -> None:
    """All consent; the release waits for the payment."""
    accepted = acceptance("010101", duty_gate=True)
    amount = Money(amount=Decimal("12.50"), currency="KRW")
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "decision.received:plant-import" in told)
        assessed = DutiesAssessed(amount=amount, by="customs").model_dump(mode="json")
        await bench.change(
            accepted, lambda view: [NewEvent(at=bench.now(), type=EventType.DUTIES_ASSESSED, data=assessed)]
        )
        paid = DutyCover(
            kind=CoverKind.PAYMENT, amount=amount, reference="P-1", at=bench.now(), by="customs"
        ).model_dump(mode="json")
        await asyncio.sleep(0.1)
        assert bench.cargo.outcomes == []
        await bench.change(
            accepted, lambda view: [NewEvent(at=bench.now(), type=EventType.DUTIES_COVERED, data=paid)]
        )
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.RELEASE]


async def test_what_is_left_of_a_certificate_goes_to_who_has_waited(bench: Bench) -> None:
    """Exhausted by one declaration, it holds another; what the first gives back releases the second."""
    certificate = Certificate(
        type="plant-permit", id="C1", agency="plant", quantity=Measure(value=Decimal(10), unit="KGM")
    )
    key = CertificateKey(type="plant-permit", id="C1")
    await asyncio.to_thread(bench.store.issue_certificate, certificate, "plant", datetime.now(UTC))

    async def standings() -> dict[CertificateKey, CertificateStanding]:
        return await asyncio.to_thread(bench.store.certificates, [key])

    first = acceptance("010101", "020202", permit="C1", mass=8, standings=await standings())
    bench.agencies.scripts = {"plant-import": [takes, approves], "animal-import": [takes]}
    async with bench.working():
        one = await bench.start(first)
        await bench.until(first.mrn, lambda told: "referral.delivered:animal-import" in told)
        second = acceptance(
            "010101", permit="C1", mass=8, standings=await standings(), now=datetime.now(UTC) + HOUR
        )
        other = await bench.start(second)
        await bench.until(second.mrn, lambda told: "cargo.held" in told)
        await bench.withdraw(first)
        await bench.until(first.mrn, lambda told: "referral.withdrawn:plant-import" in told)
        assert await asyncio.to_thread(bench.store.allot, bench.now(), 10) == [second.mrn]
        await bench.nudge(second.mrn)
        assert await other.result() is Outcome.RELEASE
        assert await one.result() is Outcome.WITHDRAWN
    standing = (await standings())[key]
    assert (standing.balance.written_off, standing.balance.available) == (Decimal(8), Decimal(2))


@pytest.mark.parametrize("channel", [Channel.YELLOW, Channel.RED])
async def test_customs_own_control_is_waited_for_and_put_to_no_agency(bench: Bench, channel: Channel) -> None:
    """The documents are asked for, or an inspection is offered; customs decides at the hub's door."""
    accepted = acceptance("010101", channel=channel)
    control = f"{accepted.mrn}/{names.CUSTOMS_CONTROL}"
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        if channel is Channel.YELLOW:
            await answers(bench, accepted.mrn, names.CUSTOMS_CONTROL)
            await bench.until(
                accepted.mrn, lambda told: f"information.passed_on:{names.CUSTOMS_CONTROL}" in told
            )
        else:
            await bench.until(accepted.mrn, lambda told: "inspection.offered" in told)
        approved = decision(control, id="by-hand", at=bench.now())
        message = Message(
            agency=names.CUSTOMS,
            message_id=approved.id,
            referral=control,
            decisions=(approved,),
            raw="",
            via=Via.DOOR,
            received_at=bench.now(),
        )
        received = await asyncio.to_thread(bench.store.receive, message)
        await bench.client.get_workflow_handle(names.workflow_id(accepted.mrn)).signal(
            names.SIGNAL_DECISIONS_RECEIVED, list(received.decisions)
        )
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import"]
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


async def test_an_agency_that_is_reached_after_its_time_may_still_lift_the_hold(bench: Bench) -> None:
    """Its time has passed before it was reached: it is asked all the same."""
    accepted = acceptance("010101", on_expiry=OnExpiry.DEEMED_APPROVED)
    gate = asyncio.Event()

    async def is_away_until(dossier: Dossier) -> Submission:
        if not gate.is_set():
            # Hundreds of attempts would tell nothing more.
            raise AgencyUnavailable("closed", retry_after=6 * 3600.0)
        return await approves(dossier)

    bench.agencies.scripts = {"plant-import": [is_away_until]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.sleep(49 * HOUR)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        gate.set()
        assert await handle.result() is Outcome.RELEASE
