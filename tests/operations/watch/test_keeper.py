"""What each process does: it lives, counts, stands in, and tells of a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hub.bootstrap.joined import _kind_of_trouble
from hub.clock import utc_now
from hub.operations.watch import keeper as keeping
from hub.operations.watch.gathering import Arrival, Gatherer
from hub.operations.watch.keeper import Keeper, Tally
from hub.operations.watch.memory import Memory
from hub.operations.watch.pace import Pace
from hub.operations.watch.rounds import Watch
from hub.operations.watch.sight import Sight
from hub.operations.watch.teller import Teller
from hub.ports import (
    EngineState,
    EngineUnavailable,
    IncidentKind,
    IncidentStep,
    Severity,
    Tallied,
    WatchPolicy,
)
from hub.ports.doctor import Finding, FindingKind, Place
from hub.store import Store
from hub.store.engine import Database
from tests.operations.watch.support import DUTY, Box

POLICY = WatchPolicy(receivers=(DUTY,))


class Engine:
    """As it is set to be."""

    def __init__(self) -> None:
        self.now = EngineState(is_reachable=True, waiting=timedelta(), backlog=0)
        self.failing: list[str] = []

    async def state(self) -> EngineState:
        return self.now

    async def still_failing(self, runs: Sequence[str]) -> list[str]:
        if not self.now.is_reachable:
            raise EngineUnavailable("away")
        return [one for one in runs if one in self.failing]


class Site:
    """One process's early warning on a real store."""

    def __init__(self, store: Store) -> None:
        self.store, self.engine, self.box = store, Engine(), Box()
        self.looked: Sequence[Finding] = ()

        async def quick_look() -> Sequence[Finding]:
            return self.looked

        gatherer = Gatherer(
            store=store,
            histories=store,
            controls=store,
            attention=store,
            engine=self.engine,
            certificates=list,
            refused_files=list,
            quick_look=quick_look,
            clock=utc_now,
        )
        self.watch = Watch(gatherer, store, lambda: POLICY, utc_now, "worker 1")
        self.memory = Memory(store, self.box, lambda: POLICY, utc_now, _kind_of_trouble, runbook_url="x")
        self.keeper = Keeper(
            self.watch,
            Teller(store, self.box, lambda: POLICY, utc_now, console_url=None, runbook_url="x"),
            self.memory,
            Tally(),
            store,
            utc_now,
            process="worker 1",
            role="worker",
            version="1",
        )
        self.gatherer = gatherer

    async def round(self, arrival: Arrival | None = None) -> None:
        """One that nothing keeps from being gone, with everything measured anew."""
        self.gatherer._kept.clear()
        assert await self.watch.go_round(arrival, idle=timedelta())

    def open(self) -> set[tuple[IncidentKind, str]]:
        return {(one.kind, one.subject) for one in self.store.open_incidents()}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url, sync="normal")
    yield database
    database.close()


@pytest.fixture
def site(database: Database) -> Site:
    return Site(Store(database))


async def test_a_round_on_an_idle_hub_finds_nothing_wrong_with_it(site: Site) -> None:
    await site.keeper.go_round()
    site.store.beat("api 2", "api", "1", utc_now())
    await site.round(Arrival(timedelta(milliseconds=20), 0.01))
    assert site.open() == set()


async def test_an_engine_that_is_away_is_found_and_told_and_over_when_it_is_back(site: Site) -> None:
    site.engine.now = EngineState(is_reachable=False)
    await site.round()
    assert site.open() == {(IncidentKind.ENGINE_UNREACHABLE, "")}
    await site.keeper.go_round()
    [told] = site.box.taken
    assert told.severity is Severity.CRITICAL
    assert [one.kind for one in site.keeper.open_incidents()] == [IncidentKind.ENGINE_UNREACHABLE]
    site.engine.now = EngineState(is_reachable=True, waiting=timedelta())
    for _ in range(POLICY.clear_rounds):
        await site.round()
    assert site.open() == set()


async def test_workflows_whose_tasks_fail_are_found_by_the_first_one_that_is_counted(site: Site) -> None:
    site.keeper.tally(Tallied.WORKFLOW_FAILED, "26KR1")
    site.keeper.tally(Tallied.WORKFLOW_FAILED, "26KR2")
    site.engine.failing = ["26KR1"]
    await site.keeper.go_round()
    await site.round()
    [incident] = site.store.open_incidents()
    assert incident.kind is IncidentKind.WORKFLOW_FAILING
    assert incident.evidence["for_example"] == "26KR1"
    # The version that fits them is back: the next attempt goes well.
    site.engine.failing = []
    for _ in range(POLICY.clear_rounds):
        await site.round()
    assert site.open() == set()


