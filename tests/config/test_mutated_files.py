"""Whatever stands in a file, loading ends in a configuration or in faults."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.config.loader import ConfigurationFaults
from hub.config.yaml import read
from tests.config.test_policy import POLICY, RISK

NAMES = (
    "agencies/plants.yaml",
    "agencies/labs.yaml",
    "attributes.yaml",
    "lists.yaml",
    "exemptions.yaml",
    "calendar.yaml",
    "policy.yaml",
    "risk.yaml",
)
SNIPPETS = (
    *(
        "\n",
        "\t",
        " ",
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        "#",
        "&a",
        "*a",
        "!x ",
        "<<: ",
        "---\n",
    ),
    *(
        "? ",
        "| ",
        "> ",
        "%",
        "~",
        "null",
        "true",
        "06",
        "1e9",
        ".inf",
        "0x1F",
        "=",
        "==",
        "=reply.",
        "env:",
        "\0",
    ),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([*SNIPPETS, "env:X", "=reply.a", "1d", "9" * 5000 + "d", "soap", "0601", "\ud800"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def loads_or_has_faults(folder: Any, name: str, content: bytes) -> None:
    path = folder.path / name
    original = path.read_bytes()
    path.write_bytes(content)
    try:
        faults = folder.faults()
    finally:
        path.write_bytes(original)
    assert all(fault.what and fault.line >= 1 for fault in faults)
    assert str(ConfigurationFaults(faults))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, folder_class: Any) -> Any:
    folder = folder_class(tmp_path_factory.mktemp("mutated"))
    folder.write("policy.yaml", POLICY)
    folder.write("risk.yaml", RISK)
    return folder


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_text_is_cut_and_pasted(shared: Any, data: st.DataObject) -> None:
    """Pieces cut out, doubled and put in where they do not belong."""
    name = data.draw(st.sampled_from(NAMES))
    text = shared.text(name)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        put_in = data.draw(
            st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=5), st.just(text[start:end] * 2))
        )
        text = text[:start] + put_in + text[end:]
    loads_or_has_faults(shared, name, text.encode("utf-8", "surrogatepass"))


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_values_are_exchanged(shared: Any, data: st.DataObject) -> None:
    """Any value anywhere in the tree becomes any other, or goes."""
    name = data.draw(st.sampled_from(NAMES))
    tree = read(shared.text(name).encode()).data
    for _ in range(data.draw(st.integers(1, 3))):
        part = tree
        while part:
            places = sorted(part) if isinstance(part, dict) else range(len(part))
            place = data.draw(st.sampled_from(list(places)))
            if isinstance(part[place], dict | list) and part[place] and data.draw(st.booleans()):
                part = part[place]
                continue
            if isinstance(part, dict) and data.draw(st.booleans()):
                part[
                    data.draw(st.one_of(st.text(max_size=5), st.sampled_from(["in", "item", "en", "06"])))
                ] = part.pop(place)
            else:
                part[place] = data.draw(VALUES)
            break
    # JSON is YAML, but for its infinities, which are read as text.
    loads_or_has_faults(shared, name, json.dumps(tree).encode())


@given(st.binary(max_size=200))
@settings(max_examples=150)
def test_any_bytes_are_read_or_at_fault(content: bytes) -> None:
    """Reading raises nothing, whatever the bytes."""
    document = read(content)
    assert document.data is not None or document.faults or content


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_depth_is_bounded(bracket: str) -> None:
    """A file nested out of reason is a fault."""
    assert read((bracket * 3000).encode()).faults


def test_a_large_file_is_refused() -> None:
    """What is too large is not parsed at all."""
    (fault,) = read(b"a: b\n" * 250_000).faults
    assert "larger than" in fault.what
