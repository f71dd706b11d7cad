"""Drills with the hub's own parts: docs/operations.md says what to do in each of these cases."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hub.embedded import Stack
from tests.drills.operations import Operations
from tests.drills.outcomes import STALLED, decided, delivered, lodge, lodge_waiting, released
from tests.flows.doors import Doors, complete

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

_MOST = 200
"""Declarations that fit into what a database has of its disk already, at the very most."""


async def test_a_worker_that_is_killed(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: worker-missing. What is lodged meanwhile waits, and goes out once there is a worker."""
    before = await lodge_waiting(doors, 2)
    stack.kill_child("worker")
    drill = operations.drill("a worker that is killed")
    meanwhile = await lodge(doors, 3)
    incident = await drill.seen("worker_missing")
    assert incident["severity"] == "critical"
    assert "No worker is running" in await operations.page(f"/console/incidents/{incident['id']}")
    await stack.restart_child("worker")
    drill.mended()
    await decided(doors, before)
    await released(doors, [*before, *meanwhile])
    await drill.over("worker_missing")


@pytest.mark.slow
async def test_an_engine_that_is_stopped(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: engine-unreachable. Declarations are accepted all the same, and go on once it is back."""
    before = await lodge_waiting(doors, 2)
    stack.kill_child("temporal")
    drill = operations.drill("an engine that is stopped")
    meanwhile = await lodge(doors, 3)
    await drill.seen("engine_unreachable")
    assert (await doors.view(meanwhile[0]))["outcome"] == "in_progress"
    await stack.restart_child("temporal")
    drill.mended()
    await decided(doors, before)
    await released(doors, [*before, *meanwhile])
    await drill.over("engine_unreachable")


async def test_an_api_that_is_killed(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: api-missing. A worker tells of it by mail; whoever got no answer asks again."""
    before = await lodge(doors, 3)
    stack.kill_child("api")
    drill = operations.drill("an API that is killed")
    with pytest.raises(Exception, match="does not answer"):
        await lodge(doors, 1)
    await drill.told("No API is running")
    await stack.restart_child("api")
    drill.mended()
    await stack.wait_ready()
    await drill.seen("api_missing")
    await released(doors, [*before, *await lodge(doors, 1)])
    await drill.over("api_missing")


async def test_a_disk_that_is_full(
    doors: Doors, stack: Stack, operations: Operations, disk: Path | None
) -> None:
    """Runbook: disk-full. What cannot be written is refused whole; it goes on once there is room."""
    if disk is None:
        pytest.skip("this user may not mount a small disk to fill")
    waiting = await lodge_waiting(doors, 2)
    filler = disk / "filler"
    drill = operations.drill("a disk that is full")
    try:
        refused, taken = await _until_no_room(doors, filler)
        await drill.seen("disk_full", "database")
        await drill.told("The disk is full", "disk-full")
    finally:
        filler.unlink()
    drill.mended()
    again = (await doors.lodge(refused))["mrn"]
    await delivered(doors, [*taken, again])
    await decided(doors, [*waiting, *taken, again])
    await released(doors, [*waiting, *taken, again])
    await drill.over("disk_full")


async def _until_no_room(doors: Doors, filler: Path) -> tuple[dict[str, Any], list[str]]:
    """Fill the disk until a declaration is refused for it; that one, and those that were taken before."""
    taken = []
    for _ in range(_MOST):
        await asyncio.to_thread(_fill, filler)
        declaration = complete(STALLED)
        answer = await doors.ask("POST", "/v1/declarations", declaration)
        if not answer.ok:
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/store-unavailable"
            assert "no room" in answer.json()["detail"]
            return declaration, taken
        # There was room in what the database had of the disk already.
        taken.append(answer.json()["mrn"])
    raise AssertionError(f"a full disk took {_MOST} declarations")


def _fill(file: Path) -> None:
    """Write until there is no room at all."""
    with suppress(OSError), file.open("ab", buffering=0) as out:
        while True:
            out.write(bytes(65536))


async def test_a_wrong_configuration(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: configuration-refused. The last good version goes on; nothing is asked wrongly or lost."""
    file = stack.config_folder / "agencies" / "apqa.yaml"
    sound = file.read_text()
    file.write_text(sound.replace("channel:", "chanel:", 1))
    drill = operations.drill("a wrong configuration")
    try:
        incident = await drill.seen("configuration_refused", "agencies/apqa.yaml")
        assert "unknown key 'chanel'" in incident["evidence"]["fault"]
        meanwhile = await lodge(doors, 2)
        await released(doors, meanwhile)
    finally:
        file.write_text(sound)
    drill.mended()
    await drill.over("configuration_refused", "agencies/apqa.yaml")
    await released(doors, await lodge(doors, 1))
