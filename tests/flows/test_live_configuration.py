"""An agency's file is changed while declarations run: what is in flight does not notice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from hub.cli.client import ApiProblem
from hub.embedded import Stack
from tests.adapters.system import Heard, Say, answer, system
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

LIVE_WITHIN = 5.0
TIMBER = {"items": [{"hs_code": "4407110000"}]}

FILE = """\
agency: timber
name: {en: Timber Office}
contact: desk@timber.example
services:
  timber-import:
    name: {en: Timber licence}
    law: {en: Timber Act}
    law_code: "03"
    procedure: [import]
    hs: ["4407"]
    document: Licence
    answer_within: 2wd
    on_expiry: hold
    answers: poll
    confidence: assumed
channel:
  adapter: rest
  contract: contracts/timber.json
  endpoint: URL
  submit:
    method: POST
    path: /first/cases
    request: {number: =referral.id}
    receipt: {reference: =reply.case}
  poll:
    method: GET
    path: /first/cases/{receipt.reference}
    every: 1m
    decision: {when: '=reply.word != ""', word: =reply.word}
verdicts: {fine: approved}
"""


def contract(path: str) -> str:
    """The office's contract: everything below one path."""
    text = {"type": "string"}

    def operation(**members: dict[str, str]) -> dict[str, Any]:
        schema = {"type": "object", "properties": members, "required": list(members)}
        content = {"application/json": {"schema": schema}}
        return {"responses": {"200": {"description": "ok", "content": content}}}

    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    case = {"name": "case", "in": "path", "required": True, "schema": text}
    paths = {
        f"/{path}/cases": {"post": {**operation(case=text), "requestBody": body}},
        f"/{path}/cases/{{case}}": {"get": {**operation(word=text), "parameters": [case]}},
    }
    return json.dumps({"openapi": "3.1.0", "info": {"title": "Timber", "version": "1"}, "paths": paths})


class Office:
    """The agency's own system, and its file in the configuration folder."""

    def __init__(self, stack: Stack) -> None:
        self.doors = Doors(stack)
        self.folder = stack.config_folder
        self.file = self.folder / "agencies" / "timber.yaml"
        self.heard: list[Heard] = []
        self.word = ""
        self.url = ""

    def say(self, heard: Heard) -> Say:
        self.heard.append(heard)
        if heard.method == "POST":
            return answer(200, json.dumps({"case": json.loads(heard.body)["number"].replace("/", "-")}))
        return answer(200, json.dumps({"word": self.word}))

    def write(self, text: str, path: str = "first") -> None:
        self.word = ""
        (self.folder / "contracts" / "timber.json").write_text(contract(path))
        self.file.write_text(text.replace("URL", self.url))

    async def now(self) -> dict[str, Any] | None:
        """The agency as the API shows it; None when it is not there."""
        try:
            return await asyncio.to_thread(self.doors.api.get, "/v1/agencies/timber")
        except ApiProblem:
            return None

    async def until(self, condition: Callable[[dict[str, Any] | None], Any]) -> dict[str, Any] | None:
        """Wait until the API shows it so; fails when that takes too long to be called live."""
        deadline = time.monotonic() + LIVE_WITHIN
        while not condition(shown := await self.now()):
            assert time.monotonic() < deadline, f"not live within {LIVE_WITHIN} s: {shown}"
            await asyncio.sleep(0.1)
        return shown

    async def version(self) -> str:
        shown = await self.until(lambda agency: agency)
        assert shown is not None
        return str(shown["config_version"])

    async def asked(self, mrn: str) -> Heard:
        """The submission of a declaration, once it has been answered."""
        await self.doors.until(mrn, lambda view: view["referrals"][0]["state"] == "delivered")
        [submission] = [h for h in self.heard if h.method == "POST" and mrn.encode() in h.body]
        return submission

    async def exchanges(self, mrn: str) -> list[dict[str, Any]]:
        """What was said to and fro with the agency about a declaration."""
        page = await asyncio.to_thread(self.doors.api.get, f"/v1/declarations/{mrn}/exchanges")
        return [exchange for exchange in page["exchanges"] if exchange["agency"] == "timber"]


