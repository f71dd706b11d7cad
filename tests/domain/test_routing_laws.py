"""What holds of routing whatever the rules and the goods."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.catalogue import Catalogue, Row, Service, Validity
from hub.domain.declaration import Declaration, Procedure
from hub.domain.routing import Candidate, Routing, RuledOutBy, route
from tests.domain.support import DAY, catalogue, declaration, flag, service

# Codes of two digits only, so that prefixes meet.
CODES = st.text("12", min_size=6, max_size=10)
PREFIXES = st.text("12", min_size=2, max_size=10)
CONDITIONS = st.sampled_from([None, flag("a"), flag("b")])
LAW_CODES = ("11", "22")
LPCO_TYPES = ("t0", "t1", "t2", "t3", "u")
DAYS = st.integers(-3, 3).map(lambda n: DAY + timedelta(days=n))


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    return Validity(draw(st.none() | DAYS), draw(st.none() | DAYS))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    kind = draw(st.sampled_from(["plain", "plain", "plain", "excluded", "prohibited"]))
    return Row(
        draw(PREFIXES),
        valid=draw(st.just(Validity()) | validities()),
        excluded=kind == "excluded",
        prohibited=kind == "prohibited",
        needed_when=draw(CONDITIONS),
    )


@st.composite
def services(draw: st.DrawFn, number: int) -> Service:
    group = draw(st.sampled_from([None, None, "g", "h"]))
    return service(
        f"s{number}-x",
        *draw(st.lists(rows(), min_size=1, max_size=5, unique_by=lambda row: row.prefix)),
        # As in real tables, the bodies of one group certify under one law.
        law_code={"g": "11", "h": "22"}.get(group or "") or draw(st.sampled_from(LAW_CODES)),
        procedures=frozenset(draw(st.sets(st.sampled_from(Procedure), min_size=1))),
        valid=draw(st.just(Validity()) | validities()),
        needed_when=draw(CONDITIONS),
        prohibited_when=draw(st.sampled_from([None, None, None, flag("b")])),
        alternative_group=group,
        document_types=(f"t{number}",),
        exempted_by=draw(st.sampled_from([(), (), ("u",)])),
    )


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    count = draw(st.integers(1, 4))
    made = [draw(services(number)) for number in range(count)]
    return catalogue(*made, **{f"{law}A01": law for law in LAW_CODES})


LPCOS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(LPCO_TYPES)}, optional={"issuer": st.sampled_from(["s0", "s1", "s2"])}
    ),
    max_size=2,
)
CLAIMS = st.lists(st.sampled_from([{"code": f"{law}A01"} for law in LAW_CODES]), max_size=2)
ITEMS = st.fixed_dictionaries(
    {"hs_code": CODES, "lpcos": LPCOS, "exemptions": CLAIMS},
    optional={"attributes": st.dictionaries(st.sampled_from("ab"), st.booleans())},
)
DECLARATIONS = st.builds(
    lambda items, procedure, lpcos: declaration(*items, procedure=procedure, lpcos=lpcos),
    st.lists(ITEMS, min_size=1, max_size=4),
    st.sampled_from([procedure.value for procedure in Procedure]),
    LPCOS,
)


def every(routing: Routing) -> list[Candidate]:
    return [*routing.required, *routing.ruled_out, *routing.prohibited]


def needs(routing: Routing) -> set[tuple[int, str]]:
    return {(requirement.item, requirement.service) for requirement in routing.required}


@given(catalogues(), DECLARATIONS)
def test_every_candidate_is_found_once(rules: Catalogue, lodged: Declaration) -> None:
    """A service with a row for the code is required, ruled out or prohibited: one of them, once."""
    found = [(candidate.item, candidate.service) for candidate in every(route(lodged, rules, DAY))]
    assert len(found) == len(set(found))
    listed = {
        (item.number, s.code)
        for item in lodged.items
        for s in rules.services
        if any(item.hs_code.startswith(row.prefix) for row in s.rows)
    }
    assert listed <= set(found)
    # Without a row that begins the code, only a body whose certificate is presented can be found, or one with
    # a row that says more than the code does.
    grouped = {s.code for s in rules.services if s.alternative_group}
    codes = {item.number: item.hs_code for item in lodged.items}
    below = {
        (number, s.code)
        for number, code in codes.items()
        for s in rules.services
        if any(row.prefix.startswith(code) for row in s.rows)
    }
    assert {code for _, code in set(found) - listed - below} <= grouped


@given(catalogues(), DECLARATIONS)
def test_the_same_question_has_the_same_answer(rules: Catalogue, lodged: Declaration) -> None:
    """Routing depends on declaration, catalogue and day, and on nothing it remembers."""
    fresh = dataclasses.replace(rules)
    assert route(lodged, rules, DAY) == route(lodged, rules, DAY) == route(lodged, fresh, DAY)


@given(catalogues(), DECLARATIONS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(rules: Catalogue, lodged: Declaration, random: Random) -> None:
    """Every item is judged by itself."""
    items = list(lodged.items)
    random.shuffle(items)
    shuffled = lodged.model_copy(update={"items": tuple(items)})
    before, after = route(lodged, rules, DAY), route(shuffled, rules, DAY)
    for one, other in (
        (before.required, after.required),
        (before.ruled_out, after.ruled_out),
        (before.prohibited, after.prohibited),
    ):

        def key(candidate: Candidate) -> tuple[int, str]:
            return candidate.item, candidate.service

        assert sorted(one, key=key) == sorted(other, key=key)


@given(catalogues(), DECLARATIONS, CLAIMS)
def test_a_claim_never_brings_a_requirement_about(
    rules: Catalogue, lodged: Declaration, claims: list[dict[str, str]]
) -> None:
    """Adding claims to an item takes requirements away or leaves them; prohibitions stay as they were."""
    content = lodged.model_dump()
    content["items"][0]["exemptions"] = [*content["items"][0]["exemptions"], *claims]
    before, after = route(lodged, rules, DAY), route(Declaration.model_validate(content), rules, DAY)
    assert needs(after) <= needs(before)
    assert after.prohibited == before.prohibited


@given(catalogues(), DECLARATIONS)
def test_a_longer_excluded_row_only_removes(rules: Catalogue, lodged: Declaration) -> None:
    """Excluding the item's full code removes the service; nobody outside its group is touched."""
    first, *others = rules.services
    code = lodged.items[0].hs_code
    kept = tuple(row for row in first.rows if row.prefix != code)
    narrowed = dataclasses.replace(first, rows=(*kept, Row(code, excluded=True)))
    before = route(lodged, rules, DAY)
    after = route(lodged, dataclasses.replace(rules, services=(narrowed, *others)), DAY)
    mates = {s.code for s in others if s.alternative_group and s.alternative_group == first.alternative_group}
    gained = needs(after) - needs(before)
    assert {service for _, service in gained} <= mates
    assert len(needs(after)) <= len(needs(before))


