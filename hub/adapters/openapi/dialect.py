"""JSON Schema 2020-12 as the hub judges by it, in bodies with types and in bodies in which all is text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator, TypeChecker, ValidationError
from jsonschema.validators import extend


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


def written(value: Any) -> Any:
    """Plain data as a form or XML carries it: every single value as text."""
    if isinstance(value, dict):
        return {name: written(one) for name, one in value.items()}
    if isinstance(value, list):
        return [written(one) for one in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray):
        return "file"
    return value if value is None else str(value)


def _enum_of_texts(validator: Any, values: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    if instance not in written(values):
        yield ValidationError("is none of them")


def _const_of_text(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    if instance != written(value):
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
Validator: Any = extend(Draft202012Validator, {"multipleOf": _multiple_of, "required": _required})
ValidatorOfTexts: Any = extend(
    Validator,
    {"enum": _enum_of_texts, "const": _const_of_text, **_BOUNDS},
    type_checker=_TYPES_OF_TEXTS,
)
