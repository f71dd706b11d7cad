"""Feeds over real sockets: pages, poisoned messages, acknowledging and rejecting."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable
from hub.domain.exchange import Feed, FeedPage
from tests.adapters.rest.support import NAME, faults, rest_agency, spoken_to
from tests.adapters.system import Heard, Say, answer, system

DESK = """
openapi: 3.0.3
paths:
  /desk: {post: {responses: {200: {description: x}}}}
  /outbox: {get: {responses: {200: {description: x}}}}
  /outbox/{id}: {delete: {responses: {204: {description: x}}}}
  /done: {post: {responses: {204: {description: x}}}}
  /bad: {post: {responses: {204: {description: x}}}}
"""
CHANNEL = """
submit: {method: POST, path: /desk, request: {a: 1}}
feed:
  every: 1m
  pull: {method: GET, path: /outbox, query: {QUERY}}
  messages: =reply.entries
  NEXT
  message:
    id: =message.id
    referral: =message.about
    decision: {word: =message.word}
  EACH
"""
PLAIN = "acknowledge: {method: POST, path: /done, request: {ids: =ids}}"


def feed(folder: Path, query: str = "limit: 2", following: str = "", telling: str = PLAIN) -> AgencyFile:
    channel = CHANNEL.replace("QUERY", query).replace("NEXT", following).replace("EACH", telling)
    return rest_agency(folder, DESK, channel)


def message(number: int, word: str = "yes") -> dict[str, Any]:
    return {"id": f"M-{number}", "about": "26KR1B2C3D4E5F6G72/kats-measuring", "word": word}


async def pulled(
    folder: Path, file: AgencyFile, script: Callable[[Heard], Say], pages: int = 10
) -> tuple[list[Feed], list[str]]:
    """Every page that a pull leads to, and the paths that were asked for."""
    found: list[Feed] = []
    following: FeedPage | None = None
    with system(script) as running:
        async with spoken_to(folder, running.url, file, {"KEY": "k"}) as gateway:
            for _ in range(pages):
                found.append(await gateway.pull_feed(NAME, following))
                following = found[-1].next
                if following is None:
                    break
    return found, [heard.path for heard in running.heard]


def ids(pages: list[Feed]) -> list[list[str]]:
    return [[message.message_id for message in page.messages] for page in pages]


async def test_a_cursor_leads_from_page_to_page(tmp_path: Path) -> None:
    """It may look like an address: what it is, is told by how the pull asks."""
    said = {"": "/a?b=1", "%2Fa%3Fb%3D1": "https://x", "https%3A%2F%2Fx": "https://x"}

    def script(heard: Heard) -> Say:
        cursor = heard.path.rpartition("after=")[2] if "after=" in heard.path else ""
        number = list(said).index(cursor)
        return answer(200, json.dumps({"entries": [message(number)], "cursor": said[cursor]}))

    file = feed(tmp_path, "limit: 2, after: =page.cursor", "next_page: =reply.cursor")
    assert faults(tmp_path, file) == {}
    pages, asked = await pulled(tmp_path, file, script)
    assert ids(pages) == [["M-0"], ["M-1"], ["M-2"]]
    assert asked == [
        "/outbox?limit=2",
        "/outbox?limit=2&after=%2Fa%3Fb%3D1",
        "/outbox?limit=2&after=https%3A%2F%2Fx",
    ]


async def test_pages_by_number_go_on_while_there_are_more(tmp_path: Path) -> None:
    """And no further than `max_pages`: what is left comes with the next pull."""
    file = feed(tmp_path, "page: =page.number", "next_page: =reply.more\n  max_pages: 3")
    pages, asked = await pulled(
        tmp_path, file, lambda heard: answer(200, json.dumps({"entries": [], "more": True}))
    )
    assert asked == ["/outbox?page=1", "/outbox?page=2", "/outbox?page=3"]
    assert [page.trouble for page in pages] == [None, None, None]


@pytest.mark.parametrize(
    "header", ['</outbox?page=2&n=1>; rel="next"', "<?page=2&n=1>; rel=next, </outbox>; rel=first"]
)
async def test_a_link_header_leads_to_the_next_page(tmp_path: Path, header: str) -> None:
    """Seen from the page that has it; what the pull itself asks for is not added."""

    def script(heard: Heard) -> Say:
        extra = {} if "page=2" in heard.path else {"Link": header}
        return answer(200, json.dumps({"entries": [message(len(heard.path))]}), **extra)

    file = feed(tmp_path, following='next_page: =link(headers, "next")')
    assert faults(tmp_path, file) == {}
    pages, asked = await pulled(tmp_path, file, script)
    assert asked == ["/outbox?limit=2", "/outbox?page=2&n=1"]
    assert len(pages) == 2


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1:1/outbox", "//evil.example/outbox", "http://u:p@HOST/outbox"]
)
async def test_a_link_to_elsewhere_is_not_followed(tmp_path: Path, elsewhere: str) -> None:
    """Credentials go where the agency's file says; the messages of the page count all the same."""
    file = feed(tmp_path, following="next_page: =reply.next")

    def script(heard: Heard) -> Say:
        where = elsewhere.replace("HOST", heard.headers["host"])
        return answer(200, json.dumps({"entries": [message(1)], "next": where}))

    [page], asked = await pulled(tmp_path, file, script)
    assert ids([page]) == [["M-1"]]
    assert page.next is None
    assert page.trouble is not None
    assert "leads away from" in page.trouble
    assert asked == ["/outbox?limit=2"]


