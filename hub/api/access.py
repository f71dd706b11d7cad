"""Who calls, and what they may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import Depends, Path, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from hub.api.clients import key_hash
from hub.api.parts import ApiParts, Parts
from hub.api.problems import ApiProblem
from hub.domain.names import CUSTOMS
from hub.operations.sight import Sight
from hub.ports import ApiClient, DeclarationView, Role

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="apiKey",
    description="An API key, as `hub_...`. Keys are given out by the administrator of the hub.",
)


async def _caller(
    parts: Parts, credentials: HTTPAuthorizationCredentials | None = Security(_bearer)
) -> ApiClient:
    challenge = {"WWW-Authenticate": "Bearer"}
    if credentials is None:
        raise ApiProblem("unauthenticated", "no bearer key in the Authorization header", headers=challenge)
    client = await to_thread.run_sync(parts.queries.client_by_key, key_hash(credentials.credentials))
    if client is None or client.disabled:
        raise ApiProblem("unauthenticated", "the key is not known or not enabled", headers=challenge)
    structlog.contextvars.bind_contextvars(client=client.id)
    return client


Caller = Annotated[ApiClient, Depends(_caller)]
"""Any client with a valid key."""


def _allow(*roles: Role) -> Callable[[ApiClient], Awaitable[ApiClient]]:
    async def allowed(client: Caller) -> ApiClient:
        if client.role not in roles:
            raise ApiProblem("forbidden", f"the role {client.role} may not do this")
        return client

    return allowed


Lodger = Annotated[ApiClient, Depends(_allow(Role.CUSTOMS, Role.ADMIN))]
Operator = Annotated[ApiClient, Depends(_allow(Role.OPERATOR, Role.ADMIN))]


async def _sight(client: Caller) -> Sight:
    if client.role is Role.AGENCY:
        return Sight(
            declarant=None, agency=client.agency, sees_trouble=False, sees_nothing=client.agency is None
        )
    if client.role is Role.CARGO:
        return Sight(declarant=None, agency=None, sees_trouble=False, sees_nothing=True)
    # A binding holds whatever the role: clients of before may have pairs that nobody is given any more.
    if client.declarant is not None:
        return Sight(declarant=client.declarant, agency=None, sees_trouble=False)
    if client.agency is not None:
        return Sight(declarant=None, agency=client.agency, sees_trouble=False)
    operates = client.role in (Role.OPERATOR, Role.ADMIN)
    return Sight(declarant=None, agency=None, sees_trouble=True, sees_exchanges=operates, is_customs=True)


Seeing = Annotated[Sight, Depends(_sight)]


def refuse_unless_customs(client: ApiClient, sight: Sight) -> None:
    """Raises ApiProblem (403) unless it is customs itself, or an administrator, bound to nobody."""
    if not sight.is_customs or client.role is Role.OPERATOR:
        raise ApiProblem("forbidden", "this is for customs itself: a client of that role, bound to nobody")


def refuse_unless_of(agency: str, client: ApiClient, sight: Sight) -> None:
    """
    Raises ApiProblem (403) unless this client speaks for an agency: by its binding; for customs' own control,
    as customs.
    """
    if agency == CUSTOMS:
        refuse_unless_customs(client, sight)
    elif client.role is not Role.AGENCY or client.agency != agency:
        raise ApiProblem("forbidden", f"only a client of the agency {agency} may speak for it")


Mrn = Annotated[str, Path(description="Movement reference number.", examples=["26KR7Q2M9D4X1C8TB5"])]


async def declaration_seen(mrn: str, parts: ApiParts, sight: Sight) -> DeclarationView:
    """The declaration. Raises ApiProblem (404) also when this client may not know that it exists."""
    structlog.contextvars.bind_contextvars(mrn=mrn[:35])
    view = await to_thread.run_sync(parts.queries.view, mrn) if "\x00" not in mrn else None
    if view is None:
        await _refuse_archived(mrn, parts, sight)
    if view is None or not sight.may_see(view):
        raise ApiProblem("not-found", f"there is no declaration {mrn[:35]}")
    return view


_TOLD = ("mrn", "lrn", "outcome", "accepted_at", "closed_at", "archived_at", "keep_until")
_TOLD_STAFF = ("file", "digest")
"""Where its records are is for whoever may look there."""


async def _refuse_archived(mrn: str, parts: ApiParts, sight: Sight) -> None:
    """Raises ApiProblem (410) where the declaration was archived, for whoever could see it before."""
    gone = await to_thread.run_sync(parts.queries.tombstone, mrn) if "\x00" not in mrn else None
    if gone is None or not sight.could_see(gone):
        return
    raise ApiProblem(
        "archived",
        f"declaration {mrn} was archived on {gone.archived_at:%Y-%m-%d}, and is kept until "
        f"{gone.keep_until:%Y-%m-%d}",
        **gone.model_dump(mode="json", include={*_TOLD, *(_TOLD_STAFF if sight.is_customs else ())}),
    )
