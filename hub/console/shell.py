"""What every page of the console shares: who looks at it, in which words, and how it is answered."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Any, ParamSpec, TypeVar
from urllib.parse import urlencode

import structlog
from anyio import to_thread
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.console.assets import asset_url
from hub.console.i18n import LANGUAGES, Words, _, preferred, translations
from hub.console.kinds import incident_names
from hub.console.navigation import menu_of
from hub.console.parts import ConsoleParts, Parts, parts_of
from hub.console.problems import NotSignedIn, forbidden
from hub.console.security import (
    CSRF_FIELD,
    LIVE_HEADER,
    csrf_token,
    read_cookie,
    session_token,
    token_hash,
)
from hub.ports import Actor, Incident, Severity, User, UserRole
from hub.ports.users import Session

P = ParamSpec("P")
T = TypeVar("T")

SCHEMES = ("auto", "light", "dark")
ROLES = {
    UserRole.VIEWER: _("viewer"),
    UserRole.OPERATOR: _("operator"),
    UserRole.SUPERVISOR: _("supervisor"),
    UserRole.ADMIN: _("administrator"),
}
ROLE_MEANINGS = {
    UserRole.VIEWER: _("sees everything, does nothing"),
    UserRole.OPERATOR: _("retries, looks up, extends, proposes decisions and confirms others'"),
    UserRole.SUPERVISOR: _("withdraws, acts in bulk, opens and closes breakers"),
    UserRole.ADMIN: _("manages users"),
}
_SEEN_EVERY = timedelta(minutes=1)
"""How exactly is known when somebody was last active: a page need not write each time it is read."""
_PASSWORD_PAGE = "/console/account"  # noqa: S105 - a path


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What a blocking call returns, or raises; other requests go on meanwhile."""
    return await to_thread.run_sync(partial(call, *args, **kwargs))


async def current_session(request: Request, parts: ConsoleParts) -> Session | None:
    """The session of a request, if there is one that is not over."""
    token = session_token(request, parts)
    if token is None:
        return None
    now = parts.clock()
    hashed = token_hash(token)
    session = await in_thread(parts.users.session, hashed)
    if session is None:
        return None
    if now - session.opened_at > parts.session_lasts or now - session.seen_at > parts.session_idle:
        await in_thread(parts.users.close_session, hashed)
        return None
    if LIVE_HEADER not in request.headers and now - session.seen_at > _SEEN_EVERY:
        await in_thread(parts.users.session_seen, hashed, now)
    return session


async def _signed_in(request: Request, parts: Parts) -> User:
    """Raises NotSignedIn."""
    session = await current_session(request, parts)
    if session is None:
        raise NotSignedIn
    user = session.user
    request.state.user = user
    structlog.contextvars.bind_contextvars(user=user.name)
    return user


async def _ready(request: Request, user: Annotated[User, Depends(_signed_in)]) -> User:
    """Whoever signed in with a one-time password chooses his own first."""
    if user.one_time_password:
        raise NotSignedIn(_PASSWORD_PAGE)
    return user


AnyoneSignedIn = Annotated[User, Depends(_signed_in)]
"""Also one who must choose a password first: for the page where he does."""

SignedIn = Annotated[User, Depends(_ready)]
"""Whoever has signed in. Check `user.agency` in every query: it is bound to that agency if there is one."""


def needs(least: UserRole) -> Callable[[User], Awaitable[User]]:
    """
    A dependency: a signed-in user of at least this role. Raises PageProblem (403) otherwise.

    A user who is bound to an agency is a viewer, whatever the role.
    """

    async def allowed(user: SignedIn) -> User:
        if not may(user, least):
            raise forbidden()
        return user

    return allowed


def may(user: User, least: UserRole) -> bool:
    """Whether a user may do what is for this role."""
    role = UserRole.VIEWER if user.agency is not None else user.role
    return role.may(least)


