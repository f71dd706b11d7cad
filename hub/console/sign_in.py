"""Signing in and out, language and colours."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from fastapi import APIRouter, Request, Response

from hub.console import passwords
from hub.console.i18n import LANGUAGES, _
from hub.console.parts import ConsoleParts, Parts, parts_of
from hub.console.security import (
    CheckedForm,
    delete_cookie,
    local_path,
    new_token,
    session_token,
    set_cookie,
    token_hash,
)
from hub.console.shell import SCHEMES, current_session, go, in_thread, page
from hub.ports import Audited, User
from hub.ports.users import AttemptLimit

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/console")

_WITHIN = timedelta(minutes=15)
_PER_USER_AND_ADDRESS = 5
_PER_ADDRESS = 30
_PER_USER = 50
"""From wherever: many addresses may be one attacker; high enough that nobody locks out a user by typing."""
_PREFERENCES_LAST = 365 * 24 * 3600


@router.get("/sign-in")
async def sign_in_page(request: Request, parts: Parts, next: str = "") -> Response:
    """The form."""
    if await current_session(request, parts) is not None:
        return go(local_path(next, "/console"))
    return _form(request, next)


def _form(request: Request, next: str, *, status: int = 200, **more: object) -> Response:
    context = {
        "next": local_path(next, ""),
        "name": "",
        "fault": "",
        "fault_values": {},
        "provider": parts_of(request).provider is not None,
        **more,
    }
    return page(request, "sign_in.html", status=status, **context)


@router.post("/sign-in")
async def sign_in(request: Request, parts: Parts, form: CheckedForm) -> Response:
    """A new session, whatever session the browser had before."""
    name, password, next = form.text("name"), form.secret("password"), form.text("next")
    if not name or not password:
        return _form(request, next, status=422, name=name, fault=_("Give your name and your password."))
    now = parts.clock()
    again_at = await in_thread(parts.users.try_sign_in, sign_in_limits(request, name), now)
    if again_at is not None:
        log.warning("session.throttled", address=address_of(request))
        return _form(
            request,
            next,
            status=429,
            name=name,
            fault=_("Too many attempts have failed. Try again in %(minutes)s minutes."),
            fault_values={"minutes": minutes_until(again_at, now)},
        )
    user = await _user_with(parts, name, password)
    if user is None:
        await _note_refusal(request, parts, name)
        return _form(
            request, next, status=401, name=name, fault=_("Name and password do not belong together.")
        )
    await in_thread(parts.users.forgive, [sign_in_limits(request, name)[0].key])
    return await begin_session(request, parts, user, next, by="password")


def sign_in_limits(request: Request, name: str) -> list[AttemptLimit]:
    """How often a name may be tried from where this request comes from; the first is of this pair."""
    address = address_of(request)
    return [
        AttemptLimit(key=f"both:{name}@{address}", most=_PER_USER_AND_ADDRESS, within=_WITHIN),
        AttemptLimit(key=f"address:{address}", most=_PER_ADDRESS, within=_WITHIN),
        AttemptLimit(key=f"user:{name}", most=_PER_USER, within=_WITHIN),
    ]


def address_of(request: Request) -> str:
    """Where the request comes from; behind a proxy, what the proxy says, if the server trusts it."""
    return request.client.host if request.client else "unknown"


def minutes_until(then: datetime, now: datetime) -> int:
    """Whole minutes, rounded up."""
    return max(1, -((now - then) // timedelta(minutes=1)))


async def _user_with(parts: ConsoleParts, name: str, password: str) -> User | None:
    """The user with this name and password; None for every kind of wrong, after the same time."""

    def check() -> User | None:
        kept = parts.users.password_hash(name)
        if not passwords.matches(password, kept):
            return None
        assert kept is not None
        if passwords.is_outdated(kept):
            parts.users.rehash(name, kept, passwords.hash_of(password))
        user = parts.users.user(name)
        return None if user is None or user.disabled else user

    if len(password) > passwords.MOST_LENGTH:
        return None
    return await in_thread(check)


async def _note_refusal(request: Request, parts: ConsoleParts, name: str) -> None:
    """A name that nobody has is not written down: it may be a password in the wrong field."""
    address = address_of(request)
    known = await in_thread(parts.users.user, name)
    log.warning("session.refused", user=known.name if known else None, address=address)
    if known is not None:
        line = audited(parts, known, "session.refused", address=address)
        await in_thread(parts.audit.note_audit, line)


def audited(
    parts: ConsoleParts,
    by: User,
    action: str,
    /,
    *,
    result: str = "",
    reason: str | None = None,
    **data: str,
) -> Audited:
    """A line of the audit, of now."""
    return Audited(
        at=parts.clock(),
        user=by.name,
        role=by.role,
        action=action,
        agency=by.agency,
        reason=reason,
        result=result,
        data=data,
    )


async def begin_session(request: Request, parts: ConsoleParts, user: User, next: str, *, by: str) -> Response:
    """
    A session with a token of its own: one that somebody else may have put into the browser is worth nothing.
    """
    now = parts.clock()
    token = new_token()
    old = session_token(request, parts)
    if old is not None:
        await in_thread(parts.users.close_session, token_hash(old))
    line = audited(parts, user, "session.signed_in", by=by, address=address_of(request))
    await in_thread(parts.users.open_session, token_hash(token), user.name, now, line)
    await in_thread(parts.users.forget_sessions, now - parts.session_lasts)
    log.info("session.signed_in", user=user.name, by=by, address=address_of(request))
    response = go("/console/account" if user.one_time_password else local_path(next, "/console"))
    set_cookie(response, parts, "session", token)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, parts: Parts) -> Response:
    """Ends the session; also one that is over already."""
    token = session_token(request, parts)
    if token is not None:
        session = await in_thread(parts.users.session, token_hash(token))
        if session is not None:
            line = audited(parts, session.user, "session.signed_out")
            await in_thread(parts.users.close_session, token_hash(token), line)
            log.info("session.signed_out", user=session.user.name)
    response = go("/console/sign-in")
    delete_cookie(response, parts, "session")
    return response


@router.post("/preferences")
async def preferences(request: Request, parts: Parts, form: CheckedForm) -> Response:
    """Language and colours: of this browser, and the language of the user, too."""
    response = go(local_path(form.text("back"), "/console"))
    language, scheme = form.text("language"), form.text("scheme")
    if language in LANGUAGES:
        set_cookie(response, parts, "language", language, seconds=_PREFERENCES_LAST)
        session = await current_session(request, parts)
        if session is not None and session.user.language != language:
            changed = session.user.model_copy(update={"language": language})
            await in_thread(parts.users.change_user, changed, None)
    if scheme in SCHEMES:
        set_cookie(response, parts, "scheme", scheme, seconds=_PREFERENCES_LAST)
    return response
