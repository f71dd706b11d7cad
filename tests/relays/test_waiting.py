"""An agency that asks for time is given it, by polls and feeds too; and why it is waited for is told once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import structlog

from hub.domain.errors import AgencyUnavailable
from hub.domain.exchange import Answer, Dossier, Feed
from hub.domain.referral import Answers, Decision, ReferralState, Verdict, Via
from hub.ports import AgencyGateway, Engine
from hub.relays.feeds import FeedRelay
from hub.relays.loop import Bell
from hub.relays.polls import PollRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGateway
from tests.relays.test_recording import EVERY, Clock, open_poll
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, T0

AWAY = "apqa is away: announced maintenance until 2026-03-02 11:30 (Asia/Seoul)"


async def test_a_poll_waits_as_long_as_it_is_asked_to(store: Store) -> None:
    """And as long as its own pace says, where that is longer."""
    open_poll(store)
    clock = Clock()
    began = clock.now
    script = [AgencyUnavailable(AWAY, retry_after=900), AgencyUnavailable("busy", retry_after=2), Answer()]
    relay = PollRelay(
        store,
        cast(AgencyGateway, ToldGateway(list(script))),
        cast(Engine, ToldEngine()),
        clock,
        lambda agency: EVERY,
    )
    for due in (timedelta(seconds=900), timedelta(seconds=900) + EVERY):
        await relay.go_round()
        await relay.finish()
        assert store.next_poll_at() == began + due
        clock.now = began + due


async def test_polls_come_as_often_as_said_from_question_to_question(store: Store) -> None:
    """Else a slow agency would be asked more seldom than its file says, and half the time is its rest."""
    open_poll(store)
    clock, bell = Clock(), Bell()

    class Slow(ToldGateway):
        async def poll(self, dossier: Dossier) -> Answer:
            clock.now += self.takes
            return await super().poll(dossier)

        takes = timedelta(0)

    gateway = Slow([Answer(), Answer(), AgencyUnavailable("busy")])
    relay = PollRelay(
        *(store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine()), clock, lambda agency: EVERY),
        bell=bell,
    )
    for takes, next_after in (
        (EVERY / 10, EVERY),
        (EVERY, EVERY + EVERY / 2),
        (EVERY / 10, EVERY + EVERY / 10),
    ):
        gateway.takes, began = takes, clock.now
        bell.heard()
        await relay.go_round()
        await relay.finish()
        assert store.next_poll_at() == began + next_after
        # Known only now; until then the relay knew of the lease.
        await asyncio.wait_for(bell.rung(), 5)
        clock.now = began + next_after


class _Hanging(ToldGateway):
    """A gateway whose agency answers when it is let."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked = 0
        self.answers = asyncio.Event()

    async def poll(self, dossier: Dossier) -> Answer:
        self.asked += 1
        await self.answers.wait()
        return Answer()


async def test_a_poll_is_another_s_once_its_process_has_died_and_not_while_it_waits(store: Store) -> None:
    """Whoever asks keeps its lease, however long the agency takes; the dead keep theirs for five seconds."""
    open_poll(store)
    clock, dead, alive = Clock(), _Hanging(), _Hanging()
    clock.now += EVERY

    def relay(gateway: ToldGateway) -> PollRelay:
        return PollRelay(
            store,
            cast(AgencyGateway, gateway),
            cast(Engine, ToldEngine()),
            clock,
            lambda agency: EVERY,
        )

    of_the_dead, of_the_living = relay(dead), relay(alive)
    await of_the_dead.go_round()
    for _ in range(5):
        clock.now += timedelta(seconds=6)
        await of_the_dead.go_round()
        await of_the_living.go_round()
    await asyncio.sleep(0)
    assert (dead.asked, alive.asked) == (1, 0)
    clock.now += timedelta(seconds=6)
    await of_the_living.go_round()
    dead.answers.set()
    alive.answers.set()
    await of_the_dead.finish()
    await of_the_living.finish()
    assert (dead.asked, alive.asked) == (1, 1)


