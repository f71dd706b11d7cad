"""The formats of JSON Schema and OpenAPI that are cheap to check."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime

from jsonschema import FormatChecker

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")
FORMATS = FormatChecker(formats=())


def _format(name: str) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def keep(check: Callable[[str], object]) -> Callable[[str], object]:
        def is_right(value: object) -> bool:
            if not isinstance(value, str):
                return True
            return check(value) is not False

        FORMATS.checks(name, raises=(ValueError, binascii.Error))(is_right)
        return check

    return keep


@_format("date")
def _is_date(text: str) -> object:
    return len(text) == 10 and date.fromisoformat(text)


@_format("date-time")
def _is_date_time(text: str) -> object:
    """RFC 3339; the offset may be missing, as agencies that write local time leave it out."""
    return _DATE_TIME.fullmatch(text) is not None and datetime.fromisoformat(text)


@_format("uuid")
def _is_uuid(text: str) -> object:
    return len(text) == 36 and uuid.UUID(text)


@_format("byte")
def _is_base64(text: str) -> object:
    return base64.b64decode("".join(text.split()), validate=True)


@_format("ipv4")
def _is_ipv4(text: str) -> object:
    return ipaddress.IPv4Address(text)


@_format("ipv6")
def _is_ipv6(text: str) -> object:
    return ipaddress.IPv6Address(text)


@_format("email")
def _is_email(text: str) -> object:
    return "@" in text.strip("@")


def _within(bits: int) -> Callable[[object], bool]:
    limit = 2 ** (bits - 1)
    return lambda value: not isinstance(value, int) or -limit <= value < limit


FORMATS.checks("int32")(_within(32))
FORMATS.checks("int64")(_within(64))
