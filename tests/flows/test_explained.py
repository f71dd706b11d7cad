"""What the whole stack came to is worked out once more from the events alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from typer.testing import CliRunner

from hub.api.clients import new_key
from hub.cli import app
from hub.clock import utc_now
from hub.embedded import Stack
from hub.ports import ApiClient, Role
from hub.store import create_store
from tests.flows.doors import Doors, complete

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("stack")]

DRUG = {"hs_code": "3004909900", "attributes": {"regulated_as": "drug"}}


def _operator(stack: Stack) -> dict[str, str]:
    """The environment of an operator's terminal."""
    key, hashed = new_key()
    store = create_store(stack.environment["HUB_DATABASE_URL"])
    store.add_client(
        ApiClient(id=f"flow-{hashed[:8]}", name="Flow", role=Role.ADMIN, created_at=utc_now()), hashed
    )
    store.close()
    return {"HUB_API_URL": stack.api_url, "HUB_API_KEY": key, "COLUMNS": "200"}


async def _verified(stack: Stack, mrn: str) -> str:
    env = await asyncio.to_thread(_operator, stack)
    ended = await asyncio.to_thread(CliRunner().invoke, app, ["explain", mrn, "--verify"], env=env)
    assert ended.exit_code == 0, f"{ended.output}\n{ended.exception!r}"
    return ended.output


async def test_a_release_after_an_amendment(doors: Doors, stack: Stack) -> None:
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
    said = await _verified(stack, mrn)
    assert "the cargo system was told release" in said
    assert "as sent" in said
    assert "0 failed" in said


async def test_a_refusal_and_a_withdrawal(doors: Doors, stack: Stack) -> None:
    """Each outcome on record, one after the other."""
    mrn = (await doors.lodge({"ucr": "-SIM-KPTA-REFUSE", "items": [DRUG]}))["mrn"]
    await doors.until_told(mrn, "refusal")
    taken = await doors.ask("POST", f"/v1/declarations/{mrn}/withdrawal", {"reason": "C01"})
    assert taken.status_code == 202, taken.text
    await doors.until_told(mrn, "withdrawn")
    said = await _verified(stack, mrn)
    assert said.index("was told refusal") < said.index("was told withdrawn")
    assert "0 failed" in said
