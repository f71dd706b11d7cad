"""The rules of routing one by one, on catalogues made for the purpose."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hub.domain.catalogue import Catalogue, ExemptionCode, Row, Validity
from hub.domain.declaration import Procedure
from hub.domain.routing import Requirement, Routing, RuledOut, RuledOutBy, route
from tests.domain.support import DAY, Says, catalogue, declaration, flag, service


def routed(rules: Catalogue, *items: dict[str, Any], day: date = DAY, **more: Any) -> Routing:
    return route(declaration(*items, **more), rules, day)


def required(routing: Routing) -> list[str]:
    return [requirement.service for requirement in routing.required]


def ruled_out(routing: Routing) -> dict[str, RuledOutBy]:
    return {candidate.service: candidate.by for candidate in routing.ruled_out}


EEL = {"hs_code": "0301929090"}


def test_the_longest_prefix_decides() -> None:
    """A row of the full code takes it out, though the heading is listed; another code stays in."""
    rules = catalogue(service("x-1", "0301", Row("0301929090", excluded=True)))
    assert ruled_out(routed(rules, EEL)) == {"x-1": RuledOutBy.EXCLUDED}
    assert required(routed(rules, {"hs_code": "0301999080"})) == ["x-1"]


def test_a_longer_row_may_bring_excepted_goods_back() -> None:
    """An exclusion holds only until a longer row says otherwise."""
    rules = catalogue(service("x-1", "03", Row("0301", excluded=True), "030192"))
    assert required(routed(rules, EEL)) == ["x-1"]
    assert required(routed(rules, {"hs_code": "0301110000"})) == []


def test_conditions_of_row_and_service_must_both_hold() -> None:
    """A row's condition stands beside the service's own; both are shown."""
    rules = catalogue(service("x-1", Row("0301", needed_when=flag("a")), needed_when=flag("b")))
    for a, b in ((True, True), (True, False), (False, True)):
        routing = routed(rules, EEL | {"attributes": {"a": a, "b": b}})
        assert required(routing) == (["x-1"] if a and b else [])
        candidate = (*routing.required, *routing.ruled_out)[0]
        assert candidate.predicate == "(item.a) && (item.b)"
        assert candidate.values == {"item.a": a, "item.b": b}
        assert candidate.assumed == ()


def test_what_was_not_declared_is_shown_as_assumed() -> None:
    """A fact that took its meaning of absence is among the values, and named as assumed."""
    rules = catalogue(service("x-1", "0301", needed_when=flag("a")))
    (candidate,) = routed(rules, EEL).ruled_out
    assert candidate.values == {"item.a": False}
    assert candidate.assumed == ("item.a",)


@pytest.mark.parametrize(
    ("day", "by"),
    [
        (date(2025, 12, 31), RuledOutBy.NOT_IN_FORCE),
        (date(2026, 1, 1), None),
        (date(2026, 6, 30), None),
        (date(2026, 7, 1), RuledOutBy.NOT_IN_FORCE),
    ],
)
@pytest.mark.parametrize("dated", ["row", "service"])
def test_the_law_of_the_day_applies(dated: str, day: date, by: RuledOutBy | None) -> None:
    """Start and end are included, of a row and of a service alike."""
    span = Validity(date(2026, 1, 1), date(2026, 6, 30))
    rules = catalogue(
        service("x-1", Row("0301", valid=span)) if dated == "row" else service("x-1", "0301", valid=span)
    )
    routing = routed(rules, EEL, day=day)
    assert ruled_out(routing) == ({"x-1": by} if by else {})
    assert routing.day == day


def test_a_row_gives_way_to_its_successor() -> None:
    """Of two rows of one prefix the one in force decides."""
    old = Row("0301", valid=Validity(end=date(2026, 2, 28)))
    new = Row("0301", valid=Validity(start=date(2026, 3, 1)), excluded=True)
    rules = catalogue(service("x-1", old, new))
    assert required(routed(rules, EEL, day=date(2026, 2, 28))) == ["x-1"]
    assert ruled_out(routed(rules, EEL, day=date(2026, 3, 1))) == {"x-1": RuledOutBy.EXCLUDED}


def test_a_lapsed_exclusion_excludes_nothing() -> None:
    """A longer row that is no longer in force leaves the decision to the shorter one."""
    lapsed = Row("030192", valid=Validity(end=date(2026, 1, 1)), excluded=True)
    assert required(routed(catalogue(service("x-1", "0301", lapsed)), EEL)) == ["x-1"]


def test_another_procedure_has_other_services() -> None:
    """A service that does not speak about the procedure is ruled out by it, in words."""
    rules = catalogue(
        service("x-in", "0301"), service("x-out", "0301", procedures=frozenset({Procedure.EXPORT}))
    )
    routing = routed(rules, EEL, procedure="export")
    assert required(routing) == ["x-out"]
    assert ruled_out(routing) == {"x-in": RuledOutBy.PROCEDURE}
    assert "for import only; this declaration is for export" in routing.ruled_out[0].because


# --- prohibition ------------------------------------------------------------------------------------------


def test_a_prohibited_code_needs_no_permit() -> None:
    """It is reported as prohibited, and its service is not asked."""
    routing = routed(catalogue(service("x-1", Row("0301929090", prohibited=True))), EEL)
    assert [p.service for p in routing.prohibited] == ["x-1"]
    assert (routing.required, routing.ruled_out) == ((), ())


def test_a_prohibition_may_have_a_condition() -> None:
    """Of a row or of a service; where a service's does not hold, its permit is needed."""
    by_row = catalogue(service("x-1", Row("0301", prohibited=True, needed_when=flag("a"))))
    by_service = catalogue(service("x-1", "0301", prohibited_when=flag("a")))
    for rules in (by_row, by_service):
        (prohibited,) = routed(rules, EEL | {"attributes": {"a": True}}).prohibited
        assert prohibited.predicate == "item.a"
        assert prohibited.values == {"item.a": True}
    harmless = EEL | {"attributes": {"a": False}}
    assert ruled_out(routed(by_row, harmless)) == {"x-1": RuledOutBy.CONDITION}
    assert required(routed(by_service, harmless)) == ["x-1"]


