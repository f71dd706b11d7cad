"""Whole stories, told in data, through real sockets."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ruamel.yaml import YAML

from tests.flows.doors import Doors, complete

STORIES = sorted((Path(__file__).parent / "stories").glob("*.yaml"))

pytestmark = [pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
async def test_story(doors: Doors, story: Path) -> None:
    """What the file's `why` says."""
    await Teller(doors).tell(YAML(typ="safe").load(story.read_text()))


class Teller:
    """Plays a story: one actor and one step after another."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._mrn = ""
        self._declaration: dict[str, Any] = {}
        self._accepted: dict[str, Any] = {}
        self._amended: dict[str, Any] = {}
        self._problem: str | None = None
        """The kind of refusal that the step under way is to be answered with."""

    async def tell(self, story: dict[str, Any]) -> None:
        agencies = []
        try:
            for step in story["steps"]:
                self._problem = step.pop("but", None)
                [(actor, what)] = step.items()
                if actor == "agency":
                    agencies.append(what["agency"])
                await getattr(self, f"_{actor}")(what)
            # Whatever was told: the events alone come to the same, and to what the cargo system was sent.
            await self._doors.verified(self._mrn)
            await self._doors.log_tells_each_event_once(self._mrn)
        finally:
            for agency in agencies:
                await self._doors.behave(agency, "APPROVE")

    async def _customs_lodges(self, declaration: dict[str, Any]) -> None:
        self._declaration = complete(declaration)
        self._accepted = await self._doors.lodge(self._declaration)
        self._mrn = self._accepted["mrn"]

    async def _ask(self, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The answer; where the step says `but`, the refusal of that kind."""
        answer = await self._doors.ask(method, f"/v1/declarations/{self._mrn}{path}", body, **more)
        told: dict[str, Any] = answer.json()
        if self._problem is None:
            assert answer.ok, answer.text
        else:
            assert told.get("type", "").endswith(f"/{self._problem}"), answer.text
        return told

    async def _declarant_amends(self, change: dict[str, Any]) -> None:
        declaration = {**self._declaration, **complete({"items": self._declaration["items"], **change})}
        declaration["lrn"] = self._declaration["lrn"]
        if "ucr" not in change:
            declaration["consignment"] = self._declaration["consignment"]
        self._amended = await self._ask("POST", "/amendments", declaration)
        if self._problem is None:
            self._declaration = declaration

    async def _amendment(self, what: dict[str, Any]) -> None:
        """Whose consent stands, who is asked again and how, who anew, and who no longer."""
        found = {
            "kept": [one["service"] for one in self._amended["kept"]],
            "asked_again": {one["service"]: one["how"] for one in self._amended["asked_again"]},
            "added": [one["service"] for one in self._amended["added"]],
            "withdrawn": [one["service"] for one in self._amended["withdrawn"]],
        }
        assert found == {"kept": [], "asked_again": {}, "added": [], "withdrawn": [], **what}

    async def _declarant_withdraws(self, what: dict[str, Any]) -> None:
        await self._ask("POST", "/withdrawal", what)

    async def _declarant_is_asked(self, what: dict[str, Any]) -> None:
        """Until the question is shown, in the agency's words."""

        def asked(view: dict[str, Any]) -> bool:
            return any(what.items() <= question.items() for question in view["questions"])

        await self._doors.until(self._mrn, asked)

    async def _declarant_answers(self, what: dict[str, Any]) -> None:
        [question] = [
            one
            for one in (await self._doors.view(self._mrn))["questions"]
            if one["service"] == what["service"] and one["state"] in ("open", "overdue")
        ]
        files = [
            ("documents", (one["name"], one["content"].encode(), one["type"]))
            for one in what.get("documents", ())
        ]
        path = f"/questions/{what['service']}/{quote(question['id'], safe='')}/answer"
        if files:
            await self._ask("POST", path, data={"text": what["text"]}, files=files)
        else:
            await self._ask("POST", path, {"text": what["text"]})

    async def _office_decides(self, what: dict[str, Any]) -> None:
        """A person of an agency, or of customs, at the hub's own door."""
        body = {"id": f"HAND-{time.time_ns()}", **what["says"]}
        await self._ask("POST", f"/referrals/{what['service']}/decisions", body, office=what["office"])

    async def _customs_assesses(self, amount: dict[str, str]) -> None:
        await self._ask("PUT", "/duties", {"amount": amount}, office="customs")

    async def _customs_confirms(self, cover: dict[str, Any]) -> None:
        await self._ask("POST", "/duties/covers", cover, office="customs")

    async def _inspection(self, what: dict[str, Any]) -> None:
        """Until an appointment is offered that these services attend."""

        def offered(view: dict[str, Any]) -> bool:
            return any(
                sorted(party["service"] for party in one["parties"]) == sorted(what["services"])
                and one["state"] == what["state"]
                for one in view["inspections"]
            )

        await self._doors.until(self._mrn, offered)

    async def _declarant_confirms(self, inspection: str) -> None:
        """The last moment of the window that is offered."""
        view = await self._doors.view(self._mrn)
        [offered] = [one for one in view["inspections"] if one["id"] == inspection]
        await self._ask("PUT", f"/inspections/{inspection}/confirmation", {"at": offered["closes_at"]})

    async def _office_reports(self, what: dict[str, Any]) -> None:
        """What an office found at the first appointment."""
        body = {"service": what["service"], **what["says"]}
        await self._ask("POST", "/inspections/I1/reports", body, office=what["office"])

    async def _items(self, states: dict[int, str]) -> None:
        """Until each goods item stands so."""
        await self._doors.until(
            self._mrn, lambda view: {one["item"]: one["state"] for one in view["items"]} == states
        )

    async def _cargo_has(self, notices: list[dict[str, Any]]) -> None:
        """What the cargo system itself has taken, in order."""
        taken = (await self._doors.cargo(mrn=self._mrn))["notices"]
        assert len(taken) == len(notices), taken
        for notice, expected in zip(taken, notices, strict=True):
            assert expected.items() <= notice.items(), notice

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
        """
        Until the agency itself has written this down of the declaration; `submission` is the number of a
        later one, under another reference.
        """
        expected = dict(what)
        reference = f"{self._mrn}/{expected.pop('service')}"
        if number := expected.pop("submission", None):
            reference += f".{number}"
        await self._doors.until_recorded(self._mrn, reference, expected)

    async def _events(self, types: list[str]) -> None:
        """These events, in this order, others between them."""
        happened = iter([e["type"] for e in await self._doors.events(self._mrn)])
        for kind in types:
            assert kind in happened, f"{kind} is missing, or comes too early"
