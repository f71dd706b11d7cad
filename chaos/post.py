"""The way of agencies' callbacks to the hub, on which they are repeated, delayed, reordered and forged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chaos.plan import FaultKind
from chaos.world import CONSENTING
from hub.serving import GuestServer

_PASSED_ON = ("content-type", "user-agent", "authorization")
_TAKEN = range(200, 300)


@dataclass
class Forgery:
    """A callback that no agency has sent, and what the hub said to it."""

    agency: str
    body: bytes
    status: int | None


class Post:
    """
    An HTTP server that hands callbacks on to the hub.

    Several disturbances may be under way at once; each callback meets the latest.
    """

    def __init__(self, hub_url: str, vocabulary: Mapping[str, Mapping[str, str]]) -> None:
        self.forgeries: list[Forgery] = []
        self.counts: dict[str, int] = {}
        """How many callbacks met which disturbance."""
        self._hub = hub_url
        self._vocabulary = vocabulary
        self._disturbances: list[tuple[FaultKind, float]] = []
        self._next_has_passed = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=15, trust_env=False)
        route = Route("/v1/agencies/{agency}/callbacks", self._pass_on, methods=["POST"])
        self._server: uvicorn.Server | None = None
        self._application = Starlette(routes=[route])
        self._task: asyncio.Task[None] | None = None

    async def listen(self, port: int) -> None:
        config = uvicorn.Config(
            self._application, host="127.0.0.1", port=port, log_level="critical", lifespan="off"
        )
        listening = asyncio.Event()
        self._server = GuestServer(config, listening.set)
        self._task = asyncio.create_task(self._server.serve())
        await listening.wait()

    async def suffer(self, kind: FaultKind, seconds: float, amount: float) -> None:
        """Be disturbed for so long."""
        disturbance = (kind, amount)
        self._disturbances.append(disturbance)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._disturbances.remove(disturbance)
            self._next_has_passed.set()

    async def close(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            self._server.force_exit = True
            await self._task
        await self._client.aclose()

    async def _pass_on(self, request: Request) -> Response:
        agency, body = request.path_params["agency"], await request.body()
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.startswith("x-") or name in _PASSED_ON
        }
        kind, amount = self._disturbances[-1] if self._disturbances else (None, 0.0)
        if kind is not None:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind is FaultKind.DELAY:
            await asyncio.sleep(amount)
        elif kind is FaultKind.REORDER and self._next_has_passed.is_set():
            # Every other one waits until another has gone by, or the disturbance is over.
            self._next_has_passed = asyncio.Event()
            await self._next_has_passed.wait()
        elif kind is FaultKind.FORGE:
            for forged_headers, forged_body in self._forged(agency, headers, body):
                status = await self._send(agency, forged_headers, forged_body)
                self.forgeries.append(Forgery(agency, forged_body, status))
        status = await self._send(agency, headers, body)
        self._next_has_passed.set()
        if kind is FaultKind.REPEAT:
            await self._send(agency, headers, body)
        if status is None or kind is FaultKind.DEAFEN:
            return Response(status_code=504)  # the agency does not learn that it was heard
        return Response(status_code=status)

    async def _send(self, agency: str, headers: Mapping[str, str], body: bytes) -> int | None:
        """The hub's answer; None when there was none."""
        url = f"{self._hub}/v1/agencies/{agency}/callbacks"
        try:
            return (await self._client.post(url, content=body, headers=dict(headers))).status_code
        except httpx.HTTPError:
            return None

    def _forged(
        self, agency: str, headers: Mapping[str, str], body: bytes
    ) -> list[tuple[Mapping[str, str], bytes]]:
        """Its verdict turned into the opposite, under the true signature and under an invented one."""
        turned = self._turned(agency, body)
        invented = {
            name: (value[::-1] if name.startswith("x-") and not value.isdigit() else value)
            for name, value in headers.items()
        }
        if "authorization" in headers:
            invented["authorization"] = "Bearer invented"
            return [(invented, turned)]  # a token signs no body: who has it may say anything
        return [(headers, turned), (invented, turned)]

    def _turned(self, agency: str, body: bytes) -> bytes:
        words = self._vocabulary[agency]
        for word, verdict in sorted(words.items(), key=lambda pair: -len(pair[0])):
            for said in (word.encode(), word.encode("unicode_escape")):
                if said in body:
                    consents = verdict in CONSENTING
                    other = next(w for w, v in words.items() if (v in CONSENTING) != consents)
                    return body.replace(said, other.encode())
        return body + b" "
