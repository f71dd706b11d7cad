"""Trees and paths with expressions in them."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.expressions import ExpressionFailed, PathTemplate, TreeFaults, TreeTemplate

ROOTS = frozenset({"referral", "items"})
CONTEXT = {"referral": {"id": "26KR1/apqa plant"}, "items": [{"number": 1}, {"number": 2}]}

plain_trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text().filter(lambda text: not text.startswith("=")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def test_leaves_that_begin_with_an_equals_sign_are_filled() -> None:
    """Expressions are replaced by their values wherever they stand; the rest stands for itself."""
    tree = {
        "No": "=referral.id",
        "Lines": {"Line": '=items.map(i, {"No": i.number})'},
        "Fixed": ["A", 1, True, None],
        "Formula": "==SUM(A1)",
    }
    assert TreeTemplate(tree, ROOTS).fill(CONTEXT) == {
        "No": "26KR1/apqa plant",
        "Lines": {"Line": [{"No": 1}, {"No": 2}]},
        "Fixed": ["A", 1, True, None],
        "Formula": "=SUM(A1)",
    }


@given(plain_trees)
def test_a_tree_without_expressions_fills_to_itself(tree: object) -> None:
    """Filling changes nothing but expressions."""
    assert TreeTemplate(tree, ROOTS).fill({}) == tree


@given(st.text())
def test_any_text_can_be_written_literally(text: str) -> None:
    """A second equals sign escapes the first, so that no text is out of reach."""
    escaped = "=" + text if text.startswith("=") else text
    assert TreeTemplate([escaped], ROOTS).fill({}) == [text]


def test_every_fault_of_a_tree_is_told_with_its_key() -> None:
    """All leaves are compiled before anything is said."""
    with pytest.raises(TreeFaults) as caught:
        TreeTemplate({"A": "=referal.id", "B": [1, {"C": "=items."}], "D": "=referral.id"}, ROOTS)
    assert [(key, fault.message) for key, fault in caught.value.faults] == [
        (("A",), "there is no 'referal' here"),
        (("B", 1, "C"), "'.' is not expected here"),
    ]


def test_a_leaf_that_fails_is_named() -> None:
    """A failure says which leaf of the request it was."""
    with pytest.raises(ExpressionFailed, match=r"A\.0: referral\.nope: no key \"nope\"") as caught:
        TreeTemplate({"A": ["=referral.nope"]}, ROOTS).fill(CONTEXT)
    assert caught.value.key == ("A", 0)


@pytest.mark.parametrize(
    ("path", "filled"),
    [
        ("/v1/applications", "/v1/applications"),
        ("/v1/{referral.id}/lines/{items[0].number}", "/v1/26KR1%2Fapqa%20plant/lines/1"),
        ('/v1/{ {"}": "ok"}["}"] }', "/v1/ok"),
        ("/v1/x-{items.size()}-y", "/v1/x-2-y"),
    ],
)
def test_a_path_is_filled(path: str, filled: str) -> None:
    """Values take their place in the path, expressions with braces of their own among them."""
    assert PathTemplate(path, ROOTS).fill(CONTEXT) == filled


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_value_stays_in_its_segment(value: str) -> None:
    """Whatever the value, the path keeps its segments, and the value can be read back from its own."""
    template = PathTemplate("/v1/{referral}/decision", frozenset({"referral"}))
    if value in (".", ".."):
        with pytest.raises(ExpressionFailed, match="segment of dots"):
            template.fill({"referral": value})
        return
    before, segment, after = template.fill({"referral": value}).removeprefix("/").split("/")
    assert (before, unquote(segment), after) == ("v1", value, "decision")


@pytest.mark.parametrize("value", ["", None, [1], {"a": 1}])
def test_what_is_no_segment_cannot_stand_in_a_path(value: object) -> None:
    """An empty or structured value would address something else: it fails instead."""
    with pytest.raises(ExpressionFailed):
        PathTemplate("/v1/{referral}", frozenset({"referral"})).fill({"referral": value})


def test_faults_of_a_path_count_columns_in_the_path() -> None:
    """Every wrong part of a path is told, where it stands in the path."""
    with pytest.raises(TreeFaults) as caught:
        PathTemplate("/v1/{referal.id}/{items.}/{", ROOTS)
    assert sorted(fault.column for _, fault in caught.value.faults) == [6, 25, 27]
