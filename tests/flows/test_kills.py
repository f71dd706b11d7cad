"""Parts of the hub killed with -9 while declarations are in flight: nothing lost, nothing done twice."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from hub.cli.client import ApiProblem
from hub.embedded import Stack
from tests.flows.doors import Doors, complete

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

# Two by REST and two by SOAP; in the reply, by callback, and two by poll.
FOUR_REFERRALS = {
    "items": [
        {"hs_code": "4407110000", "attributes": {"species": "Pinus radiata"}},
        {"hs_code": "0809290000", "attributes": {"intended_use": "food"}},
        {"hs_code": "9305209090", "attributes": {"intended_use": "sport"}},
    ]
}


@pytest.mark.slow
async def test_a_worker_killed_in_mid_run(doors: Doors, stack: Stack) -> None:
    """Twelve declarations, one kill: twelve releases, and no application took effect twice."""
    await _kill_worker_under(doors, stack, declarations=12, kills=1)


@pytest.mark.slow
async def test_two_hundred_declarations_and_three_kills(doors: Doors, stack: Stack) -> None:
    """The same with two hundred in flight, killed again and again."""
    await _kill_worker_under(doors, stack, declarations=200, kills=3)


async def _kill_worker_under(doors: Doors, stack: Stack, *, declarations: int, kills: int) -> None:
    mrns = [(await doors.lodge(FOUR_REFERRALS))["mrn"] for _ in range(declarations)]
    done = 0
    for kill in range(1, kills + 1):
        # Each kill comes when a further share of the declarations is through: in mid-run, at any speed.
        while done < declarations * kill // (kills + 2):
            done = sum([(await doors.view(mrn))["outcome"] == "release" for mrn in mrns])
        stack.kill_child("worker")
        await stack.restart_child("worker")
    for mrn in mrns:
        view = await doors.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"], patience=110)
        assert len(view["referrals"]) == 4
    for mrn in mrns:
        assert await doors.told(mrn) == ["cargo.released"]
        applications = (await doors.ledger(mrn=mrn))["applications"]
        assert [a["effects"] for a in applications] == [1, 1, 1, 1]
    assert (await doors.ledger())["summary"]["effects_over_one"] == []


async def test_intake_goes_on_without_the_engine(doors: Doors, stack: Stack) -> None:
    """Temporal killed: declarations are accepted all the same, and complete when it is back."""
    stack.kill_child("temporal")
    began = time.monotonic()
    mrns = [(await doors.lodge(FOUR_REFERRALS))["mrn"] for _ in range(5)]
    assert time.monotonic() - began < 10
    view = await doors.view(mrns[0])
    assert view["outcome"] == "in_progress"
    assert view["engine_started"] is False
    await stack.restart_child("temporal")
    for mrn in mrns:
        await doors.until_told(mrn, "release")
        assert await doors.told(mrn) == ["cargo.released"]


async def test_the_engine_killed_in_mid_run(doors: Doors, stack: Stack) -> None:
    """What was in flight is taken up again where it was."""
    mrns = [(await doors.lodge(FOUR_REFERRALS))["mrn"] for _ in range(10)]
    stack.kill_child("temporal")
    await stack.restart_child("temporal")
    for mrn in mrns:
        await doors.until(mrn, lambda v: v["outcome"] == "release")
        applications = (await doors.ledger(mrn=mrn))["applications"]
        assert [a["effects"] for a in applications] == [1, 1, 1, 1]


@pytest.mark.slow
async def test_the_api_killed_while_declarations_are_lodged(doors: Doors, stack: Stack) -> None:
    """Whoever got no answer asks again with the same lrn, and there is one declaration, not two."""
    declarations = [complete(FOUR_REFERRALS) for _ in range(12)]

    async def lodge(declaration: dict[str, Any]) -> str:
        while True:
            try:
                return str((await doors.lodge(declaration))["mrn"])
            except ApiProblem as problem:
                if "does not answer" not in str(problem):
                    raise
                await asyncio.sleep(0.1)

    lodging = [asyncio.create_task(lodge(declaration)) for declaration in declarations]
    await asyncio.wait(lodging, return_when=asyncio.FIRST_COMPLETED)
    stack.kill_child("api")
    await stack.restart_child("api")
    mrns = await asyncio.gather(*lodging)
    for declaration, mrn in zip(declarations, mrns, strict=True):
        assert (await doors.lodge(declaration))["mrn"] == mrn
        await doors.until(mrn, lambda v: v["outcome"] == "release")
