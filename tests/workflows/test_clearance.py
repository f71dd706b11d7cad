"""The life of a declaration, on a real engine that skips time."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from hub.domain.clearance import Notice, Outcome
from hub.domain.declaration import MAX_GOODS_ITEMS
from hub.domain.errors import AgencyRefused, AgencyUnavailable, InDoubt, NotUnderstood
from hub.domain.exchange import Dossier, Submission
from hub.domain.referral import Answers, OnExpiry, Verdict
from hub.ports import Polled
from tests.store.sample import clearance, notice
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

FOUR = ("010101", "020202", "030303", "040404")


async def test_four_agencies_that_approve_in_the_reply_release_the_cargo(bench: Bench) -> None:
    """One burst asks everybody; the cargo system is told once; no timer is ever started."""
    accepted = acceptance(*FOUR)
    async with bench.working():
        handle = await bench.start(accepted)
        assert await handle.result() is Outcome.RELEASE
        assert bench.cargo.outcomes == [Outcome.RELEASE]
        history = await handle.fetch_history()
    kinds = [event.WhichOneof("attributes") for event in history.events]
    assert not [kind for kind in kinds if kind and "timer" in kind]
    assert len(history.events) <= 10
    view = bench.store.view(accepted.mrn)
    assert view is not None
    assert view.clearance.outcome is Outcome.RELEASE
    assert view.notice is not None
    assert view.notice.acknowledged_at is not None
    assert view.closed_at is not None


async def test_a_declaration_that_needs_no_agency_is_released(bench: Bench) -> None:
    """Nobody is asked, the cargo system is told."""
    async with bench.working():
        handle = await bench.start(acceptance("880000"))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == []
    assert bench.cargo.outcomes == [Outcome.RELEASE]


async def test_prohibited_goods_are_refused_and_nobody_is_asked(bench: Bench) -> None:
    """A prohibition is an outcome, and final."""
    async with bench.working():
        handle = await bench.start(acceptance("990000", "020202"))
        assert await handle.result() is Outcome.REFUSAL
    assert bench.agencies.submitted == []
    assert bench.cargo.outcomes == [Outcome.REFUSAL]


async def test_a_decision_by_callback_settles_what_waits(bench: Bench) -> None:
    """The agency takes it, and approves an hour later."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(timedelta(hours=1))
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE


async def test_approvals_that_come_one_after_the_other_wake_it_once(bench: Bench) -> None:
    """The last brings the others; with its only outcome the declaration is closed in the same go."""
    accepted = acceptance(*FOUR)
    services = [referral.terms.service for referral in accepted.case.referrals]
    bench.agencies.scripts = {service: [takes] for service in services}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{services[-1]}" in told)
        for service in services:
            await bench.receive(decision(f"{accepted.mrn}/{service}", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
        history = await handle.fetch_history()
    kinds = [event.WhichOneof("attributes") or "" for event in history.events]
    assert kinds.count("workflow_execution_signaled_event_attributes") == 1
    assert kinds.count("timer_canceled_event_attributes") == 0
    markers = [event.marker_recorded_event_attributes for event in history.events]
    done = {p.data for marker in markers for p in marker.details["data"].payloads}
    # Nobody has noted here that the decisions were told; they were weighed, so nothing is read once more.
    assert [b"conclude" in one for one in done].count(True) == 1
    assert not any(b"close_case" in one for one in done)
    view = bench.store.view(accepted.mrn)
    assert view is not None
    assert view.closed_at is not None


async def test_what_a_lost_task_has_said_is_not_taken_for_what_is_said_now(bench: Bench) -> None:
    """
    A worker died after it had recorded a hold, and before the engine knew. The workflow is begun once more
    and hears of an approval: its first notice is not the first.
    """
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, approves)]}
    lost = notice(accepted.mrn, Outcome.HOLD, at=bench.now())
    async with bench.working():
        handle = await bench.start(accepted)
        bench.store.record_clearance(accepted.mrn, clearance(Outcome.HOLD), lost, [], bench.now())
        gate.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


async def test_a_callback_that_overtakes_its_receipt_counts(bench: Bench) -> None:
    """The decision arrives while the submission is still under way."""
    accepted = acceptance("010101")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, takes)]}
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.receive(decision(f"{accepted.mrn}/plant-import"))
        gate.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import"]


