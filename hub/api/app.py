"""The application, put together."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from hub.api import (
    acting,
    agencies,
    amending,
    bulks,
    cargo,
    casefile,
    certificates,
    controlling,
    declarations,
    docs_page,
    doctor,
    duties,
    incidents,
    inspections,
    lodging,
    probes,
    progress,
    questions,
    risk,
    withdrawing,
)
from hub.api.metering import Metrics
from hub.api.middleware import Doorkeeper
from hub.api.openapi import describe
from hub.api.parameters import only_known
from hub.api.parts import ApiParts
from hub.api.problems import (
    ApiProblem,
    on_api_problem,
    on_bad_cursor,
    on_http_exception,
    on_validation_error,
)
from hub.api.starting import Starter
from hub.api.watching import Watcher
from hub.ports import BadCursor

_KNOWN = (
    lodging,
    declarations,
    progress,
    amending,
    withdrawing,
    questions,
    casefile,
    controlling,
    inspections,
    duties,
    risk,
    certificates,
    cargo,
    agencies,
    acting,
    bulks,
    incidents,
    doctor,
)
"""Of these, query parameters that nobody reads are refused."""
_ROUTES = APIRouter()
"""The same in every application: FastAPI works out what a route takes once, and not for each."""
for _module in _KNOWN:
    _ROUTES.include_router(_module.router, dependencies=[Depends(only_known)])
for _module in (probes, docs_page):
    _ROUTES.include_router(_module.router)


def create_app(parts: ApiParts) -> FastAPI:
    """
    The API of the hub.

    A server that runs it should bound its graceful shutdown (uvicorn: `timeout_graceful_shutdown`): event
    streams end only with their clients or their term.
    """
    watcher = Watcher(parts.queries.events, parts.watch_every)
    starter = Starter(parts)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await starter.finish()
        await watcher.close()

    app = FastAPI(
        # It would tell bodies and headers to whomever OTEL_* names; `hub.tracing` says what is told.
        telemetry=TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False),
        title="Single-window hub",
        version="1",
        summary="One customs declaration in, every agency asked, the cargo released or held.",
        description="Errors are `application/problem+json` (RFC 9457). Times are RFC 3339 in UTC, decimals "
        "are texts. Lodging again with the same lrn and content is safe and gets the same receipt.",
        lifespan=lifespan,
        routes=_ROUTES.routes,
        docs_url=None,
        redoc_url=None,
    )
    metrics = Metrics(parts.registry)
    app.state.parts = parts
    app.state.metrics = metrics
    app.state.watcher = watcher
    app.state.starter = starter
    app.add_middleware(Doorkeeper, metrics=metrics)
    app.add_exception_handler(ApiProblem, on_api_problem)
    app.add_exception_handler(BadCursor, on_bad_cursor)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.openapi = describe(app)  # type: ignore[method-assign]
    return app
