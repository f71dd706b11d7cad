"""What every request gets: an id, a log line, a measurement, and an answer even when the hub fails."""

from __future__ import annotations

import re
import time
import uuid
from contextlib import AbstractContextManager, nullcontext

import structlog
from fastapi import Request
from opentelemetry.trace import INVALID_SPAN, Span
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub import tracing
from hub.api.metering import Metrics
from hub.api.parts import parts_of
from hub.api.problems import ApiProblem, problem_response

REQUEST_ID = "X-Request-ID"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_RETRY_AFTER = "5"
"""Seconds after which to ask again a hub whose store could not."""

log = structlog.get_logger(__name__)


_TRACKED = re.compile(r"/track/.+", re.DOTALL)


_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines that look after this one."""


def _traced(method: str, request: Request) -> AbstractContextManager[Span]:
    if request.scope["path"] in _UNTRACED:
        return nullcontext(INVALID_SPAN)
    return tracing.serving(method, request.headers)


class Doorkeeper:
    """ASGI middleware. A request id that the caller sends is kept, so that both logs can be joined."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method, is_head = scope["method"], scope["method"] == "HEAD"
        if is_head:
            # What GET would say of itself, without saying it (RFC 9110 section 9.3.2).
            scope = {**scope, "method": "GET"}
        request = Request(scope, receive)
        request.state.is_head = is_head
        sent = request.headers.get(REQUEST_ID, "")
        request_id = sent if _USABLE_ID.fullmatch(sent) else uuid.uuid4().hex
        request.state.request_id = request_id
        status = 0
        stream = False

        async def send_with_id(message: Message) -> None:
            nonlocal status, stream
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = [*message.get("headers", []), (REQUEST_ID.lower().encode(), request_id.encode())]
                stream = any(k == b"content-type" and v.startswith(b"text/event-stream") for k, v in headers)
                message = {**message, "headers": headers}
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        path = logged_path(scope["path"])
        began = time.perf_counter()
        with (
            _traced(method, request) as span,
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                await self._app(scope, receive, send_with_id)
            except ClientDisconnect:
                log.info("request.abandoned", method=method, path=path)
            except Exception as error:
                log.exception("request.failed", method=method, path=path)
                if not status:
                    problem = _problem(request, error)
                    await problem_response(request, problem)(scope, receive, send_with_id)
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", None)
            tracing.served(span, route, path, status)
            if status:
                self._metrics.answered(method, route, status, seconds, stream=stream)
            log.info(
                "request.answered",
                method=method,
                path=path,
                route=route,
                status=status or None,
                ms=round(seconds * 1000),
            )


def _problem(request: Request, error: Exception) -> ApiProblem:
    """What is told of an error that nothing else has told of."""
    trouble = parts_of(request).store_trouble(error)
    if trouble is not None:
        return ApiProblem("store-unavailable", trouble, headers={"Retry-After": _RETRY_AFTER})
    return ApiProblem(
        "internal-error", f"the request failed inside the hub; quote {request.state.request_id}"
    )


def logged_path(path: str) -> str:
    """A path as it may be written down: of a tracking link without its code, which is a secret."""
    return "/track/..." if _TRACKED.fullmatch(path) else path
