"""What keeps the console's sessions its users' own: cookies, tokens, where a request comes from, headers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from fastapi import Depends, Request, Response
from starlette.datastructures import FormData, MutableHeaders, UploadFile
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.console.i18n import _
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem

CSRF_FIELD = "csrf"
LIVE_HEADER = "x-hub-live"
"""Sent by the page itself when it refreshes: nobody need be sitting there."""
_SAFE = frozenset({"GET", "HEAD"})
_MOST_FIELDS = 500
_BEGINS_A_SESSION = "/console/sign-in"
"""Its form may be older than the session that the browser has by now."""

_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: browsers would then send `Origin: null` with forms, and the origin is checked.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


class SecurityHeaders:
    """ASGI middleware: every answer says what a browser may do with it."""

    def __init__(self, app: ASGIApp, form_targets: tuple[str, ...] = (), *, secure: bool = True) -> None:
        """`form_targets`: origins besides our own to which a form may lead, also by a redirect."""
        self._app = app
        forms = " ".join(("'self'", *form_targets))
        policy = (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
            f"form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
        )
        self._headers = {"content-security-policy": policy, **_HEADERS}
        if secure:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def new_token() -> str:
    """256 random bits, as a cookie or a link can hold them."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the store knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_token(session_token: str) -> str:
    """What forms of a session carry; it cannot be had without the session's own token."""
    return hmac.new(session_token.encode(), b"csrf", hashlib.sha256).hexdigest()


def cookie_name(parts: ConsoleParts, name: str) -> str:
    """`__Host-`: browsers take it from this host only, over TLS only (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-hub-{name}" if parts.secure else f"hub-{name}"


def read_cookie(request: Request, parts: ConsoleParts, name: str) -> str | None:
    value = request.cookies.get(cookie_name(parts, name))
    return None if value is None else unquote(value)


def set_cookie(
    response: Response, parts: ConsoleParts, name: str, value: str, *, seconds: int | None = None
) -> None:
    """A cookie that scripts cannot read; without `seconds` it ends with the browser."""
    response.set_cookie(
        cookie_name(parts, name),
        quote(value, safe=""),
        max_age=seconds,
        path="/",
        secure=parts.secure,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, parts: ConsoleParts, name: str) -> None:
    response.delete_cookie(
        cookie_name(parts, name), path="/", secure=parts.secure, httponly=True, samesite="lax"
    )


def session_token(request: Request, parts: ConsoleParts) -> str | None:
    return read_cookie(request, parts, "session")


def local_path(path: str | None, otherwise: str) -> str:
    """
    A path of ours to go to, from a form or a link that anybody may have written: of the console or the
    tracking page, never of another site.
    """
    if not path or not path.startswith(("/console", "/track")) or "\\" in path or not path.isprintable():
        return otherwise
    try:
        split = urlsplit(path)
    except ValueError:
        return otherwise
    return otherwise if split.scheme or split.netloc else path


async def refuse_what_others_sent(request: Request, parts: Parts) -> None:
    """
    A dependency of every page: a form is taken only from a page of ours, of the same session.

    Raises PageProblem (403). Two proofs: the origin, which the browser tells, also of a form before sign-in;
    and the token of the session. A form before sign-in has no session, and the origin alone.
    """
    if request.method in _SAFE:
        return
    if not _is_own_origin(request, parts):
        raise PageProblem(
            403,
            _("This form was not sent by a page of the hub"),
            _("Go back, load the page again, and send it from there."),
        )
    token = session_token(request, parts)
    if token is None or request.url.path == _BEGINS_A_SESSION:
        return
    sent = (await form_of(request)).text(CSRF_FIELD)
    if not hmac.compare_digest(sent.encode(), csrf_token(token).encode()):
        raise PageProblem(
            403,
            _("This form belongs to another session"),
            _("You have signed in again since it was opened. Load the page again, and send it from there."),
        )


def _is_own_origin(request: Request, parts: ConsoleParts) -> bool:
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        # Browsers send it with every form; what has none is none, or hides where it comes from.
        return False
    if parts.public_url is not None:
        return origin == origin_of(parts.public_url)
    # The scheme is not compared: a proxy in front may end TLS.
    return urlsplit(origin).netloc == request.headers.get("host")


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, as browsers write an origin (RFC 6454, 6.1)."""
    split = urlsplit(url)
    return f"{split.scheme}://{split.netloc}".lower()


class Form:
    """What was filled in. Its token and origin have been checked."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def text(self, name: str, otherwise: str = "") -> str:
        """One field, without blanks around it."""
        value = self._data.get(name, otherwise)
        return value.strip() if isinstance(value, str) else otherwise

    def secret(self, name: str) -> str:
        """One field exactly as it was filled in: a password may begin with a blank."""
        value = self._data.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Every value of a field that may be there more than once, as of checkboxes."""
        return [value for value in self._data.getlist(name) if isinstance(value, str)]

    def file(self, name: str) -> UploadFile | None:
        """A file, if one was chosen."""
        value = self._data.get(name)
        return value if isinstance(value, UploadFile) and value.filename else None

    def has(self, name: str) -> bool:
        return name in self._data


async def form_of(request: Request) -> Form:
    """The form of a request; read once, however often it is asked for."""
    return Form(await request.form(max_files=5, max_fields=_MOST_FIELDS, max_part_size=1024 * 1024))


CheckedForm = Annotated[Form, Depends(form_of)]
"""The form that was sent; `refuse_what_others_sent` has looked at it."""
