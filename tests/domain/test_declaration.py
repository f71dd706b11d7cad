"""What a declarant lodges, as a value."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hub.domain.declaration import Declaration
from hub.domain.intake import find_faults
from tests.domain.support import catalogue, configuration, consignments, declaration

ITEM = {"hs_code": "0301929090"}
TEN_DIGITS = replace(catalogue(), hs_digits=10)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)
VALUES = st.booleans() | NUMBERS | st.text(max_size=20) | st.lists(st.text(max_size=5), max_size=3).map(tuple)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES))
def test_attributes_survive_json_with_their_types(attributes: dict[str, Any]) -> None:
    """What was a number stays a number, text that looks like one stays text, true is not 1."""
    lodged = declaration(ITEM | {"attributes": attributes})
    again = Declaration.model_validate_json(lodged.model_dump_json())
    assert again == lodged
    assert again.items[0].attributes == attributes
    types = [type(value) for value in again.items[0].attributes.values()]
    assert types == [type(value) for value in attributes.values()]
    assert again.content_hash == lodged.content_hash


@pytest.mark.parametrize("number", ["1", "0", "1.0", "230", "1e17"])
def test_a_number_is_never_taken_for_true_or_text(number: str) -> None:
    """One and nought are numbers too, in JSON as in Python."""
    body = declaration(ITEM).model_dump_json().replace('"attributes":{}', f'"attributes":{{"n":{number}}}')
    for lodged in (
        Declaration.model_validate_json(body),
        declaration(ITEM | {"attributes": {"n": float(number)}}),
    ):
        value = lodged.items[0].attributes["n"]
        assert isinstance(value, Decimal)
        assert value == Decimal(number)


@pytest.mark.parametrize("number", [Decimal("0.1234567890123456789"), Decimal("NaN"), Decimal("Infinity")])
def test_a_number_that_json_cannot_carry_is_refused(number: Decimal) -> None:
    """Rather than be stored as another one."""
    with pytest.raises(ValidationError):
        declaration(ITEM | {"attributes": {"n": number}})


def test_the_same_content_has_the_same_hash() -> None:
    """However the number of an attribute was written; other content has another."""
    one = declaration(ITEM | {"attributes": {"n": Decimal("5"), "m": True}})
    same = declaration(ITEM | {"attributes": {"m": True, "n": Decimal("5.00")}})
    other = declaration(ITEM | {"attributes": {"n": Decimal("5.01"), "m": True}})
    assert one.content_hash == same.content_hash != other.content_hash


def test_zeros_behind_a_number_make_no_other_content() -> None:
    """In masses, amounts and quantities as in attributes; a text is never the number it looks like."""
    hashes = {
        declaration(ITEM | {"net_mass_kg": n, "value": {"amount": n, "currency": "USD"}}).content_hash
        for n in ("10.5", "10.50", "1.05e1", Decimal("10.500"))
    }
    assert len(hashes) == 1
    number, text = (declaration(ITEM | {"attributes": {"a": a}}).content_hash for a in (Decimal(5), "5"))
    assert number != text
    zeros = {declaration(ITEM | {"net_mass_kg": n}).content_hash for n in ("0", "0.00", "-0")}
    assert len(zeros) == 1


@pytest.mark.parametrize("text", [" 1", "1_0.5", "١٢", "1 ", "", "NaN", "1e9999999999999999999"])
def test_a_decimal_is_written_in_ascii(text: str) -> None:
    """Two readers must not read two numbers."""
    with pytest.raises(ValidationError):
        declaration(ITEM | {"net_mass_kg": text})


def test_goods_items_are_numbered_once() -> None:
    """Every number that stands twice is named, each once."""
    with pytest.raises(ValidationError, match=r"used twice: \[2, 3\]"):
        declaration(*(ITEM | {"number": n} for n in (2, 3, 1, 3, 2, 3)))


def test_an_item_is_found_by_its_number() -> None:
    """Numbers need not begin at one or be in order."""
    lodged = declaration(ITEM | {"number": 7}, {"number": 3, "hs_code": "8446300000"})
    assert lodged.item(3).hs_code == "8446300000"
    with pytest.raises(KeyError):
        lodged.item(1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"items": []},
        {"procedure": "smuggling"},
        {"unknown": 1},
        {"importer": {}},
        {"items": [{"number": 1, "hs_code": "03019"}]},
        {"items": [{"number": 1, "hs_code": "0301.92"}]},
        {"items": [{"number": 0, "hs_code": "030192"}]},
        {"items": [{"number": 1, "hs_code": "030192", "origin": "kr"}]},
        {"items": [{"number": 1, "hs_code": "030192", "net_mass_kg": "-1"}]},
        {"items": [{"number": 1, "hs_code": "030192", "exemptions": [{"code": "1A01"}]}]},
    ],
)
def test_what_is_no_declaration_is_refused(wrong: dict[str, Any]) -> None:
    """Unknown fields included: nothing a declarant wrote is silently lost."""
    with pytest.raises(ValidationError):
        Declaration.model_validate(declaration(ITEM).model_dump() | wrong)


def test_the_catalogue_finds_every_fault_with_its_pointer() -> None:
    """Unknown attributes, wrong types, values off the list, unknown reasons, missing documents: all."""
    lodged = declaration(
        ITEM
        | {"attributes": {"live": "yes", "intended_use": "lunch", "no/such": True, "materials": ["wood"]}},
        ITEM | {"exemptions": [{"code": "99A99"}, {"code": "13B02"}, {"code": "13B02", "document": "P-1"}]},
    )
    faults = find_faults(lodged, configuration().catalogue)
    assert [fault.pointer for fault in faults] == [
        "/items/0/attributes/live",
        "/items/0/attributes/intended_use",
        "/items/0/attributes/no~1such",
        "/items/0/attributes/materials",
        "/items/1/exemptions/0/code",
        "/items/1/exemptions/1/document",
    ]


@pytest.mark.parametrize(("code", "digits"), [("950300", 6), ("95030039", 8), ("961900", 6), ("300460", 6)])
def test_a_code_shorter_than_the_tariff_is_a_fault(code: str, digits: int) -> None:
    """It could stand for a longer row that prohibits, which nobody would be asked about."""
    (fault,) = find_faults(declaration(ITEM, {"hs_code": code}), TEN_DIGITS)
    assert fault.pointer == "/items/1/hs_code"
    assert fault.detail == f"has {digits} digits; this administration's tariff has 10"


def test_codes_as_long_as_the_tariff_or_longer_are_taken() -> None:
    """Where the tariff's length is not said, every code is."""
    assert find_faults(declaration(ITEM, {"hs_code": "030192909012"}), TEN_DIGITS) == []
    assert find_faults(declaration({"hs_code": "030192"}), catalogue()) == []


def test_a_catalogue_without_attributes_knows_none() -> None:
    """What may be declared is configuration."""
    lodged = declaration(*consignments()["live-eels"]["items"])
    assert len(find_faults(lodged, catalogue(flags=()))) == 3
