"""What the doctor finds between store and engine, and that it mends it, on a real Temporal server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from hub.activities.messages import ClearanceOrder, brief_case
from hub.clock import utc_now
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.errors import AgencyUnavailable
from hub.domain.events import EventType
from hub.domain.exchange import Message
from hub.domain.intake import Acceptance
from hub.domain.referral import Verdict, Via
from hub.embedded import temporal_executable
from hub.engine import TASK_TIMEOUT, TemporalEngine, connect, register_search_attributes
from hub.operations.doctor import Doctor
from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.ports import AuditFilter, EngineBusy, EngineUnavailable, UserRole
from hub.ports.doctor import REPAIRS, Examination, FindingKind, Resumption
from hub.ports.recovery import Restoration
from hub.ports.retention import RetentionPolicy
from hub.settings import Settings
from hub.store import Store, create_store
from tests.workflows.support import Bench, ToldAgencies, ToldCargo, acceptance, decision, raises, takes

_LATER = timedelta(minutes=30)
"""Beyond every age at which something counts as left over."""


@asynccontextmanager
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own, with nothing in it."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_executable(), data_converter=pydantic_data_converter
    ) as env:
        yield env


@pytest.fixture
async def bench(sqlite_url: str) -> AsyncIterator[Bench]:
    store = create_store(sqlite_url, sync="normal")
    async with temporal() as env:
        await register_search_attributes(env.client)
        yield Bench(env, store, ToldAgencies(), ToldCargo())
    store.close()


def doctor_of(bench: Bench) -> Doctor:
    engine = TemporalEngine(bench.client)

    def later() -> Any:
        return utc_now() + _LATER

    return Doctor(bench.store, bench.store, engine, engine, later, bench.store.note_audit, pause=0.05)


async def started(bench: Bench, accepted: Acceptance) -> None:
    await bench.start(accepted)
    await asyncio.to_thread(bench.store.mark_started, accepted.mrn)


async def when(look: Callable[[], Any]) -> Any:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not (seen := await asyncio.to_thread(look)):
            await asyncio.sleep(0.02)
    return seen


def outcome_of(store: Store, mrn: str) -> Outcome:
    view = store.view(mrn)
    assert view is not None
    return view.clearance.outcome


def told(store: Store, mrn: str) -> list[str]:
    return [event.type.value for event in store.events(mrn, 0, 1000)]


def is_told(store: Store, mrn: str, event: str) -> bool:
    return event in told(store, mrn)


def is_closed(store: Store, mrn: str) -> bool:
    return not store.are_open([mrn])[mrn]


def counted(examination: Examination) -> dict[str, int]:
    return {finding.kind.value: finding.count for finding in examination.findings}


async def indexed(bench: Bench, count: int) -> None:
    """Until the engine's index, which is a little late, has so many running workflows."""
    engine = TemporalEngine(bench.client)
    async with asyncio.timeout(20):
        while await engine.count_running() != count:
            await asyncio.sleep(0.02)


async def test_nothing_is_found_where_nothing_is_wrong(bench: Bench) -> None:
    """Two that wait, one that has been released."""
    bench.agencies.scripts = {"plant-import": [takes]}
    waiting, done = [acceptance("010101") for _ in range(2)], acceptance("020202")
    async with bench.working():
        for accepted in (*waiting, done):
            await started(bench, accepted)
        await when(lambda: (view := bench.store.view(done.mrn)) and view.closed_at)
        for accepted in waiting:
            await when(partial(is_told, bench.store, accepted.mrn, "referral.delivered"))
        await indexed(bench, 2)
        doctor = doctor_of(bench)
        examination = await doctor.examine("test", deep=True)
        assert counted(examination) == {}
        assert (examination.declarations, examination.workflows) == (2, 2)
        assert await doctor.quick() == ()
        assert (await doctor.last()) == examination


