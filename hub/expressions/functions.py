"""
The functions that mappings have beside those of CEL.

    date(when, pattern)          2026-03-01T09:30:00Z as "yyyyMMdd": 20260301, in the offset as written
    date(when, pattern, zone)    the same in a zone, as "Asia/Seoul"
    pad_left(value, n, c)        pad_left(7, 3, "0"): 007
    lookup(table, key, other)    lookup({"KG": "KGM"}, i.unit, "C62"): the value of the key, or other
    text(value)                  a number, true or false, a time or null (nothing) as text
    number(text)                 number("240.5"): 240.5, for contracts that want a number; "" stays ""
    uuid(text)                   uuid(referral.id): a UUID that is always the same for the same text
    default(value, other)        other where the value is null
    keys(table)                  keys({"b": 1, "a": 2}): ["a", "b"]
    json(value)                  json({"b": 1, "a": "x"}): {"a":"x","b":1} as text, its keys sorted
    base64(text)                 base64("abc"): YWJj; of the text in UTF-8
    link(headers, relation)      link(headers, "next"): the address in an answer's Link header, or ""

CEL goes through a map in no fixed order, so go through one by its `keys`, which are sorted: a request then
reads the same each time, as in `keys(i.attributes).map(k, i.attributes[k])`.

An element that may be missing altogether is read as `reply.?remarks.orValue("")`.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from cel_expr_python import cel

_STRFTIME = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_PATTERN_PART = re.compile(
    r"'(?P<literal>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z']+)|(?P<bad>.)"
)
_WIDEST = 1000
_UUIDS = uuid.UUID("6f0f2b4e-5d0a-5a39-9a8e-2f5b8c1d7e40")
"""The namespace of our UUIDs; never to be changed, or a request sent again would be another."""
_LINK = re.compile(
    r'<(?P<target>[^<>]*)>(?P<parameters>(?:\s*;\s*[^\s;,="]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)'
)
_LINK_PARAMETER = re.compile(r';\s*([^\s;,="]+)\s*=\s*(?:"([^"]*)"|([^\s;,"]*))')
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_INT64 = (-(2**63), 2**63 - 1)


def format_date(when: str | datetime, pattern: str, zone: str | None = None) -> str:
    """
    A moment written by a pattern of yyyy, MM, dd, HH, mm and ss; other letters stand in single quotes.

    `when` is RFC 3339 text, or a day. Raises ValueError for other text, letters or zones.
    """
    try:
        moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    except ValueError as wrong:
        raise ValueError(f"{when!r} is not a time as RFC 3339 writes it") from wrong
    if zone is not None:
        moment = _in_zone(moment, zone)
    written = []
    for part in _PATTERN_PART.finditer(pattern):
        if part["letters"]:
            if part["letters"] not in _STRFTIME:
                raise ValueError(f"a date pattern has yyyy, MM, dd, HH, mm and ss; not {part['letters']!r}")
            written.append(
                f"{moment.year:04d}"
                if part["letters"] == "yyyy"
                else moment.strftime(_STRFTIME[part["letters"]])
            )
        elif part["bad"]:
            raise ValueError(f"a quote in the date pattern {pattern!r} is not closed")
        else:
            written.append(part["literal"] or part["other"] or "")
    return "".join(written)


def _in_zone(moment: datetime, zone: str) -> datetime:
    try:
        there = ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as wrong:
        raise ValueError(f"there is no time zone {zone!r}") from wrong
    # A time without offset is UTC here, as everywhere in the hub.
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(there)
    except OverflowError as wrong:
        raise ValueError(f"{moment.isoformat()} lies beyond the calendar there") from wrong


def pad_left(value: str | int, width: int, filler: str) -> str:
    """The value as text of at least this width, filled on the left. Raises ValueError."""
    if len(filler) != 1:
        raise ValueError(f"pad_left fills with one character; not {filler!r}")
    if not 0 <= width <= _WIDEST:
        raise ValueError(f"pad_left fills to at most {_WIDEST} characters; not {width}")
    return str(value).rjust(width, filler)


def look_up(table: Mapping[object, object], key: object, other: object) -> object:
    """The value of the key in a table, or `other` where it has none."""
    return table.get(key, other)


def as_text(value: object) -> str:
    """A scalar as text: nothing for null, `true` and `false`, RFC 3339 for a time."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case _:
            return str(value)


