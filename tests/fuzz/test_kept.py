"""Inputs at which the hub once failed, found by `python -m fuzz`: each is refused now, with the reason."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from fuzz.vitals import resident
from hub.adapters.multipart import readable, take_apart
from hub.adapters.wire import Misfit
from hub.adapters.xml import parse_xml
from hub.api.app import create_app
from hub.expressions import ExpressionFailed, PredicateCompiler
from hub.ports import Role
from hub.store import Store, create_store
from tests.api.support import Api, DescribedTransport, EngineFake, parts


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = create_store(sqlite_url, sync="normal")
    yield store
    store.close()


@asynccontextmanager
async def _api(store: Store) -> AsyncIterator[Api]:
    engine = EngineFake()
    app = create_app(parts(store, engine))
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        yield Api(app, store, engine, http)


@pytest.mark.parametrize("number", ["1e" + "9" * 40, "-1e-" + "9" * 40, "1E+999999999999999999"])
async def test_an_exponent_that_no_processor_counts_with(store: Store, number: str) -> None:
    """As the value of any member of a declaration."""
    async with _api(store) as api:
        headers = {**api.key(Role.CUSTOMS), "Content-Type": "application/json"}
        body = '{"lrn": ' + number + "}"
        answer = await api.http.post("/v1/declarations", content=body, headers=headers)
    assert answer.status_code == 400
    assert "beyond what can be declared" in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"{a\xff\xfe", b"\xef\xbf\xbd\xff", b"[" * 100_000])
async def test_bytes_that_are_no_text_as_the_note_on_an_incident(store: Store, body: bytes) -> None:
    """400, as at every other door that takes JSON."""
    async with _api(store) as api:
        headers = {**api.key(Role.OPERATOR), "Content-Type": "application/json"}
        answer = await api.http.post("/v1/incidents/7/acknowledgement", content=body, headers=headers)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 20_000 + b"--b--",
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" * 20_000 + b"--b--",
        b"--b\r\n\r\n" * 500_000 + b"--b--",
        b"--b\r\nContent-Type: " + b"(" * 100_000 + b"\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-ID: " + b"<" * 100_000 + b"\r\n\r\nx\r\n--b--",
    ],
    ids=["one boundary", "two boundaries", "many", "a comment in a type", "an id"],
)
def test_parts_in_parts_of_an_agencys_answer(body: bytes) -> None:
    """Reading them takes no longer than reading any other body of that size."""
    began = time.process_time()
    with suppress(Misfit):
        take_apart("multipart/related; boundary=b", body)
    readable({"Content-Type": "multipart/related; boundary=b"}, body)
    assert time.process_time() - began < 1


def test_a_condition_that_goes_over_lists_without_end() -> None:
    """It fails as any other condition fails, and soon."""
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    text = "true"
    for level in range(9):
        text = f"{ten}.all(x{level}, {text})"
    condition = PredicateCompiler({}, {}).compile(text)
    began = time.process_time()
    with pytest.raises(ExpressionFailed):
        condition({})
    assert time.process_time() - began < 2


def test_names_that_no_document_has_had_before() -> None:
    """Nothing of them is kept, in how many documents ever they come."""
    _names_of_their_own(range(5))
    before = resident(os.getpid())
    _names_of_their_own(range(5, 45))
    assert resident(os.getpid()) - before < 16 << 20


def _names_of_their_own(numbers: range) -> None:
    for number in numbers:
        names = b"".join(b"<n%dx%d-of-this-document-alone/>" % (number, place) for place in range(20_000))
        assert len(parse_xml(b"<a>" + names + b"</a>")) == 20_000
