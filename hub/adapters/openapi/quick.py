"""
A schema as one quick question: is a value certainly right?

Nearly every request is, and jsonschema takes as long to say so as sending takes. What is asked here are the
usual keywords, with jsonschema's own meaning; a no means "not certain", and jsonschema judges.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hub.adapters.openapi.dialect import Validator
from hub.adapters.openapi.formats import FORMATS

Quick = Callable[[Any], bool]
"""Whether a value is certainly right."""


class _NotQuick(Exception):
    """The schema has a keyword that is left to jsonschema."""


def quick(schema: Mapping[str, Any]) -> Quick | None:
    """The question that a schema of typed values asks; None where it cannot be asked quickly."""
    try:
        return _Questions(schema).all_of(schema)
    except (_NotQuick, re.error):
        return None


class _Questions:
    """The questions of one schema, each made once, so that a schema that holds itself ends."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._made: dict[str, list[Quick]] = {}

    def all_of(self, schema: Any) -> Quick:
        """Raises _NotQuick."""
        if schema is True:
            return lambda value: True
        if not isinstance(schema, Mapping) or "$id" in schema:
            raise _NotQuick
        told = {word: held for word, held in schema.items() if word in Validator.VALIDATORS}
        if not _ASKED.keys() >= told.keys():
            raise _NotQuick
        questions: list[Quick] = [getattr(self, _ASKED[word])(held, schema) for word, held in told.items()]
        match questions:
            case []:
                return lambda value: True
            case [one]:
                return one
        return lambda value: all(question(value) for question in questions)

    def _reference(self, reference: str, _: object) -> Quick:
        if reference not in self._made:
            found: Any = self._root
            if not reference.startswith("#/"):
                raise _NotQuick
            for step in reference[2:].split("/"):
                if "%" in step or not isinstance(found, Mapping):
                    raise _NotQuick
                found = found.get(step.replace("~1", "/").replace("~0", "~"))
            self._made[reference] = made = []
            made.append(self.all_of(found))
        asked = self._made[reference]
        return lambda value: asked[0](value)

    def _kind(self, kinds: str | list[str], _: object) -> Quick:
        is_type, listed = Validator.TYPE_CHECKER.is_type, [kinds] if isinstance(kinds, str) else kinds
        if not _KINDS.issuperset(listed):
            raise _NotQuick
        return lambda value: any(is_type(value, kind) for kind in listed)

    def _members(self, members: Mapping[str, Any], _: object) -> Quick:
        asked = {name: self.all_of(schema) for name, schema in members.items()}
        return lambda value: (
            isinstance(value, dict)
            and all(asked[name](held) for name, held in value.items() if name in asked)
        )

    def _others(self, others: Any, schema: Mapping[str, Any]) -> Quick:
        known = schema.get("properties", {}).keys()
        if others is False:
            return lambda value: isinstance(value, dict) and value.keys() <= known
        asked = self.all_of(others)
        return lambda value: (
            isinstance(value, dict) and all(asked(held) for name, held in value.items() if name not in known)
        )

    def _required(self, names: list[str], _: object) -> Quick:
        wanted = frozenset(names)
        return lambda value: isinstance(value, dict) and wanted <= value.keys()

    def _elements(self, schema: Any, _: object) -> Quick:
        asked = self.all_of(schema)
        return lambda value: isinstance(value, list) and all(map(asked, value))

    def _listed(self, values: list[Any], _: object) -> Quick:
        texts = {one for one in values if isinstance(one, str)}
        return lambda value: isinstance(value, str) and value in texts

    def _pattern(self, pattern: str, _: object) -> Quick:
        compiled = re.compile(pattern)
        return lambda value: isinstance(value, str) and compiled.search(value) is not None

    def _format(self, name: str, _: object) -> Quick:
        return lambda value: FORMATS.conforms(value, name)

    def _least_length(self, least: int, _: object) -> Quick:
        return lambda value: isinstance(value, str) and len(value) >= least

    def _most_length(self, most: int, _: object) -> Quick:
        return lambda value: isinstance(value, str) and len(value) <= most

    def _least_elements(self, least: int, _: object) -> Quick:
        return lambda value: isinstance(value, list) and len(value) >= least

    def _most_elements(self, most: int, _: object) -> Quick:
        return lambda value: isinstance(value, list) and len(value) <= most

    def _least(self, least: float, _: object) -> Quick:
        return lambda value: isinstance(value, int | float) and value >= least

    def _most(self, most: float, _: object) -> Quick:
        return lambda value: isinstance(value, int | float) and value <= most


_KINDS = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
_ASKED = {
    "$ref": "_reference",
    "type": "_kind",
    "properties": "_members",
    "additionalProperties": "_others",
    "required": "_required",
    "items": "_elements",
    "enum": "_listed",
    "pattern": "_pattern",
    "format": "_format",
    "minLength": "_least_length",
    "maxLength": "_most_length",
    "minItems": "_least_elements",
    "maxItems": "_most_elements",
    "minimum": "_least",
    "maximum": "_most",
}
"""Keywords, and what asks about each. Those that the library does not know are passed over, as it does."""
