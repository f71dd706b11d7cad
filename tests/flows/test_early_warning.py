"""The early warning on the real stack: the engine's schedule, real processes, a real mail server."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from temporalio.client import Client

from hub.domain import names
from hub.embedded import Ports, Stack
from hub.ports import IncidentKind
from hub.store import Store, create_store
from tests.flows.conftest import ROOT
from tests.operations.watch.sinks import MailSink

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
]

WITHIN = 60.0
"""Seconds in which whatever goes wrong must be seen."""
WATCH = """\
grouping: 1s
clear_rounds: 1
receivers:
  - {name: duty, email: duty@customs.example, severity: info}
"""


@pytest.fixture(scope="module")
def mails() -> Iterator[MailSink]:
    sink = MailSink().open()
    yield sink
    sink.close()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory, mails: MailSink) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("watched")
    shutil.copytree(ROOT / "adapters_config", folder / "configuration")
    (folder / "configuration" / "watch.yaml").write_text(WATCH)
    stack = Stack(
        folder / "stack", Ports.free(), folder / "configuration", overrides={"HUB_SMTP_URL": mails.url}
    )
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def store(watched: Stack) -> AsyncIterator[Store]:
    store = create_store(watched.environment["HUB_DATABASE_URL"])
    yield store
    store.close()


async def until(is_so: Callable[[], bool], within: float = WITHIN) -> None:
    """Raises TimeoutError if it does not come to be so."""
    deadline = time.monotonic() + within
    while not await asyncio.to_thread(is_so):
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.25)


def is_open(store: Store, kind: IncidentKind) -> Callable[[], bool]:
    return lambda: kind in {one.kind for one in store.open_incidents()}


def is_over(store: Store, kind: IncidentKind) -> Callable[[], bool]:
    return lambda: not is_open(store, kind)()


def is_told(mails: MailSink, words: str) -> Callable[[], bool]:
    """In a mail of its own, or among other things."""
    return lambda: any(words in mail["Subject"] + mail.get_content() for mail in mails.mails)


async def test_a_fault_in_the_configuration_is_seen_told_and_over(
    watched: Stack, store: Store, mails: MailSink
) -> None:
    """By rounds that the engine schedules and the worker goes."""
    await until(lambda: store.watched_seconds_ago() is not None)
    client = await Client.connect(f"127.0.0.1:{watched.ports.temporal}")
    schedule = await client.get_schedule_handle(names.WATCH_SCHEDULE).describe()
    assert schedule.info.num_actions > 0
    file = watched.config_folder / "agencies" / "apqa.yaml"
    sound = file.read_text()
    file.write_text(sound.replace("channel:", "chanel:", 1))
    await until(is_open(store, IncidentKind.CONFIGURATION_REFUSED))
    await until(is_told(mails, "A file of the configuration is refused - agencies/apqa.yaml"))
    file.write_text(sound)
    await until(is_over(store, IncidentKind.CONFIGURATION_REFUSED))
    await until(is_told(mails, "over: A file of the configuration is refused"))


async def test_a_worker_that_is_killed_is_missed_by_the_api(
    watched: Stack, store: Store, mails: MailSink
) -> None:
    """Which goes the rounds meanwhile, and tells."""
    watched.kill_child("worker")
    await until(is_open(store, IncidentKind.WORKER_MISSING))
    await until(is_told(mails, "No worker is running"))
    await watched.restart_child("worker")
    await until(is_over(store, IncidentKind.WORKER_MISSING), 2 * WITHIN)


async def test_an_engine_that_is_killed_is_missed_by_whoever_is_left(
    watched: Stack, store: Store, mails: MailSink
) -> None:
    watched.kill_child("temporal")
    await until(is_open(store, IncidentKind.ENGINE_UNREACHABLE))
    await until(is_told(mails, "Temporal does not answer"))
    await watched.restart_child("temporal")
    await until(is_over(store, IncidentKind.ENGINE_UNREACHABLE), 2 * WITHIN)
    # The schedule goes on where it was.
    await until(lambda: (store.watched_seconds_ago() or 99.0) < 10.0)
