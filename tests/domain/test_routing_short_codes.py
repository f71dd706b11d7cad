"""Codes of fewer digits than the rows of the requirement table: less precise is not asked less."""

from __future__ import annotations

from datetime import date

import pytest

from hub.domain.declaration import Declaration
from hub.domain.routing import Routing, route
from tests.domain.support import configuration


def routed(hs_code: str, **attributes: object) -> Routing:
    declaration = Declaration.model_validate(
        {
            "lrn": "short",
            "procedure": "import",
            "declarant": {"id": "B"},
            "consignment": {"ucr": "U"},
            "items": [{"number": 1, "hs_code": hs_code, "attributes": attributes}],
        }
    )
    return route(declaration, configuration().catalogue, date(2026, 11, 23))


@pytest.mark.parametrize("hs_code", ["950300", "95030039"])
def test_goods_that_may_be_prohibited_are_put_to_the_agency(hs_code: str) -> None:
    """9503003919 is prohibited; a shorter code may be that or another: the police say which."""
    found = routed(hs_code)
    assert "npa-firearms" in found.services()
    assert found.prohibited == ()
    [because] = [r.because for r in found.required if r.service == "npa-firearms"]
    assert because.startswith(f"{hs_code} is too short to tell from 9503003919, which the Act on")


def test_the_whole_code_is_prohibited_and_its_neighbour_is_not() -> None:
    """Ten digits tell."""
    assert [p.service for p in routed("9503003919").prohibited] == ["npa-firearms"]
    assert "npa-firearms" not in routed("9503003300").services()


def test_conditions_hold_for_short_codes_too() -> None:
    """961900 may be 9619001090: a quasi-drug is put to the traders' association, a hygiene product is not."""
    assert set(routed("961900", regulated_as="quasi_drug").services()) == {"kpta-quasi-drug"}
    assert set(routed("961900", regulated_as="hygiene_product").services()) == {"mfds-hygiene"}


def test_a_row_that_begins_the_code_goes_before_those_below() -> None:
    """0301 lists live fish; its excluded ten-digit row does not concern a shorter code."""
    found = routed("030192", live=True, intended_use="food", species="Anguilla japonica")
    assert {"mfds-food-import", "nfqs-aquatic-import"} <= set(found.services())