async def test_an_engine_that_lost_everything_is_mended_and_nothing_is_lost(bench: Bench) -> None:
    """
    One that waits, one on hold, one whose agency is away, one whose hold the cargo system has not taken: all
    go on where they were. Nobody is submitted to twice, and no notice is given twice.
    """
    store = bench.store
    bench.agencies.scripts = {
        "plant-import": [takes],
        "animal-import": [takes],
        "food-import": [raises(AgencyUnavailable("connection refused"))],
        "radio-import": [takes],
    }
    waits, held, away, unsent = (
        acceptance("010101"),
        acceptance("020202"),
        acceptance("030303"),
        acceptance("040404"),
    )
    async with bench.working():
        for accepted in (waits, held, away):
            await started(bench, accepted)
        for accepted in (waits, held):
            await when(partial(is_told, store, accepted.mrn, "referral.delivered"))
        await when(lambda: "referral.delayed" in told(store, away.mrn))
        inspect = decision(f"{held.mrn}/animal-import", Verdict.REFUSED, id="no")
        await bench.receive(inspect)
        await when(lambda: "cargo.refused" in told(store, held.mrn))
        bench.cargo.failures = [AgencyUnavailable("no answer")] * 50
        await started(bench, unsent)
        await when(lambda: "referral.delivered" in told(store, unsent.mrn))
        await bench.receive(decision(f"{unsent.mrn}/radio-import", Verdict.REFUSED, id="no too"))
        await when(lambda: "notice.delayed" in told(store, unsent.mrn))
    before = {one.mrn: len(told(store, one.mrn)) for one in (waits, held, unsent)}
    submitted = list(bench.agencies.submitted)
    bench.cargo.failures = []
    async with temporal() as empty:
        new = Bench(empty, store, bench.agencies, bench.cargo)
        doctor = doctor_of(new)
        found = counted(await doctor.examine("test"))
        assert found[FindingKind.WORKFLOW_LOST] == 4
        # Nobody told the new engine its search attributes.
        results = await doctor.repair(REPAIRS, "test", UserRole.ADMIN, "it was empty")
        assert (results[0].kind, results[0].done, results[0].failed) == (FindingKind.WORKFLOW_LOST, 4, 0)
        bench.agencies.scripts["food-import"] = [takes]
        async with new.working():
            await when(lambda: "cargo.refused" in told(store, unsent.mrn))
            await when(lambda: "referral.delivered" in told(store, away.mrn))
            for accepted, service in ((waits, "plant"), (held, "animal"), (away, "food"), (unsent, "radio")):
                # Each ends as it would have.
                await new.receive(decision(f"{accepted.mrn}/{service}-import", id=f"yes {service}"))
                await when(partial(is_closed, store, accepted.mrn))
                assert outcome_of(store, accepted.mrn) is Outcome.RELEASE
            await indexed(new, 0)
            assert counted(await doctor.examine("test", deep=True)) == {}
    again = bench.agencies.submitted[len(submitted) :]
    assert set(again) == {"food-import"}
    numbers = [notice.number for notice in bench.cargo.notices.values() if notice.mrn == held.mrn]
    assert numbers == [1, 2]
    assert [told(store, held.mrn).count(f"cargo.{word}") for word in ("refused", "released")] == [1, 1]
    assert all(len(told(store, mrn)) > count for mrn, count in before.items())
    lines = store.audit(AuditFilter(), None, 10).lines
    assert [(line.user, line.action, line.reason) for line in lines] == [
        ("test", "doctor.repaired", "it was empty")
    ]


async def test_a_workflow_that_was_terminated_is_started_anew_and_hears_what_came_meanwhile(
    bench: Bench,
) -> None:
    """A decision that came while there was no workflow is not late."""
    bench.agencies.scripts = {"plant-import": [takes]}
    accepted = acceptance("010101")
    store, doctor = bench.store, doctor_of(bench)
    async with bench.working():
        await started(bench, accepted)
        await when(lambda: "referral.delivered" in told(store, accepted.mrn))
        await bench.client.get_workflow_handle(names.workflow_id(accepted.mrn)).terminate()
        engine = TemporalEngine(bench.client)
        with pytest.raises(EngineUnavailable, match="terminated"):
            await engine.tell_decisions(accepted.mrn, [])
        await asyncio.to_thread(lambda: bench.store.receive(message_of(accepted)))
        await indexed(bench, 0)
        found = await doctor.examine("test")
        assert counted(found) == {FindingKind.WORKFLOW_ENDED: 1, FindingKind.DECISIONS_UNTOLD: 1}
        assert found.findings[0].places[0].detail == "terminated"
        assert {f.kind for f in await doctor.quick()} >= {FindingKind.WORKFLOW_ENDED}
        await doctor.repair([FindingKind.WORKFLOW_ENDED], "test", UserRole.ADMIN, "")
        await when(lambda: (view := store.view(accepted.mrn)) and view.closed_at)
    assert outcome_of(store, accepted.mrn) is Outcome.RELEASE
    assert EventType.DECISION_LATE.value not in told(store, accepted.mrn)


