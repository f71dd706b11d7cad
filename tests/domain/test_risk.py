"""The risk channel: a score by rules, a share by chance, and both worked out again from what is recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hub.demo
from hub.domain.catalogue import Attribute
from hub.domain.declaration import Declaration
from hub.domain.risk import BuiltInRisk, Channel, RiskReason, RiskRule, RiskRules, draw
from tests.domain.support import Says, configuration, consignments, declaration, flag

AT = datetime(2026, 3, 2, tzinfo=UTC)
SEEDS = st.text("0123456789abcdef", min_size=32, max_size=32)
_DEMO = Path(hub.demo.__file__).parent


def of_office(name: str) -> Says:
    """Holds for declarations lodged at that office."""
    fact = "declaration.office"
    return Says(fact, (fact,), lambda facts: facts[fact] == name)


RULES = RiskRules(
    rules=(
        RiskRule("a", flag("a"), 30, {"en": "A"}),
        RiskRule("b", flag("b"), 40, {"en": "B"}),
        RiskRule("port", of_office("PORT"), 60, {"en": "Port"}),
        RiskRule("trusted", of_office("TRUSTED"), -30, {"en": "Trusted"}),
    ),
    attributes={name: Attribute(name, "bool", {"en": name}, absent=False) for name in "ab"},
    yellow_from=50,
    red_from=100,
    version="r1",
)


def lodged(*flags: str, **more: str) -> Declaration:
    """A goods item for each word: the letters are the flags that are set."""
    return declaration(
        *({"hs_code": "010121", "attributes": dict.fromkeys(word, True)} for word in flags), **more
    )


@pytest.mark.parametrize(
    ("items", "office", "channel", "score", "reasons"),
    [
        (["", ""], None, Channel.GREEN, 0, []),
        (["a"], None, Channel.GREEN, 30, [("a", 1)]),
        (["a", "b"], None, Channel.YELLOW, 70, [("a", 1), ("b", 2)]),
        # A rule counts once, for however many items it holds; each of them is named.
        (["a", "a", "", "a"], None, Channel.GREEN, 30, [("a", 1), ("a", 2), ("a", 4)]),
        (["ab"], "PORT", Channel.RED, 130, [("a", 1), ("b", 1), ("port", None)]),
        (["", ""], "PORT", Channel.YELLOW, 60, [("port", None)]),
        (["ab"], "TRUSTED", Channel.GREEN, 40, [("a", 1), ("b", 1), ("trusted", None)]),
    ],
)
def test_the_channel_is_a_sum_of_weights(
    items: list[str], office: str | None, channel: Channel, score: int, reasons: list[tuple[str, int | None]]
) -> None:
    """With the rules that held; one that reads nothing of the goods speaks of the declaration as a whole."""
    weights = {rule.name: rule.weight for rule in RULES.rules}
    assessment = RULES.assess(lodged(*items, **({"office": office} if office else {})), "00")
    assert (assessment.channel, assessment.score, assessment.drawn) == (channel, score, False)
    assert list(assessment.reasons) == [
        RiskReason(rule=name, weight=weights[name], item=item) for name, item in reasons
    ]


@given(
    seed=SEEDS,
    share=st.floats(0, 1),
    words=st.lists(st.sampled_from(["", "a", "b", "ab"]), min_size=1, max_size=3),
)
def test_an_assessment_is_a_function_of_declaration_rules_and_seed(
    seed: str, share: float, words: list[str]
) -> None:
    """Chance picks green ones only, those whose draw lies below the share; and what it picks is told."""
    rules = RiskRules(RULES.rules, RULES.attributes, 50, 100, share, Channel.RED, "r1")
    assessment = rules.assess(lodged(*words), seed)
    assert assessment == rules.assess(lodged(*words), seed)
    by_score = RULES.assess(lodged(*words), seed)
    assert assessment.drawn is (by_score.channel is Channel.GREEN and draw(seed) < share)
    assert assessment.channel is (Channel.RED if assessment.drawn else by_score.channel)
    assert (assessment.reasons, assessment.score) == (by_score.reasons, by_score.score)


def test_a_draw_is_the_same_everywhere_and_spread_evenly() -> None:
    """Recorded seeds must draw in ten years what they drew: this is the number, written down."""
    assert draw("00" * 16) == pytest.approx(0.5190544675521416)
    draws = [draw(f"{n:032x}") for n in range(4000)]
    assert all(0 <= one < 1 for one in draws)
    assert sum(one < 0.02 for one in draws) == pytest.approx(80, abs=30)


def test_whoever_doubts_an_assessment_works_it_out_again() -> None:
    """With the seed that was recorded; under other rules there is nothing to compare it with."""
    engine = BuiltInRisk(RULES)
    assessment = engine.assess(lodged("ab"), AT)
    assert len(bytes.fromhex(assessment.seed)) == 16
    assert assessment.seed != engine.assess(lodged("ab"), AT).seed
    assert engine.repeated(lodged("ab"), assessment) == assessment
    other = BuiltInRisk(RiskRules(RULES.rules, RULES.attributes, 50, 100, version="r2"))
    assert other.repeated(lodged("ab"), assessment) is None
    assert engine.titles["port"] == {"en": "Port"}


# --- the rules that are shipped ---------------------------------------------------------------------------


def shipped() -> RiskRules:
    rules = configuration().risk
    assert rules is not None
    return rules


def test_a_banned_region_is_no_ordinary_one() -> None:
    """The one consignment of the examples that the rules look at; it may not cross anyway."""
    banned = consignments()["meat-through-a-banned-region"]
    lodged = declaration(*banned["items"], consignment=banned["consignment"])
    assert shipped().assess(lodged, "00").channel is Channel.RED


@pytest.mark.parametrize("name", sorted(consignments().keys() - {"meat-through-a-banned-region"}))
def test_ordinary_consignments_are_green(name: str) -> None:
    """Nothing is left to chance, so every installation begins with the outcome of the agencies alone."""
    example = consignments()[name]
    more = {key: example[key] for key in ("procedure", "consignment", "lpcos") if key in example}
    assert shipped().share == 0
    assert shipped().assess(declaration(*example["items"], **more), "00").channel is Channel.GREEN


def test_the_declaration_of_the_demonstration_is_green() -> None:
    cherries = Declaration.model_validate(json.loads((_DEMO / "cherries.json").read_text(encoding="utf-8")))
    assert shipped().assess(cherries, "00").channel is Channel.GREEN


@pytest.mark.parametrize(
    ("item", "more", "channel", "rules"),
    [
        ({}, {"declarant": {"id": "KR-RISK-DOC-1"}}, Channel.YELLOW, ["trader-watched-documents"]),
        ({}, {"declarant": {"id": "KR-RISK-RED-1"}}, Channel.RED, ["trader-watched-goods"]),
        (
            {},
            {"declarant": {"id": "KR-RISK-DOC-1"}, "importer": {"id": "KR-AEO-7"}},
            Channel.GREEN,
            ["trader-watched-documents", "trusted-trader"],
        ),
        (
            {"quantity": {"value": 100, "unit": "NAR"}, "value": {"amount": 300, "currency": "USD"}},
            {},
            Channel.YELLOW,
            ["value-unlikely"],
        ),
        ({"net_mass_kg": 12, "gross_mass_kg": 10}, {}, Channel.YELLOW, ["mass-unlikely"]),
        ({}, {"consignment": {"country_of_dispatch": "KP"}}, Channel.RED, ["dispatch-under-measures"]),
    ],
)
def test_the_shipped_rules(item: dict, more: dict, channel: Channel, rules: list[str]) -> None:
    """Each finds what it is for: watches, at 3 USD a piece, from somewhere, by somebody."""
    assessment = shipped().assess(declaration({"hs_code": "910111", **item}, **more), "00")
    assert (assessment.channel, [reason.rule for reason in assessment.reasons]) == (channel, rules)
