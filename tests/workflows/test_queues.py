"""Agencies that are paused or fail, and what people have tried again, on a real engine that skips time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType as EngineEvent
from temporalio.client import WorkflowHandle

from hub.domain.clearance import Outcome
from hub.domain.errors import AgencyPaused, AgencyRefused, AgencyUnavailable, InDoubt
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Dossier, Submission
from hub.domain.intake import Acceptance
from hub.domain.referral import ReferralState, Verdict
from hub.domain.steps import StepRefused, reviving
from hub.ports import ControlState, DeclarationView
from hub.workflows.clearance import ClearanceWorkflow
from tests.workflows.support import (
    Attempt,
    Bench,
    acceptance,
    approves,
    decision,
    looking_up,
    raises,
    receipt,
    takes,
    waits_for,
)

HOUR = timedelta(hours=1)
PLANT, ANIMAL, FOOD = "plant-import", "animal-import", "food-import"

Step = Callable[[DeclarationView], Sequence[NewEvent]]
Started = WorkflowHandle[ClearanceWorkflow, Outcome]


def down() -> AgencyUnavailable:
    """It has failed too often: its breaker is open."""
    error = AgencyUnavailable("connection refused", exchanges=())
    error.failing = True
    return error


def asks(bench: Bench, what: str, service: str = PLANT, **more: str) -> Step:
    """What a person asks for."""

    def step(view: DeclarationView) -> Sequence[NewEvent]:
        said = {"by": "kim", "reason": "the agency says so", "at": bench.now()}
        asked: Sequence[NewEvent] = getattr(reviving, what)(view, service, **said, **more)
        return asked

    return step


async def activities(handle: Started) -> Counter[str]:
    """How many of each the workflow has begun."""
    history = await handle.fetch_history()
    return Counter(
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    )


async def at_rest(handle: Started) -> None:
    """Wait until the workflow has heard how everything it has begun ended, and waits for something new."""
    while True:
        begun: Counter[str] = Counter()
        async for event in handle.fetch_history_events():
            kind = EngineEvent.Name(event.event_type).removeprefix("EVENT_TYPE_")
            task, _, what = kind.rpartition("_TASK_")
            begun[task] += {"SCHEDULED": 1, "COMPLETED": -1, "FAILED": -1, "TIMED_OUT": -1}.get(what, 0)
        if not any(begun.values()):
            return
        await asyncio.sleep(0.05)


def has(event: str) -> Callable[[list[str]], bool]:
    """Whether that has happened."""
    return lambda told: event in told


# --- the queue ----------------------------------------------------------------------------------------------


async def test_a_paused_agency_is_asked_when_it_is_resumed_and_others_meanwhile(bench: Bench) -> None:
    """Not one attempt is made, and it is told once."""
    accepted = acceptance("010101", "020202")
    await bench.pause("plant")
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"decision.received:{ANIMAL}" in told)
        await bench.sleep(40 * HOUR)
        told = await bench.until(accepted.mrn, lambda told: True)
        assert told.count(f"referral.delayed:{PLANT}") == 1
        assert bench.agencies.submitted == [ANIMAL]
        [waiting] = bench.store.queued("plant", 10)
        assert (waiting.service, waiting.due_at) == (PLANT, accepted.case.referral(PLANT).terms.due_at)
        await bench.resume("plant")
        assert await handle.result() is Outcome.RELEASE
        assert await activities(handle) == {"submit_referral": 1}
    assert bench.agencies.submitted == [ANIMAL, PLANT]
    assert bench.store.queued("plant", 10) == []


async def test_what_waits_in_a_queue_is_submitted_though_its_time_has_passed(bench: Bench) -> None:
    """Deadlines go on while an agency is paused; what it says late still lifts the hold."""
    accepted = acceptance("010101")
    await bench.pause("plant")
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        await bench.sleep(49 * HOUR)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.resume("plant")
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT]


async def test_one_is_let_through_to_see_and_then_the_queue_goes_out(bench: Bench) -> None:
    """It fails; three that are lodged meanwhile wait; the first probe fails, the next does not."""
    bench.agencies.scripts = {PLANT: [raises(down()), raises(InDoubt("no answer")), approves]}
    first = acceptance("010101")
    async with bench.working():
        handles = [await bench.start(first)]
        await bench.until(first.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        assert bench.store.controls()["plant"].state is ControlState.FAILING
        others = [acceptance("010101") for _ in range(3)]
        for each in others:
            handles.append(await bench.start(each))
            await bench.until(each.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        await bench.sleep(timedelta(seconds=2))
        await waiting(bench, 4)
        assert len(bench.agencies.submitted) == 1
        for attempts in (2, 3):
            due = bench.store.controls()["plant"].next_probe_at
            assert due is not None
            await bench.sleep(due - bench.now())
            await bench.drain.go_round()
            await bench.drain.go_round()
            while len(bench.agencies.submitted) < attempts:
                await asyncio.sleep(0.01)
            if attempts == 2:
                await failing_again(bench)
        await bench.until_open()
        for handle in handles:
            assert await handle.result() is Outcome.RELEASE
    assert len(bench.agencies.submitted) == 6
    assert bench.agencies.looked_up == [PLANT]


async def waiting(bench: Bench, count: int) -> None:
    """As many stand in the queue."""
    while len(bench.store.queued("plant", 10)) != count:
        await asyncio.sleep(0.01)


async def failing_again(bench: Bench) -> None:
    """The probe has been weighed, and what probed waits again."""
    while bench.store.controls()["plant"].probing:
        await asyncio.sleep(0.01)
    await bench.sleep(timedelta(seconds=2))
    await waiting(bench, 4)


async def test_who_is_told_to_go_on_before_it_is_put_off_goes_on(bench: Bench) -> None:
    """The agency is opened in the very moment in which an attempt finds it shut."""
    gate = asyncio.Event()
    shut = waits_for(gate, raises(AgencyPaused("plant is paused")))
    bench.agencies.scripts = {PLANT: [raises(AgencyUnavailable("refused")), shut, approves]}
    async with bench.working():
        handle = await bench.start(accepted := acceptance("010101"))
        await bench.until(accepted.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        await bench.sleep(timedelta(seconds=2))
        while len(bench.agencies.submitted) < 2:
            await asyncio.sleep(0.01)
        await handle.signal("go_on", [PLANT])
        gate.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT] * 3


async def test_a_signal_that_was_lost_is_made_up_for(bench: Bench) -> None:
    """Whoever let it go did not live to tell; and what needs nothing any more is dropped."""
    accepted, decided = acceptance("010101"), acceptance("010101")
    await bench.pause("plant")
    async with bench.working():
        handle = await bench.start(accepted)
        other = await bench.start(decided)
        for each in (accepted, decided):
            await bench.until(each.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        await bench.receive(decision(f"{decided.mrn}/{PLANT}"))
        assert await other.result() is Outcome.RELEASE
        bench.store.resume("plant", by="kim", reason="is back", at=bench.now())
        bench.skipped += timedelta(seconds=2)
        gone = bench.store.let_go("plant", bench.now(), bench.gate.pace("plant"))
        assert len(gone.referrals) == 2
        await bench.gate.look()
        for _ in range(3):
            bench.skipped += timedelta(minutes=5)
            await bench.drain.go_round()
        assert await handle.result() is Outcome.RELEASE
        await bench.until_open()
    assert bench.store.queued("plant", 10) == []


async def test_an_amendment_a_withdrawal_and_an_answer_wait_as_a_submission_does(bench: Bench) -> None:
    """The other agency is told at once."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {PLANT: [takes], ANIMAL: [takes]}
    async with bench.working():
        handle = await bench.start(accepted)
        for service in (PLANT, ANIMAL):
            await bench.until(accepted.mrn, has(f"referral.delivered:{service}"))
        await bench.pause("plant")
        await bench.amend(accepted, "010101", "020202", mass=7)
        await bench.until(accepted.mrn, lambda told: f"referral.delayed:{PLANT}" in told)
        await bench.until(accepted.mrn, lambda told: f"referral.amended:{ANIMAL}" in told)
        await bench.sleep(HOUR)
        assert [what for what, service, _ in bench.agencies.told if service == PLANT] == []
        await bench.resume("plant")
        await bench.until(accepted.mrn, lambda told: f"referral.amended:{PLANT}" in told)
        await bench.pause("plant")
        await bench.withdraw(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.withdrawn:{ANIMAL}" in told)
        await waiting(bench, 1)
        await bench.sleep(HOUR)
        await bench.resume("plant")
        assert await handle.result() is Outcome.WITHDRAWN
    assert [what for what, service, _ in bench.agencies.told if service == PLANT] == ["amend", "withdraw"]


# --- tried now ----------------------------------------------------------------------------------------------


async def test_what_waits_for_its_next_attempt_is_tried_when_a_person_asks(bench: Bench) -> None:
    """No time passes; the attempt that it would have come to finds itself replaced."""
    refused = raises(AgencyUnavailable("connection refused", retry_after=7200))
    bench.agencies.scripts = {PLANT: [refused, refused, takes]}
    async with bench.working():
        handle = await bench.start(accepted := acceptance("010101"))
        while len(bench.agencies.submitted) < 2:
            await bench.sleep(timedelta(seconds=1))
        await bench.change(accepted, asks(bench, "retry"))
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{PLANT}" in told)
        assert bench.agencies.submitted == [PLANT] * 3
        await bench.sleep(3 * HOUR)
        assert bench.agencies.submitted == [PLANT] * 3
        with pytest.raises(StepRefused, match="nothing-waits"):
            await bench.change(accepted, asks(bench, "retry"))
        await bench.receive(decision(f"{accepted.mrn}/{PLANT}", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE


async def test_an_attempt_that_is_under_way_is_joined(bench: Bench) -> None:
    """A person asks while the agency takes its time: it is put there once."""
    gate = asyncio.Event()
    bench.agencies.scripts = {PLANT: [waits_for(gate, approves)]}
    async with bench.working():
        handle = await bench.start(accepted := acceptance("010101"))
        while not bench.agencies.submitted:
            await asyncio.sleep(0.01)
        await bench.change(accepted, asks(bench, "retry"))
        while (await activities(handle))["submit_referral"] < 2:
            await asyncio.sleep(0.05)
        gate.set()
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT]


async def test_what_was_left_to_people_is_tried_when_the_channel_has_learned_it(bench: Bench) -> None:
    """Withdrawn with another agency in one go, which is told once."""
    accepted = acceptance("010101", "020202")
    bench.agencies.scripts = {PLANT: [takes], ANIMAL: [takes]}
    can, bench.agencies.can = bench.agencies.can, frozenset()
    async with bench.working():
        handle = await bench.start(accepted)
        for service in (PLANT, ANIMAL):
            await bench.until(accepted.mrn, has(f"referral.delivered:{service}"))
        await bench.withdraw(accepted)
        for service in (PLANT, ANIMAL):
            await bench.until(accepted.mrn, has(f"referral.delayed:{service}"))
        await at_rest(handle)
        bench.agencies.can = can
        await bench.change(accepted, asks(bench, "retry"))
        assert await handle.result() is Outcome.WITHDRAWN
    assert sorted(bench.agencies.told) == [("withdraw", ANIMAL, 1), ("withdraw", PLANT, 1)]


# --- looked up ----------------------------------------------------------------------------------------------


def found(dossier: Dossier, *verdicts: Verdict) -> Submission:
    """What the agency shows when it is asked by our reference."""
    said = tuple(decision(dossier.terms.id, verdict) for verdict in verdicts)
    return Submission(receipt=receipt("R9"), decisions=said, exchanges=(looking_up(dossier),))


async def look(bench: Bench, accepted: Acceptance) -> dict[str, str]:
    """A person asks for it; what it has found."""
    await bench.change(accepted, asks(bench, "look_up"))
    await bench.until(accepted.mrn, lambda told: f"referral.looked_up:{PLANT}" in told)
    events = await asyncio.to_thread(bench.store.events, accepted.mrn, 0, 1000)
    return next(e.data for e in reversed(events) if e.type is EventType.REFERRAL_LOOKED_UP)


@pytest.mark.parametrize("late", [False, True], ids=["in time", "expired"])
async def test_a_look_at_the_agency_brings_what_it_has_decided(bench: Bench, late: bool) -> None:
    """It was delivered, and its callback was lost."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {PLANT: [takes]}
    bench.agencies.looks_up = True
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{PLANT}" in told)
        if late:
            await bench.sleep(49 * HOUR)
            await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        assert (await look(bench, accepted))["found"] == "not_found"
        dossier = await dossier_of(bench, accepted)
        bench.agencies.found[PLANT] = found(dossier, Verdict.APPROVED)
        await bench.change(accepted, asks(bench, "look_up"))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.looked_up == [PLANT] * 2
    assert bench.agencies.submitted == [PLANT]


async def test_what_was_turned_down_may_be_there_after_all(bench: Bench) -> None:
    """A person in the agency has entered it by hand; nothing is sent."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {PLANT: [raises(AgencyRefused("no such tariff line"))]}
    bench.agencies.looks_up = True
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        with pytest.raises(StepRefused, match="undeliverable"):
            await bench.change(accepted, asks(bench, "retry"))
        bench.agencies.found[PLANT] = found(await dossier_of(bench, accepted))
        assert (await look(bench, accepted))["found"] == "has_it"
        assert (await bench.case(accepted.mrn)).referral(PLANT).state is ReferralState.DELIVERED
        await bench.receive(decision(f"{accepted.mrn}/{PLANT}", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT]


async def test_a_doubt_is_looked_into_now_when_a_person_asks(bench: Bench) -> None:
    """And goes on to be settled as any doubt, where nothing is found."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {PLANT: [raises(InDoubt("no answer")), approves]}
    bench.agencies.looks_up = True
    bench.agencies.shows_after = HOUR
    async with bench.working():
        handle = await bench.start(accepted)
        while not bench.agencies.looked_up:
            await asyncio.sleep(0.01)
        assert (await look(bench, accepted))["found"] == "not_found"
        while len(bench.agencies.looked_up) < 3:
            await asyncio.sleep(0.01)
        assert bench.agencies.submitted == [PLANT]
        bench.passed(2 * HOUR)
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT] * 2
    assert bench.agencies.looked_up == [PLANT] * 4


async def test_where_nothing_can_be_looked_up_that_is_said(bench: Bench) -> None:
    """Its contract has no operation for it."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {PLANT: [takes]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{PLANT}" in told)
        assert (await look(bench, accepted))["found"] == "no_way"


async def dossier_of(bench: Bench, accepted: Acceptance) -> Dossier:
    file = await asyncio.to_thread(bench.store.referral_file, accepted.mrn, PLANT)
    return file.dossier


# --- submitted anew -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_it", [False, True], ids=["not there", "there"])
async def test_what_was_turned_down_is_submitted_anew_by_the_newest_file(bench: Bench, has_it: bool) -> None:
    """Looked up first: where the agency has it, nothing is sent."""
    accepted = acceptance("010101")
    versions: list[str] = []

    def noting(then: Attempt) -> Attempt:
        async def attempt(dossier: Dossier) -> Submission:
            versions.append(dossier.terms.config_version)
            return await then(dossier)

        return attempt

    bench.agencies.scripts = {PLANT: [noting(raises(AgencyRefused("bad element"))), noting(takes)]}
    bench.agencies.looks_up = True
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        if has_it:
            bench.agencies.found[PLANT] = found(await dossier_of(bench, accepted))
        await bench.change(accepted, asks(bench, "resend", version="v2"))
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{PLANT}" in told)
        await bench.receive(decision(f"{accepted.mrn}/{PLANT}", at=bench.now()))
        assert await handle.result() is Outcome.RELEASE
    assert versions == (["v1"] if has_it else ["v1", "v2"])
    assert bench.agencies.looked_up == [PLANT]
    assert (await bench.case(accepted.mrn)).referral(PLANT).terms.config_version == "v2"


@pytest.mark.parametrize("late", [False, True], ids=["in time", "expired"])
async def test_what_the_agency_has_lost_is_submitted_anew(bench: Bench, late: bool) -> None:
    """It gave a receipt, and knows of nothing; its time may have passed since."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {PLANT: [takes, approves]}
    bench.agencies.looks_up = True
    async with bench.working():
        handle = await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: f"referral.delivered:{PLANT}" in told)
        if late:
            await bench.sleep(49 * HOUR)
            await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await bench.change(accepted, asks(bench, "resend", version="v1"))
        assert await handle.result() is Outcome.RELEASE
    assert bench.agencies.submitted == [PLANT] * 2
    assert bench.agencies.looked_up == [PLANT]
