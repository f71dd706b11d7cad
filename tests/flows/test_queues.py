"""An agency's system fails while declarations come in: they queue, it is tried, and the queue goes out."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from hub.cli.client import ApiProblem
from hub.embedded import Stack
from hub.store import Store, create_store
from tests.adapters.system import Heard, Say, answer, system
from tests.flows.doors import Doors

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.slow,
]

LODGED = 30
PER_SECOND = 12
WOOL = {"items": [{"hs_code": "5101110000"}]}

FILE = """\
agency: wool
name: {en: Wool Board}
contact: desk@wool.example
services:
  wool-import:
    name: {en: Wool licence}
    law: {en: Wool Act}
    law_code: "05"
    procedure: [import]
    hs: ["5101"]
    document: Licence
    answer_within: 5wd
    on_expiry: hold
    answers: reply
    confidence: assumed
channel:
  adapter: rest
  contract: contracts/wool.json
  endpoint: URL
  limits: {timeout: 2s, attempts: 1, breaker_failures: 3, breaker_pause: 2s, per_second: RATE, concurrency: 4}
  submit:
    method: POST
    path: /cases
    request: {number: =referral.id}
    receipt: {reference: =reply.case}
    decision: {word: =reply.word}
  look_up:
    method: GET
    path: /cases
    query: {number: =referral.id}
    receipt: {reference: =reply.case}
    decision: {word: =reply.word}
verdicts: {fine: approved}
"""


def contract() -> str:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"case": text, "word": text}, "required": ["case", "word"]}
    done = {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}}
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    number = {"name": "number", "in": "query", "schema": text}
    paths = {"/cases": {"post": {**done, "requestBody": body}, "get": {**done, "parameters": [number]}}}
    return json.dumps({"openapi": "3.1.0", "info": {"title": "Wool", "version": "1"}, "paths": paths})


class Board:
    """The agency's system: what it was sent, and when; it answers while it is up."""

    def __init__(self, stack: Stack) -> None:
        self.doors = Doors(stack)
        self.stack = stack
        self.is_up = threading.Event()
        self.refused: list[str] = []
        self.taken: list[tuple[float, str]] = []
        """When, and our reference."""

    def say(self, heard: Heard) -> Say:
        number = json.loads(heard.body)["number"] if heard.body else heard.path
        if not self.is_up.is_set():
            self.refused.append(number)
            return answer(503, "we are closed")
        if heard.method == "GET":
            return answer(404, "no such case")
        self.taken.append((time.monotonic(), number))
        return answer(200, json.dumps({"case": number.replace("/", "-"), "word": "fine"}))

    async def until_there(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.doors.api.get, "/v1/agencies/wool")
                return
            except ApiProblem:
                await asyncio.sleep(0.1)

    async def until_queued(self, store: Store, count: int) -> None:
        async with asyncio.timeout(60):
            while len(await asyncio.to_thread(store.queued, "wool", 100)) != count:
                await asyncio.sleep(0.1)


@pytest_asyncio.fixture(loop_scope="session")
async def board(elsewhere: Stack) -> AsyncIterator[Board]:
    stack = elsewhere
    board = Board(stack)
    with system(board.say) as running:
        file = stack.config_folder / "agencies" / "wool.yaml"
        (stack.config_folder / "contracts" / "wool.json").write_text(contract())
        file.write_text(FILE.replace("URL", running.url).replace("RATE", str(PER_SECOND)))
        try:
            await board.until_there()
            yield board
        finally:
            file.unlink(missing_ok=True)


async def test_what_comes_in_while_an_agency_is_down_waits_and_goes_out_in_order(board: Board) -> None:
    """
    Thirty declarations cost the agency a few requests while it is down. When it is back, one is let through;
    the others follow by their deadlines, no faster than it can take, and none is put to it twice.
    """
    store = create_store(board.stack.environment["HUB_DATABASE_URL"])
    lodged: list[dict[str, Any]] = await asyncio.gather(*(board.doors.lodge(WOOL) for _ in range(LODGED)))
    mrns = [one["mrn"] for one in lodged]
    await board.until_queued(store, LODGED)
    # The latest lodged first.
    for place, mrn in enumerate(reversed(mrns)):
        due = datetime.now(UTC) + timedelta(days=20, hours=place)
        moved = {"due_at": due.isoformat(), "reason": "the board is closed"}
        path = f"/v1/declarations/{mrn}/referrals/wool-import/deadline"
        (await board.doors.ask("POST", path, moved, office="operator")).raise_for_status()
    control = store.controls()["wool"]
    assert control.state == "failing"
    board.is_up.set()
    for mrn in mrns:
        await board.doors.until(mrn, lambda view: view["outcome"] == "release")
    in_vain = Counter(board.refused)
    assert sum(in_vain.values()) <= LODGED / 2
    in_order = [number.partition("/")[0] for _, number in board.taken]
    assert sorted(in_order) == sorted(mrns)
    places = [mrns[::-1].index(mrn) for mrn in in_order]
    # Those that were let go together arrive in any order.
    assert all(abs(place - came) <= 4 for came, place in enumerate(places)), places
    began = board.taken[0][0]
    for second in range(1, int(board.taken[-1][0] - began) + 1):
        within = [at for at, _ in board.taken if second - 1 <= at - began < second]
        assert len(within) <= PER_SECOND + 4
    async with asyncio.timeout(30):
        while "wool" in await asyncio.to_thread(store.controls):
            await asyncio.sleep(0.1)
    for mrn in mrns:
        told = [e["type"] for e in await board.doors.events(mrn)]
        assert told.count("referral.delayed") <= 3
    store.close()