async def test_what_the_doctor_sees_at_a_glance_is_an_incident(site: Site) -> None:
    site.looked = [Finding(kind=FindingKind.WORKFLOW_LOST, count=2, places=(Place(mrn="26KR1"),))]
    await site.round()
    assert site.open() == {(IncidentKind.DISAGREEMENT, "workflow_lost")}
    # A look that could not ask the engine says nothing about it.
    site.looked = [Finding(kind=FindingKind.ENGINE_UNREACHABLE, count=1)]
    for _ in range(2 * POLICY.clear_rounds):
        await site.round()
    assert site.open() == {(IncidentKind.DISAGREEMENT, "workflow_lost")}


async def test_a_round_that_waited_long_for_a_worker_and_a_clock_that_is_wrong(site: Site) -> None:
    await site.round(Arrival(timedelta(seconds=40), -75.0))
    assert {(one.kind, one.subject, one.severity) for one in site.store.open_incidents()} == {
        (IncidentKind.ENGINE_SLOW, "", Severity.WARNING),
        (IncidentKind.CLOCK_SKEWED, "engine", Severity.CRITICAL),
    }


async def test_a_measurement_that_fails_takes_none_with_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("no such table")

    monkeypatch.setattr(site.store, "outboxes", fails)
    site.engine.now = EngineState(is_reachable=False)
    await site.round()
    assert site.open() == {(IncidentKind.ENGINE_UNREACHABLE, "")}


async def test_two_processes_go_no_round_at_once(site: Site) -> None:
    assert site.store.lease_watch("api 2", idle=timedelta(), lasts=timedelta(hours=1))
    assert not await site.watch.go_round(idle=timedelta())
    site.store.end_watch("api 2", done=True)
    assert await site.watch.go_round(idle=timedelta())
    assert not await site.watch.go_round(idle=timedelta(hours=1))


async def test_a_database_that_goes_away_in_the_middle_of_a_round_keeps_no_later_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise sa.exc.OperationalError("", {}, Exception("gone"))

    with monkeypatch.context() as away:
        away.setattr(site.store, "record_round", gone)
        away.setattr(site.store, "end_watch", gone)
        with pytest.raises(sa.exc.OperationalError):
            await site.watch.go_round(idle=timedelta())
    assert await site.watch.go_round(idle=timedelta())


