"""OAuth 2.0 client credentials (RFC 6749 section 4.4): the request for a token, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlsplit

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error

from hub.adapters.proof.headers import basic
from hub.adapters.proof.held import Token
from hub.adapters.reading import retry_after
from hub.adapters.secrets import CredentialUnusable, resolve
from hub.adapters.wire import WireReply, WireRequest
from hub.config.models import OAuth2Auth
from hub.domain.errors import AgencyUnavailable, NotUnderstood

# RFC 6749 section 5.2, in words for whoever has to mend it.
_MEANINGS = {
    "invalid_request": "it lacks something in the request; perhaps `audience` or `scope`",
    "invalid_client": "it does not know this client_id, or not with this client_secret",
    "invalid_grant": "it does not take client credentials of this client",
    "unauthorized_client": "this client may not ask for tokens in this way",
    "unsupported_grant_type": "it does not give tokens for client credentials",
    "invalid_scope": "it does not give this client the scope that is asked for",
}
_PASSING = {"server_error", "temporarily_unavailable", "slow_down"}
_SAID = 300


class ClientCredentials:
    """One channel's way to a token; what it writes is sent by whoever has the connection."""

    def __init__(self, auth: OAuth2Auth, environment: Mapping[str, str]) -> None:
        """Raises CredentialUnusable."""
        self._auth = auth
        self._url = resolve(auth.token_url, environment)
        if urlsplit(self._url).scheme not in ("http", "https"):
            raise CredentialUnusable("the token_url is not an http or https address")
        self._client_id = resolve(auth.client_id, environment)
        self._secret = resolve(auth.client_secret, environment)
        self._audience = None if auth.audience is None else resolve(auth.audience, environment)
        self._scope = None if auth.scope is None else resolve(auth.scope, environment)

    def request(self) -> WireRequest:
        """The request for a token."""
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        parameters: dict[str, Any] = {}
        if self._audience is not None:
            parameters["audience"] = self._audience
        in_body = self._auth.send == "body"
        if in_body:
            parameters["client_secret"] = self._secret
        else:
            # Encoded before they are joined (RFC 6749 section 2.3.1).
            headers["Authorization"] = basic(quote_plus(self._client_id), quote_plus(self._secret))
        body = BackendApplicationClient(self._client_id).prepare_request_body(
            scope=None if self._scope is None else self._scope.split(),
            include_client_id=in_body,
            **parameters,
        )
        return WireRequest("POST", self._url, headers, body.encode())

    def read(self, reply: WireReply, now: datetime) -> Token:
        """The token in an answer. Raises AgencyUnavailable, NotUnderstood."""
        if reply.status >= 500 or reply.status in (408, 425, 429):
            raise AgencyUnavailable(
                f"its token endpoint answers with status {reply.status}",
                retry_after=retry_after(reply.headers, now),
            )
        if 300 <= reply.status < 400:
            raise NotUnderstood(
                "its token endpoint redirects, and redirects are not followed; correct token_url"
            )
        try:
            # Without a scope: one that was narrowed is the server's right, and shows in what it lets us do.
            told = BackendApplicationClient(self._client_id).parse_request_body_response(reply.body.decode())
        except OAuth2Error as error:
            raise _turned_down(error, reply) from error
        except (ValueError, TypeError, AttributeError, KeyError) as wrong:
            raise NotUnderstood(f"{_at(reply)} is no token: {type(wrong).__name__}") from wrong
        if not 200 <= reply.status < 300:
            raise NotUnderstood(f"{_at(reply)} turns our request for a token down without saying why")
        return _token(told, reply)


def _token(told: Mapping[str, Any], reply: WireReply) -> Token:
    text = told.get("access_token")
    if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
        raise NotUnderstood(f"{_at(reply)} holds no access_token that a header could carry")
    kind = told.get("token_type")
    # "Bearer" in any case (RFC 6749 section 5.1); some servers say BearerToken, and some nothing at all.
    if kind is not None and "bearer" not in str(kind).lower():
        raise NotUnderstood(
            f"{_at(reply)} is a token of type {str(kind)[:40]!r}; only bearer tokens are used"
        )
    lasts = told.get("expires_in")
    return Token(text, float(lasts) if isinstance(lasts, int | float) and lasts > 0 else None)


def _turned_down(error: OAuth2Error, reply: WireReply) -> AgencyUnavailable | NotUnderstood:
    code = str(error.error or "")
    if code == "missing_token":
        return NotUnderstood(f"{_at(reply)} holds no access_token")
    said = " ".join(str(error.description or "").split())[:_SAID]
    words = ": ".join(part for part in (code, _MEANINGS.get(code, ""), said) if part)
    if code in _PASSING:
        return AgencyUnavailable(f"its token endpoint gives no token for now: {words}")
    return NotUnderstood(f"its token endpoint gives us no token: {words}")


def _at(reply: WireReply) -> str:
    return f"the answer of its token endpoint (status {reply.status})"
