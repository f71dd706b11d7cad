"""Conditions over the facts of a goods item."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub.domain.catalogue import Attribute
from hub.domain.declaration import Consignment, Declarant, Declaration, GoodsItem, Lpco, Party, Procedure
from hub.domain.facts import BUILT_IN_FACTS, item_facts
from hub.domain.model import Measure
from hub.expressions import ExpressionFailed, ExpressionFault, PredicateCompiler

ATTRIBUTES = {
    a.name: a
    for a in (
        Attribute("used", "bool", {"en": "Used"}, False),
        Attribute("tracked", "bool", {"en": "On tracks"}, False),
        Attribute("voltage", "number", {"en": "Voltage"}, 0.0),
        Attribute("species", "string", {"en": "Species"}, ""),
        Attribute("materials", "list", {"en": "Materials"}, ()),
    )
}
LISTS = {"cites_species": ("Huso huso", "Panthera tigris")}


@pytest.fixture(scope="module")
def compiler() -> PredicateCompiler:
    return PredicateCompiler(ATTRIBUTES, LISTS)


def facts_of(**declared: object) -> dict[str, object]:
    header = {"lpcos": declared.pop("header_lpcos", ())}
    item = GoodsItem.model_validate({"number": 1, "hs_code": "8429521022", **declared})
    declaration = Declaration(
        lrn="L1",
        procedure=Procedure.IMPORT,
        declarant=Declarant(id="D1"),
        importer=Party(id="I1"),
        exporter=Party(id="E1"),
        office="020",
        consignment=Consignment(ucr="U1"),
        items=(item,),
        **header,
    )
    return dict(item_facts(declaration, item, ATTRIBUTES)[0])


def fault_of(compiler: PredicateCompiler, text: str) -> ExpressionFault:
    with pytest.raises(ExpressionFault) as caught:
        compiler.compile(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "attributes", "holds"),
    [
        ("item.used && item.tracked", {"used": True, "tracked": True}, True),
        ("item.used && item.tracked", {"used": True}, False),
        ('!item.hs_code.startsWith("84") || item.used', {}, False),
        ("item.voltage > 30.0", {"voltage": Decimal("30.01")}, True),
        ("item.species in list.cites_species", {"species": "Huso huso"}, True),
        ("item.species in list.cites_species", {}, False),
        ('"animal" in item.materials', {"materials": ("plant", "animal")}, True),
        ('declaration.procedure == "import"', {}, True),
        ("list.cites_species.exists(s, s == item.species)", {"species": "Panthera tigris"}, True),
    ],
)
def test_a_condition_holds_for_the_facts_of_an_item(
    compiler: PredicateCompiler, text: str, attributes: dict[str, object], holds: bool
) -> None:
    """Every type of fact, built-in and configured, and code lists, can be read; absence has its meaning."""
    assert compiler.compile(text)(facts_of(attributes=attributes)) is holds


def test_every_built_in_fact_can_be_read(compiler: PredicateCompiler) -> None:
    """Each built-in fact has its name and type, and its meaning when it was not declared."""
    literal = {"string": '""', "number": "0.0", "list": "[]", "bool": "false"}
    declared = facts_of(
        origin="JP",
        net_mass_kg="1.5",
        gross_mass_kg="2",
        value={"amount": "10", "currency": "USD"},
        quantity=Measure(value=Decimal(3), unit="NAR"),
        lpcos=(Lpco(type="N853", id="1"),),
        header_lpcos=(Lpco(type="C085", id="2"), Lpco(type="N853", id="3")),
    )
    for fact in BUILT_IN_FACTS:
        unlike_absent = compiler.compile(f"{fact.name} != {literal[fact.type]}")
        known_absent = fact.name.startswith("declaration.country")
        assert unlike_absent(declared) is not known_absent
    assert declared["item.lpco_types"] == ("N853", "C085")


def test_facts_that_were_not_declared_are_named() -> None:
    """Beside the facts stand the names of those that took their meaning of absence."""
    item = GoodsItem(number=1, hs_code="840999", attributes={"used": False})
    declaration = Declaration(
        lrn="L1",
        procedure=Procedure.EXPORT,
        declarant=Declarant(id="D1"),
        consignment=Consignment(ucr="U1", country_of_destination="US"),
        items=(item,),
    )
    facts, assumed = item_facts(declaration, item, ATTRIBUTES)
    assert facts["item.used"] is False
    assert "item.used" not in assumed
    assert {"item.tracked", "item.origin", "item.lpco_types"} <= assumed
    assert not assumed & {"item.hs_code", "declaration.procedure", "declaration.country_of_destination"}
    assert facts["item.voltage"] == 0.0


def test_names_are_the_facts_in_order_of_appearance(compiler: PredicateCompiler) -> None:
    """Names are facts, once each, as they appear: not lists, not variables, not what stands in a text."""
    predicate = compiler.compile(
        '"item.origin" != item.species && list.cites_species.exists(x, x == item.species) '
        "// item.voltage\n || item.used || declaration.procedure == item.currency"
    )
    assert predicate.names == ("item.species", "item.used", "declaration.procedure", "item.currency")


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "cure"),
    [
        ("item.usd", 1, 1, "there is no 'item.usd' here", "did you mean 'item.used'?"),
        (
            "item.used &&\n  item.trackd",
            2,
            3,
            "there is no 'item.trackd' here",
            "did you mean 'item.tracked'?",
        ),
        (
            "item.species in list.cites_specie",
            1,
            17,
            "there is no 'list.cites_specie' here",
            "did you mean 'list.cites_species'?",
        ),
        (
            "item.voltage > 30",
            1,
            14,
            "`>` does not go with (number, whole number)",
            "write the number with a decimal point, as 5.0",
        ),
        ("item.species", 1, 1, "a condition is true or false; this is string", "compare it with something"),
        ("dyn(item.used)", 1, 1, "a condition is true or false; this is dyn", "compare it with something"),
        ("=item.used", 1, 1, "a condition stands bare", "remove the `=` at its start"),
        ("item.used &&", 1, 13, "it ends too early", "complete it, and close every bracket and quote"),
        ("item.used & item.tracked", 1, 11, "'&' means nothing here", "write &&"),
        ('item.species == "a', 1, 17, """the text "a is not closed""", 'end it with "'),
        ("item.used and item.tracked", 1, 11, "'and' is not expected here", "write &&"),
        ("used(item.used)", 1, 5, "there is no function 'used'", ""),
    ],
)
def test_a_wrong_condition_is_a_fault_with_place_and_cure(
    compiler: PredicateCompiler, text: str, line: int, column: int, message: str, cure: str
) -> None:
    """Names, types and syntax are judged before any goods item is seen, in words an engineer can act on."""
    fault = fault_of(compiler, text)
    assert (fault.line, fault.column, fault.message, fault.cure) == (line, column, message, cure)


