"""The hub's real callback door, on a port of its own; what comes in is kept, to be played again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.api.app import create_app
from hub.api.parts import ApiParts
from hub.serving import GuestServer

_TIMEOUT = 10.0


@dataclass(frozen=True)
class Callback:
    """One callback as it came in, and what it was answered."""

    headers: Mapping[str, str]
    body: bytes
    status: int


@dataclass(frozen=True)
class Told:
    """What the door answered to a callback that the kit sent."""

    status: int
    answer: Mapping[str, Any]

    @property
    def words(self) -> str:
        """In one line."""
        detail = self.answer.get("detail") or self.answer.get("title")
        if detail is None and self.answer.get("duplicate"):
            detail = "a duplicate"
        return f"{self.status} {detail or ''}".strip()


class Door:
    """Where the agency calls back. `url` is what is to be given to its test system."""

    def __init__(self, agency: str, url: str, captured: list[Callback]) -> None:
        self.url = f"{url}/v1/agencies/{agency}/callbacks"
        self._captured = captured

    @property
    def captured(self) -> list[Callback]:
        """Every callback that came in, those of the kit's own included, oldest first."""
        return list(self._captured)

    async def send(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Call back as the agency would."""

        def post() -> Told:
            answer = requests.post(self.url, data=body, headers=dict(headers), timeout=_TIMEOUT)
            try:
                read = answer.json()
            except ValueError:
                read = {}
            return Told(answer.status_code, read if isinstance(read, dict) else {})

        return await asyncio.to_thread(post)


@contextlib.asynccontextmanager
async def opened(parts: ApiParts, agency: str, host: str, port: int) -> AsyncIterator[Door]:
    """
    The hub's API, serving callbacks of one agency. With port 0 the system chooses one.

    Raises OSError when the port is taken.
    """
    captured: list[Callback] = []
    app = _Capturing(create_app(parts), f"/v1/agencies/{agency}/callbacks", captured)
    # asyncio sends without delay only on sockets that say they are TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    started = asyncio.Event()
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=3)
    server = GuestServer(config, started.set)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        await started.wait()
        yield Door(agency, f"http://{host}:{listener.getsockname()[1]}", captured)
    finally:
        server.should_exit = True
        await serving


class _Capturing:
    """Stands before the API, and keeps callbacks byte by byte."""

    def __init__(self, app: ASGIApp, path: str, captured: list[Callback]) -> None:
        self._app = app
        self._path = path
        self._captured = captured

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        body = bytearray()
        status = 0

        async def listening() -> Message:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def telling(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._app(scope, listening, telling)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._captured.append(Callback(headers, bytes(body), status))