async def test_a_deadline_that_passes_holds_and_a_late_approval_lifts_the_hold(bench: Bench) -> None:
    """A hold is not the end."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(timedelta(hours=49))
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


@pytest.mark.parametrize(
    ("on_expiry", "outcome"),
    [
        (OnExpiry.DEEMED_APPROVED, Outcome.RELEASE),
        (OnExpiry.DEEMED_REFUSED, Outcome.REFUSAL),
        (OnExpiry.ESCALATE, Outcome.HOLD),
    ],
)
async def test_what_silence_means_is_the_service_s_to_say(
    bench: Bench, on_expiry: OnExpiry, outcome: Outcome
) -> None:
    """Deemed approved, deemed refused, or handed to a person."""
    accepted = acceptance("010101", on_expiry=on_expiry)
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(timedelta(hours=49))
        told = await bench.until(accepted.mrn, lambda told: any(t.startswith("cargo.") for t in told))
    assert bench.cargo.outcomes == [outcome]
    assert ("referral.escalated:plant-import" in told) is (on_expiry is OnExpiry.ESCALATE)


async def test_a_refusal_that_found_no_door_open_is_heard_before_silence_is_consent(bench: Bench) -> None:
    """The whole hub was away when the time passed: it listens first, and only then is there silence."""
    accepted = acceptance("010101", on_expiry=OnExpiry.DEEMED_APPROVED, silence_counts_after="1h")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(timedelta(hours=50))
        refused = decision(f"{accepted.mrn}/plant-import", Verdict.REFUSED, at=bench.now())
        await bench.receive(refused)
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await handle.terminate()
    assert bench.cargo.outcomes == [Outcome.REFUSAL]


async def test_silence_is_consent_once_the_agency_has_been_heard(bench: Bench) -> None:
    """It has to be asked, and did not answer when its time passed: it is looked again by itself."""
    accepted = acceptance("010101", on_expiry=OnExpiry.DEEMED_APPROVED, silence_counts_after="10m")
    [referral] = accepted.case.referrals
    asked = referral.model_copy(update={"terms": referral.terms.model_copy(update={"answers": Answers.POLL})})
    case = accepted.case.model_copy(update={"referrals": (asked,)})
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        handle = await bench.start(accepted.model_copy(update={"case": case}))
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await asyncio.to_thread(bench.store.lease_polls, bench.now(), timedelta(days=30), 1, ())
        await bench.sleep(timedelta(hours=50))
        # It is asked at once, and not when it would have been.
        while (next_at := await asyncio.to_thread(bench.store.next_poll_at)) is None or next_at > bench.now():
            await asyncio.sleep(0.01)
        told = await bench.until(accepted.mrn, lambda told: True)
        assert "referral.expired:plant-import" not in told
        heard = Polled(referral=asked.terms.id, next_at=bench.now(), heard_at=bench.now())
        await asyncio.to_thread(bench.store.finish_polls, accepted.mrn, [heard])
        bench.passed(timedelta(hours=1))
        assert await handle.result() is Outcome.RELEASE
    told = await bench.until(accepted.mrn, lambda told: "cargo.released" in told)
    assert told.index("referral.expired:plant-import") < told.index("cargo.released")


async def test_nothing_is_deemed_of_an_agency_that_was_never_reached(bench: Bench) -> None:
    """Its time has not passed: it has not begun."""
    accepted = acceptance("010101", on_expiry=OnExpiry.DEEMED_APPROVED)
    # Asked every few hours only: hundreds of attempts would tell nothing more.
    away = AgencyUnavailable("connection refused", retry_after=6 * 3600.0)
    bench.agencies.scripts = {"plant-import": [raises(away)]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.sleep(timedelta(hours=49))
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
    assert bench.cargo.outcomes == [Outcome.HOLD]


async def test_an_agency_that_is_away_is_tried_until_it_is_back(bench: Bench) -> None:
    """The engine's retries, not ours; the others are not kept waiting."""
    accepted = acceptance(*FOUR)
    away = raises(AgencyUnavailable("connection refused"))
    bench.agencies.scripts = {"food-import": [away, away, away, approves]}
    async with bench.working():
        handle = await bench.start(accepted)
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted.count("food-import") == 4
    assert bench.agencies.submitted.count("plant-import") == 1


async def test_a_submission_in_doubt_is_looked_up_before_it_is_sent_again(bench: Bench) -> None:
    """The agency has it: nothing is sent twice."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(InDoubt("no answer"))]}
    bench.agencies.found = {
        "plant-import": Submission(receipt=receipt(), decisions=(decision(f"{accepted.mrn}/plant-import"),))
    }
    async with bench.working():
        handle = await bench.start(accepted)
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import"]
    assert bench.agencies.looked_up == ["plant-import"]


async def test_a_submission_in_doubt_that_the_agency_does_not_have_is_sent_again(bench: Bench) -> None:
    """Looked up, not found, sent."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(InDoubt("no answer")), approves]}
    async with bench.working():
        handle = await bench.start(accepted)
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == ["plant-import", "plant-import"]
    assert bench.agencies.looked_up == ["plant-import"]


async def test_a_request_slower_than_the_burst_is_joined_not_repeated(bench: Bench) -> None:
    """The budget runs out, the request goes on, its answer counts."""
    accepted = acceptance("010101", "020202")
    gate = asyncio.Event()
    bench.agencies.scripts = {"plant-import": [waits_for(gate, approves)]}
    async with bench.working():
        handle = await bench.start(accepted)
        told = await bench.until(accepted.mrn, lambda told: "decision.received:animal-import" in told)
        assert "referral.delivered:plant-import" not in told
        gate.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted.count("plant-import") == 1
    assert bench.agencies.looked_up == []


