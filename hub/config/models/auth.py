"""agencies/<agency>.yaml: how the two sides prove themselves to each other."""

from __future__ import annotations

from typing import Literal

from hub.config.models.base import Cel, Duration, FileModel, KeyFile, Reference, TrustFile


class BasicAuth(FileModel):
    """HTTP Basic (RFC 7617)."""

    username: str
    """Not secret, and may be `env:NAME` as well."""
    password: Reference
    """`env:NAME`."""


class ApiKeyAuth(FileModel):
    """A key in a header, or in the query where the agency insists."""

    header: str | None = None
    """Name of the header. One of `header` and `query`."""
    query: str | None = None
    """Name of the query parameter. It is masked in recordings; a header is better."""
    value: Reference
    """`env:NAME`."""


class OAuth2Auth(FileModel):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4); a token is kept until it is about to expire."""

    token_url: str
    """The token endpoint: an address, or `env:NAME`."""
    client_id: str
    """Not secret, and may be `env:NAME` as well."""
    client_secret: Reference
    """`env:NAME`."""
    scope: str | None = None
    """Scopes, separated by blanks."""
    audience: str | None = None
    """Sent as `audience`, which some servers insist on."""
    send: Literal["header", "body"] = "header"
    """How the client proves itself: HTTP Basic, or `client_id` and `client_secret` in the body."""


class MutualTlsAuth(FileModel):
    """A client certificate in the TLS handshake (RFC 8446 section 4.4.2). May stand beside another kind."""

    certificate: KeyFile
    """`env:NAME` of the path of a PEM file: the certificate, and those between it and its root."""
    key: KeyFile | None = None
    """`env:NAME` of the path of a PEM file; without it, the key is in the file of the certificate."""


class RequestHmacAuth(FileModel):
    """Every request is signed with a shared secret (RFC 2104)."""

    secret: Reference
    """`env:NAME`."""
    key_id: str | None = None
    """Which key it is, where the agency has given out several."""
    key_id_header: str = "X-Key-Id"
    """The header of `key_id`."""
    header: str = "X-Signature"
    """The header of the signature."""
    algorithm: Literal["sha256", "sha512"] = "sha256"
    """The hash that the HMAC is made with."""
    encoding: Literal["hex", "base64"] = "hex"
    """How the signature is written."""
    prefix: str = ""
    """Stands before the signature, as `sha256=`."""
    timestamp_header: str | None = "X-Timestamp"
    """The header of the time of signing; null sends none."""
    timestamp: Literal["unix", "rfc3339"] = "unix"
    """Seconds since 1970, or RFC 3339."""
    nonce_header: str | None = None
    """The header of a number used once; without it none is sent."""
    over: Cel = '=timestamp + "." + body'
    """
    `=`expression for the text that is signed, over `method`, `path`, `query` (as sent, without `?`), `body`
    (text), `body_sha256` (hexadecimal), `timestamp` and `nonce`.
    """


class WsSignature(FileModel):
    """
    X.509 Token Profile 1.1: what is sent is signed with the hub's key, what is answered is checked against
    the agency's certificate.
    """

    certificate: KeyFile
    """`env:NAME` of the path of a PEM file: the certificate, and those between it and its root."""
    key: KeyFile
    """`env:NAME` of the path of a PEM file."""
    agency_certificate: TrustFile
    """The agency's certificate, or that of its authority: a PEM file below the folder, or `env:NAME`."""
    check_answer: bool = True
    """Refuse answers that are not signed by it. Faults may be unsigned: they are told, and decide nothing."""
    algorithm: Literal["rsa-sha256", "rsa-sha512", "ecdsa-sha256"] = "rsa-sha256"
    """The signature algorithm; it must fit the key."""


class WsSecurityAuth(FileModel):
    """WS-Security 1.1: a UsernameToken, a timestamp, a signature, or several of them."""

    username: str | None = None
    """Of the UsernameToken; without it none is sent."""
    password: Reference | None = None
    """`env:NAME`."""
    digest: bool = True
    """Send nonce, created and the password's digest, and not the password."""
    timestamp: Duration | None = None
    """Send a Timestamp that expires after so long; where answers are signed, theirs is checked."""
    signature: WsSignature | None = None
    """Sign what is sent, and check the signature of what is answered."""


class ChannelAuth(FileModel):
    """How the hub proves itself to the agency: one of these, or none; `mtls` may stand beside another."""

    bearer: Reference | None = None
    """A token that does not change (RFC 6750): `env:NAME`."""
    basic: BasicAuth | None = None
    """User name and password."""
    api_key: ApiKeyAuth | None = None
    """A key in a header or in the query."""
    oauth2: OAuth2Auth | None = None
    """A token fetched with client credentials."""
    hmac: RequestHmacAuth | None = None
    """Every request signed with a shared secret."""
    ws_security: WsSecurityAuth | None = None
    """SOAP only: UsernameToken, timestamp, signature."""
    mtls: MutualTlsAuth | None = None
    """A client certificate."""


class HmacAuth(FileModel):
    """HMAC-SHA256 over `timestamp + "." + body`, in hexadecimal."""

    secret: Reference
    """`env:NAME`; shared with the agency."""
    header: str = "X-Signature"
    """The header of the signature."""
    timestamp_header: str = "X-Timestamp"
    """Unix seconds or RFC 3339."""
    window: Duration = "5m"
    """How far its clock and ours may differ; beyond it a callback is refused as stale."""


class CallbackAuth(FileModel):
    """How the agency proves itself to the hub: one of these."""

    hmac: HmacAuth | None = None
    """The callback is signed."""
    bearer: Reference | None = None
    """The callback carries a token: `env:NAME`."""
