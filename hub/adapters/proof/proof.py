"""One channel's proof, put to its requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from hub.adapters.proof.headers import Carried, bearer, carried
from hub.adapters.proof.oauth2 import ClientCredentials
from hub.adapters.proof.request_hmac import RequestSignature
from hub.adapters.proof.tls import Tls, tls
from hub.adapters.proof.ws_security import WsSecurity, ws_security
from hub.adapters.wire import Credentials, WireRequest
from hub.config.models import ChannelFile

PLACEHOLDER = "<token>"
"""Stands for a token that has not been fetched, where a request is shown and not sent."""


@dataclass(frozen=True)
class Proof:
    """
    How the hub proves itself in one channel.

    A request is written by its operation, with `credentials`, and then completed here: `complete` adds what
    every request carries, the token, and last the signature over all of it. Nothing here touches the network:
    a token is given in, or shown as `PLACEHOLDER`.
    """

    carried: Carried = field(default_factory=Carried)
    signature: RequestSignature | None = None
    client_credentials: ClientCredentials | None = None
    """How a token is had, where each request needs one."""
    ws_security: WsSecurity | None = None
    tls: Tls = field(default_factory=Tls)

    @property
    def credentials(self) -> Credentials:
        """What is part of the message itself, for the operations that write it."""
        return Credentials(ws_security=self.ws_security)

    def complete(self, request: WireRequest, now: datetime, token: str | None = None) -> WireRequest:
        """The request as it goes over the wire. Raises Misfit."""
        headers = {**request.headers, **self.carried.headers}
        if token is not None:
            headers["Authorization"] = bearer(token)
        url = request.url
        if self.carried.query:
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(self.carried.query)}"
        whole = replace(request, url=url, headers=headers)
        return whole if self.signature is None else self.signature.signed(whole, now)


def prove(channel: ChannelFile, environment: Mapping[str, str], folder: Path) -> Proof:
    """
    The proof of a channel, with every `env:` reference resolved; `folder` is the configuration folder.

    Raises CredentialUnusable, ExpressionFault.
    """
    auth = channel.auth
    return Proof(
        carried=carried(auth, environment),
        signature=None if auth.hmac is None else RequestSignature(auth.hmac, environment),
        client_credentials=None if auth.oauth2 is None else ClientCredentials(auth.oauth2, environment),
        ws_security=None if auth.ws_security is None else ws_security(auth.ws_security, environment, folder),
        tls=tls(channel, environment, folder),
    )
