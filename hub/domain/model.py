"""The base of every domain model, and the small types they share."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Model(BaseModel):
    """An immutable value; unknown fields are faults, so that nothing a caller wrote is silently lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the instant lies beyond the calendar") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
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


class Money(Model):
    amount: Decimal
    currency: CurrencyCode


class Measure(Model):
    """A quantity; `unit` is a UN/ECE Recommendation 20 code such as KGM, NAR, LTR."""

    value: Decimal
    unit: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,8}$")]
