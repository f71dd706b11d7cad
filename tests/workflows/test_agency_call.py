"""One call of an agency's own worker, on a real engine that skips time: however it ends, it ends well."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from hub.activities.agency_calls import AgencyCalls
from hub.activities.agency_messages import (
    AgencyAnswer,
    AgencyOrder,
    AgencyRequest,
    CallEnd,
    CallKind,
    PageContent,
    packed,
)
from hub.activities.heartbeats import HEARTBEAT
from hub.domain import names
from hub.domain.errors import AgencyUnavailable
from hub.domain.events import EventType
from hub.domain.exchange import Feed, FeedPage
from hub.workflows import agency_call
from hub.workflows.agency_call import AgencyCall
from tests.workflows.support import Bench, acceptance, approves, raises


class Empty:
    """An agency whose feed holds nothing."""

    async def pull_feed(self, agency: str, page: FeedPage | None) -> Feed:
        return Feed()


async def call(bench: Bench, *workers: Worker, late: bool = False) -> AgencyAnswer:
    """Put one request to the agency `plant`, whose workers these are."""
    now = await bench.env.get_current_time()
    order = AgencyOrder(
        request=AgencyRequest(
            agency="plant",
            kind=CallKind.PULL,
            about=None,
            begin_by=now + timedelta(seconds=-1 if late else 60),
            content=packed(PageContent(page=None)),
        ),
        worker_within=timedelta(seconds=1),
        answer_within=timedelta(seconds=30),
    )
    calls = Worker(
        bench.client,
        task_queue=names.CALLS_QUEUE,
        workflows=[AgencyCall],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    running = [asyncio.create_task(worker.run()) for worker in (calls, *workers)]
    try:
        handle = await bench.client.start_workflow(
            AgencyCall.run, order, id=names.call_id("plant", "pull"), task_queue=names.CALLS_QUEUE
        )
        bench.started.append(handle)  # type: ignore[arg-type]
        return await handle.result()
    finally:
        for worker in (calls, *workers):
            await worker.shutdown()
        await asyncio.gather(*running)


async def test_a_call_is_answered_by_the_agency_s_worker(bench: Bench) -> None:
    """The workflow waits for it and hands it on."""
    worker = Worker(
        bench.client,
        task_queue=names.agency_queue("plant"),
        activities=AgencyCalls("plant", Empty()).all(),  # type: ignore[arg-type]
    )
    answer = await call(bench, worker)
    assert answer.end is CallEnd.ANSWERED
    assert not answer.is_error


async def test_a_call_that_no_worker_takes_up_was_not_begun(bench: Bench) -> None:
    """After the time that a worker is given, and not after days."""
    answer = await call(bench)
    assert (answer.end, answer.why) == (CallEnd.NOT_BEGUN, "no worker of plant is at work")


async def test_a_call_that_the_engine_comes_to_too_late_is_not_begun(bench: Bench) -> None:
    """Whoever asked may be asking again by then."""
    answer = await call(bench, late=True)
    assert (answer.end, answer.why) == (CallEnd.NOT_BEGUN, "the engine came to it too late")


async def test_a_call_whose_worker_gives_no_sign_of_life_is_lost(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have sent what it was asked to send, so nothing is repeated."""
    monkeypatch.setattr(agency_call, "HEARTBEAT_TIMEOUT", HEARTBEAT)
    begun = []

    @activity.defn(name="call_agency")
    async def hangs(request: AgencyRequest) -> AgencyAnswer:
        begun.append(request)
        await asyncio.sleep(HEARTBEAT.total_seconds() * 60)
        raise AssertionError("cancelled before")

    worker = Worker(bench.client, task_queue=names.agency_queue("plant"), activities=[hangs])
    answer = await call(bench, worker)
    assert (answer.end, answer.why) == (CallEnd.LOST, "the worker of plant died, or was cut off")
    assert len(begun) == 1


async def test_a_call_whose_worker_fails_is_lost_and_says_why(bench: Bench) -> None:
    """A defect of ours there is no word of the agency's."""

    @activity.defn(name="call_agency")
    async def fails(request: AgencyRequest) -> AgencyAnswer:
        raise ValueError("no such thing")

    worker = Worker(bench.client, task_queue=names.agency_queue("plant"), activities=[fails])
    answer = await call(bench, worker)
    assert (answer.end, answer.why) == (CallEnd.LOST, "the worker of plant failed: no such thing")


async def test_an_agency_that_is_away_for_a_night_is_one_event(bench: Bench) -> None:
    """Asked again every five minutes, and told of once; the deadline does not move."""
    words = "plant is away: announced maintenance until 2026-03-02 04:00 (Asia/Seoul)"
    away = [raises(AgencyUnavailable(words, retry_after=300)) for _ in range(12)]
    bench.agencies.scripts["plant-import"] = [*away, approves]
    accepted = acceptance("010101")
    async with bench.working():
        began = await bench.env.get_current_time()
        handle = await bench.start(accepted)
        await handle.result()
        assert await bench.env.get_current_time() - began >= timedelta(minutes=55)
    events = bench.store.events(accepted.mrn, 0, 100)
    delayed = [event.data["trouble"] for event in events if event.type is EventType.REFERRAL_DELAYED]
    assert delayed == [words]
    assert bench.store.exchanges(accepted.mrn) == []
    view = bench.store.view(accepted.mrn)
    assert view is not None
    assert view.referrals[0].terms.due_at == accepted.case.referrals[0].terms.due_at
