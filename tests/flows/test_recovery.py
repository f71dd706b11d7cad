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
import requests

from hub.embedded import Ports, Stack
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

BEEF = {"items": [{"hs_code": "0202300000", "attributes": {"intended_use": "food", "species": "Bos taurus"}}]}
"""Two agencies, both with a look-up: one is asked by polls, the other calls back."""
TIMBER = {"items": [{"hs_code": "4407110000", "attributes": {"species": "Pinus radiata"}}]}
"""Two agencies: of one the contract has no look-up, and it calls back."""
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
    At the backup no declaration has reached one agency, and some wait for another. Then all are sent, decided
    and released; and all of that is forgotten. What cannot be looked up is decided by hand.
    """
    stack = own.stack
    await _late_is(own, seconds=20)
    await own.behave("apqa", "DOWN")
    plain = [(await own.lodge(BEEF))["mrn"] for _ in range(3)]
    waiting = [(await own.lodge({**BEEF, "ucr": "-SIM-MFDS-LATE"}))["mrn"] for _ in range(3)]
    timber = (await own.lodge({**TIMBER, "ucr": "-SIM-KFS-LATE"}))["mrn"]
    everything = [*plain, *waiting, timber]
    for mrn in everything:
        await own.until(mrn, lambda v: sum(r["state"] == "pending" for r in v["referrals"]) == 1)
    await hub(stack, "backup", str(tmp_path / "backups"))
    copy_of_the_engine(stack.folder, tmp_path / "engine.sqlite")
    await own.behave("apqa", "APPROVE")
    for mrn in everything:
        await own.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"], patience=150)
    lost = (await own.lodge(BEEF))["mrn"]
    await lose_everything(stack)

    [backup] = (tmp_path / "backups").iterdir()
    said = await hub(stack, "restore", str(backup), "--rate", "50")
    assert "7 open declarations" in said
    if engine != "empty":
        shutil.copyfile(tmp_path / "engine.sqlite", stack.folder / "temporal.sqlite")
    await stack.start_child("temporal")
    await asyncio.to_thread(_until_open, stack.ports.temporal)
    await hub(stack, "doctor", "--begin-anew", "--repair-all")
    for name in ("api", "worker"):
        await stack.start_child(name)
    await stack.wait_ready()

    for mrn in (*plain, *waiting):
        await own.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"], patience=150)
    # Its contract has no look-up, and the agency does not say again what it has said: a person asks it.
    kept = await own.until(timber, lambda v: all(r["state"] != "pending" for r in v["referrals"]))
    assert kept["outcome"] == "in_progress"
    await _decide_by_hand(own, timber, "kfs-timber-legality")
    await own.until(timber, lambda v: v["outcome"] == "release" and v["closed_at"])
    for mrn in everything:
        applications = (await own.ledger(mrn=mrn))["applications"]
        assert [one["effects"] for one in applications] == [1, 1]
        notices = (await own.cargo(mrn=mrn))["notices"]
        assert [one["outcome"] for one in notices] == ["release", "release"]
        assert [one["number"] for one in notices] == [1, 1001]
    assert (await own.ledger())["summary"]["effects_over_one"] == []
    # What was lodged after the backup is not known; its declarant lodges it again.
    assert (await own.ask("GET", f"/v1/declarations/{lost}")).status_code == 404
    await hub(stack, "doctor")


async def _late_is(own: Doors, seconds: float) -> None:
    """How long simulated agencies take that are late."""
    url = f"{own.stack.simulator_url}/_simulator/timings"
    answer = await asyncio.to_thread(requests.put, url, json={"late": round(seconds * 1000)}, timeout=5)
    answer.raise_for_status()


async def _decide_by_hand(own: Doors, mrn: str, service: str) -> None:
    """One person proposes what the agency has said, another confirms it."""
    body = {
        "id": f"{mrn}-1",
        "mrn": mrn,
        "service": service,
        "verdict": "approved",
        "evidence": "Ms Han, by telephone, 10:40",
    }
    proposed = await own.ask("POST", "/v1/operations/proposals", body)
    assert proposed.status_code == 201, proposed.text
    confirmed = await own.ask(
        "POST",
        f"/v1/operations/proposals/{proposed.json()['id']}/confirmation",
        {"id": f"{mrn}-2", "reason": "I have read the file"},
        office="operator",
    )
    assert confirmed.ok, confirmed.text


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
