"""A request held against its schema, before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from jsonschema import ValidationError

from hub.adapters.openapi.dialect import Validator, ValidatorOfTexts, written
from hub.adapters.openapi.formats import FORMATS
from hub.adapters.openapi.quick import quick
from hub.adapters.wire import Misfit, Plain
from hub.domain.shortening import cut

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
    conditional: bool = False
    """It counts because of another value (`if`, a discriminator)."""

    def __str__(self) -> str:
        return f"{_path(self.place)} {self.what}"


class Validation:
    """One schema, ready to judge values. For use from several threads."""

    def __init__(self, schema: dict[str, Any], *, texts: bool = False) -> None:
        """`texts` tells of a body in which everything is text, as a form or XML: `5` is a number there."""
        self._texts = texts
        self._schema = schema
        kind = ValidatorOfTexts if texts else Validator
        self._validator = kind(schema, format_checker=FORMATS)
        self._quick = None if texts else quick(schema)

    @property
    def is_quick(self) -> bool:
        """Whether what is certainly right is told without jsonschema."""
        return self._quick is not None

    @property
    def wants_list(self) -> bool:
        """Whether the schema itself says that it is a list."""
        kind = self._schema.get("type")
        return "array" in kind if isinstance(kind, list) else kind == "array"

    def fits(self, value: Plain) -> bool:
        """Whether the value is as the schema has it: the quick answer, without the places."""
        if self._quick is not None and self._quick(value):
            return True
        valid: bool = self._validator.is_valid(written(value) if self._texts else value)
        return valid

    def insist(self, value: Plain) -> None:
        """Raises Misfit, with every place that misses the schema."""
        if self.fits(value):
            return
        found = list(self.violations(value))
        words = [str(one) for one in found[:MOST]]
        more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
        raise Misfit("; ".join(dict.fromkeys(words + more)))

    def violations(self, value: Plain) -> Iterator[Violation]:
        """Every place at which a value misses the schema, in the order of the schema."""
        for error in self._validator.iter_errors(written(value) if self._texts else value):
            for one in _violations(error, ()):
                # Where all is text, a text that is no number is a matter of its value.
                typed = self._texts and error.validator == "type" and isinstance(error.instance, str)
                conditional = bool({"then", "else"} & set(error.absolute_schema_path))
                yield replace(one, about_value=one.about_value or typed, conditional=conditional)


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
    return cut(str(text), _LONGEST)


def _is_word(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _path(place: Place) -> str:
    words = "$"
    for step in place:
        words += f"[{step}]" if isinstance(step, int) else f".{step}"
    return words
