"""How much is started before the workers have begun with it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollWorkflowTaskQueueRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from hub.domain import names
from hub.domain.intake import Acceptance
from hub.embedded import temporal_executable
from hub.engine import TemporalEngine, register_search_attributes
from hub.engine_admission import MOST_AT_ONCE, Admission
from hub.ports import Engine, EngineBusy
from hub.ports.doctor import Resumption
from hub.relays.starts import StartRelay
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0
from tests.workflows.support import acceptance


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


async def test_while_workers_keep_up_there_is_room_and_those_out_of_turn_leave_half_of_it() -> None:
    """Between two looks only so many are started; with the next look there is room again."""
    now = [0.0]

    async def nothing_waits() -> timedelta:
        return timedelta(0)

    admission = Admission(nothing_waits, lambda: now[0])
    out_of_turn = [await admission.has_room(0.5) for _ in range(MOST_AT_ONCE)]
    assert out_of_turn.count(True) == MOST_AT_ONCE // 2
    in_turn = [await admission.has_room(1.0) for _ in range(MOST_AT_ONCE)]
    assert in_turn.count(True) == MOST_AT_ONCE // 2
    now[0] = 1.0
    assert await admission.has_room(0.5)


@pytest.mark.parametrize(
    ("waits", "out_of_turn", "in_turn"),
    [(0.9, True, True), (1.1, False, True), (1.9, False, True), (2.1, False, False)],
)
async def test_nothing_is_started_while_what_was_started_waits(
    waits: float, out_of_turn: bool, in_turn: bool
) -> None:
    """Who starts out of turn stops first, so that what waits in the store is never overtaken."""

    async def waiting() -> timedelta:
        return timedelta(seconds=waits)

    admission = Admission(waiting)
    assert (await admission.has_room(0.5), await admission.has_room(1.0)) == (out_of_turn, in_turn)


async def test_an_engine_whose_workers_do_not_come_is_busy() -> None:
    """It says itself how long what was started has waited."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_executable(), data_converter=pydantic_data_converter
    ) as running:
        await register_search_attributes(running.client)
        engine = TemporalEngine(running.client)
        with pytest.raises(EngineBusy):
            await _start_for_ever(engine)


async def _start_for_ever(engine: TemporalEngine) -> None:
    while True:
        await engine.start_clearance(acceptance("010101"), in_turn=True)
        await asyncio.sleep(0.1)


class _Room:
    """An engine with room for so many."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.started: list[str] = []

    async def start_clearance(self, accepted: Acceptance, *, in_turn: bool = False) -> None:
        assert in_turn
        if not self.room:
            raise EngineBusy("full")
        self.room -= 1
        self.started.append(accepted.mrn)


async def test_the_oldest_is_started_first_as_room_comes(store: Store) -> None:
    """Nothing is lost, and nothing overtakes."""
    waiting = [sample.acceptance(PLANT, at=T0 + n * SECOND) for n in range(5)]
    for one in reversed(waiting):
        store.lodge(one)
    engine = _Room(2)
    relay = StartRelay(store, cast(Engine, engine), lambda: T0 + 60 * SECOND)
    assert await relay.go_round() > 0
    assert engine.started == [one.mrn for one in waiting[:2]]
    engine.room = 9
    await relay.go_round()
    assert engine.started == [one.mrn for one in waiting]


async def test_what_is_begun_anew_waits_for_workers_where_there_are_any(store: Store) -> None:
    """Before workers are, everything is begun at once; beside them, no more than they come to."""
    first, second = [_open(store) for _ in range(2)]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_executable(), data_converter=pydantic_data_converter
    ) as running:
        await register_search_attributes(running.client)
        engine = TemporalEngine(running.client)
        assert await engine.resume(first)
        for _ in range(MOST_AT_ONCE):
            assert not await engine.resume(first)
        assert await engine.resume(second)
        await _take_one_and_do_nothing(running.client)
        with pytest.raises(EngineBusy):
            await _resume_for_ever(engine, second)


async def _resume_for_ever(engine: TemporalEngine, resumption: Resumption) -> None:
    while True:
        await engine.resume(resumption)
        await asyncio.sleep(0.1)


def _open(store: Store) -> Resumption:
    accepted = acceptance("010101")
    store.lodge(accepted)
    resumption = store.resumption(accepted.mrn)
    assert resumption is not None
    return resumption


async def _take_one_and_do_nothing(client: Client) -> None:
    """What a worker does that hangs."""
    task = await client.workflow_service.poll_workflow_task_queue(
        PollWorkflowTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=names.TASK_QUEUE), identity="one that hangs"
        )
    )
    assert task.task_token
