"""Telling workflows that something is on record, those that do not listen and those that have ended too."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from hub.domain.certificates import Certificate, CertificateKey, Claim, ClaimState
from hub.domain.model import Measure
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.ports import Engine
from hub.relays.news import AllotRelay, NewsRelay
from hub.store import Store
from tests.relays.support import ToldEngine
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0


def withdrawn(store: Store) -> str:
    """A declaration whose withdrawal nobody has been told."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    taken_back = Withdrawal(reason="C01", requested_at=T0, by="test")
    store.change(accepted.mrn, lambda view: withdraw(view, taken_back))
    return accepted.mrn


class Clock:
    """Shows what it is set to."""

    now = T0 + 9 * SECOND

    def __call__(self) -> datetime:
        return self.now


async def test_a_workflow_that_does_not_listen_is_told_again_ever_more_seldom(store: Store) -> None:
    """Each telling stays in the engine's history."""
    mrn, engine, clock = withdrawn(store), ToldEngine(), Clock()
    relay = NewsRelay(store, cast(Engine, engine), clock)
    for _ in range(60):
        await relay.go_round()
        clock.now += timedelta(seconds=1)
    assert engine.nudged == [mrn] * 3
    store.news(mrn, 0)
    clock.now += timedelta(days=1)
    await relay.go_round()
    assert engine.nudged == [mrn] * 3


async def test_news_that_no_workflow_lives_to_hear_are_dropped(store: Store) -> None:
    """They are on record; there is nobody to be told."""
    mrn, engine = withdrawn(store), ToldEngine(ended=True)
    relay = NewsRelay(store, cast(Engine, engine), lambda: T0 + 9 * SECOND)
    for _ in range(2):
        await relay.go_round()
    assert engine.nudged == [mrn]
    assert store.untold_news(T0 + 9 * SECOND, 10) == []


async def test_who_has_waited_for_a_certificate_is_told_when_it_comes_free(store: Store) -> None:
    """More is issued: the claim that waits is served, and its workflow is nudged at once."""
    key = CertificateKey(type="permit", id="C1")
    claim = Claim(service=PLANT, item=1, certificate=key, quantity=Decimal(5), state=ClaimState.WANTED)
    accepted = sample.acceptance(PLANT)
    waiting = accepted.model_copy(update={"case": accepted.case.model_copy(update={"claims": (claim,)})})
    issued = Certificate(
        type="permit", id="C1", agency="plant", quantity=Measure(value=Decimal(1), unit="KGM")
    )
    store.issue_certificate(issued, "plant", T0)
    store.lodge(waiting)
    engine = ToldEngine()
    relay = AllotRelay(store, store, cast(Engine, engine), lambda: T0 + 9 * SECOND)
    await relay.go_round()
    assert engine.nudged == []
    more = issued.model_copy(update={"quantity": Measure(value=Decimal(9), unit="KGM")})
    store.issue_certificate(more, "plant", T0)
    await relay.go_round()
    assert engine.nudged == [waiting.mrn]