def as_number(value: object) -> object:
    """
    A decimal as the hub holds it, as text, as a number; nothing declared ("" or null) stays nothing, as "".

    A whole number where it has no fraction, else a double. Raises ValueError for other text.
    """
    match value:
        case None:
            return ""
        case int() | float():
            return value
    text = str(value).strip()
    if not text:
        return ""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{value!r} is not a number")
    exact = Decimal(text)
    whole = int(exact)
    return whole if exact == whole and _INT64[0] <= whole <= _INT64[1] else float(text)


def as_uuid(text: str) -> str:
    """A UUID made from a text (RFC 9562, version 5): the same text has the same, and so it can be a key."""
    return str(uuid.uuid5(_UUIDS, text))


def or_default(value: object, other: object) -> object:
    """The value, or `other` where it is null."""
    return other if value is None else value


def sorted_keys(table: Mapping[object, object]) -> list[object]:
    """The keys of a table in a fixed order: by kind (true or false, whole numbers, texts), then by value."""
    return sorted(table, key=lambda key: (type(key).__name__, key))


def json_text(value: object) -> str:
    """JSON text without blanks. Keys are sorted, since CEL keeps them in no order. Raises ValueError."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def to_base64(text: str) -> str:
    """Base64 (RFC 4648 section 4) of a text in UTF-8."""
    return base64.b64encode(text.encode()).decode("ascii")


def link(headers: Mapping[str, str], relation: str) -> str:
    """
    The target of the first link with this relation in the `Link` header (RFC 8288 section 3); "" without one.

    As it is written: it may be relative to the address that was asked.
    """
    for found in _LINK.finditer(headers.get("link", "")):
        for name, quoted, bare in _LINK_PARAMETER.findall(found["parameters"]):
            if name.lower() == "rel" and relation.lower() in (quoted or bare).lower().split():
                return found["target"].strip()
    return ""


_KINDS = {
    "null": cel.Type.NULL,
    "bool": cel.Type.BOOL,
    "int": cel.Type.INT,
    "double": cel.Type.DOUBLE,
    "string": cel.Type.STRING,
    "timestamp": cel.Type.TIMESTAMP,
    "list": cel.Type.List(cel.Type.DYN),
    "map": cel.Type.Map(cel.Type.DYN, cel.Type.DYN),
}
_SCALARS = ("null", "bool", "int", "double", "string", "timestamp")
# What a function may return without saying its type: the library takes no time back that way.
_JSON = ("null", "bool", "int", "double", "string", "list", "map")


def _function(
    name: str, impl: Callable[..., object], returns: cel.Type, *signatures: tuple[str, ...]
) -> cel.FunctionDecl:
    # A parameter of type dyn matches nothing when the function is called (cel-expr-python 0.1.3), so each
    # combination of kinds is an overload of its own.
    overloads = [
        cel.Overload("_".join((name, *kinds)), returns, [_KINDS[kind] for kind in kinds], False, impl)
        for kinds in signatures
    ]
    return cel.FunctionDecl(name, overloads)


def declarations() -> list[cel.FunctionDecl]:
    """The functions, as CEL environments take them."""
    text, anything = cel.Type.STRING, cel.Type.DYN
    return [
        _function(
            "date",
            format_date,
            text,
            *((when, "string", *zone) for when in ("string", "timestamp") for zone in ((), ("string",))),
        ),
        _function("pad_left", pad_left, text, *((kind, "int", "string") for kind in ("string", "int"))),
        _function(
            "lookup",
            look_up,
            anything,
            *(("map", key, other) for key in ("null", "bool", "int", "string") for other in _JSON),
        ),
        _function("text", as_text, text, *((kind,) for kind in _SCALARS)),
        _function("number", as_number, anything, *((kind,) for kind in ("null", "int", "double", "string"))),
        _function("uuid", as_uuid, text, ("string",)),
        _function("default", or_default, anything, *((a, b) for a in _JSON for b in _JSON)),
        _function("keys", sorted_keys, _KINDS["list"], ("map",)),
        _function("json", json_text, text, *((kind,) for kind in _JSON)),
        _function("base64", to_base64, text, ("string",)),
        _function("link", link, text, ("map", "string")),
    ]


NAMES = (
    "date",
    "pad_left",
    "lookup",
    "text",
    "number",
    "uuid",
    "default",
    "keys",
    "json",
    "base64",
    "link",
)
"""What the functions are called."""
