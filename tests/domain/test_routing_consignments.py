"""Whole consignments against the catalogue as configured."""

from __future__ import annotations

from typing import Any

import pytest

from hub.domain.intake import find_faults
from hub.domain.routing import RuledOutBy, route
from tests.domain.support import DAY, configuration, consignments, declaration


@pytest.mark.parametrize("case", consignments().values(), ids=consignments().keys())
def test_each_item_is_put_to_the_services_the_law_names_and_to_no_other(case: dict[str, Any]) -> None:
    """Required, ruled out (and by what) and prohibited, item by item, are what the case says."""
    lodged = declaration(
        *case["items"], procedure=case.get("procedure", "import"), consignment=case.get("consignment", {})
    )
    catalogue = configuration().catalogue
    assert find_faults(lodged, catalogue) == []

    routing = route(lodged, catalogue, DAY)

    for place, item in enumerate(lodged.items):
        required = {r.service for r in routing.required if r.item == item.number}
        assert required == set(case["required"][place])
        # The rows of other procedures are candidates too, but each case speaks of its own.
        ruled_out = {
            r.service: r.by.value
            for r in routing.ruled_out
            if r.item == item.number and r.by is not RuledOutBy.PROCEDURE
        }
        assert ruled_out == case["ruled_out"][place]
        prohibited = {p.service for p in routing.prohibited if p.item == item.number}
        assert prohibited == set(case.get("prohibited", [[]] * len(lodged.items))[place])


def test_the_catalogue_has_every_agency_and_service_and_says_how_sure_it_is() -> None:
    """The configured catalogue is the whole of the single window, with two languages throughout."""
    catalogue = configuration().catalogue
    assert len(catalogue.services) == 55
    assert len({service.agency for service in catalogue.services}) == 38
    assert {service.confidence for service in catalogue.services} == {"verified", "likely", "assumed"}
    for service in catalogue.services:
        assert {"en", "ko"} <= service.name.keys() & service.law.keys()
        assert service.document_types, service.code


def test_each_law_has_a_reason_by_which_it_does_not_apply() -> None:
    """A declarant can claim for every law code that the law does not cover the goods."""
    catalogue = configuration().catalogue
    answered = {reason.law_code for reason in catalogue.exemptions.values() if reason.code[2] == "A"}
    assert {service.law_code for service in catalogue.services} <= answered


def test_the_four_laws_that_list_an_insecticide() -> None:
    """One ten-digit code is listed by four laws, whatever the conditions then say."""
    lodged = declaration(*consignments()["crop-insecticide"]["items"])
    routing = route(lodged, configuration().catalogue, DAY)
    laws = {
        c.law["en"].partition(" art")[0].partition(";")[0] for c in (*routing.required, *routing.ruled_out)
    }
    assert len(laws) == 4
