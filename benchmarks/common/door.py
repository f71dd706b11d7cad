"""The HTTP door that every contender has: declarations and callbacks come in, 202 once they are durable."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import uvicorn
from fastapi import FastAPI, HTTPException, Request

from benchmarks.common.calls import Decision, directory
from benchmarks.common.surroundings import surroundings

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Inside(Protocol):
    """What stands behind the door."""

    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        """Keep a declaration, so that it survives whatever dies, and have it cleared."""

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        """Keep a decision that came by callback, with the message as it came."""


def serve(open_inside: Callable[[], AbstractAsyncContextManager[Inside]]) -> None:
    """Serve until told to stop."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_inside() as inside:
            app.state.inside = inside
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/declarations", status_code=202)
    async def lodge(declaration: dict[str, Any]) -> dict[str, Any]:
        mrn = new_mrn()
        needed = directory().needed(declaration)
        await app.state.inside.lodge(mrn, declaration)
        return {"mrn": mrn, "outcome": "in_progress", "referrals": [{"agency": slug} for slug in needed]}

    @app.post("/v1/agencies/{slug}/callbacks", status_code=202)
    async def callback(slug: str, request: Request) -> dict[str, str]:
        body = await request.body()
        secret = directory()[slug].credentials["callback"].encode()
        signed = request.headers.get("X-Timestamp", "").encode() + b"." + body
        signature = hmac.new(secret, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, request.headers.get("X-Signature", "")):
            raise HTTPException(401, "the signature is wrong")
        message = await request.json()
        told = message["decision"]
        decision = Decision(told["code"], told.get("certificateNumber", ""))
        mrn = message["submissionId"].partition("/")[0]
        await app.state.inside.decide(mrn, slug, decision, body.decode())
        return {"status": "taken"}

    uvicorn.run(app, host="127.0.0.1", port=surroundings().port, access_log=False, log_level="warning")


def new_mrn() -> str:
    """A number as agencies expect it."""
    return "26KR" + "".join(secrets.choice(_LETTERS) for _ in range(14))
