"""Drills with agencies: docs/operations.md says what to do in each of these cases."""

from __future__ import annotations

import pytest

from tests.drills.operations import Operations
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("drills")]

CHERRIES = {"items": [{"hs_code": "0809290000", "attributes": {"intended_use": "food"}}]}


async def test_an_agency_that_is_down(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-failing. It is asked no more but for a probe; its queue goes out when it is back."""
    await doors.behave("apqa", "DOWN")
    lodged = [(await doors.lodge(CHERRIES))["mrn"] for _ in range(12)]
    incident = await operations.found("agency_failing", "apqa")
    assert incident["severity"] == "critical"
    assert lodged[0] in await operations.page("/console/stuck?agency=apqa")
    asked = (await doors.ledger(agency="apqa"))["summary"]
    print(asked)
    await doors.behave("apqa", "APPROVE")
    said = await operations.act("close_breaker", "their duty officer says that it is back", agency="apqa")
    print(said[:300])
    for mrn in lodged:
        await doors.until_told(mrn, "release")
    await operations.over("agency_failing", "apqa")
    for mrn in lodged:
        await doors.verified(mrn)
