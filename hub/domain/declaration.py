"""What a declarant lodges. Terms are those of the WCO Data Model 3.6 where it has one."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictBool,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from hub.domain.model import CountryCode, HsCode, Measure, Model, Money, Number, UtcDatetime

MAX_GOODS_ITEMS = 1999
"""
More than any customs law we know of allows in one declaration (the Union's is 999), and no more than an
agency's request can be filled with in about a second: one declaration must not hold up the others.
"""


# The Unicode categories Cc, Zl and Zp.
_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _one_line(text: str) -> str:
    if text and not text.strip():
        raise ValueError("may not be blank")
    if _BREAKING.search(text):
        raise ValueError("may not contain control characters or line breaks")
    return text


OneLine = AfterValidator(_one_line)
"""Of a reference: it is repeated in messages, logs and lists, where a line break would end it."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=70, strip_whitespace=True), OneLine]
Note = Annotated[str, StringConstraints(max_length=2000)]


def _only_a_number(value: object) -> Decimal:
    # Text that looks like a number stays text, and true is not 1: attributes have types. It is a decimal
    # before pydantic looks, which in strict mode takes nothing else for one.
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("not a number")
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _a_double_holds_it(value: Decimal) -> Decimal:
    if Decimal(repr(float(value))) != value:
        raise ValueError("more digits than a double holds; write at most 15 significant digits")
    return value


def _as_json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


AttributeNumber = Annotated[
    Decimal,
    Field(allow_inf_nan=False),
    BeforeValidator(_only_a_number),
    AfterValidator(_a_double_holds_it),
    PlainSerializer(_as_json_number, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""A number that JSON carries as a number and gives back as the same number."""
AttributeValue = StrictBool | AttributeNumber | StrictStr | tuple[StrictStr, ...]
"""A goods item's attribute. What names and types there are is configuration (`attributes.yaml`)."""


def _canonical(value: object) -> object:
    """What JSON has no type for. A number is an object, so that it is never the text that looks like it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} stands in no declaration")
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    zeros = len(text) - len(kept)
    return {"number": f"{'-' if sign else ''}{kept}e{int(exponent) + zeros}" if kept else "0"}


class Procedure(StrEnum):
    """What is done with the goods at the border."""

    IMPORT = "import"
    EXPORT = "export"
    TRANSIT = "transit"


class Party(Model):
    """A trader or broker; `id` is the registration number with customs."""

    id: Reference | None = None
    name: Note | None = None
    address: Note | None = None
    country: CountryCode | None = None

    @model_validator(mode="after")
    def _is_known_by_something(self) -> Self:
        if self.id is None and self.name is None:
            raise ValueError("a party needs an id or a name")
        return self


class Declarant(Model):
    """Who lodges; with the `lrn` the `id` makes a declaration unique."""

    id: Reference
    name: Note | None = None


class Lpco(Model):
    """A licence, permit, certificate or other document presented with the goods."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=35)]
    id: Annotated[str, StringConstraints(max_length=70), OneLine] = ""
    issuer: Annotated[str, StringConstraints(max_length=100)] | None = None
    """Who issued it: an agency's slug, or a name as written on it."""
    issued_at: UtcDatetime | None = None
    valid_until: UtcDatetime | None = None
    quantity: Measure | None = None
    status: Annotated[str, StringConstraints(max_length=10)] | None = None


class ExemptionClaim(Model):
    """
    The declarant's coded statement that a law does not apply to an item.

    `code` is a two-digit law code, a class (A not covered, B exempt in the law, C exempt by notice,
    Z other) and a serial, as 13A01.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}[A-Z][0-9]{2}$")]
    document: Annotated[str, StringConstraints(min_length=1, max_length=70), OneLine] | None = None


class GoodsItem(Model):
    """One numbered line (WCO GovernmentAgencyGoodsItem). Masses are kilograms."""

    number: Annotated[int, Field(ge=1, le=99999)]
    hs_code: HsCode
    description: Note = ""
    origin: CountryCode | None = None
    quantity: Measure | None = None
    net_mass_kg: Annotated[Number, Field(ge=0)] | None = None
    gross_mass_kg: Annotated[Number, Field(ge=0)] | None = None
    value: Money | None = None
    packages: Annotated[int, Field(ge=0)] | None = None
    attributes: dict[str, AttributeValue] = Field(default_factory=dict)
    lpcos: tuple[Lpco, ...] = ()
    exemptions: tuple[ExemptionClaim, ...] = ()


class Consignment(Model):
    """Goods moving together."""

    ucr: Annotated[str, StringConstraints(min_length=1, max_length=35), OneLine]
    """Unique consignment reference (WCO; ISO 15459)."""
    cargo_management_number: Annotated[str, StringConstraints(max_length=35), OneLine] | None = None
    transport_mode: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,2}$")] | None = None
    """UN/ECE Recommendation 19: 1 sea, 2 rail, 3 road, 4 air."""
    transport_id: Annotated[str, StringConstraints(max_length=35)] | None = None
    containers: tuple[Annotated[str, StringConstraints(max_length=35)], ...] = ()
    country_of_dispatch: CountryCode | None = None
    country_of_destination: CountryCode | None = None
    location: Annotated[str, StringConstraints(max_length=70)] | None = None
    arrives_at: UtcDatetime | None = None


class Declaration(Model):
    """One declaration as lodged. `lrn` is the declarant's own reference for it."""

    lrn: Annotated[str, StringConstraints(min_length=1, max_length=35), OneLine]
    procedure: Procedure
    declarant: Declarant
    importer: Party | None = None
    exporter: Party | None = None
    office: Annotated[str, StringConstraints(max_length=17)] | None = None
    """The customs office it is lodged at."""
    consignment: Consignment
    items: Annotated[tuple[GoodsItem, ...], Field(min_length=1, max_length=MAX_GOODS_ITEMS)]
    lpcos: tuple[Lpco, ...] = ()
    """Documents that go with every item."""

    @model_validator(mode="after")
    def _items_are_numbered_once(self) -> Self:
        counts = Counter(item.number for item in self.items)
        twice = sorted(number for number, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"goods item numbers must be unique; used twice: {twice}")
        return self

    def item(self, number: int) -> GoodsItem:
        """The goods item of that number. Raises KeyError."""
        for item in self.items:
            if item.number == number:
                return item
        raise KeyError(number)

    @property
    def content_hash(self) -> str:
        """
        SHA-256 of what was declared, in hexadecimal: the same content has the same hash.

        A number is the same however many zeros it ends in.
        """
        canonical = json.dumps(self.model_dump(), default=_canonical, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