async def test_workflows_that_nobody_needs_are_ended(bench: Bench) -> None:
    """One of a declaration that the store does not have, one of a declaration that is closed."""
    stray, closed = acceptance("010101"), acceptance("020202")
    await asyncio.to_thread(bench.store.lodge, closed)
    await asyncio.to_thread(bench.store.mark_started, closed.mrn)
    for accepted in (stray, closed):
        await bench.client.start_workflow(
            names.CLEARANCE_WORKFLOW,
            ClearanceOrder(case=brief_case(accepted.case)),
            id=names.workflow_id(accepted.mrn),
            task_queue="nobody works",
            task_timeout=TASK_TIMEOUT,
        )
    await asyncio.to_thread(bench.store.close_case, closed.mrn, utc_now())
    await indexed(bench, 2)
    doctor = doctor_of(bench)
    assert counted(await doctor.examine("test")) == {
        FindingKind.WORKFLOW_STRAY: 1,
        FindingKind.WORKFLOW_LEFT: 1,
    }
    quick = [{one.kind for one in await doctor.quick()} for _ in range(5)]
    both = {FindingKind.WORKFLOW_STRAY, FindingKind.WORKFLOW_LEFT}
    # Both sides must have counted differently for a while; what was found then is told until it is mended.
    assert quick == [set(), set(), both, both, both]
    results = await doctor.repair(REPAIRS, "test", UserRole.ADMIN, "")
    assert {(one.kind, one.done) for one in results} == {
        (FindingKind.WORKFLOW_STRAY, 1),
        (FindingKind.WORKFLOW_LEFT, 1),
    }
    await indexed(bench, 0)
    assert await doctor.quick() == ()
    assert await doctor.repair(REPAIRS, "test", UserRole.ADMIN, "") == []


async def test_what_was_not_started_is_started_once(bench: Bench) -> None:
    """Two doctors at once, and the relay beside them, start one workflow."""
    bench.agencies.scripts = {"plant-import": [takes]}
    accepted = acceptance("010101")
    await asyncio.to_thread(bench.store.lodge, accepted)
    doctors = [doctor_of(bench), doctor_of(bench)]
    assert counted(await doctors[0].examine("test")) == {FindingKind.NOT_STARTED: 1}
    kinds = [FindingKind.NOT_STARTED]
    results = await asyncio.gather(*(one.repair(kinds, "test", UserRole.ADMIN, "") for one in doctors))
    assert sum(one.done for result in results for one in result) == 1
    async with bench.working():
        await when(lambda: "referral.delivered" in told(bench.store, accepted.mrn))
        await indexed(bench, 1)
        assert counted(await doctors[0].examine("test")) == {}
    assert bench.agencies.submitted == ["plant-import"]


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class Broken:
    """A version that goes on with nothing."""

    @workflow.run
    async def run(self, order: ClearanceOrder) -> None:
        raise RuntimeError("this version is broken")


