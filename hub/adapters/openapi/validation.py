"""A request held against its schema, before it is sent."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, TypeChecker, ValidationError
from jsonschema.validators import extend

from hub.adapters.wire import Misfit, Plain

MOST = 10
"""Violations that are told of one request."""
_LONGEST = 60

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Violation:
    """One place at which a request misses its schema."""

    place: Place
    what: str
    about_value: bool
    """It is about what a value is (pattern, values, length), not about which members there are."""

    def __str__(self) -> str:
        return f"{_path(self.place)} {self.what}"


class Validation:
    """One schema, ready to judge values. For use from several threads."""

    def __init__(self, schema: dict[str, Any], *, texts: bool = False) -> None:
        """`texts` tells of a body in which everything is text, as a form or XML: `5` is a number there."""
        self._texts = texts
        kind = _ValidatorOfTexts if texts else _Validator
        self._validator = kind(schema, format_checker=_FORMATS)

    def insist(self, value: Plain) -> None:
        """Raises Misfit, with every place that misses the schema."""
        if self._validator.is_valid(_written(value) if self._texts else value):
            return
        found = list(self.violations(value))
        words = [str(one) for one in found[:MOST]]
        more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
        raise Misfit("; ".join(dict.fromkeys(words + more)))

    def violations(self, value: Plain) -> Iterator[Violation]:
        """Every place at which a value misses the schema, in the order of the schema."""
        for error in self._validator.iter_errors(_written(value) if self._texts else value):
            yield from _violations(error, ())


def _violations(error: ValidationError, above: Place) -> Iterator[Violation]:
    place = (*above, *error.relative_path)
    word = str(error.validator)
    if word == "anyOf" and error.context:
        yield _alternatives(error, place)
    elif word == "required":
        missing = (*place, str(error.validator_value))
        yield Violation(missing, "is required by the contract and missing", about_value=False)
    elif word in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown(error, place)
    else:
        yield Violation(place, _words(error), about_value=word in _ABOUT_VALUES)


_ABOUT_VALUES = {
    "enum",
    "const",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "not",
    "minProperties",
    "maxProperties",
}


def _unknown(error: ValidationError, place: Place) -> Iterator[Violation]:
    schema = error.schema if isinstance(error.schema, dict) else {}
    known = schema.get("properties", {})
    patterns = schema.get("patternProperties", {})
    names = [
        name
        for name in error.instance
        if name not in known and not any(re.search(pattern, name) for pattern in patterns)
    ]
    if error.validator == "unevaluatedProperties":
        names = [name for name in names if repr(name) in error.message] or names
    words = f"; it knows {', '.join(known)}" if known else ""
    for name in names:
        yield Violation((*place, name), f"is not in the contract{words}", about_value=False)


def _alternatives(error: ValidationError, place: Place) -> Violation:
    branches: dict[int, list[Violation]] = {}
    for inner in error.context or ():
        branch = inner.relative_schema_path[0]
        branches.setdefault(int(branch), []).extend(_violations(inner, place))
    # The alternative that was meant is the one in which the fault lies deepest, and has fewest beside it.
    nearest = min(branches.values(), key=lambda found: (-min(len(one.place) for one in found), len(found)))
    certain = all(any(not one.about_value for one in found) for found in branches.values())
    told = "; ".join(str(one) for one in nearest[:3])
    if len(branches) == 1:
        return Violation(nearest[0].place, nearest[0].what, about_value=not certain)
    return Violation(
        place, f"is none of {len(branches)} alternatives; of the nearest, {told}", about_value=not certain
    )


_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _words(error: ValidationError) -> str:
    held, limit = _held(error.instance), error.validator_value
    match str(error.validator):
        case "type":
            kinds = limit if isinstance(limit, list) else [limit]
            wanted = " or ".join(_TYPES.get(str(kind), str(kind)) for kind in kinds)
            return f"is {held}; the contract wants {wanted}"
        case "enum":
            return f"is {held}; the contract allows {', '.join(map(_held, limit))}"
        case "const":
            return f"is {held}; the contract allows {_held(limit)}"
        case "pattern":
            return f"is {held}, which does not match {limit}"
        case "format":
            return f"is {held}, which is no {limit}"
        case "minLength" | "maxLength" as word:
            size = len(error.instance)
            return f"has {size} characters; the contract wants at {_least(word)} {limit}"
        case "minItems" | "maxItems" as word:
            return f"has {len(error.instance)} elements; the contract wants at {_least(word)} {limit}"
        case "minProperties" | "maxProperties" as word:
            return f"has {len(error.instance)} members; the contract wants at {_least(word)} {limit}"
        case "minimum" | "maximum" as word:
            return f"is {held}; the contract wants at {_least(word)} {limit}"
        case "exclusiveMinimum":
            return f"is {held}; the contract wants more than {limit}"
        case "exclusiveMaximum":
            return f"is {held}; the contract wants less than {limit}"
        case "multipleOf":
            return f"is {held}; the contract wants a multiple of {limit}"
        case "uniqueItems":
            return "holds the same element twice"
        case "not":
            return f"is {held}, which the contract rules out"
        case word:
            return f"is {held}, which does not go with `{word}` of the contract"


def _least(word: str) -> str:
    return "least" if word.startswith("min") else "most"


def _held(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = {True: "true", False: "false", None: "null"}.get(value) if _is_word(value) else repr(value)
    text = str(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _path(place: Place) -> str:
    words = "$"
    for step in place:
        words += f"[{step}]" if isinstance(step, int) else f".{step}"
    return words


# --- what jsonschema leaves to its users ------------------------------------------------------------------


def _multiple_of(validator: Any, factor: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    # In binary fractions 890.1 is no multiple of 0.01.
    if validator.is_type(instance, "number") and Decimal(str(instance)) % Decimal(str(factor)):
        yield ValidationError("is no multiple")


def _numeric(check: Callable[[str], object]) -> Callable[[str], bool]:
    def does(text: str) -> bool:
        try:
            check(text)
        except (ValueError, InvalidOperation):
            return False
        return True

    return does


_is_whole, _is_decimal = _numeric(int), _numeric(Decimal)


def _required(validator: Any, names: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    if validator.is_type(instance, "object"):
        for name in names:
            if name not in instance:
                yield ValidationError("is missing", validator_value=name)


def _bound(does_fit: Callable[[Decimal, Decimal], bool]) -> Callable[..., Iterable[ValidationError]]:
    def check(validator: Any, limit: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
        if validator.is_type(instance, "number") and not does_fit(
            Decimal(str(instance)), Decimal(str(limit))
        ):
            yield ValidationError("is beyond the limit")

    return check


def _written(value: Any) -> Any:
    """Plain data as a form or XML carries it: every single value as text."""
    if isinstance(value, dict):
        return {name: _written(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_written(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray):
        return "file"
    return value if value is None else str(value)


def _enum_of_texts(validator: Any, values: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    if instance not in _written(values):
        yield ValidationError("is none of them")


def _const_of_text(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    if instance != _written(value):
        yield ValidationError("is another")


_TYPES_OF_TEXTS: TypeChecker = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, str) and _is_whole(value),
        "number": lambda _, value: isinstance(value, str) and _is_decimal(value),
        "boolean": lambda _, value: value in ("true", "false"),
    }
)

_BOUNDS = {
    "minimum": _bound(lambda value, limit: value >= limit),
    "maximum": _bound(lambda value, limit: value <= limit),
    "exclusiveMinimum": _bound(lambda value, limit: value > limit),
    "exclusiveMaximum": _bound(lambda value, limit: value < limit),
    "multipleOf": _multiple_of,
}
_Validator: Any = extend(Draft202012Validator, {"multipleOf": _multiple_of, "required": _required})
_ValidatorOfTexts: Any = extend(
    _Validator,
    {"enum": _enum_of_texts, "const": _const_of_text, **_BOUNDS},
    type_checker=_TYPES_OF_TEXTS,
)

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)?")
_FORMATS = FormatChecker(formats=())


def _format(name: str) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    def keep(check: Callable[[str], object]) -> Callable[[str], object]:
        def is_right(value: object) -> bool:
            if not isinstance(value, str):
                return True
            return check(value) is not False

        _FORMATS.checks(name, raises=(ValueError, binascii.Error))(is_right)
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


_FORMATS.checks("int32")(_within(32))
_FORMATS.checks("int64")(_within(64))
