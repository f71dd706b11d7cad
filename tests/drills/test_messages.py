"""Drills with what agencies and declarants send: nonsense, forgeries, and too much."""

from __future__ import annotations

import asyncio
import json

import pytest

from hub.embedded import Stack
from hub.ports import UserRole
from hub.simulator.agency import UNKNOWN_WORD
from tests.drills.operations import Operations
from tests.drills.outcomes import WOOL, lodge, released
from tests.flows.caller import Agency, approval
from tests.flows.doors import Doors, complete

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

COSMETIC = {"items": [{"hs_code": "3304991000", "attributes": {"regulated_as": "cosmetic"}}]}
"""kpta."""
TIMBER = {
    "ucr": "-SIM-KFS-STALL",
    "items": [{"hs_code": "4407110000", "attributes": {"species": "Pinus radiata"}}],
}
"""apqa, and kfs, which says nothing by itself."""
REPTILE = {"items": [{"hs_code": "0106200000", "attributes": {"animal_class": "reptile"}}]}
"""apqa and niwdc."""


async def test_a_storm_of_duplicates(doors: Doors, operations: Operations) -> None:
    """Runbook: duplicate-storm. However often it comes, it is one declaration; nobody is asked twice."""
    content = json.dumps(complete({**WOOL, "declarant": {"id": "KR-BROKER-STORM"}})).encode()
    drill = operations.drill("a storm of duplicates")
    answers = [await asyncio.to_thread(doors.api.lodge, content, "application/json") for _ in range(25)]
    [mrn] = {answer["mrn"] for answer in answers}
    incident = await drill.seen("duplicate_storm", "KR-BROKER-STORM")
    await operations.until_page(f"/console/incidents/{incident['id']}", "KR-BROKER-STORM")
    drill.mended()
    await released(doors, [mrn])
    operations.awaits(drill, "duplicate_storm", "KR-BROKER-STORM")


async def test_an_agency_that_answers_nonsense(doors: Doors, stack: Stack, operations: Operations) -> None:
    """
    Runbook: agency-not-understood. A verdict that its file does not know decides nothing; once the file knows
    it, what was answered is submitted anew, and the agency has it once.
    """
    await doors.behave("kpta", "UNKNOWN")
    drill = operations.drill("an agency that answers nonsense")
    lodged = await lodge(doors, 3, COSMETIC)
    await drill.seen("agency_not_understood", "kpta")
    await operations.until_page("/console/stuck?agency=kpta", *lodged, UNKNOWN_WORD)
    before = await version_of(doors, "kpta")
    file = stack.config_folder / "agencies" / "kpta.yaml"
    file.write_text(f"{file.read_text().rstrip()}\n  {UNKNOWN_WORD}: approved\n")
    async with asyncio.timeout(30):
        while await version_of(doors, "kpta") == before:
            await asyncio.sleep(0.1)
    for mrn in lodged:
        await operations.act("resend", "their new word is in our file now", mrn=mrn, service="kpta-cosmetic")
    drill.mended()
    await released(doors, lodged, held_before=True)
    operations.awaits(drill, "agency_not_understood", "kpta")


async def test_callbacks_that_are_forged(doors: Doors, stack: Stack, operations: Operations) -> None:
    """Runbook: callbacks-forged. None of them counts; the agency's own does, in the middle of them."""
    [mrn] = await lodge(doors, 1, TIMBER)
    referral, agency = f"{mrn}/kfs-timber-legality", Agency(stack, "kfs")
    drill = operations.drill("callbacks that are forged")

    async def forge() -> None:
        while True:
            answer = await agency.call(approval(referral), secret="guessed")
            assert answer.status_code in (401, 429)
            await asyncio.sleep(0.05)

    forging = asyncio.create_task(forge())
    try:
        incident = await drill.seen("callbacks_forged", "kfs")
        await operations.until_page(f"/console/incidents/{incident['id']}", "Korea Forest Service")
        assert not [
            e
            for e in await doors.events(mrn)
            if e["service"] == "kfs-timber-legality" and e["type"] == "decision.received"
        ]
        assert not forging.done()
    finally:
        forging.cancel()
    drill.mended()
    assert (await agency.call(approval(referral))).status_code == 202
    await released(doors, [mrn])
    await drill.over("callbacks_forged", "kfs")


async def test_a_feed_that_is_poisoned(doors: Doors, operations: Operations) -> None:
    """
    Runbook: feed-poisoned. What cannot be read holds up nothing behind it; what it was about, two people
    decide by the agency's own word, and none of them alone.
    """
    await doors.behave("niwdc", "UNKNOWN")
    drill = operations.drill("a feed that is poisoned")
    [poisoned] = await lodge(doors, 1, REPTILE)
    await drill.seen("feed_poisoned", "niwdc")
    await operations.until_page(f"/console/stuck?agency=niwdc&text={poisoned}", poisoned, UNKNOWN_WORD)
    await doors.behave("niwdc", "APPROVE")
    [behind] = await lodge(doors, 1, REPTILE)
    await released(doors, [behind])
    await operations.fill(
        f"/console/act/decide?mrn={poisoned}&service=niwdc-wildlife-quarantine",
        "evidence",
        UserRole.OPERATOR,
        verdict="approved",
        evidence="Their letter 2026-114 of today: the quarantine certificate is issued",
    )
    desk = operations.desk(UserRole.SUPERVISOR)
    [proposal] = await asyncio.to_thread(desk.links, "/console/approvals", "/console/approvals/")
    await operations.fill(proposal, "reason", reason="I have seen the letter")
    drill.mended()
    await released(doors, [poisoned])
    await drill.over("feed_poisoned", "niwdc")


async def version_of(doors: Doors, agency: str) -> str:
    told: str = (await asyncio.to_thread(doors.api.get, f"/v1/agencies/{agency}"))["config_version"]
    return told
