"""The worker: carries out workflows and activities, and keeps the relays going."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, UnsandboxedWorkflowRunner, Worker

from hub.activities.clearances import ClearanceActivities
from hub.activities.errands import ErrandActivities
from hub.activities.news import NewsActivities
from hub.activities.queueing import Queue
from hub.activities.referrals import ReferralActivities
from hub.activities.under_way import UnderWay
from hub.activities.watch import WatchActivities
from hub.bootstrap.joined import Hub
from hub.bootstrap.operating import desk, judges, retention
from hub.domain import names
from hub.domain.deadlines import WorkingCalendar
from hub.domain.events import EventType
from hub.engine import connect, register_search_attributes
from hub.engine_watch import FailedTasks, schedule_watch
from hub.measuring import nothing_shown, show
from hub.operations.watch.gathering import Arrival
from hub.ports import HandOver, Tallied
from hub.relays.attention import AttentionRelay
from hub.relays.bulk import BulkRelay
from hub.relays.calls import CallRelay
from hub.relays.closed_days import ClosedDaysRelay
from hub.relays.decisions import DecisionRelay
from hub.relays.drain import DrainRelay
from hub.relays.feed_keeper import FeedKeeper
from hub.relays.feeds import FeedRelay
from hub.relays.loop import Bell, Relay, keep_going
from hub.relays.news import AllotRelay, NewsRelay
from hub.relays.polls import PollRelay
from hub.relays.starts import StartRelay
from hub.store import Recorded
from hub.workflows.agency_call import AgencyCall
from hub.workflows.clearance import ClearanceWorkflow
from hub.workflows.watch import WatchWorkflow

_GRACE = timedelta(seconds=5)
"""How long activities under way may take to end when the worker is told to stop."""
_MOST_CALLS = 500
"""Calls of agencies' own workers that are kept at hand while they are under way."""

_POLLERS = PollerBehaviorAutoscaling(minimum=1, initial=2, maximum=16)
"""Questions to the engine for work that are open at once: few while there is little, more as it asks for."""
_TAKEN_OVER_AFTER = timedelta(seconds=3)
"""A worker that died holds the declarations it had cached for no longer than this."""

log = structlog.get_logger(__name__)


