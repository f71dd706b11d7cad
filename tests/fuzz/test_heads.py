"""How a request may begin: connections that never end their headers are not held, and headers are bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
import uvicorn
from fastapi import FastAPI

from hub.api.head import MOST_BYTES, BoundedHttp

_ASKED = b"GET /thing HTTP/1.1\r\nHost: hub\r\n"


class _Hasty(BoundedHttp):
    within = timedelta(milliseconds=100)


@asynccontextmanager
async def _served(protocol: type[BoundedHttp]) -> AsyncIterator[tuple[str, int]]:
    app = FastAPI()
    app.get("/thing")(lambda: "said")
    config = uvicorn.Config(app, port=0, log_level="critical", http=protocol, ws="none")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()
    finally:
        server.should_exit = True
        await task


async def _answered(reader: asyncio.StreamReader) -> bytes:
    """All that is said until the connection ends."""
    said = b""
    async with asyncio.timeout(10):
        with suppress(ConnectionResetError):
            while more := await reader.read(65536):
                said += more
    return said


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET", _ASKED, _ASKED + b"X: y"])
async def test_a_beginning_without_end_is_not_waited_for(begun: bytes) -> None:
    """However much of it has come, also nothing at all."""
    async with _served(_Hasty) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(begun)
        assert (await _answered(reader)).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_nor_is_that_of_a_second_request() -> None:
    """On a connection that has been answered once."""
    async with _served(_Hasty) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(_ASKED + b"\r\n")
        assert (await reader.readuntil(b'"said"')).startswith(b"HTTP/1.1 200")
        writer.write(_ASKED)
        assert (await _answered(reader)).startswith(b"HTTP/1.1 408")
        writer.close()


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"X" * 1000, b"X: " + b"y" * 1000, b"/x" * 500])
async def test_headers_without_end_are_not_read(piece: bytes) -> None:
    """431 at the bound, whether they are many or one."""
    async with _served(BoundedHttp) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET /" if piece.startswith(b"/") else _ASKED)
        with suppress(ConnectionError):
            for _ in range(4 * MOST_BYTES // len(piece)):
                writer.write(piece)
                await writer.drain()
        assert (await _answered(reader)).startswith(b"HTTP/1.1 431")
        writer.close()


async def test_what_is_within_the_bound_is_answered_also_one_after_another() -> None:
    """Many large requests on one connection: each is counted for itself."""
    async with _served(BoundedHttp) as address:
        reader, writer = await asyncio.open_connection(*address)
        large = b"X: " + b"y" * (MOST_BYTES // 2) + b"\r\n\r\n"
        for _ in range(5):
            writer.write(_ASKED + large)
            async with asyncio.timeout(10):
                assert (await reader.readuntil(b'"said"')).startswith(b"HTTP/1.1 200")
        writer.close()