@given(catalogues(), DECLARATIONS, DAYS)
def test_what_is_required_is_in_force_that_day(rules: Catalogue, lodged: Declaration, day: date) -> None:
    """A service that is out of force neither asks nor prohibits, and nothing else is said of it."""
    routing = route(lodged, rules, day)
    lapsed = {s.code for s in rules.services if not s.valid.covers(day)}
    assert not lapsed & {c.service for c in (*routing.required, *routing.prohibited)}
    by = {c.by for c in routing.ruled_out if c.service in lapsed}
    assert by <= {RuledOutBy.NOT_IN_FORCE}


@given(catalogues(), DECLARATIONS)
def test_of_a_group_at_most_one_body_is_asked_about_an_item(rules: Catalogue, lodged: Declaration) -> None:
    """One certificate is enough; and who is ruled out for it is ruled out for somebody who was chosen."""
    routing = route(lodged, rules, DAY)
    group_of = {s.code: s.alternative_group for s in rules.services}
    asked = [(r.item, group_of[r.service]) for r in routing.required if group_of[r.service]]
    assert len(asked) == len(set(asked))
    claimed = {
        (r.item, group_of[r.service])
        for r in routing.ruled_out
        if r.by in (RuledOutBy.EXEMPTION_CLAIM, RuledOutBy.OTHER_LPCO)
    }
    instead = {(r.item, group_of[r.service]) for r in routing.ruled_out if r.by is RuledOutBy.ALTERNATIVE}
    assert instead <= set(asked) | claimed


@given(catalogues(), DECLARATIONS)
def test_every_finding_explains_itself(rules: Catalogue, lodged: Declaration) -> None:
    """A sentence that begins with the code, names the law, and shows every fact the condition read."""
    codes = {item.number: item.hs_code for item in lodged.items}
    for candidate in every(route(lodged, rules, DAY)):
        assert candidate.because.startswith(f"{codes[candidate.item]} ")
        assert candidate.because.endswith(".")
        assert candidate.law["en"] in candidate.because
        assert set(candidate.assumed) <= candidate.values.keys()
        assert bool(candidate.values) == (candidate.predicate is not None)
