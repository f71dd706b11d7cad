"""Agencies that have failed are tried, and their queues go out, whoever dies in between."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from hub.domain.errors import AgencyUnavailable
from hub.domain.exchange import Answer, LookUp
from hub.domain.referral import Answers
from hub.ports import AgencyGateway, ControlState, Engine, OpenPoll, Pace, QueuedReferral
from hub.relays.drain import DrainRelay
from hub.relays.feeds import FeedRelay
from hub.relays.polls import PollRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGate, ToldGateway
from tests.relays.test_recording import EVERY, Clock
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

APQA = "apqa"
PACE = Pace(slowest=2.0, fastest=2.0, at_once=4)


class Process:
    """One process of the hub, with its relay; all of them share an engine and a clock."""

    def __init__(self, store: Store, engine: ToldEngine, clock: Clock, *script: object) -> None:
        self.gateway = ToldGateway(list(script))
        self.relay = DrainRelay(
            store,
            store,
            store,
            cast(AgencyGateway, self.gateway),
            cast(Engine, engine),
            ToldGate(paces=PACE),
            clock,
        )

    async def round(self) -> float:
        pause = await self.relay.go_round()
        await self.relay.finish()
        return pause


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine() -> ToldEngine:
    return ToldEngine()


def queued(store: Store, *dues: int) -> list[str]:
    """Declarations whose agency is not asked, with deadlines so many seconds ahead."""
    mrns = []
    for due in dues:
        accepted = sample.acceptance(PLANT)
        store.lodge(accepted)
        store.queue(
            QueuedReferral(
                mrn=accepted.mrn, service=PLANT, agency=APQA, queued_at=T0, due_at=T0 + due * SECOND
            )
        )
        mrns.append(accepted.mrn)
    return mrns


async def test_two_relays_let_each_go_once_in_order_and_open_the_agency(
    store: Store, engine: ToldEngine, clock: Clock
) -> None:
    """No faster than its rate, however many go round."""
    second, first, third = queued(store, 20, 10, 30)
    store.resume(APQA, by="kim", reason="is back", at=T0)
    processes = [Process(store, engine, clock) for _ in range(2)]
    went: list[list[str]] = []
    while store.controls():
        clock.now += SECOND / 2
        for process in processes:
            await process.round()
        went.append(engine.let_go[sum(map(len, went)) :])
        for mrn in went[-1]:
            store.unqueue(mrn, PLANT)
        assert len(went) < 20
    assert engine.let_go == [first, second, third]
    assert max(map(len, went)) == 1


async def test_whoever_let_it_go_and_died_is_made_up_for(
    store: Store, engine: ToldEngine, clock: Clock
) -> None:
    """Ever more seldom: each time is kept in the engine's history."""
    [mrn] = queued(store, 10)
    store.resume(APQA, by="kim", reason="is back", at=T0)
    clock.now += SECOND
    assert [one.mrn for one in store.let_go(APQA, clock.now, PACE).referrals] == [mrn]
    process = Process(store, engine, clock)
    for _ in range(120):
        clock.now += 5 * SECOND
        await process.round()
    assert engine.let_go == [mrn] * 4
    store.unqueue(mrn, PLANT)
    clock.now += timedelta(days=1)
    await process.round()
    assert engine.let_go == [mrn] * 4


@pytest.mark.parametrize("over", ["decided", "ended"])
async def test_what_needs_nothing_any_more_leaves_the_queue(
    store: Store, engine: ToldEngine, clock: Clock, over: str
) -> None:
    """It was decided by hand while it waited; or its workflow has ended. The next one probes in its place."""
    idle, mrn = queued(store, 10, 20)
    if over == "decided":
        said = sample.decision(idle, PLANT, at=T0)
        store.receive(sample.message(said, agency=APQA, message_id="by hand"))
    else:
        engine.ended = True
    store.fails(APQA, reason="refused", at=T0)
    clock.now += 10 * SECOND
    process = Process(store, engine, clock)
    await process.round()
    assert [one.mrn for one in store.queued(APQA, 10)] == [mrn]
    engine.ended = False
    await process.round()
    assert engine.let_go[-1] == mrn
    assert store.controls()[APQA].probing


