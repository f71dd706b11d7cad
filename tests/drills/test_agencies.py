"""Drills with agencies: docs/operations.md says what to do in each of these cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.clock import utc_now
from hub.embedded import Stack
from hub.ports.control import FIRST_PAUSE
from tests.drills.operations import Operations
from tests.drills.outcomes import lodge, released
from tests.flows.caller import Agency, approval
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

FISH = {"items": [{"hs_code": "0301929090", "attributes": {"live": True, "intended_use": "ornamental"}}]}
"""nfqs."""
PESTICIDE = {"items": [{"hs_code": "3808919000", "attributes": {"pesticide": "registered_product"}}]}
"""rda."""
DEVICE = {
    "ucr": "-SIM-STALL",
    "items": [{"hs_code": "9018110000", "attributes": {"regulated_as": "medical_device"}}],
}
"""kmdia, which says nothing by itself."""
CRANE = {"items": [{"hs_code": "8426490000", "attributes": {"lifting_capacity_t": 5}}]}
"""kosha."""


async def requests_made(doors: Doors, mrns: list[str]) -> int:
    """How often agencies were asked about these."""
    pages = [await doors.ask("GET", f"/v1/declarations/{mrn}/exchanges") for mrn in mrns]
    made = [one for page in pages for one in page.json()["exchanges"] if one["kind"] != "notice"]
    return sum(one["attempts"] for one in made)


async def first_asked(doors: Doors, mrns: list[str]) -> list[datetime]:
    """When an agency was asked about each of these for the first time, of those about which one was."""
    pages = [await doors.ask("GET", f"/v1/declarations/{mrn}/exchanges") for mrn in mrns]
    began = [
        [datetime.fromisoformat(one["started_at"]) for one in page.json()["exchanges"]] for page in pages
    ]
    return sorted(min(each) for each in began if each)


def troubles(view: dict[str, Any]) -> list[str]:
    """What its referrals wait for."""
    return [referral["trouble"] for referral in view["referrals"] if referral["trouble"]]


async def test_an_agency_that_is_slow(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-slow. Its declarations wait for it, no others do; it is over once it is quick."""
    await doors.behave("nfqs", "SLOW", delay_ms=1500)
    drill = operations.drill("an agency that is slow")
    fish, wool = await lodge(doors, 6, FISH), await lodge(doors, 1)
    incident = await drill.seen("agency_slow", "nfqs")
    assert float(incident["evidence"]["p90"].removesuffix(" s")) >= 1.0
    await released(doors, wool)
    await doors.behave("nfqs", "APPROVE")
    drill.mended()
    await released(doors, fish)
    operations.awaits(drill, "agency_slow", "nfqs")


async def test_an_agency_that_is_down(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-failing. It is asked no more but for a probe; its queue goes out when it is back."""
    await doors.behave("apqa", "DOWN")
    drill = operations.drill("an agency that is down")
    first = await lodge(doors, 3)
    await drill.seen("agency_failing", "apqa")
    await operations.until_told("agency's system fails", "apqa")
    await operations.until_page("/console/agencies/apqa", "because its system fails")
    later = await lodge(doors, 9)
    for mrn in (first[0], later[-1]):
        await operations.until_page(f"/console/stuck?agency=apqa&text={mrn}", mrn)
    # A probe that failed is followed by one of another referral, and that may be any of them.
    probes = await first_asked(doors, later)
    assert all(after - before >= FIRST_PAUSE for before, after in pairwise(probes)), probes
    assert await requests_made(doors, first) < 3 * 4
    await doors.behave("apqa", "APPROVE")
    await operations.close_breaker("apqa", "their duty officer says that it is back")
    drill.mended()
    await released(doors, [*first, *later])
    await drill.over("agency_failing", "apqa")


@pytest.mark.slow
async def test_an_agency_that_turns_everything_down(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-refusing. Nothing is repeated by itself; submitted anew in bulk once it is mended."""
    await doors.behave("rda", "FAULT")
    drill = operations.drill("an agency that turns everything down")
    lodged = await lodge(doors, 4, PESTICIDE)
    await drill.seen("agency_refusing", "rda")
    filter = "agency=rda&kind=undeliverable"
    await operations.until_page(f"/console/stuck?{filter}", *lodged, "the application cannot be processed")
    assert await requests_made(doors, lodged) == len(lodged)
    await doors.behave("rda", "APPROVE")
    said = await operations.fill(
        f"/console/bulks/new?action=resend&{filter}",
        "count",
        reason="they have mended their system",
        rate="50",
    )
    assert "Submit anew" in said
    drill.mended()
    await released(doors, lodged, held_before=True)
    await drill.over("agency_refusing", "rda")


async def test_an_agency_that_is_paused(doors: Doors, operations: Operations) -> None:
    """Runbook: agency-paused. Nothing is asked; all of it goes out when it is resumed."""
    await operations.act("pause", "they move to another building", agency="kosha")
    drill = operations.drill("an agency that is paused")
    incident = await drill.seen("agency_paused", "kosha")
    assert incident["evidence"]["by"] == operations.desk().name
    lodged: list[str] = []
    waiting: list[str] = []
    while len(waiting) < 3:  # each worker heeds it within a second
        [mrn] = await lodge(doors, 1, CRANE)
        lodged.append(mrn)
        view = await doors.until(mrn, lambda view: bool(view["outcome"] == "release" or troubles(view)))
        waiting += [mrn] if troubles(view) else []
    await operations.until_page("/console/stuck?agency=kosha", *waiting, operations.desk().name)
    assert await requests_made(doors, waiting) == 0
    await operations.act("resume", "they have moved", agency="kosha")
    drill.mended()
    await released(doors, lodged)
    await drill.over("agency_paused", "kosha")


async def test_a_deadline_that_passes(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: deadlines-passed. The cargo is held; the agency is given more time, and uses it."""
    drill = operations.drill("a deadline that passes")
    [mrn] = await lodge(doors, 1, DEVICE)
    await drill.seen("deadlines_passed", "kmdia")
    await operations.until_page(f"/console/stuck?kind=expired&text={mrn}", mrn, "Move the deadline")
    await doors.until(mrn, lambda view: view["outcome"] == "hold")
    later = (utc_now() + timedelta(days=2)).astimezone(ZoneInfo("Asia/Seoul"))
    await operations.act(
        "extend",
        "their laboratory needs two days more",
        also={"due_at": f"{later:%Y-%m-%dT%H:%M}"},
        mrn=mrn,
        service="kmdia-device",
    )
    drill.mended()
    await drill.over("deadlines_passed", "kmdia")
    answer = await Agency(stack, "kmdia").call(approval(f"{mrn}/kmdia-device", word="APPR"))
    assert answer.status_code == 202
    await released(doors, [mrn], held_before=True)
