"""Drills with what the engine holds: docs/operations.md says what to do in each of these cases."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from hub.domain import names
from hub.embedded import Stack
from tests.drills.conftest import ROOT
from tests.drills.operations import SEEN_WITHIN, Operations
from tests.drills.outcomes import decided, lodge, lodge_waiting, released
from tests.flows.doors import Doors

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(300),
]

BUSY = "It is being looked at"
SOUND = "        if order.resumed is None:\n            await self._refer_to_all"
CHANGED = "        await workflow.sleep(0.1)\n" + SOUND
"""A step before all others: whoever has gone on without it cannot be replayed."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def waiting(stack: Stack) -> list[str]:
    """Declarations that wait for their agency. What has just been accepted the doctor does not miss yet."""
    return await lodge_waiting(Doors(stack), 4)


@pytest.mark.slow
async def test_a_bad_deploy_of_a_workflow(
    doors: Doors, stack: Stack, operations: Operations, tmp_path: Path
) -> None:
    """
    Runbook: workflow-failing. What is open stands still, the others go on; the earlier version mends.

    Slow: the engine tries a task that has failed ever more seldom.
    """
    open_ones = await lodge_waiting(doors, 2)
    stack.end_child("worker")
    await stack.wait_child("worker")
    async with _worker_of(_changed_hub(tmp_path), stack, tmp_path / "worker.log"):
        drill = operations.drill("a bad deploy of a workflow")
        await decided(doors, open_ones)
        incident = await drill.seen("workflow_failing")
        assert open_ones[0] in incident["evidence"]["for_example"]
        [other] = await lodge(doors, 1)
        await doors.until(other, lambda view: view["outcome"] == "release" and view["closed_at"])
        assert (await doors.view(open_ones[0]))["outcome"] == "in_progress"
    await stack.restart_child("worker")
    drill.mended()
    await released(doors, [*open_ones, other])
    await drill.over("workflow_failing")


async def test_a_workflow_that_was_terminated(
    doors: Doors, stack: Stack, operations: Operations, waiting: list[str]
) -> None:
    """Runbook: disagreement. Behind the hub's back; the doctor starts it anew from the store."""
    mrn = waiting.pop()
    client = await Client.connect(f"127.0.0.1:{stack.ports.temporal}")
    await client.get_workflow_handle(names.workflow_id(mrn)).terminate("by hand")
    drill = operations.drill("a workflow that was terminated")
    await drill.seen("disagreement", "workflow_ended")
    await _doctor_mends(operations, "workflow_ended", mrn)
    drill.mended()
    await decided(doors, [mrn])
    await released(doors, [mrn])
    await drill.over("disagreement", "workflow_ended")


async def test_an_engine_that_has_lost_its_data(
    doors: Doors, stack: Stack, operations: Operations, waiting: list[str]
) -> None:
    """Runbook: disagreement. Not even a backup is left: the store is the record, and everything goes on."""
    stack.kill_child("temporal")
    await stack.wait_child("temporal")
    for file in stack.folder.glob("temporal.sqlite*"):
        file.unlink()
    drill = operations.drill("an engine that has lost its data")
    meanwhile = await lodge(doors, 2)
    await stack.restart_child("temporal")
    await drill.seen("disagreement", "workflow_lost")
    await _doctor_mends(operations, "workflow_lost", *waiting)
    drill.mended()
    await decided(doors, waiting)
    await released(doors, [*waiting, *meanwhile])
    await drill.over("disagreement", "workflow_lost")


async def _doctor_mends(operations: Operations, kind: str, *mrns: str) -> None:
    """Look at everything until all of these are found, and have mended what is of this kind."""
    async with asyncio.timeout(SEEN_WITHIN):
        said = ""
        # What has just been accepted may be on its way into the engine, and is not told by the first look.
        while not all(mrn in said for mrn in mrns):
            await operations.press("/console/doctor", "/console/doctor/examine")
            said = await _at_rest(operations)
    await operations.fill("/console/doctor", kind, **{kind: "yes", "reason": "as the runbook says"})
    said = await _at_rest(operations)
    assert "What was mended" in said


async def _at_rest(operations: Operations) -> str:
    """What the doctor's page says once nothing is under way."""
    while BUSY in (said := await operations.page("/console/doctor")):
        await asyncio.sleep(0.2)
    return said


def _changed_hub(folder: Path) -> Path:
    """The hub's code as somebody has changed it, with the workflow of open declarations."""
    code = folder / "code"
    shutil.copytree(ROOT / "hub", code / "hub", ignore=shutil.ignore_patterns("__pycache__"))
    workflow = code / "hub" / "workflows" / "clearance.py"
    text = workflow.read_text()
    assert SOUND in text
    workflow.write_text(text.replace(SOUND, CHANGED))
    return code


@asynccontextmanager
async def _worker_of(code: Path, stack: Stack, log: Path) -> AsyncIterator[None]:
    """A worker of the stack that runs this code."""
    with log.open("ab") as out:
        worker = await asyncio.create_subprocess_exec(
            *[sys.executable, "-P", "-m", "hub", "worker"],
            env={**stack.environment, "PYTHONPATH": os.fspath(code)},
            stdout=out,
            stderr=out,
        )
    try:
        yield
    finally:
        worker.terminate()
        await worker.wait()
