"""
The part of JSON Schema that OpenAPI 3.0 documents of this size use, compiled into checks.

A keyword that is not known is an error when the document is read, so that nothing is believed checked that is
not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any, str], Iterator[str]]
"""Given a value and where it stands, every fault found in it."""

_KNOWN = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "format",
    "allOf",
    "description",
    "xml",
    "$ref",
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


class SchemaNotKnown(ValueError):
    """A schema that uses more than this checker knows."""


def compile_schema(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Check:
    """The check of a schema; `$ref` leads into `root`. Raises SchemaNotKnown."""
    schema = resolve(schema, root)
    unknown = schema.keys() - _KNOWN
    if unknown:
        raise SchemaNotKnown(f"this checker does not know {', '.join(sorted(unknown))}")
    checks = [*(compile_schema(part, root) for part in schema.get("allOf", ()))]
    kind = schema.get("type")
    if kind is not None and kind not in _TYPES:
        raise SchemaNotKnown(f"this checker does not know the type {kind}")
    scalar = _scalar(schema)
    members = {name: compile_schema(part, root) for name, part in schema.get("properties", {}).items()}
    required = tuple(schema.get("required", ()))
    closed = schema.get("additionalProperties", True) is False
    items = compile_schema(schema["items"], root) if "items" in schema else None
    least = schema.get("minItems", 0)

    def check(value: Any, at: str) -> Iterator[str]:
        for part in checks:
            yield from part(value, at)
        if kind is not None and not _is(value, kind):
            yield f"{at or '/'} is not a{'n' if kind[0] in 'aeio' else ''} {kind}"
            return
        if isinstance(value, dict):
            for name in required:
                if name not in value:
                    yield f"{at}/{name} is missing"
            for name, inner in value.items():
                if name in members:
                    yield from members[name](inner, f"{at}/{name}")
                elif closed:
                    yield f"{at}/{name} is not known"
        elif isinstance(value, list):
            if len(value) < least:
                yield f"{at} has fewer than {least}"
            if items is not None:
                for index, inner in enumerate(value):
                    yield from items(inner, f"{at}/{index}")
        else:
            yield from scalar(value, at)

    return check


def resolve(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` inside the document leads to; anything else stands for itself. Raises SchemaNotKnown."""
    while "$ref" in part:
        reference: str = part["$ref"]
        if not reference.startswith("#/"):
            raise SchemaNotKnown(f"{reference} is not inside the document")
        part = root
        for step in reference[2:].split("/"):
            part = part[step]
    return part


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _scalar(schema: Mapping[str, Any]) -> Check:
    pattern = re.compile(schema["pattern"]) if "pattern" in schema else None
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    least, most = schema.get("minimum"), schema.get("maximum")
    words = schema.get("enum")
    form = schema.get("format")
    if form not in (None, "date-time"):
        raise SchemaNotKnown(f"this checker does not know the format {form}")

    def check(value: Any, at: str) -> Iterator[str]:
        if words is not None and value not in words:
            yield f"{at} is not one of {', '.join(map(str, words))}"
        if isinstance(value, str):
            if pattern is not None and not pattern.search(value):
                yield f"{at} does not fit {pattern.pattern}"
            if len(value) < shortest:
                yield f"{at} is shorter than {shortest}"
            if longest is not None and len(value) > longest:
                yield f"{at} is longer than {longest}"
            if form == "date-time" and not _is_moment(value):
                yield f"{at} is not a date-time"
        elif isinstance(value, (int, float)):
            if least is not None and value < least:
                yield f"{at} is less than {least}"
            if most is not None and value > most:
                yield f"{at} is more than {most}"

    return check


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
