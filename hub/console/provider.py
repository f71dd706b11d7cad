"""An OpenID Connect provider as the console asks it: authorization code, PKCE, ID tokens checked in full."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from hub.ports import Clock, UserRole

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make: neither `none` nor those by a shared secret."""
_TIMEOUT = (3.05, 10)
"""Seconds to connect, and between two bytes of an answer."""
_KNOWN_FOR = timedelta(hours=1)
_KEYS_AT_LEAST = timedelta(seconds=30)
"""Not more often are keys asked for again, whoever comes with tokens of unknown keys."""
_LEEWAY = 60
"""Seconds by which clocks may differ."""


@dataclass(frozen=True)
class OidcSettings:
    """The provider, and what its claims mean here."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = "openid profile"
    role_claim: str = "roles"
    """Names a text or a list of texts; dots lead into objects, as `realm_access.roles`."""
    roles: Mapping[str, UserRole] = field(default_factory=dict)
    """By a value of that claim. Of several the highest counts; whoever has none does not get in."""
    agency_claim: str = "agency"
    """Names the slug of an agency that the user is bound to, as a viewer."""


class ProviderTrouble(Exception):
    """The provider cannot be asked, or its answer is not one to rely on. The message is for the log."""


class ProviderRefused(Exception):
    """The provider, or the person at it, says no; the message is an error code of OAuth 2.0."""


@dataclass(frozen=True)
class Begun:
    """What one sign-in is recognised by when the browser comes back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class _Known:
    """What the provider publishes about itself."""

    metadata: Mapping[str, Any]
    keys: KeySet
    at: datetime


class Provider:
    """
    Blocking; safe to use from many threads. What the provider publishes is asked for when first needed, and
    anew every hour or when a token bears an unknown key.
    """

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._published: _Known | None = None

    def where_to(self, begun: Begun, redirect_uri: str) -> str:
        """The address of the provider to which the browser is sent. Raises ProviderTrouble."""
        endpoint = self._endpoint(self._known().metadata, "authorization_endpoint")
        with self._client(redirect_uri) as client:
            url, _state = client.create_authorization_url(
                endpoint, state=begun.state, nonce=begun.nonce, code_verifier=begun.verifier
            )
        return str(url)

    def claims(self, begun: Begun, redirect_uri: str, came_back: Mapping[str, str]) -> dict[str, Any]:
        """
        Who has signed in, as the provider says: the claims of an ID token that has been checked.

        `came_back` are the parameters that the browser brought. Raises ProviderRefused, ProviderTrouble.
        """
        known = self._known()
        if "error" in came_back:
            raise ProviderRefused(came_back["error"][:64])
        # RFC 9207: an answer of another provider is not taken for one of this.
        needs_issuer = known.metadata.get("authorization_response_iss_parameter_supported") is True
        if (needs_issuer or "iss" in came_back) and came_back.get("iss") != self.settings.issuer:
            raise ProviderTrouble("the answer is of another issuer")
        token = self._exchange(known, begun, redirect_uri, came_back.get("code", ""))
        return self._checked(known, token, begun)

    def _exchange(self, known: _Known, begun: Begun, redirect_uri: str, code: str) -> dict[str, Any]:
        endpoint = self._endpoint(known.metadata, "token_endpoint")
        try:
            with self._client(redirect_uri) as client:
                token: dict[str, Any] = client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=begun.verifier
                )
        except OAuthError as refused:
            raise ProviderRefused(str(refused.error)[:64]) from refused
        except (requests.RequestException, ValueError) as wrong:
            raise ProviderTrouble(f"{endpoint}: {wrong}") from wrong
        return token

    def _checked(self, known: _Known, token: Mapping[str, Any], begun: Begun) -> dict[str, Any]:
        """OpenID Connect Core 1.0, 3.1.3.7."""
        written = token.get("id_token")
        if not isinstance(written, str):
            raise ProviderTrouble("there is no ID token in the answer")
        try:
            try:
                read = jwt.decode(written, known.keys, algorithms=_ALGORITHMS)
            except (InvalidKeyIdError, ValueError):
                # No key of this id, or of this kind: the provider may have new ones.
                read = jwt.decode(written, self._known(newer_than=known.at).keys, algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                read.claims,
                read.header,
                options={
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                params={
                    "nonce": begun.nonce,
                    "client_id": self.settings.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY)
        except (JoseError, ValueError) as wrong:
            raise ProviderTrouble(f"the ID token is not valid: {wrong}") from wrong
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise ProviderTrouble("the ID token names nobody")
        return dict(claims)

    def _known(self, newer_than: datetime | None = None) -> _Known:
        """Raises ProviderTrouble."""
        with self._lock:
            now = self._clock()
            kept = self._published
            if kept is not None and now - kept.at < _KNOWN_FOR:
                asked_for_newer = newer_than is not None and kept.at <= newer_than
                if not asked_for_newer or now - kept.at < _KEYS_AT_LEAST:
                    return kept
            self._published = self._ask()
            return self._published

    def _ask(self) -> _Known:
        issuer = self.settings.issuer
        metadata = self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        # OpenID Connect Discovery 1.0, 4.3: exactly the issuer that was asked.
        if metadata.get("issuer") != issuer:
            raise ProviderTrouble(f"{issuer} calls itself {metadata.get('issuer')!r}")
        try:
            keys = KeySet.import_key_set(self._get(self._endpoint(metadata, "jwks_uri")))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError) as wrong:
            raise ProviderTrouble(f"the keys of {issuer} cannot be read: {wrong}") from wrong
        return _Known(metadata, keys, self._clock())

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = requests.get(url, timeout=_TIMEOUT, headers={"Accept": "application/json"})
            answer.raise_for_status()
            body = answer.json()
        except (requests.RequestException, ValueError) as wrong:
            raise ProviderTrouble(f"{url}: {wrong}") from wrong
        if not isinstance(body, dict):
            raise ProviderTrouble(f"{url} answers with something else than an object")
        return body

    @staticmethod
    def _endpoint(metadata: Mapping[str, Any], name: str) -> str:
        url = metadata.get(name)
        if not isinstance(url, str):
            raise ProviderTrouble(f"the provider publishes no {name}")
        return url

    def _client(self, redirect_uri: str) -> OAuth2Session:
        return OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret,
            scope=self.settings.scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT,
        )


def role_of(settings: OidcSettings, claims: Mapping[str, Any]) -> UserRole | None:
    """The highest role that the claims give; None: none."""
    ranks = list(UserRole)
    given = [
        settings.roles[value] for value in _values(claims, settings.role_claim) if value in settings.roles
    ]
    return max(given, key=ranks.index, default=None)


def agency_of(settings: OidcSettings, claims: Mapping[str, Any]) -> str | None:
    """The agency that the claims bind to."""
    return next(iter(_values(claims, settings.agency_claim)), None)


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
