"""Callbacks at the public door: forged, misdirected, stale, repeated, and true ones."""

from __future__ import annotations

import asyncio
import time

import pytest

from hub.embedded import Stack
from hub.store import create_store
from tests.flows.caller import Agency, approval
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

# kfs answers by callback; stalled, so that every callback here is ours.
TIMBER = {
    "ucr": "-SIM-KFS-STALL+APQA-STALL",
    "items": [{"hs_code": "4407110000", "attributes": {"species": "Pinus radiata"}}],
}


async def lodged(doors: Doors) -> tuple[str, str]:
    """A declaration that waits for kfs: its mrn, and the referral."""
    accepted = await doors.lodge(TIMBER)
    return accepted["mrn"], f"{accepted['mrn']}/kfs-timber-legality"


async def state_of(doors: Doors, referral: str) -> str:
    view = await doors.view(referral.partition("/")[0])
    [state] = [r["state"] for r in view["referrals"] if r["id"] == referral]
    return str(state)


async def test_a_wrong_signature_is_refused_and_recorded(doors: Doors, stack: Stack) -> None:
    """Somebody who does not have the agency's secret decides nothing."""
    mrn, referral = await lodged(doors)
    answer = await Agency(stack, "kfs").call(approval(referral), secret="guessed")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await state_of(doors, referral) != "decided"
    assert await refusals(stack, "kfs")
    assert "decision.received" not in [e["type"] for e in await doors.events(mrn)]


async def test_a_callback_outside_its_window_is_refused_and_recorded(doors: Doors, stack: Stack) -> None:
    """A signed message replayed ten minutes later is not taken again."""
    _, referral = await lodged(doors)
    before = len(await refusals(stack, "kfs"))
    answer = await Agency(stack, "kfs").call(approval(referral), at=time.time() - 600)
    assert answer.status_code == 401
    assert await state_of(doors, referral) != "decided"
    assert len(await refusals(stack, "kfs")) == before + 1


async def test_an_agency_cannot_decide_for_another(doors: Doors, stack: Stack) -> None:
    """Rightly signed by kmdia, about a referral to kfs: refused, and an event of the declaration."""
    mrn, referral = await lodged(doors)
    body = approval(referral)
    body["decision"]["code"] = "APPR"
    answer = await Agency(stack, "kmdia").call(body)
    assert answer.status_code == 403
    assert await state_of(doors, referral) != "decided"
    assert "callback.refused" in [e["type"] for e in await doors.events(mrn)]


async def test_a_callback_sent_twice_counts_once(doors: Doors, stack: Stack) -> None:
    """The second is answered as kindly as the first."""
    mrn, referral = await lodged(doors)
    agency, body = Agency(stack, "kfs"), approval(referral)
    first, second = await agency.call(body), await agency.call(body)
    assert (first.status_code, first.json()["duplicate"]) == (202, False)
    assert (second.status_code, second.json()["duplicate"]) == (202, True)
    assert await state_of(doors, referral) == "decided"
    assert [e["type"] for e in await doors.events(mrn)].count("decision.received") == 1


async def test_a_callback_before_the_receipt_counts(doors: Doors, stack: Stack) -> None:
    """The agency cannot be reached, and calls back all the same: it must have had the submission."""
    await doors.behave("kfs", "DOWN")
    try:
        mrn, referral = await lodged(doors)
        answer = await Agency(stack, "kfs").call(approval(referral))
        assert answer.status_code == 202
        assert await state_of(doors, referral) == "decided"
    finally:
        await doors.behave("kfs", "APPROVE")
    assert "referral.delivered" not in [
        e["type"] for e in await doors.events(mrn) if e["service"] == "kfs-timber-legality"
    ]


async def test_a_message_that_makes_no_sense_is_kept_and_told(doors: Doors, stack: Stack) -> None:
    """Rightly signed, with a word that kfs does not have: nothing is guessed, nothing is lost."""
    mrn, referral = await lodged(doors)
    body = approval(referral)
    body["decision"]["code"] = "아마도"
    answer = await Agency(stack, "kfs").call(body)
    assert answer.status_code == 422
    assert "아마도" in answer.json()["detail"]
    assert "message.not_understood" in [e["type"] for e in await doors.events(mrn)]


async def refusals(stack: Stack, agency: str) -> list[object]:
    """Callbacks refused for this agency, as the store has recorded them."""
    store = create_store(stack.environment["HUB_DATABASE_URL"])
    try:
        return [r for r in await asyncio.to_thread(store.refused_callbacks, 1000) if r.agency == agency]
    finally:
        store.close()