Staff = Annotated[User, Depends(needs(UserRole.VIEWER))]
Operating = Annotated[User, Depends(needs(UserRole.OPERATOR))]
Supervising = Annotated[User, Depends(needs(UserRole.SUPERVISOR))]
Administering = Annotated[User, Depends(needs(UserRole.ADMIN))]


def actor_of(user: User) -> Actor:
    """The user as the one who acts."""
    return Actor(name=user.name, role=user.role, agency=user.agency)


def words_of(request: Request) -> Words:
    """How the reader of this request is spoken to: as set by the user, else here, else by the browser."""
    parts = parts_of(request)
    user: User | None = getattr(request.state, "user", None)
    chosen = (user.language if user else None) or read_cookie(request, parts, "language")
    if chosen is None or chosen not in LANGUAGES:
        chosen = preferred(request.headers.get("accept-language", ""))
    return Words(chosen, parts.zone, parts.clock())


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """
    A page by a template below `templates/`. 304 when it is what the browser has already: pages that refresh
    themselves ask so.
    """
    words = words_of(request)
    body = render(request, template, words, status=status, **context)
    if status != HTTPStatus.OK:
        return HTMLResponse(body, status)
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    headers = {"etag": tag, "vary": "Cookie, Accept-Language", "content-language": words.language}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return HTMLResponse(body, headers=headers)


def render(request: Request, template: str, words: Words, *, status: int = 200, **context: Any) -> str:
    """
    A template in the reader's words. It sees besides `context`: `user` (or none), `words` and what they do
    (`moment`, `ago`, ...), `menu`, `path`, `here` (where a form may lead back to), `may` (whether the user
    may do what is for a role), `static` and `query`. `{% include "csrf.html" %}` is for every form.
    """
    asked = request.method == "GET" and status == HTTPStatus.OK
    parts = parts_of(request)
    user: User | None = getattr(request.state, "user", None)
    # Also on a page that is for anybody: its forms are checked like all others of this browser.
    token = session_token(request, parts)
    scheme = read_cookie(request, parts, "scheme")
    own: dict[str, Any] = {
        "user": user,
        "words": words,
        "csrf_field": CSRF_FIELD,
        "csrf_value": csrf_token(token) if token else "",
        "menu": menu_of(user) if user else [],
        "path": request.url.path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else "") if asked else "",
        # What a form was answered with, or an error, is not there to be asked for again.
        "fresh": asked,
        "criticals": _criticals(parts, user),
        "critical_names": incident_names(words),
        "agency_called": lambda slug: words.text_of(parts.agency_names().get(slug)),
        "scheme": scheme if scheme in SCHEMES else "auto",
        "schemes": SCHEMES,
        "languages": LANGUAGES,
        "may": lambda least: user is not None and may(user, UserRole(least)),
        "temporal_ui_url": parts.temporal_ui_url if user and user.agency is None else None,
        "moment": words.moment,
        "ago": words.ago,
        "age": words.age,
        "day": words.day,
        "when": words.when,
        "duration": words.duration,
        "number": words.number,
        "term": words.term,
        "percent": words.percent,
        "text_of": words.text_of,
    }
    return _environment(words.language).get_template(template).render({**own, **context})


def _criticals(parts: ConsoleParts, user: User | None) -> list[Incident]:
    """What every page of staff says above all: cargo stands still, or is about to."""
    if user is None or user.agency is not None:
        return []
    return [one for one in parts.open_incidents() if one.severity is Severity.CRITICAL]


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "static": asset_url,
        "query": query,
        "ROLES": ROLES,
        "ROLE_MEANINGS": ROLE_MEANINGS,
    }
    return environment


def query(**fields: object) -> str:
    """`?a=1&b=2` of what is neither none nor empty; the empty text if nothing is left."""
    kept = {name: value for name, value in fields.items() if value is not None and value != ""}
    return f"?{urlencode(kept, doseq=True)}" if kept else ""


def go(path: str) -> RedirectResponse:
    """To another page, after a form: reloading that one sends nothing again."""
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