def test_no_claim_lifts_a_prohibition() -> None:
    """An exemption claim is about consent; prohibited goods need none and get none."""
    rules = catalogue(service("x-1", Row("0301", prohibited=True)), **{"01A01": "01"})
    routing = routed(rules, EEL | {"exemptions": [{"code": "01A01"}]})
    assert [p.service for p in routing.prohibited] == ["x-1"]


# --- exemption claims and documents of other laws -----------------------------------------------------------


def test_a_claim_rules_out_the_services_of_its_law_for_its_item() -> None:
    """Other laws and other items are untouched."""
    rules = catalogue(
        service("x-1", "0301", law_code="13"), service("y-1", "0301", law_code="22"), **{"13A01": "13"}
    )
    routing = routed(rules, EEL | {"exemptions": [{"code": "13A01"}]}, EEL)
    assert [(r.item, r.service) for r in routing.required] == [(1, "y-1"), (2, "x-1"), (2, "y-1")]
    (candidate,) = routing.ruled_out
    assert (candidate.item, candidate.by) == (1, RuledOutBy.EXEMPTION_CLAIM)
    assert "13A01 (reason 13A01)" in candidate.because


def test_a_claim_that_needs_a_document_counts_with_it_only() -> None:
    """The document's number is part of the explanation."""
    plain = catalogue(service("x-1", "0301", law_code="13"))
    rules = Catalogue(
        services=plain.services,
        attributes=plain.attributes,
        exemptions={"13B02": ExemptionCode("13B02", "13", {"en": "acquired before"}, document_required=True)},
        lists={},
        version="test",
    )
    assert required(routed(rules, EEL | {"exemptions": [{"code": "13B02"}]})) == ["x-1"]
    routing = routed(rules, EEL | {"exemptions": [{"code": "13B02", "document": "P-7"}]})
    assert "document P-7" in routing.ruled_out[0].because


def test_a_claim_nobody_knows_counts_for_nothing() -> None:
    """Whether the code exists is for intake to say; routing does not guess a law from its digits."""
    rules = catalogue(service("x-1", "0301", law_code="13"))
    assert required(routed(rules, EEL | {"exemptions": [{"code": "13Z99"}]})) == ["x-1"]


