"""The simulator as an ASGI application, and as a server of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.serving import GuestServer
from hub.simulator.admin import admin_routes
from hub.simulator.errors import ConnectionCut
from hub.simulator.http import Answer, Call
from hub.simulator.world import Configured, World

_LARGEST_BODY = 48_000_000
"""Octets: an answer with as many documents as the hub takes, in Base64."""
_TRANSPORT = "simulator.transport"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def create_app(
    configuration: Configured,
    *,
    hub_url: str,
    environment: Mapping[str, str],
    data_folder: Path | None = None,
) -> ASGIApp:
    """
    Every agency of a configuration below /{agency}, the cargo system at /cargo/notices, and /_simulator.

    `environment` holds the values of `env:` names and HUB_CARGO_TOKEN; with `data_folder` a killed simulator
    knows its ledger again. Raises EnvironmentMissing. Cutting connections needs a real server
    (uvicorn) underneath.
    """
    world = World(configuration, hub_url=hub_url, environment=environment, data_folder=data_folder)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await world.start()
        try:
            yield
        finally:
            await world.close()

    @_cuttable
    async def agency(request: Request) -> Response:
        slug = request.path_params["agency"]
        simulated = world.agencies.get(slug)
        if simulated is None:
            if slug in world.left_out:
                # Not 404, which would be a refusal: its referrals wait until it has an endpoint.
                return PlainTextResponse(
                    f"{slug} is not simulated: {world.left_out[slug]}. Set its endpoint to a real system's",
                    status_code=503,
                )
            return Response(status_code=404)
        call = await _call(request, "/" + request.path_params.get("path", ""))
        if call is None:
            return Response(status_code=413)
        if call.method == "GET" and ("wsdl" in call.query or call.path == "/openapi.yaml"):
            media_type = "text/xml" if "wsdl" in call.query else "application/yaml"
            return Response(simulated.document, media_type=media_type)
        await simulated.door.agency.at_the_door()
        return _response(await simulated.contract.answer(simulated.door, call))

    @_cuttable
    async def cargo(request: Request) -> Response:
        call = await _call(request, "/cargo/notices")
        return Response(status_code=413) if call is None else _response(await world.cargo.answer(call))

    app = Starlette(
        routes=[
            *admin_routes(world),
            Route("/cargo/notices", cargo, methods=["POST"]),
            Route("/{agency}", agency, methods=_METHODS),
            Route("/{agency}/{path:path}", agency, methods=_METHODS),
        ],
        lifespan=lifespan,
    )
    return _WithTransport(app)


async def serve(
    configuration: Configured,
    *,
    host: str,
    port: int,
    hub_url: str,
    environment: Mapping[str, str],
    data_folder: Path | None = None,
    stop: asyncio.Event | None = None,
    listening: Callable[[int], None] | None = None,
) -> None:
    """
    Serve until `stop` is set or the task is cancelled. Prints nothing.

    With port 0 the system chooses one; `listening` is told which, once connections are accepted. Raises
    EnvironmentMissing, and OSError when the port is taken.
    """
    app = create_app(configuration, hub_url=hub_url, environment=environment, data_folder=data_folder)
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="on")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends without delay only on sockets that say they are TCP; otherwise answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    port = int(listener.getsockname()[1])
    server = GuestServer(config, lambda: listening(port) if listening and server.started else None)
    running = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await running


class _WithTransport:
    """
    Tells requests which connection they came by, so that it can be cut.

    ASGI has no word for that, so the transport is taken from the server's own `send`; this stands outermost,
    where nobody has wrapped it yet.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


def _cuttable(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint whose ConnectionCut ends the connection, without an answer."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ConnectionCut:
            transport = request.scope[_TRANSPORT]
            if transport is None:
                raise
            transport.abort()
            while (await request.receive())["type"] != "http.disconnect":
                pass
            return Response()  # goes nowhere: the server knows that the connection is gone

    return guarded


async def _call(request: Request, path: str) -> Call | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            return None
    # Names are read in lower case by the server already.
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw}
    return Call(request.method, path, dict(request.query_params), headers, bytes(body))


def _response(answer: Answer) -> Response:
    headers: dict[str, Any] = dict(answer.headers)
    if answer.content_type:
        headers["Content-Type"] = answer.content_type
    return Response(answer.body, answer.status, headers)
