"""GovernmentAgencyGoodsItem."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.api.wco.documents import read_documents
from hub.api.wco.draft import Slip
from hub.api.wco.node import Node
from hub.api.wco.values import Misread, decimal_of, kilograms_of, measure_of, money_of, whole_of
from hub.domain.catalogue import Attribute

ATTRIBUTE = "ATT"
"""
StatementTypeCode of an AdditionalInformation that declares an attribute: StatementCode is its name,
StatementDescription its value; a list is declared by repeating it. A convention of this hub.
"""


def read_goods_item(slip: Slip, attributes: Mapping[str, Attribute], zone: ZoneInfo) -> None:
    """One goods item into the object of `slip`."""
    item = slip.node
    number = item.first("SequenceNumeric")
    if number is None:
        slip.wrong("number", item, "the goods item has no SequenceNumeric", below="SequenceNumeric")
    slip.read("number", number, whole_of)
    _commodity_code(slip)
    slip.text("description", item.first("Commodity/Description", "Commodity/CargoDescription"))
    slip.text("origin", _origin(item))
    slip.read("quantity", item.first("Commodity/GoodsMeasure/TariffQuantity"), measure_of)
    slip.read("net_mass_kg", item.first("Commodity/GoodsMeasure/NetNetWeightMeasure"), kilograms_of)
    slip.read(
        "gross_mass_kg",
        item.first("Commodity/GoodsMeasure/GrossMassMeasure", "GoodsMeasure/GrossMassMeasure"),
        kilograms_of,
    )
    _value(slip)
    _packages(slip)
    _attributes(slip, attributes)
    read_documents(slip, item.children("AdditionalDocument"), zone, claims=True)


def _commodity_code(slip: Slip) -> None:
    """
    TSP (the tariff's code, eight digits in the EU) followed by TRC (two digits of TARIC), TSP alone, HS, or
    a Classification without a type. National additional codes (GN), TARIC additional codes (TRA), customs
    union and statistics numbers (CV) and the like are not part of the code.
    """
    by_type: dict[str, list[Node]] = {}
    for classification in slip.node.all("Commodity/Classification"):
        code = classification.first("ID")
        if code is not None:
            kind = classification.word("IdentificationTypeCode").upper()
            by_type.setdefault(kind, []).append(code)
    for kind in ("TSP", "HS", ""):
        codes = by_type.get(kind)
        if codes:
            break
    else:
        where = slip.node.first("Commodity") or slip.node
        slip.wrong(
            "hs_code",
            where,
            "the goods item has no commodity code (type TSP with TRC, or HS), "
            "so that nobody can tell which agencies must consent",
            below="Classification" if where.name == "Commodity" else "Commodity/Classification",
        )
        return
    parts = codes[:1] + (by_type.get("TRC", [])[:1] if kind == "TSP" else [])
    for again in codes[1:]:
        if again.text != codes[0].text:
            slip.wrong("hs_code", again, f"a second commodity code beside {codes[0].text[:20]!r}")
    written = "".join(part.text for part in parts)
    digits = written.replace(".", "").replace(" ", "")
    if not (digits.isascii() and digits.isdigit()):
        slip.wrong("hs_code", parts[0], f"the commodity code {written[:20]!r} holds more than digits")
    elif slip.at + "/hs_code" not in slip.draft.complained:
        slip.put("hs_code", digits, parts[0])


def _origin(item: Node) -> Node | None:
    """The country of origin (TypeCode 1), not the country of preferential origin (2), if both are given."""
    origins = [*item.children("Origin"), *item.all("Commodity/Origin")]
    for wanted in ("1", "", "2"):
        for origin in origins:
            country = origin.first("CountryCode")
            if country is not None and origin.word("TypeCode") == wanted:
                return country
    return origins[0].first("CountryCode") if origins else None


def _value(slip: Slip) -> None:
    """
    What was charged for the goods, else their customs value, else their statistical value.

    An amount without a currency says nothing that could be used, and is no reason to turn goods away.
    """
    amounts = [
        amount
        for path in (
            "Commodity/InvoiceLine/ItemChargeAmount",
            "InvoiceLine/ItemChargeAmount",
            "CustomsValueAmount",
            "CustomsValuation/CustomsValueAmount",
            "StatisticalValueAmount",
        )
        for amount in slip.node.all(path)
    ]
    with_currency = (amount for amount in amounts if amount.attribute("currencyID"))
    slip.read("value", next(with_currency, None), money_of)


def _packages(slip: Slip) -> None:
    counts = list(slip.node.all("Packaging/QuantityQuantity"))
    total = 0
    for count in counts:
        try:
            total += whole_of(count)
        except Misread as error:
            slip.wrong("packages", count, str(error))
            return
    if counts:
        slip.put("packages", total, counts[0])


def _attributes(slip: Slip, attributes: Mapping[str, Attribute]) -> None:
    values: dict[str, object] = {}
    for statement in slip.node.children("AdditionalInformation"):
        if statement.word("StatementTypeCode") != ATTRIBUTE:
            continue
        name = statement.word("StatementCode")
        if not name:
            slip.draft.fault(statement, "the attribute has no StatementCode", below="StatementCode")
            continue
        value = statement.first("StatementDescription")
        if value is None:
            slip.draft.fault(statement, f"the attribute {name} has no value", below="StatementDescription")
            continue
        inner = slip.at + "/attributes/" + name.replace("~", "~0").replace("/", "~1")
        slip.draft.place(inner, value)
        known = attributes.get(name)
        if known is not None and known.type == "list":
            earlier = values.get(name, ())
            assert isinstance(earlier, tuple)
            values[name] = (*earlier, value.text)
        elif name in values:
            slip.draft.fault(statement, f"the attribute {name} is declared twice")
        else:
            try:
                values[name] = _attribute_value(known, value)
            except Misread as error:
                slip.draft.fault(value, f"{name}: {error}")
    if values:
        slip.values["attributes"] = values


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
"""xs:boolean."""


def _attribute_value(attribute: Attribute | None, value: Node) -> bool | Decimal | str:
    if attribute is not None and attribute.type == "bool":
        if value.text not in _BOOLEANS:
            raise Misread(f"{value.text[:40]!r} is neither true nor false")
        return _BOOLEANS[value.text]
    if attribute is not None and attribute.type == "number":
        return decimal_of(value)
    return value.text