def temporal_worker(hub: Hub, client: Client) -> Worker:
    """
    The engine's worker for this hub.

    Workflow code runs outside the sandbox (a fifth to a third of the processor time saved): import rules and
    the replay of recorded histories guard its determinism instead.
    """

    def calendars(agency: str) -> WorkingCalendar:
        return hub.configuration.calendar_of(agency)

    async def go_round(waited: timedelta, skew_seconds: float) -> None:
        await hub.watch.go_round(Arrival(waited, skew_seconds))

    submissions = UnderWay[HandOver]()
    queue = Queue(hub.store, hub.gate)
    return Worker(
        client,
        task_queue=names.TASK_QUEUE,
        workflows=[ClearanceWorkflow, WatchWorkflow],
        activities=[
            *ReferralActivities(hub.store, hub.asking, hub.clock, submissions, queue, hub.left_alone).all(),
            *ErrandActivities(hub.store, hub.asking, hub.clock, calendars, submissions, queue).all(),
            *ClearanceActivities(hub.store, hub.store, hub.cargo, hub.clock).all(),
            *NewsActivities(hub.store, hub.store, hub.clock, calendars).all(),
            *WatchActivities(go_round, hub.clock).all(),
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_activities=hub.settings.max_concurrent_activities,
        max_concurrent_local_activities=hub.settings.max_concurrent_activities,
        max_concurrent_workflow_tasks=hub.settings.max_concurrent_workflow_tasks,
        workflow_task_poller_behavior=_POLLERS,
        activity_task_poller_behavior=_POLLERS,
        sticky_queue_schedule_to_start_timeout=_TAKEN_OVER_AFTER,
        graceful_shutdown_timeout=_GRACE,
    )


def calls_worker(client: Client) -> Worker:
    """
    The engine's worker for what is put to agencies' own workers.

    Apart from the other: declarations that wait for such a call would otherwise take up the very places that
    the call needs.
    """
    return Worker(
        client,
        task_queue=names.CALLS_QUEUE,
        workflows=[AgencyCall],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=_MOST_CALLS,
        workflow_task_poller_behavior=_POLLERS,
        sticky_queue_schedule_to_start_timeout=_TAKEN_OVER_AFTER,
    )


async def work(hub: Hub, stop: asyncio.Event) -> None:
    """Work until told to stop; wait for the engine if it is not there yet."""
    hide = nothing_shown
    if hub.settings.metrics_address:
        hide = show(hub.measures, hub.settings.metrics_address, hub.native_metrics)
    # What was handed over here is asked about at its time, and not when the relay looks next.
    handed_over = Bell()
    hub.store.announce(partial(_ring_at, EventType.REFERRAL_DELIVERED, handed_over))
    polls = PollRelay(hub.store, hub.asking, hub.engine, hub.clock, hub.poll_every, hub.gate, handed_over)
    feeds = FeedKeeper(
        hub.feeds,
        lambda agency, every: FeedRelay(
            agency, hub.store, hub.asking, hub.engine, hub.clock, every, hub.gate
        ),
        hub.store,
        hub.clock,
    )
    drain = DrainRelay(hub.store, hub.store, hub.store, hub.asking, hub.engine, hub.gate, hub.clock)
    calls = CallRelay(hub.tally, hub.store, hub.clock, hub.pace.beat)
    relays: list[Relay] = [
        StartRelay(hub.store, hub.engine, hub.clock),
        DecisionRelay(hub.store, hub.engine, hub.clock),
        NewsRelay(hub.store, hub.engine, hub.clock),
        AllotRelay(hub.store, hub.store, hub.engine, hub.clock),
        polls,
        feeds,
        hub.gate,
        drain,
        calls,
        hub.keeper,
        AttentionRelay(hub.store, judges(hub)),
        ClosedDaysRelay(hub.store, hub.clock),
        *retention(hub),
        BulkRelay(hub.store, desk(hub).bulks, hub.engine, hub.clock),
    ]
    bells: dict[Relay, Bell] = {polls: handed_over}
    rounds = [
        asyncio.create_task(keep_going(relay, stop, hub.measures.round, bells.get(relay))) for relay in relays
    ]
    rounds.append(asyncio.create_task(hub.follow(stop)))

    async def finish() -> None:
        stop.set()
        await asyncio.gather(*rounds)
        await feeds.finish()
        await polls.finish()
        await drain.finish()
        await calls.finish()
        await hub.keeper.finish()
        await asyncio.to_thread(hide)

    try:
        if await _engine_is_there(hub, stop):
            client = await connect(hub.settings, lazy=False)
            await register_search_attributes(client)
            await schedule_watch(client, hub.pace.every)
            async with calls_worker(client):
                with FailedTasks(partial(hub.keeper.tally, Tallied.WORKFLOW_FAILED)):
                    async with temporal_worker(hub, client):
                        log.info("worker.ready", task_queue=names.TASK_QUEUE)
                        await stop.wait()
                # A poll that is under way may go by an agency's own worker.
                await finish()
    finally:
        await finish()


def _ring_at(kind: EventType, bell: Bell, recorded: Sequence[Recorded]) -> None:
    if any(each.event.type is kind for each in recorded):
        bell.ring()


async def _engine_is_there(hub: Hub, stop: asyncio.Event) -> bool:
    while not stop.is_set():
        if await hub.engine.is_reachable():
            return True
        log.warning("engine.unavailable", address=hub.settings.temporal_address)
        try:
            await asyncio.wait_for(stop.wait(), 1.0)
        except TimeoutError:
            continue
    return False
