"""Declared texts as they are compared."""

from __future__ import annotations

import pytest

from hub.domain.facts import item_facts
from hub.domain.forms import Form, compared, malformed
from hub.domain.intake import find_faults
from hub.domain.routing import route
from tests.domain.support import DAY, configuration, declaration


@pytest.mark.parametrize(
    ("form", "typed", "meant"),
    [
        (Form.TEXT, "  Ir-192 \t x ", "Ir-192 x"),
        (Form.TEXT, "Ｉｒ\u200b-192", "Ir-192"),
        (Form.SCIENTIFIC_NAME, "anguilla anguilla", "Anguilla anguilla"),
        (Form.SCIENTIFIC_NAME, " Anguilla  anguilla ", "Anguilla anguilla"),
        (Form.SCIENTIFIC_NAME, "ANGUILLA ANGUILLA", "Anguilla anguilla"),
        (Form.SCIENTIFIC_NAME, "Anguilla anguilla (Linnaeus, 1758)", "Anguilla anguilla"),
        (Form.SCIENTIFIC_NAME, "Panthera tigris Linnaeus", "Panthera tigris"),
        (Form.SCIENTIFIC_NAME, "Castanea crenata (Siebold) Zucc.", "Castanea crenata"),
        (Form.SCIENTIFIC_NAME, "Aedes (Stegomyia) aegypti", "Aedes (stegomyia) aegypti"),
        (Form.SCIENTIFIC_NAME, "", ""),
        (Form.CAS_NUMBER, " 2078-54-8", "2078-54-8"),
        (Form.CAS_NUMBER, "CAS 2078-54-8", "2078-54-8"),
        (Form.CAS_NUMBER, "cas-no.: 2078\u201354\u20138", "2078-54-8"),
        (Form.CAS_NUMBER, "000050-00-0", "50-00-0"),
    ],
)
def test_what_is_typed_is_compared_as_it_is_meant(form: Form, typed: str, meant: str) -> None:
    """Blanks, capitals, authors and prefixes make no other species or substance."""
    assert compared(form, typed) == meant
    assert compared(form, meant) == meant
    assert malformed(form, typed) is None


@pytest.mark.parametrize("typed", ["", "propofol", "2078-54-9", "2078548", "2078-54-8 x", "12345678-00-1"])
def test_what_is_no_cas_number_is_told_with_an_example(typed: str) -> None:
    """A digit that was mistyped is found by the last one."""
    lodged = declaration({"hs_code": "3004909900", "attributes": {"cas_numbers": ["50-00-0", typed]}})
    (fault,) = find_faults(lodged, configuration().catalogue)
    assert fault.pointer == "/items/0/attributes/cas_numbers"
    assert "as 2078-54-8" in fault.detail


@pytest.mark.parametrize(
    ("service", "item"),
    [
        ("reo-cites", {"hs_code": "0301929090", "attributes": {"species": "anguilla  ANGUILLA "}}),
        ("reo-cites", {"hs_code": "0301929090", "attributes": {"species": "Anguilla anguilla (L.)"}}),
        (
            "mfds-narcotics",
            {"hs_code": "3004609000", "attributes": {"cas_numbers": ["50-00-0", "CAS 2078-54-8 "]}},
        ),
    ],
)
def test_no_way_of_typing_escapes_an_agency(service: str, item: dict[str, object]) -> None:
    """Routing compares what is meant; the declaration keeps what was typed."""
    lodged = declaration(item)
    attributes = configuration().catalogue.attributes
    assert find_faults(lodged, configuration().catalogue) == []
    required = route(lodged, configuration().catalogue, DAY).required
    [candidate] = [requirement for requirement in required if requirement.service == service]
    facts, _ = item_facts(lodged, lodged.items[0], attributes)
    assert candidate.values.items() <= facts.items()
    assert lodged.items[0].attributes == declaration(item).items[0].attributes


def test_a_value_of_a_list_may_have_blanks_around_it() -> None:
    """It is compared with the list as conditions compare it."""
    lodged = declaration({"hs_code": "0301929090", "attributes": {"intended_use": " food "}})
    assert find_faults(lodged, configuration().catalogue) == []


def test_the_lists_as_delivered_are_written_as_they_are_compared() -> None:
    """Otherwise no declaration could ever be on them."""
    lists = configuration().catalogue.lists
    for name in ("cites_species", "cites_genera", "alert_species", "bioresource_species", "forest_species"):
        assert [compared(Form.SCIENTIFIC_NAME, word) for word in lists[name]] == list(lists[name])
    for name in ("toxic_from_1_percent", "toxic_from_10_percent", "narcotic_substances"):
        assert [malformed(Form.CAS_NUMBER, word) for word in lists[name]] == [None] * len(lists[name])
