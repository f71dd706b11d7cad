"""From the model's own complaints to faults that a declarant can act on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from hub.api.json_body import is_of_this_world, pointer
from hub.domain.catalogue import Catalogue
from hub.domain.declaration import AttributeValue, ExemptionClaim
from hub.domain.intake import Fault, item_faults
from hub.domain.model import HsCode

K = TypeVar("K")
T = TypeVar("T")

NOT_AN_INSTANT = "must be an instant with an offset, as 2026-11-22T09:00:00+09:00 (RFC 3339)"

_WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a member of this object",
    "string_type": "must be a text",
    "string_unicode": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "decimal_type": "must be a number, or a text that holds one",
    "decimal_parsing": "must be a number, or a text that holds one",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "finite_number": "must be a finite number",
    "timezone_aware": NOT_AN_INSTANT,
    "datetime_type": NOT_AN_INSTANT,
    "datetime_parsing": NOT_AN_INSTANT,
    "datetime_from_date_parsing": NOT_AN_INSTANT,
}


def faults_of(error: ValidationError, data: Any) -> list[Fault]:
    """
    One fault for each place in `data` that does not fit, with all that is wrong there.

    A value that may be of several types is complained of once for each; its place is the same.
    """
    words: dict[str, list[str]] = {}
    for complaint in error.errors(include_url=False, include_input=False):
        if complaint["type"] == "too_short" and _at(complaint["loc"], data):
            # Its members do not fit, which has been complained of for each of them.
            continue
        place = pointer(*_within(complaint["loc"], data, missing=complaint["type"] == "missing"))
        said = words.setdefault(place, [])
        text = _in_words(complaint["type"], complaint["msg"], complaint.get("ctx", {}))
        if text not in said:
            said.append(text)
    return [Fault(place, "; or ".join(said)) for place, said in words.items()]


def _at(loc: Sequence[str | int], data: Any) -> Any:
    for step in loc:
        data = data[step]
    return data


def _within(loc: Sequence[str | int], data: Any, *, missing: bool) -> list[str | int]:
    """The part of a complaint's location that exists in the data; the rest names alternatives of a type."""
    place: list[str | int] = []
    for step in loc:
        exists = (
            step in data
            if isinstance(data, dict)
            else isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if not exists:
            if missing and len(place) == len(loc) - 1:
                place.append(step)
            break
        place.append(step)
        data = data[step]
    return place


def _in_words(kind: str, message: str, context: dict[str, Any]) -> str:
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "string_pattern_mismatch":
        return f"must match {context['pattern']}"
    if kind == "string_too_long":
        return f"may have at most {context['max_length']} characters"
    if kind == "string_too_short":
        return "may not be empty"
    if kind == "too_short":
        return "may not be empty"
    if kind == "too_long":
        return f"may have at most {context['max_length']} members"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return message


def faults_of_sound_parts(data: Any, catalogue: Catalogue) -> list[Fault]:
    """
    What the catalogue knows to be wrong with those codes, attributes and claims that are well-formed, in a
    declaration that is not: so that the declarant is told everything at once.
    """
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        return []
    return [
        fault
        for index, raw in enumerate(items)
        if isinstance(raw, dict)
        for fault in item_faults(
            f"/items/{index}",
            _sound(_HS_CODE, [("hs_code", raw.get("hs_code"))]).get("hs_code"),
            _sound(_ATTRIBUTE, _named(raw.get("attributes"))),
            _sound(_CLAIM, _numbered(raw.get("exemptions"))),
            catalogue,
        )
    ]


_ATTRIBUTE: TypeAdapter[AttributeValue] = TypeAdapter(AttributeValue)
_CLAIM = TypeAdapter(ExemptionClaim)
_HS_CODE: TypeAdapter[str] = TypeAdapter(HsCode)


def _sound(kind: TypeAdapter[T], members: Iterable[tuple[K, Any]]) -> dict[K, T]:
    """The members that are well-formed; the others have been complained of already."""
    sound: dict[K, T] = {}
    for key, value in members:
        with suppress(ValidationError):
            sound[key] = kind.validate_python(value)
    return sound


def _named(raw: Any) -> Iterable[tuple[str, Any]]:
    return raw.items() if isinstance(raw, dict) else ()


def _numbered(raw: Any) -> Iterable[tuple[int, Any]]:
    return enumerate(raw) if isinstance(raw, list) else ()


# XML 1.0 Char (section 2.2): an agency that is asked in XML could not be sent anything else.
_OUTSIDE_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _named_character(found: re.Match[str]) -> str:
    return f"U+{ord(found[0]):04X}"


def unstorable(value: Any) -> list[Fault]:
    """What no store or reader downstream can be trusted with: control characters and absurd magnitudes."""
    texts: list[str] = []
    # All texts are looked at in one go, in a third of the time: there is hardly ever a fault to place.
    if _gathered(value, texts) and not _OUTSIDE_XML.search("".join(texts)):
        return []
    return _unstorable(value, "")


def _gathered(value: Any, texts: list[str]) -> bool:
    """Gather every text, names of members too; whether every number is of this world."""
    if isinstance(value, str):
        texts.append(value)
    elif isinstance(value, Decimal):
        return is_of_this_world(value)
    elif isinstance(value, dict):
        texts.extend(value)
        return all(_gathered(member, texts) for member in value.values() if member)
    elif isinstance(value, (list, tuple)):
        return all(_gathered(member, texts) for member in value)
    return True


def _unstorable(value: Any, place: str) -> list[Fault]:
    if isinstance(value, str):
        found = _OUTSIDE_XML.search(value)
        return [Fault(place, f"may not contain the character {_named_character(found)}")] if found else []
    if isinstance(value, Decimal):
        return [] if is_of_this_world(value) else [Fault(place, "is beyond what can be declared")]
    faults: list[Fault] = []
    if isinstance(value, dict):
        for key, member in value.items():
            found = _OUTSIDE_XML.search(key)
            if found:
                character = _named_character(found)
                faults.append(Fault(place, f"may not contain the character {character} in a name"))
            elif member:
                faults += _unstorable(member, place + pointer(key))
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            faults += _unstorable(member, f"{place}/{index}")
    return faults
