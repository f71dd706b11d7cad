"""Callbacks: who is it, and what does it say."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hub.adapters.messages import MessageReader, unreadable
from hub.adapters.rest import read_json
from hub.adapters.secrets import Scrubber, SecretMissing, resolve
from hub.adapters.soap import soap_body_child
from hub.adapters.wire import Misfit, Plain
from hub.adapters.xml import parse_xml, plain_xml
from hub.config.models import AgencyFile, CallbackFile, HmacAuth
from hub.domain.deadlines import parse_duration
from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Message
from hub.domain.referral import Via


class CallbackDoor:
    """Where one agency's callbacks come in."""

    def __init__(
        self,
        file: AgencyFile,
        callback: CallbackFile,
        environment: Mapping[str, str],
        zone: ZoneInfo,
        scrubber: Scrubber,
    ) -> None:
        """Raises ExpressionFault."""
        self._agency = file.agency
        self._callback = callback
        self._environment = environment
        self._scrubber = scrubber
        self._reader = MessageReader(callback, file, zone)

    def read(self, headers: Mapping[str, str], body: bytes, received_at: datetime) -> Message:
        """
        The message, once it is known to come from the agency. Raises CallbackRefused.

        One that cannot be read comes back with its `trouble`.
        """
        named = {name.lower(): value for name, value in headers.items()}
        self._authenticate(named, body, received_at)
        raw = self._scrubber.body(body)
        try:
            message = _plain(self._callback.format, body)
        except Misfit as wrong:
            return unreadable(
                self._agency,
                raw=raw,
                content=body,
                trouble=str(wrong),
                via=Via.CALLBACK,
                received_at=received_at,
            )
        return self._reader.read(message, headers=named, raw=raw, via=Via.CALLBACK, received_at=received_at)

    def _authenticate(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        auth = self._callback.auth
        try:
            if auth.hmac is not None:
                _check_signature(auth.hmac, resolve(auth.hmac.secret, self._environment), headers, body, now)
            elif auth.bearer is not None:
                _check_bearer(resolve(auth.bearer, self._environment), headers)
            else:
                raise CallbackRefused("the agency's file does not say how its callbacks are authenticated")
        except SecretMissing as missing:
            raise CallbackRefused(f"the callback cannot be authenticated: {missing}") from missing


def _check_signature(
    auth: HmacAuth, secret: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    timestamp = headers.get(auth.timestamp_header.lower(), "").strip()
    signature = headers.get(auth.header.lower(), "").strip()
    if not timestamp or not signature:
        missing = auth.timestamp_header if not timestamp else auth.header
        raise CallbackRefused(f"the callback has no {missing}")
    # Header values may hold any Latin-1 character; what is not ASCII cannot be a signature or a time.
    if not timestamp.isascii() or not signature.isascii():
        raise CallbackRefused("the signature does not match")
    signed = timestamp.encode() + b"." + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature.lower().removeprefix("sha256=")):
        raise CallbackRefused("the signature does not match")
    # Only now is the time worth anything: it is part of what was signed.
    window = parse_duration(auth.window)
    if abs(now - _moment(timestamp)) > window:
        raise CallbackRefused(f"the callback was signed at {timestamp}, more than {auth.window} from now")


def _moment(text: str) -> datetime:
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError) as wrong:
        raise CallbackRefused(f"{text!r} is not a time") from wrong
    if moment.tzinfo is None:
        raise CallbackRefused(f"the time {text!r} has no offset")
    return moment


def _check_bearer(token: str, headers: Mapping[str, str]) -> None:
    scheme, _, given = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        raise CallbackRefused("the bearer token does not match")


def _plain(form: str, body: bytes) -> Plain:
    if form == "json":
        return read_json(body)
    root = parse_xml(body)
    return plain_xml(soap_body_child(root) if form == "soap" else root)
