"""What conditions may read about a goods item: the facts every item has, and those that are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from hub.domain.catalogue import Attribute
from hub.domain.declaration import Declaration, GoodsItem

FactValue = bool | float | str | tuple[str, ...]
"""What a condition reads of one fact."""

FactType = Literal["string", "bool", "number", "list"]
"""As of attributes: text, true or false, a number (compared as a float), a list of texts."""


@dataclass(frozen=True, slots=True)
class BuiltInFact:
    """A fact that needs no configuration. `read` returns None where it was not declared."""

    name: str
    """As conditions write it: `item.origin`."""
    type: FactType
    absent: FactValue
    """What it is taken for when it was not declared."""
    meaning: str
    read: Callable[[Declaration, GoodsItem], FactValue | None]


def _number(value: Decimal | None) -> float | None:
    # Exact arithmetic is not wanted here: conditions compare, and CEL has no decimals.
    return None if value is None else float(value)


def _lpco_types(declaration: Declaration, item: GoodsItem) -> tuple[str, ...] | None:
    types = dict.fromkeys(lpco.type for lpco in (*item.lpcos, *declaration.lpcos))
    return tuple(types) or None


BUILT_IN_FACTS: tuple[BuiltInFact, ...] = (
    BuiltInFact("item.hs_code", "string", "", "HS code as declared, digits only", lambda d, i: i.hs_code),
    BuiltInFact("item.origin", "string", "", "country of origin (ISO 3166-1)", lambda d, i: i.origin),
    BuiltInFact(
        "item.net_mass_kg", "number", 0.0, "net mass in kilograms", lambda d, i: _number(i.net_mass_kg)
    ),
    BuiltInFact(
        "item.gross_mass_kg", "number", 0.0, "gross mass in kilograms", lambda d, i: _number(i.gross_mass_kg)
    ),
    BuiltInFact(
        "item.value",
        "number",
        0.0,
        "value in `item.currency`",
        lambda d, i: _number(i.value.amount) if i.value else None,
    ),
    BuiltInFact(
        "item.currency",
        "string",
        "",
        "currency of the value (ISO 4217)",
        lambda d, i: i.value.currency if i.value else None,
    ),
    BuiltInFact(
        "item.quantity",
        "number",
        0.0,
        "quantity in `item.unit`",
        lambda d, i: _number(i.quantity.value) if i.quantity else None,
    ),
    BuiltInFact(
        "item.unit",
        "string",
        "",
        "unit of the quantity (UN/ECE Recommendation 20)",
        lambda d, i: i.quantity.unit if i.quantity else None,
    ),
    BuiltInFact(
        "item.lpco_types", "list", (), "types of the documents of the item and of the header", _lpco_types
    ),
    BuiltInFact(
        "declaration.procedure", "string", "", "import, export or transit", lambda d, i: d.procedure.value
    ),
    BuiltInFact(
        "declaration.country_of_dispatch",
        "string",
        "",
        "where the consignment comes from (ISO 3166-1)",
        lambda d, i: d.consignment.country_of_dispatch,
    ),
    BuiltInFact(
        "declaration.country_of_destination",
        "string",
        "",
        "where the consignment goes (ISO 3166-1)",
        lambda d, i: d.consignment.country_of_destination,
    ),
    BuiltInFact("declaration.office", "string", "", "customs office it is lodged at", lambda d, i: d.office),
    BuiltInFact("declaration.declarant", "string", "", "id of who lodges it", lambda d, i: d.declarant.id),
    BuiltInFact(
        "declaration.importer",
        "string",
        "",
        "registration number of the importer",
        lambda d, i: d.importer.id if d.importer else None,
    ),
    BuiltInFact(
        "declaration.exporter",
        "string",
        "",
        "registration number of the exporter",
        lambda d, i: d.exporter.id if d.exporter else None,
    ),
)
"""The one table of built-in facts; an attribute may not take one of these names."""


_ITEM = "item."
_BY_NAME = {fact.name: fact for fact in BUILT_IN_FACTS}


def attribute_fact(name: str) -> str:
    """The name by which conditions read an attribute: `used` is `item.used`."""
    return f"{_ITEM}{name}"


def item_facts(
    declaration: Declaration, item: GoodsItem, attributes: Mapping[str, Attribute]
) -> tuple[dict[str, FactValue], frozenset[str]]:
    """
    Every fact about a goods item, and the names of those that were not declared.

    A fact that was not declared has its meaning of absence. Decimals become floats and texts take the form in
    which they are compared, for comparing only.
    """
    names = (*_BY_NAME, *map(attribute_fact, attributes))
    read = {name: read_fact(declaration, item, attributes, name) for name in names}
    facts = {name: value for name, (value, _) in read.items()}
    return facts, frozenset(name for name, (_, declared) in read.items() if not declared)


def read_facts(
    declaration: Declaration, item: GoodsItem, attributes: Mapping[str, Attribute], names: Iterable[str]
) -> dict[str, FactValue]:
    """These facts about a goods item. Raises KeyError for a name that is none."""
    return {name: read_fact(declaration, item, attributes, name)[0] for name in names}


def read_fact(
    declaration: Declaration, item: GoodsItem, attributes: Mapping[str, Attribute], name: str
) -> tuple[FactValue, bool]:
    """One fact about a goods item, and whether it was declared. Raises KeyError for a name that is none."""
    built_in = _BY_NAME.get(name)
    if built_in is not None:
        read = built_in.read(declaration, item)
        return (built_in.absent, False) if read is None else (read, True)
    attribute = attributes[name.removeprefix(_ITEM)]
    declared = item.attributes.get(attribute.name)
    return (attribute.absent, False) if declared is None else (attribute.comparable(declared), True)
