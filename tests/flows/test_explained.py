"""What the whole stack came to is worked out once more from the events alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.doors import Doors, complete

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

DRUG = {"hs_code": "3004909900", "attributes": {"regulated_as": "drug"}}


async def test_a_release_after_an_amendment(doors: Doors) -> None:
    """Asked while the agency is down, amended, and released: what was sent is what the events say."""
    await doors.behave("kpta", "DOWN")
    try:
        content: dict[str, Any] = complete({"items": [DRUG]})
        mrn = (await doors.lodge(content))["mrn"]
        content["items"][0]["net_mass_kg"] = "77.5"
        amended = await doors.ask("POST", f"/v1/declarations/{mrn}/amendments", content)
        assert (amended.status_code, amended.json()["version"]) == (202, 2), amended.text
    finally:
        await doors.behave("kpta", "APPROVE")
    await doors.until_told(mrn, "release")
    said = await doors.verified(mrn)
    assert "the cargo system was told release" in said
    assert "as sent" in said


async def test_a_refusal_and_a_withdrawal(doors: Doors) -> None:
    """Each outcome on record, one after the other."""
    mrn = (await doors.lodge({"ucr": "-SIM-KPTA-REFUSE", "items": [DRUG]}))["mrn"]
    await doors.until_told(mrn, "refusal")
    taken = await doors.ask("POST", f"/v1/declarations/{mrn}/withdrawal", {"reason": "C01"})
    assert taken.status_code == 202, taken.text
    await doors.until_told(mrn, "withdrawn")
    said = await doors.verified(mrn)
    assert said.index("was told refusal") < said.index("was told withdrawn")
