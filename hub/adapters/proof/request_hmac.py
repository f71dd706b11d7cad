"""Requests signed with a shared secret (RFC 2104), over whatever text the agency says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from hub.adapters.context import rfc3339
from hub.adapters.secrets import resolve
from hub.adapters.wire import Misfit, WireRequest
from hub.config.models import RequestHmacAuth
from hub.expressions import Expression, ExpressionFailed, roots


class RequestSignature:
    """The signature of one channel's requests. For use from several threads."""

    def __init__(self, auth: RequestHmacAuth, environment: Mapping[str, str]) -> None:
        """Raises SecretMissing, ExpressionFault."""
        self._auth = auth
        self._secret = resolve(auth.secret, environment).encode()
        self._key_id = None if auth.key_id is None else resolve(auth.key_id, environment)
        self._over = Expression(auth.over, roots.SIGNING)

    def signed(self, request: WireRequest, now: datetime) -> WireRequest:
        """The request with its signature, and with what the signature tells of. Raises Misfit."""
        auth = self._auth
        timestamp = str(int(now.timestamp())) if auth.timestamp == "unix" else _seconds(now)
        nonce = secrets.token_hex(16)
        signed = self._text({**_parts(request), "timestamp": timestamp, "nonce": nonce})
        digest = hmac.new(self._secret, signed.encode(), getattr(hashlib, auth.algorithm)).digest()
        signature = digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode()
        headers = dict(request.headers)
        if auth.timestamp_header is not None:
            headers[auth.timestamp_header] = timestamp
        if auth.nonce_header is not None:
            headers[auth.nonce_header] = nonce
        if self._key_id is not None:
            headers[auth.key_id_header] = self._key_id
        headers[auth.header] = auth.prefix + signature
        return replace(request, headers=headers)

    def _text(self, parts: Mapping[str, Any]) -> str:
        try:
            text = self._over.evaluate(parts)
        except ExpressionFailed as failed:
            hint = (
                "; a body that is not text can be signed by its body_sha256"
                if "'body'" in str(failed)
                else ""
            )
            raise Misfit(f"the request cannot be signed: {failed}{hint}") from failed
        if not isinstance(text, str):
            raise Misfit(f"the request cannot be signed: `over` is {text!r}, which is no text")
        return text


def _parts(request: WireRequest) -> dict[str, Any]:
    """What `roots.SIGNING` names, but for time and nonce; without `body` where the body is not text."""
    # requests quotes what is not quoted yet, and what is signed must be what is sent.
    sent = urlsplit(requests.Request("GET", request.url).prepare().url or request.url)
    parts = {
        "method": request.method,
        "path": sent.path or "/",
        "query": sent.query,
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
    }
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        return parts
    # The expression library ends a text at its first NUL: the signature would be over half of the body.
    return parts if "\0" in body else {**parts, "body": body}


def _seconds(now: datetime) -> str:
    return rfc3339(now.astimezone(UTC).replace(microsecond=0))