@pytest.mark.slow  # the engine waits ten seconds before it tries a task for the third time
async def test_a_workflow_whose_tasks_fail_is_found(bench: Bench) -> None:
    """A worker whose version cannot go on with it; the reason is told."""
    accepted = acceptance("010101")
    doctor = doctor_of(bench)
    async with Worker(
        bench.client,
        task_queue=names.TASK_QUEUE,
        workflows=[Broken],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        await started(bench, accepted)
        async with asyncio.timeout(60):
            while not (
                failing := [f for f in await doctor.quick() if f.kind is FindingKind.WORKFLOW_FAILING]
            ):
                await asyncio.sleep(0.2)
    [place] = failing[0].places
    assert place.mrn == accepted.mrn
    assert "tried" in place.detail


async def test_an_engine_that_remembers_longer_than_the_store_is_told(bench: Bench) -> None:
    """What was archived would still be in its histories; kept as long by both, it is no finding."""
    engine = TemporalEngine(bench.client)
    keeps = await engine.keeps_ended_for()
    assert keeps >= timedelta(days=1)
    for closed_for, found in ((keeps - timedelta(hours=1), 1), (keeps, 0)):
        doctor = Doctor(
            *(bench.store, bench.store, engine, engine, utc_now, bench.store.note_audit),
            keeps=lambda closed_for=closed_for: closed_for,
            pause=0,
        )
        examination = await doctor.examine("test")
        assert counted(examination).get(FindingKind.RETENTION_DIFFERS, 0) == found


async def test_a_workflow_of_what_was_archived_is_one_that_was_left(bench: Bench) -> None:
    """It is known that the declaration was here, and closed: it is no stray."""
    accepted = acceptance("010101")
    await asyncio.to_thread(bench.store.lodge, accepted)
    await started(bench, accepted)
    await asyncio.to_thread(bench.store.close_case, accepted.mrn, utc_now())
    with TemporaryDirectory() as folder:
        archiver = Archiver(
            bench.store,
            ArchiveFolder(Path(folder)),
            lambda: utc_now() + timedelta(days=100),
            "test",
            bench.store.note_audit,
        )
        assert (await asyncio.to_thread(archiver.go_round, RetentionPolicy(), "test")).left == 1
    await indexed(bench, 1)
    found = counted(await doctor_of(bench).examine("test"))
    assert found == {FindingKind.WORKFLOW_LEFT: 1}


async def test_everything_is_begun_anew_after_a_restore(bench: Bench) -> None:
    """What runs is ended, what is open gets a workflow, with notices under numbers that nobody has used."""
    open_ones = [acceptance("010101"), acceptance("010101")]
    for accepted in open_ones:
        await asyncio.to_thread(bench.store.lodge, accepted)
    await started(bench, open_ones[0])
    bench.store.mark_restored(Restoration(at=utc_now(), backup_at=utc_now(), by="test"))
    assert await doctor_of(bench).begin_anew("test", UserRole.ADMIN, "restored") == (2, 1)
    for accepted in open_ones:
        handle = bench.client.get_workflow_handle(names.workflow_id(accepted.mrn))
        history = await handle.fetch_history()
        order = history.events[0].workflow_execution_started_event_attributes.input.payloads[0].data
        assert b'"notices":1000' in order
    [line] = bench.store.audit(AuditFilter(action="doctor"), None, 1).lines
    assert (line.action, line.result) == ("doctor.began_anew", "2 workflows begun, 1 ended")
    assert await doctor_of(bench).begin_anew("test", UserRole.ADMIN, "once more") == (2, 2)


async def test_beginning_anew_waits_for_workers_however_long_that_takes(bench: Bench) -> None:
    """An engine that is busy is not one that is away."""
    accepted = acceptance("010101")
    await asyncio.to_thread(bench.store.lodge, accepted)
    engine = _Busy(bench.client, times=50)
    doctor = Doctor(bench.store, bench.store, engine, engine, utc_now, bench.store.note_audit, pause=0)
    assert await doctor.begin_anew("test", UserRole.ADMIN, "restored") == (1, 0)
    assert engine.times == 0


class _Busy(TemporalEngine):
    """Its workers come to what was started before only after so many looks."""

    def __init__(self, client: Client, times: int) -> None:
        super().__init__(client)
        self.times = times

    async def resume(self, resumption: Resumption) -> bool:
        if self.times:
            self.times -= 1
            raise EngineBusy("full")
        return await super().resume(resumption)


async def test_an_engine_that_is_away_is_itself_what_is_found(sqlite_url: str) -> None:
    """What the store alone can tell is told all the same."""
    store = create_store(sqlite_url)
    store.lodge(acceptance("010101"))
    engine = TemporalEngine(
        await connect(Settings(environment="development", temporal_address="127.0.0.1:9"))
    )
    doctor = Doctor(store, store, engine, engine, lambda: utc_now() + _LATER, store.note_audit, pause=0)
    found = counted(await doctor.examine("test"))
    assert found == {FindingKind.ENGINE_UNREACHABLE: 1, FindingKind.NOT_STARTED: 1}
    with pytest.raises(EngineUnavailable):
        await doctor.repair([FindingKind.WORKFLOW_LOST], "test", UserRole.ADMIN, "")
    store.close()


def message_of(accepted: Acceptance) -> Message:
    said = decision(f"{accepted.mrn}/plant-import", id="yes")
    return Message(
        agency="plant",
        message_id="m1",
        referral=said.referral,
        decisions=(said,),
        raw="",
        via=Via.CALLBACK,
        received_at=said.received_at,
    )
