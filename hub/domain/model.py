"""The base of every domain model, and the small types they share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
)


class Model(BaseModel):
    """An immutable value; unknown fields are faults, so that nothing a caller wrote is silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def in_utc(moment: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError where it lies before the year 1 or after 9999 there."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant lies beyond the calendar") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""An instant. An offset is required on the wire (RFC 3339); it is kept in UTC."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
"""A name for machines: lower case, digits, single hyphens."""

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217 alphabetic."""

HsCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{6,12}$")]
"""Harmonized System code: six digits, then national digits, without dots."""

Text = dict[str, str]
"""The same words in several languages, by ISO 639-1 code. `en` is always there."""


_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def _as_written(value: object) -> object:
    # Python would also read blanks, underscores and the digits of every script, which others read otherwise.
    if not isinstance(value, str):
        return value if isinstance(value, bool) or not isinstance(value, int | float) else Decimal(str(value))
    if not _DECIMAL.fullmatch(value):
        raise ValueError("must be a number, or a text that holds one")
    return Decimal(value)


Number = Annotated[Decimal, BeforeValidator(_as_written)]
"""A decimal; as a text it has ASCII digits, a point, and perhaps an exponent."""


class Money(Model):
    amount: Number
    currency: CurrencyCode


class Measure(Model):
    """A quantity; `unit` is a UN/ECE Recommendation 20 code such as KGM, NAR, LTR."""

    value: Number
    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}$")]