async def test_a_round_that_cannot_be_written_down_is_told_as_well(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beats may go well while there is no room for anything new."""

    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site.store, "record_round", no_room)
    site.keeper._pace = Pace(0.0)
    for _ in range(2):
        await site.keeper.go_round()
    assert [one.kind for one in site.keeper.open_incidents()] == [IncidentKind.DISK_FULL]
    assert len(site.box.taken) == 1


async def test_an_error_of_our_own_is_no_trouble_of_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise KeyError("kind")

    monkeypatch.setattr(site.store, "receivers_waiting", fails)
    for _ in range(3):
        with pytest.raises(KeyError):
            await site.keeper.go_round()
    assert site.keeper.open_incidents() == []


async def test_whoever_is_left_stands_in(site: Site) -> None:
    """Nobody has gone a round: this process does, once it has let the others have their turn."""
    site.engine.now = EngineState(is_reachable=False)
    await site.keeper.go_round()
    assert site.open() == set()
    site.keeper._pace = Pace(0.0)
    await site.keeper.go_round()
    assert site.open() == {(IncidentKind.ENGINE_UNREACHABLE, "")}
    await site.keeper.finish()
    assert site.store.beats() == []


async def test_all_looks_are_as_much_quicker_as_the_scale_says(site: Site) -> None:
    site.keeper._pace = site.gatherer.pace = Pace(0.01)
    assert await site.keeper.go_round() == 0.05
    assert site.keeper._pace.every == timedelta(milliseconds=150)
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        return looks

    now = utc_now()
    for later, seen in ((0.0, 1), (0.29, 1), (0.31, 2)):
        assert await site.gatherer._every("x", 30, now + timedelta(seconds=later), look) == seen


async def test_a_database_that_is_away_is_told_without_it_and_recorded_once_it_is_back(
    site: Site, database: Database, sqlite_url: str
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    sight = Sight(site.store, site.memory.incidents)
    await site.keeper.go_round()
    database.close()
    elsewhere = path.rename(path.with_suffix(".away"))
    path.mkdir()
    await site.keeper.go_round()
    assert site.box.taken == []  # one that failed may be an accident
    site.box.is_down = True
    await site.keeper.go_round()
    site.box.is_down = False
    assert [one.kind for one in site.keeper.open_incidents()] == [IncidentKind.DATABASE_UNREACHABLE]
    assert [one.id for one in sight.open_incidents()] == [0]
    site.keeper.tally(Tallied.LODGED_AGAIN, "KR-1")
    path.rmdir()
    elsewhere.rename(path)
    # Back, and the receiver, whose own system was away, is told by the outbox now.
    for _ in range(3):
        await site.keeper.go_round()
    [incident] = site.store.open_incidents()
    assert incident.kind is IncidentKind.DATABASE_UNREACHABLE
    assert "unable to open" in incident.evidence["reason"]
    [told] = site.box.taken
    assert "database" in told.subject
    assert site.store.tallied("lodged_again", utc_now() - timedelta(hours=1)) == {"KR-1": 1}
    for _ in range(POLICY.clear_rounds):
        await site.round()
    assert site.open() == set()
    steps = [one.step for one in site.store.incident_changes(incident.id)]
    assert steps == [IncidentStep.OPENED, IncidentStep.CLOSED]


async def test_a_receiver_that_was_told_without_the_store_is_not_told_twice(
    site: Site, database: Database, sqlite_url: str
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    database.close()
    elsewhere = path.rename(path.with_suffix(".away"))
    path.mkdir()
    for _ in range(5):
        await site.keeper.go_round()
    path.rmdir()
    elsewhere.rename(path)
    for _ in range(3):
        await site.keeper.go_round()
    assert len(site.box.taken) == 1
    assert len(site.store.open_incidents()) == 1


async def test_a_disk_that_is_full_is_told_from_a_database_that_is_away(
    site: Site, database: Database
) -> None:
    """SQLite cannot grow by another page: reads go on, nothing can be written."""

    def no_room(connection: Any, *_: Any) -> None:
        [pages] = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")

    sa.event.listen(database.engine, "checkout", no_room)
    filling = sa.text("CREATE TABLE filling AS SELECT randomblob(4096) AS filled FROM (SELECT 1)")
    with pytest.raises(sa.exc.OperationalError, match="full"), database.write() as connection:
        connection.execute(filling)
    with database.engine.connect() as connection:
        free = connection.execute(sa.text("PRAGMA freelist_count")).scalar_one()
    assert free == 0
    for _ in range(400):
        # Beats overwrite one row, and need no room: what is counted does.
        site.keeper.tally(Tallied.LODGED_AGAIN, f"declarant {_}" + "x" * 150)
    for _ in range(2):
        await site.keeper.go_round()
    assert [one.kind for one in site.keeper.open_incidents()] == [IncidentKind.DISK_FULL]
    sa.event.remove(database.engine, "checkout", no_room)
    database.close()
    await site.keeper.go_round()
    await site.keeper.go_round()
    assert site.open() == {(IncidentKind.DISK_FULL, "database")}
    assert len(site.store.tallied("lodged_again", utc_now() - timedelta(hours=1))) == 400


async def test_a_database_that_hangs_counts_as_away_and_holds_one_thread(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go = asyncio.Event()
    loop = asyncio.get_running_loop()
    begun = 0
    beat = site.store.beat

    def hangs(*said: Any) -> Any:
        nonlocal begun
        begun += 1
        asyncio.run_coroutine_threadsafe(let_go.wait(), loop).result()
        return beat(*said)

    monkeypatch.setattr(site.store, "beat", hangs)
    monkeypatch.setattr(keeping, "_BEAT_WITHIN", 0.05)
    for _ in range(3):
        await site.keeper.go_round()
    assert begun == 1
    assert [one.kind for one in site.keeper.open_incidents()] == [IncidentKind.DATABASE_UNREACHABLE]
    let_go.set()
    monkeypatch.setattr(keeping, "_BEAT_WITHIN", 10.0)
    for _ in range(3):
        await site.keeper.go_round()
    assert (IncidentKind.DATABASE_UNREACHABLE, "database") in site.open()
