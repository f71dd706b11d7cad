"""
The database is backed up while declarations run, everything is lost a while later, and the backup is brought
back: every declaration goes on, no application takes effect twice, no notice is lost.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded import Ports, Stack
from tests.flows.doors import Doors
from tests.flows.test_kills import FOUR_REFERRALS

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

_PROCESSES = ("worker", "api", "temporal")


@pytest_asyncio.fixture(loop_scope="session")
async def own(tmp_path: Path, root: Path) -> AsyncIterator[Doors]:
    """The doors of a stack that may be broken."""
    stack = Stack(tmp_path / "stack", Ports.free(), root / "adapters_config")
    try:
        await stack.start()
        yield Doors(stack)
    finally:
        await stack.stop()


async def hub(stack: Stack, *words: str) -> str:
    """What a command says; fails where it does."""
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "hub", *words),
        env=stack.environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await command.communicate()
    text = said.decode()
    assert command.returncode == 0, text
    return text


async def lose_everything(stack: Stack) -> None:
    """Killed with -9, and nothing is left but the agencies, the cargo system, and backups."""
    for name in _PROCESSES:
        stack.kill_child(name)
    for name in _PROCESSES:
        await stack.wait_child(name)
    for path in stack.folder.glob("*.sqlite*"):
        if path.name.startswith(("hub.", "temporal.")):
            path.unlink()


def copy_of_the_engine(folder: Path, to: Path) -> None:
    with (
        closing(sqlite3.connect(folder / "temporal.sqlite")) as engine,
        closing(sqlite3.connect(to)) as copy,
    ):
        engine.backup(copy)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["empty", "of the backup's time"])
async def test_a_backup_brought_back_on_an_engine(own: Doors, tmp_path: Path, engine: str) -> None:
    """
    At the backup some wait for their agencies, and some have not reached one. Then all are sent, decided
    and released; and all of that is forgotten.
    """
    stack = own.stack
    await own.behave("kfs", "DOWN")
    pending = [(await own.lodge(FOUR_REFERRALS))["mrn"] for _ in range(4)]
    waiting = [(await own.lodge({**FOUR_REFERRALS, "ucr": "-SIM-LATE"}))["mrn"] for _ in range(4)]
    for mrn in (*pending, *waiting):
        await own.until(mrn, lambda v: sum(r["state"] == "pending" for r in v["referrals"]) <= 1)
    await hub(stack, "backup", str(tmp_path / "backups"))
    copy_of_the_engine(stack.folder, tmp_path / "engine.sqlite")
    await own.behave("kfs", "APPROVE")
    for mrn in (*pending, *waiting):
        await own.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"])
    lost = (await own.lodge(FOUR_REFERRALS))["mrn"]
    await lose_everything(stack)

    [backup] = (tmp_path / "backups").iterdir()
    said = await hub(stack, "restore", str(backup), "--rate", "50")
    assert "8 open declarations" in said
    if engine != "empty":
        shutil.copyfile(tmp_path / "engine.sqlite", stack.folder / "temporal.sqlite")
    await stack.start_child("temporal")
    await asyncio.to_thread(_until_open, stack.ports.temporal)
    await hub(stack, "doctor", "--begin-anew", "--repair-all")
    for name in ("api", "worker"):
        await stack.start_child(name)
    await stack.wait_ready()

    for mrn in (*pending, *waiting):
        await own.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"])
        applications = (await own.ledger(mrn=mrn))["applications"]
        assert [one["effects"] for one in applications] == [1, 1, 1, 1]
        notices = (await own.cargo(mrn=mrn))["notices"]
        assert notices[-1]["notice"]["outcome"] == "release"
        assert len({one["notice"]["key"] for one in notices}) == len(notices)
    assert (await own.ledger())["summary"]["effects_over_one"] == []
    # What was lodged after the backup is not known; its declarant lodges it again.
    missing = await own.ask("GET", f"/v1/declarations/{lost}")
    assert missing.status_code == 404
    await hub(stack, "doctor")


def _until_open(port: int) -> None:
    """Wait until Temporal listens."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "Temporal does not listen"
            time.sleep(0.05)
        else:
            return
