"""
JSON from strangers: what RFC 8259 leaves to the reader is decided here, on the side of refusing.

Duplicate keys, NaN and infinities, lone surrogates (RFC 7493), extreme numbers and extreme nesting are
refused, because two readers may understand them differently or one may fall over them.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from hub.api.body import Unreadable

MAX_DEPTH = 32
MAX_MEMBERS = 1_000_000
"""In all objects and lists together: three times what the largest declaration needs."""
_MAX_NUMBER_LENGTH = 64
_MAX_MAGNITUDE = 24
_BEYOND = Decimal("Infinity")

# A string without its closing quote still matches to the end of the text, so the scan stays linear.
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', re.DOTALL)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(body: bytes) -> Any:
    """
    The JSON value of a body; numbers are Decimal, exactly as written. Raises Unreadable.

    UTF-8 only (RFC 8259 section 8.1); a byte order mark is ignored.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8: {error.reason} at byte {error.start}") from error
    if text.count(",") > MAX_MEMBERS:
        # Counted with the commas in texts, which is quick and errs on the safe side.
        raise Unreadable(f"more than {MAX_MEMBERS} members")
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise Unreadable(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    if _SURROGATE.search(text):
        # UTF-8 has none: half of a pair can only have been escaped.
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            raise Unreadable("half of a surrogate pair stands alone in a text") from error
    return value


def pointer(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901) of keys and indexes."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(f"nested more than {MAX_DEPTH} deep")
        elif token[0] in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, member in pairs:
        if key in value:
            raise Unreadable(f"the key {key[:80]!r} stands twice in one object")
        value[key] = member
    return value


def _number(text: str) -> Decimal:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise Unreadable(f"a number of {len(text)} characters; at most {_MAX_NUMBER_LENGTH} are read")
    try:
        number = Decimal(text)
    except InvalidOperation:
        # An exponent beyond what the processor counts with.
        number = _BEYOND
    if not is_of_this_world(number):
        raise Unreadable(f"the number {text} is beyond what can be declared")
    return number


def is_of_this_world(number: Decimal) -> bool:
    """Whether a number has a magnitude that goods, money and measures can have."""
    exponent = number.as_tuple().exponent
    return number.is_finite() and number.adjusted() <= _MAX_MAGNITUDE and int(exponent) >= -_MAX_MAGNITUDE


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} is not a JSON number")
