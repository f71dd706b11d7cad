"""Routing in words: what a customs officer reads."""

from __future__ import annotations

import pytest

from hub.domain.explaining import in_words
from hub.domain.routing import route
from tests.domain.support import DAY, configuration, declaration


def because(service: str, **item: object) -> str:
    routing = route(declaration(item), configuration().catalogue, DAY)
    every = (*routing.required, *routing.ruled_out, *routing.prohibited)
    (candidate,) = [c for c in every if c.service == service]
    return candidate.because


def test_a_requirement_names_code_prefix_law_condition_and_facts() -> None:
    """One sentence says all that made a service needed."""
    said = because("apqa-plant-import", hs_code="8429521022", attributes={"used": True, "tracked": True})
    assert said == (
        "8429521022 begins with 842952, which the Plant Protection Act lists where used and tracked "
        "and state is not processed; declared: used yes, tracked yes; not declared: state (taken as nothing)."
    )


def test_what_is_not_needed_says_which_condition_does_not_hold() -> None:
    """The declared fact that made the difference stands in the sentence."""
    said = because("dapa-military", hs_code="9305209090", attributes={"intended_use": "sport"})
    assert said == (
        "9305209090 begins with 930520, which the Defense Acquisition Program Act lists only where "
        "intended use is military, and that does not hold; declared: intended use sport."
    )


def test_an_exclusion_and_a_prohibition_are_said_outright() -> None:
    """Rows that decide without facts say so without facts."""
    assert because("reo-invasive", hs_code="0301929090") == (
        "0301929090 is a code which the Act on Conservation and Use of Biological Diversity "
        "excepts from its list."
    )
    assert because("npa-firearms", hs_code="9503003919") == (
        "9503003919 is a code which the Act on the Safety Management of Guns, Swords, Explosives "
        "prohibits outright."
    )


def test_a_claim_is_quoted_with_its_reason() -> None:
    """The sentence first says why consent would be needed, then why it is not."""
    said = because("kgs-vessel", hs_code="7311001000", exemptions=[{"code": "22B03"}])
    assert said == (
        "7311001000 begins with 731100, which the High-Pressure Gas Safety Control Act art.17 lists; "
        "exempt as claimed with 22B03 (Attached to industrial machinery)."
    )


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("item.waste", "waste"),
        ("!item.live", "not live"),
        ('item.state != "processed"', "state is not processed"),
        ('item.use in ["feed", "pet_food"]', "use is feed or pet food"),
        ("item.species in list.cites_species", "species is on the list of cites species"),
        ('"animal" in item.materials', "animal is among materials"),
        ("item.volts > 30.0 && item.volts <= 1000.0", "volts is over 30 and volts is at most 1000"),
        ("(item.a || item.b) && item.c", "(a or b) and c"),
        ("item.cas.exists(c, c in list.toxic)", "one of the cas is on the list of toxic"),
        ('!item.hs_code.startsWith("84")', "hs code does not begin with 84"),
        ('declaration.procedure == "export"', "procedure is export"),
        ("item.a ? item.b : item.c", None),
        ('item.cas.exists(c, c.startsWith("5"))', None),
        ("size(item.cas) > 1", None),
        ('item.species.contains("eel")', None),
        ("item.mass + 1.0 > 3.0", None),
    ],
)
def test_a_condition_is_put_into_words_or_not_at_all(condition: str, words: str | None) -> None:
    """What is made of more than comparisons is not paraphrased: a wrong paraphrase is worse than none."""
    assert in_words(condition) == words


def test_a_condition_without_words_names_what_it_is_about() -> None:
    """The facts still show what was looked at, and the condition as written stands beside."""
    said = because("reo-cites", hs_code="0301929090", attributes={"species": "Anguilla japonica"})
    assert (
        "only on a condition about species, and that does not hold; declared: species Anguilla japonica"
        in said
    )
