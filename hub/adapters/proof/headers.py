"""What every request carries: a bearer token, a user and a password, or a key in a header or the query."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.adapters.secrets import resolve
from hub.config.models import ChannelAuth


@dataclass(frozen=True, slots=True)
class Carried:
    """Headers and query parameters that are the same in every request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


def carried(auth: ChannelAuth, environment: Mapping[str, str]) -> Carried:
    """Raises SecretMissing."""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    if auth.bearer is not None:
        headers["Authorization"] = bearer(resolve(auth.bearer, environment))
    if auth.basic is not None:
        headers["Authorization"] = basic(
            resolve(auth.basic.username, environment), resolve(auth.basic.password, environment)
        )
    if auth.api_key is not None:
        value = resolve(auth.api_key.value, environment)
        if auth.api_key.header is not None:
            headers[auth.api_key.header] = value
        if auth.api_key.query is not None:
            query[auth.api_key.query] = value
    return Carried(headers, query)


def carried_names(auth: ChannelAuth) -> frozenset[str]:
    """Names of the headers and query parameters that prove the hub, in lower case, whatever they hold."""
    names: set[str | None] = set()
    if auth.bearer is not None or auth.basic is not None or auth.oauth2 is not None:
        names.add("Authorization")
    if auth.api_key is not None:
        names |= {auth.api_key.header, auth.api_key.query}
    if auth.hmac is not None:
        signed = auth.hmac
        names |= {signed.header, signed.key_id_header, signed.timestamp_header, signed.nonce_header}
    return frozenset(name.lower() for name in names if name)


def bearer(token: str) -> str:
    """The value of `Authorization` (RFC 6750 section 2.1)."""
    return f"Bearer {token}"


def basic(username: str, password: str) -> str:
    """The value of `Authorization` (RFC 7617), in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
