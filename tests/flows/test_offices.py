"""Offices and carriers at their doors, by the commands that their people use, on the whole stack."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.clock import utc_now
from hub.embedded import Stack
from hub.ports import Role
from tests.flows.doors import Doors
from tests.flows.office import Office

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

DRUG = {"hs_code": "3004909900", "attributes": {"regulated_as": "drug"}}


async def test_one_inspection_for_customs_and_an_agency_then_duties_then_release(
    doors: Doors, stack: Stack
) -> None:
    """Customs' risk channel is red and the agency wants to see the goods too: they come once, together."""
    customs = await Office.opened(stack, Role.CUSTOMS)
    kpta = await Office.opened(stack, Role.AGENCY, "kpta")
    mrn = (
        await doors.lodge(
            {
                "ucr": "-SIM-KPTA-INSPECT",
                "declarant": {"id": "KR-RISK-RED-1"},
                "office": "PILOT-ALL",
                "items": [DRUG],
            }
        )
    )["mrn"]
    path = f"/v1/declarations/{mrn}/inspections"

    async def appointments() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await asyncio.to_thread(doors.api.get, path))["inspections"]
        return found

    async with asyncio.timeout(60):
        while not (found := await appointments()) or len(found[0]["offices"]) < 2:
            await asyncio.sleep(0.1)
    [appointment] = found
    assert {office["agency"] for office in appointment["offices"]} == {"customs", "kpta"}
    assert "customs, kpta" in await customs.says(
        "inspect", "list", mrn
    ) or "kpta, customs" in await customs.says("inspect", "list", mrn)
    soon = datetime.fromisoformat(appointment["opens_at"]) + timedelta(hours=1)
    confirmed = await customs.asks("inspect", "confirm", mrn, "I1", soon.isoformat())
    assert confirmed["state"] == "confirmed"
    assert mrn in await kpta.says("inspect", "diary")
    await kpta.asks("inspect", "report", mrn, "I1", "kpta-drug", "approved", "--remarks", "as declared")
    await customs.asks("inspect", "report", mrn, "I1", "customs-control", "approved")
    await doors.until(mrn, lambda view: view["outcome"] == "in_progress")
    await customs.asks("duties", "assess", mrn, "1840500", "KRW")
    covered = await customs.asks("duties", "cover", mrn, "payment", "1840500", "KRW", "0126-011")
    assert covered["covered"] is True
    await doors.until_told(mrn, "release")
    types = [event["type"] for event in await doors.events(mrn)]
    assert types.count("inspection.reported") == 2
    risk = await asyncio.to_thread(doors.api.get, f"/v1/declarations/{mrn}/risk")
    assert (risk["channel"], risk["reproduced"]) == ("red", "same")


async def test_an_agency_that_is_down_decides_by_hand(doors: Doors, stack: Stack) -> None:
    """Its people see the referral at the hub; the cargo does not wait for their machines."""
    kpta = await Office.opened(stack, Role.AGENCY, "kpta")
    await doors.behave("kpta", "DOWN")
    try:
        mrn = (await doors.lodge({"items": [DRUG]}))["mrn"]
        taken = await kpta.asks("decide", mrn, "kpta-drug", "approved", "--reference", "H-1")
        assert taken["state"] == "decided"
        await doors.until_told(mrn, "release")
    finally:
        await doors.behave("kpta", "APPROVE")


async def test_carriers_report_where_the_cargo_is(doors: Doors, stack: Stack) -> None:
    """Before the declaration and after it; customs is told of what leaves without a release."""
    carrier = await Office.opened(stack, Role.CARGO)
    number = f"26FLOW{utc_now():%H%M%S%f}"
    at = (utc_now() - timedelta(hours=2)).isoformat()
    await carrier.asks("cargo", "report", number, "arrival", at, "--place", "Pier 3", "--id", "M-1")
    again = await carrier.asks("cargo", "report", number, "arrival", at, "--place", "Pier 3", "--id", "M-1")
    assert again["duplicate"] is True
    consignment = {"ucr": "26KRFLOW-SIM-KPTA-STALL", "cargo_management_number": number}
    mrn = (await doors.lodge({"consignment": consignment, "items": [DRUG]}))["mrn"]
    await carrier.asks("cargo", "report", number, "gate_out", utc_now().isoformat())
    types = [event["type"] for event in await doors.events(mrn)]
    assert [t for t in types if t.startswith("cargo.")] == [
        "cargo.arrived",
        "cargo.gated_out",
        "cargo.left_unreleased",
    ]
    assert "Pier 3" in await carrier.says("cargo", "show", number)


async def test_a_certificate_is_taken_up_by_what_is_released(doors: Doors, stack: Stack) -> None:
    """Issued by the agency; reserved with the declaration, written off with the release."""
    kosti = await Office.opened(stack, Role.AGENCY, "kosti")
    id = f"SI-{utc_now():%H%M%S%f}"
    issued = await kosti.asks("certificate", "issue", "53104", id, "--quantity", "100", "KGM")
    assert issued["available"] == "100"
    machine = {
        "hs_code": "8457100000",
        "origin": "KR",
        "net_mass_kg": "60",
        "attributes": {"on_control_list": True},
        "lpcos": [{"type": "53104", "id": id}],
    }
    mrn = (await doors.lodge({"procedure": "export", "items": [machine]}))["mrn"]
    await doors.until_told(mrn, "release")
    shown = await kosti.asks("certificate", "show", "53104", id)
    assert (shown["reserved"], shown["written_off"], shown["available"]) == ("0", "60", "40")
    ledger = await kosti.says("certificate", "ledger", "53104", id)
    assert [kind for kind in ("issue", "reserve", "write_off", "give_back") if f" {kind} " in ledger] == [
        "issue",
        "reserve",
        "write_off",
    ]