@pytest.mark.parametrize("error", [AgencyRefused("no such commodity"), NotUnderstood("unknown word 'HMM'")])
async def test_what_an_agency_s_system_turns_down_holds_the_cargo_and_is_not_repeated(
    bench: Bench, error: Exception
) -> None:
    """A person must look; the reason says at what."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(error)]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
    [notice] = bench.cargo.notices.values()
    assert [reason.remarks for reason in notice.reasons] == [str(error)]
    assert bench.agencies.submitted == ["plant-import"]


async def test_a_question_holds_and_the_approval_after_it_releases(bench: Bench) -> None:
    """information_required, then approved: the latest action time counts."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INFORMATION_REQUIRED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


async def test_a_refusal_may_be_revised_while_it_is_open(bench: Bench) -> None:
    """The agency changes its mind a week later."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.REFUSED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.sleep(timedelta(days=7))
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.REFUSAL, Outcome.RELEASE]


async def test_a_refusal_is_final_once_its_time_has_passed(bench: Bench) -> None:
    """Thirty days by policy; then the workflow ends."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.REFUSED)]}
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.sleep(timedelta(days=31))
        assert await handle.result() is Outcome.REFUSAL
    assert bench.cargo.outcomes == [Outcome.REFUSAL]


async def test_the_cargo_system_hears_every_notice_in_order_however_long_it_is_away(bench: Bench) -> None:
    """Held and released while it was down: it is told both, hold first."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INFORMATION_REQUIRED)]}
    bench.cargo.failures = [AgencyUnavailable("connection refused") for _ in range(6)]
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "notice.delayed" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]
    told = [event.type for event in bench.store.events(accepted.mrn, 0, 100)]
    assert told.index("cargo.held") < told.index("cargo.released")


async def test_a_notice_written_as_the_last_one_is_told_is_told_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever tells the hold has looked for more, in vain, when the release is written and left to him."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [says(Verdict.INFORMATION_REQUIRED)]}
    bench.cargo.failures = [AgencyUnavailable("connection refused")]
    looks, released = threading.Event(), threading.Event()
    look = bench.store.unsent_notice

    def looked(mrn: str) -> Notice | None:
        found = look(mrn)
        if found is None:
            looks.set()
            assert released.wait(20)
        return found

    monkeypatch.setattr(bench.store, "unsent_notice", looked)
    async with bench.working():
        handle = await bench.start(accepted)
        assert await asyncio.to_thread(looks.wait, 20)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", id="d2", at=bench.now()))
        await bench.until(accepted.mrn, lambda told: told.count("clearance.settled") == 2)
        released.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


async def test_a_decision_after_release_is_recorded_and_changes_nothing(bench: Bench) -> None:
    """It is flagged as late."""
    accepted = acceptance("010101")
    async with bench.working():
        handle = await bench.start(accepted)
        assert await handle.result() is Outcome.RELEASE
    from hub.domain.exchange import Message
    from hub.domain.referral import Via

    late = decision(f"{accepted.mrn}/plant-import", Verdict.REFUSED, id="late", at=bench.now())
    received = bench.store.receive(
        Message(
            agency="plant",
            message_id="late",
            referral=late.referral,
            decisions=(late,),
            raw="",
            via=Via.CALLBACK,
            received_at=late.received_at,
        )
    )
    assert received.decisions == ()
    assert bench.store.events(accepted.mrn, 0, 100)[-1].type == "decision.late"
    view = bench.store.view(accepted.mrn)
    assert view is not None
    assert view.clearance.outcome is Outcome.RELEASE


async def test_reasons_are_as_they_stand_now(bench: Bench) -> None:
    """A consent that does not change the outcome yet is told as a consent, not as awaited."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "decision.received:animal-import" in told)
        view = bench.store.view(accepted.mrn)
        assert view is not None
        assert {r.service: r.rule for r in view.reasons} == {
            "plant-import": "awaited",
            "animal-import": "consented",
        }


async def test_the_longest_declaration_settles_and_holds_up_nobody(bench: Bench) -> None:
    """As many goods items as may be, each named in the decision; a short one beside it is through."""
    long = acceptance(*["010101"] * MAX_GOODS_ITEMS)
    short = acceptance("020202", now=bench.now() + timedelta(seconds=1))

    async def names_every_item(dossier: Dossier) -> Submission:
        named = decision(dossier.terms.id, items=dossier.terms.items)
        return Submission(receipt=receipt(), decisions=(named,))

    bench.agencies.scripts = {"plant-import": [names_every_item]}
    async with bench.working():
        handles = [await bench.start(each) for each in (long, short)]
        assert [await handle.result() for handle in handles] == [Outcome.RELEASE, Outcome.RELEASE]
