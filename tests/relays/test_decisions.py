"""Telling workflows, those that have ended as well."""

from __future__ import annotations

from typing import cast

from hub.domain.events import EventType
from hub.ports import Engine
from hub.relays.decisions import DecisionRelay
from hub.store import Store
from tests.relays.support import ToldEngine
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0


async def test_a_decision_that_its_workflow_did_not_live_to_hear_is_late(store: Store) -> None:
    """It is not told again, and its declaration's page says that it did not count."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    said = sample.decision(accepted.mrn, PLANT)
    store.receive(sample.message(said))
    engine = ToldEngine(ended=True)
    relay = DecisionRelay(store, cast(Engine, engine), lambda: T0 + 9 * SECOND)
    for _ in range(2):
        await relay.go_round()
    assert engine.told == [(accepted.mrn, (said.id,))]
    last = store.events(accepted.mrn, 0, 100)[-1]
    assert (last.type, last.data["decision"]) == (EventType.DECISION_LATE, said.id)


async def test_a_decision_that_is_told_is_not_late(store: Store) -> None:
    """The workflow weighs it."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    store.receive(sample.message(sample.decision(accepted.mrn, PLANT)))
    await DecisionRelay(store, cast(Engine, ToldEngine()), lambda: T0 + 9 * SECOND).go_round()
    types = [event.type for event in store.events(accepted.mrn, 0, 100)]
    assert types == [EventType.DECLARATION_ACCEPTED, EventType.DECISION_RECEIVED]
    assert store.counts()["untold"] == 0
