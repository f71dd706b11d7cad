"""The hub as another administration installs it: its own configuration folder, PostgreSQL, containers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from hub.embedded import Stack
from hub.settings import Settings
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

ROOT = Path(__file__).parent.parent.parent


async def test_another_country_s_folder_stands_in_the_place_of_ours(elsewhere: Stack) -> None:
    """Two agencies, their own laws, attributes, calendar and languages: nothing under hub/ knows of them."""
    doors = Doors(elsewhere)
    accepted = await doors.lodge(
        {
            "items": [
                {"hs_code": "0809290000", "attributes": {"end_use": "food"}},
                {"hs_code": "8518220000", "attributes": {"wireless": True}},
            ]
        }
    )
    assert accepted["mrn"][2:4] == "CA"
    assert {r["agency_name"]["fr"] for r in accepted["referrals"]} == {
        "Inspection des aliments",
        "Bureau du spectre",
    }
    await doors.until_told(accepted["mrn"], "release")
    assert await doors.told(accepted["mrn"]) == ["cargo.released"]


async def test_a_worker_killed_on_postgresql_loses_nothing(elsewhere: Stack) -> None:
    """The same promise on the production database."""
    doors = Doors(elsewhere)
    goods = {"items": [{"hs_code": "0809290000", "attributes": {"end_use": "food"}}]}
    mrns = [(await doors.lodge(goods))["mrn"] for _ in range(5)]
    elsewhere.kill_child("worker")
    await elsewhere.restart_child("worker")
    for mrn in mrns:
        await doors.until(mrn, lambda v: v["outcome"] == "release")
    assert (await doors.ledger())["summary"]["effects_over_one"] == []


def compose() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
    return found


def options(command: list[str]) -> list[str]:
    """A command without the values that differ from one machine to the next."""
    return [word for word in command if word.startswith("-") or re.fullmatch(r"[a-z]+", word)]


@pytest.mark.parametrize("name", ["simulator", "api", "worker"])
async def test_the_containers_run_the_commands_of_the_embedded_stack(elsewhere: Stack, name: str) -> None:
    """What docker-compose.yml starts is what these tests start, by the same entry point."""
    started = options(list(elsewhere.command(name))[3:])
    contained = options([str(word) for word in compose()["services"][name]["command"]])
    assert contained[0] == started[0]
    assert set(contained) - {"--host"} <= set(started)
    assert 'ENTRYPOINT ["python", "-m", "hub"]' in (ROOT / "Dockerfile").read_text()


async def test_the_containers_settings_are_settings() -> None:
    """Every HUB_ name in docker-compose.yml is read by the hub."""
    known = {f"HUB_{field.upper()}" for field in Settings.model_fields}
    for service in compose()["services"].values():
        named = {name for name in service.get("environment", {}) if name.startswith("HUB_")}
        assert named <= known, named - known
