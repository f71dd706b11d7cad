"""The quick question to a schema never says yes to what jsonschema turns down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from hub.adapters.openapi import RestContract
from hub.adapters.openapi.dialect import Validator
from hub.adapters.openapi.formats import FORMATS
from hub.adapters.openapi.quick import quick
from tests.adapters.support import FOLDER

KINDS = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
NAMES = st.sampled_from(["a", "b", "c"])
TEXTS = st.sampled_from(["", "a", "ab", "12", "12\n", "2026-03-02", "2026-02-30", "한"])
SINGLE = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 2.5, 2.0**40]) | TEXTS
VALUES = st.recursive(
    SINGLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
KEYWORDS: dict[str, st.SearchStrategy[Any]] = {
    "type": KINDS | st.lists(KINDS, min_size=1, max_size=2, unique=True),
    "enum": st.lists(SINGLE, min_size=1, max_size=4),
    "pattern": st.sampled_from(["^[0-9]+$", "a", "^$", r"^\w+$"]),
    "format": st.sampled_from(["date", "int32", "byte", "unheard-of"]),
    "minLength": st.integers(0, 2),
    "maxLength": st.integers(0, 2),
    "minItems": st.integers(0, 2),
    "maxItems": st.integers(0, 2),
    "minimum": st.sampled_from([-1, 0, 1.5]),
    "maximum": st.sampled_from([-1, 0, 1.5]),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "description": st.just("in words"),
}


def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            **KEYWORDS,
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
        },
    )


PLAIN = st.booleans() | st.fixed_dictionaries({}, optional=KEYWORDS)
REFERRING = st.fixed_dictionaries({"$ref": st.just("#/$defs/0")}, optional=KEYWORDS)
SCHEMAS = st.builds(
    lambda whole, part: {**whole, "$defs": {"0": part}},
    around(PLAIN | around(PLAIN) | REFERRING),
    around(PLAIN),
)


@given(schema=SCHEMAS, value=VALUES)
def test_what_is_certainly_right_is_right(schema: dict[str, Any], value: Any) -> None:
    """A yes spares the validation, so it must never be more than the validation says."""
    asked = quick(schema)
    certain = asked is not None and asked(value)
    event(f"certain: {certain}")
    if certain:
        assert Validator(schema, format_checker=FORMATS).is_valid(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [{"type": "string"}]},
        {"type": "object", "patternProperties": {"^x": False}, "additionalProperties": True},
        {"prefixItems": [{"type": "string"}], "items": True},
        {"properties": {"a": {"not": {}}}},
        {"$ref": "#/$defs/nowhere"},
        {"$id": "urn:elsewhere", "$ref": "#/$defs/0"},
    ],
)
def test_what_cannot_be_asked_quickly_is_not_asked(schema: dict[str, Any]) -> None:
    """One such keyword anywhere leaves the whole to jsonschema."""
    assert quick(schema) is None


@pytest.mark.parametrize("path", sorted((FOLDER / "contracts").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_requests_of_the_contracts_are_asked_quickly(path: Path) -> None:
    """Contracts as agencies write them, or nothing would be gained."""
    contract = RestContract(path, FOLDER)
    for method, place in contract.operations():
        validation = contract.request_validation(contract.body(contract.find(method, place)))
        assert validation is None or validation.is_quick, (method, place)
