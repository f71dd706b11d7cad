"""What a drill must leave behind: every declaration with its right outcome, nothing lost or done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from tests.flows.doors import Doors

WOOL = {"items": [{"hs_code": "5101110000"}]}
"""Asks one agency, apqa, which approves."""
STALLED = {**WOOL, "ucr": "-SIM-STALL"}
"""The agency gives a receipt, and never decides."""


async def lodge(doors: Doors, count: int, declaration: dict[str, Any] | None = None) -> list[str]:
    """Lodge this so often; the references."""
    return [(await doors.lodge(declaration or WOOL))["mrn"] for _ in range(count)]


async def released(doors: Doors, mrns: Sequence[str], *, held_before: bool = False) -> None:
    """
    Wait until these are released; then see that each agency has each once, that the cargo system was told
    once, of a hold as well where they were held before, and that the events by themselves say the same.
    """
    await asyncio.gather(*(doors.until_told(mrn, "release") for mrn in mrns))
    for mrn in mrns:
        assert await doors.told(mrn) == [*["cargo.held"] * held_before, "cargo.released"]
        assert [one["times"] for one in (await doors.cargo(mrn=mrn))["notices"]] == [1] * (1 + held_before)
        referrals = (await doors.view(mrn))["referrals"]
        applications = (await doors.ledger(mrn=mrn))["applications"]
        assert [one["effects"] for one in applications] == [1] * len(referrals)
        await doors.verified(mrn)


async def lodge_waiting(doors: Doors, count: int) -> list[str]:
    """Lodge so many that their agency gives a receipt for and does not decide; wait until it has them."""
    mrns = await lodge(doors, count, STALLED)
    await delivered(doors, mrns)
    return mrns


async def delivered(doors: Doors, mrns: Sequence[str]) -> None:
    """Wait until the agency has these."""
    for mrn in mrns:
        await doors.until(mrn, lambda view: view["referrals"][0]["state"] == "delivered")


async def decided(doors: Doors, mrns: Sequence[str]) -> None:
    """The people of the agency approve them, at the hub's own door."""
    for mrn in mrns:
        answer = await doors.ask(
            "POST",
            f"/v1/declarations/{mrn}/referrals/apqa-animal-import/decisions",
            {"id": f"HAND-{mrn}", "verdict": "approved"},
            office="apqa",
        )
        assert answer.ok, answer.text