async def test_a_feed_waits_as_long_as_it_is_asked_to_and_says_why_once(store: Store) -> None:
    """Not every five minutes through a night."""
    clock = Clock()
    away = AgencyUnavailable(AWAY, retry_after=30)
    gateway = ToldGateway([away, away, away, Feed(), away])
    relay = FeedRelay(
        "apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine()), clock, timedelta(seconds=5)
    )
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await relay.go_round()
            left = len(gateway.script)
            clock.now += timedelta(seconds=29)
            await relay.go_round()
            assert len(gateway.script) == left, "pulled before its time"
            clock.now += timedelta(seconds=1)
        assert [line["reason"] for line in logs if line["event"] == "feed.failed"] == [AWAY]
        await relay.go_round()
        clock.now += timedelta(seconds=5)
        await relay.go_round()
    assert gateway.script == []
    assert [line["reason"] for line in logs if line["event"] == "feed.failed"] == [AWAY, AWAY]


async def test_what_agencies_say_of_one_declaration_waits_for_none_of_them(store: Store) -> None:
    """Answers that come together are written down together; one that hangs keeps back its own alone."""
    accepted = sample.acceptance(PLANT, FOOD, RADIO, answers=Answers.POLL)
    mrn = accepted.mrn
    store.lodge(accepted)
    delivered = [sample.delivered(mrn, service, reference=service) for service in (PLANT, FOOD, RADIO)]
    store.record_hand_overs(mrn, delivered, T0)
    lets_answer = asyncio.Event()

    class _OneHangs(ToldGateway):
        async def poll(self, dossier: Dossier) -> Answer:
            service = dossier.terms.service
            if service == RADIO:
                await lets_answer.wait()
            return Answer(decisions=(sample.decision(mrn, service, via=Via.POLL),))

    engine = ToldEngine()
    relay = PollRelay(
        store, cast(AgencyGateway, _OneHangs()), cast(Engine, engine), Clock(), lambda agency: EVERY
    )

    def decided() -> set[str]:
        view = store.view(mrn)
        assert view is not None
        return {r.terms.service for r in view.case.referrals if r.state is ReferralState.DECIDED}

    await relay.go_round()
    async with asyncio.timeout(10):
        while decided() != {PLANT, FOOD}:
            await asyncio.sleep(0)
    lets_answer.set()
    await relay.finish()
    assert decided() == {PLANT, FOOD, RADIO}
    # The first two change nothing while the third is awaited: all are told with it, once.
    assert [(of, len(said)) for of, said in engine.told] == [(mrn, 3)]


async def test_what_falls_due_while_the_engine_is_told_of_another_is_asked_about(store: Store) -> None:
    """However long the engine takes to hear of a decision, its other agencies are asked on."""
    accepted = sample.acceptance(PLANT, FOOD, answers=Answers.POLL)
    mrn = accepted.mrn
    store.lodge(accepted)
    delivered = [sample.delivered(mrn, service, reference=service) for service in (PLANT, FOOD)]
    store.record_hand_overs(mrn, delivered, T0)
    refusal = sample.decision(mrn, PLANT, Verdict.REFUSED, via=Via.POLL)
    asked: list[str] = []

    class _OneRefuses(ToldGateway):
        async def poll(self, dossier: Dossier) -> Answer:
            asked.append(dossier.terms.service)
            return Answer(decisions=(refusal,) if dossier.terms.service == PLANT else ())

    is_told, goes_on = asyncio.Event(), asyncio.Event()

    class _Slow(ToldEngine):
        async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
            is_told.set()
            await goes_on.wait()
            return True

    clock = Clock()
    relay = PollRelay(
        store, cast(AgencyGateway, _OneRefuses()), cast(Engine, _Slow()), clock, lambda agency: EVERY
    )
    await relay.go_round()
    await is_told.wait()
    clock.now += EVERY
    await relay.go_round()
    goes_on.set()
    await relay.finish()
    assert sorted(asked) == sorted([PLANT, FOOD, FOOD])
