"""A little OpenID Connect provider on a real socket, that can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from hub.ports import Clock

CLIENT = ("hub", "a secret of the client")


@cache
def _own(number: int) -> RSAKey:
    """Made once: it takes a while."""
    return RSAKey.generate_key(2048, {"kid": "1"})


def _nothing(claims: dict[str, Any]) -> None: ...


@dataclass
class IdentityProvider:
    """
    Whoever comes is `claims`. `lie` changes the claims of the next ID tokens; `sign` makes the token of them,
    by the provider's own key unless the test says otherwise.
    """

    clock: Clock
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "7", "preferred_username": "kim"})
    lie: Callable[[dict[str, Any]], object] = _nothing
    sign: Callable[[dict[str, Any]], str] | None = None
    publishes: dict[str, Any] = field(default_factory=dict)
    """What it says of itself besides."""
    answers: dict[str, str] = field(default_factory=dict)
    """Parameters that go back with the browser besides."""
    asked: list[str] = field(default_factory=list)
    key: RSAKey | ECKey = field(default_factory=lambda: _own(1))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)
        app.get("/.well-known/openid-configuration")(self.configuration)
        app.get("/keys")(self.keys)
        app.get("/authorize")(self.authorize)
        app.post("/token")(self.token)
        return app

    def rotate(self, key: RSAKey | ECKey) -> None:
        """Another key from now on; the old one is published no more."""
        self.key = key

    async def configuration(self) -> dict[str, Any]:
        self.asked.append("configuration")
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            **self.publishes,
        }

    async def keys(self) -> dict[str, Any]:
        self.asked.append("keys")
        return {"keys": [self.key.as_dict(private=False)]}

    async def authorize(self, request: Request) -> Response:
        """Lets everybody in at once."""
        asked = dict(request.query_params)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT[0]
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], **self.answers}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 303)

    async def token(self, request: Request) -> Response:
        """Once for each code; RFC 6749, 4.1.3 and RFC 7636, 4.6."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        told = base64.b64encode(":".join(CLIENT).encode()).decode()
        if request.headers.get("authorization") != f"Basic {told}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        challenge = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(challenge).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.clock().timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT[0],
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.claims,
        }
        self.lie(claims)
        signed = (self.sign or self.signed)(claims)
        return JSONResponse({"access_token": "opaque", "token_type": "Bearer", "id_token": signed})

    def signed(self, claims: dict[str, Any]) -> str:
        """By the key it publishes."""
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        return jwt.encode({"alg": algorithm, "kid": self.key.kid}, claims, self.key)

    def signed_by_another(self, claims: dict[str, Any]) -> str:
        """By a key that calls itself as the provider's does."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, _own(2))

    def signed_by_the_public_key(self, claims: dict[str, Any]) -> str:
        """As a shared secret: whoever takes any algorithm takes this."""
        public = OctKey.import_key(self.key.as_pem(private=False))
        return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, public, algorithms=["HS256"])

    def not_signed(self, claims: dict[str, Any]) -> str:
        """`alg: none`."""
        header, body, _signature = self.signed(claims).split(".")
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        assert header != none
        return f"{none}.{body}."
