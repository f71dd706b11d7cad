"""Whole stories, told in data, through real sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.flows.doors import Doors

STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("stack")]


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
async def test_story(doors: Doors, story: Path) -> None:
    """What the file's `why` says."""
    await Teller(doors).tell(YAML(typ="safe").load(story.read_text()))


class Teller:
    """Plays a story: one actor and one step after another."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._mrn = ""
        self._accepted: dict[str, Any] = {}

    async def tell(self, story: dict[str, Any]) -> None:
        agencies = []
        try:
            for step in story["steps"]:
                [(actor, what)] = step.items()
                if actor == "agency":
                    agencies.append(what["agency"])
                await getattr(self, f"_{actor}")(what)
        finally:
            for agency in agencies:
                await self._doors.behave(agency, "APPROVE")

    async def _customs_lodges(self, declaration: dict[str, Any]) -> None:
        self._accepted = await self._doors.lodge(declaration)
        self._mrn = self._accepted["mrn"]

    async def _asked(self, services: list[str]) -> None:
        assert sorted(r["service"] for r in self._accepted["referrals"]) == sorted(services)

    async def _agency(self, what: dict[str, Any]) -> None:
        await self._doors.behave(**what)

    async def _outcome(self, outcome: str) -> None:
        await self._doors.until_told(self._mrn, outcome)

    async def _referral(self, what: dict[str, Any]) -> None:
        def as_told(view: dict[str, Any]) -> bool:
            [referral] = [r for r in view["referrals"] if r["service"] == what["service"]]
            if "trouble" in what and what["trouble"] not in (referral["trouble"] or ""):
                return False
            return "state" not in what or referral["state"] == what["state"]

        await self._doors.until(self._mrn, as_told)

    async def _cargo_told(self, path: list[str]) -> None:
        assert [kind.removeprefix("cargo.") for kind in await self._doors.told(self._mrn)] == path

    async def _reason(self, what: dict[str, Any]) -> None:
        reasons = (await self._doors.view(self._mrn))["reasons"]
        found = [r for r in reasons if all(r[key] == value for key, value in what.items())]
        assert found, f"{what} is not among {reasons}"

    async def _agencies_recorded(self, what: dict[str, Any]) -> None:
        """What the agency itself has written down of this declaration."""
        applications = (await self._doors.ledger(mrn=self._mrn))["applications"]
        [application] = [a for a in applications if a["reference"] == f"{self._mrn}/{what['service']}"]
        for key, value in what.items():
            if key != "service":
                assert application[key] == value, application

    async def _events(self, types: list[str]) -> None:
        """These events, in this order, others between them."""
        happened = iter([e["type"] for e in await self._doors.events(self._mrn)])
        for kind in types:
            assert kind in happened, f"{kind} is missing, or comes too early"
