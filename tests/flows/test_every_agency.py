"""Every agency of the catalogue, asked through its own protocol."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML

from hub.embedded import Stack
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

DECLARATIONS: dict[str, dict[str, Any]] = YAML(typ="safe").load(
    (Path(__file__).parent / "data" / "every-agency.yaml").read_text()
)


async def test_every_agency_answers(doors: Doors, stack: Stack) -> None:
    """
    One declaration that needs every agency of import is released in under five seconds when they answer at
    once; with an export beside it all agencies of the catalogue have been asked.
    """
    await asyncio.to_thread(_set_timings, stack, callback=0, poll=0)
    try:
        began = time.monotonic()
        imported = await doors.lodge(DECLARATIONS["import"])
        await doors.until(imported["mrn"], lambda v: v["outcome"] == "release")
        seconds = time.monotonic() - began
        exported = await doors.lodge(DECLARATIONS["export"])
        await doors.until(exported["mrn"], lambda v: v["outcome"] == "release")
    finally:
        await asyncio.to_thread(_set_timings, stack, callback=200, poll=300)
    catalogue = await asyncio.to_thread(doors.api.get, "/v1/agencies")
    assert isinstance(catalogue, list)
    imports = _agencies(catalogue, "import")
    assert {r["agency"] for r in imported["referrals"]} == imports
    assert {r["agency"] for r in [*imported["referrals"], *exported["referrals"]]} == {
        agency["agency"] for agency in catalogue
    }
    assert seconds < 5


def _agencies(catalogue: list[dict[str, Any]], procedure: str) -> set[str]:
    return {
        agency["agency"]
        for agency in catalogue
        if any(procedure in service["procedures"] for service in agency["services"])
    }


def _set_timings(stack: Stack, **milliseconds: int) -> None:
    url = f"{stack.simulator_url}/_simulator/timings"
    requests.put(url, json=milliseconds, timeout=5).raise_for_status()


async def test_the_worker_tells_the_story_in_its_log(doors: Doors, stack: Stack) -> None:
    """Line by line JSON, no traceback for what is tried again, and for each declaration what became of it."""
    lodged = await doors.lodge(DECLARATIONS["export"])
    mrn = lodged["mrn"]
    await doors.until(mrn, lambda v: v["outcome"] == "release")
    while not any(event["type"] == "cargo.released" for event in await doors.events(mrn)):
        await asyncio.sleep(0.1)
    lines = [json.loads(line) for line in (stack.folder / "logs" / "worker.log").read_text().splitlines()]
    assert not [line for line in lines if line["event"] == "Completing activity as failed"]
    ours = {line["event"] for line in lines if line.get("mrn") == mrn}
    assert {"referral.delivered", "clearance.settled", "cargo.released"} <= ours
    await doors.log_tells_each_event_once(mrn)
    delivered = {
        line["agency"] for line in lines if line.get("mrn") == mrn and line["event"] == "referral.delivered"
    }
    assert delivered == {referral["agency"] for referral in lodged["referrals"]}
