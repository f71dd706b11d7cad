"""REST with JSON: a path, a query, headers and a body, each filled from the referral."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from hub.adapters.nul import without_escaped_nul, without_nul
from hub.adapters.shape import Shape, insist, trim
from hub.adapters.wire import Context, Credentials, Heard, Misfit, Plain, WireReply, WireRequest
from hub.expressions import PathTemplate, TreeTemplate

_INT64 = 2**63


class RestCall:
    """One REST operation of one agency, prepared."""

    def __init__(
        self,
        *,
        method: str,
        path: PathTemplate,
        query: TreeTemplate,
        headers: TreeTemplate,
        request: TreeTemplate | None,
        shape: Shape | None,
        endpoint: str,
        credentials: Credentials,
    ) -> None:
        self._method = method
        self._path = path
        self._query = query
        self._headers = headers
        self._request = request
        self._shape = shape
        self._endpoint = endpoint.rstrip("/")
        self._credentials = credentials

    @property
    def request_shape(self) -> Shape | None:
        return self._shape

    def arguments(self, context: Context) -> Plain:
        """The filled body without what was not declared. Raises ExpressionFailed."""
        return None if self._request is None else trim(self._request.fill(context), self._shape)

    def write(self, context: Context, now: datetime) -> WireRequest:
        path = self._path.fill(context)
        query = urlencode(_flat(trim(self._query.fill(context), None)), doseq=True)
        arguments = self.arguments(context)
        headers = {"Accept": "application/json"}
        body = b""
        if arguments is not None:
            if self._shape is not None:
                insist(arguments, self._shape)
            body = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
            headers["Content-Type"] = "application/json"
        filled = _flat(trim(self._headers.fill(context), None))
        headers |= {name: _header(name, value) for name, value in filled.items()}
        return WireRequest(
            method=self._method,
            url=f"{self._endpoint}{path}{'?' if query else ''}{query}",
            headers={**headers, **self._credentials.headers},
            body=body,
        )

    def read(self, reply: WireReply) -> Heard:
        text = without_nul(reply.body.decode("utf-8", "replace"))
        if not text.strip():
            return Heard(reply.status, reply.headers, {}, text="")
        try:
            return Heard(reply.status, reply.headers, read_json(reply.body), text=text)
        except Misfit as wrong:
            # An error is often told by a proxy, in HTML; its status is what counts.
            return Heard(reply.status, reply.headers, text, text=text, unreadable=str(wrong))


def read_json(body: bytes) -> Plain:
    """
    JSON as plain data. Raises Misfit.

    Fractions, and whole numbers beyond 64 bits, are kept as the text they were written in, so that nothing is
    rounded. A member that occurs twice is refused: two readers would not agree on what was said. U+FDD0
    stands for a NUL, for whoever reads on to refuse (see `nul`).
    """
    try:
        # As json.loads decodes bytes: UTF-8, or by the pattern of their zeros UTF-16 or UTF-32.
        document = body.decode(json.detect_encoding(body), "surrogatepass")
        return json.loads(
            without_escaped_nul(document),
            parse_float=str,
            parse_int=_whole,
            parse_constant=_not_json,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError) as wrong:
        raise Misfit(f"not JSON: {wrong}") from wrong


def _whole(text: str) -> int | str:
    if len(text) > 20:
        return text
    number = int(text)
    return number if -_INT64 <= number < _INT64 else text


def _not_json(word: str) -> Plain:
    raise ValueError(f"{word} is not JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _flat(filled: Plain) -> Mapping[str, Any]:
    flat = {}
    for name, value in (filled or {}).items():
        if isinstance(value, dict):
            raise Misfit(f"{name} has parts inside it; a query or a header holds single values")
        flat[name] = [_word(one) for one in value] if isinstance(value, list) else _word(value)
    return flat


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _header(name: str, value: Any) -> str:
    text = ", ".join(value) if isinstance(value, list) else str(value)
    if any(character in text for character in "\r\n\0"):
        raise Misfit(f"header {name} would hold a line break")
    # Header fields are ASCII (RFC 9110 section 5.5); anything else would be sent as mojibake.
    if not text.isascii():
        raise Misfit(f"header {name} would hold {text!r}, which is not ASCII")
    return text
