"""Credentials: read from the environment when a channel is prepared, and never seen in a recording."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit
from xml.sax.saxutils import escape

from hub.config.models import BasicAuth, ChannelFile
from hub.config.models.base import Holds
from hub.config.references import credential_texts

MASK = "***"
BODY_LIMIT = 64 * 1024
"""Bytes of a body that a recording keeps."""

_SECRET_HEADERS = re.compile(
    r"authorization|cookie|password|secret|signature|token|api[-_]?key|x-auth|authenticate", re.IGNORECASE
)
# Elements whose content proves something to somebody, whichever namespace prefix they carry.
_SECRET_ELEMENTS = re.compile(
    r"(<(?P<tag>(?:[\w.-]+:)?(?:Password|Nonce|SignatureValue|BinarySecurityToken))\b[^>]*>)[^<]*(</(?P=tag)\s*>)"
)
_NAMES = r"password|passwd|secret|client_secret|client_assertion|api_?key|access_token|refresh_token|id_token"
_SECRET_MEMBERS = re.compile(rf'("(?:{_NAMES})"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_SECRET_FIELDS = re.compile(rf"((?:^|[?&\s])(?:{_NAMES})=)[^&\s\"<]+", re.IGNORECASE)
_PARTS_OF_NAMES = ("passw", "secret", "assert", "key", "token")
"""One of them stands in each of these names: to look for them is quicker than to try the patterns."""
_CUT = "…"
"""Where a text was cut that somebody is told."""
_RESERVED = ":/?@!$'()*,;[]"
"""What a query parameter leaves alone that is declared with `allowReserved`."""
_REMEMBERED = 64
"""Secrets learned while running; an agency that echoes an older one tells nobody anything of use."""
_SHORTEST = 4
"""Characters of a user name or a token that is struck out: a shorter one stands in words of all kinds."""


class CredentialUnusable(Exception):
    """A credential of a channel that nothing can be proved with. The message says why."""


class SecretMissing(CredentialUnusable):
    """A file names an environment variable that is not set."""


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """A text of a configuration file, with `env:NAME` read from the environment. Raises SecretMissing."""
    if not text.startswith("env:"):
        return text
    name = text.removeprefix("env:")
    value = environment.get(name, "")
    if not value:
        raise SecretMissing(f"{name} is not set in the environment")
    return value


def known_secrets(channel: ChannelFile, environment: Mapping[str, str]) -> list[str]:
    """
    Every credential of a channel, user names included; those whose variable is not set are left out.

    Paths of files are none, and what is in those files is never sent.
    """
    found = []
    for one in credential_texts(channel):
        named = one.holds is Holds.OPEN and (one.variable is not None or one.key[-1] == "username")
        if one.holds is not Holds.SECRET and not named:
            continue
        try:
            text = resolve(one.text, environment)
        except SecretMissing:
            continue  # what is not there cannot leak; using it is what raises
        if one.holds is Holds.SECRET or len(text) >= _SHORTEST:
            found.append(text)
    if channel.auth.basic is not None:
        with suppress(SecretMissing):
            found.append(_basic_pair(channel.auth.basic, environment))
    # An endpoint is no secret, but a user and password inside it would be.
    try:
        parts = urlsplit(resolve(channel.endpoint, environment))
    except (SecretMissing, ValueError):
        return found
    return found + [text for text in (parts.username, parts.password) if text]


def _basic_pair(auth: BasicAuth, environment: Mapping[str, str]) -> str:
    """What HTTP Basic encodes; the scrubber knows each secret's base64 form."""
    return f"{resolve(auth.username, environment)}:{resolve(auth.password, environment)}"


def secret_headers(channel: ChannelFile) -> list[str]:
    """Headers, of ours and of the agency's callbacks, whose whole value proves something."""
    auth = channel.auth
    named = [auth.api_key.header if auth.api_key else None, auth.hmac.header if auth.hmac else None]
    callback = channel.callback.auth.hmac if channel.callback is not None else None
    return [name for name in (*named, callback.header if callback else None) if name]