@pytest.mark.parametrize("where", ["item", "header"])
def test_a_document_of_another_law_takes_a_requirement_away(where: str) -> None:
    """With the item or with the declaration; not once it has lapsed."""
    rules = catalogue(service("x-1", "0301", exempted_by=("53104",)))

    def presented(**lpco: str) -> Routing:
        papers = {"lpcos": [{"type": "53104", "id": "K-1"} | lpco]}
        return routed(rules, EEL | papers) if where == "item" else routed(rules, EEL, **papers)

    assert ruled_out(presented()) == {"x-1": RuledOutBy.OTHER_LPCO}
    assert "53104 K-1" in presented().ruled_out[0].because
    assert ruled_out(presented(valid_until="2026-03-02T23:59:00Z")) == {"x-1": RuledOutBy.OTHER_LPCO}
    assert required(presented(valid_until="2026-03-01T23:59:00Z")) == ["x-1"]


# --- one of several bodies ----------------------------------------------------------------------------------


def group(*, b_rows: tuple[Row | str, ...] = ("0301",), **more: Any) -> Catalogue:
    return catalogue(
        service("a-cert", "0301", alternative_group="g", document_types=("01101",), **more),
        service("b-cert", *b_rows, alternative_group="g", document_types=("01102",), **more),
        service("c-other", "9999", document_types=("01103",)),
        **{"01A01": "01"},
    )


@pytest.mark.parametrize(
    ("lpco", "chosen"),
    [
        (None, "a-cert"),
        ({"type": "01102"}, "b-cert"),
        ({"type": "certificate", "issuer": "b"}, "b-cert"),
        ({"type": "certificate", "issuer": "somebody"}, "a-cert"),
        ({"type": "01103", "issuer": "b"}, "a-cert"),
    ],
    ids=["none", "by type", "by issuer", "of nobody here", "another service's document"],
)
@pytest.mark.parametrize("where", ["item", "header"])
def test_the_certificate_presented_decides_which_body_is_asked(
    where: str, lpco: dict[str, str] | None, chosen: str
) -> None:
    """Without one, the first of the catalogue whose prefix is longest; never two of them."""
    papers = {"lpcos": [lpco]} if lpco else {}
    routing = routed(group(), EEL | papers) if where == "item" else routed(group(), EEL, **papers)
    assert required(routing) == [chosen]
    (other,) = {"a-cert", "b-cert"} - {chosen}
    assert ruled_out(routing) == {other: RuledOutBy.ALTERNATIVE}
    assert f"Approval {chosen}" in routing.ruled_out[0].because


@pytest.mark.parametrize("issuer", ["b", "B", " b ", "Board of  testing", "BOARD OF TESTING", "시험원"])
def test_a_certificate_counts_by_any_name_of_its_issuer(issuer: str) -> None:
    """Declarants write what stands on the paper: a slug or a name, in any language and capitals."""
    names = {"a": {"en": "Other board"}, "b": {"en": "Board of Testing", "ko": "시험원"}}
    rules = replace(group(), agencies=names)
    assert required(routed(rules, EEL | {"lpcos": [{"type": "X", "issuer": issuer}]})) == ["b-cert"]


def test_without_a_certificate_the_longest_prefix_is_asked() -> None:
    """The body whose list fits the code best."""
    assert required(routed(group(b_rows=("030192",)), EEL)) == ["b-cert"]


@pytest.mark.parametrize("b_rows", [("8501",), ("0301", Row("030192", excluded=True))])
def test_a_body_that_does_not_list_the_code_is_asked_if_it_certified(b_rows: tuple[Row | str, ...]) -> None:
    """A declarant may have chosen any of the bodies; it stands once among the findings."""
    routing = routed(group(b_rows=b_rows), EEL | {"lpcos": [{"type": "01102", "id": "B-5"}]})
    assert required(routing) == ["b-cert"]
    assert routing.required[0].law == {"en": "Act on b-cert"}
    assert "B-5" in routing.required[0].because
    assert ruled_out(routing) == {"a-cert": RuledOutBy.ALTERNATIVE}


def test_the_items_own_certificate_comes_before_the_headers() -> None:
    """A certificate with the declaration may belong to other items."""
    routing = routed(group(), EEL | {"lpcos": [{"type": "01102"}]}, EEL, lpcos=[{"type": "01101"}])
    assert [(r.item, r.service) for r in routing.required] == [(1, "b-cert"), (2, "a-cert")]


