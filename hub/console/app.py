"""The console, put together: an application of its own beside the API, below `/console` and `/track`."""

from __future__ import annotations

from urllib.parse import quote

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.console import (
    account,
    actions,
    agencies,
    approvals,
    assets,
    audit,
    bulks,
    declarations,
    doctor,
    incidents,
    now,
    oidc,
    sign_in,
    stuck,
    track,
    users,
)
from hub.console.i18n import _
from hub.console.parts import ConsoleParts, parts_of
from hub.console.problems import NotSignedIn, PageProblem, forbidden, not_found
from hub.console.security import SecurityHeaders, refuse_what_others_sent
from hub.console.shell import go, in_thread, page

log = structlog.get_logger(__name__)

ROUTERS: tuple[APIRouter, ...] = (
    assets.router,
    sign_in.router,
    oidc.router,
    account.router,
    incidents.router,
    users.router,
    now.router,
    stuck.router,
    declarations.router,
    agencies.router,
    actions.router,
    approvals.router,
    bulks.router,
    audit.router,
    doctor.router,
    track.router,
)
"""One for each area; their paths begin with `/console` or `/track`."""
_ROUTES = APIRouter(dependencies=[Depends(refuse_what_others_sent)])
"""The same in every application: FastAPI works out what a route takes once, and not for each."""
for _router in ROUTERS:
    _ROUTES.include_router(_router)

_OURS = ("/console", "/track")


def create_console(parts: ConsoleParts) -> FastAPI:
    """The console. Its pages are HTML, its errors too."""
    app = FastAPI(
        # It would tell what forms say to whomever OTEL_* names; `hub.tracing` says what is told.
        telemetry=TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        routes=_ROUTES.routes,
        redirect_slashes=False,
    )
    app.state.parts = parts
    app.add_middleware(SecurityHeaders, secure=parts.secure)
    app.add_exception_handler(PageProblem, _on_problem)
    app.add_exception_handler(NotSignedIn, _on_not_signed_in)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_failure)
    return app


class Pages(BaseRoute):
    """In the API's application: what lies below `/console` and `/track` is the console's, paths unchanged."""

    def __init__(self, console: ASGIApp) -> None:
        self._console = console

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path is a page's."""
        path = scope.get("path", "")
        ours = scope["type"] == "http" and any(path == own or path.startswith(f"{own}/") for own in _OURS)
        return (Match.FULL if ours else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        await self._console(scope, receive, send)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, PageProblem)
    return _problem_page(request, error)


def _problem_page(request: Request, problem: PageProblem) -> Response:
    return page(
        request,
        "problem.html",
        status=problem.status,
        title=problem.title,
        cure=problem.cure,
        values=problem.values,
        request_id=getattr(request.state, "request_id", ""),
    )


async def _on_not_signed_in(request: Request, error: Exception) -> Response:
    if error.args:
        return go(str(error.args[0]))
    if request.method != "GET":
        return go("/console/sign-in")
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return go(f"/console/sign-in?next={quote(wanted, safe='')}")


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 403:
        return _problem_page(request, forbidden())
    if error.status_code in (404, 405):
        return _problem_page(request, not_found())
    return _problem_page(
        request,
        PageProblem(error.status_code, _("The hub cannot take this request"), _("Go back and try again.")),
    )


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = ", ".join(sorted({str(fault["loc"][-1]) for fault in error.errors()}))
    return _problem_page(
        request,
        PageProblem(
            422,
            _("Something in the address or the form does not fit: %(fields)s"),
            _("Go back, correct it, and try again."),
            fields=fields,
        ),
    )


async def _on_failure(request: Request, error: Exception) -> Response:
    """The server logs the error itself; here is only what its reader is told."""
    request.state.user = None  # nothing on the page may need the store
    if not await _store_answers(request):
        problem = PageProblem(
            503,
            _("The database does not answer"),
            _(
                "The hub keeps trying; reload this page in a moment. What agencies and declarants send "
                "meanwhile is sent again by them."
            ),
        )
    else:
        problem = PageProblem(
            500,
            _("The hub has failed to answer"),
            _("Try again. If it stays so, tell an administrator the number below; it stands in the log."),
        )
    return _problem_page(request, problem)


async def _store_answers(request: Request) -> bool:
    try:
        return await in_thread(parts_of(request).is_ready)
    except Exception:
        # Whatever a store raises when it is gone, the answer is the same.
        log.exception("store.unreachable")
        return False