def test_several_mistakes_are_told_together(compiler: PredicateCompiler) -> None:
    """A condition with two unknown names names both."""
    message = fault_of(compiler, "item.colour == item.shape").message
    assert "item.colour" in message
    assert "item.shape" in message


def test_nesting_is_bounded(compiler: PredicateCompiler) -> None:
    """A condition nested out of reason is a fault, not a crash."""
    assert fault_of(compiler, "(" * 5000 + "item.used" + ")" * 5000).message == "it is nested too deeply"


def test_what_only_shows_with_data_fails_with_the_reason(compiler: PredicateCompiler) -> None:
    """A condition that is right in form and wrong for its data says so, with its text."""
    with pytest.raises(ExpressionFailed, match="greater than") as caught:
        compiler.compile('item.species.substring(20) == ""')(facts_of())
    assert caught.value.text == 'item.species.substring(20) == ""'
    with pytest.raises(ExpressionFailed, match=r"no fact 'item\.used'"):
        compiler.compile("item.used")({})


def test_an_attribute_may_not_take_the_name_of_a_built_in_fact() -> None:
    """Two facts of one name would leave open which one a condition means."""
    with pytest.raises(ValueError, match="origin"):
        PredicateCompiler({"origin": Attribute("origin", "string", {"en": "Origin"}, "")}, {})