def without_user(url: str) -> str:
    """A URL without the user and password it may carry."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class Scrubber:
    """Takes credentials out of whatever is recorded or told."""

    def __init__(self, secrets: Iterable[str], headers: Iterable[str] = ()) -> None:
        self._forms = frozenset(form for secret in secrets if secret for form in _forms(secret))
        self._learned: dict[str, frozenset[str]] = {}
        self._headers = frozenset(name.lower() for name in headers)
        self._lock = threading.Lock()
        self._known = _any_of(self._forms)

    def learn(self, secret: str) -> None:
        """
        One more secret, told while the hub runs: a token, a session. The latest ones are remembered.

        One of up to three characters is none.
        """
        if len(secret) < _SHORTEST:
            return
        with self._lock:
            self._learned.pop(secret, None)
            self._learned[secret] = frozenset(_forms(secret))
            while len(self._learned) > _REMEMBERED:
                del self._learned[next(iter(self._learned))]
            self._known = _any_of(self._forms.union(*self._learned.values()))

    def and_also(self, secrets: Iterable[str]) -> Scrubber:
        """A scrubber that takes these out too."""
        other = Scrubber(secrets)
        other._headers = self._headers
        with self._lock:
            other._forms = other._forms.union(self._forms, *self._learned.values())
        other._known = _any_of(other._forms)
        return other

    def text(self, text: str) -> str:
        """A text without any known secret, however it was encoded, and without what a known element holds."""
        if "</" in text:
            text = _SECRET_ELEMENTS.sub(rf"\1{MASK}\3", text)
        folded = text.casefold()
        if any(part in folded for part in _PARTS_OF_NAMES):
            text = _SECRET_MEMBERS.sub(rf'\1"{MASK}"', text)
            text = _SECRET_FIELDS.sub(rf"\1{MASK}", text)
        known = self._known
        text = known.sub(MASK, text) if known else text
        return self._without_cut(text) if _CUT in text else text

    def _without_cut(self, text: str) -> str:
        """A text without the beginnings of secrets that were cut short on their way here, as `s3cr…`."""
        with self._lock:
            forms = self._forms.union(*self._learned.values())
        longest = max(map(len, forms), default=0)
        *pieces, last = text.split(_CUT)
        return "".join(f"{_without_beginning(piece, forms, longest)}{_CUT}" for piece in pieces) + last

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: MASK if name.lower() in self._headers or _SECRET_HEADERS.search(name) else self.text(value)
            for name, value in headers.items()
        }

    def body(self, body: bytes) -> str:
        """A body as text, scrubbed first and then cut to `BODY_LIMIT`, with a note of what is missing."""
        text = self.text(body.decode("utf-8", "replace"))
        raw = text.encode()
        if len(raw) <= BODY_LIMIT:
            return text
        kept = raw[:BODY_LIMIT].decode("utf-8", "ignore")
        return f"{kept}\n[cut: {len(raw) - BODY_LIMIT} of {len(raw)} bytes are not kept]"


def _without_beginning(piece: str, forms: Iterable[str], longest: int) -> str:
    """A text without the beginning of a secret at its end."""
    for length in range(min(longest - 1, len(piece)), _SHORTEST - 1, -1):
        if any(form.startswith(piece[-length:]) for form in forms):
            return piece[:-length] + MASK
    return piece


def _any_of(forms: Iterable[str]) -> re.Pattern[str] | None:
    # The longest first: a secret may be part of another's encoded form.
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(_pattern, longest_first))) if longest_first else None


def _pattern(form: str) -> str:
    # A secret of a letter or two stands in every other word: only as a word of its own is it one.
    return re.escape(form) if len(form) >= _SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"


def _forms(secret: str) -> set[str]:
    """A secret as it may look inside XML, JSON, a URL or a header; XML and JSON may be quoted there too."""
    quoted = {'"': "&quot;", "'": "&apos;"}
    written = {secret, escape(secret), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    echoed = {escape(text) for text in written} | {json.dumps(text)[1:-1] for text in written}
    return {
        *echoed,
        secret,
        escape(secret),
        escape(secret, quoted),
        escape(secret, {'"': "&quot;", "'": "&#39;"}),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe=_RESERVED),
        quote_plus(secret),
        quote_plus(json.dumps(secret, ensure_ascii=False)[1:-1]),
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }
