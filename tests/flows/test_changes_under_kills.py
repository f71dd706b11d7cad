"""Declarations amended and withdrawn while parts of the hub are killed with -9: nothing is left over."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
import requests

from hub.embedded import Stack
from tests.flows.doors import Doors, complete

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

Change = Callable[[Doors, str, dict[str, Any]], Awaitable[None]]

# One agency that is amended under its reference (poll), one that is withdrawn from and asked anew (feed), and
# one whose certificate has a quantity (poll). All decide late, so that every change finds them at work.
DECLARED = {
    "ucr": "-SIM-LATE",
    "items": [
        {"hs_code": "4407110000", "attributes": {"species": "Pinus radiata"}},
        {"hs_code": "3004600000", "net_mass_kg": "10", "attributes": {"cas_numbers": ["57-27-2"]}},
    ],
}


@pytest.mark.slow
async def test_changes_while_worker_and_api_are_killed(doors: Doors, stack: Stack) -> None:
    """
    Whatever moment a kill comes at: no agency has a live application of a withdrawn declaration, each has
    one of an amended declaration, and the ledger of the certificate adds up.
    """
    await _changes_under_kills(doors, stack, declarations=8, kills=2, seed=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_many_changes_and_kills(doors: Doors, stack: Stack, seed: int) -> None:
    """The same with more of both."""
    await _changes_under_kills(doors, stack, declarations=30, kills=6, seed=seed)


async def _changes_under_kills(
    doors: Doors, stack: Stack, *, declarations: int, kills: int, seed: int
) -> None:
    chance = random.Random(seed)
    certificate = f"NARC-{time.time_ns()}"
    path = f"/v1/certificates/69101/{certificate}"
    issued = {"agency": "mfds", "quantity": {"value": "1000", "unit": "KGM"}}
    assert (await doors.ask("PUT", path, issued)).status_code in (200, 201)
    changes = [
        asyncio.create_task(_lodge_and_change(doors, certificate, _withdraw if n % 2 else _amend))
        for n in range(declarations)
    ]
    for _ in range(kills):
        await asyncio.sleep(chance.random() * 1.5)  # a moment of chance is what this is about
        child = chance.choice(["worker", "api"])
        stack.kill_child(child)
        await stack.restart_child(child)
    for n, mrn in enumerate(await asyncio.gather(*changes)):
        if n % 2:
            await _is_withdrawn_everywhere(doors, mrn)
        else:
            await _is_released_once(doors, mrn)
    balance = (await doors.ask("GET", path)).json()
    amended = (declarations + 1) // 2
    assert Decimal(balance["reserved"]) == 0
    assert Decimal(balance["written_off"]) == 10 * amended
    assert Decimal(balance["available"]) == 1000 - 10 * amended
    assert (await doors.ledger())["summary"]["effects_over_one"] == []


async def _lodge_and_change(doors: Doors, certificate: str, change: Change) -> str:
    declared = complete(json.loads(json.dumps(DECLARED)))
    declared["items"][1]["lpcos"] = [{"type": "69101", "id": certificate}]
    mrn: str = (await _until_taken(doors, "/v1/declarations", declared))["mrn"]
    await change(doors, mrn, declared)
    return mrn


async def _withdraw(doors: Doors, mrn: str, declared: dict[str, Any]) -> None:
    await _until_taken(doors, f"/v1/declarations/{mrn}/withdrawal", {"reason": "C05"})


async def _amend(doors: Doors, mrn: str, declared: dict[str, Any]) -> None:
    for mass in ("11", "12"):
        declared["items"][0]["net_mass_kg"] = mass
        await _until_taken(doors, f"/v1/declarations/{mrn}/amendments", declared)


async def _until_taken(doors: Doors, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """As a customs system does: what got no answer is asked again."""
    while True:
        try:
            answer = await doors.ask("POST", path, body)
        except requests.RequestException:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code == 503:
            await asyncio.sleep(0.1)
            continue
        assert answer.status_code in (200, 202), answer.text
        told: dict[str, Any] = answer.json()
        return told


async def _is_withdrawn_everywhere(doors: Doors, mrn: str) -> None:
    view = await doors.until(mrn, lambda v: v["outcome"] == "withdrawn" and v["closed_at"], patience=110)
    assert {referral["state"] for referral in view["referrals"]} == {"withdrawn"}
    applications = (await doors.ledger(mrn=mrn))["applications"]
    assert [a["reference"] for a in applications if a["live"]] == []


async def _is_released_once(doors: Doors, mrn: str) -> None:
    view = await doors.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"], patience=110)
    assert view["version"] == 3
    live = [a for a in (await doors.ledger(mrn=mrn))["applications"] if a["live"]]
    assert sorted(a["service"] for a in live) == sorted(r["service"] for r in view["referrals"])
