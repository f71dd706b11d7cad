"""Whether a caller is the hub: HTTP credentials, and the UsernameToken of WS-Security."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from lxml import etree

from hub.config.models import ChannelAuth, WsSecurityAuth
from hub.simulator.environment import resolve
from hub.simulator.errors import Unauthorised
from hub.simulator.xml import first, text

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
WINDOW = 300.0
"""Seconds that Created may be off, as the contract with WS-Security says."""


class HttpCredentials:
    """What the headers and the query of every request must hold."""

    def __init__(self, auth: ChannelAuth, environment: Mapping[str, str]) -> None:
        """Raises EnvironmentMissing."""
        self._expected: dict[str, str] = {}
        self._in_query: dict[str, str] = {}
        self.challenge = ""
        if auth.bearer is not None:
            self._expected["authorization"] = f"Bearer {resolve(auth.bearer, environment)}"
            self.challenge = "Bearer"
        if auth.basic is not None:
            user = resolve(auth.basic.username, environment)
            password = resolve(auth.basic.password, environment)
            token = base64.b64encode(f"{user}:{password}".encode()).decode()
            self._expected["authorization"] = f"Basic {token}"
            self.challenge = 'Basic realm="agency", charset="UTF-8"'
        if auth.api_key is not None and auth.api_key.header is not None:
            self._expected[auth.api_key.header.lower()] = resolve(auth.api_key.value, environment)
        if auth.api_key is not None and auth.api_key.query is not None:
            self._in_query[auth.api_key.query] = resolve(auth.api_key.value, environment)

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> dict[str, str]:
        """The query without what proves the caller. Raise Unauthorised."""
        for name, expected in self._in_query.items():
            if not hmac.compare_digest(query.get(name, "").encode(), expected.encode()):
                raise Unauthorised(f"{name} is missing or wrong")
        for name, expected in self._expected.items():
            given = headers.get(name, "")
            if not hmac.compare_digest(given.encode(), expected.encode()):
                raise Unauthorised(f"{name} is missing or wrong")
        return {name: value for name, value in query.items() if name not in self._in_query}


class UsernameTokens:
    """
    Checks WS-Security UsernameTokens (OASIS UsernameToken Profile 1.1, section 3).

    A digest is Base64(SHA-1(nonce + created + password)); a nonce counts once within the window.
    """

    def __init__(self, auth: WsSecurityAuth, environment: Mapping[str, str]) -> None:
        """Raises EnvironmentMissing."""
        self._username = resolve(auth.username or "", environment)
        self._password = resolve(auth.password or "", environment)
        self._digest = auth.digest
        self._seen: dict[bytes, float] = {}

    def check(self, header: etree._Element | None) -> None:
        """Raise Unauthorised. `header` is the SOAP Header."""
        token = first(header, "Security", "UsernameToken") if header is not None else None
        if token is None:
            raise Unauthorised("there is no UsernameToken")
        password = first(token, "Password")
        given = text(token, "Password")
        if text(token, "Username") != self._username or password is None:
            raise Unauthorised("the user is not known")
        if not self._digest:
            if not hmac.compare_digest(given.encode(), self._password.encode()):
                raise Unauthorised("the password is wrong")
            return
        if password.get("Type") != _DIGEST:
            raise Unauthorised("the password is not a digest")
        created = text(token, "Created")
        try:
            nonce = base64.b64decode(text(token, "Nonce"), validate=True)
            moment = datetime.fromisoformat(created)
        except (binascii.Error, ValueError) as wrong:
            raise Unauthorised("Nonce or Created cannot be read") from wrong
        # The profile demands SHA-1; the secret is in the password, not in the strength of the hash.
        hashed = hashlib.sha1(nonce + created.encode() + self._password.encode(), usedforsecurity=False)
        expected = base64.b64encode(hashed.digest()).decode()
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise Unauthorised("the password digest is wrong")
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if abs(time.time() - moment.timestamp()) > WINDOW:
            raise Unauthorised("Created is outside the window of five minutes")
        self._use(nonce)

    def _use(self, nonce: bytes) -> None:
        moment = time.time()
        # In order of use, so only those in front can be old.
        while self._seen and next(iter(self._seen.values())) < moment - 2 * WINDOW:
            del self._seen[next(iter(self._seen))]
        if not nonce or nonce in self._seen:
            raise Unauthorised("the nonce was used before")
        self._seen[nonce] = moment
