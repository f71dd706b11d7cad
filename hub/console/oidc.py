"""Signing in with an OpenID Connect provider: there, and back."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from datetime import timedelta
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response

from hub.console.i18n import _
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem, not_found
from hub.console.provider import (
    Begun,
    OidcSettings,
    Provider,
    ProviderRefused,
    ProviderTrouble,
    agency_of,
    role_of,
)
from hub.console.security import delete_cookie, local_path, new_token, read_cookie, set_cookie, token_hash
from hub.console.shell import go, in_thread
from hub.console.sign_in import address_of, audited, begin_session
from hub.console.users import NAME
from hub.ports import User, UserRole
from hub.ports.users import AttemptLimit, LastAdmin, UserTaken

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/console/oidc")

_WITHIN = timedelta(minutes=10)
"""How long somebody may take at the provider."""
_BEGUN_PER_ADDRESS = AttemptLimit(key="", most=60, within=timedelta(minutes=15))


def _provider(parts: ConsoleParts) -> Provider:
    """Raises PageProblem (404)."""
    if parts.provider is None:
        raise not_found()
    return parts.provider


@router.get("")
async def begin(request: Request, parts: Parts, next: str = "") -> Response:
    """To the provider, with what is needed to recognise who comes back."""
    provider = _provider(parts)
    now = parts.clock()
    limit = _BEGUN_PER_ADDRESS.model_copy(update={"key": f"oidc:{address_of(request)}"})
    if await in_thread(parts.users.try_sign_in, [limit], now) is not None:
        raise PageProblem(
            429, _("Too many sign-ins have begun here"), _("Wait a quarter of an hour, and try again.")
        )
    begun = Begun(state=new_token(), nonce=new_token(), verifier=secrets.token_urlsafe(48))
    kept = json.dumps(
        {"nonce": begun.nonce, "verifier": begun.verifier, "next": local_path(next, "/console")}
    )
    try:
        url = await in_thread(provider.where_to, begun, _redirect_uri(request, parts))
    except ProviderTrouble as trouble:
        raise _cannot_be_asked(trouble) from trouble
    await in_thread(parts.users.keep_ticket, token_hash(begun.state), kept, now)
    response = go(url)
    set_cookie(response, parts, "oidc", begun.state, seconds=int(_WITHIN.total_seconds()))
    return response


@router.get("/back")
async def come_back(request: Request, parts: Parts) -> Response:
    """From the provider: the session begins, if everything fits."""
    provider = _provider(parts)
    came_back = {name: value[:4096] for name, value in request.query_params.items()}
    begun, next = await _taken(request, parts, came_back.get("state", ""))
    try:
        claims = await in_thread(provider.claims, begun, _redirect_uri(request, parts), came_back)
    except ProviderRefused as refused:
        log.warning("session.provider_refused", why=str(refused), address=address_of(request))
        raise PageProblem(
            403,
            _("The provider did not let you in: %(why)s"),
            _("Begin again from the page for signing in."),
            why=str(refused),
        ) from refused
    except ProviderTrouble as trouble:
        raise _cannot_be_asked(trouble) from trouble
    user = await _user_by(parts, provider.settings, claims)
    response = await begin_session(request, parts, user, next, by="provider")
    delete_cookie(response, parts, "oidc")
    return response


async def _taken(request: Request, parts: ConsoleParts, state: str) -> tuple[Begun, str]:
    """
    What was kept when this sign-in began; it serves once, and in the browser in which it began.

    Raises PageProblem (403).
    """
    own = read_cookie(request, parts, "oidc") or ""
    kept = None
    if state and hmac.compare_digest(state.encode(), own.encode()):
        kept = await in_thread(parts.users.take_ticket, token_hash(state), parts.clock() - _WITHIN)
    if kept is None:
        log.warning("session.state_unknown", address=address_of(request))
        raise PageProblem(
            403,
            _("This sign-in did not begin here, or has ended"),
            _("Begin again from the page for signing in."),
        )
    read = json.loads(kept)
    return Begun(state=state, nonce=read["nonce"], verifier=read["verifier"]), read["next"]


async def _user_by(parts: ConsoleParts, settings: OidcSettings, claims: dict[str, Any]) -> User:
    """The user that the claims are of, with the role that they give today. Raises PageProblem (403)."""
    agency = agency_of(settings, claims)
    role = UserRole.VIEWER if agency is not None else role_of(settings, claims)
    if role is None or (agency is not None and agency not in parts.agency_names()):
        log.warning("session.without_role", subject=str(claims["sub"])[:64], agency=agency)
        raise PageProblem(
            403,
            _("The provider gives you no role here"),
            _("Ask whoever manages users at the provider for one."),
        )
    subject = f"{settings.issuer}#{claims['sub']}"
    display = str(claims.get("name") or claims.get("preferred_username") or claims["sub"])[:80]
    known = await in_thread(parts.users.user_by_subject, subject)
    if known is None:
        return await _added(parts, claims, subject, display, role, agency)
    if known.disabled:
        raise PageProblem(403, _("This user is disabled"), _("Ask an administrator of the hub."))
    now = known.model_copy(update={"role": role, "agency": agency, "display": display})
    if now != known:
        told = {"name": now.name, "role": role.value, "by": "provider"} | (
            {"agency": agency} if agency else {}
        )
        try:
            await in_thread(parts.users.change_user, now, audited(parts, now, "user.changed", **told))
        except LastAdmin as last:
            raise PageProblem(
                403,
                _("The provider does not make you an administrator any more, and you are the last one"),
                _("Make another one first, on the machine of the hub: hub user role NAME admin."),
            ) from last
    return now


async def _added(
    parts: ConsoleParts,
    claims: dict[str, Any],
    subject: str,
    display: str,
    role: UserRole,
    agency: str | None,
) -> User:
    """A new user; named as at the provider, unless somebody else here is called so."""
    wanted = re.sub(r"[^a-z0-9._@-]", "", str(claims.get("preferred_username", "")).lower())[:48]
    suffix = hashlib.sha256(subject.encode()).hexdigest()[:8]
    names = ([wanted] if NAME.fullmatch(wanted) else []) + [f"{wanted or 'user'}-{suffix}".lstrip("._@-")]
    for name in names:
        user = User(
            name=name, display=display, role=role, agency=agency, subject=subject, created_at=parts.clock()
        )
        told = {"name": name, "role": role.value, "by": "provider"} | ({"agency": agency} if agency else {})
        try:
            await in_thread(parts.users.add_user, user, None, audited(parts, user, "user.created", **told))
        except UserTaken:
            continue
        return user
    raise PageProblem(
        403, _("There is a user of your name here already"), _("Ask an administrator of the hub.")
    )


def _redirect_uri(request: Request, parts: ConsoleParts) -> str:
    base = parts.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return f"{base.rstrip('/')}/console/oidc/back"


def _cannot_be_asked(trouble: ProviderTrouble) -> PageProblem:
    log.error("session.provider_trouble", why=str(trouble))
    return PageProblem(
        502,
        _("Signing in with the provider does not work now"),
        _("Try again. If it stays so, tell an administrator: the log of the hub says why."),
    )
