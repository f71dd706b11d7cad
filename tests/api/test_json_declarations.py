import json
from decimal import Decimal
from typing import Any

import pytest

from hub.api.problems import ApiProblem
from tests.api.support import beef, faults, read, with_item


def _pointers(declaration: Any) -> dict[str | None, str]:
    return {fault.pointer: fault.detail for fault in faults(json.dumps(declaration).encode())}


def test_a_sound_declaration_has_no_fault() -> None:
    assert faults(json.dumps(beef()).encode()) == []


def test_decimals_keep_every_digit_whether_number_or_text() -> None:
    body = json.dumps(with_item(net_mass_kg="@")).replace('"@"', "0.12345678901234567890").encode()
    assert read(body).declaration.items[0].net_mass_kg == Decimal("0.12345678901234567890")
    assert read(json.dumps(beef()).encode()).declaration.items[0].net_mass_kg == Decimal("24960.000")


def test_every_fault_is_told_at_once_with_its_pointer() -> None:
    """Faults of form in one place do not hide those that only the catalogue knows in another."""
    declaration = beef(colour="red", lrn="")
    del declaration["declarant"]
    declaration["consignment"]["arrives_at"] = 1234567890
    item = declaration["items"][0]
    item |= {"hs_code": "0202.30", "net_mass_kg": -1, "packages": "12"}
    item["attributes"] = {"used": None, "use": "toys"}
    declaration["items"] += [
        {"number": 2, "hs_code": "020230", "attributes": {"use": "toys", "x/y": True, "power_w": "9"}},
        {"number": 3, "hs_code": "020230", "exemptions": [{"code": "22B03"}, {"code": "99Z99"}]},
    ]
    told = _pointers(declaration)
    assert told.keys() == {
        "/colour",
        "/lrn",
        "/declarant",
        "/consignment/arrives_at",
        "/items/0/hs_code",
        "/items/0/net_mass_kg",
        "/items/0/packages",
        "/items/0/attributes/used",
        "/items/0/attributes/use",
        "/items/1/attributes/use",
        "/items/1/attributes/x~1y",
        "/items/1/attributes/power_w",
        "/items/2/exemptions/0/document",
        "/items/2/exemptions/1/code",
    }
    assert told["/declarant"] == "is required"
    assert told["/colour"] == "is not a member of this object"
    assert told["/items/0/hs_code"] == "must match ^[0-9]{6,12}$"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"number": "1"}, "/items/0/number"),
        ({"number": True}, "/items/0/number"),
        ({"hs_code": 202300000}, "/items/0/hs_code"),
        ({"description": "a\x00b"}, "/items/0/description"),
        ({"description": "a\x0bb"}, "/items/0/description"),
        ({"description": "a\uffffb"}, "/items/0/description"),
        ({"attributes": {"species": ["a\x1fb"]}}, "/items/0/attributes/species/0"),
        ({"lpcos": [{"type": "N853", "id": "a\nb"}]}, "/items/0/lpcos/0/id"),
        ({"lpcos": [{"type": "N853", "id": " "}]}, "/items/0/lpcos/0/id"),
        ({"exemptions": [{"code": "22B03", "document": "a\tb"}]}, "/items/0/exemptions/0/document"),
        ({"net_mass_kg": "1e300"}, "/items/0/net_mass_kg"),
        ({"net_mass_kg": "NaN"}, "/items/0/net_mass_kg"),
        ({"value": {"amount": 1, "currency": "usd"}}, "/items/0/value/currency"),
        ({"lpcos": [{"type": "N853", "issued_at": "2026-01-01"}]}, "/items/0/lpcos/0/issued_at"),
        ({"lpcos": [{"type": "N853", "issued_at": "20260101"}]}, "/items/0/lpcos/0/issued_at"),
        ({"lpcos": [{"type": "N", "issued_at": "0001-01-01T00:00:00+14:00"}]}, "/items/0/lpcos/0/issued_at"),
        ({"lpcos": "N853"}, "/items/0/lpcos"),
    ],
)
def test_a_value_of_another_kind_is_never_bent_into_shape(changes: dict[str, Any], pointer: str) -> None:
    assert list(_pointers(with_item(**changes))) == [pointer]


@pytest.mark.parametrize("declaration", [[], None, 5, "x", {"items": {}}, {"items": [5]}])
def test_what_is_no_declaration_at_all_is_told_so(declaration: Any) -> None:
    assert _pointers(declaration)


def test_items_numbered_twice_are_a_fault_of_the_whole() -> None:
    declaration = beef()
    declaration["items"] *= 2
    assert "used twice: [1]" in _pointers(declaration)[""]


def test_too_many_items_are_one_fault_found_at_once() -> None:
    assert _pointers({"items": [{}] * 10_000}) == {"/items": "may have at most 1999 members"}


def test_of_countless_faults_the_first_thousand_are_told_and_all_are_counted() -> None:
    declaration = beef(items=[{"number": n, "hs_code": "x"} for n in range(1, 1502)])
    with pytest.raises(ApiProblem, match="1501 faults: see errors, which lists the first 1000") as caught:
        read(json.dumps(declaration).encode())
    assert len(caught.value.faults) == 1000


@pytest.mark.parametrize("wrong", [[False], "food", 5, None])
def test_attributes_and_claims_of_another_shape_are_faults(wrong: Any) -> None:
    """Whatever stands where an object or a list belongs is complained of, once."""
    told = _pointers(with_item(attributes=wrong, exemptions={"code": "13A01"}))
    assert told.keys() == {"/items/0/attributes", "/items/0/exemptions"}


def test_a_short_code_is_told_with_the_faults_of_form() -> None:
    item = beef()["items"][0] | {"hs_code": "95030039", "packages": "12"}
    told = faults(json.dumps(beef(items=[item])).encode(), hs_digits=10)
    assert {fault.pointer for fault in told} == {"/items/0/hs_code", "/items/0/packages"}


@pytest.mark.parametrize("wrong", [" ", "a\nb", "a\tb", "a\x85b", "a\u2028b"])
def test_a_reference_is_one_line_that_says_something(wrong: str) -> None:
    """It stands in headers, logs and file names of others."""
    consignment = beef()["consignment"] | {"ucr": wrong}
    declarant = {"id": wrong}
    told = _pointers(beef(lrn=wrong, consignment=consignment, declarant=declarant))
    assert told.keys() == {"/lrn", "/consignment/ucr", "/declarant/id"}
