"""The files beside the agencies': attributes, lists, exemptions, calendars, policy."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from hub.config.models.base import Day, Duration, FileModel, TimeOfDay
from hub.domain.forms import Form
from hub.domain.model import Slug, Text


class AttributeFile(FileModel):
    """One thing a declarant may say about a goods item."""

    title: Text
    """By language."""
    type: Literal["string", "bool", "number", "list"]
    """What a declared value must be."""
    absent: Any = None
    """What it means when not declared; by default "", false, 0 or []."""
    values: list[str] = []
    """The only values that may be declared; any, where there are none."""
    form: Form = Form.TEXT
    """How a string, or each member of a list, is compared."""


class AttributesFile(FileModel):
    """attributes.yaml: what a declarant may say about a goods item beyond the common elements."""

    attributes: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], AttributeFile]
    """By name, as conditions and declarations use it."""


class ListsFile(FileModel):
    """lists.yaml: code lists that predicates use, as `list.cites_species`."""

    lists: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], list[str]]
    """By name."""


class ExemptionFile(FileModel):
    """One reason why a law does not apply."""

    name: Text
    """By language."""
    law: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    """The law code of the services it speaks of."""
    document_required: bool = False
    """A claim without a document is a fault of the declaration."""


class ExemptionsFile(FileModel):
    """exemptions.yaml: the reasons a declarant may claim why a law does not apply."""

    exemptions: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{2}[A-Z][0-9]{2}$")], ExemptionFile]
    """By code: law code, letter, two digits, as `90A01`."""


class CalendarFile(FileModel):
    """When one kind of office works."""

    zone: str
    """IANA name, as Asia/Seoul."""
    closes_at: TimeOfDay
    """When a working day ends, and with it what is due on it."""
    holidays: str | None = None
    """ISO 3166-1 country (with optional subdivision, `US-NY`) of the `holidays` package."""
    closed: list[Day] = []
    """Days on which nobody works, beside holidays and weekends."""
    weekend: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = ["sat", "sun"]
    """Days of the week on which nobody works."""


class CalendarsFile(FileModel):
    """calendar.yaml: when agencies work. `default` must be there."""

    calendars: dict[Slug, CalendarFile]
    """By name; agencies name theirs."""


class PolicyFile(FileModel):
    """policy.yaml: release policy of this administration."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    """Stands in every mrn."""
    hs_digits: Annotated[int, Field(ge=6, le=12, strict=True)] | None = None
    """Digits of the national tariff; a shorter code of a goods item is a fault. Without it, none is."""
    refusal_open_for: Duration = "30d"
    """How long after a refusal an agency may still change its mind."""
