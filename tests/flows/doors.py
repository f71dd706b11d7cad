"""The public doors of a running stack, as customs, agencies, operations and the cargo system use them."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import requests

from hub.cli.client import Api
from hub.domain.events import EventType
from hub.domain.names import CUSTOMS
from hub.embedded import Stack
from hub.ports import Role
from tests.flows.office import Office

_PATIENCE = 60.0
_numbers = itertools.count(1)


class Doors:
    """Every method goes through a socket."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api = Api(stack.api_url, stack.api_key)
        self._offices: dict[str, Office] = {}

    async def lodge(self, declaration: dict[str, Any]) -> dict[str, Any]:
        """Lodge a declaration; what a story leaves out is filled in."""
        content = json.dumps(complete(declaration)).encode()
        return await asyncio.to_thread(self.api.lodge, content, "application/json")

    async def view(self, mrn: str) -> dict[str, Any]:
        return await asyncio.to_thread(self.api.get, f"/v1/declarations/{mrn}")

    async def ask(
        self, method: str, path: str, body: Any = None, *, office: str | None = None, **more: Any
    ) -> requests.Response:
        """
        One request to the API: as the declarant's customs; or as an office: customs itself, an agency, or
        operations ("operator").

        `more` is what requests takes, as `files` of a form.
        """
        key = self.stack.api_key if office is None else await self._key_of(office)
        return await asyncio.to_thread(
            requests.request,
            method,
            self.stack.api_url + path,
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            **more,
        )

    async def verified(self, mrn: str) -> str:
        """What is said when its outcomes are worked out anew from the events; fails where they differ."""
        return await (await self._office("operator", Role.ADMIN)).says("explain", mrn, "--verify")

    async def _key_of(self, office: str) -> str:
        if office == CUSTOMS:
            return (await self._office(office, Role.CUSTOMS)).key
        if office == "operator":
            return (await self._office(office, Role.ADMIN)).key
        return (await self._office(office, Role.AGENCY, office)).key

    async def _office(self, name: str, role: Role, agency: str | None = None) -> Office:
        if name not in self._offices:
            self._offices[name] = await Office.opened(self.stack, role, agency)
        return self._offices[name]

    async def events(self, mrn: str) -> list[dict[str, Any]]:
        page = await asyncio.to_thread(self.api.get, f"/v1/declarations/{mrn}/events?limit=1000")
        events: list[dict[str, Any]] = page["events"]
        return events

    async def log_tells_each_event_once(self, mrn: str) -> None:
        """
        Fails where an event of a declaration has no line of its own in the processes' logs, or several, or
        a line has no event. A line follows its event, so it is waited for.
        """
        kinds = set(EventType)
        deadline = time.monotonic() + _PATIENCE
        while True:
            lines = [line for line in self._lines(mrn) if line["event"] in kinds]
            told = sorted((line.get("seq", 0), line["event"], line.get("service")) for line in lines)
            events = [(one["seq"], one["type"], one["service"]) for one in await self.events(mrn)]
            if told == events or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.1)
        assert told == events
        asked = {r["service"]: r["agency"] for r in (await self.view(mrn))["referrals"]}
        for line in lines:
            if "service" in line:
                assert line["agency"] == asked.get(line["service"], line["agency"]), line

    def _lines(self, mrn: str) -> list[dict[str, Any]]:
        """What the processes have logged about a declaration."""
        logs = [path.read_text() for path in sorted((self.stack.folder / "logs").glob("*.log"))]
        said = [json.loads(line) for log in logs for line in log.splitlines() if mrn in line and "{" in line]
        return [line for line in said if line.get("mrn") == mrn]

    async def until(
        self, mrn: str, condition: Callable[[dict[str, Any]], bool], patience: float = _PATIENCE
    ) -> dict[str, Any]:
        """Wait until a declaration fulfils a condition; fails with what it looks like then."""
        deadline = time.monotonic() + patience
        while True:
            try:
                view = await self.view(mrn)
                if condition(view):
                    return view
            except Exception:
                if time.monotonic() > deadline:
                    raise
                view = {}
            if time.monotonic() > deadline:
                raise AssertionError(f"{mrn} is not as awaited: {view}")
            await asyncio.sleep(0.1)

    async def until_told(self, mrn: str, outcome: str) -> dict[str, Any]:
        """Wait until the cargo system has acknowledged an outcome, which comes after the outcome itself."""
        return await self.until(
            mrn, lambda v: v["outcome"] == outcome and v["notice"] and v["notice"]["acknowledged_at"]
        )

    async def told(self, mrn: str) -> list[str]:
        """What the cargo system has acknowledged, in order."""
        return [e["type"] for e in await self.events(mrn) if e["type"].startswith("cargo.")]

    async def behave(self, agency: str, behaviour: str, **more: object) -> None:
        """Tell a simulated agency how to behave from now on."""
        answer = await asyncio.to_thread(
            requests.put,
            f"{self.stack.simulator_url}/_simulator/agencies/{agency}",
            json={"behaviour": behaviour, **more},
            timeout=5,
        )
        answer.raise_for_status()

    async def cargo_behaves(self, behaviour: str) -> None:
        """Tell the simulated cargo system how to behave from now on."""
        answer = await asyncio.to_thread(
            requests.put,
            f"{self.stack.simulator_url}/_simulator/cargo",
            json={"behaviour": behaviour},
            timeout=5,
        )
        answer.raise_for_status()

    async def calm(self) -> None:
        """Have everybody who is simulated behave as usual again."""
        await self.cargo_behaves("TAKE")
        known = await asyncio.to_thread(
            requests.get, f"{self.stack.simulator_url}/_simulator/agencies", timeout=5
        )
        for agency, setting in known.json().items():
            if setting["behaviour"] != "APPROVE":
                await self.behave(agency, "APPROVE")

    async def ledger(self, **query: str) -> dict[str, Any]:
        """What the simulated agencies have recorded themselves."""
        answer = await asyncio.to_thread(
            requests.get, f"{self.stack.simulator_url}/_simulator/ledger", params=query, timeout=10
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    async def until_recorded(self, mrn: str, reference: str, expected: dict[str, Any]) -> None:
        """Wait until the simulated agency's own record of one of our references is as expected."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            applications = (await self.ledger(mrn=mrn))["applications"]
            found = [one for one in applications if one["reference"] == reference]
            if found and expected.items() <= found[0].items():
                return
            assert time.monotonic() < deadline, f"{reference} is not {expected}: {found or applications}"
            await asyncio.sleep(0.1)

    async def cargo(self, **query: str) -> dict[str, Any]:
        """What the simulated cargo system has recorded itself."""
        answer = await asyncio.to_thread(
            requests.get, f"{self.stack.simulator_url}/_simulator/cargo", params=query, timeout=10
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body


def complete(declaration: dict[str, Any]) -> dict[str, Any]:
    """A declaration with the elements that do not matter to a story."""
    number = next(_numbers)
    ucr = declaration.get("ucr", "")
    filled = {
        "lrn": f"FLOW-{time.time_ns()}-{number}"[:35],
        "procedure": "import",
        "declarant": {"id": "KR-BROKER-1"},
        "importer": {"id": "123-45-67890", "name": "Saebyeok Trading"},
        "exporter": {"name": "Overseas Supply", "country": "US"},
        "consignment": {"ucr": f"K{number:05}{ucr}"},
        **{key: value for key, value in declaration.items() if key not in ("ucr", "items")},
    }
    filled["items"] = [
        {"number": n, "origin": "US", "description": "Goods of a story", "net_mass_kg": "10", **item}
        for n, item in enumerate(declaration["items"], 1)
    ]
    return filled
