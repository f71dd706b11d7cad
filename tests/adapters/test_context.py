"""A dossier as mappings see it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from hub.adapters.context import agency_context, dossier_context
from hub.adapters.sample import sample_dossiers
from hub.domain.declaration import Declaration, GoodsItem
from hub.expressions import roots
from tests.adapters.support import agency, dossier

FILE = agency("apqa")


def test_expressions_are_given_what_loading_promised_them() -> None:
    """One table of roots, by which files are checked and channels prepared; nothing in it may be missing."""
    assert set(dossier_context(dossier(FILE), FILE)) == roots.FOLLOW_UP - {"session", "secret"}
    assert set(agency_context(FILE)) == roots.PULL - {"session", "page", "secret"}


def test_an_agency_is_told_only_of_the_goods_items_that_concern_it() -> None:
    """Other goods are none of its business, wherever a mapping looks."""
    context = dossier_context(dossier(FILE, items=(2,)), FILE)
    assert [item["number"] for item in context["items"]] == [2]
    assert "items" not in context["declaration"]
    assert context["referral"]["items"] == [2]


def test_every_element_is_there_whether_it_was_declared_or_not() -> None:
    """A mapping names what it likes; what was not declared is the empty text."""
    (whole, _), (bare, _) = list(sample_dossiers(FILE))[:2]
    full, empty = dossier_context(whole, FILE), dossier_context(bare, FILE)
    assert set(full["declaration"]) == set(empty["declaration"]) == set(Declaration.model_fields) - {"items"}
    assert set(full["items"][0]) == set(empty["items"][0]) == set(GoodsItem.model_fields)
    assert empty["declaration"]["importer"] == {"id": "", "name": "", "address": "", "country": ""}
    assert empty["items"][0]["quantity"] == {"value": "", "unit": ""}
    assert empty["items"][0]["packages"] == ""
    assert _leaves(full) == {str, int}
    assert _leaves(empty) == {str, int}


def _leaves(value: Any) -> set[type]:
    if isinstance(value, dict):
        return {kind for part in value.values() for kind in _leaves(part)}
    if isinstance(value, list):
        return {kind for part in value for kind in _leaves(part)}
    assert not isinstance(value, BaseModel)
    return {type(value)}


def test_quantities_are_exact_and_times_are_utc() -> None:
    """No float is ever made of a declared number, and every time has its offset."""
    context = dossier_context(
        dossier(FILE, facts={"consignment": {"arrives_at": "2026-03-02T09:00:00+09:00"}}), FILE
    )
    assert context["items"][0]["net_mass_kg"] == "240.500"
    assert context["declaration"]["consignment"]["arrives_at"] == "2026-03-02T00:00:00Z"
    huge = dossier(FILE, facts={"items": [{"number": 1, "hs_code": "080510", "net_mass_kg": "1E+3"}]})
    assert dossier_context(huge, FILE)["items"][0]["net_mass_kg"] == "1000"