async def test_a_key_in_the_query_is_not_sent_twice(tmp_path: Path) -> None:
    """An agency that echoes the query in its links holds our key in them already."""
    data = feed(tmp_path, following="next_page: =reply.next").model_dump(mode="json", by_alias=True)
    data["channel"]["auth"] = {"api_key": {"query": "key", "value": "env:KEY"}}
    file = AgencyFile.model_validate(data)

    def script(heard: Heard) -> Say:
        following = None if "page=2" in heard.path else f"{heard.path}&page=2"
        return answer(200, json.dumps({"entries": [], "next": following}))

    _, asked = await pulled(tmp_path, file, script)
    assert asked == ["/outbox?limit=2&key=k", "/outbox?limit=2&page=2&key=k"]


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (r'{"id": "M-2", "about": "x", "word": "\ud800"}', "half of a surrogate pair"),
        (r'{"id": "M-2", "about": "x", "word": "y\ud83d\ude00\udc00"}', "half of a surrogate pair"),
        (r'{"id": "M-2", "about": "x", "word": "yes\u0000"}', "NUL"),
        (r'{"id": "M-2", "about": "x", "word": "\\ud800"}', "is unknown"),
        (r'{"id": "M-2", "about": "x", "word": "yes", "n": "' + "\ud800" + '"}', "half of a surrogate pair"),
        (r'{"id": "M-2"}', "no key"),
        ("17", ""),
        ("null", ""),
    ],
)
async def test_one_poisoned_message_does_not_spoil_the_others(
    tmp_path: Path, spoilt: str, words: str
) -> None:
    """It comes back with its trouble, and the pull is as good as any."""
    body = f'{{"entries": [{json.dumps(message(1))}, {spoilt}, {json.dumps(message(3))}]}}'
    [page], _ = await pulled(
        tmp_path, feed(tmp_path), lambda heard: answer(200, body.encode("utf-8", "surrogatepass"))
    )
    first, bad, last = page.messages
    assert (first.trouble, last.trouble) == (None, None)
    assert first.decisions
    assert last.decisions
    assert bad.trouble is not None
    assert words in bad.trouble
    assert bad.decisions == ()
    bad.model_dump_json().encode()


REJECT = "reject: {method: POST, path: /bad, request: {ids: =ids, why: =reason}}"
EACH = """each: true
  acknowledge: {method: DELETE, path: '/outbox/{id}'}
  reject: {method: POST, path: /bad, request: {id: =id, why: =reason}}"""


async def told(
    folder: Path, telling: str, say: Say | Callable[[Heard], Say], *, limits: str = ""
) -> list[str]:
    """How an agency is told of three messages, of which the second and third could not be read."""
    file = feed(folder, telling=telling)
    assert faults(folder, file) == {}
    with system(say) as running:
        async with spoken_to(folder, running.url, file) as gateway:
            try:
                exchanges = await gateway.acknowledge_feed(
                    NAME, ["M-1", "M-2", "M-3", "sha256:x"], {"M-2": "bad", "M-3": "worse", "sha256:x": "bad"}
                )
            except (AgencyRefused, AgencyUnavailable) as error:
                exchanges = error.exchanges
                assert len(exchanges) == len(running.heard)
                return [f"{one.method} {one.path} {one.body.decode()}".strip() for one in running.heard] + [
                    type(error).__name__
                ]
    assert len(exchanges) == len(running.heard)
    return [f"{one.method} {one.path} {one.body.decode()}".strip() for one in running.heard]


async def test_messages_are_acknowledged_and_rejected_for_their_reasons(tmp_path: Path) -> None:
    """Those without an id of their own cannot be told of."""
    assert await told(tmp_path, f"{PLAIN}\n  {REJECT}", answer(204)) == [
        'POST /done {"ids":["M-1"]}',
        'POST /bad {"ids":["M-2"],"why":"bad"}',
        'POST /bad {"ids":["M-3"],"why":"worse"}',
    ]


async def test_where_nothing_can_be_rejected_all_are_acknowledged(tmp_path: Path) -> None:
    """Or the poisoned ones would come for ever."""
    assert await told(tmp_path, PLAIN, answer(204)) == ['POST /done {"ids":["M-1","M-2","M-3"]}']


async def test_each_message_may_be_told_of_by_itself(tmp_path: Path) -> None:
    """And one that the agency turns down keeps nobody else waiting."""
    assert await told(tmp_path, EACH, lambda heard: answer(404 if heard.path == "/outbox/M-1" else 204)) == [
        "DELETE /outbox/M-1",
        'POST /bad {"id":"M-2","why":"bad"}',
        'POST /bad {"id":"M-3","why":"worse"}',
        "AgencyRefused",
    ]


async def test_an_agency_that_is_away_is_told_of_the_rest_another_time(tmp_path: Path) -> None:
    """One by one would only take long."""
    assert await told(tmp_path, EACH, answer(503)) == ["DELETE /outbox/M-1", "AgencyUnavailable"]


async def test_acknowledging_waits_for_its_turn_in_the_rate(tmp_path: Path) -> None:
    """A rate so low that a request of its own would be turned away as busy."""
    data = feed(tmp_path, telling=EACH).model_dump(mode="json", by_alias=True)
    data["channel"]["limits"] |= {"per_second": 0.8}
    names = ["M-1", "M-2"]
    with system(answer(204)) as running:
        async with spoken_to(tmp_path, running.url, AgencyFile.model_validate(data)) as gateway:
            await gateway.acknowledge_feed(NAME, names)
    assert [heard.path for heard in running.heard] == [f"/outbox/{name}" for name in names]