@pytest_asyncio.fixture(loop_scope="session")
async def office(elsewhere: Stack) -> AsyncIterator[Office]:
    """An agency that comes to the running hub as a file, and goes with it."""
    office = Office(elsewhere)
    with system(office.say) as running:
        office.url = running.url
        office.write(FILE)
        try:
            await office.until(lambda agency: agency)
            yield office
        finally:
            office.file.unlink(missing_ok=True)
            await office.until(lambda agency: agency is None)


@pytest.mark.slow
async def test_a_new_file_is_an_agency_that_the_next_declaration_is_put_to(office: Office) -> None:
    """Nothing was restarted; the fixture has waited no longer than a live change may take."""
    office.word = "fine"
    lodged = await office.doors.lodge(TIMBER)
    assert [r["service"] for r in lodged["referrals"]] == ["timber-import"]
    view = await office.doors.until(lodged["mrn"], lambda view: view["outcome"] == "release")
    assert view["referrals"][0]["config_version"] == await office.version()


async def test_declarations_in_flight_do_not_notice_an_edit(office: Office, elsewhere: Stack) -> None:
    """
    Other paths, other words, another contract: for new declarations. The open one is asked about, and its
    answer read, as before; also by a worker that was started since and has never seen the earlier file.
    """
    before = (await office.doors.lodge(TIMBER))["mrn"]
    assert (await office.asked(before)).path == "/first/cases"
    first = await office.version()
    office.write(FILE.replace("/first/", "/second/").replace("fine:", "granted:"), path="second")
    await office.until(lambda agency: agency and agency["config_version"] != first)
    after = (await office.doors.lodge(TIMBER))["mrn"]
    assert (await office.asked(after)).path == "/second/cases"

    elsewhere.end_child("worker")
    await elsewhere.restart_child("worker")
    office.word = "fine"
    view = await office.doors.until(before, lambda view: view["outcome"] == "release")
    assert view["referrals"][0]["config_version"] == first
    assert {e["config_version"] for e in await office.exchanges(before)} == {first}
    office.word = "granted"
    view = await office.doors.until(after, lambda view: view["outcome"] == "release")
    second = view["referrals"][0]["config_version"]
    assert second == await office.version() != first
    polled = [e for e in await office.exchanges(after) if e["reading"] == "approved"]
    assert [e["config_version"] for e in polled] == [second]


async def test_a_broken_edit_changes_nothing_and_says_why(office: Office) -> None:
    """Declarations go on being put to the agency by its last good file; mending it heals."""
    first = await office.version()
    office.file.write_text(office.file.read_text().replace("=reply.case", "=reply.cse"))
    shown = await office.until(lambda agency: agency and agency["configuration"]["refused"])
    assert shown is not None
    assert shown["config_version"] == first
    [fault] = shown["configuration"]["refused"]["faults"]
    assert (fault["file"], fault["key"]) == ("agencies/timber.yaml", "channel.submit.receipt.reference")
    assert "case" in fault["cure"]
    office.word = "fine"
    mrn = (await office.doors.lodge(TIMBER))["mrn"]
    view = await office.doors.until(mrn, lambda view: view["outcome"] == "release")
    assert view["referrals"][0]["config_version"] == first
    office.write(FILE)
    await office.until(lambda agency: agency and agency["configuration"]["refused"] is None)
    assert await office.version() == first


async def test_an_agency_that_leaves_is_asked_no_more_and_still_answers(office: Office) -> None:
    """New declarations need nobody's consent; the open one is asked about until it is decided."""
    open_one = (await office.doors.lodge(TIMBER))["mrn"]
    await office.asked(open_one)
    office.file.unlink()
    await office.until(lambda agency: agency is None)
    lodged = await office.doors.lodge(TIMBER)
    assert (lodged["referrals"], lodged["outcome"]) == ([], "release")
    office.word = "fine"
    await office.doors.until(open_one, lambda view: view["outcome"] == "release")
