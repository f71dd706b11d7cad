"""The cargo system of the bench: notes the moment at which it is told of each declaration."""

from __future__ import annotations

import asyncio
import socket
import time
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class NotReleased(Exception):
    """A declaration came to another outcome than the one that every agency of the bench consents to."""


class Cargo:
    """
    Serves /cargo/notices on a free port of the loopback interface while it is entered.

    It stands in the process that lodges, so that both moments are read from one clock.
    """

    def __init__(self) -> None:
        self._told: dict[str, asyncio.Future[float]] = {}
        self._keys: set[str] = set()
        self.repeated = 0
        """Notices that came more than once."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(routes=[Route("/cargo/notices", self._take, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server._serve(sockets=[self._socket]))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        await self._serving

    def told(self, mrn: str) -> asyncio.Future[float]:
        """When it was told to release the declaration's cargo, by `time.perf_counter`; raises NotReleased."""
        if mrn not in self._told:
            self._told[mrn] = asyncio.get_running_loop().create_future()
        return self._told[mrn]

    async def _take(self, request: Request) -> JSONResponse:
        moment = time.perf_counter()
        notice: dict[str, Any] = await request.json()
        if notice["key"] in self._keys:
            self.repeated += 1
        self._keys.add(notice["key"])
        told = self.told(notice["mrn"])
        if not told.done():
            if notice["outcome"] == "release":
                told.set_result(moment)
            else:
                told.set_exception(NotReleased(f"{notice['mrn']}: {notice['outcome']} {notice['reasons']}"))
        return JSONResponse({"reference": f"CARGO-{len(self._keys):06}", "received_at": f"{time.time():.6f}"})
