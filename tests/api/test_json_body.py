import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.api.body import Unreadable
from hub.api.json_body import MAX_DEPTH, pointer, read_json


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": {"b": [{"c": 1, "c": 1}]}}', "stands twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[-Infinity]", "-Infinity is not a JSON number"),
        (b"[1e400]", "beyond what can be declared"),
        (b"[" + b"9" * 200 + b"]", "a number of 200 characters"),
        (b"[" * 40 + b"]" * 40, "nested more than"),
        (b"[" + b"," * 1_000_001 + b"]", "members"),
        (b'["' + b"[" * 100_000, "line 1"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"", "line 1"),
        (b'{"a": 1} x', "Extra data"),
        (b"{'a': 1}", "line 1"),
    ],
)
def test_json_that_readers_may_differ_about_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_json(body)


def test_brackets_inside_texts_are_no_nesting() -> None:
    text = "[" * (MAX_DEPTH * 2) + '\\" ['
    assert read_json(json.dumps({"a": text}).encode()) == {"a": text}


def test_numbers_stay_exactly_as_written() -> None:
    assert read_json(b"[1.10, 0.1234567890123456789012]") == [
        Decimal("1.10"),
        Decimal("0.1234567890123456789012"),
    ]


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_json(b"\xef\xbb\xbf[]") == []


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    """Nothing but Unreadable leaves the reader."""
    with contextlib.suppress(Unreadable):
        read_json(body)


_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(_values)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert read_json(json.dumps(value).encode()) == value


def test_pointers_escape_as_rfc_6901_says() -> None:
    assert pointer("a/b", 0, "m~n") == "/a~1b/0/m~0n"
