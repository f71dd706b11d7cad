"""Event streams, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from hub.api.app import create_app
from hub.domain.events import EventType, NewEvent
from hub.ports import Role
from hub.store import Store
from tests.api.support import NOW, Api, EngineFake, beef, parts


class CountingStore:
    """A store that counts how often events are asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def events(self, mrn: str, after: int, limit: int) -> Any:
        self.asked += 1
        return self._store.events(mrn, after, limit)


@asynccontextmanager
async def _serving(store: Any, **changes: Any) -> AsyncIterator[Api]:
    made = parts(store, EngineFake(), **changes)
    app = create_app(made)
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1, lifespan="on")
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
        yield Api(app, store, EngineFake(), http)
    server.should_exit = True
    await task


class Stream:
    """The events of one open stream."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()

    async def blocks(self) -> AsyncIterator[dict[str, str]]:
        block: dict[str, str] = {}
        async for line in self._lines:
            if not line:
                if block:
                    yield block
                block = {}
                continue
            name, _, value = line.partition(":")
            block[name or "comment"] = value.strip()

    async def take(self, count: int) -> list[dict[str, Any]]:
        taken = []
        async for block in self.blocks():
            if "id" in block:
                taken.append(block)
            if len(taken) == count:
                break
        return taken


@asynccontextmanager
async def _stream(api: Api, mrn: str, headers: dict[str, str], **more: str) -> AsyncIterator[Stream]:
    asking = {**headers, "Accept": "text/event-stream", **more}
    async with api.http.stream("GET", f"/v1/declarations/{mrn}/events", headers=asking) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def _append(store: Store, mrn: str, kind: EventType) -> None:
    store.append_event(mrn, NewEvent(at=NOW, type=kind, data={"outcome": "release"}))


_FAST = {"watch_every": timedelta(milliseconds=20)}


async def test_a_stream_tells_what_has_happened_and_then_what_happens(store: Store) -> None:
    async with _serving(store, **_FAST) as api:
        headers = api.key(Role.ADMIN)
        mrn = (await api.lodge())["mrn"]
        async with _stream(api, mrn, headers) as stream:
            [first] = await stream.take(1)
            assert (first["id"], first["event"]) == ("1", "declaration.accepted")
            _append(store, mrn, EventType.CARGO_RELEASED)
            [second] = await Stream.take(stream, 1)
            assert (second["id"], second["event"]) == ("2", "cargo.released")
            assert json.loads(second["data"])["data"] == {"outcome": "release"}
        async with _stream(api, mrn, headers, **{"Last-Event-ID": "1"}) as stream:
            [resumed] = await stream.take(1)
            assert resumed["id"] == "2"


@pytest.mark.parametrize("last", ["999999", "-1", "x"])
async def test_a_bogus_last_event_id_harms_nobody(store: Store, last: str) -> None:
    """Neither this stream nor another one of the same declaration misses what comes."""
    async with _serving(store, **_FAST) as api:
        headers = api.key(Role.ADMIN)
        mrn = (await api.lodge())["mrn"]
        async with (
            _stream(api, mrn, headers, **{"Last-Event-ID": last}) as bogus,
            _stream(api, mrn, headers, **{"Last-Event-ID": "1"}) as other,
        ):
            _append(store, mrn, EventType.CARGO_HELD)
            assert [b["id"] for b in await other.take(1)] == ["2"]
            assert (await bogus.take(1))[0]["id"] in ("1", "2")


async def test_a_quiet_stream_beats_and_ends_at_its_term(store: Store) -> None:
    async with _serving(
        store, **_FAST, heartbeat=timedelta(milliseconds=30), stream_for=timedelta(milliseconds=200)
    ) as api:
        headers = api.key(Role.ADMIN)
        mrn = (await api.lodge())["mrn"]
        async with _stream(api, mrn, headers) as stream:
            comments = [block["comment"] async for block in stream.blocks() if "comment" in block]
        assert comments
        assert set(comments) == {"still here"}


async def test_many_streams_of_one_declaration_ask_the_store_as_often_as_one(sqlite_url: str) -> None:
    """While nothing happens: one question in each interval, not one for each stream."""
    from hub.store import create_store

    store = create_store(sqlite_url, sync="normal")
    counting = CountingStore(store)
    async with _serving(counting, watch_every=timedelta(milliseconds=100)) as api:
        headers = api.key(Role.ADMIN)
        mrn = (await api.lodge())["mrn"]
        opened = [_stream(api, mrn, headers) for _ in range(10)]
        streams = [await s.__aenter__() for s in opened]
        for stream in streams:
            await stream.take(1)
        before, began = counting.asked, asyncio.get_running_loop().time()
        while counting.asked < before + 10:
            await asyncio.sleep(0.01)
        # Ten questions of one watcher take nine intervals; of ten watchers, one.
        assert asyncio.get_running_loop().time() - began > 0.3
        for s in opened:
            await s.__aexit__(None, None, None)
    store.close()


async def test_a_stream_of_what_one_may_not_see_is_not_found(store: Store) -> None:
    async with _serving(store) as api:
        mrn = (await api.lodge(beef()))["mrn"]
        response = await api.http.get(
            f"/v1/declarations/{mrn}/events",
            headers={**api.key(Role.AGENCY, agency="npa"), "Accept": "text/event-stream"},
        )
        assert response.status_code == 404
