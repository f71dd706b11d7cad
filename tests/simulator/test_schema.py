"""The simulator's own checker of schemas agrees with an independent one."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from ruamel.yaml import YAML

from hub.simulator.schema import SchemaNotKnown, compile_schema
from tests.simulator import support
from tests.simulator.support import FOLDER, new_mrn

SAMPLES = {
    "rest-immediate": ("Review", support.immediate),
    "rest-ticket": ("Application", support.ticket),
    "rest-callback": ("Submission", support.box),
    "rest-labs": ("Check", support.check),
    "rest-feed": ("Request", support.register),
}
OTHER = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 99999),
    st.text("0123456789abcKGM.", max_size=14),
    st.just([]),
    st.just({}),
)


@cache
def _document(contract: str) -> Any:
    return YAML(typ="safe").load((FOLDER / "contracts" / f"{contract}.yaml").read_text())


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _places(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += _places(inner, (*at, index))
    return found


@given(data=st.data(), contract=st.sampled_from(sorted(SAMPLES)))
def test_both_checkers_accept_the_same_requests(data: st.DataObject, contract: str) -> None:
    """A sample with one place changed, dropped or added is accepted by both or by neither."""
    name, sample = SAMPLES[contract]
    value = copy.deepcopy(sample(new_mrn()))
    place = data.draw(st.sampled_from(_places(value)))
    holder = value
    for step in place[:-1]:
        holder = holder[step]
    change = data.draw(st.sampled_from(["none", "drop", "other", "add"]))
    if change == "drop":
        del holder[place[-1]]
    elif change == "other":
        holder[place[-1]] = data.draw(OTHER)
    elif change == "add" and isinstance(holder, dict):
        holder["surplus"] = data.draw(OTHER)
    document = _document(contract)
    reference = {"$ref": f"#/components/schemas/{name}"}
    ours = list(compile_schema(reference, document)(value, ""))
    theirs = list(OAS30Validator({**reference, "components": document["components"]}).iter_errors(value))
    assert bool(ours) == bool(theirs), (ours, theirs)


@pytest.mark.parametrize("schema", [{"oneOf": []}, {"type": "null"}, {"type": "string", "format": "byte"}])
def test_a_keyword_it_does_not_know_is_an_error(schema: dict[str, Any]) -> None:
    """Nothing is believed checked that is not."""
    with pytest.raises(SchemaNotKnown):
        compile_schema(schema, {})
