"""Bodies that drip in: a connection is not held for ever."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from datetime import timedelta

import pytest
import uvicorn

from hub.api.app import create_app
from hub.api.clients import new_key
from hub.ports import ApiClient, Role
from hub.store import Store
from tests.api.support import NOW, EngineFake, parts


@pytest.mark.parametrize("path", ["/v1/agencies/apqa/callbacks", "/v1/declarations"])
async def test_a_body_has_a_limited_time_however_steadily_it_drips(store: Store, path: str) -> None:
    """408 with the limit, and the connection ends."""
    limit = timedelta(seconds=0.3)
    made = parts(store, EngineFake(), callback_within=limit, declaration_within=limit)
    key, hashed = new_key()
    store.add_client(ApiClient(id="slow", name="Slow", role=Role.ADMIN, created_at=NOW), hashed)
    server = uvicorn.Server(uvicorn.Config(create_app(made), port=0, log_level="warning"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    began = time.monotonic()
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: 1000\r\n\r\n".encode()
    )

    async def drip() -> None:
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.05)

    dripping = asyncio.create_task(drip())
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        [length] = re.findall(rb"content-length: ([0-9]+)", head.lower())
        body = await reader.readexactly(int(length))
        # What still drips makes it a reset rather than an end; either way the connection is gone.
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
    dripping.cancel()
    writer.close()
    server.should_exit = True
    await task
    assert head.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in head.lower()
    assert json.loads(body)["detail"] == "the body was not complete after 0.3 s"
    assert time.monotonic() - began < 3
