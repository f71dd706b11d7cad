"""An agency whose exchanges are carried out in its own network: by a process of its own, killed and away."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hub.embedded import Stack
from tests.adapters.system import Heard, Say, System, answer, system
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

TOKEN = "harbour-token-7f3a"
HARBOUR = {"hs_code": "8901100000"}
FOOD = {"hs_code": "0809290000", "attributes": {"end_use": "food"}}

FILE = """\
agency: harbour
name: {en: Harbour Office}
contact: desk@harbour.example
services:
  harbour-import:
    name: {en: Ship's licence}
    law: {en: Harbour Act}
    law_code: "04"
    procedure: [import]
    hs: ["8901"]
    document: Licence
    answer_within: 2wd
    on_expiry: hold
    answers: poll
    confidence: assumed
channel:
  adapter: rest
  contract: contracts/harbour.json
  endpoint: env:HARBOUR_ENDPOINT
  auth: {bearer: env:HARBOUR_TOKEN}
  limits: {timeout: 10s, breaker_pause: 1s}
  own_worker: true
  submit:
    method: POST
    path: /cases
    request: {number: =referral.id}
    receipt: {reference: =reply.case}
  look_up:
    method: GET
    path: /cases
    query: {number: =referral.id}
    receipt: {reference: =reply.case}
  poll:
    method: GET
    path: /cases/{receipt.reference}
    every: 1m
    decision: {when: '=reply.word != ""', word: =reply.word}
verdicts: {fine: approved}
"""


def contract() -> str:
    """Every request opens a case; cases are found by our number."""
    text = {"type": "string"}

    def operation(*members: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": dict.fromkeys(members, text), "required": list(members)}
        content = {"application/json": {"schema": schema}}
        return {"responses": {"200": {"description": "ok", "content": content}}}

    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    number = {"name": "number", "in": "query", "schema": text}
    case = {"name": "case", "in": "path", "required": True, "schema": text}
    paths = {
        "/cases": {
            "post": {**operation("case"), "requestBody": body},
            "get": {**operation("case"), "parameters": [number]},
        },
        "/cases/{case}": {"get": {**operation("word"), "parameters": [case]}},
    }
    return json.dumps({"openapi": "3.1.0", "info": {"title": "Harbour", "version": "1"}, "paths": paths})


class Office:
    """The agency's own system, its folder, and its worker."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.system: System | None = None
        self.cases: list[str] = []
        self.holds = threading.Event()
        """While set, a submission is taken and not answered."""
        self.release = threading.Event()
        self.worker: asyncio.subprocess.Process | None = None

    def say(self, heard: Heard) -> Say:
        if heard.headers.get("authorization") != f"Bearer {TOKEN}":
            return answer(401)
        if heard.method == "POST":
            number = json.loads(heard.body)["number"]
            self.cases.append(number)
            if self.holds.is_set():
                self.release.wait(30)
            return answer(200, json.dumps({"case": number.replace("/", "-")}))
        if heard.path.startswith("/cases?"):
            number = heard.path.partition("number=")[2].replace("%2F", "/")
            known = number in self.cases
            return answer(200, json.dumps({"case": number.replace("/", "-")})) if known else answer(404)
        return answer(200, json.dumps({"word": "fine"}))

    def write_files(self) -> None:
        """The hub's folder, and the agency's own: its file, its contract, and what all agencies share."""
        whole = self.stack.config_folder
        for folder in (whole, self.folder):
            for part in ("agencies", "contracts"):
                (folder / part).mkdir(parents=True, exist_ok=True)
            (folder / "contracts" / "harbour.json").write_text(contract())
            (folder / "agencies" / "harbour.yaml").write_text(FILE)
        for shared in whole.glob("*.yaml"):
            shutil.copy(shared, self.folder)

    async def start_worker(self) -> None:
        """A process that knows the engine, its own folder and its own secrets, and nothing else."""
        assert self.system is not None
        log = self.folder / "worker.log"
        log.write_text("")
        with log.open("ab") as out:
            self.worker = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "hub", "worker", "--agency", "harbour"],
                env={
                    "PATH": os.environ["PATH"],
                    "HUB_ENVIRONMENT": "development",
                    "HUB_TEMPORAL_ADDRESS": self.stack.environment["HUB_TEMPORAL_ADDRESS"],
                    "HUB_CONFIG_FOLDER": str(self.folder),
                    "HARBOUR_ENDPOINT": self.system.url,
                    "HARBOUR_TOKEN": TOKEN,
                },
                cwd=self.folder,
                stdout=out,
                stderr=out,
            )
        while "agency_worker.ready" not in log.read_text():
            assert self.worker.returncode is None, log.read_text()
            await asyncio.sleep(0.05)

    async def kill_worker(self) -> None:
        """As a crash would."""
        if self.worker is not None and self.worker.returncode is None:
            self.worker.kill()
            await self.worker.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def office(elsewhere: Stack, tmp_path: Path) -> AsyncIterator[Office]:
    """The office, with its file in the hub's folder; taken out again, so that no other story meets it."""
    office = Office(elsewhere, tmp_path)
    office.write_files()
    with system(office.say) as running:
        office.system = running
        try:
            yield office
        finally:
            office.release.set()
            await office.kill_worker()
            (elsewhere.config_folder / "agencies" / "harbour.yaml").unlink()
            (elsewhere.config_folder / "contracts" / "harbour.json").unlink()


@pytest.mark.slow
async def test_a_worker_in_the_agency_s_network_killed_in_mid_submission(office: Office) -> None:
    """
    One case for each declaration, however its worker dies; nobody else waits; it heals when it is back.

    Neither the hub nor its environment knows the token.
    """
    doors = Doors(office.stack)
    assert TOKEN not in office.stack.environment.values()
    await asyncio.gather(_until_known(doors), office.start_worker())

    # Taken, and not answered: killed in mid-submission.
    office.holds.set()
    first = (await doors.lodge({"items": [HARBOUR]}))["mrn"]
    while not office.cases:
        await asyncio.sleep(0.01)
    await office.kill_worker()
    office.holds.clear()

    # Nobody is at work there: another agency's referral of the same declaration does not wait for it.
    second = (await doors.lodge({"items": [HARBOUR, FOOD]}))["mrn"]
    view = await doors.until(second, lambda v: _referral(v, "inspection")["state"] == "decided")
    assert _referral(view, "harbour")["state"] == "pending"
    view = await doors.until(second, lambda v: _referral(v, "harbour")["trouble"])
    assert _referral(view, "harbour")["trouble"] == "no worker of harbour is at work"
    view = await doors.until(first, lambda v: _referral(v, "harbour")["trouble"])
    assert office.cases == [f"{first}/harbour-import"]

    await office.start_worker()
    for mrn in (first, second):
        await doors.until_told(mrn, "release")
    assert sorted(office.cases) == sorted([f"{first}/harbour-import", f"{second}/harbour-import"])
    told = json.dumps([await doors.events(mrn) for mrn in (first, second)])
    assert "the worker of harbour died" in told
    assert TOKEN not in told


def _referral(view: dict[str, Any], agency: str) -> dict[str, Any]:
    [found] = [referral for referral in view["referrals"] if referral["agency"] == agency]
    return dict(found)


async def _until_known(doors: Doors) -> None:
    """The file is taken without a restart."""
    while "harbour" not in json.dumps(await asyncio.to_thread(doors.api.get, "/v1/agencies")):
        await asyncio.sleep(0.05)
