"""The gate before an agency's system: shut when too many requests have failed, for all processes alike."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.adapters.controlled import ControlledGateway
from hub.adapters.gate import LiveGate
from hub.adapters.gateway import Gateway
from hub.adapters.reading import Kind
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyPaused, AgencyRefused, AgencyUnavailable, ChannelError, InDoubt
from hub.ports import ControlState
from hub.store import Store, create_store, upgrade
from tests.adapters.support import NOW, agency, dossier, gateway_to
from tests.adapters.system import Heard, Say, System, answer, system
from tests.adapters.test_gateway import quick

KATS = quick(agency("kats"), breaker_failures=2, breaker_pause="1h", per_second=4, concurrency=3)
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'
LEASE = timedelta(minutes=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    upgrade(url)
    store = create_store(url, sync="normal")
    yield store
    store.close()


class Hub:
    """One process: its gateway, its breakers, and what it knows of the gate."""

    def __init__(self, store: Store, gateway: Gateway) -> None:
        self.store = store
        self.now = datetime.now(UTC)
        self.gate = LiveGate(store, lambda: self.now, gateway.file_of, gateway.forgive)
        self.asking = ControlledGateway(gateway, self.gate)

    def state(self) -> ControlState:
        control = self.store.controls().get("kats")
        return ControlState.OPEN if control is None else control.state

    async def submit(self) -> None:
        await self.asking.submit(dossier(KATS))

    async def fails(self, *kinds: type[ChannelError]) -> None:
        for kind in kinds:
            with pytest.raises(ChannelError) as told:
                await self.submit()
            assert type(told.value) is kind

    def probes(self) -> None:
        """The one referral of these tests is let through to see, as the relay does it."""
        due = self.store.controls()["kats"].next_probe_at
        assert due is not None
        self.now = max(self.now, due)
        assert self.store.take_probe("kats", self.now, LEASE) is not None
        terms = dossier(KATS).terms
        with self.store._database.write() as connection:
            connection.exec_driver_sql(
                "UPDATE agency_controls SET probe_mrn = ?, probe_service = ?", (terms.mrn, terms.service)
            )


@asynccontextmanager
async def processes(store: Store, running: System, count: int = 1) -> AsyncIterator[list[Hub]]:
    async with AsyncExitStack() as stack:
        yield [
            Hub(store, await stack.enter_async_context(gateway_to(running.url, KATS))) for _ in range(count)
        ]


async def test_too_many_failures_shut_the_gate_and_a_probe_opens_it_to_the_queue(store: Store) -> None:
    """A breaker that would stay open for an hour does not keep the probe away; the table says what goes."""
    up = False

    def script(_: Heard) -> Say:
        return answer(200, RECEIPT) if up else answer(500)

    with system(script) as running:
        async with processes(store, running) as [hub]:
            await hub.fails(InDoubt)
            assert hub.state() is ControlState.OPEN
            await hub.fails(InDoubt, AgencyPaused, AgencyPaused)
            assert hub.state() is ControlState.FAILING
            assert len(running.heard) == 2
            hub.probes()
            await hub.fails(InDoubt, AgencyPaused)
            assert (hub.state(), len(running.heard)) == (ControlState.FAILING, 3)
            up = True
            hub.probes()
            await hub.submit()
            assert hub.state() is ControlState.DRAINING
            # Nobody is queued: whoever comes now walks through.
            await hub.submit()
            assert len(running.heard) == 5


async def test_what_fails_again_and_again_while_the_queue_goes_out_shuts_the_gate(store: Store) -> None:
    """A refusal is no failure, and one failure between answers may be about what was asked."""
    script = [
        answer(400, '{"message": "no such code"}'),
        answer(503),
        answer(200, RECEIPT),
        answer(503),
        answer(503),
        answer(503),
        answer(200, RECEIPT),
    ]
    with system(script) as running:
        async with processes(store, running) as [hub]:
            store.fails("kats", reason="refused", at=hub.now)
            store.recovered("kats", hub.now, 1.0)
            await hub.gate.look()
            await hub.fails(AgencyRefused)
            assert hub.state() is ControlState.DRAINING
            await hub.fails(AgencyUnavailable)
            await hub.submit()
            await hub.fails(AgencyUnavailable, AgencyUnavailable)
            assert hub.state() is ControlState.DRAINING
            await hub.fails(AgencyUnavailable, AgencyPaused)
            assert hub.state() is ControlState.FAILING


async def test_who_has_served_while_the_queue_went_out_is_tried_soon_again(store: Store) -> None:
    """However soon it fails again; who has answered little is left alone for twice as long."""
    answers = [answer(200, RECEIPT)] * 5
    with system([*answers, *[answer(503)] * 3, *answers[:2], *[answer(503)] * 3]) as running:
        async with processes(store, running) as [hub]:
            store.fails("kats", reason="refused", at=hub.now, pause=timedelta(minutes=2))
            store.recovered("kats", hub.now, 1.0)
            await hub.gate.look()
            for _ in answers:
                await hub.submit()
            await hub.fails(AgencyUnavailable, AgencyUnavailable, AgencyUnavailable)
            first = hub.gate.pace("kats").first_pause
            assert store.controls()["kats"].next_probe_at == hub.now + first
            store.recovered("kats", hub.now, 1.0)
            await hub.gate.look()
            await hub.submit()
            await hub.submit()
            await hub.fails(AgencyUnavailable, AgencyUnavailable, AgencyUnavailable)
            assert store.controls()["kats"].next_probe_at == hub.now + 2 * first


async def test_what_was_served_before_it_was_open_again_does_not_count(store: Store) -> None:
    """Served is who answers while this queue goes out, and not the one before it."""
    answers = [answer(200, RECEIPT)] * 5
    with system([*answers, *[answer(503)] * 3]) as running:
        async with processes(store, running) as [hub]:
            first = hub.gate.pace("kats").first_pause
            store.fails("kats", reason="refused", at=hub.now)
            store.recovered("kats", hub.now, 1.0)
            await hub.gate.look()
            for _ in answers:
                await hub.submit()
            store.let_go("kats", hub.now, hub.gate.pace("kats"))
            await hub.gate.look()
            assert hub.state() is ControlState.OPEN
            store.fails("kats", reason="refused", at=hub.now, pause=first)
            store.recovered("kats", hub.now, 1.0)
            await hub.gate.look()
            await hub.fails(AgencyUnavailable, AgencyUnavailable, AgencyUnavailable)
            assert store.controls()["kats"].next_probe_at == hub.now + 2 * first


async def test_one_process_shuts_the_gate_for_all_and_all_forgive_when_it_opens(store: Store) -> None:
    """Each counts its own failures; none holds them against an agency that has been answered elsewhere."""
    up = False

    def script(_: Heard) -> Say:
        return answer(200, RECEIPT) if up else answer(500)

    with system(script) as running:
        async with processes(store, running, 2) as [one, other]:
            await one.fails(InDoubt, InDoubt)
            # The other has not looked yet.
            await other.fails(InDoubt, InDoubt, AgencyPaused)
            up = True
            one.probes()
            await one.submit()
            store.let_go("kats", one.now, one.gate.pace("kats"))
            assert one.state() is ControlState.OPEN
            for hub in (one, other):
                await hub.gate.look()
                await hub.submit()
            assert len(running.heard) == 7


async def test_a_pause_stops_all_that_would_be_sent_and_nothing_that_comes_in(store: Store) -> None:
    """Polls and feeds too; look-ups, reminders, everything."""
    with system(answer(200, RECEIPT)) as running:
        async with processes(store, running) as [hub]:
            store.pause("kats", by="kim", reason="moves house", at=hub.now)
            await hub.gate.look()
            asked = dossier(KATS, receipt="RV-1")
            for call in (
                hub.asking.submit(asked),
                hub.asking.look_up(asked, NOW),
                hub.asking.poll(asked),
                hub.asking.amend(asked),
                hub.asking.withdraw(asked, None),
                hub.asking.remind(asked),
                hub.asking.pull_feed("kats"),
                hub.asking.acknowledge_feed("kats", ["M-1"]),
            ):
                with pytest.raises(AgencyPaused, match="paused"):
                    await call
            assert hub.gate.shut() == {"kats": 0}
            assert await hub.asking.abilities("kats", "v1")
            assert await hub.asking.inputs_of(asked)
            store.resume("kats", by="kim", reason="has moved", at=hub.now)
            await hub.gate.look()
            assert hub.gate.shut() == {"kats": 1}
            assert await hub.gate.lets_through("kats", Kind.PULL, None)
    assert running.heard == []


async def test_a_gate_that_cannot_be_told_takes_nothing_from_what_was_said(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away for a moment: the agency's answer counts, and the next failure is told."""

    def away(*_: object, **__: object) -> bool:
        raise OSError("no database")

    with system(answer(500)) as running:
        async with processes(store, running) as [hub]:
            with monkeypatch.context() as broken:
                broken.setattr(store, "fails", away)
                await hub.fails(InDoubt, InDoubt)
            assert hub.state() is ControlState.OPEN
            await hub.fails(AgencyUnavailable)
            assert hub.state() is ControlState.FAILING


@pytest.mark.parametrize(
    ("file", "first", "slowest", "fastest", "at_once"),
    [
        (KATS, 5.0, 2.0, 4.0, 3),
        (quick(KATS, breaker_pause="2s", per_second=0.5), 2.0, 0.5, 0.5, 3),
        (quick(KATS, per_second=None, concurrency=10), 5.0, 5.0, 10.0, 10),
    ],
    ids=["a rate", "a slow one", "no rate"],
)
async def test_the_pace_is_that_of_the_file(
    store: Store, file: AgencyFile, first: float, slowest: float, fastest: float, at_once: int
) -> None:
    """Half of what it may be asked at most, to begin with."""
    gate = LiveGate(store, lambda: NOW, lambda slug: file, lambda slug: None)
    pace = gate.pace("kats")
    assert pace.first_pause.total_seconds() == first
    assert (pace.slowest, pace.fastest, pace.at_once) == (slowest, fastest, at_once)