async def test_while_the_engine_is_away_the_queue_stays_as_it_is(
    store: Store, engine: ToldEngine, clock: Clock
) -> None:
    """What was to go goes when it is back."""
    [mrn] = queued(store, 10)
    store.resume(APQA, by="kim", reason="is back", at=T0)
    engine.away = True
    process = Process(store, engine, clock)
    for _ in range(3):
        clock.now += SECOND
        await process.round()
    [waits] = store.queued(APQA, 10)
    assert (waits.mrn, waits.told_at) == (mrn, None)
    engine.away = False
    clock.now += SECOND
    await process.round()
    assert engine.let_go == [mrn]


async def test_an_agency_for_which_nobody_waits_is_asked_about_what_it_has(
    store: Store, engine: ToldEngine, clock: Clock
) -> None:
    """How that ends the gateway weighs; what was said is kept. Where it has nothing, it is simply open."""
    store.fails(APQA, reason="refused", at=T0)
    clock.now += 10 * SECOND
    process = Process(store, engine, clock)
    await process.round()
    assert store.controls()[APQA].state is ControlState.DRAINING
    await process.round()
    assert store.controls() == {}
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    exchange = sample.exchange(accepted.mrn, PLANT, kind="look_up")
    polled = sample.exchange(accepted.mrn, PLANT, kind="poll")
    process.gateway.script = [
        AgencyUnavailable("refused", exchanges=(exchange,)),
        LookUp(submission=None, resend_from=T0),
        Answer(exchanges=(polled,)),
    ]
    store.fails(APQA, reason="refused", at=clock.now)
    for _ in range(2):
        clock.now += timedelta(minutes=3)
        await process.round()
    assert process.gateway.script == []
    assert process.gateway.looked_up == [f"{accepted.mrn}/{PLANT}"] * 2
    kept = {one.id for one in store.exchanges(accepted.mrn)}
    assert {exchange.id, polled.id} <= kept


async def test_a_queue_that_was_joined_as_the_agency_was_opened_goes_out(
    store: Store, engine: ToldEngine, clock: Clock
) -> None:
    """A process had not heard yet that it is asked again."""
    [mrn] = queued(store, 10)
    process = Process(store, engine, clock)
    await process.round()
    assert store.controls()[APQA].state is ControlState.DRAINING
    clock.now += SECOND
    await process.round()
    assert engine.let_go == [mrn]


async def test_polls_and_feeds_of_an_agency_that_is_not_asked_rest(store: Store, clock: Clock) -> None:
    """Others go on; while its queue goes out one poll at a time is made."""
    accepted = [sample.acceptance(PLANT, answers=Answers.POLL) for _ in range(3)]
    for one in accepted:
        store.lodge(one)
        store.record_hand_overs(one.mrn, [sample.delivered(one.mrn, PLANT)], T0)
    gateway = ToldGateway([Answer(), Answer()])
    gate = ToldGate(most={APQA: 0})
    engine = cast(Engine, ToldEngine())
    asking = cast(AgencyGateway, gateway)
    polls = PollRelay(store, asking, engine, clock, lambda agency: EVERY, gate)
    feed = FeedRelay(APQA, store, asking, engine, clock, EVERY, gate)
    clock.now += SECOND
    assert await polls.go_round() > 0.1
    await feed.go_round()
    await polls.finish()
    assert len(gateway.script) == 2
    gate.most = {APQA: 1}
    for left in (1, 0):
        await polls.go_round()
        await polls.finish()
        assert len(gateway.script) == left


def test_a_poll_is_leased_to_one(store: Store) -> None:
    """Also while its agency is shut: nobody else's turn is taken."""
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    leased: list[OpenPoll] = store.lease_polls(T0 + SECOND, 60 * SECOND, 5, [APQA])
    assert leased == []
    assert store.next_poll_at([APQA]) is None
    assert store.next_poll_at() == T0
