"""Drills with agencies: docs/operations.md says what to do in each of these cases."""

from __future__ import annotations

import asyncio

import pytest

from tests.drills.operations import Operations
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("drills")]

WOOL = {"items": [{"hs_code": "5101110000"}]}


async def test_an_agency_that_is_down(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-failing. It is asked no more but for a probe; its queue goes out when it is back."""
    await doors.behave("apqa", "DOWN")
    drill = operations.drill("an agency that is down")
    lodged = [(await doors.lodge(WOOL))["mrn"] for _ in range(12)]
    incident = await drill.seen("agency_failing", "apqa")
    assert incident["severity"] == "critical"
    for mrn in lodged:
        assert mrn in await operations.until_page("/console/stuck?agency=apqa&limit=100", mrn)
    await doors.behave("apqa", "APPROVE")
    await operations.act("close_breaker", "their duty officer says that it is back", agency="apqa")
    drill.mended()
    await asyncio.gather(*(doors.until_told(mrn, "release") for mrn in lodged))
    await drill.over("agency_failing", "apqa")
    for mrn in lodged:
        await doors.verified(mrn)