def test_of_the_headers_certificates_each_item_takes_the_one_that_fits_it() -> None:
    """A body whose rows list the code comes before one whose certificate is for other items."""
    papers = [{"type": "01101"}, {"type": "01102"}]
    routing = routed(group(b_rows=("8501",)), EEL, {"hs_code": "8501100000"}, lpcos=papers)
    assert [(r.item, r.service) for r in routing.required] == [(1, "a-cert"), (2, "b-cert")]


def test_a_certificate_brings_nobody_in_where_none_is_needed() -> None:
    """The group is decided only where one of it is needed."""
    rules = group(needed_when=flag("a"))
    routing = routed(rules, EEL | {"lpcos": [{"type": "01102"}]})
    assert required(routing) == []
    assert set(ruled_out(routing).values()) == {RuledOutBy.CONDITION}


def test_a_claim_removes_the_whole_group() -> None:
    """A claim takes the chosen body away; it does not move the question to the next one."""
    routing = routed(group(), EEL | {"exemptions": [{"code": "01A01"}]})
    assert required(routing) == []
    assert ruled_out(routing) == {"a-cert": RuledOutBy.EXEMPTION_CLAIM, "b-cert": RuledOutBy.ALTERNATIVE}


def test_a_body_that_prohibits_stays_a_prohibition() -> None:
    """Its certificate does not turn goods that may not cross into goods it is asked about."""
    rules = group(b_rows=(Row("0301", prohibited=True),))
    routing = routed(rules, EEL | {"lpcos": [{"type": "01102"}]})
    assert [p.service for p in routing.prohibited] == ["b-cert"]
    assert required(routing) == ["a-cert"]


# --- the whole ----------------------------------------------------------------------------------------------


def test_findings_are_in_the_order_of_items_and_then_of_services() -> None:
    """And `services()` gives each service its items, services in order of first need."""
    rules = catalogue(service("x-1", "8501"), service("y-1", "0301"), service("z-1", "0301", "8501"))
    routing = routed(rules, EEL, {"hs_code": "8501100000"}, EEL)
    assert [(r.item, r.service) for r in routing.required] == [
        (1, "y-1"),
        (1, "z-1"),
        (2, "x-1"),
        (2, "z-1"),
        (3, "y-1"),
        (3, "z-1"),
    ]
    assert routing.services() == {"y-1": (1, 3), "z-1": (1, 2, 3), "x-1": (2,)}
    assert list(routing.services()) == ["y-1", "z-1", "x-1"]


def test_findings_are_what_validation_would_make_of_them() -> None:
    """Routing builds its findings without validating them; they are valid, and survive JSON unchanged."""
    rules = catalogue(
        service("x-1", "0301", needed_when=flag("a")),
        service("y-1", "0301", needed_when=flag("b")),
        service("z-1", Row("0301", prohibited=True)),
    )
    routing = routed(rules, EEL | {"attributes": {"a": True}})
    assert (len(routing.required), len(routing.ruled_out), len(routing.prohibited)) == (1, 1, 1)
    assert Routing.model_validate(routing.model_dump()) == routing
    assert Routing.model_validate_json(routing.model_dump_json()) == routing
    assert Requirement.model_validate(routing.required[0].model_dump()).model_fields_set == (
        routing.required[0].model_fields_set
    )
    assert RuledOut.model_validate(routing.ruled_out[0].model_dump()).model_fields_set == (
        routing.ruled_out[0].model_fields_set
    )


def test_a_condition_is_asked_once_about_the_same_facts() -> None:
    """A declaration of a thousand like items evaluates each condition once for each set of facts."""
    asked: list[object] = []

    def test(facts: Any) -> bool:
        asked.append(facts["item.a"])
        return bool(facts["item.a"])

    rules = catalogue(service("x-1", "0301", needed_when=Says("item.a", ("item.a",), test)))
    routing = routed(rules, *(EEL | {"attributes": {"a": n % 2 == 0}} for n in range(100)))
    assert len(routing.required) == len(routing.ruled_out) == 50
    assert sorted(map(bool, asked)) == [False, True]
