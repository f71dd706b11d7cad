"""Telling the cargo system: what was said is on the declaration's record, however it ended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from temporalio.exceptions import ApplicationError

from hub.activities.clearances import ClearanceActivities
from hub.activities.messages import TellCargo
from hub.adapters.cargo import CargoClient
from hub.domain.clearance import Outcome
from hub.store import Store, create_store
from tests.adapters.system import answer, system
from tests.store import sample
from tests.store.sample import PLANT, T0

TOKEN = "cargo-token"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


async def test_every_notice_is_among_the_exchanges_of_its_declaration(store: Store) -> None:
    """The attempt that failed and the one that was taken, each with its answer and without the token."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    notice = sample.notice(accepted.mrn, Outcome.HOLD)
    store.record_clearance(accepted.mrn, sample.clearance(Outcome.HOLD), notice, [], T0)
    with system(
        [answer(503, "closed"), answer(503, "closed"), answer(200, '{"reference": "C-1"}')]
    ) as running:
        cargo = CargoClient(running.url, TOKEN, lambda: T0)
        activities = ClearanceActivities(store, store, cargo, lambda: T0)
        for _ in range(2):
            with pytest.raises(ApplicationError):
                await activities.tell_cargo(TellCargo(mrn=accepted.mrn))
        await activities.tell_cargo(TellCargo(mrn=accepted.mrn))
        cargo.close()
    told = sorted(store.exchanges(accepted.mrn), key=lambda exchange: exchange.reading)
    assert [(e.kind, e.agency, e.mrn) for e in told] == [("notice", "cargo", accepted.mrn)] * 3
    assert [e.reply["status"] for e in told if e.reply] == [200, 503, 503]
    assert told[0].reading == "acknowledged, reference C-1"
    assert told[1].reading.startswith("unavailable: ")
    assert not any(TOKEN in e.model_dump_json() for e in told)
