"""A declaration that is amended while it is under way."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.domain.errands import errands
from hub.domain.exchange import Asked
from hub.domain.life import replayed
from tests.domain.small_world import READABLE, Agency, World, lodged, standing_of

ATTRIBUTES = st.fixed_dictionaries({"a": st.booleans(), "b": st.booleans()})
ITEMS = st.fixed_dictionaries(
    {
        "origin": st.sampled_from(["AA", "BB", "YY", "RR"]),
        "net_mass_kg": st.integers(1, 3),
        "description": st.sampled_from(["cut", "whole"]),
        "attributes": ATTRIBUTES,
        # Not in the table of any service.
        "hs_code": st.sampled_from(["010101", "010101", "020202"]),
    }
)
HISTORIES = st.lists(st.lists(ITEMS, min_size=1, max_size=3), min_size=2, max_size=4)


@st.composite
def agencies(draw: st.DrawFn) -> list[Agency]:
    return [
        Agency(
            service=f"{name}-import",
            needed_for=draw(st.sampled_from([None, "a", "b"])),
            reads=draw(st.frozensets(st.sampled_from(READABLE))),
            abilities=draw(
                st.sampled_from([frozenset({Asked.AMEND, Asked.WITHDRAW}), frozenset({Asked.WITHDRAW})])
            ),
            by_hand=name == "c" and draw(st.booleans()),
        )
        for name in ("a", "b", "c")
    ]


@settings(max_examples=60)
@given(agencies(), HISTORIES, st.booleans(), st.integers(0, 9999))
def test_an_amended_declaration_ends_as_if_it_had_been_lodged_so(
    asked: list[Agency], versions: list[list[dict[str, Any]]], partial: bool, seed: int
) -> None:
    """Whatever had been answered, was under way or in the post when it was amended, once or several times."""
    random = Random(seed)
    contents = [lodged(*version) for version in versions]
    assume(all(a.content_hash != b.content_hash for a, b in pairwise(contents)))
    world = World.begin(asked, contents[0], partial_release=partial)
    for content in contents[1:]:
        world.live_on(random, random.randint(0, 12))
        world.amended(content)
    world.come_to_rest(random)
    fresh = World.begin(asked, contents[-1], partial_release=partial)
    fresh.come_to_rest(Random(0))
    ended, expected = world.clearance, fresh.clearance
    assert standing_of(ended) == standing_of(expected)
    assert (ended.outcome, ended.released_items, ended.final) == (
        expected.outcome,
        expected.released_items,
        expected.final,
    )
    # Nobody has an application that is not asked about any more, nor twice the same.
    live = {r.terms.id for r in world.case.referrals if r.receipt is not None and r.state != "withdrawn"}
    assert set(world.applications) == live
    assert errands(world.case) == ()
    assert replayed(world.events) == world.case
