"""Values as WCO documents write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from lxml import etree

from hub.api.wco.node import Node

MUTUALLY_DEFINED = "ZZ"
"""
UN/ECE Recommendation 20: the unit the parties have agreed upon.

A TariffQuantity without unitCode is in the supplementary unit that the tariff prescribes for the commodity.
"""

_DECIMAL = re.compile(r"[+-]?([0-9]{1,24}(\.[0-9]{0,24})?|\.[0-9]{1,24})")

_KILOGRAMS: Mapping[str, Decimal] = {
    "KGM": Decimal(1),
    "TNE": Decimal(1000),
    "DTN": Decimal(100),
    "GRM": Decimal("0.001"),
    "MGM": Decimal("0.000001"),
    "LBR": Decimal("0.45359237"),
    "ONZ": Decimal("0.028349523125"),
}
"""UN/ECE Recommendation 20 units of mass."""


class Misread(ValueError):
    """The text is not a value of its kind; the message says what it should be."""


def decimal_of(node: Node) -> Decimal:
    """xs:decimal. Raises Misread."""
    if not _DECIMAL.fullmatch(node.text):
        raise Misread(f"{node.text[:40]!r} is not a decimal number")
    return Decimal(node.text)


def whole_of(node: Node) -> int:
    """A whole number, also when written with zeros behind the point. Raises Misread."""
    number = decimal_of(node)
    if number != number.to_integral_value():
        raise Misread(f"{node.text[:40]!r} is not a whole number")
    return int(number)


def unit_of(node: Node) -> str | None:
    """
    The unitCode without a qualifier: TARIC writes `KGM#G` for kilograms, gross.
    """
    code = node.attribute("unitCode")
    return code.partition("#")[0].upper() if code else None


def kilograms_of(node: Node) -> Decimal:
    """A mass in kilograms; without a unitCode it is in kilograms already. Raises Misread."""
    unit = unit_of(node) or "KGM"
    if unit not in _KILOGRAMS:
        raise Misread(f"{unit[:20]!r} is not a unit of mass that is read; use {', '.join(_KILOGRAMS)}")
    return decimal_of(node) * _KILOGRAMS[unit]


def measure_of(node: Node) -> dict[str, Any]:
    """A quantity with its unit. Raises Misread."""
    return {"value": decimal_of(node), "unit": unit_of(node) or MUTUALLY_DEFINED}


def money_of(node: Node) -> dict[str, Any]:
    """An amount with its currencyID. Raises Misread."""
    currency = node.attribute("currencyID")
    if currency is None:
        raise Misread("the amount has no currencyID")
    return {"amount": decimal_of(node), "currency": currency}


_FORMATS: Mapping[str, tuple[str, str]] = {
    "102": ("%Y%m%d", "CCYYMMDD"),
    "203": ("%Y%m%d%H%M", "CCYYMMDDHHMM"),
    "204": ("%Y%m%d%H%M%S", "CCYYMMDDHHMMSS"),
    "205": ("%Y%m%d%H%M", "CCYYMMDDHHMMZHHMM"),
    "303": ("%Y%m%d%H%M", "CCYYMMDDHHMMZZZ"),
    "304": ("%Y%m%d%H%M%S", "CCYYMMDDHHMMSSZZZ"),
}
"""UN/EDIFACT 2379."""

_OFFSET = re.compile(r"(?P<local>[0-9]+)(?P<zone>[Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?")


def instant_of(node: Node, zone: ZoneInfo) -> datetime:
    """
    An instant: a DateTimeString with its formatCode (UN/EDIFACT 2379), or RFC 3339 text.

    A date is its first moment; where no offset is written it is local to `zone`. Raises Misread.
    """
    written = next((Node(e) for e in node.element.iterchildren("{*}DateTimeString")), None)
    if written is None:
        written = next((Node(e) for e in node.element.iterchildren(etree.Element)), node)
    code = written.attribute("formatCode")
    try:
        moment = _coded(written.text, code, zone) if code else _plain(written.text, zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Misread):
            raise
        raise Misread(f"{written.text[:40]!r} is not a date that exists") from error


def _coded(text: str, code: str, zone: ZoneInfo) -> datetime:
    if code not in _FORMATS:
        raise Misread(f"formatCode {code[:10]!r} is not read; use {', '.join(_FORMATS)}")
    pattern, shape = _FORMATS[code]
    found = _OFFSET.fullmatch(text)
    if not found or len(found["local"]) != len(datetime(2000, 1, 1).strftime(pattern)):  # noqa: DTZ001
        raise Misread(f"{text[:40]!r} does not have the form {shape} of formatCode {code}")
    moment = datetime.strptime(found["local"], pattern)  # noqa: DTZ007 the zone follows
    return moment.replace(tzinfo=_zone_of(found["zone"], zone))


def _plain(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misread(f"{text[:40]!r} is neither RFC 3339 nor has it a formatCode") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _zone_of(written: str | None, zone: ZoneInfo) -> timezone | ZoneInfo:
    if written is None:
        return zone
    if written in "Zz":
        return UTC
    digits = written[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if written[0] == "-" else offset)
